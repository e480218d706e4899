"""LlamaIndex adapters: a `Memory`, a memory block, a retriever and agent tools on one MemOS memory.

Importing this package imports no framework; each name loads `llama_index.core` when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from memos_integrations.errors import MissingExtraError

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        # Only the framework's absence is the extra's; anything else missing is a fault of its own.
        if (error.name or "").split(".")[0] != "llama_index":
            raise
        raise MissingExtraError(
            f'{name} needs llama-index-core: pip install "memos-integrations[llama-index]"'
        ) from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
