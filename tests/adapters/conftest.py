"""LlamaIndex's own loose ends, kept out of every test that uses it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

_NOT_OURS = (
    # Workflows look at every attribute of an agent, pydantic's deprecated ones included; ReActAgent asks its context.
    "ignore:.*(__fields|model_fields|model_computed_fields).*:DeprecationWarning",
    "ignore:is_running called from within a step:DeprecationWarning",
    # The default chat store of a Memory never closes its aiosqlite connection.
    "ignore:.*aiosqlite.core.Connection:ResourceWarning",
    "ignore:Exception ignored in. <function Connection.__del__:pytest.PytestUnraisableExceptionWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Two frameworks' modules would be searched for garbage after every test.
    gc.collect()
    gc.freeze()
    for item in items:
        if item.path.parent == Path(__file__).parent / "llama_index" or item.path.name == "test_cross_framework.py":
            item.fixturenames.insert(0, "llama_index_tidied")
            for rule in _NOT_OURS:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture
def llama_index_tidied() -> Iterator[None]:
    """LlamaIndex's sync methods make a loop and never close it: here is one, and its garbage goes with the test."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
