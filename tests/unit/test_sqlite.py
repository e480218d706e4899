"""One SQLite file: transactions, migrations, typed errors, privacy of the file, erasure."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import threading

import pytest

from memos_integrations._sqlite import open_database
from memos_integrations.errors import SchemaTooNew, StoreBusy, StoreCorrupt, StoreError, StoreFull

NOTES = ["create table note (id integer primary key, body text);\ncreate index by_body on note (body);"]
MORE = [*NOTES, "alter table note add column mood text"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "notes.db"


@pytest.fixture
def db(path):
    database = open_database(path, NOTES, busy_timeout_s=0.1)
    yield database
    database.close()


def put(db, body):
    with db.write() as tx:
        return tx.insert("insert into note (body) values (:body)", {"body": body})


def bodies(db):
    with db.read() as tx:
        return [body for (body,) in tx.all("select body from note order by id")]


def test_a_write_is_read_back(db):
    key = put(db, "a")
    with db.read() as tx:
        assert tx.one("select body from note where id = ?", (key,)) == ("a",)
        assert tx.one("select body from note where id = ?", (key + 1,)) is None


def test_an_exception_rolls_everything_back(db):
    def fail():
        with db.write() as tx:
            tx.many("insert into note (body) values (?)", [("a",), ("b",)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert bodies(db) == []


def test_the_file_is_private_and_its_folder_is_made(db, path):
    put(db, "a")
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_migrations_run_once_and_in_order(path):
    first = open_database(path, NOTES)
    put(first, "a")
    first.close()
    second = open_database(path, MORE)
    with second.read() as tx:
        assert tx.all("select body, mood from note") == [("a", None)]
    second.close()


def test_a_failing_migration_leaves_nothing(path):
    with pytest.raises(StoreError):
        open_database(path, ["create table note (id integer);\nselect nonsense from nowhere;"])
    database = open_database(path, NOTES)
    put(database, "a")
    database.close()


def test_a_newer_schema_is_refused(path):
    open_database(path, MORE).close()
    with pytest.raises(SchemaTooNew, match="upgrade"):
        open_database(path, NOTES)


def test_a_file_that_is_no_database_is_corrupt(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"not a database, and long enough to have a header" * 100)
    with pytest.raises(StoreCorrupt):
        open_database(path, NOTES)


def test_a_folder_in_the_way_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "x.db"):
        with pytest.raises(StoreError, match="check the path"):
            open_database(path, NOTES)


def test_a_locked_file_is_busy_and_nothing_is_lost(db, path):
    other = sqlite3.connect(path)
    other.execute("begin immediate")
    with pytest.raises(StoreBusy) as caught:
        put(db, "a")
    assert caught.value.retryable
    other.rollback()
    other.close()
    put(db, "b")
    assert bodies(db) == ["b"]


def test_a_full_disk_is_said_and_survived(db):
    put(db, "kept")
    with db.read() as tx:
        (pages,) = tx.one("pragma page_count")
    db._connection.execute(f"pragma max_page_count={pages}")
    with pytest.raises(StoreFull):
        put(db, "x" * 200_000)
    db._connection.execute("pragma max_page_count=100000")
    put(db, "again")
    assert bodies(db) == ["kept", "again"]


def test_a_write_to_an_unwritable_file_is_a_store_error(db):
    db._connection.execute("pragma query_only=on")
    with pytest.raises(StoreError, match="cannot be opened for writing"):
        put(db, "a")


def test_errors_show_neither_sql_nor_data(db):
    with pytest.raises(StoreError) as caught, db.write() as tx:
        tx.run("insert into note (id, body) values (1, 'SECRET'), (1, 'SECRET')")
    assert "SECRET" not in str(caught.value)
    assert "insert" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_closed_database_says_so_and_closes_twice(db):
    db.close()
    db.close()
    with pytest.raises(StoreError, match="closed"):
        bodies(db)
    db.erase()
    assert "open=False" in repr(db)


def test_deleted_words_leave_the_file_and_the_log(db, path):
    put(db, "the word is marmalade")
    put(db, "x" * 9000 + "marmalade")
    with db.write() as tx:
        assert tx.run("delete from note") == 2
    db.erase()
    for file in path.parent.iterdir():
        assert b"marmalade" not in file.read_bytes()


def test_erasing_waits_for_readers_and_says_when_they_stay(db, path):
    put(db, "a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin")
    other.execute("select * from note").fetchall()
    put(db, "b")
    with pytest.raises(StoreBusy, match="not yet erased"):
        db.erase(timeout_s=0.0)
    other.close()
    db.erase()


def test_memory_databases_hold_and_need_no_erasing():
    database = open_database(":memory:", NOTES)
    put(database, "a")
    database.erase()
    assert bodies(database) == ["a"]
    assert database.in_memory
    database.close()


def test_many_threads_share_one_database(db):
    threads = [threading.Thread(target=lambda: [put(db, "x") for _ in range(20)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies(db)) == 100


def _child(path):
    database = open_database(path, NOTES, busy_timeout_s=20)
    for _ in range(20):
        put(database, "x")
    database.close()


def test_processes_open_and_fill_one_file_at_once(path):
    workers = [multiprocessing.get_context("spawn").Process(target=_child, args=(path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    database = open_database(path, NOTES)
    assert len(bodies(database)) == 60
    database.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_opens_its_own_connection(db):
    put(db, "parent")
    pid = os.fork()
    if pid == 0:
        try:
            put(db, "child")
            os._exit(0 if bodies(db) == ["parent", "child"] else 2)
        except BaseException:
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    put(db, "after")
    assert bodies(db) == ["parent", "child", "after"]
