"""What has been learnt so far, in words no stronger than the data. Pure: an ``Overview`` in, sentences and numbers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from backend.domain.gains import MIN_SEEDS, Verdict
from backend.domain.model import MODELS
from backend.domain.recipe import RecipeKind
from backend.domain.run import DeviceClass
from backend.domain.schemas import Overview, PairView
from dashboard import links, words
from dashboard.look import count, gain, hours, interval

HEADLINES = {
    Verdict.HELPS: "helps",
    Verdict.HURTS: "hurts",
    Verdict.NO_EVIDENCE: "no evidence",
    Verdict.TOO_FEW: "too few seeds",
}


def answer(seen: Overview) -> str:
    """Does an intermediate task help? One sentence."""
    if not seen.cells:
        return "Nothing can be said yet: a gain needs a baseline and one recipe, both evaluated in the same language."
    helps, hurts, none, few = (seen.verdicts.get(v, 0) for v in Verdict)
    tested = helps + hurts + none
    if not tested:
        return f"Too early to say: {_all(few, 'cell')} fewer than the three seeds that a test needs."
    tail = f"; {few:,} more {'has' if few == 1 else 'have'} fewer than three seeds" if few else ""
    tested_words = f"{count(tested, 'tested cell')}"
    if not helps and not hurts:
        return f"No effect has been found in {tested_words}, which does not show that there is none{tail}."
    if not hurts:
        return (
            f"In {helps} of {tested_words} an intermediate task helps; in the other {none} there is no evidence{tail}."
        )
    if not helps:
        return (
            f"In {hurts} of {tested_words} an intermediate task hurts; in the other {none} there is no evidence{tail}."
        )
    return f"Of {tested_words}, an intermediate task helps in {helps} and hurts in {hurts}; in {none} there is no evidence{tail}."


def _all(n: int, one: str) -> str:
    return f"the only {one} has" if n == 1 else f"all {n:,} {one}s have"


def by_size(seen: Overview) -> str | None:
    """The smallest and the largest model over the pairs that both have: an observation, and said to be one."""
    by_model: dict[str, dict[tuple[str, str], float]] = {}
    for pair in headline(seen.pairs):
        by_model.setdefault(pair.model, {})[pair.recipe, pair.target] = pair.gain
    known = sorted((m for m in by_model if m in MODELS), key=lambda m: MODELS[m].parameters_non_embedding)
    if len(known) < 2:
        return None
    small, large = known[0], known[-1]
    both = sorted(by_model[small].keys() & by_model[large].keys())
    if not both:
        return None
    first, last = (sum(by_model[m][pair] for pair in both) / len(both) for m in (small, large))
    return (
        f"By size: over the {count(len(both), 'pair')} of recipe and target that both have, the mean gain is {gain(first)} with "
        f"{words.model_title(small)} and {gain(last)} with {words.model_title(large)}. Not tested."
    )


def headline(pairs: Iterable[PairView]) -> list[PairView]:
    """Those that count: same data twice and controls left out."""
    return [p for p in pairs if not p.same_data_twice and not p.not_zero_shot and not is_control(p.recipe)]


def best(seen: Overview) -> PairView | None:
    """The largest mean gain that three seeds stand behind; where none has three, the largest there is."""
    tested = [p for p in headline(seen.pairs) if p.seeds >= MIN_SEEDS]
    return max(tested, key=lambda p: p.gain, default=seen.best)


def best_per_hour(seen: Overview) -> PairView | None:
    """The same per device-hour, of the class of device that the store compares."""
    worth = seen.best_per_hour
    if worth is None:
        return None
    tested = [
        p
        for p in headline(seen.pairs)
        if p.seeds >= MIN_SEEDS and p.device_class is worth.device_class and p.gain_per_device_hour is not None
    ]
    return max(tested, key=lambda p: p.gain_per_device_hour or 0.0, default=worth)


def is_control(recipe: str) -> bool:
    kind = recipe.partition(":")[0]
    return kind in (RecipeKind.CONTROL_TARGET.value, RecipeKind.CONTROL_MLM.value)


def pair_title(pair: PairView) -> str:
    """``mnli → XCOPA``."""
    return f"{pair.recipe} → {words.task_title(pair.target)}"


def pair_gain(pair: PairView) -> str:
    return interval(pair.gain, pair.low, pair.high)


def pair_support(pair: PairView) -> str:
    """``mean over 8 of 9 languages · n=3 · helps``."""
    said = [f"mean over {pair.k} of {count(pair.n, 'language')}", words.seeds(pair.seeds)]
    if pair.verdict is not None:
        said.append(pair.verdict.value)
    return " · ".join(said)


def per_hour(pair: PairView) -> str:
    unit = "GPU-hour" if pair.device_class is DeviceClass.CUDA else f"device-hour ({pair.device_class.value})"
    value = pair.gain_per_device_hour or 0.0
    text = f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
    return f"+{text} points per {unit}"


def spent(seen: Overview) -> list[str]:
    """``0.42 h`` of each class of device: GPU-hours are a GPU's alone."""
    names = {DeviceClass.CUDA: "GPU-hours", DeviceClass.CPU: "device-hours (cpu)"}
    return [
        f"{hours(value)} {'of a GPU' if device is DeviceClass.CUDA else f'of a device ({device.value})'}"
        if value < 1
        else f"{value:,.1f} {names.get(device, f'device-hours ({device.value})')}"
        for device, value in sorted(seen.device_hours.items(), key=lambda item: item[0].value)
    ]


def model_of(seen: Overview, asked: str | None) -> str | None:
    """The model whose pairs are shown: the one asked for, else that of most pairs, the larger one of two."""
    if asked in seen.models:
        return asked
    counts = Counter(p.model for p in seen.pairs)
    by_size = {m: MODELS[m].parameters_non_embedding if m in MODELS else 0 for m in seen.models}
    return max(seen.models, key=lambda m: (counts[m], by_size[m], m), default=None)


def where(seen: Overview, verdict: Verdict) -> str:
    """The address where cells of a verdict are to be seen: the strongest pair for it."""
    pairs = headline(seen.pairs) or seen.pairs
    some = [p for p in pairs if p.verdict is verdict] or pairs
    if not some:
        return links.Explore(source=_source(seen)).address
    chosen = min(some, key=lambda p: p.gain) if verdict is Verdict.HURTS else max(some, key=lambda p: p.gain)
    return explore(seen, chosen)


def explore(seen: Overview, pair: PairView) -> str:
    """Where a pair's languages are to be seen."""
    return links.Explore(model=pair.model, target=pair.target, metric=pair.metric, source=_source(seen)).address


def _source(seen: Overview) -> links.Source:
    return "hub" if seen.source == "hub" else "files" if seen.source == "files" else "mini"
