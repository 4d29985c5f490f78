"""What is said of a gain besides its size: relative to the baseline, against English, won and lost.

**Relative transfer gain** (Vu et al. 2020, arXiv 2005.00770): g(s → t) = (p(s → t) − p(t)) / p(t), here in percent, of the mean
scores over seeds. Of an error rate it is the share of errors that are gone.

**Zero-shot gap** (Hu et al. 2020, XTREME, arXiv 2003.11080): the English score minus the score in another language, with the
same model. An intermediate stage that lifts English alone widens it: the change of the gap is the English gain minus the
language's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.domain.gains import Gain, PairedT, Verdict, paired_t
from backend.statistics.table import Table


def relative_gain(treated: float, baseline: float, *, lower_is_better: bool = False) -> float:
    """In percent of the baseline: above zero is better, of an error rate too.

    Raises:
        ValueError: a score is not finite, or the baseline is not above zero: there is nothing to be relative to.
    """
    if not (math.isfinite(treated) and math.isfinite(baseline)):
        raise ValueError(f"scores must be finite, not {treated!r} and {baseline!r}")
    if baseline <= 0:
        raise ValueError(f"a gain is relative to a baseline above zero, not to {baseline!r}")
    share = 100 * (treated - baseline) / baseline
    return -share if lower_is_better else share


@dataclass(frozen=True, slots=True)
class Gap:
    """English minus a language, points: without the recipe, with it, and the change with its interval over seeds."""

    without: float
    treated: float
    change: PairedT
    seeds: tuple[int | None, ...]


def zero_shot_gap(english: Gain, other: Gain) -> Gap | None:
    """Over the seeds that both languages have; None where they share none.

    Raises:
        ValueError: the two are not of one model, recipe, target, metric and settings.
    """
    same = ("model", "recipe", "target", "metric", "settings")
    if any(getattr(english, name) != getattr(other, name) for name in same):
        raise ValueError("a gap is between two languages of one model, recipe, target, metric and settings")
    first, second = ({seed: i for i, seed in enumerate(g.seeds)} for g in (english, other))
    seeds = tuple(seed for seed in english.seeds if seed in second)
    if not seeds:
        return None

    def away(of: str) -> list[float]:
        return [getattr(english, of)[first[s]] - getattr(other, of)[second[s]] for s in seeds]

    without, treated = away("baseline_scores"), away("treated_scores")
    change = paired_t([t - b for t, b in zip(treated, without, strict=True)])
    return Gap(math.fsum(without) / len(seeds), math.fsum(treated) / len(seeds), change, seeds)


@dataclass(frozen=True, slots=True)
class Record:
    """Won, tied and lost. They add up to what was compared."""

    won: int
    tied: int
    lost: int


def record_of_units(table: Table, *, lower_is_better: bool = False) -> Record:
    """Test units of a table that score better with the recipe, the same, or worse, on the mean over seeds and languages.

    A unit's own score is that of its own sums: of a mean its mean, of an F1 that of its own chunks.
    """
    scores = table.value(table.sums)  # [seeds, units, languages, 2]
    there = (table.sums != 0).any(axis=(0, 3, 4))  # [units, languages]
    away = (scores[..., 0] - scores[..., 1]).mean(axis=0)
    total = [math.fsum(away[u][there[u]].tolist()) for u in range(len(table.units))]
    better = sum(t > 1e-9 for t in total)
    worse = sum(t < -1e-9 for t in total)
    if lower_is_better:
        better, worse = worse, better
    return Record(better, len(total) - better - worse, worse)


def record_of_cells(gains: Iterable[Gain]) -> tuple[Record, int]:
    """Cells that a recipe wins (*helps*), ties (*no evidence*) and loses (*hurts*), and those with too few seeds to say.

    A tie is no proof of equality; cells without a gain are in none of them, so what is missing is never a tie.
    """
    verdicts: Sequence[Verdict] = [g.verdict for g in gains]
    won, lost = verdicts.count(Verdict.HELPS), verdicts.count(Verdict.HURTS)
    return Record(won, verdicts.count(Verdict.NO_EVIDENCE), lost), verdicts.count(Verdict.TOO_FEW)
