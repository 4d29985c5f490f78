"""Which examples a recipe turned: right without it and wrong with it, or the other way round, and whether that is more than chance.

An example is right or wrong as a whole; ``RIGHT`` says when. The four counts of one pair of runs are McNemar's table. Its test asks
whether, among the examples that changed, one direction is likelier than the other: exact, a binomial test of one half, two-sided.
Several seeds are several tables and are never added into one test: the same examples in all of them are not independent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from backend.domain.task import Format, Task
from backend.statistics.buckets import thirds
from backend.statistics.measures import Rows, chunks_of, exact, listed
from backend.statistics.table import Unusable, distinct

RIGHT: Mapping[Format, str] = {
    Format.CLASSIFICATION: "its label is the right one",
    Format.MULTIPLE_CHOICE: "the right option was chosen",
    Format.TAGGING: "every tag of the sentence is right, though the score counts chunks or tokens",
    Format.SPAN_QA: "the answer matches a gold answer exactly, though a score may count words",
    Format.BITEXT_RETRIEVAL: "the sentence that was found is its translation",
    Format.BITEXT_MINING: "exactly its translations were mined, none where it has none",
    Format.ANSWER_RETRIEVAL: "the first of the ranked passages is a right one",
}
CHECKED = (
    "the question of the check is answered rightly; a case of the check has several, and its error rate counts cases"
)


@dataclass(frozen=True, slots=True)
class McNemar:
    """One pair of runs. ``p``: exact and two-sided; 1 where nothing changed."""

    both_right: int
    fixed: int  # wrong without the recipe, right with it
    broken: int
    both_wrong: int

    @property
    def p(self) -> float:
        changed = self.fixed + self.broken
        return float(binomtest(self.fixed, changed, 0.5).pvalue) if changed else 1.0


def right_when(task: Task) -> str:
    """When an example counts as right, in words."""
    return CHECKED if task.diagnostic else RIGHT[task.format]


def right(task: Task, rows: Rows) -> list[bool]:
    """Of each example of a run whether it is right."""
    if task.diagnostic:
        return [score > 0 for score in rows.score]
    if task.format is Format.SPAN_QA:
        return [value > 0 for value in exact(task, rows)]
    if task.format in (Format.TAGGING, Format.BITEXT_MINING):
        return [listed(p) == listed(g) for p, g in zip(rows.prediction, rows.gold, strict=True)]
    if task.format is Format.ANSWER_RETRIEVAL:
        ranked = [(listed(p), listed(g)) for p, g in zip(rows.prediction, rows.gold, strict=True)]
        return [bool(found) and found[0] in gold for found, gold in ranked]
    return [score > 0 for score in rows.score]


def aligned(task: Task, every: Sequence[Rows]) -> list[Rows]:
    """Several runs with the same examples in the same order. Of mined sentences a run keeps those alone that it has a pair for or
    should have one for: in the others nothing was mined, and what should have been is the same.

    Raises:
        Unusable: they are of different examples.
    """
    if task.format is Format.BITEXT_MINING:
        order = list(dict.fromkeys(one for rows in every for one in rows.id))
        gold = {one: answer for rows in every for one, answer in zip(rows.id, rows.gold, strict=True)}
        return [_completed(rows, order, gold) for rows in every]
    if any(distinct(rows.id) != distinct(every[0].id) for rows in every):
        raise Unusable("the runs were evaluated on different examples")
    return list(every)


def _completed(rows: Rows, order: Sequence[str], gold: Mapping[str, str]) -> Rows:
    said = dict(zip(rows.id, rows.prediction, strict=True))
    predictions = [said.get(one, "[]") for one in order]
    golds = [gold[one] for one in order]
    scores = [100.0 * (listed(p) == listed(g)) for p, g in zip(predictions, golds, strict=True)]
    return Rows(rows.language, order, predictions, golds, scores)


def mcnemar(without: Sequence[bool], treated: Sequence[bool]) -> McNemar:
    pairs = list(zip(without, treated, strict=True))
    return McNemar(
        pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)), pairs.count((False, False))
    )


# --- kinds of examples ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kinds:
    """One way to tell examples apart. ``of``: the kinds of each example, by key (a sentence has entities of several types);
    ``names``: key → name, in order. ``missing``: why examples cannot be told apart by it."""

    key: str
    title: str
    names: Mapping[str, str]
    of: Sequence[tuple[str, ...]]
    missing: str | None = None


NOT_KEPT = "it was not kept when these runs were evaluated; runs that are evaluated from now on have it"


def kinds(task: Task, rows: Rows) -> list[Kinds]:
    """Every way in which examples of this task are told apart."""
    if task.diagnostic:
        return [_named("test", "Test", [(name.partition("/")[0],) for name in rows.id])]
    if task.format is Format.BITEXT_MINING:
        return []  # a run keeps only those sentences that it mined or should have
    found = []
    if task.format is Format.TAGGING:
        found.append(_numbered("length", "Sentence length", [len(listed(gold)) for gold in rows.gold], "token"))
        chunked = [tuple(sorted({kind for kind, _, _ in chunks_of(gold)})) for gold in rows.gold]
        title = "Type of entity" if "f1" in task.metrics[:1] and any("-" in label for label in task.labels) else "Tag"
        found.append(_named("type", title, [each or ("none",) for each in chunked]))
    else:
        title = "Length of paragraph and question" if task.format is Format.SPAN_QA else "Text length"
        found.append(_numbered("length", title, rows.length, "character"))
    if task.format is Format.CLASSIFICATION:
        found.append(_named("label", "Right label", [(gold,) for gold in rows.gold]))
    if task.format is Format.MULTIPLE_CHOICE:
        found.append(_named("label", "Place of the right option, from 0", [(str(gold),) for gold in rows.gold]))
    if task.format is Format.SPAN_QA:
        answers = [str(next(iter(listed(gold)), "")) for gold in rows.gold]
        found.append(_numbered("answer", "Answer length", [len(a) for a in answers], "character"))
    if task.format in (Format.SPAN_QA, Format.CLASSIFICATION):
        found.append(_numbered("overlap", "Word overlap of the two texts", rows.overlap, "%"))
    if rows.script is None:
        found.append(Kinds("script", "Script", {}, (), NOT_KEPT))
    else:
        found.append(_named("script", "Script", [(script,) for script in rows.script]))
    return found


def slug(text: str) -> str:
    """A key fit for an address."""
    return re.sub(r"[^A-Za-z0-9_+]+", "-", text).strip("-") or "none"


def _named(key: str, title: str, of: Sequence[tuple[str, ...]]) -> Kinds:
    counts: dict[str, int] = {}
    for each in of:
        for name in each:
            counts[name] = counts.get(name, 0) + 1
    names = {slug(name): name for name in sorted(counts, key=lambda n: (-counts[n], n))}
    return _told(Kinds(key, title, names, [tuple(slug(name) for name in each) for each in of]))


def _numbered(key: str, title: str, values: Sequence[float | None] | None, unit: str) -> Kinds:
    """In thirds, which are numbered from 1."""
    known = [v for v in values or () if v is not None]
    if values is None or not known:
        return Kinds(key, title, {}, (), NOT_KEPT)
    named = thirds(known, unit)
    order = {name: str(i) for i, name in enumerate(dict.fromkeys(named.values()), start=1)}
    names = {number: name for name, number in order.items()}
    return _told(Kinds(key, title, names, [() if v is None else (order[named[v]],) for v in values]))


def _told(made: Kinds) -> Kinds:
    if len(made.names) < 2:
        only = next(iter(made.names.values()), "none")
        return Kinds(made.key, made.title, {}, (), f"all examples are alike in it ({only})")
    return made
