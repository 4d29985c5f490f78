"""Published figures as rows of a grid, as words and as figures. Pure functions over what the API returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.literature import (
    AVERAGE,
    UNMATCHED,
    PublishedSet,
    PublishedSource,
    PublishedView,
    Reproduction,
)
from backend.domain.schemas import GainMatrix
from dashboard import figures, links, words
from dashboard.heatmap import Drawing
from dashboard.look import DASH, MINUS, Theme, count, interval, probability, score

PROTOCOLS: Mapping[str, str] = {
    "zero-shot": "zero-shot",
    "translate-train": "translate-train",
    "translate-train-all": "translate-train, all languages",
    "translate-test": "translate-test",
    "intermediate": "intermediate, then zero-shot",
    "english": "English only",
    "none": "nothing fine-tuned",
}
FILTERS = ("paper", "model", "task", "language", "metric")
#: Languages of MasakhaNER that no task of ours has.
_OTHERS = {
    "amh": "Amharic",
    "ibo": "Igbo",
    "kin": "Kinyarwanda",
    "lug": "Luganda",
    "luo": "Luo",
    "pcm": "Nigerian Pidgin",
}
NOT_OURS = "published, not ours"


# --- names -----------------------------------------------------------------------------------------------------------


def language(code: str) -> str:
    return "mean as printed" if code == AVERAGE else _OTHERS.get(code) or words.language_name(code)


def metric(name: str) -> str:
    known = {
        "task_metric": "the task's own metric",
        "unstated": "metric not stated",
        "pppl": "pseudo-perplexity",
        "gain": "gain",
    }
    return known.get(name) or words.metric_title(name)


def options(sources: Sequence[PublishedSource]) -> dict[str, list[dict[str, str]]]:
    """What there is to choose from, filter by filter; ``any`` first."""
    papers = {s.paper: s.cite for s in sources}
    counted = {paper: sum(s.figures for s in sources if s.paper == paper) for paper in papers}
    paper = [(name, f"{cite} ({counted[name]:,})") for name, cite in papers.items()]
    return {
        "paper": _choice("Every paper", sorted(paper, key=lambda p: p[1].casefold())),
        "model": _choice("Every model", _titled((m for s in sources for m in s.models), words.model_title)),
        "task": _choice("Every task", _titled((t for s in sources for t in s.tasks), words.task_title)),
        "language": _choice("Every language", _titled((c for s in sources for c in s.languages), language)),
        "metric": _choice("Every metric", _titled((m for s in sources for m in s.metrics), metric)),
    }


def _titled(names: Iterable[str], title: Callable[[str], str]) -> list[tuple[str, str]]:
    found = sorted({n for n in names if n != UNMATCHED}, key=lambda n: title(n).casefold())
    return [*((n, title(n)) for n in found), (UNMATCHED, "not in the catalogue")]


def _choice(every: str, named: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": "any", "label": every}, *({"value": v, "label": label} for v, label in named)]


# --- figures in rows -------------------------------------------------------------------------------------------------


def _link(text: str, url: str) -> str:
    """A link as the grid's Markdown has it; nothing of the text is markup."""
    safe = "".join("\\" + c if c in "\\`*_{}[]()<>#+!|~" else c for c in text)
    return f"[{safe}]({url})"


_TEXT: dict[str, Any] = {"sortable": True, "resizable": True}
_NUMBER: dict[str, Any] = {"type": "rightAligned", "sortingOrder": ["desc", "asc", None]}
_LINK: dict[str, Any] = {"cellRenderer": "markdown"}


def columns() -> list[dict[str, Any]]:
    return [
        {"field": "row", "headerName": "Row as printed", "pinned": "left", "width": 210, "minWidth": 96, "tooltipField": "row"},
        {"field": "intermediate", "headerName": "Intermediate", "width": 140, "tooltipField": "intermediate"},
        {"field": "target", "headerName": "Target", "width": 130, "tooltipField": "target"},
        {"field": "language", "headerName": "Language", "width": 130},
        {"field": "metric", "headerName": "Metric", "width": 112},
        {"field": "value", "headerName": "Value", **_NUMBER, "width": 84, "valueFormatter": {"function": "crossliftScore(params)"}},
        {"field": "protocol", "headerName": "Protocol", "width": 150},
        {"field": "split", "headerName": "Split", "width": 92},
        {"field": "seeds", "headerName": "Seeds", "type": "rightAligned", "width": 92},
        {"field": "size", "headerName": "Parameters", "type": "rightAligned", "width": 104},
        {"field": "source", "headerName": "Paper", "width": 190, **_LINK},
        {"field": "table", "headerName": "Table, where it was read", "width": 250, **_LINK},
        {"field": "differs", "headerName": "What differs from here", "minWidth": 260, "flex": 1, "tooltipField": "differs"},
    ]  # fmt: skip


def rows(items: Sequence[PublishedView]) -> list[dict[str, Any]]:
    """One row a figure."""
    return [
        {
            "key": str(f.id),
            "row": f.row,
            "intermediate": f.intermediate,
            "target": f.target,
            "language": language(f.language),
            "metric": metric(f.metric),
            "value": f.value,
            "protocol": PROTOCOLS[f.protocol],
            "split": f.split or "not stated",
            "seeds": seeds(f),
            "size": f"{f.parameters_millions:,g} M" if f.parameters_millions is not None else DASH,
            "source": _link(f.cite, f.paper_url),
            "table": _link(f.table_title, f.url),
            "differs": "; ".join([*f.differs, *([f.note] if f.note else [])]),
            "why": {},
            "found": {},
        }
        for f in items
    ]


def seeds(f: PublishedView) -> str:
    if f.seed is not None:
        return f"seed {f.seed}"
    return f"mean of {f.seeds}" if f.seeds is not None else "not stated"


def summary(shown: int, total: int, sources: Sequence[PublishedSource], *, narrowed: bool) -> str:
    """How many there are, and of what."""
    every = sum(s.figures for s in sources)
    papers = len({s.paper for s in sources})
    whole = f"{count(every, 'published figure')} from {count(len(sources), 'table')} of {count(papers, 'source')}"
    if narrowed:
        return f"{total:,} of {whole}; {shown:,} shown."
    return f"{whole}; {shown:,} shown."


# --- beside ours -----------------------------------------------------------------------------------------------------


def compared_columns() -> list[dict[str, Any]]:
    number = {**_NUMBER, "valueFormatter": {"function": "crossliftScore(params)"}}
    return [
        {"field": "row", "headerName": "Row as printed", "pinned": "left", "width": 200, "minWidth": 96, "tooltipField": "row"},
        {"field": "task", "headerName": "Task", "width": 112},
        {"field": "language", "headerName": "Language", "width": 128},
        {"field": "metric", "headerName": "Metric", "width": 108},
        {"field": "published", "headerName": "Published", **number, "width": 96},
        {"field": "ours", "headerName": "Ours", **number, "width": 170},
        {"field": "difference", "headerName": "Difference", **_NUMBER, "width": 100, "valueFormatter": {"function": "crossliftGain(params)"}},
        {"field": "seeds", "headerName": "Our seeds", "width": 100},
        {"field": "protocol", "headerName": "Protocol", "width": 140},
        {"field": "source", "headerName": "Table, where it was read", "width": 220, **_LINK},
        {"field": "notes", "headerName": "What differs", "minWidth": 280, "flex": 1, "tooltipField": "notes"},
    ]  # fmt: skip


def compared_rows(items: Sequence[Reproduction]) -> list[dict[str, Any]]:
    """One row a published figure; where there is none of ours, its cell says why."""
    return [
        {
            "key": str(r.published.id),
            "row": r.published.row,
            "task": words.task_title(str(r.published.task)),
            "language": language(r.published.language),
            "metric": metric(r.published.metric),
            "published": r.published.value,
            "ours": r.ours,
            "difference": r.difference,
            "seeds": (f"{r.seeds}" + (f", sd {score(r.sd)}" if r.sd is not None else "")) if r.ours is not None else "",
            "protocol": PROTOCOLS[r.published.protocol],
            "source": _link(f"{r.published.cite}: {r.published.table_title}", r.published.url),
            "notes": "; ".join(r.notes),
            "why": {} if r.why is None else {"ours": r.why, "difference": DASH},
            "found": {},
        }
        for r in items
    ]


def compared_summary(items: Sequence[Reproduction], total: int, source: str) -> str:
    """How many of them were run here, and how far ours are from them."""
    found = [r.difference for r in items if r.difference is not None]
    said = f"{count(total, 'published figure')} of models, tasks and recipes that can be run here ({source})"
    if not found:
        return f"{said}; none of the {len(items):,} shown was run here."
    middle = sorted(found, key=abs)[len(found) // 2]
    size = f"{abs(middle):.1f}"
    return f"{said}; {len(found)} of the {len(items):,} shown were run here, half of them within {size} points."


# --- sets ------------------------------------------------------------------------------------------------------------


def set_options(sets: Sequence[PublishedSet]) -> list[dict[str, Any]]:
    kinds = {"models": "Two models, seed by seed", "tasks": "Intermediate tasks, in English"}
    return [
        {"group": title, "items": [{"value": s.name, "label": s.title} for s in sets if s.kind == kind]}
        for kind, title in kinds.items()
    ]


def set_figure(matrix: GainMatrix, value: str) -> dict[str, Any]:
    """The heatmap of a set, for either scheme: that of own results, with a title for columns that are no languages."""
    draw = figures.score_drawing(matrix, "family") if value == "score" else figures.gain_drawing(matrix, "family")
    if all(code in LANGUAGES for code in matrix.languages):
        return figures.schemes(draw)
    return figures.schemes(lambda theme: _with_plain_columns(draw(theme), matrix, theme))


def _with_plain_columns(figure: Drawing, matrix: GainMatrix, theme: Theme) -> go.Figure | Drawing:
    """Names where codes of languages would stand. Families of tasks there are none, so their band goes."""
    ticks = figure["layout"]["xaxis"]
    lead = len(ticks["ticktext"]) - len(matrix.languages)  # the column of means
    shown = figures.languages(matrix, "family")
    ticks["ticktext"] = [*ticks["ticktext"][:lead], *(_tick(code) for code in shown)]
    if not any(code in LANGUAGES for code in matrix.languages):
        if lead:
            ticks["ticktext"][0] = "mean of<br>targets"
        figure["data"] = [trace for trace in figure["data"] if trace.get("name") not in ("band", "bands")]
        figure["layout"]["shapes"] = [s for s in figure["layout"]["shapes"] if s.get("yref") != "y2"]
    return figure


def _tick(code: str) -> str:
    name = language(code)
    return f"{name}<br><b>{code}</b>" if name != code else f"<b>{code}</b>"


def set_summary(matrix: GainMatrix) -> str:
    """How many cells gain, the largest, the verdicts, and what is missing."""
    found = [c for c in matrix.cells if c.gain is not None]
    if not found:
        return "No cell has a gain."
    up = sum(1 for c in found if (c.gain or 0.0) > 0)
    ends = [pick(found, key=lambda c: c.gain or 0.0) for pick in (max, min)]
    largest, smallest = (f"{c.recipe} → {language(c.language)} {interval(c.gain, c.low, c.high)}" for c in ends)
    tail = ", ".join(part for part in (words.verdicts(found), words.gaps(matrix.cells)) if part)
    return f"{up} of {count(len(found), 'cell')} above zero; largest {largest}, smallest {smallest}. Cells: {tail}."


def set_columns(matrix: GainMatrix, kind: str) -> list[dict[str, Any]]:
    number = {**_NUMBER, "valueFormatter": {"function": "crossliftScore(params)"}}
    row, column = {"models": ("Model", "Language"), "tasks": ("Intermediate", "Target")}.get(
        kind, ("Recipe", "Language")
    )
    return [
        {"field": "row", "headerName": row, "pinned": "left", "width": 140, "minWidth": 96},
        {"field": "column", "headerName": column, "width": 150},
        {"field": "gain", "headerName": "Gain", **_NUMBER, "width": 96, "valueFormatter": {"function": "crossliftGain(params)"}},
        {"field": "interval", "headerName": "95 % interval", "type": "rightAligned", "width": 130, "sortable": False},
        {"field": "q", "headerName": "q", "type": "rightAligned", "width": 80},
        {"field": "verdict", "headerName": "Verdict", "width": 130},
        {"field": "treated", "headerName": "Score", **number, "width": 90},
        {"field": "baseline", "headerName": f"Score, {matrix.baseline}", **number, "width": 150},
        {"field": "n", "headerName": "Seeds", "type": "rightAligned", "width": 84},
        {"field": "seeds", "headerName": "Differences, seed by seed", "minWidth": 240, "flex": 1},
    ]  # fmt: skip


def set_rows(matrix: GainMatrix) -> list[dict[str, Any]]:
    """One row a cell, with its seeds; cells without a gain say why."""
    found = []
    for c in matrix.cells:
        gone = c.missing is not None
        why = words.MISSING[c.missing or Missing.NOT_RUN]
        found.append(
            {
                "key": f"{c.recipe}.{c.language}",
                "row": c.recipe,
                "column": language(c.language),
                "gain": c.gain,
                "interval": interval(c.gain, c.low, c.high).partition(" ")[2] if c.low is not None else DASH,
                "q": probability(c.q),
                "verdict": words.why_missing(c) if gone or c.verdict is None else c.verdict.value,
                "treated": c.treated,
                "baseline": c.baseline,
                "n": c.n or "",
                "seeds": ", ".join(f"{d:+.1f}".replace("-", MINUS) for d in c.differences) if c.n > 1 else "",
                "why": {"gain": why, "treated": why, "baseline": why} if gone else {},
                "found": {"gain": True} if words.is_finding(c) else {},
            }
        )
    return found


def is_narrowed(state: links.Published) -> bool:
    return any(getattr(state, name) is not None for name in (*FILTERS, "q")) or state.protocol != "any"
