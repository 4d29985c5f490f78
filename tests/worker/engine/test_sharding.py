"""A run whose weights are divided over two devices: two processes on this CPU, started as a worker starts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.domain.run import ModelSpec, RunSpec
from backend.domain.training import Training
from worker import messages
from worker.outcomes import Job

TRAINING = Training(learning_rate=1e-3, batch_size=9, steps=6, max_length=48, stride=12, evaluations=2)
World = Any
KINDS = ("xlm-roberta", "modernbert", "deberta-v2", "mt5")


def weights(job: Job) -> dict[str, torch.Tensor]:
    return {f"{p.stem}.{k}": t for p in sorted(job.out.rglob("*.safetensors")) for k, t in load_file(p).items()}


def agree(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor], tolerance: float = 2e-4) -> None:
    assert one.keys() == two.keys() and one
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=tolerance, msg=lambda said, n=name: f"{n}: {said}")


def of(kind: str, task: str, world: World, **changes: Any) -> RunSpec:
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    return world.on(task, **{"training": TRAINING, "model": model, "devices": 2, **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_divided_weights_end_where_whole_ones_do(world: World, start: Any, root: Path, kind: str) -> None:
    ended = []
    for sharded in (False, True):
        job = world.job(of(kind, "mnli", world, sharded=sharded), f"{kind}-{sharded}", model_root=root)
        run = start(job)
        last = run.end()
        assert isinstance(last, messages.OutcomeSaid), (last, run.lines)
        assert run.lines == []
        curves = {p[0]: p[2] for m in run.said if isinstance(m, messages.CurvesSaid) for p in m.points}
        ended.append((weights(job), curves))
    agree(ended[0][0], ended[1][0])
