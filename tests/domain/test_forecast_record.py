"""How good forecasts were, against cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.forecast import RESTS_ON, Measured, Work
from backend.domain.forecast_record import Past, Record, record, records, replay
from backend.domain.run import DeviceClass, RunKind

START = datetime(2026, 1, 1, tzinfo=UTC)


def past(
    run, began, seconds, *, ended=None, like="xnli", model="mini-2", kind=RunKind.FINETUNE, device=DeviceClass.CPU
):
    work = Work(kind, model, like, units=100.0, places=1e4, flops=1e9)
    end = began + seconds if ended is None else ended
    return Past(
        run, Measured(work, device, seconds, seconds), START + timedelta(seconds=began), START + timedelta(seconds=end)
    )


def test_a_forecast_rests_on_what_had_ended_when_the_run_began():
    first, second, third = past(1, 0, 10.0), past(2, 5, 20.0), past(3, 30, 15.0)
    checked, without = replay([third, second, first])  # in whatever order they are given
    assert [w.run for w in without] == [1, 2]  # the second began while the first still ran
    (one,) = checked
    assert (one.run, one.tier, one.took) == (3, 1, 15.0)
    assert one.median == pytest.approx(15.0)  # of 10 and 20, which both had ended
    assert one.inside
    assert one.error == pytest.approx(0.0)


def test_nothing_that_came_later_changes_a_forecast():
    history = [past(i, 100.0 * i, 10.0 + i) for i in range(8)]
    before, _ = replay(history)
    after, _ = replay([*history, past(99, 5000.0, 1e6)])
    assert after[: len(before)] == before


def test_a_run_far_outside_the_band_is_counted_as_such():
    history = [past(i, 100.0 * i, 10.0) for i in range(9)] + [past(9, 900.0, 100.0)]
    checked, without = replay(history)
    found = record("all", checked, len(without))
    assert (found.runs, found.without) == (9, 1)
    assert found.coverage == pytest.approx(8 / 9)
    assert found.error == pytest.approx(0.0)  # the median does not mind one
    assert checked[-1].error == pytest.approx(0.9)
    assert "89 %" in found.said()


def test_device_classes_are_never_mixed():
    checked, without = replay([past(1, 0, 10.0), past(2, 50, 10.0, device=DeviceClass.CUDA)])
    assert (checked, len(without)) == ([], 2)


def test_records_say_what_the_forecast_rested_on_and_for_which_kind():
    history = [past(1, 0, 10.0), past(2, 50, 10.0), past(3, 100, 10.0, like="squad"), past(4, 150, 10.0, model="mini-4"),
               past(5, 200, 1.0, model="mini-6", kind=RunKind.EVALUATE)]  # fmt: skip
    whole, parts = records(*replay(history))
    assert (whole.runs, whole.without) == (4, 1)
    assert [p.name for p in parts] == [*RESTS_ON.values(), "finetune", "evaluate"]
    assert [p.runs for p in parts] == [1, 1, 1, 1, 3, 1]


def test_too_few_say_nothing():
    assert "Too few" in record("all", []).said()
    assert "Too few" in Record("all", 4, 0, 0.1, 1.0).said()
