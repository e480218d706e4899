"""Ranking of one partition: words, meaning, neighbouring turns and time, fused by calibrated scores."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from memos_integrations.engine.partition import Partition, Postings, Shelf
from memos_integrations.engine.text import terms

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array

_K1, _B = 1.2, 0.75
_CANDIDATES = 300
_SMOOTHING = 0.35
_DENSE_SHARE = {"memory": 0.5, "preference": 0.85}
_CONVERSATION_BOOST = 0.05


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: the text, its terms, its vector where there is an embedder, and the conversation it comes from."""

    text: str
    terms: tuple[str, ...]
    vector: Array | None
    conversation: str | None
    now: datetime

    @classmethod
    def of(cls, text: str, vector: Array | None, conversation: str | None, now: datetime) -> Query:
        """A query with its distinct terms."""
        return cls(text, tuple(dict.fromkeys(terms(text))), vector, conversation, now)


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory found: `score` orders hits, `relativity` in (0, 1] says how much it has to do with the query."""

    number: int
    score: float
    relativity: float


def rank(
    partition: Partition,
    kind: str,
    query: Query,
    limit: int,
    allowed: set[int] | None = None,
    threshold: float | None = None,
) -> list[Hit]:
    """The best `limit` memories of `kind`, best first; `allowed` numbers only, at least `threshold` relative."""
    shelf = partition.shelf(kind)
    if not limit or not shelf.slots:
        return []
    words = _words(partition, shelf, query.terms)
    top = max(words.values(), default=0.0)
    cosines = shelf.vectors.dot(query.vector) if query.vector is not None else None
    candidates = set(words)
    if cosines is not None:
        candidates.update(_best(cosines, _CANDIDATES))
    if kind == "preference" and len(shelf.slots) <= _CANDIDATES:
        candidates.update(shelf.slots.values())
    share = _DENSE_SHARE[kind] if cosines is not None else 0.0
    hits = []
    for slot in candidates:
        entry = shelf.entries[slot]
        if entry is None or (allowed is not None and entry.number not in allowed):
            continue
        lexical = words.get(slot, 0.0) / top if top else 0.0
        cosine = float(cosines[slot]) if cosines is not None and slot < len(cosines) else 0.0
        score = (1 - share) * lexical + share * max(0.0, cosine)
        if entry.conversation == query.conversation:
            score += _CONVERSATION_BOOST
        hits.append(Hit(entry.number, score, min(1.0, max(0.001, score))))
    hits.sort(key=lambda hit: (-hit.score, -hit.number))
    return [hit for hit in hits[:limit] if threshold is None or hit.relativity >= threshold]


def _words(partition: Partition, shelf: Shelf, wanted: Iterable[str]) -> dict[int, float]:
    return bm25(shelf.postings, wanted)


def bm25(postings: Postings, wanted: Iterable[str]) -> dict[int, float]:
    """The BM25 score of every document that holds a wanted term."""
    count = len(postings)
    scores: dict[int, float] = {}
    if not count:
        return scores
    lengths, scale = postings.lengths, _K1 * _B / max(postings.total / count, 1e-9)
    for term in wanted:
        entry = postings.lists.get(term)
        if entry is None:
            continue
        documents, frequencies = entry
        weight = math.log(1 + (count - len(documents) + 0.5) / (len(documents) + 0.5)) * (_K1 + 1)
        for document, frequency in zip(documents, frequencies, strict=True):
            gain = weight * frequency / (frequency + _K1 * (1 - _B) + scale * lengths[document])
            scores[document] = scores.get(document, 0.0) + gain
    return scores


def _best(cosines: Array, count: int) -> list[int]:
    import numpy as np

    if len(cosines) <= count:
        return list(range(len(cosines)))
    return [int(i) for i in np.argpartition(-cosines, count)[:count]]
