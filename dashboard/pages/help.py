"""Help: every word and every formula, one paragraph each, at an address of its own: ``/help#gain``."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, clientside_callback, html, register_page

from dashboard import glossary, links, shell
from dashboard.glossary import Word
from dashboard.shell import aria

register_page(__name__, path=links.HELP, title=f"Help · {shell.NAME}", name="Help")


def layout(**_: object) -> Any:
    return html.Div(
        [
            dmc.Title("Help", order=1, className="help-title"),
            html.P(
                "Crosslift measures what an English intermediate task is worth for zero-shot cross-lingual transfer: fine-tune "
                "a multilingual encoder on the intermediate task, then on the English target task, evaluate it in every "
                "language, and subtract the score of the same without the intermediate task.",
                className="summary",
            ),
            html.Nav(_contents(), className="help-contents", **aria(label="On this page")),
            *(part for id, title, words in glossary.SECTIONS for part in _section(id, title, words)),
            html.H2("Keys", id="keys"),
            html.P(
                "Single keys do nothing while one types, and can be switched off on the sheet that ? opens. Tables move by "
                "arrow keys; Enter opens a cell.",
                className="help-text",
            ),
            html.Dl(shell.shortcut_list(), className="facts keys help-keys"),
            html.H2("Elsewhere", id="elsewhere"),
            html.P(
                [
                    "Everything on these pages can be asked for over HTTP: ",
                    html.A("description of the API", href="/api/docs"),
                    ". On the command line: ",
                    html.Code("crosslift --help"),
                    ".",
                ],
                className="help-text",
            ),
        ],
        className="page help",
        id="help-body",
    )


def _contents() -> list[Any]:
    """Every entry by name, section by section."""
    rows: list[Any] = []
    for id, title, words in glossary.SECTIONS:
        entries = [html.A(word.title, href=f"#{name}") for name, word in words.items()]
        rows.append(html.P([html.A(html.B(title), href=f"#{id}"), " ", *(p for e in entries for p in (e, " "))]))
    rows.append(html.P([html.A(html.B("Keys"), href="#keys")]))
    return rows


def _section(id: str, title: str, words: Any) -> list[Any]:
    return [html.H2(title, id=id), *(_entry(name, word) for name, word in words.items())]


def _entry(name: str, word: Word) -> Any:
    body: list[Any] = [
        html.H3([word.title, html.A("#", href=f"#{name}", className="anchor", **aria(label=f"Link to {word.title}"))]),
        html.P(word.plain, className="help-text"),
    ]
    if word.formula is not None:
        body.append(html.P(word.formula, className="formula"))
    if word.sources:
        body.append(html.P("; ".join(word.sources), className="soft help-text"))
    return html.Section(body, id=name, tabIndex="-1", className="help-entry")


clientside_callback(ClientsideFunction("shell", "anchor"), Output("help-body", "title"), Input("help-body", "id"))
