"""The store's half of a backup: SQLite by its online backup, PostgreSQL by COPY, in one snapshot, needing no tool of its own."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, inspect, text

from backend.backup.manifest import CHUNK
from backend.errors import Invalid
from backend.store import migrate
from backend.store.session import checked, connect

FILE: Final = "crosslift.db"
VERSION: Final = "alembic_version"


def save(url: str, folder: Path) -> dict[str, int]:
    """Write the whole database, as of one moment, into ``folder``; others may read and write meanwhile.

    Returns:
        how many rows each table has, as they are in the copy.

    Raises:
        Invalid: the copy is not sound: the database itself is damaged.
    """
    target = checked(url)
    folder.mkdir()
    return _save_sqlite(target, folder) if target.get_backend_name() == "sqlite" else _save_postgres(target, folder)


def load(url: str, folder: Path, *, revision: str, rows: Mapping[str, int]) -> None:
    """Fill an empty database from ``folder``, at the backup's own schema. Nothing stays where that fails.

    Raises:
        Invalid: what was loaded is not what was saved.
    """
    target = checked(url)
    if target.get_backend_name() == "sqlite":
        _load_sqlite(target, folder, rows)
    else:
        _load_postgres(url, folder, revision, rows)


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _save_sqlite(url: URL, folder: Path) -> dict[str, int]:
    path = folder / FILE
    with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete by itself
    return _sound(path)


def _load_sqlite(url: URL, folder: Path, rows: Mapping[str, int]) -> None:
    path = Path(str(url.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.restoring")
    making.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(folder / FILE)) as source, closing(sqlite3.connect(making)) as copy:
            source.backup(copy)
        making.chmod(0o600)
        _same(_sound(making), rows)
        for beside in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            beside.unlink(missing_ok=True)  # of a file without tables
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)


def _sound(path: Path) -> dict[str, int]:
    """Rows of each table of a file in which SQLite finds nothing wrong."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if found != ["ok"]:
                raise Invalid(f"The database is damaged, and so would its copy be: {'; '.join(found)}")
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise Invalid("The database is damaged: it has rows without what they refer to.")
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            names = [row[0] for row in tables]
            return {n: connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in sorted(names)}  # noqa: S608 - its own names
    except sqlite3.DatabaseError as error:
        raise Invalid(f"The database is damaged, and so would its copy be: {error}") from None


def _same(found: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise Invalid(f"Table {name} has {found.get(name)} rows where the backup says {wanted.get(name)}.")


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _save_postgres(url: URL, folder: Path) -> dict[str, int]:
    engine = connect(url).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            rows = {}
            for table, columns in _tables(connection).items():
                rows[table] = int(connection.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0)  # noqa: S608 - its own names
                with (
                    gzip.open(folder / f"{table}.copy.gz", "wb", compresslevel=6) as file,
                    _cursor(connection) as cursor,
                ):
                    file.write(("\t".join(columns) + "\n").encode())
                    with cursor.copy(f"COPY {_named(table, columns)} TO STDOUT") as copy:
                        for data in copy:
                            file.write(bytes(data))
            return rows
    finally:
        engine.dispose()


def _load_postgres(url: str, folder: Path, revision: str, rows: Mapping[str, int]) -> None:
    migrate.upgrade(url, to=revision)
    engine = connect(checked(url))
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            tables = _tables(connection)
            _same(dict.fromkeys(tables, 0), dict.fromkeys(rows, 0))
            for table, columns in tables.items():
                if table == VERSION:
                    continue
                with gzip.open(folder / f"{table}.copy.gz", "rb") as file, _cursor(connection) as cursor:
                    given = file.readline().decode().removesuffix("\n").split("\t")
                    if sorted(given) != sorted(columns):
                        raise Invalid(
                            f"Table {table} of the backup has columns {given}, where its schema has {columns}."
                        )
                    with cursor.copy(f"COPY {_named(table, given)} FROM STDIN") as copy:
                        while data := file.read(CHUNK):
                            copy.write(data)
                _number_on(connection, table, columns)
            counted = {t: int(connection.scalar(text(f'SELECT count(*) FROM "{t}"')) or 0) for t in tables}  # noqa: S608 - its own names
            _same(counted, rows)
    except BaseException:
        engine.dispose()
        migrate.clear(url)
        raise
    finally:
        engine.dispose()


def _tables(connection: Connection) -> dict[str, list[str]]:
    """Our tables with their columns, what is referred to before what refers to it."""
    found = inspect(connection)
    order = [name for name, _ in found.get_sorted_table_and_fkc_names() if name is not None]
    return {name: [column["name"] for column in found.get_columns(name)] for name in order}


def _number_on(connection: Connection, table: str, columns: list[str]) -> None:
    """Let the next row get the number after the highest."""
    if "id" in columns:
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), (SELECT max(id) FROM \"{table}\"))"  # noqa: S608 - its own names
                f" WHERE pg_get_serial_sequence('\"{table}\"', 'id') IS NOT NULL AND EXISTS (SELECT 1 FROM \"{table}\")"
            )
        )


def _cursor(connection: Connection) -> Any:
    """The driver's own, which speaks COPY."""
    return connection.connection.cursor()


def _named(table: str, columns: list[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in columns)
    return f'"{table}" ({quoted})'
