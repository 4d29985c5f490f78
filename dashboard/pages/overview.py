"""Overview: what has been learnt so far, in one screen; what runs now; and for an empty store what to do first.

The address is the state (model and benchmark). Numbers are asked for anew when a run has ended (``pulse``), what runs at
every beat of the clock.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
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

from backend.domain.experiment import BENCHMARKS
from backend.domain.gains import Verdict
from backend.domain.schemas import Overview, PairView
from backend.domain.task import Source
from backend.errors import CrossliftError, NotFound
from dashboard import learnt, links, pairs, recommended, shell, words
from dashboard.client import client
from dashboard.findings import left, settled
from dashboard.links import Overview as Place
from dashboard.look import THEMES, count, hours
from dashboard.shell import aria

register_page(__name__, path=links.OVERVIEW, title=f"Overview · {shell.NAME}", name="Overview")

SOURCES = [{"value": s.value, "label": BENCHMARKS[s] + ("" if s is Source.MINI else f", {s.value}")} for s in Source]
DEMO = "make demo"
SHOWN = 4  # experiments that run


async def layout(search: str | None = None, **_: object) -> Any:
    place = await settled(client(), Place, search)
    seen, problem = await _ask(place)
    if seen is not None:
        place = replace(place, model=learnt.model_of(seen, place.model))
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("Does an intermediate task help?", order=1),
                    html.Span(_badge(seen), id="overview-badge"),
                    dmc.Select(
                        id="overview-source", data=SOURCES, value=place.source, allowDeselect=False, size="xs",
                        className="overview-source", **aria(label="Benchmark"),
                    ),
                ],
                className="head",
            ),
            html.Div(_top(seen, problem), id="overview-top"),
            html.Div(
                [
                    html.Section(
                        [
                            html.Div(
                                [
                                    html.H2(["Mean gain by recipe and target ", shell.what("small-heatmap")]),
                                    dmc.Select(
                                        id="overview-model", data=_models(seen), value=place.model, allowDeselect=False, size="xs",
                                        className="overview-model", **aria(label="Model"),
                                    ),
                                ],
                                className="card-head",
                            ),
                            html.Div(shell.graph("overview-graph"), className="overview-figure"),
                            html.Div(_listed(seen, place.model), id="overview-pairs"),
                        ],
                        className="card wide",
                        id="overview-map",
                        hidden=seen is None or not seen.pairs,
                    ),
                    html.Div(
                        [
                            html.Section(
                                [html.H2("Now"), html.Div(await _now(), id="overview-now")], className="card", id="overview-live"
                            ),
                            html.Section(
                                [html.H2("Next best experiment"), html.Div(id="overview-next")],
                                className="card", id="overview-next-card", hidden=seen is None,
                            ),
                        ],
                        className="overview-side",
                    ),
                ],
                className="overview-lower",
            ),
            dcc.Store(id="overview-figures", data=_figures(seen, place.model)),
            dcc.Store(id="overview-digest", data=_digest(seen, place, problem)),
            dcc.Store(id="overview-address"),
            dcc.Store(id="overview-asked", data=links.OVERVIEW + (search or "")),
            html.Div(id="overview-sink", hidden=True),
            shell.live("overview"),
            html.Div(id="overview-went", hidden=True),
            shell.benchmark(seen.benchmark if seen else None, seen.synthetic if seen else place.source == Source.MINI.value),
        ],
        className="page overview",
    )  # fmt: skip


async def _ask(place: Place) -> tuple[Overview | None, CrossliftError | None]:
    try:
        return await client().overview(place.source), None
    except CrossliftError as error:
        return None, error


def _badge(seen: Overview | None) -> Any:
    return shell.synthetic_badge() if seen is not None and seen.synthetic else None


def _digest(seen: Overview | None, place: Place, problem: CrossliftError | None) -> str:
    said = seen.model_dump_json() if seen is not None else f"{problem}"
    return hashlib.sha256(f"{place} {said}".encode()).hexdigest()[:16]


# --- what has been learnt ----------------------------------------------------------------------------------------------


def _top(seen: Overview | None, problem: CrossliftError | None) -> list[Any]:
    if seen is None:
        return first_steps(problem)
    size = learnt.by_size(seen)
    return [
        html.P(learnt.answer(seen), className="answer", role="status"),
        html.P(size, className="soft answer-more") if size else None,
        html.Div([_verdicts(seen), *_cards(seen)], className="cards"),
    ]


def _verdicts(seen: Overview) -> Any:
    tiles = [
        html.Li(
            dcc.Link(
                [html.B(f"{seen.verdicts.get(v, 0):,}"), html.Span(learnt.HEADLINES[v])],
                href=learnt.where(seen, v),
                className=f"verdict-tile {v.name.lower().replace('_', '-')}",
            )
        )
        for v in Verdict
    ]
    return _card(["Cells by verdict ", shell.what("verdict")], [html.Ul(tiles, className="verdict-tiles")], "wide-card")


def _cards(seen: Overview) -> list[Any]:
    nothing = html.P("none yet", className="soft")
    best, worth = learnt.best(seen), learnt.best_per_hour(seen)
    share = 100 * seen.cells / seen.cells_possible if seen.cells_possible else 0.0
    said = [html.P(text, className="card-number small") for text in learnt.spent(seen)]
    return [
        _card(
            ["Largest mean gain ", shell.what("means")], [_pair(seen, best, learnt.pair_gain(best))] if best else [nothing]
        ),
        _card(
            ["Most per device-hour ", shell.what("per-hour")],
            [_pair(seen, worth, learnt.per_hour(worth), small=True)] if worth else [nothing],
        ),
        _card(
            ["Coverage ", shell.what("coverage")],
            [
                html.P(f"{seen.cells:,} of {count(seen.cells_possible, 'cell')}", className="card-number small"),
                dmc.Progress(value=round(share, 1), size="md", **aria(label="Coverage")),
                html.P(f"{share:.0f} % of what was asked for has a gain", className="soft"),
            ],
        ),
        _card(
            ["Spent ", shell.what("marginal")],
            [*(said or [nothing]), html.P(f"{count(seen.runs_done, 'run')} of {count(seen.experiments, 'experiment')}", className="soft")],
        ),
    ]  # fmt: skip


def _card(title: list[Any], body: list[Any], extra: str = "") -> Any:
    return html.Section([html.H2(title), *body], className=f"card {extra}".strip())


def _pair(seen: Overview, pair: PairView, number: str, *, small: bool = False) -> Any:
    return html.Div(
        [
            html.P(dcc.Link(learnt.pair_title(pair), href=learnt.explore(seen, pair)), className="card-name"),
            html.P(number, className="card-number small" if small else "card-number"),
            html.P(f"{words.model_title(pair.model)} · {learnt.pair_support(pair)}", className="soft"),
        ]
    )


# --- pairs -------------------------------------------------------------------------------------------------------------


def _models(seen: Overview | None) -> list[dict[str, str]]:
    return [{"value": m, "label": words.model_title(m)} for m in seen.models] if seen else []


def _figures(seen: Overview | None, model: str | None) -> dict[str, Any] | None:
    if seen is None or not seen.pairs or model is None:
        return None
    return {name: pairs.heatmap(seen, model, theme).to_plotly_json() for name, theme in THEMES.items()}


def _listed(seen: Overview | None, model: str | None) -> Any:
    """The figure's numbers as a table: for a phone, a keyboard, a screen reader."""
    some = [p for p in seen.pairs if p.model == model] if seen else []
    if seen is None or not some:
        return None
    head = ("Recipe → target", "Mean gain", "Over", "Seeds", "Device time", "By its interval")
    lines = [
        html.Tr(
            [
                html.Th(dcc.Link(learnt.pair_title(p), href=learnt.explore(seen, p)), scope="row"),
                html.Td(
                    learnt.pair_gain(p)
                    + (f" {pairs.TWICE}" if p.same_data_twice else "")
                    + (f" {words.TRAINED}" if p.not_zero_shot else ""),
                    title=words.not_zero_shot(p) if p.not_zero_shot else None,
                    className="number",
                ),
                html.Td(f"{p.k} of {p.n}", className="number"),
                html.Td(str(p.seeds), className="number"),
                html.Td(hours(p.device_hours_marginal), className="number"),
                html.Td(p.verdict.value if p.verdict else "–"),
            ]
        )
        for p in sorted(some, key=lambda p: -p.gain)
    ]
    twice = any(p.same_data_twice for p in some)
    return [
        html.Details(
            [
                html.Summary("As a table"),
                html.Div(
                    html.Table(
                        [html.Thead(html.Tr([html.Th(h, scope="col") for h in head])), html.Tbody(lines)],
                        className="plain-table",
                    ),
                    className="scroll",
                ),
            ]
        ),
        html.P(f"{pairs.TWICE} {words.SAME_DATA_TWICE}: not in headline means, nor among the best.", className="soft")
        if twice
        else None,
        html.P("A dot: the 95 % interval of the mean leaves out zero, one mean at a time.", className="soft"),
    ]


# --- now, and first ------------------------------------------------------------------------------------------------------


async def _now() -> list[Any]:
    """What runs, and what waits."""
    try:
        queue, found = await client().queue(), (await client().experiments()).items
    except CrossliftError as error:
        return [html.P(error.detail, className="alarm")]
    live = words.live(found)
    body: list[Any] = [html.P(dcc.Link(words.activity(queue), href=links.QUEUE), className="now-line")]
    for e in live[:SHOWN]:
        body.append(
            html.Div(
                [
                    dcc.Link(e.name, href=links.experiment(e.id), className="now-name"),
                    dmc.Progress(value=round(100 * e.progress, 1), size="sm", **aria(label=f"Progress of {e.name}")),
                    html.Span(words.progress(e, datetime.now(UTC)), className="soft"),
                ],
                className="now-row",
            )
        )
    if len(live) > SHOWN:
        body.append(html.P(dcc.Link(f"and {len(live) - SHOWN} more", href=links.EXPERIMENTS), className="soft"))
    if not live:
        last = [e for e in found if e.finished_at is not None][:3]
        body.append(html.P("Nothing runs." + (" Last:" if last else ""), className="soft"))
        body += [
            html.P([dcc.Link(e.name, href=links.experiment(e.id)), html.Span(f" · {e.state}", className="soft")], className="now-last")
            for e in last
        ]  # fmt: skip
    return body


def first_steps(problem: CrossliftError | None) -> list[Any]:
    """What an empty store needs, or why nothing can be read."""
    if problem is not None and not isinstance(problem, NotFound):
        return [
            html.Div(
                [
                    html.H2("The numbers cannot be read"),
                    html.P(problem.detail),
                    html.P("This page tries again by itself."),
                ],
                className="nothing",
            )
        ]
    return [
        html.Div(
            [
                html.H2("Nothing has been run on this benchmark yet"),
                html.P(
                    "Crosslift compares what an encoder scores with and without an intermediate task, language by language, and "
                    "says what that costs. It needs an experiment first. Either:"
                ),
                html.Ol(
                    [
                        html.Li(
                            [
                                html.P([html.B("Let the demo run. "), "Small encoders learn on a synthetic benchmark; a laptop's "
                                        "processor is enough. In the folder that you cloned:"]),
                                dmc.Code(DEMO, block=True, className="command"),
                            ]
                        ),
                        html.Li(
                            [
                                html.P([html.B("Put your own together. "), "Choose models, recipes, targets and seeds; see what it "
                                        "would cost before anything runs."]),
                                dcc.Link("New experiment", href=links.NEW, className="button-link"),
                            ]
                        ),
                    ],
                    className="first-steps",
                ),
                html.P(["This page fills itself while they work. ", dcc.Link("What the words mean", href=links.HELP), "."]),
            ],
            className="nothing",
        )
    ]  # fmt: skip


# --- callbacks -------------------------------------------------------------------------------------------------------


@callback(
    Output("overview-top", "children"),
    Output("overview-figures", "data"),
    Output("overview-pairs", "children"),
    Output("overview-map", "hidden"),
    Output("overview-badge", "children"),
    Output("overview-model", "data"),
    Output("overview-model", "value"),
    Output("overview-digest", "data"),
    Output("benchmark", "data", allow_duplicate=True),
    Input("overview-source", "value"),
    Input("overview-model", "value"),
    Input("overview-pulse", "children"),
    State("overview-digest", "data"),
    prevent_initial_call=True,
)
async def draw(source: Any, model: Any, _: Any, last: Any) -> Any:
    """Everything that shows numbers; nothing, where they are the same as before."""
    place = Place.read({"source": source, "model": model})
    seen, problem = await _ask(place)
    if seen is not None:
        place = replace(place, model=learnt.model_of(seen, place.model))
    digest = _digest(seen, place, problem)
    if digest == last:
        return (no_update,) * 9
    synthetic = seen.synthetic if seen else place.source == Source.MINI.value
    return (
        _top(seen, problem),
        _figures(seen, place.model),
        _listed(seen, place.model),
        seen is None or not seen.pairs,
        _badge(seen),
        _models(seen),
        no_update if place.model == model else place.model,
        digest,
        {"name": seen.benchmark if seen else None, "synthetic": synthetic},
    )


@callback(
    Output("overview-next", "children"),
    Output("overview-next-card", "hidden"),
    Input("overview-source", "value"),
    Input("overview-pulse", "children"),
)
async def next_best(source: Any, _: Any) -> Any:
    """What to run next; it comes after the numbers, which do not wait for it. Of a benchmark without any there is no such card."""
    try:
        found = await client().recommendations(Place.read({"source": source}).source)
    except CrossliftError as error:
        return [html.P(error.detail, className="soft")], False
    return recommended.card(found), not found.items and not found.records


@callback(Output("overview-now", "children"), Input("overview-clock", "children"), prevent_initial_call=True)
async def now(_: Any) -> Any:
    return await _now()


@callback(
    Output("overview-address", "data"),
    Input("overview-source", "value"),
    Input("overview-model", "value"),
)
async def tell(source: Any, model: Any) -> str:
    """The address of what is shown."""
    return await left(client(), Place.read({"source": source, "model": model or None}))


clientside_callback(
    ClientsideFunction("crosslift", "paint"),
    Output("overview-graph", "figure"),
    Output("overview-graph", "style"),
    Input("overview-figures", "data"),
    Input("overview-scheme", "children"),
)
clientside_callback(
    ClientsideFunction("crosslift", "tell"),
    Output("overview-sink", "children"),
    Input("overview-address", "data"),
    State("overview-asked", "data"),
)
clientside_callback(
    ClientsideFunction("shell", "follow"),
    Output("overview-went", "children"),
    Input("overview-graph", "clickData"),
    prevent_initial_call=True,
)
