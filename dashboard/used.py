"""Settings that will be used: a compact table under the form, with the reason of each row and a mark where a request
differs. Schemas in, components out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from backend.domain.resolved import epochs_in_words, warmup_in_words, weights_in_words
from backend.domain.schemas import SettingsView
from dashboard import words
from dashboard.draft import LABELS
from dashboard.shell import aria, data

STAGES = {"intermediate": "Intermediate", "target": "Target"}
MARK = "●"
HEADS = ("Learning rate", "Batch", "Steps", "Longest", "Warm-up", "Decay", "Trained")


def used(settings: Sequence[SettingsView]) -> list[Any]:
    """A heading, a row a stage and the reason under it; nothing where nothing is trained, or nothing can be said yet."""
    if not settings:
        return []
    head = html.Tr([html.Th(name, scope="col") for name in ("Stage", *HEADS)])
    body = [row for view in settings for row in _rows(view)]
    table = html.Table([html.Thead(head), html.Tbody(body)], className="grid-preview settings-used")
    said: list[Any] = [html.H2("Settings that will be used")]
    said.append(
        html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="Settings that will be used"))
    )
    if any(view.changed for view in settings):
        said.append(
            html.P(f"{MARK} set in this request; what it would be without is in its tooltip.", className="soft")
        )
    return [html.Section(said, className="step", **aria(label="Settings"))]


def _rows(view: SettingsView) -> list[Any]:
    models = ", ".join(words.model_title(m) for m in view.models)
    title = words.task_title(view.name) if view.stage == "target" else view.name
    steps = [f"{view.steps:,} ", html.Span(f"({epochs_in_words(view.epochs)})", className="soft")]
    if view.examples is not None:
        steps.append(html.Span(f" of the first {view.examples:,}", className="soft"))
    cells: list[tuple[Any, tuple[str, ...]]] = [
        (f"{view.learning_rate:g}", ("learning_rate",)),
        (f"{view.batch_size}", ("batch_size",)),
        (steps, ("steps", "epochs", "examples")),
        (f"{view.max_length}", ("max_length",)),
        (warmup_in_words(view), ("warmup",)),
        (f"{view.weight_decay:g}", ("weight_decay",)),
        (weights_in_words(view), ("frozen", "lora_rank", "lora_alpha", "lora_dropout")),
    ]
    first = html.Tr(
        [
            html.Th([html.Span(f"{STAGES[view.stage]} ", className="soft"), title], scope="row"),
            *(
                _cell(head, value, [n for n in names if n in view.changed], view)
                for head, (value, names) in zip(HEADS, cells, strict=True)
            ),
        ]
    )
    whose = models if len(view.models) < 4 else f"{len(view.models)} models"
    why = f"{whose}: {view.reason}."
    return [first, html.Tr(html.Td(why, colSpan=8, title=models, className="why soft"))]


def _cell(head: str, value: Any, changed: Sequence[str], view: SettingsView) -> Any:
    """``head`` is said again in the cell: on a narrow screen there is no row of heads."""
    if not changed:
        return html.Td(value, **data(head=head))
    before = "; ".join(f"{LABELS[n]} without this request: {_plain(view.changed[n])}" for n in changed)
    mark = html.Span(
        MARK, className="set-here", title=before, role="img", **aria(label=f"Set in this request. {before}")
    )
    shown = value if isinstance(value, list) else [value]
    return html.Td([*shown, " ", mark], **data(head=head))


def _plain(value: float | None) -> str:
    return "not set" if value is None else f"{value:g}"
