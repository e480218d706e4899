"""Adding messages: at once or in the background, for one owner or a group, each task carried out exactly once."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from memos_integrations._sqlite import Database, Transaction
from memos_integrations.engine import tasks
from memos_integrations.engine.embed import pack
from memos_integrations.engine.intake import (
    CONTEXT,
    Batch,
    Extract,
    Prepared,
    embedding_text,
    message_rows,
    prepare,
)
from memos_integrations.engine.ledger import Changes, Ledger
from memos_integrations.engine.meaning import Meaning
from memos_integrations.engine.present import moment
from memos_integrations.engine.store import MessageRow, Space, embedder_number, find_owner, make_owner
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


class Additions:
    """Stores what add/message brings; `step` is the background worker's."""

    def __init__(self, database: Database, extract: Extract, meaning: Meaning, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._extract = extract
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
        """Store the messages and what they say, before or after answering."""
        task_id = str(uuid.uuid4())
        now = self._clock()
        if request.async_mode:
            with self._database.write() as tx:
                tasks.put_task(tx, task_id, owners, request.model_dump_json(exclude_none=True), to_millis(now))
            self.worker.wake()
            return TaskResult(success=True, task_id=task_id, status="running")
        prepared = self._prepare(_batch(request, now), owners)
        with self._database.write() as tx:
            views = self._store(tx, prepared, owners)
            tasks.put_task(tx, task_id, owners, "", to_millis(now), views)
        self._after(views)
        return TaskResult(success=True, task_id=task_id, status="completed")

    def step(self, holder: str) -> bool:
        """Carry out the oldest open task, or give vectors to memories without; False when there is nothing to do."""
        with self._database.write() as tx:
            task = tasks.claim_task(tx, holder, to_millis(self._clock()))
        if task is None:
            return self._refill()
        try:
            request = AddRequest.model_validate_json(task.payload)
            prepared = self._prepare(_batch(request, moment(task.created)), task.owners)
            with self._database.write() as tx:
                views = self._store(tx, prepared, tasks.task_owners(tx, task.id))
                tasks.finish_task(tx, task.id, "completed", views)
            self._after(views)
        except Exception as error:  # noqa: BLE001  # one bad task must not stop the ones behind it
            _log.warning("task failed: %s", type(error).__name__)
            with self._database.write() as tx:
                tasks.postpone_task(tx, task.id, task.attempts)
        return True

    def _after(self, views: dict[str, Any]) -> None:
        if views["deleted"]:
            # What the user took back should not outlive the turn on disk; a reader in the way only delays it.
            with suppress(StoreBusy):
                self._database.erase(timeout_s=0)

    def _prepare(self, batch: Batch, owners: Sequence[str]) -> Prepared:
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
        return prepare(batch, fresh, context, self._extract, self._meaning) if fresh else Prepared(batch, ())

    def _store(self, tx: Transaction, prepared: Prepared, owners: Sequence[str]) -> dict[str, Any]:
        changes = Changes()
        number = embedder_number(tx, self._meaning.name) if self._meaning.name else 0
        for name in owners if prepared.rows else ():
            Ledger(Space(tx, make_owner(tx, name)), number, changes).store(prepared)
        return changes.views()

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
        with self._database.write() as tx:
            space = Space(tx, owner)
            version = space.touch()
            texts = {row.number: row.text for row in space.memories(row.number for row in rows)}
            for row, vector in zip(rows, vectors, strict=False):
                if texts.get(row.number) == row.text:
                    space.put_vector(row.number, version, number, pack(vector))
        return True

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
