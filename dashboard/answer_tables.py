"""The answer as tables and lists of text: the same for the page, the HTML file and the PDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.domain.answer import Answer, Effect
from backend.domain.run import DeviceClass
from dashboard.frozen import Table
from dashboard.look import DASH, MINUS, count, hours, parameters

TITLE: Final = "What do model size and compute do to transfer?"
GROUPS: Mapping[str, str] = {"all": "all languages but English", "low": "low-resource languages"}
VERDICTS: Mapping[str, str] = {
    "more": "more, the interval is above zero",
    "less": "less, the interval is below zero",
    "no evidence": "no evidence either way",
    "not enough evidence": "not enough evidence",
}


def amount(value: float | None) -> str:
    """``+1.42``: two decimals, since an effect can be small."""
    if value is None:
        return DASH
    text = f"{abs(value):.2f}"
    return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text


def span(value: float | None, low: float | None, high: float | None) -> str:
    """``+1.42 [0.60, 2.24]``."""
    if value is None or low is None or high is None:
        return amount(value)
    return f"{amount(value)} [{amount(low).removeprefix('+')}, {amount(high).removeprefix('+')}]"


def device_hour(answer: Answer) -> str:
    """``GPU-hour`` or ``device-hour (cpu)``."""
    if answer.device_class is None:
        return "device-hour"
    return "GPU-hour" if answer.device_class is DeviceClass.CUDA else f"device-hour ({answer.device_class.value})"


def verdict(e: Effect) -> str:
    if e.why is not None:
        return f"not enough evidence: {e.why}"
    inside = ", and too small to matter" if e.within_interest else ""
    return VERDICTS[e.verdict] + inside


def effects(answer: Answer) -> Table:
    rows = tuple(
        (
            e.title,
            e.unit,
            span(e.estimate, e.low, e.high),
            DASH if e.df is None else f"{e.df:.0f}",
            verdict(e),
            f"{e.gains:,} of {answer.gains:,} gains, {count(e.models, 'model')}, {count(e.targets, 'target')}, {count(e.languages, 'language')}",
        )
        for e in answer.effects
    )
    return Table(("Effect", "Of", "Points [95 %]", "df", "Verdict", "Rests on"), rows, numbers=frozenset({2, 3}))


def models(answer: Answer) -> Table:
    rows = tuple(
        (
            p.model,
            parameters(p.parameters_non_embedding),
            parameters(p.parameters),
            GROUPS[p.group],
            span(p.gain, p.low, p.high),
            str(p.seeds),
            f"{p.cells:,} of {p.of:,}",
        )
        for p in answer.points
    )
    head = ("Model", "Without embeddings", "Parameters", "Over", "Mean gain [95 %]", "Seeds", "Cells")
    return Table(head, rows, numbers=frozenset({1, 2, 4, 5, 6}))


def efficiency(answer: Answer) -> Table:
    rows = tuple(
        (
            e.model, parameters(e.parameters_non_embedding), span(e.gain, e.gain_low, e.gain_high), hours(e.hours),
            span(e.per_hour, e.per_hour_low, e.per_hour_high), e.device, f"{e.cells:,} of {count(e.of, 'cell')}, {count(e.seeds, 'seed')}",
        )
        for e in answer.efficiency
    )  # fmt: skip
    head = (
        "Model",
        "Without embeddings",
        "Mean gain [95 %]",
        "Hours",
        f"Points a {device_hour(answer)} [95 %]",
        "Device",
        "Over",
    )
    return Table(head, rows, numbers=frozenset({1, 2, 3, 4}))


def sensitivity(answer: Answer) -> Table:
    rows = tuple(
        (
            s.left_out, GROUPS[s.effect.group], span(s.effect.estimate, s.effect.low, s.effect.high), verdict(s.effect),
            f"{s.effect.gains:,} of {answer.gains:,} gains",
        )
        for s in answer.sensitivity
    )  # fmt: skip
    return Table(
        ("Size effect", "Over", "Points per ten-fold parameters [95 %]", "Verdict", "Rests on"),
        rows,
        numbers=frozenset({2}),
    )


def next_steps(answer: Answer) -> Table:
    rows = tuple(
        (
            s.what, s.why,
            "not known yet"
            if s.device_hours is None
            else f"{hours(s.device_hours.median)} ({hours(s.device_hours.low)} to {hours(s.device_hours.high)})",
            f"{s.runs:,}", s.rests_on,
        )
        for s in answer.next_steps
    )  # fmt: skip
    head = (
        "Run",
        "Because",
        "GPU-hours" if device_hour(answer) == "GPU-hour" else "Device-hours",
        "New runs",
        "Forecast",
    )
    return Table(head, rows, numbers=frozenset({3}))


def failed(answer: Answer) -> Table:
    rows = tuple((f"#{f.run}", f.title, f.why) for f in answer.failed)
    return Table(("Run", "What it was", "Why it is in no number"), rows, numbers=frozenset())


def left_out(answer: Answer) -> Table:
    rows = tuple((entry.what, f"{entry.gains:,}", entry.why) for entry in answer.left_out)
    return Table(("Left out", "Gains", "Why"), rows, numbers=frozenset({1}))


NOTHING_NEXT = "Nothing is missing that more runs of these models would show: the interval leaves out zero, or is narrower than what matters."
