"""What MemOS is asked, and the limits checked before asking (contract §1): one pydantic model per endpoint.

The client builds these and the embedded engine parses them, so both sides enforce the same rules with the same codes.
Explicit nulls count as absent. The client refuses unknown parameters (a typo must not vanish); the engine ignores them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ._checks import MAX_ID_CHARS, Refused, identifier, message_tokens
from ._checks import messages as parse
from ._text import estimate_tokens
from .errors import ConfigurationError, InvalidRequest, code_meaning
from .models import Message

EXTRACT_TOKENS = 8_000
ADD_TOKENS = 40_000
QUERY_TOKENS = 4_000
MAX_ITEMS = 25
MAX_PAGE = 50
ExtractionType = Literal["memory", "preference"]
Limit = Annotated[int, Field(ge=0, le=MAX_ITEMS)]


class Request(BaseModel):
    """Base of every request: `path` is the endpoint below the base URL, `method` its HTTP method."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    method: ClassVar[str] = "POST"
    path: ClassVar[str]

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return iter(())

    @classmethod
    def of(cls, data: Mapping[str, Any], *, strict: bool = False) -> Self:
        """Parse `data`; `strict` also refuses unknown parameters.

        Raises InvalidRequest with the contract's code: 40002 missing or blank, 40003 empty list, 40010/40011 id too
        long, 40013 messages too long, 40000 otherwise. The message names fields, never values.
        """
        if strict and (unknown := sorted(set(data) - set(cls.model_fields))):
            raise InvalidRequest(
                f"unknown parameter {', '.join(unknown)} for {cls.path}; known: {', '.join(cls.model_fields)}",
                code=40000,
            )
        try:
            return cls.model_validate({k: v for k, v in data.items() if v is not None})
        except ValidationError as error:
            raise _invalid(cls.path, error) from None

    def to_wire(self) -> dict[str, Any]:
        """The JSON body: None values are not sent (contract §9.2)."""
        return self.model_dump(mode="json", exclude_none=True)


def _invalid(path: str, error: ValidationError) -> InvalidRequest:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "request"
    refused = first.get("ctx", {}).get("error")
    if isinstance(refused, Refused):
        code, why = refused.code, str(refused)
    elif first["type"] == "missing":
        code, why = 40002, "is required"
    else:
        # pydantic's sentence names the rule ("Input should be …"), never the value.
        code, why = 40000, first["msg"]
    return InvalidRequest(f"{path}: {where} {why} (code {code}: {code_meaning(code)})", code=code)


def require_user_id(user_id: object) -> str:
    """`user_id` itself when it is a non-blank string of at most 100 characters.

    Raises ConfigurationError when it is missing, blank or not a string (memory without an owner would be everybody's)
    and InvalidRequest (40010) when it is too long.
    """
    if not isinstance(user_id, str) or not user_id.strip():
        raise ConfigurationError("user_id is required and must not be blank: pass the id of the person who is talking")
    if len(user_id) > MAX_ID_CHARS:
        raise InvalidRequest(f"user_id must have at most {MAX_ID_CHARS} characters (code 40010)", code=40010)
    return user_id


class _Conversation(Request):
    conversation_id: str | None = None

    @field_validator("conversation_id", mode="before", check_fields=False)
    @classmethod
    def _conversation_id(cls, value: object) -> object:
        return identifier(value, 40011)


class _Owned(Request):
    """Requests of one user or, instead, one agent."""

    user_id: str | None = None
    agent_id: str | None = None
    # add/message and add/feedback may name both: the user owns the memory, the agent is provenance.
    exclusive: ClassVar[bool] = True

    @field_validator("user_id", "agent_id", mode="before", check_fields=False)
    @classmethod
    def _owner_id(cls, value: object) -> object:
        return identifier(value, 40010)

    @model_validator(mode="after")
    def _one_owner(self) -> _Owned:
        if not self.user_id and not self.agent_id:
            raise Refused(40002, "user_id is required (or agent_id)")
        if self.exclusive and self.user_id and self.agent_id:
            raise Refused(40000, "takes user_id or agent_id, not both")
        return self


class ExtractRequest(Request):
    """extract/memory (contract §1.3): text messages of user, assistant and system, at most 8k tokens in all."""

    path = "/extract/memory"
    messages: list[Message]
    extraction_types: list[ExtractionType] | None = None
    model: str | None = None

    @field_validator("messages", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return parse(value)

    @field_validator("messages")
    @classmethod
    def _check(cls, value: list[Message]) -> list[Message]:
        for message in value:
            if message.role == "tool":
                raise Refused(40000, "may not have role tool; extract/memory takes user, assistant and system")
            if not isinstance(message.content, str):
                raise Refused(40000, "must have text content; extract/memory takes no files or images")
        if not any(message.text.strip() for message in value):
            raise Refused(40002, "must not be blank")
        if message_tokens(value) > EXTRACT_TOKENS:
            raise Refused(40013, f"must have at most {EXTRACT_TOKENS} tokens in total")
        return value

    @property
    def types(self) -> frozenset[str]:
        """The types to extract: both where none is named."""
        return frozenset(self.extraction_types or ("memory", "preference"))

    def to_wire(self) -> dict[str, Any]:
        """The JSON body: the endpoint takes role and content only."""
        body = super().to_wire()
        body["messages"] = [{"role": m.role, "content": m.content} for m in self.messages]
        return body


class AddRequest(_Conversation, _Owned):
    """add/message (contract §1.1): stores messages and what is extracted from them; at most 40k tokens in all.

    `async_mode` (default true) answers at once with a running task; false waits until the memories are stored.
    """

    path = "/add/message"
    exclusive = False
    messages: list[Message]
    user_id: str | list[str] | None = None  # type: ignore[assignment]  # a list = group chat, at most 20 people
    agent_id: str | list[str] | None = None  # type: ignore[assignment]
    app_id: str | None = None
    tags: list[str] | None = None
    info: dict[str, Any] | None = None
    allow_public: bool | None = None
    allow_knowledgebase_ids: list[str] | None = None
    async_mode: bool = True
    custom_extract_prompt: dict[str, Any] | None = None
    allow_memory_view: list[str] | None = None
    source: str | None = None

    @field_validator("user_id", "agent_id", mode="before")
    @classmethod
    def _group(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        if not 1 <= len(value) <= 20:
            raise Refused(40000, "takes 1 to 20 ids")
        return [identifier(item, 40010) for item in value]

    @field_validator("messages", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return parse(value)

    @field_validator("messages")
    @classmethod
    def _check(cls, value: list[Message]) -> list[Message]:
        if not any(m.text.strip() or m.tool_calls or isinstance(m.content, list) for m in value):
            raise Refused(40002, "must not be blank")
        if message_tokens(value) > ADD_TOKENS:
            raise Refused(40013, f"must have at most {ADD_TOKENS} tokens in total")
        return value

    @property
    def owners(self) -> list[str]:
        """The user ids that own what is added; empty when only an agent does."""
        return [self.user_id] if isinstance(self.user_id, str) else list(self.user_id or [])


class SearchRequest(_Conversation, _Owned):
    """search/memory (contract §1.2): `conversation_id` is a soft weight, limits are 0..25 a list, `relativity` 0..1."""

    path = "/search/memory"
    query: str
    memory_limit_number: Limit = 6
    include_preference: bool = True
    preference_limit_number: Limit = 6
    include_memory_view: list[str] | None = None
    relativity: Annotated[float, Field(ge=0, le=1)] | None = None
    filter: dict[str, Any] | None = None
    knowledgebase_ids: list[str] | None = None
    include_tool_memory: bool | None = None
    tool_memory_limit_number: Limit | None = None
    include_skill: bool | None = None
    skill_limit_number: Limit | None = None
    context_format: str | None = None
    source: str | None = None

    @field_validator("query")
    @classmethod
    def _query(cls, value: str) -> str:
        if not value.strip():
            raise Refused(40002, "must not be blank")
        if estimate_tokens(value) > QUERY_TOKENS:
            raise Refused(40305, f"must have at most {QUERY_TOKENS} tokens")
        return value


class GetMessagesRequest(_Conversation, _Owned):
    """get/message (contract §1.4): the newest messages of one conversation."""

    path = "/get/message"
    message_limit_number: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 6
    conversation_limit_number: int | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _conversation_given(self) -> GetMessagesRequest:
        if not self.conversation_id:
            raise Refused(40002, "conversation_id is required")
        return self


class GetMemoryRequest(_Owned):
    """get/memory (contract §1.5): stored memories by page; `page` from 1, `size` 1..50 per list."""

    path = "/get/memory"
    page: Annotated[int, Field(ge=1)] = 1
    size: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 10
    filter: dict[str, Any] | None = None
    include_memory_view: list[str] | None = None
    include_preference: bool = True
    include_tool_memory: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _current_is_page(cls, data: Any) -> Any:
        # The official MCP client sends `current` instead of `page` (contract §1.5).
        if isinstance(data, dict) and "current" in data and "page" not in data:
            return {**data, "page": data["current"]}
        return data


class _OneMemory(Request):
    memory_id: str

    @field_validator("memory_id")
    @classmethod
    def _memory_id(cls, value: str) -> str:
        if not value.strip():
            raise Refused(40002, "must not be blank")
        return value


class MemoryByIdRequest(_OneMemory):
    """get/memory/{memory_id} (contract §1.6)."""

    method = "GET"
    path = "/get/memory/{memory_id}"


class UpdateMemoryRequest(_OneMemory):
    """update/memory (contract §1.7): new `content`, `title` or `status` (activated, resolving, archived, deleted)."""

    path = "/update/memory"
    content: str | None = None
    title: str | None = None
    status: Literal["activated", "resolving", "archived", "deleted"] | None = None

    @model_validator(mode="after")
    def _something(self) -> UpdateMemoryRequest:
        if self.content is None and self.title is None and self.status is None:
            raise Refused(40002, "needs content, title or status")
        if self.content is not None and not self.content.strip():
            raise Refused(40002, "content must not be blank; delete the memory instead")
        return self


class DeleteMemoryRequest(Request):
    """delete/memory (contract §1.7): exactly one of `memory_ids`, `user_id`, `agent_id`."""

    path = "/delete/memory"
    memory_ids: list[str] | None = None
    user_id: str | None = None
    agent_id: str | None = None

    @field_validator("user_id", "agent_id", mode="before")
    @classmethod
    def _owner_id(cls, value: object) -> object:
        return identifier(value, 40010)

    @model_validator(mode="after")
    def _exactly_one(self) -> DeleteMemoryRequest:
        if self.memory_ids is not None and not self.memory_ids:
            raise Refused(40003, "memory_ids must not be empty")
        if sum(v is not None for v in (self.memory_ids, self.user_id, self.agent_id)) != 1:
            raise Refused(40002, "takes exactly one of memory_ids, user_id, agent_id")
        return self


class FeedbackRequest(_Conversation, _Owned):
    """add/feedback (contract §1.8): what the user says about a memory or an answer, in words."""

    path = "/add/feedback"
    exclusive = False
    feedback_content: str
    app_id: str | None = None
    feedback_time: str | None = None
    allow_public: bool | None = None
    allow_knowledgebase_ids: list[str] | None = None

    @field_validator("feedback_time", mode="before")
    @classmethod
    def _time(cls, value: object) -> object:
        return value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else value

    @field_validator("feedback_content")
    @classmethod
    def _content(cls, value: str) -> str:
        if not value.strip():
            raise Refused(40002, "must not be blank")
        return value


class StatusRequest(Request):
    """get/status (contract §1.9): how far a task of add/message or add/feedback is."""

    path = "/get/status"
    task_id: str

    @field_validator("task_id")
    @classmethod
    def _task_id(cls, value: str) -> str:
        if not value.strip():
            raise Refused(40002, "must not be blank")
        return value
