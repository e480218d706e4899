"""_turn: what of a turn is kept."""

from __future__ import annotations

import pytest

from memos_integrations._turn import clean_turn, with_ids
from memos_integrations.errors import InvalidRequest
from memos_integrations.models import FactMemory, Message
from memos_integrations.prompt import render

BLOCK = render([FactMemory(memory_value="The user has a cat.")], [])
CALL = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def said(messages, **options):
    cleaned = clean_turn(messages, **options)
    return [(m.role, m.content) for m in cleaned.messages], dict(cleaned.left_out)


def test_user_text_and_final_answer():
    kept, left_out = said(
        [
            ("system", "Be nice."),
            ("user", "What is on?"),
            {"role": "assistant", "content": "Let me look.", "tool_calls": CALL},
            {"role": "tool", "content": "{}", "tool_call_id": "1"},
            ("assistant", "One moment."),
            Message(role="assistant", content="A film."),
        ]
    )
    assert kept == [("user", "What is on?"), ("assistant", "A film.")]
    assert left_out == {"system": 1, "tool_call": 1, "tool": 1, "intermediate": 1}


def test_several_turns_keep_one_answer_each():
    kept, _ = said([("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d"), ("assistant", "e")])
    assert kept == [("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d"), ("assistant", "e")]


def test_parts_that_are_no_text_are_counted():
    content = [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "x"}}, {"text": "here"}]
    kept, left_out = said([{"role": "user", "content": content}])
    assert kept == [("user", "Look:\nhere")]
    assert left_out == {"part": 1}


def test_injected_memory_and_reasoning_are_removed():
    kept, left_out = said(
        [
            ("user", f"{BLOCK}\n\nHi"),
            ("assistant", f"<think>the user has a cat</think>Hello {BLOCK}"),
        ]
    )
    assert kept == [("user", "Hi"), ("assistant", "Hello")]
    assert left_out == {}


@pytest.mark.parametrize(
    "answer",
    ["Thought: easy.\nAnswer: 3", "Thought: I know.\nAction: none\nFinal Answer: 3", "<thinking>hm</thinking> 3"],
)
def test_scaffolding_of_an_answer_is_removed(answer):
    assert said([("user", "1+2?"), ("assistant", answer)])[0] == [("user", "1+2?"), ("assistant", "3")]


def test_unfinished_thinking_is_no_answer():
    kept, left_out = said([("user", "1+2?"), ("assistant", "<think>well")])
    assert kept == [("user", "1+2?")]
    assert left_out == {"empty": 1}


def test_without_a_user_nothing_is_kept():
    assert said([("assistant", "Welcome!")]) == ([], {"without_user": 1})
    assert said([]) == ([], {})
    assert said([("user", BLOCK)]) == ([], {"empty": 1})


@pytest.mark.parametrize(
    ("on_abort", "kept"),
    [
        ("user_and_partial", [("user", "Tell me"), ("assistant", "Once upon")]),
        ("user_only", [("user", "Tell me")]),
        ("discard", []),
    ],
)
def test_abort_policies(on_abort, kept):
    turn = [("user", "Tell me"), ("assistant", "Once upon")]
    assert said(turn, aborted=True, on_abort=on_abort)[0] == kept
    assert said(turn, on_abort=on_abort)[0] == turn


def test_abort_without_an_answer_keeps_the_user():
    assert said([("user", "Tell me")], aborted=True)[0] == [("user", "Tell me")]


def test_redaction_is_applied_to_every_kept_text():
    kept, _ = said([("user", "a"), ("assistant", "b")], redact=str.upper)
    assert kept == [("user", "A"), ("assistant", "B")]


@pytest.mark.parametrize("bad", ["text", {"role": "user", "content": "x"}, Message(role="user", content="x"), 5, None])
def test_what_is_no_list_is_refused(bad):
    with pytest.raises(InvalidRequest, match="list of messages"):
        clean_turn(bad)


@pytest.mark.parametrize("bad", [5, {"role": "wizard", "content": "secret text"}, ("user", "a", "b"), None])
def test_a_bad_message_is_refused_without_quoting_it(bad):
    with pytest.raises(InvalidRequest) as caught:
        clean_turn([("user", "x"), bad])
    assert "secret" not in str(caught.value)


def test_ids_are_made_once_and_kept_when_given():
    messages = [Message(role="user", content="a", id="mine"), Message(role="assistant", content="b")]
    assert [m.id for m in with_ids(messages, "key")] == ["mine", "key-1"]
