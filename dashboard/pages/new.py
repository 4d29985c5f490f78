"""New experiment: the form, and beside it what submitting it would do.

The address is the draft. Each change of a control gives a new address (``tell``), which ``assets/new.js`` puts into the
address bar and, when nothing has changed for a moment, hands to ``check``: that asks the API for a preview and draws
everything that follows from the draft. So typing never waits for an answer, and a reload gives the same form. The browser keeps the
last draft that was not sent, and offers it on a blank form.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
    ctx,
    dcc,
    html,
    no_update,
    register_page,
)

from backend.domain.account import Role
from backend.domain.experiment import ExperimentRequest
from backend.domain.language import ENGLISH
from backend.domain.run import digest
from backend.domain.schemas import Preview
from backend.errors import CrossliftError, Invalid, NotFound
from dashboard import (
    adaptation,
    builder,
    checked,
    draft,
    form,
    links,
    recommended,
    shell,
    states,
    stepper,
    untried,
    used,
)
from dashboard.client import client
from dashboard.draft import FIELDS, Draft
from dashboard.shell import aria

register_page(__name__, path=links.NEW, title=f"New experiment · {shell.NAME}", name="New experiment")

TEXTS = [n for n in FIELDS if n not in form.CHIPS]  # fields whose control shows its own error
LOCAL = "http://127.0.0.1:8321"  # until the browser has said where it is


async def layout(search: str | None = None, **_: object) -> Any:
    origin, lost = draft.origin_of(search or ""), None
    parent: ExperimentRequest | None = None
    if origin is not None:
        try:
            parent = await _parent(origin)
        except CrossliftError as error:
            lost = error.detail
    with suppress(CrossliftError):  # the form says what it finds without the API too
        await client().models()
    shown = draft.read(search or "", parent)
    preview, errors = await _check(shown)
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("New experiment", order=1),
                    html.Span("models × recipes × targets × seeds", className="soft"),
                ],
                className="head",
            ),
            html.P(f"{lost} The form below is blank." if lost else None, className="alarm", role="alert"),
            html.Div(
                [
                    html.Span(id="new-draft-said"),
                    html.Button("Restore it", id="new-draft-take", className="button-link small"),
                    html.Button("Discard it", id="new-draft-drop", className="button-link small"),
                ],
                id="new-draft",
                className="clone-note",
                hidden=True,
                role="status",
            ),
            html.Div(form.clone_note(shown), id="new-diff", className="clone-note", role="status"),
            stepper.tabs(shown.step, errors),
            html.Div(
                [
                    html.Div(
                        [form.form(shown), html.Div(_used(preview), id="new-used", className="new-used of-step-3")],
                        className="new-left",
                    ),
                    _aside(shown, preview, errors),
                ],
                className="new-page",
                id="new-page",
                **shell.data(step=str(shown.step)),
            ),
            stepper.foot(),
            dcc.Store(id="new-from", data={"origin": shown.origin, "base": dict(shown.base)}),
            dcc.Store(id="new-fill", data=shown.fill),
            dcc.Store(id="new-step", data=shown.step),
            dcc.Store(id="new-key", data=str(uuid.uuid4())),
            dcc.Store(id="new-address"),
            dcc.Store(id="new-asked"),
            dcc.Store(id="new-go"),
            html.Div(id="new-sink", hidden=True),
            shell.live("new", "pulse"),
        ],
        className="page",
    )


def _aside(shown: Draft, preview: Preview | None, errors: Mapping[str, str]) -> Any:
    top, rest = checked.checked(shown, preview, errors, datetime.now(UTC))
    code = {
        "yaml": ("YAML", shown.yaml),
        "curl": ("curl", shown.curl(LOCAL)),
        "cli": ("Command line", shown.command),
    }
    return html.Div(
        [
            html.Section(
                [
                    html.H2([html.Span("4", className="step-number", **aria(hidden="true")), "Check"]),
                    html.Div(
                        [
                            html.Div(top, id="new-check", **aria(live="polite")),
                            html.Div(id="new-expected"),
                            html.Div(rest, id="new-check-more"),
                        ],
                        id="new-preview",
                    ),
                    html.Div(
                        [
                            dmc.Button(checked.button(preview), id="new-submit", size="md", **shell.guard(Role.SUBMITTER)),
                            html.Span(checked.results_link(shown), id="new-results"),
                        ],
                        className="submit",
                    ),
                    shell.lacking(Role.SUBMITTER, "To submit"),
                    html.Div(id="new-said", className="field-error", role="alert"),
                ],
                className="step check",
                **aria(label="Check"),
            ),
            html.Section(
                [
                    html.H2("The same, elsewhere"),
                    dmc.Tabs(
                        [
                            dmc.TabsList([dmc.TabsTab(label, value=name) for name, (label, _) in code.items()]),
                            *(
                                dmc.TabsPanel(
                                    [
                                        states.copy_button(f"new-{name}"),
                                        html.Pre(text, id=f"new-{name}", className="code", tabIndex="0"),
                                    ],
                                    value=name,
                                    className="code-panel",
                                )
                                for name, (_, text) in code.items()
                            ),
                        ],
                        value="yaml",
                        keepMounted=True,
                    ),
                    html.Details(
                        [
                            html.Summary("Fill the form from YAML"),
                            dcc.Upload(
                                html.Span("Choose a file, or drop one here"), id="new-file", className="upload",
                                accept=".yaml,.yml,.json", max_size=draft.LARGEST_TEXT,
                            ),
                            dmc.Textarea(
                                id="new-paste", label="or paste it", value="", autosize=True, minRows=4, maxRows=14,
                                size="sm", classNames={"input": "mono"},
                            ),
                            dmc.Button("Fill the form", id="new-read", variant="default", size="sm", mt="sm"),
                            html.Div(id="new-read-said", className="field-error", role="alert"),
                        ],
                        className="paste",
                    ),
                ],
                className="step elsewhere",
            ),
        ],
        className="new-aside of-step-4",
    )  # fmt: skip


def _used(preview: Preview | None) -> list[Any]:
    return [] if preview is None else used.used(preview.settings)


async def _parent(origin: str) -> ExperimentRequest:
    """What is copied: an experiment, or what a run is of in the first experiment that asked for it.

    Raises:
        NotFound: there is no such experiment or run, or nobody asked for it.
    """
    if not origin.startswith("run-"):
        return (await client().experiment(int(origin))).request
    run = await client().run(int(origin.removeprefix("run-")))
    if not run.experiments:
        raise NotFound(f"Run {run.id} is of no experiment, so there is nothing to copy.")
    return draft.of_run((await client().experiment(run.experiments[0])).request, run)


# --- asking the API ------------------------------------------------------------------------------------------------


async def _check(shown: Draft) -> tuple[Preview | None, dict[str, str]]:
    """A preview, or what is wrong, by field. Nothing is asked while something has yet to be chosen."""
    if shown.missing:
        return None, {}
    body = shown.body
    try:
        return await client().preview(body), {}
    except CrossliftError as error:
        return None, draft.at_fields(error, body)


def _said(values: Sequence[Any], start: Any, fill: Any = False, step: Any = 1) -> Draft:
    """What the controls say. They come from a browser: whatever they hold is made text."""
    begun = start if isinstance(start, dict) else {}
    base = {**draft.BLANK, **{k: str(v) for k, v in (begun.get("base") or {}).items() if k in FIELDS}}
    origin = begun.get("origin")
    said = {name: draft.tidy(name, value) for name, value in zip(FIELDS, values, strict=True)}
    known = origin if isinstance(origin, str) and draft.ORIGIN.fullmatch(origin) else None
    return Draft(said, base, known, fill is True, step if step in range(1, 5) else 1)


def _errors(errors: Mapping[str, str]) -> list[Any]:
    """In the order of ``ERRORS``."""
    return [errors.get(n) for n in (*form.CHIPS, *TEXTS)]


ERRORS = [(f"new-error-{n}", "children") for n in form.CHIPS] + [(f"new-{n}", "error") for n in TEXTS]
CONTROLS = [f"new-{name}" for name in FIELDS]


# --- callbacks --------------------------------------------------------------------------------------------------------


@callback(
    Output("new-address", "data"),
    *(Input(id, "value") for id in CONTROLS),
    Input("new-fill", "data"),
    Input("new-step", "data"),
    State("new-from", "data"),
)
async def tell(*said: Any) -> str:
    """The address of the draft."""
    *values, fill, step, start = said
    return _said(values, start, fill, step).address


@callback(
    Output("new-check", "children"),
    Output("new-check-more", "children"),
    Output("new-used", "children"),
    Output("new-diff", "children"),
    Output("new-yaml", "children"),
    Output("new-curl", "children"),
    Output("new-cli", "children"),
    Output("new-submit", "children"),
    Output("new-results", "children"),
    Output("new-name", "placeholder"),
    Output("new-languages", "data"),
    Output("new-translate_train", "data"),
    *(Output(id, prop) for id, prop in ERRORS),
    *(Output(f"new-mark-{n}", "children") for n in FIELDS),
    *(Output(f"new-step-{n}", "className") for n in draft.STEPS),
    Input("new-asked", "data"),
    Input("new-pulse", "children"),
    *(State(id, "value") for id in CONTROLS),
    State("new-from", "data"),
    prevent_initial_call=True,
)
async def check(asked: Any, _: Any, *said: Any) -> Any:
    """Everything that follows from the draft, as the controls stand now."""
    shown = _said(said[:-1], said[-1])
    preview, errors = await _check(shown)
    where = asked.get("origin") if isinstance(asked, dict) else None
    marks = form.marks(shown)
    return (
        *checked.checked(shown, preview, errors, datetime.now(UTC)),
        _used(preview),
        form.clone_note(shown),
        shown.yaml,
        shown.curl(where if isinstance(where, str) else LOCAL),
        shown.command,
        checked.button(preview),
        checked.results_link(shown),
        shown.title,
        form.languages_of(shown.said["source"], shown.entries("targets")),
        form.translation_options(shown.said["source"], shown.entries("targets")),
        *_errors(errors),
        *(marks[n] for n in FIELDS),
        *stepper.marked(errors),
    )


@callback(
    Output("new-expected", "children"),
    Input("new-asked", "data"),
    Input("new-pulse", "children"),
    *(State(id, "value") for id in CONTROLS),
    State("new-from", "data"),
    prevent_initial_call=True,
)
async def expect(_: Any, __: Any, *said: Any) -> list[Any]:
    """What its rows without a gain may be expected to find; nothing while something is missing or wrong, which ``check`` says."""
    shown = _said(said[:-1], said[-1])
    if shown.missing:
        return []
    try:
        return recommended.expected(await client().expect(shown.body))
    except CrossliftError:
        return []


@callback(Output("new-next", "children"), Input("new-source", "value"))
async def recommend(source: Any) -> list[Any]:
    """What to run next in this benchmark; it comes after the form, which does not wait for it."""
    try:
        return recommended.section(await client().recommendations(str(source)))
    except CrossliftError as error:
        return [html.H3("What to run next"), html.P(error.detail, className="soft")]


@callback(
    Output("new-gaps", "children"),
    Input("new-fill", "data"),
    Input("new-asked", "data"),
    *(State(id, "value") for id in CONTROLS),
    State("new-from", "data"),
    State("new-step", "data"),
)
async def gaps(fill: Any, _: Any, *said: Any) -> list[Any]:
    """The cells that nobody has run, of what is chosen."""
    if fill is not True:
        return []
    *values, start, step = said
    try:
        return await untried.look(client(), _said(values, start, True, step))
    except CrossliftError as error:
        return [html.H3("Missing cells"), html.P(error.detail, className="soft")]


@callback(
    Output("new-models", "children"),
    Output("new-targets", "children"),
    Output("new-recipes", "children"),
    Output("new-targets", "value"),
    Output("new-recipes", "value"),
    Output("new-seeds", "value"),
    Output("new-mix", "data"),
    Output("new-mix", "value"),
    Output("new-add-said", "children"),
    Output("new-build-languages", "data"),
    Output("new-build-mlm_languages", "data"),
    *(Output(f"new-build-{name}", "error") for name in builder.FIELDS),
    Output("new-build", "open"),
    Input("new-source", "value"),
    Input("new-add", "n_clicks"),
    *(Input(f"new-fill-{name}", "n_clicks") for name in form.FILLS),
    *(Input(f"new-seeds-{n}", "n_clicks") for n in form.SEEDS),
    State("new-models", "value"),
    State("new-targets", "value"),
    State("new-recipes", "value"),
    State("new-kind", "value"),
    State("new-mix", "value"),
    *(State(f"new-build-{name}", "value") for name in builder.SET),
    prevent_initial_call=True,
)
async def offer(source: Any, *said: Any) -> Any:
    """What there is to choose from, and the quick fills."""
    said, chosen = said[: -len(builder.SET)], builder.said(said[-len(builder.SET) :])
    models, targets, recipes, kind, mix = said[-5:]
    source, models, targets, recipes = str(source), list(models or ()), list(targets or ()), list(recipes or ())
    what = str(ctx.triggered_id)
    wrong: dict[str, str] = {}
    seeds: Any = no_update
    if what == "new-add":
        made, wrong = builder.built(str(kind), [str(t) for t in mix or ()], chosen)
        if made is not None and made not in recipes:
            recipes = [*recipes, made]
    elif what.startswith("new-fill-"):
        recipes, targets = form.filled(what.removeprefix("new-fill-"), source, recipes, targets)
    elif what.startswith("new-seeds-"):
        seeds = ", ".join(str(s) for s in range(int(what.removeprefix("new-seeds-"))))
    return (
        form.model_chips(source, models),
        form.target_chips(source, targets),
        form.recipe_chips(source, recipes),
        targets,
        recipes,
        seeds,
        form.task_options(source),
        [] if what == "new-add" and not wrong else no_update,
        wrong.get("") or ("Not added: look below." if wrong else None),
        form.language_choices([ENGLISH, *builder.trained_in(source)]),
        form.language_choices(builder.text_in(source)),
        *(wrong.get(name) for name in builder.FIELDS),
        True if any(wrong) else no_update,
    )


@callback(
    Output("new-build-before", "value"),
    Output("new-mix", "value", allow_duplicate=True),
    Input("new-build-next", "n_clicks"),
    State("new-build-before", "value"),
    State("new-mix", "value"),
    prevent_initial_call=True,
)
async def before(_: Any, stages: Any, mix: Any) -> Any:
    """The chosen tasks become a stage of their own, before those that are chosen next."""
    if not mix:
        return no_update, no_update
    stage = "+".join(str(t) for t in mix)
    return f"{stages}>{stage}" if stages else stage, []


@callback(
    Output("new-build-said", "children"),
    *(Input(f"new-build-{name}", "value") for name in builder.SET),
    prevent_initial_call=True,
)
async def sum_up_build(*values: Any) -> str:
    """The one line of what is set beside the tasks."""
    return builder.summary(builder.said(values))


@callback(
    Output("new-go", "data"),
    Output("new-said", "children"),
    *(Output(id, prop, allow_duplicate=True) for id, prop in ERRORS),
    Input("new-submit", "n_clicks"),
    State("new-key", "data"),
    *(State(id, "value") for id in CONTROLS),
    State("new-from", "data"),
    prevent_initial_call=True,
    running=[(Output("new-submit", "loading"), True, False)],
)
async def submit(_: Any, key: Any, *said: Any) -> Any:
    """Submit what the controls say now. Two clicks on one form make one experiment: the key is minted with the form, and
    goes with what was submitted, so that a form that was changed afterwards is another request."""
    shown = _said(said[:-1], said[-1])
    body = shown.body
    try:
        made = await client().submit(body, f"{str(key)[:60]}-{digest(body)[:16]}")
    except CrossliftError as error:
        errors = draft.at_fields(error, body)
        wrong = ", ".join(draft.LABELS[n] for n in errors if n)
        return (
            no_update,
            f"Not submitted. Look at: {wrong}." if wrong else f"Not submitted. {errors.get('', error.detail)}",
            *_errors(errors),
        )
    return {"address": links.experiment(made.id), "sent": True}, None, *_errors({})


@callback(
    Output("new-go", "data", allow_duplicate=True),
    Output("new-read-said", "children"),
    Input("new-read", "n_clicks"),
    State("new-paste", "value"),
    prevent_initial_call=True,
)
async def fill(_: Any, text: Any) -> Any:
    """The form from pasted YAML: its address is gone to."""
    try:
        found = draft.of_yaml(str(text or ""))
    except Invalid as error:
        return no_update, error.detail
    return {"address": found.address}, None


@callback(
    Output("new-paste", "value"),
    Output("new-read-said", "children", allow_duplicate=True),
    Input("new-file", "contents"),
    prevent_initial_call=True,
)
async def upload(contents: Any) -> Any:
    """A chosen file, to look at before the form is filled from it."""
    try:
        return draft.uploaded(str(contents or "")), None
    except Invalid as error:
        return no_update, error.detail


@callback(
    Output("new-recipes", "children", allow_duplicate=True),
    Output("new-recipes", "value", allow_duplicate=True),
    Output("new-stage-said", "children"),
    Input("new-stage-write", "n_clicks"),
    State("new-source", "value"),
    State("new-recipes", "value"),
    *(State(f"new-stage-{name}", "value") for name in adaptation.WEIGHTS),
    prevent_initial_call=True,
)
async def write(_: Any, source: Any, recipes: Any, *said: Any) -> Any:
    """The chosen recipes, with which weights their stages train written into them."""
    weights = {name: draft.tidy(name, value) for name, value in zip(adaptation.WEIGHTS, said, strict=True)}
    if not recipes:
        return no_update, no_update, "Choose a recipe first."
    try:
        now = adaptation.written([str(r) for r in recipes], weights)
    except ValueError as error:
        return no_update, no_update, adaptation.problem(error)
    return form.recipe_chips(str(source), now), now, None


@callback(
    Output("new-weights-said", "children"),
    *(Input(f"new-{name}", "value") for name in (*adaptation.FIELDS, "recipes")),
    prevent_initial_call=True,
)
async def sum_up(*said: Any) -> str:
    """The one line of the section on weights and the oracle, as its controls stand."""
    names = (*adaptation.FIELDS, "recipes")
    return adaptation.in_words({n: draft.tidy(n, v) for n, v in zip(names, said, strict=True)})


clientside_callback(
    ClientsideFunction("newform", "fill"),
    Output("new-fill", "data"),
    Output("new-fill-missing", "variant"),
    Input("new-fill-missing", "n_clicks"),
    State("new-fill", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("newform", "step"),
    Output("new-step", "data"),
    *(Input(f"new-step-{n}", "n_clicks") for n in (*draft.STEPS, "back", "next")),
    State("new-step", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("newform", "kept"),
    Output("new-draft", "title"),
    Input("new-draft-take", "n_clicks"),
    Input("new-draft-drop", "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(ClientsideFunction("bring", "label"), Output("new-file", "title"), Input("new-file", "id"))
clientside_callback(ClientsideFunction("newform", "tell"), Output("new-sink", "children"), Input("new-address", "data"))
clientside_callback(
    ClientsideFunction("newform", "go"), Output("new-sink", "title"), Input("new-go", "data"), prevent_initial_call=True
)
