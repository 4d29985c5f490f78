"""What is said of the numbers on Explore: the summary over the figure, and how to read it."""

from __future__ import annotations

from typing import Any

from dash import dcc

from backend.domain.gains import ALPHA
from backend.domain.schemas import GainMatrix
from dashboard import crossed, links, overlay, shell, subset, words
from dashboard.clusters import clustered
from dashboard.findings import Shown
from dashboard.look import count
from dashboard.orders import by_size


def summary(shown: Shown) -> str:
    if shown.matrix is None or shown.empty:
        return ""
    narrowed = subset.narrow(shown.matrix, shown.state.languages)
    by_cluster = _clustered(narrowed) if shown.state.order == "cluster" else ""
    if narrowed.axes is not None:
        return crossed.summary(narrowed, shown.state.value, shown.state.languages) + by_cluster
    left_out = ""
    if shown.state.languages:
        k, n = len(narrowed.languages), len(shown.matrix.languages)
        left_out = f"Shown: {subset.described(shown.state.languages)}, {k} of {n} languages"
    said = words.summary(narrowed, shown.state.value, left_out)
    return said + by_cluster + overlay.said_of_scores(shown.published, narrowed)


def _clustered(matrix: GainMatrix) -> str:
    """What an order by cluster rests on."""
    bare = clustered(matrix)[2]
    what = "Columns" if by_size(matrix) else "Rows and columns"
    said = f" {what} stand by average linkage of their gains, over the cells that two of them both have."
    if not bare:
        return said
    return f"{said} {count(bare, 'row or column', 'rows and columns')} without any gain {'stands' if bare == 1 else 'stand'} last."


MEANS = {
    "recipe-language": "are over the languages shown in which every recipe has a gain, English left out",
    "recipe-target": "at the left are over the targets in which every recipe has a gain, same data twice left out",
    "target-language": "are each over all of the target's own languages that are shown and have a gain, English left out",
    "model-language": "are over the languages shown in which every model has a gain, English left out",
}


def note(shown: Shown) -> list[Any]:
    """How to read the figure."""
    axes = shown.matrix.axes if shown.matrix is not None else None
    family = axes.family if axes is not None else "all recipes and languages of this model, target and metric"
    return [
        shell.term("gain"),
        ": score with the intermediate stage minus score without, same model, seeds and settings. A dot marks ",
        shell.term("bh", f"q < {ALPHA:g}"),
        f" over {family}, whichever are shown. Brackets: ",
        shell.term("interval", "95 % interval"),
        " of one cell. ",
        shell.term("means", "Means"),
        f" {MEANS[shown.state.layout]}. {words.TWICE} ",
        shell.term("same-data-twice", words.SAME_DATA_TWICE),
        f": intermediate and target stage train on one data set. {words.TRAINED} ",
        shell.term("translate-train", words.NOT_ZERO_SHOT),
        ": trained on translations into this language. ",
        shell.term("marginal", "Cost"),
        ": device time of the recipe's intermediate, fine-tune and evaluate runs, for one seed. Names of rows and columns are links. "
        "Shift and a click, or P, keeps a cell to be compared. Results made elsewhere are in no number here: ",
        dcc.Link("imported results", href=_imports(shown)),
        ".",
    ]


def _imports(shown: Shown) -> str:
    """The same model and target among imported results."""
    state = shown.state
    one = state.layout == crossed.PLAIN
    return links.Imports(model=state.model if one else None, target=state.target if one else None).address
