"""The error tree: one root, three kinds of trouble, each saying what to do next.

MemOSError                    .code .status .request_id .retryable
├ ConfigurationError          base_url, key, missing user_id
│ └ MissingExtraError         an optional dependency is not installed; names the pip command
├ TransportError              no usable answer came back
│ ├ ConnectionFailed          refused, reset, DNS, TLS
│ ├ DeadlineExceeded          the time given for the whole call is over
│ ├ CircuitOpen               memory failed repeatedly; not asked again for a moment
│ └ ResponseInvalid           the answer is not MemOS JSON
├ APIError                    MemOS answered "no": by body `code` first, then by HTTP status
│ ├ AuthenticationError  ├ PermissionDenied  ├ NotFound       ├ InvalidRequest
│ └ RateLimited          └ QuotaExceeded     └ ServerError
└ StoreError                  the embedded database or the outbox
  ├ StoreBusy  ├ StoreFull  ├ StoreCorrupt  └ SchemaTooNew

Nothing here subclasses RuntimeError: LlamaIndex turns those into a message about nested event loops.
What the server wrote is kept in `.server_message` only: it may quote memory text, which never stands in an exception.
"""

from __future__ import annotations


class MemOSError(Exception):
    """Root of every error this package raises on purpose.

    `code` is the MemOS business code (contract §2), `status` the HTTP status, `request_id` the server's id of the
    call; each is None where it does not apply. `retryable` says whether the same call may succeed later.
    """

    default_retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retryable: bool | None = None,
        server_message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retryable = self.default_retryable if retryable is None else retryable
        self.server_message = server_message

    def __reduce__(self) -> tuple[object, ...]:
        state = {k: v for k, v in self.__dict__.items() if k != "server_message"}
        return (type(self), (str(self),), {**state, "server_message": None})


class ConfigurationError(MemOSError):
    """The caller's set-up is wrong; never swallowed by adapters that fail open."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional dependency is missing; the message holds the pip command."""


class TransportError(MemOSError):
    """No usable answer came back."""

    default_retryable = True


class ConnectionFailed(TransportError):
    """The server could not be reached or the connection broke."""


class DeadlineExceeded(TransportError):
    """The time given for the whole call, retries included, is over."""


class CircuitOpen(TransportError):
    """Memory failed repeatedly; calls are refused at once until a probe succeeds."""


class ResponseInvalid(TransportError):
    """The answer is not a MemOS envelope; check that `base_url` points at a MemOS API."""

    default_retryable = False


class APIError(MemOSError):
    """MemOS understood the call and answered with an error."""


class AuthenticationError(APIError):
    """The API key is missing, wrong or expired."""


class PermissionDenied(APIError):
    """The key has no access to what was asked for."""


class NotFound(APIError):
    """What the call names does not exist."""


class InvalidRequest(APIError):
    """A parameter is missing, empty, too long or of the wrong kind."""


class RateLimited(APIError):
    """Too many calls in a short time."""

    default_retryable = True


class QuotaExceeded(APIError):
    """The account's quota is used up; retrying does not help."""


class ServerError(APIError):
    """MemOS failed on its side."""

    default_retryable = True


class StoreError(MemOSError):
    """The embedded database or the outbox could not be used."""


class StoreBusy(StoreError):
    """Another process holds the database."""

    default_retryable = True


class StoreFull(StoreError):
    """The disk or the allowed size is full."""


class StoreCorrupt(StoreError):
    """The file is not a usable database; restore it from a backup or move it away."""


class SchemaTooNew(StoreError):
    """The database was written by a newer version of this package; upgrade it."""


# contract §2: code -> (class, meaning, retry-worthy). Unknown codes fall back to their family, then to the HTTP status.
_CODES: dict[int, tuple[type[APIError], str, bool]] = {
    40000: (InvalidRequest, "invalid request parameters", False),
    40001: (NotFound, "the requested data does not exist", False),
    40002: (InvalidRequest, "a required parameter is empty", False),
    40003: (InvalidRequest, "a list or object parameter is empty", False),
    40006: (InvalidRequest, "unsupported type", False),
    40007: (InvalidRequest, "unsupported file type", False),
    40008: (InvalidRequest, "invalid base64 content", False),
    40009: (InvalidRequest, "invalid base64 format", False),
    40010: (InvalidRequest, "user_id is longer than 100 characters", False),
    40011: (InvalidRequest, "conversation_id is longer than 100 characters", False),
    40013: (InvalidRequest, "the messages are too long in total", False),
    40020: (InvalidRequest, "invalid project id", False),
    40100: (AuthenticationError, "an API key is required", False),
    40101: (PermissionDenied, "forbidden", False),
    40103: (PermissionDenied, "the key has no access", False),
    40130: (AuthenticationError, "an API key is required", False),
    40132: (AuthenticationError, "the API key is invalid or expired", False),
    40300: (QuotaExceeded, "the API call limit is reached", False),
    40301: (QuotaExceeded, "the request-token quota is used up", False),
    40302: (QuotaExceeded, "the response-token quota is used up", False),
    40303: (InvalidRequest, "a single conversation is too long", False),
    40304: (QuotaExceeded, "the account's API quota is used up", False),
    40305: (InvalidRequest, "a single request has too many tokens", False),
    40306: (PermissionDenied, "not authorized to delete this memory", False),
    40307: (NotFound, "the memory to delete was not found", False),
    40308: (NotFound, "the user of the memory to delete was not found", False),
    40309: (RateLimited, "too many tokens in the current window", True),
    50000: (ServerError, "internal error (also the answer to an unknown path)", True),
    50002: (ServerError, "the operation failed", True),
    50004: (ServerError, "the memory service is unavailable", True),
    50005: (ServerError, "the search service is unavailable", True),
    50103: (InvalidRequest, "more than 20 files", False),
    50104: (InvalidRequest, "a file is larger than 100 MB", False),
    50105: (InvalidRequest, "the files are larger than 300 MB in total", False),
    50107: (InvalidRequest, "unsupported upload format", False),
    50120: (NotFound, "the knowledge base does not exist", False),
    50123: (PermissionDenied, "the knowledge base is not linked to this project", False),
    50131: (NotFound, "the task was not found", False),
    50143: (ServerError, "adding the memory failed", True),
    50144: (ServerError, "adding the message failed", True),
    50145: (ServerError, "recording the feedback failed", False),
}
_ADVICE: dict[type[APIError], str] = {
    AuthenticationError: "set MEMOS_API_KEY or pass api_key=",
    PermissionDenied: "check the key's project and rights in the MemOS console",
    NotFound: "check the id",
    InvalidRequest: "correct the request",
    RateLimited: "wait and call again",
    QuotaExceeded: "raise the plan's quota or wait for its renewal",
    ServerError: "call again later",
}
_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    402: QuotaExceeded,
    403: PermissionDenied,
    404: NotFound,
    429: RateLimited,
}
_RETRY_STATUS = frozenset({408, 409, 425, 429})


def code_meaning(code: int) -> str:
    """The contract's words for a business code, or "unknown error"."""
    return _CODES[code][1] if code in _CODES else "unknown error"


def api_error(
    *,
    code: int | None = None,
    status: int | None = None,
    request_id: str | None = None,
    server_message: str | None = None,
) -> APIError:
    """The typed error for a MemOS answer: by body code first, then by HTTP status (contract §2)."""
    if code is not None and code in _CODES:
        kind, meaning, retryable = _CODES[code]
    else:
        kind, meaning, retryable = _by_family(code, status)
    shown = f"code {code}" if code is not None else f"HTTP {status}"
    return kind(
        f"MemOS answered {shown}: {meaning}; {_ADVICE[kind]}",
        code=code,
        status=status,
        request_id=request_id,
        retryable=retryable,
        server_message=server_message,
    )


def _by_family(code: int | None, status: int | None) -> tuple[type[APIError], str, bool]:
    family = (code or 0) // 100
    by_code = {400: InvalidRequest, 401: AuthenticationError, 403: QuotaExceeded}.get(family)
    if by_code is not None:
        return by_code, "unknown error", False
    if code is not None and code // 10000 == 5:
        return ServerError, "unknown error", False
    number = status or 0
    kind = _STATUS.get(number, InvalidRequest if 400 <= number < 500 else ServerError)
    return kind, "request refused" if number < 500 else "server failure", number in _RETRY_STATUS or number >= 500
