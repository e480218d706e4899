"""extract/memory (contract §1.3; seed document "Extract Memory")."""

from __future__ import annotations

import pytest

from memos_integrations.errors import InvalidRequest

from .conftest import Door

PATH = "/extract/memory"
# The seed's own request.
SEED = {
    "messages": [
        {
            "role": "user",
            "content": "I’ve booked a summer trip to Guangzhou. What chain hotels can you recommend for accommodation?",
        },
        {"role": "assistant", "content": "You can consider options like 7 Days Inn, All Seasons, Hilton, and others."},
        {"role": "user", "content": "I’ll go with 7 Days Inn."},
        {"role": "assistant", "content": "Alright—ask me anytime if you have more questions."},
    ],
    "extraction_types": ["memory", "preference"],
}
# Candidates are stored nowhere: they have no identity, no times and no score.
NEVER = {"id", "create_time", "update_time", "conversation_id", "relativity", "status"}
TOLD = [{"role": "user", "content": "I live in Lisbon. I prefer short answers."}]


def test_the_seeds_request_gets_the_seeds_shape(door: Door) -> None:
    data = door.data(PATH, SEED)
    assert data["success"] is True
    assert set(data) == {"success", "memory_detail_list", "preference_detail_list"}
    assert any("7 Days Inn" in m["memory_value"] for m in data["memory_detail_list"])
    for memory in data["memory_detail_list"]:
        assert {"memory_key", "memory_value", "memory_type", "tags"} <= set(memory)
        assert not NEVER & set(memory)
        assert memory["memory_type"] in {"UserMemory", "LongTermMemory"}
        assert all(isinstance(tag, str) for tag in memory["tags"])


def test_preferences_carry_type_and_reasoning(door: Door) -> None:
    (preference,) = door.data(PATH, {"messages": TOLD})["preference_detail_list"]
    assert {"preference", "reasoning", "preference_type"} <= set(preference)
    assert not NEVER & set(preference)
    assert preference["preference_type"] == "explicit_preference"
    assert "short" in preference["preference"]


@pytest.mark.parametrize(("kind", "other"), [("memory", "preference"), ("preference", "memory")])
def test_types_not_asked_for_are_empty(door: Door, kind: str, other: str) -> None:
    data = door.data(PATH, {"messages": TOLD, "extraction_types": [kind]})
    assert data[f"{kind}_detail_list"]
    assert not data.get(f"{other}_detail_list")


def test_nothing_is_stored(door: Door) -> None:
    door.data(PATH, {"messages": TOLD, "user_id": "u", "conversation_id": "c"})
    assert door.data("/get/memory", {"user_id": "u"})["total"] == 0
    assert door.data("/get/message", {"user_id": "u", "conversation_id": "c"})["message_detail_list"] == []


def test_the_sdks_explicit_nulls_and_unknown_fields_are_accepted(door: Door) -> None:
    body = {"messages": TOLD, "extraction_types": None, "model": None, "from_the_future": {"x": 1}}
    assert door.data(PATH, body)["memory_detail_list"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 40002),
        ({"messages": None}, 40002),
        ({"messages": []}, 40003),
        ({"messages": [{"role": "user", "content": "  "}]}, 40002),
        ({"messages": "canary"}, 40000),
        ({"messages": ["canary"]}, 40000),
        ({"messages": [{"role": "robot", "content": "canary"}]}, 40000),
        ({"messages": [{"role": "tool", "content": "canary"}]}, 40000),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "canary"}]}]}, 40000),
        ({"messages": [{"role": "user"}]}, 40000),
        ({"messages": TOLD, "extraction_types": ["canary"]}, 40000),
        ({"messages": [{"role": "user", "content": "canary " * 8000}]}, 40013),
    ],
)
def test_refusals(door: Door, body: object, code: int) -> None:
    assert door.code(PATH, body) == code


def test_the_client_splits_what_the_endpoint_refuses(door: Door) -> None:
    filler = ("user", "What is the weather like? " * 1200)
    result = door.client.extract_memory([("user", "I live in Lisbon."), filler, ("user", "I have a dog called Rex.")])
    texts = " ".join(memory.text for memory in result.memories)
    assert "Lisbon" in texts
    assert "Rex" in texts


def test_the_client_gives_typed_memories(door: Door) -> None:
    result = door.client.extract_memory(TOLD, ["memory", "preference"])
    assert "Lisbon" in result.memories[0].memory_value
    assert result.memories[0].id is None
    assert not result.preferences[0].implicit
    with pytest.raises(InvalidRequest):
        door.client.extract_memory(TOLD, ["nothing"])  # type: ignore[list-item]


async def test_the_twin_says_the_same(door: Door) -> None:
    assert await door.client.aextract_memory(SEED["messages"]) == door.client.extract_memory(SEED["messages"])
