"""One owner's memories in RAM: postings, order of the conversation and vectors, kept fresh from the database.

A partition is read once and then only catches up: the owner's row carries a version that grows with every change, so
other threads and processes notice it by reading one row. Least recently used partitions are dropped when the setting
`cache_mb` is exceeded.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterable
from datetime import date

from memos_integrations.engine.embed import Matrix
from memos_integrations.engine.store import MemoryRow, Space
from memos_integrations.engine.text import fold

# What was said one and two turns before and after a memory belongs to its meaning.
NEAR = (1.0, 0.5)


class Postings:
    """An inverted index: for each term the documents that hold it and how often."""

    __slots__ = ("_bytes", "lengths", "lists", "total")

    def __init__(self) -> None:
        self.lists: dict[str, tuple[array[int], array[int]]] = {}
        self.lengths: array[int] = array("I")
        self.total = 0
        self._bytes = 0

    def add(self, terms: Iterable[str]) -> int:
        """Index one document and return its number."""
        number = len(self.lengths)
        counts = Counter(terms)
        size = 0
        for term, count in counts.items():
            entry = self.lists.get(term)
            if entry is None:
                entry = self.lists[term] = (array("I"), array("H"))
                self._bytes += 300  # two arrays, a tuple, a dictionary slot and the string
            entry[0].append(number)
            entry[1].append(min(count, 65_535))
            size += count
        self.lengths.append(size)
        self.total += size
        self._bytes += 6 * len(counts) + 4
        return number

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def bytes(self) -> int:
        """Estimated size in memory."""
        return self._bytes


class Entry:
    """What ranking must know of one memory; its text stays in the database."""

    __slots__ = (
        "asks",
        "conversation",
        "first_day",
        "last_day",
        "number",
        "richness",
        "said_at",
        "speaker",
        "status",
        "successor",
        "terms",
        "turn",
        "type",
    )

    def __init__(self, row: MemoryRow, turn: int) -> None:
        self.number = row.number
        self.conversation = row.conversation
        self.said_at = row.said_at
        self.first_day, self.last_day = days_of(row.happened_on)
        self.speaker = fold(row.speaker) if row.speaker else None
        self.status = row.status
        self.successor = row.successor
        self.type = row.type
        self.turn = turn
        self.terms = row.terms
        self.asks = row.text.rstrip().endswith(("?", "？"))
        self.richness = math.log1p(len(set(row.terms.split())))


def days_of(happened_on: str | None) -> tuple[int, int]:
    """First and last day number of an ISO date or interval; (0, 0) for none."""
    try:
        first, _, last = (happened_on or "").partition("/")
        return date.fromisoformat(first).toordinal(), date.fromisoformat(last or first).toordinal()
    except ValueError:
        return 0, 0


class Shelf:
    """The facts, or the preferences, of one owner: entries by slot, their postings and their vectors."""

    def __init__(self) -> None:
        self.entries: list[Entry | None] = []
        self.postings = Postings()
        self.vectors = Matrix()
        self.slots: dict[int, int] = {}
        self.by_turn: dict[int, list[int]] = {}
        self.speakers: set[str] = set()
        self._embedded: set[int] = set()

    def put(self, row: MemoryRow, turn: int) -> None:
        """Add or replace a memory; a rewritten one leaves a hole behind."""
        if row.speaker:
            self.speakers.add(fold(row.speaker))
        slot = self.slots.get(row.number)
        if slot is not None and (entry := self.entries[slot]) is not None and entry.terms == row.terms:
            self.entries[slot] = Entry(row, turn)
            return
        self.remove(row.number)
        slot = self.slots[row.number] = self.postings.add(row.terms.split())
        self.entries.append(Entry(row, turn))
        if turn >= 0:
            self.by_turn.setdefault(turn, []).append(slot)

    def remove(self, number: int) -> None:
        """Forget a memory."""
        slot = self.slots.pop(number, None)
        if slot is not None:
            self.entries[slot] = None
            self._embedded.discard(number)

    def put_vector(self, number: int, data: bytes) -> None:
        """Set the vector of a memory; vectors of the other shelf's memories are not for this one."""
        slot = self.slots.get(number)
        if slot is not None:
            self.vectors.put(slot, data)
            self._embedded.add(number)

    def drop_vectors(self) -> None:
        """Forget all vectors: another embedder's follow."""
        self.vectors = Matrix()
        self._embedded.clear()

    @property
    def bare(self) -> bool:
        """True when a memory has no vector yet."""
        return len(self._embedded) < len(self.slots)

    @property
    def bytes(self) -> int:
        """Estimated size in memory."""
        return self.postings.bytes + self.vectors.bytes + 600 * len(self.entries)


class Partition:
    """One owner's shelves and the order in which things were said; use it while holding `lock`."""

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.lock = threading.RLock()
        self._clear(-1)

    def _clear(self, epoch: int) -> None:
        self.version, self.epoch = 0, epoch
        self.facts, self.preferences = Shelf(), Shelf()
        self.turns = Postings()
        self.before: array[int] = array("i")
        self.after: array[int] = array("i")
        self.around: array[float] = array("f")
        self.around_total = 0.0
        self._turn_of: dict[int, int] = {}
        self._tails: dict[str, int] = {}
        self._last_position = -1
        self.bare = False
        self._embedder: str | None = None

    def shelf(self, kind: str) -> Shelf:
        """The shelf of a kind of memory."""
        return self.preferences if kind == "preference" else self.facts

    def refresh(self, space: Space, embedder: str | None) -> bool:
        """Catch up with the database; True when there was something new."""
        version, epoch = space.versions()
        if epoch != self.epoch:
            self._clear(epoch)
        other = embedder is not None and embedder != self._embedder
        if version == self.version and not other:
            return False
        for position, conversation, terms in space.message_terms(self._last_position):
            self._put_turn(position, conversation, terms)
        for row in space.changed_memories(self.version):
            if row.status == "deleted":
                self.shelf(row.kind).remove(row.number)
            else:
                self.shelf(row.kind).put(row, self._turn_of.get(row.position, -1))
        if embedder is not None:
            if other:
                self._embedder = embedder
                self.facts.drop_vectors()
                self.preferences.drop_vectors()
            for number, data in space.vectors(embedder, 0 if other else self.version):
                self.facts.put_vector(number, data)
                self.preferences.put_vector(number, data)
            self.bare = self.facts.bare or self.preferences.bare
        self.version = version
        return True

    def near(self, turn: int) -> list[tuple[int, float]]:
        """The turns next to a turn in its conversation, with the weight of their words for it."""
        found = []
        for steps in (self.before, self.after):
            other = steps[turn]
            for weight in NEAR:
                if other < 0:
                    break
                found.append((other, weight))
                other = steps[other]
        return found

    def _put_turn(self, position: int, conversation: str, terms: str) -> None:
        turn = self.turns.add(terms.split())
        previous = self._tails.get(conversation, -1)
        self.before.append(previous)
        self.after.append(-1)
        if previous >= 0:
            self.after[previous] = turn
        size = self.turns.lengths[turn]
        self.around.append(size)
        self.around_total += size
        for other, weight in self.near(turn):
            self.around[turn] += weight * self.turns.lengths[other]
            self.around[other] += weight * size
            self.around_total += weight * (size + self.turns.lengths[other])
        self._tails[conversation] = turn
        self._turn_of[position] = turn
        self._last_position = position

    @property
    def bytes(self) -> int:
        """Estimated size in memory."""
        return self.facts.bytes + self.preferences.bytes + self.turns.bytes + 130 * len(self.before)


class Partitions:
    """The partitions of the owners that were active lately, within `limit` bytes; the newest one is always kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held: OrderedDict[int, Partition] = OrderedDict()

    def of(self, owner: int) -> Partition:
        """The partition of an owner, perhaps still empty."""
        with self._lock:
            partition = self._held.get(owner)
            if partition is None:
                partition = self._held[owner] = Partition(owner)
            self._held.move_to_end(owner)
            return partition

    def trim(self) -> None:
        """Drop the partitions unused for longest until the rest fits."""
        with self._lock:
            sizes = {owner: partition.bytes for owner, partition in self._held.items()}
            total = sum(sizes.values())
            while total > self._limit and len(self._held) > 1:
                owner, _ = self._held.popitem(last=False)
                total -= sizes[owner]

    def drop(self, owner: int) -> None:
        """Forget an owner."""
        with self._lock:
            self._held.pop(owner, None)

    @property
    def bytes(self) -> int:
        """Estimated size of all partitions held."""
        with self._lock:
            return sum(partition.bytes for partition in self._held.values())
