"""The builder of a recipe on the form: its controls, what they make together, and one line of what is set beside the tasks.

What it makes is a short name that ``Recipe.parse`` reads, so that form, YAML, command line and API refuse the same, in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html
from pydantic import ValidationError

from backend.domain import mini, translations
from backend.domain.language import LANGUAGES
from backend.domain.recipe import CONTROLS, Recipe
from backend.domain.task import Source
from backend.domain.tasks import INTERMEDIATE, TASKS
from dashboard import draft, words
from dashboard.shell import term

KINDS = {
    "mixed": "Mix",
    "chain": "Chain, in this order",
    "control": "Control on target",
    "control-mlm": "Control on MLM",
}
RULES = {
    "proportional": "by their size",
    "temperature": "by size^(1/T)",
    "cap": "by size, up to a cap",
    "uniform": "evenly",
}
NUMBERED = ("temperature", "cap")  # rules that need a number
#: Controls that are set aside in the section that opens, by the end of their id.
SET = ("sampling", "amount", "before", "languages", "mlm", "mlm_languages")
#: Of these, those that can say what is wrong with them.
FIELDS = ("amount", "before", "languages", "mlm", "mlm_languages")
BLANK: Mapping[str, str] = dict.fromkeys(SET, "") | {"sampling": "proportional"}
_OF = {"temperature": "amount", "cap": "amount", "sampling": "amount"}  # field of a recipe → control


def said(values: Sequence[Any]) -> dict[str, str]:
    """What the controls hold, as text, in the order of ``SET``. It comes from a browser and may be anything."""
    found = {
        name: draft.tidy("languages" if "languages" in name else name, v) for name, v in zip(SET, values, strict=True)
    }
    return found | {"before": draft.tidy("recipes", found["before"]).replace(";", ",")}


# --- what it makes -----------------------------------------------------------------------------------------------------


def built(kind: str, tasks: Sequence[str], chosen: Mapping[str, str]) -> tuple[str | None, dict[str, str]]:
    """The recipe as the form writes it, or what is wrong: by control, under ``""`` what belongs to none."""
    if not tasks or (kind == "chain" and len(tasks) < 2 and not chosen["before"]):
        return None, {"": _too_few(kind)}
    if "@" in chosen["before"]:
        return None, {"before": "Stages alone, as in mnli+squad>siqa: what is changed holds for all of them."}
    body = (">" if kind == "chain" else "+").join(tasks)
    if chosen["before"]:
        body = f"{chosen['before']}>{body}"
    if kind in {k.value for k in CONTROLS}:
        body = f"{kind}:{body}"
    changes = []
    rule = chosen["sampling"]
    if rule == "uniform":
        changes.append("sampling=uniform")
    elif rule in NUMBERED:
        if not chosen["amount"]:
            return None, {"amount": "Needs a number."}
        changes.append(f"{rule}={chosen['amount']}")
    changes += [f"{n}={chosen[n].replace(',', '+')}" for n in ("languages", "mlm", "mlm_languages") if chosen[n]]
    try:
        return draft.written(Recipe.parse(f"{body}@{','.join(changes)}" if changes else body)), {}
    except ValidationError as error:
        return None, _by_control(error)
    except ValueError as error:
        return None, {"before" if chosen["before"] else "": str(error)}


def _too_few(kind: str) -> str:
    return {
        "mixed": "Choose a task, or two or more to mix.",
        "chain": "Choose two or more tasks, in the order in which they are trained.",
    }.get(kind, "Choose the task whose steps it spends.")


def _by_control(error: ValidationError) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in error.errors():
        name = str(each["loc"][0]) if each["loc"] else ""
        message = each["msg"].removeprefix("Value error, ")
        place = _OF.get(name, name)
        if not name:  # of the whole: by the field that it begins with
            first = message.split(" ")[0]
            place = _OF.get(first, first)
        found.setdefault(place if place in FIELDS else "", message)
    return found


def summary(chosen: Mapping[str, str]) -> str:
    """What is set, in one line: ``after mnli+squad · drawn evenly · in German · half MLM``; where nothing is, the defaults."""
    parts = [f"after {chosen['before']}"] if chosen["before"] else []
    rule = chosen["sampling"]
    if rule != BLANK["sampling"] and rule in RULES:
        number = (
            f", {'T' if rule == 'temperature' else 'at most'} {chosen['amount']}"
            if rule in NUMBERED and chosen["amount"]
            else ""
        )
        parts.append(f"drawn {RULES[rule].removesuffix(', up to a cap')}{number}")
    if chosen["languages"]:
        parts.append(f"in {_names(chosen['languages'])}")
    if chosen["mlm"]:
        on = f" on {_names(chosen['mlm_languages'])}" if chosen["mlm_languages"] else ""
        parts.append(f"MLM {chosen['mlm']} of the steps{on}")
    return " · ".join(parts) or "mixed by size, in English, no MLM"


def _names(codes: str) -> str:
    return ", ".join(words.language_name(code) for code in codes.split(","))


# --- what there is to choose from ----------------------------------------------------------------------------------------


def trained_in(source: str) -> list[str]:
    """Languages that any intermediate task is translated into."""
    known = _source(source)
    return [code for code in LANGUAGES if any(code in translations.into(TASKS[t], known) for t in INTERMEDIATE)]


def text_in(source: str) -> list[str]:
    return list(mini.LANGUAGES) if _source(source) is Source.MINI else list(LANGUAGES)


def _source(source: str) -> Source:
    return next((s for s in Source if s.value == source), Source.MINI)


# --- its controls --------------------------------------------------------------------------------------------------------


def controls(
    tasks: list[dict[str, str]], languages: list[dict[str, str]], text: list[dict[str, str]], folders: Any
) -> list[Any]:
    """The row, and the section that opens. ``folders``: the control of the request's text, which stands there too."""
    return [
        html.Div(
            [
                dmc.Select(
                    id="new-kind", label="Build one", data=[{"value": k, "label": v} for k, v in KINDS.items()], value="mixed",
                    size="sm", allowDeselect=False,
                ),
                dmc.MultiSelect(
                    id="new-mix", label="of these tasks", data=tasks, value=[], size="sm", placeholder="two or more",
                    className="wide-input",
                ),
                dmc.Button("Add recipe", id="new-add", variant="default", size="sm"),
            ],
            className="builder",
        ),
        html.Div(id="new-add-said", className="field-error", role="alert"),
        html.Details(
            [
                html.Summary(["Sampling, stages, translations, MLM", html.Span(summary(BLANK), id="new-build-said", className="hint")]),
                html.Div(
                    [
                        dmc.Select(
                            id="new-build-sampling", label="A mix is drawn", size="sm", value=BLANK["sampling"], allowDeselect=False,
                            data=[{"value": k, "label": v} for k, v in RULES.items()], description="which task a step trains",
                        ),
                        dmc.NumberInput(
                            id="new-build-amount", label="T, or the cap", size="sm", value="", min=1, hideControls=True,
                            description="T: above 1 more even; cap: examples",
                        ),
                        dmc.TextInput(
                            id="new-build-before", label="Stages before", size="sm", value="", placeholder="none",
                            description="as in mnli+squad>siqa", inputProps={"autoCapitalize": "none", "spellCheck": "false"},
                        ),
                    ],
                    className="fields thirds",
                ),
                html.Div(
                    [
                        html.Div(
                            dmc.Button("Put the tasks before", id="new-build-next", variant="default", size="compact-sm"),
                            className="quick",
                        ),
                        html.Span("moves what is chosen above into a stage of its own, and what is chosen next comes after it", className="soft"),
                    ],
                    className="quick",
                ),
                dmc.MultiSelect(
                    id="new-build-languages", label="Trained in", data=languages, value=[], size="sm", clearable=True,
                    searchable=True, hidePickedOptions=True, placeholder="English alone", className="wide-input",
                    description="on translations of the task into these; choose English too to keep it",
                    clearButtonProps={"aria-label": "Clear trained in"},
                ),
                html.Div(
                    [
                        dmc.NumberInput(
                            id="new-build-mlm", label="Share of MLM", size="sm", value="", min=0, max=0.99, step=0.05,
                            placeholder="none", description="of all steps; the task's own stay", decimalScale=4,
                        ),
                        dmc.MultiSelect(
                            id="new-build-mlm_languages", label="MLM on text in", data=text, value=[], size="sm", clearable=True,
                            searchable=True, hidePickedOptions=True, placeholder="every language there is",
                            description="languages of the text", clearButtonProps={"aria-label": "Clear languages of MLM"},
                        ),
                        folders,
                    ],
                    className="fields thirds",
                ),
                html.P(
                    ["What is ", term("translate-train", "training on translations"), ", ", term("mlm-mixed-in", "MLM mixed in"), "?"],
                    className="soft",
                ),
            ],
            className="more within",
            id="new-build",
        ),
    ]  # fmt: skip
