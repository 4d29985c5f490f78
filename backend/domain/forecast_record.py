"""How good forecasts were: each finished run is forecast again from what had ended when it began, and held against what it took.

Nothing of what came later enters, so this is what a reader would have been told at that moment (prequential evaluation: Dawid
1984, *Statistical theory: the prequential approach*). It needs nothing that was written down at the time, and so covers old runs.
Runs that began before anything had been measured had no forecast; they are counted as such and are in no error.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.domain.forecast import RESTS_ON, Measured, Rates, quantile
from backend.domain.run import DeviceClass, RunKind

#: What the ends of a band are at least: the 10 % and 90 % quantiles of earlier runs (``forecast._spread``).
NOMINAL = 0.8
ENOUGH = 5  # runs, below which nothing is said of how good forecasts are


@dataclass(frozen=True, slots=True)
class Past:
    """A finished run and when it ran."""

    run: int
    measured: Measured
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """A run beside its forecast, in device-seconds; ``tier`` is what it rested on (``RESTS_ON``)."""

    run: int
    kind: RunKind
    tier: int
    low: float
    median: float
    high: float
    took: float

    @property
    def error(self) -> float:
        """|forecast − took| / took."""
        return abs(self.median - self.took) / self.took

    @property
    def inside(self) -> bool:
        return self.low <= self.took <= self.high


@dataclass(frozen=True, slots=True)
class Record:
    """Of some runs: how many had a forecast, the median of their errors and the share inside the band; None where none had one."""

    name: str
    runs: int
    without: int
    error: float | None
    coverage: float | None

    def said(self) -> str:
        """In one sentence."""
        if self.error is None or self.coverage is None or self.runs < ENOUGH:
            return "Too few runs have ended to say how good such forecasts are."
        return (
            f"Of {self.runs} finished runs, forecast from what had ended when each began, the median error was "
            f"{100 * self.error:.0f} % and {100 * self.coverage:.0f} % took what the band said."
        )


def replay(past: Iterable[Past]) -> tuple[list[Checked], list[Past]]:
    """Every run beside the forecast of the moment in which it began, by device class; and those that had none."""
    checked: list[Checked] = []
    without: list[Past] = []
    by_class: defaultdict[DeviceClass, list[Past]] = defaultdict(list)
    for each in past:
        by_class[each.measured.device_class].append(each)
    for of_class in by_class.values():
        rates = Rates()
        ended: list[tuple[datetime, int, Measured]] = []  # what is under way, by when it ends
        for each in sorted(of_class, key=lambda p: (p.began, p.run)):
            while ended and ended[0][0] <= each.began:
                rates.add(heapq.heappop(ended)[2])
            found = rates.estimate(each.measured.work)
            if found is None or each.measured.device_seconds <= 0:
                without.append(each)
            else:
                low, median, high = found.device
                kind = each.measured.work.kind
                checked.append(Checked(each.run, kind, found.tier, low, median, high, each.measured.device_seconds))
            heapq.heappush(ended, (each.ended, each.run, each.measured))
    return checked, without


def record(name: str, checked: Sequence[Checked], without: int = 0) -> Record:
    """The record of these runs."""
    if not checked:
        return Record(name, 0, without, None, None)
    error = quantile([c.error for c in checked], 0.5)
    return Record(name, len(checked), without, error, sum(c.inside for c in checked) / len(checked))


def records(checked: Sequence[Checked], without: Sequence[Past]) -> tuple[Record, list[Record]]:
    """The record of all, and those by what the forecast rested on and by kind of run."""

    def split(name: Callable[[Checked], str]) -> list[Record]:
        groups: defaultdict[str, list[Checked]] = defaultdict(list)
        for each in checked:
            groups[name(each)].append(each)
        return [record(key, group) for key, group in groups.items()]

    tiers = sorted(split(lambda c: RESTS_ON[c.tier]), key=lambda r: list(RESTS_ON.values()).index(r.name))
    kinds = sorted(split(lambda c: c.kind.value), key=lambda r: [k.value for k in RunKind].index(r.name))
    return record("all", checked, len(without)), [*tiers, *kinds]
