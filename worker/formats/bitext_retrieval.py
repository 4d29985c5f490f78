"""Find a sentence's translation by cosine similarity; nothing is trained.

XTREME's direction: the query is the English sentence, the index holds the other language's sentences; top 1 counts
(third_party/utils_retrieve.py, ``similarity_search``: L2-normalised vectors in an exact inner-product order).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Bitext, Task
from worker import metrics
from worker.formats import Batch, Features, Level, Prediction, Reads, Values, segments

READS = Reads.EVERY
LEVEL = Level.ROW
BLOCK = 2048  # queries at a time: a block's similarities stay small whatever the pool


class Pooling(nn.Module):
    """No weights: the mean over all tokens, special ones included, or the first token's state."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """[rows, length, hidden] → [rows, hidden], each of length 1"""
        if not self.mean:
            pooled = states[:, 0]
        elif batch.mask is None:
            pooled = states.mean(dim=1)
        else:
            real = batch.mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * real).sum(dim=1) / real.sum(dim=1)
        return nn.functional.normalize(pooled.float(), dim=-1)


def head(hidden: int, task: Task, dropout: float) -> nn.Module:
    assert task.retrieval is not None  # the catalogue admits no retrieval task without
    return Pooling(task.retrieval.pooling == "mean")


def encode(examples: Sequence[Bitext], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    """Two rows an item: English, then the other language."""
    encoding = tokenizer(
        [text for e in examples for text in (e.english, e.sentence)], truncation=True, max_length=max_length
    )
    return Features.build(encoding["input_ids"], [2] * len(examples), token=segments(encoding))


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    raise TypeError("bitext retrieval is not trained")


def decode(
    task: Task, examples: Sequence[Bitext], features: Features, outputs: NDArray[np.float32]
) -> list[Prediction]:
    """``confidence`` is the cosine of what was retrieved."""
    english, index = torch.from_numpy(outputs[0::2]), torch.from_numpy(outputs[1::2])
    best: list[int] = []
    cosine: list[float] = []
    for queries in english.split(BLOCK):
        top = (queries @ index.T).max(dim=1)
        best += top.indices.tolist()
        cosine += top.values.clamp(0, 1).tolist()
    return [
        Prediction(e.id, examples[b].id, e.id, 100.0 * (b == i), c)
        for i, (e, b, c) in enumerate(zip(examples, best, cosine, strict=True))
    ]


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    """By position, not by id: a pool may name two lines alike."""
    correct = [p.score == 100.0 for p in predictions]
    return {"accuracy": (metrics.accuracy(correct, [True] * len(correct)), len(predictions))}
