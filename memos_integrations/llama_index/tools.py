"""MemOSToolSpec: memory as tools that a LlamaIndex agent calls when it wants to."""

from __future__ import annotations

from typing import ClassVar, Unpack

from llama_index.core.tools.tool_spec.base import BaseToolSpec

from memos_integrations.client import MemOSClient
from memos_integrations.session import MemorySession, Recall, SessionKeywords

_NOTHING = "Nothing is remembered about that."
_UNREACHABLE = "Memory cannot be reached right now."
_NOTED = "Noted."


class MemOSToolSpec(BaseToolSpec):
    """The tools `search_memory(query)` and `add_memory(text)`, each sync and async, for one user.

    The user id is set here and never part of a tool's schema: the model cannot choose whose memory it reads. Every
    option of `SessionOptions` is taken too. What is added is delivered in the background, like a turn.
    """

    spec_functions: ClassVar[list[str | tuple[str, str]]] = [  # type: ignore[misc]  # the base declares it per instance
        ("search_memory", "asearch_memory"),
        ("add_memory", "aadd_memory"),
    ]

    def __init__(
        self, client: MemOSClient, user_id: str, conversation_id: str | None = None, **options: Unpack[SessionKeywords]
    ) -> None:
        self._session = MemorySession(client, user_id=user_id, conversation_id=conversation_id, **options)

    def search_memory(self, query: str) -> str:
        """Search what is known about the user from earlier conversations: facts, events, preferences.

        Args:
            query (str): What to look for, as a question or key words.
        """
        return _shown(self._session.recall(query))

    async def asearch_memory(self, query: str) -> str:
        """Search memory without blocking the event loop; see `search_memory`."""
        return _shown(await self._session.arecall(query))

    def add_memory(self, text: str) -> str:
        """Remember something about the user for later conversations.

        Args:
            text (str): One self-contained statement about the user, in the user's language.
        """
        self._session.observe([{"role": "user", "content": text}])
        return _NOTED

    async def aadd_memory(self, text: str) -> str:
        """Remember without blocking the event loop; see `add_memory`."""
        await self._session.aobserve([{"role": "user", "content": text}])
        return _NOTED


def _shown(recall: Recall) -> str:
    if recall.error is not None:
        return _UNREACHABLE
    return recall.prompt or _NOTHING
