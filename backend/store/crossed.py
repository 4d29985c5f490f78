"""Gains laid out otherwise than as one model's recipes by the languages of one target.

Cells of one language are taken from the matrices of ``store.gains`` as they are: with the q of their own model, target and metric, and with
their own reason where there is none. Only recipe × target holds numbers that are in no other matrix: means over languages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from sqlmodel import Session

from backend.domain.crossed import MeanGain, mean_gains, mean_over_columns
from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import Missing
from backend.domain.language import ENGLISH, LANGUAGES, order_by_family
from backend.domain.schemas import Axes, GainCell, GainMatrix, RecipeRow
from backend.domain.selection import select
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import FieldError, Invalid, unknown
from backend.store import gains
from backend.store.measured import evaluations
from backend.store.observed import Observed, Pair
from backend.store.reasons import NONE
from backend.store.recipes import place
from backend.store.tradeoff import sizes

Layout = Literal["recipe-target", "target-language", "model-language"]
METRIC = "headline"  # in the place of a metric, where every target has its own
#: Of a cell without any run's word: what speaks most of what happened comes first.
_LOUDEST = (Missing.FAILED, Missing.NOT_RUN, Missing.WITHHELD, Missing.NOT_APPLICABLE)


def matrix(
    session: Session,
    layout: Layout,
    *,
    source: Source,
    model: str | None = None,
    target: str | None = None,
    recipe: str | None = None,
    languages: Collection[str] | None = None,
    said: str = "transfer languages",
) -> GainMatrix:
    """One of the other matrices. What is None is chosen, as ``store.gains.matrix`` does; the recipe: the one with most gains.

    Args:
        languages: what means of recipe × target are over, where a target has them; None: all but English. Other layouts do not
            heed it: what is looked at of a language axis is narrowed down by whoever looks.
        said: these languages in words.

    Raises:
        NotFound: this benchmark has no runs yet.
        Invalid: no run has this recipe.
    """
    first = gains.matrix(session, model=model, target=target, source=source)
    targets = [t for t in first.targets if t not in TASKS or not TASKS[t].diagnostic]
    if layout == "model-language":
        models = _by_size(session, first.models, source)
        every, _ = _seen(session, first, [(m, first.target) for m in models], source)
        return _rows_by_language(first, {m: every[m, first.target] for m in models}, layout, recipe, source)
    laid, seen = _seen(session, first, [(first.model, t) for t in targets], source)
    of_targets = {t: laid[first.model, t] for t in targets}
    if layout == "target-language":
        return _rows_by_language(first, of_targets, layout, recipe, source)
    return _recipes_by_target(seen, first, of_targets, languages, said)


def _seen(
    session: Session, first: GainMatrix, pairs: Collection[Pair], source: Source
) -> tuple[dict[Pair, GainMatrix], Observed]:
    """The matrices of these models and targets by their headline metrics, all from one reading: each would otherwise ask for itself
    what ``first`` has asked already.

    Args:
        pairs: all of one model or all of one target, ``first``'s.
    """
    headline = {target: gains.metrics_of(session, target, source) for target in dict.fromkeys(t for _, t in pairs)}
    for target, metrics in headline.items():
        gains.check_metric(target, None, metrics)
    models, targets = {m for m, _ in pairs}, set(headline)
    seen = Observed(
        session,
        source=source,
        model=first.model if models <= {first.model} else None,
        target=first.target if targets <= {first.target} else None,
        metrics=[(target, metrics[0]) for target, metrics in headline.items()],
    )
    laid = {
        (m, t): gains.laid_out(seen, gains.Asked(m, t, headline[t][0]), first.models, first.targets, headline[t])
        for m, t in pairs
    }
    return laid, seen


def _by_size(session: Session, models: Sequence[str], source: Source) -> list[str]:
    """The smallest first."""
    known = sizes(session, evaluations(source=source))
    return sorted(models, key=lambda m: (known.get(m, (0, 0))[1], known.get(m, (0, 0))[0], m))


# --- rows by language: cells as they are elsewhere -------------------------------------------------------------------------


def _rows_by_language(
    first: GainMatrix, every: Mapping[str, GainMatrix], layout: Layout, recipe: str | None, source: Source
) -> GainMatrix:
    """One recipe on every target, or with every model."""
    recipes = sorted({r.recipe for m in every.values() for r in m.recipes}, key=place)
    recipe = _chosen(recipe, recipes, every)
    codes = order_by_family({code for m in every.values() for code in m.languages})
    rows, cells = [], []
    for name, own in every.items():
        row = next((r for r in own.recipes if r.recipe == recipe), None)
        at = {c.language: c for c in own.cells if c.recipe == recipe}
        rows.append(_row(name, row, own, recipe))
        for code in codes:
            found = at.get(code) or _nothing(name, code, own, recipe)
            cells.append(found.model_copy(update={"recipe": name, "settings": None, "others": []}))
    of_targets = layout == "target-language"
    laid = first.model_copy(
        update={
            "metric": METRIC if of_targets else first.metric,
            "languages": codes,
            "recipes": rows,
            "cells": cells,
            "runs_pending": sum(m.runs_pending for m in every.values()),
            "updated_at": max((m.updated_at for m in every.values() if m.updated_at is not None), default=None),
            "settings": None,
            "choices": [],
            "axes": Axes(
                rows="target" if of_targets else "model",
                columns="language",
                recipe=recipe,
                recipes=recipes,
                over=None,
                support={},
                family="all recipes and languages of the cell's own model, target and metric",
            ),
        }
    )
    return select(laid, codes)


def _chosen(recipe: str | None, recipes: Sequence[str], every: Mapping[str, GainMatrix]) -> str:
    if recipe is not None:
        if recipe not in recipes:
            raise Invalid(
                "The gains cannot be given.", errors=[FieldError("/recipe", unknown("recipe", recipe, recipes))]
            )
        return recipe
    n = dict.fromkeys(recipes, 0)
    for m in every.values():
        for c in m.cells:
            n[c.recipe] += c.gain is not None
    return max(recipes, key=lambda r: (n[r], -recipes.index(r)), default=NONE)


def _row(name: str, row: RecipeRow | None, own: GainMatrix, recipe: str) -> RecipeRow:
    """Its means are ``selection.select``'s."""
    return RecipeRow(
        recipe=name,
        title=name,
        same_data_twice=same_data_twice(recipe, own.target),
        mean_all=None,
        mean_transfer=None,
        k=0,
        n=0,
        device_hours_marginal=row.device_hours_marginal if row else None,
        device_hours_amortised=row.device_hours_amortised if row else None,
        not_zero_shot=row.not_zero_shot if row else [],
    )


def _nothing(name: str, code: str, own: GainMatrix, recipe: str) -> GainCell:
    if code in own.languages:
        return _empty(name, code, Missing.NOT_RUN, f"no run of {recipe} yet")
    return _empty(name, code, Missing.NOT_APPLICABLE, f"{own.target} has no data in {LANGUAGES[code].name}")


def _empty(row: str, column: str, missing: Missing, why: str) -> GainCell:
    return GainCell(
        recipe=row, language=column, missing=missing, why_missing=why, gain=None, low=None, high=None, sd=None, baseline=None,
        treated=None, n=0, seeds=[], differences=[], p_t=None, p_sign_flip=None, q=None, detectable=None, verdict=None,
        examples=None, runs=[], baseline_runs=[],
    )  # fmt: skip


# --- recipes by target: means over languages ---------------------------------------------------------------------------------


def _recipes_by_target(
    seen: Observed,
    first: GainMatrix,
    every: Mapping[str, GainMatrix],
    languages: Collection[str] | None,
    said: str,
) -> GainMatrix:
    targets = list(every)
    recipes = sorted({r.recipe for m in every.values() for r in m.recipes}, key=place)
    looked_at = {
        t: [code for code in m.languages if (languages is None and code != ENGLISH) or (languages is not None and code in languages)]
        for t, m in every.items()
    }  # fmt: skip
    measured = (seen.units.get((first.model, t, m.metric)) for t, m in every.items())
    found = mean_gains((g for unit in measured if unit is not None for g in unit.gains), looked_at)
    own = {
        (r, t): [c for c in m.cells if c.recipe == r and c.language in looked_at[t]]
        for t, m in every.items()
        for r in recipes
    }
    cells = [
        _mean_cell(r, t, found[r, t])
        if (r, t) in found
        else _why_not(r, t, own[r, t], looked_at[t], every[t].languages)
        for r in recipes
        for t in targets
    ]
    once = {
        r: {t: found[r, t].mean.value or 0.0 for t in targets if (r, t) in found and not same_data_twice(r, t)}
        for r in recipes
    }
    means = mean_over_columns(once, targets)
    return first.model_copy(
        update={
            "metric": METRIC,
            "benchmark": BENCHMARKS[seen.source],
            "languages": list(targets),
            "recipes": [_over_targets(r, *means[r], every) for r in recipes],
            "cells": cells,
            "runs_pending": sum(m.runs_pending for m in every.values()),
            "updated_at": max((m.updated_at for m in every.values() if m.updated_at is not None), default=None),
            "settings": None,
            "choices": [],
            "axes": Axes(
                rows="recipe",
                columns="target",
                recipe=None,
                recipes=recipes,
                over=said,
                support={f"{r}.{t}": m.mean.support for (r, t), m in sorted(found.items())},
                family=f"all recipes and targets of this model, each a mean over {said}",
            ),
        }
    )


def _mean_cell(recipe: str, target: str, of: MeanGain) -> GainCell:
    per_seed = of.mean.per_seed
    return GainCell(
        recipe=recipe, language=target, missing=None, why_missing=None, gain=of.mean.value, low=of.mean.low, high=of.mean.high,
        sd=of.sd, baseline=of.baseline, treated=of.treated, n=len(per_seed) or min(g.n for g in of.cells),
        seeds=list(of.mean.seeds), differences=list(per_seed), p_t=of.p_t, p_sign_flip=of.p_sign_flip, q=of.q,
        detectable=of.detectable, verdict=of.verdict, examples=None, runs=sorted({i for g in of.cells for i in g.runs}),
        baseline_runs=sorted({i for g in of.cells for i in g.baseline_runs}),
    )  # fmt: skip


def _why_not(
    recipe: str, target: str, cells: Sequence[GainCell], looked_at: Sequence[str], offered: Sequence[str]
) -> GainCell:
    if not looked_at:
        why = f"{target} has none of these languages" if offered else f"{target} has no languages"
        return _empty(recipe, target, Missing.NOT_APPLICABLE, why)
    if any(c.missing is None for c in cells):
        return _empty(recipe, target, Missing.NOT_RUN, "no language in which every recipe of this target has a gain")
    for kind in _LOUDEST:
        if (one := next((c for c in cells if c.missing is kind), None)) is not None:
            return _empty(recipe, target, kind, one.why_missing or "")
    return _empty(recipe, target, Missing.NOT_RUN, f"no run of {recipe} yet")


def _over_targets(recipe: str, mean: float | None, k: int, every: Mapping[str, GainMatrix]) -> RecipeRow:
    rows = {t: r for t, m in every.items() for r in m.recipes if r.recipe == recipe}
    costs = [(r.device_hours_marginal, r.device_hours_amortised) for r in rows.values()]
    alone = [a for a, _ in costs if a is not None]
    shared = [b for _, b in costs if b is not None]
    return RecipeRow(
        recipe=recipe,
        title=next((r.title for r in rows.values()), recipe),
        same_data_twice=False,
        mean_all=None,
        mean_transfer=mean,
        k=k,
        n=len(every),
        device_hours_marginal=sum(alone) if alone else None,
        device_hours_amortised=sum(shared) if shared else None,
        not_zero_shot=sorted(t for t, r in rows.items() if r.not_zero_shot),
    )
