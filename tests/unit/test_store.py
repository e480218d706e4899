"""The engine's file: migrated, full, newer than this version; and what its rows promise."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from memos_integrations._sqlite import open_database
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.store import Space
from memos_integrations.engine.tables import MIGRATIONS
from memos_integrations.errors import SchemaTooNew, StoreFull
from memos_integrations.requests import AddRequest, DeleteMemoryRequest, GetMemoryRequest, SearchRequest

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=timezone.utc)
OLD_MEMORY = """
insert into memory values (1, 0, 1, 'm', 'memory', 'The user lives in Bern.', 'Home', 'UserMemory', '', '[]', '{}',
 null, null, 'c', null, 1000, null, 'home', 'activated', null, null, 1000, 1000, -1, '[]', 'life bern', x'00')
"""


def engine(path, **options):
    return Memories(path, embedder="none", clock=lambda: NOW, **options)


def add(core, text, user="u"):
    message = {"role": "user", "content": text}
    core.add(AddRequest.of({"messages": [message], "user_id": user, "conversation_id": "c", "async_mode": False}))


def shown(core, user="u"):
    page = core.get_memory(GetMemoryRequest.of({"user_id": user, "size": 50}))
    return sorted(m.memory_value for m in page.memories)


def test_memories_of_the_first_schema_can_be_superseded(tmp_path):
    path = tmp_path / "m.db"
    first = open_database(path, MIGRATIONS[:1])
    with first.write() as tx:
        tx.run("insert into owner (name, version) values ('user:u', 1)")
        tx.run(OLD_MEMORY)
    first.close()
    core = engine(path)
    assert shown(core) == ["The user lives in Bern."]
    add(core, "I moved to Rome.")
    assert shown(core)[0] == "The user lives in Bern. (no longer current, until 2025-06-15)"
    core.close()


def test_a_file_of_a_later_version_is_left_alone(tmp_path):
    path = tmp_path / "m.db"
    core = engine(path)
    add(core, "My brother is Tom.")
    with core._database.write() as tx:
        tx.run("insert into migration values (99, datetime('now'))")
    core.close()
    later = engine(path)
    with pytest.raises(SchemaTooNew):
        shown(later)
    with pytest.raises(SchemaTooNew):
        add(later, "My sister is Ann.")
    later.close()


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path):
    core = engine(tmp_path / "m.db")
    add(core, "My brother is Tom.")
    raw = core._database._connection
    (pages,) = raw.execute("pragma page_count").fetchone()
    raw.execute(f"pragma max_page_count={pages + 2}")
    fill = (add(core, f"My shelf {n} is painted {n} times and stands in room {n}.") for n in range(200))
    with pytest.raises(StoreFull):
        list(fill)
    known = shown(core)
    assert "The user's brother is Tom." in known
    assert core.search(SearchRequest.of({"query": "brother", "user_id": "u"})).memories
    raw.execute("pragma max_page_count=1000000")
    add(core, "My sister is Ann.")
    assert shown(core) == sorted([*known, "The user's sister is Ann."])
    core.close()


def test_a_number_is_never_used_twice(tmp_path):
    core = engine(tmp_path / "m.db")
    numbers = []
    for text in ("My brother is Tom.", "My sister is Ann.", "My cousin is Bea."):
        add(core, text)
        with core._database.read() as tx:
            (row,) = Space(tx, 1).all_memories()
        numbers.append(row.number)
        core.delete_memory(DeleteMemoryRequest.of({"memory_ids": [row.id]}))
    assert numbers == [0, 1, 2]
    core.close()


def test_terms_with_the_signs_of_patterns_are_found_as_they_are(tmp_path):
    core = engine(tmp_path / "m.db", verbatim=True)
    add(core, "100% sure")
    with core._database.read() as tx:
        space = Space(tx, 1)
        assert [row.text for row in space.memories_holding(["100"], 5)] == ["100% sure"]
        assert space.memories_holding(["1%"], 5) == []
        assert space.memories_holding(["_00"], 5) == []
    core.close()
