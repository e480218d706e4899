"""get/status (contract §1.9)."""

from __future__ import annotations

import time

import pytest

from memos_integrations.errors import NotFound

from .conftest import Door

PATH = "/get/status"
SAID = [{"role": "user", "content": "I live in Lisbon."}]


def settled(door: Door, task_id: str) -> dict[str, object]:
    """The task's last state; the test's own timeout ends the wait."""
    while True:
        data = door.data(PATH, {"task_id": task_id})
        assert data["task_id"] == task_id
        if data["status"] != "running":
            return data
        time.sleep(0.02)


def test_an_asynchronous_add_can_be_followed_to_its_memories(door: Door) -> None:
    task_id = door.data("/add/message", {"messages": SAID, "user_id": "u", "conversation_id": "c"})["task_id"]
    data = settled(door, task_id)
    assert data["status"] == "completed"
    (memory,) = door.data("/get/memory", {"user_id": "u"})["memory_detail_list"]
    assert data["memory_views"]["detail_factual"]["memory_ids"] == [memory["id"]]


def test_a_synchronous_add_is_completed_when_it_answers(door: Door) -> None:
    body = {"messages": SAID, "user_id": "u", "async_mode": False}
    task_id = door.data("/add/message", body)["task_id"]
    assert door.data(PATH, {"task_id": task_id})["status"] == "completed"


@pytest.mark.parametrize(("body", "code"), [({}, 40002), ({"task_id": " "}, 40002), ({"task_id": "nobody"}, 50131)])
def test_refusals(door: Door, body: object, code: int) -> None:
    assert door.code(PATH, body) == code


async def test_the_client_and_its_twin(door: Door) -> None:
    task = door.client.add_message(SAID, user_id="u", async_mode=False)
    assert door.client.get_status(task.task_id).done
    assert (await door.client.aget_status(task.task_id)).done
    with pytest.raises(NotFound) as caught:
        door.client.get_status("nobody")
    assert caught.value.code == 50131
