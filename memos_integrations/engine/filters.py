"""The `filter` parameter (contract §1.13): a JSON tree of and/or over leaves, compiled to a test of one memory.

Root: `{"and": [...]}`, `{"or": [...]}`, a single leaf, or one group per source (`{"user": {...}, "agent": {...}}`), of
which the owner's own applies. Leaves: `agent_id`, `app_id`, `conversation_id`, `related_id` (a list is any of them),
`tags: {"contains": …}`, `create_time`/`update_time: {"gte": "2025-01-01", …}`, and keys of `info` directly.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from memos_integrations.engine.store import MemoryRow
from memos_integrations.errors import InvalidRequest
from memos_integrations.models import parse_time

Test = Callable[[MemoryRow], bool]

_SOURCES = frozenset({"user", "agent", "public", "knowledgebase"})
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_MAX_DEPTH = 20
# Wall-clock times without a zone are Beijing time everywhere on the wire (contract §2, "Time units").
_BEIJING = timezone(timedelta(hours=8))


def compile_filter(tree: Mapping[str, Any] | None, source: str = "user") -> Test | None:
    """The test that `tree` stands for, None when all pass; InvalidRequest (40000) when it is malformed."""
    if not tree:
        return None
    if set(tree) <= _SOURCES and all(v is None or isinstance(v, Mapping) for v in tree.values()):
        return compile_filter(tree.get(source), source)
    return _node(tree, 0)


def _refuse(why: str) -> InvalidRequest:
    return InvalidRequest(f"/search/memory: filter {why} (code 40000: invalid request parameters)", code=40000)


def _node(node: object, depth: int) -> Test:
    if not isinstance(node, Mapping) or not node:
        raise _refuse("must be an object such as {'and': [...]}")
    if depth > _MAX_DEPTH:
        raise _refuse("is nested too deeply")
    tests = [_entry(str(key), value, depth) for key, value in node.items()]
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _entry(key: str, value: object, depth: int) -> Test:
    if key not in {"and", "or"}:
        return _leaf(key, value)
    if not isinstance(value, list) or not value:
        raise _refuse(f"'{key}' needs a list of conditions")
    tests = [_node(item, depth + 1) for item in value]
    if key == "and":
        return lambda row: all(test(row) for test in tests)
    return lambda row: any(test(row) for test in tests)


def _leaf(key: str, value: object) -> Test:
    if key == "tags":
        return _contains(lambda row: row.tags, value)
    if key in {"create_time", "update_time"}:
        return _time(key, value)
    if key == "agent_id":
        return _equals(lambda row: row.agent, value)
    if key == "app_id":
        return _equals(lambda row: row.app, value)
    if key == "conversation_id":
        return _equals(lambda row: row.conversation, value)
    if isinstance(value, Mapping):
        if set(value) == {"contains"}:
            return _contains(lambda row: row.info.get(key), value)
        return _compare(lambda row: row.info.get(key), key, value)
    return _equals(lambda row: row.info.get(key), value)


def _equals(read: Callable[[MemoryRow], Any], value: object) -> Test:
    wanted = value if isinstance(value, list) else [value]

    def test(row: MemoryRow) -> bool:
        held = read(row)
        return any(item in wanted for item in held) if isinstance(held, list) else held in wanted

    return test


def _contains(read: Callable[[MemoryRow], Any], value: object) -> Test:
    wanted = value.get("contains") if isinstance(value, Mapping) else value
    if wanted is None:
        raise _refuse("'contains' needs a value")
    needed = wanted if isinstance(wanted, list) else [wanted]

    def test(row: MemoryRow) -> bool:
        held = read(row)
        if isinstance(held, str):
            return all(isinstance(item, str) and item in held for item in needed)
        return isinstance(held, list) and all(item in held for item in needed)

    return test


def _compare(read: Callable[[MemoryRow], Any], key: str, value: Mapping[str, Any]) -> Test:
    checks = [(_operator(key, name), bound) for name, bound in value.items()]

    def test(row: MemoryRow) -> bool:
        held = read(row)
        try:
            return held is not None and all(compare(held, bound) for compare, bound in checks)
        except TypeError:
            return False

    return test


def _time(key: str, value: object) -> Test:
    if not isinstance(value, Mapping) or not value:
        raise _refuse(f"'{key}' needs an object such as {{'gte': '2025-01-01'}}")
    checks = [(_operator(key, name), _moment(key, bound)) for name, bound in value.items()]

    def test(row: MemoryRow) -> bool:
        held = row.created if key == "create_time" else row.updated
        return all(compare(held, bound) for compare, bound in checks)

    return test


def _operator(key: str, name: str) -> Callable[[Any, Any], bool]:
    if name not in _COMPARE:
        raise _refuse(f"'{key}' knows {', '.join(_COMPARE)} and, for lists and text, contains")
    return _COMPARE[name]


def _moment(key: str, bound: object) -> int:
    if isinstance(bound, str) and not bound.strip().isdigit():
        try:
            parsed = datetime.fromisoformat(bound.strip())
        except ValueError:
            raise _refuse(f"'{key}' needs dates such as 2025-01-31 or 2025-01-31T08:00:00Z") from None
        moment: datetime | None = parsed if parsed.tzinfo else parsed.replace(tzinfo=_BEIJING)
    else:
        moment = parse_time(bound)
    if moment is None:
        raise _refuse(f"'{key}' needs dates such as 2025-01-31 or 2025-01-31T08:00:00Z")
    return round(moment.timestamp() * 1000)
