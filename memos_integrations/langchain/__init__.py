"""LangChain adapters: agent middleware, a retriever, an LCEL wrapper, agent tools and a classic chat memory.

Importing this package imports no framework; each name loads what it needs when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from memos_integrations.errors import MissingExtraError

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
_EXTRA_OF = {
    "langchain": "langchain-agents",
    "langchain_classic": "langchain-classic",
    "langchain_core": "langchain",
    "langgraph": "langchain-agents",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        # Only a framework's absence is an extra's; anything else missing is a fault of its own.
        missing = (error.name or "").split(".")[0]
        if missing not in _EXTRA_OF:
            raise
        package = missing.replace("_", "-")
        msg = f'{name} needs {package}: pip install "memos-integrations[{_EXTRA_OF[missing]}]"'
        raise MissingExtraError(msg) from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
