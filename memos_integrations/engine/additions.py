"""Adding messages: at once or in the background, for one owner or a group, each task carried out exactly once."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from memos_integrations._sqlite import Database, Transaction
from memos_integrations.engine import tasks
from memos_integrations.engine.embed import pack
from memos_integrations.engine.extract import extract as extract_plainly
from memos_integrations.engine.intake import (
    CONTEXT,
    Batch,
    Extract,
    Prepared,
    embedding_text,
    message_rows,
    prepare,
    verbatim_extract,
)
from memos_integrations.engine.ledger import Changes, Ledger
from memos_integrations.engine.meaning import Meaning
from memos_integrations.engine.present import moment
from memos_integrations.engine.store import MemoryRow, MessageRow, Space, embedder_number, find_owner, make_owner
from memos_integrations.errors import StoreBusy
from memos_integrations.models import TaskResult, to_millis
from memos_integrations.requests import AddRequest

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array

_log = logging.getLogger(__name__)
_REFILL = 64
# After a failure the owner's next search may ask for vectors again so many seconds later.
_POSTPONE_S = 30.0
# Programs with different embedders may share a file, and a change may be taken back; older vectors are dropped.
_KEPT_EMBEDDERS = 2


_DRAFT: Extract = extract_plainly


@dataclass(frozen=True, slots=True)
class _Told:
    """What one owner was told by an add: the positions of the new messages, the ids of the new memories."""

    positions: list[int]
    memories: list[str]


class Additions:
    """Stores what add/message brings; `step` is the background worker's."""

    def __init__(self, database: Database, extract: Extract, meaning: Meaning, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._extract = extract
        # The deterministic extractor takes about a millisecond; a model takes seconds.
        self._is_slow = extract not in {_DRAFT, verbatim_extract}
        self._meaning = meaning
        self._clock = clock
        self._bare: set[int] = set()
        self._postponed: dict[int, float] = {}
        self.worker = tasks.Worker(self.step)

    def start(self) -> None:
        """Take up what an earlier process left."""
        with self._database.read() as tx:
            left = tasks.has_open_tasks(tx)
        if left:
            self.worker.wake()

    def add(self, request: AddRequest, owners: Sequence[str]) -> TaskResult:
        """Store the messages and what they say; with `async_mode` a first draft of it, which vectors, and memories
        from a slower extractor, follow in the background.
        """
        task_id = str(uuid.uuid4())
        batch = _batch(request, self._clock())
        later = request.async_mode
        told = self._prepare(batch, owners, _DRAFT if later and self._is_slow else self._extract, vectors=not later)
        changes, notes = Changes(), dict[str, _Told]()
        with self._database.write() as tx:
            for name in owners if told.rows else ():
                ledger = self._ledger(tx, name, changes)
                ledger.store(told)
                notes[name] = _Told(ledger.positions, ledger.added)
            views = changes.views()
            rest = later and any(self._is_slow or (note.memories and self._meaning.model) for note in notes.values())
            payload = _payload(batch, notes) if rest else None
            tasks.put_task(tx, task_id, owners, to_millis(batch.now), views, payload)
        self._after(views)
        if rest:
            self.worker.wake()
        return TaskResult(success=True, task_id=task_id, status="running" if rest else "completed")

    def step(self, holder: str) -> bool:
        """Carry out the oldest open task, or give vectors to memories without; False when there is nothing to do."""
        with self._database.write() as tx:
            task = tasks.claim_task(tx, holder, to_millis(self._clock()))
        if task is None:
            return self._refill()
        try:
            (self._refine if self._is_slow else self._embed)(task)
        except Exception as error:  # noqa: BLE001  # one bad task must not stop the ones behind it
            _log.warning("task failed: %s", type(error).__name__)
            with self._database.write() as tx:
                tasks.postpone_task(tx, task.id, task.attempts)
        return True

    def _embed(self, task: tasks.Task) -> None:
        """Give the memories of a task their vectors; those that cannot be had now follow when they are missed."""
        _, notes = _read(task.payload)
        for name in task.owners:
            with self._database.read() as tx:
                owner = find_owner(tx, name)
                found = [] if owner is None else [Space(tx, owner).memory(key) for key in notes[name].memories]
            rows = [row for row in found if row is not None]
            if owner is not None and rows:
                self._give(owner, rows, self._vectors([embedding_text(row.text, moment(row.said_at)) for row in rows]))
        with self._database.write() as tx:
            tasks.finish_task(tx, task.id, "completed")

    def _refine(self, task: tasks.Task) -> None:
        """Put the extractor's memories in the place of the draft, all at once."""
        batch, notes = _read(task.payload)
        rows, context = dict[tuple[str, bytes], MessageRow](), list[MessageRow]()
        with self._database.read() as tx:
            for name in task.owners:
                owner = find_owner(tx, name)
                held = [] if owner is None else Space(tx, owner).messages_at(notes[name].positions)
                rows.update({(row.id, row.digest): row for row in held})
                if owner is not None and held and not context:
                    context = Space(tx, owner).last_messages(batch.conversation, CONTEXT, held[0].position)
        prepared = prepare(batch, list(rows.values()), context, self._extract, self._meaning)
        changes = Changes()
        with self._database.write() as tx:
            changes.deleted = tasks.read_views(tx, task.id).get("deleted", 0)
            for name in tasks.task_owners(tx, task.id):
                owner = find_owner(tx, name)
                if owner is None:
                    continue
                space = Space(tx, owner)
                held = space.messages_at(notes[name].positions)
                ledger = self._ledger(tx, name, changes)
                ledger.replace(replace(prepared, rows=tuple(held)), notes[name].memories)
            tasks.finish_task(tx, task.id, "completed", changes.views())

    def _after(self, views: dict[str, Any]) -> None:
        if views["deleted"]:
            # What the user took back should not outlive the turn on disk; a reader in the way only delays it.
            with suppress(StoreBusy):
                self._database.erase(timeout_s=0)

    def _prepare(self, batch: Batch, owners: Sequence[str], extract: Extract, *, vectors: bool) -> Prepared:
        rows, context = message_rows(batch), list[MessageRow]()
        identities = [(row.id, row.digest) for row in rows]
        known = set(identities)
        with self._database.read() as tx:
            for name in owners:
                owner = find_owner(tx, name)
                if owner is None:
                    known.clear()
                    continue
                space = Space(tx, owner)
                known &= space.known_messages(batch.conversation, identities)
                context = context or space.last_messages(batch.conversation, CONTEXT)
        fresh = [row for row in rows if (row.id, row.digest) not in known]
        if not fresh:
            return Prepared(batch, ())
        return prepare(batch, fresh, context, extract, self._meaning if vectors else None)

    def _ledger(self, tx: Transaction, name: str, changes: Changes) -> Ledger:
        number = embedder_number(tx, self._meaning.name) if self._meaning.name else 0
        return Ledger(Space(tx, make_owner(tx, name)), number, changes)

    # -- vectors

    def miss(self, owner: int) -> None:
        """Say that an owner has memories without a vector of the present embedder."""
        if time.monotonic() >= self._postponed.get(owner, 0.0):
            self._bare.add(owner)
            self.worker.wake()

    def _refill(self) -> bool:
        name = self._meaning.name
        if name is None or not self._bare:
            return False
        owner = min(self._bare)
        with self._database.write() as tx:
            number = embedder_number(tx, name)
            rows = Space(tx, owner).without_vector(number, _REFILL)
            if not rows:
                Space(tx, owner).trim_vectors(_KEPT_EMBEDDERS)
        vectors = self._vectors([embedding_text(row.text, moment(row.said_at)) for row in rows])
        if not vectors:
            self._bare.discard(owner)
            if rows:
                self._postponed[owner] = time.monotonic() + _POSTPONE_S
            return True
        self._give(owner, rows, vectors)
        return True

    def _give(self, owner: int, rows: Sequence[MemoryRow], vectors: Sequence[Array]) -> None:
        """Store vectors of the first of `rows`, of those that are still as they were."""
        name = self._meaning.name
        if not vectors or name is None:
            return
        with self._database.write() as tx:
            space, number = Space(tx, owner), embedder_number(tx, name)
            version = space.touch()
            texts = {row.number: row.text for row in space.memories(row.number for row in rows)}
            for row, vector in zip(rows, vectors, strict=False):
                if texts.get(row.number) == row.text:
                    space.put_vector(row.number, version, number, pack(vector))

    def _vectors(self, texts: Sequence[str]) -> list[Array]:
        """The vectors of the first of `texts`, as many as can be had now.

        A text that the embedder refuses although it takes a later one gets zeros, which score nothing: words find it.
        """
        rows = self._meaning.documents(texts)
        if rows is not None or len(texts) < 2:
            return [] if rows is None else list(rows)
        alone = [self._meaning.documents([text]) for text in texts]
        taken = {index: row[0] for index, row in enumerate(alone) if row is not None}
        return [taken.get(index, 0 * taken[max(taken)]) for index in range(max(taken, default=-1) + 1)]

    def close(self) -> None:
        """Stop the worker; open tasks wait for the next start."""
        self.worker.close()


def _batch(request: AddRequest, now: datetime) -> Batch:
    return Batch(
        messages=tuple(request.messages),
        conversation=request.conversation_id or "",
        now=now,
        app=request.app_id,
        agent=request.agent_id if isinstance(request.agent_id, str) else None,
        tags=tuple(request.tags or ()),
        info=request.info or {},
    )


def _payload(batch: Batch, notes: dict[str, _Told]) -> str:
    """What a task must know; the messages themselves are read from where they are stored, if they still are."""
    kept = {name: getattr(batch, name) for name in ("conversation", "app", "agent", "tags", "info")}
    told = {name: asdict(note) for name, note in notes.items()}
    return json.dumps({"batch": kept, "now": batch.now.isoformat(), "told": told}, ensure_ascii=False)


def _read(payload: str) -> tuple[Batch, dict[str, _Told]]:
    held = json.loads(payload)
    batch = Batch(messages=(), now=datetime.fromisoformat(held["now"]), **held["batch"])
    return batch, {name: _Told(**note) for name, note in held["told"].items()}
