"""What holds for extraction from any text: no crash, no invented word, same answer twice, bounded work per sentence."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_integrations._text import estimate_tokens
from memos_integrations.engine.extract import extract
from memos_integrations.engine.facts import FACT_TOKENS
from memos_integrations.engine.sentences import sentences
from memos_integrations.engine.text import language, terms
from memos_integrations.models import Message

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
WORDS = st.sampled_from(
    [
        "I",
        "I'm",
        "my",
        "me",
        "we",
        "you",
        "love",
        "hate",
        "prefer",
        "and",
        "but",
        "not",
        "never",
        "usually",
        "moved",
        "to",
        "Rome",
        "coffee",
        "tea",
        "work",
        "as",
        "nurse",
        "in",
        "yesterday",
        "last",
        "week",
        "3",
        "days",
        "ago",
        "option",
        "1",
        "the",
        "second",
        "one",
        "yes",
        "no",
        "please",
        "forget",
        "that",
        "don't",
        "answer",
        "my",
        "name",
        "is",
        "Ann",
        "?",
        ".",
        ",",
        "!",
        "\n",
        "-",
        ":",
        "我",
        "喜欢",
        "讨厌",
        "昨天",
        "搬到",
        "南京",
        "，",
        "。",
        "请",
        "回复",
        "简洁",
        "忘掉",
        "吗",
        "？",
        "我们",
        "「",
        "」",
        '"',
        "“",
        "”",
        "’",
        "#",
        "<",
        ">",
        "{",
        "}",
        "[",
        "]",
        "```",
        "http://x.y",
    ]
)
TALK = st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=60).map(" ".join))
# Words an extractor writes itself: subjects, reported speech, months and the numbers of resolved dates.
TEMPLATE = set(
    terms(
        "The user said asked answered chose chosen agreed stated assistant has is does their themselves will would had "
        "yes no january february march april may june july august september october november december to on of "
        "用户说用户的用户要求用户选择了用户对回答被问到是不说年月日至所选问题"
    )
)
ROLES = st.sampled_from(["user", "assistant", "system", "tool"])
MESSAGES = st.lists(st.tuples(ROLES, TALK, st.sampled_from([None, "Ann", "小王"])), min_size=1, max_size=4)


def talk_of(raw):
    return [Message(role=r, content=t, role_name=n, role_id=n and "x") for r, t, n in raw]


@settings(max_examples=150, deadline=None)
@given(MESSAGES, MESSAGES)
def test_extraction_never_crashes_and_never_invents(raw, before):
    talk, context = talk_of(raw), talk_of(before)
    found = extract(talk, context=context, now=NOW)
    assert found == extract(talk, context=context, now=NOW)
    said = {t for m in (*talk, *context) for t in terms(f"{m.text} {m.role_name or ''}")}
    said |= {c for m in (*talk, *context) for c in m.text}
    for memory in (*found.memories, *found.preferences):
        assert memory.text.strip()
        assert memory.sources
        assert all(-len(context) <= i < len(talk) for i in memory.sources)
        assert any(([*context, *talk][i + len(context)]).role == "user" for i in memory.sources)
        for term in set(terms(memory.text)) - said - TEMPLATE:
            # What is left are numbers of dates and pairs of characters that stand where a name met its neighbours.
            assert term.isdigit() or any(c >= "\u2e80" for c in term) or _from_inflection(term, said), (
                term,
                memory.text,
            )


def _from_inflection(term, said):
    return any(term[:3] == other[:3] for other in said)


@settings(max_examples=100, deadline=None)
@given(TALK)
def test_terms_and_language_take_anything(text):
    assert terms(text) == terms(text)
    assert all(term and term == term.strip() for term in terms(text))
    assert language(text) in {"en", "zh"}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["word", "I like", "我喜欢", ".", " ", "\n", "。", "x" * 300]), max_size=80).map("".join)
)
def test_a_sentence_is_never_long_so_that_work_stays_linear(text):
    found = sentences(text)
    assert all(len(s) <= 610 for s in found)
    assert "".join(text.split()).strip(".。") == "".join("".join(found).split()).strip(".。")


@pytest.mark.parametrize(
    "unit",
    ["a", "I ", "I never ", "and I love it ", "(", "我", "我喜欢", "1. ", "word, ", "\n", " \n", "- x\n", "A: b\n",
     "I find it ", "<memories>", "```", '"', "，我喜欢", "I'll go with option 1 or ", "forget my ", "the second one "],
)  # fmt: skip
def test_pathological_input_ends(unit):
    text = (unit * (60_000 // len(unit)))[:60_000]
    talk = [Message(role="assistant", content=f"1. {text[:3000]}?"), Message(role="user", content=text)]
    found = extract(talk, now=NOW)
    assert all(estimate_tokens(m.text) <= 2 * FACT_TOKENS for m in found.memories)


def test_types_choose_what_comes_back():
    talk = [Message(role="user", content="I love rye bread. Forget my address.")]
    facts = extract(talk, now=NOW, types=frozenset({"memory"}))
    tastes = extract(talk, now=NOW, types=frozenset({"preference"}))
    assert (len(facts.memories), len(facts.preferences)) == (1, 0)
    assert (len(tastes.memories), len(tastes.preferences)) == (0, 1)
    assert facts.forgets == tastes.forgets == ("Forget my address.",)


def test_context_explains_but_is_not_extracted_again():
    context = [Message(role="user", content="I live in Oslo."), Message(role="assistant", content="What is your name?")]
    found = extract([Message(role="user", content="Ann Berg.")], context=context, now=NOW)
    assert [m.text for m in found.memories] == ["The user's name is Ann Berg."]
    assert found.memories[0].sources == (-1, 0)


def test_forget_that_points_at_the_message_before():
    context = [Message(role="user", content="My PIN is 4821."), Message(role="assistant", content="Noted.")]
    found = extract([Message(role="user", content="Please forget that.")], context=context, now=NOW)
    assert found.forgets == ("My PIN is 4821.",)
    assert found.memories == ()


def test_a_long_story_is_cut_at_sentences():
    story = " ".join(f"I visited town number {i} with my brother and we liked it a lot." for i in range(40))
    found = extract([Message(role="user", content=story)], now=NOW)
    assert len(found.memories) > 5
    assert all(estimate_tokens(m.text) <= 1.3 * FACT_TOKENS for m in found.memories)
    assert all(any(f"number {i} " in m.text for m in found.memories) for i in range(40))
