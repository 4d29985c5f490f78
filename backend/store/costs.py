"""What runs took: the cost of a gain, marginal and amortised, and what a forecast rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, select
from sqlmodel import Session

from backend.domain.forecast import Measured, work
from backend.domain.forecast_record import Past
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, RunKind, RunSpec, RunState
from backend.store import graph
from backend.store.tables import grandparent_run, parent_run, run, run_parent

FORECAST_FROM = 2_000  # newest finished runs that a forecast rests on


@dataclass(frozen=True, slots=True)
class Cost:
    """Mean over runs. Device-hours of one device class: runs of two are never compared, nor pooled."""

    marginal_hours: float
    amortised_hours: float
    device: str
    device_class: DeviceClass


class Costs:
    """Device-seconds of done evaluate runs with what was trained for them; pretraining is the model's, not the recipe's."""

    def __init__(self, session: Session, conditions: Iterable[ColumnElement[bool]]) -> None:
        first, second = run_parent.alias("first"), run_parent.alias("second")
        parent, grandparent = parent_run, grandparent_run
        query = (
            select(
                run.c.id,
                run.c.device_seconds,
                run.c.device,
                run.c.device_class,
                parent.c.id,
                parent.c.kind,
                parent.c.device_seconds,
                grandparent.c.id,
                grandparent.c.kind,
                grandparent.c.device_seconds,
            )
            .outerjoin(first, first.c.run_id == run.c.id)
            .outerjoin(parent, parent.c.id == first.c.parent_id)
            .outerjoin(second, second.c.run_id == parent.c.id)
            .outerjoin(grandparent, grandparent.c.id == second.c.parent_id)
            .where(*conditions, run.c.state == RunState.DONE.value)
        )
        self.own: dict[int, tuple[float, str, str]] = {}
        self.trained: defaultdict[int, dict[int, tuple[str, float]]] = defaultdict(dict)
        for id, seconds, device, device_class, *above in session.execute(query):
            self.own[id] = (seconds, device, device_class)
            for ancestor, kind, used in (above[:3], above[3:]):
                if kind in (RunKind.INTERMEDIATE.value, RunKind.FINETUNE.value) and used is not None:
                    self.trained[id][ancestor] = (kind, used)
        self._earlier_stages(session)
        shared = {
            a for each in self.trained.values() for a, (kind, _) in each.items() if kind == RunKind.INTERMEDIATE.value
        }
        self.targets = _targets_of(session, shared)

    def _earlier_stages(self, session: Session) -> None:
        """Add what the intermediate runs that were found started from, stage by stage of a chain: mostly nothing."""
        below: dict[int, set[int]] = defaultdict(set)  # intermediate run → the evaluate runs that it led to
        for id, each in self.trained.items():
            for ancestor, (kind, _) in each.items():
                if kind == RunKind.INTERMEDIATE.value:
                    below[ancestor].add(id)
        while below:
            above: dict[int, set[int]] = defaultdict(set)
            for child, ancestor, kind, used in _parents(session, below):
                if kind == RunKind.INTERMEDIATE.value and used is not None:
                    for id in below[child]:
                        self.trained[id][ancestor] = (kind, used)
                    above[ancestor] |= below[child]
            below = above

    def of(self, runs: Collection[int]) -> Cost | None:
        """The mean cost of these evaluate runs; None where none of them is known."""
        known = [id for id in sorted(runs) if id in self.own]
        if not known:
            return None
        marginal = amortised = 0.0
        for id in known:
            marginal += self.own[id][0]
            amortised += self.own[id][0]
            for ancestor, (kind, used) in self.trained[id].items():
                marginal += used
                amortised += used / self.targets.get(ancestor, 1) if kind == RunKind.INTERMEDIATE.value else used
        hours = 3600 * len(known)
        devices = dict.fromkeys(self.own[id][1] for id in known)
        return Cost(marginal / hours, amortised / hours, ", ".join(devices), DeviceClass(self.own[known[-1]][2]))


def _targets_of(session: Session, intermediates: Collection[int]) -> dict[int, int]:
    """Intermediate run → how many targets have been evaluated from it, directly, after fine-tuning
    or after later stages of a chain."""
    origins = {id: {id} for id in intermediates}  # run → the intermediate runs that it comes from
    found: defaultdict[int, set[str]] = defaultdict(set)
    while origins:
        below: defaultdict[int, set[int]] = defaultdict(set)
        for parent, id, kind, state, target in _children(session, origins):
            if kind == RunKind.EVALUATE.value and state == RunState.DONE.value:
                for intermediate in origins[parent]:
                    found[intermediate].add(target)
            elif kind in (RunKind.FINETUNE.value, RunKind.INTERMEDIATE.value):
                below[id] |= origins[parent]
        origins = dict(below)
    return {intermediate: len(targets) for intermediate, targets in found.items()}


def _parents(session: Session, children: Iterable[int]) -> Iterator[Any]:
    for part in graph.chunks(children):
        query = (
            select(run_parent.c.run_id, run.c.id, run.c.kind, run.c.device_seconds)
            .join(run, run.c.id == run_parent.c.parent_id)
            .where(run_parent.c.run_id.in_(part))
        )
        yield from session.execute(query).all()


def _children(session: Session, parents: Iterable[int]) -> Iterator[Any]:
    """By parent alone: with a kind or a state in the question, SQLite goes through all runs of that kind instead."""
    for part in graph.chunks(parents):
        query = (
            select(run_parent.c.parent_id, run.c.id, run.c.kind, run.c.state, run.c.target)
            .join(run, run.c.id == run_parent.c.run_id)
            .where(run_parent.c.parent_id.in_(part))
        )
        yield from session.execute(query).all()


def throughput(session: Session) -> list[Measured]:
    """What finished runs took: what a forecast rests on. Newest first; runs that this version of the program cannot read,
    or whose model is no longer in the catalogue, are left out, and those that other machines did and that were brought in."""
    return [past.measured for past in finished(session)]


def finished(session: Session) -> list[Past]:
    """The same runs with when they began and ended: what a forecast of then can be held against."""
    rows = session.execute(
        select(
            run.c.id,
            run.c.spec,
            run.c.model,
            run.c.planned_steps,
            run.c.planned_examples,
            run.c.device_class,
            run.c.wall_seconds,
            run.c.device_seconds,
            run.c.energy_joules,
            run.c.started_at,
            run.c.finished_at,
        )
        .where(run.c.state == RunState.DONE.value, run.c.model.in_(list(MODELS)), run.c.brought.is_(None))
        .order_by(run.c.id.desc())
        .limit(FORECAST_FROM)
    )
    found = []
    for r in rows:
        try:
            spec = RunSpec.model_validate(r.spec)
        except ValidationError:  # of another version of the program
            continue
        measured = Measured(
            work=work(spec, model=r.model, steps=r.planned_steps, examples=r.planned_examples),
            device_class=DeviceClass(r.device_class),
            wall_seconds=r.wall_seconds * spec.devices,  # as on one device, about
            device_seconds=r.device_seconds,
            joules=r.energy_joules if spec.devices == 1 else None,  # of several devices none is metered
        )
        found.append(Past(run=r.id, measured=measured, began=r.started_at or r.finished_at, ended=r.finished_at))
    return found
