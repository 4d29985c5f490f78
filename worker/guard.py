"""Memory that runs out in a layer, while the processes of a run compute in step (``worker.sharding``).

Where weights are divided, every layer waits for the others: a process that left its step half-way would leave them waiting for
ever. So here a layer that does not fit is not an error: it hands on zeros, notes that it did not fit, and the step goes on to its
end, exchanges and all, to be thrown away by all processes together. For that its backward pass has to be within reach, too: of each
layer only the input is kept, and it is computed again for its gradients (Chen et al. 2016, arXiv 1604.06174), under the
same guard. Dropout draws the same masks the second time, so the numbers are those of ``worker.recompute``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from worker.micro import out_of_memory

_MARK = "guarded_by"
Call = Callable[..., Any]
Random = tuple[torch.Tensor, torch.Tensor | None]  # states of the generators of host and GPU


class Guard:
    """Of one encoder. ``failed``: memory ran out since ``again``. ``any``: whether something is so in any of the processes."""

    def __init__(self, encoder: nn.Module, any: Callable[[bool], bool]) -> None:
        setattr(encoder, _MARK, self)
        self.any = any
        self.failed = False
        self.whole: torch.Tensor | None = None  # what the encoder gave, with its way back
        self.leaf: torch.Tensor | None = None  # the same numbers, from which what comes after has its own way back
        self._shapes: dict[nn.Module, tuple[TreeSpec, list[bool | None]]] = {}

    def again(self) -> None:
        """For a new attempt."""
        self.failed, self.whole, self.leaf = False, None, None

    def watched(self, layer: nn.Module, forward: Call, size: Callable[..., tuple[int, ...]] | None = None) -> Call:
        """``forward`` of a layer, under guard. It is to be called once without gradients before it is with them: what a layer gives
        has to be known before it can be stood in for.

        Args:
            size: says, of what the layer is given, the size of the states that it gives; None: that of the first tensor given.
        """
        return partial(self._call, layer, forward, size)

    def states(self, encoder: nn.Module, *given: Any) -> torch.Tensor:
        """What the encoder gives, cut off from it, so that a head that does not fit keeps nobody from the encoder's way back
        (``back``).

        Raises:
            Unguarded: memory ran out for the embeddings, or for gathered weights.
        """
        try:
            states: torch.Tensor = encoder(*given)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise Unguarded("the memory of a device does not hold the embeddings and one layer") from error
        if not (torch.is_grad_enabled() and states.requires_grad):
            return states
        self.whole = states
        self.leaf = states.detach().requires_grad_()
        return self.leaf

    def back(self) -> None:
        """The encoder's way back, from the gradients that the head has left; from zeros where it has not.

        Raises:
            Unguarded: memory ran out outside of a layer.
        """
        if self.whole is None or self.leaf is None:  # nothing of the encoder is trained
            return
        gradient = self.leaf.grad if self.leaf.grad is not None else self.leaf.new_zeros(()).expand(self.leaf.shape)
        try:
            self.whole.backward(gradient)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise Unguarded(
                "the memory of a device does not hold the gradients of the embeddings and one layer"
            ) from error
        self.whole = self.leaf = None

    def _call(
        self, layer: nn.Module, forward: Call, size: Callable[..., tuple[int, ...]] | None, *given: Any, **named: Any
    ) -> Any:
        leaves, tree = tree_flatten((given, named))
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
        tensors = [leaves[i] for i in places]

        def run(others: Sequence[torch.Tensor]) -> Any:
            filled = list(leaves)
            for place, tensor in zip(places, others, strict=True):
                filled[place] = tensor
            args, kwargs = tree_unflatten(filled, tree)
            return forward(*args, **kwargs)

        given_size = tuple(tensors[0].shape) if size is None else size(*given, **named)
        trained = any(p.requires_grad for p in layer.parameters()) or any(t.requires_grad for t in tensors)
        if not (torch.is_grad_enabled() and trained):
            found = self.tried(layer, run, given_size, tensors)
        else:
            # the anchor is for a layer whose input has no way back, while its weights have one
            anchor = torch.zeros((), requires_grad=True)
            found = list(_Within.apply(self, layer, run, given_size, anchor, *tensors))
        shape, kinds = self._shapes[layer]
        out = iter(found)
        return tree_unflatten([None if kind is None else next(out) for kind in kinds], shape)

    def tried(
        self, layer: nn.Module, run: Call, size: tuple[int, ...], tensors: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """The tensors that the layer gives; zeros once memory has run out."""
        if not self.failed:
            try:
                leaves, tree = tree_flatten(run(tensors))
                kinds = [tuple(leaf.shape) == size if isinstance(leaf, torch.Tensor) else None for leaf in leaves]
                self._shapes.setdefault(layer, (tree, kinds))
                return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
            except (RuntimeError, MemoryError) as error:
                if layer not in self._shapes or not out_of_memory(error):
                    raise
            self.failed = True
        return [
            tensors[0].new_zeros(size) if states else tensors[0].new_zeros(())
            for states in self._shapes[layer][1]
            if states is not None
        ]


class _Within(torch.autograd.Function):
    """A layer: its states without what their gradients need, and these by computing it again."""

    @staticmethod
    def forward(
        ctx: Any,
        guard: Guard,
        layer: nn.Module,
        run: Call,
        size: tuple[int, ...],
        anchor: torch.Tensor,
        *tensors: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        device = tensors[0].device.type
        ctx.guard, ctx.layer, ctx.run = guard, layer, run
        ctx.random = _random(device)
        ctx.half = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        found = guard.tried(layer, run, size, tensors)
        # no views: what waits for the gradients of one is lost when it is written to
        return tuple(t.clone() if t._is_view() or any(t is given for given in tensors) else t for t in found)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[Any, ...]:
        guard: Guard = ctx.guard
        inputs = [t.detach().requires_grad_(t.requires_grad) for t in ctx.saved_tensors]
        device = inputs[0].device.type
        found: list[torch.Tensor] = []
        pairs: list[tuple[torch.Tensor, torch.Tensor]] = []
        if not guard.failed:
            try:
                half, dtype = ctx.half
                with (
                    torch.enable_grad(),
                    _redrawn(device, ctx.random),
                    torch.autocast(device, dtype, enabled=half, cache_enabled=False),
                ):
                    found = [t for t in tree_flatten(ctx.run(inputs))[0] if isinstance(t, torch.Tensor)]
                pairs = [(t, g) for t, g in zip(found, gradients, strict=True) if t.requires_grad and g is not None]
                torch.autograd.backward([t for t, _ in pairs], [g for _, g in pairs])
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                guard.failed = True
        if guard.failed:
            found.clear()  # and with them what their gradients need
            pairs.clear()
            for weight in ctx.layer.parameters():  # what is exchanged is the same everywhere
                if weight.requires_grad and weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
        back = [
            None
            if not t.requires_grad
            else t.new_zeros(()).expand(t.shape)
            if guard.failed or t.grad is None
            else t.grad
            for t in inputs
        ]
        return (None, None, None, None, None, *back)


class Unguarded(RuntimeError):
    """Memory ran out where one process cannot stay in step with the others; no error that anything is tried again after."""


def agreed(encoder: nn.Module, failed: bool) -> bool:
    """Whether memory ran out in a pass without gradients: on this device or, where weights are divided, on any."""
    watcher = of(encoder)
    if watcher is None:
        return failed
    here, watcher.failed = failed or watcher.failed, False
    return watcher.any(here)


def no_gradients(encoder: nn.Module) -> AbstractContextManager[Any]:
    """For evaluations. Gathered weights cannot be made in torch's inference mode, as they are used again in training."""
    return torch.inference_mode() if of(encoder) is None else torch.no_grad()


def of(encoder: nn.Module) -> Guard | None:
    return getattr(encoder, _MARK, None)


def lift(encoder: nn.Module) -> None:
    """It is no longer under guard."""
    delattr(encoder, _MARK)


def _random(device: str) -> Random:
    return torch.get_rng_state(), torch.cuda.get_rng_state() if device == "cuda" else None


@contextmanager
def _redrawn(device: str, state: Random) -> Iterator[None]:
    """Within, what is drawn is what was drawn from ``state`` on; after it, as if nothing had been."""
    now = _random(device)
    _draw_from(state)
    try:
        yield
    finally:
        _draw_from(now)


def _draw_from(state: Random) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1])
