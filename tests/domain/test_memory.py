"""The forecast of memory: what it is made of, and who is refused because of it."""

import pytest

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.fitting import fitting, in_words, need, trained
from backend.domain.memory import Load, activations, peak
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, RunKind
from backend.domain.task import Source
from backend.domain.tasks import TASKS

LARGE = MODELS["xlmr-large"].architecture


def load(**changes):
    given = {
        "architecture": LARGE, "kind": RunKind.FINETUNE, "device": DeviceClass.CUDA, "precision": "fp32", "rows": 32, "length": 128,
    }  # fmt: skip
    return Load(**given | changes)


def planned(**changes):
    given = {
        "name": "n", "source": "hub", "models": ["xlmr-xxl"], "recipes": ["none"], "targets": ["xnli"], "device": "cuda",
    }  # fmt: skip
    return plan(ExperimentRequest.model_validate(given | changes))


def fit(found, workers, models=("xlmr-xxl",), device=DeviceClass.CUDA):
    return fitting(found, to_do=found.runs, models=models, device=device, workers=workers)


def test_a_trained_weight_takes_sixteen_bytes():
    found = peak(load())
    assert found.weights + found.gradients + found.moments == 16 * LARGE.parameters
    assert found.best == 0  # on the host
    assert peak(load(device=DeviceClass.CPU)).best == 4 * LARGE.parameters


def test_half_precision_of_the_formula_is_korthikantis():
    """Their 34·s·b·h bytes, less the two masks of dropout, plus what is kept in two orders and norms in fp32."""
    few, more = (
        activations(load(architecture=LARGE.model_copy(update={"layers": n}), precision="bf16", dropout=False))
        for n in (1, 2)
    )
    theirs = 32 * 128 * 32 * 1024
    assert 1.0 < (more - few) / theirs < 1.3


def test_a_batch_of_questions_has_a_row_for_each_option():
    """32 questions of CommonsenseQA are 160 rows."""
    found = planned(models=["xlmr-base"], recipes=["commonsenseqa"])
    run = next(r for r in found.runs.values() if r.spec.kind is RunKind.INTERMEDIATE)
    training = run.spec.training
    shape = MODELS["xlmr-base"].architecture
    of_rows = {
        options: peak(
            load(architecture=shape, rows=options * training.batch_size, length=training.max_length)
        ).activations
        for options in (4, 5)
    }
    assert need(run).whole.activations == of_rows[5] > of_rows[4]


def test_activations_grow_with_the_batch_and_the_rest_does_not():
    one, two = peak(load(rows=16)), peak(load(rows=32))
    assert two.activations == pytest.approx(2 * one.activations)
    assert (one.weights, one.moments) == (two.weights, two.moments)
    assert activations(load(length=256)) == pytest.approx(2 * activations(load()))  # fused attention
    assert activations(load(length=256, device=DeviceClass.CPU)) > 2.2 * activations(load(device=DeviceClass.CPU))


def test_checkpointing_keeps_a_layers_input():
    assert activations(load(checkpointing=True)) < activations(load()) / 4
    assert activations(load(checkpointing=True)) > 24 * 4 * 32 * 128 * 1024


def test_frozen_blocks_have_neither_gradients_nor_moments():
    model = MODELS["xlmr-large"]
    assert trained(model, 0) == model.parameters
    assert trained(model, 1) == model.parameters_non_embedding
    assert trained(model, 13) == model.parameters_non_embedding // 2
    found = peak(load(trained=trained(model, 1)))
    assert found.gradients + found.moments == 12 * model.parameters_non_embedding


def test_an_evaluation_takes_its_weights_and_a_layer():
    assert peak(load(kind=RunKind.EVALUATE, rows=1)).total < peak(load(rows=1)).total / 2


def test_every_model_of_the_catalogue_has_a_forecast():
    for source in (Source.HUB, Source.MINI):
        models = [m.name for m in MODELS.values() if source in m.sources]
        offered = ("xnli", "xquad", "xcopa", "lareqa", "tatoeba")
        targets = [t for t in offered if TASKS[t].available_in(source)]
        found = plan(
            ExperimentRequest.model_validate(
                {"name": "n", "source": source, "models": models, "recipes": ["none"], "targets": targets}
            )
        )
        shown = fit(found, {}, models, DeviceClass.CPU).memory
        assert [m.model for m in shown] == models
        for each in shown:
            assert each.least_bytes <= each.whole_bytes
            assert each.least_bytes > 4 * MODELS[each.model].parameters


def test_a_model_that_fits_no_worker_is_refused_with_numbers():
    found = fit(planned(), {"a": 80 << 30, "b": 24 << 30})
    (error,) = found.refused
    assert error.pointer == "/models/0"
    needed = need(next(iter(planned().runs.values()))).least.total
    assert f"{needed / 1e9:.1f} GB of memory for the fine-tuning on mnli" in error.message
    assert "the largest has 85.9 GB" in error.message
    assert found.memory[0].how == "does not fit any cuda worker that is there"


def test_one_worker_that_is_large_enough_is_enough():
    assert not fit(planned(), {"a": 24 << 30, "b": 1 << 50}).refused


def test_nobody_is_refused_for_workers_that_are_not_known():
    none, silent = fit(planned(), {}), fit(planned(), {"a": 24 << 30, "b": None})
    assert not none.refused
    assert "no worker for it is there" in none.notes[0]
    assert not silent.refused
    assert "does not say how much memory" in silent.notes[0]


def test_what_is_done_already_needs_no_memory():
    found = planned()
    assert not fitting(found, to_do=(), models=("xlmr-xxl",), device=DeviceClass.CUDA, workers={"a": 1}).refused


def test_a_batch_that_cannot_be_split_is_weighed_whole():
    found = planned(source="files", targets=["lareqa"], models=["xlmr-large"])
    run = next(r for r in found.runs.values() if r.spec.kind is RunKind.FINETUNE)
    asked = need(run)
    assert asked.batch
    assert asked.single.total == asked.whole.total
    (error,) = fit(found, {"a": asked.least.total - 1}, ("xlmr-large",)).refused
    assert "a whole batch, which its loss needs" in error.message
    assert fit(found, {"a": asked.least.total}, ("xlmr-large",)).memory[0].how == "layers are computed twice"


def test_how_it_will_be_computed():
    found = planned(models=["xlmr-large"])
    asked = need(next(r for r in found.runs.values() if r.spec.kind is RunKind.FINETUNE))
    words = [
        fit(found, {"a": n}, ("xlmr-large",)).memory[0].how
        for n in (asked.whole.total, asked.whole.total - 1, asked.single.total - 1)
    ]
    assert words == [
        "whole batches fit",
        "batches are computed in parts",
        "batches are computed in parts, layers twice",
    ]


def test_on_several_devices_each_has_all_weights_and_a_part_of_the_batch():
    def training_need(**changes):
        runs = planned(models=["xlmr-base"], **changes).runs.values()
        return next(need(run) for run in runs if run.spec.kind is RunKind.FINETUNE)

    one, two = training_need(), training_need(devices=2)
    assert two.whole.activations == pytest.approx(one.whole.activations / 2)
    assert (two.whole.weights, two.least) == (one.whole.weights, one.least)  # of one GPU
    host = training_need(device="cpu", devices=2)
    assert host.least.total == 2 * training_need(device="cpu").least.total  # two processes share it


def of_two(**changes):
    """The fine-tuning of the largest model on two devices."""
    found = planned(devices=2, **changes)
    return found, need(next(r for r in found.runs.values() if r.spec.kind is RunKind.FINETUNE))


def test_divided_weights_take_a_share_and_what_is_gathered():
    whole, divided = (peak(load(checkpointing=True, divided=n)) for n in (1, 2))
    embeddings, layer = (
        LARGE.parameters - LARGE.parameters_non_embedding,
        LARGE.parameters_non_embedding // LARGE.layers,
    )
    assert divided.moments == whole.moments / 2
    assert divided.weights == 4 * (LARGE.parameters // 2 + embeddings + 2 * layer)
    assert divided.gradients == divided.weights
    assert (divided.activations, divided.runtime) == (whole.activations, whole.runtime)
    eight = peak(load(checkpointing=True, divided=8))
    assert eight.moments == whole.moments / 8
    assert eight.total < divided.total < whole.total
    frozen = peak(load(checkpointing=True, divided=2, trained=0))
    assert (frozen.weights, frozen.gradients, frozen.moments) == (divided.weights, 0, 0)


def test_processes_on_a_cpu_keep_the_best_weights_once():
    assert 2 * peak(load(device=DeviceClass.CPU, divided=2)).best == peak(load(device=DeviceClass.CPU)).best


def test_what_fits_only_divided_is_accepted_and_said():
    found, asked = of_two()
    assert asked.divided_least.total < asked.least.total
    between = (asked.divided.total + asked.least.total) // 2
    (shown,) = fit(found, {"a": between}).memory
    assert not fit(found, {"a": between}).refused
    assert shown.how == (
        f"weights are divided over 2 devices, as {asked.least.total / 1e9:.1f} GB do not fit; layers are computed twice"
    )
    assert (shown.least_bytes, shown.sharded_bytes) == (asked.divided_least.total, asked.divided.total)
    less = fit(found, {"a": asked.divided_least.total})
    assert not less.refused
    assert less.memory[0].how.endswith("layers are computed twice, batches in parts")
    enough = fit(found, {"a": asked.whole.total})
    assert enough.memory[0].how == "whole batches fit"


def test_what_does_not_even_fit_divided_is_refused_with_both_numbers():
    found, asked = of_two()
    (error,) = fit(found, {"a": asked.divided_least.total - 1}).refused
    assert f"needs at least {asked.divided_least.total / 1e9:.1f} GB" in error.message
    assert (
        f"weights divided over 2 devices, one item at a time, layers computed twice; {asked.least.total / 1e9:.1f} GB with whole"
        in (error.message)
    )


def test_divided_or_not_as_asked_for():
    found, asked = of_two(sharded=True)
    assert asked.whole == asked.divided
    assert fit(found, {"a": 1 << 60}).memory[0].how == (
        "weights are divided over 2 devices, as asked for; layers are computed twice"
    )
    found, asked = of_two(sharded=False)
    assert asked.divided is None
    (error,) = fit(found, {"a": asked.least.total - 1}).refused
    assert "; so do 2 devices that its weights are divided over (devices: 2, sharded left out)" in error.message
    assert fit(found, {"a": asked.least.total - 1}).memory[0].sharded_bytes is None


def test_who_asks_for_one_device_is_told_of_more():
    one = need(next(r for r in planned().runs.values() if r.spec.kind is RunKind.FINETUNE))
    four = need(next(r for r in planned(devices=4).runs.values() if r.spec.kind is RunKind.FINETUNE))
    (error,) = fit(planned(), {"a": four.divided_least.total}).refused
    assert "so do 4 devices" in error.message
    assert one.divided is None
    (error,) = fit(planned(), {"a": 1 << 30}).refused
    assert "devices that its" not in error.message


def test_a_forecast_in_words():
    found, asked = of_two()
    (shown,) = fit(found, {"a": asked.divided.total}).memory
    words = in_words(shown)
    assert words.startswith(f"{asked.whole.total / 1e9:.1f} GB at the peak for the fine-tuning on mnli (batch ")
    assert f", {asked.divided.total / 1e9:.1f} GB with divided weights, at least" in words
    assert words.endswith(shown.how)
