"""Gains laid out otherwise than recipe by language of one target: means over languages beside each other, and tests of them.

Nothing is pooled here: a cell of ``target × language`` is a cell of that target's own matrix, with its own q. Only means are tested anew,
because they are other hypotheses: their family is all means that stand in one matrix.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.domain.gains import (
    ALPHA,
    MAX_SIGN_FLIP,
    MIN_SEEDS,
    Gain,
    Mean,
    Verdict,
    benjamini_hochberg,
    common_support,
    mean_over_languages,
    minimum_detectable,
    paired_t,
    sign_flip,
)
from backend.domain.language import ENGLISH


@dataclass(frozen=True, slots=True)
class MeanGain:
    """A mean gain of one recipe on one target, with its test over seeds. Without seeds that all its cells share there is no test, and
    ``differences`` is empty: the mean stands alone."""

    mean: Mean
    cells: Sequence[Gain]  # what the mean is over
    p_t: float | None
    p_sign_flip: float | None
    sd: float | None
    detectable: float | None
    q: float | None = None
    verdict: Verdict | None = None

    @property
    def treated(self) -> float:
        """Mean score with the recipe, points."""
        return sum(g.treated for g in self.cells) / len(self.cells)

    @property
    def baseline(self) -> float:
        return sum(g.baseline for g in self.cells) / len(self.cells)


def mean_gains(gains: Iterable[Gain], languages: Mapping[str, Collection[str]]) -> dict[tuple[str, str], MeanGain]:
    """Recipe and target → its mean over the target's languages, of one model's gains, one metric a target.

    Means of one target are over the languages in which every recipe that has any gain there has one, English left out
    unless it is the only one asked for. q is Benjamini–Hochberg's over all means that are returned and have a test.

    Args:
        gains: one for each recipe, target and language (``gains.one_per_cell``).
        languages: target → the languages that are looked at.

    Raises:
        ValueError: as ``gains.mean_over_languages``.
    """
    by_target: dict[str, list[Gain]] = {}
    for g in gains:
        by_target.setdefault(g.target, []).append(g)
    found: dict[tuple[str, str], MeanGain] = {}
    for target, asked in languages.items():
        own = [g for g in by_target.get(target, ()) if g.language in asked]
        support = common_support(own, asked)
        only_english = set(asked) == {ENGLISH}
        for recipe in sorted({g.recipe for g in own}):
            cells = [g for g in own if g.recipe == recipe]
            mean = mean_over_languages(cells, asked, include_english=only_english, support=support)
            if mean.value is not None:
                found[recipe, target] = _tested(mean, [g for g in cells if g.language in mean.languages])
    return _with_q(found)


def _tested(mean: Mean, cells: Sequence[Gain]) -> MeanGain:
    if not mean.per_seed:
        return MeanGain(mean, cells, None, None, None, None)
    t, n = paired_t(mean.per_seed), len(mean.per_seed)
    tested = n >= MIN_SEEDS
    return MeanGain(
        mean,
        cells,
        p_t=t.p,
        p_sign_flip=sign_flip(mean.per_seed) if tested and n <= MAX_SIGN_FLIP else None,
        sd=t.sd,
        detectable=minimum_detectable(t.sd, n) if tested and t.sd else None,
    )


def _with_q(found: Mapping[tuple[str, str], MeanGain]) -> dict[tuple[str, str], MeanGain]:
    family = [(key, m.p_t) for key, m in found.items() if m.p_t is not None]
    q = dict(zip((key for key, _ in family), benjamini_hochberg([p for _, p in family]), strict=True))
    return {key: replace(m, q=q.get(key), verdict=_verdict(m, q.get(key))) for key, m in found.items()}


def _verdict(of: MeanGain, q: float | None) -> Verdict | None:
    if not of.mean.per_seed:
        return None
    if q is None:
        return Verdict.TOO_FEW
    if q >= ALPHA:
        return Verdict.NO_EVIDENCE
    return Verdict.HELPS if (of.mean.value or 0.0) > 0 else Verdict.HURTS


def mean_over_columns(
    values: Mapping[str, Mapping[str, float]], columns: Sequence[str]
) -> dict[str, tuple[float | None, int]]:
    """Row → the mean of its values over the columns in which every row that has any value has one, and how many these are."""
    rows = [set(line) for line in values.values() if line]
    common = [c for c in columns if rows and all(c in line for line in rows)]
    return {
        row: (sum(line[c] for c in common) / len(common) if common and line else None, len(common) if line else 0)
        for row, line in values.items()
    }
