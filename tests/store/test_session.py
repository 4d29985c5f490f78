"""Addresses, transactions, contention, and what is said when the database is not there."""

from __future__ import annotations

import logging
import shutil
import time

import pytest
from sqlalchemy import select, text, update

from backend.errors import Invalid, Unavailable
from backend.store import runs, session, tables
from backend.store.session import Store, file_system


def test_a_write_is_all_or_nothing(lab):
    lab.submit()

    def break_off():
        with lab.store.write() as db:
            db.execute(update(tables.run).values(step=99))
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        break_off()
    with lab.store.read() as db:
        assert set(db.scalars(select(tables.run.c.step))) == {0}


def test_a_reader_cannot_write(lab):
    lab.submit()
    with pytest.raises(Exception, match="(?i)read-?only"), lab.store.read() as db:
        db.execute(update(tables.run).values(step=99))
    with lab.store.write() as db:  # the same connection again
        db.execute(update(tables.run).values(step=3))


def test_a_reader_has_one_view_while_others_write(lab):
    lab.submit()
    with lab.store.read() as db:
        before = db.scalars(select(tables.run.c.step).where(tables.run.c.id == 1)).one()
        with lab.store.write() as other:
            other.execute(update(tables.run).values(step=7))
        assert db.scalars(select(tables.run.c.step).where(tables.run.c.id == 1)).one() == before
    with lab.store.read() as db:
        assert db.scalars(select(tables.run.c.step).where(tables.run.c.id == 1)).one() == 7


def test_read_then_write_never_finds_the_database_locked(lab, in_processes):
    """What fails at once with plain BEGIN, whatever the timeout."""
    lab.submit()

    def work(i, url):
        mine = Store(url)
        for _ in range(40):
            with mine.write() as db:
                step = db.scalars(select(tables.run.c.step).where(tables.run.c.id == 1).with_for_update()).one()
                db.execute(update(tables.run).where(tables.run.c.id == 1).values(step=step + 1))
        mine.dispose()

    in_processes(8, work, lab.store.url.render_as_string(hide_password=False))
    assert lab.view(1).step == 320


def test_a_forked_process_has_connections_of_its_own(lab, in_processes):
    lab.submit()
    lab.view(1)

    def work(i):
        with lab.store.write() as db:
            db.execute(update(tables.run).values(step=tables.run.c.step + 1))

    in_processes(2, work)
    assert lab.view(1).step == 2


def test_sqlite_is_set_up_for_several_processes(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/deep/down/crosslift.db")
    with store.read() as db:
        found = {
            p: db.scalar(text(f"PRAGMA {p}")) for p in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000, "synchronous": 1}
    store.dispose()


def test_foreign_keys_hold(store):
    with pytest.raises(Exception, match="(?i)foreign key"), store.write() as db:
        db.execute(tables.run_parent.insert(), {"run_id": 1, "parent_id": 2})


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://me:s3cret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql+psycopg://me:s3cret@host:5433/db", "postgresql+psycopg://me:***@host:5433/db"),
        ("postgresql://me@/db?host=/run/pg&sslpassword=s3cret", "postgresql+psycopg://me@/db?host=%2Frun%2Fpg&sslpassword=%2A%2A%2A"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(given, shown):
    store = Store(given)
    assert store.url_shown == shown


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://localhost/db", "Database 'mysql' is not known; use sqlite or postgresql"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("nonsense", "cannot be read; it looks like"),
        ("postgresql+asyncpg://host/db", "is not known"),
    ],
)
def test_a_useless_address_is_refused_with_what_to_do(address, message):
    with pytest.raises(Invalid, match=message):
        Store(address)


def test_sqlite_on_a_network_file_system_is_refused(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    share = tmp_path / "a share"
    share.mkdir()
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\nserver:/x {str(share).replace(' ', chr(92) + '040')} nfs4 rw 0 0\n"
    )
    assert file_system(share / "deep" / "x.db", mounts) == "nfs4"
    assert file_system(tmp_path / "x.db", mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "nothing") is None
    monkeypatch.setattr(session, "file_system", lambda path: "nfs4")
    with pytest.raises(Invalid, match=r"network file system \(nfs4\).*CROSSLIFT_HOME.*CROSSLIFT_DATABASE_URL"):
        Store(f"sqlite:///{tmp_path}/x.db")


def test_an_old_sqlite_is_warned_of_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(session.sqlite3, "sqlite_version_info", (3, 51, 2))
    session._warn_of_old_sqlite.cache_clear()
    with caplog.at_level(logging.WARNING):
        for name in ("a", "b"):
            Store(f"sqlite:///{tmp_path}/{name}.db")
    assert len([r for r in caplog.records if "fixed in 3.51.3" in r.getMessage()]) == 1


def test_a_database_without_tables_says_what_to_do(tmp_path):
    plain = Store(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(Unavailable, match="crosslift migrate"), plain.read() as db:
        runs.view(db, 1)
    plain.dispose()


def test_a_busy_database_is_not_waited_for_for_ever(tmp_path, sqlite_template, monkeypatch):
    monkeypatch.setattr(session, "BUSY_MS", 100)
    url = f"sqlite:///{sqlite_template}"
    one, two = Store(url), Store(url)
    with one.write() as holder:
        holder.execute(text("SELECT 1"))
        started = time.monotonic()
        with pytest.raises(Unavailable, match="busy"), two.write() as waiting:
            waiting.execute(text("SELECT 1"))
        assert time.monotonic() - started < 2
    one.dispose()
    two.dispose()


def test_a_postgresql_that_is_not_there(caplog):
    store = Store("postgresql://me:s3cret@127.0.0.1:1/db")
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer") as caught, store.read() as db:
        runs.view(db, 1)
    assert time.monotonic() - started < 5
    assert "s3cret" not in str(caught.value) + caplog.text


def test_a_connection_that_was_cut_is_replaced(postgres_migrated):
    store = Store(postgres_migrated)
    with store.read() as db:
        pid = db.scalar(text("SELECT pg_backend_pid()"))
    other = Store(postgres_migrated)
    with other.write() as db:
        db.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with store.read() as db:
        assert db.scalar(text("SELECT pg_backend_pid()")) != pid

    def cut_off():
        with store.read() as db:
            mine = db.scalar(text("SELECT pg_backend_pid()"))
            with other.write() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            db.scalar(text("SELECT 1"))

    with pytest.raises(Unavailable, match="does not answer"):
        cut_off()
    store.dispose()
    other.dispose()


def test_the_disk_being_full_is_said(tmp_path, sqlite_template):
    path = tmp_path / "small.db"
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    with store.write() as db:
        pages = db.scalar(text("PRAGMA page_count"))

    def fill():
        with store.write() as db:
            db.execute(text(f"PRAGMA max_page_count={pages + 2}"))
            db.execute(text("CREATE TABLE large AS SELECT randomblob(1000000) AS x"))

    with pytest.raises(Unavailable, match="disk is full"):
        fill()
    with store.read() as db:
        assert db.scalar(text("PRAGMA integrity_check")) == "ok"
    store.dispose()
