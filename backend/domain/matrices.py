"""A gain matrix of scores that no run of ours made: published ones, imported ones.

The same statistics as of own results (``domain.gains``), in the shape that the same figures draw. What only own runs have
(cost, provenance) is empty here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from backend.domain.gains import (
    Gain,
    Measurement,
    Missing,
    Unmatchable,
    common_support,
    gains,
    mean_all,
    mean_transfer,
    of_one_setting,
    one_per_cell,
    unmatched,
)
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow


@dataclass(frozen=True, slots=True)
class About:
    """What a matrix is of, and what there is to choose from."""

    model: str
    target: str
    metric: str
    benchmark: str
    models: Sequence[str] = ()
    targets: Sequence[str] = ()
    metrics: Sequence[str] = ()


def matrix_of(
    measurements: Sequence[Measurement],
    about: About,
    *,
    languages: Sequence[str],
    recipes: Sequence[str],
    titles: Mapping[str, str],
    baseline: str,
    same_data: Callable[[str, str], bool],
    missing: Callable[[str, str], tuple[Missing, str]],
    examples: bool,
    common: bool = True,
) -> GainMatrix:
    """The matrix of one model, target and metric.

    Args:
        measurements: all of that model, target and metric, under whatever settings; the family of the correction is every cell
            among them.
        languages: columns, in order. recipes: rows, in order, the baseline not among them.
        baseline: what gains are measured against.
        missing: of a recipe and language without a score, why.
        examples: False where how many examples a score is over is not known.
        common: whether means are over the columns in which every row has a gain. False: over those that each row has, for rows
            that cannot have them all.

    Raises:
        ValueError: as :func:`backend.domain.gains.gains`.
    """
    every = gains(measurements, baseline=baseline, same_data=same_data)
    chosen = one_per_cell(every)
    by_cell = {(g.recipe, g.language): g for g in chosen}
    alone = _alone(measurements, baseline, by_cell)
    support = common_support(chosen, languages) if common else None
    cells = []
    for recipe in recipes:
        for language in languages:
            if (gain := by_cell.get((recipe, language))) is not None:
                cells.append(_cell(gain, examples))
            else:
                cells.append(_empty(recipe, language, alone.get((recipe, language)), missing))
    return GainMatrix(
        model=about.model,
        target=about.target,
        metric=about.metric,
        benchmark=about.benchmark,
        synthetic=False,
        baseline=baseline,
        languages=list(languages),
        recipes=[
            _row(r, titles.get(r, r), [g for g in chosen if g.recipe == r], languages, support, same_data(r, about.target))
            for r in recipes
        ],
        cells=cells,
        models=list(about.models),
        targets=list(about.targets),
        metrics=list(about.metrics),
        runs_pending=0,
        updated_at=None,
    )  # fmt: skip


def _alone(
    measurements: Sequence[Measurement], baseline: str, by_cell: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[float, str]]:
    """Of cells with scores and no gain: their mean score, under one of their settings, and why there is no gain."""
    words = {
        Unmatchable.NO_BASELINE: f"no score of {baseline} to compare with",
        Unmatchable.OTHER_SETTINGS: f"{baseline} has a score under other settings only",
        Unmatchable.OTHER_SEED: f"{baseline} has a score with other seeds only",
    }
    why = {(u.recipe, u.language): words[u.reason] for u in unmatched(measurements, baseline=baseline)}
    found: dict[tuple[str, str], list[Measurement]] = {}
    for m in measurements:
        if (m.recipe, m.language) in why and (m.recipe, m.language) not in by_cell:
            found.setdefault((m.recipe, m.language), []).append(m)
    of_one = {cell: of_one_setting(scores) for cell, scores in found.items()}
    return {cell: (sum(m.value for m in scores) / len(scores), why[cell]) for cell, scores in of_one.items()}


def _cell(gain: Gain, examples: bool) -> GainCell:
    return GainCell(
        recipe=gain.recipe, language=gain.language, missing=None, why_missing=None, gain=gain.mean, low=gain.low,
        high=gain.high, sd=gain.sd, baseline=gain.baseline, treated=gain.treated, n=gain.n, seeds=list(gain.seeds),
        differences=list(gain.differences), p_t=gain.p_t, p_sign_flip=gain.p_sign_flip, q=gain.q, detectable=gain.detectable,
        verdict=gain.verdict, examples=gain.examples if examples else None, runs=[], baseline_runs=[],
        treated_scores=list(gain.treated_scores), baseline_scores=list(gain.baseline_scores),
    )  # fmt: skip


def _empty(
    recipe: str,
    language: str,
    alone: tuple[float, str] | None,
    missing: Callable[[str, str], tuple[Missing, str]],
) -> GainCell:
    reason, why = (Missing.NOT_RUN, alone[1]) if alone is not None else missing(recipe, language)
    return GainCell(
        recipe=recipe, language=language, missing=reason, why_missing=why, gain=None, low=None, high=None, sd=None,
        baseline=None, treated=alone[0] if alone else None, n=0, seeds=[], differences=[], p_t=None, p_sign_flip=None, q=None,
        detectable=None, verdict=None, examples=None, runs=[], baseline_runs=[],
    )  # fmt: skip


def _row(
    recipe: str, title: str, found: list[Gain], languages: Sequence[str], support: Collection[str] | None, twice: bool
) -> RecipeRow:
    every, transfer = mean_all(found, languages, support=support), mean_transfer(found, languages, support=support)
    return RecipeRow(
        recipe=recipe, title=title, same_data_twice=twice, mean_all=every.with_english, mean_transfer=transfer.value, k=transfer.k,
        n=transfer.n, device_hours_marginal=None, device_hours_amortised=None,
    )  # fmt: skip
