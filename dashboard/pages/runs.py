"""Runs: every execution there is, seeds in one row, with saved views; what is chosen is compared, cancelled or tried again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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

from backend.domain.account import Role
from backend.domain.experiment import BENCHMARKS
from backend.domain.listed import RunRow
from backend.domain.schemas import Page
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import links, queued, runlist, savedviews, shell, states, stopping, visitor
from dashboard.client import client
from dashboard.controls import choose, pick
from dashboard.links import Compare, Runs
from dashboard.look import count

register_page(__name__, path=links.RUNS, title=f"Runs · {shell.NAME}", name="Runs")

SHOWN = 50  # rows of a page
_PRESET = "preset:"  # before the name of one, among columns
SORTS = {
    "newest": "Newest first", "oldest": "Oldest first", "finished": "Last ended first", "longest": "Most device time first",
    "model": "By model", "recipe": "By recipe", "target": "By target",
}  # fmt: skip
#: Controls by their name, which is that of their parameter.
CONTROLS = (
    "kind",
    "state",
    "source",
    "model",
    "recipe",
    "target",
    "device",
    "experiment",
    "q",
    "mine",
    "by",
    "sort",
    "columns",
)


async def layout(search: str | None = None, **_: object) -> Any:
    state = _as_controls_say(Runs.of(search or ""))
    found, inside, problem = await _read(state)
    content = _content(found, inside, problem, state)
    return html.Div(
        [
            html.Div(dmc.Title("Runs", order=1), className="head"),
            await savedviews.section(links.RUNS),
            _filters(state, found),
            html.Div(id="runs-said", className="field-error", role="alert"),
            _bar(),
            html.Div(content, id="runs-content"),
            stopping.dialog("runs"),
            dcc.Store(id="runs-state", data={"cursor": state.cursor, "open": state.open, "at": 0}),
            dcc.Store(id="runs-toggled", data=[]),
            dcc.Store(id="runs-rows", data=_facts(found, inside)),
            dcc.Store(id="runs-targets"),
            dcc.Store(id="runs-beside"),
            dcc.Store(id="runs-asked"),
            dcc.Store(id="runs-done"),
            dcc.Store(id="runs-seen", data=_digest(found, inside, problem, state)),
            dcc.Store(id="runs-news"),
            dcc.Store(id="runs-address", data=state.address),
            shell.live("runs", "clock"),
            html.Div(id="runs-sink", hidden=True),
        ],
        className="page",
    )


# --- what is chosen of them ------------------------------------------------------------------------------------------------------


def _filters(state: Runs, found: Page[RunRow] | None) -> Any:
    rows = found.items if found is not None else []

    def named(name: str, label: str, chosen: str | None, of: Any) -> Any:
        """One of those on this page, or any text: a list of all there are would be as long as the store."""
        there = sorted({str(v) for r in rows if (v := of(r)) is not None} | ({chosen} if chosen else set()))
        return dmc.Autocomplete(
            id=f"runs-{name}", label=label, data=there, value=chosen or "", size="sm", className="pick short", placeholder="any",
            clearable=True, clearButtonProps={"aria-label": f"Any {label.lower()}"}, debounce=300, limit=30,
        )  # fmt: skip

    kinds = [{"value": "any", "label": "All kinds"}, *({"value": k.value, "label": v} for k, v in states.KINDS.items())]
    standing = [{"value": "any", "label": "Any"}, {"value": "live", "label": "Not over"}]
    standing += [
        {"value": s, "label": s.capitalize()}
        for s in ("waiting", "queued", "running", "done", "failed", "diverged", "cancelled", "skipped")
    ]
    sources = [{"value": "any", "label": "All"}]
    sources += [
        {"value": s.value, "label": BENCHMARKS[s] + ("" if s is Source.MINI else f", {s.value}")} for s in Source
    ]
    devices = [{"value": "any", "label": "Any"}, {"value": "cpu", "label": "CPU"}, {"value": "cuda", "label": "GPU"}]
    offered = [
        {
            "group": "Presets",
            "items": [{"value": _PRESET + p, "label": title} for p, (title, _) in runlist.PRESETS.items()],
        },
        {"group": "Columns", "items": [{"value": name, "label": c.title} for name, c in runlist.COLUMNS.items()]},
    ]
    known = visitor.present().how not in ("", "open")
    return html.Div(
        [
            dmc.TextInput(
                id="runs-q", label="Holds", value=state.q or "", placeholder="mini-2 mnli …", size="sm", className="pick text", debounce=300,
            ),
            pick("runs-kind", "Kind", kinds, state.kind, kind="short"),
            pick("runs-state-of", "State", standing, state.state, kind="short"),
            pick("runs-source", "Benchmark", sources, state.source, kind="short"),
            named("model", "Model", state.model, lambda r: r.model),
            named("recipe", "Recipe", state.recipe, lambda r: r.recipe),
            named("target", "Target", state.target, lambda r: r.target),
            pick("runs-device", "Device", devices, state.device, kind="short"),
            dmc.TextInput(
                id="runs-experiment", label="Experiment", value=state.experiment or "", placeholder="any", size="sm",
                className="pick short", debounce=300, inputProps={"inputMode": "numeric"},
            ),
            html.Div(
                dmc.Switch(id="runs-mine", checked=state.mine == "1", size="md", label="Only mine", className="fade"),
                className="choose", hidden=not known,
            ),
            choose("runs-by", "Seeds", {"seeds": "In one row", "run": "Each run"}, state.by),
            pick("runs-sort", "Order", [{"value": v, "label": t} for v, t in SORTS.items()], state.sort),
            dmc.MultiSelect(
                id="runs-columns", label="Columns", data=offered, value=list(runlist.columns(state.columns)), size="sm",
                className="runs-columns", hidePickedOptions=True, searchable=True, maxDropdownHeight=340,
            ),
        ],
        className="filters",
        role="group",
        **shell.aria(label="What to show"),
    )  # fmt: skip


def _bar() -> Any:
    """What can be done with the rows that are chosen."""
    return html.Div(
        [
            html.Span("", id="runs-chosen", role="status"),
            dcc.Link("Compare", href=links.COMPARE, id="runs-compare", className="is-hidden"),
            html.Button("Cancel", id="runs-cancel", type="button", className="button-link", n_clicks=0, **shell.guard(Role.SUBMITTER)),
            html.Button("Try again", id="runs-again", type="button", className="button-link", n_clicks=0, **shell.guard(Role.SUBMITTER)),
            html.Button("Choose none", id="runs-none", type="button", className="button-link", n_clicks=0),
            shell.lacking(Role.SUBMITTER, "To cancel runs or try them again"),
        ],
        id="runs-bar",
        className="run-bar",
        hidden=True,
    )  # fmt: skip


# --- what is shown ---------------------------------------------------------------------------------------------------------------


async def _read(state: Runs) -> tuple[Page[RunRow] | None, dict[int, list[RunRow]], str | None]:
    """The rows, the runs in those that are open, or why they cannot be read."""
    asked: dict[str, Any] = {
        "limit": SHOWN, "cursor": state.cursor, "by": state.by, "sort": state.sort, "model": state.model, "recipe": state.recipe,
        "target": state.target, "experiment": state.experiment, "q": state.q, "mine": "true" if state.mine == "1" else None,
    }  # fmt: skip
    asked |= {
        name: None if (said := getattr(state, name)) == "any" else said
        for name in ("kind", "state", "source", "device")
    }
    try:
        found = await client().run_rows(**asked)
        ids = [r.id for r in found.items if r.id in state.opened and len(r.runs) > 1]
        narrowed = {name: asked[name] for name in ("state", "experiment", "q", "mine")}
        each = await asyncio.gather(
            *(client().run_rows(alike=id, by="run", sort="oldest", limit=200, **narrowed) for id in ids)
        )
    except CrossliftError as error:
        return None, {}, "; ".join(e.message for e in error.errors) or error.detail
    return found, {id: page.items for id, page in zip(ids, each, strict=True)}, None


def _box(key: str, name: str) -> Any:
    """Whether it is chosen the browser remembers by its name, so that a list that is drawn anew meanwhile takes nothing back."""
    return dmc.Checkbox(
        id={"runs-pick": key},
        checked=False,
        size="xs",
        persistence="runs",
        persistence_type="memory",
        **shell.aria(label=f"Choose {name}"),
    )


def _facts(found: Page[RunRow] | None, inside: dict[int, list[RunRow]]) -> dict[str, Any]:
    return runlist.facts(found.items) if found is not None else {}


def _content(
    found: Page[RunRow] | None, inside: dict[int, list[RunRow]], problem: str | None, state: Runs
) -> list[Any]:
    if found is None:
        return [
            html.Div(
                [html.H2("The list cannot be read"), html.P(problem), html.P(dcc.Link("Show all", href=links.RUNS))],
                className="nothing",
            )
        ]
    if not found.items:
        return [_nothing(state)]
    what = "row" if state.by == "seeds" else "run"
    tail = ": runs that differ by their seed alone are one" if state.by == "seeds" else ""
    parts: list[Any] = [
        html.P(f"{count(found.total, what)}{tail}.", className="soft", role="status"),
        runlist.table(found.items, inside, state, _box),
    ]
    further = []
    if state.cursor is not None:
        further.append(dcc.Link("Back to the first", href=replace(state, cursor=None, open=None).address))
    if found.next_cursor is not None:
        further.append(dcc.Link(f"The next {SHOWN}", href=replace(state, cursor=found.next_cursor, open=None).address))
    if further:
        parts.append(html.P([each for link in further for each in (link, "  ")], className="further"))
    return parts


def _nothing(state: Runs) -> Any:
    if Runs(columns=state.columns, by=state.by, sort=state.sort) != replace(state, open=None):
        return html.Div(
            [
                html.H2("No such run"),
                html.P(["None fits all that is chosen above. ", dcc.Link("Show all", href=links.RUNS)]),
            ],
            className="nothing",
        )
    return html.Div(
        [
            html.H2("Nothing was run yet"),
            html.P(
                "Runs are what an experiment is made of: pretraining, the intermediate stage, fine-tuning, evaluation."
            ),
            html.P(dcc.Link("New experiment", href=links.NEW)),
        ],
        className="nothing",
    )


# --- callbacks -------------------------------------------------------------------------------------------------------------------


@callback(
    Output("runs-content", "children"),
    Output("runs-rows", "data"),
    Output("runs-state", "data"),
    Output("runs-seen", "data"),
    Output("runs-address", "data"),
    Output("runs-columns", "value"),
    Input("runs-kind", "value"),
    Input("runs-state-of", "value"),
    Input("runs-source", "value"),
    Input("runs-model", "value"),
    Input("runs-recipe", "value"),
    Input("runs-target", "value"),
    Input("runs-device", "value"),
    Input("runs-experiment", "value"),
    Input("runs-q", "value"),
    Input("runs-mine", "checked"),
    Input("runs-by", "value"),
    Input("runs-sort", "value"),
    Input("runs-columns", "value"),
    Input("runs-toggled", "data"),
    Input("runs-news", "data"),
    Input("runs-done", "data"),
    State("runs-state", "data"),
    State("runs-seen", "data"),
    State("runs-address", "data"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """The list anew, where it has changed. Another choice begins at the first page, with every row shut.

    An answer that is still awaited when the next one is asked for never arrives: what it was asked for is done by the next."""
    toggled, _, _, standing, seen, told = given[len(CONTROLS) :]
    state, names, at = _asked(given[: len(CONTROLS)], toggled, standing, told)
    found, inside, problem = await _read(state)
    now = _digest(found, inside, problem, state)
    drawn = now != seen
    picked = given[CONTROLS.index("columns")] or []
    settled = ctx.triggered_id != "runs-columns" and not any(str(each).startswith(_PRESET) for each in picked)
    return (
        _content(found, inside, problem, state) if drawn else no_update,
        _facts(found, inside) if drawn else no_update,
        {"cursor": state.cursor, "open": state.open, "at": at},
        now if drawn else no_update,
        no_update if told == state.address else state.address,
        no_update if settled or list(names) == picked else list(names),
    )


@callback(
    Output("runs-news", "data"),
    Input("runs-clock", "children"),
    *(
        State(f"runs-{'state-of' if name == 'state' else name}", "checked" if name == "mine" else "value")
        for name in CONTROLS
    ),
    State("runs-toggled", "data"),
    State("runs-state", "data"),
    State("runs-seen", "data"),
    State("runs-address", "data"),
    prevent_initial_call=True,
)
async def notice(clock: Any, *given: Any) -> Any:
    """Whether the list is another by now. Apart from ``draw``, which a tick would ask once more for what a reader has just
    asked it for, and would draw a list again that stays as it is."""
    toggled, standing, seen, told = given[len(CONTROLS) :]
    state, _, _ = _asked(given[: len(CONTROLS)], toggled, standing, told)
    if state.address != told:
        return no_update  # a choice whose answer is still awaited
    now = _digest(*await _read(state), state)
    return no_update if now == seen else now


def _asked(said: Sequence[Any], toggled: Any, standing: Any, told: Any) -> tuple[Runs, tuple[str, ...], float]:
    """What the controls name, with what was clicked since the list came that stands there; the columns; when the last click was."""
    held = dict(zip(CONTROLS, said, strict=True))
    names = _names(held.pop("columns"))
    query = {name: " ".join(value.split()) for name, value in held.items() if isinstance(value, str)}
    query |= {"mine": "1" if held["mine"] else "0", "columns": runlist.written(names) or "", **_kept(standing)}
    state = Runs.read(query)
    due, at = _due(toggled, standing)
    before = Runs.of(str(told or "").partition("?")[2])
    if replace(before, cursor=None, open=None, columns=None) != replace(state, cursor=None, open=None, columns=None):
        state = replace(state, cursor=None, open=None)
        due = []
    for row in due:
        state = state.toggled(row)
    return state, names, at


def _digest(found: Page[RunRow] | None, inside: dict[int, list[RunRow]], problem: str | None, state: Runs) -> str:
    """Equal for equal lists: of what they are drawn from, which is a fraction of what is drawn."""
    rows = [found.model_dump_json() if found is not None else None]
    rows += [row.model_dump_json() for within in inside.values() for row in within]
    return hashlib.sha256(repr((state, problem, [*inside], rows)).encode()).hexdigest()[:16]


def _as_controls_say(state: Runs) -> Runs:
    """The same list, named as the controls of its page will name it: else it would seem to wait for another one."""
    names = ("model", "recipe", "target", "q")
    plain: dict[str, Any] = {
        name: " ".join(said.split()) or None for name in names if (said := getattr(state, name)) is not None
    }
    return replace(state, columns=runlist.written(runlist.columns(state.columns)), **plain)


def _names(said: Any) -> tuple[str, ...]:
    """The columns that are asked for; a preset that was picked stands for its own."""
    every = [each for each in said or () if isinstance(each, str)]
    preset = next((each.removeprefix(_PRESET) for each in every if each.startswith(_PRESET)), None)
    return runlist.columns(preset or ",".join(every))


def _kept(standing: Any) -> dict[str, str]:
    kept = standing if isinstance(standing, dict) else {}
    return {name: kept[name] for name in ("cursor", "open") if isinstance(kept.get(name), str)}


def _due(toggled: Any, standing: Any) -> tuple[list[int], float]:
    """Rows to open or to shut since the list came that stands there, and when the last of them was clicked."""
    since = float(standing["at"]) if isinstance(standing, dict) else 0.0
    rows = {float(each["at"]): int(each["row"]) for each in toggled or () if each["at"] > since}
    return list(rows.values()), max([since, *rows])


@callback(
    Output("runs-said", "children"),
    Output("runs-done", "data"),
    Input("runs-asked", "data"),
    prevent_initial_call=True,
)
async def act(asked: Any) -> Any:
    """Cancel runs or try them again, one by one; what was refused is said."""
    return await queued.act(client(), asked["what"], [int(id) for id in asked["ids"]]), asked["at"]


@callback(
    Output("runs-compare", "href"),
    Output("runs-compare", "className"),
    Input("runs-beside", "data"),
    prevent_initial_call=True,
)
async def beside(chosen: Any) -> Any:
    """The way to what is chosen, side by side, where that can be compared."""
    if not isinstance(chosen, dict):
        return links.COMPARE, "is-hidden"
    found = Compare.beside(map(str, chosen["things"]), source=str(chosen["source"]))
    return found.address, "button-link"


clientside_callback(
    ClientsideFunction("runlist", "tell"), Output("runs-sink", "children"), Input("runs-address", "data")
)
clientside_callback(
    ClientsideFunction("runlist", "toggled"),
    Output("runs-toggled", "data"),
    Input({"runs-open": ALL}, "n_clicks"),
    State("runs-toggled", "data"),
    State("runs-state", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("runlist", "picked"),
    Output("runs-bar", "hidden"),
    Output("runs-chosen", "children"),
    Output("runs-beside", "data"),
    Output("runs-targets", "data"),
    Output("runs-cancel", "children"),
    Output("runs-cancel", "hidden"),
    Output("runs-again", "children"),
    Output("runs-again", "hidden"),
    Input({"runs-pick": ALL}, "checked"),
    Input("runs-rows", "data"),
    State({"runs-pick": ALL}, "id"),
    State("runs-beside", "data"),
)
clientside_callback(
    ClientsideFunction("runlist", "clear"),
    Output({"runs-pick": ALL}, "checked"),
    Input("runs-none", "n_clicks"),
    State({"runs-pick": ALL}, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("runlist", "confirm"),
    Output("runs-confirm", "opened"),
    Output("runs-confirm", "title"),
    Output("runs-asked", "data"),
    Input("runs-cancel", "n_clicks"),
    Input("runs-again", "n_clicks"),
    State("runs-targets", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("runlist", "settled"),
    Output("runs-confirm", "opened", allow_duplicate=True),
    Output("runs-asked", "data", allow_duplicate=True),
    Input("runs-keep", "n_clicks"),
    Input("runs-sure", "n_clicks"),
    State("runs-targets", "data"),
    prevent_initial_call=True,
)
