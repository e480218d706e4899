"""Each endpoint once, as a flow: check, send with retries inside the deadline, parse tolerantly (contract §9).

A flow imports no clock, no loop and no HTTP library; `_flow.run` and `_flow.arun` carry it out.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from ._checks import parse_messages
from ._flow import Flow, HttpRequest, HttpResponse, call, sleep
from ._policy import AnswerLost, Policy, retry_after
from ._text import estimate_tokens, split_text
from .errors import (
    APIError,
    CircuitOpen,
    ConnectionFailed,
    InvalidRequest,
    MemOSError,
    RateLimited,
    ResponseInvalid,
    StoreError,
    api_error,
)
from .models import (
    Acknowledged,
    ExtractResult,
    MemoryDetail,
    MemoryPage,
    Message,
    MessageList,
    SearchResult,
    TaskResult,
    TaskStatus,
    Wire,
    merge_extracts,
)
from .options import MessagesLike
from .requests import (
    AddRequest,
    DeleteMemoryRequest,
    ExtractRequest,
    FeedbackRequest,
    GetMemoryRequest,
    GetMessagesRequest,
    MemoryByIdRequest,
    Request,
    SearchRequest,
    StatusRequest,
    UpdateMemoryRequest,
    require_user_id,
)

W = TypeVar("W", bound=Wire)
Q = TypeVar("Q", ExtractRequest, AddRequest)
Options = Mapping[str, Any]

# The server counts with its own tokenizer, we estimate: windows stay a quarter below its limits of 8k and 40k.
EXTRACT_WINDOW = 6_000
ADD_WINDOW = 30_000
_UNAVAILABLE = frozenset({50004, 50005})
_REQUEST_ID_HEADERS = ("x-request-id", "x-requestid", "request-id", "x-trace-id", "trace-id")
_REQUEST_ID_FIELDS = ("request_id", "requestId", "trace_id", "traceId")


def extract(policy: Policy, messages: MessagesLike, options: Options) -> Flow[ExtractResult]:
    """extract/memory; a long conversation is sent in windows and the answers are merged."""
    requests = _windows(ExtractRequest, messages, options, EXTRACT_WINDOW)
    return merge_extracts((yield from _each(_exchange(policy, r, ExtractResult) for r in requests)))


def add(policy: Policy, messages: MessagesLike, options: Options) -> Flow[TaskResult]:
    """add/message; a long conversation is sent in several adds, in order."""
    _check_owner(options)
    requests = _windows(AddRequest, messages, options, ADD_WINDOW)
    return _merge_tasks((yield from _each(_exchange(policy, r, TaskResult, replayable=False) for r in requests)))


def search(policy: Policy, query: str, options: Options) -> Flow[SearchResult]:
    """search/memory."""
    _check_owner(options)
    request = SearchRequest.of({**options, "query": query}, strict=True)
    return (yield from _exchange(policy, request, SearchResult))


def get_message(policy: Policy, options: Options) -> Flow[MessageList]:
    """get/message."""
    _check_owner(options)
    return (yield from _exchange(policy, GetMessagesRequest.of(options, strict=True), MessageList))


def get_memory(policy: Policy, options: Options) -> Flow[MemoryPage]:
    """get/memory."""
    _check_owner(options)
    return (yield from _exchange(policy, GetMemoryRequest.of(options, strict=True), MemoryPage))


def get_memory_by_id(policy: Policy, memory_id: str) -> Flow[MemoryDetail]:
    """get/memory/{memory_id}."""
    request = MemoryByIdRequest.of({"memory_id": memory_id}, strict=True)
    if not request.memory_id.strip("."):
        raise InvalidRequest("/get/memory: memory_id may not be a path step such as '..' (code 40000)", code=40000)
    path = request.path.format(memory_id=quote(request.memory_id, safe=""))
    return (yield from _exchange(policy, request, MemoryDetail, path=path))


def update_memory(policy: Policy, memory_id: str, options: Options) -> Flow[Acknowledged]:
    """update/memory."""
    request = UpdateMemoryRequest.of({**options, "memory_id": memory_id}, strict=True)
    return (yield from _exchange(policy, request, Acknowledged))


def delete_memory(policy: Policy, options: Options) -> Flow[Acknowledged]:
    """delete/memory."""
    if options.get("user_id") is not None:
        require_user_id(options["user_id"])
    return (yield from _exchange(policy, DeleteMemoryRequest.of(options, strict=True), Acknowledged))


def add_feedback(policy: Policy, feedback_content: str, options: Options) -> Flow[TaskResult]:
    """add/feedback."""
    _check_owner(options)
    request = FeedbackRequest.of({**options, "feedback_content": feedback_content}, strict=True)
    return _merge_tasks([(yield from _exchange(policy, request, TaskResult, replayable=False))])


def get_status(policy: Policy, task_id: str) -> Flow[TaskStatus]:
    """get/status."""
    request = StatusRequest.of({"task_id": task_id}, strict=True)
    return (yield from _exchange(policy, request, TaskStatus))


def _each(flows: Iterable[Flow[W]]) -> Flow[list[W]]:
    answers: deque[W] = deque()
    for flow in flows:
        answers.append((yield from flow))
    return list(answers)


def _check_owner(options: Options) -> None:
    owner = options.get("user_id")
    if isinstance(owner, list) and owner:
        for one in owner:
            require_user_id(one)
    elif owner is not None or options.get("agent_id") is None:
        require_user_id(owner)


# Long conversations


def _windows(kind: type[Q], messages: MessagesLike, options: Options, limit: int) -> list[Q]:
    parsed = parse_messages(messages, kind.path)
    packed = _pack([piece for message in parsed for piece in _pieces(message, limit)], limit)
    said = [window for window in packed if _says_something(window)]
    # Nothing said at all: the request model refuses it in its own words.
    return [kind.of({**options, "messages": window}, strict=True) for window in said or packed[:1]]


def _says_something(window: Sequence[Message]) -> bool:
    return any(m.text.strip() or m.tool_calls or not isinstance(m.content, str) for m in window)


def _pieces(message: Message, limit: int) -> list[Message]:
    if not isinstance(message.content, str) or estimate_tokens(message.content) <= limit:
        return [message]
    texts = split_text(message.content, limit)
    # Ids are unique in a conversation: the pieces of one message must not look like the same message sent again.
    ids = [f"{message.id}#{n}" if message.id and n else message.id for n in range(len(texts))]
    return [message.model_copy(update={"content": t, "id": i}) for t, i in zip(texts, ids, strict=True)]


def _pack(messages: Sequence[Message], limit: int) -> list[list[Message]]:
    windows: list[list[Message]] = [[]]
    spent = 0
    for message in messages:
        size = estimate_tokens(message.text)
        if windows[-1] and spent + size > limit:
            windows.append([])
            spent = 0
        windows[-1].append(message)
        spent += size
    return windows


def _merge_tasks(parts: Sequence[TaskResult]) -> TaskResult:
    states = {part.status for part in parts}
    odd = next((s for s in ("failed", "running") if s in states), parts[-1].status)
    ids = [part.task_id for part in parts if part.task_id]
    update = {"success": all(part.success for part in parts), "status": odd, "task_ids": ids}
    return parts[-1].model_copy(update=update)


# One request, tried until it is answered


@dataclass(frozen=True, slots=True)
class _Outcome:
    error: MemOSError
    retry_after: float | None = None


def _exchange(
    policy: Policy, request: Request, kind: type[W], *, path: str | None = None, replayable: bool = True
) -> Flow[W]:
    body = None if request.method == "GET" else _encode(request)
    deadline = policy.deadline()
    tries = 0
    while True:
        ticket = policy.breaker.admit()
        if ticket is None:
            raise CircuitOpen("memory failed repeatedly and is not asked for a moment; the call was not made")
        http = HttpRequest(request.method, path or request.path, body, deadline.remaining())
        outcome = yield from _attempt(policy, ticket, http, kind)
        if not isinstance(outcome, _Outcome):
            policy.budget.give_back()
            return outcome
        tries += 1
        pause = policy.retry.pause(tries, policy.draw(), outcome.retry_after)
        if (
            tries >= policy.retry.attempts
            or not _may_repeat(outcome.error, replayable=replayable)
            or pause >= deadline.remaining()
            or policy.breaker.state == "open"
            or not policy.budget.take()
        ):
            raise outcome.error
        yield from sleep(pause)


def _encode(request: Request) -> bytes:
    try:
        text = json.dumps(request.to_wire(), ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequest(f"{request.path}: a value cannot be written as JSON (code 40000)", code=40000) from None
    # Text cut inside a surrogate pair cannot be UTF-8; a replacement mark is better than a lost turn.
    return text.encode("utf-8", "replace")


def _attempt(policy: Policy, ticket: int, http: HttpRequest, kind: type[W]) -> Flow[W | _Outcome]:
    learnt: Callable[[int], None] = policy.breaker.abandoned
    headers: Mapping[str, str] = {}
    try:
        try:
            response = yield from call(http)
            headers = response.headers
            result = _parse(response, kind)
        except MemOSError as error:
            learnt = policy.breaker.failed if _server_is_down(error) else policy.breaker.succeeded
            return _Outcome(error, retry_after(headers, policy.wall()))
        learnt = policy.breaker.succeeded
        return result
    finally:
        learnt(ticket)


def _server_is_down(error: MemOSError) -> bool:
    """Whether the breaker should count it: a server that fails at one request in its own words is alive."""
    if isinstance(error, APIError):
        return (error.status or 0) >= 500 or error.code in _UNAVAILABLE
    return error.retryable or isinstance(error, ResponseInvalid)


def _may_repeat(error: MemOSError, *, replayable: bool) -> bool:
    """Whether to send again: never what may have been stored already (contract §9.1)."""
    if not error.retryable:
        return False
    if replayable or isinstance(error, StoreError | RateLimited):
        return True
    if isinstance(error, APIError):
        return error.code is not None
    return isinstance(error, ConnectionFailed) and not isinstance(error, AnswerLost)


# What came back


def _parse(response: HttpResponse, kind: type[W]) -> W:
    good = 200 <= response.status < 300
    if good and not response.body.strip() and kind is TaskResult:
        # Seen in the wild: an asynchronous add answered 202 with nothing (contract §2).
        return kind.model_validate({"status": "running"})
    data = _data(response, good=good)
    if kind is TaskStatus and isinstance(data, list):
        data = data[0] if data else {}
    if not isinstance(data, Mapping):
        raise _not_memos(response, "`data` is not an object")
    try:
        return kind.model_validate(dict(data))
    except ValidationError:
        raise _not_memos(response, "`data` has an unexpected shape") from None


def _data(response: HttpResponse, *, good: bool) -> Any:
    try:
        envelope = json.loads(response.body)
    except (ValueError, RecursionError):
        envelope = None
    code = _code(envelope)
    if isinstance(envelope, Mapping) and code is not None and (code != 0 or not good):
        raise api_error(
            code=code or None,
            status=response.status,
            request_id=_request_id(response, envelope),
            server_message=str(envelope.get("message") or ""),
        )
    if response.status >= 400:
        raise api_error(status=response.status, request_id=_request_id(response, envelope))
    if not good or not isinstance(envelope, Mapping) or code is None:
        raise _not_memos(response, "no MemOS envelope {code, data, message}")
    data = envelope.get("data")
    return {} if data is None else data


def _code(envelope: object) -> int | None:
    code = envelope.get("code") if isinstance(envelope, Mapping) else None
    if isinstance(code, str) and code.strip().isascii() and code.strip().isdigit() and len(code) < 10:
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _request_id(response: HttpResponse, envelope: object) -> str | None:
    found = [response.headers.get(name) for name in _REQUEST_ID_HEADERS]
    if isinstance(envelope, Mapping):
        found += [envelope.get(name) for name in _REQUEST_ID_FIELDS]
    return next((str(value)[:128] for value in found if value), None)


def _not_memos(response: HttpResponse, why: str) -> ResponseInvalid:
    what = "a redirect, which is never followed" if 300 <= response.status < 400 else why
    return ResponseInvalid(
        f"the answer (HTTP {response.status}) is not from a MemOS API: {what}; check base_url",
        status=response.status,
        request_id=_request_id(response, None),
    )
