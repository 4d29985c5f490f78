"""A run whose weights are divided over two devices: two processes on this CPU, started as a worker starts them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.domain.model import Architecture
from backend.domain.recipe import Recipe
from backend.domain.run import DataSpec, ModelSpec, RunKind, RunSpec
from backend.domain.task import Split
from backend.domain.training import Training
from worker import encoder as encoders
from worker import messages
from worker.outcomes import Job

TRAINING = Training(learning_rate=1e-3, batch_size=9, steps=6, max_length=48, stride=12, evaluations=2)
World = Any
SLOW = pytest.mark.slow
#: Absolute positions, rotary ones, disentangled attention, and T5's encoder; the others are of these sorts.
KINDS = ("xlm-roberta", "modernbert", "deberta-v2", "mt5")
MORE = ("bert", "distilbert", "rembert", "xlm-roberta-xl", "eurobert")


def weights(job: Job) -> dict[str, torch.Tensor]:
    return {f"{p.stem}.{k}": t for p in sorted(job.out.rglob("*.safetensors")) for k, t in load_file(p).items()}


def agree(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor], tolerance: float = 2e-4) -> None:
    assert one.keys() == two.keys() and one
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=tolerance, msg=lambda said, n=name: f"{n}: {said}")


def of(kind: str, world: World, **changes: Any) -> RunSpec:
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    return world.on("mnli", **{"training": TRAINING, "model": model, "devices": 2, "sharded": True, **changes})


def ended(run: Any) -> messages.OutcomeSaid:
    last = run.end()
    assert isinstance(last, messages.OutcomeSaid), (last, run.lines)
    assert not [line for line in run.lines if "Warning" in line or "Error" in line], run.lines
    return last


def both(
    world: World,
    start: Any,
    root: Path,
    spec: RunSpec,
    tolerance: float | None = 2e-4,
    free: Collection[str] = (),
    losses: float = 1e-5,
) -> tuple[Job, Job]:
    """The run with whole weights on each device, and with divided ones; their losses and weights agree. ``free``: weights that no
    loss depends on, whose gradient is rounding and nothing else, which AdamW takes for steps of full size."""
    found = []
    for sharded in (False, True):
        job = world.job(spec.model_copy(update={"sharded": sharded}), f"{sharded}", model_root=root)
        run = start(job)
        last = ended(run)
        said = [m.message for m in run.said if isinstance(m, messages.LogSaid)]
        assert ("weights, gradients and moments are divided over 2 devices" in said) is sharded
        points = {(p[0], p[1]): p[2] for m in run.said if isinstance(m, messages.CurvesSaid) for p in m.points}
        found.append((job, points, last.parameters_trainable))
    (whole, its, trained), (divided, others, trained_too) = found
    assert its.keys() == others.keys() and ("loss", TRAINING.steps) in its
    for point, value in its.items():
        assert others[point] == pytest.approx(value, abs=losses), point
    if tolerance is not None:
        one, two = weights(whole), weights(divided)
        for name in free:
            del one[name], two[name]
        agree(one, two, tolerance)
    assert trained == trained_too
    return whole, divided


@pytest.mark.parametrize("kind", [*KINDS, *(pytest.param(kind, marks=SLOW) for kind in MORE)])
def test_divided_weights_end_where_whole_ones_do(world: World, start: Any, root: Path, kind: str) -> None:
    """Dropout and all: the masks are those of the same ranks."""
    _, job = both(world, start, root, of(kind, world))
    assert encoders.load(job.out).module(torch.tensor([[0, 5, 2]])).last_hidden_state.isfinite().all()  # alone, as any


@pytest.mark.parametrize("training", [{"lora_rank": 4, "lora_dropout": 0.1}, {"frozen": 2}, {"frozen": 3}])
def test_what_is_frozen_stays_and_is_whole_again(
    world: World, start: Any, root: Path, training: dict[str, Any]
) -> None:
    spec = of("xlm-roberta", world, training=Training.model_validate({**TRAINING.model_dump(), **training}))
    _, job = both(world, start, root, spec)
    before = load_file(root / "xlm-roberta" / "model.safetensors")
    after = load_file(job.out / "model.safetensors")
    words = "embeddings.word_embeddings.weight"
    assert torch.equal(before[words], after[words])


@SLOW
@pytest.mark.parametrize("task", ["udpos", "squad", "copa"])
def test_every_format_that_can_be_shared_out(world: World, start: Any, root: Path, task: str) -> None:
    # The softmax over positions is the same whatever is added to the scores of all of them, be it by the last layer.
    free = ("head.out.bias", "model.encoder.layer.1.output.LayerNorm.bias") if task == "squad" else ()
    both(world, start, root, world.on(task, training=TRAINING, devices=2), free=free)


@SLOW
def test_in_half_precision(world: World, start: Any, root: Path) -> None:
    """Losses alone: where a gradient is next to nothing, one rounding in half precision is a step of AdamW. A CPU sums halves in
    another order now and then: whole weights alone end up to 1e-4 apart from one time to the next."""
    both(world, start, root, of("xlm-roberta", world, precision="bf16"), None, losses=1e-3)


@pytest.mark.parametrize("kind", ["text", *(pytest.param(kind, marks=SLOW) for kind in ("mlm", "copa+udpos"))])
def test_an_output_layer_that_is_tied_to_divided_embeddings(
    world: World, start: Any, root: Path, spec_data: Any, kind: str
) -> None:
    if kind == "text":
        spec = world.spec(RunKind.PRETRAIN, data=(world.text(),), seed=None, training=TRAINING, devices=2)
    elif kind == "mlm":
        pair = (spec_data("copa", split) for split in (Split.TRAIN, Split.VALIDATION))
        recipe = Recipe.parse("copa@mlm=0.5")
        spec = world.spec(RunKind.INTERMEDIATE, data=(*pair, world.text()), recipe=recipe, training=TRAINING, devices=2)
    else:  # of each step one head has no gradient, and is not to be moved
        spec = world.mixed("copa", "udpos", training=TRAINING, devices=2)
    both(world, start, root, spec)


# --- memory that runs out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["layer", "back", "head"])
def test_memory_that_runs_out_on_one_makes_parts_on_both(
    world: World, start: Any, nursery: Any, root: Path, where: str
) -> None:
    """Whatever the second one is at, the first one does not wait for it in vain. Without dropout parts end where the whole does."""
    spec = world.on("mnli", training=TRAINING, devices=2, sharded=True)
    job = world.job(spec, "enough")
    ended(start(job))
    nursery.executor = f"scarce_shards:{where}"
    scarce = world.job(spec, where)
    run = start(scarce)
    ended(run)
    agree(weights(job), weights(scarce), 2e-4)
    said = [m.message for m in run.said if isinstance(m, messages.LogSaid) and m.level == "warning"]
    assert said == [
        "out of memory at step 1: it is done again, 3 items at a time on each of 2 devices",
        "out of memory at step 1: it is done again, 2 items at a time on each of 2 devices",
    ]


def test_memory_that_runs_out_in_an_evaluation_halves_its_batches_on_both(
    world: World, start: Any, nursery: Any
) -> None:
    spec = world.on("mnli", training=TRAINING, devices=2, sharded=True)
    job = world.job(spec, "enough")
    ended(start(job))
    nursery.executor = "scarce_shards:scores"
    scarce = world.job(spec, "scores")
    ended(start(scarce))
    agree(weights(job), weights(scarce))


def test_each_holds_about_half(world: World, start: Any, nursery: Any) -> None:
    """Weights, gradients and moments; without embeddings that would be most of a small encoder, and are divided as well."""
    nursery.executor = "scarce_shards:weigh"
    shape = Architecture(
        kind="xlm-roberta", layers=4, hidden=128, heads=2, feed_forward=512, vocabulary=3000, positions=130, types=1
    )
    model = ModelSpec(checkpoint=None, revision=None, architecture=shape)
    held = []
    for sharded in (False, True):
        job = world.job(world.on("mnli", training=TRAINING, devices=2, sharded=sharded, model=model), f"{sharded}")
        ended(start(job))
        held.append([json.loads((job.out.parent / f"held-{rank}.json").read_text()) for rank in (0, 1)])
    whole, divided = held
    # the second one keeps no best weights; the data of the run are in both
    assert 0.4 < (divided[1] / whole[1]) < 0.6, held
    assert divided[0] < 0.75 * whole[0], held


# --- checkpoints -------------------------------------------------------------------------------------------------------


def test_a_kill_costs_nothing_but_time(world: World, start: Any, root: Path) -> None:
    spec = of("xlm-roberta", world, training=TRAINING.model_copy(update={"steps": 40, "evaluations": 8}))
    whole = world.job(spec, "whole", model_root=root)
    ended(start(whole))
    job = world.job(spec, "killed", model_root=root, checkpoint_seconds=0.0)
    first = start(job)
    first.until(lambda m: isinstance(m, messages.CheckpointSaid) and m.step > 7)
    os.kill(first.family()[1].pid, signal.SIGKILL)
    assert first.end() is None
    second = start(replace(job, attempt=2, checkpoint_seconds=1e9))
    ended(second)
    (step,) = [m.step for m in second.said if isinstance(m, messages.ResumedSaid)]
    assert 5 < step < 40  # after an evaluation
    one, two = weights(whole), weights(job)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)  # bit by bit


@pytest.mark.parametrize("first", [True, pytest.param(False, marks=SLOW)])
def test_a_checkpoint_is_the_same_however_it_was_computed(world: World, start: Any, root: Path, first: bool) -> None:
    """What was begun with divided weights is ended with whole ones, and the other way."""
    training = Training.model_validate({**TRAINING.model_dump(), "steps": 40, "frozen": 2})
    spec = of("xlm-roberta", world, training=training, sharded=not first)
    whole = world.job(spec, "whole", model_root=root)
    ended(start(whole))
    job = world.job(spec.model_copy(update={"sharded": first}), "begun", model_root=root)
    begun = start(job)
    begun.until(lambda m: isinstance(m, messages.ProgressSaid) and m.step > 21)  # after an evaluation
    begun.child.tell("save")
    stopped = begun.end()
    assert isinstance(stopped, messages.StoppedSaid) and stopped.saved
    (folder,) = (job.workdir / "checkpoints").glob("step-*")
    kept = load_file(folder / "module.safetensors")
    assert kept.keys() == load_file(folder / "best.safetensors").keys()
    assert not [name for name in kept if "embeddings" in name or ".layer.0." in name]  # they are frozen
    assert kept["encoder.encoder.layer.1.output.dense.weight"].shape == (32, 48)
    second = start(replace(job, spec=spec, attempt=2))
    ended(second)
    assert [m.step for m in second.said if isinstance(m, messages.ResumedSaid)] == [stopped.step]
    agree(weights(whole), weights(job), 2e-4)


def test_it_stops_within_an_evaluation_and_at_once(world: World, start: Any) -> None:
    run = start(
        world.job(world.on("mnli", training=TRAINING.model_copy(update={"steps": 4000}), devices=2, sharded=True))
    )
    run.until(lambda m: isinstance(m, messages.ProgressSaid) and m.step > 2)
    run.child.tell("cancel")
    last = run.end()
    assert isinstance(last, messages.StoppedSaid) and not last.saved


# --- whether ----------------------------------------------------------------------------------------------------------


def test_it_is_done_where_the_whole_does_not_fit(world: World, start: Any, nursery: Any, root: Path) -> None:
    nursery.executor = "scarce_shards:small"
    job = world.job(of("xlm-roberta", world, sharded=None), "small", model_root=root)
    run = start(job)
    ended(run)
    said = [m.message for m in run.said if isinstance(m, messages.LogSaid)]
    assert any("are forecast with whole weights on each device, and there are 0.5 GB" in line for line in said)
    assert "weights, gradients and moments are divided over 2 devices" in said


def test_how_weights_lie_changes_no_number_and_no_fingerprint(world: World) -> None:
    whole = world.on("mnli", devices=2)
    assert {whole.fingerprint} == {world.on("mnli", devices=2, sharded=s).fingerprint for s in (True, False)}
    assert "sharded" not in whole.model_dump(mode="json")
    with pytest.raises(ValueError, match="divided over several devices, and this run has one"):
        world.on("mnli", sharded=True)


def test_a_fine_tune_of_divided_weights_is_evaluated_like_any_other(
    world: World, start: Any, root: Path, spec_data: Any
) -> None:
    spec = of("xlm-roberta", world)
    ended(start(world.job(spec, model_root=root)))
    test: DataSpec = spec_data("xnli", Split.TEST)
    outcome, _ = world.run(
        world.spec(
            RunKind.EVALUATE, data=(test,), languages=("en",), parents=(spec.fingerprint,), seed=1, training=TRAINING
        )
    )
    assert outcome.scores[0].n > 0
