"""One owner's memories in RAM: postings, order of the conversation and vectors, kept fresh from the database.

A partition is read once and then only catches up: the owner's row carries a version that grows with every change, so
other threads and processes notice it by reading one row. Least recently used partitions are dropped when the setting
`cache_mb` is exceeded.
"""

from __future__ import annotations

import math
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date

from memos_integrations.engine.matrix import Matrix
from memos_integrations.engine.postings import Postings
from memos_integrations.engine.store import Sketch, Space
from memos_integrations.engine.text import fold, terms
from memos_integrations.engine.turns import Turns

# A memory of fewer words, speaker and day among them, is a remark that says little by itself.
_FULL = 8


class Entry:
    """What ranking must know of one memory; its text stays in the database."""

    __slots__ = (
        "asks",
        "conversation",
        "first_day",
        "fullness",
        "last_day",
        "number",
        "richness",
        "said_at",
        "speaker",
        "status",
        "successor",
        "turn",
        "words",
    )

    def __init__(self, row: Sketch, turn: int, speaker: str | None, words: Sequence[str]) -> None:
        self.number = row.number
        self.conversation = sys.intern(row.conversation)
        self.said_at = row.said_at
        self.first_day, self.last_day = days_of(row.happened_on)
        self.speaker = speaker
        self.status = row.status
        self.successor = row.successor
        self.turn = turn
        # Enough to see whether a change touched the words.
        self.words = hash(row.terms)
        self.asks = row.text.rstrip().endswith(("?", "？"))
        size = len(set(words))
        self.richness = math.log1p(size)
        self.fullness = min(1.0, size / _FULL)


def days_of(happened_on: str | None) -> tuple[int, int]:
    """First and last day number of an ISO date or interval; (0, 0) for none."""
    if not happened_on:
        return 0, 0
    try:
        first, _, last = happened_on.partition("/")
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
        # Speakers as written and as compared, and the terms of their names.
        self.speakers: dict[str, str] = {}
        self.speaker_terms: set[str] = set()
        self._embedded: set[int] = set()

    def put(self, row: Sketch, turn: int) -> None:
        """Add or replace a memory; a rewritten one leaves a hole behind."""
        speaker, words = self._speaker(row.speaker), row.terms.split()
        fresh = Entry(row, turn, speaker, words)
        slot = self.slots.get(row.number)
        if slot is not None and (entry := self.entries[slot]) is not None and entry.words == fresh.words:
            self.entries[slot] = fresh
            return
        self.remove(row.number)
        slot = self.slots[row.number] = self.postings.add(words)
        self.entries.append(fresh)
        if turn >= 0:
            self.by_turn.setdefault(turn, []).append(slot)

    def _speaker(self, name: str | None) -> str | None:
        if not name:
            return None
        folded = self.speakers.get(name)
        if folded is None:
            folded = self.speakers[name] = fold(name)
            self.speaker_terms.update(terms(folded))
        return folded

    def remove(self, number: int) -> None:
        """Forget a memory."""
        slot = self.slots.pop(number, None)
        if slot is not None:
            self.entries[slot] = None
            self._embedded.discard(number)

    def put_vectors(self, vectors: Sequence[tuple[int, bytes]]) -> None:
        """Set the vectors of memories by number; those of the other shelf's memories are not for this one."""
        mine = [(number, data) for number, data in vectors if number in self.slots]
        self.vectors.put([self.slots[number] for number, _ in mine], [data for _, data in mine])
        self._embedded.update(number for number, _ in mine)

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
        self.turns = Turns()
        self._turn_of: dict[int, int] = {}
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
        for position, conversation, words in space.message_terms(self._last_position):
            self._turn_of[position] = self.turns.add(conversation, words.split())
            self._last_position = position
        for row in space.sketches(self.version):
            if row.status == "deleted":
                self.shelf(row.kind).remove(row.number)
            else:
                self.shelf(row.kind).put(row, self._turn_of.get(row.position, -1))
        if embedder is not None:
            if other:
                self._embedder = embedder
                self.facts.drop_vectors()
                self.preferences.drop_vectors()
            vectors = space.vectors(embedder, 0 if other else self.version)
            self.facts.put_vectors(vectors)
            self.preferences.put_vectors(vectors)
            self.bare = self.facts.bare or self.preferences.bare
        self.version = version
        return True

    @property
    def bytes(self) -> int:
        """Estimated size in memory."""
        return self.facts.bytes + self.preferences.bytes + self.turns.bytes + 130 * len(self._turn_of)


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
