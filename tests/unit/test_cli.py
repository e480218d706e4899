"""`cli`: the commands, run as a person runs them."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from memos_integrations import MemorySession, MemOSClient
from memos_integrations._jobs import Turn, turn_key
from memos_integrations._outbox import Outbox
from memos_integrations.cli import main
from memos_integrations.errors import MemOSError
from memos_integrations.models import Message
from tests.conftest import Serve
from tests.faults.fault_server import misbehaving, reply


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "m.db"
    monkeypatch.setenv("MEMOS_PATH", str(path))
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    return path


@pytest.fixture
def told(database: Path) -> list[str]:
    """Ann's memories, as texts."""
    with MemOSClient.embedded(database, embedder="none") as client:
        for sentence in ("I live in Lisbon.", "My dog is called Rex.", "I prefer short answers."):
            client.add_message([("user", sentence)], user_id="ann", conversation_id="c", async_mode=False)
        page = client.get_memory(user_id="ann", size=50)
    return [*(m.text for m in page.memories), *(p.text for p in page.preferences)]


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_list_shows_everything_and_knows_an_empty_memory(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--user", "ann"]) == 0
    assert sorted(line.split("  ", 1)[1] for line in capsys.readouterr().out.splitlines()) == sorted(told)
    assert main(["list", "--user", "bob"]) == 0
    assert capsys.readouterr() == ("nothing remembered\n", "")
    assert main(["list", "--user", "bob", "--json"]) == 0
    assert capsys.readouterr().out == ""


def test_list_goes_through_all_pages(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MemOSClient.embedded(database, embedder="none", verbatim=True) as client:
        messages = [("user", f"Fact number {n} about the moon.") for n in range(120)]
        client.add_message(messages, user_id="ann", async_mode=False)
    assert main(["list", "--user", "ann", "--json"]) == 0
    assert len({item["id"] for item in json_lines(capsys.readouterr().out)}) == 120


def test_search_finds(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "Lisbon", "--user", "ann", "--json", "--limit", "1"]) == 0
    found = json_lines(capsys.readouterr().out)
    assert found[0]["kind"] == "fact"
    assert "Lisbon" in found[0]["memory_value"]
    assert isinstance(found[0]["create_time"], int)


def test_the_user_may_come_from_the_environment(
    told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["list"]) == 2
    assert capsys.readouterr().err == "memos-integrations: say whose memory: pass --user or set MEMOS_USER_ID\n"
    monkeypatch.setenv("MEMOS_USER_ID", "ann")
    assert main(["list"]) == 0
    assert "Lisbon" in capsys.readouterr().out


def test_a_terminal_gets_a_table(
    told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["list", "--user", "ann"]) == 0
    out = capsys.readouterr().out
    assert "│" in out
    assert "Rex" in out
    assert "explicit_preference" in out


def test_forget_by_id_and_by_user(told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    main(["search", "Rex", "--user", "ann", "--json"])
    rex = json_lines(capsys.readouterr().out)[0]["id"]
    assert main(["forget", rex, "--yes"]) == 0
    assert capsys.readouterr().out == "deleted 1 memory\n"
    assert main(["forget", rex, "--yes"]) == 2
    assert "40307" in capsys.readouterr().err
    say(monkeypatch, "no\n")
    assert main(["forget", "--user", "ann"]) == 1
    assert capsys.readouterr() == ("", "Delete everything of ann, for good? [y/N] nothing deleted\n")
    say(monkeypatch, "y\n")
    assert main(["forget", "--user", "ann", "--json"]) == 0
    assert capsys.readouterr().out == '{"success": true}\n'
    main(["list", "--user", "ann"])
    assert capsys.readouterr().out == "nothing remembered\n"


def test_forget_deletes_nothing_when_nobody_answers(
    told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, "")
    assert main(["forget", "--user", "ann"]) == 1
    assert capsys.readouterr().err.endswith("nothing deleted: nobody answered; --yes deletes without asking\n")
    asked = [sys.executable, "-m", "memos_integrations", "forget", "--user", "ann"]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[1:] == ["nothing deleted: nobody answered; --yes deletes without asking"]
    assert main(["forget", "--user", "ann", "--yes"]) == 0


def test_forget_also_drops_what_was_never_delivered(
    told: list[str], database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = Outbox(database.with_name(f"{database.name}.outbox"))
    for user in ("ann", "bob"):
        outbox.put(Turn(turn_key(user, "c", "1"), user, "c", (Message(role="user", content="I live in Porto."),)))
    outbox.close()
    assert main(["forget", "--user", "ann", "--yes"]) == 0
    with MemOSClient.embedded(database, embedder="none") as client, MemorySession(client, user_id="eve") as session:
        assert session.flush()
        held = [client.get_memory(user_id=user).memories for user in ("ann", "bob")]
    assert [[memory.text for memory in memories] for memories in held] == [[], ["The user lives in Porto."]]


READING = (
    ["list", "--user", "ann"],
    ["search", "Lisbon", "--user", "ann"],
    ["export", "--user", "ann"],
    ["forget", "--user", "ann", "--yes"],
    ["forget", "an-id", "--yes"],
)


@pytest.mark.parametrize("command", [*READING, ["doctor"]], ids=" ".join)
def test_a_path_that_leads_nowhere_is_an_error_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    place = tmp_path / "typo" / "x.db"
    assert main([*command, "--path", str(place)]) == 2
    told = "".join(capsys.readouterr())
    assert f"there is no memory at {place}: check --path" in told
    assert main([*command, "--path", str(tmp_path)]) == 2
    assert f"{tmp_path} is a folder: name the database file in it" in "".join(capsys.readouterr())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_before_the_first_memory_there_is_nothing_and_reading_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.delenv("MEMOS_PATH")
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home"))
    assert main(command) == (0 if command[0] in {"list", "search"} else 1)
    place = tmp_path / "home" / "memos.db"
    assert capsys.readouterr() == ("", f"nothing remembered yet: {place} is made when something is stored\n")
    assert list(tmp_path.iterdir()) == []


def test_doctor_asks_a_memory_that_is_there(
    told: list[str], database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert (checks["answer"], checks["outbox"]) == ("ok", f"{database}.outbox")


def test_doctor_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    monkeypatch.delenv("MEMOS_PATH")
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home"))
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["memory"] == f"embedded, {tmp_path / 'home' / 'memos.db'}"
    assert told["answer"] == "ok, nothing remembered yet"
    url = serve()
    made = set(tmp_path.iterdir())
    monkeypatch.setenv("MEMOS_BASE_URL", url)
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "ok"
    assert set(tmp_path.iterdir()) == made
    assert not (tmp_path / "home").exists()


def test_a_memory_without_a_file_may_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--user", "ann", "--path", ":memory:"]) == 0
    assert capsys.readouterr().out == "nothing remembered\n"


def test_an_export_that_fails_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    out = tmp_path / "ann.jsonl"
    out.write_text("older", encoding="utf-8")
    database.write_text("no database " * 100, encoding="utf-8")
    assert main(["export", "--user", "ann", "--out", str(out)]) == 2
    assert out.read_text(encoding="utf-8") == "older"


def test_what_is_exported_can_be_imported_for_somebody_else(
    told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ann.jsonl"
    assert main(["export", "--user", "ann", "--out", str(out)]) == 0
    assert capsys.readouterr().err == f"{len(told)} memories exported\n"
    assert main(["export", "--user", "ann"]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")
    assert main(["import", str(out), "--user", "bob", "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["imported"] + counted["left_out"] == len(told)
    assert counted["imported"] >= 3
    main(["list", "--user", "bob"])
    imported = capsys.readouterr().out
    assert sum(text in imported for text in set(told)) >= 3


def test_import_says_what_it_leaves_out_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"memory_value": " "}\n\n{"memory_value": "ok"}\n', encoding="utf-8")
    assert main(["import", str(file), "--user", "ann"]) == 1
    assert capsys.readouterr() == (
        "0 imported, 2 left out\n",
        "line 1 left out: its text is empty\nline 3 left out: nothing to remember was found in its text\n",
    )
    assert main(["import", str(file), "--user", "ann", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["why"][1] == {
        "line": 3,
        "why": "nothing to remember was found in its text",
    }


def test_import_of_a_text_that_holds_several_memories_keeps_it_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "The user lives in Lisbon. The user has a dog called Rex. The user prefers short answers."
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"preference": text}) + "\n", encoding="utf-8")
    assert main(["import", str(file), "--user", "ann"]) == 0
    capsys.readouterr()
    main(["list", "--user", "ann"])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(text)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("canary", "no JSON"),
        ('{"preference": "canary", "tags": 2', "no JSON"),
        ('["canary"]', "no JSON object"),
        ("3", "no JSON object"),
        ("null", "no JSON object"),
        ('{"foo": "canary"}', 'it has neither "memory_value" nor "preference"'),
        ('{"memory_value": {"canary": 1}}', "its text is no text"),
        ('{"memory_value": "canary", "relativity": 1' + "0" * 400 + "}", "a field of it cannot be read"),
    ],
)
def test_import_refuses_other_files_and_stores_nothing_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, why: str
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"memory_value": "The user lives in Lisbon."}\n' + content, encoding="utf-8")
    assert main(["import", str(file), "--user", "ann"]) == 2
    captured = capsys.readouterr()
    assert f"line 2 is not an exported memory ({why}); nothing was imported" in captured.err
    assert "canary" not in captured.err
    assert main(["list", "--user", "ann"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["import", str(tmp_path / "missing"), "--user", "ann"]) == 2
    assert "check the file" in capsys.readouterr().err


def test_chat_recalls_and_remembers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "I live in Lisbon.\n\nWhere do I live? In Lisbon?\n")
    assert main(["chat", "--user", "ann", "--conversation", "c"]) == 0
    out = capsys.readouterr().out
    assert "bot> I keep that in mind." in out
    assert "remembered: The user lives in Lisbon" in out
    say(monkeypatch, "Lisbon?")
    assert main(["chat", "--user", "ann", "--json"]) == 0
    (turn,) = json_lines(capsys.readouterr().out)
    assert any("Lisbon" in text for text in turn["recalled"])
    assert turn["answer"] == "I remember what you told me."


def test_chat_without_its_memory_goes_on_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMOS_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("MEMOS_MODE", "cloud")
    monkeypatch.setattr("memos_integrations._chat.STORE_S", 0.1)
    say(monkeypatch, "I live in Lisbon.")
    assert main(["chat", "--user", "ann"]) == 0
    captured = capsys.readouterr()
    assert "bot>" in captured.out
    assert "kept and sent next time" in captured.err


def test_chat_with_a_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    from langchain_core.messages import AIMessage

    asked: list[Any] = []

    class FakeChatOpenAI:
        def __init__(self, model: str) -> None:
            self.model = model

        def invoke(self, messages: Any) -> AIMessage:
            asked.append(messages)
            return AIMessage(f"{self.model} heard you")

    monkeypatch.setattr("langchain_openai.ChatOpenAI", FakeChatOpenAI)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("OPENAI_MODEL", "small")
    say(monkeypatch, "Lisbon?")
    assert main(["chat", "--user", "ann"]) == 0
    assert "bot> small heard you" in capsys.readouterr().out
    assert "Lisbon" in asked[0][1][1]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["chat", "--user", "ann"]) == 2
    assert "pip install langchain-openai" in capsys.readouterr().err


def test_ctrl_c_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupt)
    assert main(["chat", "--user", "ann"]) == 130


def test_doctor_tells_where_memory_is_and_no_secret(
    database: Path, capsys: pytest.CaptureFixture[str], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert str(database) in out
    assert "key             not set" in out
    monkeypatch.setenv("MEMOS_API_KEY", "canary-key")
    monkeypatch.setenv("MEMOS_BASE_URL", serve())
    assert main(["doctor", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["key"] == "set"
    assert json.loads(out)["answer"] == "ok"
    assert "canary" not in out


def test_doctor_finds_what_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_BASE_URL", "http://127.0.0.1:9/v1")
    assert main(["doctor", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["answer"].startswith(
        "failed: http://127.0.0.1:9/v1 could not be reached"
    )
    monkeypatch.setattr("importlib.util.find_spec", no_such_parent)
    assert main(["doctor", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["langchain"] == "not installed"


def no_such_parent(name: str) -> None:
    raise ModuleNotFoundError(name)


def test_serve_refuses_the_world_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert "--api-key" in capsys.readouterr().err


def test_serve_says_where_it_is_and_ends_with_a_signal(capsys: pytest.CaptureFixture[str], database: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api/openmem/v1"

    def ask_and_end() -> None:
        with MemOSClient(base_url=url) as client:
            while True:
                try:
                    client.add_message([("user", "I live in Lisbon.")], user_id="ann", async_mode=False)
                    break
                except MemOSError:
                    time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    # The signal comes once the server has answered, so its handlers are in place.
    asking = threading.Thread(target=ask_and_end)
    asking.start()
    assert (
        main(["serve", "--port", str(port), "--allow-host", "Memos.Internal", "--allow-origin", "https://x.example"])
        == 0
    )
    asking.join()
    assert capsys.readouterr().out == f"MemOS API at {url} on {database}; Ctrl+C ends it\n"
    assert main(["search", "Lisbon", "--user", "ann", "--path", str(database)]) == 0
    assert "Lisbon" in capsys.readouterr().out


def test_doctor_takes_a_stranger_for_an_answer(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    with misbehaving(reply(b'{"code":40308,"data":null,"message":"no such user"}')) as cloud:
        monkeypatch.setenv("MEMOS_BASE_URL", cloud.url)
        assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "ok"


def test_help_is_one_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "memos_integrations", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    for command in ("serve", "chat", "search", "list", "forget", "export", "import", "doctor"):
        assert f"\n    {command} " in done.stdout
    assert len(done.stdout.splitlines()) < 24
