"""Which weights are trained, and how checkpoints are looked at: the part of the form for LoRA, frozen blocks and the oracle.

The stage on the target has fields of its own. An intermediate stage has its settings in its recipe's name (``mnli@lora_rank=8``),
so here is what writes them there, for all chosen recipes at once. Drafts in, components out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.recipe import CONTROLS, RecipeKind
from backend.domain.training import LORA, TrainingOverrides
from dashboard import draft
from dashboard.draft import LABELS, Draft
from dashboard.shell import what

WEIGHTS = ("frozen", *LORA)  # fields of a stage
FIELDS = (*WEIGHTS, "oracle")
HINTS: Mapping[str, str] = {
    "frozen": "blocks from below; 1: embeddings",
    "lora_rank": "turns LoRA on; often 8",
    "lora_alpha": "empty: twice the rank",
    "lora_dropout": "empty: none",
}
OFF = "no"
ORACLE = [{"value": OFF, "label": "No"}, {"value": "yes", "label": "Yes: costs evaluations at each checkpoint"}]


def section(shown: Draft, label: Callable[[str], list[Any]]) -> Any:
    """The collapsed part of the form; ``label`` makes the label of a field."""

    def text(id: str, name: str, value: str, own: list[Any] | str, placeholder: str) -> Any:
        return dmc.TextInput(
            id=id, label=own, value=value, description=HINTS[name], placeholder=placeholder, size="sm",
            inputProps={"inputMode": "decimal"},
        )  # fmt: skip

    used = any(shown.said[n] != draft.BLANK[n] for n in FIELDS)
    return html.Details(
        [
            html.Summary(["Trained weights and oracle", html.Span(in_words(shown.said), id="new-weights-said", className="hint")]),
            html.H3(["On the target ", what("lora")]),
            html.Div(
                [text(f"new-{n}", n, shown.said[n], label(n), "the task's own" if n == "frozen" else "off") for n in WEIGHTS],
                className="fields",
            ),
            html.P(
                "LoRA trains thin matrices beside each linear map and leaves the weights alone; frozen blocks have none. The learning "
                "rate stays the task's own, which is low for LoRA: set it too, under More settings.",
                className="soft",
            ),
            html.H3("In intermediate stages"),
            html.Div([text(f"new-stage-{n}", n, "", _of_stages(n), "as it is") for n in WEIGHTS], className="fields"),
            html.Div(
                [
                    dmc.Button("Write into the chosen recipes", id="new-stage-write", variant="default", size="compact-sm"),
                    html.Span("Controls and the baseline stay as they are. Empty fields take it out again.", className="soft"),
                ],
                className="quick",
            ),
            html.Div(id="new-stage-said", className="field-error", role="alert"),
            html.H3(["What else is looked at ", what("oracle")]),
            html.Div(
                dmc.Select(
                    id="new-oracle", label=label("oracle"), data=ORACLE, value=shown.said["oracle"] or OFF, size="sm",
                    allowDeselect=False,
                    description="beside the score, that of the checkpoint which each language's own development data choose",
                ),
            ),
        ],
        className="step more",
        open=used,
    )  # fmt: skip


def _of_stages(name: str) -> list[Any]:
    """A label that, heard, is another than that of the same field of the target."""
    return [LABELS[name], html.Span(" of intermediate stages", className="unseen")]


def in_words(said: Mapping[str, str]) -> str:
    """The whole section on one line: ``LoRA of rank 8; 3 blocks frozen; oracle selection``."""
    parts = []
    if said["lora_rank"]:
        parts.append(f"target: LoRA of rank {said['lora_rank']}")
    if said["frozen"]:
        parts.append(f"target: lowest {said['frozen']} frozen")
    stages = [text for text in said["recipes"].split(",") if any(f"{name}=" in text for name in WEIGHTS)]
    if stages:
        parts.append(f"set in {len(stages)} {'recipe' if len(stages) == 1 else 'recipes'}")
    return f"{'; '.join(parts) or 'as the tasks say'}; oracle selection {'on' if said['oracle'] == 'yes' else 'off'}"


def written(recipes: Sequence[str], weights: Mapping[str, str]) -> list[str]:
    """The recipes with these settings in their names in place of those of before; one that has no stage stays as it is.

    Raises:
        ValueError: a setting cannot be, or a recipe cannot be read; says which.
    """
    given = {name: value for name, value in weights.items() if value}
    if given.keys() & set(LORA) and "lora_rank" not in given:
        raise ValueError("LoRA needs a rank.")
    found: list[str] = []
    for text in recipes:
        known = draft.recipe(text)
        if known.kind not in (RecipeKind.NONE, *CONTROLS):
            kept = known.training.model_dump(exclude_none=True, exclude=set(WEIGHTS))
            training = TrainingOverrides.model_validate({**kept, **given})
            known = type(known).model_validate({**known.model_dump(exclude={"training"}), "training": training})
        found.append(draft.written(known))
    return list(dict.fromkeys(found))


def problem(error: ValueError) -> str:
    """What ``written`` refused, in a few words."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    name = str(first["loc"][-1]) if first["loc"] else ""
    return f"{LABELS[name]}: {first['msg']}" if name in LABELS else str(first["msg"])
