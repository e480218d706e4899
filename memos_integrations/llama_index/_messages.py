"""LlamaIndex messages as text and as turns: translation only, nothing is decided or stored here."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from memos_integrations.models import Message

_USER = frozenset({MessageRole.USER})
_ASSISTANT = frozenset({MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL})
_SYSTEM = frozenset({MessageRole.SYSTEM, MessageRole.DEVELOPER})


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user said and what was answered; `answer` is "" when the user spoke again before an answer came."""

    question: str
    answer: str = ""

    def to_messages(self) -> list[Message]:
        """The turn as MemOS messages; what is blank is left out."""
        said = [Message(role="user", content=self.question), Message(role="assistant", content=self.answer)]
        return [message for message in said if message.text.strip()]


def text_of(message: ChatMessage) -> str:
    """The visible text: text blocks only, without reasoning, files or tool calls."""
    return message.content or ""


def is_user(message: ChatMessage) -> bool:
    """True for what the user said."""
    return message.role in _USER


def is_system(message: ChatMessage) -> bool:
    """True for the application's own text."""
    return message.role in _SYSTEM


def is_answer(message: ChatMessage) -> bool:
    """True for assistant text that ends a turn: not the text that comes with tool calls."""
    return message.role in _ASSISTANT and bool(text_of(message).strip()) and not _calls_tools(message)


def split_turns(messages: Sequence[ChatMessage]) -> tuple[list[Turn], list[ChatMessage]]:
    """The turns that are over, and the messages of the one that is still open (empty when none is).

    A user message repeated word for word while its turn is open is the same message: agents hand the current question
    to memory again after each tool round, and applications retry after a failed model call.
    """
    closed: list[Turn] = []
    current: list[ChatMessage] = []
    for message in messages:
        if is_user(message):
            if current and text_of(current[0]) != text_of(message):
                closed.append(Turn(text_of(current[0])))
            current = [message]
        elif current:
            current.append(message)
            if is_answer(message):
                closed.append(Turn(text_of(current[0]), text_of(message)))
                current = []
    return closed, current


def keyed(turns: Sequence[Turn]) -> Iterator[tuple[str, Turn]]:
    """Each turn with a key that depends on what was said only, so that every path and process gives it the same one.

    Turns that are alike word for word are told apart by counting.
    """
    seen: Counter[Turn] = Counter()
    for turn in turns:
        yield _digest(turn.question, turn.answer, seen[turn]), turn
        seen[turn] += 1


def asked(messages: Sequence[ChatMessage]) -> tuple[str, str] | None:
    """The newest user text, with a key of the conversation up to it; None when the user said nothing."""
    newest = last_user(messages)
    if newest is None:
        return None
    text = text_of(messages[newest])
    before = list(messages[:newest])
    while before and is_user(before[-1]) and text_of(before[-1]) == text:
        before.pop()
    return (_digest(*map(text_of, before), text), text) if text.strip() else None


def last_user(messages: Sequence[ChatMessage]) -> int | None:
    """Where the newest user message stands."""
    return next((i for i in reversed(range(len(messages))) if is_user(messages[i])), None)


def with_text(message: ChatMessage, text: str) -> ChatMessage:
    """A copy of `message` with `text` after its own text; a chat store may hand out its own objects."""
    blocks = list(message.blocks)
    last = next((i for i in reversed(range(len(blocks))) if isinstance(blocks[i], TextBlock)), None)
    if last is None:
        blocks.append(TextBlock(text=text))
    else:
        # One text block, not two: agents with state rewrite the last one, and some clients join them without a break.
        own = blocks[last]
        blocks[last] = TextBlock(text=f"{own.text}\n\n{text}" if own.text else text)
    return message.model_copy(update={"blocks": blocks})


def _calls_tools(message: ChatMessage) -> bool:
    kwargs = message.additional_kwargs
    by_block = any(isinstance(block, ToolCallBlock) for block in message.blocks)
    return by_block or bool(kwargs.get("tool_calls") or kwargs.get("function_call"))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]
