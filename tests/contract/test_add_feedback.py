"""add/feedback (contract §1.8)."""

from __future__ import annotations

import pytest

from .conftest import Door

PATH = "/add/feedback"


def test_the_answer_is_a_task(door: Door) -> None:
    data = door.data(PATH, {"user_id": "u", "conversation_id": "c", "feedback_content": "I live in Porto now."})
    assert data["success"] is True
    assert data["task_id"]
    assert data["status"] in {"running", "completed"}


def test_nulls_and_unknown_fields_are_accepted(door: Door) -> None:
    body = {"user_id": "u", "feedback_content": "ok", "conversation_id": None, "feedback_time": None, "x": 1}
    assert door.data(PATH, body)["task_id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"feedback_content": "canary"}, 40002),
        ({"user_id": "u"}, 40002),
        ({"user_id": "u", "feedback_content": " "}, 40002),
        ({"user_id": "u" * 101, "feedback_content": "canary"}, 40010),
    ],
)
def test_refusals(door: Door, body: object, code: int) -> None:
    assert door.code(PATH, body) == code


async def test_the_client_and_its_twin(door: Door) -> None:
    for result in (
        door.client.add_feedback("That was right.", user_id="u", feedback_time="2025-09-12 08:00:00"),
        await door.client.aadd_feedback("That was wrong.", user_id="u", conversation_id="c"),
    ):
        assert result.success
        assert result.task_ids == [result.task_id]
