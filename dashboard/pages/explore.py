"""Explore: what an intermediate task is worth, recipe by language.

The address is the state. ``layout`` builds the page from it, and with it everything the first paint shows. A control
that changes asks ``draw`` for the numbers and ``tell`` for the new address, which ``assets/crosslift.js`` puts into the
address bar: a new entry of the history where a target or a cell is opened, else in place of the old one. Going back or
forward builds the page anew from the address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import (
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

from backend.domain.gains import ALPHA
from backend.domain.run import RunKind
from backend.domain.schemas import Curve, RunDetail, RunView
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import controls, drawer, figures, links, oracle, panels, parts, share, shell, subset, sure, tables, words
from dashboard.bars import cost_bars
from dashboard.client import client
from dashboard.evidence import Learning
from dashboard.findings import Shown, find, forget, left, look_ahead, settled
from dashboard.links import Explore

register_page(__name__, path=links.EXPLORE, title=f"Explore · {shell.NAME}", name="Explore")


# --- layout --------------------------------------------------------------------------------------------------------


async def layout(search: str | None = None, **_: object) -> Any:
    shown = await find(client(), await settled(client(), Explore, search))
    look_ahead(client(), shown)
    state, matrix = shown.state, shown.matrix
    title, panel = _cell(shown)
    return html.Div(
        [
            _head(shown),
            controls.filters(shown),
            html.P(_summary(shown), id="explore-summary", role="status", className="summary"),
            html.Div(_nothing(shown), id="explore-nothing", className="nothing"),
            html.Div(_body(shown), id="explore-body", className=_body_class(shown), **_view(state)),
            dmc.Drawer(
                id="explore-drawer",
                opened=state.cell is not None,
                title=title,
                children=panel,
                position="right",
                size="md",
                withOverlay=False,
                lockScroll=False,
                closeOnClickOutside=False,
                closeButtonProps={"aria-label": "Close"},
            ),
            share.dialog("explore"),
            dcc.Store(id="explore-cell", data=str(state.cell or "")),
            dcc.Store(id="explore-digests", data=shown.digests),
            dcc.Store(id="explore-narrow"),
            *(dcc.Store(id=f"explore-{name}-due") for name in ("table", "lists", "drawer")),
            dcc.Store(id="explore-listed"),
            dcc.Store(id="explore-tabled", data=_grid(shown.digests) if state.view == "table" else None),
            dcc.Store(id="explore-numbers", data=shown.numbers),
            dcc.Store(id="explore-figures", data=_figures(shown)),
            dcc.Store(id="explore-said", data=_said(shown)),
            dcc.Store(id="explore-turn"),
            dcc.Store(id="explore-benchmark"),
            dcc.Store(id="explore-address"),
            dcc.Store(id="explore-asked", data=links.EXPLORE + (search or "")),
            html.Div(id="explore-sink", hidden=True),
            shell.live("explore"),
            shell.benchmark(
                matrix.benchmark if matrix else None, matrix.synthetic if matrix else state.source == Source.MINI.value
            ),
        ],
        className="page",
    )


def _head(shown: Shown) -> Any:
    return html.Div(
        [
            dmc.Title("What is an intermediate task worth?", order=1),
            html.Span(_badge(shown), id="explore-badge"),
            dmc.Button("Copy link", id="explore-copy", variant="default", size="xs", className="copy"),
            share.button(),
        ],
        className="head",
    )


def _badge(shown: Shown) -> Any:
    return shell.synthetic_badge() if shown.matrix is not None and shown.matrix.synthetic else None


def _body(shown: Shown) -> list[Any]:
    return [
        html.Div(shell.graph("explore-graph"), className="figure-box", id="explore-figure"),
        html.Div(className="ranked", id="explore-ranked"),
        html.Div(
            dag.AgGrid(
                id="explore-grid",
                rowData=_rows(shown) if shown.state.view == "table" else [],
                columnDefs=_columns(shown) if shown.state.view == "table" else [],
                getRowId="params.data.recipe",
                enableEnterpriseModules=False,
                defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
                columnSize=None,
                eventListeners={"cellKeyDown": ["crossliftKey(params, setEventData)"]},
                dashGridOptions={
                    "theme": {"function": "crossliftTheme(themeQuartz)"},
                    "domLayout": "autoHeight",
                    "animateRows": False,
                    "tooltipShowDelay": 300,
                },
                style={"width": "100%"},
            ),
            className="table-box",
            id="explore-table",
        ),
        html.P(
            [
                shell.term("gain"),
                ": score with the intermediate stage minus score without, same model, seeds and settings. A dot marks ",
                shell.term("bh", f"q < {ALPHA:g}"),
                " over all recipes and languages of this model, target and metric, whichever are shown. Brackets: ",
                shell.term("interval", "95 % interval"),
                " of one cell. ",
                shell.term("means", "Means"),
                " are over the languages shown in which every recipe has a gain, English left out. ‡ ",
                shell.term("same-data-twice", words.SAME_DATA_TWICE),
                f": intermediate and target stage train on one data set. {words.TRAINED} ",
                shell.term("translate-train", words.NOT_ZERO_SHOT),
                ": trained on translations into this language. ",
                shell.term("marginal", "Cost"),
                ": device time of the recipe's intermediate, fine-tune and evaluate runs, for one seed.",
            ],
            className="soft note",
        ),
    ]


# --- parts that change -------------------------------------------------------------------------------------------


def _summary(shown: Shown) -> str:
    if shown.matrix is None or shown.empty:
        return ""
    narrowed = subset.narrow(shown.matrix, shown.state.languages)
    left_out = ""
    if shown.state.languages:
        k, n = len(narrowed.languages), len(shown.matrix.languages)
        left_out = f"Shown: {subset.described(shown.state.languages)}, {k} of {n} languages"
    return words.summary(narrowed, shown.state.value, left_out)


def _nothing(shown: Shown) -> list[Any]:
    if not shown.empty:
        return []
    return panels.nothing(
        shown.state, shown.problem, running=shown.running, experiments=shown.experiments, elsewhere=shown.elsewhere
    )


def _body_class(shown: Shown) -> str:
    return "body is-empty" if shown.empty else "body"


def _view(state: Explore) -> dict[str, Any]:
    return {"data-view": state.view}


def _figures(shown: Shown) -> dict[str, Any] | None:
    """The figure for either scheme: switching needs no new numbers."""
    if shown.matrix is None or shown.empty:
        return None
    state, matrix = shown.state, shown.matrix

    if state.value == "cost":
        return figures.schemes(lambda theme: cost_bars(matrix, theme))
    if state.value == "score":
        return figures.unsaid(figures.schemes(figures.score_drawing(matrix, state.order, choice=state.languages)))
    fade = state.fade == "unsure"
    return figures.unsaid(figures.schemes(figures.gain_drawing(matrix, state.order, choice=state.languages, fade=fade)))


def _said(shown: Shown) -> dict[str, str] | None:
    """What is said of the cells, apart from the figure: another order or view of the same numbers says the same."""
    return figures.said(shown.matrix, shown.state.languages) if shown.matrix is not None and not shown.empty else None


def _ranked(shown: Shown) -> list[Any]:
    return panels.ranked(shown.matrix, shown.state) if shown.matrix is not None and not shown.empty else []


def _rows(shown: Shown) -> list[dict[str, Any]]:
    return tables.rows(shown.matrix, shown.state) if shown.matrix is not None else []


def _columns(shown: Shown) -> list[dict[str, Any]]:
    return tables.columns(shown.matrix, shown.state) if shown.matrix is not None else []


def _cell(shown: Shown) -> tuple[Any, Any]:
    """Title and content of the drawer."""
    cell, matrix = shown.state.cell, shown.matrix
    if cell is None or matrix is None:
        return None, None
    return drawer.cell_title(cell), drawer.cell_panel(cell, matrix, state=shown.state)


def _state(values: Sequence[Any], cell: Any = None) -> Explore:
    """What the controls say. They come from a browser: whatever they hold, reading gives a state."""
    said: dict[str, Any] = {**dict(zip(controls.CONTROLS, values, strict=True)), "cell": cell}
    said["fade"] = "unsure" if said["fade"] is True else None
    chosen = said["languages"]
    said["languages"] = ",".join(map(str, chosen)) if isinstance(chosen, list) else None
    return Explore.read({name: value for name, value in said.items() if value})


# --- callbacks ------------------------------------------------------------------------------------------------------

_CONTROLS = {name: (f"explore-{name}", holds) for name, holds in controls.CONTROLS.items()}


@callback(
    Output("explore-figures", "data"),
    Output("explore-said", "data"),
    Output("explore-summary", "children"),
    Output("explore-nothing", "children"),
    Output("explore-body", "className"),
    Output("explore-badge", "children"),
    Output("explore-benchmark", "data"),
    Output("explore-model", "data"),
    Output("explore-target", "data"),
    Output("explore-metric", "data"),
    Output("explore-languages", "data"),
    Output("explore-model", "value"),
    Output("explore-target", "value"),
    Output("explore-metric", "value"),
    Output("explore-settings", "data"),
    Output("explore-settings", "value"),
    Output("explore-settings-box", "hidden"),
    Output("explore-digests", "data"),
    Output("explore-numbers", "data"),
    *(Input(*control) for name, control in _CONTROLS.items() if name != "view"),
    Input("explore-pulse", "children"),
    State(*_CONTROLS["view"]),
    State("explore-digests", "data"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """Everything that shows numbers; of that, what is not the same as before."""
    *said, _, view, last = given
    asked = _state((*said, view))
    here = {str(i).removeprefix("explore-") for i in ctx.triggered_prop_ids.values()}
    if here & {"source", "model", "target"}:
        asked = replace(asked, settings=None)  # those of one model and target are no others'
    fresh = not here <= controls.DISPLAY | controls.CHOICES  # the pulse: runs have ended since the last one
    if fresh:
        forget(client())
    shown = await find(client(), asked, fresh=fresh)
    if here & controls.CHOICES:
        look_ahead(client(), shown)
    digests, before = shown.digests, last if isinstance(last, dict) else {}
    model, target, metric, settings = (
        _unless(shown.state.model, asked.model),
        _unless(shown.state.target, asked.target),
        _unless(controls.metric(shown), said[3]),
        _unless(controls.settings(shown), said[4]),
    )
    if digests == before and all(each is no_update for each in (model, target, metric, settings)):
        return (no_update,) * 19

    def part(name: str, make: Callable[[], Any]) -> Any:
        return make() if digests[name] != before.get(name) else no_update

    models, targets, metrics = controls.choices(shown)
    return (
        part("figure", lambda: _figures(shown)),
        part("said", lambda: _said(shown)),
        part("words", lambda: _summary(shown)),
        part("frame", lambda: _nothing(shown)),
        part("frame", lambda: _body_class(shown)),
        part("words", lambda: _badge(shown)),
        part("words", lambda: _benchmark(shown)),
        part("choices", lambda: models),
        part("choices", lambda: targets),
        part("choices", lambda: metrics),
        part("choices", lambda: controls.language_options(shown)),
        model,
        target,
        metric,
        part("choices", lambda: controls.settings_options(shown)),
        settings,
        part("frame", lambda: not controls.several(shown)),
        digests,
        shown.numbers,
    )


@callback(
    Output("explore-grid", "rowData"),
    Output("explore-grid", "columnDefs"),
    Output("explore-tabled", "data"),
    Input("explore-table-due", "data"),
    State("explore-tabled", "data"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def table(due: Any, tabled: Any, *said: Any) -> Any:
    """The grid with the same numbers, where it is looked at: filling one that is hidden costs as much."""
    wanted = due if isinstance(due, list) and len(due) == 2 else None
    if wanted is None or wanted == tabled:
        return no_update, no_update, no_update
    before = tabled if isinstance(tabled, list) else [None, None]
    shown = await find(client(), _state(said), fresh=False)
    return (
        no_update if wanted[0] == before[0] else _rows(shown),
        no_update if wanted[1] == before[1] else _columns(shown),
        wanted,
    )


def _grid(digests: Any) -> list[Any] | None:
    """What the grid shows, in digests: its rows and its columns."""
    return [digests.get("rows"), digests.get("columns")] if isinstance(digests, dict) else None


@callback(
    Output("explore-ranked", "children"),
    Output("explore-listed", "data"),
    Input("explore-lists-due", "data"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def ranked(due: Any, *said: Any) -> Any:
    """The lists that a narrow screen has in place of the figure: long, so nobody else is sent them."""
    if not isinstance(due, str):
        return no_update, no_update
    return _ranked(await find(client(), _state(said), fresh=False)), due


def _benchmark(shown: Shown) -> dict[str, Any]:
    matrix = shown.matrix
    if matrix is None:
        return {"name": None, "synthetic": shown.state.source == Source.MINI.value}
    return {"name": matrix.benchmark, "synthetic": matrix.synthetic}


def _unless(value: Any, said: Any) -> Any:
    """A control is set only to correct it: what is chosen while an answer is under way must not be taken back."""
    return no_update if value == said else value


@callback(
    Output("explore-address", "data"),
    *(Input(*control) for control in _CONTROLS.values()),
    Input("explore-cell", "data"),
)
async def tell(*said: Any) -> str:
    """The address of what is shown."""
    return await left(client(), _state(said[:-1], said[-1]))


@callback(
    Output("explore-drawer", "opened"),
    Output("explore-drawer", "title"),
    Output("explore-drawer", "children"),
    Input("explore-drawer-due", "data"),
    State("explore-cell", "data"),
    State("explore-drawer", "opened"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def open_cell(_: Any, cell: Any, opened: Any, *said: Any) -> Any:
    """The drawer of the chosen cell, kept up to date; shut when none is chosen."""
    state = _state(said, cell)
    if state.cell is None:
        return _unless(False, bool(opened)), no_update, no_update
    return True, *_cell(await find(client(), state, fresh=False))


MOST = 6  # runs of a kind that are looked up for one cell


@callback(Output("explore-evidence", "children"), Input("explore-evidence-of", "data"))
async def evidence(asked: Any) -> Any:
    """Learning curves and provenance of the cell in the drawer, read while it is already open."""
    if not isinstance(asked, dict):
        return no_update
    runs, baseline = ([i for i in asked.get(name) or () if isinstance(i, int)][:MOST] for name in ("runs", "baseline"))
    evaluated = [r for r in await asyncio.gather(*map(_run, runs)) if r is not None]
    without = [r for r in await asyncio.gather(*map(_run, baseline)) if r is not None]
    treated = not asked.get("base")
    learned = await asyncio.gather(
        *(_learning(r, treated=treated) for r in evaluated), *(_learning(r, treated=False) for r in without)
    )
    found = {one.run: one for one in learned if one is not None}
    detail = await _detail(evaluated[0].id) if evaluated else None
    first = next((one for one in found.values() if one.treated == treated), None)
    trained = await _detail(first.run) if first is not None else None
    metric, language = str(asked.get("metric")), str(asked.get("language"))
    selected = await oracle.of_cell(client(), list(found.values()), metric, language)
    return drawer.evidence_panel(evaluated, detail, trained, list(found.values()), metric, selected)


@callback(Output("explore-sure", "children"), Input("explore-sure-of", "data"))
async def how_sure(asked: Any) -> Any:
    """Intervals of the gain in the drawer, read while it is already open."""
    return await sure.read(client(), asked) if isinstance(asked, dict) else no_update


@callback(
    Output("explore-parts", "children"),
    Input("explore-parts-open", "n_clicks"),
    State("explore-parts-of", "data"),
    prevent_initial_call=True,
)
async def by_kind(opened: Any, asked: Any) -> Any:
    """The gain by kind of test example, once somebody opens that."""
    return await parts.read(client(), asked) if opened == 1 and isinstance(asked, dict) else no_update


async def _learning(evaluated: RunView, *, treated: bool) -> Learning | None:
    """The fine-tune run that an evaluate run looked at; None where there is none: retrieval trains on no target."""
    for parent in evaluated.parents:
        run = await _run(parent)
        if run is not None and run.kind is RunKind.FINETUNE:
            return Learning(run.id, run.seed, treated, await _curves(run.id))
    return None


async def _run(id: int) -> RunView | None:
    try:
        return await client().run(id)
    except CrossliftError:
        return None


async def _detail(id: int) -> RunDetail | None:
    try:
        return await client().detail(id)
    except CrossliftError:
        return None


async def _curves(id: int) -> list[Curve]:
    try:
        return await client().curves(id)
    except CrossliftError:
        return []


def _in_browser(name: str, *arguments: Any, **options: Any) -> None:
    clientside_callback(ClientsideFunction("crosslift", name), *arguments, **options)


_in_browser(
    "paint",
    Output("explore-graph", "figure"),
    Output("explore-graph", "style"),
    Input("explore-figures", "data"),
    Input("explore-scheme", "children"),
    Input("explore-cell", "data"),
    State("explore-said", "data"),
)
_in_browser(
    "tell", Output("explore-sink", "children"), Input("explore-address", "data"), State("explore-asked", "data")
)
_in_browser(
    "paint_small",
    Output("explore-curves", "figure"),
    Output("explore-curves", "style"),
    Input("explore-curves-figures", "data"),
    Input("explore-curves-scheme", "children"),
)
_in_browser(
    "turn",
    Output("explore-target", "value", allow_duplicate=True),
    Input("explore-turn", "data"),
    State("explore-target", "data"),
    State("explore-target", "value"),
    prevent_initial_call=True,
)
clientside_callback(ClientsideFunction("findings", "benchmark"), Input("explore-benchmark", "data"))
# What a change makes due is told in the browser: most changes touch neither grid nor lists nor drawer, and to ask about each
# would cost the server and the page as much as the figure.
_in_browser(
    "table_due",
    Output("explore-table-due", "data"),
    Input("explore-view", "value"),
    Input("explore-digests", "data"),
    State("explore-tabled", "data"),
)
_in_browser(
    "lists_due",
    Output("explore-lists-due", "data"),
    Input("explore-narrow", "data"),
    Input("explore-digests", "data"),
    State("explore-listed", "data"),
)
_in_browser(
    "drawer_due",
    Output("explore-drawer-due", "data"),
    Input("explore-cell", "data"),
    Input("explore-numbers", "data"),
    State("explore-drawer", "opened"),
    prevent_initial_call=True,
)
_in_browser("view", Output("explore-body", "data-view"), Input("explore-view", "value"))
_in_browser(
    "idle",
    *(Output(f"explore-{name}", "disabled") for name in ("order", "languages", "fade")),
    Input("explore-value", "value"),
)
_in_browser("narrow", Output("explore-narrow", "data"), Input("explore-asked", "data"))
_in_browser("copy", Output("explore-copy", "children"), Input("explore-copy", "n_clicks"), prevent_initial_call=True)
_in_browser(
    "choose",
    Input("explore-graph", "clickData"),
    Input("explore-grid", "cellClicked"),
    Input("explore-grid", "eventData"),
    Input("explore-drawer", "opened"),
    State("explore-cell", "data"),
    prevent_initial_call=True,
)
