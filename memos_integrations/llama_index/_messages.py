"""LlamaIndex messages as text and as turns: translation only, nothing is decided or stored here."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from memos_integrations._turn import clean_turn
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


@dataclass(frozen=True, slots=True)
class Question:
    """User text that was or waits to be answered; `key` names it by the conversation up to it."""

    key: str
    text: str
    answered: bool


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

    What counts is what a session keeps of it: agents store their trace where applications hand in the bare answer.
    Turns that are alike word for word are told apart by counting.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for turn in turns:
        said = tuple(message.text for message in clean_turn(turn.to_messages()).messages)
        yield _digest(*said, seen[said]), turn
        seen[said] += 1


def newest_question(messages: Sequence[ChatMessage]) -> Question | None:
    """What the user said last; None when they said nothing in words.

    It may stand there more than once: agents hand the current question to memory again after tool rounds and hand-offs.
    """
    position = last_user(messages)
    if position is None or not text_of(messages[position]).strip():
        return None
    text = text_of(messages[position])
    answered = any(is_answer(message) for message in messages[position:])
    for earlier in reversed(range(position)):
        message = messages[earlier]
        if is_answer(message) or (is_user(message) and text_of(message) != text):
            break
        if is_user(message):
            position = earlier
    return Question(_digest(*map(text_of, messages[:position]), text), text, answered)


def last_user(messages: Sequence[ChatMessage]) -> int | None:
    """Where the newest user message stands."""
    return next((i for i in reversed(range(len(messages))) if is_user(messages[i])), None)


def with_text(message: ChatMessage, text: str) -> ChatMessage:
    """A copy of `message` with `text` after its own text; a chat store may hand out its own objects."""
    blocks = list(message.blocks)
    # One text block, not two: agents with state rewrite the last one, and some clients join them without a break.
    for position, block in reversed(list(enumerate(blocks))):
        if isinstance(block, TextBlock):
            blocks[position] = TextBlock(text=f"{block.text}\n\n{text}" if block.text else text)
            break
    else:
        blocks.append(TextBlock(text=text))
    return message.model_copy(update={"blocks": blocks})


def _calls_tools(message: ChatMessage) -> bool:
    kwargs = message.additional_kwargs
    by_block = any(isinstance(block, ToolCallBlock) for block in message.blocks)
    return by_block or bool(kwargs.get("tool_calls") or kwargs.get("function_call"))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]
