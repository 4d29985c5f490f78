"""What has to stand under a table or figure for it to be understood: seeds, test, baseline, marks. Plain sentences; whoever prints them
escapes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from backend.domain.experiment import BENCHMARKS
from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.schemas import GainCell, GainMatrix, TradeoffPoint
from backend.domain.task import Source
from dashboard import apart, scatter_axes, subset, weighing, words
from dashboard.exports.grid import Grid
from dashboard.links import Explore, Tradeoff
from dashboard.look import count

TEST: Final = "q < .05, two-sided paired t-test over seeds, Benjamini–Hochberg over {}"
FAMILY: Final = "every recipe and language of this model, target and metric"
_MARKS: Mapping[Missing, str] = {
    Missing.NOT_APPLICABLE: "n/a: not applicable",
    Missing.NOT_RUN: "--: not run",
    Missing.FAILED: "×: failed",
    Missing.WITHHELD: "w: test labels withheld",
}


def heatmap(grid: Grid, matrix: GainMatrix, state: Explore, *, marks: bool = True) -> list[str]:
    """Of a table or figure of gains or scores.

    Args:
        marks: it is a table, which marks the best of each column.
    """
    shown = subset.narrow(matrix, state.languages)
    scores = not grid.unit.startswith("gain")
    said = [_what(matrix, scores=scores)]
    said.append(f"Means over seeds, {_seeds(shown.cells)}.")
    if not scores:
        said.append("Baseline: the same model, seeds and settings without an intermediate stage.")
    if state.languages and apart.by_language(matrix):
        said.append(
            f"Languages: {subset.described(state.languages)}, {len(shown.languages)} of {len(matrix.languages)}."
        )
    if any(row.mean_transfer is not None for row in shown.recipes) and grid.means:
        said.append(f"Mean: {_mean(shown)}.")
    if not apart.by_language(matrix):
        said.append(f"Languages of each mean: {_supports(matrix)}.")
    said += _marked(grid, matrix, marks=marks)
    if any(name.twice for name in (*grid.rows, *grid.columns)):
        said.append("‡: intermediate task and target train on one data set; in no comparison.")
    if any(item.twice for line in grid.items for item in line):
        said.append(
            "‡: intermediate task and target train on one data set; in no comparison, and in no mean over targets."
        )
    return said


def _what(matrix: GainMatrix, *, scores: bool) -> str:
    """What the numbers are, and of what."""
    axes, model, where = matrix.axes, words.model_title(matrix.model), _of(matrix)
    target = f"{words.task_title(matrix.target)}, {words.metric_title(matrix.metric)}"
    if axes is None:
        what = "Scores with and without" if scores else "Gains of"
        return f"{what} an intermediate task on {target}, in points: {model}, {where}."
    if axes.rows == "recipe":
        what = "Scores with and without" if scores else "Gains of"
        return f"{what} an intermediate task, each a mean over {axes.over}, in points of the target's headline metric: {model}, {where}."
    what = f"{'Scores with' if scores else 'Gains of'} {axes.recipe} as intermediate task"
    if axes.rows == "target":
        return f"{what} on every target, in points of its headline metric: {model}, {where}."
    return f"{what} on {target}, in points, models from small to large: {where}."


def _mean(matrix: GainMatrix) -> str:
    """What means of rows are over, with how many these are."""
    axes = matrix.axes
    if axes is not None and axes.rows == "target":
        each = ", ".join(
            f"{words.task_title(r.recipe)} {r.k} of {r.n}" for r in matrix.recipes if r.mean_transfer is not None
        )
        return f"over those of a target's own languages but English that have a gain, {each}"
    if axes is not None and axes.columns == "target":
        return f"over the targets in which every recipe has a gain of its own, {_support(matrix)}"
    rows = "model" if axes is not None and axes.rows == "model" else "recipe"
    return f"over those languages but English in which every {rows} has a gain, {_support(matrix)}"


def _supports(matrix: GainMatrix) -> str:
    """``XNLI 8 of 9, XQuAD 3 of 7``: of each target, whose means are all over the same languages."""
    of = matrix.axes.support if matrix.axes is not None else {}
    found = {key.rpartition(".")[2]: said.removesuffix(" languages") for key, said in of.items()}
    return ", ".join(f"{words.task_title(t)} {found[t]}" for t in matrix.languages if t in found) or "none yet"


def _marked(grid: Grid, matrix: GainMatrix, *, marks: bool) -> list[str]:
    said = []
    every = [item for line in grid.items for item in line]
    if marks and any(item.rank for item in every):
        column = "language" if apart.by_language(matrix) else "target"
        said.append(f"Bold: the best of a {column}; underlined: the next.")
    if any(item.found for item in every):
        family = matrix.axes.family if matrix.axes is not None else FAMILY
        said.append(f"{'†' if marks else 'Dot'}: {TEST.format(family)}.")
    if any(item.trained for item in every):
        said.append(f"{'*' if marks else words.TRAINED}: not zero-shot, trained on translations into this language.")
    if grid.kinds and marks:
        said.append(f"Grey: {'; '.join(_MARKS[kind] for kind in grid.kinds)}.")
    return said


def _of(matrix: GainMatrix) -> str:
    return matrix.benchmark + (", a synthetic benchmark" if matrix.synthetic else "")


def _seeds(cells: Iterable[GainCell]) -> str:
    """``3 a cell (0, 1, 2)``."""
    some = [c for c in cells if c.gain is not None and c.missing is None]
    counts = sorted({c.n for c in some})
    names = sorted({s for c in some for s in c.seeds if s is not None})
    if not counts:
        return "none yet"
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{number} a cell ({', '.join(map(str, names))})" if names else f"{number} a cell"


def _support(matrix: GainMatrix) -> str:
    pairs = sorted({(row.k, row.n) for row in matrix.recipes if row.mean_transfer is not None})
    return " or ".join(f"{k} of {n}" for k, n in pairs)


def costs(matrix: GainMatrix) -> list[str]:
    axes, model, target = matrix.axes, words.model_title(matrix.model), words.task_title(matrix.target)
    what = f"each recipe on {target} for one seed: {model}"
    if axes is not None:
        what = {
            "recipe": f"each recipe for one seed, all targets together: {model}",
            "target": f"{axes.recipe} on each target for one seed: {model}",
            "model": f"{axes.recipe} on {target} for one seed, models from small to large",
        }[axes.rows]
    return [
        f"Device-hours of {what}, {_of(matrix)}.",
        "Intermediate, fine-tune and evaluate runs; shared out: the intermediate run over the targets using it.",
    ]


def tradeoff(shown: Sequence[TradeoffPoint], state: Tradeoff, benchmark: str) -> list[str]:
    if not shown:
        return ["No point has a place on this axis."]
    targets = sorted({words.task_title(p.target) for p in shown})
    synthetic = ", a synthetic benchmark" if state.source == Source.MINI.value else ""
    where = targets[0] if len(targets) == 1 else count(len(targets), "target")
    axis, each = weighing.axis(state), weighing.one_by_one(shown, state)
    counts = sorted({p.n for p in shown})
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    metrics = sorted({words.metric_title(p.metric) for p in shown})
    said = [
        f"Gain of an intermediate task against {axis} on {where} ({', '.join(metrics)}), in points, {_over(state, each)}: {benchmark}{synthetic}.",
        f"{number} seeds a point; 95 % intervals over seeds. Baseline: the same model, seeds and settings without an intermediate stage.",
        f"Front: no other point of its {'language' if each else 'target'} has as little {axis} and gains as much.",
    ]  # fmt: skip
    if weighing.spends(state):
        paid = "the intermediate run shared out" if state.cost == "amortised" else "all runs paid in full"
        said.append(f"What a point takes is in {unit(shown, state)}, of one seed, {paid}.")
    if any(p.same_data_twice for p in shown):
        said.append("‡: intermediate task and target train on one data set; in no front.")
    return said


def _over(state: Tradeoff, each: bool) -> str:
    over = words.support_title(state.languages)
    if state.languages in LANGUAGES:
        return f"in {over}"
    return f"each language by itself ({over})" if each else f"mean over {over}"


def unit(shown: Sequence[TradeoffPoint], state: Tradeoff) -> str:
    """What the axis counts, with the device class where it has one: points of two are never shown together."""
    return scatter_axes.unit(state, words.device_time(shown[0].device_class))


def benchmark_of(state: Explore | Tradeoff) -> str:
    return BENCHMARKS[Source(state.source)]


def source(sha256: str, *, frozen: bool, view: str) -> str:
    """Where the numbers are from."""
    return (
        f"Crosslift, frozen result, SHA-256 {sha256}."
        if frozen
        else f"Crosslift, live view {view}, SHA-256 of its rows {sha256}."
    )
