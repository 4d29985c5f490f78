"""Explore: what an intermediate task is worth, recipe by language.

The address is the state. ``layout`` builds the page from it, and with it everything the first paint shows. A control
that changes asks ``draw``, once, for the new address and for whatever of the page is not the same under it;
``assets/crosslift.js`` puts that where it belongs. The address goes into the address bar: a new entry of the history where a
target or a cell is opened, else in place of the old one. Going back or forward builds the page anew from the address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

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

from backend.domain.run import RunKind
from backend.domain.schemas import Curve, RunDetail, RunView
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import (
    below,
    controls,
    crossed,
    drawer,
    elsewhere,
    foretold,
    links,
    oracle,
    panels,
    parts,
    pinned,
    savedviews,
    share,
    shell,
    sure,
    tables,
    telling,
    written,
)
from dashboard.client import client
from dashboard.evidence import Learning
from dashboard.exports import dialog
from dashboard.findings import Shown, find, forget, left, look_ahead, settled
from dashboard.links import Explore
from dashboard.shell import aria

register_page(__name__, path=links.EXPLORE, title=f"Explore · {shell.NAME}", name="Explore")


# --- layout --------------------------------------------------------------------------------------------------------


async def layout(search: str | None = None, **_: object) -> Any:
    shown = await find(client(), await settled(client(), Explore, search))
    drawn = {
        "figures": written.figure(shown), "said": written.said(shown), "address": await left(client(), shown.state),
        "pinned": pinned.keys(shown.state.pins, shown.matrix),
    }  # fmt: skip
    look_ahead(client(), shown, written.ahead)
    state, matrix = shown.state, shown.matrix
    title, panel = await _cell(shown)
    return html.Div(
        [
            _head(shown),
            await savedviews.section(links.EXPLORE, "Default"),
            controls.filters(shown),
            html.P(telling.summary(shown), id="explore-summary", role="status", className="summary"),
            html.Div(_nothing(shown), id="explore-nothing", className="nothing"),
            html.Div(id="explore-pinned", className="kept", role="region", **aria(label="Pinned cells")),
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
            dcc.Store(id="explore-pins", data=str(state.pins)),
            dcc.Store(id="explore-pin"),
            dcc.Store(id="explore-digests", data=shown.digests),
            dcc.Store(id="explore-narrow"),
            *(dcc.Store(id=f"explore-{name}-due") for name in ("table", "lists", "drawer", "pinned", "below")),
            dcc.Store(id="explore-listed"),
            dcc.Store(id="explore-tabled", data=_grid(shown.digests) if state.view == "table" else None),
            dcc.Store(id="explore-numbers", data=shown.numbers),
            dcc.Store(id="explore-drawn", data=drawn | {"whole": True}),
            dcc.Store(id="explore-turn"),
            dcc.Store(id="explore-benchmark"),
            dcc.Store(id="explore-asked", data=links.EXPLORE + (search or "")),
            shell.live("explore"),
            shell.benchmark(
                matrix.benchmark if matrix else None, matrix.synthetic if matrix else state.source == Source.MINI.value
            ),
        ],
        className="page beside" if state.cell is not None else "page",
    )


def _head(shown: Shown) -> Any:
    return html.Div(
        [
            dmc.Title("What is an intermediate task worth?", order=1),
            html.Span(_badge(shown), id="explore-badge"),
            dmc.Button("Copy link", id="explore-copy", variant="default", size="xs", className="copy"),
            share.button(),
            dialog.menu(),
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
            tables.grid(
                "explore-grid",
                _rows(shown) if shown.state.view == "table" else [],
                _columns(shown) if shown.state.view == "table" else [],
                key="recipe",
                on_key="crossliftKey",
            ),
            className="table-box",
            id="explore-table",
        ),
        html.P(telling.note(shown), className="soft note", id="explore-note"),
        _below(shown),
    ]


def _below(shown: Shown) -> Any:
    """A section that is read only where somebody asks for it: the heatmap comes first."""
    return html.Section(
        [
            controls.choose("explore-below", "Below the heatmap", {**below.SHOWN}, shown.state.below),
            html.Div(id="explore-below-box", className="below-box"),
        ],
        className="below",
    )


# --- parts that change -------------------------------------------------------------------------------------------


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


def _ranked(shown: Shown) -> list[Any]:
    return panels.ranked(shown.matrix, shown.state) if shown.matrix is not None and not shown.empty else []


def _rows(shown: Shown) -> list[dict[str, Any]]:
    return tables.rows(shown.matrix, shown.state) if shown.matrix is not None else []


def _columns(shown: Shown) -> list[dict[str, Any]]:
    return tables.columns(shown.matrix, shown.state) if shown.matrix is not None else []


async def _cell(shown: Shown) -> tuple[Any, Any]:
    """Title and content of the drawer. Of another layout it is that of the cell where the numbers stand."""
    cell, matrix = shown.state.cell, shown.matrix
    if cell is None or matrix is None:
        return None, None
    if matrix.axes is None:
        return drawer.cell_title(cell), drawer.cell_panel(cell, matrix, state=shown.state)
    if (place := crossed.place(cell, matrix)) is None:
        return html.Span(f"{cell.recipe} → targets"), pinned.row_panel(cell, matrix, shown.state)
    there = await find(client(), place.state(shown.state), fresh=False)
    if there.matrix is None or (there.matrix.model, there.matrix.target) != (place.model, place.target):
        return pinned.title(place), html.P(f"There is no cell {cell} here.")
    return pinned.title(place), drawer.cell_panel(place.cell, there.matrix, state=there.state)


def _of_one_recipe(said: Mapping[str, Any]) -> bool:
    """Whether one recipe is looked at alone; else its control is hidden, and correcting it would only ask again."""
    return said["layout"] in crossed.ONE_RECIPE or said["below"] not in (None, "none")


def _state(values: Sequence[Any], cell: Any = None, pins: Any = None) -> Explore:
    """What the controls say. They come from a browser: whatever they hold, reading gives a state."""
    said: dict[str, Any] = {**dict(zip(controls.CONTROLS, values, strict=True)), "cell": cell, "pins": pins}
    if not _of_one_recipe(said):
        said["recipe"] = None
    said["published"] = "off" if said["published"] is False else None
    chosen = said["languages"]
    said["languages"] = ",".join(map(str, chosen)) if isinstance(chosen, list) else None
    return Explore.read({name: value for name, value in said.items() if value})


# --- callbacks ------------------------------------------------------------------------------------------------------

_CONTROLS = {name: (f"explore-{name}", holds) for name, holds in controls.CONTROLS.items()}


@callback(
    Output("explore-drawn", "data"),
    Output("explore-digests", "data"),
    Output("explore-numbers", "data"),
    *(Input(*control) for control in _CONTROLS.values()),
    Input("explore-cell", "data"),
    Input("explore-pin", "data"),
    Input("explore-pulse", "children"),
    State("explore-pins", "data"),
    State("explore-digests", "data"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """The address of what is asked for, and of what shows numbers that which is not the same as before.

    It all goes into one store: what a callback names as its output is drawn twice more, for the time that the answer is awaited."""
    *said, cell, pin, _, pins, last = given
    asked = _state(said, cell, pins)
    here = {str(i).removeprefix("explore-") for i in ctx.triggered_prop_ids.values()}
    if here & {"source", "model", "target"}:
        asked = replace(asked, settings=None)  # those of one model and target are no others'
    if "layout" in here:
        asked = replace(asked, cell=None)  # its rows and columns are others
    fresh = not here <= controls.DISPLAY | controls.CHOICES | {
        "view",
        "cell",
        "pin",
    }  # the pulse: runs have ended since the last one
    if fresh:
        forget(client())
    shown = await find(client(), asked, fresh=fresh)
    if "pin" in here:
        shown = replace(shown, state=replace(shown.state, pins=pinned.toggled(shown, pin)))
    if here & (controls.CHOICES | controls.DISPLAY):
        look_ahead(client(), shown, written.ahead, again=not here & controls.CHOICES)
    digests, before = shown.digests, last if isinstance(last, dict) else {}
    new = {name for name, digest in digests.items() if digest != before.get(name)}
    drawn: dict[str, Any] = {"address": await left(client(), shown.state), "props": _props(shown, said, new),
                             "pinned": pinned.keys(shown.state.pins, shown.matrix)}  # fmt: skip
    if "pin" in here:
        drawn["props"]["explore-pins"] = {"data": str(shown.state.pins)}
    if "layout" in here and cell:
        drawn["props"]["explore-cell"] = {"data": ""}
    if "figure" in new:
        drawn["figures"] = written.figure(shown)
    if "said" in new:
        drawn["said"] = written.said(shown)
    return (drawn, digests, shown.numbers) if new else (drawn, no_update, no_update)


def _props(shown: Shown, said: Sequence[Any], new: set[str]) -> dict[str, dict[str, Any]]:
    """What is not the same as before, by the name of its component. ``said``: what the controls hold."""
    props: dict[str, dict[str, Any]] = {}

    def put(name: str, **held: Any) -> None:
        props.setdefault(f"explore-{name}", {}).update(held)

    if "words" in new:
        put("summary", children=telling.summary(shown))
        put("badge", children=_badge(shown))
        put("benchmark", data=_benchmark(shown))
    if "frame" in new:
        put("nothing", children=_nothing(shown))
        put("body", className=_body_class(shown))
        put("settings-box", hidden=not controls.several(shown))
        put("note", children=telling.note(shown))
    if "choices" in new:
        models, targets, metrics = controls.choices(shown)
        put("model", data=models)
        put("target", data=targets)
        put("metric", data=metrics)
        put("settings", data=controls.settings_options(shown))
        put("languages", data=controls.language_options(shown))
        put("recipe", data=controls.recipe_options(shown))
    # A control is set only to correct it: what is chosen while an answer is under way must not be taken back.
    held = dict(zip(controls.CONTROLS, said, strict=True))
    for name, value in (
        ("model", shown.state.model),
        ("target", shown.state.target),
        ("metric", controls.metric(shown) if shown.state.layout == crossed.PLAIN else held["metric"]),
        ("settings", controls.settings(shown)),
        ("recipe", controls.recipe(shown) if _of_one_recipe(held) else held["recipe"]),
    ):
        if value != held[name]:
            put(name, value=value)
    return props


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
    State("explore-pins", "data"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def ranked(due: Any, pins: Any, *said: Any) -> Any:
    """The lists that a narrow screen has in place of the figure: long, so nobody else is sent them."""
    if not isinstance(due, str):
        return no_update, no_update
    return _ranked(await find(client(), _state(said, pins=pins), fresh=False)), due


@callback(
    Output("explore-pinned", "children"),
    Input("explore-pinned-due", "data"),
    State("explore-pins", "data"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def kept(_: Any, pins: Any, *said: Any) -> Any:
    """The cells that are kept, with what they are worth now."""
    return await pinned.strip(client(), _state(said, pins=pins))


@callback(
    Output("explore-below-box", "children"),
    Input("explore-below-due", "data"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def beneath(_: Any, *said: Any) -> Any:
    """What is drawn below the heatmap, once somebody asks for it."""
    shown = await find(client(), _state(said), fresh=False)
    if shown.state.below == "none" or shown.matrix is None or shown.matrix.axes is not None:
        return []
    drawing = await asyncio.to_thread(below.drawing, shown.matrix, shown.state)
    words_of = html.P(below.said(shown.matrix, shown.state), className="soft", role="status")
    if drawing is None:
        return [words_of]
    return [
        words_of,
        shell.live("explore-beneath", "scheme"),
        dcc.Store(id="explore-beneath-figures", data=drawing),
        html.Div(shell.graph("explore-beneath"), className="figure-below"),
    ]


def _benchmark(shown: Shown) -> dict[str, Any]:
    matrix = shown.matrix
    if matrix is None:
        return {"name": None, "synthetic": shown.state.source == Source.MINI.value}
    return {"name": matrix.benchmark, "synthetic": matrix.synthetic}


@callback(
    Output("explore-drawer", "opened"),
    Output("explore-drawer", "title"),
    Output("explore-drawer", "children"),
    Input("explore-drawer-due", "data"),
    State("explore-cell", "data"),
    State("explore-drawer", "opened"),
    State("explore-pins", "data"),
    *(State(*control) for control in _CONTROLS.values()),
    prevent_initial_call=True,
)
async def open_cell(_: Any, cell: Any, opened: Any, pins: Any, *said: Any) -> Any:
    """The drawer of the chosen cell, kept up to date; shut when none is chosen."""
    state = _state(said, cell, pins)
    if state.cell is None:
        return False if opened else no_update, no_update, no_update
    return True, *await _cell(await find(client(), state, fresh=False))


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
    hoped = await _expected(asked.get("expected"), metric, language)
    if hoped and not evaluated:
        return hoped  # of a cell that was not run curves and provenance would be those of the baseline alone, which is linked above
    selected = await oracle.of_cell(client(), list(found.values()), metric, language)
    return hoped + drawer.evidence_panel(evaluated, detail, trained, list(found.values()), metric, selected)


async def _expected(asked: Any, metric: str, language: str) -> list[Any]:
    """What to expect of a cell that was not run; nothing of others."""
    if not isinstance(asked, dict):
        return []
    try:
        found = await client().expected(
            model=str(asked.get("model")),
            target=str(asked.get("target")),
            source=str(asked.get("source")),
            metric=metric,
        )
    except CrossliftError:
        return []
    return foretold.expected(found, str(asked.get("recipe")), language)


@callback(Output("explore-sure", "children"), Input("explore-sure-of", "data"))
async def how_sure(asked: Any) -> Any:
    """Intervals of the gain in the drawer, read while it is already open."""
    return await sure.read(client(), asked) if isinstance(asked, dict) else no_update


@callback(Output("explore-elsewhere", "children"), Input("explore-elsewhere-of", "data"))
async def imported(asked: Any) -> Any:
    """What others made of the cell in the drawer, read while it is already open."""
    return await elsewhere.read(client(), asked) if isinstance(asked, dict) else no_update


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
    "drawn",
    Output("explore-graph", "figure"),
    Output("explore-graph", "style"),
    Input("explore-drawn", "data"),
    Input("explore-scheme", "children"),
    Input("explore-cell", "data"),
    State("explore-asked", "data"),
)
_in_browser(
    "paint_small",
    Output("explore-curves", "figure"),
    Output("explore-curves", "style"),
    Input("explore-curves-figures", "data"),
    Input("explore-curves-scheme", "children"),
)
_in_browser(
    "paint_small",
    Output("explore-beneath", "figure"),
    Output("explore-beneath", "style"),
    Input("explore-beneath-figures", "data"),
    Input("explore-beneath-scheme", "children"),
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
    Input("explore-pins", "data"),
    State("explore-drawer", "opened"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("explore", "pinned_due"),
    Output("explore-pinned-due", "data"),
    Input("explore-pins", "data"),
    Input("explore-numbers", "data"),
    State("explore-pinned", "children"),
)
clientside_callback(
    ClientsideFunction("explore", "below_due"),
    Output("explore-below-due", "data"),
    Input("explore-below", "value"),
    Input("explore-digests", "data"),
    State("explore-below-due", "data"),
)
clientside_callback(
    ClientsideFunction("explore", "laid"),
    Output("explore-filters", "data-layout"),
    Output("explore-filters", "data-below"),
    Input("explore-layout", "value"),
    Input("explore-below", "value"),
)
_in_browser("view", Output("explore-body", "data-view"), Input("explore-view", "value"))
_in_browser(
    "idle",
    *(Output(f"explore-{name}", "disabled") for name in ("order", "languages", "fade", "colours")),
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
clientside_callback(
    ClientsideFunction("findings", "synthetic"),
    Output("explore-published-box", "hidden"),
    Input("explore-source", "value"),
)
