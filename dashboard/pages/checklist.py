"""MultiCheckList: XTREME-R's six tests of what a question-answering model can do, language by language, and what it fails.

The address is the state, and everything that can be chosen is an address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html, register_page

from backend.domain.checks import CheckFailures, CheckMatrix
from backend.domain.recipe import BASELINE
from backend.errors import CrossliftError
from dashboard import checklist, controls, copied, going, links, shell, words
from dashboard.client import client
from dashboard.exports import listed_files
from dashboard.links import Checklist
from dashboard.shell import aria

register_page(__name__, path=links.CHECKLIST, title=f"MultiCheckList · {shell.NAME}", name="MultiCheckList")

FIRST = "first"
PICKS = ("source", "model", "recipe", "seed")


async def layout(search: str | None = None, **_: object) -> Any:
    state = Checklist.of(search or "")
    found, problem = await _matrix(state)
    if found is not None:
        state = replace(state, model=found.model, recipe=found.recipe)
    seen, trouble = await _failures(state) if found is not None else (None, None)
    if seen is not None and seen.seed is not None:
        state = replace(state, seed=str(seen.seed))
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("MultiCheckList", order=1),
                    shell.synthetic_badge() if found is not None and found.synthetic else None,
                    listed_files.beside("checklist", state.address) if found is not None else None,
                    copied.button("checklist"),
                    *_ways(state),
                ],
                className="head",
            ),
            html.P(
                "Six tests of what a question-answering model can do, from XTREME-R: the share of cases that it fails, in percent. Less is "
                "better. Below each rate stands what the recipe won over the baseline with its 95 % interval over seeds: above zero is fewer errors.",
                className="summary published-intro",
            ),
            _filters(state, found, seen),
            *([_nothing(problem)] if problem is not None or found is None else [
                html.P(checklist.told(found), className="answer", role="status"),
                checklist.matrix(found, state),
            ]),
            html.Section(_below(state, seen, trouble), className="check-failing", **aria(label="Failing cases")) if found else None,
            *going.stores("checklist", state.address, links.CHECKLIST + (search or "")),
            shell.benchmark(found.benchmark if found else None, found.synthetic if found else state.source == "mini"),
        ],
        className="page",
    )  # fmt: skip


async def _matrix(state: Checklist) -> tuple[CheckMatrix | None, CrossliftError | None]:
    try:
        return await client().checklist(model=state.model, recipe=state.recipe, source=state.source), None
    except CrossliftError as error:
        return None, error


async def _failures(state: Checklist) -> tuple[CheckFailures | None, CrossliftError | None]:
    if state.language is None or state.test is None:
        return None, None
    names = ("model", "recipe", "language", "test", "seed", "source", "cursor")
    asked = {name: str(getattr(state, name)) for name in names if getattr(state, name) is not None}
    try:
        return await client().check_failures(asked), None
    except CrossliftError as error:
        return None, error


def _below(state: Checklist, seen: CheckFailures | None, trouble: CrossliftError | None) -> list[Any]:
    if trouble is not None:
        return [html.H2("These cases cannot be shown", className="imports-heading"), html.P(trouble.detail)]
    if seen is None:
        return [html.P("Choose a cell to see the cases that fail.", className="soft")]
    return checklist.failures(seen, state)


def _ways(state: Checklist) -> list[Any]:
    """Where the same is seen example by example."""
    if state.language is None or state.recipe in (None, BASELINE.name):
        return []
    there = links.Flips(
        kind=f"test:{state.test}" if state.test else None, language=state.language, model=state.model, recipe=state.recipe,
        source=state.source, target="multichecklist",
    )  # fmt: skip
    return [dcc.Link("Examples that flipped", href=there.address, className="soft copy")]


def _filters(state: Checklist, found: CheckMatrix | None, seen: CheckFailures | None) -> Any:
    models, recipes = (found.models, found.recipes) if found is not None else ([], [])
    seeds = [{"value": FIRST, "label": "First"}] if seen is None or None in seen.seeds else []
    seeds += [
        {"value": str(s), "label": f"Seed {s}"} for s in (seen.seeds if seen is not None else ()) if s is not None
    ]
    chosen = state.seed or (str(seen.seed) if seen is not None and seen.seed is not None else FIRST)
    if chosen not in {s["value"] for s in seeds}:
        seeds.append({"value": chosen, "label": f"Seed {chosen}"})
    return html.Div(
        [
            controls.pick("checklist-source", "Benchmark", controls.SOURCES, state.source),
            controls.pick("checklist-model", "Model", controls.options(models, state.model, words.model_title), state.model),
            controls.pick("checklist-recipe", "Recipe", controls.options(recipes, state.recipe, _recipe), state.recipe, searchable=True),
            controls.pick("checklist-seed", "Seed of the cases", seeds, chosen),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )  # fmt: skip


def _recipe(name: str) -> str:
    return "none (the baseline)" if name == BASELINE.name else name


def _nothing(problem: CrossliftError | None) -> Any:
    plan = dcc.Link("plan it", href=links.new({"targets": "multichecklist"}))
    said = "The list is a target like any other, and is evaluated with a model that was fine-tuned on SQuAD: "
    return going.nothing(problem, [said, plan, ". On real data it needs your copy of its file of templates."])


def _to(name: str, value: Any, search: str) -> str:
    changed = Checklist.read({name: value} if value not in (None, FIRST) else {})
    if name == "source":
        return changed.address
    kept: dict[str, Any] = {"cursor": None}
    if name == "model":
        kept |= {"recipe": None, "seed": None}
    return replace(Checklist.of(search), **{**kept, name: getattr(changed, name)}).address


going.listen("checklist", PICKS, _to)
copied.listen("checklist")
