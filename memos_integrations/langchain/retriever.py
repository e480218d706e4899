"""A retriever over one user's memories, for RAG chains and retriever tools."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from memos_integrations.client import MemOSClient
from memos_integrations.models import FactMemory, PreferenceMemory
from memos_integrations.session import MemorySession, Recall, SessionOptions, Sessions

from ._identity import configurable, resolve
from ._options import gathered

# BaseRetriever does not show a call's config to `_get_relevant_documents`; without this, a call for another user
# would silently be answered with the memories of the constructor's.
_call_config: ContextVar[RunnableConfig | None] = ContextVar("memos_retriever_config", default=None)


class MemOSRetriever(BaseRetriever):
    """Facts and preferences of one user as Documents, best first, at most `k` in all.

    `page_content` is the memory's text; metadata holds kind ("fact" or "preference"), key, type, tags, id,
    create_time, update_time (aware datetimes), relativity, reasoning, message_ids, conversation_id and status.
    Whose memories: `invoke(query, user_id=...)`, then `config["configurable"]`, then the constructor; nobody raises
    ConfigurationError. `k` and `conversation_id` may be given per call, too. When memory fails the list is empty and
    a warning is logged; `on_error="raise"` raises instead. Other keyword options are those of MemorySession.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    client: MemOSClient = Field(exclude=True, repr=False)
    user_id: str | None = Field(default=None, repr=False)
    conversation_id: str | None = Field(default=None, repr=False)
    k: Annotated[int, Field(ge=1)] = 6
    options: SessionOptions = Field(default_factory=SessionOptions, exclude=True, repr=False)
    _sessions: Sessions = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, values: dict[str, Any]) -> dict[str, Any]:
        return gathered(values)

    def model_post_init(self, context: Any, /) -> None:
        """Open no connection, only remember how to."""
        super().model_post_init(context)
        self._sessions = Sessions(self.client, self.options)

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> list[Document]:
        """Search; `user_id`, `conversation_id` and `k` may be given as keywords."""
        token = _call_config.set(ensure_config(config))
        try:
            return super().invoke(input, config, **kwargs)
        finally:
            _call_config.reset(token)

    async def ainvoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> list[Document]:
        """Async twin of `invoke`."""
        token = _call_config.set(ensure_config(config))
        try:
            return await super().ainvoke(input, config, **kwargs)
        finally:
            _call_config.reset(token)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        user_id: str | None = None,
        conversation_id: str | None = None,
        k: int | None = None,
    ) -> list[Document]:
        session = self._session(user_id, conversation_id)
        return _documents(session.recall(query), k or self.k)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        user_id: str | None = None,
        conversation_id: str | None = None,
        k: int | None = None,
    ) -> list[Document]:
        session = self._session(user_id, conversation_id)
        return _documents(await session.arecall(query), k or self.k)

    def _session(self, user_id: str | None, conversation_id: str | None) -> MemorySession:
        given = {"user_id": user_id, "conversation_id": conversation_id}
        identity = resolve(given, configurable(_call_config.get()), self)
        return self._sessions.of(identity.user_id, identity.conversation_id)


def _documents(recall: Recall, k: int) -> list[Document]:
    return [_document(memory) for memory in recall.ranked(k)]


def _document(memory: FactMemory | PreferenceMemory) -> Document:
    fact = isinstance(memory, FactMemory)
    metadata = {
        "kind": "fact" if fact else "preference",
        "key": memory.memory_key if fact else None,
        "type": memory.memory_type if fact else memory.preference_type,
        "tags": list(memory.tags) if fact else [],
        "id": memory.id,
        "create_time": memory.create_time,
        "update_time": memory.update_time,
        "relativity": memory.relativity,
        "reasoning": None if fact else memory.reasoning,
        "message_ids": list(memory.message_ids),
        "conversation_id": memory.conversation_id,
        "status": memory.status,
    }
    return Document(id=memory.id, page_content=memory.text, metadata=metadata)
