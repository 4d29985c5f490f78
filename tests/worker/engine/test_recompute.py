"""Activation checkpointing: less memory, the same gradients, whatever the architecture, with dropout on."""

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
from backend.domain.training import Training
from worker import encoder as encoders
from worker import recompute
from worker.encoder import Encoder, quicken, states
from worker.formats import Batch, Features, Reads, collate
from worker.micro import TooLarge
from worker.outcomes import Stopped

World = Any
Notes = Any
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=3, max_length=48, evaluations=1)


def batch(encoder: Encoder) -> Batch:
    rng = np.random.default_rng(0)
    rows = [rng.integers(6, 500, n).tolist() for n in (9, 4, 7)]
    labels = [[-100, 3, *[-100] * (len(r) - 3), 0] for r in rows]
    return collate(Features.build(rows, token={"labels": labels}), np.arange(3), pad=encoder.pad)


def drops(module: nn.Module) -> None:
    """Dropout of a tenth wherever there is any, also within attention."""
    for child in module.modules():
        if isinstance(child, nn.Dropout):
            child.p = 0.1


@pytest.mark.parametrize("quick", [False, True], ids=["torch's dropout", "ours"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_equal_with_dropout(kind: str, quick: bool, root: Path, tmp_path: Path) -> None:
    spec = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)

    def gradients(*, again: bool, reads: Reads, seed: int = 3) -> tuple[dict[str, torch.Tensor], int]:
        encoder = encoders.load_pretrained(spec, root=root, cache=tmp_path, offline=True)
        module: nn.Module = encoder.module
        drops(module)
        if quick:
            quicken(module)
        module.train()
        if again:
            recompute.switch_on(module)
            recompute.switch_on(module)
        torch.manual_seed(seed)
        kept = 0

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal kept
            kept += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = states(module, batch(encoder), reads).square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return {n: p.grad for n, p in module.named_parameters() if p.grad is not None}, kept

    for reads in Reads:
        (plain, all_kept), (twice, few) = gradients(again=False, reads=reads), gradients(again=True, reads=reads)
        assert plain.keys() == twice.keys()
        assert all(torch.equal(plain[n], twice[n]) for n in plain)
        assert few < all_kept / 2  # and they were thrown away
    other, _ = gradients(again=True, reads=Reads.EVERY, seed=4)
    assert kind in ("modernbert", "eurobert") or any(
        not torch.equal(twice[n], other[n]) for n in other
    )  # dropout was on; those two have none


def test_a_run_that_asks_for_it_has_the_same_weights(world: World, notes: Notes) -> None:
    plain = world.on("mnli", training=TRAINING)
    asked = world.on("mnli", training=TRAINING, activation_checkpointing=True)
    assert asked.fingerprint == plain.fingerprint
    _, one = world.run(plain, name="plain")
    _, two = world.run(asked, name="asked")
    ours, theirs = (load_file(j.out / "model.safetensors") for j in (one, two))
    assert all(torch.equal(ours[n], theirs[n]) for n in ours)


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A machine on which a batch of so many rows fits, and half of them while all activations are kept; torch's own error beyond."""

    def limit(rows: int) -> None:
        whole = encoders.states

        def tried(module: nn.Module, batch: Batch, reads: Reads) -> torch.Tensor:
            if torch.is_grad_enabled() and len(batch.ids) > (rows if recompute.switched_on(module) else rows // 2):
                raise torch.OutOfMemoryError("CUDA out of memory")
            return whole(module, batch, reads)

        monkeypatch.setattr("worker.train.states", tried)

    return limit


def test_it_is_switched_on_when_not_even_one_item_fits(
    world: World, notes: Notes, scarce: Callable[[int], None]
) -> None:
    """The whole batch is then tried again, and so does a resumed run."""
    spec = world.on("mnli", training=TRAINING.model_copy(update={"batch_size": 2}))
    scarce(1)
    first, second = notes(stop_at=2), notes()
    with pytest.raises(Stopped):
        world.run(spec, first)
    assert [line for level, line in first.logs if level == "warning"] == [
        "out of memory at step 1: it is done again, 1 item at a time",
        "out of memory at step 1: it is done again, with its layers computed twice",
        "out of memory at step 1: it is done again, 1 item at a time",
    ]
    world.run(spec, second)
    assert second.resumptions
    assert "warning" not in {level for level, _ in second.logs}


def test_retrieval_gets_it_too_as_its_batch_cannot_be_split(
    world: World, notes: Notes, scarce: Callable[[int], None]
) -> None:
    said = notes()
    rows = 2 * TRAINING.batch_size + 8  # of its queries, answers and the passages beside them
    scarce(2 * rows)
    world.run(world.on("lareqa", training=TRAINING), notes(), name="whole")
    scarce(rows)
    world.run(world.on("lareqa", training=TRAINING), said, name="twice")
    assert "with its layers computed twice" in next(line for _, line in said.logs if "out of memory" in line)
    scarce(2)
    with pytest.raises(TooLarge, match="needs its whole batch"):
        world.run(world.on("lareqa", training=TRAINING), notes(), name="never")
