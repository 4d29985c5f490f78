"""Whether a training learnt: its loss beside that of the best answer that does not look at the text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from backend.domain.learning import Learning
from backend.domain.task import Format
from backend.domain.training import Training
from worker import formats
from worker.formats import IGNORED, Features, entropy
from worker.outcomes import Stopped

TRAINING = Training(learning_rate=1e-2, batch_size=16, steps=60, max_length=48, evaluations=3)


def test_entropy_by_hand() -> None:
    assert entropy(np.array([0, 0, 1, 2, IGNORED])) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(4))
    assert entropy(np.array([3, 3, IGNORED])) == 0.0


def test_what_guessing_gives_by_hand() -> None:
    rows = [[1, 2, 3]] * 4
    labels = Features.build(rows, item={"labels": [0, 0, 1, 1]})
    assert formats.of(Format.CLASSIFICATION).guess(labels) == pytest.approx(math.log(2))
    tags = Features.build([[1, 2], [3, 4]], token={"labels": [[0, IGNORED], [0, 1]]})
    thirds = (2 / 3, 1 / 3)
    assert formats.of(Format.TAGGING).guess(tags) == pytest.approx(-sum(p * math.log(p) for p in thirds))
    options = Features.build(rows, [2, 2], item={"labels": [0, 0]})
    assert formats.of(Format.MULTIPLE_CHOICE).guess(options) == pytest.approx(math.log(2))  # whichever is right
    spans = Features.build(rows, row={"first": [1, 1, 1, 1], "last": [1, 2, 1, 2]})
    assert formats.of(Format.SPAN_QA).guess(spans) == pytest.approx((0 + math.log(2)) / 2)
    assert formats.of(Format.ANSWER_RETRIEVAL).guess(labels) is None


@pytest.mark.parametrize(("loss", "failed"), [(1.12, True), (1.09, True), (1.07, False), (0.2, False)])
def test_a_training_that_never_got_below_guessing_failed(loss: float, failed: bool) -> None:
    found = Learning(loss, math.log(3))
    assert found.failed is failed
    assert ("did not learn" in found.said()) is failed


def test_a_real_training_that_learns_and_one_that_cannot(world: Any, notes: Any) -> None:
    good, bad = notes(), notes()
    learnt, _ = world.run(world.on("udpos", training=TRAINING), good)
    stuck, _ = world.run(world.on("mnli", training=TRAINING.model_copy(update={"learning_rate": 1e-9})), bad)
    assert learnt.learning is not None and not learnt.learning.failed
    assert stuck.learning is not None and stuck.learning.failed
    assert stuck.learning.guess == pytest.approx(math.log(3), abs=0.02)
    assert any(level == "warning" and "did not learn" in line for level, line in bad.logs)
    assert not any("did not learn" in line for _, line in good.logs)


def test_losses_of_several_tasks_are_held_against_nothing(world: Any) -> None:
    outcome, _ = world.run(world.mixed("mnli", "copa", training=TRAINING))
    assert outcome.learning is None


def test_a_training_of_a_few_steps_is_not_judged(world: Any) -> None:
    outcome, _ = world.run(world.on("mnli"))
    assert outcome.learning is None


def test_it_is_the_same_after_a_resumption(world: Any, notes: Any) -> None:
    spec = world.on("copa", training=TRAINING)
    whole, _ = world.run(spec, name="whole")
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=30), name="parts")
    parts, _ = world.run(spec, name="parts")
    assert whole.learning is not None
    assert parts.learning == whole.learning
