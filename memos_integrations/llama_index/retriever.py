"""MemOSRetriever: what is remembered about a user, as scored nodes for any LlamaIndex query pipeline."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Unpack

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from memos_integrations.client import MemOSClient
from memos_integrations.models import FactMemory, PreferenceMemory
from memos_integrations.requests import MAX_ITEMS
from memos_integrations.session import MemorySession, SessionKeywords


class MemOSRetriever(BaseRetriever):
    """Retrieves facts and preferences together, best first, at most `top_k` (1..25, default 6) in all.

    Each node's text is the memory's text and its score the memory's `relativity`; where it comes from stands in the
    metadata, which is kept out of LLM prompts and embeddings. `conversation_id` gives that conversation's memories more
    weight. Every option of `SessionOptions` is taken too; `on_error="warn"` (default) answers with no nodes when
    memory cannot be reached. Raises ConfigurationError for a missing user id.
    """

    def __init__(
        self,
        client: MemOSClient,
        user_id: str,
        top_k: int = 6,
        *,
        conversation_id: str | None = None,
        callback_manager: CallbackManager | None = None,
        **options: Unpack[SessionKeywords],
    ) -> None:
        if not 1 <= top_k <= MAX_ITEMS:
            msg = f"top_k must be 1 to {MAX_ITEMS}"
            raise ValueError(msg)
        # Either list alone may hold the best `top_k`.
        limits: SessionKeywords = {"memory_limit": top_k, "preference_limit": top_k, **options}
        self._session = MemorySession(client, user_id=user_id, conversation_id=conversation_id, **limits)
        self._top_k = top_k
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        recall = self._session.recall(query_bundle.query_str)
        return [to_node(memory) for memory in recall.ranked(self._top_k)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        recall = await self._session.arecall(query_bundle.query_str)
        return [to_node(memory) for memory in recall.ranked(self._top_k)]


def to_node(memory: FactMemory | PreferenceMemory) -> NodeWithScore:
    """The memory as a node: its text, its relativity as score, and its provenance as metadata without empty values."""
    metadata = {name: _plain(value) for name, value in _provenance(memory).items() if value}
    # What was said a moment ago has no id yet; its text names it until MemOS does.
    node_id = memory.id or hashlib.sha256(memory.text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    node = TextNode(
        id_=node_id,
        text=memory.text,
        metadata=metadata,
        excluded_llm_metadata_keys=list(metadata),
        excluded_embed_metadata_keys=list(metadata),
    )
    return NodeWithScore(node=node, score=memory.relativity)


def _provenance(memory: FactMemory | PreferenceMemory) -> dict[str, Any]:
    common = {
        "id": memory.id,
        "conversation_id": memory.conversation_id,
        "message_ids": memory.message_ids,
        "create_time": memory.create_time,
        "update_time": memory.update_time,
        "relativity": memory.relativity,
    }
    if isinstance(memory, PreferenceMemory):
        return {"kind": "preference", "type": memory.preference_type, "reasoning": memory.reasoning, **common}
    return {"kind": "fact", "type": memory.memory_type, "key": memory.memory_key, "tags": memory.tags, **common}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
