"""Find the sentences of two texts that translate each other; nothing is trained (BUCC 2018).

As XTREME's third_party/utils_retrieve.py (after Artetxe & Schwenk 2019, Margin-based Parallel Corpus Mining): candidates are
each sentence's nearest of the other text by **ratio margin**, the cosine over the mean cosine of both sides' four nearest
neighbours; pairs are taken greedily, one to one, the best first; what scores less than a threshold is dropped, and the
threshold is the one with the best F1 on development data. Equal sentences of a text are embedded once, and take no part in
the result: it could not be said which of them is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Line, Split, Task
from worker import metrics
from worker.formats import Batch, Beside, Features, Level, Prediction, Read, Reads, Values, pooling_head, segments
from worker.nearest import nearest

READS = Reads.EVERY
LEVEL = Level.ROW
NEIGHBOURS = 4

head = pooling_head


def encode(examples: Sequence[Line], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    encoding = tokenizer([e.text for e in examples], truncation=True, max_length=max_length)
    return Features.build(encoding["input_ids"], token=segments(encoding))


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    raise TypeError("bitext mining is not trained")


def margin_pairs(
    source: NDArray[np.float32], target: NDArray[np.float32], neighbours: int = NEIGHBOURS
) -> list[tuple[int, int, float, float]]:
    """Source, target, margin and cosine of the pairs that are taken, best margin first; vectors are of length 1.

    margin(x, y) = cos(x, y) / ((mean cosine of x with its nearest targets + mean cosine of y with its nearest sources) / 2).
    """
    forward, forward_cosine = nearest(source, target, neighbours)
    backward, backward_cosine = nearest(target, source, neighbours)
    of_source, of_target = forward_cosine.mean(axis=1), backward_cosine.mean(axis=1)
    ahead = forward_cosine / ((of_source[:, None] + of_target[forward]) / 2)
    back = backward_cosine / ((of_target[:, None] + of_source[backward]) / 2)
    lines = np.arange(len(source)), np.arange(len(target))
    chosen = ahead.argmax(axis=1), back.argmax(axis=1)
    sources = np.concatenate([lines[0], backward[lines[1], chosen[1]]])
    targets = np.concatenate([forward[lines[0], chosen[0]], lines[1]])
    margins = np.concatenate([ahead.max(axis=1), back.max(axis=1)])
    cosines = np.concatenate([forward_cosine[lines[0], chosen[0]], backward_cosine[lines[1], chosen[1]]])
    taken: tuple[set[int], set[int]] = set(), set()
    pairs = []
    for i in np.argsort(-margins, kind="stable"):
        x, y = int(sources[i]), int(targets[i])
        if x not in taken[0] and y not in taken[1]:
            taken[0].add(x)
            taken[1].add(y)
            pairs.append((x, y, float(margins[i]), float(cosines[i])))
    return pairs


def _candidates(read: Read) -> dict[metrics.IdPair, tuple[float, float]]:
    """Margin and cosine of the pairs of ids that are taken.

    Raises:
        ValueError: one of the two texts has no sentence.
    """
    first: tuple[dict[str, int], dict[str, int]] = {}, {}
    repeated: tuple[set[str], set[str]] = set(), set()
    for row, line in enumerate(read.examples):
        if line.text in first[line.english]:
            repeated[line.english].add(line.text)
        first[line.english].setdefault(line.text, row)
    if not first[0] or not first[1]:
        raise ValueError(
            f"to mine in, there must be two texts; the {'foreign' if first[1] else 'English'} one is empty"
        )
    rows = [list(side.values()) for side in first]
    found = {}
    for x, y, margin, cosine in margin_pairs(read.outputs[rows[0]], read.outputs[rows[1]]):
        ours, theirs = read.examples[rows[0][x]], read.examples[rows[1][y]]
        if ours.text not in repeated[0] and theirs.text not in repeated[1]:
            found[ours.id, theirs.id] = margin, cosine
    return found


def _gold(examples: Sequence[Line]) -> list[metrics.IdPair]:
    return [(e.id, other) for e in examples for other in e.translations]


def threshold(read: Read) -> float:
    """The margin below which pairs are dropped, tuned on this set."""
    margins = {pair: margin for pair, (margin, _) in _candidates(read).items()}
    return metrics.best_threshold(margins, _gold(read.examples))


def guess(features: Features) -> float | None:
    return None  # it is not trained


def decode(task: Task, examples: Sequence[Line], features: Features, outputs: NDArray[np.float32]) -> list[Prediction]:
    """With the threshold tuned on the set itself: what it could at best be."""
    read = Read(examples, features, outputs)
    return _decoded(read, threshold(read))


def decode_all(
    task: Task, sets: Mapping[str, Read], beside: Beside, scored: Sequence[str]
) -> dict[str, list[Prediction]]:
    """Each language with the threshold of its own development set."""
    return {code: _decoded(sets[code], threshold(beside[Split.VALIDATION][code])) for code in scored}


def _decoded(read: Read, least: float) -> list[Prediction]:
    """A prediction for each foreign sentence that has a translation or was given one.

    ``prediction`` and ``gold`` are lists of English ids, ``score`` is 100 where they are the same, ``confidence`` the cosine.
    """
    kept = {ours: (theirs, cosine) for (ours, theirs), (margin, cosine) in _candidates(read).items() if margin >= least}
    predictions = []
    for line in read.examples:
        if line.english or not (line.translations or line.id in kept):
            continue
        theirs, cosine = kept.get(line.id, ("", 0.0))
        found, gold = [theirs] if theirs else [], list(line.translations)
        predictions.append(Prediction(line.id, found, gold, 100.0 * (found == gold), min(1.0, max(0.0, cosine))))
    return predictions


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    """n is the number of gold pairs."""
    found = [(p.id, other) for p in predictions for other in p.prediction]
    gold = [(p.id, other) for p in predictions for other in p.gold]
    precision, recall, f1 = metrics.mined(found, gold)
    n = len(gold)
    return {"f1": (f1, n), "precision": (precision, n), "recall": (recall, n)}
