"""``execute``: the four kinds of run, one after the other as the planner orders them, and what each costs."""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.run import ModelSpec, RunKind, RunSpec
from backend.domain.schemas import Cost
from backend.domain.training import Training
from worker.meter import Meter, device_name
from worker.outcomes import Job, Outcome

World = Any
Notes = Any
ROOT = Path(__file__).resolve().parents[3]


def shortened(world: World, request: ExperimentRequest, steps: int) -> list[RunSpec]:
    """A plan's runs with a tiny encoder and few steps; parents' fingerprints follow."""
    names: dict[str, str] = {}
    specs = []
    for planned in plan(request).runs.values():
        spec = planned.spec
        training = spec.training and spec.training.model_copy(
            update={"steps": steps, "batch_size": 8, "evaluations": 2}
        )
        short = spec.model_copy(
            update={
                "model": world.spec(spec.kind).model,
                "training": training,
                "parents": tuple(names[p] for p in spec.parents),
            }
        )
        names[spec.fingerprint] = short.fingerprint
        specs.append(short)
    return specs


def test_a_whole_experiment(world: World) -> None:
    """Every kind of recipe, one target that is trained and one that is not; every run starts from its parents' artifacts."""
    request = ExperimentRequest(
        name="x", models=("mini-2",), targets=("xnli", "tatoeba"), recipes=("squad", "mnli+hellaswag", "control:squad", "control-mlm:squad"),
        languages=("en", "de", "zh"),
    )  # fmt: skip
    done: dict[RunKind, list[tuple[Outcome, Job]]] = {}
    for spec in shortened(world, request, steps=3):
        assert all(p in spec.parents for p in world.job(spec).inputs)
        done.setdefault(spec.kind, []).append(world.run(spec))
    assert {kind: len(runs) for kind, runs in done.items()} == {
        RunKind.PRETRAIN: 1, RunKind.INTERMEDIATE: 3, RunKind.FINETUNE: 5, RunKind.EVALUATE: 9,
    }  # fmt: skip
    for outcome, job in done[RunKind.EVALUATE]:
        assert {s.language for s in outcome.scores} == set(job.spec.languages)
        assert (job.out / "predictions.parquet").exists()
    for outcome, job in done[RunKind.FINETUNE]:
        assert outcome.scores == ()
        assert (job.out / "head.safetensors").exists()
    (pretrained,) = done[RunKind.PRETRAIN]
    start = load_file(pretrained[1].out / "model.safetensors")
    for _, job in done[RunKind.INTERMEDIATE]:
        after = load_file(job.out / "model.safetensors")
        moved = max(float((after[k] - start[k]).abs().max()) for k in start)
        assert 0 < moved < 0.05  # it went on from the pretrained weights
    for kind, runs in done.items():
        for outcome, job in runs:
            assert_costs(outcome, job, kind)


def assert_costs(outcome: Outcome, job: Job, kind: RunKind) -> None:
    cost = Cost.model_validate(dict(outcome.cost))
    assert cost.tokens > 0
    assert cost.wall_seconds > 0
    assert cost.device_seconds == pytest.approx(cost.wall_seconds * cost.share)
    assert 0 < cost.share <= 1
    assert cost.energy_joules is None
    assert cost.peak_memory_bytes is not None
    assert cost.peak_memory_bytes > 1e8
    layers = outcome.parameters_non_embedding
    assert 2 * layers * cost.tokens <= cost.flops_analytic <= 6 * layers * cost.tokens * 1.0001
    assert cost.flops_counted is not None
    assert 0.2 < cost.flops_counted / cost.flops_analytic < 8
    if kind is not RunKind.EVALUATE:
        assert job.spec.training is not None
        assert cost.examples == (job.spec.training.steps or 0) * 8
    environment = outcome.environment
    assert environment["torch"] == torch.__version__
    assert environment["transformers"] == transformers.__version__
    assert environment["python"] == platform.python_version()
    assert environment["device"] == cost.device == device_name("cpu")
    assert json.loads(json.dumps(dict(environment))) == environment


def test_a_run_starts_from_a_folder_under_the_model_root(
    world: World, tiny: Callable[..., Any], tmp_path: Path
) -> None:
    made = tiny(seed=3)
    made.save(tmp_path / "models" / "encoder")
    model = ModelSpec(checkpoint="dir:encoder", revision=None, architecture=None)
    outcome, job = world.run(
        world.on("mnli", model=model, training=Training(learning_rate=1e-6, batch_size=8, steps=2)),
        model_root=tmp_path / "models",
    )
    before, after = (load_file(f / "model.safetensors") for f in (tmp_path / "models" / "encoder", job.out))
    assert max(float((after[k] - before[k]).abs().max()) for k in before) < 1e-4
    assert len(outcome.environment["revision"]) == 64


def test_counted_operations_are_those_of_the_matrices(world: World, tiny: Callable[..., Any]) -> None:
    """Two linear layers' forward and backward pass, by hand."""
    job = world.job(world.on("mnli"))
    meter = Meter(job)
    meter.parameters_non_embedding = 1
    a, b = torch.randn(10, 20, requires_grad=True), torch.randn(20, 30, requires_grad=True)
    with meter.counting(tokens=10, each=6.0):
        (a @ b).sum().backward()
    meter.work(examples=1, tokens=10, each=6.0)
    assert meter.cost()["flops_counted"] == 3 * 2 * 10 * 20 * 30
    meter.work(examples=1, tokens=30, each=6.0)  # four times the tokens: four times the operations
    assert meter.cost()["flops_counted"] == 4 * 3 * 2 * 10 * 20 * 30
    assert meter.cost()["flops_analytic"] == 6 * 1 * 40


def test_a_meter_goes_on_where_an_attempt_ended(world: World) -> None:
    job = world.job(world.on("mnli"))
    first = Meter(job)
    with first:
        first.work(examples=5, tokens=50, each=2.0)
    state = json.loads(json.dumps(first.state()))
    second = Meter(job)
    with second:
        second.resume({**state, "seconds": 100.0})
        second.work(examples=1, tokens=10, each=2.0)
    cost = second.cost()
    assert (cost["examples"], cost["tokens"]) == (6, 60)
    assert 100 < cost["wall_seconds"] < 101


def test_the_supervisors_words_need_no_torch() -> None:
    code = (
        "import sys; import worker.outcomes; assert not {'torch', 'transformers', 'numpy'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_nothing_here_is_nan(world: World) -> None:
    """A run of one step, the shortest there is, gives numbers."""
    outcome, _ = world.run(world.on("copa", training=Training(learning_rate=1e-3, batch_size=1, steps=1, max_length=8)))
    assert all(math.isfinite(v) for v in outcome.cost.values() if isinstance(v, float))
