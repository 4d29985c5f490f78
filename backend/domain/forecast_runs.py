"""A forecast run by run, for people: what each run will take, and when the last of its kind is done.

Runs that are alike but for their seed are one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from backend.domain.experiment import Plan, PlannedRun
from backend.domain.fitting import need
from backend.domain.forecast import SAID, Estimate, Forecast
from backend.domain.run import RunKind
from backend.domain.schemas import Band, RunForecast

MOST = 200  # lines; those that take longest


def by_run(plan: Plan, to_do: Collection[str], found: Forecast) -> list[RunForecast]:
    """Of the runs to do, in the order of their kinds; the ``MOST`` that take longest where there are more."""
    alike: defaultdict[tuple[RunKind, str, str, str | None], list[str]] = defaultdict(list)
    for fingerprint, run in plan.runs.items():
        if fingerprint in to_do:
            alike[run.spec.kind, run.model, run.recipe, run.target].append(fingerprint)
    lines = [_line([plan.runs[f] for f in same], found) for same in alike.values()]
    if len(lines) > MOST:
        lines = sorted(lines, key=lambda line: -line.runs * (line.device_hours.median if line.device_hours else 0.0))[
            :MOST
        ]
    order = list(RunKind)
    return sorted(lines, key=lambda line: (order.index(line.kind), line.model, line.recipe or "", line.target or ""))


def _line(runs: Sequence[PlannedRun], found: Forecast) -> RunForecast:
    first = runs[0]
    estimate = found.estimates.get(first.fingerprint) if found.device_hours is not None else None
    names = [run.fingerprint for run in runs]
    ends = [max(each[name] for name in names) for each in found.ends]
    return RunForecast(
        kind=first.spec.kind,
        model=first.model,
        recipe=first.recipe,
        target=first.target,
        runs=len(runs),
        device_hours=None if estimate is None else _band([seconds / 3600 for seconds in estimate.device]),
        energy_kwh=_energy(estimate),
        memory_bytes=need(first).whole.total,
        done_after_hours=_band([seconds / 3600 for seconds in ends]) if ends else None,
        rests_on=None if estimate is None else SAID[estimate.tier],
    )


def _energy(estimate: Estimate | None) -> Band | None:
    return None if estimate is None or estimate.joules is None else _band([j / 3.6e6 for j in estimate.joules])


def _band(values: Sequence[float]) -> Band:
    low, median, high = values
    return Band(low=low, median=median, high=high)
