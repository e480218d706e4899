"""A real MemOS server on loopback that counts what it is asked, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memos_integrations import MemorySession, MemOSClient
from tests.adapters.langchain.memory_server import MemoryServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MemoryServer]:
    server = MemoryServer(tmp_path)
    server.start()
    yield server
    server.close()


@pytest.fixture
def client(server: MemoryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemOSClient]:
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home"))
    with MemOSClient(api_key="test-key", base_url=server.url) as client:
        yield client


@pytest.fixture
def settle(client: MemOSClient) -> Any:
    """Wait until everything told so far has arrived."""

    def settle() -> None:
        assert MemorySession(client, user_id="settle").flush(timeout_s=30)

    return settle


TOLD = {
    "ann": ["My home town is Lisbon.", "I love green tea.", "My dog is called Rex."],
    "bob": ["My home town is Oslo.", "I love black coffee.", "My cat is called Tom."],
}


@pytest.fixture
def told(client: MemOSClient, server: MemoryServer) -> MemOSClient:
    """A client whose server knows some things about ann and about bob; calls are counted from here on."""
    for user, sentences in TOLD.items():
        for sentence in sentences:
            client.add_message([("user", sentence)], user_id=user, conversation_id="before", async_mode=False)
    server.calls.clear()
    return client
