"""A step in parts is the same step; memory that runs out makes parts, not another result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from backend.domain.run import RunKind
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import formats
from worker.causes import cause_of
from worker.evaluate import predict
from worker.formats import Features
from worker.meter import Meter
from worker.micro import Room, TooLarge, out_of_memory, parts, portion
from worker.outcomes import Stopped

TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=1, max_length=48, evaluations=1)
World = Any
Notes = Any


@pytest.fixture
def gradients(monkeypatch: pytest.MonkeyPatch) -> list[list[torch.Tensor]]:
    """Those of every step, as they are before they are clipped. Weights would not do: of a gradient that is zero but for
    rounding (the bias of a softmax), Adam makes a whole step."""
    seen: list[list[torch.Tensor]] = []
    clip = nn.utils.clip_grad_norm_

    def noted(parameters: Any, *more: Any) -> torch.Tensor:
        every = list(parameters)
        seen.append([p.grad.clone() for p in every if p.grad is not None])
        return clip(every, *more)

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", noted)
    return seen


def agree(whole: list[torch.Tensor], split: list[torch.Tensor]) -> None:
    assert len(whole) == len(split) > 0
    largest = max(float(g.abs().max()) for g in whole)
    for one, other in zip(whole, split, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5 * largest)


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Exception], None]:
    """Embeddings of a machine whose memory holds so many rows: torch's own error beyond that."""

    def limit(rows: int, error: Exception) -> None:
        whole = nn.Embedding.forward

        def forward(self: nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
            if ids.ndim == 2 and len(ids) > rows:
                raise error
            return whole(self, ids)

        monkeypatch.setattr(nn.Embedding, "forward", forward)

    return limit


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(),
                                   RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")])  # fmt: skip
def test_a_batch_that_does_not_fit_gives_the_same_gradients(
    world: World, notes: Notes, scarce: Callable[[int, Exception], None], gradients: Any, error: Exception
) -> None:
    spec = world.on("mnli", training=TRAINING)
    world.run(spec, name="whole")
    scarce(2, error)
    said = notes()
    world.run(spec, said, name="split")
    assert len(gradients) == 2
    agree(*gradients)
    assert [line for level, line in said.logs if level == "warning"] == [
        "out of memory at step 1: it is done again, 4 items at a time",
        "out of memory at step 1: it is done again, 2 items at a time",
    ]


@pytest.mark.parametrize(("task", "fits"), [("udpos", 3), ("squad", 3), ("copa", 4)])
def test_every_loss_is_weighted_by_what_it_is_the_mean_over(
    world: World, scarce: Callable[[int, Exception], None], gradients: Any, task: str, fits: int
) -> None:
    """Tokens, windows, questions: unequal numbers of them in each part."""
    spec = world.on(task, training=TRAINING)
    world.run(spec, name="whole")
    scarce(fits, MemoryError())
    world.run(spec, name="split")
    agree(*gradients)


def masked_words(world: World) -> Any:
    spec = world.spec(RunKind.PRETRAIN, data=(world.text(),), seed=None, training=TRAINING)
    job = world.job(spec)
    from worker import pretrain
    from worker.encoder import MlmHead, fresh, mini_tokenizer

    torch.manual_seed(0)
    encoder = fresh(spec.model.architecture, mini_tokenizer(3000, job.cache))
    head = MlmHead(32, 3000, 1e-5)
    text = pretrain.text(encoder, 48, job)
    return pretrain.MlmStage(encoder, head, text, pretrain.batches_of(text, 8, 1, 0), 0, Meter(job))


def test_masked_words_too(world: World) -> None:
    stage = masked_words(world)
    batch = stage.batch(0)
    whole = stage.loss(batch).item()
    split = list(parts(batch, 3))
    assert len(split) == 3
    assert sum(share for _, share in split) == pytest.approx(1)
    assert sum(part.tokens for part, _ in split) == batch.tokens
    assert sum(stage.loss(part).item() * share for part, share in split) == pytest.approx(whole, rel=1e-5)


def test_not_even_one_item_fits(world: World, notes: Notes, scarce: Callable[[int, Exception], None]) -> None:
    scarce(0, MemoryError())
    said = notes()
    with pytest.raises(TooLarge, match="step 1; not even one item fits") as caught:
        world.run(world.on("mnli", training=TRAINING), said)
    assert "A smaller batch would not help" in cause_of(caught.value)
    assert cause_of(caught.value).startswith("The machine")


def test_retrieval_is_not_split(world: World, notes: Notes, scarce: Callable[[int, Exception], None]) -> None:
    """Its wrong answers are the other rows of the batch."""
    scarce(2, MemoryError())
    said = notes()
    with pytest.raises(TooLarge, match="needs its whole batch") as caught:
        world.run(world.on("lareqa", training=TRAINING), said)
    assert "a smaller batch_size" in cause_of(caught.value)


def test_moments_that_do_not_fit_end_the_run_with_that_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step of the optimizer is where they are made; nothing of a step is done twice."""
    steps = []

    def step(self: torch.optim.AdamW, closure: object = None) -> None:
        steps.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    with pytest.raises(TooLarge, match="moments, 8 bytes a trained weight") as caught:
        world.run(world.on("mnli", training=TRAINING))
    assert len(steps) == 1
    assert cause_of(caught.value).startswith("The GPU has too little memory")


def test_other_errors_of_the_optimizer_stay_what_they_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(self: torch.optim.AdamW, closure: object = None) -> None:
        raise RuntimeError("no kernel for this")

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    with pytest.raises(RuntimeError, match="no kernel"):
        world.run(world.on("mnli", training=TRAINING))


def test_other_errors_are_no_lack_of_memory() -> None:
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ValueError("not enough memory"))


def test_a_resumed_run_remembers_what_fitted(
    world: World, notes: Notes, scarce: Callable[[int, Exception], None]
) -> None:
    spec = world.on("mnli", training=TRAINING.model_copy(update={"steps": 4}))
    scarce(4, MemoryError())
    first, second = notes(stop_at=2), notes()
    with pytest.raises(Stopped):
        world.run(spec, first)
    world.run(spec, second)
    assert second.resumptions == [2]
    assert [level for level, _ in first.logs].count("warning") == 1
    assert "warning" not in {level for level, _ in second.logs}


def test_an_evaluation_that_does_not_fit_reads_every_row_all_the_same(
    world: World, tiny: Callable[..., Any], scarce: Callable[[int, Exception], None]
) -> None:
    encoder = tiny()
    behaviour = formats.of(TASKS["mnli"].format)
    head = behaviour.head(encoder.hidden, TASKS["mnli"], 0.0)
    features = Features.build([[0, *range(5, 5 + n), 2] for n in range(3, 20)], item={"labels": [0] * 17})
    meter = Meter(world.job(world.on("mnli")))
    whole = predict(encoder, head, behaviour, features, ask=lambda: None, meter=meter)
    scarce(3, torch.OutOfMemoryError("CUDA out of memory"))
    room, tried = Room(), []

    def asked() -> None:
        tried.append(room.places)

    split = predict(encoder, head, behaviour, features, ask=asked, meter=meter, room=room)
    assert whole == pytest.approx(split, abs=1e-5)
    assert tried[0] is None
    assert room.places is not None
    fits = room.places
    tried.clear()
    again = predict(encoder, head, behaviour, features, ask=asked, meter=meter, room=room)
    assert whole == pytest.approx(again, abs=1e-5)
    assert set(tried) == {fits} == {room.places}  # what did not fit was not tried again
    scarce(0, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(TooLarge, match="not even one row"):
        predict(encoder, head, behaviour, features, ask=lambda: None, meter=meter)


def test_held_out_lines_that_do_not_fit_have_the_same_loss(
    world: World, scarce: Callable[[int, Exception], None]
) -> None:
    """What is hidden is drawn for the whole batch, so parts of it hide the same."""
    stage = masked_words(world)
    whole, _ = stage.evaluate(lambda: None)
    scarce(5, MemoryError())
    split, _ = stage.evaluate(lambda: None)
    assert split == pytest.approx(whole, rel=1e-5)
    assert stage.room.places is not None
    scarce(0, MemoryError())
    with pytest.raises(TooLarge, match="not even one line"):
        stage.evaluate(lambda: None)


def test_portions_are_the_batch_and_may_be_empty(world: World) -> None:
    stage = masked_words(world)
    batch = stage.batch(0)
    whole = stage.loss(batch).item()
    of_three = [portion(batch, rank, 3) for rank in range(3)]
    assert [part.items for part, _ in of_three] == [2, 3, 3]
    assert sum(part.tokens for part, _ in of_three) == batch.tokens
    assert sum(stage.loss(part).item() * share for part, share in of_three) == pytest.approx(whole, rel=1e-5)
    of_nine = [portion(batch, rank, 9) for rank in range(9)]
    assert sorted(part.items for part, _ in of_nine) == [0] + [1] * 8
    assert sum(share for _, share in of_nine) == pytest.approx(1)
