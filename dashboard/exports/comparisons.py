"""Things beside one another in long form: one row a language and thing, in the order of the page, with a fixed schema."""

from __future__ import annotations

from typing import Final

from backend.domain.comparison import Comparison
from dashboard import dumbbells
from dashboard.exports.files import Table
from dashboard.exports.schema import Row, columns
from dashboard.links import Compare

COMPARED: Final = columns(
    ("benchmark", "text", "its name"),
    ("synthetic", "truth", "whether it is the generated one, which says nothing about natural language"),
    ("letter", "text", "what the page calls the thing; A is what the others are measured against"),
    ("thing", "text", "as addresses write it: a run, model/recipe/target, or these and a language"),
    ("model", "text", "the pretrained encoder"),
    ("recipe", "text", "how the intermediate stage was done"),
    ("target", "text", "the task that was scored"),
    ("metric", "text", "what the scores are of"),
    ("settings", "text", "under which it was measured, as addresses name them"),
    ("language", "text", "two-letter code"),
    ("score", "number", "points, mean over seeds"),
    ("score_low", "number", "95 % interval of the score over seeds"),
    ("score_high", "number", "95 % interval of the score over seeds"),
    ("seeds", "wholes", "which; none: the run has no seed"),
    ("score_per_seed", "numbers", "points, in the order of seeds"),
    ("missing", "text", "why there is no score, in words"),
    ("difference", "number", "against A, points: above zero is better"),
    ("difference_low", "number", "95 % interval of the difference over seeds"),
    ("difference_high", "number", "95 % interval of the difference over seeds"),
    ("pairs", "whole", "seeds that the difference is over"),
    ("p", "number", "paired t"),
    ("q", "number", "Benjamini-Hochberg over all recipe × language cells of the model, target and metric against this baseline"),
    ("verdict", "text", "helps, hurts, no evidence or too few seeds"),
    ("unpaired", "text", "why the thing has no difference against A"),
)  # fmt: skip


def compared(found: Comparison, state: Compare, *, program: str) -> Table:
    """Every language that the page lists, and every thing in each."""
    of_side = ("thing", "model", "recipe", "target", "metric", "settings", "unpaired")
    of_cell = (
        "language", "score", "seeds", "missing", "difference", "difference_low", "difference_high", "p", "q",
    )  # fmt: skip
    made: list[Row] = []
    for code in dumbbells.ordered(found, state.order):
        for number, cell in enumerate(dumbbells.cells_of(found, code)):
            side = found.sides[number]
            made.append(
                {
                    "benchmark": found.benchmark,
                    "synthetic": found.synthetic,
                    "letter": dumbbells.LETTERS[number],
                    **{name: getattr(side, name) for name in of_side},
                    **{name: getattr(cell, name) for name in of_cell},
                    "score_low": cell.low,
                    "score_high": cell.high,
                    "score_per_seed": cell.per_seed,
                    "pairs": cell.pairs if cell.difference is not None else None,
                    "verdict": cell.verdict.value if cell.verdict else None,
                }
            )
    return Table(COMPARED, made, view=state.address, program=program)
