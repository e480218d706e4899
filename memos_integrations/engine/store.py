"""The SQL on the tables of the embedded engine; every statement on memories carries the owner."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from memos_integrations._sqlite import Row, Transaction


@dataclass(slots=True)
class MessageRow:
    """One stored message; `body` is its text, or the JSON list of its parts; times are epoch milliseconds."""

    position: int
    conversation: str
    id: str
    digest: bytes
    role: str
    speaker: str | None
    body: str
    chat_time: str | None
    said_at: int
    created: int
    terms: str


@dataclass(slots=True)
class MemoryRow:
    """One stored memory; `sources` are message ids, `position` is its first source message's, -1 without one.

    `ended` are the parts that no longer hold while the rest does: `[start, end, until, successor]`, places in `text`,
    milliseconds (0 when unknown) and the memory that replaced them.
    """

    number: int
    version: int
    id: str
    kind: str
    text: str
    key: str
    type: str
    reasoning: str
    tags: list[str]
    info: dict[str, Any]
    app: str | None
    agent: str | None
    conversation: str
    speaker: str | None
    said_at: int
    happened_on: str | None
    status: str
    until: int | None
    successor: int | None
    created: int
    updated: int
    position: int
    sources: list[str] = field(default_factory=list)
    terms: str = ""
    fingerprint: bytes = b""
    ended: list[list[int]] = field(default_factory=list)


_NO_POSITION = 2**62
_LIKE = str.maketrans({"%": "!%", "_": "!_", "!": "!!"})


class Sketch(NamedTuple):
    """What ranking must know of a memory."""

    number: int
    kind: str
    status: str
    position: int
    conversation: str
    speaker: str | None
    said_at: int
    happened_on: str | None
    successor: int | None
    terms: str
    text: str


_JSON = frozenset({"tags", "info", "sources", "ended"})
_MEMORY = [f.name for f in fields(MemoryRow)]
_MESSAGE = [f.name for f in fields(MessageRow)]
_MEMORY_LIST = ", ".join(_MEMORY)
_MESSAGE_LIST = ", ".join(_MESSAGE)
_PUT_MEMORY = (
    f"insert or replace into memory (owner, {_MEMORY_LIST}) values (:owner, {', '.join(':' + c for c in _MEMORY)})"  # noqa: S608
)
_PUT_MESSAGE = (
    f"insert or ignore into message (owner, {_MESSAGE_LIST}) values (:owner, {', '.join(':' + c for c in _MESSAGE)})"  # noqa: S608
)


def _later(table: str, version: int) -> str:
    """How to find what was written after `version`: all of it by reading the owner's rows, news by the index.

    SQLite, which keeps no statistics here, takes an owner to have ten rows and would always read all of them.
    """
    return f"indexed by {table}_version" if version else ""


def memory_of(row: Row) -> MemoryRow:
    """A MemoryRow from a row in column order."""
    values = dict(zip(_MEMORY, row, strict=True))
    return MemoryRow(**{k: json.loads(v) if k in _JSON else v for k, v in values.items()})


def find_owner(tx: Transaction, name: str) -> int | None:
    """The number of the owner called `name`, or None when nothing was ever stored for them."""
    row = tx.one("select owner from owner where name = :name", {"name": name})
    return None if row is None else int(row[0])


def make_owner(tx: Transaction, name: str) -> int:
    """The number of the owner called `name`, made when new; numbers are never used twice."""
    tx.run("insert into owner (name) values (:name) on conflict (name) do nothing", {"name": name})
    owner = find_owner(tx, name)
    assert owner is not None  # noqa: S101  # inserted above, in the same transaction
    return owner


def owner_names(tx: Transaction) -> list[str]:
    """The names of all owners, in order of first use."""
    return [str(name) for (name,) in tx.all("select name from owner order by owner")]


def owner_of_memory(tx: Transaction, memory_id: str) -> tuple[int, str, int] | None:
    """Owner, owner's name and number of a memory; ids are unguessable, so holding one is the right to it."""
    row = tx.one(
        "select m.owner, o.name, m.number from memory m join owner o on o.owner = m.owner where m.id = :id",
        {"id": memory_id},
    )
    return None if row is None else (int(row[0]), str(row[1]), int(row[2]))


def embedder_number(tx: Transaction, name: str) -> int:
    """The number under which the vectors of embedder `name` are stored."""
    tx.run("insert into embedder (name) values (:name) on conflict (name) do nothing", {"name": name})
    row = tx.one("select embedder from embedder where name = :name", {"name": name})
    return int(row[0]) if row else 0


class Space:
    """One owner's rows inside one transaction; there is no way to reach another owner's from here."""

    __slots__ = ("_tx", "owner")

    def __init__(self, tx: Transaction, owner: int) -> None:
        self._tx = tx
        self.owner = owner

    def _all(self, sql: str, **params: Any) -> list[Row]:
        return self._tx.all(sql, {"owner": self.owner, **params})

    def _run(self, sql: str, **params: Any) -> int:
        return self._tx.run(sql, {"owner": self.owner, **params})

    def _number(self, sql: str, **params: Any) -> int:
        rows = self._all(sql, **params)
        return int(rows[0][0]) if rows else 0

    # -- versions: how other threads and processes notice a change

    def versions(self) -> tuple[int, int]:
        """`(version, epoch)`: version grows with every change, epoch when rows vanished."""
        rows = self._all("select version, epoch from owner where owner = :owner")
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, -1)

    def touch(self, *, vanished: bool = False) -> int:
        """Announce a change and return its version."""
        self._run(
            "update owner set version = version + 1, epoch = epoch + :gone where owner = :owner", gone=int(vanished)
        )
        return self.versions()[0]

    # -- messages

    def next_position(self) -> int:
        """The position of the next message."""
        return self._number("select coalesce(max(position), -1) + 1 from message where owner = :owner")

    def put_message(self, row: MessageRow) -> bool:
        """Store a message; False when this conversation has it already."""
        values = {name: getattr(row, name) for name in _MESSAGE}
        return self._run(_PUT_MESSAGE, **values) == 1

    def known_messages(self, conversation: str, identities: Sequence[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
        """Which of the `(id, digest)` pairs this conversation holds already."""
        found: set[tuple[str, bytes]] = set()
        for key, digest in identities:
            if self._all(
                "select 1 from message where owner = :owner and conversation = :conversation and id = :id"
                " and digest = :digest",
                conversation=conversation,
                id=key,
                digest=digest,
            ):
                found.add((key, digest))
        return found

    def _messages(self, where: str, **params: Any) -> list[MessageRow]:
        sql = f"select {_MESSAGE_LIST} from message where owner = :owner and {where}"  # noqa: S608
        return [MessageRow(*row) for row in self._all(sql, **params)]

    def last_messages(self, conversation: str, limit: int, before: int | None = None) -> list[MessageRow]:
        """The newest `limit` messages of a conversation, or of those before a position, oldest first."""
        return self._messages(
            "conversation = :conversation and body <> '' and position < :before order by position desc limit :limit",
            conversation=conversation,
            before=_NO_POSITION if before is None else before,
            limit=limit,
        )[::-1]

    def messages_at(self, positions: Iterable[int]) -> list[MessageRow]:
        """The messages at these positions that still have their text, in order."""
        held = json.dumps(list(positions))
        return self._messages(
            "body <> '' and position in (select value from json_each(:held)) order by position", held=held
        )

    def messages_with(self, ids: Iterable[str]) -> list[MessageRow]:
        """The messages with these ids, in whatever conversation."""
        return self._messages("id in (select value from json_each(:ids))", ids=json.dumps(list(ids)))

    def message_terms(self, after: int) -> list[tuple[int, str, str]]:
        """`(position, conversation, terms)` of the messages behind position `after`."""
        return self._all(
            "select position, conversation, terms from message where owner = :owner and position > :after"
            " order by position",
            after=after,
        )

    def blank_messages(self, positions: Iterable[int]) -> None:
        """Empty messages but keep their identity, so that telling them again stores nothing."""
        for position in positions:
            self._run(
                "update message set body = '', terms = '' where owner = :owner and position = :position",
                position=position,
            )

    def blank_all(self) -> None:
        """Empty every message."""
        self._run("update message set body = '', terms = '' where owner = :owner")

    # -- memories

    def next_number(self) -> int:
        """A number for a new memory, never used before: others may still be known by it."""
        self._run(
            "update owner set numbers = 1 + max(numbers, (select coalesce(max(number), -1) + 1 from memory"
            " where owner = :owner)) where owner = :owner"
        )
        return self._number("select numbers - 1 from owner where owner = :owner")

    def put_memory(self, row: MemoryRow) -> None:
        """Store a memory, replacing the one of the same number."""
        values = {name: getattr(row, name) for name in _MEMORY}
        values.update({name: json.dumps(values[name], ensure_ascii=False) for name in _JSON})
        self._run(_PUT_MEMORY, **values)

    def _memories(self, where: str, index: str = "", **params: Any) -> list[MemoryRow]:
        sql = f"select {_MEMORY_LIST} from memory {index} where owner = :owner and {where}"  # noqa: S608
        return [memory_of(row) for row in self._all(sql, **params)]

    def memory(self, memory_id: str) -> MemoryRow | None:
        """The memory with this id."""
        rows = self._memories("id = :id", id=memory_id)
        return rows[0] if rows else None

    def memories(self, numbers: Iterable[int]) -> list[MemoryRow]:
        """The memories with these numbers, in no particular order."""
        return self._memories("number in (select value from json_each(:numbers))", numbers=json.dumps(list(numbers)))

    def succeeded_by(self, numbers: Iterable[int]) -> list[MemoryRow]:
        """The memories that one of these replaced last."""
        return self._memories(
            "successor in (select value from json_each(:numbers))",
            "indexed by memory_successor",
            numbers=json.dumps(list(numbers)),
        )

    def all_memories(self) -> list[MemoryRow]:
        """Every memory, oldest first."""
        return self._memories("1 order by number")

    def sketches(self, version: int) -> list[Sketch]:
        """The memories written after `version`, as ranking needs them."""
        sql = (
            f"select {', '.join(Sketch._fields)} from memory {_later('memory', version)}"  # noqa: S608
            " where owner = :owner and version > :version order by number"
        )
        return [Sketch._make(row) for row in self._all(sql, version=version)]

    def same_memories(self, kind: str, fingerprint: bytes) -> list[MemoryRow]:
        """Memories of `kind` that say the same."""
        return self._memories(
            "kind = :kind and fingerprint = :print order by number",
            "indexed by memory_same",
            kind=kind,
            print=fingerprint,
        )

    def put_slot(self, slot: str, number: int, first: int, last: int) -> None:
        """Say that `text[first:last]` of a memory fills a slot."""
        self._run(
            "insert or replace into slot (owner, slot, number, first, last)"
            " values (:owner, :slot, :number, :first, :last)",
            slot=slot,
            number=number,
            first=first,
            last=last,
        )

    def slot_places(self, slot: str) -> list[tuple[int, int, int]]:
        """`(number, first, last)` of what fills a slot, oldest first."""
        return self._all(
            "select number, first, last from slot where owner = :owner and slot = :slot order by number", slot=slot
        )

    def slots_of(self, number: int) -> list[str]:
        """The slots that a memory fills."""
        return [
            s for (s,) in self._all("select slot from slot where owner = :owner and number = :number", number=number)
        ]

    def drop_slots(self, number: int) -> None:
        """Forget which slots a memory fills."""
        self._run("delete from slot where owner = :owner and number = :number", number=number)

    def memories_holding(self, wanted: Iterable[str], limit: int) -> list[MemoryRow]:
        """The newest `limit` standing memories that hold every wanted term."""
        held = {f"t{i}": f"% {term.translate(_LIKE)} %" for i, term in enumerate(wanted)}
        tests = "".join(f" and ' ' || terms || ' ' like :{name} escape '!'" for name in held)
        return self._memories(f"status = 'activated'{tests} order by number desc limit :limit", limit=limit, **held)

    def drop_vector(self, number: int) -> None:
        """Delete the vectors of a memory."""
        self._run("delete from vector where owner = :owner and number = :number", number=number)

    def drop_memories(self, numbers: Iterable[int]) -> int:
        """Delete memories and their vectors; the number of memories deleted."""
        gone = 0
        for number in numbers:
            self.drop_vector(number)
            self.drop_slots(number)
            self._run("update memory set successor = null where owner = :owner and successor = :number", number=number)
            gone += self._run("delete from memory where owner = :owner and number = :number", number=number)
        return gone

    def drop(self) -> None:
        """Delete everything of this owner, the owner included."""
        for table in ("slot", "vector", "memory", "message", "owner"):
            self._run(f"delete from {table} where owner = :owner")  # noqa: S608

    # -- vectors

    def put_vector(self, number: int, version: int, embedder: int, data: bytes) -> None:
        """Store the vector of a memory, replacing an older one of the same embedder."""
        self._run(
            "insert or replace into vector (owner, number, version, embedder, data)"
            " values (:owner, :number, :version, :embedder, :data)",
            number=number,
            version=version,
            embedder=embedder,
            data=data,
        )

    def vectors(self, embedder: str, version: int) -> list[tuple[int, bytes]]:
        """`(number, data)` of the vectors of `embedder` written after `version`."""
        return self._all(
            f"select number, data from vector {_later('vector', version)} where owner = :owner and version > :version"  # noqa: S608
            " and embedder = (select embedder from embedder where name = :embedder) order by number",
            embedder=embedder,
            version=version,
        )

    def without_vector(self, embedder: int, limit: int) -> list[MemoryRow]:
        """Up to `limit` memories that have no vector of `embedder`."""
        return self._memories(
            "not exists (select 1 from vector v where v.owner = :owner and v.number = memory.number"
            " and v.embedder = :embedder) order by number limit :limit",
            embedder=embedder,
            limit=limit,
        )

    def trim_vectors(self, kept: int) -> None:
        """Drop the vectors of all embedders but the `kept` ones that wrote last."""
        self._run(
            "delete from vector where owner = :owner and embedder not in (select embedder from vector"
            " where owner = :owner group by embedder order by max(version) desc limit :kept)",
            kept=kept,
        )
