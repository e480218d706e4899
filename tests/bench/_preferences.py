"""Preference recall: does a question bring back the preference it must respect, and do idle turns leave preferences?

Stores: `mixed`, one user with five preferences of every topic; `crowd`, one user with all preferences of a topic;
`alone`, one user each. Preferences are told among unrelated turns. A preference is found when at least 60 % (persona
dialogues: 40 %) of its content words stand in the first 6 preferences (`pref@6`), the first one (`pref@1`), or 6
preferences and 6 facts (`any@6`), each list cut to 400 tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tests.bench._yardstick import Message, Stopwatch, System, coverage, cut

KINDS = ("explicit", "choice", "persona")
STORES = ("mixed", "crowd", "alone")
ITEMS, BUDGET = 6, 400
Turn = list[Message]
Topics = dict[str, dict[str, list[dict[str, Any]]]]


def unrelated(chats: list[dict[str, Any]], count: int) -> list[Turn]:
    """The first `count` turns (what a user said and the answer) of chats that hold no preference."""
    turns: list[Turn] = []
    for chat in chats:
        said = [{"role": m["role"], "content": m["content"][:2000]} for m in chat["conversation"]]
        turns += [said[at : at + 2] for at in range(0, len(said) - 1, 2)]
    return turns[:count]


def _exchange(user: str, assistant: str) -> Turn:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def _telling(kind: str, item: dict[str, Any]) -> list[Turn]:
    if kind == "explicit":
        return [_exchange(item["preference"], "Understood, I will keep that in mind.")]
    talk = item["conversation"]
    if kind == "choice":
        first = _exchange(talk["query"], talk["assistant_options"])
        return [first, _exchange(talk["user_selection"], talk["assistant_acknowledgment"])]
    return [_exchange(turn["user"], turn["assistant"]) for turn in talk.values()]


def _users(topics: Topics, kind: str, store: str, per_topic: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    groups = {topic: held[kind] for topic, held in topics.items()}
    if store == "crowd":
        yield from ((f"{topic}-{kind}", items) for topic, items in groups.items())
    elif store == "alone":
        for topic, items in groups.items():
            yield from ((f"{topic}-{kind}-{number}", [item]) for number, item in enumerate(items[:per_topic]))
    else:
        for start in range(0, max(map(len, groups.values())) // 5 * 5, 5):
            items = [item for held in groups.values() for item in held[start : start + 5]]
            yield f"mixed-{kind}-{start // 5}", items


def measure(system: System, topics: Topics, noise: list[Turn], kind: str, store: str, per_topic: int) -> dict[str, str]:
    """The figures of one system for one kind of telling and one store."""
    adding, asking = Stopwatch(), Stopwatch()
    enough = 0.4 if kind == "persona" else 0.6
    found = {"pref@6": 0, "pref@1": 0, "any@6": 0}
    count = 0
    for user, items in _users(topics, kind, store, per_topic):
        for number, item in enumerate(items):
            for turn in _telling(kind, item):
                adding(system.add, user, f"{user}-{number}", turn)
            for turn in noise[number :: len(items)]:
                adding(system.add, user, f"{user}-chat", turn)
        for item in items:
            facts, preferences = asking(system.search, user, item["question"], ITEMS)
            goal = item["conversation"]["user_selection"] if kind == "choice" else item["preference"]
            kept = cut(preferences, ITEMS, BUDGET)
            shown = {"pref@6": kept, "pref@1": kept[:1], "any@6": kept + cut(facts, ITEMS, BUDGET)}
            for name, texts in shown.items():
                found[name] += coverage(goal, "\n".join(texts)) >= enough
            count += 1
    figures = {name: f"{100 * number / count:.1f}" if count else "-" for name, number in found.items()}
    return {"questions": str(count), **figures, "add ms p50 / p95": str(adding), "search ms p50 / p95": str(asking)}


def junk(system: System, noise: list[Turn]) -> float:
    """Preferences stored from unrelated turns, per 100 of them; each turn's own words ask for them."""
    for turn in noise:
        system.add("junk", "junk-chat", turn)
    found: set[str] = set()
    for turn in noise:
        found.update(system.search("junk", turn[0]["content"][:300], ITEMS)[1])
    return 100 * len(found) / len(noise) if noise else math.nan
