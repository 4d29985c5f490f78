"""The database: one transaction a ``with``, and its clock.

::

    store = Store("sqlite:///crosslift.db")
    with store.write() as session:      # BEGIN IMMEDIATE … COMMIT, or ROLLBACK if it raises
        runs.claim(session, …)
    with store.read() as session:       # one consistent view; writing through it is refused
        runs.view(session, 1)

SQLite is set up so that a writer waits instead of failing: plain ``BEGIN`` followed by a read and a write fails at once
with "database is locked" whatever the timeout, because the view it has read may be out of date.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from backend.errors import CrossliftError, Invalid, Unavailable, shown
from backend.store.columns import db_now

log = logging.getLogger(__name__)

BUSY_MS = 10_000  # a writer waits this long for another one
SAFE_SQLITE = (3, 51, 3)
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
        "gpfs",
        "ncpfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.rclone",
    }
)
POSTGRES_ARGUMENTS = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "crosslift",
    "options": "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=120000",
}


def now(session: Session) -> datetime:
    """The time by the database's clock, in UTC."""
    return session.scalars(select(db_now())).one()


class Store:
    """A database and its connections. Safe to share between threads; a forked process starts connections of its own.

    Raises:
        Invalid: the address is of no database that can be used; says why.
    """

    def __init__(self, url: str) -> None:
        self.url = checked(url)
        self.engine = connect(self.url)
        sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = self.engine.execution_options(crosslift_write=True)
        self._reader = self.engine.execution_options(
            **({} if sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        )
        self._pid = os.getpid()

    @property
    def url_shown(self) -> str:
        """The address without its password, for people and logs."""
        secret = {key: "***" for key in self.url.query if "password" in key.lower()}
        return self.url.update_query_dict(secret).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent view of the database.

        Raises:
            Unavailable: it does not answer, or has no tables yet.
        """
        with self._session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception.

        Raises:
            Unavailable: as ``read``, or another writer held it for too long, or its disk is full.
        """
        with self._session(self._writer) as session:
            yield session
            session.commit()

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        if self._pid != os.getpid():  # forked: the connections are the parent's
            self.engine.dispose(close=False)
            self._pid = os.getpid()
        try:
            with Session(engine, expire_on_commit=False) as session:
                yield session
        except (DBAPIError, PoolTimeout) as error:
            known = _explained(error, writes=engine is self._writer)
            if known is None:
                raise
            log.warning("database: %s", shown(str(getattr(error, "orig", error)), 300))
            raise known from error


def _explained(error: DBAPIError | PoolTimeout, *, writes: bool) -> CrossliftError | None:
    """The error to raise for one of the driver's that is not a mistake of ours."""
    text = str(getattr(error, "orig", error)).lower()
    missing = isinstance(error, OperationalError | ProgrammingError) and (
        "no such table" in text
        or "no such column" in text
        or getattr(error.orig, "sqlstate", None) in ("42P01", "42703")
    )
    if missing:
        return Unavailable("The database does not have this program's tables yet; run `crosslift migrate`.")
    if "locked" in text or "lock timeout" in text or "deadlock" in text:
        return Unavailable("The database is busy; try again.")
    if "disk is full" in text or "no space left" in text:
        return Unavailable("The database's disk is full.")
    if "readonly" in text or "read-only" in text:
        return Unavailable("The database cannot be written to; check who may write its file.") if writes else None
    if isinstance(error, OperationalError | PoolTimeout) or error.connection_invalidated:
        return Unavailable("The database does not answer; try again.")
    return None


# --- addresses and connections --------------------------------------------------------------------------------------


def checked(address: str) -> URL:
    """Read a database address; ``postgresql://`` is served by psycopg 3.

    Raises:
        Invalid: it cannot be read, or names a database that cannot be used.
    """
    try:
        url = make_url(address)
    except ArgumentError:
        raise Invalid(
            "The database address cannot be read; it looks like sqlite:///crosslift.db "
            "or postgresql://user:password@host/name."
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite":
        url = url.set(drivername="sqlite+pysqlite")
    if url.drivername not in ("postgresql+psycopg", "sqlite+pysqlite"):
        raise Invalid(f"Database {shown(url.drivername)} is not known; use sqlite or postgresql.")
    if url.drivername == "sqlite+pysqlite":
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise Invalid("SQLite needs a file that every process can open, as in sqlite:///crosslift.db.")
        path = Path(url.database).expanduser().absolute()
        kind = file_system(path)
        if kind in NETWORK_FILE_SYSTEMS:
            raise Invalid(
                f"SQLite cannot be used on a network file system ({kind}): its lock files do not work there. Set "
                "CROSSLIFT_HOME to a local folder, or CROSSLIFT_DATABASE_URL to a PostgreSQL database."
            )
        url = url.set(database=str(path))
    return url


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The type of the file system that holds ``path``, as Linux names it; None where that cannot be told."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    real = path.resolve()
    best: tuple[int, str | None] = (-1, None)
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (real == point or point in real.parents) and len(point.parts) >= best[0]:
            best = (len(point.parts), fields[2])
    return best[1]


def connect(url: URL, *, foreign_keys: bool = True) -> Engine:
    """Connections as this program needs them. ``foreign_keys=False`` is for SQLite migrations, which rebuild tables."""
    if url.get_backend_name() == "postgresql":
        arguments = {key: value for key, value in POSTGRES_ARGUMENTS.items() if key not in url.query}
        return create_engine(
            url, pool_pre_ping=True, pool_size=5, max_overflow=20, pool_timeout=10, connect_args=arguments
        )
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    _warn_of_old_sqlite()
    engine = create_engine(
        url,
        pool_size=5,
        max_overflow=20,
        pool_timeout=10,
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # With isolation_level None the driver begins nothing by itself; what is begun here is what there is.
        writes = bool(connection.get_execution_options().get("crosslift_write"))
        if connection.info.get("crosslift_write") is not writes:
            connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
            connection.info["crosslift_write"] = writes
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@cache
def _warn_of_old_sqlite() -> None:
    """Once a process: before 3.51.3 two connections that checkpoint at once can, rarely, damage a file in WAL mode."""
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        log.warning(
            "SQLite %s has a rare fault that can damage the database when several processes write (fixed in 3.51.3); "
            "keep copies, or use PostgreSQL for work that matters",
            sqlite3.sqlite_version,
        )
