"""What MemOS answers, as Python objects (contract §1): messages, memories and one result per endpoint.

Parsing is tolerant: lists may be absent or null, times may be epoch milliseconds or strings, enums are open strings and
unknown fields are kept. Wire names are attributes (`memory_value`, `preference_type`, …); `create_time`/`update_time`
are aware datetimes here and epoch milliseconds on the wire. No repr shows memory text or user ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
)

Role: TypeAlias = Literal["user", "assistant", "system", "tool"]
_ROLE_ALIASES = {"human": "user", "ai": "assistant"}


def parse_time(value: object) -> datetime | None:
    """An aware datetime from epoch milliseconds (or seconds), a numeric string or ISO-8601; None when it is none."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    try:
        if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
            return parse_time(datetime.fromisoformat(value.strip()))
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            number = float(value)
            return datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def to_millis(value: datetime) -> int:
    """Epoch milliseconds of an aware datetime."""
    return round(value.timestamp() * 1000)


WireTime = Annotated[
    datetime | None, BeforeValidator(parse_time), PlainSerializer(lambda v: None if v is None else to_millis(v))
]
"""Aware datetime in Python, epoch milliseconds on the wire (contract §2, "Time units")."""


def _text_or_none(value: object) -> object:
    return value if value is None or isinstance(value, str) else str(value)


def _strings(value: object) -> list[str]:
    if value is None:
        return []
    items = value if isinstance(value, list | tuple | set) else [value]
    return [str(item) for item in items if item is not None]


def _number_or_none(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if number == number else None


Text = Annotated[str | None, BeforeValidator(_text_or_none)]
Strings = Annotated[list[str], BeforeValidator(_strings)]
Number = Annotated[float | None, BeforeValidator(_number_or_none)]


class Wire(BaseModel):
    """Base of every answer: immutable, keeps unknown fields, shows no content in its repr."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, list):
                yield f"len({name})", len(value)
            elif name in _SAFE_IN_REPR:
                yield name, value

    def to_wire(self) -> dict[str, Any]:
        """The JSON object MemOS would send: wire names, times in epoch milliseconds, absent values left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


_SAFE_IN_REPR = frozenset(
    {"id", "memory_type", "preference_type", "status", "relativity", "success", "task_id", "role", "total", "page"}
)


class Message(BaseModel):
    """One chat message (contract §1.1): `role` and `content`, optionally when and by whom it was said.

    `content` is text, or a list of parts (`{"type": "text", "text": …}`, image and file parts) for add/message.
    `chat_time` is a wall-clock string; datetimes are accepted. `role_name` needs `role_id`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: Role
    content: str | list[dict[str, Any]] | None = None
    chat_time: str | None = None
    id: str | None = None
    role_id: str | None = None
    role_name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @field_validator("role", mode="before")
    @classmethod
    def _role(cls, value: object) -> object:
        return _ROLE_ALIASES.get(value, value) if isinstance(value, str) else value

    @field_validator("chat_time", "id", "role_id", "role_name", "tool_call_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat(sep=" ", timespec="seconds")
        return str(value) if isinstance(value, int | float) else value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "role", self.role

    @property
    def text(self) -> str:
        """The visible text: string content, or the text parts joined by newlines."""
        if isinstance(self.content, str):
            return self.content
        parts = [p.get("text") for p in self.content or [] if p.get("type", "text") == "text"]
        return "\n".join(p for p in parts if isinstance(p, str))

    @classmethod
    def of(cls, value: MessageLike) -> Message:
        """A Message from a Message, a dict, or a `(role, text)` tuple; pydantic's ValidationError otherwise."""
        if isinstance(value, cls):
            return value
        if isinstance(value, tuple) and len(value) == 2:
            return cls.model_validate({"role": value[0], "content": value[1]})
        return cls.model_validate(value)


MessageLike: TypeAlias = Message | Mapping[str, Any] | tuple[str, str]


class FactMemory(Wire):
    """A fact about the user or what was said (contract §1.2): `memory_key` is its heading, `memory_value` its text."""

    id: Text = None
    memory_key: Text = None
    memory_value: Text = None
    memory_type: Text = None
    create_time: WireTime = None
    update_time: WireTime = None
    conversation_id: Text = None
    status: Text = None
    confidence: Number = None
    tags: Strings = Field(default_factory=list)
    relativity: Number = None
    message_ids: Strings = Field(default_factory=list)

    @property
    def text(self) -> str:
        """What a prompt should say: the value, or the heading where there is no value."""
        return self.memory_value or self.memory_key or ""


class PreferenceMemory(Wire):
    """A preference (contract §1.2): explicit (`explicit_preference`) or inferred (`implicit_preference`)."""

    id: Text = None
    preference: Text = None
    preference_type: Text = None
    reasoning: Text = None
    create_time: WireTime = None
    update_time: WireTime = None
    conversation_id: Text = None
    status: Text = None
    relativity: Number = None
    message_ids: Strings = Field(default_factory=list)

    @property
    def text(self) -> str:
        """What a prompt should say."""
        return self.preference or ""

    @property
    def implicit(self) -> bool:
        """True for an inferred preference; anything else counts as explicit."""
        return self.preference_type == "implicit_preference"


class OtherMemory(Wire):
    """A tool, skill, profile or event memory: MemOS Cloud's own shape, kept field by field as it came."""

    id: Text = None
    status: Text = None
    relativity: Number = None


def _items(kind: type[Wire]) -> BeforeValidator:
    """Keep the items that parse; an absent or null list is empty."""

    def parse(value: object) -> list[Any]:
        kept: list[Any] = []
        for item in value if isinstance(value, list | tuple) else []:
            if isinstance(item, kind):
                kept.append(item)
            elif isinstance(item, Mapping):
                try:
                    kept.append(kind.model_validate(dict(item)))
                except ValidationError:
                    continue
        return kept

    return BeforeValidator(parse)


def _wire_list(name: str) -> Any:
    return Field(default_factory=list, alias=name)


Facts = Annotated[list[FactMemory], _items(FactMemory)]
Preferences = Annotated[list[PreferenceMemory], _items(PreferenceMemory)]
Others = Annotated[list[OtherMemory], _items(OtherMemory)]


class ExtractResult(Wire):
    """Answer of extract/memory (contract §1.3): candidates only, nothing is stored, so no ids and no times."""

    success: bool = True
    memories: Facts = _wire_list("memory_detail_list")
    preferences: Preferences = _wire_list("preference_detail_list")


class MemoryLists(Wire):
    """The lists that search/memory and get/memory share (contract §1.2, §1.5)."""

    memories: Facts = _wire_list("memory_detail_list")
    preferences: Preferences = _wire_list("preference_detail_list")
    tool_memories: Others = _wire_list("tool_memory_detail_list")
    skills: Others = _wire_list("skill_detail_list")
    profiles: Others = _wire_list("profile_detail_list")
    events: Others = _wire_list("event_detail_list")


class SearchResult(MemoryLists):
    """Answer of search/memory (contract §1.2), best first; `preference_note` is "" when there are no preferences."""

    preference_note: Annotated[str, BeforeValidator(lambda v: v if isinstance(v, str) else "")] = ""


def _whole(value: object) -> int:
    number = _number_or_none(value)
    return 0 if number is None or abs(number) > 2**53 else int(number)


Whole = Annotated[int, BeforeValidator(_whole)]


class MemoryPage(MemoryLists):
    """Answer of get/memory (contract §1.5); `page` and `size` count per list, `total` is the longest list's length."""

    total: Whole = 0
    size: Whole = 0
    current: Whole = 1
    pages: Whole = 0


class MemoryDetail(Wire):
    """Answer of get/memory/{id} (contract §1.6); times are aware datetimes, ISO-8601 on the wire."""

    id: Text = None
    memory_view: Text = None
    title: Text = None
    content: Text = None
    conversation_id: Text = None
    message_ids: Strings = Field(default_factory=list)
    status: Text = None
    algorithm_updatable: bool | None = None
    created_at: Annotated[datetime | None, BeforeValidator(parse_time)] = None
    updated_at: Annotated[datetime | None, BeforeValidator(parse_time)] = None
    user_id: Text = None
    agent_id: Text = None
    tags: Strings = Field(default_factory=list)
    info: dict[str, Any] | None = None


class TaskResult(Wire):
    """Answer of add/message and add/feedback (contract §1.1, §1.8); `status` is running, completed or failed.

    A conversation over the size limit is sent in several requests: `task_ids` then names every task.
    """

    success: bool = True
    task_id: Annotated[str, BeforeValidator(lambda v: "" if v is None else str(v))] = ""
    status: Annotated[str, BeforeValidator(lambda v: "running" if v is None else str(v))] = "running"
    task_ids: Strings = Field(default_factory=list, exclude=True)


class TaskStatus(Wire):
    """Answer of get/status (contract §1.9); `memory_views` names the written memories once completed."""

    task_id: Text = None
    status: Annotated[str, BeforeValidator(lambda v: "running" if v is None else str(v))] = "running"
    memory_views: dict[str, Any] | None = None

    @property
    def done(self) -> bool:
        """True once the task will not change any more."""
        return self.status in {"completed", "failed", "cancelled"}


class StoredMessage(Wire):
    """One message of get/message (contract §1.4)."""

    role: Text = None
    content: Any = None
    create_time: WireTime = None
    update_time: WireTime = None


class MessageList(Wire):
    """Answer of get/message (contract §1.4), oldest first."""

    messages: Annotated[list[StoredMessage], _items(StoredMessage)] = _wire_list("message_detail_list")


class Acknowledged(Wire):
    """Answer of update/memory and delete/memory (contract §1.7)."""

    success: bool = True


def merge_extracts(parts: Sequence[ExtractResult]) -> ExtractResult:
    """One result for a conversation that was extracted in windows: in order, repeated texts once."""
    if len(parts) == 1:
        return parts[0]
    memories: dict[str, FactMemory] = {}
    preferences: dict[str, PreferenceMemory] = {}
    for part in parts:
        for fact in part.memories:
            memories.setdefault(fact.text, fact)
        for preference in part.preferences:
            preferences.setdefault(preference.text, preference)
    return ExtractResult(
        success=all(part.success for part in parts),
        memories=list(memories.values()),
        preferences=list(preferences.values()),
    )
