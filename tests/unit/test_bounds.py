"""`_bounds`: what a server may take of time and memory."""

from __future__ import annotations

import gzip
import time
import zlib
from typing import Any

import pytest

from memos_integrations._bounds import Body, CallClock, DeadlineBackend
from memos_integrations.errors import ResponseInvalid


class FakeStream:
    """Records the timeouts it is given, as a socket would get them."""

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def read(self, max_bytes: int, timeout: float) -> bytes:
        self.timeouts.append(timeout)
        return b"x" * max_bytes

    def write(self, buffer: bytes, timeout: float) -> None:
        self.timeouts.append(timeout)

    def start_tls(self, context: object, timeout: float) -> FakeStream:
        self.timeouts.append(timeout)
        return self

    def get_extra_info(self, info: str) -> str:
        return f"about {info}"


class FakeBackend:
    def __init__(self) -> None:
        self.stream = FakeStream()

    def connect_tcp(self, host: str, port: int, timeout: float, **rest: Any) -> FakeStream:
        self.stream.timeouts.append(timeout)
        return self.stream

    def sleep(self, seconds: float) -> str:
        return f"slept {seconds}"


def test_every_operation_gets_at_most_what_is_left() -> None:
    clock, backend = CallClock(), FakeBackend()
    clock.end = time.monotonic() + 5
    bounded = DeadlineBackend(backend, clock)
    stream = bounded.connect_tcp("host", 1, timeout=60)
    assert stream.read(3, timeout=60) == b"xxx"
    stream.write(b"y", timeout=None)
    secure = stream.start_tls("context", timeout=60)
    secure.read(1, timeout=0.5)
    assert secure.get_extra_info("socket") == "about socket"
    assert bounded.sleep(1) == "slept 1"
    *bounded_ones, short = backend.stream.timeouts
    assert all(4 < timeout <= 5 for timeout in bounded_ones)
    assert short == 0.5


def test_no_time_left_is_not_no_waiting() -> None:
    clock = CallClock()
    clock.end = time.monotonic() - 1
    assert clock.bounded(10) == 0.001
    assert clock.bounded(None) == 0.001


def test_a_thread_that_set_no_end_has_all_the_time() -> None:
    assert CallClock().bounded(3) == 3


@pytest.mark.parametrize(
    ("encoding", "pack"), [("", bytes), ("identity", bytes), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_bodies_are_unpacked_chunk_by_chunk(encoding: str, pack: Any) -> None:
    packed = pack(b"hello " * 100)
    body = Body(encoding)
    for start in range(0, len(packed), 7):
        body.feed(packed[start : start + 7])
    assert body.bytes() == b"hello " * 100
    assert not body.complete


def test_a_body_that_is_there_already() -> None:
    body = Body.of(b"all of it")
    assert body.bytes() == b"all of it"
    assert body.complete


def test_a_bomb_is_stopped_before_it_is_unpacked() -> None:
    body = Body("gzip", limit=1024)
    with pytest.raises(ResponseInvalid, match="larger"):
        body.feed(gzip.compress(b"0" * 10_000_000))
    assert len(body.bytes()) == 0


def test_the_limit_is_for_all_chunks_together() -> None:
    body = Body("", limit=10)
    body.feed(b"12345")
    body.feed(b"67890")
    with pytest.raises(ResponseInvalid):
        body.feed(b"1")


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_other_packings_are_refused(encoding: str) -> None:
    with pytest.raises(ResponseInvalid, match="base_url"):
        Body(encoding)


def test_what_is_not_packed_as_it_says_is_refused() -> None:
    with pytest.raises(ResponseInvalid, match="gzip"):
        Body("gzip").feed(b"plain")
