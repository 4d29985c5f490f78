"""What the figures show: the gain matrix of one model, target and metric, gains against size and cost, every score.

Gains are computed here, from scores, by ``domain.gains`` alone; they are never stored. Cells without a gain say why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import (
    Gain,
    Measurement,
    common_support,
    gains,
    mean_all,
    mean_transfer,
    one_per_cell,
)
from backend.domain.language import order_by_family
from backend.domain.model import MODELS
from backend.domain.recipe import Recipe, RecipeKind
from backend.domain.run import RunKind, RunState
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow, TradeoffPoint
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import FieldError, Invalid, NotFound, unknown
from backend.store.costs import Costs, throughput
from backend.store.reasons import NONE, Reasons
from backend.store.tables import LIVE, experiment, experiment_run, run, run_parent, score

__all__ = ["EXPORT", "export", "matrix", "throughput", "tradeoff"]

MEANS = ("mean_all", "mean_transfer")
_LIVE = [s.value for s in LIVE]


def _evaluations(*, source: Source, model: str | None = None, target: str | None = None) -> list[ColumnElement[bool]]:
    """The evaluate runs of a benchmark, as the index has them."""
    conditions = [run.c.kind == RunKind.EVALUATE.value, run.c.source == source.value]
    if model is not None:
        conditions.append(run.c.model == model)
    if target is not None:
        conditions.append(run.c.target == target)
    return conditions


def _measurements(
    session: Session, conditions: Iterable[ColumnElement[bool]], metrics: Iterable[str]
) -> list[Measurement]:
    """Every score of these done runs: one query, no objects but the answer's."""
    query = (
        select(
            run.c.model,
            run.c.recipe,
            run.c.target,
            score.c.language,
            score.c.metric,
            run.c.seed,
            score.c.value,
            score.c.n,
            run.c.settings,
            run.c.id,
        )
        .join(score, score.c.run_id == run.c.id)
        .where(*conditions, run.c.state == RunState.DONE.value, score.c.metric.in_(list(metrics)))
        .order_by(run.c.id, score.c.language)
    )
    return [Measurement(*row) for row in session.execute(query)]


# --- the matrix --------------------------------------------------------------------------------------------------------


def matrix(
    session: Session, *, model: str | None = None, target: str | None = None, metric: str | None = None, source: Source
) -> GainMatrix:
    """Everything the heatmap of one model, target and metric shows.

    What is None is chosen: the model and target with the most results, the target's headline metric. The family of the
    correction is every recipe × language cell there is; nothing is filtered before it.

    Raises:
        NotFound: this benchmark has no runs yet.
        Invalid: the target has no such metric.
    """
    model, target, models, targets = _choose(session, model, target, source)
    metrics = _metrics(session, target, source)
    metric = metric or (metrics[0] if metrics else None)
    if metric is None or metric not in metrics:
        message = unknown("metric", str(metric), metrics) if metrics else f"{target} has no metric"
        raise Invalid("The gains cannot be given.", errors=[FieldError("/metric", message)])
    here = _evaluations(source=source, model=model, target=target)
    measured = _measurements(session, here, [metric])
    chosen = one_per_cell(gains(measured, same_data=same_data_twice))
    by_cell = {(g.recipe, g.language): g for g in chosen}
    asked = TASKS[target].languages_in(source) if target in TASKS else ()
    languages = order_by_family({*asked, *(m.language for m in measured)})
    reasons = Reasons(
        session, here, measured, not_applicable=_not_applicable(session, source, model, target), asked=asked
    )
    recipes = sorted(reasons.recipes, key=_order)
    support = common_support(chosen, languages)
    costs = Costs(session, here)
    return GainMatrix(
        model=model,
        target=target,
        metric=metric,
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        baseline=NONE,
        languages=languages,
        recipes=[
            _recipe_row(r, target, [g for g in chosen if g.recipe == r], languages, support, costs, reasons)
            for r in recipes
        ],
        cells=[
            _cell(by_cell[r, code]) if (r, code) in by_cell else reasons.empty(r, code)
            for r in recipes
            for code in languages
        ],
        models=models,
        targets=targets,
        metrics=metrics,
        runs_pending=_pending(session, here),
        updated_at=session.scalars(select(func.max(run.c.finished_at)).where(*here, run.c.state == "done")).one(),
    )


def _choose(
    session: Session, model: str | None, target: str | None, source: Source
) -> tuple[str, str, list[str], list[str]]:
    """The model and target to show, and all there are."""
    counts = session.execute(
        select(run.c.model, run.c.target, run.c.state, func.count())
        .where(*_evaluations(source=source))
        .group_by(run.c.model, run.c.target, run.c.state)
    ).all()
    if not counts:
        raise NotFound(f"There are no runs of {BENCHMARKS[source]} (source {source.value}) yet.")
    models, targets = sorted({c.model for c in counts}), sorted({c.target for c in counts})
    results: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for found_model, found_target, state, n in counts:
        if model in (None, found_model) and target in (None, found_target):
            results[found_model, found_target][0 if state == RunState.DONE.value else 1] += n
    if results:
        best = min(results, key=lambda pair: (-results[pair][0], -results[pair][1], pair))
        return best[0], best[1], models, targets
    return model or models[0], target or targets[0], models, targets


def _metrics(session: Session, target: str, source: Source) -> list[str]:
    if target in TASKS:
        return list(TASKS[target].metrics)
    found = (
        select(score.c.metric).join(run, run.c.id == score.c.run_id).where(*_evaluations(source=source, target=target))
    )
    return sorted(session.scalars(found.distinct()))


def _order(recipe: str) -> tuple[int, str]:
    """Single tasks, then several, then controls."""
    kind = _read(recipe)
    return (list(RecipeKind).index(kind.kind) if kind else len(RecipeKind), recipe)


def _read(recipe: str) -> Recipe | None:
    try:
        return Recipe.parse(recipe.partition("@")[0])
    except ValueError:
        return None


def _title(recipe: str) -> str:
    read, (_, _, changed) = _read(recipe), recipe.partition("@")
    return f"{read.title if read else recipe.partition('@')[0]}{f' ({changed})' if changed else ''}"


def _recipe_row(
    recipe: str,
    target: str,
    found: list[Gain],
    languages: Sequence[str],
    support: Collection[str],
    costs: Costs,
    reasons: Reasons,
) -> RecipeRow:
    every, transfer = mean_all(found, languages, support=support), mean_transfer(found, languages, support=support)
    cost = costs.of({id for g in found for id in g.runs} or reasons.done_runs(recipe))
    return RecipeRow(
        recipe=recipe,
        title=_title(recipe),
        same_data_twice=same_data_twice(recipe, target),
        mean_all=every.value,
        mean_transfer=transfer.value,
        k=transfer.k,
        n=transfer.n,
        device_hours_marginal=cost.marginal_hours if cost else None,
        device_hours_amortised=cost.amortised_hours if cost else None,
    )


def _cell(gain: Gain) -> GainCell:
    return GainCell(
        recipe=gain.recipe,
        language=gain.language,
        missing=None,
        why_missing=None,
        gain=gain.mean,
        low=gain.low,
        high=gain.high,
        sd=gain.sd,
        baseline=gain.baseline,
        treated=gain.treated,
        n=gain.n,
        seeds=list(gain.seeds),
        differences=list(gain.differences),
        p_t=gain.p_t,
        p_sign_flip=gain.p_sign_flip,
        q=gain.q,
        detectable=gain.detectable,
        verdict=gain.verdict,
        examples=gain.examples,
        runs=list(gain.runs),
        baseline_runs=list(gain.baseline_runs),
    )


def _pending(session: Session, here: Iterable[ColumnElement[bool]]) -> int:
    """Live evaluate runs, and the live runs that they start from."""
    above = select(run.c.id).where(*here, run.c.state.in_(_LIVE)).cte("above", recursive=True)
    above = above.union(select(run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id))
    live = select(func.count()).select_from(run).where(run.c.id.in_(select(above.c.id)), run.c.state.in_(_LIVE))
    return session.scalars(live).one()


def _not_applicable(session: Session, source: Source, model: str, target: str) -> dict[str, str]:
    """Recipe → why it cannot be used on this target, from what experiments asked for."""
    lists = session.scalars(select(experiment.c.not_applicable).where(experiment.c.source == source.value).distinct())
    return {r: why for each in lists for m, r, t, why in each if (m, t) == (model, target) and r != NONE}


# --- trade-off and export ---------------------------------------------------------------------------------------


def tradeoff(
    session: Session, *, target: str | None = None, metric: str | None = None, source: Source, languages: str
) -> list[TradeoffPoint]:
    """Gains against parameters and device-hours: one point a model, recipe and target.

    Args:
        target: None for all of them.
        metric: None for each target's headline metric.
        languages: ``mean_all``, ``mean_transfer`` or one code. Means of one target are over the languages that all its
            models and recipes have.
    """
    here = _evaluations(source=source, target=target)
    headline = {t: TASKS[t].headline for t in TARGETS}
    one = [] if languages in MEANS else [score.c.language == languages]  # each cell's gain is its own
    measured = _measurements(session, [*here, *one], [metric] if metric else set(headline.values()))
    if metric is None:
        measured = [m for m in measured if headline.get(m.target) == m.metric]
    groups: defaultdict[tuple[str, str], list[Gain]] = defaultdict(list)
    for g in one_per_cell(gains(measured, same_data=same_data_twice)):
        groups[g.target, g.metric].append(g)
    costs = Costs(session, here)
    sizes = _sizes(session, here)
    points = []
    for (name, measure), found in sorted(groups.items()):
        offered = TASKS[name].languages_in(source) if name in TASKS else ()
        asked = order_by_family({*offered, *(g.language for g in found)})
        support = common_support(found, asked)
        series: defaultdict[tuple[str, str], list[Gain]] = defaultdict(list)
        for g in found:
            series[g.model, g.recipe].append(g)
        for (model, recipe), cells in sorted(series.items()):
            averaged = _averaged(cells, asked, support, languages)
            size = sizes.get(model)
            cost = costs.of({id for g in cells for id in g.runs})
            if averaged is None or size is None or cost is None:
                continue
            gain, low, high, n = averaged
            points.append(
                TradeoffPoint(
                    model=model,
                    parameters=size[0],
                    parameters_non_embedding=size[1],
                    recipe=recipe,
                    target=name,
                    metric=measure,
                    language=languages,
                    gain=gain,
                    low=low,
                    high=high,
                    n=n,
                    device_class=cost.device_class,
                    device=cost.device,
                    device_hours_marginal=cost.marginal_hours,
                    device_hours_amortised=cost.amortised_hours,
                    same_data_twice=same_data_twice(recipe, name),
                )
            )
    return points


def _averaged(
    cells: Sequence[Gain], asked: Sequence[str], support: Collection[str], languages: str
) -> tuple[float, float | None, float | None, int] | None:
    """Gain, interval and number of seeds of one series; None where it has none."""
    if languages not in MEANS:
        found = next((g for g in cells if g.language == languages), None)
        return (found.mean, found.low, found.high, found.n) if found else None
    mean = (mean_all if languages == "mean_all" else mean_transfer)(cells, asked, support=support)
    if mean.value is None:
        return None
    return mean.value, mean.low, mean.high, min(g.n for g in cells if g.language in mean.languages)


def _sizes(session: Session, here: Iterable[ColumnElement[bool]]) -> dict[str, tuple[int, int]]:
    """Model → parameters, total and non-embedding: as counted from a checkpoint, else as its architecture says."""
    found = {name: (m.parameters, m.parameters_non_embedding) for name, m in MODELS.items()}
    counted = (
        select(run.c.model, func.max(run.c.parameters), func.max(run.c.parameters_non_embedding))
        .where(*here, run.c.state == RunState.DONE.value, run.c.parameters.is_not(None))
        .where(run.c.parameters_non_embedding.is_not(None))
        .group_by(run.c.model)
    )
    found.update({model: (total, rest) for model, total, rest in session.execute(counted)})
    return found


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
