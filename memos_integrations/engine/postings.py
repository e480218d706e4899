"""An inverted index of one owner's texts and BM25 over it, without numpy or, where there is much to add up, with it.

Both ways give the same scores to rounding. A partition of usual size is ranked faster without numpy, so it is not even
imported for one; at ten thousand documents numpy is about ten times as fast.
"""

from __future__ import annotations

import heapq
import importlib
import math
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Protocol, TypeAlias

K1, B = 0.9, 0.5
# Beyond this many holders a term is so common that it only adds to what rarer terms found.
_COMMON = 500
# From this many documents on numpy pays when it is in use anyway, and when it is imported for this.
_LEAST = (300, 1500)
# One number per posting: the document above, how often it holds the term below.
SHIFT, MOST = 8, 255
_EMPTY: array[int] = array("I")
# A word near a wanted one counts at most this share of it.
_SHARE = 0.7

# A term's neighbours with their closeness in 0..1, nearest first.
Near: TypeAlias = "Callable[[str], Sequence[tuple[str, float]]]"
StandIns: TypeAlias = "tuple[array[int], list[tuple[float, array[int]]]]"


class Scores(Protocol):
    """Documents and their scores; 0 for a document without any wanted term."""

    highest: float

    def of(self, document: int) -> float:
        """The score of a document."""
        ...

    def best(self, count: int) -> list[int]:
        """The `count` documents with the highest scores above 0, in any order; of equal ones, the oldest."""
        ...


class Postings:
    """An inverted index: for each term the documents that hold it and how often."""

    __slots__ = ("_bytes", "lengths", "lists", "total")

    def __init__(self) -> None:
        self.lists: dict[str, array[int]] = {}
        self.lengths: array[int] = array("I")
        self.total = 0
        self._bytes = 0

    def add(self, terms: Sequence[str]) -> int:
        """Index one document and return its number."""
        number, lists = len(self.lengths), self.lists
        once = number << SHIFT | 1
        for term in terms:
            codes = lists.get(term)
            if codes is None:
                lists[term] = array("I", (once,))
                self._bytes += 250  # an array, a dictionary slot and the string
            elif (last := codes[-1]) < once:
                codes.append(once)
            elif last < once + MOST - 1:
                codes[-1] = last + 1
        self.lengths.append(len(terms))
        self.total += len(terms)
        self._bytes += 4 * len(terms) + 4
        return number

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def bytes(self) -> int:
        """Estimated size in memory."""
        return self._bytes

    def held(self, wanted: Iterable[str]) -> list[tuple[array[int], float]]:
        """Postings and weight of each wanted term that occurs."""
        return [(codes, self.weight(term)) for term in wanted if (codes := self.lists.get(term))]

    def weight(self, term: str) -> float:
        """The score of a document that holds the term very often."""
        holders = len(self.lists.get(term, _EMPTY))
        return (K1 + 1) * math.log(1 + (len(self) - holders + 0.5) / (holders + 0.5))

    def scores(self, wanted: Sequence[str], near: Near | None = None) -> Scores:
        """The BM25 score of every document; with `near`, a document that lacks a wanted term scores for the best of
        the words near it that it holds.
        """
        held = sorted(self.held(wanted), key=lambda pair: len(pair[0]))
        scale = length_scale(self.total, len(self))
        stand_ins = [found for term in wanted if (found := self._stand_ins(term, near))] if near else []
        np = numpy_for(len(self))
        if np is None:
            return _sparse(held, self.lengths, scale, stand_ins)
        return _dense(held, self.lengths, scale, stand_ins, np)

    def _stand_ins(self, term: str, near: Near) -> StandIns | None:
        """The holders of a term, and the words that may stand for it: gain and holders, the best first."""
        weight, lists = self.weight(term), self.lists
        found = [
            (_SHARE * close * min(weight, self.weight(word)), lists[word])
            for word, close in near(term)
            if word in lists
        ]
        found.sort(key=lambda pair: -pair[0])
        return (lists.get(term, _EMPTY), found) if found else None


def length_scale(total: float, count: int) -> float:
    """What a document's length is multiplied by before it counts against the document."""
    return K1 * B / max(total / max(count, 1), 1e-9)


def numpy_for(documents: int) -> Any | None:
    """numpy when it is installed and this many documents are worth it."""
    return _numpy() if documents >= _LEAST["numpy" not in sys.modules] else None


@cache
def _numpy() -> Any | None:
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


class _Sparse:
    def __init__(self, scores: dict[int, float]) -> None:
        self._scores = scores
        self.highest = max(scores.values(), default=0.0)

    def of(self, document: int) -> float:
        return self._scores.get(document, 0.0)

    def best(self, count: int) -> list[int]:
        pairs = zip(self._scores.values(), (-document for document in self._scores), strict=True)
        return [-document for _, document in heapq.nlargest(count, pairs)]


def _sparse(
    held: Iterable[tuple[array[int], float]], lengths: array[int], scale: float, stand_ins: Iterable[StandIns]
) -> Scores:
    rest = K1 * (1 - B)
    scores: dict[int, float] = {}
    for codes, weight in held:
        found: Iterable[int] = codes
        if len(codes) > _COMMON and scores:
            found = [code for code in codes if code >> SHIFT in scores]
        for code in found:
            document, count = code >> SHIFT, code & MOST
            scores[document] = scores.get(document, 0.0) + weight * count / (count + rest + scale * lengths[document])
    for holders, words in stand_ins:
        gains = {code >> SHIFT: 0.0 for code in holders}
        for gain, codes in words:
            for code in codes:
                gains.setdefault(code >> SHIFT, gain)
        for document, gain in gains.items():
            if gain:
                scores[document] = scores.get(document, 0.0) + gain
    return _Sparse(scores)


class _Dense:
    def __init__(self, scores: Any, np: Any) -> None:
        self._scores, self._np = scores, np
        self.highest = float(scores.max()) if len(scores) else 0.0

    def of(self, document: int) -> float:
        return float(self._scores[document])

    def best(self, count: int) -> list[int]:
        np, scores = self._np, self._scores
        (found,) = scores.nonzero()
        if len(found) > count:
            values = scores[found]
            least = np.partition(values, -count)[-count]
            above, equal = found[values > least], found[values == least]
            found = np.concatenate([above, equal[: count - len(above)]])
        best: list[int] = found.tolist()
        return best


def _dense(
    held: Iterable[tuple[array[int], float]],
    lengths: array[int],
    scale: float,
    stand_ins: Iterable[StandIns],
    np: Any,
) -> Scores:
    scores = np.zeros(len(lengths))
    # Copies, because an array that lends its memory cannot grow.
    norms = K1 * (1 - B) + scale * np.array(lengths, dtype=np.uint32)
    found = False
    for codes, weight in held:
        packed = np.array(codes, dtype=np.uint32)
        documents = packed >> SHIFT
        if len(codes) > _COMMON and found:
            kept = scores[documents] > 0
            packed, documents = packed[kept], documents[kept]
        counts = packed & MOST
        scores[documents] += weight * counts / (counts + norms[documents])
        found = True
    for holders, words in stand_ins:
        gains = np.zeros(len(lengths))
        for gain, codes in reversed(words):
            gains[np.array(codes, dtype=np.uint32) >> SHIFT] = gain
        gains[np.array(holders, dtype=np.uint32) >> SHIFT] = 0
        scores += gains
    return _Dense(scores, np)
