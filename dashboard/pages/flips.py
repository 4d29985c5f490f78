"""Examples that flipped: what a recipe turned from wrong to right, and from right to wrong, in one language.

The address is the state, and everything that can be chosen is an address: a control goes there, a link is there.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html, register_page

from backend.domain.schemas import GainMatrix
from backend.errors import CrossliftError
from dashboard import controls, copied, flips, going, links, shell, turned, words
from dashboard.client import client
from dashboard.exports import listed_files
from dashboard.links import Cell, Explore, Flips
from dashboard.shell import aria

register_page(__name__, path=links.FLIPS, title=f"Examples that flipped · {shell.NAME}", name="Examples that flipped")

ALL = "all"
PICKS = ("source", "model", "target", "recipe", "language", "seed", "direction")
#: What another choice leaves behind: kinds and places in the lists are of the examples that were shown.
_ANEW: dict[str, Any] = {"kind": None, "fixed": None, "broken": None}


async def layout(search: str | None = None, **_: object) -> Any:
    state = Flips.of(search or "")
    matrix, problem = await _matrix(state)
    if matrix is not None:
        state = turned.filled(state, matrix)
    body, listed = ([], False) if matrix is None or problem is not None else await _body(state)
    seeds = next(
        (c.seeds for c in (matrix.cells if matrix else ()) if (c.recipe, c.language) == (state.recipe, state.language)),
        [],
    )
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("Examples that flipped", order=1),
                    shell.synthetic_badge() if matrix is not None and matrix.synthetic else None,
                    *_ways(state, matrix, listed=listed),
                ],
                className="head",
            ),
            html.P(
                [
                    "The test examples behind a ",
                    shell.term("gain", "gain"),
                    ": which were wrong without the intermediate stage and right with it, and which the other way round. Baseline and "
                    "recipe are compared example by example, with the same seed. ",
                    shell.term("flipped", "How they are counted"), ".",
                ],
                className="summary published-intro",
            ),
            _filters(state, matrix, seeds),
            *([_nothing(problem)] if problem is not None else body),
            *going.stores("flips", state.address, links.FLIPS + (search or "")),
            shell.benchmark(matrix.benchmark if matrix else None, matrix.synthetic if matrix else state.source == "mini"),
        ],
        className="page flips",
    )  # fmt: skip


async def _matrix(state: Flips) -> tuple[GainMatrix | None, CrossliftError | None]:
    try:
        return await turned.matrix_of(client(), state), None
    except CrossliftError as error:
        return None, error


async def _body(state: Flips) -> tuple[list[Any], bool]:
    """What there is to read, and whether examples are among it."""
    if state.recipe is None or state.language is None:
        return [_empty()], False
    try:
        found = await client().flips(state.asked)
        if found.missing is not None:
            return [
                html.P(flips.facts(found), className="summary"),
                html.Div(
                    [
                        html.H2("These examples cannot be compared"),
                        html.P(f"They are read from stored predictions: {found.missing}."),
                        html.P("Scores and gains do not need them, and stay as they are."),
                    ],
                    className="nothing",
                ),
            ], False
        wanted = ("fixed", "broken") if state.direction == "both" else (state.direction,)
        pages = await asyncio.gather(
            *(client().flipped(state.asked, each, getattr(state, each)) for each in wanted)
        )  # fmt: skip
    except CrossliftError as error:
        return [_nothing(error)], False
    out = flips.chosen(found, state)
    columns = [flips.column(each, page, found, state) for each, page in zip(wanted, pages, strict=True)]
    return [
        html.P(flips.told(found), className="answer", role="status"),
        html.P(flips.facts(found), className="summary"),
        *flips.tables(found),
        html.Details(
            [html.Summary("By kind of example"), *flips.kinds(found, state)], open=state.kind is not None, className="flips-by-kind",
        ),
        html.Div(["Only: ", *out], className="flips-chosen-kinds") if out else None,
        *flips.about(found),
        html.Div(columns, className=f"flips-columns flips-{len(columns)}"),
    ], True  # fmt: skip


def _ways(state: Flips, matrix: GainMatrix | None, *, listed: bool) -> list[Any]:
    """What can be taken along, and back to the cell that these examples are of. ``listed``: there are some."""
    if matrix is None or state.recipe is None or state.language is None:
        return []
    cell = Explore(
        cell=Cell(state.recipe, state.language), metric=state.metric, model=state.model, settings=state.settings,
        source=state.source, target=state.target,
    )  # fmt: skip
    return [
        listed_files.beside("flips", state.address) if listed else None,
        copied.button("flips"),
        dcc.Link("The cell in Explore", href=cell.address, className="soft copy"),
    ]


def _filters(state: Flips, matrix: GainMatrix | None, seeds: Any) -> Any:
    there = turned.with_gain(matrix) if matrix is not None else []
    recipes = list(dict.fromkeys(recipe for recipe, _ in there))
    languages = sorted({code for recipe, code in there if recipe == state.recipe}, key=words.language_name)
    every = [{"value": ALL, "label": f"All {len(seeds)}" if len(seeds) > 1 else "All"}]
    every += [{"value": str(seed), "label": f"Seed {seed}"} for seed in seeds if seed is not None]
    if state.seed is not None and state.seed not in {e["value"] for e in every}:
        every.append({"value": state.seed, "label": f"Seed {state.seed}"})
    models, targets = (matrix.models, matrix.targets) if matrix is not None else ([], [])
    return html.Div(
        [
            controls.pick("flips-source", "Benchmark", controls.SOURCES, state.source),
            controls.pick("flips-model", "Model", controls.options(models, state.model, words.model_title), state.model),
            controls.pick("flips-target", "Target", controls.options(targets, state.target, words.task_title), state.target),
            controls.pick("flips-recipe", "Recipe", controls.options(recipes, state.recipe, str), state.recipe, searchable=True),
            controls.pick(
                "flips-language", "Language", controls.options(languages, state.language, words.language_name), state.language,
                searchable=True,
            ),
            controls.pick("flips-seed", "Seed", every, state.seed or ALL),
            controls.choose("flips-direction", "Show", {"both": "Both", "fixed": "Fixed", "broken": "Broken"}, state.direction),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )  # fmt: skip


def _nothing(problem: CrossliftError) -> Any:
    start = dcc.Link("start at what there is most of", href=links.FLIPS)
    return going.nothing(problem, ["Choose something else above, or ", start, "."])


def _empty() -> Any:
    return html.Div(
        [
            html.H2("No gain yet"),
            html.P(
                "Examples are compared where a baseline and a recipe are both evaluated in one language, with the same seed."
            ),
            html.P(["What is on its way is in the ", dcc.Link("queue", href=links.QUEUE), "."]),
        ],
        className="nothing",
    )


def _to(name: str, value: Any, search: str) -> str:
    said = {name: value} if value not in (None, ALL) else {}
    changed = Flips.read(said)
    if name == "source":
        return changed.address
    state = Flips.of(search)
    kept: dict[str, Any] = {} if name == "direction" else {**_ANEW, "seed": None}
    if name in ("model", "target"):
        kept |= {
            "settings": None,
            "metric": state.metric if name == "model" else None,
            "recipe": None,
            "language": None,
        }
    return replace(state, **{**kept, name: getattr(changed, name)}).address


going.listen("flips", PICKS, _to)
copied.listen("flips")
