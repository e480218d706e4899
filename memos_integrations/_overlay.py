"""Read-your-writes: what the last turns said, shown until a search returns it.

Two sources: turns still waiting in the outbox (their memories come from the saved answer of extract/memory or, before
there is one, from the local extractor) and turns that were sent but that no search has shown yet. The first is read
from the outbox at every recall, so other processes see it too; the second lives here, per user, until the server says
that it is stored, and for a limited time. A server words a memory as it likes: its own word that the turn is stored is
what tells that a copy here has served.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, TypeVar

from ._jobs import Job
from ._likeness import Known, Memory, terms_of
from .engine.records import Candidate
from .models import ExtractResult, FactMemory, Message, PreferenceMemory, SearchResult

M = TypeVar("M", FactMemory, PreferenceMemory)
FIRST_ASK_S = 2.0  # after an add, then after twice as long each time
_NAMED = 0.6  # share of a request to forget that a memory must hold
_REQUEST = re.compile(
    r"\b(?:please|forget|delete|remove|erase|drop|stop|do(?:n't| not)|remember(?:ing)?|about|everything)\b"
    r"|请|帮我|忘[掉记了]|删[掉除]|不要|别|记[住得着]?|这件事",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """What one turn said: memories no search has shown yet, and the user's wishes to forget something, in terms."""

    key: str = field(repr=False)
    memories: tuple[FactMemory, ...] = field(default=(), repr=False)
    preferences: tuple[PreferenceMemory, ...] = field(default=(), repr=False)
    forgets: tuple[frozenset[str], ...] = field(default=(), repr=False)


@dataclass(slots=True)
class _Sent:
    """A turn that was added: when, what it said, the tasks that store it, and when to ask next how far they are."""

    born: float
    fresh: Fresh
    tasks: tuple[str, ...]
    ask_at: float
    asked: int = 0


class Overlay:
    """Fresh memories per user, bounded by age, by turns per user and by users; safe to use from any thread."""

    def __init__(
        self,
        *,
        ttl_s: float = 900.0,
        turns: int = 32,
        users: int = 2048,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl_s, self._turns, self._users, self._clock = ttl_s, turns, users, clock
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, OrderedDict[str, _Sent]] = OrderedDict()
        self._local: OrderedDict[str, Fresh] = OrderedDict()
        self._cleared: OrderedDict[str, None] = OrderedDict()

    def sent(self, user_id: str, fresh: Fresh, tasks: Sequence[str] = ()) -> None:
        """Keep what a turn said, now that it was sent and no longer waits in the outbox; `tasks` are storing it."""
        with self._lock:
            if fresh.key in self._cleared:
                return
            turns = self._sent.setdefault(user_id, OrderedDict())
            self._sent.move_to_end(user_id)
            now = self._clock()
            turns[fresh.key] = _Sent(now, fresh, tuple(tasks), now + FIRST_ASK_S)
            _bound(turns, self._turns)
            _bound(self._sent, self._users)

    def of(self, user_id: str, waiting: Sequence[Job]) -> list[Fresh]:
        """Fresh turns of a user, newest first; `waiting` are the user's turns in the outbox, oldest first."""
        shown = [job for job in waiting if self._shown(job)]
        pending = {fresh.key: fresh for job in shown for fresh in self.readings(job, waiting)}
        oldest = self._clock() - self._ttl_s
        with self._lock:
            turns = self._sent.get(user_id, OrderedDict())
            for key in [k for k, sent in turns.items() if sent.born < oldest]:
                del turns[key]
            kept = [sent.fresh for key, sent in turns.items() if key not in pending]
        return list(reversed([*kept, *pending.values()]))

    def _shown(self, job: Job) -> bool:
        # With write="extract" nothing is going to be stored, so nothing is promised either.
        return job.turn.write != "extract" and any(part.turn.key not in self._cleared for part in job.each)

    def readings(self, job: Job, before: Sequence[Job] = ()) -> list[Fresh]:
        """What the turns of `job` said, oldest first: one reading for all where the server extracted them together."""
        return [self.said(part, before) for part in ((job,) if job.extracted else job.each)]

    def said(self, job: Job, before: Sequence[Job] = ()) -> Fresh:
        """What the turn of `job` said: as the server extracted it, else as the local extractor reads it."""
        if job.extracted:
            return _dated(ExtractResult.model_validate_json(job.extracted), job)
        with self._lock:
            known = self._local.get(job.turn.key)
        if known is None:
            known = _read(job, before)
            with self._lock:
                self._local[job.turn.key] = known
                _bound(self._local, 256)
        return known

    def confirm(self, user_id: str, found: SearchResult) -> None:
        """Drop what a search has shown."""
        with self._lock:
            turns = self._sent.get(user_id)
            if not turns:
                return
            shown = Known()
            shown.read(found.memories)
            shown.read(found.preferences)
            for key, sent in list(turns.items()):
                memories = tuple(m for m in sent.fresh.memories if not shown.has(m))
                preferences = tuple(p for p in sent.fresh.preferences if not shown.has(p))
                if memories or preferences:
                    sent.fresh = Fresh(key, memories, preferences)
                else:
                    del turns[key]

    def to_ask(self) -> tuple[float, str, str, tuple[str, ...]] | None:
        """The tasks to ask about next: in how many seconds, whose, of which turn, which; None when there are none."""
        now = self._clock()
        with self._lock:
            asked = [
                (sent.ask_at - now, user_id, key, sent.tasks)
                for user_id, turns in self._sent.items()
                for key, sent in turns.items()
                if sent.tasks and sent.ask_at - sent.born < self._ttl_s
            ]
        return min(asked, default=None)

    def asks(self, user_id: str) -> bool:
        """Whether it is time to ask about a turn of this user."""
        now = self._clock()
        with self._lock:
            return any(sent.tasks and sent.ask_at <= now for sent in self._sent.get(user_id, OrderedDict()).values())

    def asked(self, user_id: str, key: str, *, stored: bool, again: bool = False) -> None:
        """What the tasks of a turn answered: once it is `stored`, searches show it; `again` asks later, else never."""
        with self._lock:
            turns = self._sent.get(user_id, OrderedDict())
            sent = turns.get(key)
            if sent is None:
                return
            if stored:
                del turns[key]
                return
            sent.asked += 1
            sent.ask_at = self._clock() + FIRST_ASK_S * 2.0**sent.asked
            if not again:
                sent.tasks = ()

    def clear(self, user_id: str, conversation_id: str | None, waiting: Sequence[Job]) -> None:
        """Show nothing more of what one conversation said so far, until a search shows it."""
        with self._lock:
            for part in (part for job in waiting for part in job.each):
                if part.turn.conversation_id == conversation_id:
                    self._cleared[part.turn.key] = None
            _bound(self._cleared, 4096)
            turns = self._sent.get(user_id, OrderedDict())
            for key, sent in list(turns.items()):
                said: tuple[Memory, ...] = (*sent.fresh.memories, *sent.fresh.preferences)
                if any(memory.conversation_id == conversation_id for memory in said):
                    del turns[key]

    def forget(self, user_id: str) -> None:
        """Drop everything fresh of a user."""
        with self._lock:
            self._sent.pop(user_id, None)


@dataclass(frozen=True, slots=True)
class Merged:
    """Server results and fresh memories together, nothing twice, within the limits."""

    memories: list[FactMemory] = field(default_factory=list, repr=False)
    preferences: list[PreferenceMemory] = field(default_factory=list, repr=False)
    left_out: Counter[str] = field(default_factory=Counter)


def merge(
    found: SearchResult,
    fresh: Sequence[Fresh],
    query: str,
    *,
    memory_limit: int,
    preference_limit: int,
    strict: bool = False,
) -> Merged:
    """What a recall shows: relevant fresh memories, then the server's, then other fresh ones where slots are left.

    Where the server fills the list, fresh memories take at most half of it. `strict` (the caller asked for a relevance
    threshold) leaves out fresh memories that share no word with the query.
    """
    left_out: Counter[str] = Counter()
    forgets: list[frozenset[str]] = []
    new_facts: list[FactMemory] = []
    new_preferences: list[PreferenceMemory] = []
    for turn in fresh:
        new_facts += _kept(turn.memories, forgets)
        new_preferences += _kept(turn.preferences, forgets)
        # Newest first: what a turn wants forgotten was said before it.
        forgets += turn.forgets
    wanted = terms_of(query) if fresh else frozenset()
    join = partial(_join, wanted=wanted, strict=strict, left_out=left_out)
    return Merged(
        join(_kept(found.memories, forgets), new_facts, memory_limit),
        join(_kept(found.preferences, forgets), new_preferences, preference_limit),
        left_out,
    )


def _join(
    server: Iterable[M],
    fresh: Sequence[M],
    limit: int,
    *,
    wanted: frozenset[str],
    strict: bool,
    left_out: Counter[str],
) -> list[M]:
    known = Known()
    stored = known.read(server)
    new: list[tuple[float, M]] = []
    for memory in fresh:
        if known.add(memory):
            share = len(wanted & terms_of(memory.text)) / max(1, len(wanted))
            new.append((share, memory.model_copy(update={"relativity": max(0.01, round(share, 4))})))
        else:
            left_out["duplicate"] += 1
    relevant: list[M] = [m for share, m in sorted(new, key=lambda pair: -pair[0]) if share]
    others: list[M] = [] if strict else [m for share, m in new if not share]
    room: int = max(limit - len(stored), (limit + 1) // 2)
    joined = relevant[:room] + stored + others + relevant[room:]
    left_out["limit"] += max(0, len(joined) - limit)
    return joined[:limit]


def _kept(memories: Iterable[M], forgets: Sequence[frozenset[str]]) -> Iterator[M]:
    """The memories that no pending "forget my …" names."""
    for memory in memories:
        words = terms_of(memory.text) if forgets else frozenset()
        if not any(len(forget & words) >= _NAMED * len(forget) for forget in forgets):
            yield memory


def _bound(items: OrderedDict[str, Any], size: int) -> None:
    while len(items) > size:
        items.popitem(last=False)


def _read(job: Job, before: Sequence[Job]) -> Fresh:
    """What the local extractor finds in a turn, with earlier waiting turns of its conversation as context."""
    turn = job.turn
    said = _moment(job)
    earlier: list[Message] = []
    for other in (part for waiting in before for part in waiting.each):
        if other.seq < job.seq and other.turn.conversation_id == turn.conversation_id:
            earlier += other.turn.messages
    from .engine.extract import extract

    found = extract(turn.messages, context=earlier[-6:], now=said)
    result = ExtractResult(
        memories=[_fact(c) for c in found.memories], preferences=[_preference(c) for c in found.preferences]
    )
    fresh = _dated(result, job)
    forgets = tuple(words for text in found.forgets if (words := terms_of(_REQUEST.sub(" ", text))))
    return Fresh(fresh.key, fresh.memories, fresh.preferences, forgets)


def _fact(c: Candidate) -> FactMemory:
    return FactMemory(
        memory_key=c.key, memory_value=c.text, memory_type=c.type, tags=list(c.tags), create_time=c.said_on
    )


def _preference(c: Candidate) -> PreferenceMemory:
    return PreferenceMemory(preference=c.text, preference_type=c.type, reasoning=c.reasoning, create_time=c.said_on)


def _dated(result: ExtractResult, job: Job) -> Fresh:
    """The memories with time, conversation and source messages, which extract/memory does not tell."""
    ids = [m.id for m in job.turn.messages if m.id]
    base = {"conversation_id": job.turn.conversation_id, "status": "activated"}

    def told(memory: M) -> M:
        own = {"create_time": memory.create_time or _moment(job), "message_ids": memory.message_ids or ids}
        return memory.model_copy(update={**base, **own})

    return Fresh(job.turn.key, tuple(map(told, result.memories)), tuple(map(told, result.preferences)))


def _moment(job: Job) -> datetime:
    return datetime.fromtimestamp(job.created_ms / 1000, timezone.utc)
