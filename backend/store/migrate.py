"""Bring a database to this program's schema (``migrations/``), one process at a time.

On SQLite all migrations of an upgrade are one transaction, so that a process killed in the middle leaves the old
schema; and the file is copied beside itself first. On PostgreSQL each is one transaction.
"""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text

from backend.errors import Conflict, Unavailable
from backend.store.session import checked, connect

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"  # beside the package, in a clone and in a wheel alike
WAIT_SECONDS = 60.0
ADVISORY_LOCK = 0x63726F73  # "cros"

State = Literal["current", "behind", "newer", "empty"]


def configuration(scripts: Path = SCRIPTS) -> Config:
    """Alembic's configuration, without a file. ``migrations/env.py`` finds its connection in ``attributes``."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


@dataclass(frozen=True, slots=True)
class Schema:
    """How a database stands to this program: ``empty`` has no tables at all. ``found`` and ``wanted`` are revisions."""

    state: State
    found: str | None
    wanted: str


def look(url: str, *, scripts: Path = SCRIPTS) -> Schema:
    """The database's schema and this program's."""
    engine = connect(checked(url))
    try:
        with engine.connect() as connection:
            config = configuration(scripts)
            found = sorted(MigrationContext.configure(connection).get_current_heads())
            wanted = sorted(ScriptDirectory.from_config(config).get_heads())
            return Schema(_state(connection, config), ", ".join(found) or None, ", ".join(wanted))
    finally:
        engine.dispose()


def state(url: str, *, scripts: Path = SCRIPTS) -> State:
    """How the database's schema stands to this program's: ``empty`` has none at all."""
    return look(url, scripts=scripts).state


def upgrade(url: str, *, scripts: Path = SCRIPTS) -> State:
    """Bring the schema up to date; nothing is done where it is. Returns how it stood before.

    Waits while another process does the same. The SQLite file is copied first unless it is new.

    Raises:
        Conflict: the schema is newer than this program.
        Unavailable: another process has been migrating for a minute.
    """
    target = checked(url)
    config = configuration(scripts)
    engine = connect(target, foreign_keys=False).execution_options(crosslift_write=True)
    try:
        with _alone(target), engine.connect() as connection:
            before = _state(connection, config)
            if before == "newer":
                raise Conflict(
                    "The database's schema is newer than this program: it was last used by a later version. "
                    "Install that version, or point CROSSLIFT_DATABASE_URL (or CROSSLIFT_HOME) elsewhere."
                )
            connection.rollback()
            if before in ("empty", "behind"):
                kept = _copy(target) if before == "behind" else None
                if kept:
                    log.info("copied the database to %s before changing its schema", kept)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            return before
    finally:
        engine.dispose()


def _state(connection: Connection, config: Config) -> State:
    script = ScriptDirectory.from_config(config)
    current = set(MigrationContext.configure(connection).get_current_heads())
    if not current:
        return "empty"
    for revision in current:
        try:
            script.get_revision(revision)
        except CommandError:
            return "newer"
    return "current" if current == set(script.get_heads()) else "behind"


def _copy(url: URL) -> Path | None:
    """Copy an SQLite file beside itself, consistently although others may have it open. None for PostgreSQL."""
    if url.get_backend_name() != "sqlite":
        return None
    path = Path(str(url.database))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = path.with_name(f"{path.name}.before-{stamp}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete by itself
    return kept


@contextmanager
def _alone(url: URL) -> Iterator[None]:
    """Hold the one lock on migrating this database; it is gone with the process that held it."""
    deadline = time.monotonic() + WAIT_SECONDS
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".migrating").open("w") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    _wait(deadline)
            yield
        return
    engine = connect(url).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}):
                _wait(deadline)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
    finally:
        engine.dispose()


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Unavailable("Another process has been changing the database's schema for a minute; try again later.")
    time.sleep(0.1)
