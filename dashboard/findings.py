"""From the state of Explore to the numbers it names, or to why there are none."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.schemas import GainMatrix
from backend.errors import CrossliftError, Invalid
from dashboard import subset
from dashboard.client import Client
from dashboard.links import Explore
from dashboard.words import ended, live

KEPT = 64  # matrices that another view of the same numbers is drawn from
KEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a state leads to: the numbers, or why there are none. ``state`` names what the API chose; ``numbers`` is equal
    for equal answers."""

    state: Explore
    matrix: GainMatrix | None
    problem: CrossliftError | None = None
    running: int = 0
    experiments: int = 0
    numbers: str = ""

    @property
    def empty(self) -> bool:
        """Nothing worth a figure: no cell that is looked at has a score."""
        return self.matrix is None or _bare(subset.narrow(self.matrix, self.state.languages))

    @property
    def elsewhere(self) -> bool:
        """There are numbers, but not in the languages that are looked at."""
        return self.matrix is not None and self.empty and not _bare(self.matrix)

    @property
    def digests(self) -> dict[str, str]:
        """Of each part of the page that is drawn from the numbers: equal for equal parts."""
        s = self.state
        what = self.numbers or f"{self.problem} {self.running} {self.experiments}"
        languages = self.matrix.languages if self.matrix is not None else None
        parts: dict[str, object] = {
            "figure": (what, s.value, s.order, s.languages, s.fade),
            "said": (what, s.value, s.languages),
            "lists": (what, s),
            "rows": (what, s.value, s.languages),
            "columns": (languages, s.value == "score", s.value == "cost", s.order, s.languages, what * (s.order == "gain")),
            "words": (what, s.value, s.languages),
            "choices": (self.matrix and (self.matrix.models, self.matrix.targets, self.matrix.metrics, languages), s.model, s.target),
        }  # fmt: skip
        return {name: hashlib.sha256(repr(part).encode()).hexdigest()[:12] for name, part in parts.items()}


def _bare(matrix: GainMatrix) -> bool:
    return all(c.gain is None and c.treated is None for c in matrix.cells)


async def find(api: Client, state: Explore, *, fresh: bool = True) -> Shown:
    """Ask the API for what a state names; a name that it does not know counts as not given.

    Args:
        fresh: False where an answer of the last minute will do, if nothing has happened since (``forget``): the same numbers are
            to be shown otherwise, or a reader goes to and fro between targets.
    """
    asked = state
    if not fresh and (kept := _kept(api).get(_name(asked))) is not None and time.monotonic() - kept[0] < KEPT_SECONDS:
        return Shown(asked, kept[1], numbers=kept[2])
    while True:
        try:
            matrix, numbers = await api.numbers(
                model=asked.model, target=asked.target, metric=asked.metric, source=asked.source
            )
        except Invalid as error:
            refused = {e.pointer.rpartition("/")[2] for e in error.errors}
            given = {name for name in ("model", "target", "metric") if getattr(asked, name) is not None}
            if not given:
                return Shown(asked, None, error)
            dropped: dict[str, Any] = dict.fromkeys(refused & given or {"metric"} & given or given)
            asked = replace(asked, **dropped)
        except CrossliftError as error:
            return Shown(asked, None, error, **await around(api, asked.source))
        else:
            found = replace(asked, model=matrix.model, target=matrix.target, metric=matrix.metric)
            shown = Shown(found, matrix, numbers=numbers)
            keep = _kept(api)
            keep.pop(_name(found), None)
            keep[_name(found)] = (time.monotonic(), matrix, shown.numbers)
            while len(keep) > KEPT:
                del keep[next(iter(keep))]
            return replace(shown, **await around(api, asked.source)) if shown.empty else shown


def forget(api: Client) -> None:
    """Runs have ended: what was answered before may no longer hold."""
    _kept(api).clear()


def _kept(api: Client) -> dict[tuple[str | None, ...], tuple[float, GainMatrix, str]]:
    return api.kept


def _name(state: Explore) -> tuple[str | None, ...]:
    return state.source, state.model, state.target, state.metric


async def around(api: Client, source: str) -> dict[str, Any]:
    """Runs on the way for this benchmark, and experiments of any: an empty page says different things about them."""
    try:
        found = await api.experiments()
    except CrossliftError:
        return {}
    here = [e for e in found.items if e.request.source.value == source]
    return {"running": sum(e.runs - ended(e) for e in live(here)), "experiments": found.total}
