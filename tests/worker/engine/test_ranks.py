"""A run on two devices: two processes on this CPU, started as a worker starts them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from backend.domain.run import RunKind, RunSpec
from backend.domain.training import Training
from worker import messages
from worker.outcomes import Job
from worker.process import Nursery

TRAINING = Training(learning_rate=1e-3, batch_size=9, steps=6, max_length=48, stride=12, evaluations=2)
World = Any
SLOW = pytest.mark.slow


def weights(job: Job) -> dict[str, torch.Tensor]:
    return {f"{p.stem}.{k}": t for p in sorted(job.out.rglob("*.safetensors")) for k, t in load_file(p).items()}


def agree(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor], tolerance: float = 2e-4) -> None:
    assert one.keys() == two.keys() and one
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=tolerance, msg=lambda said, n=name: f"{n}: {said}")


def spec_of(world: World, task: str, **changes: Any) -> RunSpec:
    if task == "text":
        return world.spec(RunKind.PRETRAIN, data=(world.text(),), seed=None, **{"training": TRAINING, **changes})
    if "+" in task:  # of each step one head has no gradient, and is not to be moved
        return world.mixed(*task.split("+"), **{"training": TRAINING, **changes})
    return world.on(task, **{"training": TRAINING, **changes})


@pytest.mark.parametrize("task", ["mnli", *(pytest.param(t, marks=SLOW) for t in ("udpos", "text", "copa+udpos"))])
def test_two_processes_end_where_one_does(world: World, start: Any, task: str) -> None:
    """Items, tokens and hidden words in unequal numbers; batches of nine."""
    _, alone = world.run(spec_of(world, task))
    job = world.job(spec_of(world, task, devices=2))
    run = start(job)
    last = run.end()
    assert isinstance(last, messages.OutcomeSaid), (last, run.lines)
    assert run.lines == []
    agree(weights(alone), weights(job))
    assert (last.environment["devices"], last.cost["share"]) == ("2", min(1.0, 2 / (os.cpu_count() or 1)))
    steps = [m.step for m in run.said if isinstance(m, messages.ProgressSaid)]
    assert steps == sorted(set(steps)) and steps[-1] == TRAINING.steps  # the first of the two alone reports


def test_memory_that_runs_out_on_one_makes_parts_on_both(world: World, start: Any, nursery: Nursery) -> None:
    _, alone = world.run(spec_of(world, "mnli"))
    nursery.executor = "scarce_second:execute"
    job = world.job(spec_of(world, "mnli", devices=2))
    run = start(job)
    assert isinstance(last := run.end(), messages.OutcomeSaid), (last, run.lines)
    agree(weights(alone), weights(job))
    assert [m.message for m in run.said if isinstance(m, messages.LogSaid) and m.level == "warning"] == [
        "out of memory at step 1: it is done again, 3 items at a time on each of 2 devices",
        "out of memory at step 1: it is done again, 2 items at a time on each of 2 devices",
    ]


LONG = TRAINING.model_copy(update={"steps": 4000, "evaluations": 1})


def checkpoint_steps(job: Job) -> list[int]:
    return sorted(int(p.name[5:]) for p in (job.workdir / "checkpoints").glob("step-*"))


def gone(family: Sequence[psutil.Process], seconds: float = 10.0) -> bool:
    """Whether all of them have ended, the last ones a moment after the first."""
    until = time.monotonic() + seconds
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_what_is_saved_by_two_is_gone_on_with_by_two(world: World, start: Any) -> None:
    spec = spec_of(world, "mnli", devices=2, training=TRAINING.model_copy(update={"steps": 60}))
    whole = world.job(spec, "whole")
    uninterrupted = start(whole)
    assert isinstance(uninterrupted.end(), messages.OutcomeSaid)

    job = world.job(spec, "halves")
    first = start(job)
    first.until(lambda m: isinstance(m, messages.ProgressSaid) and m.step > 2)
    family = first.family()
    first.child.tell("save")
    stopped = first.end()
    assert isinstance(stopped, messages.StoppedSaid) and stopped.saved
    assert gone(family)
    assert checkpoint_steps(job) == [stopped.step]
    second = start(replace(job, attempt=2))
    assert isinstance(last := second.end(), messages.OutcomeSaid), (last, second.lines)
    assert [m.step for m in second.said if isinstance(m, messages.ResumedSaid)] == [stopped.step]
    one, two = weights(whole), weights(job)
    assert all(torch.equal(one[name], two[name]) for name in one)  # bit by bit


@pytest.mark.parametrize("which", [0, 1])
def test_none_outlives_the_other(world: World, start: Any, which: int) -> None:
    run = start(world.job(spec_of(world, "mnli", devices=2, training=LONG), f"killed-{which}"))
    run.until(lambda m: isinstance(m, messages.ProgressSaid) and m.step > 2)
    family = run.family()
    os.kill(family[which].pid, signal.SIGKILL)
    killed = time.monotonic()
    assert run.end() is None
    assert time.monotonic() - killed < 10
    assert run.code == -signal.SIGKILL
    assert gone(family)
    said = [m.message for m in run.said if isinstance(m, messages.LogSaid) and m.level == "error"]
    assert said == (["process 2 of the 2 of this run was killed by signal 9"] if which else [])


def test_to_cancel_ends_both(world: World, start: Any) -> None:
    run = start(world.job(spec_of(world, "mnli", devices=2, training=LONG), "cancelled"))
    run.until(lambda m: isinstance(m, messages.ProgressSaid) and m.step > 2)
    family = run.family()
    run.child.tell("cancel")
    last = run.end()
    assert isinstance(last, messages.StoppedSaid) and not last.saved
    assert gone(family)


def test_what_goes_wrong_in_the_second_is_said_by_the_first(world: World, start: Any, nursery: Nursery) -> None:
    nursery.executor = "scarce_second:fail"
    run = start(world.job(spec_of(world, "mnli", devices=2), "broken"))
    last = run.end()
    assert isinstance(last, messages.ErrorSaid)
    assert (last.error, last.message) == ("ValueError", "the second of two is broken")


def test_a_death_is_said_and_not_what_failed_because_of_it(world: World, start: Any, nursery: Nursery) -> None:
    nursery.executor = "scarce_second:lost"
    run = start(world.job(spec_of(world, "mnli", devices=2), "lost"))
    assert run.end() is None
    assert run.code == -signal.SIGKILL


def test_a_loss_that_is_no_number_in_the_second_ends_both(world: World, start: Any, nursery: Nursery) -> None:
    nursery.executor = "scarce_second:burst"
    last = start(world.job(spec_of(world, "mnli", devices=2), "burst")).end()
    assert isinstance(last, messages.DivergedSaid)
    assert (last.step, last.message) == (1, "loss nan, gradient norm nan")


def test_one_process_does_no_run_for_two(world: World) -> None:
    with pytest.raises(RuntimeError, match="for 2 devices, and was started as one process"):
        world.run(spec_of(world, "mnli", devices=2))


def test_an_evaluation_is_for_one_device(world: World) -> None:
    with pytest.raises(ValueError, match="runs on one device"):
        world.spec(RunKind.EVALUATE, devices=2)


def test_a_run_on_one_device_keeps_its_fingerprint(world: World) -> None:
    assert "devices" not in world.on("mnli").model_dump(mode="json")
    assert world.on("mnli", devices=2).fingerprint != world.on("mnli").fingerprint
