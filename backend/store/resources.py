"""What the runs behind a gain used: device-hours, energy, FLOPs, stage by stage, of one seed.

``Costs`` knows which runs a score comes from; this adds what each of them used. A quantity that any of these runs has no
measurement of is not known: None, and never the sum of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.run import RunKind
from backend.store import graph
from backend.store.costs import Costs
from backend.store.tables import run

Quantity = Literal["hours", "kwh", "flops", "flops_counted"]
QUANTITIES: Final[tuple[Quantity, ...]] = ("hours", "kwh", "flops", "flops_counted")
_COLUMN: Mapping[Quantity, str] = {
    "hours": "device_seconds", "kwh": "energy_joules", "flops": "flops_analytic", "flops_counted": "flops_counted",
}  # fmt: skip
_UNIT: Mapping[Quantity, float] = {"hours": 3600.0, "kwh": 3.6e6, "flops": 1.0, "flops_counted": 1.0}


@dataclass(frozen=True, slots=True)
class Used:
    """Mean over seeds of what one seed's runs used, in one unit. ``shared``: the intermediate runs divided by the targets that
    use them."""

    evaluate: float
    finetune: float
    intermediate: float
    shared: float

    @property
    def marginal(self) -> float:
        return self.evaluate + self.finetune + self.intermediate

    @property
    def amortised(self) -> float:
        return self.evaluate + self.finetune + self.shared


class Resources:
    """What every evaluate run that ``costs`` knows used, with the trainings that it comes from."""

    def __init__(self, session: Session, costs: Costs) -> None:
        self.costs = costs
        ids = {*costs.own, *(a for above in costs.trained.values() for a in above)}
        columns = [run.c[name] for name in _COLUMN.values()]
        self.used: dict[int, Mapping[Quantity, float | None]] = {}
        for part in graph.chunks(sorted(ids)):
            for id, *values in session.execute(select(run.c.id, *columns).where(run.c.id.in_(part))):
                self.used[id] = {
                    quantity: None if value is None else value / _UNIT[quantity]
                    for quantity, value in zip(_COLUMN, values, strict=True)
                }

    def of(self, runs: Collection[int], quantity: Quantity) -> Used | None:
        """Mean over these evaluate runs; None where one of them, or of its trainings, was not measured."""
        known = [id for id in sorted(runs) if id in self.costs.own]
        if not known:
            return None
        evaluate = finetune = intermediate = shared = 0.0
        for id in known:
            value = self._value(id, quantity)
            if value is None:
                return None
            evaluate += value
            for ancestor, (kind, _) in self.costs.trained.get(id, {}).items():
                value = self._value(ancestor, quantity)
                if value is None:
                    return None
                if kind == RunKind.INTERMEDIATE.value:
                    intermediate += value
                    shared += value / self.costs.targets.get(ancestor, 1)
                else:
                    finetune += value
        n = len(known)
        return Used(evaluate / n, finetune / n, intermediate / n, shared / n)

    def _value(self, id: int, quantity: Quantity) -> float | None:
        found = self.used.get(id)
        return None if found is None else found[quantity]
