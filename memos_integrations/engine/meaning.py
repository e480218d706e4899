"""What an embedder is to the engine: vectors where it gives them, and words where it fails, hangs or talks nonsense."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from memos_integrations._exit import Ending
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
_STUDY_S = 1.0
_MAX_HUNG = 8
# A statement and a question about it, over different matters: how an embedder's cosines lie.
_PROBES = (
    ("The user lives in a small town by the sea.", "Where does the user live?"),
    ("The user is allergic to peanuts.", "Which food must the user avoid?"),
    ("The user's sister is getting married in June.", "When is the wedding?"),
    ("The user works as a nurse in a hospital.", "What is the user's job?"),
    ("The user prefers trains to planes.", "How should the user travel to Vienna?"),
    ("The user is learning to play the piano.", "Which instrument does the user play?"),
    ("The user's car broke down last week.", "What happened to the car?"),
    ("The user has a dog called Max.", "Which pets does the user have?"),
)
# The packaged model's mean cosine of those that belong together and of those that do not: what ranking is set to.
_RELATED, _UNRELATED = 0.52, 0.14
_MAX_FACTOR = 20.0
_FAILURES, _COOLDOWN_S = 3, 10.0


class Meaning:
    """Unit vectors of texts, or None: there is no embedder, it failed, took too long or answered something else.

    An outage is told once for texts and once for queries, and after three failures in a row the embedder is left alone
    for ten seconds at a time. Calls into an embedder that does not bound itself (`bounded`) are made in a thread that
    can be left behind. `query_s` and `documents_s` are the seconds a query, and the first of several texts, may take.
    """

    def __init__(self, embedder: Embedder | None, *, query_s: float = _QUERY_S, documents_s: float = _FIRST_S) -> None:
        self._embedder = embedder
        self._query_s, self._documents_s = query_s, documents_s
        self._bounded = getattr(embedder, "bounded", False)
        self._scale: tuple[float, float] | None = getattr(embedder, "scale", None)
        self._width: int | None = None
        self._told: set[str] = set()
        self._renew()

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._breaker = Breaker(_FAILURES, _COOLDOWN_S)
        self._free = threading.Semaphore(_MAX_HUNG)
        self._learning = threading.Lock()

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
        seconds = self._documents_s + _EACH_S * (len(texts) - 1)
        return self._ask(lambda: embedder.documents(texts), len(texts), seconds, "documents")

    def query(self, text: str) -> Array | None:
        """The row of a text to search with; None too when it has no direction, which would be equally far from all."""
        embedder = self._embedder
        if embedder is None:
            return None
        rows = self._ask(lambda: embedder.query(text)[None], 1, self._query_s, "a query")
        if rows is None or not rows.any():
            return None
        if self._scale is None:
            self._learn()
        row: Array = rows[0]
        return row

    @property
    def scale(self) -> tuple[float, float]:
        """Factor and summand that make this embedder's cosines comparable with the packaged model's."""
        return self._scale or (1.0, 0.0)

    def _learn(self) -> None:
        """Find the scale, in a thread: a slow embedder keeps the first query waiting for a moment only."""
        if self._learning.acquire(blocking=False):
            thread = threading.Thread(target=self._study, name="memos-embed", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # An ending interpreter starts no threads.
                self._learning.release()
                return
            thread.join(_STUDY_S)

    def _study(self) -> None:
        try:
            rows = self.documents([text for pair in _PROBES for text in pair])
            if rows is not None:
                self._scale = _scale_of(rows)
        finally:
            self._learning.release()

    def _ask(self, work: Callable[[], Array], count: int, seconds: float, what: str) -> Array | None:
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
        except Ending:
            return None
        except Exception as error:  # noqa: BLE001  # whatever a caller's embedder raises, words still find memories
            learnt = self._breaker.failed
            self._tell(error, what)
            return None
        finally:
            learnt(ticket)
        self._told.discard(what)
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
            # An ending interpreter starts no threads; the vector follows in the next process.
            free.release()
            raise Ending from None
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

    def _tell(self, error: Exception, what: str) -> None:
        # Only this package's own words are known to hold no text and no key.
        why = f"{type(error).__name__}: {error}" if isinstance(error, MemOSError) else type(error).__name__
        _log.log(
            logging.DEBUG if what in self._told else logging.WARNING,
            "the embedder failed at %s (%s); memory goes by words only until it answers, missing vectors follow then",
            what,
            why,
        )
        self._told.add(what)


def _scale_of(rows: Array) -> tuple[float, float]:
    """The scale that the vectors of the probes ask for."""
    cosines = rows[::2] @ rows[1::2].T
    count = len(cosines)
    related = float(cosines.trace()) / count
    unrelated = (float(cosines.sum()) - count * related) / (count * (count - 1))
    factor = (_RELATED - _UNRELATED) / max(related - unrelated, 1e-6)
    # An embedder that does not tell them apart is none that a scale could help.
    return (factor, _UNRELATED - factor * unrelated) if factor < _MAX_FACTOR else (1.0, 0.0)
