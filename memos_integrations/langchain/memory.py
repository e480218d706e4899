"""Memory for classic chains (`langchain_classic`): LLMChain, ConversationChain, AgentExecutor."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from langchain_classic.memory.chat_memory import BaseChatMemory
from langchain_classic.memory.utils import get_prompt_input_key
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, get_buffer_string
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from memos_integrations.client import MemOSClient
from memos_integrations.session import MemorySession, SessionOptions, gather_options

from ._messages import answer_text, asked_text, digest, exchange


class ConversationHistory(BaseChatMessageHistory):
    """The messages of one conversation, kept in this process only."""

    def __init__(self) -> None:
        self.messages: list[BaseMessage] = []

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages."""
        self.messages.extend(messages)

    def clear(self) -> None:
        """Drop the messages."""
        self.messages = []


class MemOSChatMemory(BaseChatMemory):
    """Long-term memory of one user as a classic chain memory: one search before and one extraction after each run.

    `memory_key` becomes the block of recalled memories, always a string and "" when there are none; `history_key` the
    conversation so far, as messages when `return_messages` is true, else as text. `input_key` and `output_key` name
    the user's text and the answer where a chain has several inputs or outputs. `chat_memory` may be any chat message
    history. Classic chains pass no ids on: use one memory object per user and conversation; a blank `user_id` raises
    ConfigurationError. Other keyword options are those of MemorySession.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    client: MemOSClient = Field(exclude=True, repr=False)
    user_id: str = Field(repr=False)
    conversation_id: str | None = Field(default=None, repr=False)
    memory_key: str = "memory"
    history_key: str = "history"
    chat_memory: BaseChatMessageHistory = Field(default_factory=ConversationHistory, repr=False)
    options: SessionOptions = Field(default_factory=SessionOptions, exclude=True, repr=False)
    _session: MemorySession = PrivateAttr()
    _id: str = PrivateAttr(default_factory=lambda: uuid.uuid4().hex)
    _turns: int = PrivateAttr(default=0)

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, values: dict[str, Any]) -> dict[str, Any]:
        return gather_options(values)

    def model_post_init(self, context: Any, /) -> None:
        """Open the session."""
        super().model_post_init(context)
        self._session = MemorySession(
            self.client, user_id=self.user_id, conversation_id=self.conversation_id, options=self.options
        )

    @property
    def memory_variables(self) -> list[str]:
        """The keys this memory adds to a chain's inputs."""
        return [self.memory_key, self.history_key]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The recalled block for the user's text in `inputs`, and the history; without inputs nothing is searched."""
        query = self._query(inputs)
        prompt = self._session.recall_for_turn(self._turn_key(query), query).prompt if query else ""
        return self._variables(prompt, self.chat_memory.messages)

    async def aload_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Async twin of `load_memory_variables`."""
        query = self._query(inputs)
        prompt = (await self._session.arecall_for_turn(self._turn_key(query), query)).prompt if query else ""
        return self._variables(prompt, await self.chat_memory.aget_messages())

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Add the turn to the history and tell memory."""
        asked, answered = self._get_input_output(inputs, outputs)
        self.chat_memory.add_messages([_message(HumanMessage, asked), _message(AIMessage, answered)])
        self._session.observe(exchange(asked_text(asked), answer_text(answered)), key=self._close_turn())

    async def asave_context(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Async twin of `save_context`."""
        asked, answered = self._get_input_output(inputs, outputs)
        await self.chat_memory.aadd_messages([_message(HumanMessage, asked), _message(AIMessage, answered)])
        await self._session.aobserve(exchange(asked_text(asked), answer_text(answered)), key=self._close_turn())

    def clear(self) -> None:
        """Clear this conversation's history and what was said in it but is not indexed yet; stored memories stay.

        What was told is still delivered. To delete stored memories call `client.delete_memory(...)`.
        """
        self._close_turn()
        self.chat_memory.clear()
        self._session.clear_fresh()

    async def aclear(self) -> None:
        """Async twin of `clear`."""
        self._close_turn()
        await self.chat_memory.aclear()
        await asyncio.to_thread(self._session.clear_fresh)

    def _turn_key(self, *question: str) -> str:
        return digest(self._id, self._turns, *question)

    def _close_turn(self) -> str:
        key = self._turn_key()
        self._turns += 1
        return key

    def _query(self, inputs: dict[str, Any]) -> str:
        if not inputs:
            return ""
        key = self.input_key or get_prompt_input_key(inputs, self.memory_variables)
        return asked_text(inputs[key])

    def _variables(self, prompt: str, messages: Sequence[BaseMessage]) -> dict[str, Any]:
        # A copy: chains put this list into their output, which the next turn must not change.
        history = list(messages) if self.return_messages else get_buffer_string(messages)
        return {self.memory_key: prompt, self.history_key: history}


def _message(kind: type[BaseMessage], value: Any) -> BaseMessage:
    content = value.content if isinstance(value, BaseMessage) else value
    return kind(content=content)
