"""Whose memory a call is about: run context first, then `config["configurable"]`, then the adapter's constructor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memos_integrations._checks import MAX_ID_CHARS
from memos_integrations.errors import ConfigurationError


@dataclass(frozen=True)
class MemOSContext:
    """Who is asking: `create_agent(..., context_schema=MemOSContext)`, then `invoke(..., context=MemOSContext("ann"))`.

    Pass it on every call, resumes after an interrupt included: LangGraph does not keep it.
    """

    user_id: str = field(repr=False)
    conversation_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and, where known, one of their conversations."""

    user_id: str = field(repr=False)
    conversation_id: str | None = field(default=None, repr=False)


def resolve(*sources: object) -> Identity:
    """The identity named by the first source that names each id; sources go from the most to the least specific.

    A source is a mapping or any object with attributes; None counts as absent, a blank user id is an error rather than
    a reason to fall back to somebody else. Raises ConfigurationError when no source names a user.
    """
    user_id = _first(sources, "user_id")
    if user_id is None or not user_id.strip():
        raise ConfigurationError(
            "user_id is missing: pass it per call (context=MemOSContext(user_id) or "
            '{"configurable": {"user_id": ...}}) or to the constructor'
        )
    conversation_id = _first(sources, "conversation_id")
    return Identity(user_id, conversation_id)


def configurable(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The ids of a RunnableConfig as a source for `resolve`; `thread_id` stands in for `conversation_id`."""
    values = dict((config or {}).get("configurable") or {})
    if values.get("conversation_id") is None:
        values["conversation_id"] = _conversation_of(values.get("thread_id"))
    return values


def _conversation_of(thread_id: object) -> str | None:
    """LangGraph takes any thread id; MemOS wants a conversation id that is neither blank nor too long."""
    name = "" if thread_id is None else str(thread_id)
    if len(name) > MAX_ID_CHARS:
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return name if name.strip() else None


def _first(sources: tuple[object, ...], name: str) -> str | None:
    for source in sources:
        value = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
        if value is not None:
            return str(value)
    return None
