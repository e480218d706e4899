"""Checks of single values that requests are made of; refusals carry the contract's code and never the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ._text import estimate_tokens
from .errors import InvalidRequest, code_meaning
from .models import Message

MAX_ID_CHARS = 100


class Refused(ValueError):
    """A value is not accepted; `code` is the contract's, the text names the rule."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def identifier(value: object, code: int) -> object:
    """An id as text; Refused when blank (40002) or too long (`code`)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        if not value.strip():
            raise Refused(40002, "must not be blank")
        if len(value) > MAX_ID_CHARS:
            raise Refused(code, f"must have at most {MAX_ID_CHARS} characters")
    return value


def messages(value: object) -> list[Message]:
    """The messages of a list, or of one message standing alone; Refused with the place of the first bad one."""
    if isinstance(value, Message | Mapping) or (
        isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    ):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise Refused(40000, "must be a list of messages")
    if not value:
        raise Refused(40003, "must not be empty")
    return [_message(n, item) for n, item in enumerate(value)]


def _message(index: int, value: Any) -> Message:
    try:
        return Message.of(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        # pydantic's own text would quote the message; the rule alone is enough.
        raise Refused(40000, f"[{index}] {where}: {first['msg']}") from None


def parse_messages(value: object, path: str) -> list[Message]:
    """The messages of a conversation; InvalidRequest naming the place and the rule, never the text."""
    try:
        return messages(value)
    except Refused as refused:
        raise InvalidRequest(
            f"{path}: messages {refused} (code {refused.code}: {code_meaning(refused.code)})", code=refused.code
        ) from None


def message_tokens(messages: Sequence[Message]) -> int:
    """Estimated tokens of the messages' text."""
    return sum(estimate_tokens(m.text) for m in messages)
