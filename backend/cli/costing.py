"""``crosslift plan`` and ``forecast``: what a grid costs by itself and shared, and how good forecasts of costs were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.arguments import AsJson, Url, read_request
from backend.cli.asking import remote
from backend.cli.endings import Usage
from backend.cli.printing import print_json, print_table, say
from backend.errors import FieldError, Invalid, Unavailable

if TYPE_CHECKING:
    from backend.domain.schemas import GridCost

#: The grid of Phang et al. 2020 on the targets of XTREME-R.
PAPER = Path(__file__).parents[1] / "literature" / "phang2020.yaml"


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


def forecast(url: Url = None, as_json: AsJson = False) -> None:
    """Say how good forecasts were: finished runs, each forecast again from what had ended when it began."""
    from backend.domain.schemas import ForecastCheck

    with remote(url) as there:
        found = there.view(ForecastCheck, "/forecast")
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    print_table(
        ("forecast of", "runs", "median error", "in the band", "without"),
        ((r.name, r.runs, _percent(r.error), _percent(r.coverage), r.without or "") for r in (found.all, *found.by)),
    )
    say(f"{found.said} The band is meant to hold {100 * found.nominal:.0f} % at least.")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
