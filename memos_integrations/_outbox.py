"""Durable turns: put, lease, ack, dead-letter; one SQLite file shared by any number of threads and processes.

A turn is committed before `put` returns and stays until `ack`. Whoever delivers holds a lease, so each turn is sent by
one process at a time; the lease of a process that died is free at once on the same machine, else when it runs out.
Turns of one user's conversation leave in order; one that keeps failing by itself (`suspect`) lets the next pass.
Keys of delivered turns are remembered, so that a turn told twice is stored once.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ._jobs import JOIN_TURNS, Job, Turn, body_of, job_of, joinable, regrouped, together, turn_key
from ._sqlite import MEMORY, Transaction, open_database
from .errors import StoreBusy, StoreFull

TOMBSTONES = 100_000
_PRUNE_EVERY = 256
_CAN_PROBE = os.name == "posix"  # elsewhere os.kill(pid, 0) would end the process it asks about

_MIGRATIONS = (
    """
    create table turn (
        seq integer primary key autoincrement,
        key text not null unique,
        lane text not null,
        user_id text not null,
        conversation_id text,
        body text not null,
        extracted text,
        created_ms integer not null,
        attempts integer not null default 0,
        failed_ms integer not null default 0,
        due_ms integer not null default 0,
        suspect integer not null default 0,
        dead integer not null default 0,
        unsure integer not null default 0,
        reason text,
        leased_by text,
        leased_until_ms integer not null default 0
    );
    create index turn_lane on turn (lane, seq) where dead = 0 and suspect = 0;
    create index turn_user on turn (user_id, seq) where dead = 0;
    create index turn_leased on turn (leased_until_ms) where leased_by is not null;
    create table done (key text primary key, at_ms integer not null) without rowid;
    create index done_age on done (at_ms);
    """,
    """
    alter table turn add column joined integer;
    create index turn_joined on turn (joined) where joined is not null;
    """,
)
COLUMNS = "seq, key, user_id, conversation_id, body, extracted, created_ms, attempts, failed_ms, unsure, joined"
_READY = f"""
    select {COLUMNS}
    from turn t
    where dead = 0 and suspect = :suspect and due_ms <= :now and leased_until_ms <= :now and not exists (
        select 1 from turn e where e.lane = t.lane and e.seq < t.seq and e.dead = 0 and e.suspect = 0)
    order by seq limit 1
"""  # noqa: S608 - the names of columns, no values
# Only the first turn of a conversation says when something can be sent.
_DUE = """
    select min(max(due_ms, leased_until_ms)) from turn where dead = 0 and (suspect = 1 or seq in (
        select min(seq) from turn where dead = 0 and suspect = 0 group by lane))
"""
_WAITING = f"select {COLUMNS} from turn where dead = 0 and user_id = ? order by seq desc limit ?"  # noqa: S608
_LATER = f"""
    select {COLUMNS}
    from turn
    where lane = (select lane from turn where seq = :seq) and seq > :seq and dead = 0 and suspect = 0
    order by seq limit :most
"""  # noqa: S608 - the names of columns, no values
_FULL = """
    update turn set due_ms = 0 where lane = :lane and dead = 0 and suspect = 0 and failed_ms = 0
    and (select count(*) from turn where lane = :lane and dead = 0 and suspect = 0 and joined is null) >= :most
"""
_TOGETHER = f"select {COLUMNS} from turn where joined = ? and dead = 0 order by seq"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Counts:
    """Turns that wait for delivery, and turns that were given up."""

    pending: int = 0
    dead: int = 0


class Outbox:
    """Turns in one SQLite file, or in memory; every method is one transaction and may raise a StoreError.

    `limit` bounds how many turns may wait (StoreFull beyond); `lease_s` is how long a leased turn is left alone.
    """

    def __init__(
        self,
        path: str | Path = MEMORY,
        *,
        lease_s: float = 60.0,
        limit: int | None = None,
        clock: Callable[[], float] = time.time,
        busy_timeout_s: float = 1.0,
    ) -> None:
        # A turn is on the disk before `put` returns. What delivery notes down may be lost by a power cut: the turn is
        # then sent again with the same ids. So it does not wait for the disk, and `put` does not wait for it.
        self._in = open_database(path, _MIGRATIONS, durability="full", busy_timeout_s=busy_timeout_s)
        self._db = self._in
        if not self._in.in_memory:
            self._db = open_database(path, _MIGRATIONS, durability="normal", busy_timeout_s=busy_timeout_s)
        self._lease_ms = round(lease_s * 1000)
        self._limit = limit
        self._clock = clock
        self._instance = secrets.token_hex(4)
        self._acks = 0

    def put(self, turn: Turn) -> bool:
        """Commit `turn`; False when its key waits already or was delivered before.

        A turn that may be joined waits for its window to end, unless as many as may be joined wait already.
        """
        now = self._now()
        values = {
            "key": turn.key,
            "lane": turn_key(turn.user_id, turn.conversation_id, "lane"),
            "user": turn.user_id,
            "conversation": turn.conversation_id,
            "body": body_of(turn),
            "now": now,
            "due": now + turn.join_ms if turn.join_ms else 0,
            "most": JOIN_TURNS,
        }
        with self._in.write() as tx:
            if tx.one("select 1 from done where key = :key", values):
                return False
            if self._limit is not None and _pending(tx) >= self._limit:
                msg = "too many turns wait for delivery in memory"
                raise StoreFull(msg)
            stored = tx.run(
                "insert or ignore into turn (key, lane, user_id, conversation_id, body, created_ms, due_ms)"
                " values (:key, :lane, :user, :conversation, :body, :now, :due)",
                values,
            )
            if turn.join_ms:
                tx.run(_FULL, values)
            return stored == 1

    def lease(self) -> Job | None:
        """The oldest turn that may be sent now, with those it is joined with, reserved for this process; None = none.

        What is sent together once stays together, whatever happens, so that it is told from other turns the same way.
        """
        with self._db.write() as tx:
            self._reclaim(tx)
            now = self._now()
            row = tx.one(_READY, {"now": now, "suspect": 0}) or tx.one(_READY, {"now": now, "suspect": 1})
            if row is None:
                return None
            job = self._whole(tx, job_of(row))
            self._hold(tx, job)
            return job

    def _whole(self, tx: Transaction, head: Job) -> Job:
        """`head` with the turns that are sent together with it."""
        if head.joined is not None:
            return together([job_of(row) for row in tx.all(_TOGETHER, (head.joined,))])
        if not head.turn.join_ms:
            return head
        later = map(job_of, tx.all(_LATER, {"seq": head.seq, "most": JOIN_TURNS}))
        parts = [replace(part, joined=head.seq) for part in (head, *joinable(head, later))]
        for part in parts:
            tx.run("update turn set joined = ? where seq = ?", (head.seq, part.seq))
        return together(parts)

    def next_due_s(self) -> float | None:
        """Seconds until `lease` may find something (0 = now); None when nothing waits."""
        with self._db.read() as tx:
            (due,) = tx.one(_DUE) or (None,)
        return None if due is None else max(0.0, (due - self._now()) / 1000)

    def save_extracted(self, job: Job, extracted: str) -> None:
        """Remember the answer of extract/memory ("" = do not ask again) and renew the lease."""
        with self._db.write() as tx:
            for part in job.each:
                # One answer for all joined turns: it stands with the first, the others have nothing to add to it.
                own = extracted if part.seq == job.seq or not extracted else "{}"
                tx.run("update turn set extracted = :e where seq = :seq", {"e": own, "seq": part.seq})
            self._hold(tx, job)

    def ack(self, job: Job) -> None:
        """Delivered: forget the text, remember the key."""
        with self._db.write() as tx:
            for part in job.each:
                tx.run("delete from turn where seq = ?", (part.seq,))
                tx.run("insert or ignore into done values (?, ?)", (part.turn.key, self._now()))
            self._acks += 1
            if self._acks % _PRUNE_EVERY == 0:
                tx.run(
                    "delete from done where at_ms < (select at_ms from done order by at_ms desc limit 1 offset ?)",
                    (TOMBSTONES,),
                )

    def retry(
        self, job: Job, delay_s: float, *, counts: bool = True, suspect: bool = False, unsure: bool = False
    ) -> None:
        """Give the turn back, to be sent again in `delay_s`; a `suspect` one lets later ones pass, from now on."""
        values = {
            "one": int(counts),
            "due": self._now() + round(delay_s * 1000),
            "suspect": int(suspect),
            "unsure": int(unsure),
            "now": self._now(),
        }
        with self._db.write() as tx:
            for part in job.each:
                tx.run(
                    "update turn set attempts = attempts + :one, due_ms = :due, suspect = max(suspect, :suspect),"
                    " unsure = max(unsure, :unsure), leased_by = null, leased_until_ms = 0,"
                    " failed_ms = case failed_ms when 0 then :now else failed_ms end where seq = :seq",
                    {**values, "seq": part.seq},
                )

    def part(self, job: Job) -> None:
        """Send joined turns one by one from now on: one of them may be what the server refuses."""
        with self._db.write() as tx:
            for part in job.each:
                tx.run(
                    "update turn set joined = seq, due_ms = 0, leased_by = null, leased_until_ms = 0 where seq = ?",
                    (part.seq,),
                )

    def bury(self, job: Job, reason: str) -> None:
        """Move the turn to the dead letters; it is kept, and never sent again by itself."""
        with self._db.write() as tx:
            for part in job.each:
                tx.run(
                    "update turn set dead = 1, reason = ?, leased_by = null, leased_until_ms = 0 where seq = ?",
                    (reason, part.seq),
                )

    def wake(self) -> None:
        """Make every waiting turn due now."""
        with self._db.read() as tx:
            waiting = tx.one("select 1 from turn where dead = 0 and due_ms > ?", (self._now(),))
        if waiting:
            with self._db.write() as tx:
                tx.run("update turn set due_ms = 0 where dead = 0")

    def waiting(self, user_id: str, limit: int = 20) -> list[Job]:
        """The newest `limit` undelivered turns of a user, oldest first."""
        with self._db.read() as tx:
            rows = tx.all(_WAITING, (user_id, limit))
        return regrouped(map(job_of, reversed(rows)))

    def counts(self) -> Counts:
        """How many turns wait and how many were given up."""
        with self._db.read() as tx:
            (dead,) = tx.one("select count(*) from turn where dead = 1") or (0,)
            return Counts(_pending(tx), dead)

    def revive(self) -> int:
        """Make dead letters waiting turns again; answers how many."""
        with self._db.write() as tx:
            return tx.run(
                "update turn set dead = 0, suspect = 0, attempts = 0, failed_ms = 0, due_ms = 0 where dead = 1"
            )

    def forget(self, user_id: str) -> int:
        """Drop every turn of a user that was not delivered, and what is left on disk of those that were; answers how
        many were dropped.
        """
        with self._db.write() as tx:
            dropped = tx.run("delete from turn where user_id = ?", (user_id,))
        # A reader in the way only delays it: closing the file erases too.
        with suppress(StoreBusy):
            self._db.erase(timeout_s=0)
        return dropped

    def close(self) -> None:
        """Give held leases back and close the file."""
        try:
            with self._db.write() as tx:
                tx.run("update turn set leased_by = null, leased_until_ms = 0 where leased_by = ?", (self._owner(),))
        finally:
            self._db.close()
            self._in.close()

    def _hold(self, tx: Transaction, job: Job) -> None:
        for part in job.each:
            tx.run(
                "update turn set leased_by = :me, leased_until_ms = :until where seq = :seq",
                {"me": self._owner(), "until": self._now() + self._lease_ms, "seq": part.seq},
            )

    def _reclaim(self, tx: Transaction) -> None:
        held = tx.all(
            "select distinct leased_by from turn where leased_by is not null and leased_until_ms > ?", (self._now(),)
        )
        for (owner,) in held:
            if _gone(owner):
                tx.run("update turn set leased_by = null, leased_until_ms = 0 where leased_by = ?", (owner,))

    def _owner(self) -> str:
        return json.dumps([socket.gethostname(), os.getpid(), _process_mark(), self._instance])

    def _now(self) -> int:
        return round(self._clock() * 1000)


_marks: dict[int, str] = {}


def _process_mark() -> str:
    """A random word of this process; a forked child gets its own."""
    return _marks.setdefault(os.getpid(), secrets.token_hex(8))


def _gone(owner: str) -> bool:
    """True when the owner surely is a dead process of this machine; a reused process id counts as alive."""
    host, pid, mark, _ = json.loads(owner)
    if host != socket.gethostname():
        return False
    if pid == os.getpid():
        return bool(mark != _process_mark())
    if not _CAN_PROBE:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _pending(tx: Transaction) -> int:
    (waiting,) = tx.one("select count(*) from turn where dead = 0") or (0,)
    return int(waiting)
