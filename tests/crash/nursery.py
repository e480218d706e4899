"""Forks chats, kills each with SIGKILL at a random moment, then counts what arrived: `nursery.py FOLDER CYCLES SEED`.

Run as a program of its own, so that children are forked from a process without threads.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from memos_integrations import MemorySession, MemOSClient

TURNS = 20


def chat(folder: Path, cycle: int) -> None:
    """Tell turns until killed; each one is acknowledged in a file once observe() has returned."""
    told = os.open(folder / "told", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    client = MemOSClient.embedded(folder / "m.db", embedder="none")
    session = MemorySession(client, user_id="ann", conversation_id=f"c{cycle}")
    for n in range(TURNS):
        text = f"I own item {cycle} {n}."
        session.observe([("user", text)], key=text)
        os.write(told, f"{text}\n".encode())
        if n % 7 == 3:
            session.recall("What do I own?")
        if n % 5 == 4:
            session.observe([("user", text)], key=text)
    time.sleep(60)


def cycle(folder: Path, number: int, rng: random.Random) -> None:
    before = (folder / "told").stat().st_size if (folder / "told").exists() else 0
    child = os.fork()
    if child == 0:
        try:
            chat(folder, number)
        finally:
            os._exit(3)
    # Kill only once something was told, so that no cycle is empty.
    while not (folder / "told").exists() or (folder / "told").stat().st_size == before:
        time.sleep(0.002)
    time.sleep(rng.random() * 0.12)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(folder: Path, cycles: int, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(cycles):
        cycle(folder, number, rng)
    told = (folder / "told").read_text().split("\n")[:-1]
    client = MemOSClient.embedded(folder / "m.db", embedder="none")
    session = MemorySession(client, user_id="ann")
    waited = session.undelivered().pending
    flushed = session.flush(120)
    stored: Counter[str] = Counter()
    for number in range(cycles):
        page = client.get_message(user_id="ann", conversation_id=f"c{number}", message_limit_number=50)
        stored.update(str(message.content) for message in page.messages)
    report = {
        "told": len(told),
        "waited": waited,
        "flushed": flushed,
        "lost": sorted(set(told) - set(stored)),
        "twice": sorted(text for text, times in stored.items() if times > 1),
        "dead": session.undelivered().dead,
    }
    session.close()
    client.close()
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
