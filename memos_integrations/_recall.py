"""What a recall found, and the recalls of the last turns."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from .errors import MemOSError
from .models import FactMemory, PreferenceMemory


@dataclass(frozen=True, slots=True)
class Recall:
    """What is known that may help with a query; falsy when that is nothing.

    `memories` and `preferences` best first, `preference_note` as MemOS gave it, `prompt` the block for the prompt ("" =
    nothing to add). `error` says why memory could not be asked (fail open), `left_out` how many items were not shown
    and why: "duplicate", "limit", "budget".
    """

    memories: list[FactMemory] = field(default_factory=list)
    preferences: list[PreferenceMemory] = field(default_factory=list)
    preference_note: str = ""
    prompt: str = ""
    error: MemOSError | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        failed = f", error={type(self.error).__name__}" if self.error else ""
        return f"Recall(memories={len(self.memories)}, preferences={len(self.preferences)}{failed})"

    def __bool__(self) -> bool:
        return bool(self.memories or self.preferences)

    def ranked(self, k: int) -> list[FactMemory | PreferenceMemory]:
        """At most `k` facts and preferences together, best first: by relativity, else taking turns; no text twice."""
        ordered: list[FactMemory | PreferenceMemory] = [*self.memories, *self.preferences]
        if all(memory.relativity is not None for memory in ordered):
            ordered.sort(key=lambda memory: -(memory.relativity or 0.0))
        else:
            ordered = []
            for i in range(max(len(self.memories), len(self.preferences))):
                ordered += [*self.memories[i : i + 1], *self.preferences[i : i + 1]]
        distinct: dict[str, FactMemory | PreferenceMemory] = {}
        for memory in ordered:
            twin = distinct.setdefault(memory.text.rstrip(".。"), memory)
            if isinstance(memory, PreferenceMemory) and isinstance(twin, FactMemory):
                # Told as a fact and as a preference: the preference says what it means, where the better one stood.
                better = memory.model_copy(update={"relativity": twin.relativity})
                distinct[memory.text.rstrip(".。")] = better
        return list(distinct.values())[: max(0, k)]


@dataclass(slots=True)
class Slot:
    """The recall of one turn; whoever holds `lock` is searching. `owner` keeps alive what the key names by identity."""

    owner: object
    lock: threading.Lock = field(default_factory=threading.Lock)
    recall: Recall | None = None


class RecallCache:
    """The recalls of the newest `size` turns."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, Slot] = OrderedDict()

    def slot(self, key: Hashable, owner: object) -> Slot:
        """The slot of a turn, made when it is first asked for."""
        with self._lock:
            slot = self._slots.setdefault((key, id(owner)), Slot(owner))
            self._slots.move_to_end((key, id(owner)))
            if len(self._slots) > self._size:
                self._slots.popitem(last=False)
            return slot
