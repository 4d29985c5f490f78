"""What the streams of an experiment and of a run look at.

``id`` of an event of an experiment is ``<digest of the experiment>.<milliseconds of the database's clock>``: on
reconnection the experiment is sent if its digest is another, and the runs that were touched since (with some seconds to
spare: a transaction commits a little after the moment that it wrote down). Of a run it is
``<digest of the run>.<id of the last log line>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlmodel import Session
from starlette.exceptions import HTTPException

from backend.api.deps import AtDoor, ExperimentId, RunId
from backend.api.events import Ended, Event, LastEventId, Look, digest_of
from backend.domain.run import TERMINAL
from backend.domain.schemas import RunView
from backend.store import experiments, history
from backend.store.session import Store, now
from backend.store.tables import experiment_run, run

SPARE: Final = timedelta(seconds=15)
RUNS_A_LOOK: Final = 50
LINES_A_LOOK: Final = 500
EXPERIMENT_ENDED: Final = frozenset({"done", "done with failures", "cancelled"})
_MOMENTS: Final = ("cancel_requested_at", "created_at", "queued_at", "started_at", "heartbeat_at", "finished_at")
_ID: Final = re.compile(r"([0-9a-f]{16})\.([0-9]{1,18})", re.ASCII)


def _resumed(last_event_id: str | None) -> tuple[str, int | None]:
    """Digest and number of an event id of ours; of anything else nothing, so that everything is sent."""
    found = _ID.fullmatch(last_event_id or "")
    return (found[1], int(found[2])) if found else ("", None)


# --- an experiment --------------------------------------------------------------------------------------------


def _touched(session: Session, experiment_id: int, since: datetime) -> dict[int, tuple[datetime, tuple[Any, ...]]]:
    """Its runs about which anything was written from this moment on: when that was, and what is watched of it."""
    moments = [run.c[name] for name in _MOMENTS]
    rows = session.execute(
        select(run.c.id, run.c.state, run.c.phase, run.c.step, run.c.attempt, *moments)
        .join(experiment_run, experiment_run.c.run_id == run.c.id)
        .where(experiment_run.c.experiment_id == experiment_id, experiment_run.c.replaced_by.is_(None))
        .where(or_(*(moment >= since for moment in moments)))
        .order_by(run.c.id)
    )
    return {row[0]: (max(at for at in row[5:] if at is not None), tuple(row[1:6])) for row in rows}


@dataclass(slots=True)
class _Experiment:
    """``since`` is the moment up to which everything was sent; None: nothing was, and only what changes will be."""

    store: Store
    id: int
    digest: str
    since: datetime | None
    seen: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def __call__(self) -> Look:
        look = Look()
        with self.store.read() as session:
            at = now(session)
            view = experiments.view(session, self.id)
            if (digest := digest_of(view)) != self.digest:
                self.digest = digest
                look.events.append(Event("experiment", view))
            touched = _touched(session, self.id, (self.since or at) - SPARE)
            if self.since is None:
                self.seen = {id: watched for id, (_, watched) in touched.items()}
            changed = [id for id, (_, watched) in touched.items() if self.seen.get(id) != watched]
            for id in changed[:RUNS_A_LOOK]:
                self.seen[id] = touched[id][1]
                look.events.append(Event("run", history.view(session, id)))
        left = changed[RUNS_A_LOOK:]
        self.since = min([at, *(touched[id][0] for id in left)])
        look.id = f"{self.digest}.{int(self.since.timestamp() * 1000)}"
        if view.state in EXPERIMENT_ENDED and not left:
            look.ended = True
            look.events.append(Event("end", Ended(state=view.state)))
        return look


def experiment_watcher(
    experiment_id: ExperimentId, door: AtDoor, last_event_id: LastEventId = None
) -> Callable[[], Look]:
    """Raises:
    NotFound: there is no such experiment.
    TooMany: no stream can be added.
    """
    door.streams.check()
    digest, milliseconds = _resumed(last_event_id)
    with door.store.read() as session:
        view = experiments.view(session, experiment_id)
    if view.state in EXPERIMENT_ENDED and digest_of(view) == digest:
        raise HTTPException(204)
    since = None if milliseconds is None else datetime.fromtimestamp(min(milliseconds, 10**14) / 1000, UTC)
    return _Experiment(door.store, experiment_id, digest, since)


# --- a run ----------------------------------------------------------------------------------------------------


def _digest_of_run(view: RunView) -> str:
    """Without what changes by merely waiting."""
    return digest_of(view.model_copy(update={"heartbeat_age_seconds": None}))


@dataclass(slots=True)
class _Run:
    store: Store
    id: int
    digest: str
    after: int

    def __call__(self) -> Look:
        with self.store.read() as session:
            view = history.view(session, self.id)
            lines = history.logs(session, self.id, after=self.after, limit=LINES_A_LOOK)
        look = Look()
        if (digest := _digest_of_run(view)) != self.digest:
            self.digest = digest
            look.events.append(Event("run", view))
        for line in lines:
            self.after = line.id
            look.events.append(Event("log", line))
        look.id = f"{self.digest}.{self.after}"
        if view.state in TERMINAL and len(lines) < LINES_A_LOOK:
            look.ended = True
            look.events.append(Event("end", Ended(state=view.state.value)))
        return look


def run_watcher(run_id: RunId, door: AtDoor, last_event_id: LastEventId = None) -> Callable[[], Look]:
    """Raises:
    NotFound: there is no such run.
    TooMany: no stream can be added.
    """
    door.streams.check()
    digest, after = _resumed(last_event_id)
    with door.store.read() as session:
        view = history.view(session, run_id)
        behind = history.logs(session, run_id, after=after or 0, limit=1)
    if view.state in TERMINAL and _digest_of_run(view) == digest and not behind:
        raise HTTPException(204)
    return _Run(door.store, run_id, digest, after or 0)
