"""The error tree: what a MemOS answer becomes, and what an error never shows."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from memos_integrations import errors
from memos_integrations.errors import (
    APIError,
    AuthenticationError,
    InvalidRequest,
    MemOSError,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    ServerError,
    api_error,
    code_meaning,
)

# contract §2, the whole table, written down a second time as (code, class, retry-worthy).
TABLE = [
    *(
        (c, InvalidRequest, False)
        for c in (40000, 40002, 40003, 40006, 40007, 40008, 40009, 40010, 40011, 40013, 40020)
    ),
    *((c, AuthenticationError, False) for c in (40100, 40130, 40132)),
    *((c, PermissionDenied, False) for c in (40101, 40103, 40306, 50123)),
    *((c, QuotaExceeded, False) for c in (40300, 40301, 40302, 40304)),
    *((c, InvalidRequest, False) for c in (40303, 40305, 50103, 50104, 50105, 50107)),
    *((c, NotFound, False) for c in (40001, 40307, 40308, 50120, 50131)),
    (40309, RateLimited, True),
    *((c, ServerError, True) for c in (50000, 50002, 50004, 50005, 50143, 50144)),
    (50145, ServerError, False),
]


@pytest.mark.parametrize(("code", "kind", "retryable"), TABLE)
def test_code_decides(code: int, kind: type[APIError], retryable: bool) -> None:
    """contract §2: the body's code decides, whatever the HTTP status says."""
    error = api_error(code=code, status=200, request_id="r-1")
    assert type(error) is kind
    assert (error.code, error.status, error.request_id, error.retryable) == (code, 200, "r-1", retryable)
    assert code_meaning(code) in str(error)


def test_table_is_complete() -> None:
    assert sorted(code for code, _, _ in TABLE) == sorted(errors._CODES)


@pytest.mark.parametrize(
    ("code", "status", "kind", "retryable"),
    [
        (40099, 200, InvalidRequest, False),
        (40199, 200, AuthenticationError, False),
        (40399, 200, QuotaExceeded, False),
        (59999, 200, ServerError, False),
        (None, 400, InvalidRequest, False),
        (None, 401, AuthenticationError, False),
        (None, 402, QuotaExceeded, False),
        (None, 403, PermissionDenied, False),
        (None, 404, NotFound, False),
        (None, 408, InvalidRequest, True),
        (None, 409, InvalidRequest, True),
        (None, 425, InvalidRequest, True),
        (None, 429, RateLimited, True),
        (None, 500, ServerError, True),
        (None, 503, ServerError, True),
        (123, 418, InvalidRequest, False),
    ],
)
def test_unknown_codes_fall_back(code: int | None, status: int, kind: type[APIError], retryable: bool) -> None:
    error = api_error(code=code, status=status)
    assert type(error) is kind
    assert error.retryable is retryable


def test_unknown_code_has_a_meaning() -> None:
    assert code_meaning(1) == "unknown error"


def test_server_words_are_kept_apart() -> None:
    """A server may quote memory text in its message: it never stands in the exception, its repr or its pickle."""
    error = api_error(code=40000, server_message="alice likes tea")
    assert error.server_message == "alice likes tea"
    assert "alice" not in str(error) + repr(error)
    assert b"alice" not in pickle.dumps(error)


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(api_error(code=40309, status=429, request_id="r")))
    assert type(error) is RateLimited
    assert (error.code, error.status, error.request_id, error.retryable) == (40309, 429, "r", True)
    assert error.server_message is None


def every_error() -> list[type[MemOSError]]:
    return [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, MemOSError)]


def test_none_is_a_runtime_error() -> None:
    """LlamaIndex hides RuntimeErrors behind advice on nested event loops (frameworks.md B6)."""
    assert not [c for c in every_error() if issubclass(c, RuntimeError)]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(
        re.findall(
            r"\b[A-Z]\w+(?:Error|Failed|Exceeded|Open|Invalid|Denied|Found|Request|Limited|Busy|Full|Corrupt|New)\b",
            errors.__doc__ or "",
        )
    )
    assert drawn - {"RuntimeError"} == {c.__name__ for c in every_error()}


def test_every_error_says_when_it_happens() -> None:
    assert all(c.__doc__ for c in every_error())
    assert Path(errors.__file__).name == "errors.py"
