"""The form of a new experiment: its controls, what there is to choose from, and quick fills. Drafts in, components out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.experiment import same_data_twice, translated_into
from backend.domain.language import ENGLISH
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass
from backend.domain.task import Source
from backend.domain.tasks import INTERMEDIATE, TARGETS, TASKS
from dashboard import adaptation, builder, draft, links, words
from dashboard.controls import SOURCES
from dashboard.draft import LABELS, NUMBERS, RETRIEVAL, Difference, Draft
from dashboard.look import parameters
from dashboard.shell import aria, what

CHIPS = ("models", "targets", "recipes")  # fields whose control is a set of chips
SEEDS = (1, 3, 5, 6, 10)
FILLS = {
    "pair": "One task → one target",
    "one-to-all": "One task → every target",
    "all-to-one": "Every task → one target",
    "controls": "Add controls for compute",
}
HINTS: Mapping[str, str] = {
    "learning_rate": "peak, after warm-up",
    "batch_size": "examples of one step",
    "epochs": "or steps",
    "examples": "the first so many; empty: all",
    "steps": "win over epochs",
    "max_length": "sub-words",
    "warmup": "share of the steps",
    "weight_decay": "AdamW",
}


# --- what there is to choose from ----------------------------------------------------------------------------------


def models_of(source: str) -> list[str]:
    return [m.name for m in MODELS.values() if source in {s.value for s in m.sources}]


def tasks_of(source: str, names: Sequence[str]) -> list[str]:
    known = next((s for s in Source if s.value == source), None)
    return [n for n in names if known is not None and TASKS[n].available_in(known)]


def _has_text(source: str) -> bool:
    """Whether any model of this source was pretrained here, so that its text is at hand."""
    return any(MODELS[name].pretraining is not None for name in models_of(source))


def _and(offered: Sequence[str], chosen: Collection[str]) -> list[str]:
    """What is offered, and what is chosen in any case, so that it can be taken back."""
    return [*offered, *(c for c in dict.fromkeys(chosen) if c not in offered)]


def languages_of(source: str, targets: Sequence[str]) -> list[dict[str, Any]]:
    """Languages by family; those of the chosen targets, of all targets where none is chosen."""
    known = next((s for s in Source if s.value == source), Source.MINI)
    names = [t for t in targets if t in TASKS] or tasks_of(source, TARGETS)
    codes = {code for t in names for code in TASKS[t].languages_in(known)}
    families: dict[str, list[dict[str, str]]] = {}
    for code in sorted(codes, key=lambda c: (words.family(c), words.language_name(c))):
        label = f"{words.language_name(code)} ({code})"
        families.setdefault(words.family(code), []).append({"value": code, "label": label})
    return [{"group": name, "items": items} for name, items in families.items()]


# --- chips ---------------------------------------------------------------------------------------------------------


def _chip(value: str, label: str, title: str | None = None) -> Any:
    return dmc.Chip(label, value=value, size="sm", variant="outline", wrapperProps={"title": title or label})


def model_chips(source: str, chosen: Sequence[str]) -> list[Any]:
    """A row for each family, smallest model first, each with its size; names that no model has come last."""
    families: dict[str, list[str]] = {}
    for name in _and(models_of(source), chosen):
        families.setdefault(MODELS[name].family.value if name in MODELS else "Not known here", []).append(name)
    return [
        html.Div(
            [
                html.Span(family, className="chips-label"),
                html.Div([_model_chip(n) for n in sorted(names, key=_size)], className="chips"),
            ],
            className="chips-row",
        )
        for family, names in sorted(families.items(), key=lambda f: all(n not in MODELS for n in f[1]))
    ]


def _size(name: str) -> int:
    return MODELS[name].parameters if name in MODELS else 0


def _model_chip(name: str) -> Any:
    if name not in MODELS:
        return _chip(name, name)
    model = MODELS[name]
    total = parameters(model.parameters)
    sizes = f"{total} parameters, {parameters(model.parameters_non_embedding)} non-embedding"
    return _chip(name, f"{model.title} · {total}", f"{sizes}. {model.note}".removesuffix(". "))


def target_chips(source: str, chosen: Sequence[str]) -> list[Any]:
    def chip(name: str) -> Any:
        return _chip(name, words.task_title(name), TASKS[name].summary if name in TASKS else None)

    return [html.Div([chip(n) for n in _and(tasks_of(source, TARGETS), chosen)], className="chips")]


CONTROL_ROWS = ON_TARGET, ON_TEXT = "same steps on the target", "same steps on MLM"


def recipe_chips(source: str, chosen: Sequence[str]) -> list[Any]:
    """Rows: one task, several at once, several in turn; and, folded up until one is chosen, the controls that spend the same
    steps otherwise."""
    tasks = tasks_of(source, INTERMEDIATE)
    rows: dict[str, list[str]] = {
        "One task": list(tasks),
        "Several, mixed": [],
        "One after the other": [],
        ON_TARGET: [f"control:{t}" for t in tasks],
        ON_TEXT: [f"control-mlm:{t}" for t in tasks] if _has_text(source) else [],
    }
    for text in dict.fromkeys(chosen):
        row = rows[_row(text)]
        if text not in row:
            row.append(text)
    made = {
        label: html.Div(
            [
                html.Span(label, className="chips-label"),
                html.Div([_chip(t, draft.recipe_label(t), _recipe_title(t)) for t in row], className="chips")
                if row
                else html.Span("none yet: mix some below", className="soft"),
            ],
            className="chips-row",
        )
        for label, row in rows.items()
        if row or label == "Several, mixed"
    }
    controls = [made.pop(label) for label in CONTROL_ROWS if label in made]
    held = html.Details(
        [html.Summary("Controls: is it the task, or only the steps?"), *controls],
        open=any(_row(text) in CONTROL_ROWS for text in chosen),
        className="controls",
    )
    return [*made.values(), *([held] if controls else [])]


def _row(text: str) -> str:
    if text.startswith("control-mlm:"):
        return ON_TEXT
    if text.startswith("control:"):
        return ON_TARGET
    body = text.split("@")[0]
    return "One after the other" if ">" in body else "Several, mixed" if "+" in body else "One task"


def _recipe_title(text: str) -> str | None:
    try:
        return draft.recipe(text).title
    except ValueError:
        return None


# --- quick fills ---------------------------------------------------------------------------------------------------


def filled(what: str, source: str, recipes: list[str], targets: list[str]) -> tuple[list[str], list[str]]:
    """Recipes and targets after one of ``FILLS``. What is chosen is kept where it fits the question."""
    tasks, offered = tasks_of(source, INTERMEDIATE), tasks_of(source, TARGETS)
    single = [r for r in recipes if r in tasks] or tasks[:1]
    if what == "pair":
        pair = next(
            ((r, t) for t in [*targets, *offered] for r in [*single, *tasks] if not same_data_twice(r, t)), None
        )
        return ([pair[0]], [pair[1]]) if pair else (single[:1], offered[:1])
    if what == "one-to-all":
        return single[:1], offered
    if what == "all-to-one":
        return tasks, targets[:1] or offered[:1]
    kinds = ("control", "control-mlm") if source == Source.MINI.value else ("control",)
    plain = [r for r in recipes if not r.startswith(("control", "none"))] or single
    added = [_control(kind, r) for kind in kinds for r in plain]
    return [*(recipes or plain), *(a for a in added if a not in recipes)], targets


def _control(kind: str, recipe: str) -> str:
    """The control that spends the steps of this recipe, with what changes how many they are where a control can have it."""
    whole = f"{kind}:{recipe}"
    try:
        draft.recipe(whole)
    except ValueError:
        return whole.split("@")[0]
    return whole


# --- the form ------------------------------------------------------------------------------------------------------


def form(shown: Draft) -> Any:
    return html.Div(
        [
            _question(shown),
            _choices(shown),
            _recipe(shown),
            html.Div([_more(shown), adaptation.section(shown, _label)], className="new-steps of-step-3"),
        ],
        className="new-steps",
        id="new-form",
    )


def _step(number: int, title: str, *children: Any, word: str | None = None) -> Any:
    number_of = html.Span(str(number), className="step-number", **aria(hidden="true"))
    head = html.H2([number_of, title, *([" ", what(word)] if word else [])])
    return html.Section([head, *children], className=f"step of-step-{number}", **aria(label=title))


def _label(name: str, hint: str | None = None) -> list[Any]:
    said: list[Any] = [LABELS[name], html.Span(id=f"new-mark-{name}", className="changed")]
    return [*said, html.Span(hint, className="hint")] if hint else said


def _question(shown: Draft) -> Any:
    buttons = [
        dmc.Button(label, id=f"new-fill-{name}", variant="default", size="compact-sm") for name, label in FILLS.items()
    ]
    return _step(
        1,
        "Question",
        html.Div(
            [
                dmc.TextInput(
                    id="new-name", label=_label("name"), value=shown.said["name"], placeholder=shown.title, size="sm",
                    inputProps={"maxLength": 120}, className="wide-input",
                ),
                dmc.Select(
                    id="new-source", label=_label("source"), data=SOURCES, value=shown.said["source"], size="sm",
                    allowDeselect=False, checkIconPosition="right",
                ),
            ],
            className="fields",
        ),
        html.Div(
            [
                html.Span("Fill in:", className="soft"),
                *buttons,
                dmc.Button("Fill missing cells", id="new-fill-missing", variant="light" if shown.fill else "default", size="compact-sm"),
            ],
            className="quick",
        ),
        html.Div(id="new-gaps", className="new-offer", role="region", **aria(label="Missing cells", live="polite")),
        html.Div(
            [html.H3("What to run next"), html.P("Asking …", className="soft")],
            id="new-next", className="new-offer", role="region", **aria(label="What to run next"),
        ),
        word="experiment",
    )  # fmt: skip


def _group(name: str, children: list[Any], value: list[str], hint: str) -> Any:
    return html.Div(
        [
            html.Div(_label(name, hint), className="field-label", id=f"new-label-{name}"),
            dmc.ChipGroup(children, id=f"new-{name}", multiple=True, value=value),
            html.Div(id=f"new-error-{name}", className="field-error", role="alert"),
        ],
        className="field",
        role="group",
        **aria(labelledby=f"new-label-{name}"),
    )


def _choices(shown: Draft) -> Any:
    source = shown.said["source"]
    models, targets = shown.entries("models"), shown.entries("targets")
    presets = [
        html.Button(str(n), id=f"new-seeds-{n}", className="preset", **aria(label=f"Choose {n} seeds")) for n in SEEDS
    ]
    return _step(
        2,
        "Choices",
        _group("models", model_chips(source, models), models, "the pretrained encoders to compare"),
        _group("targets", target_chips(source, targets), targets, "trained in English, evaluated in every language"),
        html.Div(
            [
                html.Div(
                    [
                        dmc.TextInput(
                            id="new-seeds", label=_label("seeds"), value=shown.said["seeds"].replace(",", ", "), size="sm",
                            description="numbers, or a range such as 0-4", className="wide-input",
                        ),
                        html.Div([html.Span("How many:", className="soft"), *presets], className="quick"),
                    ],
                ),
                dmc.MultiSelect(
                    id="new-languages", label=_label("languages"), value=shown.entries("languages"), size="sm",
                    data=languages_of(source, targets), searchable=True, clearable=True, placeholder="all of each target",
                    description="leave empty for all", className="wide-input", hidePickedOptions=True,
                    clearButtonProps={"aria-label": "Clear languages"},
                ),
            ],
            className="fields",
        ),
        word="seed",
    )  # fmt: skip


def _recipe(shown: Draft) -> Any:
    source, recipes = shown.said["source"], shown.entries("recipes")
    folders = dmc.TextInput(
        id="new-text", label=_label("text"), value=shown.said["text"].replace(",", ", "), size="sm",
        placeholder="the mini world's own" if source == Source.MINI.value else "bible, tatoeba/v1",
        description="folders under the data root",
    )  # fmt: skip
    return _step(
        3,
        "Recipe",
        _group(
            "recipes",
            recipe_chips(source, recipes),
            recipes,
            "the intermediate stage; the baseline without one is always added",
        ),
        *builder.controls(
            task_options(source),
            language_choices([ENGLISH, *builder.trained_in(source)]),
            language_choices(builder.text_in(source)),
            folders,
        ),
        word="recipe",
    )


def task_options(source: str) -> list[dict[str, str]]:
    return [{"value": t, "label": words.task_title(t)} for t in tasks_of(source, INTERMEDIATE)]


def translation_options(source: str, targets: Sequence[str]) -> list[dict[str, str]]:
    """English, and the languages that all chosen targets which are trained can be trained in."""
    known = next((s for s in Source if s.value == source), Source.MINI)
    chosen = [t for t in targets if t in TASKS] or tasks_of(source, TARGETS)
    trained = [TASKS[str(TASKS[t].trained_on)] for t in chosen if TASKS[t].trained_on is not None]
    offered = [found for task in trained if (found := translated_into(task, known))]
    every = [
        code
        for code in dict.fromkeys(c for each in offered for c in each)
        if targets == [] or all(code in o for o in offered)
    ]
    return language_choices([ENGLISH, *every] if every else [])


def language_choices(codes: Sequence[str]) -> list[dict[str, str]]:
    """By name, English first."""
    ordered = sorted(codes, key=lambda c: (c != ENGLISH, words.language_name(c)))
    return [{"value": c, "label": f"{words.language_name(c)} ({c})"} for c in ordered]


def _more(shown: Draft) -> Any:
    def pick(name: str, options: Sequence[str]) -> Any:
        return dmc.Select(
            id=f"new-{name}", label=_label(name), data=list(options), value=shown.said[name], size="sm", allowDeselect=False,
        )  # fmt: skip

    def text(name: str, hint: str, placeholder: str = "the task's own", keys: str = "decimal") -> Any:
        return dmc.TextInput(
            id=f"new-{name}", label=_label(name), value=shown.said[name], description=hint, placeholder=placeholder, size="sm",
            inputProps={"inputMode": keys},
        )  # fmt: skip

    numbers = [n for n in NUMBERS if n not in adaptation.WEIGHTS]
    used = any(n in shown.changed or shown.said[n] for n in (*numbers, *RETRIEVAL, "translate_train")) or any(
        shown.said[n] != draft.BLANK[n]
        for n in ("device", "devices", "sharded", "precision", "activation_checkpointing", "priority", "stop_after")
    )
    return html.Details(
        [
            html.Summary("More settings"),
            html.Div(
                [
                    pick("device", [d.value for d in DeviceClass]),
                    text("devices", "of one worker, each with a part of every batch of training", "1"),
                    pick("sharded", tuple(draft.DIVIDED)),
                    pick("precision", ("fp32", "bf16")),
                    pick("activation_checkpointing", tuple(draft.SWITCHES)),
                    text("priority", "−10 to 10, higher first", "0"),
                    text("stop_after", "device-hours: then nothing more of it begins", "never"),
                ],
                className="fields thirds",
            ),
            html.H3("Translate-train: fine-tuning on translations of the target's training set"),
            dmc.MultiSelect(
                id="new-translate_train",
                label=_label("translate_train"),
                value=shown.entries("translate_train"),
                size="sm",
                data=translation_options(shown.said["source"], shown.entries("targets")),
                searchable=True,
                clearable=True,
                placeholder="English alone: zero-shot",
                className="wide-input",
                hidePickedOptions=True,
                description="the languages trained in; choose English too to keep it. Cells in them are not zero-shot",
                clearButtonProps={"aria-label": "Clear translate-train"},
            ),
            html.H3("Fine-tuning on the target, where it is not to be the task's own"),
            html.Div([text(n, HINTS.get(n, "")) for n in numbers], className="fields thirds"),
            html.H3("Retrieval targets, where it is not to be the task's own"),
            html.Div(
                [
                    text("layer_fraction", "a share of them, above 0 up to 1"),
                    text("pooling", "mean or cls", keys="text"),
                ],
                className="fields thirds",
            ),
            html.P(
                "A gain compares runs of equal fine-tune settings: the baseline is done again with these.",
                className="soft",
            ),
        ],
        className="step more",
        open=used,
    )


def clone_note(shown: Draft) -> list[Any]:
    """What differs from the experiment or run that this was copied from: field, was, is."""
    if shown.origin is None:
        return []
    id = shown.origin.removeprefix("run-")
    of_run = id != shown.origin
    origin = html.A(
        f"run {id}" if of_run else f"experiment {id}", href=links.run(int(id)) if of_run else links.experiment(int(id))
    )
    if not shown.differences:
        return [html.P(["A copy of ", origin, ", with no change yet. Every run of it is shared, none is repeated."])]
    head = html.Tr([html.Th(text, scope="col") for text in ("Field", "Was", "Is")])
    table = html.Table([html.Thead(head), html.Tbody([_difference(d) for d in shown.differences])], className="changes")
    return [html.P(["A copy of ", origin, ", with these changes:"]), html.Div(table, className="scroll")]


def _difference(d: Difference) -> Any:
    """Entries that went are struck out where they were, those that came are set off where they are."""

    def entries(some: Sequence[str], other: Sequence[str], mark: Any) -> list[Any]:
        parts: list[Any] = []
        for entry in some:
            text = draft.recipe_label(entry)
            parts += [", " if parts else "", text if entry in other else mark(text)]
        return parts or [html.Span("not set", className="soft")]

    return html.Tr(
        [
            html.Th(d.label, scope="row"),
            html.Td(entries(d.was, d.now, html.Del)),
            html.Td(entries(d.now, d.was, html.Ins)),
        ],
        title=d.said,
    )


def marks(shown: Draft) -> dict[str, str | None]:
    """The word beside the label of each field that differs."""
    return {n: "changed" if shown.origin is not None and n in shown.changed else None for n in draft.FIELDS}
