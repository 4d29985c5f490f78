"""What the form says that a draft will take, run by run: what is not known is never a zero."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.plan_cost import grid_cost
from backend.domain.recipe import Recipe
from backend.domain.run import RunKind
from backend.domain.schemas import Band, Preview, RunForecast
from dashboard import foretold


def preview(lines: list[RunForecast], **changes: Any) -> Preview:
    asked = ExperimentRequest(name="x", models=("mini-2",), recipes=(Recipe.parse("mnli"),), targets=("xnli",))
    known: dict[str, Any] = {
        "cost": grid_cost(plan(asked), device=asked.device),
        "cells": 1, "runs": 9, "runs_to_do": sum(line.runs for line in lines), "runs_reused": 0, "by_kind": {}, "not_applicable": [],
        "device_hours": None, "hours_until_done": None, "disk_bytes": 0, "memory": [], "notes": [], "by_run": lines, "forecast_from": "",
        "forecast_record": "", "settings": [], "oracle": None, "seeds_can_show": "", "same_data_twice": [], "fingerprint": "f",
    }  # fmt: skip
    return Preview(**(known | changes))


def line(**changes: Any) -> RunForecast:
    known: dict[str, Any] = {
        "kind": RunKind.FINETUNE, "model": "mini-2", "recipe": "mnli", "target": "xnli", "runs": 3,
        "device_hours": Band(low=0.5, median=1.0, high=2.0), "energy_kwh": Band(low=0.1, median=0.25, high=0.5),
        "memory_bytes": 610_000_000, "done_after_hours": Band(low=2.0, median=3.0, high=6.0), "rests_on": "from finished runs",
    }  # fmt: skip
    return RunForecast(**(known | changes))


def text(component: Any) -> str:
    if component is None or isinstance(component, str):
        return component or ""
    if isinstance(component, (list, tuple)):
        return " | ".join(filter(None, map(text, component)))
    return text(getattr(component, "children", None))


def test_each_line_has_its_time_energy_memory_and_end():
    said = text(foretold.runs(preview([line()])))
    for each in ("finetune · mini-2 · mnli · xnli", "3 | 1 h | 250 Wh | 610 MB | 3 h", "Run by run"):
        assert each in said
    assert "that take longest" not in said


def test_what_is_not_known_is_said():
    unknown = line(device_hours=None, energy_kwh=None, done_after_hours=None, rests_on=None)
    said = text(foretold.runs(preview([unknown])))
    assert said.count("not known") == 2 and said.count("not measured") == 1
    assert foretold.runs(preview([])) is None


def test_that_some_are_left_out_is_said():
    assert "Shown are the 3 of 7 runs that take longest" in text(foretold.runs(preview([line()], runs_to_do=7)))


@pytest.mark.parametrize(
    ("band", "said"),
    [
        (None, "not measured"),
        (Band(low=0.1, median=0.25, high=0.5), "250 Wh (100 Wh – 500 Wh)"),
        (Band(low=1.0, median=12.34, high=150.0), "12 kWh (1 kWh – 150 kWh)"),
    ],
)
def test_energy(band: Band | None, said: str):
    assert foretold.energy(band) == said
