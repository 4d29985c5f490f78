"""The training loop, and the stages that train an encoder on tasks.

``fit`` knows nothing about tasks: a stage gives it batches by number, a loss, and an evaluation. Everything random about the
data follows from (seed, number), never from a generator's state, so a resumed run sees what an uninterrupted one sees.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn

from backend.domain.architecture import architecture_of
from backend.domain.language import ENGLISH
from backend.domain.learning import Learning
from backend.domain.memory import Load, peak
from backend.domain.recipe import Recipe
from backend.domain.run import DataSpec, Phase, Precision, RunKind
from backend.domain.task import Split, Task
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import checkpoints, formats, heap, lora, ranks, recompute, vocabulary
from worker import oracle as oracles
from worker.architectures import dropout_of, embeddings_of, layers_of
from worker.capacity import device_memory
from worker.data import Door
from worker.encoder import Encoder, quicken, states
from worker.evaluate import keep_layers, predict, save_head, settled
from worker.formats import Batch, Behaviour, Features, collate
from worker.meter import TRAINING, Meter
from worker.micro import Room, TooLarge, counted, out_of_memory, parts
from worker.outcomes import Diverged, Followed, Job, Report, Score, Stop, Stopped
from worker.sharding import Sharded
from worker.weights import Whole, take_up

WINDOW = 16  # batches that are shuffled together and then bucketed by length
WIDEST = 64  # the same, where an epoch has at least four times as many
TEXT = "text"  # what unlabelled text is called among the data of a run
LOSS_EVERY = 20  # steps averaged into one point of the loss curve
RECENT = 50  # steps whose mean loss says whether a training learnt


class Stage(Protocol):
    """What ``fit`` trains."""

    @property
    def module(self) -> nn.Module: ...

    def batch(self, step: int) -> Batch: ...

    def loss(self, batch: Batch) -> torch.Tensor: ...

    def evaluate(self, ask: Callable[[], None]) -> tuple[dict[str, float], float]:
        """Development metrics by curve name, and the one number to be as high as possible. Calls ``ask`` between batches."""


@dataclass
class Progress:
    """Where a stage is; everything of it is in a checkpoint."""

    step: int = 0
    evaluated: int = 0  # the last step whose evaluation is done
    best: float = -math.inf
    best_step: int = 0
    losses: list[float] = field(default_factory=list)  # since the last point of the curve
    recent: list[float] = field(default_factory=list)  # of the last steps
    kept: float | None = None  # their mean when the best weights were kept
    oracle: dict[str, Any] = field(default_factory=dict)  # what oracle selection has found, where it is asked for
    micro: int = 0  # items computed at a time, once memory ran out; 0: the whole batch
    recompute: bool = False  # layers are computed again for their gradients, once one item did not fit


#: What one may be asked to do at a step, by number.
WISHES: tuple[Stop | None, ...] = (None, "save", "cancel")


class _Asked(Exception):
    """Raised out of an evaluation when the run is to stop."""


def fit(
    stage: Stage,
    training: Training,
    total: int,
    *,
    job: Job,
    report: Report,
    meter: Meter,
    oracle: oracles.Oracle | None = None,
) -> Progress:
    """Train to the end and leave the best weights by development score (the earlier one of equals) in ``stage.module``.

    Raises:
        Stopped: as asked, with a checkpoint where that was asked for.
        Diverged: loss, gradient or a weight is not finite; nothing of that step is kept.
        Followed: this process only helped; on several devices the first one has it all.
    """
    together = ranks.join(job)
    leads = together is None or together.leads
    accelerator = Accelerator(cpu=job.device == "cpu", mixed_precision="bf16" if job.spec.precision == "bf16" else "no")
    if job.device == "cpu":
        quicken(stage.module)
        heap.keep()
    divided = None
    optimizer: Any
    if together is not None and together.any(divides(stage, training, job, report)):
        together.begin(stage.module, 0)
        divided = Sharded(together, stage, job.spec.precision == "bf16")
        report.log("info", f"weights, gradients and moments are divided over {together.count} devices")
        optimizer = optimizer_for(divided.parameters(), training, fused=True)
    else:
        weights = [p for p in stage.module.parameters() if p.requires_grad]
        _, optimizer = accelerator.prepare(stage.module, optimizer_for(weights, training, fused=True))
    run = _Resumable(divided or Whole(stage.module), optimizer, job, report, meter, divided)
    at = run.resume()
    if divided is not None:
        at.recompute = True  # its layers are computed twice, always: ``worker.guard``
    elif not at.recompute and (job.spec.activation_checkpointing or crowded(stage, training, job, report)):
        at.recompute = True
    if together is not None:
        together.begin(stage.module, at.step, divided is None)
        if not leads:
            run.best.clear()
        at.recompute = together.any(at.recompute)
    if at.recompute and divided is None:
        recompute.switch_on(stage.module.get_submodule("encoder"))
    due = evaluation_steps(total, training.evaluations)
    warmup = training.warmup_of(total)
    report.phase(Phase.TRAINING)
    stage.module.train()
    while True:
        if at.step in due and at.evaluated < at.step:
            if not leads and divided is None:
                at.evaluated = at.step
                continue
            run.evaluate(stage, at, oracle)
            stage.module.train()
            continue
        if at.step >= total:
            break
        if leads or divided is not None:
            run.stop_or_save(at)
        batch = stage.batch(at.step).to(accelerator.device)
        rate = training.learning_rate * schedule(at.step, total, warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        if divided is not None:
            value = divided.gradients(stage, batch, at, report)
            length = divided.clip(training.clip)
        else:
            if together is None:
                value = _gradients(stage, batch, at, accelerator, optimizer, meter, report)
            else:
                value = ranks.gradients(together, stage, batch, at, accelerator, optimizer, meter, report)
            length = float(torch.nn.utils.clip_grad_norm_(stage.module.parameters(), training.clip))
        if not (math.isfinite(value) and math.isfinite(length)):
            if at.losses:  # what was still a number is shown up to here
                report.curve("loss", at.step, sum(at.losses) / len(at.losses))
            raise Diverged(at.step + 1, f"loss {value}, gradient norm {length}", run.saved)
        _update(optimizer, at)
        optimizer.zero_grad(set_to_none=True)
        at.step += 1
        at.losses.append(value)
        at.recent = [*at.recent[1 - RECENT :], value]
        meter.work(examples=batch.items, tokens=batch.tokens, each=TRAINING)
        report.progress(at.step, total)
        if len(at.losses) == LOSS_EVERY or at.step == total:
            report.curve("loss", at.step, sum(at.losses) / len(at.losses))
            report.curve("learning_rate", at.step, rate)
            at.losses.clear()
    if divided is not None:
        divided.reunited(run.best)
    if not leads:
        raise Followed
    if divided is None:
        take_up(stage.module, run.best)
    report.log("info", f"best development score {at.best:.4f} at step {at.best_step} of {total}")
    return at


def divides(stage: Stage, training: Training, job: Job, report: Report) -> bool:
    """Whether weights are to be divided over the devices of the run: as asked for, else where the forecast says that not even one item
    fits beside whole ones, layers computed twice."""
    if job.spec.sharded is not None:
        return job.spec.sharded
    needed, there = _one_item(stage, training, job, checkpointing=True), device_memory(job.device)
    if needed is None or needed <= there:
        return False
    report.log(
        "info",
        f"{needed / 1e9:.1f} GB are forecast with whole weights on each device, and there are {there / 1e9:.1f} GB",
    )
    return True


def crowded(stage: Stage, training: Training, job: Job, report: Report) -> bool:
    """Whether the forecast says that not even one item fits while all activations are kept."""
    needed, there = _one_item(stage, training, job, checkpointing=False), device_memory(job.device)
    if needed is None or needed <= there:
        return False
    said = f"{needed / 1e9:.1f} GB are forecast for one item at a time, and there are {there / 1e9:.1f} GB"
    report.log("info", f"{said}: layers are computed twice")
    return True


def _one_item(stage: Stage, training: Training, job: Job, *, checkpointing: bool) -> int | None:
    """Bytes forecast with one item at a time, of the memory that ``device_memory`` is of; None for a stage without an encoder."""
    encoder = dict(stage.module.named_children()).get("encoder")
    if encoder is None:
        return None
    batch = stage.batch(0)
    config: Any = encoder.config
    load = Load(
        architecture=architecture_of(config.to_dict()),
        kind=job.spec.kind,
        device=job.spec.device,
        precision=job.spec.precision,
        rows=len(batch.ids) if counted(batch) is None else -(-len(batch.ids) // batch.items),
        length=training.max_length,
        trained=sum(p.numel() for p in encoder.parameters() if p.requires_grad),
        dropout=dropout_of(config) > 0,
        checkpointing=checkpointing,
    )
    # processes on a CPU share its memory
    return peak(load).total * (job.spec.devices if job.device == "cpu" else 1)


def _gradients(
    stage: Stage, batch: Batch, at: Progress, accelerator: Accelerator, optimizer: Any, meter: Meter, report: Report
) -> float:
    """Gradients of one step, and its loss. Where memory runs out the same step is done again, from the same random numbers, in
    parts of half as many items, down to one; then with layers that are computed again for their gradients, from the whole batch
    on. ``at`` remembers what fitted. The step's numbers stay those of the whole batch.

    Raises:
        TooLarge: not even one item fits, or this loss cannot be split.
    """
    before = torch.get_rng_state(), _cuda_random(accelerator.device.type)
    while True:
        value = 0.0
        try:
            # to count operations while layers are computed twice would keep what that is to throw away
            count = nullcontext() if at.recompute else meter.counting(batch.tokens, TRAINING)
            with count, accelerator.autocast():
                for part, share in parts(batch, at.micro or batch.items):
                    loss = stage.loss(part) if share == 1.0 else stage.loss(part) * share
                    accelerator.backward(loss)
                    value += loss.item()
            return value
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            least = batch.items == 1 or at.micro == 1 or counted(batch) is None
            if least and at.recompute:
                why = (
                    "this loss needs its whole batch at once: use a smaller batch"
                    if counted(batch) is None
                    else "not even one item fits"
                )
                raise TooLarge(f"out of memory at step {at.step + 1}; {why}") from error
        # outside of the except clause, whose traceback holds on to the tensors of the step
        if least:
            at.micro, at.recompute = 0, True
            recompute.switch_on(stage.module.get_submodule("encoder"))
            how = "with its layers computed twice"
        else:
            at.micro = -(-min(at.micro or batch.items, batch.items) // 2)
            how = "1 item at a time" if at.micro == 1 else f"{at.micro} items at a time"
        optimizer.zero_grad(set_to_none=True)
        torch.set_rng_state(before[0])
        if accelerator.device.type == "cuda":
            torch.cuda.set_rng_state(before[1]["cuda"])
            torch.cuda.empty_cache()
        report.log("warning", f"out of memory at step {at.step + 1}: it is done again, {how}")


def _update(optimizer: Any, at: Progress) -> None:
    """The optimizer's step. Its first one makes room for two moments of every weight; it cannot be done in parts, nor again,
    as some weights may have moved by then.

    Raises:
        TooLarge: they do not fit.
    """
    try:
        optimizer.step()
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise TooLarge(
            f"out of memory at step {at.step + 1}; the optimizer's moments, 8 bytes a trained weight, do not fit"
        ) from error


def optimizer_for(weights: Sequence[nn.Parameter], training: Training, *, fused: bool) -> torch.optim.AdamW:
    """AdamW; biases and layer norms, which are the vectors among the weights, do not decay."""
    groups = [
        {"params": [p for p in weights if p.ndim >= 2], "weight_decay": training.weight_decay},
        {"params": [p for p in weights if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=fused)


def freeze(encoder: nn.Module, blocks: int) -> None:
    """Keep the lowest blocks as they are: the embeddings, then one layer after the other.

    Fine-tuning on English moves English words, and leaves those that stood beside them in other languages where they were; with
    frozen embeddings they stay together. Mini-4, English / others: QA F1 57 / 26 without, 61 / 28 with; NLI 73 / 44 and 69 / 46.
    """
    parts = [embeddings_of(encoder), *layers_of(encoder)]
    for part in parts[:blocks]:
        part.requires_grad_(False)


def schedule(step: int, total: int, warmup: int) -> float:
    """Share of the learning rate at this step (from 0): linear up over ``warmup`` steps, then linear down to zero."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return max(0.0, (total - step) / max(1, total - warmup))


def evaluation_steps(total: int, evaluations: int) -> set[int]:
    """After which steps the development set is looked at: evenly spread, the last step always among them."""
    return {max(1, round(total * k / evaluations)) for k in range(1, evaluations + 1)}


class _Resumable:
    """The part of a run that survives it: its best weights and its checkpoints."""

    def __init__(
        self,
        weights: Whole | Sharded,
        optimizer: Any,
        job: Job,
        report: Report,
        meter: Meter,
        divided: Sharded | None = None,
    ) -> None:
        self.weights = weights
        self.divided = divided
        self.optimizer = optimizer
        self.job = job
        self.report = report
        self.meter = meter
        self.folder = job.workdir / "checkpoints"
        self.best: dict[str, torch.Tensor] = {}
        self.saved: int | None = None  # step of the last checkpoint
        self._saved_at = time.monotonic()

    def evaluate(self, stage: Stage, at: Progress, oracle: oracles.Oracle | None) -> None:
        """Score the development set; keep the weights if they are better than the best so far. The oracle only looks on."""

        def ask() -> None:
            if self._any(self.report.should_stop() is not None):
                raise _Asked

        self._check(at)
        self.report.phase(Phase.EVALUATING)
        try:
            values, headline = stage.evaluate(ask)
            found, points = oracle.look(at.oracle, at.step, ask) if oracle else ({}, {})
        except _Asked:
            self._rest()
            self.stop_or_save(at)
            return  # whoever asked no longer does: the evaluation starts anew
        self._rest()
        if self.divided is not None:  # all computed the same; should a device round otherwise, the first one decides
            headline = self.divided.ranks.of_first(headline)
        for name, value in {**values, **points}.items():
            self.report.curve(name, at.step, value)
        at.oracle = dict(found)
        if headline > at.best:
            at.best, at.best_step = headline, at.step
            at.kept = _mean(at.recent)
            self.best = {k: v.cpu().clone() for k, v in self.weights.learnt().items()}
        at.evaluated = at.step
        self.report.phase(Phase.TRAINING)

    def stop_or_save(self, at: Progress) -> None:
        """At a step boundary: stop if asked to, checkpoint if it is time."""
        asked = self.report.should_stop()
        due = time.monotonic() - self._saved_at >= self.job.checkpoint_seconds
        if self.divided is not None:  # a checkpoint is gathered from all
            wish = int(self.divided.ranks.of_first(WISHES.index(asked) * 2 + due))
            asked, due = WISHES[wish // 2], bool(wish % 2)
        if asked == "cancel":
            raise Stopped(at.step, saved=False)
        if asked == "save":
            raise Stopped(at.step, saved=self.save(at))
        if due:
            self.save(at)
            self.report.phase(Phase.TRAINING)

    def save(self, at: Progress) -> bool:
        """Write a checkpoint; of several processes, the first one alone. A disk that is full costs the checkpoint, not the run."""
        self._check(at)
        self.report.phase(Phase.SAVING)
        groups = {
            "module": self.weights.learnt(),
            "best": self.best,
            "optimizer": self.weights.moments(self.optimizer),
            "random": {"cpu": torch.get_rng_state(), **_cuda_random(self.job.device)},
        }
        self._saved_at = time.monotonic()
        if self.job.rank:
            return True
        facts = {
            "progress": asdict(at) | {"best": _finite(at.best)}, "meter": self.meter.state(), "start": self.weights.start,
            **_host_random(),
        }  # fmt: skip
        try:
            checkpoints.save(self.folder, at.step, groups, facts, self.job.fingerprint)
        except OSError as error:
            self.report.log("warning", f"no checkpoint at step {at.step}: {error}")
            return False
        finally:
            self._saved_at = time.monotonic()
        self.saved = at.step
        self.report.checkpoint(at.step)
        return True

    def _any(self, mine: bool) -> bool:
        return mine if self.divided is None else self.divided.ranks.any(mine)

    def _rest(self) -> None:
        if self.divided is not None:
            self.divided.rest()

    def _check(self, at: Progress) -> None:
        """An update can ruin weights though loss and gradient were numbers; such weights are never kept.

        Raises:
            Diverged: they are ruined.
        """
        name = self.weights.ruined()
        if name is not None:
            raise Diverged(at.step, f"the weights of {name} are no numbers any more", self.saved)

    def resume(self) -> Progress:
        """Take up the newest checkpoint that is whole, naming what was passed over; else start at step 0."""
        found, rejected = checkpoints.newest_valid(self.folder, self.job.fingerprint)
        if rejected:
            self.report.rejected(rejected)
        if found is None:
            return Progress()
        start = found.state.get("start", self.weights.start)  # older ones hold the frozen weights, too
        if start != self.weights.start:
            self.report.rejected([f"step {found.step}: what is frozen has other weights than when it was saved"])
            return Progress()
        self.weights.take_up(found.groups["module"])
        self.best = dict(found.groups["best"])
        self.weights.take_up_moments(self.optimizer, found.groups["optimizer"])
        torch.set_rng_state(found.groups["random"]["cpu"])
        if self.job.device == "cuda":
            torch.cuda.set_rng_state(found.groups["random"]["cuda"])
        _restore_host_random(found.state)
        self.meter.resume(found.state["meter"])
        facts = found.state["progress"]
        at = Progress(**facts | {"best": -math.inf if facts["best"] is None else facts["best"]})
        self.saved = at.step
        self.report.resumed(at.step)
        self.report.log("info", f"resumed at step {at.step}")
        return at


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def learning_of(at: Progress, learners: Sequence[Learner], report: Report) -> Learning | None:
    """How a training on one task ended, beside what guessing gives. None for several tasks, whose losses are mixed, for formats
    that have no such number, and for trainings too short to have an end that differs from their beginning."""
    if len(learners) != 1 or at.step < RECENT:
        return None
    guess = learners[0].behaviour.guess(learners[0].batches.features)
    known = [loss for loss in (_mean(at.recent), at.kept) if loss is not None]
    if guess is None or guess <= 0 or not known:  # where all rows have one label there is nothing to learn
        return None
    found = Learning(min(known), guess)
    report.log("warning" if found.failed else "info", f"the run {found.said()}")
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cuda_random(device: str) -> dict[str, torch.Tensor]:
    return {"cuda": torch.cuda.get_rng_state()} if device == "cuda" else {}


def _host_random() -> dict[str, Any]:
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python_random": [version, list(numbers), gauss],
        "numpy_random": [name, np.asarray(keys).tolist(), position, has_gauss, cached],
    }


def _restore_host_random(state: Mapping[str, Any]) -> None:
    version, numbers, gauss = state["python_random"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = state["numpy_random"]
    np.random.set_state((name, np.asarray(keys, np.uint32), position, has_gauss, cached))


# --- the order of batches -----------------------------------------------------------------------------------------


def epoch_batches(lengths: NDArray[np.int64], size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """One epoch's batches of item numbers, of nearly equal lengths each.

    Items are shuffled, cut into windows of a quarter of an epoch, from WINDOW to WIDEST batches, sorted by length within a window
    and cut into batches, whose order is shuffled again. Follows from (seed, epoch) alone. At NLI's lengths padding adds 11 % to the
    sub-words with 16 batches to a window, 3 % with 64.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(lengths))
    rng = np.random.default_rng((seed, epoch, 1))
    batches: list[NDArray[np.int64]] = []
    wide = size * min(WIDEST, max(WINDOW, len(order) // (4 * size)))
    for start in range(0, len(order), wide):
        window = order[start : start + wide]
        window = window[np.argsort(lengths[window], kind="stable")]
        cut = [window[i : i + size] for i in range(0, len(window), size)]
        batches += [cut[i] for i in rng.permutation(len(cut))]
    return batches


class Batches:
    """The endless sequence of a training set's batches, by number."""

    def __init__(self, features: Features, size: int, seed: int) -> None:
        self.features = features
        self.size = size
        self.seed = seed
        self.per_epoch = -(-len(features) // size)
        self._lengths = features.item_lengths
        self._epoch = -1
        self._order: list[NDArray[np.int64]] = []

    def items(self, number: int) -> NDArray[np.int64]:
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, epoch_batches(self._lengths, self.size, self.seed, epoch)
        return self._order[place]


def mixture(sizes: Sequence[int], recipe: Recipe | None, total: int, seed: int) -> NDArray[np.int64]:
    """Which task each step trains: drawn by the recipe's rule, without a recipe in proportion to size."""
    if recipe is not None and (recipe.cap is not None or recipe.sampling is not None):
        weights = np.asarray(recipe.weights(sizes), np.float64)
    else:  # in these operations, as always: equal fingerprints draw equal numbers
        weights = np.asarray(sizes, np.float64) ** (1.0 / (recipe.temperature if recipe else 1.0))
    return np.random.default_rng((seed, 0, 2)).choice(len(sizes), total, p=weights / weights.sum())


# --- training an encoder on tasks ---------------------------------------------------------------------------------


@dataclass
class Learner:
    """One task of a stage: its data, its head and its format's behaviour."""

    task: Task
    behaviour: Behaviour
    head: nn.Module
    batches: Batches
    dev_examples: list[Any]
    dev: Features


class TaskStage:
    """One encoder and one head for each of one or more tasks; every batch is of one task."""

    def __init__(
        self,
        encoder: Encoder,
        learners: Sequence[Learner],
        recipe: Recipe | None,
        total: int,
        seed: int,
        precision: Precision,
        meter: Meter,
    ) -> None:
        self.encoder = encoder
        self.precision = precision
        self.learners = learners
        self.meter = meter
        self.room = Room()
        self.module = nn.ModuleDict(
            {"encoder": encoder.module, "heads": nn.ModuleDict({r.task.name: r.head for r in learners})}
        )
        self._turns = mixture([len(r.batches.features) for r in learners], recipe, total, seed)
        self._counts = [list(accumulate((self._turns == i).tolist(), initial=0)) for i in range(len(learners))]
        self._current = learners[0]

    def batch(self, step: int) -> Batch:
        turn = int(self._turns[step])
        self._current = self.learners[turn]
        items = self._current.batches.items(self._counts[turn][step])
        return collate(self._current.batches.features, items, self.encoder.pad)

    def loss(self, batch: Batch) -> torch.Tensor:
        learner = self._current
        output = learner.head(states(self.encoder.module, batch, learner.behaviour.READS), batch)
        return learner.behaviour.loss(output, batch)

    def evaluate(self, ask: Callable[[], None]) -> tuple[dict[str, float], float]:
        """The mean over tasks of each one's headline metric decides."""
        values: dict[str, float] = {}
        headlines = []
        for learner in self.learners:
            task = learner.task
            outputs = predict(
                self.encoder,
                learner.head,
                learner.behaviour,
                learner.dev,
                ask=ask,
                meter=self.meter,
                precision=self.precision,
                room=self.room,
            )
            predictions = learner.behaviour.decode(task, learner.dev_examples, learner.dev, outputs)
            scores = learner.behaviour.score(task, predictions)
            prefix = "dev" if len(self.learners) == 1 else f"dev/{task.name}"
            values |= {f"{prefix}/{metric}": value for metric, (value, _) in scores.items()}
            headlines.append(scores[task.headline][0])
        return values, sum(headlines) / len(headlines)


def learn(
    stage: TaskStage,
    training: Training,
    total: int,
    *,
    job: Job,
    report: Report,
    meter: Meter,
    oracle: oracles.Oracle | None = None,
) -> Progress:
    """``fit``, with only those rows of the word embeddings that the stage and its oracle touch (``worker.vocabulary``)."""
    encoder = stage.encoder
    read = [features for r in stage.learners for features in (r.batches.features, r.dev)]
    read += [] if oracle is None else [features for sets in oracle.sets.values() for _, features in sets]
    narrowed = None
    # of several processes those that only help end within ``fit``, where divided weights are gathered, too
    if job.spec.devices == 1:
        narrowed = vocabulary.narrow(encoder.module, vocabulary.ids_of(read, (encoder.pad,)))
    if narrowed is not None:
        all_rows, rows = narrowed.words.num_embeddings, len(narrowed.touched.rows)
        report.log("info", f"{rows:,} of {all_rows:,} word embeddings are touched; the others only decay")
    at = fit(stage, training, total, job=job, report=report, meter=meter, oracle=oracle)
    if narrowed is not None:
        warmup = training.warmup_of(total)
        rates = (training.learning_rate * schedule(step, total, warmup) for step in range(at.best_step))
        narrowed.widen(training.weight_decay, rates)
    return at


@dataclass(frozen=True, slots=True)
class Trained:
    """``weights`` counts those that were trained, heads included; ``scores`` are those of oracle selection."""

    weights: int
    scores: tuple[Score, ...] = ()
    learning: Learning | None = None


def train_on_tasks(job: Job, encoder: Encoder, door: Door, report: Report, meter: Meter) -> Trained:
    """A fine-tune on one task, or an intermediate stage on one or several; the artifact goes to ``job.out``."""
    spec = job.spec
    training = spec.training
    assert training is not None and spec.seed is not None  # the planner gives both to every run that trains on tasks
    freeze(encoder.module, training.frozen)
    fitted = settled(TASKS[spec.data[0].task], spec)
    if spec.kind is RunKind.FINETUNE and fitted.retrieval is not None:
        keep_layers(encoder, fitted.retrieval.layer_fraction, norm=True)
    adapted = lora.adapt(encoder.module, training)
    learners = learners_of(job, encoder, door)
    total = training.steps_for(sum(len(r.batches.features) for r in learners))
    stage = TaskStage(encoder, learners, spec.recipe, total, spec.seed, spec.precision, meter)
    trained = lora.trainable(stage.module)
    report.log("info", f"{trained:,} weights are trained")
    oracle = None
    if spec.oracle is not None:
        oracle = oracles.load(
            TASKS[spec.oracle[0].task], spec.oracle, spec.languages, encoder=encoder, head=learners[0].head, door=door,
            max_length=training.max_length, stride=training.stride, precision=spec.precision, meter=meter,
            log=lambda message: report.log("warning", message),
        )  # fmt: skip
    at = learn(stage, training, total, job=job, report=report, meter=meter, oracle=oracle)
    report.phase(Phase.SAVING)
    if adapted is not None:
        adapted.merge()
    encoder.save(job.out)
    if spec.kind is RunKind.FINETUNE:
        save_head(job.out, learners[0].task, learners[0].head)
    return Trained(trained, oracles.scores_of(at.oracle), learning_of(at, learners, report))


def learners_of(job: Job, encoder: Encoder, door: Door) -> list[Learner]:
    """What a run trains on tasks: data and a fresh head of each."""
    spec = job.spec
    assert spec.training is not None and spec.seed is not None
    return [
        _learner(settled(TASKS[dev.task], spec), train, dev, encoder, door, spec.training, spec.seed)
        for train, dev in _by_head([data for data in spec.data if data.task != TEXT])
    ]


def _by_head(data: Sequence[DataSpec]) -> list[tuple[list[DataSpec], DataSpec]]:
    """Training sets and the development set of each head: the planner lists the sets in this order, head by head."""
    heads: list[tuple[list[DataSpec], DataSpec]] = []
    trained: list[DataSpec] = []
    for spec in data:
        if spec.split is Split.TRAIN:
            trained.append(spec)
        else:
            assert trained and trained[0].task == spec.task
            heads.append((trained, spec))
            trained = []
    assert not trained
    return heads


def _joined(parts: Sequence[Features]) -> Features:
    return parts[0] if len(parts) == 1 else Features.joined(parts)


def _learner(
    task: Task, train: Sequence[DataSpec], dev: DataSpec, encoder: Encoder, door: Door, training: Training, seed: int
) -> Learner:
    behaviour = formats.of(task.format)
    read = {p: door.features(p, p.language or ENGLISH, encoder, training.max_length, training.stride) for p in train}
    by_language: dict[str | None, list[Features]] = {}
    for part, found in read.items():
        by_language.setdefault(part.language, []).append(found)
    languages = [_joined(parts) for parts in by_language.values()]
    if training.examples is not None:
        languages = [features.first(training.examples) for features in languages]
    features = _joined(languages)
    examples, dev_features = door.scored(dev, ENGLISH, encoder, training.max_length, training.stride)
    head = behaviour.head(encoder.hidden, task, encoder.dropout)
    batches = Batches(features, training.batch_size, seed)
    return Learner(task, behaviour, head, batches, examples, dev_features)
