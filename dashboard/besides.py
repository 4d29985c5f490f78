"""Things beside one another: cards, what tells them apart, means and records, the table. What the API answered in, components out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.domain.comparison import ComparedField, ComparedMean, ComparedRecord, ComparedSide, Comparison
from backend.domain.run import RunKind
from dashboard import dumbbells, links, states, words
from dashboard.dumbbells import LETTERS
from dashboard.links import Compare, Explore
from dashboard.look import count, hours, interval, parameters, plain, probability, score
from dashboard.shell import aria, data

NOT_YET = "not reported yet"


def cards(found: Comparison, state: Compare) -> Any:
    """One card a thing, in its order, with what can be done to that."""
    return html.Ul(
        [html.Li(_card(found, number, state)) for number in range(len(found.sides))], className="compare-cards"
    )


def _card(found: Comparison, number: int, state: Compare) -> Any:
    side = found.sides[number]
    first = number == 0
    done: list[Any] = [html.Span("the others are measured against this", className="soft")] if first else []
    if not first:
        done.append(
            dcc.Link(
                "Make baseline",
                href=state.against(side.thing).address,
                title=f"Measure the others against {side.title}",
            )
        )
    done.append(dcc.Link("Remove", href=state.without(side.thing).address, title=f"Remove {side.title}"))
    stood = {s.value: side.states.count(s) for s in side.states}
    return html.Div(
        [
            html.Div([letter(number), dcc.Link(side.title, href=_where(side, state), className="run-title")], className="run-head"),
            html.Div(
                [
                    *(html.Span([states.mark(s), f" {n} {s}"]) for s in states.ORDER if (n := stood.get(s))),
                    html.Span(_seeds(side), className="soft") if side.runs else html.Span("not run", className="soft"),
                ],
                className="run-words",
            ),
            html.Div(done, className="run-words quick-actions"),
        ],
        className="run-card",
    )  # fmt: skip


def letter(number: int) -> Any:
    return html.Span(LETTERS[number], className="compare-letter", **data(side=str(number)))


def _seeds(side: ComparedSide) -> str:
    seeds = sorted({s for s in side.seeds if s is not None})
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}" if seeds else "no seed"


def _where(side: ComparedSide, state: Compare) -> str:
    if len(side.runs) == 1 and side.thing.isdigit():
        return links.run(side.runs[0])
    cell = f"{side.recipe}.{side.language}" if side.language else None
    return Explore.read({"model": side.model, "target": side.target, "source": state.source, "cell": cell}).address


# --- what tells them apart -----------------------------------------------------------------------------------------------------


def apart(found: Comparison, state: Compare) -> Any:
    shown = [f for f in found.fields if state.fields == "all" or not f.equal]
    hidden = len(found.fields) - len(shown)
    other = replace(state, fields="differing" if state.fields == "all" else "all")
    if state.fields == "all":
        said: list[Any] = ["Everything is shown. ", dcc.Link("Only what differs", href=other.address)]
    else:
        told = f"{count(hidden, 'equal field')} {'is' if hidden == 1 else 'are'} hidden. "
        said = [told, dcc.Link("Show everything", href=other.address)]
    if not shown:
        body: Any = html.P("Nothing differs.")
    else:
        body = _scrolled(_facts(shown, len(found.sides)), "What differs")
    return html.Section(
        [html.H2("What differs" if state.fields != "all" else "All facts"), html.P(said, className="soft"), body],
        className="part-of",
    )


def _facts(shown: Sequence[ComparedField], many: int) -> Any:
    heads = html.Tr([html.Th("", scope="col"), *(html.Th(letter(n), scope="col") for n in range(many))])
    rows: list[Any] = []
    stage = ""
    for field in shown:
        if field.stage != stage:
            stage = field.stage
            rows.append(html.Tr(html.Th(stage, colSpan=many + 1, scope="rowgroup"), className="compare-stage"))
        cells = [html.Td(DASH if v is None else v, className="compare-value") for v in field.values]
        rows.append(html.Tr([html.Th(field.name.replace("_", " "), scope="row"), *cells]))
    return html.Table([html.Thead(heads), html.Tbody(rows)], className="plain-table compare-facts")


DASH = "–"


def _scrolled(table: Any, label: str) -> Any:
    return html.Div(table, className="scroll", role="region", tabIndex="0", **aria(label=label))


# --- means, records, cost -------------------------------------------------------------------------------------------------------


def means(found: Comparison) -> Any:
    """Means, what won, who is not told apart, and what each took."""
    lettered = any(side.letters is not None for side in found.sides)
    heads = ["", "Mean score", "Against A", "By language"]
    heads += ["Not told apart"] if lettered else []
    heads += ["Device time", "Shared out", "Energy", "Parameters"]
    rows = []
    for number, side in enumerate(found.sides):
        cells: list[Any] = [_mean(side), _difference(side, number), _record(side, number)]
        if lettered:
            cells.append(html.B(side.letters) if side.letters else DASH)
        device = f" ({side.device_class.value})" if side.device_class and side.device_hours_marginal is not None else ""
        cells += [
            _took(side, side.device_hours_marginal)
            if side.device_hours_marginal is None
            else f"{hours(side.device_hours_marginal)}{device}",
            _took(side, side.device_hours_amortised),
            "not measured" if side.energy_joules is None else f"{side.energy_joules / 3.6e6:.2g} kWh",
            parameters(side.parameters) if side.parameters else NOT_YET,
        ]
        head = html.Th([letter(number), " ", side.title], scope="row")
        rows.append(html.Tr([head, *(html.Td(c) for c in cells)]))
    table = html.Table(
        [html.Thead(html.Tr([html.Th(h, scope="col") for h in heads])), html.Tbody(rows)],
        className="plain-table compare-means",
    )
    common = [code for code in found.common if code != "en"]
    over = (
        f"Means are over {count(len(common), 'language')} without English, those in which all have scores. "
        if common
        else ""
    )
    told = (
        "Things that share a letter are not told apart by their means (paired t, corrected over the pairs). "
        if lettered
        else ""
    )
    text = f"{over}{told}Device time is of one seed with all that was trained for it; shared out, an intermediate run counts for each target that used it."
    return html.Section(
        [
            html.H2("Means, wins and cost"),
            html.P(text, className="soft note"),
            _scrolled(table, "Means, wins and cost"),
        ],
        className="part-of",
    )


def _took(side: ComparedSide, spent: float | None) -> str:
    return hours(spent) if spent is not None else NOT_YET if not side.left_out and not _over(side) else "not measured"


def _over(side: ComparedSide) -> bool:
    return bool(side.states) and all(
        s.value in ("done", "failed", "diverged", "cancelled", "skipped") for s in side.states
    )


def _mean(side: ComparedSide) -> Any:
    if side.mean is None:
        return _why_no_score(side)
    ends = (
        f" [{plain(side.mean.low)}, {plain(side.mean.high)}]"
        if side.mean.low is not None and side.mean.high is not None
        else ""
    )
    return f"{score(side.mean.value)}{ends}"


def _why_no_score(side: ComparedSide) -> str:
    if side.kind is not RunKind.EVALUATE:
        return "gives no scores"
    if not side.states:
        return "not run"
    if any(s.value in ("failed", "diverged", "skipped") for s in side.states) and _over(side):
        return "failed"
    return DASH if _over(side) else NOT_YET


def _difference(side: ComparedSide, number: int) -> Any:
    if number == 0:
        return DASH
    if side.difference is None:
        return html.Span(f"none: {side.unpaired}" if side.unpaired else DASH, className="soft compare-why")
    return _interval(side.difference)


def _interval(mean: ComparedMean) -> str:
    return interval(mean.value, mean.low, mean.high)


def _record(side: ComparedSide, number: int) -> Any:
    if number == 0 or side.record is None:
        return DASH
    return record(side.record, side.title)


def record(found: ComparedRecord, title: str) -> Any:
    """Won, tied, lost and untested, as a bar with the same in words."""
    parts = (
        ("won", "better", found.won),
        ("tied", "not told apart", found.tied),
        ("lost", "worse", found.lost),
        ("few", "too few seeds", found.too_few),
    )
    total = sum(n for *_, n in parts) or 1
    said = ", ".join(f"{n} {word}" for _, word, n in parts if n)
    bar = [html.Span(className=f"won-{name}", style={"width": f"{100 * n / total:.2f}%"}) for name, _, n in parts if n]
    return html.Div(
        [html.Div(bar, className="won-bar", role="img", **aria(label=f"{title} against A: {said}")), html.Span(said, className="soft")],
        className="won",
    )  # fmt: skip


# --- language by language --------------------------------------------------------------------------------------------------------


def table(found: Comparison, state: Compare) -> Any:
    """The figure's numbers, with differences, q and why something is missing."""
    heads = [html.Th("Language", scope="col")]
    for number in range(len(found.sides)):
        heads.append(html.Th([letter(number), " score"], scope="col", className="number"))
        if number:
            heads.append(html.Th([letter(number), " against A"], scope="col", className="number"))
    rows = []
    for code in dumbbells.ordered(found, state.order):
        cells = []
        for number, cell in enumerate(dumbbells.cells_of(found, code)):
            cells.append(
                html.Td(dumbbells.spread(cell), className="number" if cell.score is not None else "number soft")
            )
            if number:
                verdict = cell.verdict.value if cell.verdict else None
                css = "number finding" if verdict in ("helps", "hurts") else "number"
                shown = (
                    f"{dumbbells.difference(cell)}{' •' if verdict in ('helps', 'hurts') else ''}"
                    if cell.difference is not None
                    else DASH
                )
                cells.append(html.Td(shown, className=css, title=_tested(cell, verdict)))
        rows.append(html.Tr([html.Th(f"{words.language_name(code)} ({code})", scope="row"), *cells]))
    made = html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="plain-table")
    return html.Details(
        [
            html.Summary("The same as a table"),
            html.P("• q below .05, among all recipe × language cells of the model, target and metric against this baseline.", className="soft"),
            _scrolled(made, "Scores by language"),
        ],
        className="more",
    )  # fmt: skip


def _tested(cell: Any, verdict: str | None) -> str | None:
    if cell.difference is None:
        return None
    q = f"q {probability(cell.q)}, " if cell.q is not None else ""
    return f"{q}{words.seeds(cell.pairs)} pairs: {verdict}"


def orders(state: Compare) -> Any:
    """In which order languages come: links, so that each is an address and a step of its own."""
    titles = {"family": "by family", "difference": "by how far apart", "name": "by name"}
    shown = [
        html.B(title) if value == state.order else dcc.Link(title, href=replace(state, order=value).address)  # type: ignore[arg-type]
        for value, title in titles.items()
    ]
    return html.P(
        ["Languages ", *(part for each in shown for part in (each, " · "))][:-1], className="soft compare-orders"
    )


def nothing(state: Compare, problem: str | None) -> Any:
    if problem is not None:
        return html.Div([html.H2("These cannot be compared"), html.P(problem)], className="nothing", role="alert")
    return html.Div(
        [
            html.H2("Nothing is chosen yet"),
            html.P(
                ["Choose rows in ", dcc.Link("Runs", href=links.RUNS), " or cells in ", dcc.Link("Explore", href=links.EXPLORE),
                 ", or write down to six of these above:"]
            ),
            html.Ul(
                [
                    html.Li([html.Code("12"), ": run 12"]),
                    html.Li([html.Code("mini-2/mnli/xnli"), ": a model, recipe and target, over its seeds"]),
                    html.Li([html.Code("mini-2/mnli/xnli/sw"), ": the same in one language"]),
                ],
                className="plain",
            ),
        ],
        className="nothing",
    )  # fmt: skip


def adding(state: Compare) -> Any:
    """Where one more is written."""
    full = len(state.things) >= len(LETTERS)
    return html.Div(
        [
            dmc.TextInput(
                id="compare-add", label="Add a run, a recipe or a cell", placeholder="12, or mini-2/mnli/xnli", size="sm", value="",
                className="pick wide", disabled=full,
            ),
            dmc.Button("Add", id="compare-put", size="sm", variant="default", disabled=full, n_clicks=0),
            html.Span("six are the most", className="soft") if full else None,
        ],
        className="filters compare-adding",
    )  # fmt: skip
