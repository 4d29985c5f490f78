"""What an experiment of this store is written out as."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping, select
from sqlmodel import Session

from backend.domain.run import TERMINAL, RunState
from backend.errors import Conflict, NotFound
from backend.exchange.content import BESIDE, RUN, Content, Origin
from backend.store import graph, history
from backend.store.paging import check_id
from backend.store.tables import (
    brought,
    experiment,
    experiment_run,
    learning,
    package_list,
    run,
    run_parent,
    score,
)


def gather(session: Session, id: int, *, installation: str, program: str) -> Content:
    """An experiment that has ended, with its runs and all that they start from.

    Curves are those that pages show: of at most 500 points. Runs whose places others have taken are left out.

    Args:
        installation: what this one calls itself; not used for what was brought in from elsewhere.
        program: version of this program.

    Raises:
        NotFound: there is no such experiment.
        Conflict: some of its runs have not ended.
    """
    check_id("experiment", id)
    asked = session.execute(select(experiment).where(experiment.c.id == id)).mappings().one_or_none()
    if asked is None:
        raise NotFound(f"There is no experiment {id}.")
    rows = _runs(session, id)
    live = [r["id"] for r in rows.values() if RunState(r["state"]) not in TERMINAL]
    if live:
        raise Conflict(
            f"{len(live)} of the runs of experiment {id} have not ended; it can be written out when they have, or "
            "when it is cancelled."
        )
    parents = _parents(session, rows)
    order = _in_order(rows, parents)
    at = {run_id: i for i, run_id in enumerate(order)}
    came = session.scalars(select(brought.c.origin).where(brought.c.experiment_id == id)).one_or_none()
    origin = (
        Origin.model_validate(came)
        if came is not None
        else Origin(
            installation=installation,
            program=program,
            experiment=id,
            name=asked["name"],
            created_at=asked["created_at"],
            cancel_requested_at=asked["cancel_requested_at"],
        )
    )
    ended = _learning(session, order)
    found = [_row(rows[run_id], at, ended.get(run_id)) for run_id in order]
    return Content(
        origin=origin,
        request=asked["request"],
        not_applicable=[list(map(str, each)) for each in asked["not_applicable"]],
        runs=found,
        parents=sorted((at[child], at[parent]) for child, above in parents.items() for parent in above),
        scores=_scores(session, at),
        curves=[
            (at[run_id], curve.name, step, value)
            for run_id in order
            for curve in history.curves(session, run_id)
            for step, value in zip(curve.steps, curve.values, strict=True)
        ],
        packages=_packages(session, found),
    )


def _runs(session: Session, id: int) -> dict[int, RowMapping]:
    """The runs that an experiment lists, and everything above them, by id."""
    listed = select(experiment_run.c.run_id.label("id")).where(
        experiment_run.c.experiment_id == id, experiment_run.c.replaced_by.is_(None)
    )
    above = listed.cte("above", recursive=True)
    above = above.union(select(run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id))
    query = select(run).where(run.c.id.in_(select(above.c.id))).order_by(run.c.id)
    return {row["id"]: row for row in session.execute(query).mappings()}


def _parents(session: Session, rows: Iterable[int]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for part in graph.chunks(rows):
        links = select(run_parent.c.run_id, run_parent.c.parent_id).where(run_parent.c.run_id.in_(part))
        for child, parent in session.execute(links.order_by(run_parent.c.run_id, run_parent.c.parent_id)):
            found[child].append(parent)
    return found


def _in_order(rows: Iterable[int], parents: dict[int, list[int]]) -> list[int]:
    """Parents before children, otherwise by id."""
    order: dict[int, None] = {}
    for first in rows:
        stack = [first]
        while stack:
            id = stack[-1]
            missing = [p for p in parents.get(id, []) if p not in order]
            if id in order or not missing:
                order.setdefault(id, None)
                stack.pop()
            else:
                stack += reversed(missing)
    return list(order)


def _learning(session: Session, ids: Iterable[int]) -> dict[int, RowMapping]:
    found: dict[int, RowMapping] = {}
    for part in graph.chunks(ids):
        for row in session.execute(select(learning).where(learning.c.run_id.in_(part))).mappings():
            found[row["run_id"]] = row
    return found


def _row(row: RowMapping, at: dict[int, int], ended: RowMapping | None) -> dict[str, Any]:
    beside = {
        "run_there": row["id"],
        "skipped_because": at.get(row["skipped_because"]),
        "loss": None if ended is None else ended["loss"],
        "guess": None if ended is None else ended["guess"],
        "did_not_learn": None if ended is None else ended["failed"],
    }
    assert beside.keys() == BESIDE.keys()
    return {**{name: row[name] for name in RUN}, **beside}


def _scores(session: Session, at: dict[int, int]) -> list[tuple[int, str, str, float, int]]:
    found = []
    for part in graph.chunks(at):
        for row in session.execute(select(score).where(score.c.run_id.in_(part))):
            found.append((at[row.run_id], row.metric, row.language, row.value, row.n))
    return sorted(found)


def _packages(session: Session, runs: Iterable[dict[str, Any]]) -> dict[str, str]:
    named = {str((r["environment"] or {}).get("packages")) for r in runs}
    query = select(package_list.c.sha256, package_list.c.content).where(package_list.c.sha256.in_(named))
    return dict(session.execute(query.order_by(package_list.c.sha256)).all())
