"""Published figures that are complete enough to be explored like own results, by the same statistics.

Two kinds. ``models``: one model's figures minus another's, over languages, seed by seed: the XLM-V experiments publish five
seeds of each. Their seeds are replicates that share nothing but a number, so the pairing is arbitrary; it costs the test some of
its power and makes it no less valid. ``tasks``: Vu et al.'s transfer matrices, intermediate tasks by English target tasks, one
figure a cell, so that there is a gain and neither an interval nor a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from backend.domain.gains import Measurement, Missing
from backend.domain.language import LANGUAGES, order_by_family
from backend.domain.literature import AVERAGE, PublishedSet
from backend.domain.matrices import About, matrix_of
from backend.domain.schemas import GainMatrix
from backend.errors import NotFound, unknown
from backend.literature.figures import Figure, figures

UNKNOWN_N = 1  # examples behind a figure: not published, so it is not shown; a measurement needs a number
CLASSES: Mapping[str, str] = {"classification": "classification and regression", "qa": "question answering", "seqlab": "sequence labelling"}  # fmt: skip
_CLASS = {"classif": "classification", "classification": "classification", "qa": "qa", "seqlab": "seqlab"}
_REGIMES = {
    "full-full": "all data for both stages",
    "full-limited": "all data, then 1,000 target examples",
    "limited-limited": "1,000 examples for both stages",
}
_MODELS = (("wikiann", "WikiANN", ("test", "dev")), ("masakhaner", "MasakhaNER v1", ("test", "dev")), ("xquad", "XQuAD", ("test",)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Set:
    """A set: its figures, which of its names is the baseline, and what stands in a row and in a column."""

    name: str
    title: str
    about: str
    kind: Literal["models", "tasks"]
    target: str
    model: str
    baseline: str
    figures: tuple[Figure, ...]
    missing_block: str = ""  # of tasks: why pairs are not there

    @property
    def metrics(self) -> list[str]:
        return sorted({f.metric for f in self.figures}, key=lambda m: (m != "f1", m))

    def view(self) -> PublishedSet:
        table = self.figures[0].table
        return PublishedSet(
            name=self.name, title=self.title, about=self.about, cite=table.cite, url=table.paper_url, kind=self.kind,
            metrics=self.metrics, figures=len(self.figures),
        )  # fmt: skip

    def row(self, figure: Figure) -> str:
        return _model(figure.row) if self.kind == "models" else figure.intermediate

    def column(self, figure: Figure) -> str:
        return figure.language if self.kind == "models" else figure.target


def _model(row: str) -> str:
    """``XLM-R base (seed 1, dev)`` → ``XLM-R base``."""
    return row.partition(" (")[0]


@lru_cache(maxsize=1)
def _sets() -> dict[str, _Set]:
    found = [*_between_models(), *_between_tasks()]
    return {each.name: each for each in found}


def _between_models() -> list[_Set]:
    made = []
    for name, title, splits in _MODELS:
        for split in splits:
            mine = tuple(
                f
                for f in figures()
                if f.table.name.startswith(f"xlmv-{name}-")
                and f.split == split
                and f.seed is not None
                and f.language != AVERAGE
            )
            made.append(
                _Set(
                    name=f"xlmv-{name}-{split}",
                    title=f"XLM-V base minus XLM-R base on {title}, {split}",
                    about="5 seeds of each model, zero-shot from English. A difference is between two models, not between two "
                    "recipes; seeds are paired by their number, which is arbitrary.",
                    kind="models",
                    target=title,
                    model="XLM-V base and XLM-R base",
                    baseline="XLM-R base",
                    figures=mine,
                )
            )
    return made


def _between_tasks() -> list[_Set]:
    made = []
    for regime, words in _REGIMES.items():
        for target, title in CLASSES.items():
            tables = {
                f.table.name: _blocks(f.table.name, regime)
                for f in figures()
                if f.table.paper == "vu2020" and f.table.name.endswith(f"-{regime}")
            }
            mine = tuple(f for f in figures() if tables.get(f.table.name, ("", ""))[1] == target)
            there = {source for source, of in tables.values() if of == target}
            absent = " and of ".join(CLASSES[c] for c in CLASSES if c not in there)
            made.append(
                _Set(
                    name=f"vu2020-{regime}-{target}",
                    title=f"Intermediate tasks before {title}: {words}",
                    about="BERT base, English to English, one figure a cell: no interval and no test. Each gain is against the "
                    "baseline in the same table; a mean is over the targets that its row has, never the task itself."
                    + (
                        f" Intermediate tasks of {absent} are missing: their table could not be read." if absent else ""
                    ),
                    kind="tasks",
                    target=title,
                    model="BERT base",
                    baseline="none",
                    figures=mine,
                    missing_block="in no table that these figures were read in",
                )
            )
    return made


def _blocks(table: str, regime: str) -> tuple[str, str]:
    """Class of the intermediate tasks and of the targets: ``vu2020-qa-classif-full-full`` → qa, classification."""
    parts = table.removeprefix("vu2020-").removesuffix(f"-{regime}").split("-")
    return _CLASS[parts[0]], _CLASS[parts[-1]]


def listing() -> list[PublishedSet]:
    """Every set."""
    return [each.view() for each in _sets().values()]


def explore(name: str, metric: str | None = None) -> GainMatrix:
    """The gains of one set, by the statistics of ``backend.domain.gains``. None: its first metric.

    Raises:
        NotFound: there is no such set, or it does not have the metric.
    """
    known = _sets()
    if name not in known:
        raise NotFound(unknown("set of published figures", name, tuple(known)))
    chosen = known[name]
    metric = metric or chosen.metrics[0]
    if metric not in chosen.metrics:
        raise NotFound(unknown("metric", metric, chosen.metrics))
    some = [f for f in chosen.figures if f.metric == metric]
    measured = [
        Measurement(
            model=chosen.model, recipe=chosen.row(f), target=chosen.target, language=chosen.column(f), metric=metric,
            seed=f.seed, value=f.value, n=UNKNOWN_N, settings=_settings(chosen, f), run=f.id,
        )
        for f in some
    ]  # fmt: skip
    rows = list(dict.fromkeys(chosen.row(f) for f in some if chosen.row(f) != chosen.baseline))
    columns = list(dict.fromkeys(chosen.column(f) for f in some))
    titles = {r: (f"{r}, instead of {chosen.baseline}" if chosen.kind == "models" else r) for r in rows}

    def missing(row: str, column: str) -> tuple[Missing, str]:
        if row == column:
            return Missing.NOT_APPLICABLE, "a task is no intermediate task of itself"
        return Missing.NOT_RUN, chosen.missing_block or "not published"

    about = About(
        chosen.model, chosen.target, metric, f"published: {chosen.figures[0].table.cite}", metrics=chosen.metrics
    )
    return matrix_of(
        measured, about, languages=_ordered(columns), recipes=rows, titles=titles, baseline=chosen.baseline,
        same_data=lambda _recipe, _target: False, missing=missing, examples=False, common=chosen.kind == "models",
    )  # fmt: skip


def _settings(chosen: _Set, figure: Figure) -> str:
    """What a gain is within: for tasks one table, which has its own baseline; of models all that are in the set."""
    return figure.table.name if chosen.kind == "tasks" else chosen.name


def _ordered(columns: Sequence[str]) -> list[str]:
    """Languages by family, those that are not in our table last; tasks as they stand."""
    known = [c for c in columns if c in LANGUAGES]
    return [*order_by_family(known), *(c for c in columns if c not in LANGUAGES)]
