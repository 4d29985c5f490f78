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
from dashboard import scatter_axes, subset, weighing, words
from dashboard.exports.grid import Grid
from dashboard.links import Explore, Tradeoff
from dashboard.look import count

TEST: Final = "q < .05, two-sided paired t-test over seeds, Benjamini–Hochberg over every recipe and language of this model, target and metric"
_MARKS: Mapping[Missing, str] = {
    Missing.NOT_APPLICABLE: "n/a: not applicable",
    Missing.NOT_RUN: "--: not run",
    Missing.FAILED: "×: failed",
    Missing.WITHHELD: "w: test labels withheld",
}


def heatmap(grid: Grid, matrix: GainMatrix, state: Explore, *, marks: bool = True) -> list[str]:
    """Of a table or figure of gains or scores.

    Args:
        marks: it is a table, which marks the best of each language.
    """
    shown = subset.narrow(matrix, state.languages)
    scores = not grid.unit.startswith("gain")
    target = f"{words.task_title(matrix.target)}, {words.metric_title(matrix.metric)}"
    what = "Scores with and without" if scores else "Gains of"
    said = [f"{what} an intermediate task on {target}, in points: {words.model_title(matrix.model)}, {_of(matrix)}."]
    said.append(f"Means over seeds, {_seeds(shown.cells)}.")
    if not scores:
        said.append("Baseline: the same model, seeds and settings without an intermediate stage.")
    if state.languages:
        said.append(
            f"Languages: {subset.described(state.languages)}, {len(shown.languages)} of {len(matrix.languages)}."
        )
    if any(row.mean_transfer is not None for row in shown.recipes) and grid.means:
        said.append(f"Mean: over those languages but English in which every recipe has a gain, {_support(shown)}.")
    said += _marked(grid, marks=marks)
    twice = any(name.twice for name in (*grid.rows, *grid.columns))
    if twice:
        said.append("‡: intermediate task and target train on one data set; in no comparison.")
    return said


def _marked(grid: Grid, *, marks: bool) -> list[str]:
    said = []
    every = [item for line in grid.items for item in line]
    if marks and any(item.rank for item in every):
        said.append("Bold: the best of a language; underlined: the next.")
    if any(item.found for item in every):
        said.append(f"{'†' if marks else 'Dot'}: {TEST}.")
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
    target = words.task_title(matrix.target)
    return [
        f"Device-hours of each recipe on {target} for one seed: {words.model_title(matrix.model)}, {_of(matrix)}.",
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
