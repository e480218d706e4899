"""_delivery, _sending, _shelves, _failures: threads, pauses, unusable files, ends of processes."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest

from memos_integrations import MemorySession, MemOSClient, _delivery, _sending
from memos_integrations._failures import Outage, backoff_s, kind_of, name_of
from memos_integrations._jobs import Job, Turn
from memos_integrations._overlay import Overlay
from memos_integrations._shelves import Shelves
from memos_integrations.errors import (
    AuthenticationError,
    CircuitOpen,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    RateLimited,
    ResponseInvalid,
    ServerError,
    StoreBusy,
    StoreError,
    StoreFull,
)
from memos_integrations.models import ExtractResult, Message


def turn(key: str) -> Turn:
    return Turn(key, "ann", "c", (Message(role="user", content="I love green tea.", id=key),))


@pytest.fixture
def local():
    with MemOSClient.embedded(":memory:", embedder="none") as client:
        yield client


# -- failures


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "refused"),
        (NotFound("x"), "refused"),
        (ServerError("x", code=50143), "server"),
        (ServerError("x", status=500), "server"),
        (ServerError("x", status=503), "outage"),
        (ServerError("x", code=50004), "outage"),
        (ResponseInvalid("x"), "server"),
        (ConnectionFailed("x"), "outage"),
        (CircuitOpen("x"), "outage"),
        (RateLimited("x"), "outage"),
        (AuthenticationError("x"), "outage"),
        (QuotaExceeded("x"), "outage"),
        (StoreBusy("x"), "outage"),
    ],
)
def test_whose_fault(error, kind):
    assert kind_of(error) == kind


def test_backoff_grows_to_a_minute():
    assert all(0.25 <= backoff_s(0) <= 0.5 for _ in range(50))
    assert all(30 <= backoff_s(99) <= 60 for _ in range(50))


def test_names_have_numbers_and_no_text():
    assert name_of(InvalidRequest("tea", code=40000)) == "InvalidRequest 40000"
    assert name_of(ServerError("tea", status=503)) == "ServerError 503"
    assert name_of(ConnectionFailed("tea")) == "ConnectionFailed"


def test_an_outage_is_told_once(caplog):
    caplog.set_level(logging.DEBUG)
    outage = Outage()
    outage.ended()
    for _ in range(3):
        outage.began(ConnectionFailed("x"))
    outage.ended()
    outage.ended()
    assert [r.levelname for r in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "INFO"]


# -- shelves


def test_a_file_that_does_not_exist_is_not_made_by_looking(tmp_path):
    shelves = Shelves(tmp_path / "box.db", Outage())
    assert shelves.waiting("ann") == []
    assert shelves.counts().pending == 0
    assert not shelves.in_use
    assert list(tmp_path.iterdir()) == []
    assert shelves.close() == 0


def test_an_unusable_file_is_left_alone_for_a_moment(tmp_path, monkeypatch):
    path = tmp_path / "box.db"
    path.write_bytes(b"no database" * 100)
    shelves = Shelves(path, Outage())
    assert shelves.outboxes() == []
    with pytest.raises(StoreError, match="a moment ago"):
        shelves.put(turn("1"), fallback=False)
    assert shelves.put(turn("1"), fallback=True)
    assert not shelves.put(turn("1"), fallback=True)
    path.unlink()
    monkeypatch.setattr(shelves, "_retry_at", 0.0)
    assert shelves.put(turn("2"), fallback=True)
    assert [job.turn.key for job in shelves.waiting("ann")] == ["1", "2"]
    assert shelves.counts().pending == 2
    assert shelves.close() == 1


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("memos_integrations._shelves.SPARE_TURNS", 2)
    path = tmp_path / "box.db"
    path.write_bytes(b"no database" * 100)
    shelves = Shelves(path, Outage())
    for key in "12":
        shelves.put(turn(key), fallback=True)
    with pytest.raises(StoreFull):
        shelves.put(turn("3"), fallback=True)
    shelves.close()


def test_a_locked_file_does_not_lose_a_turn(tmp_path):
    """Another process holds the database: the turn is kept in memory and sent."""
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        session = MemorySession(client, user_id="ann", conversation_id="c")
        session.observe([("user", "I live in Lisbon.")])
        assert session.flush(20)
        locked = Shelves(client.outbox_path, Outage())
        (outbox,) = locked.outboxes()
        with outbox._db.write():
            session.observe([("user", "I love green tea.")])
            assert "green tea" in session.recall("tea").prompt
        assert session.flush(20)
        assert len(client.get_message(user_id="ann", conversation_id="c").messages) == 2
        locked.close()
        session.close()


# -- the thread


def test_the_thread_goes_when_there_is_nothing_to_do(local, monkeypatch):
    monkeypatch.setattr(_delivery, "IDLE_S", 0.05)
    session = MemorySession(local, user_id="ann")
    for _ in range(2):
        session.observe([("user", "I live in Lisbon.")])
        thread = session._delivery._thread
        assert thread.daemon
        thread.join(10)
        assert not thread.is_alive()
        assert session._delivery._thread is None
    assert session.undelivered().pending == 0
    session.close()


def test_work_left_by_an_earlier_process_is_sent_at_the_first_recall(tmp_path):
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        shelves = Shelves(client.outbox_path, Outage())
        shelves.put(turn("1"), fallback=False)
        shelves.close()
        session = MemorySession(client, user_id="someone-else")
        session.recall("hello")
        end = time.monotonic() + 20
        while session.undelivered().pending:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert client.search_memory("tea", user_id="ann").memories
        session.close()


def test_an_unexpected_failure_becomes_a_dead_letter(local, caplog, monkeypatch):
    def broken(job):
        raise KeyError("green tea")

    monkeypatch.setattr(_sending, "_timed", broken)
    session = MemorySession(local, user_id="ann", conversation_id="c")
    session.observe([("user", "I love green tea.")])
    assert session.flush(20)
    assert session.undelivered().dead == 1
    assert "KeyError" in caplog.text
    assert "green" not in caplog.text
    monkeypatch.undo()
    assert session.redeliver() == 1
    assert session.flush(20)
    assert local.search_memory("tea", user_id="ann").memories
    session.close()


def test_a_failed_acknowledgement_is_made_up_for_without_sending_again(local, monkeypatch):
    session = MemorySession(local, user_id="ann", conversation_id="c")
    delivery = session._delivery
    seen = []
    session.observe([])
    monkeypatch.setattr(delivery, "kick", lambda: None)
    session = MemorySession(local, user_id="ann", conversation_id="c", on_extract=seen.append)
    session.observe([("user", "I love green tea.")])
    (outbox,) = delivery._shelves.outboxes()
    job = outbox.lease()
    real = outbox.ack

    def full(job):
        raise StoreFull("full")

    monkeypatch.setattr(outbox, "ack", full)
    with pytest.raises(StoreFull):
        delivery._sender.send(local, outbox, job)
    monkeypatch.setattr(outbox, "ack", real)
    assert delivery._sender.send(local, outbox, job) == "sent"
    assert len(seen) == 1
    assert len(local.get_message(user_id="ann", conversation_id="c").messages) == 1
    session.close()


def test_a_failing_file_pauses_the_thread(local, monkeypatch):
    session = MemorySession(local, user_id="ann")
    session.observe([("user", "I love green tea.")])
    assert session.flush(20)
    delivery = session._delivery
    (outbox,) = delivery._shelves.outboxes()

    def busy(*args):
        raise StoreBusy("busy")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "lease", busy)
        assert delivery._step(local) == 1.0
        patch.setattr(outbox, "counts", busy)
        assert session.flush(0.05) is False
    assert session.flush(20)
    session.close()


def test_turns_of_another_process_are_waited_for(tmp_path):
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        other = Shelves(client.outbox_path, Outage())
        other.put(turn("1"), fallback=False)
        ((outbox, job),) = other.leases()
        session = MemorySession(client, user_id="ann")
        assert session.flush(0.3) is False
        threading.Timer(0.2, outbox.retry, args=(job, 0.0)).start()
        assert session.flush(20)
        other.close()
        session.close()


def test_listeners_are_bounded(monkeypatch):
    monkeypatch.setattr(_sending, "_LISTENERS", 2)
    sender = _sending.Sender(None, Outage(), embedded=True)
    for key in "123":
        sender.listen(key, print)
    assert list(sender._listeners) == ["2", "3"]


# -- ends


def test_the_exit_handler_drains_without_a_thread(local, monkeypatch):
    """At interpreter exit no thread can be started: the exiting thread sends."""

    def refuse(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    session = MemorySession(local, user_id="ann", conversation_id="c")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    session.observe([("user", "I love green tea.")])
    assert session.undelivered().pending == 1
    _delivery._drain_all()
    monkeypatch.undo()
    assert local.search_memory("tea", user_id="ann").memories


def test_the_exit_handler_waits_for_the_thread(local):
    session = MemorySession(local, user_id="ann", conversation_id="c", exit_drain_s=20)
    for n in range(20):
        session.observe([("user", f"I own {n} cups.")])
    session._delivery.drain(time.monotonic() + 20)
    assert len(local.get_message(user_id="ann", conversation_id="c", message_limit_number=50).messages) == 20


def test_the_exit_handler_stops_when_nothing_can_be_sent_yet(local, monkeypatch):
    session = MemorySession(local, user_id="ann", conversation_id="c", exit_drain_s=60)
    delivery = session._delivery
    monkeypatch.setattr(delivery, "kick", lambda: None)
    session.observe([("user", "I love green tea.")])
    monkeypatch.setattr(delivery, "_paused_until", time.monotonic() + 60)
    delivery.drain(time.monotonic() + 60)
    assert not delivery._shelves.in_use


def test_a_recall_that_works_ends_the_pause(local, monkeypatch):
    session = MemorySession(local, user_id="ann", conversation_id="c")
    monkeypatch.setattr(session._delivery, "_paused_until", time.monotonic() + 600)
    session.observe([("user", "I love green tea.")])
    assert session.recall("tea").error is None
    end = time.monotonic() + 20
    while session.undelivered().pending:
        assert time.monotonic() < end
        time.sleep(0.01)
    session.close()


def test_the_exit_handler_gives_up_on_a_dead_server(tmp_path):
    with MemOSClient(api_key="k", base_url="http://127.0.0.1:9/api/openmem/v1", max_attempts=1) as client:
        session = MemorySession(client, user_id="ann")
        session.observe([("user", "I love green tea.")])
        session._delivery.drain(time.monotonic() + 60)
        assert session.undelivered().pending == 1
        session._delivery.close()


def test_a_forked_copy_leaves_the_parents_things_alone(local, monkeypatch):
    session = MemorySession(local, user_id="ann", conversation_id="c")
    session.observe([("user", "I love green tea.")])
    assert session.flush(20)
    delivery = session._delivery
    before = delivery._shelves
    monkeypatch.setattr(delivery, "_pid", os.getpid() + 1)
    delivery.drain(time.monotonic() + 1)
    delivery.close()
    assert before.in_use
    assert delivery.counts().pending == 0
    assert delivery._shelves is not before
    before.close()
    session.close()


def test_only_so_many_listeners_are_kept(monkeypatch):
    monkeypatch.setattr(_sending, "_LISTENERS", 2)
    heard: list[str] = []
    sender = _sending.Sender(Overlay(), Outage(), embedded=False)
    for user in ("ann", "bob", "eve"):
        sender.listen_on(user, "c", lambda result, user=user: heard.append(user))
        sender.listen(user, lambda result, user=user: heard.append(f"{user}'s own"))
    for user in ("ann", "bob", "eve"):
        left = Turn(user, user, "c", (), listened=True)
        sender._tell(Job(1, left, 0), ExtractResult())
        sender._tell(Job(1, left, 0), ExtractResult())
    assert heard == ["bob's own", "bob", "eve's own", "eve"]
