"""The engine killed in the middle of adding: what was acknowledged is there, and nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

from memos_integrations._sqlite import open_database
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.tables import MIGRATIONS
from memos_integrations.requests import GetMemoryRequest, SearchRequest

CHILD = """
import sys
from memos_integrations.engine.memories import Memories
from memos_integrations.requests import AddRequest
core = Memories(sys.argv[1], embedder="none", verbatim=True)
for n in range(int(sys.argv[2]), 100000):
    message = {"role": "user", "content": f"fact number {n} is kept", "id": str(n)}
    core.add(AddRequest.of({"messages": [message], "user_id": "u", "conversation_id": "c", "async_mode": n % 3 == 0}))
    print(n, flush=True)
"""


THINKING = """
import sys, time
from memos_integrations.engine.extract import extract
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.requests import AddRequest

class Thinker:
    def extract(self, messages, *, context, now, types):
        time.sleep(0.004)
        found = [
            Candidate("memory", f"Thought about: {m.text}", "UserMemory", sources=(i,), said_on=now)
            for i, m in enumerate(messages)
        ]
        return Extraction(memories=tuple(found))

core = Memories(sys.argv[1], embedder="none", extractor=Thinker())
for n in range(int(sys.argv[2]), 100000):
    message = {"role": "user", "content": f"My shelf {n} is painted {n} times.", "id": str(n)}
    core.add(AddRequest.of({"messages": [message], "user_id": "u", "conversation_id": "c", "async_mode": True}))
    print(n, flush=True)
"""
SHARING = """
import sys
from memos_integrations.engine.memories import Memories
from memos_integrations.requests import AddRequest
core = Memories(sys.argv[1], embedder="none")
for n in range(40):
    message = {"role": "user", "content": f"My box {sys.argv[2]}{n} holds {n} nails.", "id": f"{sys.argv[2]}{n}"}
    core.add(AddRequest.of({"messages": [message], "user_id": "u", "conversation_id": "c", "async_mode": n % 2 == 0}))
core.close()
"""


class Thinker:
    """The extractor of THINKING, without its slowness."""

    def extract(self, messages, *, context, now, types):
        found = [
            Candidate("memory", f"Thought about: {m.text}", "UserMemory", sources=(i,), said_on=now)
            for i, m in enumerate(messages)
        ]
        return Extraction(memories=tuple(found))


def stored(path, **options):
    core = Memories(path, embedder="none", **options)
    try:
        core._open()[1].worker.wake()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with core._database.read() as tx:
                if tx.one("select 1 from task where status = 'running'") is None:
                    break
            time.sleep(0.01)
        texts, page = [], 1
        while True:
            found = core.get_memory(GetMemoryRequest.of({"user_id": "u", "page": page, "size": 50}))
            texts += [m.memory_value for m in found.memories]
            if page >= found.pages:
                return texts
            page += 1
    finally:
        core.close()


def killed_again_and_again(path, script, times):
    """The number of the last add that was acknowledged."""
    acknowledged, start = -1, 0
    chance = random.Random(7)
    for _ in range(times):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(start)], stdout=subprocess.PIPE, text=True
        )
        child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        acknowledged = max([start, *map(int, rest.split())])
        # The last one may be told again: it is the same message, so it is stored once.
        start = acknowledged
    return acknowledged


def test_acknowledged_adds_survive_being_killed(tmp_path):
    path = tmp_path / "m.db"
    acknowledged = killed_again_and_again(path, CHILD, 8)
    texts = stored(path, verbatim=True)
    assert len(texts) == len(set(texts))
    assert {f"fact number {n} is kept" for n in range(acknowledged + 1)} <= set(texts)
    database = open_database(path, MIGRATIONS)
    with database.read() as tx:
        assert tx.one("pragma integrity_check") == ("ok",)
    database.close()


def test_drafts_are_replaced_once_however_often_the_process_is_killed(tmp_path):
    path = tmp_path / "m.db"
    acknowledged = killed_again_and_again(path, THINKING, 6)
    texts = stored(path, extractor=Thinker())
    assert len(texts) == len(set(texts))
    assert all(text.startswith("Thought about: My shelf") for text in texts)
    assert {f"Thought about: My shelf {n} is painted {n} times." for n in range(acknowledged + 1)} <= set(texts)


def test_processes_share_a_user_while_another_searches(tmp_path):
    path = tmp_path / "m.db"
    core = Memories(path, embedder="none")
    children = [subprocess.Popen([sys.executable, "-c", SHARING, str(path), name]) for name in ("a", "b")]
    seen = 0
    while any(child.poll() is None for child in children):
        request = {"query": "Which box holds nails?", "user_id": "u", "memory_limit_number": 25}
        found = core.search(SearchRequest.of(request)).memories
        assert len(found) >= min(seen, 25)
        seen = len(found)
        time.sleep(0.005)
    assert [child.returncode for child in children] == [0, 0]
    core.close()
    texts = [text.partition(" (said on")[0] for text in stored(path)]
    assert sorted(texts) == sorted(f"The user's box {name}{n} holds {n} nails." for name in "ab" for n in range(40))
