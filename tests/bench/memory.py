"""Memory quality on your own data, through the public API, beside BM25 over raw turns.

    python -m tests.bench memory --data PATH [--noise PATH] [--embedder auto|none] [--systems ours,bm25]

PATH holds one of these forms, told apart by their shape:
- dialogues, in LoCoMo's form or as a list of {"user", "turns": [{"id", "text", "speaker"?, "time"?, "session"?}],
  "questions": [{"question", "evidence": [turn ids], "kind"?}]}: the share of the evidence that is recalled;
- preferences, in PrefEval's form: {topic: {"explicit" | "choice" | "persona": [{"question", "preference",
  "conversation"?}]}}, with --noise a list of {"conversation": [{"role", "content"}]} that hold none: the preferences
  recalled from three kinds of store, and the junk.
What counts is said at the top of _dialogues.py and _preferences.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.bench import _dialogues, _preferences
from tests.bench._yardstick import SYSTEMS


def main(argv: list[str]) -> int:
    args = _arguments(argv)
    data = json.loads(args.data.read_text(encoding="utf-8"))
    names = args.systems.split(",")
    if isinstance(data, list):
        dialogues = _dialogues.read(data)
        print(f"{args.data.name}: {len(dialogues)} dialogues")
        _show({name: _dialogues.measure(SYSTEMS[name](args.embedder), dialogues) for name in names}, args.embedder)
    else:
        _preference_tables(args, dict(list(data.items())[: args.topics]), names)
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--noise", type=Path, help="unrelated chats, for data in PrefEval's form")
    parser.add_argument("--embedder", choices=("auto", "none"), default="auto")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--kinds", default=",".join(_preferences.KINDS))
    parser.add_argument("--stores", default=",".join(_preferences.STORES))
    parser.add_argument("--per-topic", type=int, default=5, help="preferences per topic in the store `alone`")
    parser.add_argument("--topics", type=int, help="only the first so many")
    parser.add_argument("--distractors", type=int, default=100, help="unrelated turns per user")
    return parser.parse_args(argv)


def _preference_tables(args: argparse.Namespace, topics: _preferences.Topics, names: list[str]) -> None:
    noise = []
    if args.noise:
        noise = _preferences.unrelated(json.loads(args.noise.read_text(encoding="utf-8")), args.distractors)
    for kind in args.kinds.split(","):
        for store in args.stores.split(","):
            print(f"{args.data.name}: {kind}, {store}, {len(noise)} unrelated turns per user")
            _show(
                {
                    name: _preferences.measure(SYSTEMS[name](args.embedder), topics, noise, kind, store, args.per_topic)
                    for name in names
                },
                args.embedder,
            )
    if noise and "ours" in names:
        made = _preferences.junk(SYSTEMS["ours"](args.embedder), noise)
        print(f"junk preferences per 100 unrelated turns: {made:.1f}")


def _show(columns: dict[str, dict[str, str]], embedder: str) -> None:
    titles = [SYSTEMS[name](embedder).name for name in columns]
    print(f"{'':22}" + "".join(f"{title:>32}" for title in titles))
    for row in next(iter(columns.values())):
        print(f"{row:22}" + "".join(f"{figures.get(row, ''):>32}" for figures in columns.values()), flush=True)
    print()
