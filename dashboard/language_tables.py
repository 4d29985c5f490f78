"""Languages as tables and in words. Pure functions over what the API returned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from backend.domain.by_language import LanguageCell, LanguageDetail, LanguageRow, LanguageTable
from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES, Language
from backend.domain.literature import PublishedView
from dashboard import links, literature, words
from dashboard.links import Cell, Explore, Languages, OneLanguage
from dashboard.look import DASH, count, interval, probability, score
from dashboard.look import plain as signed
from dashboard.plain_table import plain, soft

LEVELS = ("high", "mid", "low")
SORTS = {
    "family": "Family",
    "name": "Name",
    "resource": "Resources",
    "gain": "Mean gain",
    "best": "Best recipe",
    "tasks": "Tasks",
    "runs": "Runs",
}
_COLUMN = {"name": 0, "gain": 1, "best": 2, "family": 3, "resource": 5, "tasks": 6, "runs": 7}
_HEAD = ("Language", "Mean gain", "Best recipe", "Family", "Script", "Resources", "Tasks", "Runs")


def endonym(language: Language) -> Any:
    """The language's name in itself, in its own direction."""
    named = html.Bdi(language.endonym, lang=language.code, dir=language.direction, className="endonym")
    return named if language.endonym != language.name else None


# --- all of them -----------------------------------------------------------------------------------------------------


def chosen(table: LanguageTable, state: Languages) -> list[LanguageRow]:
    """The rows that the state asks for, in its order. Without a number a row comes last, whatever is sorted by numbers."""
    rows = [row for row in table.languages if row.code in LANGUAGES and _fits(row, LANGUAGES[row.code], state)]
    return sorted(rows, key=lambda row: _place(row, LANGUAGES[row.code], state.sort))


def _fits(row: LanguageRow, of: Language, state: Languages) -> bool:
    text = f"{of.name} {of.endonym} {of.code} {of.iso639_3} {of.family} {of.branch} {of.script}".casefold()
    return (
        state.family in (None, of.family)
        and state.script in (None, of.script)
        and state.level in ("any", of.resource)
        and (state.shown == "all" or row.gain is not None)
        and (state.q is None or state.q.casefold() in text)
    )


def _place(row: LanguageRow, of: Language, sort: str) -> tuple[Any, ...]:
    family = (of.family, of.branch, of.script, of.name)
    if sort == "name":
        return (of.name,)
    if sort == "resource":
        return (LEVELS.index(of.resource), *family)
    numbers = {"gain": row.gain, "best": row.best.gain if row.best else None, "tasks": row.n, "runs": row.runs}
    if sort in numbers:
        value = numbers[sort]
        return (math.inf if value is None else -value, *family)
    return family


def listing(table: LanguageTable, state: Languages) -> list[Any]:
    """The table, or that nothing fits."""
    rows = chosen(table, state)
    if not rows:
        return [
            html.Div(
                [html.H2("No language fits"), html.P(dcc.Link("Show all", href=links.LANGUAGE_LIST))],
                className="nothing",
            )
        ]
    lines = [_line(row, state) for row in rows]
    return [plain("Languages", _HEAD, lines, numbers={7}, sorted_by=_COLUMN[state.sort])]


def _line(row: LanguageRow, state: Languages) -> list[Any]:
    of = LANGUAGES[row.code]
    there = OneLanguage(model=state.model, source=state.source).address(row.code)
    return [
        [dcc.Link(of.name, href=there, title=of.endonym), " ", html.Code(row.code), " ", endonym(of)],
        mean(row),
        best(row, state.source),
        [of.family, soft(of.branch)],
        of.script,
        of.resource,
        [count(row.n, "task"), soft(", ".join(map(words.task_title, row.targets)))],
        f"{row.runs:,}",
    ]


def mean(row: LanguageRow) -> list[Any]:
    """The mean gain with what it is over, or why there is none."""
    if row.gain is None:
        missing = row.missing or Missing.NOT_RUN
        return [
            html.Span(words.MISSING[missing], className=f"missing {missing.value.replace('_', '-')}"),
            soft(row.why_missing or ""),
        ]
    over = f"{row.k} of {count(row.n, 'task')}, {count(row.cells, 'cell')}"
    return [
        html.Span(interval(row.gain, row.low, row.high), className="amount"),
        soft(over + (f", {words.seeds(row.seeds)}" if row.seeds else ", seeds differ")),
    ]


def best(row: LanguageRow, source: str) -> Any:
    if row.best is None:
        return soft(DASH)
    b = row.best
    return [
        html.Span(f"{b.recipe} {interval(b.gain, b.low, b.high)}", className="amount"),
        soft(f"{words.task_title(b.target)}, {words.seeds(b.n)}, {b.verdict.value}; largest of {b.of}"),
    ]


def summary(table: LanguageTable, state: Languages) -> str:
    """What the table shows, in words."""
    rows = chosen(table, state)
    if table.model is None:
        return f"{count(len(rows), 'language')}. Nothing of {table.benchmark} was run yet, so there is no gain."
    found = [row for row in rows if row.gain is not None]
    said = f"{count(len(rows), 'language')}; {words.model_title(table.model)} has a mean gain in {len(found)}"
    if found:
        up = sum(1 for row in found if (row.gain or 0) > 0)
        top = max(found, key=lambda row: row.gain or 0)
        said += (
            f", above zero in {up}; largest in {words.language_name(top.code)}, {interval(top.gain, top.low, top.high)}"
        )
    gone = [row for row in rows if row.gain is None]
    kinds = [f"{n} {words.MISSING_AT_LENGTH[m]}" for m in Missing if (n := sum(1 for row in gone if row.missing is m))]
    return said + (f". Without one: {', '.join(kinds)}" if kinds else "") + "."


# --- one of them -----------------------------------------------------------------------------------------------------


def facts(code: str) -> str:
    """``Niger-Congo, Bantu · Latin script · low-resource (class 2 of Joshi et al.) · sw, swa``"""
    of = LANGUAGES[code]
    parts = [
        f"{of.family}, {of.branch}",
        f"{of.script} script",
        f"{of.resource}-resource (class {of.joshi_class} of Joshi et al.)",
        f"{of.code}, {of.iso639_3}",
    ]
    return " · ".join(parts)


def sentence(found: LanguageDetail) -> str:
    """What is known of one language, in words."""
    name = found.language.name
    if found.row.n == 0:
        return f"No target of {found.benchmark} has {name}: nothing can be run in it."
    what = f"{count(found.row.n, 'target')} of {found.benchmark} {'has' if found.row.n == 1 else 'have'} {name}: {', '.join(map(words.task_title, found.row.targets))}."
    if found.model is None:
        return f"{what} Nothing was run yet."
    if found.row.gain is None:
        return f"{what} {words.model_title(found.model)} has no mean gain in it: {found.row.why_missing}."
    row = found.row
    said = f"{what} Mean gain of {words.model_title(found.model)} {interval(row.gain, row.low, row.high)} over {row.k} of {count(row.n, 'target')} and {count(row.cells, 'cell')}"
    if row.best is not None:
        b = row.best
        said += f"; largest {b.recipe} on {words.task_title(b.target)} {interval(b.gain, b.low, b.high)}, {words.seeds(b.n)}, {b.verdict.value} (picked as the largest of {b.of})"
    return said + "."


def explored(cell: LanguageCell, code: str, found: LanguageDetail) -> str:
    """The address of the same cell on Explore."""
    return Explore(
        cell=Cell(cell.recipe, code), metric=cell.metric, model=found.model, source=_source(found), target=cell.target
    ).address


def _source(found: LanguageDetail) -> Any:
    return found.source


def cells(found: LanguageDetail) -> Any:
    """Every cell with a gain: what the figure shows, and the gap to English."""
    head = (
        "Recipe",
        "Target",
        "Gain, 95 % interval",
        "q",
        "Verdict",
        "Seeds",
        "Score with",
        "Baseline",
        "Gap to English without",
        "with",
        "Change of the gap",
    )
    rows = [
        [
            dcc.Link(c.recipe, href=explored(c, found.language.code, found)),
            [words.task_title(c.target), soft(remarks(c))],
            interval(c.gain, c.low, c.high),
            probability(c.q),
            c.verdict.value if c.verdict else "",
            str(c.n),
            score(c.treated),
            score(c.baseline),
            signed(c.gap_without) if c.gap_without is not None else DASH,
            signed(c.gap_with) if c.gap_with is not None else DASH,
            interval(c.gap_change, c.gap_low, c.gap_high) if c.gap_change is not None else DASH,
        ]
        for c in found.cells
        if c.gain is not None
    ]
    return plain(f"Gains in {found.language.name}", head, rows, numbers={2, 3, 5, 6, 7, 8, 9, 10})


def remarks(c: LanguageCell) -> str:
    notes = [words.SAME_DATA_TWICE] if c.same_data_twice else []
    notes += [words.NOT_ZERO_SHOT] if c.not_zero_shot else []
    notes += ["control"] if c.control else []
    return ", ".join(notes)


def gap(found: LanguageDetail) -> str:
    """What intermediate tasks do to the distance from English, in words."""
    some = [
        c for c in found.cells if c.gap_change is not None and not (c.same_data_twice or c.control or c.not_zero_shot)
    ]
    if not some:
        return ""
    wider = sum(1 for c in some if c.gap_low is not None and c.gap_low > 0)
    narrower = sum(1 for c in some if c.gap_high is not None and c.gap_high < 0)
    before = [c.gap_without for c in some if c.gap_without is not None]
    low, high = signed(min(before)), signed(max(before))
    ends = low if low == high else f"{low} to {high}"
    return (
        f"English minus {found.language.name} without an intermediate stage: {ends} points. With one the gap is narrower in {narrower} and wider in "
        f"{wider} of {count(len(some), 'cell')} by an interval that leaves out zero."
    )


def missing(found: LanguageDetail) -> list[Any]:
    """What has no gain, target by target, with why, and the way to run it."""
    parts: list[Any] = []
    for target in found.row.targets:
        gone = [c for c in found.cells if c.target == target and c.gain is None]
        if not gone:
            continue
        kinds = []
        for kind in Missing:
            some = [c for c in gone if c.missing is kind]
            if some:
                why = sorted({c.why_missing for c in some if c.why_missing not in (None, f"no run of {c.recipe} yet")})
                said = f"{words.MISSING_AT_LENGTH[kind]}: {', '.join(c.recipe for c in some)}"
                kinds.append(
                    html.Span(
                        [
                            said,
                            soft("; ".join(why[:3]) + (f"; and {len(why) - 3} more reasons" if len(why) > 3 else "")),
                        ],
                        className=f"missing {kind.value.replace('_', '-')}",
                    )
                )
        to_run = [c.recipe for c in gone if c.missing is Missing.NOT_RUN]
        parts.append([words.task_title(target), kinds, _run(found, target, to_run) if to_run else ""])
    return (
        [plain(f"Without a gain in {found.language.name}", ("Target", "What has no gain", ""), parts)] if parts else []
    )


def _run(found: LanguageDetail, target: str, recipes: Sequence[str]) -> Any:
    said = {"models": str(found.model), "recipes": ",".join(recipes), "targets": target, "source": found.source}
    return dcc.Link(
        "Run them", href=links.new(said), title=f"A new experiment: {', '.join(recipes)} on {words.task_title(target)}"
    )


def near(found: LanguageDetail) -> Any:
    state = Languages(model=found.model, source=_source(found))
    rows = [
        [
            [
                dcc.Link(
                    words.language_name(n.row.code),
                    href=OneLanguage(model=found.model, source=_source(found)).address(n.row.code),
                ),
                " ",
                endonym(LANGUAGES[n.row.code]),
            ],
            ", ".join(n.shares),
            mean(n.row),
            best(n.row, state.source),
        ]
        for n in found.near
    ]
    return plain("Nearest languages", ("Language", "Shares", "Mean gain", "Best recipe"), rows)


def published(figures: Sequence[PublishedView]) -> Any:
    rows = [
        [
            f.row,
            words.task_title(f.task) if f.task else f.target,
            literature.metric(f.metric),
            score(f.value),
            literature.PROTOCOLS[f.protocol],
            html.A(f"{f.cite}: {f.table_title}", href=f.url),
        ]
        for f in figures
    ]
    return plain(
        "Published figures", ("Row", "Task", "Metric", "Figure", "Protocol", "Where it was read"), rows, numbers={3}
    )
