"""What is to be expected of rows that have no gain: what is known of a benchmark, laid out for it, and what it says of a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from backend.domain.experiment import ExperimentRequest, problems, same_data_twice
from backend.domain.gains import Gain
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.recipe import CONTROLS
from backend.domain.recommendation import Expected, ExpectedRows, TrackRecord
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import Invalid
from backend.statistics.expected import Row
from backend.statistics.promising import Foreseen, Standing, foresee
from backend.store import pretrained, trained
from backend.store.expected import row_of
from backend.store.measured import units
from backend.store.reasons import NONE
from backend.store.recipes import is_control, read_recipe

FAMILIES: Mapping[str, str] = {code: language.family for code, language in LANGUAGES.items()}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a benchmark, by metric: row → language but English → points. ``gains`` has what they come from."""

    rows: Mapping[str, dict[Row, dict[str, float]]]
    gains: Mapping[str, list[Gain]]

    def best(self, metric: str, model: str, target: str) -> tuple[float, str] | None:
        """The largest mean gain of a model on a target, and its recipe."""
        found = [
            (sum(g.values()) / len(g), row.recipe)
            for row, g in self.rows.get(metric, {}).items()
            if (row.model, row.target) == (model, target) and offered(row.recipe)
        ]
        return max(found, default=None)


def headlines(source: Source) -> list[str]:
    """Metrics that expectations are made in. Those of diagnostic targets are none: they are no points to be won."""
    names = [t for t in TARGETS if TASKS[t].available_in(source) and not TASKS[t].diagnostic]
    return sorted({TASKS[t].headline for t in names})


def known(session: Session, source: Source) -> Known:
    """Gains of same data twice and of languages that were trained in are not among them."""
    learnt = trained.by_settings(session, source)
    rows: defaultdict[str, dict[Row, dict[str, float]]] = defaultdict(dict)
    kept: defaultdict[str, list[Gain]] = defaultdict(list)
    names: dict[str, Row | None] = {}  # of the unit that is looked at, by recipe
    for unit in units(session, headlines(source), source=source):
        if unit.target not in TASKS or TASKS[unit.target].headline != unit.metric or TASKS[unit.target].diagnostic:
            continue
        names.clear()
        for gain in unit.gains:
            if gain.recipe not in names:
                names[gain.recipe] = row_of(gain.model, gain.recipe, gain.target)
            row = names[gain.recipe]
            if row is None or gain.language == ENGLISH or gain.same_data_twice or trained.saw(gain, learnt):
                continue
            rows[unit.metric].setdefault(row, {})[gain.language] = gain.mean
            kept[unit.metric].append(gain)
    return Known(rows, kept)


def languages_of(target: str, source: Source) -> list[str]:
    return [code for code in TASKS[target].languages_in(source) if code != ENGLISH]


# --- of an experiment that was asked about -------------------------------------------------------------------------------


def expected(session: Session, request: ExperimentRequest) -> ExpectedRows:
    """What to expect of the rows of this request that have no gain. Controls are none: they are there to be compared with.

    Raises:
        Invalid: the request names something that cannot be done.
    """
    pretrained.take_up(session)
    if errors := problems(request):
        raise Invalid("The experiment cannot be planned.", errors=errors)
    there = known(session, request.source)
    found: list[Expected] = []
    said: dict[str, str] = {}
    measured = 0
    for metric, targets in by_metric(request.targets, request.source).items():
        wanted = {}
        for target in targets:
            for model in request.models:
                for recipe in request.recipes:
                    row = row_of(model, recipe.name, target)
                    if (
                        row is None
                        or recipe.name == NONE
                        or recipe.kind in CONTROLS
                        or same_data_twice(recipe.name, target)
                    ):
                        continue
                    if there.rows.get(metric, {}).get(row):
                        measured += 1
                    else:
                        wanted[row] = languages_of(target, request.source)
        answer = foresee(there.rows.get(metric, {}), wanted, FAMILIES) if wanted else None
        if answer is not None:
            said[metric] = record(metric, answer[1]).said
            found += [_expected(row, metric, f) for row, f in answer[0].items()]
    found.sort(key=lambda e: (-e.expected, e.model, e.recipe, e.target))
    nothing = (
        "Too little has been measured to expect anything." if not measured else "Every row of it has a gain already."
    )
    return ExpectedRows(said=" ".join(said.values()) or nothing, rows=found, known=measured)


def _expected(row: Row, metric: str, f: Foreseen) -> Expected:
    return Expected(
        model=row.model, recipe=row.recipe, target=row.target, metric=metric, expected=f.gain, low=f.low, high=f.high
    )


def record(metric: str, standing: Standing) -> TrackRecord:
    said = (
        f"{metric}: with each of {standing.rows} known rows left out in turn, neighbours are off by {standing.error:.2f} points on "
        f"average, the plain mean of all other rows by {standing.error_of_mean:.2f}."
    )
    if not standing.better:
        said += " Nothing beats the mean here, so the mean is what is expected of every row."
    return TrackRecord(
        metric=metric, rows=standing.rows, error=standing.error, error_of_mean=standing.error_of_mean, said=said
    )


def by_metric(targets: Iterable[str], source: Source) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for target in targets:
        if target in TASKS and TASKS[target].available_in(source) and not TASKS[target].diagnostic:
            found[TASKS[target].headline].append(target)
    return dict(found)


def offered(recipe: str) -> bool:
    """Whether it may be recommended: no control, and one that this version can read."""
    return read_recipe(recipe) is not None and not is_control(recipe)
