"""Hand-written conversations and what a careful person would keep of them, against the deterministic extractor.

Every line of `tests/golden/extraction.jsonl` is one case. Words are looked for without regard to case. A case the
extractor is known to fail carries `gap`, the reason: it must go on failing until the mark is taken away.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memos_integrations.engine.extract import extract
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.models import Message

NOW = datetime(2026, 3, 18, 10, 0, tzinfo=UTC)
FILE = Path(__file__).parents[1] / "golden" / "extraction.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
CLASSES = {
    "facts", "polarity", "scope", "updates", "dates", "endorsement", "junk", "multi-speaker", "prompt-like",
    "forget", "assistant-only", "formats", "constraints", "habits",
}  # fmt: skip
KEYS = {
    "name", "class", "context", "messages", "facts", "preferences", "absent", "none", "no_preferences", "same_slot",
    "happened_on", "no_date", "forgets", "gap", "separate", "heading", "no_slot", "other_slots",
}  # fmt: skip


def _messages(raw: list[Any]) -> list[Message]:
    return [Message(**m) if isinstance(m, dict) else Message(role=m[0], content=m[1]) for m in raw]


def _with(words: list[str], candidates: tuple[Candidate, ...]) -> list[Candidate]:
    return [c for c in candidates if all(w.lower() in c.text.lower() for w in words)]


def _texts(got: Extraction) -> list[str]:
    return [c.text for c in (*got.memories, *got.preferences)]


def _complaints(case: dict[str, Any], got: Extraction) -> Iterator[str]:
    stored = got.memories + got.preferences
    yield from _missing(case, got)
    yield from _about_slots(case, stored)
    yield from _about_dates(case, got)
    yield from _about_forgetting(case, got)
    if case.get("none") and stored:
        yield "something was stored"
    if case.get("no_preferences") and got.preferences:
        yield "a preference was stored"
    for word in case.get("absent", []):
        if _with([word], stored):
            yield f"{word!r} was stored"


def _missing(case: dict[str, Any], got: Extraction) -> Iterator[str]:
    for words in case.get("facts", []):
        if not _with(words, got.memories):
            yield f"no fact with {words}"
    wishes = case.get("preferences", [])
    for wanted in wishes:
        if not any(p.type == wanted["type"] for p in _with(wanted["words"], got.preferences)):
            yield f"no {wanted['type']} with {wanted['words']}"
    kept = [{p.text for p in _with(w["words"], got.preferences)} for w in wishes]
    if case.get("separate") and set.intersection(*kept):
        yield "one preference holds what are several"


def _about_dates(case: dict[str, Any], got: Extraction) -> Iterator[str]:
    for wanted in case.get("happened_on", []):
        dates = {c.happened_on for c in _with(wanted["words"], got.memories)}
        if dates != {wanted["date"]}:
            yield f"happened on {dates}, not {wanted['date']}"
    for word in case.get("no_date", []):
        if any(c.happened_on for c in _with([word], got.memories)):
            yield f"{word!r} was given a date"


def _about_forgetting(case: dict[str, Any], got: Extraction) -> Iterator[str]:
    wanted = case.get("forgets", [])
    for words in wanted:
        if not any(all(w.lower() in f.lower() for w in words) for f in got.forgets):
            yield f"no request to forget with {words}"
    allowed = bool(wanted) or (case["class"] == "forget" and "forgets" not in case)
    if got.forgets and not allowed:
        yield f"took {got.forgets} for a request to forget"


def _about_slots(case: dict[str, Any], stored: tuple[Candidate, ...]) -> Iterator[str]:
    for key in ("same_slot", "other_slots"):
        if key in case:
            old, new = ({c.slot for c in _with(words, stored) if c.slot} for words in case[key])
            if bool(old & new) is not (key == "same_slot"):
                yield f"old fills {old}, new {new}"
    for word in case.get("no_slot", []):
        if any(c.slot for c in _with([word], stored)):
            yield f"{word!r} fills a slot"
    if "heading" in case:
        words, wanted = case["heading"]
        headings = [c.key for c in _with(words, stored)]
        if not all(w.lower() in h.lower() for h in headings for w in wanted):
            yield f"headings {headings} lack one of {wanted}"


def _param(case: dict[str, Any]) -> Any:
    marks = [pytest.mark.xfail(reason=case["gap"], strict=True)] if "gap" in case else []
    return pytest.param(case, id=f"{case['class']}: {case['name']}", marks=marks)


@pytest.mark.parametrize("case", [_param(c) for c in CASES])
def test_golden_case(case: dict[str, Any]) -> None:
    got = extract(_messages(case["messages"]), context=_messages(case.get("context", [])), now=NOW)
    complaints = list(_complaints(case, got))
    assert not complaints, f"{complaints}; stored: {_texts(got)}; forgets: {got.forgets}"


def test_golden_file_has_enough_of_every_class_and_language() -> None:
    languages = Counter(is_chinese(json.dumps(c["messages"], ensure_ascii=False)) for c in CASES)
    classes = Counter(c["class"] for c in CASES)
    assert len(CASES) >= 150
    assert min(languages[True], languages[False]) >= 40
    assert set(classes) == CLASSES
    assert min(classes.values()) >= 8


def test_golden_cases_are_named_once_and_expect_something() -> None:
    names = Counter((c["class"], c["name"]) for c in CASES)
    assert max(names.values()) == 1
    for case in CASES:
        assert set(case) <= KEYS, case["name"]
        assert set(case) & KEYS - {"name", "class", "context", "messages", "gap"}, case["name"]


def test_known_gaps_stay_few() -> None:
    assert sum("gap" in c for c in CASES) < 0.12 * len(CASES)
