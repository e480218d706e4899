"""get/message (contract §1.4)."""

from __future__ import annotations

import pytest

from .conftest import Door

PATH = "/get/message"


def add(door: Door, *messages: dict[str, str], conversation: str = "c") -> None:
    body = {"messages": messages, "user_id": "u", "conversation_id": conversation, "async_mode": False}
    door.data("/add/message", body)


def test_the_newest_messages_of_one_conversation_oldest_first(door: Door) -> None:
    for n in range(5):
        add(door, {"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": f"answer {n}"})
    add(door, {"role": "user", "content": "elsewhere"}, conversation="other")
    messages = door.data(PATH, {"user_id": "u", "conversation_id": "c"})["message_detail_list"]
    assert [m["content"] for m in messages] == [
        *("question 2", "answer 2"),
        *("question 3", "answer 3"),
        *("question 4", "answer 4"),
    ]
    assert [m["role"] for m in messages] == ["user", "assistant"] * 3
    assert all(isinstance(m["create_time"], int) and isinstance(m["update_time"], int) for m in messages)
    more = door.data(PATH, {"user_id": "u", "conversation_id": "c", "message_limit_number": 50})
    assert len(more["message_detail_list"]) == 10


def test_unknown_conversations_and_other_users_are_empty(door: Door) -> None:
    add(door, {"role": "user", "content": "hello there"})
    assert door.data(PATH, {"user_id": "u", "conversation_id": "x"})["message_detail_list"] == []
    assert door.data(PATH, {"user_id": "v", "conversation_id": "c"})["message_detail_list"] == []


def test_the_sdks_nulls_are_accepted(door: Door) -> None:
    body = {"user_id": "u", "conversation_id": "c", "conversation_limit_number": None, "source": None}
    assert door.data(PATH, body)["message_detail_list"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"conversation_id": "c"}, 40002),
        ({"user_id": "u"}, 40002),
        ({"user_id": "u", "conversation_id": " "}, 40002),
        ({"user_id": "u" * 101, "conversation_id": "c"}, 40010),
        ({"user_id": "u", "conversation_id": "c" * 101}, 40011),
        ({"user_id": "u", "conversation_id": "c", "message_limit_number": 51}, 40000),
        ({"user_id": "u", "conversation_id": "c", "message_limit_number": 0}, 40000),
    ],
)
def test_refusals(door: Door, body: object, code: int) -> None:
    assert door.code(PATH, body) == code


async def test_the_client_and_its_twin(door: Door) -> None:
    add(door, {"role": "user", "content": "hello there"})
    found = door.client.get_message(user_id="u", conversation_id="c")
    assert found.messages[0].content == "hello there"
    assert found.messages[0].create_time is not None
    assert await door.client.aget_message(user_id="u", conversation_id="c") == found
