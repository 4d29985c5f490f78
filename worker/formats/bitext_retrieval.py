"""Find a sentence's translation by cosine similarity; nothing is trained.

XTREME's direction: the query is the English sentence, the index holds the other language's sentences; top 1 counts
(third_party/utils_retrieve.py, ``similarity_search``: L2-normalised vectors in an exact inner-product order).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Bitext, Task
from worker import metrics
from worker.formats import Batch, Features, Level, Prediction, Reads, Values, pooling_head, segments

READS = Reads.EVERY
LEVEL = Level.ROW
BLOCK = 2048  # queries at a time: a block's similarities stay small whatever the pool


head = pooling_head


def encode(examples: Sequence[Bitext], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    """Two rows an item: English, then the other language."""
    encoding = tokenizer(
        [text for e in examples for text in (e.english, e.sentence)], truncation=True, max_length=max_length
    )
    return Features.build(encoding["input_ids"], [2] * len(examples), token=segments(encoding))


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    raise TypeError("bitext retrieval is not trained")


def guess(features: Features) -> float | None:
    return None  # it is not trained


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
