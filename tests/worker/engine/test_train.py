"""The loop: same seed same numbers, stopped and resumed the same numbers, and an end where loss is no number any more."""

from __future__ import annotations

import contextlib
import json
import math
import random
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.recipe import Recipe
from backend.domain.run import ModelSpec, Phase, RunKind
from backend.domain.training import Training
from worker import checkpoints, train
from worker.formats import Batch, Features, collate
from worker.meter import Meter
from worker.outcomes import Diverged, Stopped
from worker.train import Batches, epoch_batches, evaluation_steps, mixture, schedule

TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=45, max_length=48, evaluations=3)
World = Any
Notes = Any


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {f"{p.name}:{k}": v for p in sorted(folder.glob("*.safetensors")) for k, v in load_file(p).items()}


def same(a: Path, b: Path) -> bool:
    ours, theirs = weights(a), weights(b)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


# --- the order of batches ------------------------------------------------------------------------------------------


def test_an_epoch_has_every_item_once_in_batches_of_like_lengths() -> None:
    lengths = np.random.default_rng(0).integers(4, 60, 1000)
    batches = epoch_batches(lengths, 32, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(1000))
    padded = sum(int(lengths[b].max()) * len(b) for b in batches)
    assert padded < 1.08 * lengths.sum()  # shuffled alone it is 1.8
    assert [len(b) for b in batches].count(32) == 31
    again = epoch_batches(lengths, 32, seed=1, epoch=0)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))
    for seed, epoch in ((2, 0), (1, 1)):
        other = epoch_batches(lengths, 32, seed=seed, epoch=epoch)
        assert not all(np.array_equal(a, b) for a, b in zip(batches, other, strict=True))


def test_a_long_epoch_is_cut_into_wider_windows() -> None:
    """A short one is not: its batches would be the same rows in every epoch."""
    lengths = np.clip(np.random.default_rng(0).gamma(4.0, 7.5, 8192).round(), 8, 128).astype(np.int64)

    def padding(rows: int) -> float:
        batches = epoch_batches(lengths[:rows], 32, seed=1, epoch=0)
        assert sorted(np.concatenate(batches).tolist()) == list(range(rows))
        return sum(int(lengths[b].max()) * len(b) for b in batches) / int(lengths[:rows].sum())

    assert padding(8192) < 1.04
    assert padding(2048) > 1.08  # 64 batches: windows of 16


def test_batch_lengths_come_in_no_order() -> None:
    """Short batches first in every window would be a curriculum nobody asked for."""
    lengths = np.random.default_rng(0).integers(4, 60, 4096)
    means = [lengths[b].mean() for b in epoch_batches(lengths, 32, seed=0, epoch=0)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.2


def test_any_batch_can_be_had_by_its_number() -> None:
    features = Features.build([[1] * n for n in range(3, 43)])
    one, two = Batches(features, 8, 7), Batches(features, 8, 7)
    forward = [one.items(i) for i in range(12)]
    backward = [two.items(i) for i in reversed(range(12))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forward, backward, strict=True))


def test_tasks_are_mixed_by_size_and_more_evenly_when_warmer() -> None:
    plain = np.bincount(mixture([8000, 2000], None, 10_000, 0)) / 10_000
    warm = np.bincount(mixture([8000, 2000], Recipe.parse("mnli+squad@temperature=2"), 10_000, 0)) / 10_000
    assert plain[0] == pytest.approx(0.8, abs=0.02)
    assert warm[0] == pytest.approx(2 / 3, abs=0.02)
    assert np.array_equal(mixture([8000, 2000], None, 100, 3), mixture([8000, 2000], None, 100, 3))


def test_schedule() -> None:
    shares = [schedule(s, 100, 10) for s in range(100)]
    assert shares[:10] == pytest.approx([(s + 1) / 11 for s in range(10)])
    assert max(shares) == 1.0 == shares[10]
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert 0 < shares[-1] < 0.02
    assert schedule(0, 5, 0) == 1.0
    assert schedule(3, 4, 4) == 0.8


def test_when_the_development_set_is_looked_at() -> None:
    assert evaluation_steps(100, 4) == {25, 50, 75, 100}
    assert evaluation_steps(2, 4) == {1, 2}
    assert evaluation_steps(1, 1) == {1}


def test_biases_and_layer_norms_do_not_decay(tiny: Callable[..., Any]) -> None:
    module = tiny().module
    names = {id(p): n for n, p in module.named_parameters()}
    decayed, kept = train.optimizer_for(
        list(module.parameters()), TRAINING.model_copy(update={"weight_decay": 0.1}), fused=False
    ).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert len(decayed["params"]) + len(kept["params"]) == len(names)
    for group, plain in ((decayed, False), (kept, True)):
        found = {names[id(p)] for p in group["params"]}
        assert all((n.endswith("bias") or "LayerNorm" in n) is plain for n in found)


# --- whole runs ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights_and_another_others(world: World, notes: Notes) -> None:
    _, one = world.run(world.on("mnli"), name="one")
    _, two = world.run(world.on("mnli"), name="two")
    _, other = world.run(world.on("mnli", seed=2), name="other")
    assert same(one.out, two.out)
    assert not same(one.out, other.out)


@pytest.mark.parametrize("task", ["mnli", "udpos", "squad", "copa"])
def test_stopped_and_resumed_is_as_if_never_stopped(world: World, notes: Notes, task: str) -> None:
    """Bit for bit: weights, head, curves and counts; three stops at random places, a steps' boundary or an evaluation."""
    spec = world.on(task)
    whole = notes()
    outcome, job = world.run(spec, whole, name="whole")
    rng = random.Random(task)
    curves: dict[str, dict[int, float]] = {}
    made: list[int] = []
    stops: list[Stopped] = []
    while True:
        part = notes(stop_at=rng.randrange(1, 12) if len(stops) < 3 else None)
        try:
            resumed, other = world.run(spec, part, name="parts")
            break
        except Stopped as stopped:
            stops.append(stopped)
        finally:
            for name, points in part.curves.items():
                curves.setdefault(name, {}).update(points)
            made += part.checkpoints
    assert all(s.saved for s in stops)
    assert made == [s.step for s in stops]
    assert len(stops) == 3
    assert part.resumptions
    assert same(job.out, other.out)
    assert curves == whole.curves
    for name in ("examples", "tokens", "flops_analytic"):
        assert resumed.cost[name] >= outcome.cost[name]  # an evaluation that was broken off was work, too


def test_dropout_resumes_too(world: World, notes: Notes, tiny: Callable[..., Any], tmp_path: Path) -> None:
    """An encoder with dropout, as those of the hub are: the masks after a resumption are those of an unbroken run."""
    encoder = tiny()
    encoder.module.config.hidden_dropout_prob = 0.1
    encoder.save(tmp_path / "encoder")
    spec = world.on("mnli", model=ModelSpec(checkpoint="dir:encoder", revision=None, architecture=None))
    unbroken = notes()
    _, whole = world.run(spec, unbroken, name="whole", model_root=tmp_path)
    encoder.module.config.hidden_dropout_prob = 0.0
    encoder.save(tmp_path / "encoder")
    _, without = world.run(spec, name="without", model_root=tmp_path)
    assert not same(whole.out, without.out)  # it was on
    encoder.module.config.hidden_dropout_prob = 0.1
    encoder.save(tmp_path / "encoder")
    before, after = notes(stop_at=6), notes()
    with pytest.raises(Stopped):
        world.run(spec, before, name="parts", model_root=tmp_path)
    _, parts = world.run(spec, after, name="parts", model_root=tmp_path)
    assert after.resumptions == [4]
    assert same(whole.out, parts.out)
    # the best checkpoint may be an early one: what came after it is in the curves alone
    assert {name: before.curves.get(name, {}) | points for name, points in after.curves.items()} == unbroken.curves


def test_resuming_from_an_older_checkpoint_gives_the_same(world: World, notes: Notes) -> None:
    """The newest checkpoint is damaged: it is named, passed over, and the result is no other."""
    spec = world.on("mnli")
    _, whole = world.run(spec, name="whole")
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=11), name="parts", checkpoint_seconds=0.0)
    job = world.job(spec, name="parts")
    kept = sorted((job.workdir / "checkpoints").iterdir())
    assert len(kept) == 2
    content = bytearray((kept[1] / "optimizer.safetensors").read_bytes())
    content[-3] ^= 4
    (kept[1] / "optimizer.safetensors").write_bytes(content)
    after = notes()
    _, job = world.run(spec, after, name="parts")
    assert after.resumptions == [int(kept[0].name.removeprefix("step-"))]
    assert after.rejections == [f"{kept[1].name}: optimizer.safetensors has another SHA-256 than its manifest says"]
    assert same(whole.out, job.out)


def test_without_any_whole_checkpoint_it_starts_anew(world: World, notes: Notes) -> None:
    spec = world.on("copa")
    _, whole = world.run(spec, name="whole")
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=6), name="parts")
    for path in (world.job(spec, name="parts").workdir / "checkpoints").rglob("manifest.json"):
        path.unlink()
    after = notes()
    _, job = world.run(spec, after, name="parts")
    assert after.resumptions == []
    assert same(whole.out, job.out)


def test_a_run_never_resumes_from_another_runs_checkpoint(world: World, notes: Notes) -> None:
    spec, other = world.on("copa"), world.on("copa", seed=9)
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=6), name="parts")
    theirs = world.job(other, name="parts")
    shutil.copytree(world.job(spec, name="parts").workdir, theirs.workdir, dirs_exist_ok=True)
    after = notes()
    world.run(other, after, name="parts")
    assert after.resumptions == []
    assert "belongs to another run" in str(after.rejections)


def test_cancelled_is_not_saved(world: World, notes: Notes) -> None:
    asked = notes(stop_at=5, stop="cancel")
    with pytest.raises(Stopped) as stopped:
        world.run(world.on("copa"), asked)
    assert not stopped.value.saved
    assert asked.checkpoints == []


def test_a_stop_is_heard_within_an_evaluation(world: World, notes: Notes) -> None:
    """SQuAD's development set takes more than one batch; the stop comes at the second."""
    spec = world.on("squad", training=Training(learning_rate=1e-3, batch_size=8, steps=2, max_length=48, evaluations=2))
    asked = notes(stop_at=2)  # before step 1, before the first batch of the evaluation after it, then yes
    with pytest.raises(Stopped) as stopped:
        world.run(spec, asked)
    assert (stopped.value.step, stopped.value.saved) == (1, True)
    assert "dev/f1" not in asked.curves
    _, whole = world.run(spec, name="whole")
    again = notes()
    _, job = world.run(spec, again)
    assert sorted(again.curves["dev/f1"]) == [1, 2]
    assert same(whole.out, job.out)


def test_a_full_disk_costs_the_checkpoint_not_the_run(world: World, notes: Notes) -> None:
    spec = world.on("copa")
    job = world.job(spec)
    (job.workdir / "checkpoints").write_text("a file where the folder should be: nothing can be written below it")
    said = notes()
    world.run(spec, said, checkpoint_seconds=0.0)
    assert said.checkpoints == []
    assert any(level == "warning" and "no checkpoint at step" in line for level, line in said.logs)


def test_curves_phases_and_progress(world: World, notes: Notes) -> None:
    spec = world.on("mnli", training=TRAINING)
    said = notes()
    outcome, _ = world.run(spec, said, checkpoint_seconds=0.01)
    assert sorted(said.curves) == ["dev/accuracy", "learning_rate", "loss"]
    assert sorted(said.curves["loss"]) == [20, 40, 45]
    assert sorted(said.curves["dev/accuracy"]) == [15, 30, 45]
    assert said.steps[-1] == (45, 45)
    assert {Phase.LOADING, Phase.TRAINING, Phase.EVALUATING, Phase.SAVING} == set(said.phases)
    assert said.checkpoints
    assert outcome.cost["examples"] == 45 * 8
    assert outcome.scores == ()


# --- fit with stages made for it -----------------------------------------------------------------------------------


class Slope:
    """A stage of one weight. ``heights`` are its development scores in order; at ``nan_at`` its loss is none."""

    def __init__(self, heights: list[float], nan_at: int | None = None) -> None:
        self.module: nn.Module = nn.Linear(2, 1)
        self.heights = list(heights)
        self.nan_at = nan_at
        self.seen: list[torch.Tensor] = []

    def batch(self, step: int) -> Batch:
        self.step = step
        return collate(Features.build([[1, 2]]), np.array([0]), pad=1)

    def loss(self, batch: Batch) -> torch.Tensor:
        value = self.module(batch.ids.float()).square().sum()
        return value * math.nan if self.step + 1 == self.nan_at else value

    def evaluate(self, ask: Callable[[], None]) -> tuple[dict[str, float], float]:
        self.seen.append(next(self.module.parameters()).detach().clone())
        return {"dev/height": self.heights[0]}, self.heights.pop(0)


def fit(world: World, stage: Slope, said: Any, steps: int, evaluations: int, **changes: Any) -> train.Progress:
    training = Training(learning_rate=0.1, batch_size=1, steps=steps, evaluations=evaluations)
    job = world.job(world.spec(RunKind.FINETUNE, training=training), **changes)
    return train.fit(stage, training, steps, job=job, report=said, meter=Meter(job))


def test_the_best_of_the_evaluations_is_kept_the_earlier_of_equals(world: World, notes: Notes) -> None:
    stage = Slope([1.0, 3.0, 3.0, 2.0])
    end = fit(world, stage, notes(), steps=8, evaluations=4)
    assert (end.best, end.best_step) == (3.0, 4)
    assert torch.equal(next(stage.module.parameters()), stage.seen[1])
    assert not torch.equal(stage.seen[1], stage.seen[2])


def test_a_loss_that_is_no_number_ends_the_run_at_its_step(world: World, notes: Notes) -> None:
    said = notes()
    with pytest.raises(Diverged) as diverged:
        fit(world, Slope([1.0, 1.0], nan_at=7), said, steps=10, evaluations=2, checkpoint_seconds=0.0)
    assert diverged.value.step == 7
    assert "nan" in diverged.value.message
    assert said.checkpoints[-1] == 6 == diverged.value.good  # the last good one is still there
    assert sorted(said.curves["loss"]) == [6]  # what was still a number is drawn up to there
    assert all(math.isfinite(v) for points in said.curves.values() for v in points.values())


class Ruined(Slope):
    """An update ruins a weight that no loss of the training looks at: after step 5 it is infinite."""

    def __init__(self, heights: list[float]) -> None:
        super().__init__(heights)
        self.module = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))

    def batch(self, step: int) -> Batch:
        if step == 4:
            with torch.no_grad():
                self.module[1].weight.fill_(math.inf)  # type: ignore[index]
        return super().batch(step)

    def loss(self, batch: Batch) -> torch.Tensor:
        value: torch.Tensor = self.module[0](batch.ids.float()).square().sum()  # type: ignore[index]
        return value + 0.0 * self.module[1].bias.sum()  # type: ignore[index]


@pytest.mark.parametrize("evaluations", [2, 10], ids=["before it is saved", "before it is evaluated"])
def test_ruined_weights_are_never_kept(world: World, notes: Notes, evaluations: int) -> None:
    said = notes()
    seconds = 0.0 if evaluations == 2 else 1e9
    with pytest.raises(Diverged, match="the weights of 1.weight are no numbers any more") as diverged:
        fit(world, Ruined([1.0] * 10), said, steps=10, evaluations=evaluations, checkpoint_seconds=seconds)
    assert diverged.value.step == 5
    if evaluations == 2:
        assert (said.checkpoints[-1], diverged.value.good) == (4, 4)


class Crowded(Slope):
    """The disk is full from step 3 to step 5."""

    def __init__(self, heights: list[float], full: Callable[[bool], None]) -> None:
        super().__init__(heights)
        self.full = full

    def batch(self, step: int) -> Batch:
        if step in (2, 5):
            self.full(step == 2)
        return super().batch(step)


@pytest.fixture(params=["a limit", "a file system of its own"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Callable[[bool], None]]]:
    """A folder, and what fills the disk below it and makes room again."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "a limit":
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        yield folder, lambda full: resource.setrlimit(resource.RLIMIT_FSIZE, (1024 if full else soft, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
        return
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root alone")

    def fill(full: bool) -> None:
        stuff = folder / "stuff"
        if not full:
            stuff.unlink()
            return
        with contextlib.suppress(OSError), stuff.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    yield folder, fill
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up_costs_checkpoints_until_there_is_room(
    world: World, notes: Notes, disk: tuple[Path, Callable[[bool], None]]
) -> None:
    folder, full = disk
    found: list[int | None] = []
    said = notes()
    job_of: dict[str, str] = {}

    def watched(is_full: bool) -> None:
        if not is_full:  # about to be emptied: what could a run go on from now?
            newest, rejected = checkpoints.newest_valid(folder / "checkpoints", job_of["fingerprint"])
            assert rejected == []
            found.append(newest and newest.step)
        full(is_full)

    stage = Crowded([1.0, 2.0], watched)
    training = Training(learning_rate=0.1, batch_size=1, steps=8, evaluations=2)
    job = world.job(world.spec(RunKind.FINETUNE, training=training), checkpoint_seconds=0.0, workdir=folder)
    job_of["fingerprint"] = job.fingerprint
    end = train.fit(stage, training, 8, job=job, report=said, meter=Meter(job))
    assert end.step == 8
    assert found == [2]
    assert said.checkpoints == [0, 1, 2, 6, 7]
    assert sum("no checkpoint at step" in line for level, line in said.logs if level == "warning") == 3
    newest, _ = checkpoints.newest_valid(folder / "checkpoints", job.fingerprint)
    assert newest is not None
    assert newest.step == 7


def test_weights_that_are_no_numbers_diverge_at_the_first_step(world: World, notes: Notes) -> None:
    """A parent that was ruined: nothing is trained and nothing stored."""
    start = world.mixed("mnli", "squad")
    _, parent = world.run(start)
    tensors = load_file(parent.out / "model.safetensors")
    tensors["embeddings.word_embeddings.weight"] *= math.inf
    save_file(tensors, parent.out / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Diverged) as diverged:
        world.run(world.on("mnli", parents=(start.fingerprint,)))
    assert diverged.value.step == 1


# --- several tasks -------------------------------------------------------------------------------------------------


def test_a_mixed_stage_trains_one_encoder_with_a_head_for_each(world: World, notes: Notes) -> None:
    said = notes()
    spec = world.mixed("mnli", "squad", "hellaswag")
    _, job = world.run(spec, said)
    assert {"dev/mnli/accuracy", "dev/squad/f1", "dev/squad/exact_match", "dev/hellaswag/accuracy"} <= set(said.curves)
    assert not (job.out / "head.safetensors").exists()  # the encoder alone goes on
    _, fresh = world.run(world.on("mnli"), name="fresh")
    assert not torch.equal(
        load_file(job.out / "model.safetensors")["encoder.layer.0.attention.self.query.weight"],
        load_file(fresh.out / "model.safetensors")["encoder.layer.0.attention.self.query.weight"],
    )


def test_a_mixed_stage_resumes_too(world: World, notes: Notes) -> None:
    spec = world.mixed("mnli", "hellaswag")
    _, whole = world.run(spec, name="whole")
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=8), name="parts")
    _, job = world.run(spec, name="parts")
    assert same(whole.out, job.out)


def test_the_second_stage_of_a_chain_starts_from_the_first(world: World) -> None:
    """Two planned stages really trained: with the first one before it, ``copa`` ends in other weights than without."""
    asked = ExperimentRequest(
        name="chain", models=("mini-1",), recipes=(Recipe.parse("siqa>copa@steps=4"),), targets=("xcopa",)
    )
    architecture = world.spec(RunKind.PRETRAIN).model
    stages = [r.spec for r in plan(asked).runs.values() if r.spec.kind is RunKind.INTERMEDIATE]
    one = stages[0].model_copy(update={"parents": (), "model": architecture})
    two = stages[1].model_copy(update={"parents": (one.fingerprint,), "model": architecture})
    _, first = world.run(one)
    _, chained = world.run(two)
    _, alone = world.run(two.model_copy(update={"parents": ()}))
    assert not same(first.out, chained.out) and not same(chained.out, alone.out)


@pytest.mark.parametrize(("rule", "share"), [("sampling=uniform", 0.5), ("cap=3000", 0.4), ("temperature=2", 1 / 3)])
def test_the_rule_of_a_mix_decides_how_often_a_task_is_trained(rule: str, share: float) -> None:
    drawn = mixture([8000, 2000], Recipe.parse(f"mnli+squad@{rule}"), 20_000, 0)
    assert drawn.mean() == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("rule", ["sampling=uniform", "cap=100"])
def test_a_mix_is_really_trained_by_its_rule(world: World, rule: str) -> None:
    spec = world.mixed("mnli", "copa", training=TRAINING.model_copy(update={"steps": 8}))
    _, plain = world.run(spec, name="plain")
    _, other = world.run(spec.model_copy(update={"recipe": Recipe.parse(f"mnli+copa@{rule}")}), name="other")
    assert not same(plain.out, other.out)


@pytest.mark.parametrize("task", ["mnli", "squad", "udpos"])
def test_a_budget_of_examples_trains_on_the_first_ones_alone(world: World, notes: Notes, task: str) -> None:
    """Epochs are counted over the budget: 20 examples in batches of 8, twice, are 6 steps."""
    training = TRAINING.model_copy(update={"examples": 20, "steps": None, "epochs": 2.0})
    report = notes()
    outcome, _ = world.run(world.on(task, training=training), report)
    assert report.steps[-1] == (6, 6)
    assert outcome.cost["examples"] == 40


def test_the_first_items_are_those_of_the_whole() -> None:
    whole = Features.build(
        [[1, 2], [3], [4, 5, 6], [7]], [2, 1, 1], token={"t": [[1, 2], [3], [4, 5, 6], [7]]}, row={"r": [1, 2, 3, 4]},
        item={"i": [5, 6, 7]},
    )  # fmt: skip
    part = whole.first(2)
    assert (len(part), part.tokens.tolist(), part.rows.tolist()) == (2, [1, 2, 3, 4, 5, 6], [0, 2, 3, 6])
    assert (part.token["t"].tolist(), part.row["r"].tolist(), part.item["i"].tolist()) == (
        [1, 2, 3, 4, 5, 6], [1, 2, 3], [5, 6],
    )  # fmt: skip
    assert len(whole.first(9)) == 3


def test_temperature_changes_the_mixture(world: World) -> None:
    warm = Recipe.parse("mnli+hellaswag").model_copy(update={"temperature": 5.0})
    spec = world.mixed("mnli", "hellaswag", training=TRAINING)
    _, one = world.run(spec, name="one")
    _, two = world.run(spec.model_copy(update={"recipe": warm}), name="two")
    assert not same(one.out, two.out)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_frozen_blocks_stay_as_they_are_and_the_others_learn(world: World, frozen: int) -> None:
    """Blocks are counted from below: the embeddings, then layer by layer; also across a stop."""
    start = world.spec(
        RunKind.PRETRAIN, data=(world.text(),), seed=None, training=TRAINING.model_copy(update={"steps": 1})
    )
    _, parent = world.run(start)
    training = TRAINING.model_copy(update={"steps": 6, "frozen": frozen})
    _, job = world.run(world.on("copa", training=training, parents=(start.fingerprint,)))
    before, after = (load_file(j.out / "model.safetensors") for j in (parent, job))

    def moved(prefix: str) -> bool:
        return any(not torch.equal(before[k], after[k]) for k in before if k.startswith(prefix))

    blocks = [moved(p) for p in ("embeddings.", "encoder.layer.0.", "encoder.layer.1.")]
    assert blocks == [False] * frozen + [True] * (3 - frozen)


def test_what_a_head_is_for_stands_beside_it(world: World) -> None:
    _, job = world.run(world.on("mnli"))
    facts = json.loads((job.out / "head.json").read_text())
    assert facts == {
        "task": "mnli", "version": 1, "format": "classification", "labels": ["entailment", "neutral", "contradiction"],
    }  # fmt: skip
