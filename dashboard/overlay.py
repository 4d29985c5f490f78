"""Published scores on the heatmap of scores: an open marker in each cell that one is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.domain.literature import PublishedView
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainMatrix
from dashboard import words
from dashboard.beside import SYMBOL
from dashboard.figures import languages, score_matrix, score_range, shown_value
from dashboard.heatmap import Drawing, hover_text
from dashboard.links import Order
from dashboard.look import SEQUENTIAL, Theme, colour, gain, ink_on, score
from dashboard.orders import rows as lines_of
from dashboard.subset import narrow


def mark_scores(
    drawing: Drawing,
    matrix: GainMatrix,
    published: Sequence[PublishedView],
    order: Order,
    choice: str | None,
    theme: Theme,
) -> Drawing:
    """The drawing with an open marker in each cell that a published score is of: same model, task, metric, language and recipe."""
    every = score_matrix(matrix)
    columns = languages(narrow(matrix, choice), order)
    own = {(c.recipe, c.language): shown_value(c, True) for c in every.cells}
    at: dict[tuple[int, int], list[PublishedView]] = {}
    lines = lines_of(every, order, narrow(matrix, choice))
    rows = {row.recipe: i for i, row in enumerate(lines)}
    for f in published:
        if f.recipe in rows and f.language in columns:
            at.setdefault((rows[f.recipe], columns.index(f.language)), []).append(f)
    if not at:
        return drawing
    ink = _inks(every, theme)
    inks = [ink(own.get((lines[row].recipe, columns[column]))) for row, column in at]
    marker = {"symbol": SYMBOL, "size": 10, "color": inks, "line": {"width": 1.6, "color": inks}}
    drawing["data"].append({
        "type": "scatter", "mode": "markers", "name": "published", "marker": marker,
        "x": [column + 0.36 for _, column in at], "y": [row - 0.26 for row, _ in at],
        "hovertext": [
            hover_text(_lines(some, own.get((lines[row].recipe, columns[column]))))
            for (row, column), some in at.items()
        ],
        "hovertemplate": "%{hovertext}<extra></extra>", "showlegend": False,
    })  # fmt: skip
    drawing["data"].append({  # the same marker in the legend, in a colour that reads on the page
        "type": "scatter", "mode": "markers", "name": "published (not ours)", "x": [None], "y": [None], "hoverinfo": "skip",
        "marker": {"symbol": SYMBOL, "size": 10, "color": theme.ink, "line": {"width": 1.6, "color": theme.ink}},
        "showlegend": True,
    })  # fmt: skip
    return drawing


def _inks(matrix: GainMatrix, theme: Theme) -> Callable[[float | None], str]:
    """What reads on a cell of this score."""
    low, high = score_range([c.treated for c in matrix.cells if c.treated is not None])
    colours = SEQUENTIAL[::-1] if lower_is_better(matrix.metric) else SEQUENTIAL
    return lambda value: theme.ink if value is None else ink_on(colour(colours, value, low, high))


def _lines(some: Sequence[PublishedView], own: float | None) -> list[str]:
    """Of one cell: each published score, its source, and how far ours is from it."""
    first = some[0]
    lines = [f"published: {first.intermediate} → {words.language_name(first.language)}"]
    for f in some:
        apart = f", ours {gain(own - f.value)}" if own is not None else ""
        lines.append(f"{score(f.value)}{apart} · {f.cite}, {f.row}" + (f", {f.split}" if f.split else ""))
    return lines


def said_of_scores(published: Sequence[PublishedView], matrix: GainMatrix | None) -> str:
    """What a reader who cannot see the markers gets."""
    if not published or matrix is None:
        return ""
    cells = {(f.recipe, f.language) for f in published if f.language in matrix.languages}
    return f" Published scores are beside {len(cells)} of these cells, as open markers; none is in any number here."
