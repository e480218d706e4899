"""Ranking of one partition: words, meaning, neighbouring turns, speaker and time, fused by calibrated scores.

A fact's words count twice: as the memory itself and together with what was said around it (an answer such as "three
years now" is found by its question). Scores are put on a common scale and added, because rank fusion lost against it
in every case measured. All weights sit on flat optima.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from memos_integrations.engine import dates
from memos_integrations.engine.partition import Entry, Partition, Postings, Shelf
from memos_integrations.engine.text import fold, terms

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array

_K1, _B = 0.9, 0.5
_CANDIDATES = 200
# Beyond this many postings a term is so common that it only adds to what rarer terms found.
_COMMON = 2_000
_MEANING, _WORDS, _AROUND = 0.5, 0.25, 0.25
_SMOOTHING = 0.2
_SPEAKER = 0.3
_TIME = 0.3
_DATED = 0.1
_ASKING = 0.1
_RICHNESS = 0.06
_CONVERSATION = 0.05
_SUPERSEDED = 0.15
_DAY_MS = 86_400_000
_EPOCH_DAY = 719_163
_WHEN = re.compile(
    r"\bwhen\b|\bwh(?:at|ich) (?:date|day|month|year|time)\b|什么时候|哪天|哪年|几号|何时", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: its terms, its vector where there is an embedder, the conversation it comes from, and the days
    it speaks of.
    """

    folded: str
    terms: tuple[str, ...]
    vector: Array | None
    conversation: str | None
    days: tuple[int, int] | None
    when: bool

    @classmethod
    def of(cls, text: str, vector: Array | None, conversation: str | None, now: datetime) -> Query:
        """Read a query asked at `now`."""
        span = dates.interval(text, now.date())
        return cls(
            folded=fold(text),
            terms=tuple(dict.fromkeys(terms(text))),
            vector=vector,
            conversation=conversation,
            days=(span[0].toordinal(), span[1].toordinal()) if span else None,
            when=_WHEN.search(text) is not None,
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
    words = bm25(shelf.postings, wanted)
    around = _around(partition, wanted)
    cosines = shelf.vectors.dot(query.vector) if query.vector is not None else None
    base = _fuse(shelf, words, around, cosines)
    hits = []
    for slot, score in _smooth(partition, shelf, base).items():
        entry = shelf.entries[slot]
        if entry is None or (allowed is not None and entry.number not in allowed):
            continue
        total = score + _RICHNESS * entry.richness - (_ASKING if entry.asks else 0.0)
        if speaker is not None and entry.speaker == speaker:
            total += _SPEAKER
        if query.days is not None:
            total += _TIME * _timely(entry, query.days)
        if query.when and entry.first_day:
            total += _DATED
        if query.conversation is not None and entry.conversation == query.conversation:
            total += _CONVERSATION
        if entry.status == "archived":
            total -= _SUPERSEDED
        hits.append(Hit(entry.number, total, min(1.0, max(0.001, total / 2))))
    hits.sort(key=lambda hit: (-hit.score, -hit.number))
    return [hit for hit in hits[:limit] if threshold is None or hit.relativity >= threshold]


def rank_preferences(
    partition: Partition, query: Query, limit: int, allowed: set[int] | None = None, threshold: float | None = None
) -> list[Hit]:
    """The best `limit` preferences, best first: by meaning above all, for they share few words with what they touch."""
    shelf = partition.preferences
    if not limit or not shelf.slots:
        return []
    words = bm25(shelf.postings, query.terms)
    top = max(words.values(), default=0.0) or 1.0
    cosines = shelf.vectors.dot(query.vector) if query.vector is not None else None
    candidates = set(words) if len(shelf.slots) > _CANDIDATES else set(shelf.slots.values())
    if cosines is not None:
        candidates.update(_best(cosines, _CANDIDATES))
    hits = []
    for slot in candidates:
        entry = shelf.entries[slot]
        if entry is None or (allowed is not None and entry.number not in allowed):
            continue
        cosine = max(0.0, float(cosines[slot])) if cosines is not None and slot < len(cosines) else 0.0
        total = 0.85 * cosine + 0.15 * words.get(slot, 0.0) / top
        if entry.status == "archived":
            total -= _SUPERSEDED
        hits.append(Hit(entry.number, total, min(1.0, max(0.001, total))))
    hits.sort(key=lambda hit: (-hit.score, -hit.number))
    return [hit for hit in hits[:limit] if threshold is None or hit.relativity >= threshold]


def bm25(postings: Postings, wanted: Iterable[str]) -> dict[int, float]:
    """The BM25 score of every document that holds a wanted term."""
    count = len(postings)
    scores: dict[int, float] = {}
    if not count:
        return scores
    lengths, scale = postings.lengths, _K1 * _B / max(postings.total / count, 1e-9)
    rest = _K1 * (1 - _B)
    for documents, frequencies in _lists(postings, wanted):
        weight = _weight(count, len(documents))
        found: Iterable[tuple[int, int]] = zip(documents, frequencies, strict=True)
        if len(documents) > _COMMON and scores:
            held = dict(found)
            found = [(d, held[d]) for d in scores if d in held]
        for document, frequency in found:
            gain = weight * frequency / (frequency + rest + scale * lengths[document])
            scores[document] = scores.get(document, 0.0) + gain
    return scores


def _lists(postings: Postings, wanted: Iterable[str]) -> list[tuple[array[int], array[int]]]:
    held = [entry for term in wanted if (entry := postings.lists.get(term)) is not None]
    return sorted(held, key=lambda entry: len(entry[0]))


def _weight(count: int, holders: int) -> float:
    return (_K1 + 1) * math.log(1 + (count - holders + 0.5) / (holders + 0.5))


def _around(partition: Partition, wanted: Iterable[str]) -> dict[int, float]:
    """BM25 by turn over what was said in the turn and next to it."""
    turns, near, around = partition.turns, partition.near, partition.around
    count = len(turns)
    scores: dict[int, float] = {}
    if not count:
        return scores
    scale, rest = _K1 * _B / max(sum(around) / count, 1e-9), _K1 * (1 - _B)
    for documents, frequencies in _lists(turns, wanted):
        weight = _weight(count, len(documents))
        counts: dict[int, float] = {}
        for turn, frequency in zip(documents, frequencies, strict=True):
            counts[turn] = counts.get(turn, 0.0) + frequency
            for other, share in near(turn):
                counts[other] = counts.get(other, 0.0) + share * frequency
        for turn, heard in counts.items():
            gain = weight * heard / (heard + rest + scale * around[turn])
            scores[turn] = scores.get(turn, 0.0) + gain
    return scores


def _speaker(shelf: Shelf, query: Query) -> tuple[str | None, list[str]]:
    """The speaker asked about (the first one named), and the query's terms without the names of speakers."""
    found = min(((at, name) for name in shelf.speakers if (at := query.folded.find(name)) >= 0), default=None)
    names = {term for name in shelf.speakers for term in terms(name)}
    return (found[1] if found else None), [term for term in query.terms if term not in names]


def _fuse(
    shelf: Shelf, words: Mapping[int, float], around: Mapping[int, float], cosines: Array | None
) -> dict[int, float]:
    top_words, top_around = max(words.values(), default=0.0) or 1.0, max(around.values(), default=0.0) or 1.0
    meaning = _MEANING if cosines is not None else 0.0
    rest = (1 - meaning) / (_WORDS + _AROUND)
    low, high = (float(cosines.min()), float(cosines.max())) if cosines is not None else (0.0, 1.0)
    fused: dict[int, float] = {}
    for slot, entry in enumerate(shelf.entries):
        if entry is None:
            continue
        score = rest * (_WORDS * words.get(slot, 0.0) / top_words + _AROUND * around.get(entry.turn, 0.0) / top_around)
        if cosines is not None and slot < len(cosines):
            score += meaning * (float(cosines[slot]) - low) / max(high - low, 1e-6)
        fused[slot] = score
    return fused


def _smooth(partition: Partition, shelf: Shelf, base: Mapping[int, float]) -> dict[int, float]:
    by_turn: dict[int, float] = {}
    for slot, score in base.items():
        entry = shelf.entries[slot]
        if entry is not None and entry.turn >= 0:
            by_turn[entry.turn] = max(by_turn.get(entry.turn, 0.0), score)
    smoothed = {}
    for slot, score in base.items():
        entry = shelf.entries[slot]
        turn = entry.turn if entry is not None else -1
        sides = by_turn.get(partition.before[turn], 0.0) + by_turn.get(partition.after[turn], 0.0) if turn >= 0 else 0.0
        smoothed[slot] = score + _SMOOTHING * sides
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
