"""Recipes by targets in long form: one row a mean over languages, in the order of the figure, with a fixed schema. No row holds the score of
a seed in a language, so such a table cannot be imported again; it says of each mean what it is over."""

from __future__ import annotations

from typing import Any, Final

from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from backend.domain.tasks import TASKS
from dashboard import crossed, orders
from dashboard.exports import values
from dashboard.exports.schema import Row, columns
from dashboard.links import Explore

MEANS: Final = columns(
    ("benchmark", "text", "its name"),
    ("synthetic", "truth", "whether it is the generated one, which says nothing about natural language"),
    ("model", "text", "the pretrained encoder"),
    ("parameters", "whole", "weights of the encoder in total; empty: no model of the catalogue"),
    ("parameters_non_embedding", "whole", "weights without embeddings"),
    ("recipe", "text", "how the intermediate stage was done"),
    ("target", "text", "the task that was scored"),
    ("languages", "text", "what the mean is over, where every recipe of the target has a gain"),
    ("languages_in_mean", "text", "how many these are, of how many the target has"),
    ("metric", "text", "what the scores are of: the target's headline metric"),
    ("score", "number", "points, mean over seeds and languages, with the intermediate stage"),
    ("baseline", "number", "points, mean over the same seeds and languages, without it"),
    ("gain", "number", "score minus baseline, points"),
    ("ci_low", "number", "95 % interval of the mean gain over seeds, points"),
    ("ci_high", "number", "95 % interval of the mean gain over seeds, points"),
    ("p", "number", "two-sided paired t over seeds"),
    ("p_sign_flip", "number", "exact sign-flip test over seeds"),
    ("q", "number", "Benjamini-Hochberg over every recipe and target of this model, shown or not"),
    ("detectable", "number", "gain in points that would have been found four times out of five"),
    ("verdict", "text", "helps, hurts, no evidence or too few seeds"),
    ("missing", "text", "why there is no mean: not_applicable, not_run, failed or withheld"),
    ("why_missing", "text", "the same at length"),
    ("n_seeds", "whole", "seeds that the mean is over"),
    ("seeds", "wholes", "which; empty: its languages share none"),
    ("gains", "numbers", "mean gain of each of these seeds, points"),
    ("same_data_twice", "truth", "intermediate task and target train on one data set: in no mean over targets"),
    ("zero_shot", "truth", "false where some language of the target was trained in, by translations"),
    ("run_ids", "wholes", "evaluate runs of the scores"),
    ("baseline_run_ids", "wholes", "evaluate runs of the baselines"),
    ("snapshot", "text", "SHA-256 of the frozen result; empty: live numbers"),
)


def rows(matrix: GainMatrix, state: Explore, snapshot: str = "") -> list[Row]:
    """Every mean that Explore shows, those that there are not and why included."""
    found = {(c.recipe, c.language): c for c in matrix.cells}
    at = [(row, name) for row in orders.rows(matrix, state.order) for name in orders.languages(matrix, state.order)]
    return [_mean(matrix, row, cell, snapshot) for row, name in at if (cell := found.get((row.recipe, name)))]


def _mean(m: GainMatrix, row: RecipeRow, c: GainCell, snapshot: str) -> dict[str, Any]:
    axes = m.axes
    assert axes is not None
    return {
        **values.of_matrix(m, snapshot),
        "recipe": c.recipe,
        "target": c.language,
        "languages": axes.over,
        "languages_in_mean": axes.support.get(f"{c.recipe}.{c.language}"),
        "metric": TASKS[c.language].headline if c.language in TASKS else m.metric,
        **values.of_cell(c),
        "gains": c.differences,
        "same_data_twice": crossed.twice(row, c.language, m),
        "zero_shot": c.language not in row.not_zero_shot,
        "run_ids": c.runs,
        "baseline_run_ids": c.baseline_runs,
        "snapshot": snapshot or None,
    }
