"""Short talks in English and Chinese and the very words that should be kept of them (tests/golden/talks.jsonl).

Each line: `talk` (role, text, speaker), `facts` and `prefs` (parts that one memory must hold, "a|b" = either),
`forgets` (whole requests), `absent` ("facts"/"prefs" = none at all; "facts:x" = x in none of them).
Preferences and requests to forget are complete: more than listed is a mistake.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from memos_integrations.engine.extract import extract
from memos_integrations.models import Message

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
FILE = Path(__file__).parents[1] / "golden" / "talks.jsonl"
CASES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def test_there_are_enough_cases_of_every_class():
    assert len(CASES) >= 150
    assert len({case["cls"] for case in CASES}) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['id']}-{c['cls']}")
def test_talk(case):
    talk = [
        Message(role=role, content=text, chat_time=case.get("time"), role_name=name or None, role_id=name or None)
        for role, text, name in ((*line, "")[:3] for line in case["talk"])
    ]
    found = extract(talk, now=NOW)
    facts, prefs = [m.text for m in found.memories], [p.text for p in found.preferences]
    for wanted in case["facts"]:
        assert any(part in fact for part in wanted.split("|") for fact in facts), (wanted, facts)
    assert len(prefs) == len(case["prefs"]), prefs
    for kind, wanted in case["prefs"]:
        assert any(wanted in p.text and p.type == f"{kind}_preference" and p.reasoning for p in found.preferences), (
            prefs
        )
    assert list(found.forgets) == case["forgets"]
    for gone in case.get("absent", []):
        kind, _, part = gone.partition(":")
        texts = facts if kind == "facts" else prefs
        assert not any(part in text for text in texts), texts
    if "slot" in case:
        assert case["slot"] in {m.slot for m in found.memories}, [m.slot for m in found.memories]
    if "happened" in case:
        assert case["happened"] in {m.happened_on for m in found.memories}, [m.happened_on for m in found.memories]
    assert all(m.key and m.sources and m.said_on for m in (*found.memories, *found.preferences))
