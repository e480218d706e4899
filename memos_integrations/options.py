"""The keyword parameters of `MemOSClient`'s methods, each written once for the sync and the async twin.

Limits, defaults and refusals are those of the request models of the same name in requests.py; None means "not sent".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Required, TypeAlias, TypedDict

from .models import MessageLike

MessagesLike: TypeAlias = Sequence[MessageLike]
"""A conversation: Messages, dicts or `(role, text)` tuples, oldest first."""


class AddOptions(TypedDict, total=False):
    """Keyword parameters of `add_message`; `user_id` may be a list of at most 20 ids (group chat)."""

    user_id: Required[str | list[str]]
    conversation_id: str | None
    async_mode: bool
    agent_id: str | list[str] | None
    app_id: str | None
    tags: list[str] | None
    info: dict[str, Any] | None
    allow_public: bool | None
    allow_knowledgebase_ids: list[str] | None
    custom_extract_prompt: dict[str, Any] | None
    allow_memory_view: list[str] | None
    source: str | None


class SearchOptions(TypedDict, total=False):
    """Keyword parameters of `search_memory`; `conversation_id` raises this conversation's memories, it hides none."""

    user_id: Required[str]
    conversation_id: str | None
    memory_limit_number: int
    include_preference: bool
    preference_limit_number: int
    agent_id: str | None
    include_memory_view: list[str] | None
    relativity: float | None
    filter: dict[str, Any] | None
    knowledgebase_ids: list[str] | None
    include_tool_memory: bool | None
    tool_memory_limit_number: int | None
    include_skill: bool | None
    skill_limit_number: int | None
    context_format: str | None
    source: str | None


class GetMessageOptions(TypedDict, total=False):
    """Keyword parameters of `get_message`."""

    user_id: Required[str]
    conversation_id: Required[str]
    message_limit_number: int
    conversation_limit_number: int | None
    agent_id: str | None
    source: str | None


class GetMemoryOptions(TypedDict, total=False):
    """Keyword parameters of `get_memory`; `page` counts from 1, `size` is 1..50 per list."""

    user_id: Required[str]
    page: int
    size: int
    agent_id: str | None
    filter: dict[str, Any] | None
    include_memory_view: list[str] | None
    include_preference: bool
    include_tool_memory: bool | None


class UpdateOptions(TypedDict, total=False):
    """Keyword parameters of `update_memory`: at least one of them."""

    content: str | None
    title: str | None
    status: Literal["activated", "resolving", "archived", "deleted"] | None


class DeleteOptions(TypedDict, total=False):
    """Keyword parameters of `delete_memory`: exactly one of them."""

    memory_ids: list[str]
    user_id: str
    agent_id: str


class FeedbackOptions(TypedDict, total=False):
    """Keyword parameters of `add_feedback`."""

    user_id: Required[str]
    conversation_id: str | None
    agent_id: str | None
    app_id: str | None
    feedback_time: str | datetime | None
    allow_public: bool | None
    allow_knowledgebase_ids: list[str] | None
