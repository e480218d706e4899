"""One owner's memories in RAM: how they follow the file, and how large they are."""

from __future__ import annotations

import gc
import random
import tracemalloc

import numpy as np
import pytest

from memos_integrations.engine.embed import unit_rows
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.partition import Partition, Partitions, days_of
from memos_integrations.engine.store import Space, find_owner
from memos_integrations.requests import AddRequest

WORDS = [f"{a}{b}" for a in ("tree", "lamp", "road", "fish", "moon") for b in range(80)]


def embedded(texts):
    return unit_rows(np.stack([np.random.default_rng(len(t)).standard_normal(64) for t in texts]))


def filled(embedder, count):
    core, rng = Memories(embedder=embedder, verbatim=True), random.Random(1)
    for start in range(0, count, 100):
        messages = [{"role": "user", "content": " ".join(rng.choices(WORDS, k=9))} for _ in range(100)]
        core.add(
            AddRequest.of({"messages": messages, "user_id": "u", "conversation_id": f"c{start}", "async_mode": False})
        )
    return core


def loaded(core):
    with core._database.read() as tx:
        owner = find_owner(tx, "user:u")
        partition = Partition(owner)
        assert partition.refresh(Space(tx, owner), core._meaning.name)
        assert not partition.refresh(Space(tx, owner), core._meaning.name)
    return partition


@pytest.mark.parametrize("embedder", ["none", embedded])
def test_the_estimated_size_is_near_the_real_one(embedder):
    core = filled(embedder, 1500)
    loaded(core)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        partition = loaded(core)
        gc.collect()
        real = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        core.close()
    assert len(partition.facts.slots) == 1500
    assert partition.facts.bare == (embedder == "none")
    assert real / 1.5 < partition.bytes < real * 1.5


def test_the_least_recently_used_partitions_go_first():
    core = filled("none", 100)
    held = Partitions(0)
    for owner in (1, 2, 3):
        held.of(owner).facts = loaded(core).facts
    held.of(1)
    held.trim()
    assert list(held._held) == [1]
    held.drop(1)
    assert held.bytes == 0
    core.close()


@pytest.mark.parametrize(
    ("happened_on", "days"),
    [(None, (0, 0)), ("2024-02-30", (0, 0)), ("2024-01-01", (738886, 738886)),
     ("2024-01-01/2024-01-03", (738886, 738888))],
)  # fmt: skip
def test_days_are_read_from_dates_and_intervals(happened_on, days):
    assert days_of(happened_on) == days
