"""What has been learnt so far from one benchmark: verdicts, pairs of recipe and target, what it cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import func, select
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import MIN_SEEDS, Mean, Verdict
from backend.domain.run import DeviceClass, RunState
from backend.domain.schemas import Overview, PairView
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import NotFound
from backend.store import trained
from backend.store.costs import Cost, Costs
from backend.store.measured import evaluations
from backend.store.reasons import NONE
from backend.store.recipes import is_control, place
from backend.store.tables import experiment, run
from backend.store.tradeoff import Series, offered, series


def overview(session: Session, *, source: Source, model: str | None = None, target: str | None = None) -> Overview:
    """One screen about a benchmark, by each target's headline metric.

    Model and target narrow down cells and pairs; what was spent and what there is to choose from is the benchmark's.

    Raises:
        NotFound: this benchmark has no runs yet.
    """
    asked = session.execute(
        select(run.c.model, run.c.recipe, run.c.target).where(*evaluations(source=source)).distinct()
    ).all()
    if not asked:
        raise NotFound(f"There are no runs of {BENCHMARKS[source]} (source {source.value}) yet.")
    here = evaluations(source=source, model=model, target=target)
    found = series(session, source=source, model=model, target=target)
    costs = Costs(session, here)
    learnt = trained.by_settings(session, source)
    pairs = [pair for pair in (_pair(each, costs, learnt) for each in found) if pair is not None]
    verdicts = Counter(g.verdict for each in found for g in each.cells)
    measured: defaultdict[str, set[str]] = defaultdict(set)
    for each in found:
        measured[each.target].update(each.asked)
    possible = sum(
        len(measured[t] | set(offered(t, source)))
        for m, r, t in asked
        if r != NONE and model in (None, m) and (t == target or (target is None and not _is_diagnostic(t)))
    )
    headline = [p for p in pairs if not p.same_data_twice and not p.not_zero_shot and not is_control(p.recipe)]
    seconds, done = _spent(session, source)
    return Overview(
        source=source.value,
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        verdicts={v: verdicts[v] for v in Verdict},
        cells=verdicts.total(),
        cells_possible=possible,
        best=max(headline, key=lambda p: p.gain, default=None),
        best_per_hour=_best_per_hour(headline),
        pairs=pairs,
        models=sorted({m for m, _, _ in asked}),
        recipes=sorted({r for _, r, _ in asked} - {NONE}, key=place),
        targets=sorted({t for _, _, t in asked}),
        device_hours={device: s / 3600 for device, s in seconds.items()},
        runs_done=done,
        experiments=session.scalars(
            select(func.count()).select_from(experiment).where(experiment.c.source == source.value)
        ).one(),
    )


def _pair(each: Series, costs: Costs, learnt: trained.Trained) -> PairView | None:
    """None where the mean is over no language, or nobody knows what it cost."""
    mean = each.mean_transfer()
    cost = costs.of({id for g in each.cells for id in g.runs})
    if mean.value is None or cost is None:
        return None
    seeds = min(g.n for g in each.cells if g.language in mean.languages)
    return PairView(
        model=each.model,
        recipe=each.recipe,
        target=each.target,
        metric=each.metric,
        gain=mean.value,
        low=mean.low,
        high=mean.high,
        k=mean.k,
        n=mean.n,
        seeds=seeds,
        verdict=_verdict(mean, seeds),
        device_class=cost.device_class,
        device_hours_marginal=cost.marginal_hours,
        gain_per_device_hour=_per_hour(mean.value, cost),
        same_data_twice=same_data_twice(each.recipe, each.target),
        not_zero_shot=each.not_zero_shot(learnt),
    )


def _verdict(mean: Mean, seeds: int) -> Verdict | None:
    """Of a mean, by its interval over seeds: one mean at a time, not corrected for the others."""
    if seeds < MIN_SEEDS:
        return Verdict.TOO_FEW
    if mean.low is None or mean.high is None:
        return None
    return Verdict.HELPS if mean.low > 0 else Verdict.HURTS if mean.high < 0 else Verdict.NO_EVIDENCE


def _per_hour(gain: float, cost: Cost) -> float | None:
    return gain / cost.marginal_hours if gain > 0 and cost.marginal_hours > 0 else None


def _is_diagnostic(target: str) -> bool:
    return target in TASKS and TASKS[target].diagnostic


def _best_per_hour(pairs: Iterable[PairView]) -> PairView | None:
    """Of the class of device that most pairs ran on: an hour of a CPU is not compared with one of a GPU."""
    worth = [p for p in pairs if p.gain_per_device_hour is not None]
    classes = Counter(p.device_class for p in worth)
    most = max(classes, key=lambda c: (classes[c], c.value), default=None)
    return max((p for p in worth if p.device_class is most), key=lambda p: p.gain_per_device_hour or 0, default=None)


def _spent(session: Session, source: Source) -> tuple[dict[DeviceClass, float], int]:
    """Device-seconds of the benchmark's done runs by class of device, and how many those are."""
    rows = session.execute(
        select(run.c.device_class, func.sum(run.c.device_seconds), func.count())
        .where(run.c.source == source.value, run.c.state == RunState.DONE.value)
        .group_by(run.c.device_class)
    ).all()
    return {DeviceClass(device): seconds for device, seconds, _ in rows}, sum(count for _, _, count in rows)
