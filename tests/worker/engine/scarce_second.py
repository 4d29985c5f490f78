"""Executors of runs on two devices, of which the second is not as the first. Imported by the children of ``test_ranks``."""

from __future__ import annotations

import os
import signal
from unittest import mock

import torch
from torch import nn

from worker import execute as engine
from worker.outcomes import Job, Outcome, Report


def execute(job: Job, report: Report) -> Outcome:
    """The second one's memory holds two rows: torch's own error beyond that."""
    whole = nn.Embedding.forward

    def forward(self: nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
        if job.rank and self.training and ids.ndim == 2 and len(ids) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, ids)

    with mock.patch.object(nn.Embedding, "forward", forward):
        return engine.execute(job, report)


def fail(job: Job, report: Report) -> Outcome:
    if job.rank:
        raise ValueError("the second of two is broken")
    return engine.execute(job, report)


def burst(job: Job, report: Report) -> Outcome:
    """The second one's loss is no number from the start."""
    of = nn.functional.cross_entropy

    def entropy(*given: object, **named: object) -> torch.Tensor:
        loss: torch.Tensor = of(*given, **named)  # type: ignore[arg-type]
        return loss * float("nan") if job.rank else loss

    with mock.patch.object(nn.functional, "cross_entropy", entropy):
        return engine.execute(job, report)


def lost(job: Job, report: Report) -> Outcome:
    """The second is killed; the first sees no more of it than that something it asked for failed."""
    if job.rank:
        os.kill(os.getpid(), signal.SIGKILL)
    raise RuntimeError("connection closed by peer")
