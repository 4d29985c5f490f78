"""``crosslift plan``: what a grid costs where every pair is trained by itself, and where equal work is done once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.errors import FieldError, Invalid, Unavailable

if TYPE_CHECKING:
    from backend.domain.schemas import GridCost

Url = Annotated[str | None, typer.Option("--url", help="Address of the installation; default: the one in this HOME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

#: The grid of Phang et al. 2020 on the targets of XTREME-R.
PAPER = Path(__file__).parent / "literature" / "phang2020.yaml"


def plan(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.yaml]", help="The experiment as YAML or JSON; - is standard input.")
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="The grid of Phang et al. 2020 on the targets of XTREME-R.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say what a grid costs with every pair trained by itself, and shared. Without an installation no run counts as done."""
    from backend.cli import Usage, print_json, print_table, read_request, say

    if (file is None) is not paper:
        raise Usage("name either a file or --paper")
    cost = _ask(read_request(PAPER if file is None else file), url)
    if as_json:
        print_json(cost.model_dump(mode="json"))
        return
    print_table(*table(cost))
    say(cost.said)


def _ask(body: dict[str, Any], url: str | None) -> GridCost:
    """The answer of the installation that runs here or is named; where none is, that of an empty one."""
    from backend.cli import remote, say
    from backend.domain.schemas import Preview

    try:
        there = remote(url)
    except Unavailable:
        say("note: no installation runs here, so that no run counts as done and nothing measured gives hours")
        return _alone(body)
    with there:
        return Preview.model_validate(there.post("/experiments:preview", body).json()).cost


def _alone(body: dict[str, Any]) -> GridCost:
    """
    Raises:
        Invalid: the request is not of the right shape, or cannot be planned.
    """
    from pydantic import ValidationError

    from backend.domain.experiment import ExperimentRequest
    from backend.domain.experiment import plan as graph
    from backend.domain.plan_cost import grid_cost

    try:
        request = ExperimentRequest.model_validate(body)
    except ValidationError as error:
        faults = [
            FieldError("/" + "/".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_input=False)
        ]
        raise Invalid("The experiment cannot be planned.", errors=faults) from None
    return grid_cost(graph(request), device=request.device)


def table(cost: GridCost) -> tuple[list[str], list[list[str]]]:
    """A line a kind of run and one of all; hours only where they are known."""
    timed = cost.all.naive_hours is not None
    head = ["stage", "runs naive", "shared", "done", "FLOPs naive", "shared", "done", "ratio"]
    head += ["hours naive", "shared", "done", "ratio"] if timed else []
    lines = []
    for each in (*cost.stages, cost.all):
        line = [each.stage, *(f"{n:,}" for n in (each.naive_runs, each.shared_runs, each.reused_runs))]
        line += [*_triple(each.naive_flops, each.shared_flops, each.reused_flops, ".2e")]
        if timed:
            line += _triple(each.naive_hours, each.shared_hours, each.reused_hours, ".2f")
        lines.append(line)
    return head, lines


def _triple(naive: float | None, shared: float | None, done: float | None, shape: str) -> list[str]:
    """The three and the ratio of the first two; nothing where they are not known."""
    if naive is None or shared is None or done is None:
        return [""] * 4
    return [format(naive, shape), format(shared, shape), format(done, shape), f"{shared / naive:.2f}" if naive else ""]
