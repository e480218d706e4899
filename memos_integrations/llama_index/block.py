"""MemOSMemoryBlock: long-term memory as a block in the user's own LlamaIndex `Memory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.memory import BaseMemoryBlock
from llama_index.core.utils import get_tokenizer

from memos_integrations.client import MemOSClient
from memos_integrations.requests import require_user_id
from memos_integrations.session import MemorySession, SessionOptions, Sessions, gather_options

from ._fit import fit
from ._messages import keyed, newest_question, split_turns

_KEYS_KEPT = 4096


class MemOSMemoryBlock(BaseMemoryBlock[str]):
    """Recalls before each turn and learns from each finished one, for one user and any number of sessions.

    `Memory.from_defaults(session_id="c", memory_blocks=[MemOSMemoryBlock(client=client, user_id="u")])`. The session id
    of the `Memory` becomes the conversation id. Every option of `SessionOptions` is taken too.

    LlamaIndex shows a block the history only when the memory is read, and what it flushes. So the block catches up
    then: finished turns it has not observed yet are observed, each once, whatever path or process delivered them. The
    last turn of a conversation is therefore observed at the next read or flush (most agents read once more when they
    are done), or by `await block.aput(await memory.aget_all(), session_id=memory.session_id)`. `MemOSMemory` has no
    such delay.

    A `Memory` puts its blocks into a system message by default. ReActAgent of llama-index-core 0.14 drops the first
    system message it gets: a `Memory` for it needs `insert_method=InsertMethod.USER`.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = "memos"
    priority: int = 1
    client: MemOSClient = Field(exclude=True, repr=False)
    user_id: str = Field(repr=False)
    options: SessionOptions = Field(default_factory=SessionOptions, exclude=True, repr=False)
    _sessions: Sessions = PrivateAttr()
    _observed: dict[tuple[str | None, str], None] = PrivateAttr(default_factory=dict)

    def __init__(self, **data: Any) -> None:
        require_user_id(data.get("user_id"))
        super().__init__(**gather_options(data))
        self._sessions = Sessions(self.client, self.options)

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        history = messages or []
        session_id = block_kwargs.get("session_id")
        await self._catch_up(history, session_id)
        question = newest_question(history)
        if question is None or question.answered:
            return ""
        return (await self._session(session_id).arecall_for_turn(question.key, question.text)).prompt

    async def _aput(self, messages: list[ChatMessage]) -> None:
        by_session: dict[str | None, list[ChatMessage]] = {}
        for message in messages:
            by_session.setdefault(message.additional_kwargs.get("session_id"), []).append(message)
        for session_id, history in by_session.items():
            await self._catch_up(history, session_id)

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """`content` without as many whole memories as `tokens_to_truncate` takes; None when none is left."""
        tokenize = get_tokenizer()
        return fit(content, len(tokenize(content)) - tokens_to_truncate, tokenize) or None

    def _session(self, session_id: str | None) -> MemorySession:
        return self._sessions.of(self.user_id, session_id)

    async def _catch_up(self, history: Sequence[ChatMessage], session_id: str | None) -> None:
        for key, turn in keyed(split_turns(history)[0]):
            mark = (session_id, key)
            if mark in self._observed:
                continue
            await self._session(session_id).aobserve(turn.to_messages(), key=key, aborted=not turn.answer)
            # Spares the outbox a look-up per turn and read; the outbox itself knows every key for good.
            self._observed[mark] = None
            if len(self._observed) > _KEYS_KEPT:
                self._observed.pop(next(iter(self._observed)), None)
