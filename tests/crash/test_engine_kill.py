"""The engine killed in the middle of adding: what was acknowledged is there, and nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

from memos_integrations._sqlite import open_database
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.tables import MIGRATIONS
from memos_integrations.requests import GetMemoryRequest

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


def stored(path):
    core = Memories(path, embedder="none", verbatim=True)
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


def test_acknowledged_adds_survive_being_killed(tmp_path):
    path, acknowledged, start = tmp_path / "m.db", -1, 0
    chance = random.Random(7)
    for _ in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(start)], stdout=subprocess.PIPE, text=True
        )
        child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        acknowledged = max([start, *map(int, rest.split())])
        # The last one may be told again: it is the same message, so it is stored once.
        start = acknowledged
    texts = stored(path)
    assert len(texts) == len(set(texts))
    assert {f"fact number {n} is kept" for n in range(acknowledged + 1)} <= set(texts)
    database = open_database(path, MIGRATIONS)
    with database.read() as tx:
        assert tx.one("pragma integrity_check") == ("ok",)
    database.close()
