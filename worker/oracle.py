"""Looks, at each checkpoint of a fine-tune, at the development data of the target's languages, and keeps the test score of the
checkpoint that each language's own would have chosen (``backend.domain.oracle``).

What it has found so far is a plain mapping, which is part of every checkpoint: a resumed run knows what was seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from backend.domain.oracle import ORACLE
from backend.domain.run import DataSpec, Precision
from backend.domain.task import Task
from worker import formats
from worker.data import Door, MissingData
from worker.encoder import Encoder
from worker.evaluate import predict
from worker.formats import Features, Read
from worker.meter import INFERENCE, Meter
from worker.outcomes import Score

#: Language → the best development score so far, the step that it is of, and that checkpoint's test scores by metric, with n.
Found = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Oracle:
    """One target, with the head that is being trained for it."""

    task: Task
    encoder: Encoder
    head: nn.Module
    sets: Mapping[str, tuple[tuple[list[Any], Features], tuple[list[Any], Features]]]  # language → development, test
    precision: Precision
    meter: Meter

    def look(self, found: Found, step: int, ask: Callable[[], None]) -> tuple[Found, dict[str, float]]:
        """What is known after this checkpoint, and the development scores as points of curves. An earlier checkpoint stays of equals.

        ``ask`` is called between batches; where it raises, ``found`` is as it was.
        """
        known = dict(found)
        points: dict[str, float] = {}
        for code, (development, test) in self.sets.items():
            value = self._scores(code, development, ask)[self.task.headline][0]
            points[f"{ORACLE}{code}"] = value
            if code not in known or value > known[code]["development"]:
                scores = {metric: list(of) for metric, of in self._scores(code, test, ask).items()}
                known[code] = {"development": value, "step": step, "test": scores}
        return known, points

    def _scores(
        self, code: str, rows: tuple[list[Any], Features], ask: Callable[[], None]
    ) -> Mapping[str, tuple[float, int]]:
        behaviour = formats.of(self.task.format)
        examples, features = rows
        outputs = predict(
            self.encoder, self.head, behaviour, features, ask=ask, meter=self.meter, precision=self.precision
        )
        self.meter.work(examples=len(examples), tokens=0, each=INFERENCE)
        read = {code: Read(examples, features, outputs)}
        return behaviour.score(self.task, formats.decode_all(behaviour, self.task, read, {}, [code])[code])


def load(
    task: Task,
    data: Sequence[DataSpec],
    languages: Sequence[str],
    *,
    encoder: Encoder,
    head: nn.Module,
    door: Door,
    max_length: int,
    stride: int,
    precision: Precision,
    meter: Meter,
    log: Callable[[str], None],
) -> Oracle:
    """Read development and test data of each language; one that lacks either, or has one set for both, is left out and logged."""
    development, test = data
    sets = {}
    for code in languages:
        try:
            own, scored = (door.scored(each, code, encoder, max_length, stride) for each in (development, test))
        except MissingData as missing:
            log(f"no oracle selection in {code}: {missing.detail}")
            continue
        if own[0] == scored[0]:
            log(f"no oracle selection in {code}: its development data are what it is scored on")
            continue
        sets[code] = own, scored
    return Oracle(task, encoder, head, sets, precision, meter)


def scores_of(found: Found) -> tuple[Score, ...]:
    """As they are stored: ``oracle/accuracy`` and the like, on test data."""
    return tuple(
        Score(code, f"{ORACLE}{metric}", float(value), int(n))
        for code, each in found.items()
        for metric, (value, n) in each["test"].items()
    )
