"""Speed of the embedded engine beside numpy's dot product and a bare SQLite insert, in one run.

    python -m tests.bench engine [--sizes 1000,10000,100000] [--users 1000] [--per-user 1000]
Search is measured by words only without numpy (plain), by words only (lexical) and with vectors (hybrid; synthetic ones
in place of the model's, so that filling takes minutes, not hours); add is split into extraction, embedding and commit.
Of many users ten are filled by the engine, the others are copies of their rows under other ids.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import zlib
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from memos_integrations.engine import postings, related
from memos_integrations.engine.embed import embedder_for, packaged_available, unit_rows
from memos_integrations.engine.extract import extract
from memos_integrations.engine.memories import Memories
from memos_integrations.models import Message
from memos_integrations.requests import AddRequest, SearchRequest

# English words, the most frequent first, so that words near a query's are among the memories as they are in life.
VOCABULARY = related.Table(related.TABLES["en"].read_bytes()).terms[:1440]
RANKS = [1 / (n + 3) for n in range(len(VOCABULARY))]


class Synthetic:
    """Random directions by text: the cost of vectors without the cost of the model."""

    name = "synthetic-384"

    def documents(self, texts):
        return unit_rows(np.stack([np.random.default_rng(zlib.crc32(t.encode())).standard_normal(384) for t in texts]))

    def query(self, text):
        return self.documents([text])[0]


def sentence(rng: random.Random, words: int = 14) -> str:
    return "The " + " ".join(rng.choices(VOCABULARY, RANKS, k=words)) + "."


def p50(call, rounds: int) -> float:
    samples = []
    for n in range(rounds):
        start = time.perf_counter()
        call(n)
        samples.append(time.perf_counter() - start)
    return 1000 * statistics.median(samples)


def fill(core: Memories, user: str, count: int, rng: random.Random) -> None:
    for start in range(0, count, 500):
        messages = [{"role": "user", "content": sentence(rng)} for _ in range(min(500, count - start))]
        core.add(
            AddRequest.of({"messages": messages, "user_id": user, "conversation_id": f"c{start}", "async_mode": False})
        )


def searches(sizes: list[int]) -> None:
    print("search p50 in ms (one user; the query's embedding apart), and the first search after opening the file")
    columns = ("memories", "plain", "lexical", "hybrid", "numpy dot", "first lexical", "first hybrid")
    print(" ".join(f"{name:>13}" for name in columns))
    for size in sizes:
        rng = random.Random(size)
        queries = [sentence(rng, 6) for _ in range(50)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "m.db")
            core = Memories(path, embedder=Synthetic(), verbatim=True, cache_mb=1024)
            fill(core, "u", size, rng)
            core.close()
            lexical, first = _search_ms(path, "none", queries)
            hybrid, first_hybrid = _search_ms(path, Synthetic(), queries)
            least, postings._LEAST = postings._LEAST, (sys.maxsize, sys.maxsize)
            plain, _ = _search_ms(path, "none", queries)
            postings._LEAST = least
        hybrid -= _embedding_ms(queries)
        print(f"{size:13}", *(f"{ms:13.2f}" for ms in (plain, lexical, hybrid, _dot_ms(size), first, first_hybrid)))
        sys.stdout.flush()


def _search_ms(path: Path, embedder: object, queries: list[str]) -> tuple[float, float]:
    engine = Memories(path, embedder=embedder, verbatim=True, cache_mb=1024)

    def ask(n: int) -> None:
        engine.search(SearchRequest.of({"query": queries[n % 50], "user_id": "u"}))

    cold, warm = p50(ask, 1), p50(ask, 200)
    engine.close()
    return warm, cold


def _embedding_ms(queries: list[str]) -> float:
    model = Synthetic()
    return p50(lambda n: model.query(queries[n]), 50)


def _dot_ms(size: int) -> float:
    matrix = np.random.default_rng(1).standard_normal((size, 384)).astype(np.float32)
    return p50(lambda n: matrix @ matrix[n], 50)


def adds() -> None:
    rng = random.Random(3)
    texts = [f"I went to {sentence(rng, 8)[4:-1]} with my sister and I love {VOCABULARY[n]}." for n in range(300)]
    now = datetime.now(timezone.utc)
    print("add per turn, p50 in ms")
    print(f"  extraction {p50(lambda n: extract([Message(role='user', content=texts[n])], now=now), 300):.3f}")
    if packaged_available():
        model = embedder_for("auto")
        model.query("warm")
        print(f"  embedding  {p50(lambda n: model.documents([texts[n]]), 100):.3f}")
    with tempfile.TemporaryDirectory() as folder:
        core = Memories(Path(folder, "m.db"), embedder="none", verbatim=True)

        def add(n: int) -> None:
            turn = [{"role": "user", "content": texts[n]}]
            core.add(AddRequest.of({"messages": turn, "user_id": "u", "conversation_id": "c", "async_mode": False}))

        print(f"  commit and the rest {p50(add, 300):.3f}")
        core.close()
        raw = sqlite3.connect(Path(folder, "raw.db"), isolation_level=None)
        raw.execute("pragma journal_mode=wal")
        raw.execute("pragma synchronous=normal")
        raw.execute("create table t (id integer primary key, body text, vector blob)")

        def insert(n: int) -> None:
            raw.execute("insert into t (body, vector) values (?, ?)", (texts[n], b"x" * 768))

        print(f"  bare SQLite insert  {p50(insert, 300):.3f}")
        raw.close()


def crowd(users: int, per_user: int) -> None:
    rng = random.Random(4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.db")
        start = time.perf_counter()
        core = Memories(path, embedder=Synthetic(), verbatim=True)
        for user in range(min(users, 10)):
            fill(core, f"u{user}", per_user, rng)
        core.close()
        _copy_users(path, users)
        seconds, mib = time.perf_counter() - start, path.stat().st_size / 2**20
        print(f"{users} users x {per_user} memories: filled in {seconds:.0f} s, {mib:.0f} MiB", flush=True)
        # A process of its own, so that what filling left behind does not count as resident.
        child = multiprocessing.get_context("spawn").Process(target=crowd_searches, args=(path, users))
        child.start()
        child.join()


def _copy_users(path: Path, users: int) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("pragma synchronous=off")
    columns = {
        table: [name for _, name, *_ in database.execute(f"pragma table_info({table})") if name != "owner"]
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall()
        if table != "owner" and any(row[1] == "owner" for row in database.execute(f"pragma table_info({table})"))
    }
    sources = [owner for (owner,) in database.execute("select owner from owner").fetchall()]
    database.execute("begin")
    for user in range(len(sources), users):
        source = sources[user % len(sources)]
        database.execute(
            "insert into owner (name, version, epoch) select ?, version, epoch from owner where owner = ?",
            (f"user:u{user}", source),
        )
        (owner,) = database.execute("select last_insert_rowid()").fetchone()
        for table, names in columns.items():
            values = [f"id || '-{user}'" if (table, name) == ("memory", "id") else name for name in names]
            database.execute(
                f"insert into {table} (owner, {', '.join(names)})"
                f" select ?, {', '.join(values)} from {table} where owner = ?",
                (owner, source),
            )
    database.execute("commit")
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()


def crowd_searches(path: Path, users: int) -> None:
    rng, limit = random.Random(5), 64
    start = time.perf_counter()
    core = Memories(path, embedder=Synthetic(), verbatim=True, cache_mb=limit)
    core.users()
    print(f"  opened in {1000 * (time.perf_counter() - start):.1f} ms")

    def ask(n: int) -> None:
        core.search(SearchRequest.of({"query": sentence(rng, 6), "user_id": f"u{n % users}"}))

    ask(users - 1)
    before, held = _resident_mib(), core._partitions.bytes
    # Spread over the file: no user's rows lie next to the one before.
    first = p50(lambda n: ask(n * 37), min(users, 200))
    print(f"  first search of a user p50 {first:.1f} ms, then {p50(lambda _: ask(0), 200):.2f} ms")
    grown, estimate = _resident_mib() - before, (core._partitions.bytes - held) / 2**20
    print(f"  held of at most {limit} MiB: {len(core._partitions._held)} users, estimated at {estimate:.0f} MiB")
    print(f"  resident memory grew by {grown:.0f} MiB to {_resident_mib():.0f} MiB")
    core.close()


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--per-user", type=int, default=1000)
    args = parser.parse_args(argv)
    versions = f"SQLite {sqlite3.sqlite_version}, numpy {np.__version__}"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, {versions}")
    searches([int(size) for size in args.sizes.split(",")])
    adds()
    if args.users:
        crowd(args.users, args.per_user)
    return 0
