"""``crosslift migrate``, ``web``, ``worker``, ``sweep`` and ``alive``: the parts of an installation on several machines."""

from __future__ import annotations

import os
import socket
import sys
from typing import NoReturn

from backend.cli.asking import settings
from backend.cli.printing import say
from backend.errors import NotFound

ALIVE_SECONDS = 60.0  # a worker says every ten seconds that it is there


def migrate() -> None:
    """Bring the database to this program's schema; `up` does it by itself."""
    from backend.store.migrate import upgrade

    before = upgrade(settings().database)
    say(
        {"current": "The database is current", "empty": "The database was made"}.get(
            before, "The database was upgraded"
        )
    )


def _become(module: str) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606 - no shell, and that is the point


def web() -> None:
    """Serve API and pages, as one part of an installation of many machines."""
    _become("dashboard.server")


def worker() -> None:
    """Work on queued runs, as one part of an installation of many machines."""
    _become("worker.app")


def sweep() -> None:
    """Ring again for queued runs and take back expired ones, as one part of an installation of many machines."""
    _become("backend.sweep")


def alive() -> None:
    """Tell whether a worker of this machine was seen in the last minute; for the health check of its container."""
    from backend.store import migrate, workers
    from backend.store.session import Store

    migrate.refuse_newer(settings().database)
    here = f"{socket.gethostname()}:"
    store = Store(settings().database)
    try:
        with store.read() as session:
            seen = [
                w for w in workers.listing(session) if w.name.startswith(here) and w.seen_age_seconds < ALIVE_SECONDS
            ]
    finally:
        store.dispose()
    if not seen:
        raise NotFound(f"No worker of this machine ({here[:-1]}) was seen in the last {ALIVE_SECONDS:.0f} s")
    say("; ".join(f"{w.name}: {len(w.running)} of {w.slots} slots busy" for w in seen))
