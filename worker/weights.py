"""What a training has learnt, as it is kept: its best weights and its checkpoints, without what it leaves as it was.

A frozen weight is that of the encoder the run starts from, which is there again when it is resumed: it is known by a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Every tensor that a training may change once, by its first name: mT5 knows its word embeddings by two, and a file keeps one.
    Frozen weights are left out."""
    frozen = {name for name, p in module.named_parameters(remove_duplicate=False) if not p.requires_grad}
    seen: set[tuple[int, int]] = set()
    found = {}
    for name, tensor in module.state_dict().items():
        place = (tensor.data_ptr(), tensor.numel())
        if name not in frozen and place not in seen:
            seen.add(place)
            found[name] = tensor.detach()
    return found


def take_up(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load what ``weights_of`` gave; or what checkpoints held before frozen weights were left out, which is more.

    Raises:
        RuntimeError: it is of another module.
    """
    wanted, there = weights_of(module).keys(), module.state_dict().keys()
    strange = (wanted - weights.keys()) or (weights.keys() - there)
    if strange:
        raise RuntimeError(f"weights of another module, such as {min(strange)}")
    module.load_state_dict(dict(weights), strict=False)


def frozen_digest(module: nn.Module) -> str | None:
    """SHA-256 over names, shapes and bytes of the frozen weights, in the order of the module; None where all are trained."""
    frozen = [(name, p) for name, p in module.named_parameters() if not p.requires_grad]
    if not frozen:
        return None
    found = hashlib.sha256()
    for name, weight in frozen:
        found.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        found.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return found.hexdigest()


class Whole:
    """A stage's module on one device, or the same on each of several. ``worker.sharding.Sharded`` is the other kind."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.start = frozen_digest(module)  # what is trained goes with these weights and no others

    def learnt(self) -> dict[str, torch.Tensor]:
        return weights_of(self.module)

    def take_up(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Raises RuntimeError where they are of another module."""
        take_up(self.module, weights)

    def ruined(self) -> str | None:
        """The name of a weight that holds what is no number."""
        for name, tensor in weights_of(self.module).items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                return name
        return None

    def moments(self, optimizer: Any) -> dict[str, torch.Tensor]:
        """The optimizer's state: ``{number of the weight}.{what}``."""
        state = optimizer.state_dict()["state"]
        return {f"{i}.{k}": torch.as_tensor(v) for i, entry in state.items() for k, v in entry.items()}

    def take_up_moments(self, optimizer: Any, moments: Mapping[str, torch.Tensor]) -> None:
        restore_moments(optimizer, moments)


def restore_moments(
    optimizer: Any, moments: Mapping[str, torch.Tensor],
    part: Callable[[int, torch.Tensor], torch.Tensor] = lambda number, tensor: tensor,
) -> None:  # fmt: skip
    """Give an optimizer the state that ``moments`` wrote down. ``part``: what it is to have of a weight's."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in moments.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = part(int(number), tensor)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
