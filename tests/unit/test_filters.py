"""The filter grammar of contract 1.13."""

from __future__ import annotations

import pytest

from memos_integrations.engine.filters import compile_filter
from memos_integrations.engine.store import MemoryRow
from memos_integrations.errors import InvalidRequest

# 2025-06-01 00:00 Beijing time.
JUNE = 1_748_707_200_000


def row(**values):
    base = {
        "number": 0,
        "version": 1,
        "id": "m",
        "kind": "memory",
        "text": "t",
        "key": "",
        "type": "UserMemory",
        "reasoning": "",
        "tags": ["food"],
        "info": {"scene": "home", "page": 3, "who": ["ann", "bob"]},
        "app": "app",
        "agent": "agent",
        "conversation": "c",
        "speaker": None,
        "said_at": JUNE,
        "happened_on": None,
        "status": "activated",
        "until": None,
        "successor": None,
        "created": JUNE,
        "updated": JUNE,
        "position": 0,
    }
    return MemoryRow(**{**base, **values})


@pytest.mark.parametrize(
    ("tree", "passes"),
    [
        ({"agent_id": "agent"}, True),
        ({"app_id": "other"}, False),
        ({"conversation_id": ["x", "c"]}, True),
        ({"scene": "home"}, True),
        ({"scene": "x"}, False),
        ({"who": "bob"}, True),
        ({"missing": "x"}, False),
        ({"tags": {"contains": "food"}}, True),
        ({"tags": {"contains": ["food", "x"]}}, False),
        ({"tags": "food"}, True),
        ({"scene": {"contains": "om"}}, True),
        ({"page": {"contains": 3}}, False),
        ({"page": {"gte": 3, "lt": 4}}, True),
        ({"page": {"gt": 3}}, False),
        ({"scene": {"gt": 3}}, False),
        ({"absent": {"gt": 3}}, False),
        ({"create_time": {"gte": "2025-06-01", "lt": "2025-06-02"}}, True),
        ({"create_time": {"lt": "2025-05-31T16:00:00Z"}}, False),
        ({"update_time": {"lte": str(JUNE)}}, True),
        ({"and": [{"scene": "home"}, {"page": 3}]}, True),
        ({"and": [{"scene": "home"}, {"page": 4}]}, False),
        ({"or": [{"scene": "x"}, {"and": [{"page": 3}]}]}, True),
        ({"or": [{"scene": "x"}]}, False),
        ({"scene": "home", "page": 4}, False),
        ({"user": {"and": [{"scene": "x"}]}, "agent": {"and": [{"scene": "home"}]}}, False),
    ],
)
def test_conditions(tree, passes):
    assert compile_filter(tree)(row()) is passes


@pytest.mark.parametrize("tree", [None, {}, {"agent": {"and": [{"scene": "x"}]}}, {"user": None}])
def test_no_condition_on_the_users_own_memories(tree):
    assert compile_filter(tree) is None


DEEP: dict = {"scene": "x"}
for _ in range(30):
    DEEP = {"and": [DEEP]}


@pytest.mark.parametrize(
    "tree",
    [
        {"and": []},
        {"or": "x"},
        {"and": ["x"]},
        {"and": [{}]},
        {"page": {"near": 3}},
        {"create_time": "x"},
        {"create_time": {"gt": "soon"}},
        {"create_time": {"gt": None}},
        {"create_time": {"is": "2025-01-01"}},
        {"tags": {"contains": None}},
        {"tags": None},
        DEEP,
    ],
)
def test_malformed_filters_are_refused(tree):
    with pytest.raises(InvalidRequest) as caught:
        compile_filter(tree)
    assert caught.value.code == 40000
