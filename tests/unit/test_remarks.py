"""Remarks on an answer are not remembered; statements that look like them are."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from memos_integrations.engine.extract import extract
from memos_integrations.engine.remarks import is_remark, without_remarks
from memos_integrations.models import Message

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=timezone.utc)
REMARKS = [
    "I don't get it",
    "I still don't understand step 3.",
    "I'm confused.",
    "That didn't work",
    "It doesn't work either.",
    "I think you're wrong.",
    "That's not what I meant.",
    "I have another question.",
    "I mean the other file.",
    "No I don't.",
    "Sorry, I can't follow that explanation.",
    "你错了",
    "不对，重来。",
    "用户不对，重来",
    "还是不行",
    "没看懂",
    "不是这个意思",
    "再来一个",
    "换一个吧。",
    "太长了，短一点。",
]
STATEMENTS = [
    "I don't get on with my brother.",
    "I don't understand Greek.",
    "I'm lost in Rome without a map.",
    "That didn't work out with Ann.",
    "My car doesn't work.",
    "I have a question for my doctor on Monday.",
    "I can't follow a gluten diet.",
    "It's wrong to eat animals, I think.",
    "我老公不行了",
    "我不懂法语",
    "我换了一个工作",
    "我住错了地方",
    "我不明白他为什么离开我",
]


@pytest.mark.parametrize("sentence", REMARKS)
def test_a_remark_is_not_remembered(sentence):
    found = extract([Message(role="user", content=sentence)], now=NOW)
    assert is_remark(sentence)
    assert [m.text for m in (*found.memories, *found.preferences)] == []


@pytest.mark.parametrize("sentence", STATEMENTS)
def test_a_statement_is_no_remark(sentence):
    assert not is_remark(sentence)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (["Who told you I like golf?", "I don't."], ["Who told you I like golf?", "I don't like golf."]),
        (["Why do you think I eat meat?", "No, I don't!"], ["Why do you think I eat meat?", "I don't eat meat."]),
        (["Do I like golf?", "I don't."], ["Do I like golf?", "I don't like golf."]),
        (["Can you come?", "I don't."], ["Can you come?"]),
        (["I live in Oslo.", "I don't get it."], ["I live in Oslo."]),
    ],
)
def test_a_denial_says_what_it_denies(said, left):
    assert without_remarks(said) == left


def test_what_was_wrongly_supposed_is_corrected():
    found = extract([Message(role="user", content="Who told you I like golf? I don't.")], now=NOW)
    assert [p.text for p in found.preferences] == ["The user doesn't like golf."]
