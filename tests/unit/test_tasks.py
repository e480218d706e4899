"""Tasks as rows: claimed by one, taken over from the dead, ended once; and the worker that carries them out."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

import pytest

from memos_integrations._sqlite import open_database
from memos_integrations.engine import tasks
from memos_integrations.engine.tables import MIGRATIONS

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def database():
    opened = open_database(":memory:", MIGRATIONS)
    yield opened
    opened.close()


def put(database, task_id, owners=("user:a",), now=0, payload="{}"):
    with database.write() as tx:
        tasks.put_task(tx, task_id, owners, now, {"added": 1}, payload)


def claim(database, holder, now=1000):
    with database.write() as tx:
        return tasks.claim_task(tx, holder, now)


def status(database, task_id):
    with database.read() as tx:
        return tasks.read_task(tx, task_id)


def live():
    """The name of a worker of this process."""
    holder = f"{os.getpid()}:live"
    tasks._live.add(holder)
    return holder


@pytest.fixture(autouse=True)
def _nobody_stays_alive():
    before = set(tasks._live)
    yield
    tasks._live.intersection_update(before)


def test_a_task_with_nothing_left_to_do_is_completed(database):
    put(database, "t", payload=None)
    assert status(database, "t") == ("completed", {"added": 1})
    assert claim(database, "1:x") is None


def test_tasks_are_claimed_in_order_and_each_by_one(database):
    put(database, "one")
    put(database, "two")
    mine, other = live(), f"{os.getpid()}:other"
    tasks._live.add(other)
    assert claim(database, mine).id == "one"
    assert claim(database, other).id == "two"
    assert claim(database, mine) is None
    assert claim(database, other) is None


def test_a_claim_counts_and_knows_its_work(database):
    put(database, "t", owners=("user:a", "agent:b"), payload='{"x": 1}')
    task = claim(database, live())
    assert (task.id, task.owners, task.payload, task.attempts) == ("t", ["user:a", "agent:b"], '{"x": 1}', 1)


def test_a_lease_that_ran_out_is_taken_over(database):
    put(database, "t")
    claim(database, live(), now=1000)
    assert claim(database, "1:other", now=2000) is None
    assert claim(database, "1:other", now=1000 + HOUR).attempts == 2


def dead_pid():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.parametrize(
    ("holder", "taken_over"),
    [
        (lambda: f"{dead_pid()}:x", True),
        (lambda: f"{os.getpid()}:of an earlier life of this pid", True),
        (lambda: "no number at all", True),
        (lambda: f"{os.getppid()}:x", False),
        (live, False),
    ],
)
def test_a_task_is_taken_over_when_its_holder_is_gone(database, holder, taken_over):
    put(database, "t")
    claim(database, holder())
    assert (claim(database, f"{os.getpid()}:next") is not None) is taken_over


def test_a_holder_of_another_user_is_alive(database, monkeypatch):
    def not_ours(pid, signal):
        raise PermissionError

    put(database, "t")
    claim(database, f"{dead_pid()}:x")
    monkeypatch.setattr(os, "kill", not_ours)
    assert claim(database, f"{os.getpid()}:next") is None


def test_where_processes_cannot_be_asked_only_the_lease_counts(database, monkeypatch):
    put(database, "t")
    claim(database, f"{dead_pid()}:x")
    monkeypatch.setattr(os, "name", "nt")
    assert claim(database, f"{os.getpid()}:next") is None
    assert claim(database, f"{os.getpid()}:next", now=1000 + HOUR) is not None


def test_a_task_ends_once(database):
    put(database, "t")
    with database.write() as tx:
        tasks.finish_task(tx, "t", "completed", {"added": 2})
        tasks.finish_task(tx, "t", "failed", {"added": 3})
    assert status(database, "t") == ("completed", {"added": 2})


def test_what_was_done_before_is_kept_unless_it_is_replaced(database):
    put(database, "t")
    with database.write() as tx:
        tasks.finish_task(tx, "t", "completed")
        assert tasks.read_views(tx, "t") == {"added": 1}
        assert tasks.read_views(tx, "unknown") == {}


def test_a_task_fails_after_three_tries(database):
    put(database, "t")
    for attempt in (1, 2, 3):
        task = claim(database, live())
        assert task.attempts == attempt
        with database.write() as tx:
            assert tasks.postpone_task(tx, "t", task.attempts) is (attempt < 3)
    assert status(database, "t")[0] == "failed"
    assert claim(database, live()) is None
    with database.read() as tx:
        assert not tasks.has_open_tasks(tx)


def test_ended_tasks_are_forgotten_after_a_week_and_open_ones_never(database):
    put(database, "open")
    put(database, "old", payload=None)
    put(database, "new", now=6 * DAY, payload=None)
    put(database, "today", now=8 * DAY, payload=None)
    assert status(database, "old") is None
    assert [status(database, name) is not None for name in ("open", "new", "today")] == [True] * 3


def test_an_owner_leaves_every_task(database):
    put(database, "alone")
    put(database, "shared", owners=("user:a", "user:b"))
    put(database, "other", owners=("user:b",))
    with database.write() as tx:
        tasks.drop_tasks(tx, "user:a")
        assert tasks.read_task(tx, "alone") is None
        assert tasks.task_owners(tx, "alone") == []
        assert tasks.task_owners(tx, "shared") == tasks.task_owners(tx, "other") == ["user:b"]


# -- the worker


def test_a_worker_goes_on_until_nothing_is_left_and_can_be_woken_again():
    left, done = [3], threading.Event()

    def step(holder):
        assert holder in tasks._live
        left[0] -= 1
        if left[0] == 0:
            done.set()
        return left[0] > 0

    worker = tasks.Worker(step)
    for _ in range(2):
        worker.wake()
        assert done.wait(20)
        done.clear()
        left[0] = 2
    worker.close()


def test_a_failing_step_is_told_and_the_worker_lives_on(caplog):
    calls, again = [], threading.Event()

    def step(holder):
        calls.append(holder)
        if len(calls) == 1:
            raise ValueError("secret words")
        again.set()
        return False

    worker = tasks.Worker(step)
    worker.wake()
    while not calls:
        pass
    worker.wake()
    assert again.wait(20)
    worker.close()
    assert "background work on the memory database failed: ValueError" in caplog.text
    assert "secret" not in caplog.text
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_a_closed_worker_does_nothing_more():
    calls = []
    worker = tasks.Worker(lambda holder: bool(calls.append(holder)))
    worker.close()
    worker.wake()
    assert calls == []


def test_a_worker_may_be_closed_from_its_own_step():
    ended = threading.Event()

    def step(holder):
        worker.close()
        ended.set()
        return True

    worker = tasks.Worker(step)
    worker.wake()
    assert ended.wait(20)


def test_closing_does_not_wait_for_ever():
    gate = threading.Event()
    worker = tasks.Worker(lambda holder: not gate.wait(20))
    worker.wake()
    worker.close(timeout_s=0.01)
    gate.set()


def test_a_forked_child_has_its_own_worker():
    worker, gate, started = tasks.Worker(lambda holder: not gate.wait(20)), threading.Event(), threading.Event()
    worker.wake()
    # As after a fork: another pid, and the thread of the parent is not there.
    worker._pid = -1
    worker._step = lambda holder: bool(started.set())
    worker.wake()
    assert started.wait(20)
    gate.set()
    worker.close()
