"""A model's proposals for memories, held against what was said: validated, grounded in users' words, or dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memos_integrations._text import clip_text, estimate_tokens
from memos_integrations.engine.acts import Act, act
from memos_integrations.engine.choices import reply
from memos_integrations.engine.dates import find, moment
from memos_integrations.engine.foreign import COMMON, is_foreign
from memos_integrations.engine.headings import heading, tags
from memos_integrations.engine.junk import is_acted, speech
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.text import terms
from memos_integrations.engine.updates import slots, taste_slot
from memos_integrations.engine.wishes import wish
from memos_integrations.models import Message

_ITEM_TOKENS = 120
_GROUNDED = 0.6


class ProposedFact(BaseModel):
    """A fact as a model writes it."""

    model_config = ConfigDict(extra="ignore")

    text: str
    key: str = ""
    tags: list[str] = Field(default_factory=list, max_length=8)
    sources: list[int] = Field(max_length=50)
    happened_on: str | None = None


class ProposedPreference(BaseModel):
    """A preference as a model writes it."""

    model_config = ConfigDict(extra="ignore")

    text: str
    reasoning: str = ""
    type: Literal["explicit", "implicit"] = "explicit"
    sources: list[int] = Field(max_length=50)


class Output(BaseModel):
    """A model's whole answer."""

    model_config = ConfigDict(extra="ignore")

    memories: list[ProposedFact] = Field(default_factory=list, max_length=100)
    preferences: list[ProposedPreference] = Field(default_factory=list, max_length=100)


SCHEMA: dict[str, Any] = {
    "title": "Memories",
    "description": "Long-term memories found in a conversation.",
    "type": "object",
    "additionalProperties": False,
    "required": ["memories", "preferences"],
    "properties": {
        "memories": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text", "key", "tags", "sources"],
                "properties": {
                    "text": {"type": "string"},
                    "key": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "sources": {"type": "array", "items": {"type": "integer"}},
                },
            },
        },
        "preferences": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text", "reasoning", "type", "sources"],
                "properties": {
                    "text": {"type": "string"},
                    "reasoning": {"type": "string"},
                    "type": {"type": "string", "enum": ["explicit", "implicit"]},
                    "sources": {"type": "array", "items": {"type": "integer"}},
                },
            },
        },
    },
}


class Judge:
    """Holds a model's output against what was said."""

    def __init__(self, messages: Sequence[Message], context: Sequence[Message], now: datetime) -> None:
        self._messages, self._now = messages, now
        spoken = [speech(m.text) if m.role == "user" else m.text for m in messages]
        self._told = [set(terms(t)) if m.role == "user" else set() for m, t in zip(messages, spoken, strict=True)]
        self._usable = [
            m.role == "user"
            and bool(t.strip())
            and not is_acted(t)
            and act(t[:400]) not in {Act.FORGET, Act.INJECTION}
            and not any(found.unsaved for found in map(wish, sentences(t)) if found)
            for m, t in zip(messages, spoken, strict=True)
        ]
        self._heard: list[set[str]] = []
        talk = [*context, *messages]
        for index, message in enumerate(messages):
            before = talk[len(context) + index - 1] if len(context) + index else None
            taken = before is not None and before.role == "assistant" and reply(message.text, before.text) is not None
            self._heard.append(set(terms(before.text[:4000])) if before is not None and taken else set())
        self._names = {t for m in messages for t in terms(m.role_name or "")} | _FRAME
        self._chinese = is_chinese("\n".join(t for t, m in zip(spoken, messages, strict=True) if m.role == "user"))

    def keep(self, output: Output, types: frozenset[str], forgets: tuple[str, ...]) -> Extraction | None:
        """What of the output stands; None when something was proposed and nothing of it does."""
        memories = [c for item in output.memories for c in (self._fact(item),) if c]
        preferences = [c for item in output.preferences for c in (self._preference(item),) if c]
        if (output.memories or output.preferences) and not (memories or preferences):
            return None
        return Extraction(
            memories=tuple(memories) if "memory" in types else (),
            preferences=tuple(preferences) if "preference" in types else (),
            forgets=forgets,
        )

    def _sources(self, text: str, sources: list[int]) -> tuple[int, ...]:
        """The user's messages among `sources`; () unless the text is made of their words and of what they took up."""
        named = [i for i in dict.fromkeys(sources) if 0 <= i < len(self._messages)]
        own = [i for i in named if self._usable[i]]
        words = set(terms(text)) - self._names
        if not own or not text.strip() or is_chinese(text) != self._chinese:
            return ()
        if estimate_tokens(text) > _ITEM_TOKENS or act(text) in {Act.INJECTION, Act.FORGET}:
            return ()
        known = set().union(*(self._told[i] | self._heard[i] for i in own))
        if is_foreign(text):
            words, known = _of_other_language(text, known)
            words -= self._names
        told = set().union(*(self._told[i] for i in own))
        taken = any(self._heard[i] for i in own)
        if not words or len(words & known) < _GROUNDED * len(words) or not (words & told or taken):
            return ()
        if {w for w in words if w.isdigit()} - known - _years(self._messages, self._now):
            return ()
        return tuple(own)

    def _fact(self, item: ProposedFact) -> Candidate | None:
        text = " ".join(item.text.split())
        sources = self._sources(text, item.sources)
        if not sources:
            return None
        message = self._messages[sources[0]]
        said = moment(message.chat_time, self._now) if message.chat_time else self._now
        spans = find(text, said.date())
        happened = item.happened_on if _is_date(item.happened_on) else (spans[0].iso if spans else None)
        filled = slots(text)
        return Candidate(
            kind="memory",
            text=text,
            type="LongTermMemory" if message.role_name else "UserMemory",
            key=" ".join(item.key.split())[:80] or heading(text, filled),
            tags=tuple(t.strip()[:40] for t in item.tags if t.strip())[:4] or tags(text),
            sources=sources,
            said_on=said,
            happened_on=happened,
            slot=filled[0] if len(filled) == 1 else None,
            speaker=message.role_name or None,
        )

    def _preference(self, item: ProposedPreference) -> Candidate | None:
        text = " ".join(item.text.split())
        sources = self._sources(text, item.sources)
        if not sources:
            return None
        message = self._messages[sources[0]]
        filled = slots(text) or [s for s in (taste_slot(text),) if s]
        return Candidate(
            kind="preference",
            text=text,
            type=f"{item.type}_preference",
            key=heading(text, []),
            reasoning=clip_text(" ".join(item.reasoning.split()), _ITEM_TOKENS),
            tags=tags(text),
            sources=sources,
            said_on=moment(message.chat_time, self._now) if message.chat_time else self._now,
            slot=filled[0] if len(filled) == 1 and item.type == "explicit" else None,
            speaker=message.role_name or None,
        )


# Words an extractor adds of itself.
_FRAME = frozenset(
    terms("user prefers likes wants dislikes has planning lives works name speaker 用户 喜欢 不喜欢 希望 偏好")
)


# "User" in the languages that models write most.
_USER = frozenset(
    terms("nutzer nutzerin benutzer utilisateur utilisatrice usuario usuaria utente usuário gebruiker пользователь")
)
_ELISION = re.compile(r"\b[cdjlmnst]['\u2019](?=\w)", re.IGNORECASE)


def _of_other_language(text: str, known: set[str]) -> tuple[set[str], set[str]]:
    """The content words of a text and the known words, where nothing is stemmed: a shared beginning counts as known."""
    words = set(terms(_ELISION.sub("", text))) - COMMON - _USER
    bare = {k[1:] for k in known if len(k) > 4 and k[0] in "cdjlmnst"} | known
    starts = {k[:4] for k in bare if len(k) >= 4}
    return words, known | {w for w in words if len(w) >= 4 and w[:4] in starts}


def _years(messages: Sequence[Message], now: datetime) -> set[str]:
    """Numbers that resolving a date may add: days, months and the years around the conversation."""
    around = {moment(m.chat_time, now).year for m in messages if m.chat_time} | {now.year}
    return {str(n) for n in range(1, 32)} | {str(y + d) for y in around for d in range(-60, 11)}


def _is_date(value: str | None) -> bool:
    try:
        return bool(value) and all(bool(date.fromisoformat(part)) for part in str(value).split("/"))
    except ValueError:
        return False
