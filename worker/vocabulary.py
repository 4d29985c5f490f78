"""Word embeddings with only the rows that a training touches.

Most of a multilingual encoder is its table of word embeddings, and most of that a run never sees: of XLM-R's 250,002 rows a training on
English sentence pairs looks up some 19,000. The others have a gradient of zero, yet an optimizer goes over them, their
gradients and their moments in every step. Here they stay out of the training. What the whole table's would have done to them is known
beforehand: AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2) with a gradient of zero has moments of zero, and
leaves its decay alone, w ← w·(1 − ηₜλ). So when the training is over they are given the product of these factors at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from worker.formats import Features

#: Untouched weights from which on it is done. A step of AdamW, with the norm of the gradients and their zeroes, takes some 3 ns a
#: weight on a CPU: less than that many are not seen in a step's time. Encoders of the mini world have fewer in their whole table.
LEAST = 4_000_000


class Untouched(ValueError):
    """A sub-word is looked up that was said to be in no row of the run."""


class Touched(nn.Module):
    """Stands in for an ``nn.Embedding``; ``rows`` are the ids that it has, in order."""

    def __init__(self, words: nn.Embedding, rows: NDArray[np.int64]) -> None:
        super().__init__()
        self.rows: torch.Tensor
        self.places: torch.Tensor
        of = torch.from_numpy(rows).to(words.weight.device)
        places = torch.full((words.num_embeddings,), -1, dtype=torch.int64, device=of.device)
        places[of] = torch.arange(len(rows), device=of.device)
        self.weight = nn.Parameter(words.weight.detach()[of])
        self.register_buffer("rows", of)  # in checkpoints: weights mean nothing without
        self.register_buffer("places", places, persistent=False)
        self.padding_idx = None if words.padding_idx is None else int(places[words.padding_idx])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """[…] → […, width]

        Raises:
            Untouched: one of the ids has no row.
        """
        places = self.places[ids]
        missing = places < 0
        if bool(missing.any()):
            raise Untouched(
                f"sub-word {int(ids[missing][0])} is in none of the rows that this training was said to read"
            )
        return nn.functional.embedding(places, self.weight, self.padding_idx)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Raises RuntimeError where the weights are those of other ids."""
        rows = state.get(f"{prefix}rows")
        if rows is not None and not torch.equal(rows.to(self.rows.device), self.rows):
            raise RuntimeError("weights of another module: of the embeddings of other sub-words")
        super()._load_from_state_dict(state, prefix, *rest)


@dataclass(frozen=True)
class Narrowed:
    """An encoder whose table is put aside; ``touched`` stands in its place."""

    encoder: Any
    words: nn.Embedding
    touched: Touched

    def widen(self, decay: float, rates: Iterable[float]) -> None:
        """Put the whole table back, with the trained rows in it and the others as steps of these learning rates leave them."""
        factor = math.prod(1.0 - rate * decay for rate in rates)
        weight = self.touched.weight.detach()
        with torch.no_grad():
            self.words.to(weight.device)
            self.words.weight.mul_(factor)
            self.words.weight[self.touched.rows] = weight
        self.encoder.set_input_embeddings(self.words)


def narrow(encoder: Any, rows: NDArray[np.int64], least: int = LEAST) -> Narrowed | None:
    """Leave of an encoder's word embeddings the ``rows``. None, and nothing is done, where they are not trained, where something else
    is made of the same weights, or where there are not even ``least`` other weights."""
    words = encoder.get_input_embeddings()
    if type(words) is not nn.Embedding or not words.weight.requires_grad:
        return None
    if (words.num_embeddings - len(rows)) * words.embedding_dim < least:
        return None
    touched = Touched(words, rows)
    encoder.set_input_embeddings(touched)
    if any(weight is words.weight for weight in encoder.parameters()):
        encoder.set_input_embeddings(words)
        return None
    return Narrowed(encoder, words, touched)


def ids_of(features: Sequence[Features], always: Iterable[int]) -> NDArray[np.int64]:
    """Every sub-word of these rows, and those that are ``always`` there, in order."""
    found = [np.unique(each.tokens) for each in features]
    return np.unique(np.concatenate([*found, np.fromiter(always, np.int64)])).astype(np.int64)
