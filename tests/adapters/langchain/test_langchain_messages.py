from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from memos_integrations.langchain._messages import (
    answer_text,
    asked_text,
    digest,
    is_user,
    split_turns,
    text_of,
    with_text,
)

BLOCKS = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Hello"}]
CALL = {"name": "t", "args": {}, "id": "1"}


def human(text: str, id_: str) -> HumanMessage:
    return HumanMessage(text, id=id_)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (HumanMessage("hi"), "hi"),
        (AIMessage(BLOCKS), "Hello"),
        (BLOCKS, "Hello"),
        (["a", {"type": "text", "text": "b"}], "ab"),
        ([], ""),
        (None, ""),
        (7, ""),
        ([object()], ""),
    ],
)
def test_text_of(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (BLOCKS, "Hello"),
        ([HumanMessage("old"), AIMessage("yes"), HumanMessage("new")], "new"),
        ([("user", "old"), ("ai", "yes"), ("user", "new")], "new"),
        ([AIMessage("only me")], ""),
    ],
)
def test_what_was_asked(value: object, text: str) -> None:
    assert asked_text(value) == text


@pytest.mark.parametrize(
    ("output", "key", "text"),
    [
        ("plain", None, "plain"),
        (AIMessage(BLOCKS), None, "Hello"),
        ({"output": "a", "answer": "b"}, None, "a"),
        ({"answer": AIMessage("b")}, None, "b"),
        ({"said": "c", "output": "a"}, "said", "c"),
        ({"documents": ["x"]}, None, ""),
        (None, None, ""),
    ],
)
def test_what_was_answered(output: object, key: str | None, text: str) -> None:
    assert answer_text(output, key) == text


def test_turns_begin_with_the_user_and_join_what_they_said_in_a_row() -> None:
    messages = [
        SystemMessage("s"),
        human("a", "1"),
        human("b", "2"),
        AIMessage("", tool_calls=[CALL]),
        ToolMessage("t", tool_call_id="1"),
        AIMessage("yes"),
        human("c", "3"),
    ]
    first, second = split_turns(messages)
    assert first.question == "a\nb"
    assert first.answered
    assert [m.role for m in first.to_messages()] == ["user", "user", "assistant", "tool", "assistant"]
    assert [bool(m.tool_calls) for m in first.to_messages()] == [False, False, True, False, False]
    assert (second.question, second.answered, second.broke_off) == ("c", False, False)
    assert first.id != second.id
    assert first.id == split_turns(messages)[0].id


def test_summaries_are_not_the_user() -> None:
    summary = HumanMessage("So far …", additional_kwargs={"lc_source": "summarization"})
    assert not is_user(summary)
    [turn] = split_turns([summary, human("hi", "1"), AIMessage("hello")])
    assert turn.question == "hi"


def test_a_turn_that_broke_off_in_a_tool_round() -> None:
    [turn] = split_turns([human("a", "1"), AIMessage("let me see", tool_calls=[CALL])])
    assert turn.broke_off
    assert not turn.answered


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("hi", "hi\n\nmore"),
        ("", "more"),
        ([{"type": "text", "text": "hi"}], [{"type": "text", "text": "hi"}, {"type": "text", "text": "more"}]),
    ],
)
def test_text_is_added_to_a_copy(content: object, expected: object) -> None:
    message = HumanMessage(content, id="1", name="ann", additional_kwargs={"x": 1})
    copy = with_text(message, "more")
    assert copy.content == expected
    assert message.content == content
    assert (copy.id, copy.name, copy.additional_kwargs) == ("1", "ann", {"x": 1})


def test_digest_tells_parts_apart_and_bears_broken_text() -> None:
    assert digest("a", "b") != digest("ab")
    assert digest("\ud800") != digest("?")
    assert len(digest(None)) == 32
