"""Flipped examples in long form: one row an example and seed, those of the page's pages one after another, with a fixed schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.exports.files import Table
from dashboard.exports.schema import columns
from dashboard.links import Flips

FLIPPED: Final = columns(
    ("source", "text", "of the data: mini is the generated benchmark"),
    ("model", "text", "the pretrained encoder"),
    ("recipe", "text", "how the intermediate stage was done"),
    ("target", "text", "the task whose test examples these are"),
    ("language", "text", "two-letter code"),
    ("id", "text", "of the example, as the data set has it"),
    ("direction", "text", "fixed: wrong without the intermediate stage and right with it; broken: the other way round"),
    ("seed", "whole", "that turned it; empty: the run has no seed"),
    ("gold", "text", "the answer that is right"),
    ("without", "text", "what was predicted without the intermediate stage"),
    ("with", "text", "what was predicted with it"),
    ("confidence_without", "number", "probability of that prediction, where it was stored"),
    ("confidence_with", "number", "probability of that prediction, where it was stored"),
    ("text", "text", "of the example, where it is known"),
    ("licence", "text", "of the data set, which the text stays under"),
)  # fmt: skip


def flipped(rows: Sequence[Mapping[str, Any]], state: Flips, *, program: str) -> Table:
    """Rows of the API, with what they are of. Texts and predictions are whole, in the order of the page."""
    same = {name: getattr(state, name) for name in ("source", "model", "recipe", "target", "language")}
    return Table(FLIPPED, [{**same, **row} for row in rows], view=state.address, program=program)
