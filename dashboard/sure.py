"""How sure a gain is: its intervals by name, and what else bears on it. A section of the drawer, read while it is already open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from backend.domain.certainty import Certainty, IntervalView, RankView
from backend.domain.schemas import GainCell, GainMatrix
from backend.errors import CrossliftError
from dashboard import shell, words
from dashboard.client import Client
from dashboard.links import MEAN, Explore
from dashboard.look import gain, plain

MEAN_ASKED = "mean_transfer"  # what the API calls the mean of a row
MANY_FLAGS = 6


def to_come(matrix: GainMatrix, recipe: str, language: str, state: Explore) -> list[Any]:
    """The place of the section, and what is to be asked for it."""
    asked = {"model": matrix.model, "target": matrix.target, "metric": matrix.metric, "recipe": recipe,
             "language": MEAN_ASKED if language == MEAN else language, "settings": matrix.settings, "source": state.source}  # fmt: skip
    waiting = html.P("Reading the predictions …", className="soft")
    return [
        html.H3(shell.term("sure", "How sure")),
        dcc.Store(id="explore-sure-of", data=asked),
        html.Div(waiting, id="explore-sure", className="evidence", role="status"),
    ]


async def read(client: Client, asked: Mapping[str, Any]) -> list[Any]:
    """The section, or why there is none."""
    try:
        return panel(await client.certainty({k: str(v) for k, v in asked.items() if v}))
    except CrossliftError as error:
        return [html.P(error.detail, className="soft")]


def panel(found: Certainty) -> list[Any]:
    """Everything that is said of one gain."""
    rows = [
        _line("interval", "Over new seeds", found.gain, found.over_seeds),
        _line("over-examples", "Over new test examples", found.gain, found.over_examples),
        _line("over-both", "Over both", found.gain, found.over_both),
    ]
    body: list[Any] = [html.Dl([row for row in rows if row is not None], className="facts intervals")]
    if found.without_predictions is not None:
        said = f"Intervals over test examples need the stored predictions: {found.without_predictions}."
        body.append(html.P(said, className="soft"))
    elif found.units_are is not None:
        body.append(html.P(_resting_on(found), className="soft"))
    facts = _facts(found)
    if facts:
        body.append(html.Dl(facts, className="facts"))
    if found.flags:
        body.append(html.P("Not in these numbers, so the seeds that are left may be the lucky ones:", className="soft"))
        more = [html.Li(f"and {len(found.flags) - MANY_FLAGS} more")] if len(found.flags) > MANY_FLAGS else []
        body.append(html.Ul([*(html.Li(flag) for flag in found.flags[:MANY_FLAGS]), *more], className="left-out"))
    return body


def bracket(one: IntervalView) -> str:
    """``[0.3, 2.1]``, or why there is none."""
    if one.low is None or one.high is None:
        return f"none: {one.refused}"
    return f"[{plain(one.low)}, {plain(one.high)}]"


def _line(word: str, name: str, value: float, one: IntervalView | None) -> Any:
    if one is None:
        return None
    said: list[Any] = [
        html.B(f"{gain(value)} {bracket(one)}") if one.refused is None else html.Span(bracket(one), className="soft")
    ]
    rests = words.seeds(one.seeds) if one.units is None else f"{words.seeds(one.seeds)}, {one.units:,} units"
    if one.refused is None:
        said.append(html.Span(f"{rests}; {one.method}", className="soft"))
    if one.caution is not None:
        said.append(html.Span(f" Careful: {one.caution}.", className="soft"))
    return html.Div([html.Dt(shell.term(word, name)), html.Dd(said)])


def _resting_on(found: Certainty) -> str:
    one = found.over_examples
    units = f"{one.units:,} " if one is not None and one.units is not None else ""
    text = (
        f"A unit is what is independent of the others: {units}{found.units_are}, of {found.examples:,} test examples."
    )
    if found.from_seeds is None:
        return text
    share = round(100 * found.from_seeds)
    what = (
        "more seeds would narrow it most" if share > 50 else "more seeds would narrow it little, a larger test set more"
    )
    return f"{text} Of the noise in the mean, {share} % comes with the seeds: {what}."


def _facts(found: Certainty) -> list[Any]:
    facts: list[tuple[str, str, Any]] = []
    if found.relative is not None:
        over = (
            f" {bracket(found.over_relative)}"
            if found.over_relative is not None and found.over_relative.refused is None
            else ""
        )
        facts.append(("relative", "Relative gain", f"{gain(found.relative)} %{over}"))
    if found.gap is not None:
        gap = found.gap
        text = f"{plain(gap.without)} without, {plain(gap.treated)} with; change {gain(gap.change)}"
        facts.append(
            ("gap", "Gap to English", text + (f" {bracket(gap.interval)}" if gap.interval.refused is None else ""))
        )
    if found.record is not None:
        record = found.record
        facts.append(("record", "Units won, tied, lost", f"{record.won:,} · {record.tied:,} · {record.lost:,}"))
    if found.rank is not None:
        facts.append(("rank", "Rank among recipes", _rank(found.rank)))
    return [html.Div([html.Dt(shell.term(word, name)), html.Dd(value)]) for word, name, value in facts]


def _rank(rank: RankView) -> str:
    agreement = (
        ""
        if rank.agreement is None
        else f"; the orders of two seeds agree with τ = {rank.agreement:.2f}".replace("-", "−")
    )
    return f"{rank.place} of {rank.of}; best in {round(100 * rank.best)} % of resampled seeds{agreement} ({words.seeds(rank.seeds)})"


def has_some(cell: GainCell | None) -> bool:
    """Whether there is a gain to be sure of."""
    return cell is not None and cell.gain is not None and cell.missing is None
