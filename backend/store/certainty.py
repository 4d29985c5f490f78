"""How sure a gain is: what its seeds say, and what the stored predictions of its runs add.

What is computed from predictions a process keeps, by the fingerprints of the runs and the digests of what they left; nothing
else can change it. A reason why there are none is never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from threading import Lock
from typing import Any, TypeVar

from backend.domain.certainty import Certainty, GapView, IntervalView, RankView, RecordView
from backend.domain.gains import Gain, PairedT
from backend.statistics import contrast, ranks, transfer
from backend.statistics.bootstrap import over_examples
from backend.statistics.interval import Interval, Method
from backend.statistics.table import Table, Unusable
from backend.statistics.variance import both
from backend.store.predicted import Chosen, examples, table_of, units_are

KEPT = 512  # answers; each a few hundred numbers
T = TypeVar("T")


class Kept:
    """Answers used last, by what they depend on. Safe to share between threads; two that ask at once may both compute."""

    def __init__(self, most: int = KEPT) -> None:
        self.most = most
        self.found: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self.lock = Lock()

    def get(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        with self.lock:
            if key in self.found:
                self.found.move_to_end(key)
                return self.found[key]  # type: ignore[no-any-return]
        made = make()
        with self.lock:
            self.found[key] = made
            while len(self.found) > self.most:
                self.found.popitem(last=False)
        return made


kept = Kept()


def certainty(chosen: Chosen, root: str) -> Certainty:
    """Everything about one cell or mean.

    Args:
        root: of the artifacts.
    """
    why, from_examples = None, {}
    try:
        from_examples = kept.get(("certainty", *chosen.version), lambda: _from_examples(chosen, root))
    except Unusable as error:
        why = str(error)
    cell = chosen.cells[0] if chosen.mean is None else None
    gain = chosen.mean.value if chosen.mean is not None else chosen.cells[0].mean
    assert gain is not None  # there is at least one cell
    relative = None
    if cell is not None and cell.baseline > 0:
        relative = transfer.relative_gain(cell.treated, cell.baseline, lower_is_better=chosen.lower_is_better)
    empty = dict.fromkeys(
        ("over_examples", "over_both", "examples", "units_are", "from_seeds", "record", "over_relative")
    )
    return Certainty(
        model=chosen.unit.model,
        target=chosen.unit.target,
        metric=chosen.unit.metric,
        recipe=chosen.recipe,
        language=chosen.language,
        gain=gain,
        k=None if chosen.mean is None else chosen.mean.k,
        asked=None if chosen.mean is None else chosen.mean.n,
        seeds=len(_seeds(chosen)),
        over_seeds=_over_seeds(chosen),
        without_predictions=why,
        relative=relative,
        gap=_gap(cell, chosen.english),
        detectable=cell.detectable if cell is not None else None,
        rank=_rank(chosen),
        flags=list(chosen.flags),
        **{**empty, **from_examples},
    )


def _seeds(chosen: Chosen) -> tuple[float, ...]:
    return chosen.mean.per_seed if chosen.mean is not None else chosen.cells[0].differences


def _from_examples(chosen: Chosen, root: str) -> dict[str, Any]:
    found = examples(chosen, root)
    table = table_of(chosen, found)
    less = chosen.lower_is_better
    gain = contrast.gain(table, lower_is_better=less)
    whole, parts = both(table, gain)
    record = transfer.record_of_units(table, lower_is_better=less)
    return {
        "over_examples": view(over_examples(table, gain.mean)),
        "over_both": view(whole),
        "examples": table.examples,
        "units_are": units_are(chosen, found),
        "from_seeds": parts.share if parts is not None else None,
        "record": RecordView(won=record.won, tied=record.tied, lost=record.lost),
        "over_relative": view(over)
        if chosen.mean is None and (over := _relative(table, less=less)) is not None
        else None,
    }


def _relative(table: Table, *, less: bool) -> Interval | None:
    """Of both sources where that can be had, else over examples."""
    if not (table.scores[..., 1].mean() > 0):
        return None
    relative = contrast.Relative(table, lower_is_better=less)
    found, _ = both(table, relative.straight(table))
    if found.low is None or found.high is None:
        return over_examples(table, relative)
    centre = float(relative(table.totals))
    changed = {**asdict(found), "low": found.low + centre, "high": found.high + centre}
    return Interval(**changed)


def view(interval: Interval) -> IntervalView:
    return IntervalView(
        method=interval.method.value,
        low=interval.low,
        high=interval.high,
        refused=interval.refused,
        caution=interval.caution if interval.refused is None else None,
        units=interval.units,
        seeds=interval.seeds,
    )


def of_seeds(t: PairedT, n: int) -> IntervalView:
    """The interval of paired differences, or why there is none."""
    refused = None
    if t.low is None:
        refused = "all seeds differ by exactly the same" if n > 1 else "one seed has no interval"
    caution = None if refused or n > 2 else "two seeds: right in 95 of 100, but so wide that it says little"
    return IntervalView(
        method=Method.SEEDS.value, low=t.low, high=t.high, refused=refused, caution=caution, units=None, seeds=n
    )


def _over_seeds(chosen: Chosen) -> IntervalView:
    if chosen.mean is None:
        cell = chosen.cells[0]
        return of_seeds(PairedT(cell.mean, cell.sd, cell.low, cell.high, cell.p_t), cell.n)
    mean = chosen.mean
    if not mean.per_seed:
        why = "the languages were run with different seeds"
        return IntervalView(
            method=Method.SEEDS.value, low=None, high=None, refused=why, caution=None, units=None, seeds=0
        )
    return of_seeds(PairedT(0.0, None, mean.low, mean.high, None), len(mean.per_seed))


def _gap(cell: Gain | None, english: Gain | None) -> GapView | None:
    if cell is None or english is None or cell.language == english.language or cell.settings != english.settings:
        return None
    found = transfer.zero_shot_gap(english, cell)
    if found is None:
        return None
    interval = of_seeds(found.change, len(found.seeds))
    return GapView(without=found.without, treated=found.treated, change=found.change.mean, interval=interval)


def _rank(chosen: Chosen) -> RankView | None:
    """Among the recipes with a gain in the same languages, the same settings and seeds."""
    languages = [g.language for g in chosen.cells]
    own = {g.language: g for g in chosen.cells}
    values: dict[str, dict[int | None, float]] = {}
    for recipe in {g.recipe for g in chosen.unit.gains}:
        cells = {g.language: g for g in chosen.unit.gains if g.recipe == recipe}
        if any(
            code not in cells or (cells[code].seeds, cells[code].settings) != (own[code].seeds, own[code].settings)
            for code in languages
        ):
            continue  # fmt: skip
        if len({cells[code].seeds for code in languages}) == 1:
            by_seed = zip(*(cells[code].differences for code in languages), strict=True)
            values[recipe] = {
                seed: sum(found) / len(found) for seed, found in zip(own[languages[0]].seeds, by_seed, strict=True)
            }
    found = ranks.stability(values) if chosen.recipe in values else None
    if found is None:
        return None
    return RankView(
        place=found.order.index(chosen.recipe) + 1,
        of=len(found.order),
        best=found.best[chosen.recipe],
        agreement=found.tau,
        seeds=found.seeds,
    )
