"""What submitting a draft would do: the panel beside the form. Schemas in, components out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dash import dcc, html

from backend.domain.experiment import same_data_twice
from backend.domain.language import ENGLISH
from backend.domain.recipe import BASELINE
from backend.domain.schemas import Band, CellView, Preview
from dashboard import draft, foretold, links, states, words
from dashboard.draft import LABELS, Draft
from dashboard.look import count, hours, size_of
from dashboard.shell import aria

WORTH_SAYING = 0.95  # of the cost of every pair by itself


def checked(
    shown: Draft, preview: Preview | None, errors: Mapping[str, str], now: datetime
) -> tuple[list[Any], list[Any]]:
    """The panel: what it comes to, and below what may be expected of it, the rest. ``preview`` is None where something is missing or
    wrong."""
    if preview is None:
        return _not_yet(shown, errors), []
    device = shown.said["device"]
    top: list[Any] = [
        html.P(headline(preview), className="check-headline"),
        _verdict(shown, preview),
        states.facts(
            [
                ("Device time", _device_hours(preview.device_hours, device)),
                ("Done in", band(preview.hours_until_done) or "not known"),
                ("Ends about", ends(preview.hours_until_done, now)),
                ("Energy", foretold.energy(preview.energy_kwh)),
                ("Disk", size_of(preview.disk_bytes)),
                *_sharing(preview),
                *_memory(preview),
            ]
        ),
        *(html.P(note, className="note") for note in preview.notes),
        html.P(preview.forecast_from, className="soft"),
        html.P(preview.energy_from, className="soft") if preview.energy_from else None,
        html.P(preview.forecast_record, className="soft"),
        foretold.runs(preview),
        html.P(preview.oracle, className="soft") if preview.oracle else None,
    ]
    parts: list[Any] = [
        html.H3("Runs by kind"),
        _kinds(preview),
        html.H3("The grid"),
        *_grid(shown, preview.not_applicable),
        html.H3("What these seeds can show"),
        html.P(preview.seeds_can_show),
    ]
    if preview.same_data_twice:
        parts += [
            html.H3(words.SAME_DATA_TWICE.capitalize()),
            html.P("These train on one data set twice. They run, are labelled, and are left out of headline means."),
            html.Ul([html.Li(pair) for pair in preview.same_data_twice], className="plain"),
        ]
    if codes := [code for code in shown.entries("translate_train") if code != ENGLISH]:
        parts += [
            html.H3(f"{words.NOT_ZERO_SHOT} {words.TRAINED}".capitalize()),
            html.P(
                f"Targets are fine-tuned on translations into {', '.join(words.language_name(code) for code in codes)}, the baseline "
                f"too. Cells in these languages are marked {words.TRAINED}."
            ),
        ]
    if preview.not_applicable:
        parts += [html.H3("Not applicable"), _reasons(preview.not_applicable)]
    return top, parts


def _sharing(preview: Preview) -> list[tuple[str, Any]]:
    """How much more it would be without sharing, where that is worth a line."""
    ratio = preview.cost.ratio
    if ratio is None or ratio > WORTH_SAYING:
        return []
    said = f"every pair trained by itself would be {1 / ratio:.1f} times as much"
    return [("Sharing", html.Span(said, title=preview.cost.said))]


def _memory(preview: Preview) -> list[tuple[str, Any]]:
    """Of the model that needs most; the others are in what points at it."""
    if not preview.memory:
        return []
    most = max(preview.memory, key=lambda m: (m.least_bytes, m.whole_bytes))
    every = "; ".join(
        f"{m.model}: {size_of(m.whole_bytes)} for {m.run}, at least {size_of(m.least_bytes)}" for m in preview.memory
    )
    said = f"{size_of(most.whole_bytes)} at the peak ({most.model}), at least {size_of(most.least_bytes)}: {most.how}"
    return [("Memory", html.Span(said, title=every))]


def _not_yet(shown: Draft, errors: Mapping[str, str]) -> list[Any]:
    if errors:
        said = [html.Li([html.B(f"{LABELS[n]}: " if n else ""), text]) for n, text in errors.items()]
        return [html.P("This cannot be submitted as it stands.", className="check-headline"), html.Ul(said)]
    *first, last = (f"a {LABELS[n].lower().removesuffix('s')}" for n in shown.missing)
    what = f"{', '.join(first)} and {last}" if first else last
    return [
        html.P(f"Choose {what}.", className="check-headline"),
        html.P("This then shows the runs it takes, which of them exist already, what they will cost, and when they end."),
    ]  # fmt: skip


def headline(preview: Preview) -> str:
    """``36 cells, 92 runs: 60 to do, 32 exist already``."""
    return (
        f"{count(preview.cells, 'cell')}, {count(preview.runs, 'run')}: "
        f"{preview.runs_to_do:,} to do, {preview.runs_reused:,} exist already"
    )


def _verdict(shown: Draft, preview: Preview) -> Any:
    if preview.runs and not preview.runs_to_do:
        said: list[Any] = [
            "✓ ",
            html.B("All runs exist already."),
            " Submitting computes nothing: it lists them as one experiment. ",
        ]
        return html.P([*said, results_link(shown, "View what is there")], className="check-all-there")
    return html.P(
        f"{count(preview.runs_reused, 'run')} reused: equal work is computed once." if preview.runs_reused else "",
        className="soft",
    )


def button(preview: Preview | None) -> str:
    """What the button says that it will do."""
    if preview is None:
        return "Submit"
    return f"Submit {count(preview.runs_to_do, 'run')}" if preview.runs_to_do else "Submit, nothing to compute"


def band(value: Band | None) -> str | None:
    """``42 min (30 min – 1.1 h)``."""
    return None if value is None else f"{hours(value.median)} ({hours(value.low)} – {hours(value.high)})"


def _device_hours(value: Band | None, device: str) -> str:
    kind = "GPU-hours" if device == "cuda" else f"device-hours on {device}"
    return "nothing measured yet to forecast from" if value is None else f"{band(value)}, {kind}"


def ends(value: Band | None, now: datetime) -> Any:
    """``18:40 UTC (18:10 – 19:30)``, with the day where that is another; None where nothing is to be done or nothing is known."""
    if value is None or value.high == 0:
        return None
    low, median, high = (now.astimezone(UTC) + timedelta(hours=h) for h in (value.low, value.median, value.high))
    shape = "%H:%M" if high.date() == now.astimezone(UTC).date() else "%d %b %H:%M"
    said = f"{median.strftime(shape)} UTC ({low.strftime(shape)} – {high.strftime(shape)})"
    return html.Time(said, dateTime=median.isoformat(timespec="minutes"))


def _kinds(preview: Preview) -> Any:
    most = max(preview.by_kind.values(), default=1)
    rows = [
        html.Li(
            [
                html.Span(label),
                html.Span(
                    html.Span(style={"width": f"{100 * preview.by_kind[kind] / most:.1f}%"}), className="kind-bar"
                ),
                html.Span(f"{preview.by_kind[kind]:,}", className="number"),
            ]
        )
        for kind, label in states.KINDS.items()
        if preview.by_kind.get(kind)
    ]
    return html.Ul(rows, className="kinds")


def _grid(shown: Draft, not_applicable: Sequence[CellView]) -> list[Any]:
    """Recipes by targets; in each cell how many of its models and seeds apply."""
    targets = shown.entries("targets")
    recipes = [BASELINE.name, *(n for n in _names(shown.entries("recipes")) if n != BASELINE.name)]
    models = len(shown.entries("models"))
    seeds = len(shown.body["seeds"])
    each = models * seeds
    lost: dict[tuple[str, str], list[CellView]] = {}
    for c in not_applicable:
        lost.setdefault((c.recipe, c.target), []).append(c)

    def cell(recipe: str, target: str) -> Any:
        gone = lost.get((recipe, target), [])
        if len(gone) >= each:
            return html.Td("n/a", title=gone[0].reason, className="na")
        twice = same_data_twice(recipe, target)
        return html.Td(f"{each - len(gone)}{' ‡' if twice else ''}", title=words.SAME_DATA_TWICE if twice else None)

    head = html.Tr(
        [html.Th("Recipe", scope="col"), *(html.Th(words.task_title(t), scope="col", title=t) for t in targets)]
    )
    rows = [html.Tr([html.Th(r, scope="row"), *(cell(r, t) for t in targets)]) for r in recipes]
    legend = f"Cells: {count(models, 'model')} × {count(seeds, 'seed')}."
    if any(same_data_twice(r, t) for r in recipes for t in targets):
        legend += f" ‡ {words.SAME_DATA_TWICE}."
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="grid-preview")
    return [html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="The grid")),
            html.P(legend, className="soft")]  # fmt: skip


def _names(texts: Iterable[str]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(draft.recipe(text).name)
        except ValueError:
            found.append(text)
    return found


def _reasons(cells: Sequence[CellView]) -> Any:
    """One line a reason, not one a cell."""
    found: dict[tuple[str, str, str], int] = {}
    for c in cells:
        key = (c.recipe, c.target, c.reason or "does not apply")
        found[key] = found.get(key, 0) + 1
    lines = [
        html.Li(f"{recipe} → {words.task_title(target)}: {reason} ({count(n, 'cell')})")
        for (recipe, target, reason), n in found.items()
    ]
    return html.Ul(lines, className="plain")


def results_link(shown: Draft, text: str = "See results so far") -> Any:
    """To where the numbers of this draft are, or will be."""
    models, targets = shown.entries("models"), shown.entries("targets")
    if not models or not targets:
        return None
    said = {"model": models[0], "target": targets[0], "source": shown.said["source"]}
    return dcc.Link(text, href=links.Explore.read(said).address)
