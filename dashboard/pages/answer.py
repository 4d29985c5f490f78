"""The answer: what model size and compute do to transfer, as far as the gains of a benchmark say.

The address is the state, as on Explore. Everything is drawn from one answer of the API, which is fitted there when it is first asked
for after a run has ended.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import dash_mantine_components as dmc
from dash import (
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    dcc,
    html,
    no_update,
    register_page,
)

from backend.domain.answer import Answer
from backend.domain.experiment import BENCHMARKS
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import answer_figures, answer_tables, controls, copied, figures, links, shell
from dashboard.client import client
from dashboard.findings import left, settled
from dashboard.frozen import Table
from dashboard.look import count
from dashboard.plain_table import plain
from dashboard.shell import aria

register_page(__name__, path=links.ANSWER, title=f"Answer · {shell.NAME}", name="Answer")

EVERY = "all"  # formats
DRAWN = {
    "forest": answer_figures.forest,
    "size": answer_figures.size,
    "efficiency": answer_figures.efficiency,
}


async def layout(search: str | None = None, **_: object) -> Any:
    state = await settled(client(), links.Answer, search)
    found, problem = await _ask(state)
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title(answer_tables.TITLE, order=1),
                    html.Span(_badge(found), id="answer-badge"),
                    copied.button("answer"),
                ],
                className="head",
            ),
            html.Div(
                [
                    controls.pick("answer-source", "Benchmark", controls.SOURCES, state.source),
                    controls.pick("answer-format", "Targets of format", _formats(found, state), state.format or EVERY),
                ],
                className="filters",
                role="group",
                **aria(label="What to look at"),
            ),
            html.Div(_top(found, problem), id="answer-top", role="status"),
            html.Div(
                [
                    _section("forest", ["Effects ", shell.what("size-effect")]),
                    _section("size", ["Gain against size"]),
                    _section("efficiency", ["What a device-hour buys ", shell.what("per-hour")]),
                ],
                id="answer-figures",
                hidden=found is None,
            ),
            html.Div(_rest(found, state), id="answer-rest"),
            *(dcc.Store(id=f"answer-{name}-drawn", data=_drawn(found, name)) for name in DRAWN),
            dcc.Store(id="answer-digest", data=_digest(found, problem, state)),
            dcc.Store(id="answer-benchmark", data=_benchmark(found, state)),
            dcc.Store(id="answer-address"),
            dcc.Store(id="answer-asked", data=links.ANSWER + (search or "")),
            html.Div(id="answer-sink", hidden=True),
            shell.live("answer"),
            shell.benchmark(**_benchmark(found, state)),
        ],
        className="page answer-page",
    )


async def _ask(state: links.Answer) -> tuple[Answer | None, CrossliftError | None]:
    try:
        return await client().answer(state.source, state.format), None
    except CrossliftError as error:
        return None, error


def _section(name: str, title: list[Any]) -> Any:
    return html.Section(
        [
            html.H2(title),
            html.Div(
                shell.graph(f"answer-{name}-graph"),
                className="figure-box",
                role="region",
                tabIndex="0",
                **aria(label="".join(title[:1]).strip()),
            ),
        ]
    )


def _badge(found: Answer | None) -> Any:
    return shell.synthetic_badge() if found is not None and found.synthetic else None


def _benchmark(found: Answer | None, state: links.Answer) -> dict[str, Any]:
    synthetic = state.source == Source.MINI.value
    return {"name": found.benchmark if found is not None else BENCHMARKS[Source(state.source)], "synthetic": synthetic}


def _formats(found: Answer | None, state: links.Answer) -> list[dict[str, str]]:
    names = sorted({*(found.formats if found is not None else ()), *([state.format] if state.format else ())})
    return [
        {"value": EVERY, "label": "All formats"},
        *({"value": n, "label": n.replace("_", " ").capitalize()} for n in names),
    ]


def _drawn(found: Answer | None, name: str) -> dict[str, Any] | None:
    if found is None:
        return None
    draw = DRAWN[name]
    return figures.schemes(lambda theme: draw(found, theme))


def _digest(found: Answer | None, problem: CrossliftError | None, state: links.Answer) -> str:
    said = found.model_dump_json() if found is not None else str(problem)
    return hashlib.sha256(f"{state} {said}".encode()).hexdigest()[:16]


def _top(found: Answer | None, problem: CrossliftError | None) -> list[Any]:
    if found is None:
        return [html.P(problem.detail if problem is not None else "There is no answer.", className="alarm")]
    return [
        html.P(found.sentence, className="answer", id="answer-sentence"),
        html.Ul([html.Li(text) for text in found.also], className="answer-also"),
    ]


def _rest(found: Answer | None, state: links.Answer) -> list[Any]:
    """Tables, what to run next, methods, and the files."""
    if found is None:
        return []
    return [
        _part("What to run next", _next(found)),
        _details("The effects as a table", answer_tables.effects(found)),
        _details("The models as a table", answer_tables.models(found)),
        _details("Device time as a table", answer_tables.efficiency(found), "No device time was measured at these models."),
        _part("Sensitivity", [
            html.P("The effect of size again, without each part in turn: a finding that hangs on one of them is a finding about that one.", className="soft note"),
            _table("Sensitivity", answer_tables.sensitivity(found)),
        ]),
        _part("Failed and not learnt", [_table("Failed runs", answer_tables.failed(found))]) if found.failed else None,
        _details(f"Left out of it: {count(sum(entry.gains for entry in found.left_out), 'gain')}", answer_tables.left_out(found), "Nothing was left out."),
        _part("Methods", [html.Div([html.P(text) for text in found.methods], className="note methods")]),
        _part("Report and data", [
            html.P([
                "Figures, text and data as one file that opens without a network, and as a PDF. The data are the ",
                f"{count(found.gains, 'gain')} of single seeds that every number rests on; SHA-256 ", html.Code(found.data_sha256), ".",
            ], className="soft note"),
            html.Div([
                html.A("Report, one HTML file", href=state.report("html"), className="button-link", download=""),
                html.A("Report, PDF", href=state.report("pdf"), className="button-link", download=""),
                html.A("Data, CSV", href=state.report("csv"), className="button-link", download=""),
            ], className="onward"),
        ]),
    ]  # fmt: skip


def _part(title: str, children: list[Any]) -> Any:
    return html.Section([html.H2(title), *children])


def _next(found: Answer) -> list[Any]:
    if not found.next_steps:
        return [html.P(answer_tables.NOTHING_NEXT, className="note")]
    asked = [
        html.Details(
            [
                html.Summary(f"The experiment: {step.what}"),
                html.Pre(
                    json.dumps(step.request, indent=1, ensure_ascii=False), tabIndex="0", className="answer-request"
                ),
                html.P("A file with this text is what crosslift submit takes.", className="soft"),
            ],
        )
        for step in found.next_steps
        if step.request is not None
    ]
    return [_table("What to run next", answer_tables.next_steps(found)), *asked]


def _details(title: str, table: Table, nothing: str = "There is nothing yet.") -> Any:
    inside = _table(title, table) if table.rows else html.P(nothing, className="soft")
    return html.Details([html.Summary(title), inside], className="answer-details")


def _table(title: str, table: Table) -> Any:
    return plain(title, table.head, table.rows, table.numbers, boxed=False)


# --- callbacks ------------------------------------------------------------------------------------------------------


def _state(source: Any, format: Any) -> links.Answer:
    return links.Answer.read({"source": source, "format": None if format == EVERY else format})


@callback(
    Output("answer-top", "children"),
    Output("answer-rest", "children"),
    *(Output(f"answer-{name}-drawn", "data") for name in DRAWN),
    Output("answer-figures", "hidden"),
    Output("answer-badge", "children"),
    Output("answer-benchmark", "data"),
    Output("answer-format", "data"),
    Output("answer-digest", "data"),
    Input("answer-source", "value"),
    Input("answer-format", "value"),
    Input("answer-pulse", "children"),
    State("answer-digest", "data"),
    prevent_initial_call=True,
)
async def draw(source: Any, format: Any, _: Any, last: Any) -> Any:
    state = _state(source, format)
    found, problem = await _ask(state)
    digest = _digest(found, problem, state)
    if digest == last:
        return (no_update,) * (7 + len(DRAWN))
    return (
        _top(found, problem),
        _rest(found, state),
        *(_drawn(found, name) for name in DRAWN),
        found is None,
        _badge(found),
        _benchmark(found, state),
        _formats(found, state),
        digest,
    )


@callback(
    Output("answer-address", "data"),
    Input("answer-source", "value"),
    Input("answer-format", "value"),
)
async def tell(source: Any, format: Any) -> str:
    """The address of what is shown."""
    return await left(client(), _state(source, format))


def _in_browser(namespace: str, name: str, *arguments: Any, **options: Any) -> None:
    clientside_callback(ClientsideFunction(namespace, name), *arguments, **options)


for _name in DRAWN:
    _in_browser(
        "findings",
        "paint",
        Output(f"answer-{_name}-graph", "figure"),
        Output(f"answer-{_name}-graph", "style"),
        Input(f"answer-{_name}-drawn", "data"),
        Input("answer-scheme", "children"),
    )
_in_browser(
    "crosslift",
    "tell",
    Output("answer-sink", "children"),
    Input("answer-address", "data"),
    State("answer-asked", "data"),
)
_in_browser("findings", "benchmark", Input("answer-benchmark", "data"))
copied.listen("answer")
