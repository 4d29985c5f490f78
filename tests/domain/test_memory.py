"""The forecast of memory: what it is made of, and who is refused because of it."""

import pytest

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.fitting import fitting, need, trained
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
