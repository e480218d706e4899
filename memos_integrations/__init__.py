"""Long-term memory for LangChain and LlamaIndex, backed by MemOS: cloud, server or embedded.

Importing this package imports no framework and opens nothing; names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._lazy import load

if TYPE_CHECKING:
    from .client import MemOSClient
    from .config import Settings
    from .errors import (
        APIError,
        AuthenticationError,
        CircuitOpen,
        ConfigurationError,
        ConnectionFailed,
        DeadlineExceeded,
        InvalidRequest,
        MemOSError,
        MissingExtraError,
        NotFound,
        PermissionDenied,
        QuotaExceeded,
        RateLimited,
        ResponseInvalid,
        SchemaTooNew,
        ServerError,
        StoreBusy,
        StoreCorrupt,
        StoreError,
        StoreFull,
        TransportError,
    )
    from .models import (
        Acknowledged,
        ExtractResult,
        FactMemory,
        MemoryDetail,
        MemoryPage,
        Message,
        MessageList,
        PreferenceMemory,
        SearchResult,
        TaskResult,
        TaskStatus,
    )
    from .prompt import INSTRUCTIONS, PromptBudget
    from .session import MemorySession, Recall, SessionOptions

__version__ = "0.1.0"

_HOMES = {
    "client": ("MemOSClient",),
    "config": ("Settings",),
    "errors": (
        "APIError",
        "AuthenticationError",
        "CircuitOpen",
        "ConfigurationError",
        "ConnectionFailed",
        "DeadlineExceeded",
        "InvalidRequest",
        "MemOSError",
        "MissingExtraError",
        "NotFound",
        "PermissionDenied",
        "QuotaExceeded",
        "RateLimited",
        "ResponseInvalid",
        "SchemaTooNew",
        "ServerError",
        "StoreBusy",
        "StoreCorrupt",
        "StoreError",
        "StoreFull",
        "TransportError",
    ),
    "models": (
        "Acknowledged",
        "ExtractResult",
        "FactMemory",
        "MemoryDetail",
        "MemoryPage",
        "Message",
        "MessageList",
        "PreferenceMemory",
        "SearchResult",
        "TaskResult",
        "TaskStatus",
    ),
    "prompt": ("INSTRUCTIONS", "PromptBudget"),
    "session": ("MemorySession", "Recall", "SessionOptions"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "INSTRUCTIONS",
    "APIError",
    "Acknowledged",
    "AuthenticationError",
    "CircuitOpen",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "ExtractResult",
    "FactMemory",
    "InvalidRequest",
    "MemOSClient",
    "MemOSError",
    "MemoryDetail",
    "MemoryPage",
    "MemorySession",
    "Message",
    "MessageList",
    "MissingExtraError",
    "NotFound",
    "PermissionDenied",
    "PreferenceMemory",
    "PromptBudget",
    "QuotaExceeded",
    "RateLimited",
    "Recall",
    "ResponseInvalid",
    "SchemaTooNew",
    "SearchResult",
    "ServerError",
    "SessionOptions",
    "Settings",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "TaskResult",
    "TaskStatus",
    "TransportError",
]


def __getattr__(name: str) -> Any:
    return load(__name__, _HOME_OF, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
