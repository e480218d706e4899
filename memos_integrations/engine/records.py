"""What extraction hands to storage: candidate memories with their provenance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Candidate:
    """One memory as extracted: `text` is `memory_value` of a fact or `preference` of a preference.

    `sources` are indexes into the extracted messages (negative ones count back into the context before them);
    `said_on` is when it was said, `happened_on` an ISO date or `start/end` interval it speaks of; memories of one
    `slot` (such as "home" or "diet" of one speaker) supersede each other, the newest stands.
    """

    kind: Literal["memory", "preference"]
    text: str
    type: str
    key: str = ""
    reasoning: str = ""
    tags: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    said_on: datetime | None = None
    happened_on: str | None = None
    slot: str | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything found in one batch of messages; `forgets` are the user's requests to forget something, in words."""

    memories: tuple[Candidate, ...] = ()
    preferences: tuple[Candidate, ...] = ()
    forgets: tuple[str, ...] = field(default=())
