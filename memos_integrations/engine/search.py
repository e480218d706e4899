"""Ranking of one partition: words, meaning, neighbouring turns, speaker and time, fused by calibrated scores.

A fact's words count twice: as the memory itself and together with what was said around it (an answer such as "three
years now" is found by its question). Scores are put on a common scale and added, because rank fusion lost against it
in every case measured. All weights sit on flat optima.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from memos_integrations.engine import dates
from memos_integrations.engine.partition import Entry, Partition, Shelf
from memos_integrations.engine.postings import Near
from memos_integrations.engine.related import near
from memos_integrations.engine.text import fold, terms

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array

Odds = tuple[float, float, float, float]

# Up to this many memories of a kind are all weighed; beyond it, the best by each sign and the newest are.
_SMALL = 300
_BEST = 40
_BEST_BY_MEANING = 100
_MEANING, _WORDS, _AROUND = 0.5, 0.25, 0.25
_SMOOTHING = 0.2
_SPEAKER = 0.3
_TIME = 0.3
_DATED = 0.1
_ASKING = 0.1
_RICHNESS = 0.06
_CONVERSATION = 0.05
# Asked about the present, the newest memory has this much on the oldest.
_RECENT = 0.1
_SUPERSEDED = 0.1
_PREFERENCE_WORDS = 0.05
# Log odds that a memory has to do with a query: constant, words, words around, meaning. Near a logistic fit over
# dialogues whose other half of the queries was put to somebody else's memories, kept flatter than the fit.
_FACT_ODDS = (-5.6, 2.0, 5.0, 13.0)
_FACT_ODDS_BY_WORDS = (-2.2, 8.0, 3.0, 0.0)
# A preference applies to what it shares no word with: a cosine of 0.22 is above 99 % of unrelated pairs.
_PREFERENCE_ODDS = (-3.3, 3.0, 0.0, 15.0)
_PREFERENCE_ODDS_BY_WORDS = (-2.0, 6.0, 0.0, 0.0)
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_EPOCH_DAY = 719_163
_WHEN = re.compile(
    r"\bwhen\b|\bwh(?:at|ich) (?:date|day|month|year|time)\b|什么时候|哪天|哪年|几号|何时", re.IGNORECASE
)
_PRESENT = re.compile(
    r"\b(?:is|are|am|do|does|now|current|currently|still|these days|nowadays|any ?more|latest|today)\b"
    r"|现在|目前|如今|当前|最近|在哪|哪里|是谁|是什么|叫什么|多大|还",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:did|was|were|had|when|ago|last|used to|first|originally|before|previously|in \d{4})\b"
    r"|以前|之前|曾经|当时|什么时候|去年|上次|上周|上个|昨天|最初|第一次|过|了[吗？?]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: its terms, its vector where there is an embedder, the conversation it comes from, and the days
    it speaks of, and whether it asks about the present.
    """

    folded: str
    terms: tuple[str, ...]
    vector: Array | None
    conversation: str | None
    days: tuple[int, int] | None
    when: bool
    current: bool
    scale: tuple[float, float] = (1.0, 0.0)

    @classmethod
    def of(
        cls,
        text: str,
        vector: Array | None,
        conversation: str | None,
        now: datetime,
        scale: tuple[float, float] = (1.0, 0.0),
    ) -> Query:
        """Read a query asked at `now`; `scale` makes its vector's cosines comparable (`engine.meaning`)."""
        span = dates.interval(text, now.date())
        return cls(
            folded=fold(text),
            terms=tuple(dict.fromkeys(terms(text))),
            vector=vector,
            conversation=conversation,
            days=(span[0].toordinal(), span[1].toordinal()) if span else None,
            when=_WHEN.search(text) is not None,
            current=_PRESENT.search(text) is not None and _PAST.search(text) is None,
            scale=scale,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory found: `score` orders hits, `relativity` in (0, 1] says how much it has to do with the query."""

    number: int
    score: float
    relativity: float


def rank_facts(
    partition: Partition, query: Query, limit: int, allowed: set[int] | None = None, threshold: float | None = None
) -> list[Hit]:
    """The best `limit` facts, best first; only `allowed` numbers, only `threshold` relativity and more."""
    shelf = partition.facts
    if not limit or not shelf.slots:
        return []
    speaker, wanted = _speaker(shelf, query)
    signs = _Signs(partition, shelf, wanted, query, near)
    entries = {slot: entry for slot in signs.candidates() if (entry := shelf.entries[slot]) is not None}
    odds = _FACT_ODDS_BY_WORDS if signs.cosines is None else _FACT_ODDS
    turns = partition.turns.around({entry.turn for entry in entries.values()}, wanted)
    base = _fuse(signs, entries, turns)
    recent = _recency(entries.values()) if query.current else None
    scored = [
        (score + _aside(entry, query, speaker) + (recent(entry) if recent else 0.0), entry.number)
        for slot, score in _smooth(partition, entries, base).items()
        if (entry := entries[slot]) and (allowed is None or entry.number in allowed)
    ]
    hits = []
    for score, number in _current_first(shelf, sorted(scored, reverse=True), limit):
        slot = shelf.slots[number]
        hits.append(Hit(number, score, signs.relativity(slot, _around(entries[slot], turns), odds)))
    return [hit for hit in hits if threshold is None or hit.relativity >= threshold]


def _aside(entry: Entry, query: Query, speaker: str | None) -> float:
    """What speaks for a memory besides its words and meaning."""
    total = _RICHNESS * entry.richness - (_ASKING if entry.asks else 0.0)
    if speaker is not None and entry.speaker == speaker:
        total += _SPEAKER
    if query.days is not None:
        total += _TIME * _timely(entry, query.days)
    if query.when and entry.first_day:
        total += _DATED
    if query.conversation is not None and entry.conversation == query.conversation:
        total += _CONVERSATION
    return total - (_SUPERSEDED if entry.status == "archived" else 0.0)


def _recency(entries: Collection[Entry]) -> Callable[[Entry], float]:
    """What being told late does for each of these memories."""
    said = [entry.said_at for entry in entries]
    oldest, newest = min(said, default=0), max(said, default=0)
    share = _RECENT / max(newest - oldest, _HOUR_MS)
    return lambda entry: share * (entry.said_at - oldest)


def _current_first(shelf: Shelf, scored: list[tuple[float, int]], limit: int) -> list[tuple[float, int]]:
    """The first `limit` of scores and numbers; what replaced a superseded memory stands right before it."""
    known = {number for _, number in scored}
    chosen: dict[int, float] = {}
    for score, number in scored:
        if len(chosen) >= limit:
            break
        entry = shelf.entries[shelf.slots[number]]
        newer = entry.successor if entry is not None else None
        if newer is not None and newer in known:
            chosen.setdefault(newer, score)
        chosen.setdefault(number, score)
    return [(score, number) for number, score in list(chosen.items())[:limit]]


def rank_preferences(
    partition: Partition, query: Query, limit: int, allowed: set[int] | None = None, threshold: float | None = None
) -> list[Hit]:
    """The best `limit` preferences that hold now, best first: by meaning above all, for they share few words with
    what they touch.
    """
    shelf = partition.preferences
    if not limit or not shelf.slots:
        return []
    # Where meaning is known, words that only come near it blur it.
    signs = _Signs(partition, shelf, query.terms, query, near if query.vector is None else None)
    entries = {slot: entry for slot in signs.candidates() if (entry := shelf.entries[slot]) is not None}
    odds = _PREFERENCE_ODDS_BY_WORDS if signs.cosines is None else _PREFERENCE_ODDS
    top, meanings = signs.words.highest or 1.0, signs.meanings(entries)
    scored = []
    for slot, entry in entries.items():
        if entry.status != "archived" and (allowed is None or entry.number in allowed):
            words = signs.words.of(slot) / top
            total = words if signs.cosines is None else meanings.get(slot, 0.0) + _PREFERENCE_WORDS * words
            scored.append((total, entry.number, slot))
    scored.sort(reverse=True)
    hits = [Hit(number, total, signs.relativity(slot, 0.0, odds)) for total, number, slot in scored[:limit]]
    return [hit for hit in hits if threshold is None or hit.relativity >= threshold]


class _Signs:
    """What speaks for each memory of a shelf: BM25 of its words, and cosine."""

    def __init__(
        self, partition: Partition, shelf: Shelf, wanted: Sequence[str], query: Query, related: Near | None
    ) -> None:
        self._partition = partition
        self._shelf = shelf
        self._wanted = wanted
        self.words = shelf.postings.scores(wanted, related)
        self.cosines = shelf.vectors.dot(query.vector) if query.vector is not None else None
        if self.cosines is not None and query.scale != (1.0, 0.0):
            factor, summand = query.scale
            self.cosines = (factor * self.cosines + summand).clip(0)
        # The score of a memory that holds every wanted term many times.
        self._ceiling = sum(map(shelf.postings.weight, wanted)) or 1.0

    def candidates(self) -> set[int]:
        """The slots worth weighing."""
        shelf, turns, count = self._shelf, self._partition.turns, len(self._shelf.entries)
        if count <= _SMALL:
            return set(range(count))
        found = set(range(count - _BEST, count))
        found.update(self.words.best(_BEST))
        for turn in turns.words.scores(self._wanted).best(_BEST):
            found.update(shelf.by_turn.get(turn, ()))
            for other, _ in turns.near(turn):
                found.update(shelf.by_turn.get(other, ()))
        if self.cosines is not None:
            found.update(_best(self.cosines, _BEST_BY_MEANING))
        return found

    def cosine(self, slot: int) -> float:
        """How close a memory's meaning is to the query's; 0 without a vector."""
        return float(self.cosines[slot]) if self.cosines is not None and slot < len(self.cosines) else 0.0

    def meanings(self, slots: Iterable[int]) -> dict[int, float]:
        """The cosines of those of many slots that have one."""
        if self.cosines is None:
            return {}
        held = [slot for slot in slots if slot < len(self.cosines)]
        return dict(zip(held, self.cosines[held].tolist(), strict=True))

    def relativity(self, slot: int, around: float, odds: Odds) -> float:
        """How much a memory has to do with the query, as a probability: comparable between queries."""
        words = self.words.of(slot) / self._ceiling
        total = odds[0] + odds[1] * words + odds[2] * around / self._ceiling + odds[3] * self.cosine(slot)
        return min(1.0, max(0.0001, round(1 / (1 + math.exp(-total)), 4)))


def _fuse(signs: _Signs, entries: Mapping[int, Entry], turns: Mapping[int, float]) -> dict[int, float]:
    """One score per slot: each sign put on 0..1 between the worst and the best memory, then added."""
    cosines = signs.cosines
    top_words = signs.words.highest or 1.0
    top_around = max(turns.values(), default=0.0) or 1.0
    meaning = 0.0 if cosines is None else _MEANING
    low, high = (0.0, 1.0) if cosines is None else (float(cosines.min()), float(cosines.max()))
    meanings, spread = signs.meanings(entries), max(high - low, 1e-6)
    rest = (1 - meaning) / (_WORDS + _AROUND)
    fused = {}
    for slot, entry in entries.items():
        words, around = signs.words.of(slot) / top_words, _around(entry, turns) / top_around
        score = rest * (_WORDS * words + _AROUND * around)
        if meaning:
            score += meaning * max(0.0, meanings.get(slot, 0.0) - low) / spread
        fused[slot] = score
    return fused


def _around(entry: Entry, turns: Mapping[int, float]) -> float:
    """What the turns around a memory do for it; less for a remark that says little itself, such as "Since when?"."""
    return entry.fullness * turns.get(entry.turn, 0.0)


def _speaker(shelf: Shelf, query: Query) -> tuple[str | None, Sequence[str]]:
    """The speaker asked about (the first one named), and the query's terms without the names of speakers."""
    if not shelf.speakers:
        return None, query.terms
    found = min(((at, name) for name in shelf.speakers.values() if (at := query.folded.find(name)) >= 0), default=None)
    return (found[1] if found else None), [term for term in query.terms if term not in shelf.speaker_terms]


def _smooth(partition: Partition, entries: Mapping[int, Entry], base: Mapping[int, float]) -> dict[int, float]:
    """Each score and a share of those of the neighbouring turns: what answers together was said together."""
    by_turn: dict[int, float] = {}
    for slot, score in base.items():
        turn = entries[slot].turn
        by_turn[turn] = max(by_turn.get(turn, 0.0), score)
    by_turn[-1] = 0.0
    smoothed = {}
    for slot, score in base.items():
        turn = entries[slot].turn
        before, after = partition.turns.sides(turn) if turn >= 0 else (-1, -1)
        smoothed[slot] = score + _SMOOTHING * (by_turn.get(before, 0.0) + by_turn.get(after, 0.0))
    return smoothed


def _timely(entry: Entry, days: tuple[int, int]) -> float:
    """How well a memory fits the days asked about: it happened then, was said then, or was said soon after."""
    first, last = days
    if entry.first_day and entry.first_day <= last and entry.last_day >= first:
        return 1.0
    said = entry.said_at // _DAY_MS + _EPOCH_DAY
    if first <= said <= last:
        return 0.8
    return 0.4 if last < said <= last + 10 else 0.0


def _best(cosines: Array, count: int) -> list[int]:
    import numpy as np

    if len(cosines) <= count:
        return list(range(len(cosines)))
    return [int(i) for i in np.argpartition(-cosines, count)[:count]]
