"""What an HTTP library leaves open: a deadline over a whole answer, and a bound on its decoded size.

httpx bounds each socket operation, not their sum, so that a server sending one byte a second holds a caller for ever.
`DeadlineBackend` goes around the network backend of a connection pool and gives every operation only the time that is
left of the call. It is duck-typed: it imports no HTTP library.
"""

from __future__ import annotations

import threading
import time
import zlib
from typing import Any

from .errors import ResponseInvalid

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class CallClock(threading.local):
    """The end of the call that this thread is making; far away where none was set."""

    end: float = float("inf")

    def bounded(self, timeout: float | None) -> float:
        """`timeout`, or what is left of the call if that is less; never 0, which would mean "do not wait"."""
        left = self.end - time.monotonic()
        return max(0.001, left if timeout is None else min(timeout, left))


class DeadlineBackend:
    """A network backend whose connections and reads end with the call."""

    def __init__(self, inner: Any, clock: CallClock) -> None:
        self._inner, self._clock = inner, clock

    def connect_tcp(self, *args: Any, timeout: float | None = None, **rest: Any) -> DeadlineStream:
        """Connect within the time left."""
        return DeadlineStream(self._inner.connect_tcp(*args, timeout=self._clock.bounded(timeout), **rest), self._clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class DeadlineStream:
    """A connection whose every operation ends with the call that uses it at that moment."""

    def __init__(self, inner: Any, clock: CallClock) -> None:
        self._inner, self._clock = inner, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within the time left."""
        data: bytes = self._inner.read(max_bytes, timeout=self._clock.bounded(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within the time left."""
        self._inner.write(buffer, timeout=self._clock.bounded(timeout))

    def start_tls(self, *args: Any, timeout: float | None = None, **rest: Any) -> DeadlineStream:
        """Shake hands within the time left."""
        return DeadlineStream(self._inner.start_tls(*args, timeout=self._clock.bounded(timeout), **rest), self._clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Body:
    """Collects an answer's raw chunks, decoding gzip and deflate, and refuses to grow beyond `limit` bytes."""

    def __init__(self, encoding: str, limit: int = MAX_ANSWER_BYTES) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", *_WBITS}:
            raise ResponseInvalid("the answer is packed in a way that was not asked for; check base_url")
        self._unpack = zlib.decompressobj(_WBITS[name]) if name in _WBITS else None
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self.complete = False

    @classmethod
    def of(cls, whole: bytes) -> Body:
        """A body that is there already."""
        body = cls("")
        body.feed(whole)
        body.complete = True
        return body

    def feed(self, chunk: bytes) -> None:
        """Take one raw chunk."""
        if self._unpack is not None:
            try:
                chunk = self._unpack.decompress(chunk, self._limit - self._size + 1)
            except zlib.error:
                raise ResponseInvalid("the answer is not the gzip it claims to be; check base_url") from None
        self._size += len(chunk)
        if self._size > self._limit:
            raise ResponseInvalid(f"the answer is larger than {self._limit // 1024**2} MiB; check base_url")
        self._chunks.append(chunk)

    def bytes(self) -> bytes:
        """Everything so far."""
        return b"".join(self._chunks)
