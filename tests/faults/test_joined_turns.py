"""Quick turns of one conversation sent as one extract and one add: nothing lost, nothing twice, nothing later seen."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from memos_integrations import ConfigurationError, MemorySession, MemOSClient
from memos_integrations._jobs import JOIN_TURNS
from memos_integrations._policy import Breaker, Policy, RetryPolicy
from tests.faulty import FaultyServer

ROOT = Path(__file__).parent.parent.parent
TALK = ["I live in Lisbon.", "I love green tea.", "My dog is called Rex."]


@pytest.fixture
def server():
    server = FaultyServer()
    yield server
    server.close()


@pytest.fixture
def client(server):
    policy = Policy(retry=RetryPolicy(attempts=1), breaker=Breaker(cooldown_s=0.02))
    with MemOSClient(api_key="k", base_url=server.url, policy=policy) as client:
        yield client


def make(client, conversation="c", **options):
    # The window is longer than any test: only what is said to end it ends it.
    return MemorySession(client, user_id="ann", conversation_id=conversation, **{"join_turns_s": 300.0, **options})


def tell(session, talk=TALK):
    for text in talk:
        session.observe([("user", text), ("assistant", "ok")])


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def said(talk=TALK):
    return [part for text in talk for part in (text, "ok")]


def calls(server):
    return server.count("/extract/memory"), server.count("/add/message")


def test_quick_turns_are_one_extract_and_one_add(server, client):
    session = make(client)
    tell(session)
    assert calls(server) == (0, 0)
    assert session.undelivered().pending == 3
    recall = session.recall("What is my dog called?")
    assert "Rex" in recall.prompt
    assert "Lisbon" in recall.prompt
    assert session.flush(20)
    assert calls(server) == (1, 1)
    assert [m["content"] for m in server.bodies("/extract/memory")[0]["messages"]] == said()
    until(lambda: server.stored("ann", "c") == said())
    assert session.undelivered().pending == 0


def test_by_default_each_turn_is_sent_by_itself(server, client):
    session = make(client, join_turns_s=0.0)
    tell(session)
    assert session.flush(20)
    assert calls(server) == (3, 3)


def test_a_window_ends_by_itself(server, client):
    session = make(client, join_turns_s=0.3)
    tell(session)
    until(lambda: server.count("/add/message") > 0)
    until(lambda: server.stored("ann", "c") == said())
    assert server.count("/add/message") < 3


def test_a_full_window_is_sent_at_once(server, client):
    session = make(client)
    tell(session, [f"I own item {n}." for n in range(JOIN_TURNS)])
    until(lambda: session.undelivered().pending == 0)
    assert calls(server) == (1, 1)


def test_conversations_and_users_are_not_joined(server, client):
    one, two, nobody = make(client, "c"), make(client, "d"), make(client, None)
    other = MemorySession(client, user_id="bob", conversation_id="c", join_turns_s=300.0)
    for session in (one, two, other, nobody, one):
        tell(session, TALK[:1])
    assert one.flush(20)
    assert calls(server) == (5 - 1, 5 - 1)
    owners = [(body["user_id"], body.get("conversation_id")) for body in server.bodies("/add/message")]
    assert sorted(owners, key=str) == sorted([("ann", "c"), ("ann", "d"), ("bob", "c"), ("ann", None)], key=str)


def test_an_outage_keeps_the_group_and_stores_it_once(server, client):
    session = make(client)
    tell(session)
    server.kill()
    assert session.flush(20) is False
    tell(session, ["I moved to Porto."])
    assert "Porto" in session.recall("Where do I live?").prompt
    server.start()
    until(lambda: session.flush(20))
    until(lambda: server.stored("ann", "c") == [*said(), "I moved to Porto.", "ok"])
    assert calls(server) == (2, 2)


def test_a_lost_answer_stores_the_group_once(server, client):
    lost = []
    server.fault = lambda endpoint, body: lost.append(1) or "lose" if endpoint == "/add/message" and not lost else None
    session = make(client)
    tell(session)

    def looked(endpoint, body):
        if endpoint == "/get/message":
            until(lambda: server.stored("ann", "c") == said())

    until(lambda: lost or session.flush(20))
    server.fault = looked
    until(lambda: session.flush(20))
    assert calls(server) == (1, 1)
    until(lambda: server.stored("ann", "c") == said())


def test_one_refused_turn_does_not_take_the_others_along(server, client, caplog):
    server.fault = lambda endpoint, body: 40000 if "green" in str(body) and endpoint == "/add/message" else None
    session = make(client)
    tell(session)
    until(lambda: session.flush(20) and session.undelivered().pending == 0)
    assert session.undelivered().dead == 1
    until(lambda: server.stored("ann", "c") == [TALK[0], "ok", TALK[2], "ok"])
    assert server.count("/extract/memory") == 1
    assert "green" not in caplog.text


def test_a_group_the_server_fails_on_is_parted(server, client, monkeypatch):
    monkeypatch.setattr("memos_integrations._sending.backoff_s", lambda tries: 0.01)
    monkeypatch.setattr("memos_integrations._delivery._UNASKED_PAUSE_S", 0.01)
    server.fault = lambda endpoint, body: 50143 if endpoint == "/add/message" and "green" in str(body) else None
    session = make(client)
    tell(session)
    session.flush(0.5)
    until(lambda: session.undelivered().pending == 0)
    assert session.undelivered().dead == 1
    until(lambda: server.stored("ann", "c") == [TALK[0], "ok", TALK[2], "ok"])


def test_a_listener_hears_the_joint_answer_once(server, client):
    heard = []
    session = make(client, on_extract=heard.append)
    tell(session)
    assert session.flush(20)
    (result,) = heard
    assert {"Rex", "Lisbon"} <= {word.strip(".") for m in result.memories for word in m.text.split()}


def test_what_is_not_indexed_yet_is_shown_once_for_all(server, client):
    server.lagging = True
    session = make(client)
    tell(session)
    assert session.flush(20)
    recall = session.recall("What is my dog called?")
    assert recall.prompt.count("Rex") == 1
    assert "Lisbon" in recall.prompt
    assert "green tea" in recall.prompt


def test_without_an_extract_the_overlay_still_knows_every_turn(server, client):
    server.lagging = True
    server.fault = lambda endpoint, body: 40000 if endpoint == "/extract/memory" else None
    session = make(client)
    tell(session)
    assert session.flush(20)
    assert all(word in session.recall("What about me?").prompt for word in ("Rex", "Lisbon", "green tea"))


def test_clearing_the_conversation_hides_joined_turns(server, client):
    session = make(client)
    tell(session)
    session.clear_fresh()
    assert session.recall("Rex?").prompt == ""
    assert session.flush(20)
    until(lambda: server.stored("ann", "c") == said())


def test_closing_does_not_wait_for_the_window(server):
    with MemOSClient(api_key="k", base_url=server.url) as client:
        tell(make(client))
    assert calls(server) == (1, 1)
    until(lambda: server.stored("ann", "c") == said())


@pytest.mark.parametrize("wrong", [-1, 601, "1", True, float("nan")])
def test_windows_are_checked(client, wrong):
    with pytest.raises(ConfigurationError, match="join_turns_s"):
        make(client, join_turns_s=wrong)


def in_another_process(server, ending, expect, beginning=""):
    code = f"""
        import os, signal
        from memos_integrations import MemOSClient, MemorySession
        client = MemOSClient(api_key="k", base_url={server.url!r})
        session = MemorySession(client, user_id="ann", conversation_id="c", join_turns_s=300.0)
        {beginning}
        for text in {TALK!r}:
            session.observe([("user", text), ("assistant", "ok")])
        {ending}
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == expect, done.stderr


def test_exit_sends_what_waits_to_be_joined(server):
    in_another_process(server, "", 0)
    assert calls(server) == (1, 1)
    until(lambda: server.stored("ann", "c") == said())


def test_killed_within_the_window_nothing_is_lost(server, client):
    in_another_process(server, "os.kill(os.getpid(), signal.SIGKILL)", -9)
    assert calls(server) == (0, 0)
    session = make(client)
    assert "Rex" in session.recall("my dog").prompt
    assert session.flush(20)
    assert calls(server) == (1, 1)
    until(lambda: server.stored("ann", "c") == said())


def test_killed_between_extract_and_add_the_group_stays_the_same(server, client):
    send = "session._delivery._sender._extract(client, outbox, job)"
    lease = "session._delivery._shelves.wake(); (outbox, job), = session._delivery._shelves.leases()"
    ending = f"{lease}; {send}; os.kill(os.getpid(), signal.SIGKILL)"
    in_another_process(server, ending, -9, "session._delivery.kick = lambda: None")
    session = make(client)
    tell(session, ["I moved to Porto."])
    assert session.flush(20)
    assert calls(server) == (2, 2)
    assert [m["content"] for m in server.bodies("/add/message")[0]["messages"]] == said()
    until(lambda: server.stored("ann", "c") == [*said(), "I moved to Porto.", "ok"])
