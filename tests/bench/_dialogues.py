"""Evidence recall: do the recalled facts hold the words of the turns that answer a question?

Every turn is told as a message of its speaker. An evidence turn counts when at least 60 % of its content words stand in
the first 6 (20) facts, cut to 400 (1300) tokens; a question's score is the share of its evidence that counts.
"""

from __future__ import annotations

import re
import statistics
from typing import Any

from tests.bench._yardstick import Message, Stopwatch, System, coverage, cut

CUTS = ((6, 400), (20, 1300))
ENOUGH = 0.6
_KINDS = {1: "multi-hop", 2: "temporal", 3: "open", 4: "single"}
_EVIDENCE = re.compile(r"D\d+:\d+")


def read(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Dialogues of one's own as they are, LoCoMo's in that form."""
    return [_locomo(item) if "conversation" in item else item for item in data]


def _locomo(item: dict[str, Any]) -> dict[str, Any]:
    talk, turns = item["conversation"], []
    for number in sorted(int(key.split("_")[1]) for key in talk if re.fullmatch(r"session_\d+", key)):
        when = talk.get(f"session_{number}_date_time", "")
        turns += [
            {"id": t["dia_id"], "speaker": t["speaker"], "text": t["text"], "time": when, "session": str(number)}
            for t in talk[f"session_{number}"]
        ]
    questions = [
        {
            "question": q["question"],
            "kind": _KINDS[q["category"]],
            "evidence": [e for part in q.get("evidence", []) for e in _EVIDENCE.findall(part)],
        }
        for q in item["qa"]
        if q.get("category") in _KINDS
    ]
    return {"user": item["sample_id"], "turns": turns, "questions": questions}


def measure(system: System, dialogues: list[dict[str, Any]]) -> dict[str, str]:
    """The figures of one system, by name."""
    adding, asking = Stopwatch(), Stopwatch()
    shares: dict[str, list[float]] = {}
    for dialogue in dialogues:
        user = str(dialogue["user"])
        for conversation, messages in _told(dialogue):
            adding(system.add, user, f"{user}-{conversation}", messages)
        texts = {turn["id"]: turn["text"] for turn in dialogue["turns"]}
        for question in dialogue["questions"]:
            evidence = [texts[e] for e in question["evidence"] if e in texts]
            if not evidence:
                continue
            facts, _ = asking(system.search, user, question["question"], 20)
            for items, budget in CUTS:
                held = "\n".join(cut(facts, items, budget))
                share = statistics.fmean(coverage(turn, held) >= ENOUGH for turn in evidence)
                for kind in ("all", question.get("kind")):
                    if kind:
                        shares.setdefault(f"R@{items} {kind}", []).append(share)
    names = sorted(shares, key=lambda name: (int(name[2:].split()[0]), name.split()[1] != "all"))
    figures = {name: f"{100 * statistics.fmean(shares[name]):.1f}" for name in names}
    count = str(len(shares.get("R@6 all", [])))
    return {"questions": count, **figures, "add ms p50 / p95": str(adding), "search ms p50 / p95": str(asking)}


def _told(dialogue: dict[str, Any]) -> list[tuple[str, list[Message]]]:
    """Turns two by two, as a chat tells them, never across conversations."""
    told: list[tuple[str, list[Message]]] = []
    for turn in dialogue["turns"]:
        message = {"role": "user", "content": turn["text"], "id": turn["id"], "chat_time": turn.get("time")}
        if turn.get("speaker"):
            message |= {"role_id": turn["speaker"].lower(), "role_name": turn["speaker"]}
        conversation = turn.get("session", "1")
        if told and told[-1][0] == conversation and len(told[-1][1]) == 1:
            told[-1][1].append(message)
        else:
            told.append((conversation, [message]))
    return told
