"""Whatever a server does: only MemOSErrors come out, in time, and nothing is left behind (anchors 2.4)."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from memos_integrations import MemOSClient
from memos_integrations._policy import Breaker, Policy, RetryPolicy
from memos_integrations.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    MemOSError,
    ResponseInvalid,
    ServerError,
)

from .fault_server import FAULTS, GOOD, Connection, hang, misbehaving, reply, say

TIMEOUT_S = 0.4
# How late is late on a busy machine; without a deadline the faults last 20 s and more.
GRACE_S = 8.0
MESSAGES = [("user", "I live in Lisbon.")]

CALLS: dict[str, Callable[[Any, str], Any]] = {
    "extract": lambda c, a: getattr(c, f"{a}extract_memory")(MESSAGES),
    "add": lambda c, a: getattr(c, f"{a}add_message")(MESSAGES, user_id="u"),
    "search": lambda c, a: getattr(c, f"{a}search_memory")("q", user_id="u"),
    "get_message": lambda c, a: getattr(c, f"{a}get_message")(user_id="u", conversation_id="c"),
    "get_memory": lambda c, a: getattr(c, f"{a}get_memory")(user_id="u"),
    "get_memory_by_id": lambda c, a: getattr(c, f"{a}get_memory_by_id")("m"),
    "update": lambda c, a: getattr(c, f"{a}update_memory")("m", content="x"),
    "delete": lambda c, a: getattr(c, f"{a}delete_memory")(user_id="u"),
    "feedback": lambda c, a: getattr(c, f"{a}add_feedback")("good", user_id="u"),
    "status": lambda c, a: getattr(c, f"{a}get_status")("t"),
}


def impatient(url: str, **limits: Any) -> MemOSClient:
    """A client with little time, whose breaker never opens: each call meets the fault itself."""
    policy = Policy(
        timeout_s=limits.get("timeout_s", TIMEOUT_S),
        retry=RetryPolicy(attempts=limits.get("attempts", 2), base_s=0.01),
        breaker=Breaker(threshold=10**6),
    )
    return MemOSClient(api_key="canary-key", base_url=url, policy=policy)


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except MemOSError as error:
        return error


async def aoutcome(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except MemOSError as error:
        return error


@pytest.mark.parametrize("fault", FAULTS)
def test_every_endpoint_survives_synchronously(fault: str) -> None:
    threads, files = threading.active_count(), open_files()
    with misbehaving(FAULTS[fault]) as server:
        begun = time.monotonic()
        with impatient(server.url) as client, ThreadPoolExecutor(len(CALLS)) as pool:
            found = list(pool.map(lambda call: outcome(lambda: call(client, "")), CALLS.values()))
        assert time.monotonic() - begun < TIMEOUT_S + GRACE_S
    assert all(isinstance(one, MemOSError) for one in found)
    assert not any("canary" in f"{one!r}{one}" for one in found)
    assert threading.active_count() == threads
    assert open_files() <= files


@pytest.mark.parametrize("fault", FAULTS)
def test_every_endpoint_survives_asynchronously(fault: str) -> None:
    async def all_at_once(client: MemOSClient) -> list[Any]:
        async with client:
            return await asyncio.gather(*(aoutcome(call(client, "a")) for call in CALLS.values()))

    threads, files = threading.active_count(), open_files()
    with misbehaving(FAULTS[fault]) as server:
        begun = time.monotonic()
        found = asyncio.run(all_at_once(impatient(server.url)))
        assert time.monotonic() - begun < TIMEOUT_S + GRACE_S
    assert all(isinstance(one, MemOSError) for one in found)
    assert threading.active_count() == threads
    assert open_files() <= files


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with impatient(url) as client:
        for call in CALLS.values():
            assert isinstance(outcome(lambda call=call: call(client, "")), ConnectionFailed)

    async def search() -> Any:
        async with impatient(url) as client:
            return await aoutcome(client.asearch_memory("q", user_id="u"))

    assert isinstance(asyncio.run(search()), ConnectionFailed)


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with impatient("https://memos.invalid/v1") as client:
        assert isinstance(outcome(lambda: client.search_memory("q", user_id="u")), ConnectionFailed)


@pytest.mark.parametrize("fault", ["hang", "hang in the body", "trickled head", "trickled body"])
def test_the_deadline_has_its_own_error(fault: str) -> None:
    with misbehaving(FAULTS[fault]) as server, impatient(server.url) as client:
        with pytest.raises(DeadlineExceeded):
            client.search_memory("q", user_id="u")
        assert len(server.requests) == 1

        async def search() -> None:
            with pytest.raises(DeadlineExceeded):
                await client.asearch_memory("q", user_id="u")

        asyncio.run(search())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_byte_follows_a_redirect(status: str, asynchronous: bool) -> None:
    with misbehaving(reply(GOOD)) as other:
        with misbehaving(reply(b"", status=status, location=f"{other.url}/stolen")) as server:
            with impatient(server.url) as client:
                for call in CALLS.values():
                    found = (
                        asyncio.run(aoutcome(call(client, "a")))
                        if asynchronous
                        else outcome(lambda c=call: c(client, ""))
                    )
                    assert isinstance(found, ResponseInvalid)
        assert other.requests == []


def test_a_read_is_retried_and_a_lost_write_is_not() -> None:
    with misbehaving(say(b"")) as server, impatient(server.url, attempts=3, timeout_s=10) as client:
        assert isinstance(outcome(lambda: client.search_memory("q", user_id="u")), ConnectionFailed)
        assert len(server.requests) == 3
        assert isinstance(outcome(lambda: client.add_message(MESSAGES, user_id="u")), ConnectionFailed)
        assert len(server.requests) == 4
        assert isinstance(outcome(lambda: client.add_feedback("x", user_id="u")), ConnectionFailed)
        assert len(server.requests) == 5


def test_a_write_refused_by_code_is_retried() -> None:
    with misbehaving(reply(b'{"code":50144}')) as server, impatient(server.url, attempts=3, timeout_s=10) as client:
        assert isinstance(outcome(lambda: client.add_message(MESSAGES, user_id="u")), ServerError)
        assert len(server.requests) == 3


def test_recovery_on_the_second_try() -> None:
    answers = iter([say(b"", reset=True), reply(b"<html>", status="503 Busy", retry_after="0"), reply(GOOD)])

    def one_after_the_other(connection: Connection) -> None:
        next(answers)(connection)

    with misbehaving(one_after_the_other) as server, impatient(server.url, attempts=3, timeout_s=10) as client:
        assert client.search_memory("q", user_id="u").memories == []
        assert len(server.requests) == 3


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_an_honestly_packed_answer_is_read(encoding: str) -> None:
    import gzip

    with misbehaving(reply(gzip.compress(GOOD), content_encoding=encoding)) as server, impatient(server.url) as client:
        assert client.search_memory("q", user_id="u").memories == []


def test_what_is_sent_is_what_the_contract_says() -> None:
    with misbehaving(reply(GOOD)) as server, impatient(server.url) as client:
        client.search_memory("问题", user_id="u")
        client.get_memory_by_id("a b")
    head, body = server.requests[0]
    text = head.decode().lower()
    assert text.startswith("post /api/openmem/v1/search/memory http/1.1")
    assert "authorization: token canary-key" in text
    assert "content-type: application/json" in text
    assert "问题".encode() in body
    head, body = server.requests[1]
    assert head.startswith(b"GET /api/openmem/v1/get/memory/a%20b HTTP/1.1")
    assert b"content-type" not in head.lower()
    assert body == b""


async def test_a_cancelled_call_ends_at_once_and_leaves_the_client_usable() -> None:
    asked, loop = asyncio.Event(), asyncio.get_running_loop()

    def hang_first(connection: Connection) -> None:
        if asked.is_set():
            reply(GOOD)(connection)
        else:
            loop.call_soon_threadsafe(asked.set)
            hang(connection)

    with misbehaving(hang_first) as server:
        async with impatient(server.url, timeout_s=15) as client:
            task = asyncio.create_task(client.asearch_memory("q", user_id="u"))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.asearch_memory("q", user_id="u")).memories == []
