"""The gain of a cell by kind of test example: one table an attribute, with each interval drawn on a scale that all share.

Drawn like ``seeds``: a table needs no program to draw it, is read out as the numbers it holds, and follows the colour scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import dcc, html

from backend.domain.certainty import Attribute, Bucket, Buckets
from backend.domain.schemas import GainMatrix
from backend.errors import CrossliftError
from dashboard import shell, words
from dashboard.client import Client
from dashboard.links import MEAN, Explore
from dashboard.look import count, gain, interval, score
from dashboard.sure import MEAN_ASKED

INSET = 3.0  # percent of a track at either end


def to_come(matrix: GainMatrix, recipe: str, language: str, state: Explore) -> list[Any]:
    """What opens the section, and what is to be asked for it: only where somebody opens it, as every example is read."""
    asked = {"model": matrix.model, "target": matrix.target, "metric": matrix.metric, "recipe": recipe,
             "language": MEAN_ASKED if language == MEAN else language, "settings": matrix.settings, "source": state.source}  # fmt: skip
    return [
        dcc.Store(id="explore-parts-of", data=asked),
        html.Details(
            [
                html.Summary("Gain by kind of test example", id="explore-parts-open", n_clicks=0),
                html.Div(html.P("Reading the predictions …", className="soft"), id="explore-parts", role="status"),
            ],
            className="by-kind",
        ),
    ]


async def read(client: Client, asked: Mapping[str, Any]) -> list[Any]:
    """The section, or why there is none."""
    try:
        return panel(await client.buckets({k: str(v) for k, v in asked.items() if v}))
    except CrossliftError as error:
        return [html.P(error.detail, className="soft")]


def panel(found: Buckets) -> list[Any]:
    """Every attribute of one cell."""
    if found.missing is not None:
        return [html.P(f"This needs the stored predictions: {found.missing}.", className="soft")]
    every = [b for a in found.attributes for b in a.buckets]
    place = scale([found.gain, *(v for b in every for v in (b.gain, b.interval.low, b.interval.high) if v is not None)])
    over = "seeds and test examples" if found.seeds >= 3 else "test examples alone, as there are under three seeds"
    head = html.P(
        [
            f"{_all(found)}: {gain(found.gain)} points, the dotted line. Bars are 95 % intervals over {over}, "
            "one kind at a time: among twenty, one is expected to miss. ",
            shell.term("buckets", "How they are made"),
            ".",
        ],
        className="soft",
    )
    return [head, *(part for a in found.attributes for part in _attribute(a, place, found.gain, found.k))]


def _all(found: Buckets) -> str:
    if found.k is None:
        return f"All {found.examples:,} examples"
    return f"All {found.examples:,} different examples, mean over {found.k} of {count(found.asked or 0, 'language')}"


def scale(values: Sequence[float]) -> Callable[[float], float]:
    """From a gain to its place on a track, in percent; zero is always on it."""
    low, high = min(0.0, *values), max(0.0, *values)
    wide = (high - low) or 1.0
    return lambda value: INSET + (100 - 2 * INSET) * (value - low) / wide


def _attribute(one: Attribute, place: Callable[[float], float], whole: float, k: int | None) -> list[Any]:
    title = html.H4(one.title)
    if one.missing is not None:
        return [title, html.P(f"Not divided: {one.missing}.", className="soft")]
    head = html.Tr(
        [
            html.Th("kind", scope="col"),
            html.Th("examples", scope="col"),
            html.Td(className="pair-track", **shell.aria(hidden="true")),
            html.Th("gain", scope="col"),
        ]
    )
    table = html.Table(
        [
            html.Caption(f"Gain by {one.title.lower()}, points", className="unseen"),
            html.Thead(head),
            html.Tbody([_row(b, place, whole) for b in one.buckets]),
        ],
        className="pairs by-kind-table",
    )
    few = sorted({b.interval.refused.partition(":")[0] for b in one.buckets if b.interval.refused is not None})
    notes = [html.P(one.note, className="soft pairs-said")]
    if k is not None and len(one.languages) < k:
        names = ", ".join(words.language_name(code) for code in one.languages)
        said = f"Over {len(one.languages)} of these {k} languages, which have it: {names}. Not to be held against the dotted line."
        notes.append(html.P(said, className="soft pairs-said"))
    if few:
        notes.append(html.P(f"No interval where {'; '.join(few)}.", className="soft pairs-said"))
    return [title, table, *notes]


def _row(one: Bucket, place: Callable[[float], float], whole: float) -> Any:
    low, high = one.interval.low, one.interval.high
    drawn: list[Any] = [_line("part-zero", place(0.0)), _line("part-whole", place(whole))]
    if low is not None and high is not None:
        left = place(low)
        drawn.append(
            html.Span(className="pair-interval", style={"left": f"{left:.2f}%", "width": f"{place(high) - left:.2f}%"})
        )
    drawn.append(_line("pair-with" if low is not None else "pair-without", place(one.gain)))
    text = interval(one.gain, low, high) if low is not None else f"{gain(one.gain)} (too few)"
    said = (
        f"{score(one.baseline)} without, {score(one.treated)} with; {one.units:,} independent, {words.seeds(one.seeds)}"
    )
    return html.Tr(
        [
            html.Th(html.Bdi(one.name), scope="row"),
            html.Td(f"{one.examples:,}"),
            html.Td(html.Span(drawn, className="pair-box"), className="pair-track", **shell.aria(hidden="true")),
            html.Td(text, title=said),
        ]
    )


def _line(name: str, at: float) -> Any:
    return html.Span(className=name, style={"left": f"{at:.2f}%"})
