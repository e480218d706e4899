"""Requests to forget: what they name, and what is left of a memory that told of other things too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memos_integrations.engine import updates_en as en
from memos_integrations.engine.clauses import Clause, clauses
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.store import MemoryRow
from memos_integrations.engine.text import terms
from memos_integrations.engine.updates import fillings, slots
from memos_integrations.engine.wishes import wish

_NAMED = 2 / 3
# Of "I live in Lisbon" it is Lisbon that must stand in what is to be forgotten, which may say "moved to Lisbon".
_VERBS = frozenset(terms("live living moved move stay settled reside based work works working job eat eating born am"))


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants forgotten: words, the slots they name, or `everything`."""

    named: frozenset[str]
    slots: frozenset[str]
    everything: bool

    @classmethod
    def of(cls, phrase: str) -> Request | None:
        """Read a wish such as "Forget that I live in Lisbon", or the statement that one pointed to; None when it names
        nothing. What shall not be kept in the first place names no memory.
        """
        found = wish(phrase)
        if found and (found.everything or found.points):
            return cls(frozenset(), frozenset(), found.everything)
        rest = found.named if found else phrase
        named = frozenset(terms(rest))
        return cls(named, frozenset(slots(f"I {rest}")), everything=False) if named else None

    def rest(self, row: MemoryRow, held_slots: Sequence[str]) -> str | None:
        """What may be kept of a memory: "" nothing, None all of it, for it is not meant."""
        if self.everything:
            return ""
        if not self.named:
            return None
        held = {*row.terms.split(), *terms(row.key), *(term for slot in held_slots for term in terms(slot))}
        if not self._names(held, held_slots):
            return None
        return "" if row.kind == "preference" else self._without(row)

    def _names(self, held: set[str], held_slots: Sequence[str]) -> bool:
        """Whether most of the words stand in it, or it says the same of the same slot in other words."""
        if self.slots.intersection(slot.partition("@")[0] for slot in held_slots) and (self.named - _VERBS) & held:
            return True
        return len(self.named & held) >= _NAMED * len(self.named)

    def _without(self, row: MemoryRow) -> str:
        """A memory's text without the clauses that are meant; "" when little else is in it, or none alone is meant."""
        parts = clauses(row.text)
        kept = [part for part in parts if not self._means(part)]
        others = {term for part in kept for term in terms(part.text)} - set(terms(row.speaker or ""))
        if len(kept) == len(parts) or not others:
            return ""
        if is_chinese(row.text):
            return "，".join(part.text for part in kept) + "。"
        return " ".join(f"{_whole(part, row.speaker or 'The user')}." for part in kept)

    def _means(self, part: Clause) -> bool:
        filled = [filling.slot for filling in fillings(part.text)]
        held = {*terms(part.text), *(term for slot in filled for term in terms(slot))}
        return self._names(held, filled)


def _whole(part: Clause, subject: str) -> str:
    """A clause that can stand alone: "works as a nurse" lost its subject with the clause before it."""
    text = part.text
    if part.joined and en.SUBJECT.match(text) is None and en.OWNER.match(text) is None:
        text = f"{subject} {text}"
    return text[:1].upper() + text[1:]
