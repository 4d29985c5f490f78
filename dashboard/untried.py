"""Cells of the gain matrices that nobody has run, as forms that would fill them. Schemas in, components out.

A form asks for a product of models, recipes, targets and languages, and gaps have any shape: so they are put together into the
fewest products that hold gaps alone, each with an address of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dash import dcc, html

from backend.domain.gains import Missing
from backend.domain.language import ENGLISH
from backend.domain.model import MODELS
from backend.domain.schemas import GainMatrix
from backend.domain.tasks import TASKS
from backend.errors import NotFound
from dashboard import words
from dashboard.client import Client
from dashboard.draft import Draft
from dashboard.look import count

SHOWN = 8  # products, the largest
MOST = 24  # matrices that are asked for
_UNDER_WAY = re.compile(r"run \d+ is (waiting|queued|running)$")


@dataclass(frozen=True, slots=True)
class Gap:
    """A product of cells without a gain. ``languages``: those that lack one, English with them; empty: all of each target."""

    models: tuple[str, ...]
    recipes: tuple[str, ...]
    targets: tuple[str, ...]
    languages: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.models) * len(self.recipes) * len(self.targets)


def gaps(matrices: Iterable[GainMatrix], recipes: Collection[str]) -> list[Gap]:
    """Of these recipes: what no experiment has asked for on a matrix' model and target, and what has cells that were not run. What is
    under way, failed or does not apply is no gap. The largest first."""
    by_target: defaultdict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for m in matrices:
        for recipe in recipes:
            languages = _languages(m, recipe)
            if languages is not None:
                by_target[m.model, m.target, languages].append(recipe)
    by_model: defaultdict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (model, target, languages), found in by_target.items():
        by_model[model, tuple(found), languages].append(target)
    merged: defaultdict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (model, found_recipes, languages), targets in by_model.items():
        merged[found_recipes, tuple(targets), languages].append(model)
    found_gaps = [Gap(tuple(models), r, t, codes) for (r, t, codes), models in merged.items()]
    return sorted(found_gaps, key=lambda g: (-g.rows, g.models, g.targets, g.recipes))


def _languages(m: GainMatrix, recipe: str) -> tuple[str, ...] | None:
    """What of the recipe was not run: empty for all of it; None where nothing is missing that could be run."""
    cells = [c for c in m.cells if c.recipe == recipe]
    if not cells:
        return ()
    if all(c.missing is Missing.NOT_APPLICABLE for c in cells):
        return None
    missing = [c for c in cells if c.missing is Missing.NOT_RUN and not _UNDER_WAY.search(c.why_missing or "")]
    if not missing:
        return None
    could = [c for c in cells if c.missing is not Missing.NOT_APPLICABLE]
    if len(missing) == len(could):
        return ()
    codes = {c.language for c in missing} | {ENGLISH}
    return tuple(code for code in m.languages if code in codes)


def form(gap: Gap, shown: Draft) -> Draft:
    """The draft with this product in the place of what it asks for; its seeds and settings stay."""
    said = {
        **shown.said, "name": "", "models": ",".join(gap.models), "recipes": ",".join(r.replace(",", ";") for r in gap.recipes),
        "targets": ",".join(gap.targets), "languages": ",".join(gap.languages),
    }  # fmt: skip
    return replace(shown, said=said)


def panel(found: Sequence[Gap], shown: Draft, looked: int, more: int) -> list[Any]:
    """``looked``: matrices that were read; ``more``: those that were not."""
    head = html.H3("Missing cells")
    if not found:
        said = "Nothing is missing here: every chosen recipe has a gain, is under way, has failed or does not apply."
        return [
            head,
            html.P(said if looked else "This benchmark has no runs yet, so nothing can be missing.", className="soft"),
        ]
    lines = []
    for gap in found[:SHOWN]:
        rows = count(gap.rows, "row")
        what = f"{', '.join(gap.recipes)} → {', '.join(words.task_title(t) for t in gap.targets)}"
        where = f"on {', '.join(words.model_title(m) for m in gap.models)}"
        if gap.languages:
            where += f", in {', '.join(words.language_name(code) for code in gap.languages)}"
        lines.append(
            html.Li(
                [
                    dcc.Link(
                        "Fill in",
                        href=form(gap, shown).address,
                        className="button-link small",
                        title=f"Fill in {what} {where}",
                    ),
                    html.Span([html.B(what), f" {where}", html.Span(f" · {rows}", className="soft")]),
                ]
            )
        )
    rest = (
        [f"{count(len(found) - SHOWN, 'smaller group')} more; choose models, targets or recipes to see them."]
        if len(found) > SHOWN
        else []
    )
    rest += [f"{count(more, 'matrix', 'matrices')} not looked at; choose models or targets."] if more else []
    return [
        head,
        html.P(
            "Not run by anybody, put together into experiments. Where models, targets or recipes are chosen, only those.",
            className="soft",
        ),
        html.Ul(lines, className="offers"),
        *(html.P(text, className="soft") for text in rest),
    ]


async def look(client: Client, shown: Draft) -> list[Any]:
    """Ask for the matrices of the chosen models and targets, of all that there are where none is chosen.

    Raises:
        CrossliftError: the API says why it cannot tell.
    """
    try:
        seen = await client.overview(shown.said["source"])
    except NotFound:
        return panel([], shown, 0, 0)
    models = [m for m in shown.entries("models") or seen.models if m in MODELS]
    targets = [t for t in shown.entries("targets") or seen.targets if t in TASKS]
    recipes = [r.replace(";", ",") for r in shown.entries("recipes")] or seen.recipes
    pairs = [(m, t) for m in models for t in targets]
    found = await asyncio.gather(
        *(client.matrix(model=m, target=t, metric=None, source=shown.said["source"]) for m, t in pairs[:MOST])
    )
    missing = await asyncio.to_thread(gaps, found, recipes)
    return panel(missing, shown, len(found), max(0, len(pairs) - MOST))
