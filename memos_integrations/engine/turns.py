"""What was said, turn by turn: the order within each conversation and an index of the words.

What was said one and two turns before and after a memory belongs to its meaning, so a turn is also scored by the words
around it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from memos_integrations.engine.postings import K1, MOST, SHIFT, B, Postings, length_scale, numpy_for

# How much the words of the turn one and two before count, of the turn one and two after, and its own.
_SHARES = (1.0, 0.5, 1.0, 0.5, 1.0)
_REST = K1 * (1 - B)


class Turns:
    """The turns of one owner by number, in the order they were stored."""

    def __init__(self) -> None:
        self.words = Postings()
        # Four numbers per turn: one and two turns before, one and two turns after; -1 for none.
        self._sides: array[int] = array("i")
        # The length of a turn together with its share of the turns around it.
        self._around: array[float] = array("f")
        self._around_total = 0.0
        self._tails: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.words)

    @property
    def bytes(self) -> int:
        """Estimated size in memory."""
        return self.words.bytes + 20 * len(self.words) + 120 * len(self._tails)

    def add(self, conversation: str, terms: Sequence[str]) -> int:
        """Put a turn at the end of a conversation and return its number."""
        turn, sides = self.words.add(terms), self._sides
        last = self._tails.get(conversation, -1)
        second = sides[4 * last] if last >= 0 else -1
        sides.extend((last, second, -1, -1))
        if last >= 0:
            sides[4 * last + 2] = turn
        if second >= 0:
            sides[4 * second + 3] = turn
        self._tails[conversation] = turn
        size = len(terms)
        self._around.append(size)
        self._around_total += size
        for other, share in self.near(turn):
            self._around[turn] += share * self.words.lengths[other]
            self._around[other] += share * size
            self._around_total += share * (size + self.words.lengths[other])
        return turn

    def near(self, turn: int) -> list[tuple[int, float]]:
        """The turns next to a turn in its conversation, with the share of their words that counts for it."""
        sides = self._sides[4 * turn : 4 * turn + 4]
        return [(other, share) for other, share in zip(sides, _SHARES, strict=False) if other >= 0]

    def sides(self, turn: int) -> tuple[int, int]:
        """The turns right before and right after a turn; -1 for none."""
        return self._sides[4 * turn], self._sides[4 * turn + 2]

    def around(self, turns: Iterable[int], wanted: Iterable[str]) -> dict[int, float]:
        """BM25 of turns over what was said in them and next to them."""
        chosen = [turn for turn in turns if turn >= 0]
        held = self.words.held(wanted)
        scale = length_scale(self._around_total, len(self))
        np = numpy_for(len(self))
        return self._plain(chosen, held, scale) if np is None else self._dense(chosen, held, scale, np)

    def _plain(self, chosen: Sequence[int], held: Iterable[tuple[array[int], float]], scale: float) -> dict[int, float]:
        hearers: dict[int, list[tuple[int, float]]] = {}
        for turn in chosen:
            for other, share in [(turn, 1.0), *self.near(turn)]:
                hearers.setdefault(other, []).append((turn, share))
        scores = dict.fromkeys(chosen, 0.0)
        for codes, weight in held:
            heard: dict[int, float] = {}
            for code in codes:
                for turn, share in hearers.get(code >> SHIFT, ()):
                    heard[turn] = heard.get(turn, 0.0) + share * (code & MOST)
            for turn, count in heard.items():
                scores[turn] += weight * count / (count + _REST + scale * self._around[turn])
        return scores

    def _dense(
        self, chosen: Sequence[int], held: Iterable[tuple[array[int], float]], scale: float, np: Any
    ) -> dict[int, float]:
        index, shares = np.array(chosen, dtype=np.int64), np.array(_SHARES)
        # Lent, not copied, and given back at once: an array that lends its memory cannot grow.
        sides = np.frombuffer(self._sides, dtype=np.int32).reshape(-1, 4)[index]
        norms = _REST + scale * np.frombuffer(self._around, dtype=np.float32)[index].astype(np.float64)
        places = np.concatenate([sides, index[:, None]], axis=1)
        # Turn -1, which is none, reads the zero behind the last turn.
        counts, scores = np.zeros(len(self) + 1), np.zeros(len(chosen))
        for codes, weight in held:
            packed = np.array(codes, dtype=np.uint32)
            documents = packed >> SHIFT
            counts[documents] = packed & MOST
            heard = counts[places] @ shares
            scores += weight * heard / (heard + norms)
            counts[documents] = 0
        return dict(zip(chosen, scores.tolist(), strict=True))
