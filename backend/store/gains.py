"""The gain matrix of one model, target and metric: what the heatmap shows.

Gains are computed from scores, by ``domain.gains`` alone; they are never stored. Cells without a gain say why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import Gain, Measurement, common_support, mean_all, mean_transfer
from backend.domain.language import order_by_family
from backend.domain.recipe import Recipe, RecipeKind
from backend.domain.run import RunState
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import FieldError, Invalid, NotFound, unknown
from backend.store import learning, trained, variants
from backend.store.costs import Costs
from backend.store.measured import evaluations, units
from backend.store.reasons import NONE, Reasons
from backend.store.tables import LIVE, experiment, run, run_parent, score

_LIVE = [s.value for s in LIVE]


def matrix(
    session: Session,
    *,
    model: str | None = None,
    target: str | None = None,
    metric: str | None = None,
    settings: str | None = None,
    source: Source,
) -> GainMatrix:
    """Everything the heatmap of one model, target and metric shows.

    What is None is chosen: the model and target with the most results, the target's headline metric. The family of the
    correction is every recipe × language cell there is; nothing is filtered before it.

    Args:
        settings: one of the ``choices`` that the answer names: what was taken under these alone. None: each cell shows its
            gain with most seeds, then with the latest run.

    Raises:
        NotFound: this benchmark has no runs yet.
        Invalid: the target has no such metric, or nothing was measured under these settings.
    """
    model, target, models, targets = _choose(session, model, target, source)
    metrics = _metrics(session, target, source)
    metric = metric or (metrics[0] if metrics else None)
    if metric is None or metric not in metrics:
        message = unknown("metric", str(metric), metrics) if metrics else f"{target} has no metric"
        raise Invalid("The gains cannot be given.", errors=[FieldError("/metric", message)])
    here = evaluations(source=source, model=model, target=target)
    found = units(session, [metric], source=source, model=model, target=target)
    every = found[0].every if found else ()
    chosen: Sequence[Gain] = found[0].gains if found else ()
    rest: Sequence[Measurement] = found[0].rest if found else ()
    choices = variants.choices(session, every, chosen)
    under: dict[tuple[str, str], list[str]] = {}  # recipe and language → settings, where there are several in all
    if choices:
        for g in every:
            under.setdefault((g.recipe, g.language), []).append(variants.name(g.settings))
    if settings is not None:
        only = variants.chosen(settings, {*(g.settings for g in every), *(m.settings for m in rest)})
        chosen = [g for g in every if g.settings == only]
        rest = [m for m in rest if m.settings == only]
        here.append(run.c.settings == only)
    scored = found[0].languages if found else ()
    by_cell = {(g.recipe, g.language): g for g in chosen}
    asked = TASKS[target].languages_in(source) if target in TASKS else ()
    languages = order_by_family({*asked, *scored})
    reasons = Reasons(
        session,
        here,
        rest,
        not_applicable=_not_applicable(session, source, model, target),
        asked=asked,
        left_out=learning.left_out(session, [*here, run.c.state == RunState.DONE.value]),
    )
    recipes = sorted(reasons.recipes, key=place)
    support = common_support(chosen, languages)
    costs = Costs(session, here)
    learnt = trained.by_settings(session, source)
    return GainMatrix(
        model=model,
        target=target,
        metric=metric,
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        baseline=NONE,
        languages=languages,
        recipes=[
            _recipe_row(r, target, [g for g in chosen if g.recipe == r], languages, support, costs, reasons, learnt)
            for r in recipes
        ],
        cells=[
            _cell(by_cell[r, code], reasons, under.get((r, code), ()))
            if (r, code) in by_cell
            else reasons.empty(r, code)
            for r in recipes
            for code in languages
        ],
        models=models,
        targets=targets,
        metrics=metrics,
        runs_pending=_pending(session, here),
        updated_at=session.scalars(select(func.max(run.c.finished_at)).where(*here, run.c.state == "done")).one(),
        settings=settings,
        choices=choices,
    )


def _choose(
    session: Session, model: str | None, target: str | None, source: Source
) -> tuple[str, str, list[str], list[str]]:
    """The model and target to show, and all there are."""
    counts = session.execute(
        select(run.c.model, run.c.target, run.c.state, func.count())
        .where(*evaluations(source=source))
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
        select(score.c.metric).join(run, run.c.id == score.c.run_id).where(*evaluations(source=source, target=target))
    )
    return sorted(session.scalars(found.distinct()))


def place(recipe: str) -> tuple[int, str]:
    """Where a recipe stands among others: single tasks, then several, then controls."""
    kind = read_recipe(recipe)
    return (list(RecipeKind).index(kind.kind) if kind else len(RecipeKind), recipe)


def read_recipe(recipe: str) -> Recipe | None:
    """The recipe of a name in the store; None where this version cannot read it."""
    try:
        return Recipe.parse(recipe.partition("@")[0])
    except ValueError:
        return None


def _title(recipe: str) -> str:
    read, (_, _, changed) = read_recipe(recipe), recipe.partition("@")
    return f"{read.title if read else recipe.partition('@')[0]}{f' ({changed})' if changed else ''}"


def _recipe_row(
    recipe: str,
    target: str,
    found: list[Gain],
    languages: Sequence[str],
    support: Collection[str],
    costs: Costs,
    reasons: Reasons,
    learnt: trained.Trained,
) -> RecipeRow:
    every, transfer = mean_all(found, languages, support=support), mean_transfer(found, languages, support=support)
    cost = costs.of({id for g in found for id in g.runs} or reasons.done_runs(recipe))
    return RecipeRow(
        recipe=recipe,
        title=_title(recipe),
        same_data_twice=same_data_twice(recipe, target),
        mean_all=every.with_english,
        mean_transfer=transfer.value,
        k=transfer.k,
        n=transfer.n,
        device_hours_marginal=cost.marginal_hours if cost else None,
        device_hours_amortised=cost.amortised_hours if cost else None,
        not_zero_shot=sorted(g.language for g in found if trained.saw(g, learnt)),
    )


def _cell(gain: Gain, reasons: Reasons, under: Collection[str]) -> GainCell:
    own = variants.name(gain.settings)
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
        left_out=reasons.out_of(gain.recipe, gain.settings),
        treated_scores=list(gain.treated_scores),
        baseline_scores=list(gain.baseline_scores),
        settings=own if under else None,
        others=[name for name in under if name != own],
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
