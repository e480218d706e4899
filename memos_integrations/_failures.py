"""What a failure means for a turn, how long to wait after it, and what is said about it, once."""

from __future__ import annotations

import logging
import random
import threading
from typing import Literal

from ._redact import get_logger
from .errors import APIError, InvalidRequest, MemOSError, NotFound, ResponseInvalid, ServerError

logger = get_logger(__name__)
Kind = Literal["refused", "server", "outage"]
PAUSE_CAP_S = 60.0
_OUTAGE_STATUS = frozenset({502, 503, 504})
_OUTAGE_CODES = frozenset({50004, 50005})


def kind_of(error: MemOSError) -> Kind:
    """Whose fault: "refused" (this turn), "server" (this turn or the server), "outage" (server, key or network)."""
    if isinstance(error, InvalidRequest | NotFound):
        return "refused"
    if isinstance(error, ResponseInvalid):
        return "server"
    if isinstance(error, ServerError) and error.status not in _OUTAGE_STATUS and error.code not in _OUTAGE_CODES:
        return "server"
    return "outage"


def backoff_s(tries: int) -> float:
    """Seconds to wait after `tries` failures: doubling from half a second to a minute, spread by chance."""
    return min(PAUSE_CAP_S, 0.5 * 2.0 ** min(tries, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def name_of(error: MemOSError) -> str:
    """The error's kind and number; never its text."""
    number = error.code if isinstance(error, APIError) and error.code is not None else error.status
    return type(error).__name__ if number is None else f"{type(error).__name__} {number}"


class Outage:
    """Says once that memory is unavailable, and once that it is back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on = False

    def began(self, error: MemOSError) -> None:
        """A call failed; only the first one of an outage is logged as a warning."""
        with self._lock:
            first, self._on = not self._on, True
        logger.log(
            logging.WARNING if first else logging.DEBUG,
            "memory is unavailable (%s): the chat goes on without it, turns are kept and sent later",
            name_of(error),
        )

    def ended(self) -> None:
        """A call succeeded."""
        with self._lock:
            was, self._on = self._on, False
        if was:
            logger.info("memory is available again")
