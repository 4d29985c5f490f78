"""Things beside one another, language by language: a point each with its interval, joined by a line. Pure functions of what the API
returned."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from backend.domain.comparison import ComparedCell, Comparison
from dashboard import words
from dashboard.heatmap import hover_text
from dashboard.look import CATEGORICAL, FONT, LIGHT, SHAPES, SIZE, Theme, gain, interval, plain, score

ROW = 34  # px of a language
LETTERS = "ABCDEF"


def ordered(found: Comparison, order: str) -> list[str]:
    """The languages, by family as they come, by name, or by how far the things are apart."""
    if order == "name":
        return sorted(found.languages, key=words.language_name)
    if order == "difference":
        return sorted(found.languages, key=lambda code: (-_apart(found, code), found.languages.index(code)))
    return list(found.languages)


def _apart(found: Comparison, code: str) -> float:
    scores = [c.score for c in cells_of(found, code) if c.score is not None]
    return max(scores) - min(scores) if len(scores) > 1 else -1.0


def cells_of(found: Comparison, code: str) -> list[ComparedCell]:
    """One cell a thing."""
    at = found.languages.index(code)
    return [cells[at] for cells in found.cells]


def dumbbells(found: Comparison, order: str = "family", theme: Theme = LIGHT) -> go.Figure:
    """Scores of every thing in every language. What is missing has no point; the table says why."""
    codes = ordered(found, order)
    figure = go.Figure()
    ends: list[tuple[list[float | None], list[float | None]]] = [([], [])]
    for place, code in enumerate(codes):
        scores = [c.score for c in cells_of(found, code) if c.score is not None]
        if len(scores) > 1:
            ends[0][0].extend([min(scores), max(scores), None])
            ends[0][1].extend([place, place, None])
    figure.add_trace(
        go.Scatter(
            x=ends[0][0], y=ends[0][1], mode="lines", line={"color": theme.hatch, "width": 2}, hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    count = len(found.sides)
    for number, side in enumerate(found.sides):
        shown = [
            (place, cell)
            for place, code in enumerate(codes)
            if (cell := cells_of(found, code)[number]).score is not None
        ]
        lift = (number - (count - 1) / 2) * min(0.16, 0.6 / count)
        colour = CATEGORICAL[theme.name][number]
        figure.add_trace(
            go.Scatter(
                x=[c.score for _, c in shown],
                y=[place + lift for place, _ in shown],
                mode="markers",
                name=f"{LETTERS[number]}  {side.title}",
                marker={"symbol": SHAPES[number], "size": 10, "color": colour, "line": {"width": 1, "color": theme.paper}},
                error_x={
                    "type": "data", "symmetric": False, "thickness": 1.5, "width": 3, "color": colour,
                    "array": [_up(c) for _, c in shown], "arrayminus": [_down(c) for _, c in shown],
                },
                hovertext=[hover_text(lines(found, number, c)) for _, c in shown],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(
        height=max(220, 96 + 22 * count + ROW * len(codes)),
        font={"family": FONT, "size": SIZE["small"], "color": theme.ink},
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        margin={"l": 12, "r": 16, "t": 30 + 22 * count, "b": 44},
        hovermode="closest",
        hoverlabel={"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink}},
        legend={"orientation": "v", "x": 0, "y": 1, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False},
        xaxis={
            "gridcolor": theme.line, "zeroline": False, "fixedrange": True,
            "title": {"text": "score, with its 95 % interval over seeds", "font": {"color": theme.soft}},
        },
        yaxis={
            "tickvals": list(range(len(codes))), "ticktext": [words.language_name(code) for code in codes], "fixedrange": True,
            "range": [len(codes) - 0.4, -0.6], "automargin": True, "gridcolor": theme.line, "zeroline": False,
        },
        meta={"synthetic": found.synthetic, "benchmark": found.benchmark},
    )  # fmt: skip
    return figure


def _up(cell: ComparedCell) -> float:
    return cell.high - cell.score if cell.high is not None and cell.score is not None else 0.0


def _down(cell: ComparedCell) -> float:
    return cell.score - cell.low if cell.low is not None and cell.score is not None else 0.0


def lines(found: Comparison, number: int, cell: ComparedCell) -> list[str]:
    """What there is to say of one point."""
    side = found.sides[number]
    said = [f"{LETTERS[number]} in {words.language_name(cell.language)}: {spread(cell)}", side.title]
    said.append(f"{words.seeds(len(cell.per_seed))}: {', '.join(score(v) for v in cell.per_seed)}")
    if cell.difference is not None:
        said.append(f"against A {difference(cell)}, {words.seeds(cell.pairs)} pairs")
    return said


def spread(cell: ComparedCell) -> str:
    """``61.2 [60.1, 62.3]``, or the reason why there is none."""
    if cell.score is None:
        return cell.missing or "not run"
    tail = f" [{plain(cell.low)}, {plain(cell.high)}]" if cell.low is not None and cell.high is not None else ""
    return f"{score(cell.score)}{tail}"


def difference(cell: ComparedCell) -> str:
    """``+1.2 [0.3, 2.1]``."""
    if cell.difference is None:
        return ""
    return interval(cell.difference, cell.difference_low, cell.difference_high)


def summary(found: Comparison) -> str:
    """What the figure shows, for who cannot see it."""
    if not found.languages:
        return "There are no scores to show yet."
    said = []
    for number, side in enumerate(found.sides):
        scores = [(c.score, c.language) for c in found.cells[number] if c.score is not None]
        if not scores:
            said.append(f"{LETTERS[number]} ({side.title}) has no scores")
            continue
        low, high = min(scores), max(scores)
        text = f"{LETTERS[number]} ({side.title}): from {score(low[0])} in {words.language_name(low[1])} to {score(high[0])} in {words.language_name(high[1])}"
        if side.difference is not None:
            text += f", {gain(side.difference.value)} against A on the mean"
        said.append(text)
    return ". ".join(said) + "."


def tracks(curves: Sequence[Sequence[tuple[str, Sequence[int], Sequence[float]]]], theme: Theme = LIGHT) -> go.Figure:
    """Learning curves of each thing's trainings over their steps: loss above, development score below.

    Args:
        curves: for each thing, (name, steps, values) of each curve of each run.
    """
    from plotly.subplots import make_subplots

    panels = [name for name in ("loss", "dev") if any(n.startswith(name) for of in curves for n, _, _ in of)] or [
        "loss"
    ]
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.1)
    for number, of in enumerate(curves):
        told = False
        for name, steps, values in of:
            panel = next((p for p in panels if name.startswith(p)), None)
            if panel is None:
                continue
            figure.add_trace(
                go.Scatter(
                    x=list(steps), y=list(values), mode="lines+markers" if len(steps) <= 24 else "lines", name=LETTERS[number],
                    legendgroup=LETTERS[number], showlegend=not told, opacity=0.85,
                    line={"color": CATEGORICAL[theme.name][number], "width": 1.6, "dash": ("solid", "dash", "dot")[number % 3]},
                    marker={"size": 4}, hovertemplate=f"{LETTERS[number]}: %{{y:.4~g}}<extra>step %{{x:,}}</extra>",
                ),
                row=panels.index(panel) + 1, col=1,
            )  # fmt: skip
            told = True
    for row, panel in enumerate(panels, start=1):
        figure.update_yaxes(title={"text": "loss" if panel == "loss" else "development score"}, row=row, col=1)
    axis = {"gridcolor": theme.line, "zeroline": False, "automargin": True, "fixedrange": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_xaxes(title={"text": "step"}, row=len(panels), col=1)
    figure.update_layout(
        height=80 + 200 * len(panels), font={"family": FONT, "size": SIZE["small"], "color": theme.ink}, paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper, margin={"l": 56, "r": 12, "t": 30, "b": 40},
        hoverlabel={"bgcolor": theme.panel, "font": {"color": theme.ink}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return figure
