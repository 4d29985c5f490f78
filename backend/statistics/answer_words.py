"""What the estimates say, in plain words: the sentence that the data support, what goes with it, what was done, what is missing.

Generated from estimates and intervals alone. A sentence claims a direction only where the interval leaves out zero, "no
difference that matters" only where it lies within the smallest effect of interest, and otherwise says what the data allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.domain.answer import SMALLEST_OF_INTEREST, Effect, SizePoint
from backend.domain.gains import MIN_SEEDS
from backend.statistics.answer import MIN_LANGUAGES, MIN_SIZES
from backend.statistics.reml import SLOPES

MOST_SEEDS = 30  # that are asked for
BENT = 0.05  # p below which the models are said not to lie on a line
TOGETHER = 0.95  # correlation from which size and hours are said to be one thing here
STEP = 1.3  # sizes nearer than this factor are one size to a plan


def signed(value: float) -> str:
    """``+1.42``, ``−0.30``, with a real minus."""
    text = f"{abs(value):.2f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def interval(effect: Effect) -> str:
    """``+1.42 points [0.60, 2.24]``."""
    assert effect.estimate is not None and effect.low is not None and effect.high is not None
    low, high = (signed(v).removeprefix("+") for v in (effect.low, effect.high))
    return f"{signed(effect.estimate)} points [{low}, {high}]"


def size(parameters: float) -> str:
    """``1.1 M``, ``660 k``."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= unit:
            value = parameters / unit
            return f"{value:.0f} {name}" if value >= 10 else f"{value:.2g} {name}"
    return f"{parameters:.0f}"


def sentence(effect: Effect, points: Sequence[SizePoint]) -> str:
    """What model size does, as far as the data say."""
    if effect.estimate is None or effect.low is None or effect.high is None:
        return f"Not enough evidence to say what model size does to the gain of an intermediate task: {effect.why}."
    sizes = sorted(p.parameters_non_embedding for p in points)
    among = f"Among {effect.models} models of {size(sizes[0])} to {size(sizes[-1])} parameters"
    said = f"{interval(effect)} {effect.unit}{_few(effect)}"
    if effect.verdict in ("more", "less"):
        way = "more" if effect.verdict == "more" else "less"
        small = f", though by less than {SMALLEST_OF_INTEREST:g} point" if effect.within_interest else ""
        return f"{among}, an intermediate task is worth {way} to larger ones{small}: {said}."
    if effect.within_interest:
        return (
            f"{among}, size makes no difference that matters to what an intermediate task is worth: {said}, all of it "
            f"within ±{SMALLEST_OF_INTEREST:g} point."
        )
    return (
        f"{among}, there is no evidence that size changes what an intermediate task is worth: {said}. That is not evidence "
        "that it does not."
    )


def also(
    effects: Sequence[Effect], points: Sequence[SizePoint], *, bent: float | None, together: float | None, failed: int,
    synthetic: str | None,
) -> list[str]:  # fmt: skip
    """What must be read with the sentence."""
    known = {(e.name, e.group): e for e in effects}
    main, low, gap = known["size", "all"], known["size", "low"], known.get(("size:low", "low"))
    said = []
    every = [p for p in points if p.group == "all"]
    if len(every) > 1:
        first, last = every[0], every[-1]
        said.append(
            f"Mean gain: {_point(first)} with the smallest model ({first.model}), {_point(last)} with the largest ({last.model})."
        )
    said.append(_low(low))
    if gap is not None and gap.estimate is not None:
        apart = {
            "more": "larger in low-resource languages than in the others",
            "less": "smaller in low-resource languages than in the others",
        }.get(gap.verdict, "not shown to differ between low-resource languages and the others")
        said.append(f"The effect of size is {apart}: {interval(gap)} {gap.unit} between them.")
    hours = known.get(("hours", "all"))
    if hours is not None and hours.estimate is not None:
        way = {"more": "more", "less": "less"}.get(hours.verdict)
        said.append(
            f"Where more device time is spent, an intermediate task is worth {way}: {interval(hours)} {hours.unit}."
            if way
            else f"No evidence that it is worth more or less where more device time is spent: {interval(hours)} {hours.unit}."
        )
        if together is not None and abs(together) >= TOGETHER:
            said.append(
                f"Size and device time go together here (r = {together:.2f} within cells), so these are one finding, not two: "
                "what is large is dear."
            )
    if main.estimate is not None and every:
        factor = every[-1].parameters_non_embedding / every[0].parameters_non_embedding
        if factor < 10:
            said.append(
                f"The largest model has {factor:.1f} times the parameters of the smallest: ten-fold is beyond what was measured, "
                f"and over the range itself the change is {signed(main.estimate * math.log10(factor))} points."
            )
        if bent is not None and bent < BENT:
            said.append(
                f"The models do not lie on a straight line (F-test, p = {bent:.2g}): the line sums up these models and forecasts "
                "no other."
            )
    if failed:
        said.append(f"{_runs(failed)} failed or did not learn: flagged below, and in no number.")
    if synthetic:
        said.append(f"Measured on {synthetic}, a synthetic benchmark: it says nothing about the real one.")
    return said


def _point(p: SizePoint) -> str:
    some = "" if p.cells == p.of else f" (adjusted: it has {p.cells} of {p.of} cells)"
    if p.low is None or p.high is None:
        return f"{signed(p.gain)} points (no interval from {p.seeds} seed{'' if p.seeds == 1 else 's'}){some}"
    low, high = (signed(v).removeprefix("+") for v in (p.low, p.high))
    return f"{signed(p.gain)} points [{low}, {high}]{some}"


def _low(effect: Effect) -> str:
    if effect.estimate is None:
        return f"Low-resource languages alone: not enough evidence, {effect.why}."
    said = f"{interval(effect)} {effect.unit}{_few(effect)}"
    if effect.verdict in ("more", "less"):
        return f"Low-resource languages alone: worth {effect.verdict} to larger models, {said}."
    if effect.within_interest:
        return f"Low-resource languages alone: no difference that matters, {said}."
    return f"Low-resource languages alone: no evidence either way, {said}."


def _few(effect: Effect) -> str:
    """That the languages are too few to stand for others."""
    if effect.languages >= MIN_LANGUAGES:
        return ""
    one = effect.languages == 1
    return f" ({effect.languages} language{'' if one else 's'}, which stand{'s' if one else ''} for no other)"


def _runs(n: int) -> str:
    return f"{n} run{'' if n == 1 else 's'}"


# --- what to run next ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """What would let the data say more: ``sizes`` more models of another size, ``seeds`` of every model in all, or targets
    with low-resource languages."""

    why: str
    sizes: int = 0
    seeds: int = 0
    group: Literal["all", "low"] = "all"


def needs(effects: Sequence[Effect], sizes: int) -> list[Need]:
    """What is missing, the most important first; nothing where the question is answered as far as one can ask.

    Args:
        sizes: how many different sizes have gains.
    """
    known = {(e.name, e.group): e for e in effects}
    main, low = known["size", "all"], known["size", "low"]
    if not main.gains:
        return [Need("There are no gains yet.", sizes=MIN_SIZES, seeds=MIN_SEEDS)]
    if sizes < MIN_SIZES or main.seeds < MIN_SEEDS:
        more, seeds = max(0, MIN_SIZES - sizes), max(MIN_SEEDS, main.seeds)
        return [Need(f"Not enough evidence: {main.why or 'too few seeds'}.", sizes=more, seeds=seeds)]
    found = []
    if main.estimate is None:
        found.append(Need(f"Not enough evidence: {main.why}.", seeds=main.seeds + 1))
    elif main.verdict == "no evidence" and not main.within_interest:
        found.append(_seeds_for(main))
    if not low.gains:
        found.append(Need("There are no gains in low-resource languages.", group="low"))
    elif low.estimate is not None and SLOPES not in low.variances:
        found.append(
            Need(f"Low-resource languages with gains: {low.languages}, too few to stand for others.", group="low")
        )
    return found


def _seeds_for(effect: Effect) -> Need:
    """Seeds that would narrow the interval to the smallest effect of interest, if spreads stay as they are."""
    assert effect.se is not None and effect.high is not None and effect.estimate is not None
    reach = (effect.high - effect.estimate) / effect.se
    fixed = (effect.share_of_languages or 0.0) * effect.se**2
    room = (SMALLEST_OF_INTEREST / reach) ** 2 - fixed
    half = f"±{effect.high - effect.estimate:.2f} points"
    if room <= 0:
        return Need(
            f"The interval is {half} wide, and most of that is how languages differ: more seeds alone cannot narrow it to "
            f"±{SMALLEST_OF_INTEREST:g} point, targets with more languages can.",
            seeds=min(MOST_SEEDS, 2 * effect.seeds),
        )
    wanted = math.ceil(effect.seeds * (effect.se**2 - fixed) / room)
    if wanted > MOST_SEEDS:
        return Need(
            f"The interval is {half} wide; some {wanted} seeds would narrow it to ±{SMALLEST_OF_INTEREST:g} point. Twice as many as "
            "now would say whether that is worth it.",
            seeds=min(MOST_SEEDS, 2 * effect.seeds),
        )
    return Need(
        f"The interval is {half} wide; {wanted} seeds would narrow it to ±{SMALLEST_OF_INTEREST:g} point if spreads stay as they are.",
        seeds=max(wanted, effect.seeds + 1),
    )


METHODS: tuple[str, ...] = (
    "Gains are matched: the score after an intermediate stage minus the score without it, same model, target, language, seed and "
    "settings, in points, by each target's headline metric. Left out: English; pairs that train on the same data twice; compute-matched "
    "controls; cells in a language that was trained in; runs whose training failed or did not learn. A cell without both scores is "
    "missing and counts nowhere.",
    "Size is log10 of the parameters without embeddings. The size effect is the slope of gain on size within one recipe, target and "
    "language (a cell), fitted by REML with crossed random effects of replicates (one model and seed), of replicates "
    "on a target, and of how a language's slope differs from the mean. Cells that only one size has say nothing about size and are "
    "left out of it.",
    "Intervals are 95 %, estimate ± t · standard error, with Satterthwaite's degrees of freedom. They speak of new seeds and new "
    "languages with these models, recipes and targets. Below 3 sizes, 3 seeds of each model, or where the fit is singular or does not "
    "converge, there is no estimate. With fewer than 3 languages these are taken as given.",
    f"The smallest effect of interest is {SMALLEST_OF_INTEREST:g} point per ten-fold: published baselines of one model differ by more. "
    '"No difference that matters" is said only where the whole 95 % interval lies within it, which is stricter than two one-sided tests at 5 %.',
    "Device-hours are marginal: intermediate, fine-tune and evaluate runs of one recipe, target and seed. Hours of different classes of "
    "device are never pooled; one class is looked at. Size and hours are fitted apart, because what is large is dear.",
    "Format, resource level and family are compared on the mean gain of each target and language, adjusted for model and recipe, with "
    "targets and languages as crossed random effects. Each side of a comparison needs two targets (formats) or two languages.",
    "Two effects are primary, size over all languages and over low-resource ones; the rest describes. The table of sensitivity repeats "
    "both without each intermediate task, without each target, and over cells that every model and seed has.",
)
