"""Bringing in an experiment that another installation computed: its control, and what the API says of a file. Answers in, components out.

The file goes from the browser to the API, as it does from the command line (``assets/bring.js``), and through no callback: it may be
larger than these take.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from pydantic import ValidationError

from backend.domain.account import Role
from backend.domain.schemas import BroughtIn, Problem
from dashboard import links, shell
from dashboard.look import count

LARGEST = 64 << 20  # bytes, as the API takes them
SAID = 8  # problems of a file that are shown


def control() -> Any:
    return html.Details(
        [
            html.Summary("Bring in an experiment of another installation"),
            html.P(
                "A file that its page there gives as “All of it as one file”. It is judged as a whole first; nothing is written "
                "before you say so. Bring in files of people you trust.",
                className="soft",
            ),
            shell.lacking(Role.SUBMITTER, "To bring one in"),
            dcc.Upload(
                html.Span("Choose a file, or drop one here"), id="bring-file", className="upload", accept=".zip", max_size=LARGEST,
            ),
            dmc.Checkbox(
                id="bring-keep", size="sm", checked=False,
                label="Where a run was done here too and found other scores, show those of here",
            ),
            html.Div(id="bring-said", role="status", **shell.aria(live="polite")),
            dmc.Button("Bring it in", id="bring-go", size="sm", mt="sm", disabled=True),
            dcc.Store(id="bring-answer"),
        ],
        className="more bring",
        id="bring",
    )  # fmt: skip


def may(answer: object) -> bool:
    """Whether what was judged can be brought in."""
    return (
        isinstance(answer, dict)
        and answer.get("judged") is True
        and answer.get("status") == 200
        and _read(answer).created
    )


def _read(answer: Mapping[str, Any]) -> BroughtIn:
    return BroughtIn.model_validate(answer.get("body"))


def told(answer: object) -> list[Any]:
    """What the API said: of a file that was judged, or of one that was brought in."""
    if not isinstance(answer, dict):
        return []
    name = str(answer.get("name") or "The file")[:120]
    try:
        if answer.get("status") in (200, 201):
            return _fine(name, _read(answer), judged=answer.get("judged") is True)
        problem = Problem.model_validate(answer.get("body"))
    except ValidationError:
        return [html.P(f"{name}: the API did not say what is wrong. Try again in a moment.", className="field-error")]
    lines = [html.Li(f"{e.pointer}: {e.message}") for e in (problem.errors or [])[:SAID]]
    return [
        html.P(f"{name} cannot be brought in. {problem.detail}", className="field-error"),
        html.Ul(lines, className="plain") if lines else None,
    ]


def _fine(name: str, made: BroughtIn, *, judged: bool) -> list[Any]:
    of = made.experiment
    came = of.brought
    whence = f", experiment {came.experiment_there} of {came.installation}" if came else ""
    if not made.created:
        link = dcc.Link(f"experiment {of.id}", href=links.experiment(of.id))
        return [html.P([f"✓ {name} is here already, as ", link, "."])]
    parts = [f"{count(made.runs, 'run')} {'would be' if judged else 'are'} new here"]
    if made.shared:
        parts.append(f"{count(len(made.shared), 'run')} of here found the same and stand in for those of the file")
    if made.ours:
        parts.append(f"{count(len(made.ours), 'run')} of here found something else and are shown instead")
    what = html.P(f"{'; '.join(parts)}.", className="soft")
    if judged:
        return [
            html.P(
                [f"✓ {name} is whole: ", html.B(of.name), f"{whence}, {count(of.runs, 'run')}. Nothing is written yet."]
            ),
            what,
        ]
    return [html.P([f"✓ {name} was brought in: ", dcc.Link(of.name, href=links.experiment(of.id)), whence, "."]), what]
