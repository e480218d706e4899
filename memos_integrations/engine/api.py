"""The embedded MemOS seen from outside: HTTP method, path and body in, status and JSON body out (contract §1, §5.1).

The answers are the cloud's: business errors travel as HTTP 200 with `code` other than 0, lists are always present,
`preference_note` is "" rather than null, times are epoch milliseconds. Explicit nulls and unknown fields are accepted.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from memos_integrations.errors import (
    APIError,
    ConfigurationError,
    InvalidRequest,
    MemOSError,
    ServerError,
    StoreBusy,
    StoreError,
    code_meaning,
)
from memos_integrations.models import Wire
from memos_integrations.requests import (
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
)

if TYPE_CHECKING:
    from .memories import Memories

PREFIX = "/api/openmem/v1"
_BY_ID = MemoryByIdRequest.path.removesuffix("{memory_id}")
_log = logging.getLogger(__name__)
Answer = tuple[int, bytes]


def envelope(code: int, message: str, data: Mapping[str, Any] | None = None) -> bytes:
    """A MemOS answer: `{"code", "data", "message"}`."""
    body = {"code": code, "data": data, "message": message}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def refusal(error: MemOSError) -> bytes:
    """The envelope of an error: its code and the contract's words, or what this package itself wrote; never content."""
    if isinstance(error, StoreError):
        code = 50004 if isinstance(error, StoreBusy) else 50002
    else:
        code = error.code or (40002 if isinstance(error, ConfigurationError) else 50000)
    return envelope(code, str(error) if isinstance(error, APIError) else code_meaning(code))


class Api:
    """Answers MemOS requests from one embedded engine; thread-safe as the engine is."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        endpoints: list[tuple[type[Request], Callable[[Any], Wire]]] = [
            (ExtractRequest, memories.extract),
            (AddRequest, memories.add),
            (SearchRequest, memories.search),
            (GetMessagesRequest, memories.get_message),
            (GetMemoryRequest, memories.get_memory),
            (UpdateMemoryRequest, memories.update_memory),
            (DeleteMemoryRequest, memories.delete_memory),
            (FeedbackRequest, memories.add_feedback),
            (StatusRequest, memories.get_status),
        ]
        self._posts = {request.path: (request, answer) for request, answer in endpoints}

    def handle(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Answer one request; `path` is the raw (still quoted) path with or without the `/api/openmem/v1` prefix.

        Raises StoreError only, so that an embedded caller learns what is wrong with its file; a server puts it into
        an envelope with `refusal`. `headers` are not needed by any endpoint today.
        """
        del headers
        try:
            result = self._dispatch(method.upper(), path.removeprefix(PREFIX), body)
        except StoreError:
            raise
        except MemOSError as error:
            return 200, refusal(error)
        except Exception as error:  # noqa: BLE001  # a bug in the engine must become an answer, and must not quote memories
            _log.error("%s %s failed: %s at %s", method, _shown(path), type(error).__name__, _place(error))
            return 200, envelope(50000, code_meaning(50000))
        return 200, envelope(0, "ok", result.to_wire())

    def _dispatch(self, method: str, path: str, body: bytes) -> Wire:
        if method == "GET" and path.startswith(_BY_ID):
            return self._memories.get_memory_by_id(MemoryByIdRequest.of({"memory_id": unquote(path[len(_BY_ID) :])}))
        if method != "POST" or path not in self._posts:
            raise ServerError("unknown path or method (code 50000)", code=50000)
        kind, answer = self._posts[path]
        return answer(kind.of(_parse(body)))


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _wellformed(value: Any) -> Any:
    """`value` with lone surrogates in its strings replaced by U+FFFD: JSON can carry them, UTF-8 and SQLite cannot."""
    if isinstance(value, str):
        return value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_wellformed(item) for item in value]
    if isinstance(value, dict):
        return {_wellformed(key): _wellformed(item) for key, item in value.items()}
    return value


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body or b"{}")
        if b"\\ud" in body.lower():
            data = _wellformed(data)
    except (ValueError, RecursionError):
        raise InvalidRequest("the body is not JSON (code 40000)", code=40000) from None
    if not isinstance(data, dict):
        raise InvalidRequest("the body is not a JSON object (code 40000)", code=40000)
    return data


def _shown(path: str) -> str:
    return _BY_ID if path.removeprefix(PREFIX).startswith(_BY_ID) else path


def _place(error: BaseException) -> str:
    """Where it happened, without the exception's text: that may quote a memory."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
