"""Activation checkpointing: the activations of a layer are thrown away and computed again when its gradients are.

Of each layer only its input is kept, one forward pass more is paid (Chen et al. 2016, arXiv 1604.06174; a quarter to a third of a
step's time). Dropout draws the same masks the second time, so the gradients are the same and nobody's numbers change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from worker.architectures import layers_of

_MARK = "recomputes_its_layers"


def switch_on(encoder: nn.Module) -> None:
    """From now on. Once more does nothing; parameters, their names and what is saved stay as they are."""
    if switched_on(encoder):
        return
    setattr(encoder, _MARK, True)
    for layer in layers_of(encoder):
        layer.forward = partial(again, layer.forward)


def switched_on(encoder: nn.Module) -> bool:
    return bool(getattr(encoder, _MARK, False))


def again(layer: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What the layer gives, computed again for the gradients; where none are asked for, computed once as always."""
    if not torch.is_grad_enabled():
        return layer(*given, **named)
    return checkpoint(layer, *given, use_reentrant=False, preserve_rng_state=True, **named)
