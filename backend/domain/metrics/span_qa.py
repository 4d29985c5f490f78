"""Exact match and word overlap of answers.

Sources: google-research/xtreme at 838c13b69d, ``third_party/evaluate_squad.py`` (SQuAD v1.1, also XQuAD and TyDiQA, with
English normalisation in every language) and ``third_party/evaluate_mlqa.py`` (equal to facebookresearch/MLQA,
``mlqa_evaluation_v1.py``); rajpurkar/SQuAD-explorer, ``evaluate-v2.0.py``.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

Normalise = Callable[[str], str]
Gold = Sequence[tuple[str, Sequence[str]]]  # id of a question and its answers, in the order of the file

_ENGLISH = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

#: Words that MLQA takes out, per language of the answer. Hindi and Chinese have none.
MLQA_ARTICLES: Mapping[str, tuple[str, ...]] = {
    "en": ("a", "an", "the"),
    "es": ("un", "una", "unos", "unas", "el", "la", "los", "las"),
    "vi": ("của", "là", "cái", "chiếc", "những"),
    "de": ("ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"),
    "ar": ("ال",),
    "hi": (),
    "zh": (),
}
MLQA_LANGUAGES = tuple(MLQA_ARTICLES)
# Arabic's article is written together with its noun: the script takes it out wherever these two letters stand.
_MLQA = {
    code: re.compile("ال" if code == "ar" else rf"\b({'|'.join(words)})\b")
    for code, words in MLQA_ARTICLES.items()
    if words
}
_HAN = re.compile("([\u4e00-\u9fa5])")


class _WithoutPunctuation(dict[int, int | None]):
    """For ``str.translate``: each character is looked up once, as going through all of Unicode takes half a second."""

    def __missing__(self, code: int) -> int | None:
        goes = chr(code) in string.punctuation or unicodedata.category(chr(code)).startswith("P")
        self[code] = None if goes else code
        return self[code]


_NO_PUNCTUATION_OF_ANY_KIND = _WithoutPunctuation()


# --- what two answers have in common -----------------------------------------------------------------------------------


def squad_normalised(text: str) -> str:
    """SQuAD v1.1's English normalisation, which XTREME applies in every language: lower case, no ASCII punctuation, no
    articles, single spaces."""
    return " ".join(_ENGLISH.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def mlqa_normalised(text: str, language: str) -> str:
    """MLQA's normalisation for the language of the *answer*: lower case, no character of a Unicode category P or ASCII
    punctuation, none of the language's articles, single spaces; in Chinese every Han character is a word of its own.

    Raises:
        ValueError: the language is not one of MLQA's seven.
    """
    if language not in MLQA_ARTICLES:
        raise ValueError(f"MLQA has no answers in {language!a}; it has {', '.join(MLQA_LANGUAGES)}")
    plain = text.lower().translate(_NO_PUNCTUATION_OF_ANY_KIND)
    if language in _MLQA:
        plain = _MLQA[language].sub(" ", plain)
    if language == "zh":
        plain = _HAN.sub(r" \1 ", plain)
    return " ".join(plain.split())


def overlap(prediction: str, gold: str) -> float:
    """F1, 0 to 1, of the words of two answers that were normalised; 0 where they share none, also where both are empty."""
    ours, theirs = prediction.split(), gold.split()
    common = (Counter(ours) & Counter(theirs)).total()
    if not common:
        return 0.0
    precision, recall = common / len(ours), common / len(theirs)
    return 2 * precision * recall / (precision + recall)


def squad_exact(prediction: str, gold: Sequence[str]) -> float:
    """100 where the prediction equals one of the gold answers, else 0."""
    return 100.0 * _best(prediction, gold, squad_normalised)[0]


def squad_f1(prediction: str, gold: Sequence[str]) -> float:
    """The best word overlap with one of the gold answers, in points."""
    return 100.0 * _best(prediction, gold, squad_normalised)[1]


def mlqa_exact(prediction: str, gold: Sequence[str], language: str) -> float:
    """As ``squad_exact``, with MLQA's normalisation for the language of the answer."""
    return 100.0 * _best(prediction, gold, lambda text: mlqa_normalised(text, language))[0]


def mlqa_f1(prediction: str, gold: Sequence[str], language: str) -> float:
    """As ``squad_f1``, with MLQA's normalisation for the language of the answer."""
    return 100.0 * _best(prediction, gold, lambda text: mlqa_normalised(text, language))[1]


def _best(prediction: str, gold: Sequence[str], normalise: Normalise) -> tuple[bool, float]:
    """Whether it equals an answer, and its best overlap with one (0 to 1)."""
    ours = normalise(prediction)
    exact, best = False, 0.0
    for answer in gold:
        theirs = normalise(answer)
        exact = exact or ours == theirs
        best = max(best, overlap(ours, theirs))
    return exact, best


# --- all questions of a language -----------------------------------------------------------------------------------------


def squad_v1(gold: Gold, predictions: Mapping[str, str]) -> dict[str, float]:
    """``exact_match`` and ``f1`` over all questions, in points (XQuAD, TyDiQA); an unanswered one counts as wrong.

    Raises:
        ValueError: there is no question.
    """
    return _over_all(gold, predictions, squad_normalised)


def mlqa(gold: Gold, predictions: Mapping[str, str], language: str) -> dict[str, float]:
    """``exact_match`` and ``f1`` over all questions, in points; ``language`` is that of the contexts, hence of the answers.

    Raises:
        ValueError: there is no question, or the language is not one of MLQA's.
    """
    return _over_all(gold, predictions, lambda text: mlqa_normalised(text, language))


def _over_all(gold: Gold, predictions: Mapping[str, str], normalise: Normalise) -> dict[str, float]:
    if not gold:
        raise ValueError("nothing to score")
    exact, f1 = 0, 0.0
    for question, answers in gold:
        if question in predictions:
            same, best = _best(predictions[question], answers, normalise)
            exact += same
            f1 += best
    return {"exact_match": 100.0 * exact / len(gold), "f1": 100.0 * f1 / len(gold)}


# --- SQuAD v2.0: questions without an answer -----------------------------------------------------------------------------


def squad_v2_scores(prediction: str, gold: Sequence[str]) -> tuple[float, float]:
    """Exact match and overlap, each 0 to 1. Of a question without answers the right prediction is the empty text, and so is
    it where every answer is empty once normalised; F1 is 1 where both are empty."""
    ours = squad_normalised(prediction)
    exact = f1 = 0.0
    for theirs in [text for text in map(squad_normalised, gold) if text] or [""]:
        exact = max(exact, float(ours == theirs))
        f1 = max(f1, overlap(ours, theirs) if ours and theirs else float(ours == theirs))
    return exact, f1


def squad_v2(
    gold: Gold,
    predictions: Mapping[str, str],
    no_answer: Mapping[str, float] | None = None,
    threshold: float = 1.0,
) -> dict[str, float]:
    """The official script's numbers by its own names: ``exact``, ``f1``, ``total``, and the same of the questions with
    (``HasAns_``) and without (``NoAns_``) an answer; with ``no_answer`` also the best scores that a threshold can give.

    ``no_answer`` is the probability that a question has no answer; above ``threshold`` the prediction is read as empty.
    Questions without a prediction are left out, not counted as wrong, as in the script's first three numbers (of parts
    that lack one the script gives nothing: it ends with an error).

    Raises:
        ValueError: no question has a prediction, or one that has has no probability.
    """
    answers = {question: texts for question, texts in gold if question in predictions}
    if not answers:
        raise ValueError("nothing to score")
    raw = {question: squad_v2_scores(predictions[question], texts) for question, texts in answers.items()}
    if no_answer is not None and (without := answers.keys() - no_answer.keys()):
        raise ValueError(f"no probability for question {min(without)!a} and {len(without) - 1} others")
    final = {}
    for question, (exact, f1) in raw.items():
        emptied = no_answer is not None and no_answer[question] > threshold
        right = float(not answers[question])
        final[question] = (right, right) if emptied else (exact, f1)
    found: dict[str, float] = {}
    for prefix, part in (
        ("", list(answers)),
        ("HasAns_", [q for q, texts in answers.items() if texts]),
        ("NoAns_", [q for q, texts in answers.items() if not texts]),
    ):
        if part:
            found[f"{prefix}exact"] = 100.0 * sum(final[q][0] for q in part) / len(part)
            found[f"{prefix}f1"] = 100.0 * sum(final[q][1] for q in part) / len(part)
            found[f"{prefix}total"] = len(part)
    if no_answer is not None:
        for at, name in enumerate(("exact", "f1")):
            scores = {question: both[at] for question, both in raw.items()}
            best, best_at = best_threshold(predictions, scores, no_answer, answers)
            found[f"best_{name}"], found[f"best_{name}_thresh"] = best, best_at
    return found


def best_threshold(
    predictions: Mapping[str, str],
    scores: Mapping[str, float],
    no_answer: Mapping[str, float],
    answers: Mapping[str, Sequence[str]],
) -> tuple[float, float]:
    """The best mean score, in points, that any threshold on ``no_answer`` gives, and the lowest threshold that gives it.

    ``scores`` are 0 to 1, one for each question of ``answers``. Where nothing is better than to answer no question at all,
    the threshold is 0. A prediction of which nothing is left once normalised counts as an answer here, as in the script.
    """
    score = best = float(sum(not texts for texts in answers.values()))
    threshold = 0.0
    for question in sorted((q for q in no_answer if q in answers), key=lambda q: no_answer[q]):
        # from "no answer" to the prediction: what that wins, or loses
        if answers[question]:
            score += scores[question]
        elif predictions[question]:
            score -= 1
        if score > best:
            best, threshold = score, no_answer[question]
    return 100.0 * best / len(scores), threshold
