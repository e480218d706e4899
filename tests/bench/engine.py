"""Speed of the embedded engine beside numpy's dot product and a bare SQLite insert, in one run.

    python -m tests.bench engine [--sizes 1000,10000,100000] [--users 1000] [--per-user 1000] [--keep FILE]
Search is split into embedding the query, lexical and hybrid ranking (with synthetic vectors in place of the model's, so
that filling takes minutes, not hours); add into extraction, embedding and commit.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from memos_integrations.engine.embed import embedder_for, packaged_available, unit_rows
from memos_integrations.engine.extract import extract
from memos_integrations.engine.memories import Memories
from memos_integrations.models import Message
from memos_integrations.requests import AddRequest, SearchRequest

VOCABULARY = [
    a + b + c
    for a in ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu")
    for b in ("ra", "len", "mis", "tok", "den", "par", "sul", "gri", "bol", "fan", "ked", "wix")
    for c in ("", "n", "ta", "do", "st", "mer", "ling", "por")
]
RANKS = [1 / (n + 3) for n in range(len(VOCABULARY))]


class Synthetic:
    """Random directions by text: the cost of vectors without the cost of the model."""

    name = "synthetic-384"

    def documents(self, texts):
        return unit_rows(np.stack([np.random.default_rng(abs(hash(t))).standard_normal(384) for t in texts]))

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
    print("search p50 in ms (one user; the query's embedding apart)")
    print(f"{'memories':>9} {'lexical':>9} {'hybrid':>9} {'numpy dot':>10} {'cold open':>10}")
    for size in sizes:
        rng = random.Random(size)
        queries = [sentence(rng, 6) for _ in range(50)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "m.db")
            core = Memories(path, embedder=Synthetic(), verbatim=True, cache_mb=1024)
            fill(core, "u", size, rng)
            core.close()
            lexical, cold = _search_ms(path, "none", queries)
            hybrid = _search_ms(path, Synthetic(), queries)[0] - _embedding_ms(queries)
        print(f"{size:9} {lexical:9.2f} {hybrid:9.2f} {_dot_ms(size):10.2f} {cold:10.0f}", flush=True)


def _search_ms(path: Path, embedder: object, queries: list[str]) -> tuple[float, float]:
    engine = Memories(path, embedder=embedder, verbatim=True, cache_mb=1024)

    def ask(n: int) -> None:
        engine.search(SearchRequest.of({"query": queries[n % 50], "user_id": "u"}))

    cold, warm = p50(ask, 1), p50(ask, 50)
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
        core = Memories(path, embedder=Synthetic(), verbatim=True)
        start = time.perf_counter()
        for user in range(users):
            fill(core, f"u{user}", per_user, rng)
        seconds, mib = time.perf_counter() - start, path.stat().st_size / 2**20
        print(f"{users} users x {per_user} memories: filled in {seconds:.0f} s, {mib:.0f} MiB")
        core.close()
        start = time.perf_counter()
        core = Memories(path, embedder=Synthetic(), verbatim=True, cache_mb=64)
        core.users()
        print(f"  opened in {1000 * (time.perf_counter() - start):.1f} ms")

        def ask(n: int) -> None:
            core.search(SearchRequest.of({"query": sentence(rng, 6), "user_id": f"u{n % users}"}))

        print(f"  first search of a user p50 {p50(ask, min(users, 200)):.1f} ms", end="")
        print(f", then {p50(lambda _: ask(0), 50):.2f} ms")
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  partitions held {core._partitions.bytes / 2**20:.0f} of 64 MiB, resident at most {resident:.0f} MiB")
        core.close()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--per-user", type=int, default=1000)
    args = parser.parse_args(argv)
    print(f"{os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}, numpy {np.__version__}")
    searches([int(size) for size in args.sizes.split(",")])
    adds()
    if args.users:
        crowd(args.users, args.per_user)
    return 0
