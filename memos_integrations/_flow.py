"""Steps of an operation, and the two drivers that carry them out.

An operation is a generator: it yields what it wants done (`Call`, `Sleep`, `Save`, `Ask`) and returns the answer.
`run` and `arun` are the only places where sync and async differ. A driver throws every exception of a step into the
flow, so that retry and deadline logic sees it, and closes the flow when it is abandoned or cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ._lazy import Later

if TYPE_CHECKING:
    import asyncio
else:
    asyncio = Later("asyncio")  # synchronous programs do without

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request below the base URL; `body` is JSON bytes or None, `timeout_s` the time left for this attempt."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back: status, lower-case header names, raw body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """Send a request; the driver answers with an HttpResponse or throws a TransportError."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Save:
    """Do blocking local work (SQLite) and answer with its result; asynchronously it runs in a worker thread."""

    action: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """Call another component that has both forms: `now` is its sync method, `later` the a-twin of it."""

    now: Callable[[], Any]
    later: Callable[[], Awaitable[Any]]


Step = Call | Sleep | Save | Ask
Flow = Generator[Step, Any, T]


class Wire(Protocol):
    """Sends requests synchronously and asynchronously."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send and wait."""
        ...

    async def asend(self, request: HttpRequest) -> HttpResponse:
        """Send and await."""
        ...


def call(request: HttpRequest) -> Flow[HttpResponse]:
    """Typed step: send `request`."""
    response: HttpResponse = yield Call(request)
    return response


def sleep(seconds: float) -> Flow[None]:
    """Typed step: wait."""
    yield Sleep(seconds)


def save(action: Callable[[], T]) -> Flow[T]:
    """Typed step: do local work."""
    result: T = yield Save(action)
    return result


def ask(now: Callable[[], T], later: Callable[[], Awaitable[T]]) -> Flow[T]:
    """Typed step: call a component's sync method or its a-twin."""
    result: T = yield Ask(now, later)
    return result


def run(flow: Flow[T], wire: Wire | None = None) -> T:
    """Carry out `flow` in this thread and return its answer."""

    def perform(step: Step) -> Any:
        match step:
            case Call(request):
                return _needed(wire).send(request)
            case Sleep(seconds):
                return time.sleep(seconds)
            case Save(action):
                return action()
            case Ask(now, _):
                return now()

    try:
        step = next(flow)
        while True:
            try:
                answer = perform(step)
            except Exception as error:  # noqa: BLE001  # every failure belongs to the flow
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


async def arun(flow: Flow[T], wire: Wire | None = None) -> T:
    """Carry out `flow` on the running event loop, never blocking it, and return its answer."""

    async def perform(step: Step) -> Any:
        match step:
            case Call(request):
                return await _needed(wire).asend(request)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case Save(action):
                return await asyncio.to_thread(action)
            case Ask(_, later):
                return await later()

    try:
        step = next(flow)
        while True:
            try:
                answer = await perform(step)
            except Exception as error:  # noqa: BLE001  # every failure belongs to the flow
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


def _needed(wire: Wire | None) -> Wire:
    if wire is None:
        msg = "this flow sends requests: pass the wire to run() or arun()"
        raise TypeError(msg)
    return wire
