"""Whether two memories say the same, and what of a list is said already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from .models import FactMemory, PreferenceMemory

Memory = FactMemory | PreferenceMemory
M = TypeVar("M", FactMemory, PreferenceMemory)
_NOT_WORD = re.compile(r"[\W_]+")
_SAME = 0.8  # share of common content words from which two short texts count as the same memory
_RESTATED = 0.85  # share of its content words that a memory's restatement must hold
_SKEW = timedelta(minutes=2)  # how far the server's clock may be behind
_NUMBER = re.compile(r"\d+")
# What turns a statement into another one although nearly all its words are the same.
_DENIAL = re.compile(
    r"\b(?:not|no|never|without|less|former|dislike\w*|hate\w*|avoid\w*)\b|n['\u2019]t\b|[不没别非无勿]|讨厌",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A memory as it is compared."""

    plain: str
    words: frozenset[str]
    denials: tuple[str, ...]
    numbers: tuple[str, ...]
    conversation_id: str | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, memory: Memory) -> Said:
        """What `memory` says, where and when."""
        text = memory.text
        denials = sorted(word.casefold() for word in _DENIAL.findall(text))
        numbers = sorted(_NUMBER.findall(text))
        when = memory.update_time or memory.create_time
        return cls(_plain(text), terms_of(text), tuple(denials), tuple(numbers), memory.conversation_id, when)

    def alike(self, other: Said) -> bool:
        """The same in nearly the same words."""
        if not self.words or (self.denials, self.numbers) != (other.denials, other.numbers):
            return False
        return len(self.words & other.words) >= _SAME * len(self.words | other.words)

    def restates(self, other: Said) -> bool:
        """The same in other and more words, told in the same conversation, not before `other`."""
        if len(other.words) < 2 or other.conversation_id is None or self.conversation_id != other.conversation_id:
            return False
        if self.since is None or other.since is None or self.since + _SKEW < other.since:
            return False
        if self.denials != other.denials or not set(other.numbers) <= set(self.numbers):
            return False
        return len(self.words & other.words) >= _RESTATED * len(other.words)


class Known:
    """What is shown already, by text, and which messages the server surely has read."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._said: list[Said] = []
        self._stored: list[Said] = []
        self._read: set[tuple[str | None, str]] = set()

    def read(self, memories: Iterable[M]) -> list[M]:
        """Note what the server showed, and answer with it, nothing twice.

        Whatever else the source messages of these memories said is stored, too.
        """
        distinct: list[M] = []
        for memory in memories:
            said = Said.of(memory)
            if said.plain not in self._texts and not any(said.alike(other) for other in self._said):
                distinct.append(memory)
                self._texts.add(said.plain)
                self._said.append(said)
            self._stored.append(said)
        for memory in distinct:
            self._read.update(_sources(memory))
        return distinct

    def add(self, memory: Memory) -> bool:
        """Note `memory`; False when it says what another one already says."""
        said = Said.of(memory)
        if self._holds(memory, said):
            return False
        self._texts.add(said.plain)
        self._said.append(said)
        return True

    def has(self, memory: Memory) -> bool:
        """True when something says what `memory` says."""
        return self._holds(memory, Said.of(memory))

    def _holds(self, memory: Memory, said: Said) -> bool:
        if said.plain in self._texts or not self._read.isdisjoint(_sources(memory)):
            return True
        return any(said.alike(other) for other in self._said) or any(other.restates(said) for other in self._stored)


def terms_of(text: str) -> frozenset[str]:
    """The content words of `text`, as searches compare them."""
    # Loading the engine's word lists takes long: not when this package is imported (see _delivery._warm_up).
    from .engine.text import terms

    return frozenset(terms(text))


def _sources(memory: Memory) -> list[tuple[str | None, str]]:
    # Message ids are unique only within one conversation.
    return [(memory.conversation_id, message_id) for message_id in memory.message_ids]


def _plain(text: str) -> str:
    return _NOT_WORD.sub("", unicodedata.normalize("NFKC", text).casefold())
