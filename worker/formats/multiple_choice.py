"""A prompt and options: each option is read together with the prompt, the best-scored one is the answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Choice, Task
from worker import metrics
from worker.formats import IGNORED, Batch, Features, FirstTokenHead, Level, Prediction, Reads, Values, segments, softmax

READS = Reads.FIRST
LEVEL = Level.ROW


def head(hidden: int, task: Task, dropout: float) -> nn.Module:
    return FirstTokenHead(hidden, 1, dropout)


def encode(examples: Sequence[Choice], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    """One row an option; of too long a pair the longer text is cut."""
    encoding = tokenizer(
        [e.prompt for e in examples for _ in e.options],
        [option for e in examples for option in e.options],
        truncation="longest_first",
        max_length=max_length,
    )
    return Features.build(
        encoding["input_ids"],
        [len(e.options) for e in examples],
        token=segments(encoding),
        item={"labels": [IGNORED if e.label is None else e.label for e in examples]},
    )


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross entropy over each item's options; items may have unequal numbers of them."""
    options = int(batch.row_place.max()) + 1
    scores = output.new_full((batch.items, options), float("-inf"), dtype=torch.float32)
    scores = scores.index_put((batch.row_item, batch.row_place), output[:, 0].float())
    return nn.functional.cross_entropy(scores, batch.item["labels"])


def guess(features: Features) -> float | None:
    """The same head reads every option, so that without their text all are alike."""
    return float(np.log(np.diff(features.items)).mean())


def decode(
    task: Task, examples: Sequence[Choice], features: Features, outputs: NDArray[np.float32]
) -> list[Prediction]:
    predictions = []
    for i, example in enumerate(examples):
        scores = outputs[features.items[i] : features.items[i + 1], 0]
        chosen = int(scores.argmax())
        predictions.append(
            Prediction(
                example.id, chosen, example.label, 100.0 * (chosen == example.label), float(softmax(scores)[chosen])
            )
        )
    return predictions


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    value = metrics.accuracy([p.prediction for p in predictions], [p.gold for p in predictions])
    return {"accuracy": (value, len(predictions))}
