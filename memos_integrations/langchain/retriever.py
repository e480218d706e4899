"""A retriever over one user's memories, for RAG chains and retriever tools."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from memos_integrations.client import MemOSClient
from memos_integrations.models import FactMemory, PreferenceMemory
from memos_integrations.requests import MAX_ITEMS
from memos_integrations.session import MemorySession, Recall, SessionOptions, Sessions, gather_options

from ._identity import configurable, resolve

# BaseRetriever does not show a call's config to `_get_relevant_documents`; without this, a call for another user
# would silently be answered with the memories of the constructor's.
_call_config: ContextVar[RunnableConfig | None] = ContextVar("memos_retriever_config", default=None)


class MemOSRetriever(BaseRetriever):
    """Facts and preferences of one user as Documents, best first, at most `k` in all (and 25 of each kind).

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
    _by_limit: dict[int, Sessions] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, values: dict[str, Any]) -> dict[str, Any]:
        return gather_options(values)

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
        session, k = self._session(user_id, conversation_id, k)
        return _documents(session.recall(query), k)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        user_id: str | None = None,
        conversation_id: str | None = None,
        k: int | None = None,
    ) -> list[Document]:
        session, k = self._session(user_id, conversation_id, k)
        return _documents(await session.arecall(query), k)

    def _session(self, user_id: str | None, conversation_id: str | None, k: int | None) -> tuple[MemorySession, int]:
        given = {"user_id": user_id, "conversation_id": conversation_id}
        identity = resolve(given, configurable(_call_config.get()), self)
        k = self.k if k is None else k
        # The best k of both kinds together are among the best k of each.
        limit = max(0, min(k, MAX_ITEMS))
        if limit not in self._by_limit:
            options = replace(self.options, memory_limit=limit, preference_limit=limit)
            self._by_limit[limit] = Sessions(self.client, options)
        return self._by_limit[limit].of(identity.user_id, identity.conversation_id), k


def _documents(recall: Recall, k: int) -> list[Document]:
    return [_document(memory) for memory in recall.ranked(k)]


def _document(memory: FactMemory | PreferenceMemory) -> Document:
    if isinstance(memory, FactMemory):
        own = {"kind": "fact", "key": memory.memory_key, "type": memory.memory_type, "tags": list(memory.tags)}
        reasoning = None
    else:
        own = {"kind": "preference", "key": None, "type": memory.preference_type, "tags": []}
        reasoning = memory.reasoning
    metadata = {
        **own,
        "reasoning": reasoning,
        "id": memory.id,
        "create_time": memory.create_time,
        "update_time": memory.update_time,
        "relativity": memory.relativity,
        "message_ids": list(memory.message_ids),
        "conversation_id": memory.conversation_id,
        "status": memory.status,
    }
    return Document(id=memory.id, page_content=memory.text, metadata=metadata)
