"""Is the process alive (``/healthz``), and can it do its work (``/readyz``)?"""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Response

from backend.api.deps import AtDoor, Door
from backend.api.preview import ALIVE_SECONDS
from backend.domain.schemas import Health
from backend.errors import CrossliftError
from backend.store import migrate, workers
from backend.store.session import Store, now

router = APIRouter(tags=["health"])

SCHEMA_SECONDS: Final = 30.0  # a schema seen to be current is asked about again after this long


def program_version() -> str:
    try:
        return version("crosslift")
    except PackageNotFoundError:
        return "not installed"


class _Seen:
    """Until when each database's schema is taken to be current without asking again."""

    def __init__(self) -> None:
        self.until: WeakKeyDictionary[Store, float] = WeakKeyDictionary()

    def state(self, store: Store) -> str:
        if time.monotonic() < self.until.get(store, 0.0):
            return "current"
        found = migrate.state(store.url.render_as_string(hide_password=False))
        if found == "current":
            self.until[store] = time.monotonic() + SCHEMA_SECONDS
        return found


_SEEN = _Seen()


@router.get("/healthz", operation_id="is_alive", response_model=Health)
async def is_alive() -> Health:
    """The process answers. Asks nobody else."""
    return Health(status="ok", version=program_version(), checks={})


@router.get(
    "/readyz",
    operation_id="is_ready",
    response_model=Health,
    responses={503: {"description": "The database cannot be used.", "model": Health}},
)
def is_ready(door: AtDoor, response: Response) -> Health:
    """Database, broker and workers, each in words. 503 when the database cannot be used; *degraded* with 200 when only
    the broker or the workers are missing: results can be read, and what is submitted waits."""
    checks, usable = _database(door)
    fine = usable
    if door.trouble is not None:
        trouble = door.trouble()
        checks["broker"] = f"{trouble}; the sweep rings again when it is back" if trouble else "answers"
        fine = fine and not trouble
    if usable:
        checks["workers"], there = _workers(door)
        fine = fine and there
    if not usable:
        response.status_code = 503
    return Health(status="ok" if fine else "degraded", version=program_version(), checks=checks)


def _database(door: Door) -> tuple[dict[str, str], bool]:
    words = {
        "empty": "has no tables yet; run `crosslift migrate`",
        "behind": "schema is older than this program; run `crosslift migrate`",
        "newer": "schema is newer than this program; install a later version",
    }
    try:
        with door.store.read() as session:
            now(session)
        schema = _SEEN.state(door.store)
    except CrossliftError as error:
        return {"database": error.detail}, False
    except Exception as error:
        return {"database": f"does not answer ({type(error).__name__})"}, False
    return {"database": words.get(schema, "answers, schema is current")}, schema == "current"


def _workers(door: Door) -> tuple[str, bool]:
    with door.store.read() as session:
        seen = [w for w in workers.listing(session) if w.seen_age_seconds <= ALIVE_SECONDS]
    if not seen:
        return f"none was seen in the last {ALIVE_SECONDS:.0f} s: what is submitted waits", False
    slots = sum(w.slots for w in seen)
    return f"{len(seen)} seen in the last {ALIVE_SECONDS:.0f} s, {slots} slots", True
