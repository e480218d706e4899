"""The engine as an httpx transport: the client speaks HTTP to it and cannot tell it from the cloud."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from .api import Api

if TYPE_CHECKING:
    from .memories import Memories

# Enough that a slow extraction does not make a search wait, few enough that SQLite connections stay few.
_WORKERS = 4


class EngineTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers from an embedded engine, which is opened on first use.

    Asynchronous requests are answered in worker threads, so that the event loop is never blocked; a caller that stops
    waiting (timeout, cancellation) leaves at once, the work ends by itself. Synchronous requests are answered in the
    calling thread, but with `bounded`, for engines that ask a model elsewhere and may have to wait for it, in a worker
    thread too. `renewable` engines (files) are opened anew in a forked child: SQLite connections do not survive a fork.
    """

    def __init__(self, open_engine: Callable[[], Memories], *, renewable: bool = True, bounded: bool = False) -> None:
        self._open_engine, self._renewable, self._bounded = open_engine, renewable, bounded
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._engine: tuple[Memories, Api] | None = None
        self._executor: ThreadPoolExecutor | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer in this thread, or wait for a worker no longer than the request allows."""
        future = self._submit(request) if self._bounded else None
        if future is None:
            return self._answer(request)
        try:
            return future.result(request.extensions["timeout"]["read"])
        except TimeoutError:
            raise httpx.ReadTimeout("the engine is not done yet", request=request) from None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer in a worker thread."""
        future = self._submit(request)
        return self._answer(request) if future is None else await asyncio.wrap_future(future)

    def _submit(self, request: httpx.Request) -> Future[httpx.Response] | None:
        try:
            return self._workers().submit(contextvars.copy_context().run, self._answer, request)
        except RuntimeError:
            # The interpreter is ending and starts no threads any more; last turns are still to be stored.
            return None

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        status, body = self._api().handle(request.method, path, request.read(), {})
        return httpx.Response(status, headers={"content-type": "application/json"}, content=body, request=request)

    def shutdown(self) -> None:
        """Finish what runs and close the engine; a later request opens it again. (`close` is each httpx client's.)"""
        with self._lock:
            executor, self._executor = self._executor, None
            engine, self._engine = self._engine, None
        if executor is not None:
            executor.shutdown(wait=True)
        if engine is not None:
            engine[0].close()

    def _api(self) -> Api:
        self._check_process()
        with self._lock:
            if self._engine is None:
                memories = self._open_engine()
                self._engine = memories, Api(memories)
            return self._engine[1]

    def _workers(self) -> ThreadPoolExecutor:
        self._check_process()
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="memos-engine")
            return self._executor

    def _check_process(self) -> None:
        if self._pid == os.getpid():
            return
        # Only this thread exists in a forked child; a lock held by another one would never be released.
        self._lock = threading.Lock()
        self._pid, self._executor = os.getpid(), None
        if self._renewable:
            self._engine = None
