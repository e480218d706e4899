"""kill -9 at any moment loses no turn that observe() returned for, and stores none twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from memos_integrations import MemorySession, MemOSClient
from tests.faulty import FaultyServer

HERE = Path(__file__).parent


def python(*arguments: str, expect: int = 0, timeout: float = 110) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


def killed_after(code: str, client: str) -> None:
    script = f"""
        import os, signal
        from memos_integrations import MemOSClient, MemorySession
        client = MemOSClient{client}
        session = MemorySession(client, user_id="ann", conversation_id="c")
        {textwrap.indent(textwrap.dedent(code), " " * 8).strip()}
        os.kill(os.getpid(), signal.SIGKILL)
    """
    python("-c", textwrap.dedent(script), expect=-9)


def embedded(folder: Path) -> str:
    return f'.embedded({str(folder / "m.db")!r}, embedder="none")'


def stored(client: MemOSClient) -> list[str]:
    return [str(m.content) for m in client.get_message(user_id="ann", conversation_id="c").messages]


def test_killed_between_answer_and_delivery(tmp_path):
    killed_after(
        """
        session._delivery.kick = lambda: None
        session.observe([("user", "I love green tea."), ("assistant", "ok")], key="1")
        """,
        embedded(tmp_path),
    )
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        session = MemorySession(client, user_id="ann", conversation_id="c")
        assert "green tea" in session.recall("Which tea?").prompt
        session.observe([("user", "I love green tea."), ("assistant", "ok")], key="1")
        assert session.flush(20)
        assert stored(client) == ["I love green tea.", "ok"]
        session.close()


def test_killed_between_extract_and_add_extracts_once():
    server = FaultyServer()
    killed_after(
        """
        session._delivery.kick = lambda: None
        session.observe([("user", "I love green tea.")], key="1")
        (outbox, job), = session._delivery._shelves.leases()
        session._delivery._sender._extract(client, outbox, job)
        """,
        f'(api_key="k", base_url={server.url!r})',
    )
    assert (server.count("/extract/memory"), server.count("/add/message")) == (1, 0)
    with MemOSClient(api_key="k", base_url=server.url) as client:
        session = MemorySession(client, user_id="ann", conversation_id="c")
        assert session.flush(20)
        session.close()
    assert (server.count("/extract/memory"), server.count("/add/message")) == (1, 1)
    server.close()


def test_killed_between_add_and_acknowledgement_stores_once(tmp_path):
    killed_after(
        """
        session._delivery.kick = lambda: None
        session.observe([("user", "I love green tea."), ("assistant", "ok")], key="1")
        (outbox, job), = session._delivery._shelves.leases()
        session._delivery._sender._add(client, job)
        """,
        embedded(tmp_path),
    )
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        session = MemorySession(client, user_id="ann", conversation_id="c")
        assert session.flush(20)
        assert stored(client) == ["I love green tea.", "ok"]
        assert len(client.search_memory("tea", user_id="ann").memories) == 1
        session.close()


def kill_cycles(folder: Path, cycles: int, seed: int, timeout: float) -> None:
    report = json.loads(python(str(HERE / "nursery.py"), str(folder), str(cycles), str(seed), timeout=timeout))
    assert report["told"] >= cycles
    assert report["flushed"] is True
    assert (report["lost"], report["twice"], report["dead"]) == ([], [], 0)


def test_twenty_kills_at_random_moments(tmp_path):
    kill_cycles(tmp_path, 20, 1, 100)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_hundred_kills_at_random_moments(tmp_path):
    kill_cycles(tmp_path, 300, 2, 800)
