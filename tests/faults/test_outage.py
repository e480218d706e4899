"""A dead, slow or failing memory never breaks a chat, loses nothing and stores nothing twice."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from memos_integrations import MemorySession, MemOSClient
from memos_integrations._policy import Breaker, Policy, RetryPolicy
from memos_integrations.errors import (
    CircuitOpen,
    ConfigurationError,
    DeadlineExceeded,
    MemOSError,
    ServerError,
    TransportError,
)
from tests.faulty import FaultyServer

TALK = [
    ("I live in Lisbon.", "Lovely."),
    ("I love green tea.", "Noted."),
    ("My dog is called Rex.", "Nice name."),
]


@pytest.fixture
def server():
    server = FaultyServer()
    yield server
    server.close()


@pytest.fixture
def client(server):
    # A breaker that looks again at once: these tests are about turns, not about its cool-down.
    policy = Policy(retry=RetryPolicy(attempts=1), breaker=Breaker(cooldown_s=0.02))
    with MemOSClient(api_key="k", base_url=server.url, policy=policy) as client:
        yield client


@pytest.fixture
def session(client):
    session = MemorySession(client, user_id="ann", conversation_id="c")
    yield session
    session._delivery.close()


def tell(session, talk=TALK):
    for asked, answered in talk:
        session.observe([("user", asked), ("assistant", answered)])


def until(condition, seconds=20.0):
    """Wait for a background thread; the bound only ends a broken run."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_server_killed_in_the_middle_of_a_chat(server, session, caplog):
    tell(session, TALK[:1])
    assert session.flush(20)
    server.kill()
    for asked, answered in TALK[1:]:
        recall = session.recall(asked)
        assert isinstance(recall.error, MemOSError)
        session.observe([("user", asked), ("assistant", answered)])
    assert session.flush(20) is False
    assert session.undelivered().pending == 2
    server.start()
    until(lambda: session.flush(20))
    told = [text for turn in TALK for text in turn]
    until(lambda: server.stored("ann", "c") == told)
    assert session.recall("What do I drink?").error is None
    assert len(warnings(caplog)) == 1


def test_what_was_said_in_an_outage_is_recalled_in_the_outage(server, session):
    server.kill()
    tell(session)
    recall = session.recall("Which tea do I love?")
    assert "green tea" in recall.prompt
    assert "Lisbon" in recall.prompt
    assert isinstance(recall.error, TransportError)


def test_a_second_outage_is_warned_about_again(server, session, caplog):
    caplog.set_level(logging.INFO, "memos_integrations")
    for _ in range(2):
        server.kill()
        session.recall("x")
        session.recall("x")
        server.start()
        until(lambda: session.recall("x").error is None)
    assert len(warnings(caplog)) == 2
    assert sum("available again" in r.getMessage() for r in caplog.records) == 2


def test_a_lagging_index_does_not_hide_the_last_turn(server, session):
    server.lagging = True
    tell(session)
    assert session.flush(20)
    recall = session.recall("What is my dog called?")
    assert "Rex" in recall.memories[0].text
    assert recall.error is None
    server.lagging = False
    recall = session.recall("What is my dog called?")
    assert recall.prompt.count("Rex") == 1


def test_another_session_of_the_client_sees_the_fresh_turn_another_user_does_not(server, client, session):
    server.lagging = True
    tell(session)
    assert "Rex" in MemorySession(client, user_id="ann").recall("my dog").prompt
    assert MemorySession(client, user_id="bob", conversation_id="c").recall("my dog").prompt == ""


@pytest.mark.parametrize("readable", [True, False])
def test_a_lost_answer_stores_nothing_twice(server, session, readable):
    lost = []

    def lose_first_add(endpoint, body):
        if endpoint == "/get/message":
            until(lambda: server.stored("ann", "c") == list(TALK[0]))
            return None if readable else 40000
        if endpoint == "/add/message" and not lost:
            lost.append(body)
            return "lose"
        return None

    server.fault = lose_first_add
    tell(session)
    until(lambda: session.flush(20))
    assert server.count("/get/message") == 1
    # Looking first spares the second sending; when one cannot look, the same message ids make it harmless.
    assert server.count("/add/message") == (3 if readable else 4)
    assert server.count("/extract/memory") == 3
    until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])


def test_without_a_conversation_a_lost_turn_is_sent_again(server, client):
    session = MemorySession(client, user_id="ann")
    lost = []
    server.fault = lambda endpoint, body: lost.append(1) or "lose" if endpoint == "/add/message" and not lost else None
    tell(session, TALK[:1])
    until(lambda: session.flush(20))
    assert server.count("/add/message") == 2
    assert server.count("/get/message") == 0
    session.close()


def test_a_refused_turn_becomes_a_dead_letter_and_blocks_nothing(server, session, caplog):
    server.fault = lambda endpoint, body: 40000 if "green" in str(body) and endpoint != "/search/memory" else None
    tell(session)
    until(lambda: session.undelivered().pending == 0)
    assert session.undelivered().dead == 1
    until(lambda: "My dog is called Rex." in server.stored("ann", "c"))
    assert "green" not in caplog.text
    assert sum("dead letter" in text for text in warnings(caplog)) == 1
    server.fault = lambda endpoint, body: None
    assert session.redeliver() == 1
    assert session.flush(20)
    until(lambda: "I love green tea." in server.stored("ann", "c"))


def test_a_failing_extract_does_not_keep_the_turn_from_being_added(server, session):
    server.fault = lambda endpoint, body: 40000 if endpoint == "/extract/memory" else None
    tell(session, TALK[:1])
    assert session.flush(20)
    assert server.count("/extract/memory") == 1
    until(lambda: server.stored("ann", "c") == list(TALK[0]))


def test_a_turn_the_server_always_fails_on_lets_the_others_pass(server, session, monkeypatch):
    monkeypatch.setattr("memos_integrations._sending.backoff_s", lambda tries: 0.01)
    monkeypatch.setattr("memos_integrations._delivery._UNASKED_PAUSE_S", 0.01)
    server.fault = lambda endpoint, body: 50143 if endpoint == "/add/message" and "green" in str(body) else None
    tell(session)
    until(lambda: session.undelivered().pending == 0)
    assert session.undelivered().dead == 1
    until(lambda: "My dog is called Rex." in server.stored("ann", "c"))


def test_an_outage_never_makes_dead_letters(server, session, monkeypatch):
    monkeypatch.setattr("memos_integrations._delivery.backoff_s", lambda tries: 0.001)
    monkeypatch.setattr("memos_integrations._delivery._UNASKED_PAUSE_S", 0.01)
    server.fault = lambda endpoint, body: 503 if endpoint != "/search/memory" else None
    tell(session)
    until(lambda: server.count("/extract/memory") > 15)
    assert session.undelivered().dead == 0
    server.fault = lambda endpoint, body: None
    until(lambda: session.flush(20))
    until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])


def test_flush_asks_at_once_after_an_outage_and_once_only(server):
    """The breaker's own cool-down is far longer than this test."""
    policy = Policy(retry=RetryPolicy(attempts=1), breaker=Breaker(2, cooldown_s=3600.0))
    with MemOSClient(api_key="k", base_url=server.url, policy=policy) as client:
        session = MemorySession(client, user_id="ann", conversation_id="c")
        server.fault = lambda endpoint, body: 503
        tell(session)
        assert session.flush(20) is False
        assert isinstance(session.recall("x").error, CircuitOpen)
        asked = len(server.calls)
        assert session.flush(20) is False
        assert len(server.calls) == asked + 1
        server.fault = lambda endpoint, body: None
        assert session.flush(20)
        until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])
        session.close()


def test_a_reworded_memory_stands_beside_its_copy_only_until_it_is_stored(server, session, monkeypatch):
    monkeypatch.setattr("memos_integrations._overlay.FIRST_ASK_S", 0.01)
    server.lagging = True
    storing = []
    server.fault = lambda endpoint, body: storing.append(endpoint) if endpoint == "/get/status" else None
    tell(session, TALK[2:])
    assert session.flush(20)
    # The search knows nothing of it, in whatever words, so only the server's word that it is stored ends the copy.
    until(lambda: "Rex" not in session.recall("my dog").prompt)
    assert len(storing) >= 1
    server.lagging = False
    assert session.recall("my dog").prompt.count("Rex") == 1


def test_a_server_that_does_not_tell_is_asked_once_and_the_copy_stays(server, session, monkeypatch):
    monkeypatch.setattr("memos_integrations._overlay.FIRST_ASK_S", 0.01)
    server.lagging = True
    server.fault = lambda endpoint, body: 40000 if endpoint == "/get/status" else None
    tell(session, TALK[2:])
    assert session.flush(20)
    until(lambda: server.count("/get/status") == 1)
    tell(session, TALK[:1])
    assert session.flush(20)
    until(lambda: server.count("/get/status") == 2)
    assert session.recall("my dog").prompt.count("Rex") == 1


def test_a_status_that_does_not_come_is_asked_for_again(server, session, monkeypatch):
    monkeypatch.setattr("memos_integrations._overlay.FIRST_ASK_S", 0.01)
    server.lagging = True
    server.fault = lambda endpoint, body: (
        "drop" if endpoint == "/get/status" and server.count("/get/status") < 3 else None
    )
    tell(session, TALK[2:])
    assert session.flush(20)
    until(lambda: "Rex" not in session.recall("my dog").prompt)
    assert server.count("/get/status") == 3


def test_a_listener_of_the_next_process_hears_what_the_last_one_left(server, client):
    heard: list[list[str]] = [[], [], []]

    def hearing(n):
        return lambda result: heard[n].extend(memory.text for memory in result.memories)

    server.kill()
    session = MemorySession(client, user_id="ann", conversation_id="c", on_extract=hearing(0))
    tell(session, TALK[:1])
    silent = MemorySession(client, user_id="ann", conversation_id="d")
    tell(silent, TALK[1:2])
    client.close()
    server.start()
    with MemOSClient(api_key="k", base_url=server.url) as again:
        same = MemorySession(again, user_id="ann", conversation_id="c", on_extract=hearing(1))
        MemorySession(again, user_id="ann", conversation_id="d", on_extract=hearing(2))
        assert same.flush(20)
    assert heard[0] == heard[2] == []
    assert "Lisbon" in heard[1][0]


def test_a_wrong_key_keeps_the_turns(server, session):
    server.fault = lambda endpoint, body: 40132
    tell(session)
    assert session.flush(20) is False
    assert session.undelivered() == (session.undelivered().__class__)(pending=3, dead=0)
    assert session.recall("x").error is not None


def test_recall_ends_with_its_deadline(server, client):
    server.fault = lambda endpoint, body: 1.0
    recall = MemorySession(client, user_id="ann", recall_timeout_s=0.1).recall("x")
    assert isinstance(recall.error, DeadlineExceeded)
    assert not recall


def test_on_error_raise_reraises(server, client):
    session = MemorySession(client, user_id="ann", on_error="raise")
    server.fault = lambda endpoint, body: 50000
    with pytest.raises(ServerError):
        session.recall("x")
    server.kill()
    with pytest.raises(TransportError):
        asyncio.run(session.arecall("x"))


def test_a_closed_client_is_a_configuration_error_and_loses_nothing(server, client, session):
    client.close()
    with pytest.raises(ConfigurationError):
        session.recall("x")
    tell(session)
    assert session.flush(20) is False
    assert session.undelivered().pending == 3
    with MemOSClient(api_key="k", base_url=server.url) as again:
        other = MemorySession(again, user_id="someone-else")
        assert other.flush(20)
        until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])
        other.close()


def test_turns_written_in_a_finished_event_loop_are_delivered(server, session):
    async def chat():
        for asked, answered in TALK:
            await session.arecall(asked)
            await session.aobserve([("user", asked), ("assistant", answered)])

    server.kill()
    asyncio.run(chat())
    server.start()
    until(lambda: session.flush(20))
    until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])


def test_an_unusable_outbox_file_keeps_turns_in_memory(server, client, caplog):
    client.outbox_path.write_bytes(b"this is not a database" * 100)
    session = MemorySession(client, user_id="ann", conversation_id="c")
    tell(session)
    assert session.flush(20)
    until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])
    assert len(warnings(caplog)) >= 1
    session.close()


def test_turns_kept_only_in_memory_are_missed_aloud(server, client, caplog):
    client.outbox_path.write_bytes(b"this is not a database" * 100)
    server.kill()
    session = MemorySession(client, user_id="ann", conversation_id="c")
    tell(session, TALK[:1])
    session.close()
    assert any("1 turns" in text and "lost" in text for text in warnings(caplog))


def test_an_unusable_outbox_is_an_error_where_errors_are_wanted(client):
    client.outbox_path.write_bytes(b"this is not a database" * 100)
    session = MemorySession(client, user_id="ann", on_error="raise")
    with pytest.raises(MemOSError):
        session.observe([("user", "hello")])
    session.close()


def test_no_folder_for_the_outbox_keeps_turns_in_memory(server, tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("MEMOS_HOME", str(blocked / "home"))
    with MemOSClient(api_key="k", base_url=server.url) as client:
        session = MemorySession(client, user_id="ann", conversation_id="c")
        tell(session)
        assert session.flush(20)
        session.close()
    until(lambda: server.stored("ann", "c") == [text for turn in TALK for text in turn])
    assert len(warnings(caplog)) == 1


def test_two_processes_worth_of_clients_deliver_each_turn_once(server):
    clients = [MemOSClient(api_key="k", base_url=server.url) for _ in range(2)]
    sessions = [MemorySession(c, user_id="ann", conversation_id="c") for c in clients]
    threads = [
        threading.Thread(target=lambda s=s, n=n: [s.observe([("user", f"{n}-{i}")]) for i in range(10)])
        for n, s in enumerate(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in sessions:
        assert session.flush(30)
    expected = sorted(f"{n}-{i}" for n in range(2) for i in range(10))
    until(lambda: sorted(server.stored("ann", "c")) == expected)
    assert server.count("/add/message") == 20
    assert server.count("/extract/memory") == 20
    for session, client in zip(sessions, clients, strict=True):
        session.close()
        client.close()


def test_nothing_of_a_user_is_logged(server, session, caplog):
    caplog.set_level(logging.INFO)
    tell(session)
    session.flush(20)
    session.recall("Which tea?")
    server.kill()
    session.recall("Which tea?")
    tell(session)
    for word in ("ann", "Rex", "tea", "Lisbon"):
        assert word not in caplog.text
