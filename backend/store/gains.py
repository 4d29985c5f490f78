"""The gain matrix of one model, target and metric: what the heatmap shows.

Gains are computed from scores, by ``domain.gains`` alone; they are never stored. Cells without a gain say why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import Gain, Measurement, common_support, mean_all, mean_transfer
from backend.domain.language import order_by_family
from backend.domain.run import RunState
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import FieldError, Invalid, NotFound, unknown
from backend.store import trained, variants
from backend.store.columns import as_utc
from backend.store.costs import Costs
from backend.store.kept import Memory
from backend.store.learning import LeftOut
from backend.store.measured import Unit, evaluations
from backend.store.observed import COLUMNS, Observed, counts
from backend.store.reasons import NONE, Reasons
from backend.store.recipes import place, read_recipe
from backend.store.tables import run, score
from backend.store.uncollected import uncollected

MOST_CELLS = 40_000  # of matrices that a process keeps, some 100 MB

_SETTINGS, _STATE, _ID = (COLUMNS.index(name) for name in ("settings", "state", "id"))


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
    model, target, models, targets = choose(session, model, target, source)
    metrics = metrics_of(session, target, source)
    metric = check_metric(target, metric, metrics)
    seen = Observed(session, source=source, model=model, target=target, metrics=[(target, metric)])
    return laid_out(seen, Asked(model, target, metric, settings), models, targets, metrics)


def check_metric(target: str, metric: str | None, metrics: Sequence[str]) -> str:
    """The metric asked for; None: the first.

    Raises:
        Invalid: the target has no such metric, or none.
    """
    metric = metric or (metrics[0] if metrics else None)
    if metric is None or metric not in metrics:
        message = unknown("metric", str(metric), metrics) if metrics else f"{target} has no metric"
        raise Invalid("The gains cannot be given.", errors=[FieldError("/metric", message)])
    return metric


@dataclass(frozen=True, slots=True)
class Asked:
    """Which matrix."""

    model: str
    target: str
    metric: str
    settings: str | None = None


def laid_out(
    seen: Observed, of: Asked, models: Sequence[str], targets: Sequence[str], metrics: Sequence[str]
) -> GainMatrix:
    """The matrix ``of`` what was seen. It is kept, and given out again while all that it rests on is the same.

    Raises:
        Invalid: nothing was measured under these settings.
    """
    unit = seen.units.get((of.model, of.target, of.metric))
    runs = seen.runs[of.model, of.target]
    refused = seen.not_applicable(of.model, of.target)
    only = {run[_SETTINGS] for run in runs if variants.name(run[_SETTINGS]) == of.settings}
    pending = sum(seen.pending(of.model, of.target, each) for each in only or ([None] if of.settings is None else []))
    ids = {run[_ID] for run in runs}
    left_out = [left for left in seen.left_out if left.run in ids]
    rests_on = (
        unit, runs, seen.causes, refused, left_out, pending, seen.learnt, seen.done, list(models), list(targets), metrics
    )  # fmt: skip
    name = (seen.session.get_bind().engine.url, seen.source, of)
    found = _kept.get(name, rests_on)
    if found is None:
        with uncollected():
            found = _laid_out(seen, of, unit, refused, left_out, pending, (models, targets, metrics))
        _kept.put(name, rests_on, found)
    return found


_kept: Memory[GainMatrix] = Memory(MOST_CELLS, lambda matrix: len(matrix.cells))


def _laid_out(
    seen: Observed,
    of: Asked,
    unit: Unit | None,
    refused: Mapping[str, str],
    left_out: Sequence[LeftOut],
    pending: int,
    offered: tuple[Sequence[str], Sequence[str], Sequence[str]],
) -> GainMatrix:
    target, source = of.target, seen.source
    every = unit.every if unit else ()
    chosen: Sequence[Gain] = unit.gains if unit else ()
    rest: Sequence[Measurement] = unit.rest if unit else ()
    runs = seen.runs[of.model, target]
    choices = variants.choices(seen.session, every, chosen)
    under: dict[tuple[str, str], list[str]] = {}  # recipe and language → settings, where there are several in all
    if choices:
        for g in every:
            under.setdefault((g.recipe, g.language), []).append(variants.name(g.settings))
    if of.settings is not None:
        only = variants.chosen(of.settings, {*(g.settings for g in every), *(m.settings for m in rest)})
        chosen = [g for g in every if g.settings == only]
        rest = [m for m in rest if m.settings == only]
        runs = [run for run in runs if run[_SETTINGS] == only]
        left_out = [left for left in left_out if left.settings == only]
    by_cell = {(g.recipe, g.language): g for g in chosen}
    by_recipe: defaultdict[str, list[Gain]] = defaultdict(list)
    for g in chosen:
        by_recipe[g.recipe].append(g)
    asked = TASKS[target].languages_in(source) if target in TASKS else ()
    languages = order_by_family({*asked, *(unit.languages if unit else ())})
    reasons = Reasons(
        [dict(zip(COLUMNS, run, strict=False)) for run in runs],
        seen.causes,
        rest,
        not_applicable=refused,
        asked=asked,
        left_out=left_out,
    )
    recipes = sorted(reasons.recipes, key=place)
    support = common_support(chosen, languages)
    ended = [run[-1] for run in runs if run[_STATE] == RunState.DONE.value]
    return GainMatrix(
        model=of.model,
        target=target,
        metric=of.metric,
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        baseline=NONE,
        languages=languages,
        recipes=[
            _recipe_row(r, target, by_recipe[r], languages, support, seen.costs, reasons, seen.learnt) for r in recipes
        ],
        cells=[
            _cell(by_cell[r, code], reasons, under.get((r, code), ()))
            if (r, code) in by_cell
            else reasons.empty(r, code)
            for r in recipes
            for code in languages
        ],
        models=list(offered[0]),
        targets=list(offered[1]),
        metrics=list(offered[2]),
        runs_pending=pending,
        updated_at=as_utc(max(ended)) if ended else None,
        settings=of.settings,
        choices=choices,
    )


def choose(
    session: Session, model: str | None, target: str | None, source: Source
) -> tuple[str, str, list[str], list[str]]:
    """The model and target to show, and all there are.

    Raises:
        NotFound: this benchmark has no runs yet.
    """
    found = counts(session, source)
    if not found:
        raise NotFound(f"There are no runs of {BENCHMARKS[source]} (source {source.value}) yet.")
    models, targets = sorted({m for m, *_ in found}), sorted({t for _, t, *_ in found})
    results: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for found_model, found_target, state, n in found:
        if model in (None, found_model) and target in (None, found_target):
            results[found_model, found_target][0 if state == RunState.DONE.value else 1] += n
    if results:
        best = min(results, key=lambda pair: (-results[pair][0], -results[pair][1], pair))
        return best[0], best[1], models, targets
    return model or models[0], target or targets[0], models, targets


def metrics_of(session: Session, target: str, source: Source) -> list[str]:
    """Those that a target has, its headline first; of one that is in no catalogue any more those that were measured."""
    if target in TASKS:
        return list(TASKS[target].metrics)
    found = (
        select(score.c.metric).join(run, run.c.id == score.c.run_id).where(*evaluations(source=source, target=target))
    )
    return sorted(session.scalars(found.distinct()))


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
