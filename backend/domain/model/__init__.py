"""The pretrained encoders that can be chosen. A model is one entry: in ``hub`` (published), ``mini`` (pretrained here), or
found by ``own`` (added by whoever runs this installation). What somebody has pretrained on text of their own is written down in
the store and joins this process's ``MODELS`` when the store is read. Nothing here weighs anything: no torch, no network."""

from __future__ import annotations

import os
from collections.abc import Mapping

from backend.domain.architecture import KINDS, Architecture
from backend.domain.model import hub, mini
from backend.domain.model.catalogue import Catalogue
from backend.domain.model.entry import DIRECTORY, Family, Model
from backend.domain.model.own import inside, own
from backend.errors import unknown

__all__ = [
    "BUILT_IN", "DIRECTORY", "KINDS", "MODELS", "REFUSED", "Architecture", "Catalogue", "Family", "Model", "inside", "unusable",
]  # fmt: skip

BUILT_IN: tuple[Model, ...] = (*mini.ENTRIES, *hub.ENTRIES)
_OWN = own(os.environ, {m.name for m in BUILT_IN})
MODELS = Catalogue((*BUILT_IN, *_OWN.models))
REFUSED: Mapping[str, str] = _OWN.refused


def unusable(name: str) -> str | None:
    """In words why this name is no model that can be run; None where it is one."""
    if name in MODELS:
        base = MODELS[name].base
        gone = base is not None and unusable(base) is not None
        return f"model {name} goes on from {base}, which is not here any more" if gone else None
    if name in REFUSED:
        return f"model {name} cannot be used: {REFUSED[name]}"
    allowed = "; others are added by CROSSLIFT_MODEL_ROOT or CROSSLIFT_MODELS_ALLOWED" if "/" in name else ""
    return unknown("model", name, tuple(MODELS)) + allowed
