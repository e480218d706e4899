"""What a clause claims, and whether another one denies it or takes it up again.

"No longer eats fish" denies "eats fish twice a week"; "eats pork now" takes up what "doesn't eat pork" denied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos_integrations.engine import updates_en as en
from memos_integrations.engine.clauses import clauses
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.store import MemoryRow
from memos_integrations.engine.text import terms, words
from memos_integrations.engine.updates import fillings, whose

NEGATION = re.compile(
    r"\b(?:not|no longer|never|hates?|dislikes?|detests?|loathes?|avoids?)\b|n't\b|[不没别]|讨厌|厌恶|反感"
)
OVER = re.compile(
    r"(?<!n't )(?<!not )(?<!never )\b(?:no longer|used to|quits?|stopped|gave up|given up"
    r"|(?:am|is|are|'m|'s) done with)\b"
    r"|(?:\bnot\b|n't\b)(?=.*\b(?:any ?more|any longer)\b)|不再|戒(?:掉|了)?|不(?=.*了$)"
)
_OVER_WORDS = re.compile(
    r"\b(?:no longer|used to|quits?|stopped|gave up|given up|done with|any ?more|any longer|now|not"
    r"|(?:do|does|is|are|did|was)?n't|completely|entirely|at all|altogether|ago)\b|不再|戒掉?|已经|现在|再|[不了没]"
)
# Alone these say too little of what is over: who no longer drinks may still drink tea.
_VAGUE = words(
    "drink eat use plai watch read work like want have go do take make get live need see love travel 喜 欢 喜欢 吃 喝"
)
_TIMES = re.compile(r"\([^()]*\)|（[^（）]*）|\b(?:every|each|last|next|this) \w+|\b(?:yesterday|today|recently)\b")
NOW = re.compile(r"\b(?:now|again)\b|现在|又")


def general(slot: str) -> str:
    """The name of a slot without whose it is; all of working life is "job"."""
    name = slot.partition("@")[0]
    return "job" if name in {"employer", "role", "profession"} else name


@dataclass(frozen=True, slots=True)
class Claim:
    """What a clause says, without tense and time: its terms, the first of them, and the slots it fills."""

    terms: frozenset[str]
    first: str
    whose: str | None
    slots: frozenset[str]
    chinese: bool

    @property
    def is_vague(self) -> bool:
        """True when too little is said to deny anything by."""
        return not self.terms or (len(self.terms) == 1 and self.terms <= _VAGUE)

    @classmethod
    def of(cls, text: str, row: MemoryRow) -> Claim:
        """The claim of a clause of a memory, whether it affirms or denies it."""
        text = " ".join(_OVER_WORDS.sub(" ", text).split())
        names = set(terms(row.speaker or ""))
        found = ["live" if term == "life" else term for term in terms(_TIMES.sub(" ", text)) if term not in names]
        slots = frozenset(filling.slot for filling in fillings(text))
        return cls(frozenset(found), found[0] if found else "", _subject(text, row), slots, is_chinese(text))

    def places(self) -> list[str]:
        """The slots under which memories that may say the contrary are listed."""
        return [f"does:{self.first}", *self.slots]

    def meets(self, held: Claim, *, over: bool) -> bool:
        """Whether this denies, or takes up again, what `held` says; `over` when in so many words."""
        loose = frozenset().union(*(en.LOOSE.get(general(slot), frozenset()) for slot in self.slots))
        if self.slots & held.slots and self.terms - loose and self.terms - loose <= held.terms:
            return True
        if self.whose != held.whose and None not in {self.whose, held.whose}:
            return False
        if not over and (len(self.terms) < 2 or self.whose is None):
            return False
        if not over and len(held.terms - self.terms) > 1:
            return False
        return self.terms <= held.terms and (self.chinese or held.first in self.terms)


def _subject(text: str, row: MemoryRow) -> str | None:
    found = whose(text, None if row.speaker else "")
    return "" if found is not None and found == (row.speaker or "").casefold() else found


def doings(text: str, speaker: str | None) -> list[tuple[str, int, int]]:
    """A slot for each clause by its first word ("does:smoke"), under which its denial finds it."""
    found = []
    names = set(terms(speaker or ""))
    for clause in clauses(text):
        first = next(
            (term for term in terms(_TIMES.sub(" ", _OVER_WORDS.sub(" ", clause.text))) if term not in names), None
        )
        if first is not None and not is_chinese(text):
            found.append((f"does:{'live' if first == 'life' else first}", clause.start, clause.end))
    return found
