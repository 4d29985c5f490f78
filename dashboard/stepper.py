"""The form's four steps: all of them on a wide screen, one at a time on a narrow one. Pure; ``assets/new.js`` turns the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.draft import STEPS
from dashboard.shell import aria

#: Fields of the first two steps; those of no step here are of the third.
OF: Mapping[str, str] = {
    "name": "1", "source": "1", "models": "2", "targets": "2", "seeds": "2", "languages": "2",
}  # fmt: skip


def tabs(step: int, errors: Mapping[str, str]) -> Any:
    marks = marked(errors)
    buttons = [
        html.Button(
            [html.Span(n, className="step-number", **aria(hidden="true")), title],
            id=f"new-step-{n}", className=mark, **aria(current="step" if n == str(step) else "false"),
        )
        for (n, title), mark in zip(STEPS.items(), marks, strict=True)
    ]  # fmt: skip
    return html.Nav(buttons, id="new-stepper", className="new-stepper", **aria(label="Steps of the form"))


def marked(errors: Mapping[str, str]) -> list[str]:
    """The class of each step's button: whether something in it is refused."""
    wrong = {OF.get(name, "3") for name in errors if name}
    return ["step-tab wrong" if n in wrong else "step-tab" for n in STEPS]


def foot() -> Any:
    return html.Div(
        [
            html.Button("Back", id="new-step-back", className="button-link"),
            html.Button("Next step", id="new-step-next", className="button-link"),
        ],
        className="step-foot",
    )
