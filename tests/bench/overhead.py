"""`python -m tests.bench overhead`: what the client, the session and the adapters add to one bare HTTP request.

Every row runs beside a bare `httpx` call to the same server in the same loop, so that noise hits both alike.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from memos_integrations import MemorySession, MemOSClient
from tests.bench.counting import wait_for

USER = "bench"
QUESTION = "Where should I travel next weekend?"
TOLD = [
    {"role": "user", "content": "I live in Lisbon and I prefer trains to planes."},
    {"role": "assistant", "content": "Noted."},
]
BODY = {
    "query": QUESTION,
    "user_id": USER,
    "memory_limit_number": 6,
    "include_preference": True,
    "preference_limit_number": 6,
}
ROUNDS = 300


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server in a process of its own, so that its work does not share this interpreter's lock."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api/openmem/v1"
    command = [sys.executable, "-m", "memos_integrations", "serve", "--path", str(folder / "m.db"), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def paired(bare: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Median milliseconds of both, measured alternately."""
    samples: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS + 20):
        for action, kept in zip((bare, ours), samples, strict=True):
            start = time.perf_counter()
            action()
            if turn >= 20:
                kept.append(1000 * (time.perf_counter() - start))
    return statistics.median(samples[0]), statistics.median(samples[1])


def show(name: str, bare: float, ours: float) -> None:
    print(f"{name:44} {bare:>9.3f} {ours:>9.3f} {ours - bare:>+9.3f} {ours / bare:>7.2f}", flush=True)


def sync_rows(url: str, client: MemOSClient, session: MemorySession) -> None:
    from memos_integrations.langchain import MemOSRetriever as ChainRetriever
    from memos_integrations.llama_index import MemOSRetriever as IndexRetriever

    with httpx.Client(headers={"Authorization": "Token bench"}) as http:

        def bare() -> object:
            return json.loads(http.post(f"{url}/search/memory", json=BODY).content)

        chain = ChainRetriever(client=client, user_id=USER)
        index = IndexRetriever(client=client, user_id=USER)
        rows: dict[str, Callable[[], object]] = {
            "client.search_memory": lambda: client.search_memory(QUESTION, user_id=USER),
            "session.recall": lambda: session.recall(QUESTION),
            "LangChain MemOSRetriever.invoke": lambda: chain.invoke(QUESTION),
            "LlamaIndex MemOSRetriever.retrieve": lambda: index.retrieve(QUESTION),
        }
        for name, ours in rows.items():
            show(name, *paired(bare, ours))


async def async_rows(url: str, client: MemOSClient, session: MemorySession) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Token bench"}) as http:

        async def bare() -> object:
            return json.loads((await http.post(f"{url}/search/memory", json=BODY)).content)

        rows: dict[str, Callable[[], Awaitable[object]]] = {
            "client.asearch_memory": lambda: client.asearch_memory(QUESTION, user_id=USER),
            "session.arecall": lambda: session.arecall(QUESTION),
        }
        for name, ours in rows.items():
            samples: tuple[list[float], list[float]] = ([], [])
            for turn in range(ROUNDS + 20):
                for action, kept in zip((bare, ours), samples, strict=True):
                    start = time.perf_counter()
                    await action()
                    if turn >= 20:
                        kept.append(1000 * (time.perf_counter() - start))
            show(name, statistics.median(samples[0]), statistics.median(samples[1]))
    await client.aclose()


def observe_row(session: MemorySession, folder: Path) -> None:
    """What the user waits for after the answer, beside one committed SQLite row with the same durability."""
    import sqlite3

    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=full")
    database.execute("create table turns (body text)")

    def bare() -> object:
        return database.execute("insert into turns values (?)", (json.dumps(TOLD),))

    show("session.observe, beside one SQLite commit", *paired(bare, lambda: session.observe(TOLD)))
    database.close()


def import_row() -> None:
    """Import time in fresh interpreters, least of nine."""
    statements = (
        "import httpx, pydantic",
        "import httpx, pydantic, memos_integrations",
        "import httpx, pydantic; from memos_integrations import MemOSClient",
        "import httpx, pydantic; from memos_integrations import MemOSClient; MemOSClient(api_key='k')",
        "import httpx, pydantic; from memos_integrations import MemOSClient, MemorySession",
    )
    best = []
    for statement in statements:
        code = f"import time; s = time.perf_counter(); {statement}; print(time.perf_counter() - s)"
        runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(9)]
        best.append(1000 * min(map(float, runs)))
    show("import memos_integrations", best[0], best[1])
    show("… and its MemOSClient", best[0], best[2])
    show("… and a first client (pydantic's models)", best[0], best[3])
    show("… and MemorySession", best[0], best[4])


def main(argv: list[str]) -> int:
    """Print the table: milliseconds of the bare call, of ours, the difference and the ratio."""
    del argv
    logging.disable(logging.WARNING)
    print(f"{'median of ' + str(ROUNDS):44} {'bare ms':>9} {'ours ms':>9} {'added':>9} {'ratio':>7}")
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as url:
        with MemOSClient(api_key="bench", base_url=url) as client:
            client.add_message(TOLD, user_id=USER, conversation_id="c", async_mode=False)
            session = MemorySession(client, user_id=USER, conversation_id="c")
            sync_rows(url, client, session)
            asyncio.run(async_rows(url, client, session))
            observe_row(MemorySession(client, user_id="writer", conversation_id="c"), Path(name))
            session.flush(timeout_s=60)
    import_row()
    return 0
