"""From the outbox to MemOS: one daemon thread per client, started when there is work, gone when there is none.

A thread, not a task, so that turns written inside `asyncio.run(...)` are sent after that loop is gone. An outage pauses
everything and loses nothing; a turn the server refuses for itself goes to the dead letters and never blocks the next.
"""

from __future__ import annotations

import atexit
import importlib
import os
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

from . import _exit  # noqa: F401  # its exit handler must be older than those made here
from ._failures import Outage, backoff_s
from ._jobs import Turn
from ._outbox import Counts
from ._overlay import Fresh, Overlay
from ._recall import RecallCache
from ._redact import get_logger
from ._sending import Outcome, Sender
from ._session_options import OnExtract, SessionOptions
from ._shelves import Shelves
from .client import MemOSClient
from .errors import ConfigurationError, StoreError

logger = get_logger(__name__)
CLOSE_S = 5.0
IDLE_S = 5.0
CALL_TIMEOUT_S = 25.0  # with two calls per turn well below the outbox's lease
ASK_TIMEOUT_S = 2.0
_UNASKED_PAUSE_S = 1.0  # an open breaker answers without asking the server, and knows when to probe
_POLL_S = 0.2


class Delivery:
    """The outbox of one client and the thread that empties it; made by `delivery_of`."""

    def __init__(self, client: MemOSClient) -> None:
        self.exit_drain_s = 0.0
        self._client = weakref.ref(client)
        self._embedded = client.is_embedded
        self._path = _path_of(client)
        self._sessions: weakref.WeakSet[object] = weakref.WeakSet()
        _warm_up(embedded=self._embedded)
        self._begin()

    def _begin(self) -> None:
        """State that must not cross a fork: locks, the thread, turns in memory (the parent sends those)."""
        self._pid = os.getpid()
        self.outage = Outage()
        self.overlay = Overlay()
        self.recalls = RecallCache()
        self._shelves = Shelves(self._path, self.outage)
        self._sender = Sender(self.overlay, self.outage, embedded=self._embedded)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._looked = self._wake = False
        self._kicks = self._failures = self._pauses = 0
        self._paused_until = 0.0

    def _here(self) -> Shelves:
        """The shelves of this process."""
        if self._pid != os.getpid():
            # Kept, not closed: these are the parent's open files.
            _inherited.append(self._shelves)
            self._begin()
        return self._shelves

    # -- the user's path

    def attach(self, session: object, user_id: str, conversation_id: str | None, options: SessionOptions) -> None:
        """A session uses this delivery; the last one to leave closes the files.

        Its `on_extract` also hears of turns of its conversation that an earlier process left behind.
        """
        self._here()
        self._sessions.add(session)
        self.exit_drain_s = max(self.exit_drain_s, options.exit_drain_s)
        if options.on_extract is not None:
            self._sender.listen_on(user_id, conversation_id, options.on_extract)

    def detach(self, session: object) -> None:
        """A session is done."""
        self._sessions.discard(session)
        if not len(self._sessions):
            self.close()

    def put(self, turn: Turn, on_extract: OnExtract | None = None, *, fallback: bool = True) -> bool:
        """Commit a turn; False when it was told before. Without a usable file it is kept in memory (`fallback`)."""
        shelves = self._here()
        if on_extract is not None:
            self._sender.listen(turn.key, on_extract)
        stored = shelves.put(turn, fallback=fallback)
        if stored:
            self.kick()
        return stored

    def fresh(self, user_id: str) -> list[Fresh]:
        """What the user's last turns said and no search has shown yet, newest first."""
        shelves = self._here()
        waiting = shelves.waiting(user_id)
        if waiting or (shelves.in_use and not self._looked) or self.overlay.asks(user_id):
            # The first look also sends what an earlier process left behind.
            self._looked = True
            self.kick()
        return self.overlay.of(user_id, waiting)

    def answered(self) -> None:
        """The server answered a recall: an outage is over."""
        self.outage.ended()
        if self._paused_until > time.monotonic():
            self._resume()
            self.kick()

    def kick(self) -> None:
        """There may be work: wake the thread, or start it."""
        client = self._client()
        with self._changed:
            self._kicks += 1
            self._changed.notify_all()
            if client is None or (self._thread is not None and self._thread.is_alive() and not self._stop.is_set()):
                return
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._work, args=(client, self._stop), name="memos-outbox", daemon=True
            )
            # At interpreter exit no thread can be started any more; `drain` then works in the exiting thread.
            with suppress(RuntimeError):
                self._thread.start()

    def flush(self, timeout_s: float) -> bool:
        """Send everything now; False when the time is over or the server does not answer.

        Whoever waits wants a try: one call goes out even while the breaker is open, and its failure ends the waiting.
        """
        shelves = self._here()
        client = self._client()
        if client is not None and _pending(shelves):
            client.ask_anew()
        self._resume()
        deadline = time.monotonic() + timeout_s
        failures = self._failures
        while _pending(shelves):
            self.kick()
            with self._changed:
                left = deadline - time.monotonic()
                if left <= 0 or self._failures - failures >= 2:
                    return False
                self._changed.wait(min(left, _POLL_S))
        return True

    def counts(self) -> Counts:
        """Turns that wait and turns that were given up."""
        return self._here().counts()

    def revive(self) -> int:
        """Send the dead letters again; answers how many."""
        revived = sum(outbox.revive() for outbox in self._here().outboxes())
        self.kick()
        return revived

    def clear(self, user_id: str, conversation_id: str | None) -> None:
        """Show nothing more of what one conversation said so far; its turns are delivered all the same."""
        self.overlay.clear(user_id, conversation_id, self._here().waiting(user_id))

    def forget(self, user_id: str) -> int:
        """Drop a user's undelivered turns and fresh memories; answers how many turns."""
        self.overlay.forget(user_id)
        return sum(outbox.forget(user_id) for outbox in self._here().outboxes())

    # -- ending

    def drain(self, deadline: float) -> None:
        """Send what is possible before `deadline` (monotonic), at exit; never raises, leaves no thread behind."""
        with suppress(Exception):
            client = self._client()
            failures = self._failures
            self._wake = True  # turns that wait for others to be joined with have waited enough
            while (
                client is not None
                and self._pid == os.getpid()
                and time.monotonic() < deadline
                and self._failures == failures
                and self._shelves.in_use
                and _pending(self._shelves)
            ):
                if self._thread is not None and self._thread.is_alive():
                    with self._changed:
                        self._changed.wait(max(0.0, min(0.05, deadline - time.monotonic())))
                elif self._step(client, timeout_s=max(0.05, deadline - time.monotonic())) != 0:
                    break
            self.close(join_s=max(0.0, deadline - time.monotonic()))

    def finish(self) -> None:
        """The client is about to be closed: send what is possible in a few seconds; a dead server ends it at once."""
        self.drain(time.monotonic() + CLOSE_S)

    def close(self, join_s: float = 2.0) -> None:
        """Stop the thread and close the files; the next use opens them again."""
        if self._pid != os.getpid():
            return
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(join_s)
        lost = self._shelves.close()
        if lost:
            logger.warning("%d turns were kept only in memory and are lost: the outbox file could not be used", lost)

    # -- the thread

    def _work(self, client: MemOSClient, stop: threading.Event) -> None:
        while True:
            kicks = self._kicks
            wait = self._step(client)
            if wait == 0 and not stop.is_set():
                continue
            with self._changed:
                if self._kicks == kicks and not stop.is_set():
                    self._changed.wait(IDLE_S if wait is None else max(0.02, wait))
                if stop.is_set() or (wait is None and self._kicks == kicks):
                    if self._thread is threading.current_thread():
                        self._thread = None
                    return

    def _step(self, client: MemOSClient, timeout_s: float = CALL_TIMEOUT_S) -> float | None:
        """Deliver one turn: 0 = look again at once, seconds = nothing to do until then, None = nothing waits."""
        pause = self._paused_until - time.monotonic()
        if pause > 0:
            return pause
        waits: list[float] = []
        try:
            if self._wake:
                self._wake = False
                self._shelves.wake()
            for outbox, job in self._shelves.leases():
                if job is not None:
                    sender = client.with_options(timeout_s=timeout_s, max_attempts=2)
                    return self._after(self._sender.send(sender, outbox, job))
                due = outbox.next_due_s()
                if due is not None:
                    # 0 here means: another process holds the turns before it.
                    waits.append(min(due, 5.0) or _POLL_S)
        except StoreError as error:
            self._shelves.failed(error)
            waits.append(1.0)
        # Last, since nobody waits for it; what is due later than the thread lives is asked when there is work again.
        asked = self._sender.ask(client.with_options(timeout_s=min(timeout_s, ASK_TIMEOUT_S), max_attempts=1))
        if asked is not None and asked <= IDLE_S:
            waits.append(asked)
        return min(waits, default=None)

    def _after(self, outcome: Outcome) -> float | None:
        with self._changed:
            self._changed.notify_all()
            if outcome == "sent":
                self._pauses = 0
            elif outcome == "closed":
                self._failures += 2
                return None
            elif outcome == "unasked":
                self._failures += 1
                self._paused_until = time.monotonic() + _UNASKED_PAUSE_S
            elif outcome == "outage":
                self._failures += 1
                self._paused_until = time.monotonic() + backoff_s(self._pauses)
                self._pauses += 1
        return 0

    def _resume(self) -> None:
        """Forget every pause; the thread makes waiting turns due, so that nobody else touches the file for it."""
        with self._changed:
            self._paused_until, self._pauses, self._wake = 0.0, 0, True


def _warm_up(*, embedded: bool) -> None:
    """Load what turns need, a good tenth of a second, when the first session is made.

    Not in the first recall, where a person waits, and not in the thread, where a fork in the middle of an import would
    leave the child with half a module.
    """
    for name in ("extract", "present", *(("memories",) if embedded else ())):
        importlib.import_module(f"memos_integrations.engine.{name}")


def _path_of(client: MemOSClient) -> Path | None:
    try:
        return client.outbox_path
    except (OSError, ConfigurationError):
        # A read-only machine is no reason to refuse a chat; what it costs is said once per client.
        logger.warning("no folder for the outbox: turns wait in memory only; let MEMOS_HOME name a writable folder")
        return None


def _pending(shelves: Shelves) -> bool:
    try:
        return shelves.counts().pending > 0
    except StoreError:
        return True


_inherited: list[Shelves] = []
_registry: weakref.WeakKeyDictionary[MemOSClient, Delivery] = weakref.WeakKeyDictionary()
_registry_lock = threading.Lock()


def delivery_of(client: MemOSClient) -> Delivery:
    """The one delivery of a client, made when it is first asked for."""
    with _registry_lock:
        found = _registry.get(client)
        if found is None:
            found = _registry[client] = Delivery(client)
            client.before_close(found.finish)
            weakref.finalize(client, found.close).atexit = False
            # Registered again for each client, so that it runs before the exit handlers of whatever that client uses.
            atexit.unregister(_drain_all)
            atexit.register(_drain_all)
        return found


def _drain_all() -> None:
    deliveries = list(_registry.values())
    deadline = time.monotonic() + max((d.exit_drain_s for d in deliveries), default=0.0)
    for delivery in deliveries:
        delivery.drain(deadline)
