"""LangChain adapters: agent middleware, a retriever, an LCEL wrapper, agent tools and a classic chat memory.

Importing this package imports no framework; each name loads what it needs when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memos_integrations._lazy import load

if TYPE_CHECKING:
    from ._identity import MemOSContext
    from .memory import MemOSChatMemory
    from .middleware import MemOSMiddleware
    from .retriever import MemOSRetriever
    from .runnable import with_memos
    from .tools import create_memos_tools

__all__ = [
    "MemOSChatMemory",
    "MemOSContext",
    "MemOSMiddleware",
    "MemOSRetriever",
    "create_memos_tools",
    "with_memos",
]

_HOMES = {
    "MemOSChatMemory": "memory",
    "MemOSContext": "_identity",
    "MemOSMiddleware": "middleware",
    "MemOSRetriever": "retriever",
    "create_memos_tools": "tools",
    "with_memos": "runnable",
}
_EXTRAS = {
    "langchain": ("langchain", "langchain-agents"),
    "langchain_classic": ("langchain-classic", "langchain-classic"),
    "langchain_core": ("langchain-core", "langchain"),
    "langgraph": ("langgraph", "langchain-agents"),
}


def __getattr__(name: str) -> Any:
    return load(__name__, _HOMES, name, _EXTRAS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
