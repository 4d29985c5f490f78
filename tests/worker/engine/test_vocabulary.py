"""Word embeddings of only the rows that a run touches: the same training, on every architecture, down to rows nobody saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from backend.domain.architecture import KINDS
from backend.domain.run import ModelSpec
from backend.domain.task import Split
from backend.domain.training import Training
from worker import vocabulary
from worker.encoder import Encoder
from worker.outcomes import Stopped
from worker.vocabulary import LEAST, Untouched, narrow

TRAINING = Training(learning_rate=2e-3, batch_size=8, steps=8, max_length=48, evaluations=4, weight_decay=0.5)
QUICK = ("xlm-roberta", "mt5")


def table(encoder: Encoder) -> nn.Embedding:
    found = encoder.module.get_input_embeddings()
    assert isinstance(found, nn.Embedding)
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {f"{p.name}:{k}": v for p in sorted(folder.glob("*.safetensors")) for k, v in load_file(p).items()}


def touched(said: Any) -> bool:
    return any("word embeddings are touched" in message for _, message in said.logs)


@pytest.mark.parametrize("kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in KINDS])
def test_it_is_the_training_of_the_whole_table(
    kind: str, root: Path, world: Any, notes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    spec = world.on("copa", model=model, training=TRAINING)
    whole, narrow_ = notes(), notes()
    first, one = world.run(spec, whole, name="whole", model_root=root)
    monkeypatch.setattr(vocabulary.narrow, "__defaults__", (1,))
    second, two = world.run(spec, narrow_, name="narrow", model_root=root)
    assert not touched(whole)
    assert touched(narrow_)
    assert narrow_.curves["loss"] == pytest.approx(whole.curves["loss"], rel=1e-4)
    assert first.parameters == second.parameters
    assert first.parameters_trainable == second.parameters_trainable
    a, b, start = weights(one.out), weights(two.out), load_file(root / kind / "model.safetensors")
    assert a.keys() == b.keys()
    for name, weight in a.items():
        assert b[name].shape == weight.shape
        torch.testing.assert_close(b[name], weight, rtol=1e-4, atol=2e-5, msg=lambda said, n=name: f"{n}: {said}")
    key = next(k for k in start if start[k].shape[0] == 600 and start[k].ndim == 2)
    moved = (a[f"model.safetensors:{key}"] / start[key]).nan_to_num(1.0)
    only_decayed = (moved - moved.median(dim=1, keepdim=True).values).abs().amax(dim=1) < 1e-5
    assert 20 < int(only_decayed.sum()) < 580  # rows of both kinds were compared
    assert float(moved[only_decayed].median()) < 0.9999  # and the decay could be seen


@pytest.mark.parametrize("stop_at", [4, 9])
def test_it_resumes_as_if_never_stopped(
    root: Path, world: Any, notes: Any, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary.narrow, "__defaults__", (1,))
    spec = world.on("mnli", model=ModelSpec(checkpoint="dir:mt5", revision=None, architecture=None), training=TRAINING)
    _, whole = world.run(spec, name="whole", model_root=root)
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=stop_at), name="parts", model_root=root)
    after = notes()
    _, parts = world.run(spec, after, name="parts", model_root=root)
    assert after.resumptions
    a, b = weights(whole.out), weights(parts.out)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_what_oracle_selection_reads_is_there(world: Any, spec_data: Any, notes: Any) -> None:
    """Nothing of another script is in the English training set, and with a row missing this would fail."""
    data = tuple(spec_data("xnli", s) for s in (Split.VALIDATION, Split.TEST))
    spec = world.on("mnli", oracle=data, languages=("ru", "zh"))
    said = notes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary.narrow, "__defaults__", (1,))
        outcome, _ = world.run(spec, said)
    assert touched(said)
    plain, _ = world.run(spec, name="whole")
    assert {s.language for s in outcome.scores} == {"ru", "zh"}
    assert [s.n for s in outcome.scores] == [s.n for s in plain.scores]


@pytest.mark.parametrize("training", [{"frozen": 1}, {"lora_rank": 2, "lora_alpha": 4.0, "lora_dropout": 0.0}])
def test_not_where_the_table_is_not_trained(
    training: dict[str, Any], world: Any, notes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary.narrow, "__defaults__", (1,))
    said = notes()
    world.run(world.on("mnli", training=TRAINING.model_copy(update={"steps": 2, **training})), said)
    assert not touched(said)


def test_not_where_little_is_untouched_or_something_is_tied(tiny: Callable[..., Encoder]) -> None:
    encoder = tiny()
    words = table(encoder)
    assert narrow(encoder.module, np.arange(10), words.weight.numel()) is None
    assert words.weight.numel() < LEAST  # encoders of the mini world stay as they were
    assert narrow(encoder.module, np.arange(10)) is None
    encoder.module.decoder = nn.Linear(32, 3000, bias=False)
    encoder.module.decoder.weight = words.weight
    assert narrow(encoder.module, np.arange(10), 1) is None
    assert encoder.module.get_input_embeddings() is words


def test_a_row_that_was_not_named_is_an_error(tiny: Callable[..., Encoder]) -> None:
    encoder = tiny()
    before = table(encoder).weight.detach().clone()
    found = narrow(encoder.module, np.array([0, 1, 2, 7, 9]), 1)
    assert found is not None
    ids = torch.tensor([[0, 7, 9, 2]])
    assert torch.equal(found.touched(ids), before[ids])
    with pytest.raises(Untouched, match="sub-word 8 "):
        encoder.module(input_ids=torch.tensor([[0, 7, 8, 2]]))
    other = vocabulary.Touched(nn.Embedding(3000, 32, padding_idx=1), np.array([0, 1, 2, 7, 10]))
    with pytest.raises(RuntimeError, match="other sub-words"):
        other.load_state_dict(found.touched.state_dict())
    found.widen(0.5, (0.1, 0.2))
    after = table(encoder).weight.detach()
    assert torch.equal(after[[0, 1, 2, 7, 9]], before[[0, 1, 2, 7, 9]])
    torch.testing.assert_close(after[10:], before[10:] * 0.95 * 0.9)
