"""MultiCheckList: error rates of one model and recipe test by test, and the cases that one of its runs fails."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import Session

from backend.domain.checks import ALL, CheckCell, CheckFailures, CheckMatrix, CheckQuestion, FailedCase
from backend.domain.flips import NamedText
from backend.domain.gains import Gain, Measurement, Missing, of_one_setting
from backend.domain.inputs import Input
from backend.domain.metrics.checklist import ERROR_RATE, TESTS
from backend.domain.recipe import BASELINE
from backend.domain.run import RunState
from backend.domain.schemas import GainMatrix
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import FieldError, Invalid, NotFound, shown, unknown
from backend.store import gains, learning, variants
from backend.store.measured import evaluations, units
from backend.store.paging import read_cursor, write_cursor
from backend.store.predicted import Kept
from backend.store.tables import run
from backend.store.texts import texts
from backend.submission.stored import read

TARGET: Final = "multichecklist"
METRIC: Final[Mapping[str, str]] = {**{test: f"{ERROR_RATE}_{test}" for test in TESTS}, ALL: ERROR_RATE}
_COLUMNS: Final = ("language", "id", "prediction", "gold", "score", "confidence")


def matrix(
    session: Session, *, model: str | None, recipe: str | None, settings: str | None, source: Source
) -> CheckMatrix:
    """What is None is chosen: the model with most evaluations of the list, its first recipe.

    Raises:
        NotFound: the list was not evaluated in this benchmark, or not with this model or recipe.
    """
    models = _models(session, source)
    if not models:
        raise NotFound("MultiCheckList was not evaluated in this benchmark yet.")
    if model is not None and model not in models:
        raise NotFound(f"MultiCheckList was not evaluated with {model} yet; it was with {', '.join(models)}.")
    model = model or models[0]
    whole = gains.matrix(session, model=model, target=TARGET, metric=ERROR_RATE, settings=settings, source=source)
    recipes = [BASELINE.name, *(row.recipe for row in whole.recipes)]
    if recipe is not None and recipe not in recipes:
        raise NotFound(
            f"There is no result of {shown(recipe)} on MultiCheckList with {model}; there is of {', '.join(recipes)}."
        )
    recipe = recipe or recipes[min(1, len(recipes) - 1)]
    names = [*TESTS, ALL]
    found = {u.metric: u for u in units(session, list(METRIC.values()), source=source, model=model, target=TARGET)}
    every = {g.settings for u in found.values() for g in u.every} | {m.settings for u in found.values() for m in u.rest}
    only = None if settings is None else variants.chosen(settings, every)
    cells = []
    for test in names:
        unit = found.get(METRIC[test])
        there = () if unit is None else unit.gains if only is None else unit.every
        by_language = {g.language: g for g in there if g.recipe == recipe and only in (None, g.settings)}
        base: defaultdict[str, list[Measurement]] = defaultdict(list)
        for m in unit.rest if unit else ():
            if m.recipe == BASELINE.name and only in (None, m.settings):
                base[m.language].append(m)
        for code in whole.languages:
            if recipe == BASELINE.name:
                cells.append(_baseline(test, code, of_one_setting(base[code])))
            else:
                cells.append(_cell(test, code, by_language.get(code), whole, recipe))
    return CheckMatrix(
        model=model, recipe=recipe, benchmark=whole.benchmark, synthetic=whole.synthetic, models=models, recipes=recipes,
        tests=names, languages=whole.languages, cells=cells,
    )  # fmt: skip


def _models(session: Session, source: Source) -> list[str]:
    done = [*evaluations(source=source, target=TARGET), run.c.state == RunState.DONE.value]
    query = select(run.c.model).where(*done).group_by(run.c.model).order_by(func.count().desc(), run.c.model)
    return list(session.scalars(query))


def _baseline(test: str, code: str, measured: Sequence[Measurement]) -> CheckCell:
    value = sum(m.value for m in measured) / len(measured) if measured else None
    return CheckCell(
        test=test, language=code, error=value, baseline=None, gain=None, low=None, high=None, q=None,
        seeds=[m.seed for m in measured],
        missing=None if measured else Missing.NOT_RUN, why_missing=None if measured else "no baseline was evaluated here",
    )  # fmt: skip


def _cell(test: str, code: str, gain: Gain | None, whole: GainMatrix, recipe: str) -> CheckCell:
    if gain is not None:
        return CheckCell(
            test=test, language=code, error=gain.treated, baseline=gain.baseline, gain=gain.mean, low=gain.low, high=gain.high, q=gain.q,
            seeds=list(gain.seeds), missing=None, why_missing=None,
        )  # fmt: skip
    of = next(c for c in whole.cells if (c.recipe, c.language) == (recipe, code))
    return CheckCell(
        test=test, language=code, error=of.treated if test == ALL else None, baseline=None, gain=None, low=None, high=None, q=None,
        seeds=[], missing=of.missing or Missing.NOT_RUN, why_missing=of.why_missing,
    )  # fmt: skip


# --- failing cases -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """One run, and what it was to do."""

    kept: Kept
    seed: int | None
    seeds: tuple[int | None, ...]
    spec: Mapping[str, Any]
    environment: Mapping[str, Any] | None


def look(session: Session, *, model: str, recipe: str, seed: int | None, source: Source) -> Looked:
    """The newest run of a recipe (or of the baseline) with this seed; None: with its first one.

    Raises:
        NotFound: there is none.
    """
    done = [
        *evaluations(source=source, model=model, target=TARGET),
        run.c.state == RunState.DONE.value,
        run.c.recipe == recipe,
    ]
    out = {left.run for left in learning.left_out(session, done)}
    columns = ("id", "fingerprint", "artifact", "artifact_digest", "seed", "spec", "environment")
    rows = [
        r
        for r in session.execute(select(*(run.c[n] for n in columns)).where(*done).order_by(run.c.id))
        if r.id not in out
    ]
    by_seed = {row.seed: row for row in rows}
    seeds = tuple(sorted(by_seed, key=lambda s: (s is not None, s)))
    if not seeds or (seed is not None and seed not in by_seed):
        there = f"; its seeds are {', '.join(map(str, seeds))}" if seeds else ""
        raise NotFound(
            f"There is no finished evaluation of {shown(recipe)} on MultiCheckList with {model} and this seed{there}."
        )
    row = by_seed[seeds[0] if seed is None else seed]
    return Looked(
        Kept(row.id, row.fingerprint, row.artifact, row.artifact_digest), row.seed, seeds, row.spec, row.environment
    )


def failures(
    of: Looked, *, language: str, test: str, root: str, data_root: Path | None, limit: int, cursor: str | None
) -> CheckFailures:  # fmt: skip
    """The failing cases of a test in a language, in their order. A case fails where any of its questions is answered wrongly.

    Raises:
        NotFound: the run has no predictions in this language, or they are gone.
        Invalid: there is no such test.
    """
    if test not in TESTS:
        raise Invalid("The cases cannot be given.", errors=[FieldError("query/test", unknown("test", test, TESTS))])
    table = read(of.kept, root, _COLUMNS, {language})
    if lacking := [name for name in _COLUMNS[:-1] if name not in table]:
        raise Invalid(f"Run {of.kept.id}: its predictions have no column {lacking[0]}.")
    cases: dict[str, list[int]] = {}
    for at, name in enumerate(table["id"]):
        if name.partition("/")[0] == test:
            cases.setdefault("/".join(name.split("/")[:2]), []).append(at)
    if not cases:
        raise NotFound(f"Run {of.kept.id} has no case of {test} in {language}.")
    failed = [case for case, places in cases.items() if any(table["score"][at] <= 0 for at in places)]
    begin = read_cursor(cursor) or 0
    known = texts(of.kept, of.spec, of.environment, language, root=root, data_root=data_root)
    items = [
        FailedCase(case=case, questions=[_question(table, at, known.by_id) for at in cases[case]])
        for case in failed[begin : begin + limit]
    ]
    return CheckFailures(
        run=of.kept.id, seed=of.seed, seeds=list(of.seeds), cases=len(cases), failed=len(failed), items=items,
        next_cursor=write_cursor(begin + limit) if begin + limit < len(failed) else None,
        without_texts=known.missing, licence=TASKS[TARGET].licence,
    )  # fmt: skip


def _question(table: Mapping[str, Sequence[Any]], at: int, by_id: Mapping[str, Input]) -> CheckQuestion:
    gold = json.loads(table["gold"][at])
    text = by_id.get(table["id"][at], Input(()))
    return CheckQuestion(
        texts=[NamedText(name=name, text=each) for name, each in text.texts],
        expected=str(gold[0]) if isinstance(gold, list) and gold else "",
        answer=table["prediction"][at],
        right=table["score"][at] > 0,
        confidence=(table.get("confidence") or {at: None})[at],
    )
