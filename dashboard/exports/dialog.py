"""The menu of files: a preview of the figure, every file with its address, the caption, and six lines for a notebook.

A page puts ``menu()`` into its head. It reads the page's present address when it opens, so it says what is on the screen then; there is
one on a page, so its names are fixed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, get_app, html, no_update

from backend.errors import CrossliftError
from dashboard import findings, links, standing, states
from dashboard.client import client
from dashboard.exports import made
from dashboard.exports.paper import WIDTHS
from dashboard.exports.routes import looks
from dashboard.shell import aria

FIGURES = {"pdf": "PDF", "svg": "SVG", "png": "PNG"}
DATA = {"csv": "CSV", "parquet": "Parquet", "json": "JSON"}
PAPER = {"tex": "LaTeX table", "bib": "BibTeX and caption", "yaml": "model-index (YAML)"}
SIZES = {"page": f"Two columns, {WIDTHS['page']:g} cm", "column": f"One column, {WIDTHS['column']:g} cm"}
INKS = {"colour": "Colour", "grey": "Grey"}

Address = Callable[[str], str]


def menu() -> Any:
    """The button, and the dialog that it opens."""
    return html.Div(
        [
            dmc.Button("Export", id="export-open", variant="default", size="xs", className="share-open"),
            dcc.Store(id="export-view"),
            dmc.Modal(
                id="export-dialog",
                title="Export what this page shows",
                size="lg",
                opened=False,
                closeButtonProps={"aria-label": "Close"},
                children=[
                    html.Div(id="export-files", **aria(live="polite")),
                    html.H3("Figure for paper", className="share-heading"),
                    html.Div([_choose("width", "Width", SIZES, "page"), _choose("ink", "Printed in", INKS, "colour")], className="filters"),
                    html.Div(id="export-figure", className="export-figure"),
                    html.Div(id="export-rest"),
                ],
            ),
        ],
        className="export-menu",
    )  # fmt: skip


def _choose(name: str, label: str, options: Mapping[str, str], value: str) -> Any:
    data = [{"value": v, "label": text} for v, text in options.items()]
    control = dmc.SegmentedControl(id=f"export-{name}", data=data, value=value, size="sm", **aria(label=label))
    return html.Div([html.Span(label, className="pick-label", **aria(hidden="true")), control], className="choose")


# --- what stands in it -------------------------------------------------------------------------------------------------


def files(address: Address, suffixes: Sequence[str], labels: Mapping[str, str], name: str) -> Any:
    """Files that can be had, as links; their addresses can be copied and stay."""
    some = [(s, label) for s, label in labels.items() if s in suffixes]
    return html.Div(
        [html.A(label, href=address(s), download=f"{name}.{s}", className="button-link") for s, label in some],
        className="share-actions",
    )


def preview(address: Address, title: str) -> Any:
    """The figure as it will be on paper."""
    return html.Img(src=address("png"), alt=f"How the figure is printed: {title}", className="export-preview")


def for_text(said: Sequence[str], snippet: str) -> list[Any]:
    """What goes into a paper's text or a notebook."""
    return [
        html.H3("Caption", className="share-heading"),
        html.Div([states.copy_button("export-caption"), html.Pre(" ".join(said), id="export-caption", className="code export-wrap", tabIndex="0")], className="code-panel"),
        html.H3("In a notebook", className="share-heading"),
        html.Div([states.copy_button("export-snippet"), html.Pre(snippet, id="export-snippet", className="code", tabIndex="0")], className="code-panel"),
    ]  # fmt: skip


async def texts(subject: made.Subject) -> tuple[list[str], str]:
    """Caption and snippet. They look through all cells, which other pages do not wait for."""
    return await asyncio.to_thread(lambda: (made.said(subject), made.snippet(subject)))


def _columns(subject: made.Subject) -> Any:
    facts = html.Dl(
        [html.Div([html.Dt(html.Code(c.name)), html.Dd(c.means)]) for c in subject.columns], className="facts"
    )
    return html.Details([html.Summary("What each column holds"), facts], className="share-all")


def _elsewhere(subject: made.Subject) -> Any:
    if not subject.by_language:
        return html.P(
            "A table of means holds no score of a seed: what can be imported again is exported from Explore, from a matrix of languages. "
            f"There is no model-index either: {made.MEANT}.",
            className="soft",
        )
    return html.P(
        [
            "CSV and Parquet can be imported again, with the same gains (",
            html.Code("crosslift import FILE --source WHO"),
            "). An XTREME submission is made from an experiment's predictions: ",
            html.Code("crosslift export xtreme-r ID OUT.zip"),
            "; ",
            dcc.Link("Experiments", href=links.EXPERIMENTS),
            " has the numbers.",
        ],
        className="soft",
    )  # fmt: skip


async def _subject(view: str) -> tuple[made.Subject | None, str]:
    """What an address shows, and the address as it stays; a reason where that is nothing."""
    path, _, search = view.partition("?")
    server, api = get_app().server, client()
    if path == links.EXPLORE:
        found: Any = await findings.find(api, await findings.settled(api, links.Explore, search), fresh=False)
    elif path == links.TRADEOFF:
        found = await standing.find(api, await findings.settled(api, links.Tradeoff, search), fresh=False)
    else:
        return None, "Nothing of this page can be exported."
    known: dict[str, Any] = {"url": server.state.url, "at": datetime.now(UTC), "signs": not server.state.access.open}
    subject = made.live(found, program=f"Crosslift {await api.version()}", **known)
    if subject is None:
        return (
            None,
            found.problem.detail if found.problem else "This view shows no number yet: there is nothing to export.",
        )
    return subject, await findings.left(api, found.state)


# --- callbacks ---------------------------------------------------------------------------------------------------------


@callback(
    Output("export-files", "children"),
    Output("export-rest", "children"),
    Input("export-view", "data"),
    prevent_initial_call=True,
)
async def fill(said: Any) -> Any:
    """Every file of what was on the screen when the menu was opened."""
    if not isinstance(said, dict):
        return no_update, no_update
    try:
        subject, address = await _subject(str(said.get("view")))
    except CrossliftError as error:
        return html.P(error.detail, className="alarm"), []
    if subject is None:
        return html.P(address, className="soft"), []

    def of(suffix: str) -> str:
        return links.exported(address, suffix)

    top = [
        html.P(["Exactly what the page shows: the same languages, order and numbers. ", html.B(subject.title), "."], className="soft"),
        html.H3("Numbers", className="share-heading"),
        files(of, subject.suffixes, DATA, subject.name),
        _elsewhere(subject),
        _columns(subject),
        html.H3("For a paper or a model card", className="share-heading"),
        files(of, subject.suffixes, PAPER, subject.name),
    ]  # fmt: skip
    return top, for_text(*await texts(subject))


@callback(
    Output("export-figure", "children"),
    Input("export-view", "data"),
    Input("export-width", "value"),
    Input("export-ink", "value"),
    prevent_initial_call=True,
)
async def draw(said: Any, width: Any, ink: Any) -> Any:
    """The preview, and the figure's files as they are chosen."""
    if not isinstance(said, dict):
        return no_update
    try:
        subject, address = await _subject(str(said.get("view")))
    except CrossliftError as error:
        return html.P(error.detail, className="alarm")
    if subject is None:
        return html.P("There is no figure.", className="soft")
    chosen = looks({"width": width, "ink": ink})

    def of(suffix: str) -> str:
        return links.exported(address, suffix, width=chosen[0], ink=chosen[1])

    return [preview(of, subject.title), files(of, subject.suffixes, FIGURES, subject.name)]


clientside_callback(
    ClientsideFunction("share", "open"),
    Output("export-dialog", "opened"),
    Output("export-view", "data"),
    Input("export-open", "n_clicks"),
    State("export-view", "data"),
    prevent_initial_call=True,
)
