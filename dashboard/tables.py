"""The table with the same numbers as a heatmap: for keyboards, screen readers and everybody who would rather read."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag

from backend.domain.gains import Missing
from backend.domain.schemas import GainMatrix
from dashboard import crossed, subset, words
from dashboard.figures import is_finding, languages, score_matrix, shown_value
from dashboard.links import Explore
from dashboard.orders import band, of_targets
from dashboard.orders import rows as lines


def grid(id: str, rows: list[dict[str, Any]], columns: list[dict[str, Any]], *, key: str, on_key: str) -> Any:
    """A grid of numbers.

    Args:
        key: the field that names a row.
        on_key: the function of the browser that hears which key was pressed in a cell.
    """
    return dag.AgGrid(
        id=id,
        rowData=rows,
        columnDefs=columns,
        getRowId=f"params.data.{key}",
        enableEnterpriseModules=False,
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
        columnSize=None,
        eventListeners={"cellKeyDown": [f"{on_key}(params, setEventData)"]},
        dashGridOptions={
            "theme": {"function": "crossliftTheme(themeQuartz)"},
            "domLayout": "autoHeight",
            "animateRows": False,
            "tooltipShowDelay": 300,
        },
        style={"width": "100%"},
    )


def columns(matrix: GainMatrix, state: Explore) -> list[dict[str, Any]]:
    """Columns of the grid twin. How a number is written is said in ``assets/crosslift.js``, as ``look`` says it."""
    matrix = subset.narrow(matrix, state.languages)
    targets = of_targets(matrix)
    number = {"type": "rightAligned", "sortingOrder": ["desc", "asc", None]}
    shown = {"function": "crossliftScore(params)" if state.value == "score" else "crossliftGain(params)"}
    columns: list[dict[str, Any]] = [
        {
            "field": "label",
            "headerName": crossed.rows_are(matrix),
            "pinned": "left",
            "width": 176,
            "minWidth": 96,
            "tooltipField": "note",
        },
    ]
    if state.value == "cost":
        spent = {"function": "crossliftHours(params)"}
        columns += [
            {"field": "marginal", "headerName": "Device time, on its own", **number, "width": 200, "valueFormatter": spent},
            {"field": "amortised", "headerName": "Intermediate run shared out", **number, "width": 220, "valueFormatter": spent},
            {"field": "mean", "headerName": "Mean gain", **number, "width": 130, "valueFormatter": shown},
            {"field": "support", "headerName": "Over", "width": 84, "sortable": False},
        ]  # fmt: skip
        return columns
    if state.value == "gain":
        over = "Mean of targets" if targets else "Mean of shown" if state.languages else "Mean of transfer"
        columns += [
            {"field": "mean", "headerName": over, **number, "width": 142, "valueFormatter": shown},
            {"field": "support", "headerName": "Over", "width": 84, "sortable": False},
        ]
    columns += [
        {
            "field": code,
            "headerName": words.column_name(code) if targets else f"{words.column_name(code)} ({code})",
            "headerTooltip": band(matrix, "family").of(code),
            "valueFormatter": shown,
            **number,
            "flex": 1,
            "minWidth": 104,
        }
        for code in languages(matrix, state.order)
    ]
    return columns


def rows(matrix: GainMatrix, state: Explore) -> list[dict[str, Any]]:
    """One row a recipe. A missing number is null and its reason is in ``why``; ``found`` names findings, ``marks`` has signs that
    follow a number.

    Other names than codes of languages are long ones: ``id`` is Indonesian.
    """
    scores = state.value == "score"
    shown = subset.narrow(score_matrix(matrix) if scores else matrix, state.languages)
    own = subset.narrow(matrix, state.languages)
    at = {(c.recipe, c.language): c for c in shown.cells}
    rows = []
    for row in lines(shown, state.order, own):
        line: dict[str, Any] = {
            "recipe": row.recipe,
            "label": crossed.row_name(row.recipe, matrix)
            + (" ‡" if row.same_data_twice else "")
            + (f" {words.TRAINED}" if row.not_zero_shot else ""),
            "note": row.title
            + (f" ‡ {words.SAME_DATA_TWICE}" if row.same_data_twice else "")
            + (f" {words.TRAINED} {words.not_zero_shot(row)}" if row.not_zero_shot else ""),
            "mean": row.mean_transfer,
            "support": f"{row.k} of {row.n}",
            "leads": crossed.row_address(row.recipe, matrix, state.source) if row.recipe != matrix.baseline else "",
            "marginal": row.device_hours_marginal,
            "amortised": row.device_hours_amortised,
            "why": {},
            "found": {},
            "marks": {},
        }
        for code in shown.languages:
            cell = at.get((row.recipe, code))
            line[code] = None if cell is None else shown_value(cell, scores)
            if cell is None or line[code] is None:
                line["why"][code] = words.MISSING[(cell and cell.missing) or Missing.NOT_RUN]
            elif not scores and is_finding(cell):
                line["found"][code] = True
            if line[code] is not None and crossed.twice(row, code, matrix):
                line["marks"][code] = words.TWICE
        rows.append(line)
    return rows
