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
from dashboard import figures, links, seeds, subset, words
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
        return words.summary(subset.narrow(content.matrix, chosen.languages), chosen.value)
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
    place = {code: i for i, code in enumerate(figures.languages(matrix, chosen.order))}
    rows = {row.recipe: i for i, row in enumerate(matrix.recipes)}
    twice = {row.recipe for row in matrix.recipes if row.same_data_twice}
    trained = {(row.recipe, code) for row in matrix.recipes for code in row.not_zero_shot}
    ordered = sorted(
        matrix.cells, key=lambda c: (rows.get(c.recipe, len(rows)), place.get(c.language, len(place)), c.language)
    )
    head = (
        "Recipe",
        "Language",
        "Gain, 95 % interval",
        "Score with",
        "Baseline",
        "Seeds",
        "p, paired t",
        "q",
        "Verdict",
        "Each seed, without → with (gain)",
    )
    return Table(
        head=head,
        rows=tuple(_cell(c, c.recipe in twice, (c.recipe, c.language) in trained) for c in ordered),
        keys=tuple(f"{c.recipe}.{c.language}" for c in ordered),
        numbers=frozenset(range(2, 8)),
    )


def _cell(cell: GainCell, twice: bool, trained: bool) -> tuple[str, ...]:
    found = cell.missing is None and cell.gain is not None
    verdict = cell.verdict.value if found and cell.verdict else words.MISSING[cell.missing or Missing.NOT_RUN]
    return (
        cell.recipe + (f" ({words.SAME_DATA_TWICE})" if twice else ""),
        f"{words.language_name(cell.language)} ({cell.language})" + (f", {words.NOT_ZERO_SHOT}" if trained else ""),
        interval(cell.gain, cell.low, cell.high) if found else "",
        score(cell.treated),
        score(cell.baseline),
        str(cell.n) if found else "",
        probability(cell.p_t) if found else "",
        probability(cell.q) if found else "",
        verdict,
        seeds.in_words(cell) if found else "",
    )


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


def _named(row: RecipeRow | TradeoffPoint) -> str:
    """A recipe, with what has to be known of its numbers."""
    notes = [words.SAME_DATA_TWICE] if row.same_data_twice else []
    notes += [words.not_zero_shot(row)] if row.not_zero_shot else []
    return f"{row.recipe} ({'; '.join(notes)})" if notes else row.recipe


def means(matrix: GainMatrix) -> Table:
    """The column of means."""
    rows = tuple(
        (
            _named(r),
            gain(r.mean_transfer),
            words.support(r),
        )
        for r in matrix.recipes
    )
    return Table(("Recipe", "Mean gain over transfer languages", "Over"), rows, numbers=frozenset({1}))


# --- files -----------------------------------------------------------------------------------------------------------


def as_csv(content: SnapshotContent, sha256: str, chosen: State = None) -> str:
    """One row a cell or a point, numbers as they are, with the address of the snapshot in each row."""
    chosen = chosen or state(content)
    if content.matrix is not None:
        columns, made = rows.CELLS, rows.cells(content.matrix, chosen, sha256)
    else:
        known: dict[str, Any] = {"benchmark": content.benchmark, "synthetic": content.synthetic, "snapshot": sha256}
        columns, made = rows.POINTS, rows.points(content.points or (), chosen, **known)
    return files.as_csv(files.Table(columns, made, view=content.view, program="", snapshot=sha256))
