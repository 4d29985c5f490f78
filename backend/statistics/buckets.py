"""The gain on parts of a test set: which examples a recipe helps with.

After ExplainaBoard (Liu et al. 2021, arXiv 2104.06387): a performance is divided by attributes of the examples, each part with
an interval. An attribute either divides examples (length, label, script), or what is counted in them (the type of an entity, the
tag of a token). Numbers are divided into thirds of about as many examples; equal numbers stay together.

Of one attribute every example is in at most one part. Intervals are one part at a time: among twenty, one is expected to miss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backend.domain.task import Format, Task
from backend.statistics.bootstrap import over_examples
from backend.statistics.contrast import gain
from backend.statistics.interval import Interval
from backend.statistics.measures import Measure, Rows, chunks_of, counted, f1_of_counts, listed, mean_of_points, measure
from backend.statistics.table import Table, distinct, table
from backend.statistics.variance import both

PARTS = 3  # of a number
THIRDS = ("lowest third", "middle third", "highest third")
MOST = 24  # parts of an attribute, those with most examples

Select = Callable[[Rows], Sequence[bool]]
Pairs = Sequence[tuple[Rows, Rows]]


@dataclass(frozen=True, slots=True)
class Part:
    """One bucket. ``examples``: of the test set, of one run; points; ``gain`` None where nothing is in it."""

    name: str
    examples: int
    units: int
    seeds: int
    baseline: float
    treated: float
    gain: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Division:
    """An attribute and its parts; ``missing`` says why there are none."""

    key: str
    title: str
    note: str
    parts: tuple[Part, ...]
    missing: str | None = None
    languages: tuple[str, ...] = ()  # that the parts are over


@dataclass(frozen=True, slots=True)
class Ways:
    """An attribute of one language: of each part how it is counted, which examples are in it and how many; or why it has none.
    ``thirds``: parts are thirds of a number, which mean in each language what they are there."""

    key: str
    title: str
    note: str
    parts: Mapping[str, tuple[Measure, Select, int]]
    missing: str | None = None
    thirds: bool = False


def divisions(task: Task, metric: str, language: str, pairs: Pairs, *, lower_is_better: bool) -> list[Division]:
    """Every attribute that this format has, for one language.

    Args:
        pairs: one (with the recipe, without) a seed.

    Raises:
        Unusable: the metric cannot be counted by example, or the runs are of different examples.
    """
    whole = measure(task, metric).whole
    found = []
    for ways in _ways(task, metric, pairs[0][1]):
        parts = tuple(
            _part(name, examples, _table({language: (counting, select)}, {language: pairs}, whole), lower_is_better)
            for name, (counting, select, examples) in ways.parts.items()
        )
        found.append(Division(ways.key, ways.title, ways.note, parts, ways.missing, (language,) if parts else ()))
    return found


def divisions_of_mean(task: Task, metric: str, pairs: Mapping[str, Pairs], *, lower_is_better: bool) -> list[Division]:
    """The same for a mean over languages, each weighing the same: parts that all languages of an attribute have, over these languages
    alone, which it names. So two parts of one attribute differ by the examples and not by the languages. Thirds of a number are each
    language's own.

    Raises:
        Unusable: as ``divisions``.
    """
    whole = measure(task, metric).whole
    of = {code: {ways.key: ways for ways in _ways(task, metric, each[0][1])} for code, each in sorted(pairs.items())}
    found = []
    for key in dict.fromkeys(key for each in of.values() for key in each):
        ways = {code: each[key] for code, each in of.items() if key in each}
        one = next(iter(ways.values()))
        have = {code: _thirds_named(each) for code, each in ways.items() if each.missing is None}
        have = {code: parts for code, parts in have.items() if parts}
        if not have:
            found.append(Division(key, one.title, one.note, (), one.missing or "no language has three thirds of it"))
            continue
        names = [name for name in next(iter(have.values())) if all(name in parts for parts in have.values())]
        if len(names) < 2:
            why = "there are no two kinds of it that all languages have, and a mean over others would compare languages"
            found.append(Division(key, one.title, one.note, (), why))
            continue
        made = []
        for name in names:
            chosen = {code: parts[name] for code, parts in have.items()}
            table = _table({c: (how, select) for c, (how, select, _) in chosen.items()}, pairs, whole)
            made.append(_part(name, sum(n for _, _, n in chosen.values()), table, lower_is_better))
        note = one.note.replace("in thirds", "in thirds of each language's own")
        found.append(Division(key, one.title, note, tuple(made), None, tuple(have)))
    return found


def _table(how: Mapping[str, tuple[Measure, Select]], pairs: Mapping[str, Pairs], whole: bool) -> Table:
    """Of the selected examples of these languages."""
    value = next(iter(how.values()))[0].value
    sums = {
        code: [(counted(counting, _only(a, select)), counted(counting, _only(b, select))) for a, b in pairs[code]]
        for code, (counting, select) in how.items()
    }
    return table(value, sums, whole=whole)


def _thirds_named(ways: Ways) -> Mapping[str, tuple[Measure, Select, int]]:
    """The parts by names that mean the same in every language; none where a number did not come to three."""
    if not ways.thirds:
        return ways.parts
    return dict(zip(THIRDS, ways.parts.values(), strict=True)) if len(ways.parts) == len(THIRDS) else {}


def _ways(task: Task, metric: str, first: Rows) -> list[Ways]:
    """Every attribute that this format has, of one run in one language."""
    how = measure(task, metric)
    found: list[Ways] = []

    def add(key: str, title: str, note: str, values: Sequence[Any] | None, *, number: str | None = None) -> None:
        """By a value of each example."""
        if values is None or all(v is None for v in values):
            why = "it was not kept when these runs were evaluated; runs that are evaluated from now on have it"
            found.append(Ways(key, title, note, {}, why))
            return
        names = (
            thirds([v for v in values if v is not None], number) if number is not None else {v: str(v) for v in values}
        )
        of = {name: names[v] for name, v in zip(distinct(first.id), values, strict=True) if v is not None}
        sizes = Counter(of.values())
        order = (
            list(dict.fromkeys(names.values())) if number is not None else sorted(sizes, key=lambda n: (-sizes[n], n))
        )
        if len(order) < 2:
            found.append(Ways(key, title, note, {}, f"all examples are alike in it ({order[0]})"))
            return
        parts = {name: (how, _is(of, name), sizes[name]) for name in order[:MOST]}
        found.append(Ways(key, title, note, parts, thirds=number is not None))

    if task.diagnostic:
        add("test", "Test", "The six tests of the list.", [name.partition("/")[0] for name in first.id])
        return [ways for ways in found if ways.missing is None]
    if task.format is Format.TAGGING:
        found.append(_of_tags(metric, first))
        add(
            "length",
            "Sentence length",
            "Tokens, in thirds.",
            [len(listed(gold)) for gold in first.gold],
            number="token",
        )
    else:
        title = {Format.SPAN_QA: "Length of paragraph and question"}.get(task.format, "Text length")
        add("length", title, "Characters, in thirds.", first.length, number="character")
    if task.format is Format.CLASSIFICATION:
        add("label", "Label", "The right label.", first.gold)
    if task.format is Format.MULTIPLE_CHOICE:
        add("label", "Place of the right option", "From 0.", first.gold)
    if task.format is Format.SPAN_QA:
        answers = [next(iter(listed(gold)), "") for gold in first.gold]
        add(
            "answer",
            "Kind of answer",
            "Of the first gold answer: whether it holds a digit.",
            [_kind(a) for a in answers],
        )
        add("answer-length", "Answer length", "Characters of the first gold answer, in thirds.", [len(a) for a in answers], number="character")  # fmt: skip
    if task.format in (Format.SPAN_QA, Format.CLASSIFICATION):
        two = (
            "question's words that the paragraph"
            if task.format is Format.SPAN_QA
            else "second text's words that the first"
        )
        add("overlap", "Word overlap", f"Share of the {two} has too, in thirds.", first.overlap, number="%")
    add("script", "Script", "Of at least nine letters in ten of the text.", first.script)
    return found


def _is(of: Mapping[str, str], name: str) -> Select:
    return lambda rows: [of.get(one) == name for one in distinct(rows.id)]


def _only(rows: Rows, select: Select) -> Rows:
    """The examples that are selected."""
    at = [i for i, yes in enumerate(select(rows)) if yes]
    columns = ("id", "prediction", "gold", "score", "unit", "length", "overlap", "script")
    chosen = {name: None if (all := getattr(rows, name)) is None else [all[i] for i in at] for name in columns}
    return replace(rows, **chosen)  # type: ignore[arg-type]


def _part(name: str, examples: int, made: Table, less: bool) -> Part:
    """Both sources of noise where there are seeds enough to see them, else examples alone."""
    of = gain(made, lower_is_better=less)
    interval, _ = both(made, of)
    if made.seeds < 3:
        interval = over_examples(made, of.mean)
    scores = made.scores.mean(axis=(0, 1))  # over seeds and languages
    return Part(
        name, examples, len(made.units), made.seeds, float(scores[1]), float(scores[0]), float(of.mean(made.totals)), interval
    )  # fmt: skip


def thirds(values: Sequence[float], unit: str) -> dict[float, str]:
    """Each different value and the name of its third, in order: ``up to 34 tokens``, ``35 to 58``, ``59 and more``.

    Shares (unit ``%``) are written in percent.
    """
    edges = sorted({float(np.quantile(values, i / PARTS, method="inverted_cdf")) for i in range(1, PARTS)})
    different = sorted(set(values))
    groups = [
        [v for v in different if low < v <= high] for low, high in zip((-np.inf, *edges), (*edges, np.inf), strict=True)
    ]
    groups = [g for g in groups if g]

    def written(value: float) -> str:
        return f"{100 * value:.0f}" if unit == "%" else f"{value:.0f}"

    found = {}
    for at, group in enumerate(groups):
        low, high = written(group[0]), written(group[-1])
        span = low if low == high else f"{low} to {high}"
        many = unit if unit == "%" or span == "1" else f"{unit}s"
        if len(groups) > 1 and at in (0, len(groups) - 1) and low != high:
            span = f"up to {high}" if at == 0 else f"{low} and more"
        found.update(dict.fromkeys(group, f"{span} {many}"))
    return found


def _kind(answer: str) -> str:
    if not answer:
        return "no answer"
    return "with a digit" if any(c.isdigit() for c in answer) else "words only"


# --- inside a sentence --------------------------------------------------------------------------------------------------------


def _of_tags(metric: str, first: Rows) -> Ways:
    """By type of entity for an F1, by tag of token for an accuracy: of every sentence that part of its counts."""
    everything: Select = lambda rows: [True] * len(rows)  # noqa: E731
    if metric == "f1":
        sizes = Counter(kind for gold in first.gold for kind, _, _ in chunks_of(gold))
        parts = {kind: (Measure(_chunks_of(kind), f1_of_counts), everything, n) for kind, n in _largest(sizes)}
        return Ways("type", "Type", "F1 of chunks of one type (PER, LOC; VERB). Counted are gold chunks.", parts)
    tags = Counter(tag for gold in first.gold for tag in listed(gold))
    parts = {tag: (Measure(_tokens_of(tag), mean_of_points), everything, n) for tag, n in _largest(tags)}
    return Ways("tag", "Tag", "Accuracy on tokens with this gold tag. Counted are tokens.", parts)


def _largest(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(sizes.items(), key=lambda each: (-each[1], each[0]))[:MOST]


def _chunks_of(kind: str) -> Callable[[Rows], Any]:
    def count(rows: Rows) -> Any:
        found = []
        for prediction, gold in zip(rows.prediction, rows.gold, strict=True):
            ours, theirs = ({c for c in chunks_of(text) if c[0] == kind} for text in (prediction, gold))
            found.append([len(ours & theirs), len(ours), len(theirs)])
        return np.array(found, np.float64).reshape(-1, 3)

    return count


def _tokens_of(tag: str) -> Callable[[Rows], Any]:
    def count(rows: Rows) -> Any:
        found = []
        for prediction, gold in zip(rows.prediction, rows.gold, strict=True):
            pairs = [p for p, g in zip(listed(prediction), listed(gold), strict=True) if g == tag]
            found.append([100.0 * sum(p == tag for p in pairs), len(pairs)])
        return np.array(found, np.float64).reshape(-1, 2)

    return count
