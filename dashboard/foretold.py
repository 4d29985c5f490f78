"""What is not a result: what a draft will take, how good forecasts were, and what to expect of a cell that nobody has run. Schemas in,
components out."""

from __future__ import annotations

from typing import Any

from dash import html

from backend.domain.schemas import Band, ExpectedGains, ForecastCheck, ForecastRecord, Preview, RunForecast
from dashboard.look import hours, interval, size_of
from dashboard.shell import aria


def section(check: ForecastCheck) -> Any:
    """One sentence, and what it is made of behind it; nothing before anything has ended."""
    if check.all.error is None:
        return None
    heads = ("Forecast", "Runs", "Median error", "Took what the band said")
    head = html.Tr([html.Th(h, scope="col", className="number" if i else "") for i, h in enumerate(heads)])
    table = html.Table(
        [html.Thead(head), html.Tbody([_row(r) for r in (check.all, *check.by)])], className="score-table"
    )
    without = (
        f" {check.all.without} began before anything like them had ended, and had no forecast."
        if check.all.without
        else ""
    )
    return html.Details(
        [
            html.Summary(check.said),
            html.P(
                f"The band is meant to hold {100 * check.nominal:.0f} % at least. Each run is forecast again from what had "
                f"ended when it began; nothing of later enters.{without}",
                className="soft",
            ),
            html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="How good forecasts were")),
        ],
        className="part-of more",
    )


def _row(r: ForecastRecord) -> Any:
    return html.Tr(
        [
            html.Th(r.name, scope="row"),
            html.Td(f"{r.runs:,}", className="number"),
            html.Td(_percent(r.error), className="number"),
            html.Td(_percent(r.coverage), className="number"),
        ]
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def energy(value: Band | None) -> str:
    """``12 kWh (9.1 kWh – 16 kWh)``; in Wh where it is less than one."""
    return (
        "not measured" if value is None else f"{_energy(value.median)} ({_energy(value.low)} – {_energy(value.high)})"
    )


def _energy(kwh: float) -> str:
    value, unit = (1000 * kwh, "Wh") if kwh < 1 else (kwh, "kWh")
    return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


def runs(preview: Preview) -> Any:
    """Run by run what a draft will take, those that differ in their seed alone as one line; nothing where there is none to do."""
    if not preview.by_run:
        return None
    heads = ("Runs to do", "Number", "Device time of one", "Energy of one", "Memory at the peak", "Last one done after")
    head = html.Tr([html.Th(h, scope="col", className="number" if i else "") for i, h in enumerate(heads)])
    lines = [_run(each) for each in preview.by_run]
    shown = sum(each.runs for each in preview.by_run)
    said = "Medians; the range of all together stands above."
    if shown < preview.runs_to_do:
        said += f" Shown are the {shown:,} of {preview.runs_to_do:,} runs that take longest."
    table = html.Table([html.Thead(head), html.Tbody(lines)], className="score-table")
    return html.Details(
        [
            html.Summary("Run by run"),
            html.P(said, className="soft"),
            html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="Forecast run by run")),
        ],
        className="part-of more",
    )


def _run(each: RunForecast) -> Any:
    rests = [each.rests_on] if each.rests_on else []
    what = [
        each.kind.value,
        each.model,
        *([each.recipe] if each.recipe else []),
        *([each.target] if each.target else []),
    ]
    cells = (
        f"{each.runs:,}",
        "not known" if each.device_hours is None else hours(each.device_hours.median),
        "not measured" if each.energy_kwh is None else _energy(each.energy_kwh.median),
        size_of(each.memory_bytes),
        "not known" if each.done_after_hours is None else hours(each.done_after_hours.median),
    )
    head = html.Th(" · ".join(what), scope="row", title="; ".join(rests))
    return html.Tr([head, *(html.Td(text, className="number") for text in cells)])


def expected(found: ExpectedGains, recipe: str, language: str) -> list[Any]:
    """Of one cell: the expectation, marked as such, and beside it how wrong such ones are."""
    cell = next((c for c in found.cells if (c.recipe, c.language) == (recipe, language)), None)
    body: list[Any] = [html.H3("Expected, not measured")]
    if cell is None:
        return [*body, html.P(found.said, className="soft")] if found.error is None else []
    better = found.error is not None and found.error_of_mean is not None and found.error < found.error_of_mean
    body.append(
        html.P(
            ["By its neighbours one would expect ", html.B(f"about {interval(cell.expected, cell.low, cell.high)} points"),
             ". Nobody has run this: it is in no mean, no test and no export."],
            className="expected",
        )
    )  # fmt: skip
    if not better:
        body.append(
            html.P(
                "Such expectations are not better than the plain mean here: do not plan by them.", className="expected"
            )
        )
    body.append(html.P(f"How good it is: {found.said}", className="soft"))
    body.append(html.P(f"Nearest: {'; '.join(cell.neighbours)}.", className="soft"))
    return body
