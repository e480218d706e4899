"""The embedded MemOS as an HTTP server for one machine: the same answers as in process, behind a guard.

Nothing reaches the engine before the guard has passed it: Host is on the list (no DNS rebinding), no foreign Origin (no
web page), the key compares equal, the body is JSON of at most 4 MiB that arrives in time. Beyond loopback a key is
required. `/health` answers that the server runs and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib.util
import logging
import re
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import SecretStr

from .config import is_loopback
from .engine.api import PREFIX, Api, envelope, refusal
from .errors import ConfigurationError, MissingExtraError, StoreError, code_meaning

if TYPE_CHECKING:
    from .engine.memories import Memories

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 4 * 1024 * 1024
BODY_TIMEOUT_S = 20.0
_DRAIN_S = 3
# Longer than clients keep an idle connection (httpx: 5 s): who closes first decides whether a request can get lost.
_KEEP_ALIVE_S = 30
_WORKERS = 8
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_log = logging.getLogger(__name__)


class _Refused(Exception):
    def __init__(self, status: int, code: int, why: str) -> None:
        super().__init__(why)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Guard:
    """Who may ask: `hosts` None means any Host header (beyond loopback, where the key decides)."""

    api_key: SecretStr | None = None
    hosts: frozenset[str] | None = frozenset()
    origins: frozenset[str] = frozenset()

    def check(self, method: str, headers: list[tuple[bytes, bytes]], *, public: bool = False) -> None:
        """Look at the headers alone; raises what to answer instead. `public` asks for no key."""

        def values(name: bytes) -> list[str]:
            return [v.decode("latin-1").strip() for k, v in headers if k.lower() == name]

        self._check_host(values(b"host"))
        if any(origin not in self.origins for origin in values(b"origin")):
            raise _Refused(403, 40101, "this Origin may not use memory; allow it with --allow-origin")
        if not public:
            self._check_key(values(b"authorization"))
        if method == "POST":
            kinds = [kind.partition(";")[0].strip().lower() for kind in values(b"content-type")]
            if kinds != ["application/json"]:
                raise _Refused(415, 40000, "the body must be application/json")
            if any(not size.isdigit() or int(size) > MAX_BODY_BYTES for size in values(b"content-length")):
                raise _Refused(413, 40013, "the body is larger than 4 MiB")

    def _check_host(self, given: list[str]) -> None:
        match = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        if match is None:
            raise _Refused(400, 40000, "exactly one Host header is needed")
        name = match[1].strip("[]")
        if self.hosts is not None and name not in self.hosts and not is_loopback(name):
            raise _Refused(421, 40101, "this Host is not served here")

    def _check_key(self, given: list[str]) -> None:
        if self.api_key is None:
            return
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() not in {"token", "bearer"} or not token.strip():
            raise _Refused(401, 40100, "send the header Authorization: Token <key>")
        # Digests have one length, so that the comparison says nothing about the key's.
        wanted = hashlib.sha256(self.api_key.get_secret_value().encode()).digest()
        if not hmac.compare_digest(hashlib.sha256(token.strip().encode()).digest(), wanted):
            raise _Refused(401, 40132, code_meaning(40132))


def application(memories: Memories, guard: Guard, *, workers: ThreadPoolExecutor) -> Application:
    """The ASGI app over one engine; engine work runs in `workers`, so that slow callers do not hold up others."""
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response

    api = Api(memories)

    async def answer(request: Request) -> tuple[int, bytes]:
        try:
            path = request.scope["raw_path"].partition(b"?")[0].decode("latin-1")
            guard.check(request.method, request.scope["headers"], public=path == "/health")
            if path == "/health":
                return 200, envelope(0, "ok", {})
            if not path.startswith(f"{PREFIX}/"):
                raise _Refused(404, 50000, f"the API is at {PREFIX}")
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _read(request)
            return await asyncio.get_running_loop().run_in_executor(workers, _handle, api, request.method, path, body)
        except _Refused as refused:
            return refused.status, envelope(refused.code, str(refused))
        except TimeoutError:
            return 408, envelope(40000, "the body did not arrive in time")
        except asyncio.CancelledError:
            # uvicorn has waited long enough and ends what still runs.
            return 503, envelope(50004, "the server is shutting down")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError("only HTTP is served")
        try:
            status, body = await answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await Response(body, status, media_type="application/json")(scope, receive, send)

    return app


def _handle(api: Api, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    try:
        return api.handle(method, path, body, {})
    except StoreError as error:
        _log.error("the database could not be used: %s", error)
        return 200, refusal(error)


async def _read(request: Any) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _Refused(413, 40013, "the body is larger than 4 MiB")
        chunks.append(chunk)
    return b"".join(chunks)


class Server:
    """One engine on one address; `run` serves until SIGTERM, SIGINT or `stop`, `url` is the base URL for clients."""

    def __init__(
        self,
        memories: Memories,
        *,
        host: str = "127.0.0.1",
        port: int = 8765,
        api_key: SecretStr | None = None,
        hosts: frozenset[str] = frozenset(),
        origins: frozenset[str] = frozenset(),
    ) -> None:
        if api_key is None and not is_loopback(host):
            raise ConfigurationError("serving beyond this machine needs a key: pass --api-key or set MEMOS_SERVER_KEY")
        _check_installed()
        import uvicorn

        self._socket = _listen(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}{PREFIX}"
        self._memories = memories
        # Beyond loopback the machine has names we cannot know, and a rebound page has no key.
        guard = Guard(api_key, hosts if hosts or is_loopback(host) else None, origins)
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="memos-server")
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(memories, guard, workers=self._workers),
                http="h11",
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_DRAIN_S,
            )
        )

    def run(self) -> None:
        """Serve until told to stop, finish what runs for at most 3 s, close the engine."""
        try:
            with _signals_outlived():
                self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._workers.shutdown(wait=False, cancel_futures=True)
            self._memories.close()

    def stop(self) -> None:
        """Ask a running server to end; safe from any thread."""
        self._server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    # With the protocol left open (0) asyncio would not switch Nagle's algorithm off: 40 ms per answer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host} port {port} ({error}); try another --port") from None
    return listener


def _check_installed() -> None:
    if not all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn")):
        raise MissingExtraError('the server needs: pip install "memos-integrations[server]"')


@contextmanager
def _signals_outlived() -> Generator[None]:
    """uvicorn raises SIGTERM again once it has shut down; the engine still has to be closed after that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
