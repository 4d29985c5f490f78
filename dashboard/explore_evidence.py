"""What the drawer of a cell on Explore has to ask for: learning curves, provenance, how sure the gain is, what others made, kinds of examples.

Each is read while the drawer is already open.
"""

from __future__ import annotations

import asyncio
from typing import Any

from dash import Input, Output, State, callback, no_update

from backend.domain.run import RunKind
from backend.domain.schemas import Curve, RunDetail, RunView
from backend.errors import CrossliftError
from dashboard import drawer, elsewhere, foretold, oracle, parts, sure
from dashboard.client import client
from dashboard.evidence import Learning

MOST = 6  # runs of a kind that are looked up for one cell


@callback(Output("explore-evidence", "children"), Input("explore-evidence-of", "data"))
async def evidence(asked: Any) -> Any:
    """Learning curves and provenance of the cell in the drawer, read while it is already open."""
    if not isinstance(asked, dict):
        return no_update
    runs, baseline = ([i for i in asked.get(name) or () if isinstance(i, int)][:MOST] for name in ("runs", "baseline"))
    evaluated = [r for r in await asyncio.gather(*map(_run, runs)) if r is not None]
    without = [r for r in await asyncio.gather(*map(_run, baseline)) if r is not None]
    treated = not asked.get("base")
    learned = await asyncio.gather(
        *(_learning(r, treated=treated) for r in evaluated), *(_learning(r, treated=False) for r in without)
    )
    found = {one.run: one for one in learned if one is not None}
    detail = await _detail(evaluated[0].id) if evaluated else None
    first = next((one for one in found.values() if one.treated == treated), None)
    trained = await _detail(first.run) if first is not None else None
    metric, language = str(asked.get("metric")), str(asked.get("language"))
    hoped = await _expected(asked.get("expected"), metric, language)
    if hoped and not evaluated:
        return hoped  # of a cell that was not run curves and provenance would be those of the baseline alone, which is linked above
    selected = await oracle.of_cell(client(), list(found.values()), metric, language)
    return hoped + drawer.evidence_panel(evaluated, detail, trained, list(found.values()), metric, selected)


async def _expected(asked: Any, metric: str, language: str) -> list[Any]:
    """What to expect of a cell that was not run; nothing of others."""
    if not isinstance(asked, dict):
        return []
    try:
        found = await client().expected(
            model=str(asked.get("model")),
            target=str(asked.get("target")),
            source=str(asked.get("source")),
            metric=metric,
        )
    except CrossliftError:
        return []
    return foretold.expected(found, str(asked.get("recipe")), language)


@callback(Output("explore-sure", "children"), Input("explore-sure-of", "data"))
async def how_sure(asked: Any) -> Any:
    """Intervals of the gain in the drawer, read while it is already open."""
    return await sure.read(client(), asked) if isinstance(asked, dict) else no_update


@callback(Output("explore-elsewhere", "children"), Input("explore-elsewhere-of", "data"))
async def imported(asked: Any) -> Any:
    """What others made of the cell in the drawer, read while it is already open."""
    return await elsewhere.read(client(), asked) if isinstance(asked, dict) else no_update


@callback(
    Output("explore-parts", "children"),
    Input("explore-parts-open", "n_clicks"),
    State("explore-parts-of", "data"),
    prevent_initial_call=True,
)
async def by_kind(opened: Any, asked: Any) -> Any:
    """The gain by kind of test example, once somebody opens that."""
    return await parts.read(client(), asked) if opened == 1 and isinstance(asked, dict) else no_update


async def _learning(evaluated: RunView, *, treated: bool) -> Learning | None:
    """The fine-tune run that an evaluate run looked at; None where there is none: retrieval trains on no target."""
    for parent in evaluated.parents:
        run = await _run(parent)
        if run is not None and run.kind is RunKind.FINETUNE:
            return Learning(run.id, run.seed, treated, await _curves(run.id))
    return None


async def _run(id: int) -> RunView | None:
    try:
        return await client().run(id)
    except CrossliftError:
        return None


async def _detail(id: int) -> RunDetail | None:
    try:
        return await client().detail(id)
    except CrossliftError:
        return None


async def _curves(id: int) -> list[Curve]:
    try:
        return await client().curves(id)
    except CrossliftError:
        return []
