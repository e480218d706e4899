"""get/memory, paged (contract §1.5)."""

from __future__ import annotations

import pytest

from .conftest import Door

PATH = "/get/memory"
CITIES = ("Lisbon", "Porto", "Madrid", "Paris", "Rome")


def test_a_user_with_nothing_gets_empty_lists_and_no_error(door: Door) -> None:
    data = door.data(PATH, {"user_id": "nobody"})
    assert (data["memory_detail_list"], data["preference_detail_list"]) == ([], [])
    assert (data["total"], data["size"], data["current"]) == (0, 10, 1)
    assert isinstance(data["pages"], int)


def test_pages_hold_everything_once(door: Door) -> None:
    door.tell(*[f"I visited {city} in 2019." for city in CITIES])
    pages = [door.data(PATH, {"user_id": "u", "page": page, "size": 2}) for page in (1, 2, 3, 4)]
    ids = [m["id"] for page in pages for m in page["memory_detail_list"]]
    assert len(ids) == len(set(ids)) == 5
    assert [len(page["memory_detail_list"]) for page in pages] == [2, 2, 1, 0]
    assert {(page["total"], page["pages"], page["size"]) for page in pages} == {(5, 3, 2)}
    assert [page["current"] for page in pages] == [1, 2, 3, 4]


def test_items_look_like_those_of_search(door: Door) -> None:
    door.tell("I live in Lisbon.")
    (memory,) = door.data(PATH, {"user_id": "u"})["memory_detail_list"]
    assert {"id", "memory_key", "memory_value", "memory_type", "create_time", "update_time", "status", "tags"} <= set(
        memory
    )
    assert isinstance(memory["create_time"], int)


def test_current_is_another_word_for_page(door: Door) -> None:
    door.tell(*[f"I visited {city} in 2019." for city in CITIES])
    assert door.data(PATH, {"user_id": "u", "current": 2, "size": 2}) == door.data(
        PATH, {"user_id": "u", "page": 2, "size": 2}
    )


def test_preferences_can_be_left_out(door: Door) -> None:
    door.tell("I prefer short answers.")
    assert door.data(PATH, {"user_id": "u", "include_preference": False})["preference_detail_list"] == []


def test_the_sdks_payload(door: Door) -> None:
    body = {
        "include_preference": True,
        "user_id": "u",
        "agent_id": None,
        "include_tool_memory": True,
        "include_memory_view": None,
        "filter": None,
        "page": 1,
        "size": 10,
    }
    assert door.data(PATH, body)["tool_memory_detail_list"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 40002),
        ({"user_id": "u", "agent_id": "a"}, 40000),
        ({"user_id": "u" * 101}, 40010),
        ({"user_id": "u", "page": 0}, 40000),
        ({"user_id": "u", "size": 51}, 40000),
        ({"user_id": "u", "size": "canary"}, 40000),
    ],
)
def test_refusals(door: Door, body: object, code: int) -> None:
    assert door.code(PATH, body) == code


async def test_the_client_and_its_twin(door: Door) -> None:
    door.tell("I live in Lisbon.", "I prefer short answers.")
    page = door.client.get_memory(user_id="u", page=1, size=50)
    assert any("Lisbon" in memory.text for memory in page.memories)
    assert "short" in page.preferences[0].text
    assert page.total == max(len(page.memories), len(page.preferences))
    assert await door.client.aget_memory(user_id="u", page=1, size=50) == page
