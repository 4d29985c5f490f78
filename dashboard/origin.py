"""Where a number comes from: what was brought in, what was installed, what would compute it again. Schemas in, components out."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.domain.run import RunState
from backend.domain.schemas import BroughtView, RunDetail, RunView
from dashboard import links, states
from dashboard.look import count
from dashboard.shell import aria

DIGITS = 12  # of a digest


def badge(brought: bool) -> Any:
    """Beside a title or a name; nothing where it was computed here."""
    return (
        dmc.Badge("brought in", variant="outline", color="blue", radius="sm", className="synthetic brought")
        if brought
        else None
    )


def note(came: BroughtView | None) -> Any:
    """From where and since when; nothing where it was computed here."""
    if came is None:
        return None
    return html.P(
        [
            "Brought in ", states.moment(came.brought_at), " in a file: computed by ", html.B(came.installation),
            f", as experiment {came.experiment_there} there, written by version {came.program}. "
            "Checkpoints, logs and attempts stayed there. An experiment that asks for the same computes it here. File ",
            html.Code(came.sha256[:DIGITS], title=came.sha256), ".",
        ],
        className="soft origin",
    )  # fmt: skip


def digest(value: str | None) -> Any:
    return "not kept" if value is None else html.Code(value[:DIGITS], title=value)


def facts(detail: RunDetail, trained: RunDetail | None) -> list[tuple[str, Any]]:
    """From a cell's evaluate run on: run, checkpoint, code, packages, where it came from, and the command that does it again."""
    run, environment = detail.run, detail.environment or {}
    found: list[tuple[str, Any]] = [("Run", dcc.Link(f"#{run.id}", href=links.run(run.id)))]
    if trained is not None:
        found.append(("Checkpoint", checkpoint(trained.run)))
    found.append(("Code", digest(environment.get("code"))))
    if detail.packages is None:
        found.append(("Packages", "not kept"))
    else:
        shown = links.run(run.id) + "?tab=provenance"
        found.append(("Packages", dcc.Link(count(len(detail.packages), "package"), href=shown)))
    if detail.brought is not None:
        came = detail.brought
        found.append(("Brought in", f"from {came.installation}, experiment {came.experiment_there} there"))
    else:
        found.append(("To do it again", html.Code(command(run))))
    return found


def checkpoint(run: RunView) -> Any:
    where = run.artifact or ("stayed where it was computed" if run.brought else "none")
    return [dcc.Link(f"#{run.id}", href=links.run(run.id)), " ", html.Span(where, className="soft")]


def command(run: RunView) -> str:
    return f"crosslift reproduce {run.id}"


def again(detail: RunDetail) -> list[Any]:
    """The command that computes a run anew and compares; nothing where there is nothing to compare with."""
    run = detail.run
    if run.state is not RunState.DONE:
        return []
    if detail.brought is not None:
        text = "Its checkpoints are elsewhere. Clone its experiment to compute the same here."
        return [html.H2("Do it again"), html.P(text, className="soft")]
    return [
        html.H2("Do it again"),
        html.P([html.Code(command(run), id="run-again", className="digest"), " ", states.copy_button("run-again")]),
        html.P(
            "computes it and all that it starts from anew, in a folder of its own, and compares every score.",
            className="soft",
        ),
    ]


def packages(detail: RunDetail) -> list[Any]:
    """All that was installed where a run ran, folded up."""
    if detail.packages is None:
        return [html.P("Which packages were installed was not kept for this run.", className="soft")]
    lines = "\n".join(detail.packages)
    return [
        html.Details(
            [
                html.Summary(f"All {count(len(detail.packages), 'package')} that were installed"),
                html.Div(
                    [states.copy_button("run-packages"), html.Pre(lines, id="run-packages", className="code", tabIndex="0", **aria(label="Packages"))],
                    className="code-panel",
                ),
            ],
            className="more",
        )
    ]  # fmt: skip
