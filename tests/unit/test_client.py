"""`MemOSClient` as an object: where it points, what it shares, how it is copied, forked, pickled and closed."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
import multiprocessing
import pickle
import subprocess
import sys
import threading
import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from memos_integrations import MemOSClient
from memos_integrations._policy import Breaker, Policy, RetryPolicy
from memos_integrations.config import CLOUD_CN, CLOUD_GLOBAL, Settings
from memos_integrations.errors import (
    CircuitOpen,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    StoreCorrupt,
    StoreError,
)
from tests.conftest import Serve

SAID = [("user", "I live in Lisbon.")]


def embedded(path: Any = ":memory:") -> MemOSClient:
    return MemOSClient.embedded(path, embedder="none")


def canned(*answers: httpx.Response | Exception, **options: Any) -> tuple[MemOSClient, list[httpx.Request]]:
    """A client of a cloud that answers from a list."""
    left, requests = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return MemOSClient("canary-key", transport=httpx.MockTransport(answer), **options), requests


def ok(data: Any = None) -> httpx.Response:
    return httpx.Response(200, json={"code": 0, "data": data, "message": "ok"})


# Where it points


def test_the_cloud_is_the_default_and_needs_a_key() -> None:
    client, requests = canned(ok())
    with client:
        client.search_memory("q", user_id="u")
    assert str(requests[0].url) == f"{CLOUD_CN}/search/memory"
    assert requests[0].headers["authorization"] == "Token canary-key"
    with pytest.raises(ConfigurationError, match=r"MEMOS_API_KEY.*embedded"):
        MemOSClient()


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_API_KEY", "from-env")
    monkeypatch.setenv("MEMOS_BASE_URL", "global")
    assert repr(MemOSClient()) == f"MemOSClient({CLOUD_GLOBAL})"
    assert repr(MemOSClient(base_url="https://other.example/v1")) == "MemOSClient(https://other.example/v1)"


@pytest.mark.parametrize(
    ("environ", "is_embedded", "line"),
    [
        ({}, True, "memory is embedded, in"),
        ({"MEMOS_API_KEY": "canary-key"}, False, f"memory is at {CLOUD_CN}"),
        ({"MEMOS_API_KEY": "canary-key", "MEMOS_MODE": "embedded"}, True, "memory is embedded, in"),
        ({"MEMOS_BASE_URL": "http://127.0.0.1:8765/v1"}, False, "memory is at http://127.0.0.1:8765/v1"),
    ],
)
def test_from_env_says_in_one_line_where_memory_is(
    environ: dict[str, str],
    is_embedded: bool,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.INFO), MemOSClient.from_env() as client:
        assert client.is_embedded is is_embedded
    (record,) = [record for record in caplog.records if record.name == "memos_integrations.client"]
    assert line in record.getMessage()
    assert "canary" not in caplog.text


def test_from_env_puts_the_database_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MemOSClient.from_env() as client:
        client.add_message(SAID, user_id="u", async_mode=False)
    assert (tmp_path / "home" / "memos.db").exists()
    monkeypatch.setenv("MEMOS_PATH", str(tmp_path / "else.db"))
    with MemOSClient.from_env() as client:
        assert client.outbox_path == tmp_path / "else.db.outbox"


def test_mode_cloud_without_a_key_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_MODE", "cloud")
    with pytest.raises(ConfigurationError, match="MEMOS_API_KEY"):
        MemOSClient.from_env()


def test_outboxes_lie_beside_the_file_or_under_home(tmp_path: Path) -> None:
    assert embedded().outbox_path is None
    assert embedded(tmp_path / "m.db").outbox_path == tmp_path / "m.db.outbox"
    one, other = MemOSClient("a").outbox_path, MemOSClient("b").outbox_path
    assert one is not None
    assert one.parent == tmp_path / "home"
    assert one.name.startswith("outbox-")
    assert one != other
    assert MemOSClient("a").outbox_path == one


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    client = embedded("m.db")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    with client:
        client.add_message(SAID, user_id="u", async_mode=False)
    assert (tmp_path / "m.db").exists()
    assert list((tmp_path / "sub").iterdir()) == []


def test_nothing_shows_key_user_or_text() -> None:
    client, _ = canned()
    settings = Settings(api_key=SecretStr("canary-key"), user_id="canary-user")
    shown = f"{client!r}{client.__dict__}{MemOSClient(settings=settings)!r}{vars(client._wire)}"
    assert "canary" not in shown


def test_an_untrusted_certificate_is_named_as_such() -> None:
    import ssl

    trouble = httpx.ConnectError("canary")
    trouble.__cause__ = ssl.SSLCertVerificationError("canary")
    client, _ = canned(trouble, max_attempts=1)
    with pytest.raises(ConnectionFailed, match="certificate is not trusted") as caught:
        client.search_memory("q", user_id="u")
    assert "canary" not in str(caught.value)


# Limits


def test_with_options_changes_limits_and_shares_the_rest() -> None:
    client, requests = canned(*[ok() for _ in range(2)], timeout_s=20)
    hasty = client.with_options(timeout_s=0.5)
    assert hasty._wire is client._wire
    assert hasty._policy.budget is client._policy.budget
    assert hasty._policy.breaker is client._policy.breaker
    client.search_memory("q", user_id="u")
    hasty.search_memory("q", user_id="u")
    assert requests[0].extensions["timeout"]["read"] > 10
    assert requests[1].extensions["timeout"]["read"] <= 0.5
    with pytest.raises(ConfigurationError):
        client.with_options(timeout_s=-1)


def test_with_options_counts_attempts() -> None:
    client, requests = canned(*[httpx.ConnectError("no")] * 3, policy=Policy(retry=RetryPolicy(base_s=0)))
    once = client.with_options(max_attempts=1)
    with pytest.raises(ConnectionFailed):
        once.search_memory("q", user_id="u")
    assert len(requests) == 1
    with pytest.raises(ConnectionFailed):
        client.with_options(max_attempts=2).search_memory("q", user_id="u")
    assert len(requests) == 3


def test_an_outage_is_known_to_all_views_of_a_client() -> None:
    policy = Policy(retry=RetryPolicy(attempts=1), breaker=Breaker(threshold=1))
    client, requests = canned(httpx.ConnectError("no"), policy=policy)
    with pytest.raises(ConnectionFailed):
        client.with_options(timeout_s=1).search_memory("q", user_id="u")
    with pytest.raises(CircuitOpen):
        client.search_memory("q", user_id="u")
    assert len(requests) == 1


# Copies, processes, loops


def test_pickling_drops_the_key_and_takes_it_from_the_environment_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = MemOSClient("canary-key", "global", timeout_s=7, max_attempts=2)
    data = pickle.dumps(client)
    assert b"canary" not in data
    with pytest.raises(ConfigurationError, match="MEMOS_API_KEY"):
        pickle.loads(data)
    monkeypatch.setenv("MEMOS_API_KEY", "new-key")
    again = pickle.loads(data)
    assert repr(again) == repr(client)
    assert (again._policy.timeout_s, again._policy.retry.attempts) == (7, 2)
    assert again._home.settings.api_key == SecretStr("new-key")


def test_a_pickled_embedded_client_finds_its_file_again(tmp_path: Path) -> None:
    with embedded(tmp_path / "m.db") as client:
        client.add_message(SAID, user_id="u", async_mode=False)
        with pickle.loads(pickle.dumps(client)) as again:
            assert again.search_memory("Lisbon", user_id="u").memories


def test_a_copy_is_the_same_client() -> None:
    client = embedded()
    assert copy.copy(client) is client
    assert copy.deepcopy({"memory": client})["memory"] is client


def in_child(client: MemOSClient, answers: Any) -> None:
    client.add_message([("user", "My dog is called Rex.")], user_id="u", async_mode=False)
    answers.put(len(client.search_memory("Where do I live? Lisbon?", user_id="u").memories))


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_opens_everything_anew(tmp_path: Path, serve: Serve, remote: bool) -> None:
    with MemOSClient(base_url=serve()) if remote else embedded(tmp_path / "m.db") as client:
        client.add_message(SAID, user_id="u", async_mode=False)
        asyncio.run(client.asearch_memory("Lisbon", user_id="u"))
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=in_child, args=(client, answers))
        child.start()
        assert answers.get(timeout=30) >= 1
        child.join(30)
        assert child.exitcode == 0
        assert client.search_memory("Rex", user_id="u").memories
        answers.close()
        answers.join_thread()


def test_every_event_loop_has_its_own_connections(serve: Serve) -> None:
    with MemOSClient(base_url=serve()) as client:
        for _ in range(3):
            asyncio.run(client.aadd_message(SAID, user_id="u", async_mode=False))
            assert len(client._wire._async) == 1
        assert client.search_memory("Lisbon", user_id="u").memories
    assert not client._wire._async


async def test_several_tasks_of_one_loop_share_connections(serve: Serve) -> None:
    async with MemOSClient(base_url=serve()) as client:
        results = await asyncio.gather(*(client.asearch_memory("q", user_id="u") for _ in range(20)))
        assert len(results) == 20
        assert len(client._wire._async) == 1


async def test_a_client_closed_from_its_own_loop_lets_go_of_its_connections(serve: Serve) -> None:
    client = MemOSClient(base_url=serve())
    await client.asearch_memory("q", user_id="u")
    (http, _), *_ = client._wire._async.values()
    client.close()
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)
    assert http.is_closed


def test_threads_share_a_client(serve: Serve) -> None:
    failures: list[BaseException] = []
    with MemOSClient(base_url=serve()) as client:

        def work() -> None:
            try:
                for _ in range(5):
                    client.search_memory("q", user_id="u")
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


# The end


def test_a_closed_client_says_so() -> None:
    for client in (embedded(), canned(ok())[0]):
        client.close()
        client.close()
        with pytest.raises(ConfigurationError, match="closed"):
            client.search_memory("q", user_id="u")


async def test_a_client_closed_asynchronously_says_so() -> None:
    client = embedded()
    async with client:
        await client.aadd_message(SAID, user_id="u", async_mode=False)
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.asearch_memory("q", user_id="u")


def test_a_client_closed_in_the_middle_of_a_call_says_so() -> None:
    def close(_: httpx.Request) -> httpx.Response:
        client.close()
        raise RuntimeError("as httpx says it")

    client = MemOSClient("k", transport=httpx.MockTransport(close), max_attempts=1)
    with pytest.raises(ConnectionFailed, match="closed while"):
        client.search_memory("q", user_id="u")

    def fail(_: httpx.Request) -> httpx.Response:
        raise RuntimeError("a bug")

    with MemOSClient("k", transport=httpx.MockTransport(fail)) as other, pytest.raises(RuntimeError, match="a bug"):
        other.search_memory("q", user_id="u")


def test_a_transport_of_one_colour_cannot_serve_the_other() -> None:
    class SyncOnly(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return ok()

    class AsyncOnly(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return ok()

    with MemOSClient("k", transport=SyncOnly()) as client:
        client.search_memory("q", user_id="u")
        with pytest.raises(ConfigurationError, match="AsyncBaseTransport"):
            asyncio.run(client.asearch_memory("q", user_id="u"))
    with MemOSClient("k", transport=AsyncOnly()) as client:
        asyncio.run(client.asearch_memory("q", user_id="u"))
        with pytest.raises(ConfigurationError, match="BaseTransport"):
            client.search_memory("q", user_id="u")


UNCLOSED = """
import asyncio, sys
from memos_integrations import MemOSClient
url, path = sys.argv[1:]
for client in (MemOSClient(base_url=url), MemOSClient.embedded(path), MemOSClient.embedded(":memory:")):
    client.add_message([("user", "I live in Lisbon.")], user_id="u", async_mode=False)
    client.add_message([("user", "My dog is called Rex.")], user_id="u")
    asyncio.run(client.asearch_memory("q", user_id="u"))
keep = client
print("done")
"""


def test_clients_nobody_closed_end_without_a_word(serve: Serve, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", UNCLOSED, serve(), str(tmp_path / "m.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # asyncio's debug mode also remarks on a slow machine; that is not what is asked here.
    said = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
    assert (done.stdout, said, done.returncode) == ("done\n", [], 0)


def test_a_forgotten_client_is_tidied_up(serve: Serve, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for client in (MemOSClient(base_url=serve()), embedded(tmp_path / "m.db")):
            client.search_memory("q", user_id="u")
        del client
        gc.collect()


# The engine below


def test_the_engine_is_told_what_it_needs(tmp_path: Path) -> None:
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none", verbatim=True, cache_mb=1) as client:
        client.add_message([("user", "purple rain")], user_id="u", async_mode=False)
        assert client.search_memory("purple rain", user_id="u").memories[0].text == "purple rain"


def test_the_engines_clock_can_be_set() -> None:
    then = datetime(2020, 2, 29, 12, tzinfo=timezone.utc)
    with MemOSClient.embedded(":memory:", embedder="none", clock=lambda: then, durability="full") as client:
        client.add_message(SAID, user_id="u", async_mode=False)
        assert client.search_memory("Lisbon", user_id="u").memories[0].create_time == then


def test_a_misspelt_engine_option_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="embeder"):
        MemOSClient.embedded(":memory:", embeder="none")  # type: ignore[call-arg]


def test_a_broken_file_is_a_store_error_in_both_colours(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"no database" * 1000)
    with embedded(path) as client:
        with pytest.raises(StoreCorrupt):
            client.search_memory("q", user_id="u")

        async def search() -> None:
            with pytest.raises(StoreError):
                await client.asearch_memory("q", user_id="u")

        asyncio.run(search())


def test_an_engines_extractor_may_use_the_callers_context(tmp_path: Path) -> None:
    import contextvars

    from memos_integrations.engine.records import Extraction

    caller = contextvars.ContextVar("caller", default="nobody")
    seen = []

    class Asks:
        def extract(self, messages: Any, *, context: Any, now: Any, types: Any) -> Extraction:
            seen.append(caller.get())
            return Extraction()

    async def extract() -> None:
        caller.set("the caller")
        async with MemOSClient.embedded(":memory:", embedder="none", extractor=Asks()) as client:
            await client.aextract_memory(SAID)

    asyncio.run(extract())
    assert seen == ["the caller"]


async def test_the_loop_is_never_blocked_by_the_engine() -> None:
    import blockbuster

    async with embedded() as client:
        with blockbuster.blockbuster_ctx():
            await client.aadd_message(SAID, user_id="u", async_mode=False)
            assert (await client.asearch_memory("Lisbon", user_id="u")).memories


class Slow:
    """An extractor that waits, as for a model that does not answer."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def extract(self, *_: Any, **__: Any) -> Any:
        from memos_integrations.engine.records import Extraction

        self.gate.wait(30)
        return Extraction()


async def test_a_slow_engine_ends_with_the_deadline() -> None:
    slow = Slow()
    client = MemOSClient.embedded(":memory:", embedder="none", extractor=slow, timeout_s=0.1)
    try:
        with pytest.raises(DeadlineExceeded):
            await client.aextract_memory(SAID)
        assert (await client.with_options(timeout_s=20).asearch_memory("q", user_id="u")).memories == []
    finally:
        slow.gate.set()
        await client.aclose()


def test_a_slow_model_below_the_engine_ends_with_the_deadline_synchronously() -> None:
    slow = Slow()
    with MemOSClient.embedded(":memory:", embedder="none", extractor=slow, timeout_s=0.1) as client:
        try:
            with pytest.raises(DeadlineExceeded):
                client.extract_memory(SAID)
        finally:
            slow.gate.set()
        assert client.with_options(timeout_s=20).extract_memory(SAID).memories == []


AT_EXIT = """
import asyncio, atexit
from memos_integrations import MemOSClient
def last():
    client.add_message([("user", "I live in Lisbon.")], user_id="u", async_mode=False)
    print(asyncio.run(client.asearch_memory("Lisbon", user_id="u")).memories[0].text)
atexit.register(last)
client = MemOSClient.embedded(":memory:", embedder=lambda texts: [[1.0, 0.0] for _ in texts])
"""


def test_a_turn_told_while_the_interpreter_ends_is_stored() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AT_EXIT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("The user lives in Lisbon.\n", "")


def test_a_forked_child_keeps_its_copy_of_a_memory_without_a_file() -> None:
    with embedded() as client:
        client.add_message(SAID, user_id="u", async_mode=False)
        engine = client._engine
        assert engine is not None
        engine._pid = -1  # as a child would find it
        assert client.search_memory("Lisbon", user_id="u").memories


def test_without_workers_the_callers_thread_does_the_work() -> None:
    slow = Slow()
    slow.gate.set()
    with MemOSClient.embedded(":memory:", embedder="none", extractor=slow) as client:
        assert client._engine is not None
        client._engine._workers().shutdown()
        assert client.extract_memory(SAID).memories == []
        assert asyncio.run(client.aextract_memory(SAID)).memories == []


# The promise


@pytest.mark.parametrize(
    "name",
    [
        *("extract_memory", "add_message", "search_memory", "get_message", "get_memory", "get_memory_by_id"),
        *("update_memory", "delete_memory", "add_feedback", "get_status"),
    ],
)
def test_each_method_has_a_twin_with_the_same_parameters(name: str) -> None:
    method, twin = getattr(MemOSClient, name), getattr(MemOSClient, f"a{name}")
    assert inspect.signature(method) == inspect.signature(twin)
    assert inspect.iscoroutinefunction(twin)
    assert method.__doc__
    assert twin.__doc__


def test_https_loads_certificates_once_and_plain_http_does_not() -> None:
    secure, local = MemOSClient("k")._wire, MemOSClient(base_url="http://127.0.0.1:1/v1")._wire
    loaded = secure._options(httpx.BaseTransport)["verify"]
    assert loaded.cert_store_stats()["x509_ca"] > 0
    assert secure._options(httpx.AsyncBaseTransport)["verify"] is loaded
    assert local._options(httpx.BaseTransport)["verify"].cert_store_stats()["x509_ca"] == 0
    assert secure._trust_env
    assert not local._trust_env
    assert MemOSClient(base_url="https://localhost:1/v1")._wire._trust_env
