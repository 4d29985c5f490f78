"""Published gains: where one table has a score with an intermediate stage and the same without, or prints a gain itself.

Only within one table: scores of one model differ from paper to paper by as much as an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from backend.domain.literature import PublishedGain
from backend.domain.metrics.checklist import lower_is_better
from backend.literature.figures import Figure, figures

PLAIN = ("none",)  # intermediate, as printed


@lru_cache(maxsize=1)
def differences() -> Sequence[PublishedGain]:
    """Every published gain, in the order of the figures with the intermediate stage."""
    plain: dict[tuple[str, str, str, str, str], Figure] = {}
    for f in figures():
        if f.intermediate in PLAIN and f.protocol in ("zero-shot", "english"):
            plain.setdefault((f.table.name, _model(f), f.target, f.language, f.metric), f)
    found = []
    for f in figures():
        if f.metric == "gain":
            found.append(_printed(f))
        elif f.intermediate not in PLAIN and f.protocol in ("intermediate", "english"):
            before = plain.get((f.table.name, _model(f), f.target, f.language, f.metric))
            if before is not None:
                found.append(_between(f, before))
    return tuple(found)


def _model(figure: Figure) -> str:
    """What a row and its baseline have in common: the model, where it is known, else the row itself."""
    return figure.model or figure.row


def _between(f: Figure, before: Figure) -> PublishedGain:
    sign = -1.0 if lower_is_better(f.metric) else 1.0
    return _gain(f, round(sign * (f.value - before.value), 6), before)


def _printed(f: Figure) -> PublishedGain:
    return _gain(f, f.value, None)


def _gain(f: Figure, gain: float, before: Figure | None) -> PublishedGain:
    return PublishedGain(
        id=f.id, baseline_id=before.id if before else None, table=f.table.name, cite=f.table.cite,
        table_title=f.table.title, url=f.table.url, row=f.row, baseline_row=before.row if before else None, model=f.model,
        parameters_millions=f.parameters_millions, intermediate=f.intermediate, target=f.target, task=f.task,
        language=f.language, metric=f.metric, gain=gain, treated=f.value if before else None,
        baseline=before.value if before else None, differs=list(f.table.differs),
    )  # fmt: skip
