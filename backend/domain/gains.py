"""Gains: what an intermediate stage is worth. Computed here and nowhere else, never stored.

::

    Measurement ──> gains() ──> Gain (a cell) ──> mean_all, mean_transfer ──> mean_over_targets
         └──> unmatched(): why a score has no gain    (over languages)

Scores, differences, standard deviations and intervals are **points** (0 to 100); p and q probabilities.

A **gain** is treated minus baseline with the same model, target, language, metric, seed and settings. No
baseline, no gain: never zero. Of an error rate it is baseline minus treated: above zero always means better.

**Test.** Paired t over seeds, from three seeds on; the exact sign-flip test stands beside it. **Family** of
the Benjamini–Hochberg correction: all recipe × language cells of one model, target and metric. So give
:func:`gains` everything there is and filter what it returns: a filter must not change a q. **Interval**:
95 %, one cell at a time, not corrected for the family.

**Equal differences.** When all seeds differ by the same amount (scores of few examples move in coarse
steps; an untouched task moves not at all), the t statistic is infinite or undefined and its p of zero would
be an artefact. Then ``sd`` is 0, there is no interval and no detectable gain, and the test falls back on
the one that needs no variance: ``p_t`` is the sign-flip p, 2/2ⁿ (1 when nothing changed). Three to five
equal seeds are never a finding.

Everything is deterministic and independent of the order of the input.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from backend.domain.language import ENGLISH
from backend.domain.metrics.checklist import lower_is_better

ALPHA = 0.05  # two-sided; for q it is the false discovery rate
POWER = 0.80
MIN_SEEDS = 3  # below, no test and no verdict
MAX_SIGN_FLIP = 30  # differences; above, no sign-flip p is given (no Monte Carlo: exact or absent)
RESOLUTION = 1e-9  # points; smaller differences are rounding error of binary fractions, not results


class Verdict(StrEnum):
    """The words beside the colour. No evidence is not evidence of no effect: see ``Gain.detectable``."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_EVIDENCE = "no evidence"
    TOO_FEW = "too few seeds"


class Missing(StrEnum):
    """Why a cell has no gain."""

    NOT_APPLICABLE = "not_applicable"  # the target has no data in the language, or the recipe does not fit it
    NOT_RUN = "not_run"
    FAILED = "failed"
    WITHHELD = "withheld"  # test labels are not public


class Unmatchable(StrEnum):
    """Why a treated score found no baseline."""

    NO_BASELINE = "no baseline run"
    OTHER_SETTINGS = "other settings"  # a baseline ran, but not with these settings
    OTHER_SEED = "other seed"  # a baseline ran with these settings, but not with this seed


@dataclass(frozen=True, slots=True)
class Measurement:
    """One score with what it must be matched on.

    ``seed`` is None where nothing was trained (retrieval without an intermediate stage): it matches every
    seed. ``settings`` is a digest of fine-tune settings, precision, engine version and data: equal or not
    comparable.

    Raises:
        ValueError: ``value`` is not finite, or ``n`` is below 1.
    """

    model: str
    recipe: str
    target: str
    language: str
    metric: str
    seed: int | None
    value: float  # points
    n: int  # examples scored
    settings: str
    run: int  # id of the evaluate run

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"value must be finite, not {self.value!r} (run {self.run}, {self.language})")
        if self.n < 1:
            raise ValueError(f"n must be at least 1, not {self.n!r} (run {self.run}, {self.language})")


@dataclass(frozen=True, slots=True)
class Gain:
    """One cell: the gain of a recipe on a target in a language, over the seeds that found a baseline.

    ``differences``, ``seeds``, both lists of scores, ``runs`` and ``baseline_runs`` are parallel, in order of
    the seeds (None first). The one exception: a treated run without a seed is compared with the mean of all
    baselines when only seeded ones exist; then ``baseline_runs`` holds them all. ``n`` counts treated runs.

    ``low`` and ``high`` are None for one seed (a single difference has no spread to judge by) and for equal
    differences; ``p_t``, ``p_sign_flip`` and ``q`` below three seeds; ``p_sign_flip`` above 30;
    ``detectable`` wherever there is no t-test.
    """

    model: str
    recipe: str
    target: str
    language: str
    metric: str
    n: int
    differences: tuple[float, ...]  # points won: treated − baseline; of an error rate baseline − treated
    seeds: tuple[int | None, ...]
    treated_scores: tuple[float, ...]  # of each seed, points
    baseline_scores: tuple[float, ...]  # what each of them was compared with, points
    mean: float  # points
    baseline: float  # mean score of the matched baselines, points
    treated: float  # mean score of the matched treated runs, points
    sd: float | None  # of the differences, n − 1 in the denominator
    low: float | None  # 95 % paired-t interval of the mean
    high: float | None
    p_t: float | None  # two-sided paired t: the primary test
    p_sign_flip: float | None  # exact, two-sided
    q: float | None  # Benjamini–Hochberg within the family
    detectable: float | None  # true gain that this n and sd would find 4 times out of 5, points
    verdict: Verdict
    same_data_twice: bool  # intermediate and target stage train on one data set
    runs: tuple[int, ...]
    baseline_runs: tuple[int, ...]
    examples: int  # fewest examples behind any score of the cell
    settings: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A treated score without a gain, and why."""

    model: str
    recipe: str
    target: str
    language: str
    metric: str
    seed: int | None
    settings: str
    run: int
    reason: Unmatchable


# --- matching ------------------------------------------------------------------------------------------

_Key = tuple[str, str, str, str, str, str]  # of a cell: model, recipe, target, metric, language, settings
_Seeds = dict[int | None, Measurement]
_Place = tuple[str, str, str, str]  # model, target, language, metric
_Baselines = Mapping[_Place, Mapping[str, _Seeds]]  # → settings → seed
_Pairing = tuple[Measurement, tuple[Measurement, ...]]  # treated, what it is compared with


def gains(
    measurements: Iterable[Measurement],
    *,
    baseline: str = "none",
    same_data: Callable[[str, str], bool],
) -> list[Gain]:
    """Every gain in the measurements, sorted by model, recipe, target, metric, language and settings.

    Args:
        measurements: all of them, of any models, recipes and targets (see *Family* above). Equal keys,
            which experiments sharing runs produce, count once: the lowest run id is taken.
        baseline: the recipe that gains are measured against.
        same_data: tells for a recipe and a target whether both train on the same data set.

    Results with different settings are never pooled: a cell that was run under two settings gives two gains
    (:func:`one_per_cell` chooses). A recipe is not compared with itself. A treated seed takes the baseline
    of that seed, else the one without a seed.

    Raises:
        ValueError: one run holds two different values for the same score.
    """
    treated, baselines = _sort_out(measurements, baseline)
    found = []
    for key in sorted(treated):
        model, _, target, metric, language, settings = key
        by_seed = baselines.get((model, target, language, metric), {}).get(settings)
        if by_seed:
            pairs = [(m, matched) for m in _in_order(treated[key]) if (matched := _baselines_of(m, by_seed))]
            if pairs:
                found.append(_compared(key, pairs))
    twice = {pair: same_data(*pair) for pair in {(cell.key[1], cell.key[2]) for cell in found}}
    return [_gain(cell, q, twice[cell.key[1], cell.key[2]]) for cell, q in zip(found, _corrected(found), strict=True)]


def unmatched(measurements: Iterable[Measurement], *, baseline: str = "none") -> list[Unmatched]:
    """The treated scores for which :func:`gains` finds no baseline, with the reason, in the same order.

    Where neither settings nor seed agree, the reason is the settings.

    Raises:
        ValueError: as :func:`gains`.
    """
    treated, baselines = _sort_out(measurements, baseline)
    found = []
    for key in sorted(treated):
        model, recipe, target, metric, language, settings = key
        at = baselines.get((model, target, language, metric))
        if not at:
            reason = Unmatchable.NO_BASELINE
        else:
            reason = Unmatchable.OTHER_SEED if settings in at else Unmatchable.OTHER_SETTINGS
        for m in _in_order(treated[key]):
            if not _baselines_of(m, (at or {}).get(settings, {})):
                found.append(Unmatched(model, recipe, target, language, metric, m.seed, settings, m.run, reason))
    return found


def one_per_cell(gains: Iterable[Gain]) -> list[Gain]:
    """One gain for each (model, recipe, target, metric, language), for where only one can be shown.

    Of a cell that was run under several settings: the one with the most seeds, then with the latest run.
    The choice is made by seeds and runs alone, never by the result.
    """
    best: dict[tuple[str, ...], Gain] = {}
    for g in gains:
        key = (g.model, g.recipe, g.target, g.metric, g.language)
        if key not in best or _preference(g) > _preference(best[key]):
            best[key] = g
    return [best[key] for key in sorted(best)]


def _preference(gain: Gain) -> tuple[int, int, str]:
    return gain.n, max(gain.runs), gain.settings


def of_one_setting(scores: Iterable[Measurement]) -> list[Measurement]:
    """Of the scores of one cell those that one mean may be over: of the settings with most seeds, then with the latest run, one
    of each seed, that of the lowest run."""
    by_settings: defaultdict[str, dict[int | None, Measurement]] = defaultdict(dict)
    for m in scores:
        had = by_settings[m.settings].get(m.seed)
        if had is None or m.run < had.run:
            by_settings[m.settings][m.seed] = m
    if not by_settings:
        return []
    best = max(
        by_settings, key=lambda name: (len(by_settings[name]), max(m.run for m in by_settings[name].values()), name)
    )
    return sorted(by_settings[best].values(), key=lambda m: _seed_order(m.seed))


def _seed_order(seed: int | None) -> tuple[bool, int]:
    return seed is not None, seed or 0


def _sort_out(
    measurements: Iterable[Measurement], baseline: str
) -> tuple[dict[_Key, _Seeds], dict[_Place, dict[str, _Seeds]]]:
    """Treated measurements by cell and seed, and the baselines by place, settings and seed."""
    cells: dict[_Key, _Seeds] = {}
    contradicted: dict[tuple[_Key, int | None], Measurement] = {}
    for m in measurements:
        key = m.model, m.recipe, m.target, m.metric, m.language, m.settings
        seeds = cells.get(key)
        if seeds is None:
            seeds = cells[key] = {}
        other = seeds.get(m.seed)
        if other is None:
            seeds[m.seed] = m
        elif m.run < other.run:
            seeds[m.seed] = m
            contradicted.pop((key, m.seed), None)
        elif m.run == other.run and (m.value, m.n) != (other.value, other.n):
            contradicted[key, m.seed] = m
    for m in contradicted.values():
        raise ValueError(f"value: run {m.run} holds two for {m.metric} in {m.language}, {m.value!r} is one")
    treated: dict[_Key, _Seeds] = {}
    places: defaultdict[_Place, dict[str, _Seeds]] = defaultdict(dict)
    for key, seeds in cells.items():
        model, recipe, target, metric, language, settings = key
        if recipe == baseline:
            places[model, target, language, metric][settings] = seeds
        else:
            treated[key] = seeds
    return treated, places


def _in_order(seeds: _Seeds) -> list[Measurement]:
    return [seeds[seed] for seed in (sorted(seeds, key=_seed_order) if len(seeds) > 1 else seeds)]


def _baselines_of(m: Measurement, by_seed: _Seeds) -> tuple[Measurement, ...]:
    """What ``m`` is compared with: one baseline; several if ``m`` has no seed and they have; or none."""
    if m.seed in by_seed:
        return (by_seed[m.seed],)
    if m.seed is None:
        return tuple(_in_order(by_seed))
    return (by_seed[None],) if None in by_seed else ()


@dataclass(slots=True)
class _Compared:
    """One cell before the correction for its family."""

    key: _Key
    pairs: Sequence[_Pairing]
    before: tuple[float, ...]  # what each of the pairs is compared with, points
    differences: tuple[float, ...]
    t: PairedT


def _compared(key: _Key, pairs: Sequence[_Pairing]) -> _Compared:
    before = tuple([of[0].value if len(of) == 1 else _mean([b.value for b in of]) for _, of in pairs])
    sign = -1.0 if lower_is_better(key[3]) else 1.0
    differences = tuple([sign * (m.value - b) for (m, _), b in zip(pairs, before, strict=True)])
    return _Compared(key, pairs, before, differences, paired_t(differences))


def _corrected(found: Sequence[_Compared]) -> list[float | None]:
    """The q of each, family by family; None where there is no test: that is no hypothesis."""
    families: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, cell in enumerate(found):
        if cell.t.p is not None:
            model, _, target, metric, _, _ = cell.key
            families[model, target, metric].append(i)
    corrected: list[float | None] = [None] * len(found)
    for places in families.values():
        tested = [p for i in places if (p := found[i].t.p) is not None]
        for i, q in zip(places, benjamini_hochberg(tested), strict=True):
            corrected[i] = q
    return corrected


def _gain(cell: _Compared, q: float | None, same_data_twice: bool) -> Gain:
    model, recipe, target, metric, language, settings = cell.key
    pairs, differences, t = cell.pairs, cell.differences, cell.t
    n = len(differences)
    tested = n >= MIN_SEEDS
    verdict = Verdict.NO_EVIDENCE if tested else Verdict.TOO_FEW
    if q is not None and q < ALPHA:
        verdict = Verdict.HELPS if t.mean > 0 else Verdict.HURTS
    scores = tuple([m.value for m, _ in pairs])
    return Gain(
        model=model,
        recipe=recipe,
        target=target,
        language=language,
        metric=metric,
        n=n,
        differences=differences,
        seeds=tuple([m.seed for m, _ in pairs]),
        treated_scores=scores,
        baseline_scores=cell.before,
        mean=t.mean,
        baseline=_mean(cell.before),
        treated=_mean(scores),
        sd=t.sd,
        low=t.low,
        high=t.high,
        p_t=t.p,
        p_sign_flip=sign_flip(differences) if tested and n <= MAX_SIGN_FLIP else None,
        q=q,
        detectable=minimum_detectable(t.sd, n) if tested and t.sd else None,
        verdict=verdict,
        same_data_twice=same_data_twice,
        runs=tuple([m.run for m, _ in pairs]),
        baseline_runs=tuple([b.run for _, matched in pairs for b in matched]),
        examples=min([m.n for m, _ in pairs] + [b.n for _, matched in pairs for b in matched]),
        settings=settings,
    )


# --- tests and intervals --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairedT:
    """Mean and spread of differences; None where the module's rules give no answer."""

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    p: float | None


def paired_t(differences: Sequence[float]) -> PairedT:
    """Student's paired t-test of the differences against zero, and the 95 % interval of their mean.

    ``sd`` has n − 1 in its denominator; t = mean / (sd / √n) with n − 1 degrees of freedom; the interval is
    mean ± t₀.₉₇₅ · sd / √n. One difference: mean only. Two: no p. Equal differences: see the module.

    Raises:
        ValueError: there are no differences, or one is not finite.
    """
    n = len(differences)
    mean = _mean(differences)
    if n == 1:
        return PairedT(mean, None, None, None, None)
    sd = math.sqrt(math.fsum([(d - mean) ** 2 for d in differences]) / (n - 1))
    if sd < RESOLUTION:
        p = _sign_flip_of_equals(mean, n) if n >= MIN_SEEDS else None
        return PairedT(mean, 0.0, None, None, p)
    error = sd / math.sqrt(n)
    half = student_t_quantile(1 - ALPHA, n - 1) * error
    p = student_t_tails(mean / error, n - 1) if n >= MIN_SEEDS else None
    return PairedT(mean, sd, mean - half, mean + half, p)


def student_t_tails(t: float, df: int) -> float:
    """P(|T| ≥ |t|) for Student's t with ``df`` degrees of freedom.

    One minus the finite series of Abramowitz and Stegun (1964), 26.7.3 (odd) and 26.7.4 (even degrees of
    freedom), exact for integers. Absolute error below 1e-12, so smaller results mean "below 1e-12".

    Raises:
        ValueError: ``df`` is below 1, or ``t`` is not a number.
    """
    if df < 1:
        raise ValueError(f"df must be at least 1, not {df!r}")
    if math.isnan(t):
        raise ValueError("t must be a number, not nan")
    return max(0.0, 1 - _within(math.atan(abs(t) / math.sqrt(df)), df))


@lru_cache(maxsize=1024)
def student_t_quantile(coverage: float, df: int) -> float:
    """The t with P(|T| ≤ t) = ``coverage``: 0.95 gives the 97.5 % point. Bisection on the angle of 26.7.3–4.

    Raises:
        ValueError: ``coverage`` is not between 0 and 1 (exclusive), or ``df`` is below 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, not {coverage!r}")
    if df < 1:
        raise ValueError(f"df must be at least 1, not {df!r}")
    angle = _bisect(lambda a: _within(a, df) < coverage, 0.0, math.pi / 2)
    return math.sqrt(df) * math.tan(angle)


def _within(angle: float, df: int) -> float:
    """P(|T| ≤ t) with t = √df · tan(angle): Abramowitz and Stegun 26.7.3 (odd df) and 26.7.4 (even df)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = df % 2
    if df == 1:
        return 2 * angle / math.pi
    term = total = cosine if odd else 1.0
    for k in range(2 + odd, df - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def sign_flip(differences: Sequence[float]) -> float:
    """Exact two-sided sign-flip p of the differences.

    Fisher's randomisation test of paired differences: the share of all 2ⁿ sign assignments whose sum is at
    least as far from zero as the sum seen. Counted without listing all 2ⁿ: the sums of either half are
    listed and meet in the middle (Horowitz and Sahni 1974), so 30 differences take 2 · 2¹⁵ sums. Sums that
    differ by rounding error are equal.

    Raises:
        ValueError: there are no differences, more than 30, or one is not finite.
    """
    n = len(differences)
    if n > MAX_SIGN_FLIP:
        raise ValueError(f"differences: the exact sign-flip test takes at most {MAX_SIGN_FLIP}, not {n}")
    far = abs(_mean(differences)) * n - n * RESOLUTION
    if far <= 0:
        return 1.0
    left, right = _signed_sums(differences[: n // 2]), sorted(_signed_sums(differences[n // 2 :]))
    upper = sum(len(right) - bisect_left(right, far - partial) for partial in left)
    return math.ldexp(upper, 1 - n)  # 2 · upper / 2ⁿ: the lower tail mirrors the upper one


def _signed_sums(differences: Sequence[float]) -> list[float]:
    sums = [0.0]
    for d in differences:
        sums = [s + d for s in sums] + [s - d for s in sums]
    return sums


def _sign_flip_of_equals(mean: float, n: int) -> float:
    return 1.0 if abs(mean) < RESOLUTION else reachable(n)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (q) in the order given: the step-up procedure of Benjamini and Hochberg (1995).

    q of the i-th smallest of m is the least p₍ⱼ₎ · m / j over j ≥ i, at most 1. Rejecting q < 0.05 keeps
    the expected share of false findings among the findings at 5 %, for independent or positively dependent
    tests.

    Raises:
        ValueError: a p lies outside 0 to 1.
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"p_values must lie between 0 and 1, not {p!r}")
    m = len(p_values)
    adjusted = [0.0] * m
    least = 1.0
    ascending = sorted(range(m), key=lambda i: p_values[i])
    for rank in range(m, 0, -1):
        i = ascending[rank - 1]
        least = min(least, p_values[i] * m / rank)
        adjusted[i] = least
    return adjusted


# --- what seeds can show --------------------------------------------------------------------------------


def minimum_detectable(sd: float, n: int) -> float:
    """The true gain, in the unit of ``sd``, that a paired t-test (two-sided, 5 %) finds with 80 % power.

    ``sd`` is that of the differences between seeds, taken as known; the power is that of the noncentral t.
    For one cell on its own: the correction for a family asks for more.

    Raises:
        ValueError: ``sd`` is negative or not finite, or ``n`` is below 3.
    """
    if not (math.isfinite(sd) and sd >= 0):
        raise ValueError(f"sd must be finite and not negative, not {sd!r}")
    if n < MIN_SEEDS:
        raise ValueError(f"n must be at least {MIN_SEEDS}, not {n!r}")
    return sd * _detectable_shift(n - 1) / math.sqrt(n)


@lru_cache(maxsize=1024)
def _detectable_shift(df: int) -> float:
    """Noncentrality, in standard errors, at which a t-test with ``df`` degrees of freedom has 80 % power."""
    critical = student_t_quantile(1 - ALPHA, df)
    return _bisect(lambda shift: _power(shift, critical, df) < POWER, 0.0, 4 * critical)


def _power(shift: float, critical: float, df: int) -> float:
    """P(|T| ≥ critical) for the noncentral t: normal tails beyond critical · s, averaged over s = χ/√df."""
    spread = 12 / math.sqrt(2 * df)  # s has a standard deviation of about 1/√(2 df)
    start, stop = max(0.0, 1 - spread), 1 + spread
    intervals = 200  # Simpson; even
    log_scale = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    terms = []
    for i in range(intervals + 1):
        s = start + (stop - start) * i / intervals
        if s == 0:
            continue  # the density is zero there from two degrees of freedom on
        density = math.exp(log_scale + (df - 1) * math.log(s) - df * s * s / 2)
        beyond = _normal_below(shift - critical * s) + _normal_below(-shift - critical * s)
        terms.append((1 if i in (0, intervals) else 4 if i % 2 else 2) * density * beyond)
    return math.fsum(terms) * (stop - start) / intervals / 3


def _normal_below(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def reachable(n: int) -> float:
    """The smallest p the exact two-sided sign-flip test can give with ``n`` differences: 2/2ⁿ.

    Raises:
        ValueError: ``n`` is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n!r}")
    return math.ldexp(1.0, 1 - n)


def what_seeds_can_show(n: int) -> str:
    """What ``n`` seeds can and cannot show, in plain words for the form.

    Raises:
        ValueError: ``n`` is below 1.
    """
    least = reachable(n)
    if n == 1:
        return "One seed shows a difference, not whether it is noise: no interval, no test."
    if n < MIN_SEEDS:
        return "2 seeds give a very wide interval and no test: verdicts start at 3 seeds."
    shown = f"{least:.4g}".removeprefix("0")
    if least >= ALPHA:
        tests = f"paired t can reach p < .05; the exact sign-flip test cannot go below {shown}"
    elif least >= 0.001:
        tests = f"paired t can reach p < .05, and so can the exact sign-flip test (down to {shown})"
    else:
        tests = "paired t can reach p < .05, and so can the exact sign-flip test (to below .001)"
    times = f"{minimum_detectable(1.0, n):.1f} times the spread between seeds"
    return (
        f"{n} seeds: {tests}. A gain of {times} would be found 4 times out of 5 in a single cell; "
        "many cells at once ask for more."
    )


# --- means: languages first, then targets ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean gain over languages, with "k of n languages" beside it.

    ``low`` and ``high`` are the 95 % paired-t interval of the per-seed means ``per_seed``, which exist only
    when all cells have the same seeds; otherwise, for fewer than two seeds and for equal means they are
    None. The languages are taken as given: the interval speaks of new seeds, not of new languages.
    """

    name: str  # "mean_all" (English included) or "mean_transfer" (without)
    value: float | None  # points; None when k is 0
    k: int  # languages averaged
    n: int  # languages asked for
    low: float | None
    high: float | None
    languages: tuple[str, ...]  # the k, in the order asked
    seeds: tuple[int | None, ...]  # common to all cells; empty when cells differ
    per_seed: tuple[float, ...]  # mean over languages of each of these seeds, points

    @property
    def support(self) -> str:
        """``12 of 15 languages``."""
        return f"{self.k} of {self.n} languages"

    @property
    def with_english(self) -> float | None:
        """The value where English is in it; else None: the languages that are left would be called what they are not."""
        return self.value if ENGLISH in self.languages else None


@dataclass(frozen=True, slots=True)
class TargetMean:
    """A mean over targets of the means over their languages, with "k of n targets" beside it.

    The interval follows the rule of :class:`Mean`.
    """

    name: str  # "mean_all" or "mean_transfer"
    value: float | None  # points; None when k is 0
    k: int  # targets averaged
    n: int  # targets asked for, less those left out
    low: float | None
    high: float | None
    targets: tuple[str, ...]  # the k, in the order asked
    left_out: tuple[str, ...]  # same data twice
    seeds: tuple[int | None, ...]
    per_seed: tuple[float, ...]
    means: Mapping[str, Mean]  # of every target asked for, those left out included

    @property
    def support(self) -> str:
        """``5 of 7 targets``."""
        return f"{self.k} of {self.n} targets"


def common_support(gains: Iterable[Gain], languages: Iterable[str]) -> tuple[str, ...]:
    """Of ``languages``, in their order, those in which every model and recipe among ``gains`` has a gain.

    Means that stand side by side are over these, so that they differ by the recipe and not by the
    languages. A recipe without any gain is not among ``gains`` and does not empty the support.

    Raises:
        ValueError: the gains are of more than one target or metric.
    """
    series: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    targets = set()
    for g in gains:
        targets.add((g.target, g.metric))
        series[g.model, g.recipe].add(g.language)
    if len(targets) > 1:
        raise ValueError(f"gains must be of one target and metric, not {len(targets)}")
    if not series:
        return ()
    common = set.intersection(*series.values())
    return tuple(code for code in dict.fromkeys(languages) if code in common)


def mean_over_languages(
    gains: Iterable[Gain],
    languages: Iterable[str],
    *,
    include_english: bool,
    support: Collection[str] | None = None,
) -> Mean:
    """Mean of the cell gains of one model, recipe, target and metric, every language weighing the same.

    Args:
        gains: those cells; languages not asked for are ignored.
        languages: those asked for, usually the target's: the n of "k of n".
        include_english: False leaves English out, of n too.
        support: average only these (:func:`common_support` of the rows shown together); None: all that have
            a gain.

    Raises:
        ValueError: the gains are of several models, recipes, targets or metrics, or a language has two (run
            under two settings: take :func:`one_per_cell` first).
    """
    given = list(gains)
    series = {(g.model, g.recipe, g.target, g.metric) for g in given}
    if len(series) > 1:
        raise ValueError(f"gains must be of one model, recipe, target and metric, not {len(series)}")
    cells = {g.language: g for g in given}
    if len(cells) < len(given):
        raise ValueError("gains has two cells for one language: choose with one_per_cell first")
    asked = [code for code in dict.fromkeys(languages) if include_english or code != ENGLISH]
    used = [code for code in asked if code in cells and (support is None or code in support)]
    seeds, per_seed = _by_seed([(cells[code].seeds, cells[code].differences) for code in used])
    t = paired_t(per_seed) if per_seed else None
    return Mean(
        name="mean_all" if include_english else "mean_transfer",
        value=_mean([cells[code].mean for code in used]) if used else None,
        k=len(used),
        n=len(asked),
        low=t.low if t else None,
        high=t.high if t else None,
        languages=tuple(used),
        seeds=seeds,
        per_seed=per_seed,
    )


def mean_all(
    gains: Iterable[Gain],
    languages: Iterable[str],
    *,
    support: Collection[str] | None = None,
) -> Mean:
    """:func:`mean_over_languages`, English included."""
    return mean_over_languages(gains, languages, include_english=True, support=support)


def mean_transfer(
    gains: Iterable[Gain],
    languages: Iterable[str],
    *,
    support: Collection[str] | None = None,
) -> Mean:
    """:func:`mean_over_languages` without English: zero-shot transfer alone."""
    return mean_over_languages(gains, languages, include_english=False, support=support)


def mean_over_targets(
    gains: Iterable[Gain],
    languages: Mapping[str, Iterable[str]],
    *,
    include_english: bool,
    include_same_data: bool = False,
    support: Mapping[str, Collection[str]] | None = None,
) -> TargetMean:
    """Mean over targets, each weighing the same, of the means over languages of one model and recipe.

    Languages first, then targets, as XTREME does (google-research/xtreme, ``evaluate.py``).

    Args:
        gains: of one model and recipe, one metric for each target; targets not asked for are ignored.
        languages: target → its languages: the targets asked for, in order.
        include_english: as in :func:`mean_over_languages`.
        include_same_data: also average targets whose training set the recipe has already used. The headline
            mean leaves them out and names them.
        support: target → languages to average; None or an absent target: all that have a gain.

    Raises:
        ValueError: the gains are of several models or recipes, a target has several metrics, or a language
            of a target has two gains.
    """
    by_target: defaultdict[str, list[Gain]] = defaultdict(list)
    series = set()
    for g in gains:
        if g.target in languages:
            by_target[g.target].append(g)
            series.add((g.model, g.recipe))
    if len(series) > 1:
        raise ValueError(f"gains must be of one model and recipe, not {len(series)}")
    means = {}
    for target, codes in languages.items():
        only = None if support is None else support.get(target)
        cells = by_target[target]
        means[target] = mean_over_languages(cells, codes, include_english=include_english, support=only)
    twice = {target for target, cells in by_target.items() if any(g.same_data_twice for g in cells)}
    left_out = () if include_same_data else tuple(target for target in languages if target in twice)
    values = {t: m.value for t, m in means.items() if t not in left_out and m.value is not None}
    seeds, per_seed = _by_seed([(means[t].seeds, means[t].per_seed) for t in values])
    interval = paired_t(per_seed) if per_seed else None
    return TargetMean(
        name="mean_all" if include_english else "mean_transfer",
        value=_mean(list(values.values())) if values else None,
        k=len(values),
        n=len(languages) - len(left_out),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        targets=tuple(values),
        left_out=left_out,
        seeds=seeds,
        per_seed=per_seed,
        means=means,
    )


def _by_seed(
    rows: Sequence[tuple[tuple[int | None, ...], tuple[float, ...]]],
) -> tuple[tuple[int | None, ...], tuple[float, ...]]:
    """Seeds and the mean of the rows at each of them, when all rows have the same seeds; else nothing."""
    if len({seeds for seeds, _ in rows}) != 1:
        return (), ()
    return rows[0][0], tuple(_mean(column) for column in zip(*(values for _, values in rows), strict=True))


# --- arithmetic ------------------------------------------------------------------------------------------


def _mean(values: Sequence[float]) -> float:
    """Arithmetic mean, exactly summed, so that the order of the values does not matter."""
    if not values:
        raise ValueError("differences must not be empty")
    try:
        total = math.fsum(values)
    except ValueError:  # infinities of either sign
        total = math.nan
    if not math.isfinite(total):  # no sum with one that is not is finite
        for value in values:
            if not math.isfinite(value):
                raise ValueError(f"differences must be finite, not {value!r}")
    return total / len(values)


def _bisect(below: Callable[[float], bool], low: float, high: float) -> float:
    """Where ``below`` turns from True to False, to the last bit."""
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if below(middle):
            low = middle
        else:
            high = middle
