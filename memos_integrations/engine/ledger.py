"""Writing memories of one owner: what is new, what repeats, replaces or takes back something stored before."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from memos_integrations.engine.denial import doings
from memos_integrations.engine.fingerprint import fingerprint
from memos_integrations.engine.forgetting import Request
from memos_integrations.engine.headings import heading
from memos_integrations.engine.intake import Prepared, Thought, memory_terms, owned
from memos_integrations.engine.present import moment
from memos_integrations.engine.sentences import sentences
from memos_integrations.engine.store import MemoryRow, MessageRow, Space
from memos_integrations.engine.succession import Succession, restore
from memos_integrations.engine.text import terms
from memos_integrations.engine.updates import Filling, fillings
from memos_integrations.engine.wishes import wish
from memos_integrations.models import to_millis


@dataclass(slots=True)
class Changes:
    """What an add did, as get/status reports it (contract §1.9)."""

    added: int = 0
    updated: int = 0
    deleted: int = 0
    facts: list[str] = field(default_factory=list)
    preferences: list[str] = field(default_factory=list)

    def views(self) -> dict[str, Any]:
        """The `memory_views` object."""
        lists = {"detail_factual": self.facts, "preference": self.preferences}
        lists.update({name: [] for name in ("event", "profile", "skill", "tool_memory")})
        counts: dict[str, Any] = {"added": self.added, "updated": self.updated, "deleted": self.deleted}
        return counts | {name: {"memory_ids": list(dict.fromkeys(ids))} for name, ids in lists.items()}


class Ledger:
    """Stores prepared batches for one owner inside one transaction; `changes` counts what happened."""

    def __init__(self, space: Space, embedder: int, changes: Changes) -> None:
        self._space = space
        self._embedder = embedder
        self._changes = changes
        self._version = 0
        self._batch: set[int] = set()
        self.positions: list[int] = []
        self.added: list[str] = []

    def store(self, prepared: Prepared) -> None:
        """Store the messages this owner does not have, and the memories that come from at least one of those."""
        space = self._space
        self._version = space.touch()
        self._batch.clear()
        fresh: dict[tuple[str, bytes], int] = {}
        position = space.next_position()
        for row in prepared.rows:
            row.position = position
            if space.put_message(row):
                fresh[row.id, row.digest] = position
                position += 1
        self.positions = list(fresh.values())
        self._tell(prepared, fresh)

    def replace(self, prepared: Prepared, drafts: Sequence[str]) -> None:
        """Store other memories of messages that are stored already, in the place of `drafts`.

        Nothing happens when a draft was deleted meanwhile: what somebody took back is not told again. Drafts that
        somebody changed, or that later messages say too, stay.
        """
        space = self._space
        rows = [row for row in map(space.memory, drafts) if row is not None and row.status != "deleted"]
        if len(rows) < len(drafts) or not prepared.rows:
            return
        self._version = space.touch(vanished=True)
        ids = {row.id for row in prepared.rows}
        said = {(thought.candidate.kind, thought.fingerprint) for thought in prepared.thoughts}
        gone = {
            row.number
            for row in rows
            if (row.kind, row.fingerprint) not in said
            and ids.issuperset(row.sources)
            and (row.updated == row.created or row.ended)
        }
        for old in space.succeeded_by(gone):
            restore(old, gone)
            old.version = self._version
            space.put_memory(old)
        space.drop_memories(gone)
        self._tell(prepared, {(row.id, row.digest): row.position for row in prepared.rows})

    def _tell(self, prepared: Prepared, fresh: dict[tuple[str, bytes], int]) -> None:
        """Keep and forget in the order in which it was said."""
        told = [row for row in prepared.rows if (row.id, row.digest) in fresh]
        waiting = list(prepared.thoughts)
        for phrase in prepared.forgets if fresh else ():
            known = _known_before(phrase, told)
            earlier = [t for t in waiting if t.origins and all((o.id, o.digest) in known for o in t.origins)]
            waiting = [t for t in waiting if t not in earlier]
            self._keep_all(earlier, prepared, fresh)
            self._forget(phrase, told)
            alive = (self._space.memory(added) for added in self.added)
            self.added = [row.id for row in alive if row is not None and row.status != "deleted"]
        self._keep_all(waiting, prepared, fresh)

    def _keep_all(self, thoughts: Sequence[Thought], prepared: Prepared, fresh: dict[tuple[str, bytes], int]) -> None:
        for thought in thoughts:
            if not thought.origins or any((o.id, o.digest) in fresh for o in thought.origins):
                self._keep(thought, prepared, fresh)

    def _keep(self, thought: Thought, prepared: Prepared, fresh: dict[tuple[str, bytes], int]) -> None:
        candidate, batch, space = thought.candidate, prepared.batch, self._space
        sources = list(dict.fromkeys(origin.id for origin in thought.origins))
        now = to_millis(batch.now)
        said = to_millis(candidate.said_on) if candidate.said_on else now
        for same in space.same_memories(candidate.kind, thought.fingerprint):
            # What is partly over and told again in full is news.
            if same.status == "activated" and not same.ended:
                self._merge(same, sources, said, now)
                return
        positions = [fresh[o.id, o.digest] for o in thought.origins if (o.id, o.digest) in fresh]
        row = MemoryRow(
            number=space.next_number(),
            version=self._version,
            id=str(uuid.uuid4()),
            kind=candidate.kind,
            text=candidate.text,
            key=candidate.key,
            type=candidate.type,
            reasoning=candidate.reasoning,
            tags=list(dict.fromkeys([*candidate.tags, *batch.tags])),
            info=batch.info,
            app=batch.app,
            agent=batch.agent,
            conversation=batch.conversation,
            speaker=candidate.speaker,
            said_at=said,
            happened_on=candidate.happened_on,
            status="activated",
            until=None,
            successor=None,
            created=now,
            updated=now,
            position=min(positions, default=-1),
            sources=sources,
            terms=thought.terms,
            fingerprint=thought.fingerprint,
        )
        self._supersede(row, thought)
        self._batch.add(row.number)
        space.put_memory(row)
        if thought.vector is not None:
            space.put_vector(row.number, self._version, self._embedder, thought.vector)
        self._changes.added += 1
        self.added.append(row.id)
        self._name(row)

    def _merge(self, row: MemoryRow, sources: list[str], said: int, now: int) -> None:
        row.sources = list(dict.fromkeys([*row.sources, *sources]))
        row.said_at, row.updated, row.version = max(row.said_at, said), now, self._version
        self._space.put_memory(row)
        self._changes.updated += 1
        self._name(row)

    def _name(self, row: MemoryRow) -> None:
        (self._changes.preferences if row.kind == "preference" else self._changes.facts).append(row.id)

    def _supersede(self, row: MemoryRow, thought: Thought) -> None:
        """End what the new memory replaces; a memory told late is history itself."""
        succession = Succession(self._space, self._version, self._batch)
        succession.settle(row, thought.fillings, [origin.body for origin in thought.origins])
        self._changes.updated += len(succession.ended)
        enter(self._space, row, thought.fillings)

    def _forget(self, phrase: str, told: list[MessageRow]) -> None:
        """Take back what the request names, and empty the request itself."""
        space = self._space
        request = Request.of(phrase)
        if request is None:
            return
        for row in space.all_memories():
            rest = request.rest(row, space.slots_of(row.number))
            if rest is None:
                continue
            take_back(space, row, rest)
            self._changes.deleted += 1
        space.blank_messages(row.position for row in told if request.everything or _says(row, phrase))
        if request.everything:
            space.blank_all()
        self._version = space.touch(vanished=True)


def _known_before(phrase: str, told: Sequence[MessageRow]) -> set[tuple[str, bytes]]:
    """The messages of a batch that stand before a request, which can therefore mean what they say.

    A request that points back is given as the statement it points to, which is to be known first.
    """
    says = [index for index, row in enumerate(told) if row.role == "user" and _says(row, phrase)]
    end = says[-1] + (wish(phrase) is None) if says else 0
    return {(row.id, row.digest) for row in told[:end]}


def _says(row: MessageRow, phrase: str) -> bool:
    return phrase.casefold() in row.body.casefold() or phrase in sentences(row.body)


def take_back(space: Space, row: MemoryRow, rest: str = "") -> None:
    """Delete a memory, or leave `rest` of it, and empty the messages it came from and the answers that repeat it; they
    stay known, so that telling them again stores nothing.
    """
    gone = set(row.terms.split()) - set(terms(rest))
    space.drop_memories([row.number])
    if rest:
        row.text, row.key, row.ended = rest, heading(rest, []), []
        row.terms = " ".join(memory_terms(rest, row.speaker, moment(row.said_at)))
        row.fingerprint = fingerprint(rest, row.speaker)
        row.version = space.touch()
        space.put_memory(row)
        enter(space, row, owned(fillings(rest), row.speaker))
    for message in space.messages_with(row.sources):
        echoes = [
            answer
            for answer in space.messages_at([message.position + 1, message.position + 2])
            if answer.role != "user" and answer.conversation == message.conversation
        ]
        space.blank_messages(
            [message.position, *(answer.position for answer in echoes if gone & set(answer.terms.split()))]
        )


def enter(space: Space, row: MemoryRow, filled: Sequence[Filling]) -> None:
    """List a memory under what it says, so that later statements of the same find it."""
    for filling in filled:
        space.put_slot(filling.slot, row.number, filling.start, filling.end)
    for name, start, end in doings(row.text, row.speaker):
        space.put_slot(name, row.number, start, end)
