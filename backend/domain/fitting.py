"""Whether the runs of an experiment fit into the memory of the workers there are, and how they will be made to."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.domain.experiment import Plan, PlannedRun
from backend.domain.memory import SCORED, Load, Peak, peak
from backend.domain.model import MODELS, Model
from backend.domain.rows import most_rows
from backend.domain.run import DeviceClass, RunKind
from backend.domain.schemas import MemoryView
from backend.domain.task import WHOLE_BATCH
from backend.domain.tasks import TASKS
from backend.errors import FieldError

WITHOUT_DROPOUT = frozenset({"modernbert", "eurobert"})


@dataclass(frozen=True, slots=True)
class Fitting:
    """``refused``: models no known worker has the memory for, by the field that names them."""

    memory: tuple[MemoryView, ...]
    refused: tuple[FieldError, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """One run's peak: computed as a whole, one item at a time, and so with activation checkpointing. Of a run on several devices it is
    that of one GPU, with its part of the batch, or of all processes on one host.

    ``whole``, ``single`` and ``least`` have all weights on each device, ``divided`` and ``divided_least`` a part: its part of a batch, or one
    item at a time, layers computed twice either way. None where they may not be divided; where they have to be, the first three are the same.
    """

    run: PlannedRun
    whole: Peak
    single: Peak
    least: Peak
    batch: bool  # it cannot be computed in parts
    divided: Peak | None = None
    divided_least: Peak | None = None

    @property
    def smallest(self) -> Peak:
        """What it needs at the least, in whichever way it may be computed."""
        return min((p for p in (self.least, self.divided_least) if p is not None), key=lambda p: p.total)


def need(run: PlannedRun) -> Need:
    """What a run needs. Of a batch that cannot be split one item is all of it.

    Raises:
        KeyError: its model is not in the catalogue.
    """
    model, spec = MODELS[run.model], run.spec
    kinds = {TASKS[data.task].format for data in spec.data if data.task in TASKS}
    items = spec.training.batch_size if spec.training else 1
    batch = bool(kinds & WHOLE_BATCH) and spec.kind is not RunKind.EVALUATE
    length = min(spec.training.max_length if spec.training else 512, model.architecture.positions)

    def at(count: int, *, again: bool, over: int = 1) -> Peak:
        rows = count if spec.kind is RunKind.EVALUATE else count * most_rows(spec)
        found = peak(
            Load(
                architecture=model.architecture, kind=spec.kind, device=spec.device, precision=spec.precision, rows=rows,
                length=length, trained=trained(model, spec.training.frozen if spec.training else 0),
                dropout=model.checkpoint is not None and model.architecture.kind not in WITHOUT_DROPOUT,
                checkpointing=again or spec.activation_checkpointing,
                divided=over,
            )
        )  # fmt: skip
        return found.times(spec.devices) if spec.device is DeviceClass.CPU else found

    if spec.kind is RunKind.EVALUATE:
        return Need(
            run, at(max(1, SCORED[spec.device] // length), again=False), at(1, again=False), at(1, again=False), batch
        )
    smallest, part = items if batch else 1, -(-items // spec.devices)
    if spec.devices == 1 or spec.sharded is False:
        return Need(run, at(part, again=False), at(smallest, again=False), at(smallest, again=True), batch)
    divided, least = (at(count, again=True, over=spec.devices) for count in (part, 1))
    if spec.sharded:
        return Need(run, divided, least, least, batch, divided, least)
    return Need(run, at(part, again=False), at(smallest, again=False), at(smallest, again=True), batch, divided, least)


def trained(model: Model, frozen: int) -> int:
    """Weights of an encoder whose lowest blocks are frozen: the embeddings, then one layer after the other."""
    shape = model.architecture
    if frozen == 0:
        return shape.parameters
    left = max(0, shape.layers - (frozen - 1))
    return shape.parameters_non_embedding * left // shape.layers


def fitting(
    plan: Plan,
    *,
    to_do: Collection[str],
    models: Sequence[str],
    device: DeviceClass,
    workers: Mapping[str, int | None],
) -> Fitting:
    """Hold the most demanding run of each model against the workers.

    Args:
        to_do: fingerprints of the runs that would be computed; the others are there.
        models: as the request names them.
        device: the class of device asked for.
        workers: those of this class that are alive: name → bytes of memory of one device; None where it is not known.
    """
    known = [bytes for bytes in workers.values() if bytes is not None]
    most = max(known) if known and len(known) == len(workers) else None
    memory: list[MemoryView] = []
    refused: list[FieldError] = []
    for i, name in enumerate(models):
        alike = {_alike(run): run for f, run in plan.runs.items() if f in to_do and run.model == name}
        if not alike:
            continue
        hardest = max((need(run) for run in alike.values()), key=lambda n: (n.smallest.total, n.whole.total))
        memory.append(
            MemoryView(
                model=name,
                run=_words(hardest.run),
                whole_bytes=hardest.whole.total,
                least_bytes=hardest.smallest.total,
                sharded_bytes=hardest.divided.total if hardest.divided else None,
                weights_bytes=hardest.whole.weights + hardest.whole.gradients + hardest.whole.moments,
                how=_how(hardest, most, device),
            )
        )
        if most is not None and hardest.smallest.total > most:
            refused.append(
                FieldError(
                    f"/models/{i}",
                    f"model {name} needs at least {_gb(hardest.smallest.total)} of memory for {_words(hardest.run)}"
                    f" ({_least(hardest)}); of the {device.value} workers that are there the largest has {_gb(most)}. "
                    "A smaller model, a smaller max_length"
                    + (", a smaller batch_size" if hardest.batch else "")
                    + (" or bf16" if device is DeviceClass.CUDA else "")
                    + " needs less"
                    + _more_devices(hardest, most, device),
                )
            )
    notes = []
    if memory and most is None:
        why = "no worker for it is there" if not workers else "a worker does not say how much memory it has"
        notes.append(f"Whether the memory suffices on {device.value} cannot be said: {why}.")
    return Fitting(tuple(memory), tuple(refused), tuple(notes))


def in_words(view: MemoryView) -> str:
    """``8.9 GB at the peak for the fine-tuning on mnli (batch 32, length 128), at least 7.1 GB: whole batches fit``."""
    divided = f", {_gb(view.sharded_bytes)} with divided weights" if view.sharded_bytes is not None else ""
    return f"{_gb(view.whole_bytes)} at the peak for {view.run}{divided}, at least {_gb(view.least_bytes)}: {view.how}"


def _alike(run: PlannedRun) -> tuple[Hashable, ...]:
    """Equal for runs that need the same: seeds and recipes make no difference."""
    return (
        run.spec.kind,
        run.spec.devices,
        run.spec.sharded,
        run.spec.training,
        tuple(data.task for data in run.spec.data),
    )


def _how(need: Need, most: int | None, device: DeviceClass) -> str:
    if most is None:
        return "not known: no worker to hold it against"
    spec = need.run.spec
    if need.divided is not None and need.divided_least is not None and (spec.sharded or need.least.total > most):
        why = "as asked for" if spec.sharded else f"as {_gb(need.least.total)} do not fit"
        how = f"weights are divided over {spec.devices} devices, {why}; layers are computed twice"
        if need.divided.total <= most:
            return how
        if need.divided_least.total <= most:
            return f"{how}, batches in parts"
        return f"does not fit any {device.value} worker that is there"
    if need.whole.total <= most:
        return "whole batches fit"
    if need.single.total <= most and not need.batch:
        return "batches are computed in parts"
    if need.least.total <= most:
        return "layers are computed twice" if need.batch else "batches are computed in parts, layers twice"
    return f"does not fit any {device.value} worker that is there"


def _least(need: Need) -> str:
    if need.smallest is need.divided_least:
        whole = "" if need.run.spec.sharded else f"; {_gb(need.least.total)} with whole weights on each"
        return f"weights divided over {need.run.spec.devices} devices, one item at a time, layers computed twice{whole}"
    return (
        "a whole batch, which its loss needs, layers computed twice"
        if need.batch
        else "one item at a time, layers computed twice"
    )


def _more_devices(need: Need, most: int, device: DeviceClass) -> str:
    """What several devices would change for a training on one; on a CPU they share a memory."""
    spec = need.run.spec
    if device is not DeviceClass.CUDA or need.batch or spec.kind not in (RunKind.INTERMEDIATE, RunKind.FINETUNE):
        return ""
    if spec.sharded is not False and spec.devices > 1:
        return ""
    for devices in (2, 4, 8) if spec.devices == 1 else (spec.devices,):
        divided = replace(need.run, spec=spec.model_copy(update={"devices": devices, "sharded": None}))
        if _divided_least(divided) <= most:
            return f"; so do {devices} devices that its weights are divided over (devices: {devices}, sharded left out)"
    return ""


def _divided_least(run: PlannedRun) -> int:
    least = need(run).divided_least
    assert least is not None  # it is of several devices, and nothing says that weights are not to be divided
    return least.total


def _words(run: PlannedRun) -> str:
    what = {
        RunKind.PRETRAIN: "its pretraining",
        RunKind.INTERMEDIATE: f"the intermediate stage {run.recipe}",
        RunKind.FINETUNE: f"the fine-tuning on {run.target}",
        RunKind.EVALUATE: f"the evaluation on {run.target}",
    }[run.spec.kind]
    training = run.spec.training
    if training is None or run.spec.kind is RunKind.EVALUATE:
        return what
    several = f", {run.spec.devices} devices" if run.spec.devices > 1 else ""
    return f"{what} (batch {training.batch_size}, length {training.max_length}{several})"


def _gb(bytes: int) -> str:
    return f"{bytes / 1e9:.1f} GB"
