"""Imports: results that were made elsewhere. Bring them in, see where they are from, look at their gains, take them out again.

They are marked as imported wherever they are shown, and nothing own is among them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import (
    ALL,
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    ctx,
    dcc,
    html,
    no_update,
    register_page,
)
from pydantic import ValidationError

from backend.domain.account import Role
from backend.domain.imports import ImportDone, ImportedChoice, ImportFile, ImportRequest, ImportView
from backend.domain.schemas import GainMatrix, Page
from backend.errors import CrossliftError, NotFound
from dashboard import controls, links, literature, offline, shell, words
from dashboard.client import client
from dashboard.links import Imports
from dashboard.look import count, size_of
from dashboard.shell import aria, data

register_page(__name__, path=links.IMPORTS, title=f"Imports · {shell.NAME}", name="Imports")

FORMATS = {
    "long": "Table, one score a row (CSV or Parquet)",
    "trainer": "Hugging Face Trainer (all_results.json, eval_results.json, trainer_state.json …)",
    "jiant": "jiant (val_metrics.json, args.json)",
    "xtreme": "Scored predictions (crosslift score --json)",
}
SHORT = {"long": "table", "trainer": "Trainer", "jiant": "jiant", "xtreme": "predictions"}
MARK = "imported, not ours"
FIELDS = ("format", "source", "settings", "note", "model", "recipe", "target", "language", "seed")
PICKS = ("lab", "model", "target", "metric")


async def layout(search: str | None = None, **_: object) -> Any:
    state = Imports.of(search or "")
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("Results made elsewhere", order=1),
                    dmc.Badge(MARK, variant="outline", color="gray", radius="sm", className="synthetic"),
                    dcc.Link("Published figures", href=links.PUBLISHED, className="soft copy"),
                ],
                className="head",
            ),
            html.P(
                [
                    "Bring in scores of another program or another laboratory. They are kept with their source and apart from own "
                    "runs: a ",
                    shell.term("gain", "gain"),
                    " is taken among imported scores alone, within one source and its settings. Every row is checked first; where "
                    "anything is wrong, all of it is said and nothing is written.",
                ],
                className="summary published-intro",
            ),
            shell.lacking(Role.SUBMITTER, "To import"),
            _form(),
            html.Div(id="imports-said", role="status"),
            html.H2("What was imported", className="imports-heading"),
            html.Div(await _list(state.cursor), id="imports-list"),
            html.Div(await _look(state), id="imports-look"),
            dcc.Store(id="imports-files"),
            dcc.Store(id="imports-cursor", data=state.cursor),
            dcc.Store(id="imports-address"),
            html.Div(id="imports-sink", hidden=True),
        ],
        className="page",
    )


def _form() -> Any:
    formats = [{"value": v, "label": t} for v, t in FORMATS.items()]

    def text(name: str, label: str, placeholder: str) -> Any:
        return dmc.TextInput(id=f"imports-{name}", label=label, placeholder=placeholder, size="sm", value="")

    fields = [
        dmc.Select(
            id="imports-format", label="Format", data=formats, value="long", size="sm", allowDeselect=False,
            checkIconPosition="right", className="imports-wide",
        ),
        text("source", "Source: who made them", "another lab"),
        text("settings", "Settings: how", "their defaults"),
        text("note", "Note", "table 3 of their appendix"),
        text("model", "Model, where the files do not say it", "xlmr-base"),
        text("recipe", "Recipe", "none, mnli, mnli+squad"),
        text("target", "Target", "xnli"),
        text("language", "Language", "sw"),
        text("seed", "Seed", "0"),
    ]  # fmt: skip
    upload = dcc.Upload(
        html.Div(["Drop result files here, or ", html.Span("choose them", className="imports-choose")]),
        id="imports-upload", multiple=True, max_size=700_000, className="imports-drop",
    )  # fmt: skip
    return html.Section(
        [
            html.H2("Bring in files", className="imports-heading"),
            html.Div(fields, className="imports-fields"),
            upload,
            html.P(id="imports-chosen", className="soft", role="status"),
            html.Div(
                [
                    dmc.Button("Import", id="imports-send", size="sm", **shell.guard(Role.SUBMITTER)),
                    dmc.Button(
                        "Only check", id="imports-check", size="sm", variant="default", **shell.guard(Role.SUBMITTER)
                    ),
                    html.A(
                        "An example table",
                        className="imports-example",
                        href=links.api("imports/example"),
                        download="crosslift-import.csv",
                    ),
                    html.Span(
                        "Columns: model, target, language, metric, value; and where known recipe, seed, n, settings. Points 0 to 100.",
                        className="soft",
                    ),
                ],
                className="share-actions",
            ),
            html.P(
                "Predictions in XTREME's layout are scored by the command line: crosslift import FOLDER --labels LABELS.",
                className="soft",
            ),
        ],
        className="step imports-form",
        **aria(label="Bring in files"),
    )


# --- the list --------------------------------------------------------------------------------------------------------


async def _list(cursor: str | None) -> Any:
    try:
        found = await client().imports(cursor=cursor)
    except CrossliftError as error:
        return html.Div([html.H2("The list cannot be read"), html.P(error.detail)], className="nothing")
    return listed(found, older=cursor is not None)


def listed(found: Page[ImportView], *, older: bool = False) -> Any:
    """The imports, newest first."""
    if not found.items:
        return html.P("Nothing was imported yet.", className="soft")
    head = ("Source", "Settings", "Format", "Scores", "Files", "Imported", "")
    table = html.Table(
        [
            html.Thead(
                html.Tr([html.Th(name or html.Span("Remove", className="unseen"), scope="col") for name in head])
            ),
            html.Tbody([_row(i) for i in found.items]),
        ],
        className="plain-table shares-table",
    )
    onward: list[Any] = []
    if older:
        onward.append(dcc.Link("Newest", href=links.IMPORTS))
    if found.next_cursor:
        onward.append(dcc.Link("Older", href=Imports(cursor=found.next_cursor).address))
    return [
        html.Div(table, className="scroll"),
        html.P([count(found.total, "import"), *(part for link in onward for part in (" · ", link))], className="soft"),
    ]


def _row(i: ImportView) -> Any:
    def cell(label: str, *children: Any) -> Any:
        return html.Td(list(children), **data(label=label))

    files = [
        html.Div([f.name, html.Span(f" {size_of(f.bytes)}, sha256 {f.sha256[:12]}…", className="soft", title=f.sha256)])
        for f in i.files[:4]
    ]
    if len(i.files) > 4:
        files.append(html.Div(f"and {count(len(i.files) - 4, 'more file')}", className="soft"))
    note = [html.Span(i.note, className="soft share-note")] if i.note else []
    button = html.Button(
        "Remove", id={"imports": "remove", "id": i.id}, className="preset", **shell.guard(Role.SUBMITTER),
        **aria(label=f"Remove import {i.id} of {i.source}"),
    )  # fmt: skip
    return html.Tr(
        [
            html.Th([dcc.Link(i.source, href=Imports(lab=i.source).address), f" #{i.id}", *note], scope="row"),
            cell("Settings", i.settings or "not said"),
            cell("Format", SHORT[i.format]),
            cell("Scores", f"{i.rows:,}"),
            cell("Files", *files),
            cell("Imported", f"{offline.moment(i.created_at)} by {i.who}"),
            html.Td(button),
        ]
    )


# --- their gains -----------------------------------------------------------------------------------------------------


async def _look(state: Imports) -> list[Any]:
    """The heatmap and the cells of one source, model, target and metric, with what there is to choose from."""
    try:
        choices = await client().imported_choices()
        asked = {"source": state.lab, "model": state.model, "target": state.target, "metric": state.metric}
        matrix = await client().imported_gains(**asked)
    except NotFound as error:
        if "Nothing was imported" in error.detail:
            return []
        return [html.Div([html.H2("There is nothing to show"), html.P(error.detail)], className="nothing")]
    except CrossliftError as error:
        return [html.Div([html.H2("The gains cannot be read"), html.P(error.detail)], className="nothing")]
    return looked_at(matrix, choices, state)


def looked_at(matrix: GainMatrix, choices: Sequence[ImportedChoice], state: Imports) -> list[Any]:
    lab = matrix.benchmark.removeprefix("imported: ")
    offered = {
        "lab": sorted({c.source for c in choices}),
        "model": matrix.models,
        "target": matrix.targets,
        "metric": matrix.metrics,
    }
    titles: dict[str, Any] = {
        "lab": str,
        "model": words.model_title,
        "target": words.task_title,
        "metric": words.metric_title,
    }
    chosen = {"lab": lab, "model": matrix.model, "target": matrix.target, "metric": matrix.metric}
    labels = {"lab": "Source", "model": "Model", "target": "Target", "metric": "Metric"}
    picks = [
        controls.pick(f"imports-pick-{n}", labels[n], controls.options(offered[n], None, titles[n]), chosen[n])
        for n in PICKS
    ]
    value = controls.choose("imports-pick-value", "Cells", {"gain": "Gain", "score": "Score"}, state.value)
    found = [c for c in matrix.cells if c.gain is not None or c.treated is not None]
    said = literature.set_summary(matrix) if any(c.gain is not None for c in found) else (
        "No gain: a gain needs a score with the recipe and one with none, of one source and settings, with the same seed."
    )  # fmt: skip
    return [
        html.H2([f"Gains among what {lab} made ", html.Span(MARK, className="soft")], className="imports-heading"),
        html.Div([*picks, value], className="filters", role="group", **aria(label="What to show")),
        html.P(said, className="summary", role="status"),
        html.Div(shell.graph("imports-graph"), className="figure-box", hidden=not matrix.recipes),
        dcc.Store(id="imports-figures", data=literature.set_figure(matrix, state.value) if matrix.recipes else None),
        html.Div(
            dag.AgGrid(
                id="imports-grid", rowData=literature.set_rows(matrix), columnDefs=literature.set_columns(matrix, "imports"),
                getRowId="params.data.key", enableEnterpriseModules=False,
                defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True}, columnSize=None,
                dashGridOptions={
                    "theme": {"function": "crossliftTheme(themeQuartz)"}, "animateRows": False, "domLayout": "autoHeight",
                },
                style={"width": "100%"},
            ),
            className="published-box", hidden=not matrix.recipes,
        ),
        shell.live("imports", "scheme"),
    ]  # fmt: skip


# --- callbacks -------------------------------------------------------------------------------------------------------


@callback(
    Output("imports-files", "data"),
    Output("imports-chosen", "children"),
    Input("imports-upload", "contents"),
    State("imports-upload", "filename"),
    prevent_initial_call=True,
)
async def choose(contents: Any, names: Any) -> Any:
    """The files that were dropped or chosen."""
    if not isinstance(contents, list) or not isinstance(names, list):
        return no_update, no_update
    files = [
        {"name": str(name)[:200], "content": str(content).partition(",")[2]}
        for name, content in zip(names, contents, strict=False)
    ]
    return files, f"Chosen: {', '.join(f['name'] for f in files)}"


@callback(
    Output("imports-said", "children"),
    Output("imports-list", "children"),
    Output("imports-look", "children"),
    Input("imports-send", "n_clicks"),
    Input("imports-check", "n_clicks"),
    Input({"imports": "remove", "id": ALL}, "n_clicks"),
    State("imports-files", "data"),
    State("imports-cursor", "data"),
    *(State(f"imports-{name}", "value") for name in FIELDS),
    prevent_initial_call=True,
)
async def act(_send: Any, _check: Any, removed: Any, files: Any, cursor: Any, *said: Any) -> Any:
    """Import, check, or take one out; and the list anew."""
    what = ctx.triggered_id
    try:
        if isinstance(what, dict):
            if not any(removed or ()):
                return no_update, no_update, no_update
            gone = await client().remove_import(int(what["id"]))
            answer = _told(f"Import {gone.id} of {gone.source} was removed, with its {count(gone.rows, 'score')}.")
        else:
            if not said[FIELDS.index("source")]:
                why = "Source is required: who made them, in 1 to 60 letters, digits, . _ - and spaces."
                return _refused("Nothing was imported.", [why]), no_update, no_update
            if not files:
                return _refused("Nothing was imported.", ["No file was chosen."]), no_update, no_update
            request = _request(files, dict(zip(FIELDS, said, strict=True)), dry_run=what == "imports-check")
            done = await client().import_results(await asyncio.to_thread(ImportRequest.model_validate, request))
            answer = _done(done)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'request'}: {e['msg']}" for e in error.errors()[:20]]
        return _refused("Nothing was imported.", lines), no_update, no_update
    except CrossliftError as error:
        return _refused(error.detail, [e.message for e in error.errors]), no_update, no_update
    state = Imports(cursor=cursor if isinstance(cursor, str) else None)
    return answer, await _list(state.cursor), await _look(state)


def _request(files: Any, said: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """What the form says; empty fields say nothing."""
    given = {name: value for name, value in said.items() if value not in (None, "")}
    if isinstance(given.get("seed"), str) and given["seed"].isdigit():
        given["seed"] = int(given["seed"])
    sound = (
        [f for f in files if isinstance(f, dict) and _is_base64(f.get("content"))] if isinstance(files, list) else []
    )
    return {**given, "files": [ImportFile.model_validate(f).model_dump() for f in sound], "dry_run": dry_run}


def _is_base64(content: object) -> bool:
    try:
        return isinstance(content, str) and base64.b64decode(content, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


def _told(text: str) -> Any:
    return html.P(text, className="imports-told")


def _done(done: ImportDone) -> Any:
    notes = [html.Li(note) for note in done.notes]
    return html.Div([_told(done.said), html.Ul(notes) if notes else None])


def _refused(detail: str, lines: Sequence[str]) -> Any:
    return html.Div(
        [html.P(detail, className="alarm"), html.Ul([html.Li(line) for line in lines], className="imports-errors")],
        className="imports-refused",
    )


@callback(
    Output("imports-look", "children", allow_duplicate=True),
    Output("imports-address", "data"),
    *(Input(f"imports-pick-{name}", "value") for name in PICKS),
    Input("imports-pick-value", "value"),
    prevent_initial_call=True,
)
async def look(*given: Any) -> Any:
    """Another source, model, target or metric."""
    here = {str(i).removeprefix("imports-pick-") for i in ctx.triggered_prop_ids.values()}
    if len(here) != 1:  # they have just been drawn
        return no_update, no_update
    said = dict(zip((*PICKS, "value"), given, strict=True))
    name = here.pop()
    kept = (*PICKS, "value")[: PICKS.index(name) + 1] if name in PICKS else PICKS
    state = Imports.read({k: said[k] for k in (*kept, "value") if said.get(k)})
    return await _look(state), state.address


clientside_callback(
    ClientsideFunction("findings", "paint"),
    Output("imports-graph", "figure"),
    Output("imports-graph", "style"),
    Input("imports-figures", "data"),
    Input("imports-scheme", "children"),
)
clientside_callback(
    ClientsideFunction("live", "tell"), Output("imports-sink", "children"), Input("imports-address", "data")
)
clientside_callback(
    ClientsideFunction("findings", "upload"), Output("imports-sink", "title"), Input("imports-upload", "id")
)
