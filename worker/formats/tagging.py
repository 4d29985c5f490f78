"""One tag per token of a sentence that is already split into tokens.

The first sub-word of a token carries its tag, the others none (XTREME third_party/utils_tag.py). A sentence whose
sub-words do not fit is continued in further rows, so that no token is left out of the score; a token without any sub-word
is read as the unknown one, as XTREME does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Task, Tokens
from worker import metrics
from worker.formats import IGNORED, Batch, Features, Level, Prediction, Reads, TokenHead, Values, entropy, softmax

READS = Reads.MARKED
LEVEL = Level.TOKEN


def head(hidden: int, task: Task, dropout: float) -> nn.Module:
    return TokenHead(hidden, len(task.labels), dropout)


def encode(examples: Sequence[Tokens], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    """Splits between tokens; a single token longer than a row is cut."""
    encoding = tokenizer([list(e.tokens) for e in examples], is_split_into_words=True, add_special_tokens=False)
    room = max_length - tokenizer.num_special_tokens_to_add()
    before, after = _frame(tokenizer)
    rows: list[list[int]] = []
    labels: list[list[int]] = []
    rows_per_item: list[int] = []
    for i, example in enumerate(examples):
        pieces: list[list[int]] = [[] for _ in example.tokens]
        for sub_word, word in zip(encoding["input_ids"][i], encoding.word_ids(i), strict=True):
            pieces[word].append(sub_word)
        first = len(rows)
        body: list[int] = []
        marks: list[int] = []
        for word, piece in enumerate(pieces):
            piece = piece[:room] or [int(tokenizer.unk_token_id or 0)]
            if body and len(body) + len(piece) > room:
                rows.append([*before, *body, *after])
                labels.append([*_ignored(before), *marks, *_ignored(after)])
                body, marks = [], []
            body += piece
            marks += [0 if example.tags is None else example.tags[word], *_ignored(piece[1:])]
        rows.append([*before, *body, *after])
        labels.append([*_ignored(before), *marks, *_ignored(after)])
        rows_per_item.append(len(rows) - first)
    token: dict[str, Sequence[Sequence[int]]] = {"labels": labels}
    if "token_type_ids" in tokenizer.model_input_names:
        token["types"] = [[0] * len(r) for r in rows]
    return Features.build(rows, rows_per_item, token=token)


def _frame(tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """The special tokens before and after a single text. mT5 has none before it."""
    encoding = tokenizer("a", return_special_tokens_mask=True)
    whole = [int(t) for t in encoding["input_ids"]]
    special = list(encoding["special_tokens_mask"])
    start, stop = special.index(0), len(special) - special[::-1].index(0)
    return whole[:start], whole[stop:]


def _ignored(of: Sequence[int]) -> list[int]:
    return [IGNORED] * len(of)


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    labels = batch.token["labels"].flatten()
    return nn.functional.cross_entropy(output.float(), labels[labels != IGNORED])


def guess(features: Features) -> float | None:
    return entropy(features.token["labels"])


def decode(
    task: Task, examples: Sequence[Tokens], features: Features, outputs: NDArray[np.float32]
) -> list[Prediction]:
    """``score`` is the token accuracy of the sentence, ``confidence`` the mean over its tokens."""
    marked = np.flatnonzero(features.token["labels"] != IGNORED)
    chosen = outputs[marked].argmax(axis=1)
    sure = softmax(outputs[marked]).max(axis=1)
    predictions = []
    at = 0
    for example in examples:
        end = at + len(example.tokens)
        tags = tuple(task.labels[t] for t in chosen[at:end])
        gold = tuple(task.labels[t] for t in example.tags or ())
        predictions.append(Prediction(example.id, tags, gold, metrics.accuracy(tags, gold), float(sure[at:end].mean())))
        at = end
    return predictions


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    """Both over tokens: n is the number of tokens."""
    tags, gold = [p.prediction for p in predictions], [p.gold for p in predictions]
    n = sum(len(g) for g in gold)
    return {"f1": (metrics.chunk_f1(tags, gold), n), "accuracy": (metrics.token_accuracy(tags, gold), n)}
