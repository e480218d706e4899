"""LlamaIndex adapters: a `Memory`, a memory block, a retriever and agent tools on one MemOS memory.

Importing this package imports no framework; each name loads `llama_index.core` when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memos_integrations._lazy import load

if TYPE_CHECKING:
    from .block import MemOSMemoryBlock
    from .memory import MemOSMemory
    from .retriever import MemOSRetriever
    from .tools import MemOSToolSpec

__all__ = ["MemOSMemory", "MemOSMemoryBlock", "MemOSRetriever", "MemOSToolSpec"]

_HOMES = {
    "MemOSMemory": "memory",
    "MemOSMemoryBlock": "block",
    "MemOSRetriever": "retriever",
    "MemOSToolSpec": "tools",
}
_EXTRAS = {"llama_index": ("llama-index-core", "llama-index")}


def __getattr__(name: str) -> Any:
    return load(__name__, _HOMES, name, _EXTRAS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
