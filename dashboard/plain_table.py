"""A table of text and links that is no grid: read row by row, scrolled by keys where it is wider than its box."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dash import html


def plain(
    title: str,
    head: Sequence[Any],
    rows: Sequence[Sequence[Any]],
    numbers: Collection[int] = (),
    sorted_by: int = -1,
    *,
    boxed: bool = True,
) -> Any:
    """The first column names its row.

    Args:
        numbers: columns that stand to the right.
        sorted_by: the column that the rows are in the order of.
        boxed: whether it stands in a box of its own.
    """

    def name(i: int) -> str:
        return "number" if i in numbers else ""

    ordered: dict[int, dict[str, Any]] = {sorted_by: {"aria-sort": "other"}}
    label: dict[str, Any] = {"aria-label": title}
    heads = [html.Th(text, scope="col", className=name(i), **ordered.get(i, {})) for i, text in enumerate(head)]
    lines = [
        html.Tr([html.Th(row[0], scope="row"), *(html.Td(part, className=name(i)) for i, part in enumerate(row) if i)])
        for row in rows
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr(heads)), html.Tbody(lines)], className="plain-table"),
        className="scroll language-table" if boxed else "scroll", role="region", tabIndex="0", **label,
    )  # fmt: skip


def soft(text: str) -> Any:
    return html.Span(text, className="soft beneath") if text else None
