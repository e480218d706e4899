"""No user ever sees another user's memories, whatever the ids look like and in whatever order things happen."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from memos_integrations.engine.memories import Memories
from memos_integrations.engine.tables import MIGRATIONS
from memos_integrations.requests import (
    AddRequest,
    DeleteMemoryRequest,
    GetMemoryRequest,
    GetMessagesRequest,
    SearchRequest,
)

# Case, compatibility twins, wildcards, quotes, operators, prefixes of the engine's own names, right-to-left, long.
USERS = [
    "ann",
    "Ann",
    "ａｎｎ",
    "an%",
    "_nn",
    "ann'--",
    '"ann" OR *',
    "user:ann",
    "agent:ann",
    "*",
    "\u202eann",
    "x" * 100,
    "None",
    "0",
]
WORDS = ["marmalade", "granite", "lantern", "cobalt"]
users = st.sampled_from(USERS)
words = st.sampled_from(WORDS)


class Tenancy(RuleBasedStateMachine):
    """A dictionary per user is the model; every memory carries its owner's mark."""

    def __init__(self):
        super().__init__()
        self.core = Memories(":memory:", embedder="none", verbatim=True, cache_mb=0)
        self.statements = []
        self.core._database._connection.set_trace_callback(self.statements.append)
        self.held = {user: set() for user in USERS}

    def teardown(self):
        self.core.close()

    def mark(self, user, word):
        return f"{word} of owner{USERS.index(user)}end"

    @rule(user=users, word=words)
    def add(self, user, word):
        text = self.mark(user, word)
        message = {"role": "user", "content": text, "id": word}
        self.core.add(
            AddRequest.of({"messages": [message], "user_id": user, "conversation_id": "c", "async_mode": False})
        )
        self.held[user].add(text)

    @rule(user=users, word=words)
    def search(self, user, word):
        found = self.core.search(SearchRequest.of({"query": word, "user_id": user, "memory_limit_number": 25}))
        assert {m.memory_value for m in found.memories} == self.held[user]

    @rule(user=users)
    def page(self, user):
        page = self.core.get_memory(GetMemoryRequest.of({"user_id": user, "size": 50}))
        assert {m.memory_value for m in page.memories} == self.held[user]

    @rule(user=users)
    def messages(self, user):
        request = {"user_id": user, "conversation_id": "c", "message_limit_number": 50}
        listed = self.core.get_message(GetMessagesRequest.of(request)).messages
        assert {m.content for m in listed} == self.held[user]

    @rule(user=users)
    def forget(self, user):
        self.core.delete_memory(DeleteMemoryRequest.of({"user_id": user}))
        self.held[user] = set()

    @invariant()
    def every_statement_names_its_owner(self):
        for statement in self.statements:
            touches = any(f" {table} " in f"{statement} " for table in ("message", "memory", "vector"))
            assert not touches or "owner =" in statement or "(owner," in statement
        self.statements.clear()


Tenancy.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestTenancy = Tenancy.TestCase


def test_every_table_of_memories_is_keyed_by_owner():
    for table in ("message", "memory", "vector"):
        body = MIGRATIONS[0].split(f"create table {table} (")[1].split(") without rowid")[0]
        assert "primary key (owner, " in body
