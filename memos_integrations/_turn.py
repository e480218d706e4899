"""What of a turn is remembered: the user's words and the final answer, without anything that was put there by machines.

Tool traffic, system texts, reasoning, parts that are not text and blocks that we or other MemOS clients injected are
left out and counted; secrets become typed placeholders.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from . import prompt
from .errors import InvalidRequest
from .models import Message, MessageLike

OnAbort = Literal["user_and_partial", "user_only", "discard"]
_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL)
_REACT = re.compile(r"\A\s*Thought:.*\n\s*(?:Final )?Answer:\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The messages to store, in order, and how much of what kind was left out."""

    messages: tuple[Message, ...] = field(default=(), repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)


def clean_turn(
    messages: Sequence[MessageLike],
    *,
    aborted: bool = False,
    on_abort: OnAbort = "user_only",
    redact: Callable[[str], str] | None = None,
) -> Cleaned:
    """The user's messages and, after each run of them, the last assistant text; empty when no user spoke.

    `aborted` says that the last answer was cut off: `on_abort` keeps it, drops it, or drops the whole turn. Raises
    InvalidRequest when `messages` is not a list of messages.
    """
    left_out: Counter[str] = Counter()
    if aborted and on_abort == "discard":
        return Cleaned((), {"aborted": len(messages)})
    parsed = _parse(messages)
    kept: list[Message] = []
    for message in parsed:
        if not _wanted(message, left_out):
            continue
        text = _text(message, redact)
        if not text:
            left_out["empty"] += 1
            continue
        if message.role == "assistant" and kept and kept[-1].role == "assistant":
            kept.pop()
            left_out["intermediate"] += 1
        kept.append(message.model_copy(update={"content": text, "tool_calls": None}))
    if aborted and on_abort == "user_only" and kept and kept[-1].role == "assistant":
        kept.pop()
        left_out["aborted"] += 1
    if not any(message.role == "user" for message in kept):
        left_out["without_user"] += len(kept)
        kept = []
    return Cleaned(tuple(kept), {k: n for k, n in left_out.items() if n})


def with_ids(messages: Sequence[Message], key: str) -> tuple[Message, ...]:
    """The messages, each with an id: its own, or one made from the turn's key and its position."""
    return tuple(m if m.id else m.model_copy(update={"id": f"{key}-{i}"}) for i, m in enumerate(messages))


def _parse(messages: Sequence[MessageLike]) -> list[Message]:
    if isinstance(messages, Message | Mapping | str | bytes) or not isinstance(messages, Sequence):
        msg = "observe takes a list of messages: dicts with role and content, Message, or (role, text) tuples"
        raise InvalidRequest(msg, code=40000)
    try:
        return [Message.of(message) for message in messages]
    except (ValidationError, TypeError, ValueError):
        msg = "a message of the turn is not a dict with role and content, a Message, or a (role, text) tuple"
        raise InvalidRequest(msg, code=40000) from None


def _wanted(message: Message, left_out: Counter[str]) -> bool:
    if message.role in ("system", "tool"):
        left_out[message.role] += 1
        return False
    if message.tool_calls:
        left_out["tool_call"] += 1
        return False
    if isinstance(message.content, list):
        left_out["part"] += sum(part.get("type", "text") != "text" for part in message.content)
    return True


def _text(message: Message, redact: Callable[[str], str] | None) -> str:
    text = prompt.strip(message.text)
    if message.role == "assistant":
        text = _REACT.sub("", _THINKING.sub("", text), count=1).strip()
    return redact(text) if redact and text else text
