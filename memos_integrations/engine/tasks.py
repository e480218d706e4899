"""Work that goes on after an answer: adds with async_mode, and vectors that are missing.

Tasks are rows, so they survive a restart; a worker thread takes them in order and ends when none is left. A task is
held by one process at a time and taken over when its holder is gone. It is completed in the transaction that stores
its memories, so it is carried out once.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from memos_integrations._sqlite import Transaction

_log = logging.getLogger(__name__)
_LEASE_MS = 300_000
_ATTEMPTS = 3
_KEEP_MS = 7 * 24 * 3_600_000
# The workers of this process; a holder of this pid that is not among them belongs to an earlier life of the pid.
_live: set[str] = set()


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed task: whose it is, and the request it carries out as JSON."""

    id: str
    owners: list[str]
    payload: str
    attempts: int


def put_task(
    tx: Transaction, task_id: str, owners: Sequence[str], now: int, views: dict[str, Any], payload: str | None = None
) -> None:
    """Store a task: running with the payload that is left to do, or completed without; `views` is what was done."""
    tx.run("delete from task where status <> 'running' and created < :before", {"before": now - _KEEP_MS})
    tx.run(
        "insert into task (id, owners, payload, status, views, created)"
        " values (:id, :owners, :payload, :status, :views, :now)",
        {
            "id": task_id,
            "owners": json.dumps(list(owners)),
            "payload": payload or "",
            "status": "running" if payload else "completed",
            "views": json.dumps(views),
            "now": now,
        },
    )


def claim_task(tx: Transaction, holder: str, now: int) -> Task | None:
    """The oldest running task that nobody holds, now held by `holder`."""
    rows = tx.all("select id, holder, lease from task where status = 'running' order by sequence")
    for task_id, held_by, lease in rows:
        if lease > now and (held_by == holder or _alive(held_by)):
            continue
        key = {"id": task_id}
        tx.run(
            "update task set holder = :holder, lease = :lease, attempts = attempts + 1 where id = :id",
            {"holder": holder, "lease": now + _LEASE_MS, **key},
        )
        taken = tx.all("select owners, payload, attempts from task where id = :id", key)
        return next(Task(task_id, json.loads(owners), payload, attempts) for owners, payload, attempts in taken)
    return None


def task_owners(tx: Transaction, task_id: str) -> list[str]:
    """Whose a running task still is: an owner deleted meanwhile is not among them."""
    row = tx.one("select owners from task where id = :id and status = 'running'", {"id": task_id})
    return [] if row is None else list(json.loads(row[0]))


def finish_task(tx: Transaction, task_id: str, status: str, views: dict[str, Any] | None = None) -> None:
    """End a running task and drop its payload; `views` replaces what it had done before."""
    tx.run(
        "update task set status = :status, views = coalesce(:views, views), payload = ''"
        " where id = :id and status = 'running'",
        {"status": status, "views": None if views is None else json.dumps(views), "id": task_id},
    )


def postpone_task(tx: Transaction, task_id: str, attempts: int) -> bool:
    """Give a failed task back, or end it as failed after enough tries; True when it will be tried again."""
    if attempts >= _ATTEMPTS:
        finish_task(tx, task_id, "failed")
        return False
    tx.run("update task set holder = '', lease = 0 where id = :id", {"id": task_id})
    return True


def read_views(tx: Transaction, task_id: str) -> dict[str, Any]:
    """What a task did so far; empty for one that is gone."""
    found = read_task(tx, task_id)
    return {} if found is None else found[1]


def read_task(tx: Transaction, task_id: str) -> tuple[str, dict[str, Any]] | None:
    """`(status, memory_views)` of a task."""
    row = tx.one("select status, views from task where id = :id", {"id": task_id})
    return None if row is None else (str(row[0]), json.loads(row[1]))


def has_open_tasks(tx: Transaction) -> bool:
    """True when a task is running."""
    return tx.one("select 1 from task where status = 'running' limit 1") is not None


def drop_tasks(tx: Transaction, owner: str) -> None:
    """Take an owner out of every task, and delete the tasks that nobody else shares."""
    tx.run(
        "update task set owners = (select json_group_array(value) from json_each(owners) where value <> :owner)"
        " where exists (select 1 from json_each(owners) where value = :owner)",
        {"owner": owner},
    )
    tx.run("delete from task where owners = '[]'")


def _alive(holder: str) -> bool:
    pid, _, _ = holder.partition(":")
    if not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return holder in _live
    if os.name != "posix":
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Worker:
    """A thread that runs `step(holder)` until it returns False, and starts again when woken."""

    def __init__(self, step: Callable[[str], bool]) -> None:
        self._step = step
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._more = False
        self._closed = False
        self._pid = os.getpid()
        self._holder = ""

    def wake(self) -> None:
        """Say that there is something to do."""
        if self._pid != os.getpid():
            # The thread did not come along through the fork, and its lock may be held for ever.
            self._pid, self._lock, self._thread = os.getpid(), threading.Lock(), None
        with self._lock:
            if self._closed:
                return
            self._more = True
            if self._thread is None:
                self._holder = f"{os.getpid()}:{uuid.uuid4().hex}"
                _live.add(self._holder)
                self._thread = threading.Thread(target=self._run, name="memos-engine", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._wanted():
            try:
                while not self._closed and self._step(self._holder):
                    pass
            except Exception as error:  # noqa: BLE001  # a worker that dies would leave tasks running for ever
                _log.warning("background work on the memory database failed: %s", type(error).__name__)

    def _wanted(self) -> bool:
        with self._lock:
            wanted, self._more = self._more and not self._closed, False
            if not wanted:
                self._thread = None
                _live.discard(self._holder)
            return wanted

    def close(self, timeout_s: float = 10.0) -> None:
        """Finish the step at hand and stop."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            with suppress(RuntimeError):
                thread.join(timeout_s)
