"""What a request would still take: the runs of it that do not exist, and the device-hours they are forecast to need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlmodel import Session

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.forecast import forecast
from backend.domain.run import RunState
from backend.domain.schemas import Band
from backend.domain.task import Source
from backend.store import experiments
from backend.store.tables import experiment, experiment_run

_READ = 5  # requests that are tried: older versions may have written some that this one cannot read


@dataclass(frozen=True, slots=True)
class Outlay:
    runs_to_do: int
    ahead: int  # that exist and are not done: they wait, run or failed
    device_hours: Band | None  # None: nothing has been measured that a forecast could rest on
    rests_on: str
    not_applicable: bool  # some pair of it cannot be run at all


def outlay(session: Session, request: ExperimentRequest, measured: Iterable[Any]) -> Outlay:
    """Of ``request``, given what finished runs took (``costs``).

    Raises:
        CrossliftError: the request cannot be planned.
    """
    planned = plan(request, experiments.pins(session))
    existing = experiments.existing(session, list(planned.runs))
    to_do = {fingerprint for fingerprint in planned.runs if fingerprint not in existing}
    ahead = {fingerprint for fingerprint, (_, state) in existing.items() if state is not RunState.DONE}
    found = forecast(planned, to_do=to_do, unfinished=to_do | ahead, measured=measured, device=request.device, slots=0)
    return Outlay(len(to_do), len(ahead), found.device_hours, found.rests_on, bool(planned.not_applicable))


def largest(session: Session, source: Source) -> ExperimentRequest | None:
    """Of a benchmark the request with most runs, the latest of equals, that this version can read."""
    query = (
        select(experiment.c.request)
        .join(experiment_run, experiment_run.c.experiment_id == experiment.c.id)
        .where(experiment.c.source == source.value)
        .group_by(experiment.c.id)
        .order_by(func.count().desc(), experiment.c.id.desc())
        .limit(_READ)
    )
    for body in session.scalars(query):
        try:
            return ExperimentRequest.model_validate(body)
        except ValidationError:
            continue
    return None
