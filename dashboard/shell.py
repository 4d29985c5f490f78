"""What surrounds every page: skip link, header with navigation and live status, progress of what runs, footer.

The status is read every five seconds while the page is visible (``assets/crosslift.js`` stops the clock of a hidden
page). Pages listen to the ``pulse``: it changes when a run has ended, and only then is there anything new to draw.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, page_container

from backend.domain.schemas import ExperimentView
from backend.errors import CrossliftError
from dashboard import links, look, words
from dashboard.client import client

NAME = "Crosslift"
CLOCK_MILLISECONDS = 5_000
NAVIGATION = (("Explore", links.EXPLORE),)

#: Scheme and skip link are in place before anything else loads; everything comes from this origin.
INDEX = """<!DOCTYPE html>
<html lang="en" dir="ltr">
  <head>
    {%metas%}
    <meta name="color-scheme" content="light dark">
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/mark.svg">
    <script src="/assets/scheme.js"></script>
    {%css%}
  </head>
  <body>
    <noscript>Crosslift's pages need JavaScript. The numbers are at <a href="/api/v1/gains">/api/v1/gains</a>.</noscript>
    {%app_entry%}
    {%config%}
    {%scripts%}
    {%renderer%}
  </body>
</html>"""


def graph(id: str, figure: Any = None) -> dcc.Graph:
    """Every figure of every page: nothing is ever sent to a cloud, and the mode bar holds what helps."""
    return dcc.Graph(
        id=id,
        figure=figure,
        responsive=True,
        config={
            "showSendToCloud": False,
            "displaylogo": False,
            "modeBarButtons": [["toImage"]],
            "doubleClick": "reset",
            "toImageButtonOptions": {"format": "svg", "filename": "crosslift"},
        },
    )


def aria(**values: str) -> dict[str, Any]:
    """``aria-`` attributes, as components take them: ``html.Div(..., **aria(label="Pages"))``."""
    return {f"aria-{name}": value for name, value in values.items()}


def layout() -> dmc.MantineProvider:
    """The whole document; Dash puts the page of the address into ``page_container``."""
    return dmc.MantineProvider(
        theme=look.MANTINE,
        defaultColorScheme="auto",
        children=[
            html.A("Skip to content", href="#main", className="skip"),
            dcc.Store(id="scheme"),
            dcc.Store(id="pulse"),
            dcc.Interval(id="clock", interval=CLOCK_MILLISECONDS),
            html.Div(id="at-start", hidden=True),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(_header(), className="top"),
                    dmc.AppShellMain(
                        [
                            html.Div(id="progress", className="progress"),
                            html.Div(page_container, id="main", tabIndex="-1"),
                            html.Footer(_footer(), className="bottom"),
                        ]
                    ),
                ],
                header={"height": 56},
                padding=0,
            ),
        ],
    )


def _header() -> list[Any]:
    return [
        dcc.Link([html.Span(className="mark", **aria(hidden="true")), NAME], href="/explore", className="name"),
        html.Nav(
            [dcc.Link(label, href=path, className="nav-link") for label, path in NAVIGATION], **aria(label="Pages")
        ),
        html.Div(id="status", className="status", role="status", **aria(live="off")),
        dmc.ColorSchemeToggle(
            id="scheme-toggle",
            lightIcon=html.Span("☀", **aria(hidden="true")),
            darkIcon=html.Span("☾", **aria(hidden="true")),
            variant="subtle",
            color="gray",
            size="lg",
            **aria(label="Switch between light and dark"),
        ),
    ]


def _footer() -> list[Any]:
    return [
        html.Span(id="version"),
        html.Span(id="benchmark-badge"),
        html.A("API", href="/api/docs"),
    ]


def benchmark(name: str | None, synthetic: bool) -> dcc.Store:
    """What a page puts into its layout to say which benchmark its numbers are of; the footer repeats it."""
    return dcc.Store(id="benchmark", data={"name": name, "synthetic": synthetic})


def synthetic_badge() -> dmc.Badge:
    return dmc.Badge(words.SYNTHETIC, variant="outline", color="gray", radius="sm", className="synthetic")


def listen(app: Dash) -> None:
    """Register what the shell reacts to, on the application it surrounds."""
    app.callback(
        Output("status", "children"),
        Output("progress", "children"),
        Output("pulse", "data"),
        Input("clock", "n_intervals"),
        State("pulse", "data"),
    )(beat)
    app.callback(Output("version", "children"), Input("at-start", "id"))(show_version)
    app.clientside_callback(
        ClientsideFunction("crosslift", "badge"), Output("benchmark-badge", "children"), Input("benchmark", "data")
    )
    app.clientside_callback(ClientsideFunction("crosslift", "here"), Input("_pages_location", "pathname"))


# --- live -------------------------------------------------------------------------------------------------------


async def beat(_: int | None, last: str | None) -> tuple[Any, Any, Any]:
    """Read the queue and the newest experiments."""
    try:
        queue = await client().queue()
        newest = (await client().experiments()).items
    except CrossliftError as error:
        return html.Span(error.detail, className="alarm"), None, None  # any answer after this one is news
    seen = pulse(newest)
    stuck = not queue.workers and queue.queued + queue.running > 0
    status = html.Span(words.activity(queue), className="alarm" if stuck else None)
    return status, strip(words.live(newest), datetime.now(UTC)), no_update if seen == last else seen


def pulse(experiments: list[ExperimentView]) -> str:
    """A digest that changes exactly when an experiment is added or one of their runs has ended."""
    seen = [(e.id, e.counts.done, words.ended(e), e.runs) for e in experiments]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def strip(live: list[ExperimentView], now: datetime) -> list[Any]:
    """A bar and a sentence for each experiment that is not done."""
    rows: list[Any] = [
        html.Div(
            [
                html.Span(e.name, className="progress-name"),
                dmc.Progress(value=round(100 * e.progress, 1), size="sm", **aria(label=f"Progress of {e.name}")),
                html.Span(words.progress(e, now), className="progress-words"),
            ],
            className="progress-row",
        )
        for e in live[:3]
    ]
    if len(live) > 3:
        rows.append(html.Div(f"and {look.count(len(live) - 3, 'more experiment')}", className="soft"))
    return rows


async def show_version(_: str) -> str:
    try:
        return f"{NAME} {await client().version()}"
    except CrossliftError:
        return NAME
