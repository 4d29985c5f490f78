"""Languages: all of them, where they are measured and what intermediate tasks are worth in each.

The address is the state: which are listed and in what order. One callback answers every control; what it lists it reads from the
API, which says it for all languages in one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html, register_page

from backend.domain.by_language import LanguageTable
from backend.domain.task import Source
from backend.errors import CrossliftError, Invalid
from dashboard import controls, copied, language_tables, links, shell, words
from dashboard.client import client
from dashboard.exports import listed_files
from dashboard.findings import left, settled
from dashboard.links import Languages
from dashboard.links.languages import FAMILIES, SCRIPTS
from dashboard.shell import aria

register_page(__name__, path=links.LANGUAGE_LIST, title=f"Languages · {shell.NAME}", name="Languages")

#: Name of a control, which is that of its parameter.
CONTROLS = ("source", "model", "family", "script", "level", "shown", "sort", "q")
ANY = "any"


async def layout(search: str | None = None, **_: object) -> Any:
    state, table, problem = await _ask(await settled(client(), Languages, search))
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("Languages", order=1),
                    html.Span(_badge(table), id="languages-badge"),
                    listed_files.beside("languages", await _address(state, table)),
                    copied.button("languages"),
                ],
                className="head",
            ),
            _filters(state, table),
            html.P(_summary(state, table), id="languages-summary", role="status", className="summary"),
            html.Div(_listing(state, table, problem), id="languages-list"),
            html.P(
                [
                    "The ",
                    shell.term("language-mean", "mean gain"),
                    " of a language is over recipes first, then targets, by headline metrics. Of each target it is over the "
                    "recipes that have every language of it, so that languages differ by the language and not by what was run. Left "
                    "out are the ",
                    shell.term("same-data-twice", "same data twice"),
                    ", controls, and what was trained in the language. Intervals are over ",
                    shell.term("seed", "seeds"),
                    ". Languages with different targets are not compared like for like: a target's size of gain goes with it. Resources: "
                    "high is class 4 or 5, mid 3, low 0 to 2 of Joshi et al. 2020.",
                ],
                className="soft note",
            ),
            dcc.Store(id="languages-address", data=await _address(state, table)),
            dcc.Store(id="languages-asked", data=links.LANGUAGE_LIST + (search or "")),
            html.Div(id="languages-sink", hidden=True),
            shell.live("languages", "pulse"),
            shell.benchmark(*_benchmark(state, table)),
        ],
        className="page",
    )


async def _ask(state: Languages) -> tuple[Languages, LanguageTable | None, CrossliftError | None]:
    """The answer, without the model where nobody knows it."""
    try:
        return state, await client().language_gains(state.source, state.model), None
    except Invalid:
        state = replace(state, model=None)
    except CrossliftError as error:
        return state, None, error
    try:
        return state, await client().language_gains(state.source), None
    except CrossliftError as error:
        return state, None, error


def _filters(state: Languages, table: LanguageTable | None) -> Any:
    def some(names: Sequence[str], every: str) -> list[dict[str, str]]:
        return [{"value": ANY, "label": every}, *({"value": n, "label": n} for n in names)]

    sorts = [{"value": v, "label": t} for v, t in language_tables.SORTS.items()]
    return html.Div(
        [
            controls.pick("languages-source", "Benchmark", controls.SOURCES, state.source),
            controls.pick("languages-model", "Model", _models(state, table), _model(state, table)),
            controls.pick("languages-family", "Family", some(FAMILIES, "All families"), state.family or ANY, searchable=True),
            controls.pick("languages-script", "Script", some(SCRIPTS, "All scripts"), state.script or ANY, searchable=True),
            controls.choose("languages-level", "Resources", {"any": "All", "high": "High", "mid": "Mid", "low": "Low"}, state.level),
            controls.choose("languages-shown", "Listed", {"all": "All", "measured": "With a gain"}, state.shown),
            controls.pick("languages-sort", "Sorted by", sorts, state.sort, kind="short"),
            dmc.TextInput(id="languages-q", label="Text holds", value=state.q or "", placeholder="name, code, family …", size="sm", className="pick", debounce=300),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )  # fmt: skip


def _models(state: Languages, table: LanguageTable | None) -> list[Any]:
    return controls.options(table.models if table else [], _model(state, table), words.model_title)


def _model(state: Languages, table: LanguageTable | None) -> str | None:
    return table.model if table is not None else state.model


async def _address(state: Languages, table: LanguageTable | None) -> str:
    """Of what is shown. It names the model: what has most results today may not next year."""
    return await left(client(), replace(state, model=_model(state, table)))


def _badge(table: LanguageTable | None) -> Any:
    return shell.synthetic_badge() if table is not None and table.synthetic and table.model else None


def _benchmark(state: Languages, table: LanguageTable | None) -> tuple[str | None, bool]:
    return (table.benchmark if table is not None and table.model else None), state.source == Source.MINI.value


def _summary(state: Languages, table: LanguageTable | None) -> str:
    return language_tables.summary(table, state) if table is not None else ""


def _listing(state: Languages, table: LanguageTable | None, problem: CrossliftError | None) -> list[Any]:
    if table is None:
        said = problem.detail if problem is not None else ""
        return [html.Div([html.H2("The languages cannot be read"), html.P(said)], className="nothing")]
    return language_tables.listing(table, replace(state, model=table.model))


def _state(values: Sequence[Any]) -> Languages:
    said = dict(zip(CONTROLS, values, strict=True))
    return Languages.read({name: value for name, value in said.items() if value and (value != ANY or name == "level")})


@callback(
    Output("languages-list", "children"),
    Output("languages-summary", "children"),
    Output("languages-badge", "children"),
    Output("languages-model", "data"),
    Output("languages-model", "value"),
    Output("languages-address", "data"),
    *(Input(f"languages-{name}", "value") for name in CONTROLS),
    Input("languages-pulse", "children"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """The list anew, and the address of it."""
    *said, _ = given
    state, table, problem = await _ask(_state(said))
    return (
        _listing(state, table, problem),
        _summary(state, table),
        _badge(table),
        _models(state, table),
        _model(state, table),
        await _address(state, table),
    )


listed_files.listen("languages")
clientside_callback(
    ClientsideFunction("crosslift", "tell"),
    Output("languages-sink", "children"),
    Input("languages-address", "data"),
    State("languages-asked", "data"),
)
copied.listen("languages")
