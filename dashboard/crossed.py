"""What rows, columns and cells of a matrix are called, where these are not recipes and languages; and where their names lead.

A cell of such a matrix is one cell, or one mean, of the matrix of recipes by languages of some model and target: ``cell_of`` says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.domain.experiment import same_data_twice
from backend.domain.model import MODELS
from backend.domain.schemas import Axes, GainCell, GainMatrix, RecipeRow
from dashboard import links, subset, words
from dashboard.links import MEAN, Cell, Explore, Layout
from dashboard.links.pins import Pin
from dashboard.look import count, gain, hours, interval, parameters, score

PLAIN: Layout = "recipe-language"
LAYOUTS: Mapping[Layout, str] = {
    "recipe-language": "Recipes × languages",
    "recipe-target": "Recipes × targets",
    "target-language": "Targets × languages",
    "model-language": "Models × languages",
}
ONE_RECIPE = frozenset({"target-language", "model-language"})  # layouts that are of one


# --- names ---------------------------------------------------------------------------------------------------------


def row_name(name: str, matrix: GainMatrix) -> str:
    rows = matrix.axes.rows if matrix.axes is not None else "recipe"
    if rows == "target":
        return words.task_title(name)
    if rows == "model":
        size = f" · {parameters(MODELS[name].parameters_non_embedding)}" if name in MODELS else ""
        return f"{words.model_title(name)}{size}"
    return name


def rows_are(matrix: GainMatrix) -> str:
    """``Recipe``: what stands over the names of rows."""
    return (matrix.axes.rows if matrix.axes is not None else "recipe").capitalize()


def lines(cell: GainCell, row: RecipeRow, matrix: GainMatrix) -> list[str]:
    """A tooltip of one cell."""
    said = words.cell_lines(cell, row, matrix.baseline)
    axes = matrix.axes
    if axes is None:
        return said
    where = words.column_name(cell.language)
    if axes.rows == "target":
        said[0] = f"{axes.recipe} on {words.task_title(cell.recipe)} → {where} ({cell.language})"
    elif axes.rows == "model":
        said[0] = f"{axes.recipe} with {row_name(cell.recipe, matrix)} → {where} ({cell.language})"
    elif axes.columns == "target":
        said[0] = f"{cell.recipe} → {where}, mean over {axes.over}"
        if (support := axes.support.get(f"{cell.recipe}.{cell.language}")) is not None:
            said.insert(2, f"over {support} in which every recipe has a gain")
        if same_data_twice(cell.recipe, cell.language):
            said.append("same data twice: in no mean over targets")
    return said


def row_lines(row: RecipeRow, matrix: GainMatrix) -> list[str]:
    """A tooltip of the mean of a row."""
    if matrix.axes is None:
        return words.row_lines(row)
    if matrix.axes.columns == "target":
        said = f"mean {gain(row.mean_transfer)} over {support(row, matrix)}: those in which every recipe has a gain of its own"
        return [row.title, said]
    return [row_name(row.recipe, matrix), *words.row_lines(row)[1:]]


def support(row: RecipeRow, matrix: GainMatrix) -> str:
    """``8 of 9 languages``, ``3 of 5 targets``."""
    if matrix.axes is not None and matrix.axes.columns == "target":
        return f"{row.k} of {count(row.n, 'target')}"
    return words.support(row)


def twice(row: RecipeRow, column: str, matrix: GainMatrix) -> bool:
    """Whether this cell, not its whole row, is of the same data twice."""
    return matrix.axes is not None and matrix.axes.columns == "target" and same_data_twice(row.recipe, column)


def summary(matrix: GainMatrix, value: str, choice: str | None) -> str:
    """What the figure shows, in a few sentences."""
    axes = matrix.axes
    if axes is None:
        return words.summary(matrix, value)
    over = subset.described(choice) if choice else axes.over
    what = {
        "recipe": f"{words.model_title(matrix.model)}, recipes by targets: each cell is a mean over {over}, headline metrics",
        "target": f"{axes.recipe} with {words.model_title(matrix.model)} on every target, headline metrics",
        "model": f"{axes.recipe} on {words.task_title(matrix.target)}, {words.metric_title(matrix.metric)}, models from small to large",
    }[axes.rows]
    said = [f"{what}, {matrix.benchmark}{f' ({words.SYNTHETIC})' if matrix.synthetic else ''}."]
    if choice and axes.columns == "language":
        said.append(f"Shown: {subset.described(choice)}.")
    if value != "gain":
        return " ".join([*said, *(_costs(matrix) if value == "cost" else _scores(matrix))])
    found = [c for c in matrix.cells if c.missing is None and c.gain is not None]
    if not found:
        return " ".join([*said, "No gain yet."])
    noun = {"recipe": "recipe", "target": "target", "model": "model"}[axes.rows]
    means = [r.mean_transfer for r in matrix.recipes if r.mean_transfer is not None]
    if means:
        up = sum(m > 0 for m in means)
        said.append(f"{up} of {count(len(means), noun)} {'has' if up == 1 else 'have'} a positive mean.")
    elif axes.columns == "target":
        said.append("There is no target in which every recipe has a gain of its own, so there is no mean over targets.")
    best = max(found, key=lambda c: c.gain or 0.0)
    size = interval(best.gain, best.low, best.high)
    said.append(
        f"Largest gain: {row_name(best.recipe, matrix)} in {words.column_name(best.language)}, {size}, {words.seeds(best.n)}."
    )
    cells = ", ".join(part for part in (words.verdicts(found), words.gaps(matrix.cells)) if part)
    return " ".join([*said, f"Cells: {cells}."])


def _costs(matrix: GainMatrix) -> list[str]:
    known = sorted(
        (r.device_hours_marginal, row_name(r.recipe, matrix))
        for r in matrix.recipes
        if r.device_hours_marginal is not None
    )
    if not known:
        return ["No cost was measured yet."]
    ends = " to ".join(f"{hours(spent)} ({name})" for spent, name in (known[0], known[-1]))
    targets = ", all targets together" if matrix.axes is not None and matrix.axes.columns == "target" else ""
    return [f"Device time of one seed{targets}: {ends}, on its own."]


def _scores(matrix: GainMatrix) -> list[str]:
    known = [c for c in matrix.cells if c.treated is not None]
    if not known:
        return ["No score yet."]
    low, high = (pick(known, key=lambda c: c.treated or 0.0) for pick in (min, max))
    ends = (
        f"{score(c.treated)} ({row_name(c.recipe, matrix)} in {words.column_name(c.language)})" for c in (low, high)
    )
    gone = words.gaps(c for c in matrix.cells if c.treated is None)
    return [f"Scores from {' to '.join(ends)}.", *([f"Cells: {gone}."] if gone else [])]


def over(axes: Axes, said: str) -> Axes:
    """With other words for the languages that means are over."""
    return axes.model_copy(update={"over": said, "family": axes.family.replace(str(axes.over), said)})


# --- where cells and names lead ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of the matrix of recipes by languages of a model and target."""

    model: str
    target: str
    cell: Cell

    def state(self, state: Explore) -> Explore:
        """Of a page that shows it there."""
        return replace(
            state,
            layout=PLAIN,
            model=self.model,
            target=self.target,
            metric=None,
            recipe=None,
            settings=None,
            cell=self.cell,
        )

    @property
    def pin(self) -> Pin:
        language = None if self.cell.language == MEAN else self.cell.language
        return Pin(self.model, self.cell.recipe, self.target, language)


def place(cell: Cell, matrix: GainMatrix) -> Place | None:
    """Where the numbers of a cell stand; None: of a mean over rows of several targets there is no such place."""
    axes = matrix.axes
    if axes is None:
        return Place(matrix.model, matrix.target, cell)
    if axes.columns == "target":
        return None if cell.language == MEAN else Place(matrix.model, cell.language, Cell(cell.recipe, MEAN))
    of = Cell(str(axes.recipe), cell.language)
    return Place(matrix.model, cell.recipe, of) if axes.rows == "target" else Place(cell.recipe, matrix.target, of)


def row_address(name: str, matrix: GainMatrix, source: str) -> str:
    """Of a recipe, itself on every target; of a target or model, its own recipes by languages."""
    base = Explore(source=source, model=matrix.model)  # type: ignore[arg-type]  # one that was read from an address
    axes = matrix.axes
    if axes is None:
        return replace(base, layout="recipe-target", cell=Cell(name, MEAN)).address
    if axes.rows == "recipe":
        return replace(base, layout="target-language", recipe=name).address
    if axes.rows == "target":
        return replace(base, target=name).address
    return replace(base, model=name, target=matrix.target).address


def column_address(name: str, matrix: GainMatrix, source: str) -> str:
    """Of a language, its page; of a target, its recipes by languages."""
    if matrix.axes is not None and matrix.axes.columns == "target":
        return Explore(source=source, model=matrix.model, target=name).address  # type: ignore[arg-type]
    return links.language(name)


def addresses(
    matrix: GainMatrix, rows: Sequence[RecipeRow], columns: Sequence[str], source: str
) -> tuple[list[str], list[str]]:
    """Where the names of these rows and columns lead; of a baseline, nowhere."""
    by_row = ["" if r.recipe == matrix.baseline else row_address(r.recipe, matrix, source) for r in rows]
    return by_row, [column_address(c, matrix, source) for c in columns]
