"""Oracle selection as it is shown: beside a run's scores, and in the drawer of a cell. Never a headline, in no gain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from backend.domain.oracle import ORACLE
from backend.domain.run import RunKind, RunState
from backend.domain.schemas import Curve, RunDetail, ScoreView
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError
from dashboard import shell, words
from dashboard.client import Client
from dashboard.evidence import Learning
from dashboard.look import gain, score
from dashboard.shell import aria

NOTE = (
    "The score of the checkpoint that each language's own development data would have chosen. That is no zero-shot transfer: it is "
    "no headline and is part of no gain."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a fine-tune recorded: ``oracle`` and ``zero_shot`` by language, in points of one metric; ``steps``, where its curves
    were read, says which checkpoint each language chose."""

    metric: str
    oracle: Mapping[str, float]
    zero_shot: Mapping[str, float]
    steps: Mapping[str, int]


async def read(
    client: Client, detail: RunDetail, scores: Sequence[ScoreView], curves: Sequence[Curve]
) -> Chosen | None:
    """Of a fine-tune, from its own scores and those of the evaluation after it; of an evaluate run the other way round. None
    where no oracle was asked for, or nothing is done yet."""
    run = detail.run
    if run.kind is RunKind.FINETUNE and any(s.metric.startswith(ORACLE) for s in scores):
        after = await asyncio.gather(*(_scores(client, i) for i in run.children[:1]))
        return chosen(run.target, scores, [s for each in after for s in each], curves)
    if run.kind is RunKind.EVALUATE and run.state is RunState.DONE and run.parents:
        before = await _scores(client, run.parents[0])
        if any(s.metric.startswith(ORACLE) for s in before):
            return chosen(run.target, before, scores, await _curves(client, run.parents[0]))
    return None


async def _scores(client: Client, id: int) -> list[ScoreView]:
    try:
        return await client.scores(id)
    except CrossliftError:
        return []


async def _curves(client: Client, id: int) -> list[Curve]:
    try:
        return await client.curves(id)
    except CrossliftError:
        return []


def chosen(
    target: str | None, oracle: Sequence[ScoreView], zero_shot: Sequence[ScoreView], curves: Sequence[Curve]
) -> Chosen | None:
    """Put together by the target's headline metric."""
    metrics = TASKS[target].metrics if target is not None and target in TASKS else ()
    given = [s.metric.removeprefix(ORACLE) for s in oracle if s.metric.startswith(ORACLE)]
    metric = next((m for m in metrics if m in given), given[0] if given else None)
    if metric is None:
        return None
    best = {
        c.name.removeprefix(ORACLE): c.steps[c.values.index(max(c.values))]  # the earlier one of equals
        for c in curves
        if c.name.startswith(ORACLE) and c.values
    }
    return Chosen(
        metric,
        {s.language: s.value for s in oracle if s.metric == ORACLE + metric},
        {s.language: s.value for s in zero_shot if s.metric == metric},
        best,
    )


def part(found: Chosen | None) -> list[Any]:
    """Languages with both scores, for the page of a run."""
    if found is None:
        return []
    codes = sorted(found.oracle, key=lambda c: (c != "en", words.language_name(c)))
    rows = []
    for code in codes:
        own, usual = found.oracle[code], found.zero_shot.get(code)
        step = found.steps.get(code)
        cells = (
            score(own),
            score(usual),
            "–" if usual is None else gain(own - usual),
            "–" if step is None else f"{step:,}",
        )
        name = html.Th(f"{words.language_name(code)} ({code})", scope="row")
        rows.append(html.Tr([name, *(html.Td(cell, className="number") for cell in cells)]))
    title = words.metric_title(found.metric)
    heads = ("Language", f"{title}, oracle selection", "by English", "difference", "its checkpoint, step")
    table = html.Table(
        [
            html.Thead(
                html.Tr([html.Th(h, scope="col", className="number" if i else None) for i, h in enumerate(heads)])
            ),
            html.Tbody(rows),
        ],
        className="score-table",
    )
    return [
        html.H2([shell.term("oracle")]),
        html.P(NOTE, className="soft"),
        html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="Oracle selection by language")),
    ]


# --- in the drawer of a cell ----------------------------------------------------------------------------------------


async def of_cell(
    client: Client, learned: Sequence[Learning], metric: str, language: str
) -> Mapping[bool, Mapping[int, float]]:
    """Oracle scores of one language by whether the run is treated, and by run."""
    every = await asyncio.gather(*(_scores(client, one.run) for one in learned))
    found: dict[bool, dict[int, float]] = {}
    for one, scores in zip(learned, every, strict=True):
        for s in scores:
            if (s.metric, s.language) == (ORACLE + metric, language):
                found.setdefault(one.treated, {})[one.run] = s.value
    return found


def facts(found: Mapping[bool, Mapping[int, float]]) -> list[tuple[str, str]]:
    """Names and values for a list of facts; none where no run of the cell had an oracle."""
    said = {True: "With the recipe", False: "Baseline"}
    return [
        (
            said[treated],
            f"{score(sum(by.values()) / len(by))}{', mean of ' + str(len(by)) + ' runs' if len(by) > 1 else ''}",
        )
        for treated in (True, False)
        if (by := found.get(treated))
    ]
