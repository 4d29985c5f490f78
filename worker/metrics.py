"""The official scores, in points 0 to 100, as pure functions of predictions and gold.

Sources: google-research/xtreme at 838c13b69d, ``evaluate.py`` and ``third_party/evaluate_squad.py``; seqeval 0.0.12, whose
tagging F1 XTREME's published test constants need (later versions read the first letter of a bare tag as a prefix and give
other numbers). Tests hold each against the official mock submission and its constants.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_OUTSIDE = "O"


def accuracy(predictions: Sequence[Hashable], gold: Sequence[Hashable]) -> float:
    """Share of equal pairs (XNLI, PAWS-X, XCOPA; Tatoeba's top 1; single tags).

    Raises:
        ValueError: the two differ in length, or there is nothing to score.
    """
    if len(predictions) != len(gold):
        raise ValueError(f"{len(predictions)} predictions for {len(gold)} gold answers")
    if not gold:
        raise ValueError("nothing to score")
    return 100.0 * sum(p == g for p, g in zip(predictions, gold, strict=True)) / len(gold)


def chunk_f1(predictions: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> float:
    """Micro F1 of chunks over all sentences: UDPOS on bare tags, PAN-X on IOB tags (XTREME's ``f1``).

    On bare tags a run of equal adjacent tags is one chunk, which is why this is not token accuracy.
    """
    return chunk_scores(predictions, gold)[2]


def chunk_scores(predictions: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> tuple[float, float, float]:
    """Precision, recall and F1 of chunks.

    Raises:
        ValueError: a sentence has another number of tags than its gold, or there is no sentence.
    """
    if len(predictions) != len(gold) or any(len(p) != len(g) for p, g in zip(predictions, gold, strict=True)):
        raise ValueError("predicted and gold tags differ in number")
    if not gold:
        raise ValueError("nothing to score")
    found = wanted = right = 0
    for p, g in zip(predictions, gold, strict=True):
        ours, theirs = chunks(p), chunks(g)
        found += len(ours)
        wanted += len(theirs)
        right += len(ours & theirs)
    precision = 100.0 * right / found if found else 0.0
    recall = 100.0 * right / wanted if wanted else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def chunks(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Chunks (type, first, last) of one sentence as seqeval 0.0.12 ``get_entities`` finds them.

    The first letter of a tag is its prefix, what follows the last hyphen its type, also in a bare tag: of ``SCONJ`` and
    ``SYM`` the S reads as "single", so that each is a chunk of its own.
    """
    found = set()
    begin = 0
    before, kind_before = _OUTSIDE, ""
    for at, tag in enumerate((*tags, _OUTSIDE)):
        prefix, kind = tag[0], tag.split("-")[-1]
        if _ends(before, prefix, kind_before, kind):
            found.add((kind_before, begin, at - 1))
        if _starts(before, prefix, kind_before, kind):
            begin = at
        before, kind_before = prefix, kind
    return found


def _ends(before: str, prefix: str, kind_before: str, kind: str) -> bool:
    if before in "ES" or (before in "BI" and prefix in "BSO"):
        return True
    return before not in "O." and kind_before != kind


def _starts(before: str, prefix: str, kind_before: str, kind: str) -> bool:
    if prefix in "BS" or (before in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and kind_before != kind


def squad_normalised(text: str) -> str:
    """SQuAD v1.1's English normalisation, which XTREME applies in every language: lower case, no ASCII punctuation, no
    articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def squad_exact(prediction: str, gold: Sequence[str]) -> float:
    """100 where the prediction equals one of the gold answers, else 0."""
    ours = squad_normalised(prediction)
    return 100.0 * any(ours == squad_normalised(g) for g in gold)


def squad_f1(prediction: str, gold: Sequence[str]) -> float:
    """The best word-overlap F1 with one of the gold answers."""
    ours = Counter(squad_normalised(prediction).split())
    best = 0.0
    for answer in gold:
        theirs = Counter(squad_normalised(answer).split())
        common = (ours & theirs).total()
        if common:
            precision, recall = common / ours.total(), common / theirs.total()
            best = max(best, 200.0 * precision * recall / (precision + recall))
    return best


# --- retrieval ------------------------------------------------------------------------------------------------------

TOP = 20  # XTREME-R looks at the first twenty


def average_precision(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int = TOP) -> float:
    """AP@k of one query: the precisions at the hits among the first k, over the most hits there can be (LAReQA: XTREME's
    ``third_party/utils_lareqa.py``). Mean over queries: mAP@k.

    Raises:
        ValueError: nothing is relevant.
    """
    right = set(relevant)
    most = min(len(right), k)
    if not most:
        raise ValueError("a query without a relevant answer cannot be scored")
    hits, total = 0, 0.0
    for place, one in enumerate(ranked[:k], start=1):
        if one in right:
            right.discard(one)
            hits += 1
            total += hits / place
    return 100.0 * total / most


def reciprocal_rank(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int = TOP) -> float:
    """100 / the place of the first right one among the first k, 0 where there is none; with one right answer the same as AP@k
    (Mewsli-X: XTREME's ``third_party/utils_mewslix.py``, ``evaluate``)."""
    right = set(relevant)
    return next((100.0 / place for place, one in enumerate(ranked[:k], start=1) if one in right), 0.0)


# --- mining ---------------------------------------------------------------------------------------------------------

IdPair = tuple[str, str]  # ids of a sentence and of its translation


class Mined(NamedTuple):
    precision: float
    recall: float
    f1: float


def mined(found: Collection[IdPair], gold: Collection[IdPair]) -> Mined:
    """Of a set of pairs (XTREME's ``bucc_f1``).

    Raises:
        ValueError: there is no gold pair.
    """
    ours, theirs = set(found), set(gold)
    if not theirs:
        raise ValueError("nothing to score")
    right = len(ours & theirs)
    if not right:
        return Mined(0.0, 0.0, 0.0)
    precision, recall = 100.0 * right / len(ours), 100.0 * right / len(theirs)
    return Mined(precision, recall, 2 * precision * recall / (precision + recall))


def best_threshold(scores: Mapping[IdPair, float], gold: Collection[IdPair]) -> float:
    """The threshold with the best F1 on development data: half way between the last pair that is kept and the next
    (XTREME's ``bucc_optimize``); of equally good ones the highest. Infinite where no gold pair was found: then nothing
    is worth keeping. Pairs of equal score are kept or dropped together.

    Raises:
        ValueError: there is no gold pair.
    """
    theirs = set(gold)
    if not theirs:
        raise ValueError("nothing to tune on")
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    right, best, threshold = 0, 0.0, float("inf")
    for kept, (pair, score) in enumerate(ranked, start=1):
        right += pair in theirs
        following = ranked[kept][1] if kept < len(ranked) else score
        if right and (following < score or kept == len(ranked)):
            f1 = 2 * right / (kept + len(theirs))
            if f1 > best:
                best, threshold = f1, (score + following) / 2
    return threshold
