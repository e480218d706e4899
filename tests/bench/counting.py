"""A real server on loopback that counts what it is asked."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memos_integrations.engine.memories import Memories
from memos_integrations.server import Server


class CountingMemories(Memories):
    """The real engine; `counts` says how often each endpoint was asked."""

    counts: Counter[str]

    def search(self, request: Any) -> Any:
        self.counts["/search/memory"] += 1
        return super().search(request)

    def extract(self, request: Any) -> Any:
        self.counts["/extract/memory"] += 1
        return super().extract(request)

    def add(self, request: Any) -> Any:
        self.counts["/add/message"] += 1
        return super().add(request)


@contextmanager
def counting_server(folder: Path) -> Iterator[tuple[str, Counter[str]]]:
    """The base URL of a server in this process and its live counts."""
    memories = CountingMemories(folder / "server.db", embedder="none")
    memories.counts = Counter()
    server = Server(memories, port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.url, memories.counts
    finally:
        server.stop()
        thread.join(10)


def wait_for(url: str, seconds: float = 30) -> None:
    """Wait until the server of `url` (its base URL) answers at all."""
    end = time.monotonic() + seconds
    health = url.split("/api/", 1)[0] + "/health"
    while True:
        try:
            with urllib.request.urlopen(health, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
