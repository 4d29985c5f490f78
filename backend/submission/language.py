"""One language of a task: its file of predictions against its file of labels, in official points."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from backend.domain.metrics import mining, retrieval, span_qa
from backend.domain.metrics.classification import accuracy
from backend.domain.metrics.tagging import chunk_scores, token_accuracy
from backend.errors import shown
from backend.submission import lareqa, read
from backend.submission.benchmarks import Entry, Kind
from backend.submission.read import Unreadable

Points = dict[str, float]  # metric → 0 to 100
Say = Callable[[Path, str], None]  # a problem of a file
T = TypeVar("T")


def score_language(entry: Entry, language: str, ours: Path, theirs: Path, *, say: Say) -> Points | None:
    """The metrics of one language by their official names, in points; None where it cannot be scored, and ``say`` was told why.

    ``say`` also hears of what can be scored and is wrong all the same, such as labels that nobody knows.
    """
    scorers: Mapping[Kind, Callable[[Entry, str, Path, Path, Say], Points]] = {
        Kind.LABELS: _labels,
        Kind.CHOICES: _labels,
        Kind.TAGS: _tags,
        Kind.PAIRS: _pairs,
        Kind.ANSWERS: _answers,
        Kind.RANKED: _sentences if entry.name == "lareqa" else _entities,
    }
    try:
        return scorers[entry.kind](entry, language, ours, theirs, say)
    except _InLabels as error:
        say(theirs, str(error))
    except Unreadable as error:
        say(ours, str(error))
    return None


class _InLabels(Unreadable):
    """As ``Unreadable``, of the file with the labels."""


def _gold(reader: Callable[[Path], T], path: Path) -> T:
    try:
        return reader(path)
    except Unreadable as error:
        raise _InLabels(str(error)) from None


# --- one scorer a kind -----------------------------------------------------------------------------------------------------


def _labels(entry: Entry, language: str, ours: Path, theirs: Path, say: Say) -> Points:
    reader = read.choices if entry.kind is Kind.CHOICES else read.lines
    gold, predictions = _gold(reader, theirs), reader(ours)
    known = frozenset(entry.labels)

    def number(line: str) -> bool:
        return line.isascii() and line.isdigit()

    right, expected = (known.__contains__, _one_of(entry)) if known else (number, "the number of a sentence, from 0")
    for path, lines in ((theirs, gold), (ours, predictions)):
        _hear(say, path, read.odd(lines, right, expected))
    _same_number(predictions, gold, "lines")
    return {"accuracy": accuracy(predictions, gold)}


def _tags(entry: Entry, language: str, ours: Path, theirs: Path, say: Say) -> Points:
    """``accuracy`` is that of single tokens: beside the official three, and not part of the score."""
    gold, predictions = _gold(read.sentences, theirs), read.sentences(ours)
    known = frozenset(entry.labels)
    for path, sentences in ((theirs, gold), (ours, predictions)):
        if not known.issuperset(tag for sentence in sentences for tag in sentence):
            _hear(say, path, read.odd(read.lines(path), {*known, ""}.__contains__, _one_of(entry)))
    _same_number(predictions, gold, "sentences")
    for number, (p, g) in enumerate(zip(predictions, gold, strict=True), start=1):
        if len(p) != len(g):
            raise Unreadable(f"wrong length: sentence {number} has {len(p)} tags, in the labels {len(g)}")
    precision, recall, f1 = chunk_scores(predictions, gold)
    return {"f1": f1, "precision": precision, "recall": recall, "accuracy": token_accuracy(predictions, gold)}


def _pairs(entry: Entry, language: str, ours: Path, theirs: Path, say: Say) -> Points:
    gold, predictions = _gold(read.pairs, theirs), read.pairs(ours)

    def right(line: str) -> bool:
        first, _, second = line.partition("\t")
        return first.startswith(f"{language}-") and second.startswith("en-")

    for path, pairs in ((theirs, gold), (ours, predictions)):
        _hear(say, path, read.odd(map("\t".join, pairs), right, f"ids {language}-… and en-…, in this order"))
    found = mining.mined(predictions, gold)
    return {"f1": found.f1, "precision": found.precision, "recall": found.recall}


def _answers(entry: Entry, language: str, ours: Path, theirs: Path, say: Say) -> Points:
    gold, predictions = _gold(read.gold_answers, theirs), read.answers(ours)
    _hear(say, ours, _ids(predictions, [question for question, _ in gold], "questions"))
    if entry.name == "mlqa":
        return span_qa.mlqa(gold, predictions, language)
    return span_qa.squad_v1(gold, predictions)


def _entities(entry: Entry, language: str, ours: Path, theirs: Path, say: Say) -> Points:
    """Mewsli-X: each mention is one entity, whose place counts."""
    gold, predictions = _gold(read.ranked, theirs), read.ranked(ours)
    for mention, entities in gold.items():
        if len(entities) != 1:
            raise _InLabels(f"mention {shown(mention)} has {len(entities)} entities; expected one")
    if not gold:
        raise _InLabels("holds no mention")
    _hear(say, ours, _ids(predictions, list(gold), "mentions"))
    return {"map@20": retrieval.mean_reciprocal_rank(predictions, {m: e[0].strip() for m, e in gold.items()})}


def _sentences(entry: Entry, language: str, ours: Path, theirs: Path, say: Say) -> Points:
    """LAReQA: a question has right answers in every language of one pool."""
    gold = _gold(lambda path: _right_sentences(entry, language, path), theirs)
    predictions = read.ranked(ours)
    _hear(say, ours, _ids(predictions, list(gold), "questions"))
    return {"map@20": retrieval.mean_average_precision(predictions, gold)}


def _right_sentences(entry: Entry, language: str, path: Path) -> Mapping[str, Collection[str]]:
    """Question → its right candidates: the file says them itself, or it is XQuAD-R's, and all languages' files together do.

    A language whose file is missing or cannot be read has no right candidates here; that is said where it is scored.
    """
    whole = read.json_object(path)
    if not lareqa.is_xquad_r(whole):
        gold: Mapping[str, Collection[str]] = read.ranking(whole)
    else:
        by_language: dict[str, Mapping[str, list[str]]] = {language: lareqa.relevant(whole, language)}
        for code in entry.languages:
            file = path.with_name(entry.file(code))
            if code != language and file.is_file():
                by_language[code] = lareqa.relevant_in(file, code, file.stat().st_mtime_ns)
        everywhere = lareqa.over_languages(by_language)
        gold = {question: everywhere[question] for question in by_language[language]}
    for question, candidates in gold.items():
        if not candidates:
            raise Unreadable(f"question {shown(question)} has no right candidate")
    if not gold:
        raise Unreadable("holds no question")
    return gold


# --- what there is to say --------------------------------------------------------------------------------------------------


def _hear(say: Say, path: Path, words: str | None) -> None:
    if words is not None:
        say(path, words)


def _one_of(entry: Entry) -> str:
    return f"one of {', '.join(entry.labels)}"


def _same_number(predictions: Sequence[Any], gold: Sequence[Any], noun: str) -> None:
    if len(predictions) != len(gold):
        raise Unreadable(f"wrong length: {len(predictions)} {noun}, the labels have {len(gold)}")


def _ids(predictions: Collection[str], gold: Sequence[str], noun: str) -> str | None:
    """What to say of queries that have no prediction, and of predictions that belong to none."""
    there = set(gold)
    without = [one for one in gold if one not in predictions]
    beside = [one for one in predictions if one not in there]
    words = []
    if without:
        words.append(
            f"wrong length: {len(without)} of {len(gold)} {noun} have no prediction and count as wrong, "
            f"the first is {shown(without[0])}"
        )
    if beside:
        words.append(f"{len(beside)} predictions belong to no question of the labels, the first is {shown(beside[0])}")
    return "; ".join(words) or None
