"""``precision: bf16``: products in half precision, weights, moments, loss and what is saved in fp32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from torch import nn

from backend.domain.run import RunKind
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import train
from worker.outcomes import Stopped

World = Any
Notes = Any
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=4, max_length=48, evaluations=1)


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``accelerate`` takes one precision for a whole process, which a run has to itself; here each run begins anew."""
    begin = train.Accelerator

    def anew(**given: Any) -> Any:
        AcceleratorState._reset_state(True)
        return begin(**given)

    monkeypatch.setattr(train, "Accelerator", anew)
    yield
    AcceleratorState._reset_state(True)


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> set[tuple[torch.dtype, torch.dtype]]:
    """The types that linear layers were computed in: of the weight as it is kept, and of what came out."""
    seen: set[tuple[torch.dtype, torch.dtype]] = set()
    forward = nn.Linear.forward

    def noted(self: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        out = forward(self, x)
        seen.add((self.weight.dtype, out.dtype))
        return out

    monkeypatch.setattr(nn.Linear, "forward", noted)
    return seen


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> set[torch.dtype]:
    """The types of the optimizer's state and of the gradients that it is given."""
    seen: set[torch.dtype] = set()
    step = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW, closure: Any = None) -> Any:
        seen.update(p.grad.dtype for g in self.param_groups for p in g["params"] if p.grad is not None)
        done = step(self, closure)
        seen.update(t.dtype for s in self.state.values() for t in s.values() if torch.is_tensor(t))
        return done

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    return seen


def test_products_are_bf16_and_all_that_lasts_is_fp32(
    world: World, spec_data: Any, products: set[Any], moments: set[torch.dtype]
) -> None:
    spec = world.on("mnli", training=TRAINING, precision="bf16")
    outcome, job = world.run(spec)
    assert products == {(torch.float32, torch.bfloat16)}
    assert moments == {torch.float32}
    assert {t.dtype for p in job.out.glob("*.safetensors") for t in load_file(p).values()} == {torch.float32}
    assert outcome.cost["precision"] == "bf16"
    products.clear()
    task = TASKS["xnli"]
    scored, _ = world.run(
        world.spec(
            RunKind.EVALUATE, data=(spec_data("xnli", task.evaluated_on),), training=TRAINING, languages=("de",),
            parents=(spec.fingerprint,), precision="bf16",
        )
    )  # fmt: skip
    assert products == {(torch.float32, torch.bfloat16)}  # an evaluation, too
    assert all(0 <= s.value <= 100 for s in scored.scores)


def test_numbers_are_near_those_of_fp32_and_not_the_same(world: World, notes: Notes) -> None:
    fine, coarse = notes(), notes()
    world.run(world.on("udpos", training=TRAINING), fine)
    world.run(world.on("udpos", training=TRAINING, precision="bf16"), coarse)
    one, two = (said.curves["loss"][4] for said in (fine, coarse))
    assert one != two
    assert two == pytest.approx(one, rel=0.02)


def test_it_resumes_bit_for_bit_with_layers_computed_twice(world: World, notes: Notes) -> None:
    """Autocast holds for the second computation of a layer as well."""
    plain = world.on("copa", training=TRAINING, precision="bf16")
    _, whole = world.run(plain, name="whole")
    twice = world.on("copa", training=TRAINING, precision="bf16", activation_checkpointing=True)
    with pytest.raises(Stopped):
        world.run(twice, notes(stop_at=2), name="parts")
    after = notes()
    _, parts = world.run(twice, after, name="parts")
    assert after.resumptions == [2]
    ours, theirs = (load_file(j.out / "model.safetensors") for j in (whole, parts))
    assert all(torch.equal(ours[n], theirs[n]) for n in ours)


def test_masked_words_are_trained_in_it(world: World, products: set[Any]) -> None:
    world.run(world.spec(RunKind.PRETRAIN, data=(world.text(),), seed=None, training=TRAINING, precision="bf16"))
    assert (torch.float32, torch.bfloat16) in products
