"""LoRA trains what it says and nothing else, in every architecture; what is saved is an encoder like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from backend.domain.architecture import KINDS
from backend.domain.run import ModelSpec, RunKind
from backend.domain.task import Split
from backend.domain.training import Training, TrainingOverrides
from worker import checkpoints, lora, weights
from worker import encoder as encoders
from worker.architectures import layers_of
from worker.encoder import Encoder, quicken, states
from worker.formats import Features, Reads, collate
from worker.outcomes import Stopped

TRAINING = Training(learning_rate=1e-2, batch_size=4, steps=3, max_length=48, stride=8, evaluations=1, lora_rank=4)


def output(encoder: Encoder) -> torch.Tensor:
    rng = np.random.default_rng(0)
    rows = [rng.integers(6, 500, n).tolist() for n in (9, 4, 7)]
    batch = collate(Features.build(rows), np.arange(3), pad=encoder.pad)
    return states(encoder.module, batch, Reads.FIRST)


def stirred(module: nn.Module) -> None:
    """As after a training: none of the matrices is zero."""
    rng = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.3, generator=rng)


@pytest.mark.parametrize("kind", KINDS)
def test_every_linear_map_of_every_layer_is_named(kind: str, loaded: Callable[[str], Encoder]) -> None:
    module = loaded(kind).module
    there = {n for n, m in module.named_modules() if isinstance(m, nn.Linear) and m not in _outside(module)}
    assert set(lora.maps_of(module, 0)) == there
    assert set(lora.maps_of(module, 1)) == there  # the embeddings, which have none
    assert len(lora.maps_of(module, 2)) == len(there) / 2
    assert lora.maps_of(module, 3) == ()


def _outside(module: nn.Module) -> set[nn.Module]:
    """Modules of no layer, such as the map from RemBERT's narrow embeddings to its layers."""
    return set(module.modules()) - set(layers_of(module).modules())


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_begin_as_no_change_and_merged_they_give_what_they_gave(
    kind: str, loaded: Callable[[str], Encoder], tmp_path: Path
) -> None:
    encoder = loaded(kind)
    encoder.module.eval()
    names = list(encoder.module.state_dict())
    before = {n: w.clone() for n, w in encoder.module.state_dict().items()}
    with torch.no_grad():
        plain = output(encoder)
        adapted = lora.adapt(encoder.module, TRAINING)
        assert adapted is not None
        encoder.module.eval()
        torch.testing.assert_close(output(encoder), plain, rtol=1e-5, atol=1e-6)
        stirred(encoder.module)
        moved = output(encoder)
        assert not torch.allclose(moved, plain, atol=1e-2)
        adapted.merge()
        torch.testing.assert_close(output(encoder), moved, rtol=1e-3, atol=2e-4)  # one sum for two: rounded otherwise
    after = encoder.module.state_dict()
    assert list(after) == names
    changed = {n for n in names if not torch.equal(after[n], before[n])}
    assert changed == {f"{n}.weight" for n in adapted.maps}
    encoder.save(tmp_path / "saved")
    again = encoders.load(tmp_path / "saved")
    again.module.eval()
    loaded_again = again.module.state_dict()
    assert list(loaded_again) == names
    assert all(torch.equal(loaded_again[n], after[n]) for n in names)
    with torch.no_grad():
        torch.testing.assert_close(output(again), moved, rtol=1e-4, atol=1e-5)
    assert "peft" not in (tmp_path / "saved" / "config.json").read_text().lower()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_trains_adapters_and_head_alone(
    kind: str, root: Path, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before they are merged every weight of the encoder is what it was, to the bit; and the run says how many it trained."""
    start = load_file(root / kind / "model.safetensors")
    seen: dict[str, torch.Tensor] = {}
    merge = lora.Adapted.merge

    def watched(self: lora.Adapted) -> None:
        seen.update({n.replace(".base_layer", ""): w.clone() for n, w in self.model.model.state_dict().items()})
        merge(self)

    monkeypatch.setattr(lora.Adapted, "merge", watched)
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    outcome, job = world.run(world.on("copa", model=model, training=TRAINING), model_root=root)
    trained = {n: w for n, w in seen.items() if ".lora_" in n}
    rest = {n: w for n, w in seen.items() if n not in trained and n in start}
    assert rest
    assert all(torch.equal(w, start[n]) for n, w in rest.items())
    assert all(w.abs().sum() > 0 for w in trained.values()), "a matrix that begins as zero was not trained"
    head = load_file(job.out / "head.safetensors")
    assert outcome.parameters_trainable == sum(w.numel() for w in (*trained.values(), *head.values()))
    saved = load_file(job.out / "model.safetensors")
    moved = {n for n in saved if n in start and not torch.equal(saved[n], start[n])}
    assert moved == {n.partition(".lora_")[0] + ".weight" for n in trained}


def test_frozen_blocks_have_no_adapters(world: Any) -> None:
    spec = world.on("mnli", training=TRAINING.model_copy(update={"frozen": 2}))
    _, job = world.run(spec)
    torch.manual_seed(1)
    before = encoders.fresh(spec.model.architecture, encoders.load(job.out).tokenizer).module.state_dict()
    after = encoders.load(job.out).module.state_dict()
    moved = {n for n in after if not torch.equal(after[n], before[n])}
    assert moved == {f"{n}.weight" for n in lora.maps_of(encoders.load(job.out).module, 2)}
    assert all(n.startswith("encoder.layer.1.") for n in moved)


def test_frozen_layers_leave_something_to_train(tiny: Callable[..., Encoder]) -> None:
    with pytest.raises(ValueError, match="frozen 3 keeps the embeddings and all 2 layers as they are"):
        lora.adapt(tiny().module, TRAINING.model_copy(update={"frozen": 3}))


def test_dropout_is_between_the_matrices_alone_and_no_dropout_without(tiny: Callable[..., Encoder]) -> None:
    training = TrainingOverrides(lora_rank=2, lora_dropout=0.5).applied_to(TRAINING)
    encoder = tiny()
    lora.adapt(encoder.module, training)
    quicken(encoder.module)
    stirred(encoder.module)
    encoder.module.train()
    with torch.no_grad():
        assert not torch.equal(output(encoder), output(encoder))
        encoder.module.eval()
        assert torch.equal(output(encoder), output(encoder))


@pytest.mark.parametrize("training", [TRAINING, TrainingOverrides(lora_rank=4, lora_dropout=0.2).applied_to(TRAINING)])
def test_stopped_and_resumed_is_as_if_never_stopped(training: Training, world: Any, notes: Any) -> None:
    spec = world.on("mnli", training=training.model_copy(update={"steps": 8, "evaluations": 2}))
    whole, job = world.run(spec, name="whole")
    for stop_at in (3, 5):
        with pytest.raises(Stopped):
            world.run(spec, notes(stop_at=stop_at), name="parts")
    kept = newest(world.job(spec, "parts"))
    assert kept["module"]  # of best weights there may be none yet
    assert all(".lora_" in n or n.startswith("heads.") for group in kept.values() for n in group)
    after = notes()
    outcome, other = world.run(spec, after, name="parts")
    assert after.resumptions
    for file in ("model.safetensors", "head.safetensors"):
        a, b = load_file(job.out / file), load_file(other.out / file)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)
    assert outcome.parameters_trainable == whole.parameters_trainable


def newest(job: Any) -> dict[str, dict[str, torch.Tensor]]:
    """Weights of the last checkpoint, and the best ones in it."""
    folder = max((job.workdir / "checkpoints").glob("step-*"))
    return {name: load_file(folder / f"{name}.safetensors") for name in ("module", "best")}


def test_checkpoints_that_held_all_weights_are_read(world: Any, notes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were written before: frozen weights among the others, and nothing said of where they came from."""
    spec = world.on("mnli", training=TRAINING.model_copy(update={"steps": 8, "evaluations": 2}))
    _, job = world.run(spec, name="whole")
    save = checkpoints.save

    def as_before(folder: Path, step: int, groups: Any, state: Any, identity: str) -> Path:
        return save(folder, step, groups, {k: v for k, v in state.items() if k != "start"}, identity)

    with monkeypatch.context() as old:
        old.setattr(weights.Whole, "learnt", lambda self: dict(self.module.state_dict()))
        old.setattr(checkpoints, "save", as_before)
        # asked at each step, and between batches of the evaluation after the fourth
        with pytest.raises(Stopped) as stopped:
            world.run(spec, notes(stop_at=12), name="old")
    assert stopped.value.step > 4
    kept = newest(world.job(spec, "old"))
    words = "encoder.embeddings.word_embeddings.weight"
    assert words in kept["module"]
    assert words in kept["best"]
    after = notes()
    _, other = world.run(spec, after, name="old")
    assert after.resumptions == [stopped.value.step]
    for file in ("model.safetensors", "head.safetensors"):
        a, b = load_file(job.out / file), load_file(other.out / file)
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_what_was_trained_beside_other_weights_is_not_gone_on_with(world: Any, notes: Any, miniatures: Any) -> None:
    root = world.root / "models"
    miniatures.write("xlm-roberta", root / "own")
    model = ModelSpec(checkpoint="dir:own", revision=None, architecture=None)
    spec = world.on("mnli", model=model, training=TRAINING)
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=1), model_root=root)
    file = root / "own" / "model.safetensors"
    changed = load_file(file)
    changed["embeddings.word_embeddings.weight"][7, 0] += 1
    save_file(changed, file, metadata={"format": "pt"})
    after = notes()
    world.run(spec, after, model_root=root)
    assert after.resumptions == []
    assert after.rejections == ["step 1: what is frozen has other weights than when it was saved"]


def test_a_stage_of_adapters_is_gone_on_from_and_evaluated_like_any_other(world: Any, spec_data: Any) -> None:
    """An intermediate stage with LoRA, then a fine-tune without, then an evaluation that knows of neither."""
    first = world.mixed("mnli", "copa", training=TRAINING)
    outcome, _ = world.run(first)
    assert outcome.parameters_trainable
    plain = TRAINING.model_copy(update={"lora_rank": None, "lora_alpha": None, "lora_dropout": None})
    second = world.on("mnli", training=plain, parents=(first.fingerprint,))
    full, job = world.run(second)
    assert full.parameters_trainable == full.parameters + sum(
        w.numel() for w in load_file(job.out / "head.safetensors").values()
    )
    data = (spec_data("xnli", Split.TEST),)
    scored, _ = world.run(
        world.spec(RunKind.EVALUATE, data=data, training=plain, languages=("de",), parents=(second.fingerprint,))
    )
    assert scored.parameters_trainable is None
    assert [s.metric for s in scored.scores] == ["accuracy"]
