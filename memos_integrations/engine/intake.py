"""From messages to what will be stored: their rows, the memories in them, and the terms and vectors to find those by.

Nothing here touches the database: `prepare` is the slow part of an add (extraction, embedding), done before the
transaction in which `ledger.Ledger` stores its result.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from memos_integrations.engine import dates
from memos_integrations.engine.clauses import without_asides
from memos_integrations.engine.embed import pack
from memos_integrations.engine.extract import ALL_TYPES
from memos_integrations.engine.fingerprint import fingerprint
from memos_integrations.engine.meaning import Meaning
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.store import MessageRow
from memos_integrations.engine.text import terms
from memos_integrations.engine.updates import Filling, fillings, slots
from memos_integrations.models import Message, to_millis

CONTEXT = 6


class Extract(Protocol):
    """The function of an extractor."""

    def __call__(
        self, messages: Sequence[Message], *, context: Sequence[Message], now: datetime, types: frozenset[str]
    ) -> Extraction:
        """Memories of `messages`."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """One add/message call, as far as storing goes."""

    messages: tuple[Message, ...]
    conversation: str
    now: datetime
    app: str | None = None
    agent: str | None = None
    tags: tuple[str, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
    types: frozenset[str] = ALL_TYPES


@dataclass(frozen=True, slots=True)
class Thought:
    """A candidate with what storing and finding it needs; `origins` are the rows of its source messages."""

    candidate: Candidate
    origins: tuple[MessageRow, ...]
    terms: str
    fingerprint: bytes
    vector: bytes | None
    fillings: tuple[Filling, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Message rows still without position, and the thoughts they gave."""

    batch: Batch
    rows: tuple[MessageRow, ...]
    thoughts: tuple[Thought, ...] = ()
    forgets: tuple[str, ...] = ()


def message_rows(batch: Batch) -> tuple[MessageRow, ...]:
    """The rows of a batch; positions are given when they are stored. A message without id gets one of its own."""
    rows = []
    for message in batch.messages:
        said = dates.moment(message.chat_time, batch.now) if message.chat_time else batch.now
        content = message.content
        rows.append(
            MessageRow(
                position=-1,
                conversation=batch.conversation,
                id=message.id or uuid.uuid4().hex,
                digest=_digest(message),
                role=message.role,
                speaker=message.role_name or None,
                body=content if isinstance(content, str) else json.dumps(content, ensure_ascii=False),
                chat_time=message.chat_time,
                said_at=to_millis(said),
                created=to_millis(batch.now),
                terms=" ".join(terms(f"{message.role_name or ''} {message.text}")),
            )
        )
    return tuple(rows)


def _digest(message: Message) -> bytes:
    parts = [message.role, message.role_id, message.role_name, message.content, message.tool_calls]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).digest()[:16]


def message_of(row: MessageRow) -> Message:
    """The message of a stored row, as context for what comes after it."""
    return Message.model_validate(
        {
            "role": row.role,
            "content": body_of(row),
            "chat_time": row.chat_time,
            "id": row.id,
            "role_id": row.speaker,
            "role_name": row.speaker,
        }
    )


def body_of(row: MessageRow) -> Any:
    """Text, or the list of parts it was."""
    if row.body.startswith("[{") and row.body.endswith("]"):
        with suppress(ValueError):
            return json.loads(row.body)
    return row.body


def prepare(
    batch: Batch, rows: Sequence[MessageRow], context: Sequence[MessageRow], extract: Extract, meaning: Meaning | None
) -> Prepared:
    """Extract from the messages of `rows`, some or all of the batch's, and embed what was found in one call; without
    `meaning` the vectors are left for later.
    """
    messages = [message_of(row) for row in rows]
    before = [message_of(row) for row in context]
    extraction = extract(messages, context=before, now=batch.now, types=batch.types)
    candidates = [*extraction.memories, *extraction.preferences]
    vectors: list[bytes | None] = [None] * len(candidates)
    embedded = meaning.documents([embedding_text(c.text, c.said_on) for c in candidates]) if meaning else None
    if embedded is not None:
        vectors = [pack(row) for row in embedded]
    thoughts = tuple(
        Thought(
            candidate,
            _origins(candidate, rows, context),
            " ".join(memory_terms(candidate.text, candidate.speaker, candidate.said_on)),
            fingerprint(candidate.text, candidate.speaker),
            vector,
            () if extract is verbatim_extract else tuple(_fillings(candidate, extraction.preferences)),
        )
        for candidate, vector in zip(candidates, vectors, strict=True)
    )
    return Prepared(batch, tuple(rows), thoughts, extraction.forgets)


def _fillings(candidate: Candidate, preferences: Sequence[Candidate]) -> list[Filling]:
    """What a candidate says of changeable things; a fact also what the preferences taken from the same words say."""
    if candidate.type == "implicit_preference":
        return []
    found = list(fillings(candidate.text))
    whole = len(without_asides(candidate.text).rstrip(" .!?。！？"))
    if candidate.slot and candidate.slot not in slots(candidate.text):
        found.append(Filling(candidate.slot, 0, whole))
    for other in preferences if candidate.kind == "memory" else ():
        words = without_asides(other.text).rstrip(" .!?。！？")
        at = candidate.text.find(words)
        if other.slot and at >= 0 and other.sources == candidate.sources:
            found.append(Filling(other.slot, at, at + len(words)))
    return owned(found, candidate.speaker)


def owned(found: Sequence[Filling], speaker: str | None) -> list[Filling]:
    """Slots with the speaker's name in them, so that two speakers' homes are two; who leads what is everybody's."""
    who = (speaker or "").casefold()
    names = frozenset(terms(who))
    if not who:
        return list(found)
    return [
        filling
        if "@" in filling.slot or filling.slot.startswith("lead:")
        else replace(filling, slot=f"{filling.slot}@{who}")
        for filling in found
        if not (filling.slot.startswith("taste:") and names.issuperset(filling.slot[6:].split()))
    ]


def verbatim_extract(
    messages: Sequence[Message], *, context: Sequence[Message], now: datetime, types: frozenset[str]
) -> Extraction:
    """Every message with text as one fact, word for word; no preferences."""
    del context
    found = []
    for index, message in enumerate(messages):
        text = message.text.strip()
        if text and message.role in {"user", "assistant"} and "memory" in types:
            said = dates.moment(message.chat_time, now) if message.chat_time else now
            speaker = message.role_name or (message.role if message.role == "assistant" else None)
            shown = f"{speaker}: {text}" if speaker else text
            kind = "UserMemory" if message.role == "user" else "LongTermMemory"
            found.append(Candidate("memory", shown, kind, sources=(index,), said_on=said, speaker=message.role_name))
    return Extraction(memories=tuple(found))


def _origins(candidate: Candidate, rows: Sequence[MessageRow], context: Sequence[MessageRow]) -> tuple[MessageRow, ...]:
    found = []
    for index in candidate.sources:
        source = rows if index >= 0 else context
        if -len(source) <= index < len(source):
            found.append(source[index])
    return tuple(found)


def memory_terms(text: str, speaker: str | None, said_on: datetime | None) -> list[str]:
    """What a memory is found by: its words, who said it and when."""
    found = terms(text)
    for term in terms(speaker or ""):
        if term not in found:
            found.append(term)
    return found


def embedding_text(text: str, said_on: datetime | None) -> str:
    """What is embedded: the memory and the day it was said."""
    return f"{text} ({said_on.day} {said_on:%B %Y})" if said_on else text
