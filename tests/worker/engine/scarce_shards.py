"""Executors of runs whose weights are divided over two devices. Imported by the children of ``test_sharding``."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
from torch import nn

from worker import execute as engine
from worker import ranks, sharding
from worker.outcomes import Job, Outcome, Report


def _scarce(job: Job, report: Report, function: str, when: Callable[[Any], bool]) -> Outcome:
    whole = getattr(nn.functional, function)

    def called(first: torch.Tensor, *given: object, **named: object) -> torch.Tensor:
        if job.rank and when(first):
            raise torch.OutOfMemoryError("CUDA out of memory")
        found: torch.Tensor = whole(first, *given, **named)
        return found

    with mock.patch.object(nn.functional, function, called):
        return engine.execute(job, report)


def layer(job: Job, report: Report) -> Outcome:
    """In the second one's memory no layer holds more than two rows in training; an evaluation has more than six at a time."""
    return _scarce(job, report, "gelu", lambda x: 2 < len(x) < 6)


def back(job: Job, report: Report) -> Outcome:
    """It holds more, but not with what their gradients need."""
    return _scarce(job, report, "gelu", lambda x: len(x) > 2 and torch.is_grad_enabled())


def head(job: Job, report: Report) -> Outcome:
    """Its layers are no trouble, its loss is."""
    return _scarce(job, report, "cross_entropy", lambda x: len(x) > 2 and torch.is_grad_enabled())


def scores(job: Job, report: Report) -> Outcome:
    """It trains, and holds a quarter of the rows that are usually scored at a time."""
    return _scarce(job, report, "gelu", lambda x: len(x) > 24)


def weigh(job: Job, report: Report) -> Outcome:
    """Beside the run's folder, what tensors hold in each process between two steps: most bytes of any."""
    most = 0

    def after(gradients: Callable[..., float]) -> Callable[..., float]:
        def called(*given: Any, **named: Any) -> float:
            nonlocal most
            value = gradients(*given, **named)
            held = {}
            for thing in gc.get_objects():
                if isinstance(thing, torch.Tensor) and type(thing) in (torch.Tensor, nn.Parameter):
                    storage = thing.untyped_storage()
                    held[storage.data_ptr()] = storage.nbytes()
            most = max(most, sum(held.values()))
            (job.out.parent / f"held-{job.rank}.json").write_text(json.dumps(most))
            return value

        return called

    with (
        mock.patch.object(ranks, "gradients", after(ranks.gradients)),
        mock.patch.object(sharding.Sharded, "gradients", after(sharding.Sharded.gradients)),
    ):
        return engine.execute(job, report)


def small(job: Job, report: Report) -> Outcome:
    """The host has half a gigabyte."""
    with mock.patch("worker.train.device_memory", return_value=500_000_000):
        return engine.execute(job, report)
