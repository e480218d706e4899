"""MemOSClient: one short method per endpoint, sync and a-prefixed async, over cloud, server or embedded engine."""

from __future__ import annotations

import importlib
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, Unpack

from ._flow import Flow, arun, run
from ._lazy import Later
from ._policy import Policy, RetryPolicy
from ._wire import HttpWire, Transport
from .config import Settings
from .errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio

    from pydantic import SecretStr

    from . import _operations as operations
    from .engine.memories import Memories
    from .engine.transport import EngineTransport
    from .models import (
        Acknowledged,
        ExtractResult,
        MemoryDetail,
        MemoryPage,
        MessageList,
        SearchResult,
        TaskResult,
        TaskStatus,
    )
    from .options import (
        AddOptions,
        DeleteOptions,
        FeedbackOptions,
        GetMemoryOptions,
        GetMessageOptions,
        MessagesLike,
        SearchOptions,
        UpdateOptions,
    )
    from .requests import ExtractionType
else:
    asyncio = Later("asyncio")
    # Building thirty pydantic models takes a tenth of a second: a program that only imports this does without. The
    # import lock makes the first use safe from any thread, which pydantic's own deferred building is not.
    operations = Later("memos_integrations._operations")

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ENGINE_URL = "http://localhost/api/openmem/v1"
MEMORY = ":memory:"


Connection: TypeAlias = tuple[HttpWire, "EngineTransport | None"]


@dataclass(frozen=True)
class _Remote:
    """A cloud or a server. Pickling drops the key; unpickling takes it from the environment again."""

    settings: Settings
    transport: Transport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.settings.api_key is None and not self.settings.loopback:
            raise ConfigurationError(
                "an API key is required: set MEMOS_API_KEY or pass api_key=; without a key use MemOSClient.embedded()"
            )

    def connect(self) -> Connection:
        settings = self.settings
        # A proxy that the environment names for http knows nothing of this machine's own servers.
        proxied = not (settings.loopback and settings.base_url.startswith("http://"))
        return HttpWire(settings.base_url, settings.api_key, self.transport, trust_env=proxied), None

    @property
    def outbox_path(self) -> Path | None:
        return self.settings.outbox()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reconnected, (replace(self.settings, api_key=None), self.transport)


def _reconnected(settings: Settings, transport: Transport | None) -> _Remote:
    return _Remote(replace(settings, api_key=Settings.from_env().api_key), transport)


@dataclass(frozen=True)
class _Embedded:
    """An engine in this process; `options` are those of `Memories`."""

    path: Path | None
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    def connect(self) -> Connection:
        from .engine.transport import EngineTransport

        plugged = self.options["extractor"] is not None or not isinstance(self.options["embedder"], str | None)
        engine = EngineTransport(self._open, renewable=self.path is not None, bounded=plugged)
        wire = HttpWire(_ENGINE_URL, None, engine, trust_env=False)
        weakref.finalize(wire, engine.shutdown)
        return wire, engine

    def _open(self) -> Memories:
        from .engine.memories import Memories

        return Memories(self.path or MEMORY, **self.options)

    @property
    def outbox_path(self) -> Path | None:
        return self.path and self.path.with_name(f"{self.path.name}.outbox")


class MemOSClient:
    """One MemOS API, wherever it is: MemOS Cloud, a MemOS server, or `MemOSClient.embedded()` in this process.

    `api_key` and `base_url` default to MEMOS_API_KEY and MEMOS_BASE_URL (else the CN cloud; "global" names the other).
    `timeout_s` bounds every call with its retries, `max_attempts` counts the first try; a conversation over the size
    limit is sent in several requests, each with its own time. Proxies of the environment are used except on loopback.
    Safe to share between threads, tasks, event loops and forked processes; close it, or use it as a context manager.

    Every method raises only MemOSErrors: ConfigurationError for a missing user_id, InvalidRequest before the network
    for what MemOS would refuse, TransportError and APIError for what happened there, StoreError from the engine.
    An add or a feedback whose answer was lost is not sent again, since it may have been stored (contract §9.1).
    """

    def __init__(
        self,
        api_key: str | SecretStr | None = None,
        base_url: str | None = None,
        *,
        timeout_s: float = 30.0,
        max_attempts: int = 3,
        transport: Transport | None = None,
        settings: Settings | None = None,
        policy: Policy | None = None,
    ) -> None:
        if settings is None:
            settings = Settings.from_env(api_key=api_key, base_url=base_url)
        limits = policy or Policy(timeout_s=timeout_s, retry=RetryPolicy(attempts=max_attempts))
        self._start(_Remote(settings, transport), limits)

    def _start(self, home: _Remote | _Embedded, policy: Policy, connection: Connection | None = None) -> Self:
        self._home, self._policy = home, policy
        self._wire, self._engine = connection or home.connect()
        _load()
        self._before_close: list[Callable[[], None]] = []
        return self

    @classmethod
    def embedded(
        cls,
        path: str | Path = "memos.db",
        *,
        embedder: Any = "auto",
        extractor: Any = None,
        verbatim: bool = False,
        cache_mb: int = 256,
        durability: Literal["normal", "full"] = "normal",
        clock: Callable[[], datetime] | None = None,
        timeout_s: float = 30.0,
        max_attempts: int = 3,
    ) -> Self:
        """Memory in this process, in one SQLite file: no key, no server, no LLM; ":memory:" is a store of its own.

        The file is opened at the first call. `embedder`: "auto" (the packaged model where installed), "none", any
        LangChain or LlamaIndex embedding, a server (`engine.endpoint`) or a function; `extractor`: one with a model
        instead of the built-in rules; `verbatim`: turns are stored as they are; `cache_mb`: memory for open users;
        `durability`: "full" also survives power loss at the price of a disk flush per write; `clock`: the time it is,
        for replays.
        `timeout_s` ends every wait, but for a synchronous call's own work in the engine.
        """
        file = None if str(path) == MEMORY else Path(path).expanduser().absolute()
        options = {"embedder": embedder, "extractor": extractor, "verbatim": verbatim, "cache_mb": cache_mb}
        options |= {"durability": durability} | ({} if clock is None else {"clock": clock})
        policy = Policy(timeout_s=timeout_s, retry=RetryPolicy(attempts=max_attempts))
        return cls.__new__(cls)._start(_Embedded(file, options), policy)

    @classmethod
    def from_env(cls, settings: Settings | None = None, *, timeout_s: float = 30.0, max_attempts: int = 3) -> Self:
        """Cloud, server or embedded, as the environment says (see config.py); one INFO line tells which."""
        settings = settings or Settings.from_env()
        if settings.embedded:
            path = settings.database()
            _log.info("memory is embedded, in %s", path)
            from .engine.endpoint import plugged

            return cls.embedded(path, **plugged(settings), timeout_s=timeout_s, max_attempts=max_attempts)
        _log.info("memory is at %s", settings.base_url)
        return cls(settings=settings, timeout_s=timeout_s, max_attempts=max_attempts)

    def with_options(self, *, timeout_s: float | None = None, max_attempts: int | None = None) -> Self:
        """This client with other limits per call: the same connections, breaker and retry budget; closed together."""
        policy = self._policy
        if timeout_s is not None:
            policy = replace(policy, timeout_s=timeout_s)
        if max_attempts is not None:
            policy = replace(policy, retry=replace(policy.retry, attempts=max_attempts))
        return type(self).__new__(type(self))._start(self._home, policy, (self._wire, self._engine))

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return self._engine is not None

    @property
    def outbox_path(self) -> Path | None:
        """Where turns wait for delivery: beside the embedded file, or one file per base URL and key; None in memory."""
        return self._home.outbox_path

    def __repr__(self) -> str:
        where = self._wire.base_url if self._engine is None else "embedded"
        return f"{type(self).__name__}({where})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._home, self._policy.timeout_s, self._policy.retry)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def close(self) -> None:
        """Close connections and engine; using the client afterwards is a ConfigurationError.

        Turns that sessions of this client still hold are sent first, for at most 5 s; others wait in the outbox.
        """
        self._finish()
        self._wire.close()
        if self._engine is not None:
            self._engine.shutdown()

    async def aclose(self) -> None:
        """Like `close`, without blocking the event loop."""
        await asyncio.to_thread(self._finish)
        await self._wire.aclose()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.shutdown)

    def ask_anew(self) -> None:
        """Let the next call through even while calls are refused after repeated failures; its outcome decides."""
        self._policy.breaker.retry_now()

    def before_close(self, action: Callable[[], None]) -> None:
        """Call `action` once, when this client is closed and can still be used."""
        self._before_close.append(action)

    def _finish(self) -> None:
        while self._before_close:
            self._before_close.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def _run(self, flow: Flow[T]) -> T:
        return run(flow, self._wire)

    async def _arun(self, flow: Flow[T]) -> T:
        return await arun(flow, self._wire)

    # Endpoints. Keyword parameters: options.py; limits and defaults: requests.py.

    def extract_memory(
        self,
        messages: MessagesLike,
        extraction_types: list[ExtractionType] | None = None,
        model: str | None = None,
    ) -> ExtractResult:
        """Facts and preferences found in `messages`; nothing is stored (contract §1.3). Long conversations are split.

        `extraction_types` names "memory" and/or "preference" (default both). Result: `.memories`, `.preferences`.
        """
        return self._run(operations.extract(self._policy, messages, _extract_options(extraction_types, model)))

    async def aextract_memory(
        self,
        messages: MessagesLike,
        extraction_types: list[ExtractionType] | None = None,
        model: str | None = None,
    ) -> ExtractResult:
        """Asynchronous `extract_memory`."""
        return await self._arun(operations.extract(self._policy, messages, _extract_options(extraction_types, model)))

    def add_message(self, messages: MessagesLike, **options: Unpack[AddOptions]) -> TaskResult:
        """Store `messages` of `user_id` and what is extracted from them (contract §1.1). Long conversations are split.

        `async_mode` (default true) answers at once, see `get_status`; false waits. Result: `.task_id`, `.status`.
        """
        return self._run(operations.add(self._policy, messages, options))

    async def aadd_message(self, messages: MessagesLike, **options: Unpack[AddOptions]) -> TaskResult:
        """Asynchronous `add_message`."""
        return await self._arun(operations.add(self._policy, messages, options))

    def search_memory(self, query: str, **options: Unpack[SearchOptions]) -> SearchResult:
        """The memories of `user_id` that help with `query`, best first (contract §1.2).

        At most `memory_limit_number` (6) facts and `preference_limit_number` (6) preferences; none of the latter with
        `include_preference=False`. Result: `.memories`, `.preferences`, `.preference_note`.
        """
        return self._run(operations.search(self._policy, query, options))

    async def asearch_memory(self, query: str, **options: Unpack[SearchOptions]) -> SearchResult:
        """Asynchronous `search_memory`."""
        return await self._arun(operations.search(self._policy, query, options))

    def get_message(self, **options: Unpack[GetMessageOptions]) -> MessageList:
        """The newest `message_limit_number` (6, at most 50) messages of one conversation (contract §1.4)."""
        return self._run(operations.get_message(self._policy, options))

    async def aget_message(self, **options: Unpack[GetMessageOptions]) -> MessageList:
        """Asynchronous `get_message`."""
        return await self._arun(operations.get_message(self._policy, options))

    def get_memory(self, **options: Unpack[GetMemoryOptions]) -> MemoryPage:
        """All memories of `user_id`, page by page (contract §1.5); a user without any gets empty lists."""
        return self._run(operations.get_memory(self._policy, options))

    async def aget_memory(self, **options: Unpack[GetMemoryOptions]) -> MemoryPage:
        """Asynchronous `get_memory`."""
        return await self._arun(operations.get_memory(self._policy, options))

    def get_memory_by_id(self, memory_id: str) -> MemoryDetail:
        """One memory (contract §1.6); NotFound when there is none."""
        return self._run(operations.get_memory_by_id(self._policy, memory_id))

    async def aget_memory_by_id(self, memory_id: str) -> MemoryDetail:
        """Asynchronous `get_memory_by_id`."""
        return await self._arun(operations.get_memory_by_id(self._policy, memory_id))

    def update_memory(self, memory_id: str, **options: Unpack[UpdateOptions]) -> Acknowledged:
        """Change `content`, `title` or `status` of one memory (contract §1.7)."""
        return self._run(operations.update_memory(self._policy, memory_id, options))

    async def aupdate_memory(self, memory_id: str, **options: Unpack[UpdateOptions]) -> Acknowledged:
        """Asynchronous `update_memory`."""
        return await self._arun(operations.update_memory(self._policy, memory_id, options))

    def delete_memory(self, **options: Unpack[DeleteOptions]) -> Acknowledged:
        """Delete by `memory_ids`, or everything of one `user_id` or `agent_id`: exactly one of them (contract §1.7)."""
        return self._run(operations.delete_memory(self._policy, options))

    async def adelete_memory(self, **options: Unpack[DeleteOptions]) -> Acknowledged:
        """Asynchronous `delete_memory`."""
        return await self._arun(operations.delete_memory(self._policy, options))

    def add_feedback(self, feedback_content: str, **options: Unpack[FeedbackOptions]) -> TaskResult:
        """Tell MemOS in words what was right or wrong (contract §1.8)."""
        return self._run(operations.add_feedback(self._policy, feedback_content, options))

    async def aadd_feedback(self, feedback_content: str, **options: Unpack[FeedbackOptions]) -> TaskResult:
        """Asynchronous `add_feedback`."""
        return await self._arun(operations.add_feedback(self._policy, feedback_content, options))

    def get_status(self, task_id: str) -> TaskStatus:
        """How far the task of an add or a feedback is (contract §1.9): `.status`, `.done`."""
        return self._run(operations.get_status(self._policy, task_id))

    async def aget_status(self, task_id: str) -> TaskStatus:
        """Asynchronous `get_status`."""
        return await self._arun(operations.get_status(self._policy, task_id))


@cache
def _load() -> None:
    """Load what calls need, as a client is made rather than in its first call, for which somebody waits."""
    from . import models, options, requests

    importlib.import_module(f"{__package__}._operations")
    # What annotations here name is found by whoever reads them, such as a framework that makes a tool of a method.
    for name, value in {**vars(requests), **vars(options), **vars(models)}.items():
        globals().setdefault(name, value)


def _restored(kind: type[MemOSClient], home: _Remote | _Embedded, timeout_s: float, retry: RetryPolicy) -> MemOSClient:
    return kind.__new__(kind)._start(home, Policy(timeout_s=timeout_s, retry=retry))


def _extract_options(extraction_types: list[ExtractionType] | None, model: str | None) -> dict[str, Any]:
    return {"extraction_types": extraction_types, "model": model}
