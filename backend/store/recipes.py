"""What the name of a recipe in the store says: it may be of another version of the program."""

from __future__ import annotations

from backend.domain.recipe import CONTROLS, Recipe, RecipeKind


def place(recipe: str) -> tuple[int, str]:
    """Where a recipe stands among others: single tasks, then several, then controls."""
    kind = read_recipe(recipe)
    return (list(RecipeKind).index(kind.kind) if kind else len(RecipeKind), recipe)


def read_recipe(recipe: str) -> Recipe | None:
    """The recipe of a name in the store; None where this version cannot read it."""
    try:
        return Recipe.parse(recipe.partition("@")[0])
    except ValueError:
        return None


def is_control(recipe: str) -> bool:
    """Whether a name is a compute-matched control's; one that this version cannot read is none's."""
    read = read_recipe(recipe)
    return read is not None and read.kind in CONTROLS
