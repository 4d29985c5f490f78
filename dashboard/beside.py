"""Published figures beside own ones: what there is to draw, and the open markers of the trade-off (``overlay`` has those of the
heatmap). They are drawn and never counted.

A marker is open, in the colour of the text and of a shape that no own result has; what is published is in its hover, with its
source. Mini-XTREME-R has none: nobody published figures of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.domain.literature import AVERAGE, PublishedGain, PublishedView
from backend.domain.model import MODELS
from backend.domain.schemas import GainMatrix, TradeoffPoint
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import words
from dashboard.client import Client
from dashboard.heatmap import hover_text
from dashboard.links import Explore, Tradeoff
from dashboard.look import Theme, gain, score

MOST = 200  # that one request gives; a model has fewer of a task
SYMBOL = "diamond-tall-open"
NAME = "published"
COMPARED = ("zero-shot", "intermediate")  # protocols that ours is like


# --- what there is to draw -------------------------------------------------------------------------------------------


def wants_scores(state: Explore) -> bool:
    plain = state.layout == "recipe-language"
    return plain and state.value == "score" and state.source != Source.MINI.value and state.published == "on"


def wants_gains(state: Tradeoff) -> bool:
    return state.source != Source.MINI.value and state.published == "on" and state.x in ("parameters", "non-embedding")


async def scores(api: Client, matrix: GainMatrix) -> Sequence[PublishedView]:
    """Published scores of a matrix's model, task and metric, of one language each. They never change, so they are read once."""
    key = ("scores", matrix.model, matrix.target, matrix.metric)
    if key not in api.literature:
        try:
            page = await api.published(model=matrix.model, task=matrix.target, metric=matrix.metric, limit=MOST)
        except CrossliftError:  # no figure is of this model or task
            return ()
        api.literature[key] = [
            f for f in page.items if f.seed is None and f.language != AVERAGE and f.recipe and f.protocol in COMPARED
        ]
    found: Sequence[PublishedView] = api.literature[key]
    return found


async def gains(api: Client) -> Sequence[PublishedGain]:
    """Published gains of models and tasks in the catalogue; all are means over languages, English among them."""
    if ("gains",) not in api.literature:
        try:
            page = await api.published_gains(catalogue="true", limit=MOST)
        except CrossliftError:
            return ()
        api.literature["gains",] = [g for g in page.items if g.language == AVERAGE]
    found: Sequence[PublishedGain] = api.literature["gains",]
    return found


# --- on the trade-off ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placed:
    """A published gain on the trade-off."""

    target: str
    model: str
    x: float
    gain: float
    hover: str


def place_gains(published: Sequence[PublishedGain], shown: Sequence[TradeoffPoint], state: Tradeoff) -> list[Placed]:
    """Those of a target and metric that own points are shown of. Only beside means that take English in, as theirs do."""
    if state.languages != "mean_all" or state.panels == "languages":
        return []
    metrics = {(p.target, p.metric) for p in shown}
    found = []
    for g in published:
        if g.task is None or g.model is None or g.model not in MODELS or (g.task, g.metric) not in metrics:
            continue
        model = MODELS[g.model]
        size = model.parameters if state.x == "parameters" else model.parameters_non_embedding
        found.append(Placed(g.task, model.name, float(size), g.gain, hover_text(_gain_lines(g))))
    return found


def _gain_lines(g: PublishedGain) -> list[str]:
    lines = [f"published: {g.intermediate} → {words.task_title(g.task or '')}, {words.model_title(g.model or '')}"]
    lines.append(f"gain {gain(g.gain)} · mean over languages as printed, no interval given")
    if g.treated is not None and g.baseline is not None:
        lines.append(f"score {score(g.treated)} with, {score(g.baseline)} without")
    lines.append(f"{g.cite}, {g.table_title}")
    return lines


def trace(placed: Sequence[Placed], axis: dict[str, str], theme: Theme) -> dict[str, Any]:
    """The markers of one panel."""
    return {
        **axis, "x": [p.x for p in placed], "y": [p.gain for p in placed], "mode": "markers", "name": NAME,
        "marker": {"symbol": SYMBOL, "size": 13, "color": theme.ink, "line": {"width": 1.8, "color": theme.ink}},
        "hovertext": [p.hover for p in placed], "hovertemplate": "%{hovertext}<extra></extra>", "showlegend": False,
    }  # fmt: skip


def said_of_gains(published: Sequence[PublishedGain], shown: Sequence[TradeoffPoint], state: Tradeoff) -> str:
    """How many published gains are drawn, or what would show them."""
    if not published or not shown or not wants_gains(state):
        return ""
    placed = place_gains(published, shown, state)
    if placed:
        many = "gain is" if len(placed) == 1 else "gains are"
        return f" {len(placed)} published {many} drawn as open markers and in none of these numbers."
    targets = {p.target for p in shown}
    if state.languages != "mean_all" and any(g.task in targets for g in published):
        return " Published gains are of means with English in them: choose All, with English, to see them."
    return ""


def legend(theme: Theme) -> dict[str, Any]:
    """How an open marker is named."""
    return {"size": 10, "color": theme.ink, "symbol": SYMBOL, "line": {"width": 1.6, "color": theme.ink}}
