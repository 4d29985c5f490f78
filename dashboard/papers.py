"""From the state of Published to the figures it names, or to why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.domain.gains import ALPHA
from backend.errors import CrossliftError
from dashboard import literature
from dashboard.client import Client
from dashboard.links import Published

SHOWN = 100  # rows of a page
FIRST_SET = "xlmv-wikiann-test"


@dataclass(frozen=True, slots=True)
class Found:
    """What a state leads to, ready to be shown."""

    state: Published
    summary: str = ""
    said: str = ""
    columns: Sequence[dict[str, Any]] = ()
    rows: Sequence[dict[str, Any]] = ()
    figures: dict[str, Any] | None = None
    next_cursor: str | None = None
    problem: CrossliftError | None = None
    metrics: Sequence[dict[str, str]] = field(default_factory=list)


async def find(api: Client, state: Published) -> Found:
    """Ask the API for what a state names; what it refuses is in the answer."""
    try:
        if state.view == "explore":
            return await _explore(api, state)
        if state.view == "compare":
            return await _compare(api, state)
        return await _list(api, state)
    except CrossliftError as error:
        return Found(state, problem=error)


async def _list(api: Client, state: Published) -> Found:
    protocol = None if state.protocol == "any" else state.protocol
    page = await api.published(
        paper=state.paper, model=state.model, task=state.task, language=state.language, metric=state.metric,
        protocol=protocol, q=state.q, cursor=state.cursor, limit=SHOWN,
    )  # fmt: skip
    sources = await api.published_sources()
    said = literature.summary(len(page.items), page.total, sources, narrowed=literature.is_narrowed(state))
    return Found(state, said, "", literature.columns(), literature.rows(page.items), next_cursor=page.next_cursor)


async def _explore(api: Client, state: Published) -> Found:
    sets = {s.name: s for s in await api.published_sets()}
    name = state.set if state.set in sets else FIRST_SET
    chosen = sets[str(name)]
    metric = state.metric if state.metric in chosen.metrics else None
    matrix = await api.published_set(chosen.name, metric)
    said = f"{chosen.about} Statistics as of own results: a dot marks q < {ALPHA:g} over all cells of the set."
    return Found(
        replace(state, set=name),
        f"{chosen.title} ({chosen.cite}). {literature.set_summary(matrix)}",
        said,
        literature.set_columns(matrix, chosen.kind),
        literature.set_rows(matrix),
        literature.set_figure(matrix, state.value),
        metrics=[{"value": m, "label": literature.metric(m)} for m in chosen.metrics],
    )


async def _compare(api: Client, state: Published) -> Found:
    page = await api.reproduction(
        source=state.source, model=state.model, task=state.task, language=state.language, metric=state.metric,
        run="true" if state.run == "1" else None, cursor=state.cursor, limit=SHOWN,
    )  # fmt: skip
    said = (
        "Difference: ours minus published, above zero is better. Ours is the mean over seeds under the settings with most of them; "
        "a mean over languages is compared over the very same languages, and not at all where one of them is missing here."
    )
    summary = literature.compared_summary(page.items, page.total, state.source)
    return Found(
        state, summary, said, literature.compared_columns(), literature.compared_rows(page.items), next_cursor=page.next_cursor
    )  # fmt: skip
