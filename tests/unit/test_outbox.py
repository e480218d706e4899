"""_outbox: put, lease, ack, retry, bury, order, limits, dead owners."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from memos_integrations import _outbox
from memos_integrations._jobs import Turn, turn_key
from memos_integrations._outbox import Counts, Outbox
from memos_integrations.errors import StoreError, StoreFull
from memos_integrations.models import Message


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def turn(key: str, user: str = "ann", conversation: str | None = "c", text: str = "hello") -> Turn:
    return Turn(turn_key(user, conversation, key), user, conversation, (Message(role="user", content=text, id=key),))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def box(tmp_path, clock):
    outbox = Outbox(tmp_path / "box.db", clock=clock)
    yield outbox
    outbox.close()


def said(job):
    return None if job is None else job.turn.messages[0].id


def test_what_is_put_comes_back_whole(box):
    given = Turn("k", "安", None, (Message(role="user", content="你好 \ud83d", chat_time="2025"),), "add")
    assert box.put(given)
    job = box.lease()
    assert job.turn == given
    assert job.attempts == 0
    assert job.extracted is None


def test_the_same_key_is_kept_once_even_after_delivery(box):
    assert box.put(turn("1"))
    assert not box.put(turn("1"))
    box.ack(box.lease())
    assert not box.put(turn("1"))
    assert box.counts() == Counts(0, 0)


def test_keys_are_told_apart_by_user_and_conversation():
    keys = {turn_key(u, c, k) for u in ("a", "ab") for c in (None, "", "b", "bc") for k in ("c", "")}
    assert len(keys) == 16
    assert turn_key("a", "b", "c") == turn_key("a", "b", "c")


def test_a_conversation_leaves_in_order_and_others_do_not_wait(box):
    for key, conversation in (("1", "c"), ("2", "c"), ("3", "d")):
        box.put(turn(key, conversation=conversation))
    first = box.lease()
    assert said(first) == "1"
    assert said(box.lease()) == "3"
    assert box.lease() is None
    box.ack(first)
    assert said(box.lease()) == "2"


def test_a_failed_turn_holds_its_conversation_unless_it_is_suspect(box, clock):
    box.put(turn("1"))
    box.put(turn("2"))
    job = box.lease()
    box.retry(job, 5.0)
    assert box.lease() is None
    assert box.next_due_s() == 5.0
    clock.now += 5
    again = box.lease()
    assert (said(again), again.attempts, again.failed_ms) == ("1", 1, 1_000_000_000)
    box.retry(again, 5.0, suspect=True)
    assert said(box.lease()) == "2"


def test_a_long_queue_leaves_in_order_per_conversation():
    box = Outbox()
    for n in range(2000):
        box.put(turn(str(n), user=f"user{n % 50}"))
    last: dict[str, int] = {}
    while (job := box.lease()) is not None:
        n = int(said(job))
        if n % 100 == 7 and job.attempts == 0:
            box.retry(job, 0.0, suspect=True)
            continue
        if n % 100 != 7:
            assert last.get(job.turn.user_id, -1) < n
            last[job.turn.user_id] = n
        box.ack(job)
    assert box.counts() == Counts(0, 0)
    assert max(last.values()) == 1999
    box.close()


def test_an_outage_does_not_count_as_an_attempt(box):
    box.put(turn("1"))
    box.retry(box.lease(), 0.0, counts=False)
    assert box.lease().attempts == 0


def test_dead_letters_block_nothing_and_can_be_revived(box):
    box.put(turn("1"))
    box.put(turn("2"))
    box.bury(box.lease(), "InvalidRequest")
    assert said(box.lease()) == "2"
    assert box.counts() == Counts(1, 1)
    assert not box.put(turn("1"))
    assert box.revive() == 1
    assert box.counts() == Counts(2, 0)


def test_the_extracted_answer_is_saved_and_renews_the_lease(box, clock):
    box.put(turn("1"))
    job = box.lease()
    clock.now += 50
    box.save_extracted(job, "{}")
    clock.now += 50
    assert box.lease() is None
    clock.now += 11
    assert box.lease().extracted == "{}"


def test_an_expired_lease_is_free(box, clock):
    box.put(turn("1"))
    assert box.next_due_s() == 0
    box.lease()
    assert box.lease() is None
    assert box.next_due_s() == 60
    clock.now += 60.1
    assert said(box.lease()) == "1"


def test_wake_makes_everything_due(box, clock):
    box.wake()
    box.put(turn("1"))
    box.retry(box.lease(), 500.0)
    box.wake()
    assert said(box.lease()) == "1"


def test_nothing_waits(box):
    assert box.lease() is None
    assert box.next_due_s() is None


def test_waiting_turns_of_a_user_newest_last(box):
    for key in "123":
        box.put(turn(key))
    box.put(turn("other", user="bob"))
    box.lease()
    assert [said(job) for job in box.waiting("ann")] == ["1", "2", "3"]
    assert [said(job) for job in box.waiting("ann", limit=2)] == ["2", "3"]
    assert box.waiting("eve") == []


def test_forget_drops_a_users_turns_only(box):
    box.put(turn("1"))
    box.put(turn("2", user="bob"))
    assert box.forget("ann") == 1
    assert said(box.lease()) == "2"


def test_forgetting_a_user_leaves_no_byte_of_what_was_delivered_or_waits(box, tmp_path):
    box.put(turn("1", text="marmalade one"))
    box.ack(box.lease())
    box.put(turn("2", text="marmalade two"))
    assert any(b"marmalade" in file.read_bytes() for file in tmp_path.iterdir())
    assert box.forget("ann") == 1
    assert not any(b"marmalade" in file.read_bytes() for file in tmp_path.iterdir())


def test_forgetting_does_not_wait_for_a_reader(box, tmp_path):
    box.put(turn("1"))
    reader = Outbox(tmp_path / "box.db")
    with reader._db.read() as tx:
        tx.all("select * from turn")
        assert box.forget("ann") == 1
    reader.close()


def test_a_limited_outbox_is_full(tmp_path):
    box = Outbox(limit=2)
    box.put(turn("1"))
    box.put(turn("2"))
    with pytest.raises(StoreFull):
        box.put(turn("3"))
    box.close()


def test_old_tombstones_are_pruned(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(_outbox, "TOMBSTONES", 2)
    monkeypatch.setattr(_outbox, "_PRUNE_EVERY", 4)
    box = Outbox(clock=clock)
    for key in "1234":
        clock.now += 1
        box.put(turn(key))
        box.ack(box.lease())
    assert box.put(turn("1"))
    assert not box.put(turn("4"))
    box.close()


def test_the_file_is_private_and_delivered_text_leaves_it(tmp_path):
    path = tmp_path / "box.db"
    box = Outbox(path)
    box.put(turn("1", text="a very secret hobby"))
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    box.ack(box.lease())
    box.close()
    assert b"secret hobby" not in path.read_bytes()


def test_two_outboxes_on_one_file_lease_each_turn_once(tmp_path):
    one, two = Outbox(tmp_path / "box.db"), Outbox(tmp_path / "box.db")
    for n in range(20):
        one.put(turn(str(n), conversation=str(n)))
    got = [said(box.lease()) for _ in range(10) for box in (one, two)]
    assert sorted(got, key=int) == [str(n) for n in range(20)]
    assert one.lease() is None
    two.close()
    assert said(one.lease()) == "1"
    one.close()


def _lease_as(box, owner):
    with box._db.write() as tx:
        tx.run("update turn set leased_by = ?", (json.dumps(owner),))


def test_leases_of_dead_processes_are_free_at_once(box, monkeypatch):
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    host, me = socket.gethostname(), os.getpid()
    box.put(turn("1"))
    box.lease()
    for owner, free in (
        (["another-host", child.pid, "m", "i"], False),
        ([host, os.getppid(), "m", "i"], False),
        ([host, child.pid, "m", "i"], True),
        ([host, me, "an earlier process with my number", "i"], True),
    ):
        _lease_as(box, owner)
        assert (box.lease() is not None) is free


def test_a_process_that_may_not_be_asked_counts_as_alive(box, monkeypatch):
    def refuse(pid, signal):
        raise PermissionError

    box.put(turn("1"))
    box.lease()
    _lease_as(box, [socket.gethostname(), os.getppid(), "m", "i"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", refuse)
        assert box.lease() is None
    monkeypatch.setattr(_outbox, "_CAN_PROBE", False)
    assert box.lease() is None


def test_a_closed_outbox_is_an_error(tmp_path):
    box = Outbox(tmp_path / "box.db")
    box.close()
    with pytest.raises(StoreError):
        box.put(turn("1"))
