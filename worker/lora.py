"""Low-rank adaptation (Hu et al. 2021): what is trained is a product of two thin matrices beside each linear map of a layer,
and is added to that map when the encoder is saved, so that whatever comes after loads an encoder like any other.

Every linear map of every layer has one, of attention and feed-forward alike: the one choice that means the same in every
architecture (some keep queries, keys and values in one matrix). Embeddings, norms and biases stay. Blocks that are frozen
(``Training.frozen``) have none, and stay as they are to the last bit.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from peft import LoraConfig, LoraModel
from torch import nn

from backend.domain.training import Training
from worker.architectures import CLASSES, kind_of, layers_of


@dataclass(frozen=True)
class Adapted:
    """An encoder with adapters in it; ``maps`` names the linear maps that have one."""

    model: Any
    maps: tuple[str, ...]

    def merge(self) -> None:
        """Add the adapters to the weights, and take them out. The encoder is then what it was, with other weights.

        Raises:
            ValueError: an adapter holds something that is not a number.
        """
        self.model.merge_and_unload(safe_merge=True)
        for name in ("peft_config", "active_adapters"):  # what the library left on the encoder, which would be saved
            self.model.model.__dict__.pop(name, None)


def adapt(encoder: nn.Module, training: Training) -> Adapted | None:
    """Put adapters into an encoder, in place, and keep all of its own weights as they are; None where none are wanted.

    They begin as no change at all: one of the two matrices is zero, the other drawn from torch's generator.

    Raises:
        ValueError: every layer is frozen.
    """
    if training.lora_rank is None:
        return None
    maps = maps_of(encoder, training.frozen)
    if not maps:
        layers = len(layers_of(encoder))
        raise ValueError(
            f"frozen {training.frozen} keeps the embeddings and all {layers} layers as they are, which leaves LoRA nothing to "
            f"train; at most {layers}"
        )
    given: dict[str, Any] = {
        "r": training.lora_rank,
        "lora_alpha": training.lora_alpha,
        "lora_dropout": training.lora_dropout,
    }
    config = LoraConfig(**given, target_modules=list(maps), bias="none")
    with warnings.catch_warnings():  # of tied embeddings, which are not adapted
        warnings.filterwarnings("ignore", message=".*tie_word_embeddings.*")
        return Adapted(LoraModel(encoder, config, "default"), maps)


def maps_of(encoder: nn.Module, frozen: int) -> tuple[str, ...]:
    """Names of the linear maps of the layers above the ``frozen`` lowest blocks, of which the first is the embeddings."""
    of = CLASSES[kind_of(encoder)]
    first = max(0, frozen - 1)
    return tuple(f"{of.layers}.{i}.{name}" for i in range(first, len(layers_of(encoder))) for name in of.maps)


def trainable(module: nn.Module) -> int:
    """Weights that a training changes."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
