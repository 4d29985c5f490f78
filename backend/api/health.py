"""Is the process alive (``/healthz``), and can it do its work (``/readyz``)?"""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Response

from backend.api.deps import AtDoor
from backend.api.preview import ALIVE_SECONDS
from backend.domain.schemas import Health, WorkerView
from backend.errors import CrossliftError
from backend.store import migrate, workers
from backend.store.session import Store, now

router = APIRouter(tags=["health"])
T = TypeVar("T")

SCHEMA_SECONDS: Final = 30.0  # a schema seen to be current is asked about again after this long
WAIT_SECONDS: Final = 1.5  # for database and broker together: whoever asks gives up after two or three

SCHEMA: Final[dict[str, str]] = {
    "current": "answers, schema is current",
    "empty": "has no tables yet; run `crosslift migrate`",
    "behind": "schema is older than this program; run `crosslift migrate`",
    "newer": "schema is newer than this program; install a later version",
}


def program_version() -> str:
    try:
        return version("crosslift")
    except PackageNotFoundError:
        return "not installed"


class _Seen:
    """Until when each database's schema is taken to be current without asking again."""

    def __init__(self) -> None:
        self.until: WeakKeyDictionary[Store, tuple[float, migrate.Schema]] = WeakKeyDictionary()

    def schema(self, store: Store) -> migrate.Schema:
        until, found = self.until.get(store, (0.0, None))
        if found is not None and time.monotonic() < until:
            return found
        found = migrate.look(store.url.render_as_string(hide_password=False))
        if found.state == "current":
            self.until[store] = (time.monotonic() + SCHEMA_SECONDS, found)
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
    """Database, schema, broker and workers, each in words, within two seconds whatever state they are in. 503 when the
    database cannot be used; *degraded* with 200 when only the broker or the workers are missing: results can be read, and
    what is submitted waits."""
    until = time.monotonic() + WAIT_SECONDS
    stored = door.probe("store", lambda: _look(door.store)).ask()
    broker = None if door.trouble is None else door.probe("broker", door.trouble).ask()
    checks, usable = {}, False
    try:
        schema, seen = _within(stored, until)
        checks = {"database": SCHEMA[schema.state], "schema": schema.found or "none"}
        usable = schema.state == "current"
        if not usable:
            checks["schema"] += f"; this program's is {schema.wanted}"
    except NotYet:
        checks["database"] = f"does not answer within {WAIT_SECONDS} s"
    except CrossliftError as error:
        checks["database"] = error.detail
    except Exception as error:
        checks["database"] = f"does not answer ({type(error).__name__})"
    fine = usable
    if broker is not None:
        trouble = _trouble(broker, until)
        checks["broker"] = f"{trouble}; the sweep rings again when it is back" if trouble else "answers"
        fine = fine and not trouble
    if usable:
        checks["workers"], there = _workers(seen)
        fine = fine and there
    else:
        response.status_code = 503
    return Health(status="ok" if fine else "degraded", version=program_version(), checks=checks)


def _within(asked: Future[T], until: float) -> T:
    return asked.result(max(0.0, until - time.monotonic()))


def _trouble(asked: Future[str | None], until: float) -> str | None:
    try:
        return _within(asked, until)
    except NotYet:
        return "Redis does not answer"
    except Exception as error:
        return f"Redis cannot be asked ({type(error).__name__})"


def _look(store: Store) -> tuple[migrate.Schema, list[WorkerView]]:
    """The schema, and who is there if it can be asked."""
    with store.read() as session:
        now(session)
    schema = _SEEN.schema(store)
    if schema.state != "current":
        return schema, []
    with store.read() as session:
        return schema, workers.listing(session)


def _workers(listed: list[WorkerView]) -> tuple[str, bool]:
    seen = [w for w in listed if w.seen_age_seconds <= ALIVE_SECONDS]
    if not seen:
        return f"none was seen in the last {ALIVE_SECONDS:.0f} s: what is submitted waits", False
    slots = sum(w.slots for w in seen)
    return f"{len(seen)} seen in the last {ALIVE_SECONDS:.0f} s, {slots} slots", True
