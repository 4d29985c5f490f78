"""What surrounds every page: skip link, header with navigation and live status, progress of what runs, footer.

The status is read every five seconds while the page is visible (``assets/crosslift.js`` stops the clock of a hidden
page). Pages listen to the ``pulse``, through ``live``: it changes when a run has ended, and only then is there anything new
to draw.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, page_container

from backend.domain.account import Role
from backend.domain.schemas import ExperimentView
from backend.errors import CrossliftError
from dashboard import glossary, links, look, program, visitor, words
from dashboard.client import client
from dashboard.findings import noticed

NAME = "Crosslift"
CLOCK_MILLISECONDS = 5_000
#: What stands in the header: a page by itself, or several under one word.
NAVIGATION: tuple[tuple[str, str | tuple[tuple[str, str], ...]], ...] = (
    ("Overview", links.OVERVIEW),
    ("Explore", links.EXPLORE),
    ("Trade-off", links.TRADEOFF),
    ("Answer", links.ANSWER),
    (
        "Results",
        (
            ("Compare", links.COMPARE),
            ("Languages", links.LANGUAGE_LIST),
            ("MultiCheckList", links.CHECKLIST),
            ("Published", links.PUBLISHED),
            ("Imports", links.IMPORTS),
        ),
    ),
    (
        "Work",
        (
            ("Experiments", links.EXPERIMENTS),
            ("Runs", links.RUNS),
            ("Queue", links.QUEUE),
            ("Submission check", links.SUBMIT),
        ),
    ),
    ("Shares", links.SHARES),
    ("Help", links.HELP),
)

#: What keys do, in words; ``assets/shell.js`` does it. A page may have keys of its own.
SHORTCUTS = (
    ("g o", "Overview"),
    ("g e", "Explore"),
    ("g t", "Trade-off"),
    ("g a", "Answer"),
    ("g c", "Compare"),
    ("g l", "Languages"),
    ("g p", "Published"),
    ("g x", "Experiments"),
    ("g r", "Runs"),
    ("g q", "Queue"),
    ("n", "New experiment"),
    ("s", "share what the page shows, where it can be shared"),
    ("c", "compare what is chosen or kept"),
    ("/", "look for text, on pages that can"),
    ("j k", "next and previous row of a list"),
    ("t", "figure or table, on pages that have both"),
    ("[ ]", "previous and next target, on Explore and Trade-off"),
    ("p", "keep the cell that is open, or that is focused in the table, to be compared, on Explore"),
    ("?", "this sheet"),
    ("Esc", "close what is open"),
)

#: Scheme and skip link are in place before anything else loads; everything comes from this origin.
INDEX = """<!DOCTYPE html>
<html lang="en" dir="ltr">
  <head>
    {%metas%}
    <meta name="color-scheme" content="light dark">
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/mark.svg">
    <script src="/assets/scheme.js" data-plotly="PLOTLY" data-grid="GRID"></script>
    {%css%}
  </head>
  <body>
    <noscript>Crosslift's pages need JavaScript. The numbers are at <a href="/api/v1/gains">/api/v1/gains</a>.</noscript>
    {%app_entry%}
    {%config%}
    {%scripts%}
    {%renderer%}
  </body>
</html>""".replace("PLOTLY", program.address()).replace("GRID", program.grid_address())


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


def term(word: str, text: str | None = None) -> Any:
    """A word of the glossary in running text, and the way to what it means."""
    entry = glossary.WORDS[word]
    return dcc.Link(text or entry.title, href=links.help(word), className="term", title=entry.short)


def what(word: str) -> Any:
    """The same as a mark beside a title."""
    entry = glossary.WORDS[word]
    label = [html.Span("?", **aria(hidden="true")), html.Span(f"What is: {entry.title}", className="unseen")]
    return dcc.Link(label, href=links.help(word), className="what", title=entry.short)


def aria(**values: str) -> dict[str, Any]:
    """``aria-`` attributes, as components take them: ``html.Div(..., **aria(label="Pages"))``."""
    return {f"aria-{name}": value for name, value in values.items()}


def data(**values: str) -> dict[str, Any]:
    """``data-`` attributes, as ``aria`` takes its own."""
    return {f"data-{name}": value for name, value in values.items()}


def layout() -> dmc.MantineProvider:
    """The whole document; Dash puts the page of the address into ``page_container``."""
    return dmc.MantineProvider(
        theme=look.MANTINE,
        defaultColorScheme="auto",
        children=[
            html.A("Skip to content", href="#main", className="skip"),
            dcc.Store(id="scheme"),
            dcc.Store(id="pulse"),
            dcc.Interval(id="clock", interval=CLOCK_MILLISECONDS, disabled=True),  # started by ``assets/shell.js``
            html.Div(id="at-start", hidden=True),
            html.Div(id="shell-sink", hidden=True),
            _menu(),
            _shortcuts(),
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
        html.Button("☰", id="menu-open", className="menu-open", **aria(label="Pages", haspopup="dialog")),
        dcc.Link([html.Span(className="mark", **aria(hidden="true")), NAME], href=links.OVERVIEW, className="name"),
        html.Nav(_links(), className="wide", **aria(label="Pages")),
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
        *_account("nav-link account-link"),
        dcc.Link("New experiment", href=links.NEW, className="nav-link primary"),
    ]


def _links(*, opened: bool = False) -> list[Any]:
    """``opened``: with the pages of a group under its name, as a list has room for."""
    return [
        dcc.Link(label, href=to, className="nav-link") if isinstance(to, str) else _group(label, to, opened)
        for label, to in NAVIGATION
    ]


def _group(label: str, pages: tuple[tuple[str, str], ...], opened: bool) -> Any:
    inside = html.Div([dcc.Link(page, href=path, className="nav-link") for page, path in pages], className="nav-pages")
    if opened:
        return html.Div(
            [html.Div(label, className="nav-title"), inside], className="nav-group", role="group", **aria(label=label)
        )
    return html.Details([html.Summary(label, className="nav-summary"), inside], className="nav-group")


def _account(className: str, before: str = "") -> list[Any]:
    """The way to one's account, where people sign in."""
    who = visitor.present()
    return [dcc.Link(before + who.name, href=links.ACCOUNT, className=className)] if who.how == "session" else []


def _menu() -> dmc.Drawer:
    """The navigation of a narrow screen."""
    return dmc.Drawer(
        [html.Nav([*_links(opened=True), *_account("nav-link", "Account: ")], **aria(label="Pages"))],
        id="menu",
        title="Pages",
        opened=False,
        position="left",
        size="xs",
        closeButtonProps={"aria-label": "Close"},
    )


def _shortcuts() -> dmc.Modal:
    return dmc.Modal(
        [
            html.Dl(shortcut_list(), className="facts keys"),
            dmc.Switch(id="keys-on", label="Single keys do something", checked=True, persistence=True, mt="md"),
        ],
        id="shortcuts",
        title="Keyboard shortcuts",
        opened=False,
        closeButtonProps={"aria-label": "Close"},
    )


def shortcut_list() -> list[Any]:
    """Keys and what they do, as entries of a list."""
    return [html.Div([html.Dt([html.Kbd(key) for key in keys.split()]), html.Dd(does)]) for keys, does in SHORTCUTS]


def _footer() -> list[Any]:
    return [
        html.Span(id="version"),
        html.Span(id="benchmark-badge"),
        html.A("API", href="/api/docs"),
        dcc.Link("Help", href=links.HELP),
        *_account("account-link", "Signed in as "),
    ]


def benchmark(name: str | None, synthetic: bool) -> dcc.Store:
    """What a page puts into its layout to say which benchmark its numbers are of; the footer repeats it."""
    return dcc.Store(id="benchmark", data={"name": name, "synthetic": synthetic})


def live(page: str, *what: str) -> html.Div:
    """What a page's callbacks listen to instead of the shell's own ``pulse``, ``clock`` and ``scheme``: ``explore-pulse``,
    ``explore-clock`` and ``explore-scheme``, by their ``children``. A callback that listens to something of the shell and to
    something of a page would be an error on every other page; this is there when the page is, and passed on by
    ``assets/shell.js``."""
    names = what or ("pulse", "clock", "scheme")
    return html.Div([html.Div(id=f"{page}-{name}", className=f"live-{name}") for name in names], hidden=True)


def guard(needs: Role) -> dict[str, Any]:
    """Of a button that takes a role: nothing for who has it, else that it cannot be pressed; ``lacking`` says why."""
    return {} if visitor.lacks(needs) is None else {"disabled": True}


def lacking(needs: Role, what: str) -> Any:
    """Why the buttons beside it cannot be pressed, where they cannot: as text, since a button that cannot be pressed is left out
    by keyboards, and touch screens show no tooltips."""
    why = visitor.lacks(needs)
    return None if why is None else html.P(f"{what}: {why[:1].lower()}{why[1:]}", className="soft lacking")


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
        prevent_initial_call=True,
    )(beat)
    app.callback(Output("version", "children"), Input("at-start", "id"))(show_version)
    app.clientside_callback(
        ClientsideFunction("crosslift", "badge"), Output("benchmark-badge", "children"), Input("benchmark", "data")
    )
    app.clientside_callback(ClientsideFunction("shell", "here"), Input("_pages_location", "pathname"))
    app.clientside_callback(
        ClientsideFunction("shell", "start"),
        Output("clock", "disabled"),
        Output("clock", "n_intervals"),
        Input("at-start", "id"),
    )
    app.clientside_callback(
        ClientsideFunction("shell", "menu"),
        Output("menu", "opened"),
        Input("menu-open", "n_clicks"),
        prevent_initial_call=True,
    )
    for name, property in (("pulse", "data"), ("clock", "n_intervals"), ("scheme", "data")):
        app.clientside_callback(ClientsideFunction("shell", name), Input(name, property))
    app.clientside_callback(
        ClientsideFunction("shell", "keys"), Output("shell-sink", "children"), Input("keys-on", "checked")
    )


# --- live -------------------------------------------------------------------------------------------------------


async def beat(_: int | None, last: str | None) -> tuple[Any, Any, Any]:
    """Read the queue and the newest experiments."""
    try:
        queue = await client().queue()
        newest = (await client().experiments()).items
    except CrossliftError as error:
        return (
            html.Span(error.detail, className="alarm", title=error.detail),
            None,
            None,
        )  # any answer after this one is news
    seen = pulse(newest)
    noticed(client(), seen)
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
