"""The table of runs: which columns there are, and a row of it. What the API answered in, components out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from backend.domain.listed import RunRow
from backend.domain.run import TERMINAL, RunKind, RunState
from dashboard import links, states, words
from dashboard.links import Compare, Runs
from dashboard.look import count, hours, parameters, score, size_of
from dashboard.shell import aria

DASH = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """``cell`` is what a row has to say; ``sort``: what a list can be ordered by with it."""

    title: str
    cell: Callable[[RunRow], Any]
    number: bool = False
    sort: str | None = None


def _state(row: RunRow) -> Any:
    found = {state.value: row.states.count(state) for state in row.states}
    if len(found) == 1:
        return states.chip(next(iter(found)))
    return html.Span(
        [html.Span([states.mark(s), f" {n:,} {s}"], className="tally") for s in states.ORDER if (n := found.get(s))],
        className="tallies",
    )


def _seeds(row: RunRow) -> str:
    seeds = sorted({s for s in row.seeds if s is not None})
    if not seeds:
        return "none"
    if len(seeds) > 3 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds[:8])) + (f" and {len(seeds) - 8} more" if len(seeds) > 8 else "")


def _score(row: RunRow) -> Any:
    if row.score is None:
        return DASH
    spread = f" ± {score(row.score.sd)}" if row.score.sd is not None else ""
    title = (
        f"{words.metric_title(row.score.metric)}, mean over {count(row.score.languages, 'language')}"
        + (f", then over {count(row.score.runs, 'run')} ± the standard deviation between them" if spread else "")
    )  # fmt: skip
    return html.Span(
        [score(row.score.value), spread, html.Span(f" ({row.score.languages})", className="soft")], title=title
    )


def _model(row: RunRow) -> Any:
    return html.Span(row.model, title=words.model_title(row.model))


def _target(row: RunRow) -> Any:
    return DASH if row.target is None else html.Span(row.target, title=words.task_title(row.target))


def _energy(row: RunRow) -> str:
    return "not measured" if row.energy_joules is None else f"{row.energy_joules / 3.6e6:.2g} kWh"


COLUMNS: Mapping[str, Column] = {
    "state": Column("State", _state),
    "model": Column("Model", _model, sort="model"),
    "recipe": Column("Recipe", lambda r: r.recipe, sort="recipe"),
    "target": Column("Target", _target, sort="target"),
    "seeds": Column("Seeds", _seeds),
    "score": Column("Score", _score, number=True),
    "time": Column("Device time", lambda r: DASH if r.device_seconds is None else hours(r.device_seconds / 3600), True, "longest"),
    "energy": Column("Energy", _energy, number=True),
    "memory": Column("Peak memory", lambda r: size_of(r.peak_memory_bytes) if r.peak_memory_bytes else "not measured", True),
    "parameters": Column("Parameters", lambda r: parameters(r.parameters) if r.parameters else DASH, True),
    "device": Column("Device", lambda r: f"{r.device_class.value}, {r.precision}"),
    "settings": Column("Settings", lambda r: html.Code(r.settings)),
    "benchmark": Column("Benchmark", lambda r: f"{r.benchmark}" + ("" if r.source.value == "mini" else f", {r.source.value}")),
    "error": Column("Error", lambda r: html.Span(r.error, className="row-error") if r.error else DASH),
    "created": Column("Asked for", lambda r: states.moment(r.created_at), sort="newest"),
    "finished": Column("Ended", lambda r: states.moment(r.finished_at), sort="finished"),
}  # fmt: skip
PRESETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "overview": ("Overview", ("state", "model", "recipe", "target", "seeds", "score", "time", "finished")),
    "cost": ("Cost", ("model", "recipe", "target", "seeds", "score", "time", "energy", "memory", "parameters", "device")),
    "trouble": ("Trouble", ("state", "model", "recipe", "target", "seeds", "error", "finished")),
    "everything": ("Everything", tuple(COLUMNS)),
}  # fmt: skip
PRESET = "overview"


def columns(said: str | None) -> tuple[str, ...]:
    """The columns that an address names: a preset, or some of them. Unknown ones are left out; none at all is the usual ones."""
    if said in PRESETS:
        return PRESETS[str(said)][1]
    found = tuple(dict.fromkeys(name for name in (said or "").split(",") if name in COLUMNS))
    return found or PRESETS[PRESET][1]


def written(names: Sequence[str]) -> str | None:
    """The other way; None for the usual ones."""
    preset = next((preset for preset, (_, of) in PRESETS.items() if of == tuple(names)), None)
    return None if preset == PRESET or not names else preset or ",".join(names)


# --- what a row can be used for ------------------------------------------------------------------------------------------------


def thing(row: RunRow) -> str:
    """What stands for a row in a comparison: its model, recipe and target where it is scores of these, else its newest run."""
    if row.kind is RunKind.EVALUATE and len(row.runs) > 1:
        found = f"{row.model}/{row.recipe}/{row.target}"
        if Compare.beside([found]).things:
            return found
    return str(row.newest)


def facts(rows: Sequence[RunRow]) -> dict[str, dict[str, Any]]:
    """By row, what the browser needs to know of it once it is chosen."""
    found = {}
    for row in rows:
        each = list(zip(row.runs, row.states, strict=True))
        found[str(row.id)] = {
            "thing": thing(row),
            "source": row.source.value,
            "stop": [id for id, state in each if state not in TERMINAL],
            "again": [id for id, state in each if state in TERMINAL and state is not RunState.DONE],
        }
    return found


# --- the table -----------------------------------------------------------------------------------------------------------------


def table(rows: Sequence[RunRow], inside: Mapping[int, Sequence[RunRow]], state: Runs, pick: Any) -> Any:
    """Args:
    inside: the runs of each row that is open.
    pick: makes the box by which a row is chosen.
    """
    names = columns(state.columns)
    heads = [html.Th(html.Span("Chosen", className="unseen"), className="pick-cell"), html.Th("Run", scope="col")]
    heads += [_head(COLUMNS[name], state) for name in names]
    body: list[Any] = []
    for row in rows:
        children = inside.get(row.id)
        body.append(_line(row, names, pick(str(row.id), _name(row)), opened=children is not None))
        body += [_line(each, names, None, within=row.id) for each in children or ()]
    return html.Div(
        html.Table([html.Thead(html.Tr(heads)), html.Tbody(body)], className="plain-table run-table"),
        className="scroll",
        role="region",
        tabIndex="0",
        **aria(label="Runs"),
    )


def _head(column: Column, state: Runs) -> Any:
    css = "number" if column.number else ""
    sorted_by = column.sort is not None and column.sort == state.sort
    mark = html.Span(" ▾", title="The list is in this order") if sorted_by else None
    return html.Th([column.title, mark], scope="col", className=css)


def _name(row: RunRow) -> str:
    what = states.KINDS[row.kind]
    return f"{what} {row.id}" if len(row.runs) == 1 else f"{what}, {count(len(row.runs), 'run')}"


def _cell(said: Any, number: bool) -> Any:
    """What a span says by its text and title alone, its cell says itself: each component of a page costs with every answer to it,
    and a list has a thousand."""
    css = "number" if number else ""
    if isinstance(said, html.Span):
        props = said.to_plotly_json()["props"]
        if set(props) == {"children", "title"}:
            return html.Td(**props, className=css)
    return html.Td(said, className=css)


def _line(row: RunRow, names: Sequence[str], box: Any, *, opened: bool = False, within: int | None = None) -> Any:
    lock = html.Span(
        [html.Span("🔒", **aria(hidden="true")), html.Span("in a share", className="unseen")],
        className="locked", title="A share link shows results of this: they stay there as they are.",
    )  # fmt: skip
    if len(row.runs) == 1:
        seed = f", seed {row.seeds[0]}" if within is not None and row.seeds[0] is not None else ""
        first: Any = dcc.Link(f"{_name(row)}{seed}", href=links.run(row.id), className="row-title")
    else:
        label = f"{'Hide' if opened else 'Show'} the runs of {row.model}, {row.recipe}, {row.target or row.kind.value}"
        first = html.Button(
            f"{'▾' if opened else '▸'} {_name(row)}",  # its label is what is read out
            id={"runs-open": row.id}, type="button", className="row-open", **aria(expanded="true" if opened else "false", label=label),
        )  # fmt: skip
    whose = " · ".join(filter(None, (row.model, row.recipe if row.recipe != "none" else None, row.target)))
    brief = (
        html.Span(whose, className="soft brief") if within is None else None
    )  # on a phone, where columns are out of sight
    cells = [_cell(COLUMNS[name].cell(row), COLUMNS[name].number) for name in names]
    css = "within" if within is not None else ""
    return html.Tr(
        [
            html.Td(box, className="pick-cell"),
            html.Th([first, lock if row.locked else None, brief], scope="row"),
            *cells,
        ],
        className=css,
    )
