"""What an embedder is to the engine: vectors where it gives them, and words where it fails, hangs or talks nonsense."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from memos_integrations._policy import Breaker
from memos_integrations.engine.embed import Embedder
from memos_integrations.errors import DeadlineExceeded, MemOSError, ResponseInvalid

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array

_log = logging.getLogger(__name__)
# A recall waits for three seconds; one without the query's vector still finds by words.
_QUERY_S = 2.0
# An add waits for half a minute; a model may have to be loaded first, and then embeds a text in much less than one.
_FIRST_S, _EACH_S = 10.0, 1.0
_MAX_HUNG = 8
_FAILURES, _COOLDOWN_S = 3, 10.0


class Meaning:
    """Unit vectors of texts, or None: there is no embedder, it failed, took too long or answered something else.

    An outage is told once, and after three failures in a row the embedder is left alone for ten seconds at a time.
    Calls into an embedder that does not bound itself (`bounded`) are made in a thread that can be left behind.
    `query_s` and `documents_s` are the seconds a query, and the first of several texts, may take.
    """

    def __init__(self, embedder: Embedder | None, *, query_s: float = _QUERY_S, documents_s: float = _FIRST_S) -> None:
        self._embedder = embedder
        self._query_s, self._documents_s = query_s, documents_s
        self._bounded = getattr(embedder, "bounded", False)
        self._width: int | None = None
        self._told = False
        self._renew()

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._breaker = Breaker(_FAILURES, _COOLDOWN_S)
        self._free = threading.Semaphore(_MAX_HUNG)

    @property
    def model(self) -> str | None:
        """The embedder's own name; None without one."""
        return None if self._embedder is None else self._embedder.name

    @property
    def name(self) -> str | None:
        """What vectors are stored under, their width included; None until the first vector has come."""
        return None if self._width is None else f"{self.model}/{self._width}"

    def documents(self, texts: Sequence[str]) -> Array | None:
        """One row per text to be found."""
        embedder = self._embedder
        if embedder is None or not texts:
            return None
        return self._ask(lambda: embedder.documents(texts), len(texts), self._documents_s + _EACH_S * (len(texts) - 1))

    def query(self, text: str) -> Array | None:
        """The row of a text to search with; None too when it has no direction, which would be equally far from all."""
        embedder = self._embedder
        if embedder is None:
            return None
        rows = self._ask(lambda: embedder.query(text)[None], 1, self._query_s)
        if rows is None or not rows.any():
            return None
        row: Array = rows[0]
        return row

    def _ask(self, work: Callable[[], Array], count: int, seconds: float) -> Array | None:
        if self._pid != os.getpid():
            # A lock that another thread held during the fork would never be released.
            self._renew()
        ticket = self._breaker.admit()
        if ticket is None:
            return None
        learnt = self._breaker.abandoned
        try:
            rows = self._checked(work() if self._bounded else self._patiently(work, seconds), count)
            learnt = self._breaker.succeeded
        except Exception as error:  # noqa: BLE001  # whatever a caller's embedder raises, words still find memories
            learnt = self._breaker.failed
            self._tell(error)
            return None
        finally:
            learnt(ticket)
        self._told = False
        return rows

    def _patiently(self, work: Callable[[], Array], seconds: float) -> Array:
        if not self._free.acquire(blocking=False):
            msg = "earlier calls still hang"
            raise DeadlineExceeded(msg)
        answer: Future[Array] = Future()
        free = self._free

        def call() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001  # it belongs to the thread that waits
                answer.set_exception(error)
            finally:
                free.release()

        thread = threading.Thread(target=contextvars.copy_context().run, args=(call,), name="memos-embed", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is ending and starts no threads any more; the vector follows in the next process.
            free.release()
            raise
        try:
            return answer.result(seconds)
        except TimeoutError:
            if answer.done():
                raise
            msg = "no vector within the time given"
            raise DeadlineExceeded(msg) from None

    def _checked(self, rows: Array, count: int) -> Array:
        import numpy as np

        if rows.ndim != 2 or len(rows) != count or not rows.shape[1] or not np.isfinite(rows).all():
            msg = "not one vector of numbers per text"
            raise ResponseInvalid(msg)
        if self._width is None:
            self._width = int(rows.shape[1])
        if rows.shape[1] != self._width:
            msg = f"vectors of width {rows.shape[1]} after some of width {self._width}"
            raise ResponseInvalid(msg)
        return rows

    def _tell(self, error: Exception) -> None:
        # Only this package's own words are known to hold no text and no key.
        what = f"{type(error).__name__}: {error}" if isinstance(error, MemOSError) else type(error).__name__
        _log.log(
            logging.DEBUG if self._told else logging.WARNING,
            "the embedder failed (%s); memory goes by words only until it answers, missing vectors follow then",
            what,
        )
        self._told = True
