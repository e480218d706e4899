"""session: options, recall, one search per turn, observe, twins, concurrency, fork, exit."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from memos_integrations import MemorySession, MemOSClient
from memos_integrations._flow import Sleep
from memos_integrations.errors import ConfigurationError, InvalidRequest, StoreError
from memos_integrations.models import ExtractResult, FactMemory, PreferenceMemory
from memos_integrations.prompt import PromptBudget
from memos_integrations.session import Recall, SessionKeywords, SessionOptions, Sessions
from tests.faulty import FaultyServer

TURN = [("user", "I love green tea and I live in Lisbon."), ("assistant", "Noted.")]


@pytest.fixture
def server():
    server = FaultyServer()
    yield server
    server.close()


@pytest.fixture
def remote(server):
    with MemOSClient(api_key="k", base_url=server.url) as client:
        yield client


@pytest.fixture
def session(client):
    with MemorySession(client, user_id="ann", conversation_id="c") as session:
        yield session


def counted(server):
    return server.count("/search/memory"), server.count("/extract/memory"), server.count("/add/message")


# -- options and identity


@pytest.mark.parametrize(
    "bad",
    [
        {"write": "maybe"},
        {"on_error": "ignore"},
        {"on_abort": "panic"},
        {"memory_limit": -1},
        {"memory_limit": 26},
        {"preference_limit": 1.5},
        {"preference_limit": True},
        {"relativity": 1.1},
        {"relativity": "high"},
        {"recall_timeout_s": 0},
        {"recall_timeout_s": -1},
        {"exit_drain_s": -1},
        {"exit_drain_s": None},
        {"budget": 400},
        {"filter": ["x"]},
        {"redact": "yes"},
        {"on_extract": 5},
    ],
)
def test_options_refuse_nonsense(bad):
    with pytest.raises(ConfigurationError, match=next(iter(bad))):
        SessionOptions(**bad)


def test_keywords_are_the_options():
    assert set(SessionKeywords.__annotations__) == set(SessionOptions.__dataclass_fields__)


def test_keywords_change_options_and_typos_are_refused(client):
    base = SessionOptions(memory_limit=3)
    session = MemorySession(client, user_id="ann", options=base, preference_limit=2)
    assert session.options == SessionOptions(memory_limit=3, preference_limit=2)
    with pytest.raises(ConfigurationError, match="memory_limits"):
        MemorySession(client, user_id="ann", memory_limits=3)


@pytest.mark.parametrize("blank", ["", "  ", None, 5])
def test_a_user_is_required(client, blank):
    with pytest.raises(ConfigurationError, match="user_id"):
        MemorySession(client, user_id=blank)
    with pytest.raises(ConfigurationError, match="user_id"):
        Sessions(client).of(blank)


def test_a_conversation_is_none_or_a_name(client):
    for blank in ("", " ", 5):
        with pytest.raises(ConfigurationError, match="conversation_id"):
            MemorySession(client, user_id="ann", conversation_id=blank)
    with pytest.raises(InvalidRequest):
        MemorySession(client, user_id="ann", conversation_id="x" * 101)
    with pytest.raises(InvalidRequest):
        MemorySession(client, user_id="x" * 101)


def test_reprs_show_nothing_of_a_user(client):
    session = MemorySession(client, user_id="ann-secret", conversation_id="c-secret")
    session.observe(TURN)
    recall = session.recall("tea")
    text = repr(session) + repr(recall) + repr(Recall(error=StoreError("x"))) + repr(session._delivery)
    text += repr(session._delivery.fresh("ann-secret")) + repr(session._delivery._shelves.waiting("ann-secret"))
    assert "secret" not in text
    assert "tea" not in text
    assert "error=StoreError" in text
    session.close()


# -- recall


def test_a_turn_is_recalled_and_kept(session, client):
    session.observe(TURN)
    assert "green tea" in session.recall("What do I drink?").prompt
    assert session.flush(20)
    recall = session.recall("Which tea do I love?")
    assert recall
    for found in (recall.memories, recall.preferences):
        assert sum("green tea" in memory.text for memory in found) <= 1
    assert MemorySession(client, user_id="bob").recall("tea") == Recall()


def test_a_blank_query_asks_nothing(server, remote):
    session = MemorySession(remote, user_id="ann")
    assert session.recall("  ") == Recall()
    assert asyncio.run(session.arecall("")) == Recall()
    assert server.calls == []


def test_a_giant_query_is_clipped(server, remote):
    recall = MemorySession(remote, user_id="ann").recall("word " * 20_000)
    assert recall.error is None
    assert len(server.bodies("/search/memory")[0]["query"]) < 9_000


def test_what_is_asked_of_the_server(server, remote):
    MemorySession(
        remote,
        user_id="ann",
        conversation_id="c",
        memory_limit=3,
        preference_limit=2,
        include_preference=False,
        relativity=0.4,
        filter={"and": [{"tags": {"contains": "x"}}]},
    ).recall("q")
    assert server.bodies("/search/memory") == [
        {
            "query": "q",
            "user_id": "ann",
            "conversation_id": "c",
            "memory_limit_number": 3,
            "include_preference": False,
            "preference_limit_number": 2,
            "relativity": 0.4,
            "filter": {"and": [{"tags": {"contains": "x"}}]},
        }
    ]


def test_limits_hold_with_and_without_fresh_memories(server, remote):
    session = MemorySession(remote, user_id="ann", conversation_id="c", memory_limit=2, preference_limit=1)
    server.lagging = True
    for n, thing in enumerate(["a dog", "a cat", "a car", "a boat", "a house"]):
        session.observe([("user", f"I own {thing}. I like colour number {n}.")])
    assert session.flush(20)
    session.observe([("user", "I own a plane. I prefer purple.")])
    recall = session.recall("What do I own?")
    assert len(recall.memories) == 2
    assert len(recall.preferences) <= 1
    session.close()


def test_a_budget_says_what_it_left_out(session):
    tight = MemorySession(session._client, user_id="ann", budget=PromptBudget(fact_items=0, explicit_items=0))
    session.observe(TURN)
    recall = tight.recall("tea")
    assert recall.prompt == ""
    assert recall.left_out["budget"] >= 1


def test_preferences_can_be_switched_off(session):
    session.observe([("user", "I prefer window seats.")])
    plain = MemorySession(session._client, user_id="ann", include_preference=False)
    assert plain.recall("seats").preferences == []
    session.flush(20)
    assert plain.recall("seats").preferences == []


def test_ranked_takes_the_best_of_both():
    facts = [FactMemory(memory_value="a", relativity=0.9), FactMemory(memory_value="b", relativity=0.2)]
    preferences = [PreferenceMemory(preference="c", relativity=0.5)]
    recall = Recall(facts, preferences)
    assert [m.text for m in recall.ranked(2)] == ["a", "c"]
    assert [m.text for m in recall.ranked(9)] == ["a", "c", "b"]
    assert recall.ranked(0) == []
    assert recall.ranked(-1) == []
    preferences[0] = PreferenceMemory(preference="c")
    assert [m.text for m in Recall(facts, preferences).ranked(3)] == ["a", "c", "b"]


# -- one search per turn


def test_one_search_per_turn(server, remote):
    session = MemorySession(remote, user_id="ann", conversation_id="c")
    first = session.recall_for_turn("t1", "tea?")
    assert session.recall_for_turn("t1", "anything") is first
    assert asyncio.run(session.arecall_for_turn("t1", "tea?")) is first
    assert counted(server)[0] == 1
    session.recall_for_turn("t2", "tea?")
    MemorySession(remote, user_id="bob", conversation_id="c").recall_for_turn("t1", "tea?")
    assert counted(server)[0] == 3


def test_a_failed_recall_is_remembered_for_the_turn(server, remote):
    session = MemorySession(remote, user_id="ann")
    server.fault = lambda endpoint, body: 40000
    assert session.recall_for_turn("t1", "tea?").error is not None
    assert session.recall_for_turn("t1", "tea?").error is not None
    assert counted(server)[0] == 1


def test_concurrent_calls_of_one_turn_search_once(server, remote):
    server.fault = lambda endpoint, body: 0.1
    session = MemorySession(remote, user_id="ann")

    async def many():
        return await asyncio.gather(*(session.arecall_for_turn("t", "tea?") for _ in range(50)))

    found = asyncio.run(many())
    assert all(recall is found[0] for recall in found)
    threads = [threading.Thread(target=session.recall_for_turn, args=("t2", "tea?")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(server)[0] == 2


def test_a_cancelled_search_is_taken_over(server, remote):
    server.fault = lambda endpoint, body: 0.3
    session = MemorySession(remote, user_id="ann")

    async def leave_early():
        first = asyncio.create_task(session.arecall_for_turn("t", "tea?"))
        second = asyncio.create_task(session.arecall_for_turn("t", "tea?"))
        await asyncio.sleep(0.1)
        first.cancel()
        return await second

    assert asyncio.run(leave_early()).error is None
    assert counted(server)[0] == 2


def test_a_turn_that_was_searched_while_waiting_is_taken_from_there(server, remote):
    session = MemorySession(remote, user_id="ann")
    slot = session._delivery.recalls.slot(("ann", None, "t"), session.options)
    flow = session._recall_for_turn("t", "tea?")
    slot.lock.acquire()
    assert isinstance(next(flow), Sleep)
    slot.recall = Recall()
    slot.lock.release()
    with pytest.raises(StopIteration) as end:
        flow.send(None)
    assert end.value.value is slot.recall
    assert server.calls == []


def test_a_search_that_ended_just_before_ours_is_taken(server, remote):
    session = MemorySession(remote, user_id="ann")
    slot = session._delivery.recalls.slot(("ann", None, "t"), session.options)

    class JustFreed:
        def acquire(self, blocking):
            slot.recall = Recall(preference_note="theirs")
            return True

        def release(self):
            pass

    slot.lock = JustFreed()
    assert session.recall_for_turn("t", "tea?").preference_note == "theirs"
    assert server.calls == []


def test_turns_are_bounded(client):
    session = MemorySession(client, user_id="ann")
    for n in range(600):
        session._delivery.recalls.slot(n, session)
    assert len(session._delivery.recalls._slots) == 512


# -- observe


def test_the_same_turn_told_twice_is_stored_once(server, remote):
    session = MemorySession(remote, user_id="ann", conversation_id="c")
    session.observe(TURN, key="k")
    session.observe(TURN, key="k")
    assert session.flush(20)
    session.observe(TURN, key="k")
    asyncio.run(session.aobserve(TURN, key="k"))
    assert session.flush(20)
    assert counted(server) == (0, 1, 1)
    session.observe(TURN)
    session.observe(TURN)
    assert session.flush(20)
    assert counted(server) == (0, 3, 3)


@pytest.mark.parametrize(("write", "calls"), [("extract+add", (0, 1, 1)), ("extract", (0, 1, 0)), ("add", (0, 0, 1))])
def test_what_is_written(server, remote, write, calls):
    seen: list[ExtractResult] = []
    session = MemorySession(remote, user_id="ann", conversation_id="c", write=write, on_extract=seen.append)
    session.observe(TURN)
    assert session.flush(20)
    assert counted(server) == calls
    assert len(seen) == calls[1]
    for result in seen:
        assert result.memories or result.preferences


def test_what_is_sent(server, remote):
    session = MemorySession(remote, user_id="ann", conversation_id="c")
    session.observe([("system", "s"), *TURN], key="k")
    assert session.flush(20)
    (extract,) = server.bodies("/extract/memory")
    (add,) = server.bodies("/add/message")
    plain = [{"role": role, "content": content} for role, content in TURN]
    assert extract == {"messages": plain}
    ids = [message.pop("id") for message in add["messages"]]
    assert len(set(ids)) == 2
    assert add == {"messages": plain, "user_id": "ann", "conversation_id": "c", "async_mode": True}


def test_on_extract_may_fail(server, remote, caplog):
    def broken(result):
        raise ValueError("green tea")

    session = MemorySession(remote, user_id="ann", conversation_id="c", on_extract=broken)
    session.observe(TURN)
    assert session.flush(20)
    assert counted(server) == (0, 1, 1)
    assert "on_extract raised ValueError" in caplog.text
    assert "green" not in caplog.text


def test_secrets_are_redacted_unless_switched_off(server, remote):
    told = [("user", "My token is ghp_" + "a1B2" * 9)]
    for redact, expected in ((True, "[REDACTED"), (False, "ghp_"), (str.upper, "MY TOKEN")):
        session = MemorySession(remote, user_id="ann", redact=redact)
        session.observe(told)
        assert session.flush(20)
        assert expected in server.bodies("/add/message")[-1]["messages"][0]["content"]


def test_an_empty_turn_is_nothing(server, remote):
    session = MemorySession(remote, user_id="ann")
    session.observe([])
    session.observe([("assistant", "Hello!")])
    session.observe(TURN, aborted=True)
    assert session.flush(20)
    assert [m["role"] for m in server.bodies("/add/message")[0]["messages"]] == ["user"]
    assert counted(server)[2] == 1


def test_a_bad_turn_warns_or_raises(client, caplog):
    MemorySession(client, user_id="ann").observe("hello")
    assert "InvalidRequest" in caplog.text
    assert "hello" not in caplog.text
    with pytest.raises(InvalidRequest):
        MemorySession(client, user_id="ann", on_error="raise").observe("hello")


def test_turns_sent_late_say_when_they_were_said(server, remote, monkeypatch):
    session = MemorySession(remote, user_id="ann", conversation_id="c")
    monkeypatch.setattr("memos_integrations._sending.LATE_S", -1)
    session.observe([{"role": "user", "content": "a", "chat_time": "2025-01-01"}, ("assistant", "b")])
    assert session.flush(20)
    told, added = (m["chat_time"] for m in server.bodies("/add/message")[0]["messages"])
    assert told == "2025-01-01"
    assert added[:2] == "20"
    assert len(added) == len("2026-11-21 04:20:00+00:00")


# -- forgetting, closing, forking, exiting


def test_forget_pending(server, remote):
    server.kill()
    session = MemorySession(remote, user_id="ann")
    other = MemorySession(remote, user_id="bob")
    session.observe(TURN)
    other.observe(TURN)
    assert session.forget_pending() == 1
    assert session.recall("tea").prompt == ""
    assert session.undelivered().pending == 1
    other.forget_pending()


def test_clear_fresh_hides_a_conversation_and_delivers_it(server, remote):
    server.lagging = True
    session = MemorySession(remote, user_id="ann", conversation_id="c")
    session.observe(TURN)
    session.clear_fresh()
    assert session.recall("tea").prompt == ""
    assert session.flush(20)
    assert session.recall("tea").prompt == ""
    assert counted(server)[2] == 1


def test_sessions_can_be_pickled_without_a_key(remote, monkeypatch):
    session = MemorySession(remote, user_id="ann", conversation_id="c", memory_limit=3)
    pickled = pickle.dumps((session, Sessions(remote, session.options)))
    monkeypatch.setenv("MEMOS_API_KEY", "another-key")
    again, sessions = pickle.loads(pickled)
    assert again.options.memory_limit == 3
    assert sessions.of("bob").options == session.options
    assert b'"k"' not in pickled


def test_async_recall_and_observe_never_block_the_loop(server, remote):
    async def chat():
        session = MemorySession(remote, user_id="ann", conversation_id="c")
        await session.arecall("warm up")
        with blockbuster_ctx("memos_integrations"):
            await session.aobserve(TURN)
            await session.arecall("tea")
            assert await session.aflush(20)
            await session.arecall_for_turn("t", "tea")

    asyncio.run(chat())


def test_sessions_are_cached_and_bounded(client):
    sessions = Sessions(client, SessionOptions(memory_limit=1), size=2)
    first = sessions.of("ann")
    assert sessions.of("ann") is first
    assert first.options.memory_limit == 1
    assert sessions.of("ann", "c") is not first
    sessions.of("bob")
    assert sessions.of("ann") is not first
    assert repr(sessions) == "Sessions(len=2)"


def test_async_context_and_twins(client):
    async def chat():
        async with MemorySession(client, user_id="ann") as session:
            await session.aobserve(TURN)
            assert "green tea" in (await session.arecall("tea")).prompt
            assert await session.aflush(20)
            assert "green tea" in (await session.arecall_for_turn("t", "tea")).prompt

    asyncio.run(chat())


def test_a_closed_session_can_be_used_again(client):
    session = MemorySession(client, user_id="ann")
    session.close()
    session.close()
    session.observe(TURN)
    assert session.flush(20)
    assert "green tea" in session.recall("tea").prompt
    session.close()


def test_a_client_that_is_gone_is_not_kept_alive():
    client = MemOSClient.embedded(":memory:", embedder="none")
    session = MemorySession(client, user_id="ann")
    session.observe(TURN)
    assert session.flush(20)
    gone = weakref.ref(client)
    session.close()
    del client, session
    gc.collect()
    assert gone() is None


def test_users_never_see_each_other(client):
    names = [f"user{n:02d}" for n in range(50)]
    wrong: list[str] = []

    def live(name):
        session = MemorySession(client, user_id=name, conversation_id="c", recall_timeout_s=60)
        for round_ in range(2):
            session.observe([("user", f"My secret word is {name}x{round_}."), ("assistant", "ok")])
            prompt = session.recall("What is my secret word?").prompt
            if f"{name}x{round_}" not in prompt or any(f"{o}x" in prompt for o in names if o != name):
                wrong.append(name)

    threads = [threading.Thread(target=live, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    session = MemorySession(client, user_id=names[0])
    assert session.flush(60)
    session.close()


def run_python(code, tmp_path, *, timeout=60):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), str(tmp_path / "m.db")],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


CHAT = """
    import asyncio, sys
    from memos_integrations import MemOSClient, MemorySession
    client = MemOSClient.embedded(sys.argv[1], embedder="none")
"""
FIND = (
    CHAT
    + """
    print(client.search_memory("Which tea?", user_id="ann").memories[0].text)
    print(len(client.get_message(user_id="ann", conversation_id="c").messages))
    client.close()
"""
)


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "del session, client"])
def test_exit_delivers_what_waits(tmp_path, end):
    run_python(
        CHAT
        + f"""
    session = MemorySession(client, user_id="ann", conversation_id="c")
    async def chat():
        await session.aobserve([("user", "I love green tea."), ("assistant", "ok")])
    asyncio.run(chat())
    {end}
    """,
        tmp_path,
    )
    assert "green tea" in run_python(FIND, tmp_path)


def test_exit_does_not_wait_for_a_server_that_hangs(tmp_path, server):
    released = threading.Event()
    server.fault = lambda endpoint, body: (released.wait(30), None)[1]
    out = run_python(
        f"""
    from memos_integrations import MemOSClient, MemorySession
    client = MemOSClient(api_key="k", base_url={server.url!r})
    session = MemorySession(client, user_id="ann", exit_drain_s=0.5)
    session.observe([("user", "I love green tea.")])
    print("told")
    """,
        tmp_path,
        timeout=20,
    )
    released.set()
    assert out == "told\n"


def test_a_forked_child_delivers_its_own_turns(tmp_path):
    out = run_python(
        CHAT
        + """
    import os
    session = MemorySession(client, user_id="ann", conversation_id="c")
    session.observe([("user", "I love green tea."), ("assistant", "ok")])
    child = os.fork()
    if child == 0:
        session.observe([("user", "I love black coffee."), ("assistant", "ok")])
        sys.stdout.write(f"{session.flush(20)}\\n"); sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    print(session.flush(20))
    print(len(client.get_message(user_id="ann", conversation_id="c").messages))
    """,
        tmp_path,
    )
    assert out.split() == ["True", "True", "4"]


def test_closing_the_client_sends_what_its_sessions_hold(server):
    with MemOSClient(api_key="k", base_url=server.url) as client:
        MemorySession(client, user_id="ann").observe(TURN)
    assert server.count("/add/message") == 1


async def test_closing_the_client_asynchronously_sends_too(server):
    async with MemOSClient(api_key="k", base_url=server.url) as client:
        await MemorySession(client, user_id="ann").aobserve(TURN)
    assert server.count("/add/message") == 1


def test_ranked_says_a_statement_once_as_what_it_means():
    facts = [
        FactMemory(memory_value="The user loves tea.", relativity=0.9),
        FactMemory(memory_value="b", relativity=0.2),
    ]
    preferences = [PreferenceMemory(preference="The user loves tea", relativity=0.4)]
    best, other = Recall(facts, preferences).ranked(5)
    assert isinstance(best, PreferenceMemory)
    assert (best.relativity, other.text) == (0.9, "b")
