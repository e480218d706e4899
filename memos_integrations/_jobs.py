"""What waits in an outbox: turns as they were told, and jobs as they are sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ._checks import message_tokens
from .models import Message

Write = Literal["extract+add", "extract", "add"]
JOIN_TURNS = 16
JOIN_TOKENS = 6_000  # what one extract/memory surely takes (see _operations.EXTRACT_WINDOW)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn wants stored, for whom, and how; `key` is unique per user and conversation (see `turn_key`).

    `join_ms`: turns of the conversation that come within so many milliseconds may be sent together with this one.
    `listened` says that somebody asked to hear what extract/memory finds in it.
    """

    key: str = field(repr=False)
    user_id: str = field(repr=False)
    conversation_id: str | None = field(repr=False)
    messages: tuple[Message, ...] = field(repr=False)
    write: Write = "extract+add"
    join_ms: int = 0
    listened: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A turn on its way, or several joined ones: then `turn` holds all their messages and `parts` each of them.

    `extracted` is the saved answer of extract/memory ("" = not to be asked again); `unsure` says that add/message was
    sent before and its answer lost, so that the turn may be stored already; `joined` names the turns it is sent with.
    """

    seq: int
    turn: Turn
    created_ms: int
    attempts: int = 0
    failed_ms: int = 0
    extracted: str | None = field(default=None, repr=False)
    unsure: bool = False
    joined: int | None = None
    parts: tuple[Job, ...] = field(default=(), repr=False)

    @property
    def each(self) -> tuple[Job, ...]:
        """The turns it is made of, oldest first."""
        return self.parts or (self,)


def turn_key(user_id: str, conversation_id: str | None, key: str) -> str:
    """The outbox key of a caller's key: the same key of another user or conversation is another turn."""
    text = json.dumps([user_id, conversation_id, key], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def body_of(turn: Turn) -> str:
    """What of a turn has no column of its own."""
    body: dict[str, Any] = {"write": turn.write, "messages": [m.model_dump(exclude_none=True) for m in turn.messages]}
    if turn.join_ms:
        body["join_ms"] = turn.join_ms
    if turn.listened:
        body["listened"] = True
    return json.dumps(body)


def job_of(row: Sequence[Any]) -> Job:
    """A job from the outbox's columns, in the order of `_outbox.COLUMNS`."""
    seq, key, user_id, conversation_id, body, extracted, created_ms, attempts, failed_ms, unsure, joined = row
    content: dict[str, Any] = json.loads(body)
    turn = Turn(
        key=key,
        user_id=user_id,
        conversation_id=conversation_id,
        messages=tuple(Message.model_validate(m) for m in content["messages"]),
        write=content["write"],
        join_ms=content.get("join_ms", 0),
        listened=content.get("listened", False),
    )
    return Job(seq, turn, created_ms, attempts, failed_ms, extracted, bool(unsure), joined)


def joinable(head: Job, later: Iterable[Job]) -> Iterator[Job]:
    """The turns after `head` that may be sent with it: told within its window, alike in kind, few and short enough."""
    size = message_tokens(head.turn.messages)
    for n, job in enumerate(later, 2):
        size += message_tokens(job.turn.messages)
        late = job.created_ms > head.created_ms + head.turn.join_ms
        if late or n > JOIN_TURNS or size > JOIN_TOKENS or job.turn.write != head.turn.write or job.joined is not None:
            return
        yield job


def together(parts: Sequence[Job]) -> Job:
    """One job of several turns, oldest first."""
    head = parts[0]
    if len(parts) == 1:
        return head
    messages = tuple(message for part in parts for message in part.turn.messages)
    return replace(head, turn=replace(head.turn, messages=messages), parts=tuple(parts))


def regrouped(jobs: Iterable[Job]) -> list[Job]:
    """Turns in their order, those that are sent together as one job."""
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.seq if job.joined is None else job.joined, []).append(job)
    return [together(group) for group in groups.values()]
