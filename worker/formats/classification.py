"""One text or a pair of texts, one label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Pair, Task
from worker import metrics
from worker.formats import (
    IGNORED,
    Batch,
    Features,
    FirstTokenHead,
    Level,
    Prediction,
    Reads,
    Values,
    entropy,
    segments,
    softmax,
)

READS = Reads.FIRST
LEVEL = Level.ROW


def head(hidden: int, task: Task, dropout: float) -> nn.Module:
    return FirstTokenHead(hidden, len(task.labels), dropout)


def encode(examples: Sequence[Pair], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    """Of too long a pair the longer text is cut."""
    encoding = tokenizer(
        [e.first for e in examples],
        None if all(e.second is None for e in examples) else [e.second or "" for e in examples],
        truncation="longest_first",
        max_length=max_length,
    )
    labels = [IGNORED if e.label is None else e.label for e in examples]
    return Features.build(encoding["input_ids"], token=segments(encoding), item={"labels": labels})


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    return nn.functional.cross_entropy(output.float(), batch.item["labels"])


def guess(features: Features) -> float | None:
    return entropy(features.item["labels"])


def decode(task: Task, examples: Sequence[Pair], features: Features, outputs: NDArray[np.float32]) -> list[Prediction]:
    chosen = outputs.argmax(axis=1)
    sure = softmax(outputs).max(axis=1)
    return [
        Prediction(e.id, task.labels[c], task.labels[e.label or 0], 100.0 * (c == e.label), float(p))
        for e, c, p in zip(examples, chosen, sure, strict=True)
    ]


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    """Accuracy; of a task that has it too F1 of its last label, and the mean of both."""
    ours, gold = [p.prediction for p in predictions], [p.gold for p in predictions]
    values = {"accuracy": (metrics.accuracy(ours, gold), len(predictions))}
    if "f1" in task.metrics:
        values["f1"] = (metrics.binary_f1(ours, gold, task.labels[-1]), len(predictions))
        values["accuracy_and_f1"] = ((values["accuracy"][0] + values["f1"][0]) / 2, len(predictions))
    return values
