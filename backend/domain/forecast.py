"""What an experiment will take: device-hours, time until done and disk, from what finished runs have taken.

A forecast rests on measurements or does not exist. For each run the nearest measurements are used, and the farther
they are, the wider the band:

1. the same kind of run on the same model and data (another seed, another recipe before it): seconds per unit
2. the same kind and model, other data: seconds per token place
3. the same kind, other models: seconds per FLOP, by the analytic count over non-embedding parameters
4. any run on this device class: seconds per FLOP
5. where nothing was measured on the class: the analytic FLOPs at a share of the rate that a matrix product had on a live worker
   of it. The share (``ATTAINED``) is assumed and not measured, so its band is the widest, and it is said.

A *unit* is an optimiser step, or an example of an ``evaluate`` run; a *token place* is one position of a batch padded
to its longest allowed length, and an example has as many rows as an encoder reads of it (a question with options one for each of
them). Measurements of another device class never enter. Speeds of the runs of one experiment go together (same machines, same
code), so the ends of the band are sums of ends, not a root of squares.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.domain.experiment import Plan
from backend.domain.experiment import examples as examples_of
from backend.domain.makespan import ends_of
from backend.domain.model import MODELS
from backend.domain.rows import mean_rows, read_rows
from backend.domain.run import DeviceClass, RunKind, RunSpec
from backend.domain.schemas import Band
from backend.domain.tasks import TASKS

DEFAULT_LENGTH = 128  # sub-words of a sentence where no fine-tuning says how long they are (retrieval)
WEIGHT_BYTES = 4  # of a saved parameter; checkpoints are fp32 whatever the precision of the computation
TRAINING_BYTES = 16  # of a parameter in a resumable checkpoint: weights, both Adam moments, best weights so far
PREDICTION_BYTES = 200  # of one stored prediction

#: Half-width, as a factor, below which a band of each tier is not believed, however well the measurements agree.
SPREAD = {1: 1.15, 2: 1.5, 3: 2.0, 4: 3.0}
FEW = 3  # measurements; below, the factor counts twice

POWER_SPREAD = 1.15  # of watts, as SPREAD is of seconds

#: Of a matrix product's rate, what a run as a whole may come to: best, middle, worst. The FLOPs are those of rows at their longest allowed
#: length and most rows are shorter, so it may be more than all. 150 runs of the demo study on two cores came to 1.5 together, medians of its
#: twelve kinds of runs to 0.5 to 1.9, single runs to 0.3 to 4.3. Where large encoders fill a GPU it is about half of what is computed, of
#: rows a quarter to half as long as allowed; small ones there attain a few percent.
ATTAINED = (3.0, 1.0, 0.2)


@dataclass(frozen=True, slots=True)
class Work:
    """How much a run does, in three measures. ``like`` names the data, for *the same work*."""

    kind: RunKind
    model: str
    like: str
    units: float
    places: float
    flops: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A finished run: what it did and what it took, in seconds."""

    work: Work
    device_class: DeviceClass
    wall_seconds: float
    device_seconds: float  # wall × share of the device
    joules: float | None = None  # of the whole device while it ran; None: not measured


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a matrix product attains on a live worker, in FLOP/s of one slot, and the share of the device that a slot has."""

    flops_per_second: float
    share: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """``device_hours`` is None where nothing was measured, ``hours_until_done`` also where no worker is alive.
    ``rests_on`` says in words which of the two holds and why."""

    device_hours: Band | None
    hours_until_done: Band | None
    disk_bytes: int
    rests_on: str
    energy_kwh: Band | None = None  # None where no finished run of this class of device reported it: never zero
    energy_from: str = ""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)  # of each run that is not done yet
    ends: tuple[
        Mapping[str, float], ...
    ] = ()  # seconds until each of them is done: low, median, high; nothing without a worker


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of one run as (low, median, high), and the tier they come from."""

    wall: tuple[float, float, float]
    device: tuple[float, float, float]
    tier: int
    joules: tuple[float, float, float] | None = None  # None: no run of this class of device reported any


def work(spec: RunSpec, *, model: str, steps: int, examples: int) -> Work:
    """The work of one run.

    Args:
        spec: what it computes.
        model: its name in the catalogue.
        steps: optimiser steps; 0 for ``evaluate``.
        examples: test examples of an ``evaluate`` run, over all its languages.

    Raises:
        KeyError: the model is not in the catalogue.
    """
    parameters = MODELS[model].parameters_non_embedding
    length = spec.training.max_length if spec.training else DEFAULT_LENGTH
    like = "+".join(dict.fromkeys(d.task for d in spec.data))
    if spec.kind is RunKind.EVALUATE:
        units = float(examples)
        places = units * mean_rows(spec) * length
        return Work(spec.kind, model, like, units, places, 2.0 * parameters * places)
    units = float(steps)
    places = units * (spec.training.batch_size if spec.training else 1) * mean_rows(spec) * length
    if spec.oracle is not None:  # an evaluation costs a third of the training of as many places: 2·N·D, not 6·N·D
        like = f"{like}, oracle {spec.oracle[0].task} in {'+'.join(spec.languages)}"
        places += oracle_examples(spec) * read_rows(TASKS[spec.oracle[0].task]) * length / 3
    return Work(spec.kind, model, like, units, places, 6.0 * parameters * places)


def oracle_examples(spec: RunSpec) -> int:
    """Examples that oracle selection reads at most: development data at each checkpoint, test data wherever these got better."""
    if spec.oracle is None or spec.training is None:
        return 0
    each = sum(examples_of(TASKS[data.task], data.split, data.source) for data in spec.oracle)
    return min(spec.training.evaluations, spec.training.steps or spec.training.evaluations) * len(spec.languages) * each


def oracle_in_words(plan: Plan, to_do: Collection[str]) -> str | None:
    """What oracle selection costs and which targets have none; None where it is not asked for."""
    looking = [run for run in plan.runs.values() if run.spec.oracle is not None]
    if not looking:
        return None
    new = [run for run in plan.runs.values() if run.fingerprint in to_do]
    read = sum(oracle_examples(run.spec) for run in new)
    found = [work(r.spec, model=r.model, steps=r.steps, examples=r.examples) for r in new]
    plain = [r.spec.model_copy(update={"oracle": None}) for r in new]
    without = [work(s, model=r.model, steps=r.steps, examples=r.examples) for s, r in zip(plain, new, strict=True)]
    total = sum(w.flops for w in found)
    share = 100 * (total - sum(w.flops for w in without)) / total if total else 0.0
    targets = dict.fromkeys(run.spec.oracle[0].task for run in looking if run.spec.oracle)
    rest = dict.fromkeys(c.target for c in plan.cells if c.target not in targets)
    runs = sum(run.spec.oracle is not None for run in new)
    said = f"Oracle selection on {', '.join(targets)}: "
    said += (
        f"{runs} fine-tune {'run evaluates' if runs == 1 else 'runs evaluate'} up to {read:,} examples more, about {share:.0f} % of "
        "the work of this experiment. Such a fine-tune is a run of its own, for one target."
        if runs
        else "every fine-tune with it exists already."
    )
    return said + (f" None on {', '.join(rest)}: no development data in their languages." if rest else "")


def forecast(
    plan: Plan,
    *,
    to_do: Collection[str],
    unfinished: Collection[str],
    measured: Iterable[Measured],
    device: DeviceClass,
    slots: int,
    calibrated: Collection[Calibrated] = (),
) -> Forecast:
    """Forecast an experiment that has not been submitted.

    Args:
        plan: its graph of runs.
        to_do: fingerprints that it would create; these cost.
        unfinished: fingerprints that must end before it is done: ``to_do`` and what others have under way.
        measured: finished runs; those of another device class are ignored.
        device: the device class asked for.
        slots: runs that the live workers of this class can run at a time.
        calibrated: of these workers, what a matrix product attains, for where nothing was measured.
    """
    rates = Rates((m for m in measured if m.device_class is device), calibrated)
    estimates: dict[str, Estimate] = {}
    unknown = False
    for fingerprint in plan.runs:
        if fingerprint in to_do or fingerprint in unfinished:
            run = plan.runs[fingerprint]
            found = rates.estimate(work(run.spec, model=run.model, steps=run.steps, examples=run.examples))
            if found is None:
                unknown = True
            else:
                estimates[fingerprint] = found
    disk = disk_bytes(plan, to_do, slots)
    if unknown:
        words = f"Nothing has been measured on {device.value} yet: the first finished runs make a forecast possible."
        return Forecast(None, None, disk, words, None, _no_energy(device))

    def band(values: Sequence[float]) -> Band:
        low, median, high = (value / 3600 for value in values)
        return Band(low=low, median=median, high=high)

    device_hours = band([sum(estimates[f].device[i] for f in to_do) for i in range(3)])
    words = _words(Counter(estimates[f].tier for f in to_do))
    energy, energy_words = _energy([estimates[f].joules for f in to_do], rates, device)
    if slots < 1:
        words += f" No worker for {device.value} is alive, so there is no end time."
        none = None if unfinished else band((0.0, 0.0, 0.0))
        return Forecast(device_hours, none, disk, words, energy, energy_words, estimates)
    parents = {f: tuple(p for p in plan.runs[f].spec.parents if p in estimates) for f in estimates}
    devices = {f: plan.runs[f].spec.devices for f in estimates}  # each does its part of the work at the same time
    ends = tuple(
        ends_of({f: e.wall[i] / devices[f] for f, e in estimates.items()}, parents, slots, devices) for i in range(3)
    )
    words += f" The end time counts {slots} {'slot' if slots == 1 else 'slots'} and nothing else in the queue."
    until = band([max(each.values(), default=0.0) for each in ends])
    return Forecast(device_hours, until, disk, words, energy, energy_words, estimates, ends)


def _energy(
    joules: Sequence[tuple[float, float, float] | None], rates: Rates, device: DeviceClass
) -> tuple[Band | None, str]:
    """Kilowatt-hours of all runs to do, and what they rest on. One that is not known makes the sum unknown."""
    known = [each for each in joules if each is not None]
    if not joules:
        return None, "Energy: nothing to compute."
    if len(known) < len(joules):
        return None, _no_energy(device)
    low, median, high = (sum(each[i] for each in known) / 3.6e6 for i in range(3))
    runs = len(rates.watts[()])
    return Band(low=low, median=median, high=high), (
        f"Energy: device time at the power that {runs} finished {'run' if runs == 1 else 'runs'} on {device.value} drew, that of "
        "the same kind and model where there is one; of the device alone, without its host."
    )


def _no_energy(device: DeviceClass) -> str:
    return f"Energy: not measured. No finished run on {device.value} has reported any."


#: What each tier rests on, in words.
RESTS_ON: Mapping[int, str] = {
    1: "from finished runs of the same work",
    2: "from other data on the same model",
    3: "scaled by FLOPs from other models",
    4: "scaled by FLOPs from other kinds of runs",
}

#: The same, of an estimate that rests on no finished run at all.
ASSUMED = (
    f"by analytic FLOPs of rows as long as allowed, of which most are shorter: at an assumed {ATTAINED[1]:g} times ({ATTAINED[2]:g} to "
    f"{ATTAINED[0]:g}) the rate that a matrix product has on the workers there are, as nothing was measured on this class of device yet"
)
SAID: Mapping[int, str] = {**RESTS_ON, 5: ASSUMED}


def _words(tiers: Mapping[int, int]) -> str:
    total = sum(tiers.values())
    if not total:
        return "Every run exists already: nothing to compute."
    parts = [f"{tiers[tier]} {SAID[tier]}" for tier in sorted(tiers)]
    return f"Forecast of {total} {'run' if total == 1 else 'runs'}: {', '.join(parts)}."


def disk_bytes(plan: Plan, to_do: Collection[str], slots: int) -> int:
    """Bytes the experiment will keep, and at its peak the resumable checkpoints of the runs in training."""
    kept = 0
    training: list[int] = []
    for fingerprint in to_do:
        run = plan.runs[fingerprint]
        if run.spec.kind is RunKind.EVALUATE:
            kept += PREDICTION_BYTES * run.examples
        else:
            parameters = MODELS[run.model].parameters
            kept += WEIGHT_BYTES * parameters
            training.append(TRAINING_BYTES * parameters)
    return kept + sum(heapq.nlargest(max(1, slots), training))


class Rates:
    """Seconds per unit, per place and per FLOP of the finished runs, grouped by the first four tiers; and the watts of those that
    reported their energy."""

    def __init__(self, measured: Iterable[Measured] = (), calibrated: Collection[Calibrated] = ()) -> None:
        self.groups: defaultdict[tuple[int, tuple[str, ...]], list[tuple[float, float]]] = defaultdict(list)
        self.watts: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        self.calibrated = [c for c in calibrated if c.flops_per_second > 0]
        for m in measured:
            self.add(m)

    def add(self, m: Measured) -> None:
        """One more that has ended; of one device class all of them."""
        for tier, key, amount in _tiers(m.work):
            if amount > 0:
                self.groups[tier, key].append((m.wall_seconds / amount, m.device_seconds / amount))
        if (
            m.joules is not None and m.wall_seconds > 0
        ):  # several runs on one device each report all of it: not by their share
            for kind_of in _kinds(m.work):
                self.watts[kind_of].append(m.joules / m.wall_seconds)

    def estimate(self, of: Work) -> Estimate | None:
        """From the nearest tier that has measurements, else from what a matrix product attains; None where there is neither."""
        for tier, key, amount in _tiers(of):
            rows = self.groups.get((tier, key))
            if rows:
                factor = SPREAD[tier] ** (2 if len(rows) < FEW else 1)
                wall = _spread([row[0] for row in rows], factor)
                device = _times(_spread([row[1] for row in rows], factor), amount)
                return Estimate(_times(wall, amount), device, tier, self._joules(of, device))
        if not self.calibrated:
            return None
        middle = quantile([c.flops_per_second for c in self.calibrated], 0.5)
        share = quantile([c.share for c in self.calibrated], 0.5)
        wall = _three([of.flops / (attained * middle) for attained in ATTAINED])
        device = _times(wall, share)
        return Estimate(wall, device, 5, self._joules(of, device))

    def _joules(self, of: Work, device_seconds: tuple[float, float, float]) -> tuple[float, float, float] | None:
        """Device time at the power of runs of the same kind and model, else of the kind, else of any."""
        for key in _kinds(of):
            if found := self.watts.get(key):
                watts = _spread(found, POWER_SPREAD ** (2 if len(found) < FEW else 1))
                return _three([seconds * each for seconds, each in zip(device_seconds, watts, strict=True)])
        return None


def _kinds(w: Work) -> tuple[tuple[str, ...], ...]:
    return (w.kind.value, w.model), (w.kind.value,), ()


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    low, middle, high = values
    return low, middle, high


def _times(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _tiers(w: Work) -> tuple[tuple[int, tuple[str, ...], float], ...]:
    kind = w.kind.value
    return (
        (1, (kind, w.model, w.like), w.units),
        (2, (kind, w.model), w.places),
        (3, (kind,), w.flops),
        (4, (), w.flops),
    )


def _spread(rates: Sequence[float], factor: float) -> tuple[float, float, float]:
    """10 %, 50 % and 90 % of the rates, the ends at least ``factor`` away from the middle."""
    middle = quantile(rates, 0.5)
    return min(quantile(rates, 0.1), middle / factor), middle, max(quantile(rates, 0.9), middle * factor)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies, linear between order statistics.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("values must not be empty")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
