"""What a row would take, roughly: enough to tell which rows are worth planning exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlmodel import Session

from backend.domain.experiment import ExperimentRequest, Plan, plan
from backend.domain.forecast import Rates, work
from backend.domain.run import DeviceClass, RunKind
from backend.domain.task import Source
from backend.errors import CrossliftError
from backend.statistics.expected import Row
from backend.store import experiments
from backend.store.reasons import NONE


def request_of(
    source: Source,
    model: str,
    recipes: Sequence[str],
    targets: Sequence[str],
    seeds: Sequence[int],
    device: DeviceClass,
    precision: str,
) -> ExperimentRequest:
    name = f"Recommended: {', '.join(recipes)} → {', '.join(targets)} on {model}"
    return ExperimentRequest.model_validate(
        {
            "name": name if len(name) <= 120 else name[:119] + "…", "source": source, "models": [model], "recipes": list(recipes),
            "targets": list(targets), "seeds": list(seeds), "device": device, "precision": precision,
        }
    )  # fmt: skip


class Rough:
    """Device-hours of a row as a sum: of its intermediate stage, and twice of what is done on its target (with it, and for the
    baseline without). So a model's recipes and targets have to be planned once each, and not every pair of them; for all seeds alike."""

    def __init__(
        self,
        session: Session,
        source: Source,
        device: DeviceClass,
        precision: str,
        rows: Iterable[Row],
        rates: Rates,
        seeds: int,
    ) -> None:
        self.seeds = seeds
        self.recipe: dict[tuple[str, str], float | None] = {}
        self.target: dict[tuple[str, str], float | None] = {}
        asked: defaultdict[str, tuple[dict[str, None], dict[str, None]]] = defaultdict(lambda: ({}, {}))
        for row in rows:
            asked[row.model][0][row.recipe] = None
            asked[row.model][1][row.target] = None
        pins = experiments.pins(session)
        for model, (recipes, targets) in asked.items():
            first = next(iter(targets))
            try:
                by_recipe = plan(request_of(source, model, list(recipes), [first], (0,), device, precision), pins)
                by_target = plan(request_of(source, model, [NONE], list(targets), (0,), device, precision), pins)
            except CrossliftError:  # it cannot be planned here; the exact step would say so too
                continue
            self._add(self.recipe, model, by_recipe, rates, (RunKind.INTERMEDIATE,))
            self._add(self.target, model, by_target, rates, (RunKind.FINETUNE, RunKind.EVALUATE))

    def _add(
        self,
        into: dict[tuple[str, str], float | None],
        model: str,
        planned: Plan,
        rates: Rates,
        kinds: Sequence[RunKind],
    ) -> None:
        for cell in planned.cells:
            if cell.evaluate is None or (kinds[0] is RunKind.INTERMEDIATE and cell.recipe == NONE):
                continue
            seconds: float | None = 0.0
            above = [cell.evaluate]
            while above:
                each = planned.runs[above.pop()]
                above += each.spec.parents
                if each.spec.kind in kinds and seconds is not None:
                    found = rates.estimate(work(each.spec, model=each.model, steps=each.steps, examples=each.examples))
                    seconds = None if found is None else seconds + found.device[1]
            into[model, cell.recipe if kinds[0] is RunKind.INTERMEDIATE else cell.target] = seconds

    def hours(self, row: Row) -> float | None:
        recipe, target = self.recipe.get((row.model, row.recipe)), self.target.get((row.model, row.target))
        return None if recipe is None or target is None else self.seeds * (recipe + 2 * target) / 3600
