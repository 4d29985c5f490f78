"""Submission check: what would be said of a submission to XTREME or XTREME-R, before it is sent in; and one from our own runs.

A folder is put together as an archive in the browser, sent to the API and checked there; nothing of it is kept. What the API answers
is drawn here. (``assets/submit.js`` sends.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import Input, Output, callback, dcc, html, no_update, register_page
from pydantic import ValidationError

from backend.domain.account import Role
from backend.domain.submission import SubmissionCheck, SubmissionChoice
from backend.errors import CrossliftError
from dashboard import controls, going, links, shell, submitted, words
from dashboard.client import client
from dashboard.links import Submit
from dashboard.shell import aria

register_page(__name__, path=links.SUBMIT, title=f"Submission check · {shell.NAME}", name="Submission check")

NONE = "none"
BENCHMARKS = {"xtreme-r": "XTREME-R", "xtreme": "XTREME"}
LAYOUT = "{task}/test-{language}.tsv (.json, .jsonl)"


async def layout(search: str | None = None, **_: object) -> Any:
    state = Submit.of(search or "")
    return html.Div(
        [
            html.Div([dmc.Title("Submission check", order=1)], className="head"),
            html.P(
                [
                    "Before a submission is sent in: is every file of every task and language there, can it be read, has it as many lines as "
                    "it should have, and what would it score? It is checked on this installation's server, and nothing of it is kept.",
                ],
                className="summary published-intro",
            ),
            html.Div(
                [controls.choose("submit-benchmark", "Benchmark", BENCHMARKS, state.benchmark)],
                className="filters", role="group", **aria(label="What to check"),
            ),
            shell.lacking(Role.SUBMITTER, "To check a submission"),
            _drop(),
            html.Div(id="submit-result"),
            html.Section(await _own(state), className="step submit-own", **aria(label="From these runs")),
            dcc.Store(id="submit-answer"),
            *going.stores("submit", state.address, links.SUBMIT + (search or "")),
        ],
        className="page submission",
    )  # fmt: skip


def _drop() -> Any:
    guard = shell.guard(Role.SUBMITTER)
    return html.Section(
        [
            html.Div(
                [
                    html.P(["Drop a folder or a ZIP here: ", html.Code(LAYOUT)]),
                    html.Div(
                        [
                            html.Button("Choose a folder", id="submit-folder", className="button-link", type="button", **guard),
                            html.Button("Choose a ZIP", id="submit-file", className="button-link", type="button", **guard),
                        ],
                        className="share-actions",
                    ),
                    html.P(
                        [
                            "Labels, if you have them, in a folder ", html.Code("labels"), " beside the tasks; else those under the "
                            "data root are taken. At most 64 MB, compressed.",
                        ],
                        className="soft",
                    ),
                ],
                id="submit-drop",
            ),
            html.P(id="submit-said", className="soft", role="status"),
        ],
        **aria(label="A submission of your own"),
    )  # fmt: skip


# --- from stored predictions -------------------------------------------------------------------------------------------


async def _own(state: Submit) -> list[Any]:
    """Build one from an experiment's stored predictions, and check it."""
    head: list[Any] = [
        html.H2("From these runs", className="imports-heading"),
        html.P(
            "Stored predictions of an experiment make a submission: one for each model, recipe and seed.",
            className="soft",
        ),
    ]
    try:
        experiments = (await client().experiments(limit=100)).items
        found = await client().submissions(state.experiment, state.benchmark) if state.experiment else []
    except CrossliftError as error:
        return [*head, html.P(error.detail, className="alarm")]
    options = [{"value": NONE, "label": "choose one" if experiments else "none yet"}]
    options += [{"value": str(e.id), "label": f"{e.id}: {e.name}"} for e in experiments]
    if state.experiment and state.experiment not in {o["value"] for o in options}:
        options.append({"value": state.experiment, "label": f"experiment {state.experiment}"})
    pick = controls.pick("submit-experiment", "Experiment", options, state.experiment or NONE, searchable=True)
    head.append(html.Div(pick, className="filters", role="group", **aria(label="Whose predictions")))
    if state.experiment is None:
        return head
    if not found:
        return [
            *head,
            html.P(f"It has no finished evaluation of a task of {BENCHMARKS[state.benchmark]}.", className="soft"),
        ]
    return [*head, _choices(found, state), *await _checked(state)]


def _choices(found: list[SubmissionChoice], state: Submit) -> Any:
    names = ("Model", "Recipe", "Seed", "Tasks", "Check", "ZIP")
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(name, scope="col") for name in names])),
                html.Tbody([_choice(each, state) for each in found]),
            ],
            className="plain-table",
        ),
        className="scroll",
    )


def _choice(each: SubmissionChoice, state: Submit) -> Any:
    seed = None if each.seed is None else str(each.seed)
    of = replace(state, model=each.model, recipe=each.recipe, seed=seed)
    here = of == state
    every = len(each.tasks) + len(each.missing)
    missing = f"without {', '.join(each.missing)}" if each.missing else "all of them"
    label = f"{each.model}, {each.recipe}, seed {each.seed}"
    return html.Tr(
        [
            html.Th(words.model_title(each.model), scope="row"),
            html.Td(html.Code(each.recipe)),
            html.Td("none" if seed is None else seed),
            html.Td([", ".join(each.tasks), html.Span(f" ({len(each.tasks)} of {every})", className="soft")], title=missing),
            html.Td(html.B("below") if here else dcc.Link("Check", href=of.address, title=f"Check {label}")),
            html.Td(
                [
                    html.A("Build zip", href=of.archive(), download="", title=f"Zip of {label}"), " · ",
                    html.A("labels", href=of.archive(gold=True), download="", title=f"Labels for {label}"),
                ]
            ),
        ],
        className="submit-here" if here else "",
    )  # fmt: skip


async def _checked(state: Submit) -> list[Any]:
    if state.experiment is None or state.model is None or state.recipe is None:
        return []
    asked = {"benchmark": state.benchmark, "model": state.model, "recipe": state.recipe}
    asked |= {"seed": state.seed} if state.seed is not None else {}
    try:
        found = await client().check_stored(state.experiment, asked)
    except CrossliftError as error:
        return [html.P(error.detail, className="alarm")]
    return submitted.panel(found)


# --- callbacks ---------------------------------------------------------------------------------------------------------


@callback(Output("submit-result", "children"), Input("submit-answer", "data"), prevent_initial_call=True)
async def draw(answer: Any) -> Any:
    """What the API said of what was sent."""
    if not isinstance(answer, dict):
        return no_update
    if isinstance(answer.get("problem"), str):
        return html.Div(
            [html.H2("It cannot be checked"), html.P(answer["problem"][:2000], className="alarm")], className="nothing"
        )
    try:
        return submitted.panel(SubmissionCheck.model_validate(answer.get("found")))
    except ValidationError:
        return html.P("The answer cannot be read.", className="alarm")


def _to(name: str, value: Any, search: str) -> str:
    state = Submit.of(search)
    if name == "benchmark":
        return replace(state, benchmark=Submit.read({"benchmark": value}).benchmark).address
    return Submit.read({"benchmark": state.benchmark, "experiment": value}).address


going.listen("submit", ("benchmark", "experiment"), _to)
