"""Memories from messages without an LLM: facts in the third person, preferences, and requests to forget (pure, no I/O)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from memos_integrations._text import estimate_tokens, split_text
from memos_integrations.engine.acts import Act, act
from memos_integrations.engine.junk import is_acted, material_start, speech
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.rewrite import Speaker, plain, retell, speaks_of_self
from memos_integrations.engine.sentences import sentences
from memos_integrations.models import Message

FACT_TOKENS = 60
ALL_TYPES = frozenset({"memory", "preference"})


class Extractor(Protocol):
    """What turns messages into memories: this module's `extract`, or an `LLMExtractor`."""

    def extract(
        self, messages: Sequence[Message], *, context: Sequence[Message], now: datetime, types: frozenset[str]
    ) -> Extraction:
        """Memories of `messages`; `context` came before them in the same conversation, `now` is the ingestion time."""
        ...


@dataclass
class _Found:
    memories: list[Candidate] = field(default_factory=list)
    preferences: list[Candidate] = field(default_factory=list)
    forgets: list[str] = field(default_factory=list)


def extract(
    messages: Sequence[Message],
    *,
    context: Sequence[Message] = (),
    now: datetime,
    types: frozenset[str] = ALL_TYPES,
) -> Extraction:
    """Facts, preferences and requests to forget that the users and named speakers of `messages` told.

    Relative dates are resolved against each message's `chat_time`, else `now`. Nothing in `context` is extracted.
    """
    found = _Found()
    for index, message in enumerate(messages):
        if message.role == "user" or (message.role == "assistant" and message.role_name):
            _one(message, index, found, now)
    return Extraction(
        memories=tuple(found.memories) if "memory" in types else (),
        preferences=tuple(found.preferences) if "preference" in types else (),
        forgets=tuple(found.forgets),
    )


def _one(message: Message, index: int, found: _Found, now: datetime) -> None:
    speaker = Speaker(message.role_name or None)
    text = speech(message.text)
    if not speaker.name:
        if is_acted(text):
            return
        start = material_start(text)
        text = text if start is None else text[:start]
    told: list[str] = []
    for sentence in sentences(text):
        kind = act(sentence)
        if kind is Act.FORGET:
            found.forgets.append(sentence)
        elif kind is Act.STATEMENT or (speaker.name and kind not in {Act.SMALLTALK, Act.INJECTION}):
            told.append(plain(sentence))
    for piece in _pieces(told, speaker):
        found.memories.append(
            Candidate(
                kind="memory",
                text=piece,
                type="UserMemory" if not speaker.name and speaks_of_self(text) else "LongTermMemory",
                key=piece[:60],
                sources=(index,),
                said_on=now,
                speaker=speaker.name,
            )
        )


def _pieces(told: list[str], speaker: Speaker) -> list[str]:
    """Facts of at most about FACT_TOKENS: whole sentences in order, retold where that is safe, else quoted."""
    pieces: list[str] = []
    current, spent, quoting = "", 0, False
    for sentence in told:
        retold = retell(sentence, speaker)
        for part in split_text(retold or sentence, FACT_TOKENS):
            text = part.strip() if retold or (quoting and current) else speaker.quote(part.strip())
            size = estimate_tokens(text)
            if current and spent + size > FACT_TOKENS:
                pieces.append(current)
                text = part.strip() if retold else speaker.quote(part.strip())
                current, spent = "", 0
            current, spent = f"{current} {text}".strip(), spent + size
            quoting = not retold
    return [*pieces, current] if current else pieces
