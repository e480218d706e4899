"""The embedded engine's typed core: requests of contract §1 in, results out, one SQLite file below."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from memos_integrations._sqlite import MEMORY, Database, Transaction, open_database
from memos_integrations.engine import tasks
from memos_integrations.engine.additions import Additions
from memos_integrations.engine.embed import Embedder, embedder_for, pack
from memos_integrations.engine.extract import Extractor, extract
from memos_integrations.engine.filters import compile_filter
from memos_integrations.engine.fingerprint import fingerprint
from memos_integrations.engine.intake import embedding_text, memory_terms, owned, verbatim_extract
from memos_integrations.engine.ledger import enter, take_back
from memos_integrations.engine.meaning import Meaning
from memos_integrations.engine.partition import Partitions
from memos_integrations.engine.present import (
    detail_of,
    fact_of,
    message_shown,
    moment,
    preference_note,
    preference_of,
)
from memos_integrations.engine.search import Query, rank_facts, rank_preferences
from memos_integrations.engine.store import (
    MemoryRow,
    Space,
    embedder_number,
    find_owner,
    owner_names,
    owner_of_memory,
)
from memos_integrations.engine.tables import MIGRATIONS
from memos_integrations.engine.updates import fillings
from memos_integrations.errors import StoreError, api_error
from memos_integrations.models import (
    Acknowledged,
    ExtractResult,
    FactMemory,
    MemoryDetail,
    MemoryPage,
    MessageList,
    PreferenceMemory,
    SearchResult,
    TaskResult,
    TaskStatus,
    to_millis,
)
from memos_integrations.requests import (
    AddRequest,
    DeleteMemoryRequest,
    ExtractRequest,
    FeedbackRequest,
    GetMemoryRequest,
    GetMessagesRequest,
    MemoryByIdRequest,
    SearchRequest,
    StatusRequest,
    UpdateMemoryRequest,
)

_FACT_VIEWS = frozenset({"detail_factual", "profile"})


def utcnow() -> datetime:
    """The present moment, aware."""
    return datetime.now(timezone.utc)


class Memories:
    """Long-term memory of any number of users in one file, without a server, a key or an LLM.

    `path` is a file (":memory:" for none), opened at first use. `embedder` is "auto" (the `[local]` extra's model when
    installed, else words only), "none" or anything `engine.embed.embedder_for` takes; `extractor` replaces the
    deterministic one; `verbatim` stores messages as they are; `cache_mb` bounds the memories held in RAM. Thread-safe,
    and safe for several processes on one file. Raises APIError with the contract's codes, and StoreError.
    """

    def __init__(
        self,
        path: str | Path = MEMORY,
        *,
        embedder: Embedder | Literal["auto", "none"] | object = "auto",
        extractor: Extractor | None = None,
        verbatim: bool = False,
        cache_mb: int = 256,
        clock: Callable[[], datetime] = utcnow,
        durability: Literal["normal", "full"] = "normal",
    ) -> None:
        self._path = path
        self._durability = durability
        self._clock = clock
        self._meaning = Meaning(embedder_for(embedder))
        self._extract = verbatim_extract if verbatim else extractor.extract if extractor else extract
        self._partitions = Partitions(cache_mb * 1024 * 1024)
        self._opening = threading.Lock()
        self._opened: tuple[Database, Additions] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"Memories(embedder={self._meaning.model!r})"

    def _open(self) -> tuple[Database, Additions]:
        opened = self._opened
        if opened is not None:
            return opened
        with self._opening:
            if self._closed:
                msg = "the memory database is closed"
                raise StoreError(msg)
            if self._opened is None:
                database = open_database(self._path, MIGRATIONS, durability=self._durability)
                additions = Additions(database, self._extract, self._meaning, self._clock)
                self._opened = database, additions
                additions.start()
            return self._opened

    @property
    def _database(self) -> Database:
        return self._open()[0]

    def close(self) -> None:
        """Finish the work at hand and close the file; tasks still open go on at the next start."""
        with self._opening:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened is not None:
            opened[1].close()
            opened[0].close()

    # -- writing

    def extract(self, request: ExtractRequest) -> ExtractResult:
        """Memories and preferences of the messages; nothing is stored (contract §1.3)."""
        found = self._extract(request.messages, context=(), now=self._clock(), types=request.types)
        return ExtractResult(
            success=True,
            memories=[
                FactMemory(memory_key=c.key, memory_value=c.text, memory_type=c.type, tags=list(c.tags))
                for c in found.memories
            ],
            preferences=[
                PreferenceMemory(preference=c.text, preference_type=c.type, reasoning=c.reasoning)
                for c in found.preferences
            ],
        )

    def add(self, request: AddRequest) -> TaskResult:
        """Store messages and what they say; the same message of a conversation is stored once (contract §1.1)."""
        owners = [f"user:{name}" for name in request.owners]
        if not owners:
            agents = request.agent_id if isinstance(request.agent_id, list) else [request.agent_id]
            owners = [f"agent:{name}" for name in agents]
        return self._open()[1].add(request, list(dict.fromkeys(owners)))

    def add_feedback(self, request: FeedbackRequest) -> TaskResult:
        """Learn from what a user says about a memory or an answer, as if said in chat (contract §1.8)."""
        message = {"role": "user", "content": request.feedback_content, "chat_time": request.feedback_time}
        values = request.model_dump(exclude={"feedback_content", "feedback_time"})
        return self.add(AddRequest.of({**values, "messages": [message], "tags": ["feedback"], "async_mode": True}))

    def get_status(self, request: StatusRequest) -> TaskStatus:
        """How far a task is (contract §1.9); NotFound (50131) for an unknown one."""
        database, additions = self._open()
        with database.read() as tx:
            found = tasks.read_task(tx, request.task_id)
        if found is None:
            raise api_error(code=50131)
        status, views = found
        if status == "running":
            additions.worker.wake()
        return TaskStatus(task_id=request.task_id, status=status, memory_views=views if status == "completed" else None)

    def update_memory(self, request: UpdateMemoryRequest) -> Acknowledged:
        """Change a memory's text, title or status (contract §1.7); NotFound (40001) for an unknown id."""
        vector = None
        with self._database.read() as tx:
            _, row, _ = _locate(tx, request.memory_id)
        if request.content is not None:
            vector = self._meaning.documents([embedding_text(request.content, moment(row.said_at))])
        with self._database.write() as tx:
            space, row, _ = _locate(tx, request.memory_id)
            row.version, row.updated = space.touch(), to_millis(self._clock())
            row.key = row.key if request.title is None else request.title
            if request.status is not None:
                row.status, row.until = request.status, row.updated if request.status == "archived" else None
                row.ended = []
            if request.content is not None:
                row.text = request.content.strip()
                row.terms = " ".join(memory_terms(row.text, row.speaker, moment(row.said_at)))
                row.fingerprint = fingerprint(row.text, row.speaker)
                row.ended = []
                space.drop_vector(row.number)
                space.drop_slots(row.number)
                enter(space, row, owned(fillings(row.text), row.speaker))
            space.put_memory(row)
            if vector is not None and self._meaning.name:
                space.put_vector(row.number, row.version, embedder_number(tx, self._meaning.name), pack(vector[0]))
        return Acknowledged(success=True)

    def delete_memory(self, request: DeleteMemoryRequest) -> Acknowledged:
        """Delete memories by id, or everything of a user or agent, and erase it from the file (contract §1.7).

        With a memory go the words of the messages it came from, and of the answers that repeat them.
        Unknown ids are NotFound (40307) and nothing is deleted; an owner with nothing stored is no error. Raises
        StoreBusy when everything is deleted but another connection's reading delays the erasure: call again.
        """
        database = self._database
        with database.write() as tx:
            if request.memory_ids is not None:
                self._drop_memories(tx, request.memory_ids)
            else:
                name = f"user:{request.user_id}" if request.user_id is not None else f"agent:{request.agent_id}"
                owner = find_owner(tx, name)
                tasks.drop_tasks(tx, name)
                if owner is not None:
                    Space(tx, owner).drop()
                    self._partitions.drop(owner)
        database.erase()
        return Acknowledged(success=True)

    @staticmethod
    def _drop_memories(tx: Transaction, memory_ids: Sequence[str]) -> None:
        for memory_id in dict.fromkeys(memory_ids):
            found = owner_of_memory(tx, memory_id)
            if found is None:
                raise api_error(code=40307)
            owner, _, number = found
            space = Space(tx, owner)
            for row in space.memories([number]):
                take_back(space, row)
            space.touch(vanished=True)

    # -- reading

    def search(self, request: SearchRequest) -> SearchResult:
        """What is known and fits the query, best first, each list within its limit (contract §1.2).

        Items carry `relativity` in (0, 1]; only a `relativity` in the request filters by it.
        """
        name = _owner_name(request.user_id, request.agent_id)
        views = request.include_memory_view
        facts = request.memory_limit_number if views is None or _FACT_VIEWS & set(views) else 0
        wants = request.include_preference if views is None else "preference" in views
        preferences = request.preference_limit_number if wants else 0
        test = compile_filter(request.filter, name.partition(":")[0])
        database = self._database
        with database.read() as tx:
            owner = find_owner(tx, name)
        if owner is None or not (facts or preferences):
            return SearchResult(preference_note="")
        vector = self._meaning.query(request.query)
        query = Query.of(request.query, vector, request.conversation_id, self._clock(), self._meaning.scale)
        partition = self._partitions.of(owner)
        with partition.lock:
            with database.read() as tx:
                space = Space(tx, owner)
                grown = partition.refresh(space, self._meaning.name)
                allowed = None if test is None else {row.number for row in space.all_memories() if test(row)}
            hits = [
                *rank_facts(partition, query, facts, allowed, request.relativity),
                *rank_preferences(partition, query, preferences, allowed, request.relativity),
            ]
        if grown:
            self._partitions.trim()
        if partition.bare:
            self._open()[1].miss(owner)
        with database.read() as tx:
            rows = {row.number: row for row in Space(tx, owner).memories(hit.number for hit in hits)}
        found = [(rows[hit.number], hit.relativity) for hit in hits if hit.number in rows]
        chosen = [preference_of(row, score) for row, score in found if row.kind == "preference"]
        return SearchResult(
            memories=[fact_of(row, score) for row, score in found if row.kind != "preference"],
            preferences=chosen,
            preference_note=preference_note(chosen),
        )

    def get_memory(self, request: GetMemoryRequest) -> MemoryPage:
        """Stored memories by page, newest first, superseded ones included; `size` counts per list (contract §1.5)."""
        name = _owner_name(request.user_id, request.agent_id)
        test = compile_filter(request.filter, name.partition(":")[0])
        views = request.include_memory_view
        with self._database.read() as tx:
            owner = find_owner(tx, name)
            rows = [] if owner is None else Space(tx, owner).all_memories()
        rows = [row for row in reversed(rows) if row.status != "deleted" and (test is None or test(row))]
        wants = request.include_preference if views is None else "preference" in views
        facts = [r for r in rows if r.kind != "preference"] if views is None or _FACT_VIEWS & set(views) else []
        preferences = [r for r in rows if r.kind == "preference"] if wants else []
        total = max(len(facts), len(preferences))
        start = (request.page - 1) * request.size
        page = slice(start, start + request.size)
        return MemoryPage(
            memories=[fact_of(row, sources=row.sources, info=row.info) for row in facts[page]],
            preferences=[preference_of(row, sources=row.sources, info=row.info) for row in preferences[page]],
            total=total,
            size=request.size,
            current=request.page,
            pages=math.ceil(total / request.size),
        )

    def get_memory_by_id(self, request: MemoryByIdRequest) -> MemoryDetail:
        """One memory (contract §1.6); NotFound (40001) for an unknown id."""
        with self._database.read() as tx:
            _, row, owner = _locate(tx, request.memory_id)
        return detail_of(row, owner)

    def get_message(self, request: GetMessagesRequest) -> MessageList:
        """The newest messages of a conversation, oldest first (contract §1.4)."""
        with self._database.read() as tx:
            owner = find_owner(tx, _owner_name(request.user_id, request.agent_id))
            rows = []
            if owner is not None:
                space = Space(tx, owner)
                rows = space.last_messages(request.conversation_id or "", request.message_limit_number)
        return MessageList(messages=[message_shown(row) for row in rows])

    def users(self) -> list[str]:
        """The ids of all users with something stored, in order of first use."""
        with self._database.read() as tx:
            names = owner_names(tx)
        return [name.removeprefix("user:") for name in names if name.startswith("user:")]


def _owner_name(user_id: str | None, agent_id: str | None) -> str:
    return f"user:{user_id}" if user_id is not None else f"agent:{agent_id}"


def _locate(tx: Transaction, memory_id: str) -> tuple[Space, MemoryRow, str]:
    found = owner_of_memory(tx, memory_id)
    if found is not None:
        space = Space(tx, found[0])
        row = space.memory(memory_id)
        if row is not None and row.status != "deleted":
            return space, row, found[1]
    raise api_error(code=40001)
