"""What a grid costs naive and shared, before anything is computed.

*Naive* is how a grid costs where every pair of a recipe and a target, of a model and a seed, is trained from the base model by itself:
its own intermediate stages, its own fine-tune, its own evaluation. The baseline, ``none``, is one of the recipes. *Shared* is
the plan's own graph, in which equal fingerprints are one run. Pretraining is done once on either side: a pair starts from the base
model, whoever made it. So is an evaluation without any training, which no seed changes.

FLOPs are the analytic ones of a forecast (``forecast.work``), of rows padded to their longest allowed length. Whatever makes a run
itself cheaper is in neither: the ratio says what sharing saves, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from backend.domain.experiment import Plan
from backend.domain.forecast import Calibrated, Estimate, Measured, Rates, Work, work
from backend.domain.run import DeviceClass, RunKind
from backend.domain.schemas import GridCost, StageCost

ALL = "all"


@dataclass(frozen=True, slots=True)
class Price:
    """Of one run. ``hours`` are device-hours; None: there is nothing to forecast them from."""

    flops: float
    hours: float | None


def grid_cost(
    plan: Plan,
    *,
    done: Collection[str] = (),
    measured: Iterable[Measured] = (),
    device: DeviceClass,
    calibrated: Collection[Calibrated] = (),
) -> GridCost:
    """The cost of a plan by kind of run.

    Args:
        plan: the graph of runs.
        done: fingerprints of runs that are done and would be reused.
        measured: finished runs to forecast from; those of another device class are ignored.
        device: the device class asked for.
        calibrated: of its live workers, what a matrix product attains, as for a forecast.
    """
    prices = _prices(plan, Rates((m for m in measured if m.device_class is device), calibrated))
    alone = times_alone(plan)
    kinds = [kind for kind in RunKind if any(run.spec.kind is kind for run in plan.runs.values())]
    stages = [
        _stage(kind.value, {f: p for f, p in prices.items() if plan.runs[f].spec.kind is kind}, alone, done)
        for kind in kinds
    ]
    whole = _stage(ALL, prices, alone, done)
    ratio = whole.shared_flops / whole.naive_flops if whole.naive_flops else None
    hours = whole.shared_hours / whole.naive_hours if whole.shared_hours and whole.naive_hours else None
    return GridCost(stages=stages, all=whole, ratio=ratio, ratio_hours=hours, said=_said(whole, ratio, hours))


def times_alone(plan: Plan) -> Mapping[str, int]:
    """How often each run of the plan is done where every pair is computed by itself."""
    found: Counter[str] = Counter()
    pairs = {
        (cell.model, cell.recipe, cell.target, plan.runs[cell.evaluate].spec.seed): cell.evaluate
        for cell in plan.cells
        if cell.evaluate is not None
    }
    for last in pairs.values():
        found.update(_chain(plan, last))
    return {f: 1 if plan.runs[f].spec.kind is RunKind.PRETRAIN else times for f, times in found.items()}


def _chain(plan: Plan, last: str) -> set[str]:
    """A run and all that it starts from."""
    return {last}.union(*(_chain(plan, parent) for parent in plan.runs[last].spec.parents))


def _prices(plan: Plan, rates: Rates) -> dict[str, Price]:
    known: dict[Work, Estimate | None] = {}  # seeds and recipes repeat the same work
    found: dict[str, Price] = {}
    for fingerprint, run in plan.runs.items():
        of = work(run.spec, model=run.model, steps=run.steps, examples=run.examples)
        if of not in known:
            known[of] = rates.estimate(of)
        estimate = known[of]
        hours = None if estimate is None else estimate.device[1] / 3600
        found[fingerprint] = Price(of.flops, hours)
    return found


def _stage(name: str, prices: Mapping[str, Price], alone: Mapping[str, int], done: Collection[str]) -> StageCost:
    def hours(times: Mapping[str, int]) -> float | None:
        each = [(prices[f].hours, n) for f, n in times.items() if n]
        return None if any(h is None for h, _ in each) else sum((h or 0.0) * n for h, n in each)

    def flops(times: Mapping[str, int]) -> float:
        return sum(prices[f].flops * n for f, n in times.items())

    naive = {f: alone.get(f, 0) for f in prices}
    shared = dict.fromkeys(prices, 1)
    reused = {f: 1 for f in prices if f in done}
    return StageCost(
        stage=name,
        naive_runs=sum(naive.values()), shared_runs=len(shared), reused_runs=len(reused),
        naive_flops=flops(naive), shared_flops=flops(shared), reused_flops=flops(reused),
        naive_hours=hours(naive), shared_hours=hours(shared), reused_hours=hours(reused),
    )  # fmt: skip


def _said(whole: StageCost, ratio: float | None, hours: float | None) -> str:
    if ratio is None:
        return "Nothing is to be computed."
    said = (
        f"Shared, this grid costs {ratio:.2f} of what it costs with every pair by itself: "
        f"{whole.shared_flops:.2g} FLOPs for {whole.naive_flops:.2g}"
    )
    if hours is not None and whole.shared_hours is not None and whole.naive_hours is not None:
        said += f", or by forecast {whole.shared_hours:.2g} device-hours for {whole.naive_hours:.2g} ({hours:.2f})"
    done = whole.reused_flops / whole.shared_flops
    return f"{said}. {100 * done:.0f} % of the shared work is done already." if whole.reused_runs else f"{said}."
