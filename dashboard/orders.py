"""In which order the rows and columns of a heatmap stand, and what is written over neighbours that have something in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from backend.domain.language import order_by_family
from backend.domain.schemas import GainMatrix, RecipeRow
from dashboard.clusters import clustered
from dashboard.heatmap import Band
from dashboard.links import Order
from dashboard.words import column_name, family, format_title, language_name, resource, script

#: What stands over the languages, by their order: families where the order says nothing else.
BANDS: Mapping[Order, Band] = {
    "family": Band("family", family),
    "script": Band("script", script),
    "resource": Band("resource", resource),
    "gain": Band("family", family),
    "cluster": Band("family", family),
    "name": Band("family", family),
}
OVER_TARGETS = Band("kind", format_title)
LEVELS = ("high-resource", "mid-resource", "low-resource", "Other")


def band(matrix: GainMatrix, order: Order) -> Band:
    return OVER_TARGETS if of_targets(matrix) else BANDS[order]


def of_targets(matrix: GainMatrix) -> bool:
    """Whether columns are targets, not languages."""
    return matrix.axes is not None and matrix.axes.columns == "target"


def languages(matrix: GainMatrix, order: Order) -> list[str]:
    """The matrix's languages as they stand on the axis: by family, by script, by resource level (within both by family), by
    mean gain over the recipes, by cluster, or by English name. Targets: by gain, by cluster, by name, else by kind.

    Rows that train on the same data twice do not take part in the order by gain; languages without any gain come last.
    """
    if order == "name":
        return sorted(matrix.languages, key=column_name)
    if order == "cluster":
        return clustered(matrix)[1]
    first = _first_order(matrix)
    if order == "gain":
        return _by_gain(matrix, first)
    if order == "script" and not of_targets(matrix):
        return sorted(first, key=script)
    if order == "resource" and not of_targets(matrix):
        return sorted(first, key=lambda code: LEVELS.index(resource(code)))
    return first


def _first_order(matrix: GainMatrix) -> list[str]:
    if of_targets(matrix):
        return sorted(matrix.languages, key=lambda target: (format_title(target), column_name(target)))
    try:
        return order_by_family(matrix.languages)
    except ValueError:  # a language that this version does not know
        return sorted(matrix.languages, key=lambda code: (family(code), language_name(code)))


def _by_gain(matrix: GainMatrix, columns: Sequence[str]) -> list[str]:
    twice = {r.recipe for r in matrix.recipes if r.same_data_twice}
    found: dict[str, list[float]] = {}
    for c in matrix.cells:
        if c.gain is not None and c.missing is None and c.recipe not in twice:
            found.setdefault(c.language, []).append(c.gain)
    return sorted(columns, key=lambda code: -math.fsum(found[code]) / len(found[code]) if code in found else math.inf)


def by_size(matrix: GainMatrix) -> bool:
    return matrix.axes is not None and matrix.axes.rows == "model"


def rows(matrix: GainMatrix, order: Order, by: GainMatrix | None = None) -> list[RecipeRow]:
    """By cluster where columns are, else as the matrix has them; models stand by size in any order of the columns.

    Args:
        by: whose gains tell the clusters, where the matrix has a row without any: the baseline, which stays first.
    """
    if order != "cluster" or by_size(matrix):
        return matrix.recipes
    place = {name: i for i, name in enumerate(clustered(by or matrix)[0])}
    return sorted(matrix.recipes, key=lambda row: place.get(row.recipe, -1))
