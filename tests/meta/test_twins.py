"""Every synchronous method has its asynchronous twin, with the same parameters."""

from __future__ import annotations

import inspect

import pytest

from memos_integrations import MemorySession, MemOSClient

PAIRS = {
    MemOSClient: [
        "add_feedback",
        "add_message",
        "close",
        "delete_memory",
        "extract_memory",
        "get_memory",
        "get_memory_by_id",
        "get_message",
        "get_status",
        "search_memory",
        "update_memory",
    ],
    MemorySession: ["close", "flush", "observe", "recall"],
}


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner, names in PAIRS.items() for name in names])
def test_twin(owner: type, name: str) -> None:
    method, twin = getattr(owner, name), getattr(owner, f"a{name}")
    assert inspect.iscoroutinefunction(twin)
    assert not inspect.iscoroutinefunction(method)
    expected, found = inspect.signature(method), inspect.signature(twin)
    assert list(found.parameters.values()) == list(expected.parameters.values())
    assert found.return_annotation == expected.return_annotation
    assert method.__doc__
    assert twin.__doc__


@pytest.mark.parametrize("owner", PAIRS)
def test_no_method_was_forgotten(owner: type) -> None:
    public = {n for n, m in vars(owner).items() if inspect.isfunction(m) and not n.startswith("_")}
    twins = {n for n in public if inspect.iscoroutinefunction(getattr(owner, n))}
    assert {n.removeprefix("a") for n in twins} >= set(PAIRS[owner])
    assert all(name.removeprefix("a") in public for name in twins)
