"""add/message (contract §1.1, §5.1)."""

from __future__ import annotations

import pytest

from .conftest import Door

PATH = "/add/message"
SAID = [{"role": "user", "content": "I live in Lisbon.", "chat_time": "2025-09-12 08:00:00"}]
# What the official SDK sends: every optional field as an explicit null.
SDK = {
    "messages": SAID,
    "user_id": "u",
    "conversation_id": "cc",
    "info": None,
    "source": None,
    "app_id": None,
    "agent_id": None,
    "allow_public": False,
    "allow_knowledgebase_ids": None,
    "allow_memory_view": None,
    "tags": None,
    "async_mode": True,
}


def test_asynchronous_is_the_default_and_its_task_can_be_followed(door: Door) -> None:
    data = door.data(PATH, {"messages": SAID, "user_id": "u", "conversation_id": "c"})
    assert data["success"] is True
    assert data["status"] in {"running", "completed"}
    assert isinstance(data["task_id"], str)
    assert data["task_id"]


def test_synchronous_waits_until_a_search_finds_it(door: Door) -> None:
    data = door.data(PATH, {"messages": SAID, "user_id": "u", "conversation_id": "c", "async_mode": False})
    assert set(data) == {"success", "task_id", "status"}
    assert data["status"] == "completed"
    (memory,) = door.data("/search/memory", {"query": "Lisbon", "user_id": "u"})["memory_detail_list"]
    assert "Lisbon" in memory["memory_value"]


def test_the_sdks_payload_is_accepted_and_its_answer_has_no_nulls(door: Door) -> None:
    data = door.data(PATH, {**SDK, "from_the_future": 1})
    assert all(value is not None for value in data.values())


def test_an_agent_alone_and_a_group_may_own_what_is_said(door: Door) -> None:
    assert door.data(PATH, {"messages": SAID, "agent_id": "bot", "async_mode": False})["success"]
    assert door.data(PATH, {"messages": SAID, "user_id": ["ann", "bob"], "async_mode": False})["success"]
    for owner in ({"agent_id": "bot"}, {"user_id": "ann"}, {"user_id": "bob"}):
        assert door.data("/get/memory", owner)["total"] == 1
    assert door.data("/get/memory", {"user_id": "u"})["total"] == 0


def test_tool_traffic_and_parts_are_accepted(door: Door) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "I live in Lisbon."}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
        {"role": "assistant", "content": "42"},
    ]
    assert door.data(PATH, {"messages": messages, "user_id": "u", "async_mode": False})["status"] == "completed"
    assert door.data("/get/memory", {"user_id": "u"})["total"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messages": None}, 40002),
        ({"messages": []}, 40003),
        ({"messages": [{"role": "user", "content": ""}]}, 40002),
        ({"messages": [{"role": "robot", "content": "canary"}]}, 40000),
        ({"messages": [{"role": "user", "content": "canary " * 30_000}]}, 40013),
        ({"user_id": None}, 40002),
        ({"user_id": " "}, 40002),
        ({"user_id": "x" * 101}, 40010),
        ({"user_id": []}, 40000),
        ({"user_id": ["u"] * 21}, 40000),
        ({"conversation_id": "x" * 101}, 40011),
        ({"async_mode": "canary"}, 40000),
        ({"tags": "canary"}, 40000),
    ],
)
def test_refusals_store_nothing(door: Door, change: dict[str, object], code: int) -> None:
    assert door.code(PATH, {**SDK, **change}) == code
    assert door.data("/get/memory", {"user_id": "u"})["total"] == 0


def test_ids_at_the_limit_are_accepted(door: Door) -> None:
    body = {"messages": SAID, "user_id": "x" * 100, "conversation_id": "y" * 100, "async_mode": False}
    assert door.data(PATH, body)["success"]


def test_the_client_splits_a_conversation_over_forty_thousand_tokens(door: Door) -> None:
    messages = [
        ("user", "I live in Lisbon."),
        ("assistant", "ok then. " * 15_000),
        ("user", "I have a dog called Rex."),
    ]
    result = door.client.add_message(messages, user_id="u", conversation_id="c", async_mode=False)
    assert len(result.task_ids) == 2
    assert result.status == "completed"
    assert door.client.search_memory("Rex the dog", user_id="u").memories
    assert door.client.search_memory("Lisbon", user_id="u").memories


async def test_the_twin_stores_too(door: Door) -> None:
    result = await door.client.aadd_message(SAID, user_id="u", async_mode=False)
    assert result.status == "completed"
    assert (await door.client.asearch_memory("Lisbon", user_id="u")).memories
