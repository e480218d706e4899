"""delete/memory (contract §1.7)."""

from __future__ import annotations

import pytest

from memos_integrations.errors import InvalidRequest, NotFound

from .conftest import Door

PATH = "/delete/memory"


def ids(door: Door, user: str = "u") -> list[str]:
    return [m["id"] for m in door.data("/get/memory", {"user_id": user})["memory_detail_list"]]


def test_by_ids_only_those(door: Door) -> None:
    door.tell("I live in Lisbon.", "My dog is called Rex.")
    first, second = ids(door)
    assert door.data(PATH, {"memory_ids": [first]})["success"] is True
    assert ids(door) == [second]


def test_by_user_everything_of_that_user(door: Door) -> None:
    door.tell("I live in Lisbon.", "I prefer short answers.", user="ann")
    door.tell("I live in Oslo.", user="bob")
    assert door.data(PATH, {"user_id": "ann"})["success"] is True
    assert door.data("/get/memory", {"user_id": "ann"})["total"] == 0
    assert door.data("/get/message", {"user_id": "ann", "conversation_id": "c"})["message_detail_list"] == []
    assert len(ids(door, "bob")) == 1


def test_by_agent(door: Door) -> None:
    said = [{"role": "user", "content": "I live in Lisbon."}]
    door.data("/add/message", {"messages": said, "agent_id": "bot", "async_mode": False})
    assert door.data(PATH, {"agent_id": "bot"})["success"] is True
    assert door.data("/get/memory", {"agent_id": "bot"})["total"] == 0


def test_what_is_gone_stays_gone(door: Door) -> None:
    door.tell("I live in Lisbon.")
    (memory_id,) = ids(door)
    door.data(PATH, {"memory_ids": [memory_id]})
    assert door.data("/search/memory", {"query": "Lisbon", "user_id": "u"})["memory_detail_list"] == []
    assert door.send("GET", f"/get/memory/{memory_id}")[1]["code"] == 40001
    assert door.code(PATH, {"memory_ids": [memory_id]}) == 40307


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 40002),
        ({"memory_ids": None, "user_id": None}, 40002),
        ({"memory_ids": []}, 40003),
        ({"memory_ids": "canary"}, 40000),
        ({"memory_ids": ["nobody"]}, 40307),
        ({"memory_ids": ["x"], "user_id": "u"}, 40002),
        ({"user_id": "u", "agent_id": "a"}, 40002),
        ({"user_id": " "}, 40002),
        ({"user_id": "x" * 101}, 40010),
    ],
)
def test_refusals(door: Door, body: object, code: int) -> None:
    assert door.code(PATH, body) == code


async def test_the_client_and_its_twin(door: Door) -> None:
    door.tell("I live in Lisbon.")
    assert door.client.delete_memory(memory_ids=ids(door)).success
    door.tell("I live in Porto.")
    assert (await door.client.adelete_memory(user_id="u")).success
    assert ids(door) == []
    with pytest.raises(NotFound) as caught:
        door.client.delete_memory(memory_ids=["nobody"])
    assert caught.value.code == 40307
    with pytest.raises(InvalidRequest):
        door.client.delete_memory(memory_ids=["x"], user_id="u")
