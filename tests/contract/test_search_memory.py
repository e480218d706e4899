"""search/memory (contract §1.2, §3.1; seed document "Search Memory")."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from .conftest import Door

PATH = "/search/memory"
NOTE = (
    "\n# Note:\nFact memory are summaries of facts, while preference memory are summaries of user preferences.\n"
    "Your response must not violate any of the user's preferences, whether explicit or implicit, and briefly explain "
    "why you answer this way to avoid conflicts.\n"
)
# What the official SDK sends: every optional field as an explicit null.
SDK = {
    "query": "where does the user live",
    "user_id": "u",
    "conversation_id": None,
    "agent_id": None,
    "memory_limit_number": 6,
    "include_preference": True,
    "knowledgebase_ids": None,
    "filter": None,
    "preference_limit_number": 6,
    "tool_memory_limit_number": 6,
    "relativity": None,
    "include_skill": False,
    "skill_limit_number": 6,
    "include_memory_view": None,
    "context_format": "memory",
    "source": None,
    "include_tool_memory": False,
}
LISTS = ("memory_detail_list", "preference_detail_list", "tool_memory_detail_list", "skill_detail_list")


def search(door: Door, **change: object) -> dict[str, object]:
    return door.data(PATH, {**SDK, **change})


def test_a_stranger_gets_every_list_empty_and_an_empty_note(door: Door) -> None:
    data = search(door)
    assert all(data[name] == [] for name in LISTS)
    assert data["preference_note"] == ""


def test_facts_have_the_seeds_fields(door: Door) -> None:
    before = datetime.now(timezone.utc).timestamp() * 1000 - 1
    door.tell("I live in Lisbon.")
    (memory,) = search(door)["memory_detail_list"]
    assert {
        "id",
        "memory_key",
        "memory_value",
        "memory_type",
        "create_time",
        "conversation_id",
        "status",
        "confidence",
        "tags",
        "update_time",
        "relativity",
    } <= set(memory)
    assert "Lisbon" in memory["memory_value"]
    assert memory["status"] == "activated"
    assert memory["conversation_id"] == "c"
    assert 0 < memory["relativity"] <= 1
    for name in ("create_time", "update_time"):
        assert isinstance(memory[name], int)
        assert before <= memory[name] <= before + 600_000


def test_preferences_have_the_seeds_fields_and_bring_the_note(door: Door) -> None:
    door.tell("I prefer short answers.")
    data = search(door, query="How should I answer?")
    (preference,) = data["preference_detail_list"]
    assert {
        "id",
        "preference",
        "preference_type",
        "reasoning",
        "create_time",
        "conversation_id",
        "status",
        "update_time",
    } <= set(preference)
    assert preference["preference_type"] == "explicit_preference"
    assert data["preference_note"] == NOTE


def test_the_note_speaks_chinese_with_chinese_preferences(door: Door) -> None:
    door.tell("我更喜欢简短的回答。")
    note = search(door, query="我喜欢怎样的回答？")["preference_note"]
    assert note.startswith("\n# 注意：\n事实记忆是事实的摘要")
    assert note.endswith("以避免冲突。\n")


def test_preferences_can_be_left_out(door: Door) -> None:
    door.tell("I prefer short answers.", "I live in Lisbon.")
    data = search(door, include_preference=False)
    assert data["preference_detail_list"] == []
    assert data["preference_note"] == ""


def test_limits_count_per_list_and_zero_is_none(door: Door) -> None:
    door.tell(
        *[f"I visited {city} in 2019." for city in ("Lisbon", "Porto", "Madrid", "Paris", "Rome", "Oslo", "Bern")]
    )
    door.tell("I prefer trains to planes.", "I prefer tea to coffee.")
    query = "Which cities has the user visited, and what does the user prefer?"
    default = door.data(PATH, {"query": query, "user_id": "u"})
    assert len(default["memory_detail_list"]) == 6
    limited = search(door, query=query, memory_limit_number=2, preference_limit_number=1)
    assert len(limited["memory_detail_list"]) == 2
    assert len(limited["preference_detail_list"]) <= 1
    none = search(door, query=query, memory_limit_number=0, preference_limit_number=0)
    assert (none["memory_detail_list"], none["preference_detail_list"]) == ([], [])


def test_users_do_not_see_each_other(door: Door) -> None:
    door.tell("I live in Lisbon.", user="ann")
    assert search(door, user_id="bob")["memory_detail_list"] == []
    assert search(door, user_id="ann")["memory_detail_list"]


def test_a_conversation_is_a_weight_and_not_a_filter(door: Door) -> None:
    door.tell("My sister Ana lives in Lisbon.", conversation="one")
    door.tell("My sister Eva lives in Porto.", conversation="two")
    for conversation, place in (("one", "Lisbon"), ("two", "Porto")):
        found = search(door, query="Where does my sister live?", conversation_id=conversation)["memory_detail_list"]
        assert len(found) == 2
        assert place in found[0]["memory_value"]


def test_a_threshold_filters_only_when_asked(door: Door) -> None:
    door.tell("I live in Lisbon.", "My dog is called Rex.")
    found = search(door, query="Where does the user live? Lisbon?", relativity=0)["memory_detail_list"]
    high = found[0]["relativity"]
    strict = search(door, query="Where does the user live? Lisbon?", relativity=high)["memory_detail_list"]
    assert all(memory["relativity"] >= high for memory in strict)
    assert len(strict) <= len(found)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"query": None}, 40002),
        ({"query": ""}, 40002),
        ({"query": 5}, 40000),
        ({"query": "canary " * 4000}, 40305),
        ({"user_id": None}, 40002),
        ({"user_id": ""}, 40002),
        ({"user_id": "x" * 101}, 40010),
        ({"conversation_id": "x" * 101}, 40011),
        ({"agent_id": "both"}, 40000),
        ({"memory_limit_number": 26}, 40000),
        ({"memory_limit_number": -1}, 40000),
        ({"preference_limit_number": "canary"}, 40000),
        ({"relativity": 2}, 40000),
        ({"filter": "canary"}, 40000),
        ({"filter": {"and": [{"create_time": {"canary": 1}}]}}, 40000),
    ],
)
def test_refusals(door: Door, change: dict[str, object], code: int) -> None:
    assert door.code(PATH, {**SDK, **change}) == code


def test_the_client_gives_typed_memories(door: Door) -> None:
    door.tell("I live in Lisbon.", "I prefer short answers.")
    result = door.client.search_memory("Where do I live, and how do I like answers?", user_id="u", relativity=0.0)
    fact = next(memory for memory in result.memories if "Lisbon" in memory.text)
    assert fact.create_time is not None
    assert fact.create_time.tzinfo is not None
    assert fact.message_ids
    assert result.preferences[0].text
    assert result.preference_note == NOTE
    assert "Lisbon" not in repr(result) + repr(fact)


async def test_the_twin_says_the_same(door: Door) -> None:
    door.tell("I live in Lisbon.")
    assert await door.client.asearch_memory("Lisbon", user_id="u") == door.client.search_memory("Lisbon", user_id="u")
