"""Each seed of one gain: its score without the intermediate stage and with it, side by side, and the mean with its interval.

A table in which a small dumbbell is drawn: ring without, dot with. It needs no program to draw it, so the frozen page shows it
too, and whoever hears it hears the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from backend.domain.gains import MIN_SEEDS
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainCell
from dashboard import links, shell, words
from dashboard.look import DASH, gain, interval, score

INSET = 4.0  # percent of a track at either end, so that marks do not stand on its edge
BEFORE = "The scores of each seed were not kept when this was frozen; their differences were."


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed. Scores in points; None where they were not kept. Runs: of the scores, where each is that of one run."""

    seed: int | None
    baseline: float | None
    treated: float | None
    gain: float
    baseline_run: int | None
    run: int | None

    @property
    def name(self) -> str:
        return "no seed" if self.seed is None else str(self.seed)


def paired(cell: GainCell) -> list[Pair]:
    """The seeds of a cell in their order."""
    n = len(cell.differences)

    def of(values: Sequence[Any]) -> Sequence[Any]:
        return values if len(values) == n else [None] * n  # not kept, or a baseline that is the mean of several runs

    return [
        Pair(*one)
        for one in zip(
            cell.seeds, of(cell.baseline_scores), of(cell.treated_scores), cell.differences, of(cell.baseline_runs), of(cell.runs),
            strict=True,
        )
    ]  # fmt: skip


def in_words(cell: GainCell) -> str:
    """``0: 61.0 → 65.3 (+4.3); 1: 60.2 → 64.0 (+3.8)``: for a table with one row a cell."""
    return "; ".join(
        f"{p.name}: {gain(p.gain)}" if p.treated is None else f"{p.name}: {score(p.baseline)} → {score(p.treated)} ({gain(p.gain)})"
        for p in paired(cell)
    )  # fmt: skip


def each_seed(cell: GainCell, metric: str, *, linked: bool) -> list[Any]:
    """The table, and the mean with its interval and the number of seeds.

    Args:
        metric: of the scores: of an error rate a gain goes to the left.
        linked: numbers lead to their runs; not where something is frozen.
    """
    every = paired(cell)
    kept = all(p.baseline is not None and p.treated is not None for p in every)
    place = _scale(cell, every, metric) if kept else None
    body = [_row(p, place, linked) for p in every]
    head = html.Tr(
        [
            html.Th("Seed", scope="col"),
            html.Th("without", scope="col"),
            html.Td(className="pair-track", **shell.aria(hidden="true")) if place else None,
            html.Th("with", scope="col"),
            html.Th("gain", scope="col"),
        ]
    )
    foot = html.Tr(
        [
            html.Th("mean", scope="row"),
            html.Td(score(cell.baseline)),
            _mean_track(cell, place, metric) if place else None,
            html.Td(score(cell.treated)),
            html.Td(html.B(gain(cell.gain))),
        ],
    )
    table = html.Table(
        [
            html.Caption("Score of each seed without and with the recipe, points", className="unseen"),
            html.Thead(head),
            html.Tbody(body),
            html.Tfoot(foot),
        ],
        className="pairs",
    )
    return [
        table,
        html.P(_said(cell, drawn=kept), className="soft pairs-said"),
        *([] if kept else [html.P(BEFORE, className="soft")]),
    ]


def _said(cell: GainCell, *, drawn: bool) -> str:
    text = f"Mean gain {interval(cell.gain, cell.low, cell.high)} points, {words.seeds(cell.n)}"
    if cell.low is not None and cell.high is not None:
        return f"{text}. In brackets{', and as a bar' if drawn else ''}: its 95 % interval over these seeds."
    if cell.n > 1 and cell.sd == 0:
        return f"{text}. All seeds differ by the same, so there is no interval."
    return f"{text}. One seed has no interval." if cell.n < MIN_SEEDS else f"{text}."


def _row(pair: Pair, place: Callable[[float], float] | None, linked: bool) -> Any:
    def number(value: float | None, run: int | None, what: str) -> Any:
        text = score(value)
        if not linked or run is None or text == DASH:
            return html.Td(text)
        return html.Td(dcc.Link(text, href=links.run(run), title=f"Run {run}, {what}"))

    track = None
    if place is not None and pair.baseline is not None and pair.treated is not None:
        a, b = place(pair.baseline), place(pair.treated)
        track = _track([_span("pair-line", min(a, b), max(a, b)), _mark("pair-without", a), _mark("pair-with", b)])
    return html.Tr(
        [
            html.Th(pair.name, scope="row"),
            number(pair.baseline, pair.baseline_run, "without the recipe"),
            track,
            number(pair.treated, pair.run, "with the recipe"),
            html.Td(gain(pair.gain)),
        ]
    )


def _ends(cell: GainCell, metric: str) -> tuple[float, float] | None:
    """The interval of the gain, from the mean score without it."""
    if cell.low is None or cell.high is None or cell.baseline is None:
        return None
    sign = -1.0 if lower_is_better(metric) else 1.0
    ends = cell.baseline + sign * cell.low, cell.baseline + sign * cell.high
    return min(ends), max(ends)


def _scale(cell: GainCell, every: Sequence[Pair], metric: str) -> Callable[[float], float]:
    """From a score to its place on a track, in percent."""
    shown = [v for p in every for v in (p.baseline, p.treated) if v is not None]
    shown += [v for v in (cell.baseline, cell.treated, *(_ends(cell, metric) or ())) if v is not None]
    low, high = min(shown), max(shown)
    wide = (high - low) or 1.0
    return lambda value: INSET + (100 - 2 * INSET) * (value - low) / wide


def _mean_track(cell: GainCell, place: Callable[[float], float], metric: str) -> Any:
    parts: list[Any] = []
    if (ends := _ends(cell, metric)) is not None:
        parts.append(_span("pair-interval", place(ends[0]), place(ends[1])))
    for name, value in (("pair-without", cell.baseline), ("pair-with pair-mean", cell.treated)):
        if value is not None:
            parts.append(_mark(name, place(value)))
    return _track(parts)


def _track(parts: list[Any]) -> Any:
    return html.Td(html.Span(parts, className="pair-box"), className="pair-track", **shell.aria(hidden="true"))


def _mark(name: str, at: float) -> Any:
    return html.Span(className=name, style={"left": f"{at:.2f}%"})


def _span(name: str, left: float, right: float) -> Any:
    return html.Span(className=name, style={"left": f"{left:.2f}%", "width": f"{right - left:.2f}%"})
