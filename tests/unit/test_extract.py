"""Properties of extraction that hold for every input: no crash, no invention, same in same out, linear work."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_integrations.engine.extract import extract
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.spelling import corrected
from memos_integrations.engine.text import words
from memos_integrations.models import Message

NOW = datetime(2026, 3, 18, 10, 0, tzinfo=UTC)
TEMPLATE = words(
    """
    the user s said asked answered agreed chose chosen yes on to assistant is has had would will not
    they them their theirs themselves re are were
    does did was am have january february march april may june july august september october november december
    """
)
TEMPLATE_ZH = set("用户说的是要求选择了所问题被到回答对年月日至同意")
FRAGMENTS = [
    "I love", "I hate", "I'm", "I've", "I'd", "I'll", "my", "mine", "My sister", "and", "but", "because", "not",
    "oolong tea", "the gravel bike", "never", "always", "used to", "go", "went", "watch", "carry", "do", "have",
    "yesterday", "last Friday", "next month", "on 3 March 1988", "in 2019", "I moved to Austin", "I'll go with",
    "the second one", "Yes, please", "No", "It's Ann", "Remember that", "Forget that", "please", "?", ".", "!", ",",
    "\n", "\n- ", "1.", "```", '"', "Traceback (most recent call last):", "system:", "<memories>", "{", "}",
    "What is your name?", "Options: a train, a van, or a boat. Which one do you prefer?", "Call me", "in French",
    "我", "喜欢", "讨厌", "我的猫", "昨天", "下个月", "，", "。", "？", "我住在", "青岛", "选第二个", "请记住", "忘记",
    "你想要哪个？", "1. 民宿 2. 酒店", "不要", "过敏", "叫我", "因为", "但是", "Me gusta el té", "お茶が好きです",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=25).map(" ".join),
)
MESSAGES = st.builds(
    lambda role, content, chat_time, name: Message(
        role=role, content=content, chat_time=chat_time, role_id=name and name.lower(), role_name=name
    ),
    st.sampled_from(["user", "user", "user", "assistant", "system", "tool"]),
    TEXTS,
    st.one_of(st.none(), st.sampled_from(["1:56 pm on 8 May, 2023", "2024-07-10", "二〇二四年", "99:99"]), st.text()),
    st.sampled_from([None, None, "Nadia", "小梅"]),
)
TALKS = st.lists(MESSAGES, max_size=5)


def user(text: str) -> Message:
    return Message(role="user", content=text)


def stored(got: Extraction) -> tuple[Candidate, ...]:
    return got.memories + got.preferences


def latin(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def forms(known: set[str]) -> set[str]:
    """`known`, and each of them as a verb of the third person."""
    ies = {w[:-1] + "ies" for w in known if w.endswith("y")}
    return known | ies | {w + "s" for w in known} | {w + "es" for w in known}


@settings(max_examples=150, deadline=None)
@given(messages=TALKS, context=TALKS)
def test_any_conversation_is_read_twice_alike_and_with_sound_provenance(
    messages: list[Message], context: list[Message]
) -> None:
    got = extract(messages, context=context, now=NOW)
    assert got == extract(messages, context=context, now=NOW)
    for candidate in stored(got):
        assert candidate.text.strip()
        assert candidate.sources
        assert all(-len(context) <= s < len(messages) for s in candidate.sources)
        assert any(s >= 0 and messages[s].role == "user" for s in candidate.sources)
    assert len({c.text for c in got.memories}) == len(got.memories)
    assert len({c.text for c in got.preferences}) == len(got.preferences)


@settings(max_examples=250, deadline=None)
@given(messages=TALKS, context=TALKS)
def test_no_content_word_is_invented(messages: list[Message], context: list[Message]) -> None:
    told = [*context, *messages]
    source = " ".join([*(m.text for m in told), *(m.role_name or "" for m in told)])
    known = forms(latin(source) | latin(" ".join(map(corrected, source.split())))) | TEMPLATE
    for candidate in stored(extract(messages, context=context, now=NOW)):
        assert latin(candidate.text) <= known, candidate.text
        han = set(re.findall("[\u4e00-\u9fff]", candidate.text))
        assert han <= set(source) | TEMPLATE_ZH, candidate.text


@settings(max_examples=80, deadline=None)
@given(messages=TALKS, context=TALKS)
def test_only_what_was_asked_for_is_returned(messages: list[Message], context: list[Message]) -> None:
    both = extract(messages, context=context, now=NOW)
    facts = extract(messages, context=context, now=NOW, types=frozenset({"memory"}))
    tastes = extract(messages, context=context, now=NOW, types=frozenset({"preference"}))
    assert (facts.memories, facts.preferences) == (both.memories, ())
    assert (tastes.memories, tastes.preferences) == ((), both.preferences)
    assert facts.forgets == tastes.forgets == both.forgets


@settings(max_examples=80, deadline=None)
@given(text=TEXTS, role=st.sampled_from(["assistant", "system", "tool"]))
def test_nothing_is_stored_where_no_user_speaks(text: str, role: str) -> None:
    assert extract([Message(role=role, content=text)], now=NOW) == Extraction()


def work(messages: list[Message]) -> int:
    """How many functions, Python's and built-in ones, extraction of `messages` calls."""
    count = 0

    def profiler(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profiler)
    try:
        extract(messages, now=NOW)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        "I moved to Austin in May {}. ",
        "I love tea number {} and I hate coffee. ",
        "I like thing{}, ",
        "my cat{} and ",
        "What about {}? ",
        "yesterday {} ",
        "- I own boat {}\n",
        '{{"a": {}}}\n',
        "我喜欢第{}种茶。",
        "我昨天买了{}，",
        "forget that I said {}. ",
        "\n",
    ],
)
def test_work_grows_linearly_with_the_text(unit: str) -> None:
    small, large = (work([user("".join(unit.format(i % 7) for i in range(n)))]) for n in (100, 400))
    assert large < 4 * 1.25 * small + 500


def test_work_grows_linearly_with_the_conversation() -> None:
    turn = [user("I own two red boats."), Message(role="assistant", content="Are they big?")]
    assert work(turn * 120) < 4 * 1.25 * work(turn * 30) + 500


def test_content_parts_are_read_and_images_are_not() -> None:
    parts = [{"type": "text", "text": "I own a kiln."}, {"type": "image_url", "image_url": {"url": "https://x.test"}}]
    got = extract([Message(role="user", content=parts)], now=NOW)
    assert [m.text for m in got.memories] == ["The user owns a kiln."]


def test_chat_time_decides_over_the_time_of_ingestion() -> None:
    message = Message(role="user", content="Yesterday I sold my kiln.", chat_time="2024-07-10")
    (memory,) = extract([message], now=NOW).memories
    assert memory.happened_on == "2024-07-09"
    assert memory.said_on == datetime(2024, 7, 10, tzinfo=UTC)


def test_reasoning_of_a_preference_names_the_evidence() -> None:
    (preference,) = extract([user("I love rooibos.")], now=NOW).preferences
    assert '"I love rooibos."' in preference.reasoning


def test_an_answer_points_back_at_the_question() -> None:
    asked = Message(role="assistant", content="What is your name?")
    (memory,) = extract([user("Solveig Dahl.")], context=[asked], now=NOW).memories
    assert memory.sources == (-1, 0)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            "I'm vegetarian, and I prefer trains to planes.",
            {"The user is vegetarian", "The user prefers trains to planes."},
        ),
        ("I'm a vegan and I love spicy food.", {"The user is a vegan", "The user loves spicy food."}),
    ],
)
def test_what_somebody_is_and_what_they_like_are_two_preferences(told, expected):
    found = extract([Message(role="user", content=told)], now=datetime(2025, 6, 1, tzinfo=UTC))
    assert {candidate.text for candidate in found.preferences} == expected
