"""One SQLite file, opened safely: WAL, private file mode, numbered migrations, typed errors, erasure.

Nothing else imports sqlite3. A `Database` holds one connection behind a lock, so any thread may use it, any number of
processes may share the file, and a forked child opens its own connection. Example::

    MIGRATIONS = ["create table note (id integer primary key, body text not null)"]
    db = open_database("notes.db", MIGRATIONS, durability="full")
    with db.write() as tx:                                   # BEGIN IMMEDIATE … COMMIT, ROLLBACK on any exception
        key = tx.insert("insert into note (body) values (:body)", {"body": "hello"})
    with db.read() as tx:                                    # one snapshot for all reads inside
        rows = tx.all("select body from note where id = :id", {"id": key})
    db.erase()                                               # deleted bytes leave the file and the WAL
    db.close()

Every failure is a StoreError (StoreBusy, StoreFull, StoreCorrupt, SchemaTooNew) whose text holds no SQL and no data.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from .errors import SchemaTooNew, StoreBusy, StoreCorrupt, StoreError, StoreFull

MEMORY = ":memory:"
Params = Mapping[str, Any] | Sequence[Any]
Row = tuple[Any, ...]

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
_LEDGER = "create table if not exists migration (number integer primary key, applied_at text not null)"
# Connections inherited through fork: closing them in the child could disturb the parent's locks, so they are kept.
_inherited: list[sqlite3.Connection] = []
_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def open_database(
    path: str | Path,
    migrations: Sequence[str],
    *,
    durability: Literal["normal", "full"] = "normal",
    busy_timeout_s: float = 5.0,
) -> Database:
    """Open `path` (created with mode 0600 when missing; ":memory:" for none) and apply the migrations it lacks.

    `migrations` are SQL scripts, numbered by position, each applied once in a transaction of its own; append only.
    `durability` "normal" survives a killed process, "full" also a power cut. Raises StoreError and its subclasses.
    """
    database = Database(path, migrations, durability=durability, busy_timeout_s=busy_timeout_s)
    database.open()
    return database


class Transaction:
    """Statements inside one transaction; rows are plain tuples."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, params: Params = ()) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, params).fetchall()

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def run(self, sql: str, params: Params = ()) -> int:
        """The number of rows changed."""
        return self._connection.execute(sql, params).rowcount

    def insert(self, sql: str, params: Params = ()) -> int:
        """The rowid of the inserted row."""
        return self._connection.execute(sql, params).lastrowid or 0

    def many(self, sql: str, params: Iterable[Params]) -> int:
        """Run once per item of `params`; the number of rows changed."""
        return self._connection.executemany(sql, params).rowcount


class Database:
    """A SQLite file behind one lock; made by `open_database`."""

    def __init__(
        self,
        path: str | Path,
        migrations: Sequence[str],
        *,
        durability: Literal["normal", "full"],
        busy_timeout_s: float,
    ) -> None:
        self.path = str(path)
        self._migrations = tuple(migrations)
        self._durability = durability
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        _databases.add(self)

    def __repr__(self) -> str:
        return f"Database(open={self._connection is not None})"

    @property
    def in_memory(self) -> bool:
        """True when nothing is written to disk."""
        return self.path == MEMORY

    def open(self) -> None:
        """Open the file; done by `open_database`."""
        with self._lock, _typed_errors():
            self._connection = self._connect()
            try:
                self._migrate(self._connection)
            except BaseException:
                self.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        if not self.in_memory:
            _create_private(Path(self.path))
        connection = sqlite3.connect(
            self.path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            # secure_delete overwrites deleted cells with zeros; without it erase() could not keep its promise.
            for pragma in ("secure_delete=on", "foreign_keys=on", "temp_store=memory", "trusted_schema=off"):
                connection.execute(f"pragma {pragma}")
            if not self.in_memory:
                connection.execute("pragma journal_mode=wal")
            connection.execute(f"pragma synchronous={self._durability}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if self._applied(connection) == len(self._migrations):
            return
        for number, script in enumerate(self._migrations, 1):
            with _transaction(connection, "begin immediate"):
                connection.execute(_LEDGER)
                if self._applied(connection) >= number:
                    continue
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute("insert into migration values (?, datetime('now'))", (number,))

    def _applied(self, connection: sqlite3.Connection) -> int:
        if not connection.execute("select 1 from sqlite_master where name = 'migration'").fetchone():
            return 0
        (applied,) = connection.execute("select coalesce(max(number), 0) from migration").fetchone()
        if applied > len(self._migrations):
            msg = "the database was written by a newer version of memos-integrations: upgrade the package"
            raise SchemaTooNew(msg)
        return int(applied)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent snapshot; nothing inside may write."""
        with self._begin("begin") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One atomic change: committed when the block ends, rolled back when it raises."""
        with self._begin("begin immediate") as transaction:
            yield transaction

    @contextmanager
    def _begin(self, begin: str) -> Iterator[Transaction]:
        self._after_fork()
        with self._lock, _typed_errors():
            if self._connection is None:
                msg = "the database is closed"
                raise StoreError(msg)
            with _transaction(self._connection, begin):
                yield Transaction(self._connection)

    def _after_fork(self) -> None:
        if self._pid == os.getpid():
            return
        self._lock, self._pid = threading.RLock(), os.getpid()
        if self._connection is not None and not self.in_memory:
            _inherited.append(self._connection)
            self._connection = self._connect()

    def erase(self, *, timeout_s: float = 5.0) -> None:
        """Make what was deleted unreadable: no bytes of it stay in the file or the WAL.

        Deleted cells are zeroed when they are deleted; this moves every page into the main file and empties the WAL.
        Raises StoreBusy when another connection reads for longer than `timeout_s`: call again later.
        """
        self._after_fork()
        deadline = time.monotonic() + timeout_s
        while True:
            with self._lock, _typed_errors():
                if self._connection is None or self.in_memory:
                    return
                (busy, _, _) = self._connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            if not busy:
                return
            if time.monotonic() >= deadline:
                msg = "deleted, but not yet erased from disk: another connection is reading; call again later"
                raise StoreBusy(msg)
            time.sleep(0.02)

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._after_fork()
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("commit")
    except BaseException:
        # A full disk or a lost file may already have rolled back.
        with suppress(sqlite3.Error):
            connection.execute("rollback")
        raise


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _store_error(error) from None


def _store_error(error: sqlite3.Error) -> StoreError:
    # The low byte is the primary result code. SQLite's own words may quote a statement, so they are not passed on.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _BUSY:
        return StoreBusy("the database is locked by another process: try again", retryable=True)
    if code == sqlite3.SQLITE_FULL:
        return StoreFull("the disk, or the size allowed for the database, is full: free some space and try again")
    if code in _CORRUPT:
        return StoreCorrupt("the file is not a usable database: restore a backup or move it away")
    if code in _UNWRITABLE:
        return StoreError("the database file cannot be opened for writing: check the path and its permissions")
    return StoreError(
        f"the database refused the operation ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    )


def _create_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives -wal and -shm the mode of the main file.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError:
        msg = "the database file cannot be created: check the path and its permissions"
        raise StoreError(msg) from None


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


# SQLite notes locks per process, and a forked child inherits the notes: a transaction under way in another thread would
# hold its lock in the child for ever. So a fork waits until no transaction is under way.
_held: list[threading.RLock] = []


def _before_fork() -> None:
    _held.extend(database._lock for database in list(_databases) if database._lock.acquire(timeout=10.0))


def _after_any_fork() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_any_fork, after_in_child=_after_any_fork)
