"""What is to be expected of the cells of a matrix that were not run: never a result, never in a mean."""

from __future__ import annotations

from sqlmodel import Session

from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.model import MODELS
from backend.domain.schemas import ExpectedGain, ExpectedGains, GainMatrix
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.statistics.expected import Row, expect
from backend.store.measured import units
from backend.store.recipes import read_recipe


def expected(session: Session, matrix: GainMatrix, *, source: Source) -> ExpectedGains:
    """Expectations of the cells of this matrix that were not run, from all gains of its benchmark in its metric. Gains whose
    recipe and target train on the same data are no neighbours."""
    known: dict[Row, dict[str, float]] = {}
    for unit in units(session, [matrix.metric], source=source):
        for gain in unit.gains:
            row = row_of(gain.model, gain.recipe, gain.target)
            if row is not None and not gain.same_data_twice:
                known.setdefault(row, {})[gain.language] = gain.mean
    wanted = [
        (row, cell.language)
        for cell in matrix.cells
        if cell.missing is Missing.NOT_RUN and (row := row_of(matrix.model, cell.recipe, matrix.target)) is not None
    ]
    found = expect(known, wanted, {code: language.family for code, language in LANGUAGES.items()})
    if found is None:
        return ExpectedGains(
            said="Too little has been measured to expect anything.", error=None, error_of_mean=None, cells=[]
        )
    cells, judged = found
    return ExpectedGains(
        said=judged.said(),
        error=judged.error,
        error_of_mean=judged.error_of_mean,
        cells=[
            ExpectedGain(
                recipe=row.recipe,
                language=language,
                expected=each.gain,
                low=each.low,
                high=each.high,
                neighbours=[
                    f"{n.model}, {n.recipe} → {n.target} ({100 * share:.0f} %)" for n, share in each.neighbours
                ],
            )
            for (row, language), each in cells.items()
        ],
    )


def row_of(model: str, recipe: str, target: str) -> Row | None:
    """None where the model or target is no longer known, or the recipe cannot be read."""
    read = read_recipe(recipe)
    if model not in MODELS or target not in TASKS or read is None:
        return None
    tasks = frozenset(task for stage in read.stages for task in stage) | {f"kind {read.kind.value}"}
    of = MODELS[model]
    size = max(1.0, float(of.parameters_non_embedding))
    return Row(model, recipe, target, of.family.value, size, tasks, TASKS[target].format.value)
