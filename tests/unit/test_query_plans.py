"""What happens at every add or search reads a few rows of an owner, however many there are."""

from __future__ import annotations

import pytest

from memos_integrations._sqlite import open_database
from memos_integrations.engine.store import Space
from memos_integrations.engine.tables import MIGRATIONS


class Explaining:
    """A transaction that notes how SQLite means to run each statement."""

    def __init__(self, transaction):
        self._transaction = transaction
        self.plans = []

    def all(self, sql, params=()):
        self.plans += [row[3] for row in self._transaction.all(f"explain query plan {sql}", params)]
        return self._transaction.all(sql, params)


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda space: space.same_memories("memory", b"x"), "memory_same (owner=? AND kind=? AND fingerprint=?)"),
        (lambda space: space.sketches(7), "memory_version (owner=? AND version>?)"),
        (lambda space: space.sketches(0), "PRIMARY KEY (owner=?)"),
        (lambda space: space.vectors("e", 7), "vector_version (owner=? AND version>?)"),
        (lambda space: space.vectors("e", 0), "PRIMARY KEY (owner=?)"),
        (lambda space: space.last_messages("c", 5), "message_order (owner=? AND conversation=? AND position<?)"),
        (lambda space: space.succeeded_by([1, 2]), "memory_successor (owner=? AND successor=?)"),
        (lambda space: space.memories([1, 2]), "PRIMARY KEY (owner=? AND number=?)"),
        (lambda space: space.message_terms(5), "PRIMARY KEY (owner=? AND position>?)"),
    ],
)
def test_a_read_goes_by_the_index_made_for_it(read, index):
    database = open_database(":memory:", MIGRATIONS)
    with database.read() as tx:
        explaining = Explaining(tx)
        assert read(Space(explaining, 1)) == []
    database.close()
    assert any(index in plan for plan in explaining.plans), explaining.plans
    assert not any("SCAN" in plan and "json_each" not in plan for plan in explaining.plans), explaining.plans
