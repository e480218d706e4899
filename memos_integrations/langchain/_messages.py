"""LangChain messages as text and as turns: translation only, nothing is decided or stored here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from pydantic import BaseModel

from memos_integrations.models import Message, Role

M = TypeVar("M", bound=BaseMessage)
_ROLES: dict[str, Role] = {"human": "user", "tool": "tool", "system": "system"}
_ANSWER_KEYS = ("output", "answer", "text", "response", "result")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a user said, in one message or several in a row, and what followed until they spoke again."""

    asked: tuple[HumanMessage, ...]
    followed: tuple[BaseMessage, ...] = ()

    @property
    def question(self) -> str:
        """The user's words."""
        return "\n".join(filter(None, map(text_of, self.asked)))

    @property
    def answered(self) -> bool:
        """True when assistant text came that is not the beginning of a tool round."""
        return any(isinstance(m, AIMessage) and not m.tool_calls and text_of(m).strip() for m in self.followed)

    @property
    def broke_off(self) -> bool:
        """True when the assistant asked for tools and never got to see their answers."""
        return bool(self.followed) and isinstance(self.followed[-1], AIMessage) and bool(self.followed[-1].tool_calls)

    @property
    def id(self) -> str:
        """The same for this turn every time it is looked at; other turns of the conversation have another one."""
        return digest(self.asked[-1].id, self.question)

    def to_messages(self) -> list[Message]:
        """The turn as MemOS messages; the session leaves out what is neither the user's words nor the answer."""
        return [_to_message(m) for m in (*self.asked, *self.followed)]


def text_of(value: object) -> str:
    """The visible text of a message, of content blocks or of a plain string; no reasoning, images or tool calls."""
    if isinstance(value, BaseMessage):
        return str(value.text)
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(block, str | dict) for block in value):
        return text_of(HumanMessage(content=value))
    return ""


def asked_text(value: object) -> str:
    """The user's words in a chain's input value: text, a message, content blocks, or a conversation's newest turn."""
    if isinstance(value, list) and any(isinstance(item, BaseMessage | tuple) for item in value):
        turns = split_turns(convert_to_messages(value))
        return turns[-1].question if turns else ""
    return text_of(value)


def answer_text(output: object, key: str | None = None) -> str:
    """The assistant's text in what a chain returned: text, a message, or a dict or pydantic model holding either.

    In a dict or model it is looked for under `key` or, without one, under output, answer, text, response and result.
    """
    if isinstance(output, BaseModel) and not isinstance(output, BaseMessage):
        output = dict(output)
    if isinstance(output, Mapping):
        keys = (key,) if key else _ANSWER_KEYS
        return next((text_of(output[k]) for k in keys if k in output), "")
    return text_of(output)


def exchange(question: str, answer: str) -> list[Message]:
    """User text and assistant text as MemOS messages."""
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def is_user(message: BaseMessage) -> bool:
    """True for what the user said: SummarizationMiddleware writes its summaries as human messages, too."""
    return isinstance(message, HumanMessage) and message.additional_kwargs.get("lc_source") != "summarization"


def split_turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """The turns of a conversation in order; what stands before the first user message belongs to none."""
    turns: list[Turn] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            if not is_user(message):
                continue
            if turns and not turns[-1].followed:
                turns[-1] = Turn((*turns[-1].asked, message))
            else:
                turns.append(Turn((message,)))
        elif turns:
            turns[-1] = Turn(turns[-1].asked, (*turns[-1].followed, message))
    return turns


def with_text(message: M, text: str) -> M:
    """A copy of `message` with `text` after its own content; string content stays a string."""
    own = message.content
    if isinstance(own, str):
        return message.model_copy(update={"content": f"{own}\n\n{text}" if own else text})
    return message.model_copy(update={"content": [*own, {"type": "text", "text": text}]})


def digest(*parts: object) -> str:
    """A short key that depends on `parts` only."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _to_message(message: BaseMessage) -> Message:
    role = _ROLES.get(message.type, "assistant")
    calls = [dict(call) for call in message.tool_calls] if isinstance(message, AIMessage) else []
    return Message(role=role, content=text_of(message), tool_calls=calls or None)
