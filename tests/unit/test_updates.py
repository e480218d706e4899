"""Statements that change what was said before, and what is shown of both afterwards (tests/golden/updates.jsonl).

Each line: `say`, what was told in order, a month apart (a text, [speaker, text], or an object with `user` or `day`);
`now`, phrases that stand in a memory shown as current ("a|b" is either); `past`, phrases at the end of a clause that
are kept and only ever shown as no longer current.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest

from memos_integrations.engine.memories import Memories
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.updates import fillings, slots, style_slot, taste_slot
from memos_integrations.requests import AddRequest, GetMemoryRequest

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
FILE = Path(__file__).parents[1] / "golden" / "updates.jsonl"
CASES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
MARKS = (" (no longer current", "（已过时")
QUOTES = (" (correcting: ", "（更正：")


def shown(case):
    """`(text, status)` of every memory of user "u"; what a correction quotes is cut off."""
    core = Memories(":memory:", embedder="none", clock=lambda: NOW)
    for month, turn in enumerate(case["say"], 1):
        told = turn if isinstance(turn, dict) else {"text": turn} if isinstance(turn, str) else {"text": turn[1]}
        name = turn[0] if isinstance(turn, list) else None
        message = {"role": "user", "content": told["text"], "chat_time": told.get("day", f"2026-{month:02}-05")}
        message |= {"role_name": name, "role_id": name} if name else {}
        owner = {"user_id": told.get("user", "u"), "conversation_id": "c", "async_mode": False}
        core.add(AddRequest.of({"messages": [message], **owner}))
    page = core.get_memory(GetMemoryRequest.of({"user_id": "u", "size": 50}))
    core.close()
    rows = [(m.memory_value, m.status) for m in page.memories] + [(p.preference, p.status) for p in page.preferences]
    return [(text.split(QUOTES[0])[0].split(QUOTES[1])[0], status) for text, status in rows]


def is_marked(text, phrase):
    return any(phrase + mark in text for mark in MARKS)


def complaints(case, rows):
    for wanted in case["now"]:
        parts = wanted.split("|")
        if not any(
            p in text and not is_marked(text, p) for p in parts for text, status in rows if status != "archived"
        ):
            yield f"not current: {wanted}"
    for phrase in case["past"]:
        held = [(text, status) for text, status in rows if phrase in text]
        if not held:
            yield f"lost: {phrase}"
        if any(status != "archived" and not is_marked(text, phrase) for text, status in held):
            yield f"still current: {phrase}"


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['id']}-{c['cls']}")
def test_sequence(case):
    rows = shown(case)
    assert not list(complaints(case, rows)), rows


def test_there_are_enough_sequences_of_every_class_in_both_languages():
    languages = Counter(is_chinese(json.dumps(case["say"], ensure_ascii=False)) for case in CASES)
    assert len(CASES) >= 150
    assert languages[True] >= 25
    assert len({case["cls"] for case in CASES}) >= 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I moved to Austin and work as a nurse at St. Mary's.", ["home", "employer", "role"]),
        ("My sister Dana moved to Oslo.", ["home@dana"]),
        ("My best friend lives in Rome.", ["home@friend"]),
        ("Tom's dog's name is Rex.", ["name@tom dog"]),
        ("Her name is Ann.", []),
        ("She moved to Rome.", []),
        ("I was living in Paris.", []),
        ("I called the bank.", []),
        ("I have a meeting at Google.", []),
        ("I have a doctor in town.", []),
        ("I separated the trash.", []),
        ("My boss is strict.", []),
        ("My boss is Karen.", ["thing:boss"]),
        ("My work email is a@b.example.", ["email:work"]),
        ("I now am a nurse.", ["role"]),
        ("Ana leads hikes.", []),
        ("We moved to May 16.", []),
        ("The trip is great.", []),
        ("我姐姐住在上海。", ["home@姐姐"]),
        ("他住在上海。", []),
        ("我希望住在海边。", []),
        ("今天天气很好。", []),
    ],
)
def test_fillings(text, expected):
    assert [filling.slot for filling in fillings(text)] == expected


def test_each_filling_knows_its_clause():
    text = "The user lives in Oslo, they work at Equinor and their phone number is 555-0101. (said on 3 May 2025)"
    assert [(f.slot, text[f.start : f.end]) for f in fillings(text)] == [
        ("home", "The user lives in Oslo"),
        ("employer", "they work at Equinor"),
        ("phone", "their phone number is 555-0101"),
    ]


def test_a_new_job_ends_what_was_said_of_work():
    (job,) = fillings("My sister got a new job.")
    assert set(job.ends) == {"job@sister", "employer@sister", "role@sister", "profession@sister"}


def test_slots_are_named_without_whose_they_are():
    assert slots("I work as a nurse at St. Mary's and my sister lives in Rome.") == ["job", "home"]


def test_slots_of_tastes_and_styles():
    assert taste_slot("The user loves coffee.") == taste_slot("The user hates coffee.") == "taste:coffe"
    assert taste_slot("用户现在喜欢香菜了。") == taste_slot("用户讨厌香菜。") == "taste:香菜"
    assert taste_slot("用户每天跑步。") is None
    assert taste_slot("one two three four five six seven") is None
    assert style_slot("Answer in French.") == style_slot("请用中文回答") == "style:language"
    assert style_slot("Have a nice day.") is None
