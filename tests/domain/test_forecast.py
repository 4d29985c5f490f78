"""The forecast: what it rests on, how wide it is, and that it never says more than was measured."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.experiment import ExperimentRequest, Plan, plan
from backend.domain.forecast import Measured, Work, forecast, makespan, quantile, work
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, RunKind


def planned(*models: str, seeds: int = 1) -> Plan:
    return plan(
        ExperimentRequest(name="x", models=models, recipes=("mnli",), targets=("xnli",), seeds=tuple(range(seeds)))
    )


def measured(of: Plan, speed: float, *, only: set[RunKind] | None = None, share: float = 1.0) -> list[Measured]:
    """Every run of a plan as if it had taken ``speed`` seconds a unit."""
    found = []
    for run in of.runs.values():
        if only is None or run.spec.kind in only:
            done = work(run.spec, model=run.model, steps=run.steps, examples=run.examples)
            found.append(Measured(done, DeviceClass.CPU, done.units * speed, done.units * speed * share))
    return found


def ask(of: Plan, rows: list[Measured], *, slots: int = 1, to_do: set[str] | None = None):
    todo = set(of.runs) if to_do is None else to_do
    return forecast(of, to_do=todo, unfinished=todo, measured=rows, device=DeviceClass.CPU, slots=slots)


def test_work_of_a_training_run_and_of_an_evaluation() -> None:
    runs = {
        r.spec.kind: r for r in planned("mini-2").runs.values() if r.recipe == "mnli" or r.spec.kind is RunKind.PRETRAIN
    }
    weights = MODELS["mini-2"].parameters_non_embedding
    tuned = runs[RunKind.FINETUNE]
    done = work(tuned.spec, model="mini-2", steps=300, examples=9_999)
    assert (done.units, done.places) == (300, 300 * 64 * 64)  # batches of 64, cut at 64
    assert done.flops == 6 * weights * 300 * 64 * 64
    tested = work(runs[RunKind.EVALUATE].spec, model="mini-2", steps=0, examples=500)
    assert (tested.units, tested.places, tested.flops) == (500, 500 * 64, 2 * weights * 500 * 64)
    assert work(runs[RunKind.PRETRAIN].spec, model="mini-2", steps=1, examples=0).like == "text"


def test_nothing_measured_means_no_forecast_and_says_so() -> None:
    of = planned("mini-2")
    found = ask(of, [])
    assert found.device_hours is None
    assert found.hours_until_done is None
    assert "Nothing has been measured on cpu" in found.rests_on
    assert found.disk_bytes > 0  # this needs no measurement


def test_measurements_of_another_device_class_never_enter() -> None:
    of = planned("mini-2")
    rows = [Measured(m.work, DeviceClass.CUDA, m.wall_seconds, m.device_seconds) for m in measured(of, 1.0)]
    assert ask(of, rows).device_hours is None


def test_the_same_work_is_forecast_exactly_and_its_band_is_narrow() -> None:
    of = planned("mini-2")
    rows = measured(of, 0.5) * 5
    total = sum(m.device_seconds for m in measured(of, 0.5)) / 3600
    hours = ask(of, rows).device_hours
    assert hours is not None
    assert hours.median == pytest.approx(total)
    assert total / 1.2 < hours.low < total < hours.high < total * 1.2
    few = ask(of, measured(of, 0.5)).device_hours
    assert few is not None
    assert few.high > hours.high  # one measurement is believed less than five


def test_only_what_is_to_be_done_costs_but_all_that_is_unfinished_takes_time() -> None:
    of = planned("mini-2")
    rows = measured(of, 1.0) * 5
    evaluations = {f for f, r in of.runs.items() if r.spec.kind is RunKind.EVALUATE}
    found = forecast(of, to_do=evaluations, unfinished=set(of.runs), measured=rows, device=DeviceClass.CPU, slots=1)
    cost = sum(m.device_seconds for m in measured(of, 1.0, only={RunKind.EVALUATE})) / 3600
    time = sum(m.wall_seconds for m in measured(of, 1.0)) / 3600
    assert found.device_hours is not None
    assert found.hours_until_done is not None
    assert found.device_hours.median == pytest.approx(cost)
    assert found.hours_until_done.median == pytest.approx(time)


def test_device_hours_count_the_share_and_hours_until_done_the_clock() -> None:
    of = planned("mini-2")
    found = ask(of, measured(of, 1.0, share=0.5) * 5)
    assert found.device_hours is not None
    assert found.hours_until_done is not None
    assert found.device_hours.median == pytest.approx(found.hours_until_done.median / 2)


def test_everything_there_already() -> None:
    of = planned("mini-2")
    found = ask(of, [], to_do=set())
    assert found.device_hours is not None
    assert (found.device_hours.median, found.disk_bytes) == (0, 0)
    assert found.hours_until_done is not None
    assert found.hours_until_done.high == 0
    assert "nothing to compute" in found.rests_on


def test_another_model_is_scaled_by_flops_and_said_to_be() -> None:
    small, large = planned("mini-1"), planned("mini-4")
    found = ask(large, measured(small, 1.0) * 5)
    ratio = MODELS["mini-4"].parameters_non_embedding / MODELS["mini-1"].parameters_non_embedding
    assert ratio == 4  # the layers alone
    total = sum(m.device_seconds for m in measured(small, 1.0)) / 3600
    assert found.device_hours is not None
    assert found.device_hours.median == pytest.approx(total * ratio)
    assert "scaled by FLOPs from other models" in found.rests_on
    assert found.device_hours.high >= 2 * found.device_hours.median


def test_another_kind_of_run_is_better_than_nothing() -> None:
    of = planned("mini-2")
    found = ask(of, measured(of, 1.0, only={RunKind.PRETRAIN}) * 5)
    assert found.device_hours is not None
    assert "other kinds of runs" in found.rests_on
    pretraining = next(r.steps for r in of.runs.values() if r.spec.kind is RunKind.PRETRAIN) / 3600
    assert found.device_hours.high >= 3 * (found.device_hours.median - pretraining)  # all but the pretraining itself


def test_the_band_holds_four_times_out_of_five() -> None:
    """Machines differ from day to day: each experiment has one speed of its own, drawn as those measured were."""
    chance = random.Random(7)
    of = planned("mini-2")
    held = 0
    for _ in range(200):
        rows = [m for _ in range(8) for m in measured(of, chance.lognormvariate(0, 0.4))]
        hours = ask(of, rows).device_hours
        assert hours is not None
        truth = sum(m.device_seconds for m in measured(of, chance.lognormvariate(0, 0.4))) / 3600
        held += hours.low <= truth <= hours.high
    assert 0.65 * 200 <= held <= 0.95 * 200


def test_no_worker_means_no_end_time() -> None:
    of = planned("mini-2")
    found = ask(of, measured(of, 1.0), slots=0)
    assert found.device_hours is not None
    assert found.hours_until_done is None
    assert "No worker for cpu is alive" in found.rests_on


def test_more_slots_end_sooner_but_not_before_the_longest_chain() -> None:
    of = planned("mini-2", "mini-4", seeds=3)
    rows = measured(of, 1.0) * 5
    ends = []
    for slots in (1, 2, 4, 64):
        found = ask(of, rows, slots=slots).hours_until_done
        assert found is not None
        ends.append(found.median)
    assert ends == sorted(ends, reverse=True)
    assert ends[0] > ends[1]
    seconds = {m.work: m.wall_seconds for m in measured(of, 1.0)}
    longest = max(
        _chain(
            of,
            f,
            {g: seconds[work(r.spec, model=r.model, steps=r.steps, examples=r.examples)] for g, r in of.runs.items()},
        )
        for f in of.runs
    )
    assert ends[-1] == pytest.approx(longest / 3600)


def _chain(of: Plan, fingerprint: str, seconds: dict[str, float]) -> float:
    parents = of.runs[fingerprint].spec.parents
    return seconds[fingerprint] + max((_chain(of, p, seconds) for p in parents), default=0.0)


def test_disk_counts_weights_predictions_and_the_checkpoints_of_what_runs_at_once() -> None:
    of = planned("mini-2")
    weights = MODELS["mini-2"].parameters
    trained = sum(r.spec.kind is not RunKind.EVALUATE for r in of.runs.values())
    predictions = sum(r.examples for r in of.runs.values() if r.spec.kind is RunKind.EVALUATE)
    kept = 4 * weights * trained + 200 * predictions
    assert ask(of, [], slots=1).disk_bytes == kept + 16 * weights
    assert ask(of, [], slots=2).disk_bytes == kept + 2 * 16 * weights


def test_makespan_of_a_diamond() -> None:
    seconds = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 1.0}
    parents = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    assert makespan(seconds, parents, 1) == 7
    assert makespan(seconds, parents, 2) == 5
    assert makespan({}, {}, 1) == 0


def test_makespan_refuses_circles_and_no_slots() -> None:
    with pytest.raises(ValueError, match="circle"):
        makespan({"a": 1, "b": 1}, {"a": ("b",), "b": ("a",)}, 1)
    with pytest.raises(ValueError, match="slots"):
        makespan({"a": 1}, {"a": ()}, 0)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 2**16)), max_size=16),
    st.integers(1, 5),
)
def test_makespan_is_between_its_bounds(runs: list[tuple[float, int]], slots: int) -> None:
    """Any graph (bit j of a run's mask: run j, earlier, is a parent): Graham's bounds hold."""
    seconds = {str(i): s for i, (s, _) in enumerate(runs)}
    parents = {str(i): [str(j) for j in range(i) if mask >> j & 1] for i, (_, mask) in enumerate(runs)}
    longest: dict[str, float] = {}
    for run in seconds:
        longest[run] = seconds[run] + max((longest[p] for p in parents[run]), default=0.0)
    chain, total = max(longest.values(), default=0.0), sum(seconds.values())
    found = makespan(seconds, parents, slots)
    assert max(chain, total / slots) - 1e-6 <= found <= total / slots + chain + 1e-6


def test_quantiles() -> None:
    assert [quantile([3, 1, 2], q) for q in (0, 0.5, 1)] == [1, 2, 3]
    assert quantile([1, 2], 0.25) == 1.25
    with pytest.raises(ValueError, match="empty"):
        quantile([], 0.5)


def test_a_run_that_did_nothing_is_no_measurement() -> None:
    """A run that was found finished at once has zero units; it must not divide."""
    of = planned("mini-2")
    nothing = [
        Measured(Work(RunKind.EVALUATE, "mini-2", "xnli", 0, 0, 0), DeviceClass.CPU, 1, 1),
    ]
    assert ask(of, nothing).device_hours is None


def test_a_run_on_two_devices_takes_two_slots():
    seconds = {"a": 4.0, "wide": 3.0, "b": 1.0}
    alone = dict.fromkeys(seconds, ())
    assert makespan(seconds, alone, 2) == 4.0
    assert makespan(seconds, alone, 2, {"wide": 2}) == 8.0  # after a, and b after it: none is passed over
    assert makespan(seconds, alone, 1, {"wide": 2}) == 8.0
