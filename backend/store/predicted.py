"""The gains that a question is about, and the stored predictions of their runs, counted.

Two steps, because the first needs the database and the second does not: ``choose`` finds gains and runs in a transaction,
``table_of`` reads files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS
from backend.domain.gains import Gain, Mean, common_support, mean_transfer, one_per_cell
from backend.domain.language import ENGLISH, LANGUAGES, order_by_family
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.recipe import BASELINE
from backend.domain.run import RunState
from backend.domain.task import Format, Source, Task
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError, NotFound
from backend.statistics.measures import Rows, agrees, counted, measure
from backend.statistics.table import Counted, Table, Unusable, table
from backend.store import graph, learning, variants, words
from backend.store.measured import Unit, evaluations, units
from backend.store.tables import run
from backend.submission.stored import read

MEAN = "mean_transfer"  # in the place of a language
BAD = (RunState.FAILED.value, RunState.DIVERGED.value, RunState.SKIPPED.value)
COLUMNS = ("language", "id", "prediction", "gold", "score", "unit", "length", "overlap", "script")

#: What examples share, by format, where a run has kept it (``backend.domain.attributes.unit``).
SHARED: Mapping[Format, str] = {
    Format.SPAN_QA: "paragraphs",
    Format.CLASSIFICATION: "first texts (premises)",
    Format.MULTIPLE_CHOICE: "prompts",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A run whose predictions were stored."""

    id: int
    fingerprint: str
    artifact: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one question is about. ``cells``: one, or of a mean those it is over. ``runs``: of all of them, by id."""

    source: Source
    unit: Unit
    recipe: str
    language: str
    cells: tuple[Gain, ...]
    mean: Mean | None
    english: Gain | None
    runs: Mapping[int, Kept]
    flags: tuple[str, ...]

    @property
    def task(self) -> Task:
        return TASKS[self.unit.target]

    @property
    def lower_is_better(self) -> bool:
        return lower_is_better(self.unit.metric)

    @property
    def benchmark(self) -> str:
        return BENCHMARKS[self.source]

    @property
    def version(self) -> tuple[object, ...]:
        """What everything that is computed from stored predictions depends on."""
        return self.unit.metric, self.recipe, self.language, tuple(
            (g.language, tuple(self._mark(i) for i in (*g.runs, *g.baseline_runs)), g.treated_scores, g.baseline_scores)
            for g in self.cells
        )  # fmt: skip

    def _mark(self, id: int) -> tuple[str, str | None] | None:
        kept = self.runs.get(id)
        return (kept.fingerprint, kept.digest) if kept else None


def choose(
    session: Session, *, model: str, target: str, metric: str | None, recipe: str, language: str,
    settings: str | None, source: Source,
) -> Chosen:  # fmt: skip
    """The gain of a cell, or with ``MEAN`` for the language those that the mean of a recipe is over.

    Raises:
        NotFound: there is no such gain.
        Invalid: nothing was measured under these settings.
    """
    metric = metric or TASKS[target].headline
    found = units(session, [metric], source=source, model=model, target=target)
    if not found:
        raise NotFound(f"There is no score of {model} on {target} in {metric} yet.")
    unit = found[0]
    gains: Sequence[Gain] = unit.gains
    if settings is not None:
        only = variants.chosen(settings, {g.settings for g in unit.every})
        gains = one_per_cell(g for g in unit.every if g.settings == only)
    own = {g.language: g for g in gains if g.recipe == recipe}
    mean = None
    if language == MEAN:
        support = common_support(gains, order_by_family({g.language for g in gains}))
        mean = mean_transfer(
            own.values(), order_by_family(set(TASKS[target].languages_in(source)) | set(own)), support=support
        )
        cells = tuple(own[code] for code in mean.languages)
    else:
        cells = tuple(own[code] for code in (language,) if code in own)
    if not cells:
        raise NotFound(f"There is no gain of {recipe} on {target} in {language} with {model}.")
    return Chosen(
        source=source,
        unit=unit if settings is None else _narrowed(unit, gains),
        recipe=recipe,
        language=language,
        cells=cells,
        mean=mean,
        english=own.get(ENGLISH),
        runs=_runs(session, {i for g in cells for i in (*g.runs, *g.baseline_runs)}),
        flags=tuple(_flags(session, source, model, target, recipe, {g.settings for g in cells})),
    )


def _narrowed(unit: Unit, gains: Sequence[Gain]) -> Unit:
    return Unit(unit.model, unit.target, unit.metric, gains, unit.every, unit.rest, unit.languages)


def _runs(session: Session, ids: set[int]) -> dict[int, Kept]:
    columns = (run.c.id, run.c.fingerprint, run.c.artifact, run.c.artifact_digest)
    return {
        row.id: Kept(*row) for part in graph.chunks(sorted(ids)) for row in session.execute(select(*columns).where(run.c.id.in_(part)))
    }  # fmt: skip


def _flags(session: Session, source: Source, model: str, target: str, recipe: str, settings: set[str]) -> list[str]:
    """Runs of the recipe and of its baseline that ended badly or taught nothing: the seeds that are left may be the lucky ones."""
    here: list[ColumnElement[bool]] = [
        *evaluations(source=source, model=model, target=target),
        run.c.recipe.in_([recipe, BASELINE.name]),
        run.c.settings.in_(sorted(settings)),
    ]
    columns = ("id", "fingerprint", "recipe", "seed", "state", "error_message", "skipped_because")
    query = select(*(run.c[name] for name in columns)).where(*here).order_by(run.c.id)
    newest = {
        row["fingerprint"]: row for row in session.execute(query).mappings()
    }  # one that was tried again: its last try

    def of(name: str, seed: int | None) -> str:
        return f"{'baseline' if name == BASELINE.name else name}{'' if seed is None else f', seed {seed}'}"

    said = [f"{of(r['recipe'], r['seed'])}: {words.ended_badly(r)}" for r in newest.values() if r["state"] in BAD]
    done = [*here, run.c.state == RunState.DONE.value]
    return said + [f"{of(left.recipe, left.seed)}: left out, {left.why}" for left in learning.left_out(session, done)]


# --- reading -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Examples:
    """The stored predictions of a choice: language → one (with the recipe, without) a seed, in the order of the gain's seeds."""

    pairs: Mapping[str, Sequence[tuple[Rows, Rows]]]

    @property
    def shared(self) -> bool:
        """Whether the runs have kept what examples share."""
        return all(side.unit is not None for pairs in self.pairs.values() for pair in pairs for side in pair)


def examples(chosen: Chosen, root: str) -> Examples:
    """Read them.

    Raises:
        Unusable: they are gone or damaged, or a score was compared with the mean of several runs.
    """
    languages = {g.language for g in chosen.cells}
    read_already: dict[int, dict[str, Rows]] = {}

    def rows(id: int, language: str) -> Rows:
        if id not in read_already:
            if id not in chosen.runs:
                raise Unusable(f"run {id} is gone")
            try:
                read_already[id] = by_language(read(chosen.runs[id], root, COLUMNS, languages))
            except CrossliftError as error:
                raise Unusable(error.detail) from None
        if language not in read_already[id]:
            raise Unusable(f"run {id} has no stored predictions in {LANGUAGES[language].name}")
        return read_already[id][language]

    found: dict[str, list[tuple[Rows, Rows]]] = {}
    for g in chosen.cells:
        if len(g.runs) != len(g.baseline_runs):
            raise Unusable("a run without a seed was compared with the mean of several baselines")
        found[g.language] = [
            (rows(a, g.language), rows(b, g.language)) for a, b in zip(g.runs, g.baseline_runs, strict=True)
        ]
    if len({g.seeds for g in chosen.cells}) > 1:
        raise Unusable("the languages of this mean were run with different seeds")
    return Examples(found)


def by_language(table: Mapping[str, Sequence[object]]) -> dict[str, Rows]:
    """The columns of a file, apart by language.

    Raises:
        Unusable: a column that every file has is missing.
    """
    if lacking := [name for name in COLUMNS[:5] if name not in table]:
        raise Unusable(f"the stored predictions have no column {lacking[0]}")
    places: dict[str, list[int]] = {}
    for i, code in enumerate(table["language"]):
        places.setdefault(str(code), []).append(i)
    return {
        code: Rows(code, **{name: [table[name][i] for i in at] for name in COLUMNS[1:] if name in table})  # type: ignore[arg-type]
        for code, at in places.items()
    }


def table_of(chosen: Chosen, found: Examples) -> Table:
    """Their sums, once every score that they give is the one that was stored.

    Raises:
        Unusable: the metric cannot be counted by example, or runs differ in their examples, or a score is another.
    """
    how = measure(chosen.task, chosen.unit.metric)
    counts: dict[int, Counted] = {}

    def once(rows: Rows) -> Counted:
        if id(rows) not in counts:
            counts[id(rows)] = counted(how, rows)
        return counts[id(rows)]

    pairs = {code: [(once(a), once(b)) for a, b in each] for code, each in found.pairs.items()}
    made = table(how.value, pairs, whole=how.whole)
    scores = made.scores
    for g in chosen.cells:
        at = made.languages.index(g.language)
        for seed, stored in enumerate(zip(g.treated_scores, g.baseline_scores, strict=True)):
            for side, value in enumerate(stored):
                if not agrees(float(scores[seed, at, side]), value):
                    id_of = (g.runs, g.baseline_runs)[side][seed]
                    raise Unusable(
                        f"the stored predictions of run {id_of} give {scores[seed, at, side]:.2f} in {g.language} where "
                        f"its score is {value:.2f}"
                    )
    return made


def units_are(chosen: Chosen, found: Examples) -> str:
    """What is taken for independent, in words."""
    if chosen.task.diagnostic:
        return "cases"
    shared = SHARED.get(chosen.task.format)
    if shared is None:
        return "examples"
    if not found.shared:
        return f"examples; which of them share {shared} was not kept when they were evaluated, so they count as independent"
    return shared
