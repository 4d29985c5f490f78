"""What an experiment may take: once its own runs have taken so many device-hours, what of it has not begun is let go.

Its own are those that did not exist before it: what it reuses was paid for by others. Counted is what finished runs took, which is all
that is measured; runs that are at work then end, since half a run is worth nothing.
"""

from __future__ import annotations

import json

from sqlalchemy import Text, bindparam, false, func, select, type_coerce, update
from sqlmodel import Session

from backend.domain.run import RunState
from backend.store import graph
from backend.store.columns import db_now
from backend.store.prepared import Prepared
from backend.store.tables import experiment, experiment_run, run

_NOT_BEGUN = [RunState.WAITING.value, RunState.QUEUED.value]
# in canonical JSON; what is quoted in a text has a backslash before its quotation marks
_NO_LIMIT = '"stop_after":null'
_WANTING = Prepared(
    lambda: (
        select(experiment.c.id, type_coerce(experiment.c.request, Text()).label("request"))
        .join(experiment_run, experiment_run.c.experiment_id == experiment.c.id)
        .where(experiment_run.c.run_id == bindparam("of"), experiment.c.cancel_requested_at.is_(None))
        .order_by(experiment.c.id)
    )
)


def hours(session: Session, id: int) -> float:
    """Device-hours of the experiment's own finished runs."""
    own = (experiment_run.c.experiment_id == id, experiment_run.c.reused == false())
    query = select(func.sum(run.c.device_seconds)).join(experiment_run, experiment_run.c.run_id == run.c.id).where(*own)
    return float(session.scalars(query).one() or 0.0) / 3600


def over(session: Session, id: int) -> tuple[float, float] | None:
    """Device-hours that were taken and that may be, where the experiment has used up what it may take."""
    request = session.scalars(select(experiment.c.request).where(experiment.c.id == id)).one()
    most = request.get("stop_after")
    if most is None or (taken := hours(session, id)) < most:
        return None
    return taken, float(most)


def hold(session: Session, ended: int) -> list[int]:
    """After this run has ended: stop what has not begun of every experiment that has used up what it may take. The ids of the runs
    that nobody else wants and that are cancelled."""
    stopped: list[int] = []
    for id, text in _WANTING.rows(session, of=ended):
        if _NO_LIMIT in text:  # most have none, and a request can be long
            continue
        most = json.loads(text).get("stop_after")
        if most is None or hours(session, id) < most:
            continue
        left = list(
            session.scalars(
                select(run.c.id)
                .join(experiment_run, experiment_run.c.run_id == run.c.id)
                .where(
                    experiment_run.c.experiment_id == id,
                    experiment_run.c.detached_at.is_(None),
                    run.c.state.in_(_NOT_BEGUN),
                )
            )
        )
        if not left:
            continue
        session.execute(update(experiment).where(experiment.c.id == id).values(cancel_requested_at=db_now()))
        for part in graph.chunks(left):
            link = (experiment_run.c.experiment_id == id, experiment_run.c.run_id.in_(part))
            session.execute(update(experiment_run).where(*link).values(detached_at=db_now()))
        stopped += graph.let_go(session, left)
    return stopped
