"""What was frozen, shown as it was: from the content of a snapshot to the state, figures, tables and files of it.

Pure functions over ``SnapshotContent``, for the page of a share link and for the file that opens without a network.
Figures are made by the same functions that the live pages use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.domain.gains import Missing
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow, SnapshotContent, TradeoffPoint
from dashboard import crossed, figures, links, orders, seeds, subset, words
from dashboard.bars import cost_bars
from dashboard.exports import files, rows
from dashboard.look import THEMES, Theme, gain, hours, interval, probability, score

State = Any  # of the page that was frozen: links.Explore or links.Tradeoff


def state(content: SnapshotContent) -> State:
    """How the page stood when it was frozen."""
    search = content.view.partition("?")[2]
    if content.matrix is not None:
        return links.Explore.of(search)
    return links.Tradeoff.of(search)


def sliced(content: SnapshotContent, search: str) -> State:
    """How it is to be shown, as the query of an address says: what it says of which numbers is not heard."""
    return links.sliced(state(content), search)


def draw(
    content: SnapshotContent, chosen: State, themes: Iterable[Theme] = tuple(THEMES.values())
) -> dict[str, dict[str, Any]]:
    """The figure for either scheme, or for those of ``themes``."""
    drawn = {theme.name: _figure(content, chosen, theme) for theme in themes}
    return {name: d if isinstance(d, dict) else d.to_plotly_json() for name, d in drawn.items()}


def _figure(content: SnapshotContent, chosen: State, theme: Any) -> Any:
    matrix = content.matrix
    if matrix is None:
        return figures.tradeoff(content.points or [], chosen, theme)
    if chosen.value == "cost":
        return cost_bars(matrix, theme)
    if chosen.value == "score":
        return figures.score_drawing(matrix, chosen.order, choice=chosen.languages)(theme)
    looks: dict[str, Any] = {"fade": chosen.fade, "colours": chosen.colours}
    return figures.gain_drawing(matrix, chosen.order, choice=chosen.languages, **looks)(theme)


def summary(content: SnapshotContent, chosen: State) -> str:
    """What the figure shows, in words."""
    if content.matrix is not None:
        shown = subset.narrow(content.matrix, chosen.languages)
        if shown.axes is not None:
            return crossed.summary(shown, chosen.value, chosen.languages)
        return words.summary(shown, chosen.value)
    return words.tradeoff_summary(content.points or [], chosen)


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a figure in words. ``keys``: the cell that a row is about, where it can be opened."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()  # columns that stand to the right


def table(content: SnapshotContent, chosen: State) -> Table:
    """Every number of the figure, one row a cell or a point."""
    if content.matrix is not None:
        return _cells(subset.narrow(content.matrix, chosen.languages), chosen)
    return _points(content.points or ())


def _cells(matrix: GainMatrix, chosen: State) -> Table:
    found = {(c.recipe, c.language): c for c in matrix.cells}
    columns, targets = orders.languages(matrix, chosen.order), orders.of_targets(matrix)
    at = [
        (row, cell)
        for row in orders.rows(matrix, chosen.order)
        for code in columns
        if (cell := found.get((row.recipe, code)))
    ]
    head = (
        crossed.rows_are(matrix),
        "Target, mean over languages" if targets else "Language",
        "Gain, 95 % interval",
        "Score with",
        "Baseline",
        "Seeds",
        "p, paired t",
        "q",
        "Verdict",
        "Mean gain of each seed" if targets else "Each seed, without → with (gain)",
    )
    return Table(
        head=head,
        rows=tuple(_cell(c, row, matrix) for row, c in at),
        keys=tuple(f"{c.recipe}.{c.language}" for _, c in at),
        numbers=frozenset(range(2, 8)),
    )


def _cell(cell: GainCell, row: RecipeRow, matrix: GainMatrix) -> tuple[str, ...]:
    found = cell.missing is None and cell.gain is not None
    verdict = cell.verdict.value if found and cell.verdict else words.MISSING[cell.missing or Missing.NOT_RUN]
    return (
        crossed.row_name(cell.recipe, matrix) + (f" ({words.SAME_DATA_TWICE})" if row.same_data_twice else ""),
        _column(cell, row, matrix),
        interval(cell.gain, cell.low, cell.high) if found else "",
        score(cell.treated),
        score(cell.baseline),
        str(cell.n) if found else "",
        probability(cell.p_t) if found else "",
        probability(cell.q) if found else "",
        verdict,
        seeds.in_words(cell) if found else "",
    )


def _column(cell: GainCell, row: RecipeRow, matrix: GainMatrix) -> str:
    """``Swahili (sw)``, ``XNLI, over 8 of 9 languages``, with what has to be known of the number."""
    axes, name = matrix.axes, words.column_name(cell.language)
    said = [name if orders.of_targets(matrix) else f"{name} ({cell.language})"]
    if axes is not None and (support := axes.support.get(f"{cell.recipe}.{cell.language}")) is not None:
        said.append(f"over {support}")
    said += [words.NOT_ZERO_SHOT] if cell.language in row.not_zero_shot else []
    return ", ".join(said) + (f" ({words.SAME_DATA_TWICE})" if crossed.twice(row, cell.language, matrix) else "")


def _points(points: Sequence[TradeoffPoint]) -> Table:
    head = ("Model", "Recipe", "Target", "Over", "Gain, 95 % interval", "Seeds", "Parameters", "without embeddings",
            "Device", "Time, on its own", "shared out")  # fmt: skip
    rows = tuple(
        (
            words.model_title(p.model),
            _named(p),
            f"{words.task_title(p.target)}, {words.metric_title(p.metric)}",
            words.point_support(p),
            interval(p.gain, p.low, p.high),
            str(p.n),
            f"{p.parameters:,}",
            f"{p.parameters_non_embedding:,}",
            f"{p.device} ({p.device_class.value})",
            hours(p.device_hours_marginal),
            hours(p.device_hours_amortised),
        )
        for p in sorted(points, key=lambda p: (p.target, p.recipe, p.parameters))
    )
    return Table(head, rows, numbers=frozenset({4, 5, 6, 7, 9, 10}))


def _named(row: RecipeRow | TradeoffPoint, matrix: GainMatrix | None = None) -> str:
    """A row, with what has to be known of its numbers. ``matrix``: that it is of; None: it is a recipe."""
    name = row.recipe if matrix is None else crossed.row_name(row.recipe, matrix)
    notes = [words.SAME_DATA_TWICE] if row.same_data_twice else []
    notes += [words.not_zero_shot(row)] if row.not_zero_shot else []
    return f"{name} ({'; '.join(notes)})" if notes else name


def means(content: SnapshotContent, chosen: State) -> Table | None:
    """The column of means, as the figure has it; None where it has none."""
    if content.matrix is None:
        return None
    matrix = subset.narrow(content.matrix, chosen.languages)
    rows = tuple(
        (_named(r, matrix), gain(r.mean_transfer), crossed.support(r, matrix))
        for r in orders.rows(matrix, chosen.order)
    )
    over = "targets" if orders.of_targets(matrix) else subset.described(chosen.languages) or "transfer languages"
    return Table((crossed.rows_are(matrix), f"Mean gain over {over}", "Over"), rows, numbers=frozenset({1}))


# --- files -----------------------------------------------------------------------------------------------------------


def as_csv(content: SnapshotContent, sha256: str, chosen: State = None) -> str:
    """One row a cell or a point, numbers as they are, with the address of the snapshot in each row."""
    chosen = chosen or state(content)
    if content.matrix is not None:
        columns, made = rows.of_matrix(content.matrix), rows.cells(content.matrix, chosen, sha256)
    else:
        known: dict[str, Any] = {"benchmark": content.benchmark, "synthetic": content.synthetic, "snapshot": sha256}
        columns, made = rows.POINTS, rows.points(content.points or (), chosen, **known)
    return files.as_csv(files.Table(columns, made, view=content.view, program="", snapshot=sha256))
