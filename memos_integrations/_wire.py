"""The client's httpx half: how a request leaves this process and how trouble on the way is named."""

from __future__ import annotations

import os
import ssl
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx

from ._bounds import Body, CallClock, DeadlineBackend
from ._flow import HttpRequest, HttpResponse
from ._lazy import Later
from ._policy import AnswerLost
from .errors import ConfigurationError, ConnectionFailed, DeadlineExceeded

if TYPE_CHECKING:
    import asyncio

    from pydantic import SecretStr
else:
    asyncio = Later("asyncio")  # synchronous programs do without

Transport: TypeAlias = httpx.BaseTransport | httpx.AsyncBaseTransport
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "memos-integrations"}


class HttpWire:
    """Sends requests below one base URL: a lazy httpx client per process, an async one per event loop.

    Redirects are never followed (they would carry memories elsewhere); `trust_env` lets the environment's proxies and
    SSL_CERT_FILE count; `scheme` is the authorization's. A forked child opens its own connections; a loop closes its
    client as it ends.
    """

    def __init__(
        self,
        base_url: str,
        key: SecretStr | None,
        transport: Transport | None = None,
        *,
        trust_env: bool = True,
        scheme: str = "Token",
    ) -> None:
        self.base_url = base_url
        self._scheme = scheme
        self._key, self._transport, self._trust_env = key, transport, trust_env
        self._clock = CallClock()
        self._tls: ssl.SSLContext | None = None
        self._open: list[httpx.Client] = []
        self._async: dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]] = {}
        self._closed = False
        self._renew()
        weakref.finalize(self, _close_all, self._open, os.getpid())

    def _renew(self) -> None:
        self._lock, self._pid = threading.Lock(), os.getpid()
        # Inherited connections belong to the parent; closing them here could wait for a lock nobody holds any more.
        self._inherited = [*self._open, self._async]
        self._open.clear()
        self._async = {}

    def _check_usable(self) -> None:
        if self._closed:
            raise ConfigurationError("this client is closed; make a new one")
        if self._pid != os.getpid():
            self._renew()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send in this thread; every socket operation ends with the request's timeout."""
        self._check_usable()
        self._clock.end = time.monotonic() + request.timeout_s
        with self._typed_errors(), self._client().stream(**self._arguments(request)) as response:
            body = _body(response)
            for chunk in () if body.complete else response.iter_raw():
                if time.monotonic() > self._clock.end:
                    raise httpx.ReadTimeout("the answer did not end in time")
                body.feed(chunk)
            return HttpResponse(response.status_code, response.headers, body.bytes())

    async def asend(self, request: HttpRequest) -> HttpResponse:
        """Send on the running loop."""
        self._check_usable()
        with self._typed_errors():
            async with asyncio.timeout(request.timeout_s):
                client = await self._async_client()
                async with client.stream(**self._arguments(request)) as response:
                    body = _body(response)
                    if not body.complete:
                        async for chunk in response.aiter_raw():
                            body.feed(chunk)
                    return HttpResponse(response.status_code, response.headers, body.bytes())

    @contextmanager
    def _typed_errors(self) -> Generator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise ConnectionFailed(f"{self.base_url} could not be reached: {_reason(error)}") from None
        except (httpx.TimeoutException, TimeoutError):
            raise DeadlineExceeded(
                "no complete answer within the time given; raise timeout_s or look at the server"
            ) from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise AnswerLost(f"the connection broke before the answer was complete ({type(error).__name__})") from None
        except RuntimeError:
            if not self._closed:
                raise
            raise ConnectionFailed("this client was closed while the call was on its way") from None

    def _arguments(self, request: HttpRequest) -> dict[str, Any]:
        headers = dict(_HEADERS)
        if request.body is not None:
            headers["content-type"] = "application/json"
        if self._key is not None:
            headers["authorization"] = f"{self._scheme} {self._key.get_secret_value()}"
        url, timeout = self.base_url + request.path, max(0.001, request.timeout_s)
        return {"method": request.method, "url": url, "content": request.body, "headers": headers, "timeout": timeout}

    def _options(self, kind: type) -> dict[str, Any]:
        if self._transport is not None and not isinstance(self._transport, kind):
            raise ConfigurationError(f"the transport given is no httpx.{kind.__name__}, which this call needs")
        if self._tls is None:
            # Loading the certificate store takes longer than a whole local call, so plain http does without, and all
            # event loops share it.
            secure = self.base_url.startswith("https://")
            self._tls = (
                httpx.create_ssl_context(trust_env=self._trust_env)
                if secure
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        return {
            "transport": self._transport,
            "trust_env": self._trust_env,
            "follow_redirects": False,
            "verify": self._tls,
        }

    def _client(self) -> httpx.Client:
        with self._lock:
            if not self._open:
                client = httpx.Client(**self._options(httpx.BaseTransport))
                for transport in (client._transport, *client._mounts.values()):
                    pool = getattr(transport, "_pool", None)
                    if pool is not None:
                        pool._network_backend = DeadlineBackend(pool._network_backend, self._clock)
                self._open.append(client)
            return self._open[0]

    async def _async_client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._async:
            for dead in [known for known in list(self._async) if known.is_closed()]:
                self._async.pop(dead, None)
            client = httpx.AsyncClient(**self._options(httpx.AsyncBaseTransport))
            closer = _closing(client)
            await anext(closer)
            self._async[loop] = client, closer
        return self._async[loop][0]

    def close(self) -> None:
        """Close every connection; async ones as soon as their loop runs."""
        self._closed = True
        _close_all(self._open, self._pid)
        # A dropped closer is finished by its loop: see `_closing`.
        self._async.clear()

    async def aclose(self) -> None:
        """Close every connection, those of the running loop now."""
        held = self._async.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held[1].aclose()
        self.close()


async def _closing(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Closes `client` when the loop ends: asyncio finishes its async generators before it closes a loop."""
    try:
        yield
    finally:
        await client.aclose()


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted; SSL_CERT_FILE can name your own authority's"
        cause = cause.__cause__ or cause.__context__
    return f"{type(error).__name__}; is it running, and base_url right?"


def _body(response: httpx.Response) -> Body:
    if response.is_stream_consumed:
        # A transport inside this process (the engine) answers with everything at once.
        return Body.of(response.content)
    return Body(response.headers.get("content-encoding", ""))


def _close_all(clients: list[httpx.Client], pid: int) -> None:
    while clients and pid == os.getpid():
        clients.pop().close()
