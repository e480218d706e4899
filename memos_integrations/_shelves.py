"""Where a client's turns wait: its outbox file and, while that cannot be used, a bounded outbox in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ._failures import Outage
from ._jobs import Job, Turn
from ._outbox import Counts, Outbox
from .errors import StoreError

SPARE_TURNS = 1000
_RETRY_S = 1.0  # how long an unusable file is left alone: a locked one makes every try wait


class Shelves:
    """The outboxes of one client; `path` None means memory only."""

    def __init__(self, path: Path | None, outage: Outage) -> None:
        self._path, self._outage = path, outage
        self._lock = threading.RLock()
        self._file: Outbox | None = None
        self._spare: Outbox | None = None
        self._retry_at = 0.0

    @property
    def in_use(self) -> bool:
        """Whether anything was opened."""
        return self._file is not None or self._spare is not None

    def put(self, turn: Turn, *, fallback: bool) -> bool:
        """Commit a turn to the file or, with `fallback`, to memory; False when it was told before."""
        try:
            return self._opened().put(turn)
        except StoreError as error:
            if not fallback:
                raise
            self.failed(error)
        with self._lock:
            if self._spare is None:
                self._spare = Outbox(limit=SPARE_TURNS)
            return self._spare.put(turn)

    def leases(self) -> Iterator[tuple[Outbox, Job | None]]:
        """Each outbox with its next turn; turns in memory first, nobody else can send those."""
        for outbox in self.outboxes():
            yield outbox, outbox.lease()

    def wake(self) -> None:
        """Make every waiting turn due now."""
        for outbox in self.outboxes():
            outbox.wake()

    def waiting(self, user_id: str) -> list[Job]:
        """The user's undelivered turns, oldest first; what cannot be read is left out."""
        found: list[Job] = []
        for outbox in self.outboxes():
            with suppress(StoreError):
                found += outbox.waiting(user_id)
        return sorted(found, key=lambda job: job.created_ms)

    def counts(self) -> Counts:
        """Turns that wait and turns that were given up; raises StoreError when the file cannot be read."""
        each = [outbox.counts() for outbox in self.outboxes()]
        return Counts(sum(c.pending for c in each), sum(c.dead for c in each))

    def failed(self, error: StoreError) -> None:
        """The file could not be used: leave it alone for a moment."""
        self._retry_at = time.monotonic() + _RETRY_S
        self._outage.began(error)

    def outboxes(self) -> list[Outbox]:
        """Every usable outbox; a file that does not exist yet holds nothing and is not made."""
        with self._lock:
            if self._file is None and (self._path is None or self._path.exists()):
                try:
                    self._opened()
                except StoreError as error:
                    self.failed(error)
            return [outbox for outbox in (self._spare, self._file) if outbox is not None]

    def close(self) -> int:
        """Close the files; answers how many turns were only in memory and are gone."""
        with self._lock:
            file, spare = self._file, self._spare
            self._file = self._spare = None
        lost = 0
        for outbox in (file, spare):
            if outbox is not None:
                with suppress(StoreError):
                    lost += outbox.counts().pending if outbox is spare or self._path is None else 0
                    outbox.close()
        return lost

    def _opened(self) -> Outbox:
        with self._lock:
            if self._file is None:
                if time.monotonic() < self._retry_at:
                    msg = "the outbox file could not be used a moment ago"
                    raise StoreError(msg)
                self._file = Outbox(self._path) if self._path is not None else Outbox()
            return self._file
