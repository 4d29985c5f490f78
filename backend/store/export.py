"""Every score, and every gain of a matrix, in long form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.run import RunState
from backend.domain.schemas import GainMatrix
from backend.domain.task import Source
from backend.store.measured import evaluations
from backend.store.tables import experiment_run, run, score
from backend.store.tradeoff import sizes

EXPORT = (
    "benchmark",
    "source",
    "model",
    "parameters",
    "parameters_non_embedding",
    "recipe",
    "target",
    "language",
    "metric",
    "score",
    "n",
    "seed",
    "run",
    "fingerprint",
    "settings",
    "engine",
    "precision",
    "device_class",
    "device",
    "device_seconds",
    "finished_at",
)


def export(
    session: Session,
    *,
    experiment: int | None = None,
    source: Source | None = None,
    model: str | None = None,
    target: str | None = None,
    metric: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Every score of done runs, one a row, in long form; the keys are ``EXPORT``. Streams: rows are not kept."""
    same = [run.c[name] for name in EXPORT if name in run.c and name != "finished_at"]
    query = (
        select(
            *same,
            run.c.id.label("run"),
            score.c.language,
            score.c.metric,
            score.c.value.label("score"),
            score.c.n,
            run.c.finished_at,
        )
        .join(score, score.c.run_id == run.c.id)
        .where(run.c.state == RunState.DONE.value)
        .order_by(run.c.id, score.c.metric, score.c.language)
        .execution_options(yield_per=1000)
    )
    if experiment is not None:
        query = query.join(experiment_run, experiment_run.c.run_id == run.c.id).where(
            experiment_run.c.experiment_id == experiment, experiment_run.c.replaced_by.is_(None)
        )
    for column, value in (
        (run.c.source, source and source.value),
        (run.c.model, model),
        (run.c.target, target),
        (score.c.metric, metric),
    ):
        if value is not None:
            query = query.where(column == value)
    for row in session.execute(query).mappings():
        yield {name: row[name] if name != "finished_at" else row[name].isoformat() for name in EXPORT}


GAINS = (
    "benchmark",
    "model",
    "parameters",
    "parameters_non_embedding",
    "recipe",
    "target",
    "language",
    "metric",
    "gain",
    "low",
    "high",
    "p",
    "q",
    "verdict",
    "n_seeds",
    "baseline",
    "treated",
    "same_data_twice",
    "missing",
    "why_missing",
    "zero_shot",
)


def gain_rows(session: Session, matrix: GainMatrix, *, source: Source) -> Iterator[dict[str, Any]]:
    """The cells of a matrix, one a row, those without a gain too; the keys are ``GAINS``."""
    total, rest = sizes(session, evaluations(source=source, model=matrix.model)).get(matrix.model, (None, None))
    twice = {row.recipe: row.same_data_twice for row in matrix.recipes}
    trained = {row.recipe: row.not_zero_shot for row in matrix.recipes}
    for cell in matrix.cells:
        yield {
            "benchmark": matrix.benchmark,
            "model": matrix.model,
            "parameters": total,
            "parameters_non_embedding": rest,
            "recipe": cell.recipe,
            "target": matrix.target,
            "language": cell.language,
            "metric": matrix.metric,
            "gain": cell.gain,
            "low": cell.low,
            "high": cell.high,
            "p": cell.p_t,
            "q": cell.q,
            "verdict": cell.verdict and cell.verdict.value,
            "n_seeds": cell.n,
            "baseline": cell.baseline,
            "treated": cell.treated,
            "same_data_twice": twice[cell.recipe],
            "missing": cell.missing and cell.missing.value,
            "why_missing": cell.why_missing,
            "zero_shot": cell.language not in trained[cell.recipe],
        }
