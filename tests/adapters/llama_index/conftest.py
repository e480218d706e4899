"""A recording MemOS server and a client of it, and LlamaIndex without its own loose ends."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from memos_integrations import MemorySession, MemOSClient

from .backend import Backend

# Workflows look at every attribute of an agent, pydantic's deprecated ones included; ReActAgent asks its own context.
_NOT_OURS = (
    "ignore:.*(__fields|model_fields|model_computed_fields).*:DeprecationWarning",
    "ignore:is_running called from within a step:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for rule in _NOT_OURS:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    """LlamaIndex never closes the connections of a Memory's default chat store, nor the loop its sync methods make."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    server = Backend(tmp_path / "server.db")
    yield server
    server.close()


@pytest.fixture
def client(backend: Backend) -> Iterator[MemOSClient]:
    with MemOSClient(api_key="test", base_url=backend.url) as made:
        yield made


def settle(client: MemOSClient, user_id: str = "u") -> None:
    """Wait until everything told so far is delivered."""
    assert MemorySession(client, user_id=user_id).flush(timeout_s=20)
