"""The masked-language-model head that a published checkpoint carries beside its encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from safetensors import safe_open

from worker.encoder import Encoder

#: Our names → those of the library's ``XLMRobertaForMaskedLM`` and ``BertForMaskedLM``.
_NAMES: Final[tuple[Mapping[str, str], ...]] = (
    {
        "dense.weight": "lm_head.dense.weight", "dense.bias": "lm_head.dense.bias",
        "layer_norm.weight": "lm_head.layer_norm.weight", "layer_norm.bias": "lm_head.layer_norm.bias",
        "bias": "lm_head.bias",
    },
    {
        "dense.weight": "cls.predictions.transform.dense.weight", "dense.bias": "cls.predictions.transform.dense.bias",
        "layer_norm.weight": "cls.predictions.transform.LayerNorm.weight",
        "layer_norm.bias": "cls.predictions.transform.LayerNorm.bias", "bias": "cls.predictions.bias",
    },
)  # fmt: skip


def of(encoder: Encoder) -> Mapping[str, torch.Tensor] | None:
    """The head in the checkpoint's files as the state of an ``MlmHead``; None where the encoder is fresh or it has none."""
    if encoder.folder is None:
        return None
    found: dict[str, torch.Tensor] = {}
    wanted = {theirs: ours for names in _NAMES for ours, theirs in names.items()}
    for path in sorted(encoder.folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                if name in wanted:
                    found[wanted[name]] = file.get_tensor(name).float()
    return found if found.keys() == _NAMES[0].keys() else None
