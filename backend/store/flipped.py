"""Examples that a recipe turned, from the stored predictions of its runs and of their baselines, seed by seed.

Three steps: ``asked`` finds runs in a transaction, ``seen`` reads their files and judges every example (kept, by what it depends on),
and ``summary`` and ``page`` say of it what is asked for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.flips import (
    Direction,
    FlipKind,
    FlipKinds,
    FlippedExample,
    FlippedSeed,
    Flips,
    FlipTable,
    NamedText,
)
from backend.domain.inputs import Input
from backend.domain.language import LANGUAGES
from backend.domain.schemas import Page
from backend.errors import CrossliftError, FieldError, Invalid, NotFound, shown
from backend.statistics.flips import Kinds, aligned, kinds, mcnemar, right, right_when
from backend.statistics.measures import Rows
from backend.statistics.table import Unusable
from backend.store.certainty import Kept as Answers
from backend.store.paging import read_cursor, write_cursor
from backend.store.predicted import COLUMNS, Chosen, by_language
from backend.store.tables import run
from backend.store.texts import Texts, texts
from backend.submission.stored import read

#: Of an exported table.
EXPORTED: Final = (
    "id", "direction", "seed", "gold", "without", "with", "confidence_without", "confidence_with", "text", "licence",
)  # fmt: skip
_judged = Answers(12)  # a few megabytes each on the largest test sets


@dataclass(frozen=True, slots=True)
class Asked:
    """``seeds``: which of the gain's, as places; ``spec`` and ``environment``: of a treated run, whose examples all share."""

    chosen: Chosen
    seeds: tuple[int, ...]
    spec: Mapping[str, Any]
    environment: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Side:
    """One run in one language: its predictions, which of them are right, and how sure it was of each."""

    rows: Rows
    right: Sequence[bool]
    confidence: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """``pairs``: (with the recipe, without) a seed, over the same examples; ``kinds``: of these examples."""

    pairs: tuple[tuple[Side, Side], ...]
    kinds: tuple[Kinds, ...]

    @property
    def rows(self) -> Rows:
        return self.pairs[0][1].rows


def asked(session: Session, chosen: Chosen, seed: int | None) -> Asked:
    """Raises: NotFound: the gain has no such seed. ``seed`` None: all of them."""
    (cell,) = chosen.cells
    at = tuple(i for i, each in enumerate(cell.seeds) if seed is None or each == seed)
    if not at:
        there = ", ".join(str(each) for each in cell.seeds)
        raise NotFound(f"There is no gain of {chosen.recipe} with seed {seed}; its seeds are {there}.")
    query = select(run.c.spec, run.c.environment).where(run.c.id == cell.runs[at[0]])
    found = session.execute(query).one()
    return Asked(chosen, at, found.spec, found.environment)


def judged(of: Asked, root: str) -> Judged:
    """Every example of the seeds that are looked at.

    Raises:
        Unusable: predictions are gone, damaged or of different examples, or the baseline is a mean of several runs.
    """
    key = ("flips", of.chosen.unit.target, of.chosen.version, of.seeds)
    return _judged.get(key, lambda: _read(of, root))


def _read(of: Asked, root: str) -> Judged:
    (cell,) = of.chosen.cells
    task = of.chosen.task
    if len(cell.runs) != len(cell.baseline_runs):
        raise Unusable("a run without a seed was compared with the mean of several baselines")

    def side(id: int) -> tuple[Rows, dict[str, float]]:
        if id not in of.chosen.runs:
            raise Unusable(f"run {id} is gone")
        try:
            table = read(of.chosen.runs[id], root, (*COLUMNS, "confidence"), {cell.language})
        except CrossliftError as error:
            raise Unusable(error.detail) from None
        rows = by_language(table).get(cell.language)
        if rows is None:
            raise Unusable(f"run {id} has no stored predictions in {LANGUAGES[cell.language].name}")
        sure = zip(rows.id, table.get("confidence") or (), strict=False)
        return rows, {name: value for name, value in sure if value is not None}

    sides = [side(id) for i in of.seeds for id in (cell.runs[i], cell.baseline_runs[i])]
    rows = aligned(task, [each for each, _ in sides])
    told = [Side(each, right(task, each), sure) for each, (_, sure) in zip(rows, sides, strict=True)]
    return Judged(tuple(zip(told[::2], told[1::2], strict=True)), tuple(kinds(task, rows[1])))


# --- what is said of it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turned:
    """An example that some seed turned: its place, and how many seeds fixed and how many broke it."""

    at: int
    fixed: int
    broken: int


def turned(found: Judged, wanted: Collection[int] | None) -> list[Turned]:
    """Every one, in the order of the examples. ``wanted``: places of the examples that are looked at; None: all."""
    fixed: Counter[int] = Counter()
    broken: Counter[int] = Counter()
    for treated, baseline in found.pairs:
        for at, (now, before) in enumerate(zip(treated.right, baseline.right, strict=True)):
            if now != before and (wanted is None or at in wanted):
                (fixed if now else broken)[at] += 1
    return [Turned(at, fixed[at], broken[at]) for at in sorted(fixed.keys() | broken.keys())]


def narrowed(found: Judged, wanted: Sequence[tuple[str, str]]) -> set[int] | None:
    """The places of the examples that are of all these kinds (key, kind); None where nothing is asked for.

    Raises:
        Invalid: examples are not told apart by it, or there is no such kind.
    """
    if not wanted:
        return None
    by_key = {k.key: k for k in found.kinds}
    places = set(range(len(found.rows)))
    for key, kind in wanted:
        one = by_key.get(key)
        if one is None or kind not in one.names:
            there = ", ".join(f"{k.key}:{name}" for k in found.kinds for name in k.names) or "none"
            message = f"{shown(f'{key}:{kind}')} is no kind of example here; there are {there[:400]}"
            raise Invalid("The examples cannot be narrowed down.", errors=[FieldError("query/kind", message)])
        places &= {i for i, each in enumerate(one.of) if kind in each}
    return places


def summary(
    of: Asked, found: Judged | None, wanted: Sequence[tuple[str, str]], shown_texts: Texts, why: str | None
) -> Flips:
    """The tables, and how many examples of each kind were turned. ``found`` None: ``why`` says why nothing can be counted."""
    (cell,) = of.chosen.cells
    task = of.chosen.task
    every = turned(found, narrowed(found, wanted)) if found is not None else []
    return Flips(
        model=of.chosen.unit.model,
        target=of.chosen.unit.target,
        metric=of.chosen.unit.metric,
        recipe=of.chosen.recipe,
        language=cell.language,
        gain=cell.mean,
        lower_is_better=of.chosen.lower_is_better,
        right_when=right_when(task),
        seeds=list(cell.seeds),
        tables=[_table(of, i, pair) for i, pair in zip(of.seeds, found.pairs, strict=True)]
        if found is not None
        else [],
        kinds=[_kinds(found, k) for k in found.kinds] if found is not None else [],
        fixed=sum(t.fixed > t.broken for t in every),
        broken=sum(t.broken > t.fixed for t in every),
        both=sum(t.broken == t.fixed for t in every),
        texts=shown_texts.how,
        without_texts=shown_texts.missing,
        licence=task.licence,
        citation=task.citation,
        missing=why,
    )


def _table(of: Asked, at: int, pair: tuple[Side, Side]) -> FlipTable:
    (cell,) = of.chosen.cells
    made = mcnemar(pair[1].right, pair[0].right)
    return FlipTable(
        seed=cell.seeds[at], run=cell.runs[at], baseline_run=cell.baseline_runs[at], both_right=made.both_right,
        fixed=made.fixed, broken=made.broken, both_wrong=made.both_wrong, examples=len(pair[1].right), p=made.p,
    )  # fmt: skip


def _kinds(found: Judged, one: Kinds) -> FlipKinds:
    counts = {key: [0, 0, 0] for key in one.names}
    for treated, baseline in found.pairs if one.of else ():
        for of, now, before in zip(one.of, treated.right, baseline.right, strict=True):
            for key in of:
                counts[key][0] += 1
                counts[key][1] += now and not before
                counts[key][2] += before and not now
    made = [FlipKind(key=k, name=name, examples=counts[k][0], fixed=counts[k][1], broken=counts[k][2]) for k, name in one.names.items()]  # fmt: skip
    return FlipKinds(key=one.key, title=one.title, kinds=made, missing=one.missing)


def page(
    of: Asked, found: Judged, wanted: Sequence[tuple[str, str]], shown_texts: Texts, direction: Direction, *, limit: int, cursor: str | None
) -> Page[FlippedExample]:  # fmt: skip
    """Those that most seeds turned first, then in the order of the data."""
    every = _of_direction(turned(found, narrowed(found, wanted)), direction)
    begin = read_cursor(cursor) or 0
    items = [_example(of, found, shown_texts, one) for one in every[begin : begin + limit]]
    onward = write_cursor(begin + limit) if begin + limit < len(every) else None
    return Page[FlippedExample](items=items, next_cursor=onward, total=len(every))


def _of_direction(every: Sequence[Turned], direction: Direction) -> list[Turned]:
    sign = 1 if direction == "fixed" else -1
    return sorted((t for t in every if sign * (t.fixed - t.broken) > 0), key=lambda t: (-abs(t.fixed - t.broken), t.at))


def _example(of: Asked, found: Judged, known: Texts, one: Turned) -> FlippedExample:
    (cell,) = of.chosen.cells
    rows = found.rows
    id, gold = rows.id[one.at], rows.gold[one.at]
    said = [
        FlippedSeed(
            seed=cell.seeds[i],
            baseline=baseline.rows.prediction[one.at],
            treated=treated.rows.prediction[one.at],
            baseline_right=baseline.right[one.at],
            treated_right=treated.right[one.at],
            baseline_confidence=baseline.confidence.get(id),
            treated_confidence=treated.confidence.get(id),
        )
        for i, (treated, baseline) in zip(of.seeds, found.pairs, strict=True)
    ]
    text = known.by_id.get(id, Input(()))
    mentioned = {each for s in said for each in (gold, s.baseline, s.treated)}
    return FlippedExample(
        id=id,
        gold=gold,
        fixed=one.fixed,
        broken=one.broken,
        seeds=said,
        texts=[NamedText(name=name, text=each) for name, each in text.texts],
        tokens=list(text.tokens),
        words={named: known.words[named] for named in _ids(mentioned) if named in known.words},
        kinds=[k.names[key] for k in found.kinds if k.of for key in k.of[one.at]],
    )


def _ids(answers: Collection[str]) -> Iterator[str]:
    """What is named by answers that are an id, or JSON lists of some; of a ranked list the first three."""
    for answer in sorted(answers):
        if not answer.startswith("["):
            yield answer
            continue
        try:
            yield from (str(each) for each in json.loads(answer)[:3])
        except ValueError:
            continue


def exported(of: Asked, found: Judged, wanted: Sequence[tuple[str, str]], known: Texts, direction: Direction | None) -> Iterator[dict[str, Any]]:  # fmt: skip
    """A row an example and seed that was turned, in ``EXPORTED``'s columns. ``direction``: of the examples that this direction lists, the
    seeds turned that way; None: of all, those that seeds disagree about last."""
    every = turned(found, narrowed(found, wanted))
    if direction is None:
        even = [one for one in every if one.fixed == one.broken]
        listed = [*_of_direction(every, "fixed"), *_of_direction(every, "broken"), *even]
    else:
        listed = _of_direction(every, direction)
    for one in listed:
        example = _example(of, found, known, one)
        text = "\n".join(f"{each.name}: {each.text}" for each in example.texts)
        for seed in example.seeds:
            towards = "fixed" if seed.treated_right else "broken"
            if seed.baseline_right != seed.treated_right and direction in (None, towards):
                yield {
                    "id": example.id, "direction": towards, "seed": seed.seed,
                    "gold": example.gold, "without": seed.baseline, "with": seed.treated,
                    "confidence_without": seed.baseline_confidence, "confidence_with": seed.treated_confidence,
                    "text": text or None, "licence": of.chosen.task.licence,
                }  # fmt: skip


def known_texts(of: Asked, root: str, data_root: Path | None) -> Texts:
    """The texts of the examples, or why there are none."""
    (cell,) = of.chosen.cells
    id = cell.runs[of.seeds[0]]
    if id not in of.chosen.runs:
        return Texts(missing=f"run {id} is gone")
    return texts(of.chosen.runs[id], of.spec, of.environment, cell.language, root=root, data_root=data_root)
