"""Gains seen from a language: one language's mean over recipes and targets, and the schemas of the pages of languages.

**The mean of a language** is of one model: over recipes first, then over targets, each target weighing the same. The recipes of
a target are those that have a gain in *every* language that any of them has there: languages side by side then differ by the
language and not by the recipes that were run. Left out are the same data twice, compute-matched controls, and what was trained
on rows in the language; the caller does so. ``k of n targets`` says how many of those that have the language are in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pydantic import Field

from backend.domain.gains import Gain, Missing, Verdict, paired_t
from backend.domain.schemas import LanguageView, View


@dataclass(frozen=True, slots=True)
class LanguageMean:
    """``low`` and ``high`` are the 95 % paired-t interval of the means of each seed: None where cells differ in their seeds."""

    value: float | None  # points; None where no target is in it
    low: float | None
    high: float | None
    targets: tuple[str, ...]
    cells: int
    seeds: int  # 0 where cells differ in theirs


def shared_recipes(gains: Iterable[Gain]) -> dict[str, frozenset[str]]:
    """Target → the recipes that have a gain in every language that any recipe of this target has. Of one model."""
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for g in gains:
        found[g.target][g.recipe].add(g.language)
    return {
        target: frozenset(r for r, codes in by_recipe.items() if codes == set().union(*by_recipe.values()))
        for target, by_recipe in found.items()
    }


def mean_of_language(gains: Iterable[Gain], shared: Mapping[str, Collection[str]]) -> LanguageMean:
    """The mean of one model in one language, over recipes, then targets.

    Args:
        gains: one a recipe and target.
        shared: what ``shared_recipes`` gives for all languages.

    Raises:
        ValueError: the gains are of several languages or models, or a cell has two.
    """
    by_target: defaultdict[str, list[Gain]] = defaultdict(list)
    seen: set[tuple[str, str, str, str]] = set()
    for g in gains:
        cell = (g.model, g.language, g.target, g.recipe)
        if cell in seen or any(cell[:2] != other[:2] for other in seen):
            raise ValueError("a mean is of one model and language, with one gain a recipe and target")
        seen.add(cell)
        if g.recipe in shared.get(g.target, ()):
            by_target[g.target].append(g)
    if not by_target:
        return LanguageMean(None, None, None, (), 0, 0)
    value = _mean(_mean(g.mean for g in some) for some in by_target.values())
    seeds = {g.seeds for some in by_target.values() for g in some}
    low = high = None
    if len(seeds) == 1 and None not in (same := next(iter(seeds))):
        each = [_mean(_mean(g.differences[i] for g in some) for some in by_target.values()) for i, _ in enumerate(same)]
        over = paired_t(each)
        low, high = over.low, over.high
    return LanguageMean(
        value=value,
        low=low,
        high=high,
        targets=tuple(sorted(by_target)),
        cells=sum(map(len, by_target.values())),
        seeds=len(next(iter(seeds))) if len(seeds) == 1 else 0,
    )


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return math.fsum(every) / len(every)


# --- what the pages show ----------------------------------------------------------------------------------------------


class BestRecipe(View):
    """The largest gain of a language. It was picked for being the largest of ``of``: the next seeds will mostly give less."""

    recipe: str
    target: str
    gain: float
    low: float | None
    high: float | None
    n: int = Field(description="seeds")
    verdict: Verdict
    of: int = Field(description="cells that it is the largest of")


class LanguageRow(View):
    """One language with one model: where it is measured, and what intermediate tasks are worth in it."""

    code: str
    targets: list[str] = Field(description="tasks of the benchmark that have it")
    gain: float | None = Field(description="mean over recipes, then targets, by each target's headline metric")
    low: float | None = Field(description="95 % interval over seeds, where all cells have the same seeds")
    high: float | None
    k: int = Field(description="targets in the mean, of n")
    n: int
    cells: int = Field(description="recipe × target cells in the mean")
    seeds: int = Field(description="0 where cells differ in theirs")
    missing: Missing | None = Field(description="why there is no mean; null where there is one")
    why_missing: str | None
    best: BestRecipe | None
    runs: int = Field(description="evaluate runs with a score in this language that count, baselines included")


class LanguageTable(View):
    source: str
    benchmark: str
    synthetic: bool
    model: str | None = Field(description="whose gains these are; null where nothing was run")
    models: list[str]
    languages: list[LanguageRow] = Field(description="every language of the catalogue, by code")


class LanguageCell(View):
    """One recipe on one target in the language: its gain, or why there is none."""

    recipe: str
    target: str
    metric: str
    missing: Missing | None
    why_missing: str | None
    gain: float | None
    low: float | None
    high: float | None
    q: float | None
    verdict: Verdict | None
    n: int
    baseline: float | None
    treated: float | None
    same_data_twice: bool
    not_zero_shot: bool
    control: bool
    gap_without: float | None = Field(description="English minus the language, points, without the intermediate stage")
    gap_with: float | None
    gap_change: float | None = Field(description="above zero: the gap to English is wider with the intermediate stage")
    gap_low: float | None
    gap_high: float | None


class NearLanguage(View):
    row: LanguageRow
    shares: list[str] = Field(description="branch, family, script: what both have, in words")


class LanguageDetail(View):
    source: str
    benchmark: str
    synthetic: bool
    language: LanguageView
    model: str | None
    models: list[str]
    row: LanguageRow
    cells: list[LanguageCell] = Field(description="by target, then recipe; those without a gain say why")
    near: list[NearLanguage]
