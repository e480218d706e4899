"""The drivers: the only place where sync and async differ."""

from __future__ import annotations

import asyncio
import threading

import pytest

from memos_integrations._flow import Flow, HttpRequest, HttpResponse, arun, call, run, save, sleep

REQUEST = HttpRequest("POST", "/x", b"{}")


class Loopback:
    """Answers every request with its own path; fails the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures

    def send(self, request: HttpRequest) -> HttpResponse:
        if self.failures:
            self.failures -= 1
            raise OSError("broken")
        return HttpResponse(200, body=request.path.encode())

    async def asend(self, request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        return self.send(request)


def drive(flow: Flow[object], wire: Loopback | None, how: str) -> object:
    return run(flow, wire) if how == "sync" else asyncio.run(arun(flow, wire))


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
def test_steps_in_order(how: str) -> None:
    def flow() -> Flow[object]:
        response = yield from call(REQUEST)
        yield from sleep(0)
        thread = yield from save(threading.get_ident)
        return response.body, thread == threading.get_ident()

    # Asynchronously, local work must not run on the event loop's thread.
    assert drive(flow(), Loopback(), how) == (b"/x", how == "sync")


@both
def test_errors_reach_the_flow(how: str) -> None:
    def flow() -> Flow[object]:
        for attempt in range(3):
            try:
                yield from call(REQUEST)
            except OSError:
                continue
            return attempt
        return None

    assert drive(flow(), Loopback(failures=2), how) == 2


@both
def test_unhandled_errors_leave_and_the_flow_is_closed(how: str) -> None:
    closed = []

    def flow() -> Flow[object]:
        try:
            yield from save(lambda: 1 / 0)
        finally:
            closed.append(True)
        return None

    with pytest.raises(ZeroDivisionError):
        drive(flow(), None, how)
    assert closed == [True]


@both
def test_a_flow_without_steps(how: str) -> None:
    def flow() -> Flow[object]:
        return 5
        yield

    assert drive(flow(), None, how) == 5


@both
def test_calling_without_a_wire_is_a_mistake(how: str) -> None:
    with pytest.raises(TypeError, match="wire"):
        drive(call(REQUEST), None, how)  # type: ignore[arg-type]


async def test_cancellation_closes_the_flow() -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield from sleep(60)
        finally:
            closed.append(True)

    task = asyncio.create_task(arun(flow()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == [True]


def test_reprs_hide_bodies() -> None:
    shown = repr([HttpRequest("POST", "/x", b"SECRET"), HttpResponse(200, {"a": "SECRET"}, b"SECRET")])
    assert "SECRET" not in shown
