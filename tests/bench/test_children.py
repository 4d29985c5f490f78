"""How long a worker's child takes until it trains: what its server loads once, no later child waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil
import pytest

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.recipe import Recipe
from backend.domain.run import Phase, RunKind, RunSpec
from backend.domain.training import TrainingOverrides
from worker.messages import PhaseSaid
from worker.process import Gone, Nursery, environment

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

CHILDREN = 7
#: Processor seconds of a child until it trains, far above what is promised: half a second.
MOST = 2.0


@pytest.fixture
def nursery(tmp_path: Path) -> Nursery:
    made = Nursery(environment(tmp_path / "cache", threads=1, offline=True))
    made.warm()
    return made


def fine_tune() -> RunSpec:
    """Of a small encoder on mini-XNLI, from fresh weights."""
    asked = ExperimentRequest(
        name="x", models=("mini-2",), recipes=(Recipe.parse("none"),), targets=("xnli",),
        finetuning=TrainingOverrides(steps=2),
    )  # fmt: skip
    (run,) = (r for r in plan(asked).runs.values() if r.spec.kind is RunKind.FINETUNE)
    return run.spec.model_copy(update={"parents": ()})


def test_a_child_is_ready_at_once(nursery: Nursery, tmp_path: Path, record: Callable[..., None]) -> None:
    spec, inputs = fine_tune(), {}
    marks: list[dict[Phase, tuple[float, float]]] = []
    for number in range(CHILDREN):
        directory = tmp_path / str(number)
        (directory / "out").mkdir(parents=True)
        (tmp_path / "cache").mkdir(exist_ok=True)
        job = {
            "spec": spec.model_dump(mode="json"), "fingerprint": spec.fingerprint, "inputs": inputs,
            "workdir": str(directory / "state"), "out": str(directory / "out"), "data_root": None, "model_root": None,
            "cache": str(tmp_path / "cache"), "threads": 1, "device": "cpu", "attempt": 1, "checkpoint_seconds": 60.0,
            "offline": True,
        }  # fmt: skip
        began = time.perf_counter()
        child = nursery.start(job, directory=directory)
        process, found = psutil.Process(child.pid), {}
        while not isinstance(heard := child.hear(600), Gone):
            assert heard is not None
            if isinstance(heard, PhaseSaid) and heard.phase not in found:
                used = process.cpu_times()
                found[heard.phase] = (time.perf_counter() - began, used.user + used.system)
        assert heard.code == 0
        marks.append(found)
        if not inputs:  # the others start from what it found, as most runs start from another
            inputs = {spec.fingerprint: str(directory / "out")}
            spec = spec.model_copy(update={"parents": (spec.fingerprint,)})
    first, *later = marks
    for phase in (Phase.LOADING, Phase.TRAINING):
        wall, used = (median(found[phase][i] for found in later) for i in (0, 1))
        record(f"the first child of a worker is {phase.value}", f"{first[phase][0]:.2f} s")
        record(
            f"a later child is {phase.value}", f"{wall:.2f} s, {used:.2f} s of a processor",
            rounds=len(later), asked="< 0.5 s" if phase is Phase.TRAINING else "",
        )  # fmt: skip
    assert median(found[Phase.TRAINING][1] for found in later) < MOST
