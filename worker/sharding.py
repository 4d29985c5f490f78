"""One run on several devices, of which each holds only a part of the weights, their gradients and the optimizer's moments.

Fully sharded data parallelism (Rajbhandari et al. 2020, ZeRO, arXiv 1910.02054, section 5, stage 3; Zhao et al. 2023, PyTorch FSDP, arXiv
2304.11277) by ``torch.distributed.fsdp.fully_shard``: of each weight every rank keeps an even share of its rows; a layer's are
gathered while it is computed, and its gradients are summed and divided at once. Embeddings, and what else lies outside of the layers,
are one more such group, gathered for the whole of a step. Heads are small, and stay whole on every rank.

By torch directly and not by ``accelerate``, whose plugin takes over a whole training loop: it prepares one module that is called as a
whole, where a stage here computes of its last layer only what is looked at, and it counts on every rank going through every
step, where a rank here may run out of memory. Everything about the batch, its parts and what is random is as in
``worker.ranks``, so the numbers are those of as many devices that hold all weights, but for the rounding of sums.

What leaves this module is whole again: rank 0 gathers checkpoints and best weights, weight by weight, in the memory of its host.
Calls are made by all ranks, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard

from worker import encoder as encoders
from worker import guard
from worker.architectures import layers_of
from worker.guard import Guard
from worker.micro import TooLarge, out_of_memory, parts, portion
from worker.outcomes import Report
from worker.ranks import Ranks
from worker.weights import frozen_digest, restore_moments, take_up, weights_of

if TYPE_CHECKING:
    from worker.formats import Batch
    from worker.train import Progress, Stage

#: What ``fully_shard`` and the guard leave on a module, beside its class.
_HOOKS = (
    "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_forward_hooks", "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called", "_state_dict_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)  # fmt: skip


class Sharded:
    """A stage whose encoder is divided over the ranks of a run."""

    def __init__(self, ranks: Ranks, stage: Stage, half: bool) -> None:
        self.ranks = ranks
        self.module = stage.module
        self.encoder = self.module.get_submodule("encoder")
        self.device = torch.device(ranks.device)
        self.half = half
        self.start = frozen_digest(self.module)
        self._learnt = list(weights_of(self.module))  # while they are whole
        self._before = _Before(self.encoder)
        self._guard = Guard(self.encoder, ranks.any)
        for child in self.module.children():
            if child is not self.encoder:
                child.to(self.device)
        encoders.under_guard(self.encoder, self._guard)
        self._mesh = init_device_mesh(ranks.device, (ranks.count,))
        for layer in layers_of(self.encoder):
            fully_shard(layer, mesh=self._mesh, reshard_after_forward=True)
        fully_shard(self.encoder, mesh=self._mesh)
        for group in self.encoder.modules():
            if isinstance(group, FSDPModule):
                group.set_gradient_divide_factor(1.0)  # sums: each part is already weighted with its share of the batch
                group.set_force_sum_reduction_for_comms(True)
        self._rehearse(stage)
        #: What the optimizer moves: this rank's rows of the encoder's weights, in the memory of these, and the heads'.
        self._own = [(weight, _own(weight)) for weight in self.module.parameters() if weight.requires_grad]

    def _rehearse(self, stage: Stage) -> None:
        """One item through the encoder, for the guard to see what its layers give."""
        self.encoder.eval()
        with torch.no_grad():
            stage.loss(next(parts(stage.batch(0), 1))[0].to(self.device))
        self.rest()

    def rest(self) -> None:
        """After a forward pass that nothing followed: each rank keeps its own part only."""
        cast(FSDPModule, self.encoder).reshard()

    # --- one step -----------------------------------------------------------------------------------------------------

    def gradients(self, stage: Stage, batch: Batch, at: Progress, report: Report) -> float:
        """As ``ranks.gradients``: those of one step, left on the optimizer's weights, and its loss.

        Raises:
            TooLarge: not even one item fits, on some rank.
            ValueError: this loss cannot be divided.
        """
        own, of_batch = portion(batch, self.ranks.rank, self.ranks.count)
        most = -(-batch.items // self.ranks.count)
        while True:
            self.ranks.draw_from(at.step)
            size = at.micro or most
            todo = [(part, of_own * of_batch) for part, of_own in parts(own, size)] if of_batch else []
            # all ranks go through the layers equally often: one that has less to do does something again that does not count
            idle = next(parts(batch, 1))[0]
            todo += [(idle, 0.0)] * (-(-most // size) - len(todo))
            value, failed = 0.0, False
            for part, share in todo:
                found, fits = self._part(stage, part, share)
                value += found
                failed |= not fits
            heads = [weight for weight, own in self._own if own is weight]
            failures, value, *have = self.ranks.summed([failed, value, *(w.grad is not None for w in heads)])
            if not failures:
                self.ranks.add_up(heads, [n > 0 for n in have])
                for weight, local in self._own:
                    if local is not weight:
                        local.grad = None if weight.grad is None else cast(DTensor, weight.grad).to_local()
                        weight.grad = None
                return value
            if size == 1:
                raise TooLarge(f"out of memory at step {at.step + 1}; not even one item fits")
            at.micro = -(-min(size, most) // 2)
            how = "1 item at a time" if at.micro == 1 else f"{at.micro} items at a time"
            for weight, _ in self._own:
                weight.grad = None
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            report.log(
                "warning",
                f"out of memory at step {at.step + 1}: it is done again, {how} on each of {self.ranks.count} devices",
            )

    def _part(self, stage: Stage, part: Batch, share: float) -> tuple[float, bool]:
        """Forth and back with one part. Its loss, weighted; and whether it fitted.

        Raises:
            Unguarded: memory ran out where the step cannot be gone on with.
        """
        self._guard.again()
        value = 0.0
        loss: torch.Tensor | None = None
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=False):
                loss = stage.loss(part) * share
            if not self._guard.failed:
                loss.backward()
                value = loss.item()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            self._guard.failed = True
        loss = None  # and with it what the head kept
        self._guard.back()
        self.rest()
        return value, not self._guard.failed

    def clip(self, most: float) -> float:
        """The norm of all gradients together; where it is above ``most`` they are scaled down to it, as by torch's function."""
        of_parts = sum(_square(own.grad) for weight, own in self._own if own is not weight)
        of_heads = sum(_square(own.grad) for weight, own in self._own if own is weight)
        norm = math.sqrt(self.ranks.summed([of_parts])[0] + of_heads)
        if norm > most:
            for _, own in self._own:
                if own.grad is not None:
                    own.grad.mul_(most / (norm + 1e-6))
        return norm

    # --- weights ------------------------------------------------------------------------------------------------------

    def parameters(self) -> list[nn.Parameter]:
        """What is trained, as the optimizer is to have it; in the order of the whole module's."""
        return [own for _, own in self._own]

    def learnt(self) -> dict[str, torch.Tensor]:
        """As ``weights.Whole.learnt``, whole and on the host, on rank 0; nothing elsewhere."""
        return self._gathered((name, self._tensor(name)) for name in self._learnt)

    def take_up(self, weights: Mapping[str, torch.Tensor]) -> None:
        """This rank's rows of whole weights. They may be more than those that are trained.

        Raises:
            RuntimeError: they are of another module.
        """
        missing = set(self._learnt) - weights.keys()
        if missing:
            raise RuntimeError(f"weights of another module: {min(missing)} is missing")
        with torch.no_grad():
            for name, whole in weights.items():
                mine = self._tensor(name)
                if isinstance(mine, DTensor):
                    mine.to_local().copy_(self._rows(whole))
                else:
                    mine.copy_(whole)

    def ruined(self) -> str | None:
        """The name of a weight that holds what is no number, on any rank."""
        bad = [
            float(t.is_floating_point() and not bool(t.isfinite().all()))
            for t in (_here(self._tensor(name)) for name in self._learnt)
        ]
        found = self.ranks.summed(bad)
        return next((name for name, n in zip(self._learnt, found, strict=True) if n), None)

    def moments(self, optimizer: Any) -> dict[str, torch.Tensor]:
        """As ``weights.Whole.moments``, whole, on rank 0; nothing elsewhere."""
        whole_of = {id(own): weight for weight, own in self._own}
        found = []
        for i, own in enumerate(p for group in optimizer.param_groups for p in group["params"]):
            weight = whole_of[id(own)]
            for key, value in optimizer.state.get(own, {}).items():
                tensor = torch.as_tensor(value)
                if isinstance(weight, DTensor) and tensor.ndim:
                    tensor = DTensor.from_local(
                        tensor, self._mesh, [Shard(0)], run_check=False, shape=weight.shape, stride=weight.stride()
                    )
                found.append((f"{i}.{key}", tensor))
        return self._gathered(found)

    def take_up_moments(self, optimizer: Any, moments: Mapping[str, torch.Tensor]) -> None:
        divided = {id(own) for weight, own in self._own if own is not weight}
        places = [id(p) in divided for group in optimizer.param_groups for p in group["params"]]

        def part(place: int, tensor: torch.Tensor) -> torch.Tensor:
            return self._rows(tensor).clone() if places[place] and tensor.ndim else tensor

        restore_moments(optimizer, moments, part)

    def reunited(self, best: Mapping[str, torch.Tensor]) -> None:
        """Make the module of rank 0 what it was, on its host, with the ``best`` weights in it. The others are then of no use.

        Raises:
            RuntimeError: something that is trained is missing in ``best``.
        """
        prefix = next(name for name, child in self.module.named_children() if child is self.encoder)
        found = []
        for name, shape, dtype, trained in self._before.weights:
            whole = None if trained else self._gathered([(name, self._tensor(f"{prefix}.{name}"))]).get(name)
            found.append(torch.empty(shape, dtype=dtype) if whole is None else whole)
        if not self.ranks.leads:
            return
        guard.lift(self.encoder)
        self._before.restore(found)
        take_up(self.module.to("cpu"), best)

    def _tensor(self, name: str) -> torch.Tensor:
        """A weight, or a buffer, by its name."""
        of, _, last = name.rpartition(".")
        found = getattr(self.module.get_submodule(of), last)
        return cast(torch.Tensor, found).detach()

    def _rows(self, whole: torch.Tensor) -> torch.Tensor:
        """This rank's, of all: even shares, rounded up, from the first rank on (``torch.chunk``)."""
        size = -(-len(whole) // self.ranks.count)
        first = min(self.ranks.rank * size, len(whole))
        return whole[first : min(first + size, len(whole))]

    def _gathered(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        found = {}
        for name, tensor in tensors:
            whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
            if self.ranks.leads:
                found[name] = whole.to("cpu", copy=True)
        return found


class _Before:
    """A module as it was: what dividing its weights changes about it."""

    def __init__(self, module: nn.Module) -> None:
        self._modules = [
            (part, type(part), {name: part.__dict__[name].copy() for name in _HOOKS if name in part.__dict__})
            for part in module.modules()
        ]
        self.weights: list[
            tuple[str, torch.Size, torch.dtype, bool]
        ] = []  # each once: name, shape, type, whether it is trained
        self._places: list[tuple[nn.Module, str, int]] = []  # where each of them is; mT5 has one in two places
        numbers: dict[int, int] = {}
        for of, part in module.named_modules():
            for name, weight in part.named_parameters(recurse=False, remove_duplicate=False):
                if id(weight) not in numbers:
                    numbers[id(weight)] = len(numbers)
                    self.weights.append(
                        (f"{of}.{name}".removeprefix("."), weight.shape, weight.dtype, weight.requires_grad)
                    )
                self._places.append((part, name, numbers[id(weight)]))

    def restore(self, weights: Sequence[torch.Tensor]) -> None:
        """``weights``: in the order of ``self.weights``."""
        for part, kind, hooks in self._modules:
            part.__class__ = kind
            part.__dict__.pop("forward", None)
            part.__dict__.update(hooks)
        made = [nn.Parameter(w, of[-1]) for w, of in zip(weights, self.weights, strict=True)]
        for part, name, number in self._places:
            part._parameters[name] = made[number]


def _own(weight: nn.Parameter) -> nn.Parameter:
    """This rank's rows of a weight, in the same memory; a weight that is not divided, itself."""
    return nn.Parameter(cast(DTensor, weight.detach()).to_local()) if isinstance(weight, DTensor) else weight


def _square(gradient: torch.Tensor | None) -> float:
    """The square of its norm."""
    return 0.0 if gradient is None or not gradient.numel() else float(torch.linalg.vector_norm(gradient)) ** 2


def _here(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
