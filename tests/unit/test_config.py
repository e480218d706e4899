"""`config`: what the environment says, and what a key may look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from memos_integrations.config import CLOUD_CN, CLOUD_GLOBAL, ModelServer, Settings, secret
from memos_integrations.errors import ConfigurationError


def test_an_empty_environment_is_embedded_with_everything_at_its_default() -> None:
    settings = Settings.from_env({})
    assert settings == Settings()
    assert settings.embedded
    assert settings.base_url == CLOUD_CN


def test_every_variable_arrives() -> None:
    settings = Settings.from_env(
        {
            "MEMOS_API_KEY": " mpg-1 ",
            "MEMOS_BASE_URL": "global",
            "MEMOS_MODE": "Cloud",
            "MEMOS_PATH": "~/m.db",
            "MEMOS_HOME": "~/home",
            "MEMOS_EMBEDDER": "none",
            "MEMOS_SERVER_KEY": "srv",
            "MEMOS_USER_ID": "ann",
        }
    )
    assert settings.api_key == SecretStr("mpg-1")
    assert settings.base_url == CLOUD_GLOBAL
    assert settings.mode == "cloud"
    assert settings.path == Path.home() / "m.db"
    assert settings.home == Path.home() / "home"
    assert settings.embedder == "none"
    assert settings.server_key == SecretStr("srv")
    assert settings.user_id == "ann"
    assert settings.database() == Path.home() / "m.db"


def test_blank_variables_are_unset() -> None:
    assert Settings.from_env({"MEMOS_API_KEY": " ", "MEMOS_BASE_URL": "", "MEMOS_MODE": "\t"}) == Settings()


def test_what_is_passed_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_API_KEY", "from-env")
    monkeypatch.setenv("MEMOS_BASE_URL", "https://env.example/v1")
    assert Settings.from_env().api_key == SecretStr("from-env")
    settings = Settings.from_env(api_key="mine", base_url="https://mine.example/v1/")
    assert settings.api_key == SecretStr("mine")
    assert settings.base_url == "https://mine.example/v1"


@pytest.mark.parametrize(
    ("environ", "embedded"),
    [
        ({}, True),
        ({"MEMOS_API_KEY": "k"}, False),
        ({"MEMOS_BASE_URL": "http://127.0.0.1:8765/api/openmem/v1"}, False),
        ({"MEMOS_BASE_URL": "global"}, True),
        ({"MEMOS_MODE": "embedded", "MEMOS_API_KEY": "k"}, True),
        ({"MEMOS_MODE": "cloud"}, False),
    ],
)
def test_mode_auto_looks_for_a_key_or_a_server_of_ones_own(environ: dict[str, str], embedded: bool) -> None:
    assert Settings.from_env(environ).embedded is embedded


@pytest.mark.parametrize("name", ["MEMOS_MODE", "MEMOS_EMBEDDER"])
def test_unknown_choices_name_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} must be one of: auto"):
        Settings.from_env({name: "sometimes"})


def test_plain_http_can_be_allowed_for_a_trusted_network() -> None:
    environ = {"MEMOS_BASE_URL": "http://memos:8765/v1", "MEMOS_API_KEY": "k"}
    with pytest.raises(ConfigurationError, match="https"):
        Settings.from_env(environ)
    settings = Settings.from_env({**environ, "MEMOS_ALLOW_INSECURE": "1"})
    assert settings.base_url == "http://memos:8765/v1"
    assert not settings.loopback


@pytest.mark.parametrize("key", ["mpg 1", "mpg\n1", "mpg-１", "k\x00"])
def test_a_key_that_cannot_be_a_header_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key holds characters") as caught:
        secret(key)
    assert key not in str(caught.value)


def test_secrets_and_user_do_not_show() -> None:
    shown = repr(Settings(api_key=SecretStr("canary-key"), server_key=SecretStr("canary-srv"), user_id="canary-user"))
    assert "canary" not in shown


def test_home_is_made_private_and_defaults_to_the_platforms_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Settings(home=tmp_path / "a" / "b").data_home()
    assert home == tmp_path / "a" / "b"
    assert home.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "xdg"))
    default = Settings().data_home()
    assert tmp_path / "xdg" in default.parents
    assert Settings().database() == default / "memos.db"


def test_where_memory_lies_can_be_asked_without_making_it(tmp_path: Path) -> None:
    assert Settings(home=tmp_path / "a").place == tmp_path / "a" / "memos.db"
    assert Settings(home=tmp_path / "a", path=tmp_path / "b" / "m.db").database() == tmp_path / "b" / "m.db"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="MEMOS_HOME"):
        Settings(home=tmp_path / "file" / "home").outbox()


def test_each_api_and_key_has_its_own_outbox(tmp_path: Path) -> None:
    def outbox(key: str | None, url: str = CLOUD_CN) -> Path:
        return Settings(home=tmp_path, api_key=secret(key), base_url=url).outbox()

    assert outbox("a") == outbox("a")
    assert len({outbox("a"), outbox("b"), outbox(None), outbox("a", CLOUD_GLOBAL)}) == 4
    assert outbox("a").parent == tmp_path
    assert "a" * 3 not in outbox("aaaaaaaa").name


def test_model_servers_come_with_all_their_variables() -> None:
    environ = {
        "MEMOS_EMBED_URL": "http://LOCALHOST:11434/v1/",
        "MEMOS_EMBED_MODEL": "e5",
        "MEMOS_EMBED_KEY": "canary-1",
    }
    environ |= {
        "MEMOS_EMBED_DIMENSIONS": "256",
        "MEMOS_EMBED_QUERY_PREFIX": "query:",
        "MEMOS_LLM_URL": "https://l.example",
    }
    environ |= {"MEMOS_LLM_MODEL": "big"}
    settings = Settings.from_env(environ)
    embed = ModelServer("http://localhost:11434/v1", "e5", SecretStr("canary-1"), 256, "query: ")
    assert settings.embed == embed
    assert settings.llm == ModelServer("https://l.example", "big")
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"MEMOS_EMBED_URL": "http://localhost/v1"}, "MEMOS_EMBED_MODEL"),
        ({"MEMOS_LLM_URL": "http://localhost/v1"}, "MEMOS_LLM_MODEL"),
        ({"MEMOS_LLM_URL": "http://ollama/v1", "MEMOS_LLM_MODEL": "m"}, "MEMOS_LLM_URL: .*https"),
        ({"MEMOS_LLM_URL": "https://o/v1", "MEMOS_LLM_MODEL": "m", "MEMOS_LLM_KEY": "a b"}, "MEMOS_LLM_KEY"),
        (
            {"MEMOS_EMBED_URL": "https://o/v1", "MEMOS_EMBED_MODEL": "m", "MEMOS_EMBED_DIMENSIONS": "0"},
            "MEMOS_EMBED_DIMENSIONS",
        ),
        (
            {"MEMOS_EMBED_URL": "https://o/v1", "MEMOS_EMBED_MODEL": "m", "MEMOS_EMBED_DIMENSIONS": "many"},
            "MEMOS_EMBED_DIMENSIONS",
        ),
    ],
)
def test_a_model_server_that_cannot_be_meant_is_named_by_its_variable(environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Settings.from_env(environ)


def test_a_trusted_network_holds_for_model_servers_too() -> None:
    environ = {"MEMOS_LLM_URL": "http://ollama:11434/v1", "MEMOS_LLM_MODEL": "m", "MEMOS_ALLOW_INSECURE": "1"}
    assert Settings.from_env(environ).llm == ModelServer("http://ollama:11434/v1", "m")
