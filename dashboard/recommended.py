"""The next best experiment, and what a draft may be expected to find: marked as expected, with the record beside it. Schemas in, components out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from backend.domain.experiment import ExperimentRequest
from backend.domain.gains import MIN_SEEDS
from backend.domain.recommendation import ActedOn, Expected, ExpectedRows, Recommendations, Recommended, Repetition
from backend.domain.run import DeviceClass
from dashboard import draft, links, words
from dashboard.look import count, gain, hours, interval
from dashboard.shell import aria

HOURS: Mapping[DeviceClass, str] = {DeviceClass.CPU: "device-hours (cpu)", DeviceClass.CUDA: "GPU-hours"}
ROWS = 6  # of a draft, those that promise most


def address(request: ExperimentRequest) -> str:
    """Of the form, filled with a request."""
    return draft.Draft(draft.of_request(request)).address


def pair(e: Expected) -> str:
    return f"{e.recipe} → {words.task_title(e.target)}"


def takes(item: Recommended | Repetition, device: DeviceClass) -> str:
    """``0.8 GPU-hours (0.6 – 1.1), 9 runs``."""
    runs = count(item.runs_to_do, "run")
    if item.device_hours is None:
        return f"{runs}, cost not known: nothing measured yet to forecast from"
    band = item.device_hours
    kind = "" if device is DeviceClass.CUDA else f" on {device.value}"
    return f"{hours(band.median)} ({hours(band.low)} – {hours(band.high)}) of device time{kind}, {runs}"


# --- the overview ------------------------------------------------------------------------------------------------------


def card(found: Recommendations) -> list[Any]:
    """The first of the list, or why there is none; more seeds before anything new, where most gains have too few for a verdict."""
    if found.repeat is not None:
        return [
            html.P(html.B(f"{count(len(found.repeat.request.seeds), 'seed')} of what is there"), className="card-name"),
            html.P(_until(found.repeat)),
            html.P(f"{takes(found.repeat, found.repeat.request.device)}.", className="soft"),
            _links("Open the filled form", address(found.repeat.request), "What nobody has run", found.repeat.request),
        ]
    if not found.items:
        return [html.P(found.said, className="soft")]
    first = found.items[0]
    return [
        html.P([html.B(pair(first)), f" on {words.model_title(first.model)}"], className="card-name"),
        html.P(
            [
                html.Span(f"{interval(first.expected, first.low, first.high)}", className="card-number small"),
                " points expected, not measured",
            ],
            className="expected",
        ),
        html.P(f"{takes(first, found.device_class)}.", className="soft"),
        html.P(_trust(found), className="soft"),
        _links("Open the filled form", address(first.request), "Why this one, and others", first.request),
    ]


def _links(label: str, href: str, others: str, request: ExperimentRequest) -> Any:
    return html.P(
        [
            dcc.Link(label, href=href, className="button-link small"),
            " ",
            dcc.Link(others, href=links.new({"source": request.source.value})),
        ],
        className="next-links",
    )


def _until(repeat: Repetition) -> str:
    return f"{repeat.cells:,} of {count(repeat.of, 'gain')} are over fewer than {MIN_SEEDS} seeds, and get no verdict without more."


def _trust(found: Recommendations) -> str:
    better = [r.metric for r in found.records if r.error < r.error_of_mean]
    if not better:
        return "Where it was checked, such expectations are not better than the plain mean of all rows."
    record = (
        found.records[0]
        if len(found.records) == 1
        else next(r for r in found.records if r.metric == found.items[0].metric)
    )
    return f"Such expectations are off by {record.error:.1f} points on average; the plain mean of all rows by {record.error_of_mean:.1f}."


# --- the form ------------------------------------------------------------------------------------------------------------


def section(found: Recommendations) -> list[Any]:
    """The list, by what it is ordered, how good such expectations were, and what came of earlier ones."""
    head: list[Any] = [html.H3("What to run next")]
    if found.repeat is not None:
        head.append(html.Ul([_again(found.repeat)], className="offers"))
    if not found.items:
        return [*head, html.P(found.said, className="soft"), *_record(found)]
    first, *others = found.items
    rows = [_item(first, found)]
    rest = html.Details(
        [
            html.Summary(f"{count(len(others), 'other')}, and how far to believe it"),
            html.Ol([_item(i, found) for i in others], className="offers", start="2"),
            *_why(found),
        ],
        className="more",
    )
    return [*head, html.Ol(rows, className="offers"), rest]


def _again(repeat: Repetition) -> Any:
    what = f"{count(len(repeat.request.seeds), 'seed')} of what is there"
    return html.Li(
        [
            dcc.Link("Fill in", href=address(repeat.request), className="button-link small", title=f"Fill in {what}"),
            html.Div(
                [
                    html.B(what),
                    html.Span(f" · {takes(repeat, repeat.request.device)}", className="soft"),
                    html.Div(_until(repeat), className="soft"),
                ]
            ),
        ]
    )


def _item(item: Recommended, found: Recommendations) -> Any:
    best = (
        f"best known for this pair: {item.best_recipe}, {gain(item.best)}"
        if item.best is not None
        else "no gain is known for this model and target"
    )
    rate = f"{item.improvement:.2f} points of improvement to be expected"
    if item.per_device_hour is not None:
        rate += f", {item.per_device_hour:,.1f} a device-hour"
    return html.Li(
        [
            dcc.Link("Fill in", href=address(item.request), className="button-link small", title=f"Fill in {pair(item)} on {item.model}"),
            html.Div(
                [
                    html.Span([html.B(pair(item)), f" on {words.model_title(item.model)}: "]),
                    html.Span([html.B(interval(item.expected, item.low, item.high)), " points expected"], className="awaited"),
                    html.Span(f" · {takes(item, found.device_class)}", className="soft"),
                    html.Div(f"{rate}; {best}.", className="soft"),
                    html.Div(f"Nearest: {'; '.join(item.neighbours)}.", className="soft") if item.neighbours else None,
                ]
            ),
        ]
    )  # fmt: skip


def _why(found: Recommendations) -> list[Any]:
    seeds = count(len(found.seeds), "seed")
    return [
        html.P(
            f"{found.said} {found.candidates:,} rows that nobody has run were looked at, each with {seeds}, the fewest that get a verdict. "
            "Nothing of this is a result: it is in no mean, no test and no export.",
            className="soft",
        ),
        *_record(found),
    ]


def _record(found: Recommendations) -> list[Any]:
    if not found.records:
        return []
    parts: list[Any] = [html.H4("Its record"), html.Ul([html.Li(r.said) for r in found.records], className="plain")]
    parts.append(html.P(found.acted_on_said, className="soft"))
    if found.acted_on:
        heads = ("Row", "Expected then", "Found", "In the band", "Experiment")
        head = html.Tr([html.Th(h, scope="col", className="number" if 0 < i < 3 else "") for i, h in enumerate(heads)])
        table = html.Table([html.Thead(head), html.Tbody([_acted(a) for a in found.acted_on])], className="score-table")
        parts.append(
            html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="Expected and found"))
        )
    return parts


def _acted(a: ActedOn) -> Any:
    return html.Tr(
        [
            html.Th(f"{pair(a)} on {words.model_title(a.model)}", scope="row"),
            html.Td(interval(a.expected, a.low, a.high), className="number"),
            html.Td(gain(a.found), className="number"),
            html.Td("yes" if a.low <= a.found <= a.high else "no"),
            html.Td(dcc.Link(str(a.experiment), href=links.experiment(a.experiment))),
        ]
    )


# --- a draft -------------------------------------------------------------------------------------------------------------


def expected(found: ExpectedRows) -> list[Any]:
    """What the rows of a draft that have no gain may be expected to find."""
    parts: list[Any] = [html.H3("Expected, not measured")]
    if found.known:
        done = f"{count(found.known, 'row')} of it {'has' if found.known == 1 else 'have'} a gain already, which counts and not an expectation."
        parts.append(html.P(done))
    if not found.rows:
        return [*parts, html.P(found.said, className="soft")] if not found.known else parts
    lines = [
        html.Li(
            [html.Span(f"{pair(e)} on {words.model_title(e.model)}"), html.B(interval(e.expected, e.low, e.high))],
            className="expected-row",
        )
        for e in found.rows[:ROWS]
    ]
    parts.append(html.Ul(lines, className="expected-rows"))
    if len(found.rows) > ROWS:
        parts.append(
            html.P(f"and {len(found.rows) - ROWS:,} more, down to {gain(found.rows[-1].expected)}.", className="soft")
        )
    parts.append(
        html.P(
            f"Mean gains over languages but English, with what four of five lay within. {found.said}", className="soft"
        )
    )
    return parts
