"""What stands below the heatmap, of one recipe: a bar a language or a group of languages with its interval, and gains against how much
text there is in a language. Pure figures; read only where somebody asks for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.domain.grouped import by_group
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.schemas import GainCell, GainMatrix
from dashboard import subset, words
from dashboard.figures import gain_range, schemes
from dashboard.heatmap import Drawing, hover_text
from dashboard.links import Explore
from dashboard.look import FONT, SCALES, SIZE, Theme, colour, gain, interval

ROW = 26  # px of a bar
SHOWN: Mapping[str, str] = {
    "none": "Nothing",
    "languages": "By language",
    "family": "By family",
    "script": "By script",
    "resource": "By resources",
    "size": "Against resources",
}
GROUPS: Mapping[str, Callable[[str], str]] = {
    "family": words.family,
    "script": words.script,
    "resource": words.resource,
}
JOSHI = (
    "Joshi et al. 2020: 0 hardly any text, 5 most labelled and unlabelled text. How much of a language a model was pretrained on is not "
    "known for every model."
)


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    low: float | None
    high: float | None
    said: str  # what stands after the name
    hover: str
    found: bool = False


def of_row(matrix: GainMatrix, state: Explore) -> list[GainCell]:
    """The cells of the recipe that is looked at; where none is chosen, of the first."""
    shown = subset.narrow(matrix, state.languages)
    names = [r.recipe for r in shown.recipes]
    wanted = state.recipe if state.recipe in names else names[0] if names else None
    return [c for c in shown.cells if c.recipe == wanted]


def said(matrix: GainMatrix, state: Explore) -> str:
    """What is drawn, and what could not be, in words."""
    cells = of_row(matrix, state)
    if not cells:
        return "There is no gain to draw."
    gone = words.gaps(cells)
    over = "" if state.below in ("languages", "size") else " English is in no mean."
    tail = f" Not drawn: {gone}." if gone else ""
    note = f" {JOSHI}" if state.below == "size" else ""
    return f"{cells[0].recipe}: gain with its 95 % interval over seeds.{over}{tail}{note}"


def drawing(matrix: GainMatrix, state: Explore) -> dict[str, Any] | None:
    """The figure for either scheme; None where there is nothing to draw."""
    cells = [c for c in of_row(matrix, state) if c.language in LANGUAGES]
    end, _ = gain_range(matrix)
    ramp = SCALES[state.colours]
    if state.below == "size":
        some = [c for c in cells if c.gain is not None and c.missing is None]
        return schemes(lambda theme: _scatter(some, theme)) if some else None
    bars = _grouped(cells, GROUPS[state.below]) if state.below in GROUPS else _single(cells)
    return schemes(lambda theme: _bars(bars, end, ramp, theme)) if bars else None


def _single(cells: Sequence[GainCell]) -> list[Bar]:
    some = sorted((c for c in cells if c.gain is not None and c.missing is None), key=lambda c: -(c.gain or 0.0))
    return [
        Bar(
            words.language_name(c.language), c.gain or 0.0, c.low, c.high, "",
            hover_text([words.language_name(c.language), interval(c.gain, c.low, c.high), words.seeds(c.n)]), words.is_finding(c),
        )
        for c in some
    ]  # fmt: skip


def _grouped(cells: Sequence[GainCell], group: Callable[[str], str]) -> list[Bar]:
    return [
        Bar(
            m.name, m.value, m.low, m.high, f" {m.k} of {m.n}",
            hover_text([m.name, interval(m.value, m.low, m.high), f"{m.k} of {m.n} languages: {', '.join(map(words.language_name, m.languages))}"]),
        )
        for m in by_group(cells, group)
        if m.value is not None
    ]  # fmt: skip


def _bars(bars: Sequence[Bar], end: float, ramp: Sequence[str], theme: Theme) -> Drawing:
    lows = [b.low if b.low is not None else b.value for b in bars]
    highs = [b.high if b.high is not None else b.value for b in bars]
    places = list(range(len(bars)))
    figure = _frame(theme, height=len(bars) * ROW + 70, left=132)
    figure["data"] = [
        {
            "type": "bar", "orientation": "h", "x": [b.value for b in bars], "y": places, "hovertext": [b.hover for b in bars],
            "hovertemplate": "%{hovertext}<extra></extra>", "name": "gain",
            "marker": {"color": [colour(ramp, b.value, -end, end) for b in bars], "line": {"width": 1, "color": theme.hatch}},
            "error_x": {
                "type": "data", "symmetric": False, "array": [h - b.value for h, b in zip(highs, bars, strict=True)],
                "arrayminus": [b.value - low for low, b in zip(lows, bars, strict=True)], "color": theme.ink, "thickness": 1.2,
                "width": 0,  # a cap would stand where there is no interval, too: plotly draws none as one of no length
            },
        },
        {
            "type": "scatter", "mode": "text", "x": [max(h, 0.0) for h in highs], "y": places, "hoverinfo": "skip", "name": "numbers",
            "text": [f"  {gain(b.value)}{' •' if b.found else ''}{b.said}" for b in bars], "textposition": "middle right", "cliponaxis": False,
            "textfont": {"size": SIZE["small"], "color": theme.ink},
        },
    ]  # fmt: skip
    low, high = min(0.0, *lows), max(0.0, *highs)
    room = (high - low) or 1.0
    figure["layout"]["xaxis"] |= {
        "range": [low - room * 0.03, high + room * 0.2],
        "title": _title("gain, points", theme),
    }
    figure["layout"]["yaxis"] |= {
        "tickvals": places, "ticktext": [_short(b.name) for b in bars], "range": [len(bars) - 0.5, -0.5], "showgrid": False, "zeroline": False,
    }  # fmt: skip
    return figure


def _scatter(cells: Sequence[GainCell], theme: Theme) -> Drawing:
    """Gains by resource class. Languages of one class stand side by side in the order of their names, so that none hides another."""
    classes: dict[int, list[GainCell]] = {}
    for c in sorted(cells, key=lambda c: words.language_name(c.language)):
        classes.setdefault(LANGUAGES[c.language].joshi_class, []).append(c)
    at = {
        c.language: level + 0.7 * ((i + 0.5) / len(own) - 0.5)
        for level, own in classes.items()
        for i, c in enumerate(own)
    }
    figure = _frame(theme, height=360, left=52)
    figure["data"] = [
        {
            "type": "scatter", "mode": "markers+text", "name": "languages", "x": [at[c.language] for c in cells], "y": [c.gain for c in cells],
            "text": [c.language for c in cells], "textposition": "middle right", "textfont": {"size": SIZE["tiny"], "color": theme.soft},
            "hovertext": [
                hover_text([words.language_name(c.language), interval(c.gain, c.low, c.high), f"class {LANGUAGES[c.language].joshi_class}"])
                for c in cells
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {
                "size": 8, "symbol": ["circle-open" if c.language == ENGLISH else "circle" for c in cells], "color": theme.accent,
                "line": {"width": 1.5, "color": theme.accent},
            },
            "error_y": {
                "type": "data", "symmetric": False, "array": [(c.high or c.gain or 0.0) - (c.gain or 0.0) for c in cells],
                "arrayminus": [(c.gain or 0.0) - (c.low if c.low is not None else c.gain or 0.0) for c in cells],
                "color": theme.hatch, "thickness": 1, "width": 2,
            },
        }
    ]  # fmt: skip
    figure["layout"]["xaxis"] |= {
        "tickvals": list(range(6)), "range": [-0.6, 5.6], "title": _title("resource class of the language", theme), "zeroline": False,
    }  # fmt: skip
    figure["layout"]["yaxis"] |= {"title": _title("gain, points", theme), "zeroline": True}
    return figure


def _title(text: str, theme: Theme) -> dict[str, Any]:
    return {"text": text, "font": {"size": SIZE["small"], "color": theme.soft}}


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"


def _frame(theme: Theme, *, height: int, left: int) -> Drawing:
    axis = {
        "gridcolor": theme.line,
        "zerolinecolor": theme.hatch,
        "zeroline": True,
        "fixedrange": True,
        "automargin": False,
    }
    return {
        "data": [],
        "layout": {
            "template": None, "autosize": True, "height": height, "margin": {"l": left, "r": 16, "t": 8, "b": 48},
            "paper_bgcolor": theme.paper, "plot_bgcolor": theme.paper, "showlegend": False, "hovermode": "closest",
            "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink},
            "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
            "xaxis": dict(axis), "yaxis": dict(axis), "bargap": 0.3,
        },
    }  # fmt: skip
