"""Answers are parsed tolerantly (contract §9.1) and shown without content."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from memos_integrations.models import (
    ExtractResult,
    FactMemory,
    MemoryPage,
    Message,
    MessageList,
    PreferenceMemory,
    SearchResult,
    TaskResult,
    TaskStatus,
    merge_extracts,
    parse_time,
    to_millis,
)

MOMENT = datetime(2025, 11, 9, 7, 57, 37, 192000, timezone.utc)


@pytest.mark.parametrize(
    "value",
    [
        1762675057192,
        "1762675057192",
        "2025-11-09T07:57:37.192+00:00",
        "2025-11-09T07:57:37.192Z",
        1762675057.192,
        MOMENT,
    ],
)
def test_times_in_every_known_form(value: object) -> None:
    """contract §2: milliseconds in real answers, strings in the specification, ISO-8601 in get/memory/{id}."""
    assert parse_time(value) == MOMENT


@pytest.mark.parametrize("value", ["<string>", "", None, True, [], {}, float("nan"), 10**30, "next week"])
def test_unreadable_times_are_none(value: object) -> None:
    assert parse_time(value) is None


def test_naive_times_are_utc() -> None:
    assert parse_time("2025-11-09 07:57:37.192") == MOMENT
    assert parse_time(datetime(2025, 11, 9)) == datetime(2025, 11, 9, tzinfo=timezone.utc)


def test_millis_round_trip() -> None:
    assert to_millis(MOMENT) == 1762675057192
    assert to_millis(MOMENT.astimezone(timezone(timedelta(hours=8)))) == 1762675057192


def test_a_sparse_answer_parses() -> None:
    """Every list may be absent or null, the note too (contract §1.2)."""
    for data in ({}, {"memory_detail_list": None, "preference_detail_list": None, "preference_note": None}):
        result = SearchResult.model_validate(data)
        assert (result.memories, result.preferences, result.preference_note) == ([], [], "")


def test_odd_items_do_not_spoil_the_good_ones() -> None:
    raw = [
        {"id": 7, "memory_value": "tea", "relativity": "0.5", "tags": "food", "new_field": {"x": 1}},
        "junk",
        3,
        None,
    ]
    result = SearchResult.model_validate({"memory_detail_list": raw})
    [fact] = result.memories
    assert (fact.id, fact.text, fact.relativity, fact.tags) == ("7", "tea", 0.5, ["food"])
    assert fact.model_extra == {"new_field": {"x": 1}}


def test_an_item_that_cannot_be_parsed_is_left_out() -> None:
    result = MessageList.model_validate({"message_detail_list": [{"role": "user", "content": "x"}, {1: 2}]})
    assert [m.content for m in result.messages] == ["x"]


def test_wire_names_go_out_again() -> None:
    fact = FactMemory(id="1", memory_value="v", create_time=MOMENT)
    wire = SearchResult(memories=[fact], preference_note="n").to_wire()
    assert wire["memory_detail_list"][0]["create_time"] == 1762675057192
    assert wire["preference_detail_list"] == []
    assert wire["preference_note"] == "n"
    assert SearchResult.model_validate(wire).memories == [fact]


def test_reprs_show_no_content() -> None:
    """House rule: user ids and memory text never stand in reprs."""
    shown = repr(
        [
            FactMemory(id="1", memory_value="SECRET", memory_key="SECRET", conversation_id="SECRET", tags=["SECRET"]),
            PreferenceMemory(preference="SECRET", reasoning="SECRET"),
            SearchResult.model_validate(
                {"memory_detail_list": [{"memory_value": "SECRET"}], "preference_note": "SECRET"}
            ),
            Message(role="user", content="SECRET", id="SECRET"),
        ]
    )
    assert "SECRET" not in shown
    assert "len(memories)=1" in shown


def test_text_of_memories() -> None:
    assert FactMemory(memory_key="k").text == "k"
    assert FactMemory().text == PreferenceMemory().text == ""
    assert PreferenceMemory(preference_type="implicit_preference").implicit
    assert not PreferenceMemory(preference_type="something new").implicit


def test_numbers_that_are_none() -> None:
    assert FactMemory.model_validate({"relativity": "high", "confidence": float("nan")}).relativity is None
    page = MemoryPage.model_validate({"total": None, "pages": "3", "current": 1e30})
    assert (page.total, page.pages, page.current) == (0, 3, 0)


def test_task_answers() -> None:
    assert TaskResult.model_validate({"task_id": None, "status": None}).status == "running"
    assert TaskResult.model_validate({"task_id": 5}).task_id == "5"
    assert TaskStatus(status="completed").done
    assert not TaskStatus.model_validate({"status": None}).done


@pytest.mark.parametrize(
    ("given", "role", "text"),
    [
        (("human", "hi"), "user", "hi"),
        (("ai", "yo"), "assistant", "yo"),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": "b"}]},
            "user",
            "a\nb",
        ),
        ({"role": "tool", "content": None, "tool_call_id": 3}, "tool", ""),
        (Message(role="system", content="s"), "system", "s"),
    ],
)
def test_messages_from_what_people_have(given: object, role: str, text: str) -> None:
    message = Message.of(given)  # type: ignore[arg-type]
    assert (message.role, message.text) == (role, text)


def test_chat_time_may_be_a_datetime() -> None:
    said = Message.model_validate({"role": "user", "content": "x", "chat_time": datetime(2025, 9, 12, 8)})
    assert said.chat_time == "2025-09-12 08:00:00"


@pytest.mark.parametrize("bad", [("robot", "x"), {"role": 5, "content": "x"}, "text", None, ("user",)])
def test_what_is_no_message(bad: object) -> None:
    with pytest.raises(ValidationError):
        Message.of(bad)  # type: ignore[arg-type]


def test_windows_merge_in_order_without_repeats() -> None:
    def part(*texts: str) -> ExtractResult:
        return ExtractResult(
            memories=[FactMemory(memory_value=t) for t in texts], preferences=[PreferenceMemory(preference=texts[0])]
        )

    only = part("a")
    assert merge_extracts([only]) is only
    merged = merge_extracts([part("a", "b"), part("b", "c"), part("a")])
    assert [m.text for m in merged.memories] == ["a", "b", "c"]
    assert [p.text for p in merged.preferences] == ["a", "b"]
