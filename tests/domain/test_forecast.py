"""The forecast: what it rests on, how wide it is, and that it never says more than was measured."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.experiment import ExperimentRequest, Plan, plan
from backend.domain.forecast import ATTAINED, RESTS_ON, Calibrated, Measured, Work, forecast, quantile, work
from backend.domain.forecast_runs import by_run
from backend.domain.makespan import makespan
from backend.domain.model import MODELS
from backend.domain.plan_cost import grid_cost
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


def test_each_option_of_a_question_is_read_and_computed() -> None:
    """COPA has two options, CommonsenseQA five: batches of 32 cut at 48, and 6·N·D or 2·N·D of every place."""
    asked = ExperimentRequest(name="x", models=("mini-2",), recipes=("commonsenseqa",), targets=("xcopa",))
    runs = {r.spec.kind: r for r in plan(asked).runs.values() if r.recipe == "commonsenseqa"}
    weights = MODELS["mini-2"].parameters_non_embedding
    places = {
        kind: work(r.spec, model="mini-2", steps=10, examples=7).places for kind, r in runs.items()
    }  # ten steps of a training, seven examples of an evaluation
    assert places[RunKind.FINETUNE] == 10 * 32 * 2 * 48
    assert places[RunKind.EVALUATE] == 7 * 2 * 48
    training = runs[RunKind.INTERMEDIATE].spec.training
    assert training is not None
    assert places[RunKind.INTERMEDIATE] == 10 * training.batch_size * 5 * training.max_length
    tuned = work(runs[RunKind.FINETUNE].spec, model="mini-2", steps=10, examples=0)
    assert (tuned.units, tuned.flops) == (10, 6 * weights * 10 * 32 * 2 * 48)
    of = plan(asked)
    (stage,) = (s for s in grid_cost(of, device=DeviceClass.CPU).stages if s.stage == "finetune")
    total = sum(
        work(r.spec, model=r.model, steps=r.steps, examples=r.examples).flops
        for r in of.runs.values()
        if r.spec.kind is RunKind.FINETUNE
    )
    assert stage.shared_flops == total == 2 * 6 * weights * 120 * 32 * 2 * 48  # the baseline's and the recipe's


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


# --- energy -------------------------------------------------------------------------------------------------------------------


def drawing(rows: list[Measured], watts: float) -> list[Measured]:
    """The same runs on a device that drew so much."""
    return [Measured(m.work, m.device_class, m.wall_seconds, m.device_seconds, watts * m.wall_seconds) for m in rows]


def test_energy_is_device_time_at_the_power_that_was_drawn() -> None:
    of = planned("mini-2")
    found = ask(of, drawing(measured(of, 0.5), 250.0) * 3)
    assert found.device_hours is not None and found.energy_kwh is not None
    assert found.energy_kwh.median == pytest.approx(found.device_hours.median * 250 / 1000)
    assert found.energy_kwh.low < found.energy_kwh.median < found.energy_kwh.high
    assert "power that" in found.energy_from and "without its host" in found.energy_from


def test_energy_that_was_not_measured_is_not_zero() -> None:
    of = planned("mini-2")
    found = ask(of, measured(of, 0.5))
    assert found.energy_kwh is None
    assert found.energy_from == "Energy: not measured. No finished run on cpu has reported any."
    assert all(e.joules is None for e in found.estimates.values())


def test_energy_of_another_class_of_device_never_enters() -> None:
    of = planned("mini-2")
    gpu = [Measured(m.work, DeviceClass.CUDA, 1.0, 1.0, 700.0) for m in measured(of, 0.5)]
    assert ask(of, [*measured(of, 0.5), *gpu]).energy_kwh is None


def test_a_run_on_half_of_a_device_is_given_half_of_its_power() -> None:
    """Both runs on it reported all that it drew: 200 W for an hour by the clock, half of it theirs."""
    of = planned("mini-2")
    found = ask(of, drawing(measured(of, 1.0, share=0.5), 200.0) * 3)
    wall = sum(m.wall_seconds for m in measured(of, 1.0)) / 3600
    assert found.energy_kwh is not None
    assert found.energy_kwh.median == pytest.approx(wall / 2 * 0.2)


def test_power_is_that_of_the_same_kind_and_model_where_there_is_one() -> None:
    of = planned("mini-2")
    rows = measured(of, 0.5)
    tuned = [m for m in rows if m.work.kind is RunKind.FINETUNE]
    rest = [m for m in rows if m.work.kind is not RunKind.FINETUNE]
    found = ask(of, drawing(tuned, 300.0) * 3 + drawing(rest, 100.0) * 3)
    expected = sum(m.device_seconds * (300.0 if m in tuned else 100.0) for m in rows) / 3.6e6
    assert found.energy_kwh is not None
    assert found.energy_kwh.median == pytest.approx(expected)


# --- where nothing was measured -----------------------------------------------------------------------------------------------


def calibrated(of: Plan, rows: list[Measured], *rates: float, slots: int = 2):
    todo = set(of.runs)
    each = [Calibrated(rate, 0.5) for rate in rates]
    return forecast(
        of, to_do=todo, unfinished=todo, measured=rows, device=DeviceClass.CPU, slots=slots, calibrated=each
    )


def test_without_measurements_flops_at_an_assumed_share_of_a_matrix_products_rate() -> None:
    of = planned("mini-2")
    found = calibrated(of, [], 1e9, 3e9, 2e9)
    flops = sum(m.work.flops for m in measured(of, 1.0))
    assert found.device_hours is not None
    # the middle worker's rate, and half of a device for each slot
    for got, attained in zip(
        (found.device_hours.low, found.device_hours.median, found.device_hours.high), ATTAINED, strict=True
    ):
        assert got == pytest.approx(flops / (2e9 * attained) / 2 / 3600)
    assert "assumed" in found.rests_on and "nothing was measured" in found.rests_on
    assert found.hours_until_done is not None and found.hours_until_done.median > 0
    assert found.energy_kwh is None
    assert {e.tier for e in found.estimates.values()} == {5}


def test_what_was_measured_goes_before_what_a_matrix_product_attains() -> None:
    of = planned("mini-2")
    rows = measured(of, 0.5) * 3
    assert calibrated(of, rows, 1e9).device_hours == ask(of, rows).device_hours
    some = measured(of, 0.5, only={RunKind.FINETUNE})
    assert {e.tier for e in calibrated(of, some, 1e9).estimates.values()} == {1, 4}  # another kind of run is nearer


def test_a_rate_of_nothing_is_none() -> None:
    assert calibrated(planned("mini-2"), [], 0.0).device_hours is None


# --- run by run ---------------------------------------------------------------------------------------------------------------


def test_run_by_run_it_adds_up_and_the_last_one_ends_it_all() -> None:
    of = planned("mini-2", seeds=3)
    found = ask(of, drawing(measured(of, 0.5), 100.0) * 3, slots=2)
    lines = by_run(of, set(of.runs), found)
    assert found.device_hours is not None and found.hours_until_done is not None and found.energy_kwh is not None
    assert sum(line.runs for line in lines) == len(of.runs)
    assert [line.runs for line in lines] == [
        1,
        3,
        3,
        3,
        3,
        3,
    ]  # pretraining; one intermediate; two recipes tuned and evaluated
    for total, each in ((found.device_hours, "device_hours"), (found.energy_kwh, "energy_kwh")):
        assert sum(line.runs * getattr(line, each).median for line in lines) == pytest.approx(total.median)
    last = max(line.done_after_hours.median for line in lines if line.done_after_hours)
    assert last == pytest.approx(found.hours_until_done.median)
    assert all(line.memory_bytes > 0 and line.rests_on == RESTS_ON[1] for line in lines)
    assert [line.kind for line in lines] == sorted((line.kind for line in lines), key=list(RunKind).index)


def test_run_by_run_nothing_is_known_where_nothing_was_measured() -> None:
    of = planned("mini-2")
    for line in by_run(of, set(of.runs), ask(of, [])):
        assert (line.device_hours, line.energy_kwh, line.done_after_hours, line.rests_on) == (None, None, None, None)
        assert line.memory_bytes > 0
    few = {f for f, r in of.runs.items() if r.spec.kind is RunKind.EVALUATE}
    assert {line.kind for line in by_run(of, few, ask(of, measured(of, 1.0), to_do=few))} == {RunKind.EVALUATE}
