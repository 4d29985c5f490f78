"""Which flipped examples an address asks for, where it leaves that open: the same for the page and for its files."""

from __future__ import annotations

from dataclasses import replace

from backend.domain.schemas import GainMatrix
from dashboard.client import Client
from dashboard.links import Flips


async def matrix_of(api: Client, state: Flips) -> GainMatrix:
    """The gains that a choice is made among.

    Raises:
        CrossliftError: there are none of these, or something in the address is not known.
    """
    asked = {"model": state.model, "target": state.target, "metric": state.metric, "settings": state.settings}
    return await api.matrix(**asked, source=state.source)


def with_gain(matrix: GainMatrix, recipe: str | None = None) -> list[tuple[str, str]]:
    """(recipe, language) of the cells that have a gain."""
    return [
        (c.recipe, c.language)
        for c in matrix.cells
        if c.gain is not None and c.missing is None and recipe in (None, c.recipe)
    ]


def filled(state: Flips, matrix: GainMatrix) -> Flips:
    """What an address leaves open: the first recipe with a gain, and its first language but English."""
    there = with_gain(matrix, state.recipe)
    if state.language is not None:
        there = [pair for pair in there if pair[1] == state.language] or there
    recipe, language = next((p for p in there if p[1] != "en"), there[0] if there else (None, None))
    return replace(
        state, model=matrix.model, target=matrix.target, recipe=state.recipe or recipe, language=state.language or language
    )  # fmt: skip
