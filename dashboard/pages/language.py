"""One language: what every recipe gains on every target that has it, how far it is from English, what was not run, and who is near.

The address is the state: the benchmark and the model.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html, register_page

from backend.domain.by_language import LanguageDetail
from backend.domain.language import LANGUAGES, language
from backend.domain.literature import PublishedView
from backend.domain.schemas import Page
from backend.errors import CrossliftError, Invalid, NotFound
from dashboard import controls, copied, figures, language_figures, language_tables, links, shell, words
from dashboard.client import client
from dashboard.exports import listed_files
from dashboard.links import Languages, OneLanguage, Published
from dashboard.look import count
from dashboard.shell import aria

register_page(
    __name__,
    path_template=f"{links.LANGUAGE_LIST}/<code>",
    title=lambda code=None: f"{LANGUAGES[code].name if code in LANGUAGES else 'Language'} · {shell.NAME}",
    name="Language",
)

PUBLISHED = 40  # figures that are listed; the rest is a link away


async def layout(code: str | None = None, search: str | None = None, **_: object) -> Any:
    state = OneLanguage.of(search or "")
    if code is None or code not in LANGUAGES:
        return _unknown(code or "")
    found, problem = await _ask(code, state)
    of = LANGUAGES[code]
    return html.Div(
        [
            html.Div([dcc.Link("Languages", href=Languages(source=state.source).address), f" / {of.name}"], className="trail"),
            html.Div(
                [
                    dmc.Title([of.name, " ", language_tables.endonym(of)], order=1, className="language-name"),
                    html.Span(_badge(found), id="language-badge"),
                    listed_files.beside("language", _address(code, state, found)),
                    copied.button("language"),
                ],
                className="head",
            ),
            html.P(language_tables.facts(code), className="soft"),
            html.Div(
                [
                    controls.pick("language-source", "Benchmark", controls.SOURCES, state.source),
                    controls.pick("language-model", "Model", _models(state, found), _model(state, found)),
                ],
                className="filters",
                role="group",
                **aria(label="What to look at"),
            ),
            html.P(_sentence(found, problem), id="language-summary", role="status", className="summary"),
            html.Section(
                [
                    html.H2("Gain of each recipe"),
                    html.Div(shell.graph("language-graph"), id="language-bars", className="bars-box"),
                    html.P(
                        "Bars: mean over seeds with its 95 % interval. A dot: q below .05. Hatched bars are in no mean: the same data twice, "
                        "a control, or trained in the language.",
                        className="soft note",
                    ),
                ],
                id="language-gains",
                hidden=not _any(found),
            ),
            html.Div(_rest(found), id="language-rest"),
            html.Section(await _published(code)),
            dcc.Store(id="language-figures", data=await asyncio.to_thread(_drawn, found)),
            dcc.Store(id="language-code", data=code),
            dcc.Store(id="language-address", data=_address(code, state, found)),
            dcc.Store(id="language-asked", data=links.language(code) + (search or "")),
            html.Div(id="language-sink", hidden=True),
            shell.live("language", "pulse", "scheme"),
            shell.benchmark(*_benchmark(found)),
        ],
        className="page language-page",
    )  # fmt: skip


def _unknown(code: str) -> Any:
    try:
        language(code)
        said = ""
    except ValueError as error:
        said = f"{error}."
    nothing = html.Div([html.P(said), html.P(dcc.Link("All languages", href=links.LANGUAGE_LIST))], className="nothing")
    return html.Div([html.Div(dmc.Title("No such language", order=1), className="head"), nothing], className="page")


async def _ask(code: str, state: OneLanguage) -> tuple[LanguageDetail | None, CrossliftError | None]:
    """Without the model where nobody knows it."""
    for asked in (state, replace(state, model=None)):
        try:
            return await client().language(code, asked.source, asked.model), None
        except Invalid as error:
            problem: CrossliftError = error
        except CrossliftError as error:
            return None, error
    return None, problem


def _models(state: OneLanguage, found: LanguageDetail | None) -> list[Any]:
    return controls.options(found.models if found else [], _model(state, found), words.model_title)


def _model(state: OneLanguage, found: LanguageDetail | None) -> str | None:
    return found.model if found is not None else state.model


def _address(code: str, state: OneLanguage, found: LanguageDetail | None) -> str:
    return replace(state, model=_model(state, found)).address(code)


def _badge(found: LanguageDetail | None) -> Any:
    return shell.synthetic_badge() if _any(found) and found is not None and found.synthetic else None


def _benchmark(found: LanguageDetail | None) -> tuple[str | None, bool]:
    return (None, False) if found is None or found.model is None else (found.benchmark, found.synthetic)


def _any(found: LanguageDetail | None) -> bool:
    return found is not None and any(c.gain is not None for c in found.cells)


def _sentence(found: LanguageDetail | None, problem: CrossliftError | None) -> str:
    return language_tables.sentence(found) if found is not None else (problem.detail if problem is not None else "")


def _drawn(found: LanguageDetail | None) -> dict[str, Any] | None:
    return (
        figures.schemes(lambda theme: language_figures.bars(found, theme))
        if found is not None and _any(found)
        else None
    )


def _rest(found: LanguageDetail | None) -> list[Any]:
    if found is None:
        return []
    parts: list[Any] = []
    if _any(found):
        parts += [
            html.H2("The same as a table, with the gap to English"),
            html.P(language_tables.gap(found), className="summary"),
            language_tables.cells(found),
        ]
    gone = language_tables.missing(found)
    if gone:
        parts += [html.H2("Not run, failed, not applicable"), *gone]
    if found.near:
        parts += [
            html.H2("Nearest languages"),
            html.P(
                "By branch, family and script, among the languages of this benchmark. Word order and other typology are in no table here.",
                className="soft note",
            ),
            language_tables.near(found),
        ]
    return parts


async def _published(code: str) -> list[Any]:
    """Figures of papers in this language; they are beside ours and in none of our numbers."""
    title = html.H2("Published figures")
    try:
        page: Page[PublishedView] = await client().published(language=code, limit=PUBLISHED)
    except (Invalid, NotFound):
        return [title, html.P("No table of a paper that was read here has a figure in it.", className="soft")]
    except CrossliftError as error:
        return [title, html.P(error.detail, className="alarm")]
    there = Published(language=code).address
    said = f"{count(page.total, 'figure')} of papers, not ours" + (
        f"; the first {len(page.items)} are listed. " if page.total > len(page.items) else ". "
    )
    return [
        title,
        html.P([said, dcc.Link("All of them", href=there)], className="soft"),
        language_tables.published(page.items),
    ]


@callback(
    Output("language-summary", "children"),
    Output("language-badge", "children"),
    Output("language-model", "data"),
    Output("language-model", "value"),
    Output("language-gains", "hidden"),
    Output("language-figures", "data"),
    Output("language-rest", "children"),
    Output("language-address", "data"),
    Input("language-source", "value"),
    Input("language-model", "value"),
    Input("language-pulse", "children"),
    State("language-code", "data"),
    prevent_initial_call=True,
)
async def draw(source: Any, model: Any, _: Any, code: Any) -> Any:
    """Everything that shows our numbers, and the address, which names the model."""
    state = OneLanguage.read({k: v for k, v in {"source": source, "model": model}.items() if v})
    code = code if code in LANGUAGES else "en"
    found, problem = await _ask(code, state)
    return (
        _sentence(found, problem),
        _badge(found),
        _models(state, found),
        _model(state, found),
        not _any(found),
        await asyncio.to_thread(_drawn, found),
        _rest(found),
        _address(code, state, found),
    )


listed_files.listen("language")
clientside_callback(
    ClientsideFunction("findings", "paint"),
    Output("language-graph", "figure"),
    Output("language-graph", "style"),
    Input("language-figures", "data"),
    Input("language-scheme", "children"),
)
clientside_callback(
    ClientsideFunction("crosslift", "tell"),
    Output("language-sink", "children"),
    Input("language-address", "data"),
    State("language-asked", "data"),
)
copied.listen("language")
