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
from functools import cache
from pathlib import Path
from typing import Final, Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from backend.errors import Conflict, Unavailable, shown
from backend.store.session import checked, connect

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"  # beside the package, in a clone and in a wheel alike
WAIT_SECONDS = 60.0
ADVISORY_LOCK = 0x63726F73  # "cros"

NEWER: Final = (
    "The database's schema is newer than this program: it was last used by a later version. "
    "Install that version, or point CROSSLIFT_DATABASE_URL (or CROSSLIFT_HOME) elsewhere."
)

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


def refuse_newer(url: str) -> None:
    """For the start of every part that writes. A database that does not answer yet, or has no tables yet, is no reason.

    Raises:
        Conflict: the schema is newer than this program, which would write what the later one does not expect.
    """
    target = checked(url)
    if target.get_backend_name() == "sqlite" and not Path(str(target.database)).exists():
        return
    try:
        schema = look(url)
    except SQLAlchemyError as error:
        log.warning("the schema could not be looked at: %s", shown(str(getattr(error, "orig", error)), 200))
        return
    if schema.state == "newer":
        raise Conflict(f"{NEWER} Its schema is {schema.found}, this program's {schema.wanted}.")


def check(session: Session) -> None:
    """The same, again and again, for what runs while a later version migrates.

    Raises:
        Conflict: the schema is newer than this program.
    """
    for revision in session.execute(text("SELECT version_num FROM alembic_version")).scalars():
        if revision not in _known():
            raise Conflict(NEWER)


@cache
def _known() -> frozenset[str]:
    """Every revision that this program has, or had once."""
    return frozenset(each.revision for each in ScriptDirectory.from_config(configuration()).walk_revisions())


def knows(revision: str, *, scripts: Path = SCRIPTS) -> bool:
    """Whether this program has that schema, or had it once."""
    try:
        return ScriptDirectory.from_config(configuration(scripts)).get_revision(revision) is not None
    except CommandError:
        return False


def is_bare(url: str) -> bool:
    """Whether nothing is in a database: no table of ours or of anybody else. A file that is not there is none."""
    target = checked(url)
    if target.get_backend_name() == "sqlite" and not Path(str(target.database)).exists():
        return True
    engine = connect(target)
    try:
        with engine.connect() as connection:
            return not set(inspect(connection).get_table_names()) - {"alembic_version"} and (
                MigrationContext.configure(connection).get_current_heads() == ()
            )
    finally:
        engine.dispose()


def clear(url: str) -> None:
    """Take every table of ours out of a database again, with all that is in them."""
    target = checked(url)
    engine = connect(target, foreign_keys=False).execution_options(crosslift_write=True)
    try:
        with _alone(target), engine.connect() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
    finally:
        engine.dispose()


def upgrade(url: str, *, scripts: Path = SCRIPTS, to: str = "head") -> State:
    """Bring the schema up to date; nothing is done where it is. Returns how it stood before. ``to``: an earlier revision.

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
                raise Conflict(NEWER)
            connection.rollback()
            if before in ("empty", "behind"):
                kept = _copy(target) if before == "behind" else None
                if kept:
                    log.info("copied the database to %s before changing its schema", kept)
                config.attributes["connection"] = connection
                command.upgrade(config, to)
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
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete by itself
    except sqlite3.Error as error:
        kept.unlink(missing_ok=True)
        raise Unavailable(
            f"The database could not be copied before its schema is changed, so it was not: {error}."
        ) from error
    kept.chmod(0o600)
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
