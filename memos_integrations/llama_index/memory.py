"""MemOSMemory: LlamaIndex's `Memory` with a long-term memory that recalls and learns once per user turn."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from llama_index.core.async_utils import asyncio_run
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.memory import Memory
from llama_index.core.memory.memory import InsertMethod
from llama_index.core.storage.chat_store.base_db import MessageStatus

from memos_integrations._flow import Flow, arun, ask, run
from memos_integrations.client import MemOSClient
from memos_integrations.errors import ConfigurationError
from memos_integrations.prompt import INSTRUCTIONS
from memos_integrations.requests import require_user_id
from memos_integrations.session import MemorySession, SessionOptions, Sessions, gather_options

from ._fit import fit
from ._messages import is_system, is_user, last_user, newest_question, split_turns, text_of, with_text
from .block import MemOSMemoryBlock

T = TypeVar("T")


def _new_id() -> str:
    return uuid.uuid4().hex


_live: WeakValueDictionary[str, MemOSMemory] = WeakValueDictionary()


class MemOSMemory(Memory):
    """Chat history plus long-term memory of one user: one search before and one extraction after each turn.

    `MemOSMemory.from_defaults(client=client, user_id="u", session_id="c")` goes wherever LlamaIndex takes a memory:
    chat engines and `agent.run(..., memory=memory)`. It takes every keyword of `Memory.from_defaults` and every option
    of `SessionOptions`. The session id is the conversation id.

    The constant `INSTRUCTIONS` stand in a system message, recalled something or not, so that a provider's prompt cache
    goes on hitting; what is recalled stands at the end of the newest user message. `insert_method=InsertMethod.SYSTEM`
    puts both into the system message, and so does an engine that asks with a message it has not put yet (the Context
    engines): there nothing recalled means nothing inserted. Nothing inserted is ever stored in the history.

    A turn is observed when its answer is put. History that is set (`set`, `aset`, `chat_history=`) is context, not
    news, and never observed. A user message that got no answer is observed as `on_abort` says when the next one is put.
    `reset` empties the history and keeps what is remembered about the user. Raises ConfigurationError for a missing
    user id.
    """

    client: MemOSClient = Field(exclude=True, repr=False)
    user_id: str = Field(repr=False)
    options: SessionOptions = Field(default_factory=SessionOptions, exclude=True, repr=False)
    insert_method: InsertMethod = InsertMethod.USER
    _sessions: Sessions = PrivateAttr()
    # Tells the turns of one history from those of the next that begins alike.
    _epoch: str = PrivateAttr(default_factory=_new_id)
    _handle: str = PrivateAttr(default_factory=_new_id)
    _shown: tuple[str, str] = PrivateAttr(default=("", ""))
    _pending: tuple[str, list[ChatMessage]] | None = PrivateAttr(default=None)

    def __init__(self, **data: Any) -> None:
        require_user_id(data.get("user_id"))
        super().__init__(**gather_options(data))
        if any(isinstance(block, MemOSMemoryBlock) for block in self.memory_blocks):
            raise ConfigurationError(
                "MemOSMemory recalls and learns by itself: leave MemOSMemoryBlock out of its blocks"
            )
        self._sessions = Sessions(self.client, self.options)

    @classmethod
    def class_name(cls) -> str:
        """The name LlamaIndex serializes this class under."""
        return "MemOSMemory"

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """JSON of the settings; never a key and never memory text.

        `handle` names this object within this process, so that a workflow context goes on with the same memory.
        """
        _live[self._handle] = self
        kept = self.model_dump(mode="json", exclude={"memory_blocks", "memory_blocks_template"}, **kwargs)
        return {**kept, "handle": self._handle}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> MemOSMemory:
        """The very memory `to_dict` described while it lives; elsewhere a new one, its history empty.

        A new one uses `client=` or, without it, `MemOSClient.from_env()`; its blocks are to be given again.
        """
        known = _live.get(data.get("handle", ""))
        if known is not None and not kwargs:
            return known
        settings = {name: value for name, value in data.items() if name not in {"handle", "class_name"}}
        settings["insert_method"] = InsertMethod(settings["insert_method"])
        client = kwargs.pop("client", None) or MemOSClient.from_env()
        return cls(client=client, **{**settings, **kwargs})

    @classmethod
    def from_defaults(cls, *, client: MemOSClient, user_id: str, **kwargs: Any) -> MemOSMemory:  # type: ignore[override]
        """A memory with LlamaIndex's defaults; see the class for what it takes."""
        data = gather_options(kwargs)
        options = data.pop("options")
        data.setdefault("insert_method", InsertMethod.USER)
        plain = Memory.from_defaults(**data)
        inherited = {name: getattr(plain, name) for name in Memory.model_fields}
        return cls(client=client, user_id=user_id, options=options, **inherited)

    def get(self, input: str | ChatMessage | None = None, **block_kwargs: Any) -> list[ChatMessage]:
        """Sync twin of `aget`, also inside a running event loop."""
        return run(self._get(input, block_kwargs))

    async def aget(self, input: str | ChatMessage | None = None, **block_kwargs: Any) -> list[ChatMessage]:
        """The history with what is remembered for the newest user message; one search per turn.

        `input` is a user message that is not put yet: ContextChatEngine and its kin ask with it.
        """
        return await arun(self._get(input, block_kwargs))

    async def aput(self, message: ChatMessage) -> None:
        """Store a message; an answer ends its turn, which is then observed."""
        await self._put([message], partial(super().aput, message))

    async def aput_messages(self, messages: list[ChatMessage]) -> None:
        """Store messages; each turn they end is then observed."""
        await self._put(messages, partial(super().aput_messages, messages))

    async def aset(self, messages: list[ChatMessage]) -> None:
        """Replace the history; nothing in it is observed."""
        self._begin_anew()
        await super().aset(messages)

    async def areset(self, status: MessageStatus | None = None) -> None:
        """Empty the history; what is remembered about the user stays (`client.delete_memory` removes it)."""
        self._begin_anew()
        await super().areset(status)

    def _begin_anew(self) -> None:
        self._epoch = _new_id()
        self._pending = None

    @property
    def _session(self) -> MemorySession:
        return self._sessions.of(self.user_id, self.session_id)

    async def _history(self) -> list[ChatMessage]:
        stored: list[ChatMessage] = await self.sql_store.get_messages(self.session_id, status=MessageStatus.ACTIVE)
        return stored

    def _get(self, given: str | ChatMessage | None, block_kwargs: dict[str, Any]) -> Flow[list[ChatMessage]]:
        messages, history = yield from ask(
            lambda: _here(self._read(given, block_kwargs)), lambda: self._read(given, block_kwargs)
        )
        coming = _coming(history, given)
        question = newest_question([*history, *coming])
        if question is None:
            return messages
        session, key = self._session, f"{self._epoch}:{self.session_id}:{question.key}"
        # Agents read once more after the answer, to shape it: they get the same block, by no search of its own.
        if not question.answered:
            recall = yield from ask(
                lambda: session.recall_for_turn(key, question.text),
                lambda: session.arecall_for_turn(key, question.text),
            )
            self._shown = (key, recall.prompt)
        if self._shown[0] != key:
            return messages
        left = self._left(messages)
        block = self._shown[1] if self._fits(self._shown[1], left) else fit(self._shown[1], left, self.tokenizer_fn)
        if not block and (coming or not self._fits(INSTRUCTIONS, left)):
            return messages
        return self._inserted(messages, block, into_system=bool(coming))

    async def _read(
        self, given: str | ChatMessage | None, block_kwargs: dict[str, Any]
    ) -> tuple[list[ChatMessage], list[ChatMessage]]:
        """What a plain Memory would answer, and the bare history."""
        messages: list[ChatMessage] = await super().aget(input=given, **block_kwargs)
        return messages, await self._history() if self.memory_blocks else messages

    async def _put(self, news: Sequence[ChatMessage], store: Callable[[], Awaitable[None]]) -> None:
        finished, still_open = split_turns([*await self._open_turn(news), *news])
        self._pending = None
        await store()
        self._pending = (self.session_id, still_open)
        for turn in finished:
            await self._session.aobserve(turn.to_messages(), aborted=not turn.answer)

    async def _open_turn(self, news: Sequence[ChatMessage]) -> list[ChatMessage]:
        """The messages of the turn that awaits its answer; the store is read only where this object cannot know."""
        known = self._pending[1] if self._pending and self._pending[0] == self.session_id else None
        # A question that got no answer here may have got one elsewhere by the time the next one comes.
        if known is None or (known and any(is_user(message) for message in news)):
            return split_turns(await self._history())[1]
        return known

    def _left(self, messages: Sequence[ChatMessage]) -> int:
        """How many tokens the limit leaves beside `messages`, at least."""
        texts = [text_of(message) for message in messages]
        # A token is at least one byte, so most histories need no counting.
        size = sum(map(_bytes, texts))
        if 2 * size > self.token_limit:
            size = sum(len(self.tokenizer_fn(text)) for text in texts)
        return self.token_limit - size

    def _fits(self, text: str, tokens: int) -> bool:
        return _bytes(text) <= tokens or len(self.tokenizer_fn(text)) <= tokens

    def _inserted(self, messages: list[ChatMessage], block: str, *, into_system: bool) -> list[ChatMessage]:
        """`messages` with instructions and block; a user message that is still to come cannot carry the block."""
        result = list(messages)
        newest = last_user(result)
        system = INSTRUCTIONS
        if into_system or newest is None or self.insert_method is InsertMethod.SYSTEM:
            system = f"{INSTRUCTIONS}\n\n{block}".rstrip()
        elif block:
            result[newest] = with_text(result[newest], block)
        first = next((i for i, message in enumerate(result) if is_system(message)), None)
        if first is None:
            return [ChatMessage(role="system", content=system), *result]
        result[first] = with_text(result[first], system)
        return result


def _here(coroutine: Coroutine[Any, Any, T]) -> T:
    result: T = asyncio_run(coroutine)
    return result


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _coming(history: Sequence[ChatMessage], given: str | ChatMessage | None) -> list[ChatMessage]:
    """The user message in `given`, unless it is empty or is the one that waits in the history for its answer."""
    message = given if isinstance(given, ChatMessage) else ChatMessage(role="user", content=given or "")
    waiting = newest_question(history)
    stored = waiting is not None and not waiting.answered and waiting.text == text_of(message)
    return [message] if text_of(message).strip() and not stored else []
