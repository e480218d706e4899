"""get/memory/{memory_id} (contract §1.6)."""

from __future__ import annotations

from datetime import datetime

import pytest

from memos_integrations.errors import NotFound

from .conftest import Door


def stored(door: Door, sentence: str = "I live in Lisbon.") -> str:
    door.tell(sentence)
    page = door.data("/get/memory", {"user_id": "u"})
    return str((page["memory_detail_list"] + page["preference_detail_list"])[0]["id"])


def test_a_memory_with_its_times_in_iso(door: Door) -> None:
    memory_id = stored(door)
    status, envelope = door.send("GET", f"/get/memory/{memory_id}")
    data = envelope["data"]
    assert (status, envelope["code"], envelope["message"]) == (200, 0, "ok")
    assert data["id"] == memory_id
    assert "Lisbon" in data["content"]
    assert data["user_id"] == "u"
    assert data["conversation_id"] == "c"
    assert data["status"] == "activated"
    assert data["message_ids"]
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(data[name]).tzinfo is not None


def test_preferences_can_be_looked_up_too(door: Door) -> None:
    memory_id = stored(door, "I prefer short answers.")
    assert "short" in door.client.get_memory_by_id(memory_id).content


@pytest.mark.parametrize("memory_id", ["nobody", "a%2Fb", "%E4%BD%A0", "x" * 300])
def test_an_unknown_id_is_40001(door: Door, memory_id: str) -> None:
    status, envelope = door.send("GET", f"/get/memory/{memory_id}")
    assert (status, envelope["code"], envelope["data"]) == (200, 40001, None)


def test_a_blank_id_is_refused(door: Door) -> None:
    assert door.send("GET", "/get/memory/%20")[1]["code"] == 40002


async def test_the_client_and_its_twin(door: Door) -> None:
    memory_id = stored(door)
    detail = door.client.get_memory_by_id(memory_id)
    assert detail.created_at is not None
    assert await door.client.aget_memory_by_id(memory_id) == detail
    with pytest.raises(NotFound) as caught:
        door.client.get_memory_by_id("no/such memory?")
    assert caught.value.code == 40001
    assert "such" not in str(caught.value)
