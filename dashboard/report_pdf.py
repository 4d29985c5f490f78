"""The answer as a PDF, by fpdf2, with figures drawn by matplotlib as vectors and the Unicode font that comes with it.

Loaded where a PDF is asked for, never when the server starts: matplotlib takes a second.
"""

from __future__ import annotations

import io
import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.domain.answer import SMALLEST_OF_INTEREST, Answer
from dashboard import answer_tables, report
from dashboard.answer_tables import GROUPS
from dashboard.exports import paper
from dashboard.frozen import Table
from dashboard.look import CATEGORICAL, LIGHT, parameters

if TYPE_CHECKING:
    from fpdf import FPDF

WIDE, MARGIN = 180, 15  # mm
_MARKS = {"all": "o", "low": "s"}


def pdf(answer: Answer, data: bytes, *, version: str, at: datetime) -> bytes:
    """The file: sentence, figures, tables, methods, with the data attached as CSV. The same arguments give the same bytes."""
    import matplotlib
    from fpdf import FPDF

    matplotlib.use("agg")
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    said = f"{report.made(answer, version=version, at=at)} · data {answer.data_sha256}"

    class Report(FPDF):
        def footer(self) -> None:
            self.set_y(-14)
            self.set_font("DejaVu", size=6)
            self.set_text_color(90)
            self.multi_cell(0, 3, f"{said}\npage {self.page_no()} of {{nb}}", align="C")

    made = Report(format="A4")
    made.set_creation_date(at)
    made.set_title(answer_tables.TITLE)
    made.set_creator(f"Crosslift {version}")
    made.set_margin(MARGIN)
    made.set_auto_page_break(True, 20)
    made.add_font("DejaVu", fname=fonts / "DejaVuSans.ttf")
    made.add_font("DejaVu", "B", fname=fonts / "DejaVuSans-Bold.ttf")
    made.add_page()
    made.set_font("DejaVu", "B", 15)
    made.multi_cell(WIDE, 7, answer_tables.TITLE, new_x="LMARGIN", new_y="NEXT")
    _text(made, f"{answer.benchmark}{', a synthetic benchmark' if answer.synthetic else ''}", 8)
    made.ln(2)
    made.set_font("DejaVu", "B", 11)
    made.multi_cell(WIDE, 5.5, answer.sentence, align="L", new_x="LMARGIN", new_y="NEXT")
    made.ln(2)
    for text in answer.also:
        _text(made, f"•  {text}", 9)
    for title, draw in (("Effects", _forest), ("Gain against size", _size), ("What a device-hour buys", _efficiency)):
        with paper.ALONE:
            image, height = draw(answer)
        if made.get_y() + height + 14 > made.h - 20:
            made.add_page()
        _head(made, title)
        made.image(image, x=MARGIN, w=WIDE)
    for title, table in (
        ("What to run next", answer_tables.next_steps(answer)),
        ("Effects", answer_tables.effects(answer)),
        ("Models", answer_tables.models(answer)),
        ("Device time", answer_tables.efficiency(answer)),
        ("Sensitivity", answer_tables.sensitivity(answer)),
        ("Failed and not learnt", answer_tables.failed(answer)),
        ("Left out", answer_tables.left_out(answer)),
    ):
        _table(made, title, table)
    _head(made, "Methods")
    for text in answer.methods:
        _text(made, text, 9)
        made.ln(1.5)
    _head(made, "Data")
    name = report.file_name(answer, "csv")
    _text(
        made,
        f"Every number rests on {answer.gains:,} gains of single seeds: {name}, attached to this file. SHA-256 {answer.data_sha256}.",
        9,
    )
    made.embed_file(
        basename=name,
        bytes=data,
        desc="gains of single seeds",
        compress=True,
        creation_date=at,
        modification_date=at,
    )
    return bytes(made.output())


def _head(made: FPDF, title: str) -> None:
    made.ln(3)
    made.set_font("DejaVu", "B", 11)
    made.multi_cell(WIDE, 6, title, new_x="LMARGIN", new_y="NEXT")
    made.ln(1)


def _text(made: FPDF, text: str, points: int) -> None:
    made.set_font("DejaVu", size=points)
    made.multi_cell(WIDE, points * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _table(made: FPDF, title: str, table: Table) -> None:
    if not table.rows:
        if title == "What to run next":
            _head(made, title)
            _text(made, answer_tables.NOTHING_NEXT, 9)
        return
    _head(made, title)
    made.set_font("DejaVu", size=7)
    widths = [min(40, max(len(row[i]) for row in (table.head, *table.rows))) for i in range(len(table.head))]
    align = tuple("RIGHT" if i in table.numbers else "LEFT" for i in range(len(table.head)))
    with made.table(
        col_widths=tuple(max(8, w) for w in widths),
        text_align=align,
        line_height=4,
        padding=0.8,
        borders_layout="HORIZONTAL_LINES",
    ) as grid:
        for line in (table.head, *table.rows):
            row = grid.row()
            for text in line:
                row.cell(text)


# --- figures ----------------------------------------------------------------------------------------------------------


def _colour(group: str) -> str:
    return CATEGORICAL["light"][0 if group == "all" else 1]


def _axes(height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE / 25.4, height / 25.4), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=LIGHT.line, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7)
    return figure, axes


def _saved(figure: Any, height: float) -> tuple[io.BytesIO, float]:
    """As SVG with text as text, so that it stays sharp; without a date, so that equal figures are equal bytes."""
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "crosslift"}):
        text = io.BytesIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    text.seek(0)
    return text, height


def _whiskers(value: float, low: float | None, high: float | None) -> list[list[float]] | None:
    return None if low is None or high is None else [[value - low], [high - value]]


def _forest(answer: Answer) -> tuple[io.BytesIO, float]:
    height = 22 + 7.0 * max(1, len(answer.effects))
    figure, axes = _axes(height)
    axes.axvspan(-SMALLEST_OF_INTEREST, SMALLEST_OF_INTEREST, color=LIGHT.panel, zorder=0)
    axes.axvline(0, color=LIGHT.hatch, linewidth=1)
    effects = list(reversed(answer.effects))
    for i, e in enumerate(effects):
        if e.estimate is None:
            axes.text(
                0,
                i,
                "not enough evidence",
                ha="center",
                va="center",
                fontsize=7,
                color=LIGHT.soft,
                backgroundcolor=LIGHT.paper,
            )
            continue
        axes.errorbar(
            e.estimate,
            i,
            xerr=_whiskers(e.estimate, e.low, e.high),
            fmt=_MARKS[e.group],
            color=_colour(e.group),
            markersize=5,
            capsize=2,
        )
    axes.set_yticks(range(len(effects)), [f"{e.title}\n{e.unit}" for e in effects], fontsize=6)
    axes.set_ylim(-0.7, len(effects) - 0.3)
    axes.set_xlabel("gain, points, by unit of the effect", fontsize=7)
    return _saved(figure, height)


def _size(answer: Answer) -> tuple[io.BytesIO, float]:
    height = 80.0
    figure, axes = _axes(height)
    axes.axhline(0, color=LIGHT.hatch, linewidth=1)
    for group in GROUPS:
        line = [p for p in answer.line if p.group == group]
        x = [p.parameters_non_embedding for p in line]
        axes.fill_between(
            x, [p.low for p in line], [p.high for p in line], color=_colour(group), alpha=0.14, linewidth=0
        )
        axes.plot(
            x, [p.gain for p in line], color=_colour(group), linewidth=1.4, linestyle="-" if group == "all" else "--"
        )
        some = [p for p in answer.points if p.group == group]
        for i, p in enumerate(some):
            axes.errorbar(
                p.parameters_non_embedding * (1.0 if group == "all" else 1.02), p.gain, yerr=_whiskers(p.gain, p.low, p.high),
                fmt=_MARKS[group], color=_colour(group), markersize=5, capsize=2, label=GROUPS[group] if i == 0 else None,
            )  # fmt: skip
    if answer.points:
        axes.legend(fontsize=7, frameon=False)
    _sized(axes, {p.parameters_non_embedding: p.model for p in answer.points})
    axes.set_ylabel("mean gain, points", fontsize=7)
    return _saved(figure, height)


def _efficiency(answer: Answer) -> tuple[io.BytesIO, float]:
    height = 70.0
    figure, axes = _axes(height)
    axes.axhline(0, color=LIGHT.hatch, linewidth=1)
    axes.plot(
        [e.parameters_non_embedding for e in answer.efficiency],
        [e.per_hour for e in answer.efficiency],
        color=LIGHT.line,
    )
    for e in answer.efficiency:
        axes.errorbar(
            e.parameters_non_embedding, e.per_hour, yerr=_whiskers(e.per_hour, e.per_hour_low, e.per_hour_high), fmt="o",
            color=_colour("all"), markersize=5, capsize=2,
        )  # fmt: skip
    _sized(axes, {e.parameters_non_embedding: e.model for e in answer.efficiency})
    axes.set_ylabel(f"points a {answer_tables.device_hour(answer)}", fontsize=7)
    return _saved(figure, height)


def _sized(axes: Any, names: dict[int, str]) -> None:
    axes.set_xscale("log")
    axes.minorticks_off()
    kept: list[int] = []
    for n in sorted(names):
        if not kept or math.log10(n / kept[-1]) > 0.08 * math.log10(max(names) / min(names)):
            kept.append(n)
    axes.set_xticks(kept, [f"{parameters(n)}\n{names[n]}" for n in kept])
    axes.set_xlabel("parameters without embeddings", fontsize=7)
