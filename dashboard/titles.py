"""What a matrix is called, over a share, in a paper, as a file; and what is in it, in a few names."""

from __future__ import annotations

from backend.domain.schemas import GainMatrix
from dashboard import crossed, words


def title(matrix: GainMatrix, value: str) -> str:
    """``mini-2 on XNLI: gain by language``. ``value``: what its cells show, in words."""
    axes, model, target = matrix.axes, words.model_title(matrix.model), words.task_title(matrix.target)
    if axes is None:
        return f"{model} on {target}: {value} by language"
    if axes.rows == "recipe":
        return f"{model}: {value} by recipe and target"
    if axes.rows == "target":
        return f"{axes.recipe} with {model}: {value} by target and language"
    return f"{axes.recipe} on {target}: {value} by model and language"


def slug(matrix: GainMatrix) -> list[str]:
    """The parts of a file's name, or of a label's."""
    axes = matrix.axes
    if axes is None:
        return [matrix.model, matrix.target, matrix.metric]
    if axes.rows == "recipe":
        return [matrix.model, "recipes", "targets"]
    of = [str(axes.recipe), *([matrix.model] if axes.rows == "target" else [matrix.target])]
    return [*of, f"{axes.rows}s"]


def contents(matrix: GainMatrix) -> list[tuple[str, str]]:
    """What it is of and what it holds, as names and values."""
    axes = matrix.axes
    rows = axes.rows if axes is not None else "recipe"
    said = [("Model", words.model_title(matrix.model))] if rows != "model" else []
    if rows != "recipe" and axes is not None:
        said.append(("Recipe", str(axes.recipe)))
    if axes is None or rows == "model":
        said.append(("Target", f"{words.task_title(matrix.target)}, {words.metric_title(matrix.metric)}"))
    if axes is not None and axes.columns == "target":
        said.append(("Each cell", f"a mean over {axes.over}, by the target's headline metric"))
    with_gain = sum(c.gain is not None and c.missing is None for c in matrix.cells)
    columns = "Targets" if axes is not None and axes.columns == "target" else "Languages"
    return [
        *said,
        ("Cells", f"{len(matrix.cells)}, of them {with_gain} with a gain"),
        (f"{crossed.rows_are(matrix)}s", ", ".join(crossed.row_name(r.recipe, matrix) for r in matrix.recipes)),
        (columns, ", ".join(words.column_name(name) for name in matrix.languages)),
    ]
