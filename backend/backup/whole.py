"""Back an installation up, and put one back: ``crosslift backup`` and ``crosslift restore``."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select, update

from backend.backup import artifacts, database
from backend.backup import manifest as manifests
from backend.backup.manifest import FORMAT, Entry, Manifest, Missing
from backend.errors import Conflict
from backend.store import migrate, tables
from backend.store.session import Store, checked

Say = Callable[[str], None]
DATABASE: Final = "database"
ARTIFACTS: Final = "artifacts"
MARGIN_BYTES: Final = 64 << 20


def back_up(url: str, root: str, folder: Path, *, say: Say) -> Manifest:
    """Copy store and artifacts into ``folder``, which appears at once and is compared with its manifest first.

    Runs may go on meanwhile. Artifacts that are not there or not whole are said, and left out.

    Args:
        url: the database's address.
        root: where the artifacts are.
        folder: where nothing is yet, or an empty folder.

    Raises:
        Conflict: something is in ``folder``, the database has no tables or those of a later version, or the disk has too little room.
        Invalid: the database is damaged.
    """
    folder = folder.expanduser().absolute()
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise Conflict(f"{folder} is not empty; name a folder that is not there yet.")
    address = checked(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        raise Conflict(f"There is nothing to back up: there is no {address.database}.")
    schema = migrate.look(url)
    if schema.state == "empty" or schema.found is None:
        raise Conflict("There is nothing to back up: the database has no tables yet.")
    if schema.state == "newer":
        raise Conflict(
            f"The database's schema, {schema.found}, is newer than this program: back it up with the one that uses it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = folder.parent / f".{folder.name}-{secrets.token_hex(4)}"
    making.mkdir(mode=0o700)
    try:
        _check_room(url, making)
        say("Copying the database")
        rows = database.save(url, making / DATABASE)
        wanted = _artifacts(url)
        say(f"Copying {len(wanted)} artifacts")
        (making / ARTIFACTS).mkdir()
        missing = []
        for run, fingerprint, where, digest in wanted:
            try:
                artifacts.save(where, digest, root, making / ARTIFACTS)
            except artifacts.Unsaved as error:
                if _still_named(url, run):  # not dropped meanwhile
                    missing.append(Missing(run=run, fingerprint=fingerprint, why=str(error)))
                    say(f"The artifact of run {run} is left out: {error}")
        files: dict[str, Entry] = {name: manifests.entry(making / name) for name in manifests.names(making)}
        made = Manifest(
            format=FORMAT, program=_program(), made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            database="sqlite" if address.get_backend_name() == "sqlite" else "postgresql",
            schema_revision=schema.found, rows=rows, artifacts=len(wanted) - len(missing), missing=missing, files=files,
        )  # fmt: skip
        manifests.write(making, made)
        say("Comparing everything with the manifest")
        manifests.verify(making, manifests.read(making))
        for each in (*making.rglob("*"), making):
            _sync(each)
        if folder.exists():
            folder.rmdir()
        making.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return made


def check(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all what it says.

    Raises:
        NotFound, Conflict, Invalid: it is none, of a later version, or damaged.
    """
    manifest = manifests.read(folder)
    manifests.verify(folder, manifest)
    return manifest


def restore(folder: Path, url: str, root: str, *, say: Say) -> Manifest:
    """Put a backup where nothing is: artifacts below ``root``, the store at ``url``, at this program's schema in the end.

    The backup is compared with its manifest before anything is touched; where it fails, nothing stays.

    Raises:
        NotFound: ``folder`` is no finished backup.
        Conflict: there is something already, the backup is of the other kind of database, or its schema is newer than this program.
        Invalid: the backup is damaged.
    """
    folder = folder.expanduser().absolute()
    manifest = manifests.read(folder)
    kind = "sqlite" if checked(url).get_backend_name() == "sqlite" else "postgresql"
    if manifest.database != kind:
        raise Conflict(
            f"This is a backup of {manifest.database}, and the database here is {kind}: set CROSSLIFT_DATABASE_URL to one of its kind."
        )
    if not migrate.knows(manifest.schema_revision):
        raise Conflict(
            f"The backup's schema, {manifest.schema_revision}, is newer than this program; it was made by {manifest.program}. "
            "Install that version or a later one."
        )
    if not migrate.is_bare(url):
        raise Conflict(
            "There are tables in this database already. Restore to an empty one: CROSSLIFT_DATABASE_URL, or another CROSSLIFT_HOME."
        )
    artifacts.check_empty(root)
    say(f"Comparing {len(manifest.files)} files with the manifest")
    manifests.verify(folder, manifest)
    try:
        say(f"Putting back {manifest.artifacts} artifacts")
        places = artifacts.load(folder / ARTIFACTS, root)
        say("Putting back the database")
        database.load(url, folder / DATABASE, revision=manifest.schema_revision, rows=manifest.rows)
    except BaseException:
        artifacts.remove(root)
        raise
    migrate.upgrade(url)
    _settle(url, places)
    return manifest


def _settle(url: str, places: dict[str, str]) -> None:
    """Let runs name their artifacts where they are now, and forget workers that are not here."""
    store = Store(url)
    run = tables.run
    try:
        with store.write() as session:
            named = session.execute(select(run.c.id, run.c.fingerprint).where(run.c.artifact.is_not(None))).all()
            for id, fingerprint in named:
                session.execute(update(run).where(run.c.id == id).values(artifact=places.get(fingerprint)))
            session.execute(delete(tables.worker))
    finally:
        store.dispose()


def _artifacts(url: str) -> list[tuple[int, str, str, str | None]]:
    """Run, fingerprint, address and digest of every artifact that the database names."""
    store = Store(url)
    run = tables.run
    try:
        with store.read() as session:
            rows = session.execute(
                select(run.c.id, run.c.fingerprint, run.c.artifact, run.c.artifact_digest)
                .where(run.c.artifact.is_not(None))
                .order_by(run.c.id)
            ).all()
    finally:
        store.dispose()
    return [(id, fingerprint, address, digest) for id, fingerprint, address, digest in rows]


def _still_named(url: str, run: int) -> bool:
    return any(id == run for id, *_ in _artifacts(url))


def _check_room(url: str, at: Path) -> None:
    store = Store(url)
    try:
        with store.read() as session:
            sizes = session.scalars(select(tables.run.c.artifact_bytes).where(tables.run.c.artifact.is_not(None))).all()
    finally:
        store.dispose()
    need = sum(size or 0 for size in sizes) + MARGIN_BYTES
    address = checked(url)
    if address.get_backend_name() == "sqlite":
        need += Path(str(address.database)).stat().st_size
    free = shutil.disk_usage(at).free
    if free < need:
        raise Conflict(
            f"The backup needs about {need / 2**30:.1f} GiB, and {at.parent} has {free / 2**30:.1f} GiB free."
        )


def _program() -> str:
    try:
        return f"crosslift {version('crosslift')}"
    except PackageNotFoundError:
        return "crosslift, not installed"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
