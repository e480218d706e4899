"""update/memory (contract §1.7)."""

from __future__ import annotations

import pytest

from memos_integrations.errors import NotFound

from .conftest import Door

PATH = "/update/memory"


@pytest.fixture
def memory_id(door: Door) -> str:
    door.tell("I live in Lisbon.")
    return str(door.data("/get/memory", {"user_id": "u"})["memory_detail_list"][0]["id"])


def test_new_content_is_what_is_found_from_then_on(door: Door, memory_id: str) -> None:
    assert door.data(PATH, {"memory_id": memory_id, "content": "The user lives in Porto.", "title": "Home"})["success"]
    (memory,) = door.data("/search/memory", {"query": "Porto", "user_id": "u"})["memory_detail_list"]
    assert memory["id"] == memory_id
    assert memory["memory_value"] == "The user lives in Porto."
    assert memory["memory_key"] == "Home"
    assert memory["update_time"] >= memory["create_time"]


@pytest.mark.parametrize("status", ["archived", "deleted", "activated"])
def test_a_memory_can_change_its_status(door: Door, memory_id: str, status: str) -> None:
    assert door.data(PATH, {"memory_id": memory_id, "status": status})["success"]
    found = [
        m["status"] for m in door.data("/search/memory", {"query": "Lisbon", "user_id": "u"})["memory_detail_list"]
    ]
    assert found in ([status], [])
    assert status != "deleted" or found == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"memory_id": "nobody", "content": "x"}, 40001),
        ({"memory_id": None, "content": "x"}, 40002),
        ({"memory_id": " ", "content": "x"}, 40002),
        ({}, 40002),
        ({"content": None, "title": None}, 40002),
        ({"content": "  "}, 40002),
        ({"status": "canary"}, 40000),
    ],
)
def test_refusals(door: Door, memory_id: str, change: dict[str, object], code: int) -> None:
    assert door.code(PATH, {"memory_id": memory_id, **change}) == code


async def test_the_client_and_its_twin(door: Door, memory_id: str) -> None:
    assert door.client.update_memory(memory_id, content="The user lives in Rome.").success
    assert door.client.get_memory_by_id(memory_id).content == "The user lives in Rome."
    assert (await door.client.aupdate_memory(memory_id, title="City")).success
    assert door.client.get_memory_by_id(memory_id).title == "City"
    with pytest.raises(NotFound):
        door.client.update_memory("nobody", content="x")
