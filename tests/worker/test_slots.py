"""A run on two devices takes two slots of one worker."""

from __future__ import annotations

import os
import threading
from typing import Any

import psutil
import pytest

from backend.domain.experiment import ExperimentRequest, Plan, PlannedRun, mini_content
from backend.domain.model import Architecture
from backend.domain.run import DataSpec, DeviceClass, ModelSpec, RunKind, RunSpec, RunState
from backend.domain.task import Source, Split
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from backend.store import experiments, runs
from worker.artifacts import Artifacts
from worker.supervise import Supervisor

SHAPE = Architecture(
    kind="xlm-roberta", layers=2, hidden=32, heads=2, feed_forward=64, vocabulary=3000, positions=130, types=1
)


def spec_of(kind: RunKind, **changes: Any) -> RunSpec:
    base: dict[str, Any] = {
        "kind": kind, "engine": 1, "model": ModelSpec(checkpoint=None, revision=None, architecture=SHAPE), "data": (),
        "recipe": None, "training": None, "languages": (), "seed": 0, "precision": "fp32", "device": DeviceClass.CPU, "parents": (),
    }  # fmt: skip
    return RunSpec(**base | changes)


def submit(place: Any, *specs: RunSpec) -> list[int]:
    request = ExperimentRequest(name="slots", models=("mini-2",), recipes=("none",), targets=("xnli",), seeds=(0,))
    plan = {s.fingerprint: PlannedRun(s.fingerprint, s, "mini-2", "none", "xnli", 0, "0" * 64, 100, 9) for s in specs}
    with place.store.write() as session:
        experiments.submit(session, request, Plan(plan, ()), key=None, body_digest="0" * 64)
        known = experiments.existing(session, plan)
    return [known[f][0] for f in plan]


def test_a_wide_run_waits_for_its_slots_and_is_not_passed_over(place: Any) -> None:
    rung: list[int] = []
    supervisor = Supervisor(
        place.store, Artifacts(f"file://{place.home}/artifacts", place.home / "cache"), None, place.settings(),  # type: ignore[arg-type]
        worker="here", device=DeviceClass.CPU, slots=2, ring=lambda _device, count=1, run_ids=(): rung.append(count),
    )  # fmt: skip
    narrow, wide, after = submit(
        place,
        spec_of(RunKind.FINETUNE),
        spec_of(RunKind.FINETUNE, devices=2),
        spec_of(RunKind.FINETUNE, seed=1),
    )
    first = supervisor._claim()
    assert first is not None and first.run_id == narrow
    assert supervisor._claim() is None  # one slot is free: the wide one is next, and needs two
    supervisor._taken -= first.spec.devices
    second = supervisor._claim()
    assert second is not None and (second.run_id, second.spec.devices) == (wide, 2)
    assert supervisor._claim() is None
    idle = threading.Thread(target=supervisor._has_room)
    idle.start()
    idle.join(0.2)
    assert idle.is_alive()  # it takes no rings away from other workers
    with supervisor._taking:
        supervisor._taken -= second.spec.devices
        supervisor._taking.notify_all()
    idle.join(5)
    assert not idle.is_alive()
    third = supervisor._claim()
    assert third is not None and third.run_id == after


@pytest.mark.slow
def test_a_worker_trains_on_two_devices_and_evaluates_on_one(place: Any) -> None:
    """The real engine, in the real worker: two processes while it trains, one end, every score once."""

    def data(task: str, split: Split) -> DataSpec:
        return DataSpec(task=task, version=TASKS[task].version, source=Source.MINI, split=split, content=mini_content())

    training = Training(learning_rate=1e-3, batch_size=8, steps=400, max_length=48, evaluations=2)
    tuned = spec_of(
        RunKind.FINETUNE,
        data=(data("mnli", Split.TRAIN), data("mnli", Split.VALIDATION)),
        training=training,
        devices=2,
    )
    scored = spec_of(
        RunKind.EVALUATE,
        data=(data("xnli", Split.TEST),),
        training=training,
        languages=("en", "de"),
        parents=(tuned.fingerprint,),
    )
    train, evaluate = submit(place, tuned, scored)
    small = place.real_worker("1")
    place.until(lambda: small.said("ready"), 90, "a worker with one device is ready")
    place.until(
        lambda: place.view(train).why == "waits for a cpu worker with 2 devices", 20, "it says what it waits for"
    )
    small.stop()
    large = place.real_worker("2")
    place.wait_step(train, 5, 200)
    (child,) = [p for p in large.family() if len(p.children()) == 1 and os.getpgid(p.pid) == p.pid]
    pids = [child.pid, *(p.pid for p in child.children())]
    done = place.wait(train, RunState.DONE, seconds=200)
    assert all(place.gone(pid) for pid in pids)
    assert done.attempt == 1
    with place.store.read() as session:
        assert runs.detail(session, train).environment["devices"] == "2"
    place.wait(evaluate, RunState.DONE, seconds=200)
    assert set(place.scores(evaluate)) == {"en", "de"}
    assert not [p for p in psutil.Process(large.pid).children(recursive=True) if p.pid in pids]
