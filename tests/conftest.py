"""What every test stands on: a clean environment, no network beyond loopback, `client` over engine and real HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from memos_integrations import MemOSClient
from memos_integrations.server import Server

Serve = Callable[..., str]


def pytest_runtest_setup() -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine decides a test; data goes to a folder of the test's own."""
    for name in list(os.environ):
        if name.startswith(("MEMOS_", "OPENAI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home"))


@contextmanager
def serving(memories: Any = None, **options: Any) -> Iterator[str]:
    """A real server on a free loopback port for the time of the block; gives its base URL."""
    from memos_integrations.engine.memories import Memories

    server = Server(memories or Memories(":memory:", embedder="none"), **{"port": 0, **options})
    thread = threading.Thread(target=server.run, name="test-server")
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that end with the test: `serve(memories=None, **options) -> base URL`."""
    with ExitStack() as stack:
        yield lambda memories=None, **options: stack.enter_context(serving(memories, **options))


@pytest.fixture(params=["engine", "http"])
def client(request: pytest.FixtureRequest, serve: Serve) -> Iterator[MemOSClient]:
    """A client of an empty memory: in process, then through uvicorn on loopback."""
    made = MemOSClient.embedded(":memory:", embedder="none")
    if request.param == "http":
        made = MemOSClient(api_key="test-key", base_url=serve())
    with made:
        yield made
