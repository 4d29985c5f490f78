"""Which scores rest on a training that did not learn: they are shown, and are in no gain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, insert, select, true
from sqlmodel import Session

from backend.domain.learning import Learning
from backend.store import graph, words
from backend.store.prepared import Prepared
from backend.store.tables import learning, parent_run, run, run_parent


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An evaluation that is in no gain, and in words because of which training."""

    run: int
    recipe: str
    seed: int | None
    settings: str
    why: str


def record(session: Session, run_id: int, found: Learning) -> None:
    """Keep how the training of a run ended."""
    row = {"run_id": run_id, "loss": found.loss, "guess": found.guess, "failed": found.failed}
    session.execute(insert(learning), row)


def of_runs(session: Session, ids: Collection[int]) -> Mapping[int, Learning]:
    """How the trainings among these runs ended; runs that train nothing, or that nothing can be said of, are not in it."""
    found: dict[int, Learning] = {}
    for part in graph.chunks(ids):
        rows = session.execute(
            select(learning.c.run_id, learning.c.loss, learning.c.guess).where(learning.c.run_id.in_(part))
        )
        found.update({row.run_id: Learning(row.loss, row.guess) for row in rows})
    return found


def left_out(session: Session, here: Collection[ColumnElement[bool]] = ()) -> list[LeftOut]:
    """Of these runs (conditions on ``run``) those that start, directly or not, from a training that did not learn."""
    if not _ANY_FAILED.rows(session):  # mostly none has
        return []
    below = (
        select(run_parent.c.run_id, run_parent.c.parent_id.label("because"))
        .join(learning, learning.c.run_id == run_parent.c.parent_id)
        .where(learning.c.failed == true())
        .cte("below", recursive=True)
    )
    below = below.union(
        select(run_parent.c.run_id, below.c.because).join(below, run_parent.c.parent_id == below.c.run_id)
    )
    cause = ("id", "kind", "model", "recipe", "target", "seed")
    query = (
        select(
            run.c.id.label("evaluated"),
            run.c.recipe.label("of"),
            run.c.seed.label("of_seed"),
            run.c.settings,
            learning.c.loss,
            learning.c.guess,
            *(parent_run.c[name] for name in cause),
        )
        .join(below, below.c.run_id == run.c.id)
        .join(parent_run, parent_run.c.id == below.c.because)
        .join(learning, learning.c.run_id == below.c.because)
        .where(*here)
        .order_by(run.c.id, parent_run.c.id)
    )
    found: dict[int, LeftOut] = {}
    for row in session.execute(query).mappings():
        found.setdefault(
            row["evaluated"], LeftOut(row["evaluated"], row["of"], row["of_seed"], row["settings"], _why(row))
        )
    return list(found.values())


_ANY_FAILED = Prepared(lambda: select(learning.c.run_id).where(learning.c.failed == true()).limit(1))


def _why(cause: RowMapping) -> str:
    return f"{words.short(cause)} {Learning(cause['loss'], cause['guess']).said()}"
