"""Any JSON at any endpoint gets an envelope, and never an internal error (anchors 2.10: no 5xx)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos_integrations.engine.api import Api
from memos_integrations.engine.memories import Memories

from .test_envelope import PATHS

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        ["u", "c", "user", "assistant", "tool", "2025-09-12 08:00:00", "昨天", "\x00", "\ud800", "%", "'; --"]
    ),
)
JSON = st.recursive(
    SCALARS,
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3),
    max_leaves=8,
)
SAID = st.one_of(
    st.text(max_size=60), st.sampled_from(["I live in Lisbon.", "我住在里斯本。", "Forget my address.", "", "no"])
)
NAMES = ("chat_time", "id", "role_id", "role_name", "tool_calls", "tool_call_id")
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "user", "assistant", "system", "tool"]), "content": SAID},
        optional=dict.fromkeys(NAMES, SCALARS),
    ),
    min_size=1,
    max_size=4,
)
KEYS = st.sampled_from(["tags", "create_time", "scene", "agent_id", "app_id", "related_id", "id", "user_id"])
TESTS = st.dictionaries(st.sampled_from(["contains", "lt", "gt", "lte", "gte", "in"]), SCALARS, max_size=2)
LEAVES = st.lists(st.dictionaries(KEYS, SCALARS | TESTS | JSON, max_size=2), max_size=3)
BRANCH = st.dictionaries(st.sampled_from(["and", "or"]), LEAVES, min_size=1, max_size=1)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "messages": MESSAGES,
    "user_id": st.sampled_from(["u", "v"]),
    "conversation_id": st.sampled_from(["c", "d", None]),
    "query": SAID,
    "feedback_content": SAID,
    "filter": st.one_of(
        st.none(), BRANCH, st.dictionaries(st.sampled_from(["user", "agent", "public"]), BRANCH, max_size=2)
    ),
    "info": st.dictionaries(st.text(max_size=5), SCALARS | st.lists(st.text(max_size=5), max_size=2), max_size=2),
    "tags": st.lists(st.text(max_size=5), max_size=2),
    "memory_ids": st.lists(SAID, min_size=1, max_size=2),
    "memory_id": SAID,
    "content": SAID,
    "task_id": SAID,
    "title": st.none() | SAID,
    "async_mode": st.booleans(),
    "relativity": st.none() | st.floats(0, 1),
    "page": st.integers(0, 2**70),
    "size": st.integers(1, 50),
    "memory_limit_number": st.integers(0, 25),
    "feedback_time": st.none() | SAID,
}
UNLIKELY = (
    *("agent_id", "app_id", "source", "extraction_types", "model", "include_preference", "preference_limit_number"),
    *("include_memory_view", "knowledgebase_ids", "current", "message_limit_number", "status", "context_format", "x"),
)
ENDS = {"/delete/memory": ("memory_ids",), "/update/memory": ("memory_id", "content", "title")}


def bodies(path: str) -> st.SearchStrategy[Any]:
    """Mostly right, with a few fields that are anything."""
    right = st.fixed_dictionaries({name: LIKELY[name] for name in ENDS.get(path, LIKELY)})
    wrong = st.dictionaries(st.sampled_from([*UNLIKELY, *LIKELY]), JSON, max_size=2)
    return st.one_of(right, st.tuples(right, wrong).map(lambda pair: {**pair[0], **pair[1]}), JSON)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    memories = Memories(":memory:", embedder="none")
    yield Api(memories)
    memories.close()


@pytest.mark.parametrize("path", PATHS)
def test_any_body_is_answered(api: Api, path: str, caplog: pytest.LogCaptureFixture) -> None:
    codes: set[int] = set()

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=bodies(path))
    def check(body: Any) -> None:
        status, answer = api.handle("POST", path, json.dumps(body).encode(), {})
        envelope = json.loads(answer)
        codes.add(envelope["code"])
        assert status == 200
        assert set(envelope) == {"code", "data", "message"}
        assert envelope["code"] != 50000, caplog.text

    check()
    assert codes & {0, 40001, 40307, 50131}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(method=st.text(max_size=8), path=st.text(max_size=40), body=st.binary(max_size=40))
def test_any_request_is_answered(api: Api, method: str, path: str, body: bytes) -> None:
    for prefix in ("", "/api/openmem/v1/get/memory/", "/api/openmem/v1/"):
        status, answer = api.handle(method, prefix + path, body, {})
        assert status == 200
        assert json.loads(answer)["code"] != 0
        assert json.loads(api.handle("GET", f"/get/memory/{path}", b"", {})[1])["code"] in {40001, 40002, 40000}
