"""Memory quality on your own data: what shared/eval prints, through the public API, beside BM25 over raw turns.

    python -m tests.bench memory --data DIALOGUES.json [--embedder auto|none] [--systems ours,bm25]
DATA is a list of {"user": id, "turns": [{"id", "speaker"?, "text", "time"?, "session"?}], "questions": [{"question",
"evidence": [turn ids]}]}, or a file in LoCoMo's form. An evidence turn counts when at least 60 % of its content words
stand in the first 6 (20) recalled facts, cut to 400 (1300) tokens.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import time
from collections import Counter
from pathlib import Path

from memos_integrations import MemOSClient
from memos_integrations._text import estimate_tokens
from memos_integrations.engine.text import terms

CUTS = ((6, 400), (20, 1300))


class Ours:
    name = "memos_integrations"

    def __init__(self, embedder: str) -> None:
        self.client = MemOSClient.embedded(":memory:", embedder=embedder)

    def add(self, user: str, conversation: str, message: dict) -> None:
        self.client.add_message([message], user_id=user, conversation_id=conversation, async_mode=False)

    def search(self, user: str, query: str) -> list[str]:
        found = self.client.search_memory(query, user_id=user, memory_limit_number=20, include_preference=False)
        return [m.text for m in found.memories]


class BM25:
    name = "BM25 over raw turns"

    def __init__(self, _embedder: str) -> None:
        self.docs: dict[str, list[tuple[str, Counter]]] = {}

    def add(self, user: str, _conversation: str, message: dict) -> None:
        text = f"{message.get('role_name') or 'user'}: {message['content']}"
        self.docs.setdefault(user, []).append((text, Counter(terms(text))))

    def search(self, user: str, query: str) -> list[str]:
        docs = self.docs.get(user, [])
        mean = sum(sum(c.values()) for _, c in docs) / max(1, len(docs))
        scored = []
        holders = {t: sum(t in c for _, c in docs) for t in set(terms(query))}
        for text, counts in docs:
            size = sum(counts.values())
            score = sum(
                math.log(1 + (len(docs) - n + 0.5) / (n + 0.5))
                * counts[t]
                * 2.2
                / (counts[t] + 1.2 * (0.25 + 0.75 * size / mean))
                for t, n in holders.items()
            )
            scored.append((score, text))
        return [text for score, text in sorted(scored, key=lambda pair: -pair[0])[:20] if score > 0]


def dialogues(path: Path) -> list[dict]:
    data = json.loads(path.read_text(encoding="utf-8"))
    return [_locomo(item) if "conversation" in item else item for item in data]


def _locomo(item: dict) -> dict:
    talk, turns = item["conversation"], []
    for number in sorted(int(k.split("_")[1]) for k in talk if re.fullmatch(r"session_\d+", k)):
        when = talk.get(f"session_{number}_date_time")
        turns += [
            {"id": t["dia_id"], "speaker": t["speaker"], "text": t["text"], "time": when, "session": str(number)}
            for t in talk[f"session_{number}"]
        ]
    questions = [
        {"question": q["question"], "evidence": re.findall(r"D\d+:\d+", " ".join(q.get("evidence", [])))}
        for q in item["qa"]
        if q.get("category") in {1, 2, 3, 4}
    ]
    return {"user": item["sample_id"], "turns": turns, "questions": questions}


def within(texts: list[str], items: int, budget: int) -> set[str]:
    kept: set[str] = set()
    for text in texts[:items]:
        budget -= estimate_tokens(text)
        if budget < 0:
            break
        kept |= set(terms(text))
    return kept


def run(system: Ours | BM25, data: list[dict]) -> None:
    hits: dict[int, list[float]] = {6: [], 20: []}
    adding, asking = [], []
    for item in data:
        texts = {}
        for turn in item["turns"]:
            message = {"role": "user", "content": turn["text"], "id": turn["id"], "chat_time": turn.get("time")}
            if turn.get("speaker"):
                message |= {"role_id": turn["speaker"].lower(), "role_name": turn["speaker"]}
            texts[turn["id"]] = set(terms(turn["text"]))
            start = time.perf_counter()
            system.add(item["user"], turn.get("session", "1"), message)
            adding.append(time.perf_counter() - start)
        for question in item["questions"]:
            evidence = [texts[e] for e in question["evidence"] if texts.get(e)]
            if not evidence:
                continue
            start = time.perf_counter()
            facts = system.search(item["user"], question["question"])
            asking.append(time.perf_counter() - start)
            for items, budget in CUTS:
                held = within(facts, items, budget)
                hits[items].append(sum(len(e & held) >= 0.6 * len(e) for e in evidence) / len(evidence))
    recall = f"R@6 {100 * statistics.fmean(hits[6]):.1f}  R@20 {100 * statistics.fmean(hits[20]):.1f}  n {len(hits[6])}"
    times = f"add p50 {1000 * statistics.median(adding):.1f} ms  search p50 {1000 * statistics.median(asking):.1f} ms"
    print(f"{system.name:22} {recall}  {times}")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", choices=("auto", "none"), default="auto")
    parser.add_argument("--systems", default="ours,bm25")
    args = parser.parse_args(argv)
    for name in args.systems.split(","):
        run({"ours": Ours, "bm25": BM25}[name](args.embedder), dialogues(args.data))
    return 0
