"""Which published figures can be held against ours, and over which languages a printed mean is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from backend.domain.literature import AVERAGE
from backend.literature.figures import Figure, figures
from backend.submission.benchmarks import XTREME, XTREME_R

_TASKS = {**XTREME_R.tasks, **XTREME.tasks}  # printed means are XTREME's where both have the task


@lru_cache(maxsize=1)
def comparable() -> Sequence[Figure]:
    """Figures of a model, task and recipe that can be run here, in their order; those of single seeds are in the means beside
    them."""
    return tuple(
        f
        for f in figures()
        if f.model and f.task and f.recipe and f.seed is None and f.metric != "unstated" and f.protocol != "none"
    )


@lru_cache(maxsize=1)
def _listed() -> dict[tuple[str, str, str, str], list[str]]:
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for f in figures():
        if f.language != AVERAGE:
            found.setdefault((f.table.name, f.row, f.target, f.metric), []).append(f.language)
    return found


def languages(figure: Figure) -> tuple[str, ...]:
    """What a figure is over: one language; of a printed mean those of its row, else those of the benchmark."""
    if figure.language != AVERAGE:
        return (figure.language,)
    listed = _listed().get((figure.table.name, figure.row, figure.target, figure.metric))
    if listed:
        return tuple(listed)
    entry = _TASKS.get(str(figure.task))
    return entry.languages if entry else ()


def is_assumed(figure: Figure) -> bool:
    """Whether the languages of a printed mean are not in its row, so that those of the benchmark are taken."""
    key = (figure.table.name, figure.row, figure.target, figure.metric)
    return figure.language == AVERAGE and key not in _listed()
