"""Tables for a paper: booktabs rules, siunitx S columns that align numbers at their point.

What a plain number cannot say stands in braces, at the same place: bold is the best of a column, underlined the next, a dagger
q < .05, grey a cell without a number. Everything that people wrote is escaped. A table brings its own settings in its group, and names
the packages that it needs in a comment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from backend.domain.gains import Missing
from backend.domain.schemas import GainMatrix, TradeoffPoint
from dashboard import crossed, subset, titles, weighing, words
from dashboard.exports import caption
from dashboard.exports.grid import MARKS, Grid, Item, Name
from dashboard.links import Explore, Tradeoff
from dashboard.look import MINUS, gain, parameters

MOST_ACROSS: Final = 12  # columns of numbers; with more, languages become rows
_SPECIAL: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", MINUS: "$-$", "–": "--", "…": r"\dots{}", "→": r"$\rightarrow$", "×": r"$\times$", "†": r"$^{\dagger}$",
    "‡": r"$^{\ddagger}$", "·": r"$\cdot$", "¹": r"\textsuperscript{1}", "⁵": r"\textsuperscript{5}", **{c: f"\\{c}" for c in "&%$#_{}"},
}  # fmt: skip
PACKAGES: Final = r"""% Needs: \usepackage{booktabs,siunitx,xcolor}"""
_RANKED: Final = (r"\textbf", r"\underline")
_TWICE: Final = _SPECIAL["‡"]
_MARKS: Final[Mapping[Missing, str]] = {
    Missing.NOT_APPLICABLE: "n/a",
    Missing.NOT_RUN: "--",
    Missing.FAILED: r"$\times$",
    Missing.WITHHELD: "w",
}


def escape(text: str) -> str:
    """Text as it is printed, whatever it holds; line breaks and other controls become spaces."""
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", "".join(_SPECIAL.get(c, c) for c in text)).strip()


def label(*parts: str) -> str:
    """A name that \\ref takes."""
    return "tab:crosslift-" + re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


# --- a heatmap -------------------------------------------------------------------------------------------------------


def heatmap(grid: Grid, matrix: GainMatrix, state: Explore, source: str) -> str:
    """As on the screen, or with many columns the other way round.

    Args:
        source: where the numbers are from, in words, as the caption says it.
    """
    if not grid.rows or not grid.columns:
        return "% There is nothing to print: no cell is shown.\n"
    laid = grid if len(grid.columns) + bool(grid.means) <= MOST_ACROSS else grid.turned()
    names = [_column_name(name, laid) for name in laid.columns]
    lines = []
    for i, (name, items) in enumerate(zip(laid.rows, laid.items, strict=True)):
        cells = [_cell(item) for item in items]
        if laid.across and laid.means:
            cells.append(_mean(*laid.means[i]))
        if i and name.band != laid.rows[i - 1].band:
            lines.append(r"\addlinespace")
        lines.append(_line([_row_name(name), *cells]))
    if laid.means and laid.across:
        names.append("{mean}")
    elif laid.means:
        lines += [r"\midrule", _line(["mean", *(_mean(*mean) for mean in laid.means)])]
    said = caption.heatmap(grid, matrix, state)
    return _table(
        columns=[_widest(laid)] * len(names),
        head=_line(["", *names]),
        lines=lines,
        said=[*said, source],
        label=label(state.value, *titles.slug(matrix)),
    )  # fmt: skip


def _column_name(name: Name, grid: Grid) -> str:
    if grid.across:
        return f"{{{escape(name.short)}}}"
    return f"{{{_row_name(name)}}}"


def _row_name(name: Name) -> str:
    return escape(name.text) + _TWICE * name.twice


def _cell(item: Item) -> str:
    if item.value is None:
        return f"{{\\textcolor{{gray}}{{{_MARKS[item.missing or Missing.NOT_RUN]}}}}}"
    number = _number(item.text.rstrip(MARKS))
    if not (item.rank or item.found or item.trained or item.twice):
        return number
    text = _text(number)
    if item.rank:
        text = f"{_RANKED[item.rank - 1]}{{{text}}}"
    return f"{{{text}{_after(item)}}}"


def _after(item: Item) -> str:
    """Marks that take no room, so that numbers stay in line."""
    marks = r"\dagger" * item.found + r"\ast" * item.trained + r"\ddagger" * item.twice
    return f"\\rlap{{$^{{{marks}}}$}}" if marks else ""


def _mean(item: Item, _support: str) -> str:
    return r"{\textcolor{gray}{--}}" if item.value is None else _number(item.text)


def _number(text: str) -> str:
    """As siunitx reads it."""
    return text.replace(MINUS, "-")


def _text(number: str) -> str:
    """The same outside of siunitx: a hyphen is no minus."""
    return number.replace("-", "$-$")


def _widest(grid: Grid) -> str:
    """``S[table-format=+2.1]``: room for the longest number of the table."""
    every = [item for line in grid.items for item in line] + [item for item, _ in grid.means]
    digits = max((len(str(int(abs(item.value)))) for item in every if item.value is not None), default=1)
    return f"S[table-format={'+' if grid.unit.startswith('gain') else ''}{digits}.1]"


# --- a cost table, a trade-off -----------------------------------------------------------------------------------------


def costs(matrix: GainMatrix, state: Explore, source: str) -> str:
    """Device-hours of each row."""
    shown = subset.narrow(matrix, state.languages)
    lines = [
        _line([
            escape(crossed.row_name(r.recipe, matrix)) + _TWICE * r.same_data_twice,
            *("{\\textcolor{gray}{not measured}}" if h is None else _hours(h) for h in (r.device_hours_marginal, r.device_hours_amortised)),
        ])
        for r in shown.recipes
    ]  # fmt: skip
    return _table(
        columns=[_hours_format([h for r in shown.recipes for h in (r.device_hours_marginal, r.device_hours_amortised)])] * 2,
        head=_line(["", "{on its own}", "{shared out}"]),
        lines=lines,
        said=[*caption.costs(matrix), source],
        label=label("cost", *titles.slug(matrix)),
    )  # fmt: skip


def tradeoff(points: Sequence[TradeoffPoint], state: Tradeoff, benchmark: str, source: str) -> str:
    """A row a point, panel by panel; bold is the largest gain of a panel. Of costs only what is on the axis: sizes always stand there."""
    looked_at = weighing.looked_at(points, state)
    if not looked_at:
        return "% There is nothing to print: no point is shown.\n"
    place = {panel: i for i, panel in enumerate(weighing.panels(looked_at))}
    shown = sorted(looked_at, key=lambda p: (place[p.target, p.language], p.recipe, p.parameters, p.model))
    front = weighing.on_front(points, state)
    each = weighing.one_by_one(shown, state)
    costs = [_cost(weighing.cost(p, state), state) for p in shown] if weighing.spends(state) else []
    lines = []
    for i, p in enumerate(shown):
        if i and (p.target, p.language) != (shown[i - 1].target, shown[i - 1].language):
            lines.append(r"\addlinespace")
        lines.append(
            _line([
                escape(words.task_title(p.target)), *[escape(words.language_name(p.language))] * each,
                escape(p.recipe) + _TWICE * p.same_data_twice, escape(words.model_title(p.model)), _ranked(p, shown), _interval(p), str(p.n),
                escape(parameters(p.parameters)), escape(parameters(p.parameters_non_embedding)),
                *costs[i : i + 1], r"$\bullet$" if weighing.key(p, state) in front else "",
            ])
        )  # fmt: skip
    digits = max(len(str(int(abs(p.gain)))) for p in shown)
    return _table(
        columns=["l"] * each + ["l", "l", f"S[table-format=+{digits}.1]", "c", "r", "r", "r"] + ([_format(costs)] if costs else []) + ["c"],
        head=_line([
            "target", *["language"] * each, "recipe", "model", "{gain}", "95\\,\\% interval", "seeds", "parameters", "w/o emb.",
            *([f"{{{escape(caption.unit(shown, state))}}}"] if costs else []), "front",
        ]),
        lines=lines,
        said=[
            *caption.tradeoff(shown, state, benchmark),
            *[f"Bold: the largest gain of a {'language' if each else 'target'}; underlined: the next."] * any(_RANKED[0] in s for s in lines),
            source,
        ],
        label=label("tradeoff", state.target or "all", state.x),
    )  # fmt: skip


def _ranked(p: TradeoffPoint, shown: Sequence[TradeoffPoint]) -> str:
    """Its gain, marked among those of its panel by what is printed; alone, nothing is best."""
    number = _number(gain(p.gain))
    beside = [o for o in shown if (o.target, o.language) == (p.target, p.language) and not o.same_data_twice]
    order = sorted({round(o.gain, 1) for o in beside}, reverse=True)
    place = order.index(round(p.gain, 1)) if not p.same_data_twice and len(order) > 1 else len(_RANKED)
    return f"{{{_RANKED[place]}{{{_text(number)}}}}}" if place < len(_RANKED) else number


def _cost(value: float, state: Tradeoff) -> str:
    """Hours as everywhere; of what spans many powers of ten three digits."""
    return _hours(value) if state.x == "hours" else f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def _format(numbers: Sequence[str]) -> str:
    """Of a column, by what is printed in it."""
    before, after = (max(len(n.partition(".")[part]) for n in numbers) for part in (0, 2))
    return f"S[table-format={before}.{after}]"


def _interval(p: TradeoffPoint) -> str:
    if p.low is None or p.high is None:
        return r"\textcolor{gray}{too few seeds}"
    return f"[{_text(_number(gain(p.low).removeprefix('+')))}, {_text(_number(gain(p.high).removeprefix('+')))}]"


def _hours(value: float) -> str:
    return f"{value:.3f}" if value < 100 else f"{value:.0f}"


def _hours_format(values: Iterable[float | None]) -> str:
    digits = max((len(str(int(v))) for v in values if v is not None), default=1)
    return f"S[table-format={digits}.3]"


# --- the frame of a table ----------------------------------------------------------------------------------------------


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _table(*, columns: Sequence[str], head: str, lines: Sequence[str], said: Sequence[str], label: str) -> str:
    body = "\n".join(lines)
    return f"""{PACKAGES}
\\begin{{table}}
\\centering
\\footnotesize
\\setlength{{\\tabcolsep}}{{4pt}}
\\sisetup{{retain-explicit-plus=true, table-number-alignment=right, table-text-alignment=right}}
\\begin{{tabular}}{{@{{}}l{"".join(columns)}@{{}}}}
\\toprule
{head}
\\midrule
{body}
\\bottomrule
\\end{{tabular}}
\\caption{{{" ".join(map(escape, said))}}}
\\label{{{label}}}
\\end{{table}}
"""
