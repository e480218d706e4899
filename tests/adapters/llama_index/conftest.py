"""A recording MemOS server and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memos_integrations import MemorySession, MemOSClient

from .backend import Backend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    server = Backend(tmp_path)
    server.start()
    yield server
    server.close()


@pytest.fixture
def client(backend: Backend) -> Iterator[MemOSClient]:
    with MemOSClient(api_key="test", base_url=backend.url) as made:
        yield made


def settle(client: MemOSClient, user_id: str = "u") -> None:
    """Wait until everything told so far is delivered."""
    assert MemorySession(client, user_id=user_id).flush(timeout_s=60)
