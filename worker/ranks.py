"""One run on several devices: equal processes (ranks), each with all weights, a part of every batch and one device.

Data parallelism by hand (as in Goyal et al. 2017, arXiv 1706.02677, section 3; Li et al. 2020, PyTorch Distributed, arXiv 2006.15704,
section 3): every rank draws the same batch by its number, computes the gradients of its own items, each weighted with its share of
what the loss is the mean over (``worker.micro``), and the sum over ranks is the gradient of the whole batch. So the effective batch
and, but for the masks of dropout and the rounding of sums, the numbers are those of one device. Gradients are summed after the last
part and not while they are computed: then a rank that ran out of memory can say so before anything is summed, and all do
the step again in smaller parts.

Rank 0 alone reports, evaluates, checkpoints and writes the artifact; the others wait for it at the next step. What is random in a step
follows from (seed, step, rank), so a checkpoint needs no generator of any rank.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import FileStore

from worker import recompute
from worker.meter import TRAINING, Meter
from worker.micro import TooLarge, out_of_memory, parts, portion
from worker.outcomes import Job, RankLost, Report

if TYPE_CHECKING:
    from accelerate import Accelerator

    from worker.formats import Batch
    from worker.train import Progress, Stage

#: Rank 0 evaluates for as long as it takes; that a rank has died is seen by its pipe (``worker.following``), not by a clock.
PATIENCE = datetime.timedelta(days=30)
BUCKET_BYTES = 32 << 20  # gradients that are summed at a time


class Ranks:
    """This rank and its connection to the others. Every method is called by all ranks, in the same order.

    Raises:
        RankLost: out of any of them.
    """

    def __init__(self, job: Job) -> None:
        self.rank = job.rank
        self.count = job.spec.devices
        self.device = job.device
        self.seed = job.spec.seed or 0
        if job.meeting is None:
            raise RuntimeError(f"this run is for {self.count} devices, and was started as one process")
        # between processes of one machine; nothing of it is to be heard outside
        os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = (
            "lo0" if sys.platform == "darwin" else "lo"
        )
        backend = "cpu:gloo,cuda:nccl" if self.device == "cuda" else "gloo"
        store = FileStore(str(job.meeting), self.count)
        dist.init_process_group(backend, store=store, rank=self.rank, world_size=self.count, timeout=PATIENCE)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def summed(self, numbers: Sequence[float]) -> list[float]:
        """Sum over ranks, number by number."""
        together = torch.tensor(list(numbers), dtype=torch.float64)
        self._sum(together)
        return [float(n) for n in together]

    def any(self, mine: bool) -> bool:
        return self.summed([float(mine)])[0] > 0

    def of_first(self, number: float) -> float:
        """What rank 0 says."""
        return self.summed([number if self.leads else 0.0])[0]

    def begin(self, module: nn.Module, step: int, weights: bool = True) -> None:
        """Make sure that all start from the same: the step and, where ``weights`` are whole, these, which are those of rank 0.

        Raises:
            RuntimeError: they are at different steps.
        """
        if self.summed([step])[0] != step * self.count:
            raise RuntimeError(f"ranks begin at different steps; rank {self.rank} at {step}")
        with torch.no_grad():
            for weight in module.parameters() if weights else ():
                try:
                    dist.broadcast(weight.detach(), 0)
                except RuntimeError as error:
                    raise RankLost(str(error)) from error

    def add_up(self, weights: Sequence[nn.Parameter], there: Sequence[bool]) -> None:
        """Sum the gradients of those weights that any rank has one of; the others stay without, or AdamW would move them."""
        bucket: list[torch.Tensor] = []
        size = 0
        for weight, any_has in zip(weights, there, strict=True):
            if not any_has:
                continue
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            bucket.append(weight.grad)
            size += weight.grad.nbytes
            if size >= BUCKET_BYTES:
                self._sum_of(bucket)
                bucket, size = [], 0
        if bucket:
            self._sum_of(bucket)

    def _sum_of(self, gradients: Sequence[torch.Tensor]) -> None:
        flat = torch.cat([g.flatten() for g in gradients])
        self._sum(flat)
        for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def _sum(self, tensor: torch.Tensor) -> None:
        try:
            dist.all_reduce(tensor)
        except RuntimeError as error:
            raise RankLost(str(error)) from error

    def draw_from(self, step: int) -> None:
        """Seed torch for this rank's part of a step."""
        drawn = np.random.SeedSequence((self.seed, step, self.rank, 7)).generate_state(1, np.uint64)[0]
        torch.manual_seed(int(drawn) >> 1)


def join(job: Job) -> Ranks | None:
    """Meet the other ranks of a run; None where it has one device.

    Raises:
        RuntimeError: it was not started as several processes.
    """
    return None if job.spec.devices == 1 else Ranks(job)


def gradients(
    ranks: Ranks, stage: Stage, batch: Batch, at: Progress, accelerator: Accelerator, optimizer: Any, meter: Meter,
    report: Report,
) -> float:  # fmt: skip
    """As ``train._gradients``, with the items of the batch shared out over the ranks: the gradients of one step, and its loss, on
    every rank. Where any rank runs out of memory, all do the step again in smaller parts.

    Raises:
        TooLarge: not even one item fits, on some rank.
        ValueError: this loss cannot be divided.
    """
    own, of_batch = portion(batch, ranks.rank, ranks.count)
    most = -(-batch.items // ranks.count)  # items of the largest portion: decisions are the same everywhere
    weights = [p for p in stage.module.parameters() if p.requires_grad]
    while True:
        ranks.draw_from(at.step)
        value, failed = 0.0, False
        try:
            count = nullcontext() if at.recompute or not of_batch else meter.counting(own.tokens, TRAINING)
            with count, accelerator.autocast():
                for part, of_own in parts(own, at.micro or most) if of_batch else ():
                    loss = stage.loss(part) * (of_own * of_batch)
                    accelerator.backward(loss)
                    value += loss.item()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            failed = True
        failures, value, *have = ranks.summed([failed, value, *(p.grad is not None for p in weights)])
        if not failures:
            ranks.add_up(weights, [n > 0 for n in have])
            return value
        if at.micro == 1 or most == 1:
            if at.recompute:
                raise TooLarge(f"out of memory at step {at.step + 1}; not even one item fits")
            at.micro, at.recompute = 0, True
            recompute.switch_on(stage.module.get_submodule("encoder"))
            how = "with its layers computed twice"
        else:
            at.micro = -(-min(at.micro or most, most) // 2)
            how = "1 item at a time" if at.micro == 1 else f"{at.micro} items at a time"
        optimizer.zero_grad(set_to_none=True)
        if ranks.device == "cuda":
            torch.cuda.empty_cache()
        report.log(
            "warning", f"out of memory at step {at.step + 1}: it is done again, {how} on each of {ranks.count} devices"
        )
