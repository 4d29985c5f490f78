"""From the state of Explore to the numbers it names, or to why there are none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.schemas import GainMatrix
from backend.errors import CrossliftError, Invalid
from dashboard.client import Client
from dashboard.links import Explore
from dashboard.words import ended, live


@dataclass(frozen=True, slots=True)
class Shown:
    """What a state leads to: the numbers, or why there are none. ``state`` names what the API chose."""

    state: Explore
    matrix: GainMatrix | None
    problem: CrossliftError | None = None
    running: int = 0
    experiments: int = 0

    @property
    def empty(self) -> bool:
        """Nothing worth a figure: no cell has a score."""
        return self.matrix is None or all(c.gain is None and c.treated is None for c in self.matrix.cells)

    @property
    def digest(self) -> str:
        """Equal for equal pictures."""
        what = (
            self.matrix.model_dump_json()
            if self.matrix is not None
            else f"{self.problem} {self.running} {self.experiments}"
        )
        return hashlib.sha256(f"{self.state.value} {self.state.order} {what}".encode()).hexdigest()[:16]


async def find(api: Client, state: Explore) -> Shown:
    """Ask the API for what a state names; a name that it does not know counts as not given."""
    asked = state
    while True:
        try:
            matrix = await api.matrix(model=asked.model, target=asked.target, metric=asked.metric, source=asked.source)
        except Invalid as error:
            refused = {e.pointer.rpartition("/")[2] for e in error.errors}
            given = {name for name in ("model", "target", "metric") if getattr(asked, name) is not None}
            if not given:
                return Shown(asked, None, error)
            dropped: dict[str, Any] = dict.fromkeys(refused & given or {"metric"} & given or given)
            asked = replace(asked, **dropped)
        except CrossliftError as error:
            return Shown(asked, None, error, **await _around(api, asked))
        else:
            shown = Shown(replace(asked, model=matrix.model, target=matrix.target, metric=matrix.metric), matrix)
            return replace(shown, **await _around(api, asked)) if shown.empty else shown


async def _around(api: Client, state: Explore) -> dict[str, Any]:
    """Runs on the way for this benchmark, and experiments of any: an empty page says different things about them."""
    try:
        found = await api.experiments()
    except CrossliftError:
        return {}
    here = [e for e in found.items if e.request.source.value == state.source]
    return {"running": sum(e.runs - ended(e) for e in live(here)), "experiments": found.total}
