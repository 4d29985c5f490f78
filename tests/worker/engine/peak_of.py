"""A real training of a random encoder in a process of its own, and what its memory was: ``python peak_of.py '{"layers": …}'``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from backend.domain.architecture import Architecture
from backend.domain.run import DeviceClass, ModelSpec, RunKind, RunSpec
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import encoder as encoders
from worker import formats
from worker.architectures import build, config_of
from worker.execute import prepare
from worker.formats import Features
from worker.meter import Meter
from worker.outcomes import Job
from worker.train import Batches, Learner, TaskStage, fit


def most() -> int:
    """Bytes that were resident at most. Not the meter's count, which a process takes over from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


class Silent:
    def __getattr__(self, name: str) -> Any:
        return lambda *said: None


def main(asked: dict[str, Any]) -> None:
    shape = Architecture(**asked["architecture"])
    training = Training(
        learning_rate=1e-5, batch_size=asked["rows"], steps=3, max_length=asked["length"], evaluations=2
    )
    folder = Path(tempfile.mkdtemp())
    for name in ("work", "out", "cache"):
        (folder / name).mkdir()
    spec = RunSpec(
        kind=RunKind.FINETUNE, engine=2, model=ModelSpec(checkpoint=None, revision=None, architecture=shape), data=(),
        recipe=None, training=training, languages=(), seed=0, precision="fp32", device=DeviceClass.CPU, parents=(),
        activation_checkpointing=asked["checkpointing"],
    )  # fmt: skip
    job = Job(
        spec=spec, fingerprint=spec.fingerprint, inputs={}, workdir=folder / "work", out=folder / "out", data_root=None,
        cache=folder / "cache", threads=1, device="cpu", checkpoint_seconds=0.0 if asked.get("saves") else 1e9,
    )  # fmt: skip
    prepare(job)
    started = most()
    dropout = asked["dropout"]
    config = config_of(shape, pad_token_id=1, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout)
    tokenizer = encoders.train_tokenizer({"en": ["a b c"]}, 200)
    encoder = encoders.Encoder(build(config), tokenizer)
    task = TASKS["mnli"]
    behaviour = formats.of(task.format)
    rng = np.random.default_rng(0)
    rows = [rng.integers(5, shape.vocabulary, asked["length"]).tolist() for _ in range(asked["rows"])]
    features = Features.build(rows, item={"labels": [i % 3 for i in range(len(rows))]})
    few = features.first(2)
    examples: list[Any] = [type("Example", (), {"id": str(i), "label": 0})() for i in range(2)]
    head = behaviour.head(encoder.hidden, task, dropout)
    learner = Learner(task, behaviour, head, Batches(features, asked["rows"], 0), examples, few)
    with Meter(job) as meter:
        stage = TaskStage(encoder, [learner], None, 3, 0, "fp32", meter)
        fit(stage, training, 3, job=job, report=Silent(), meter=meter)  # type: ignore[arg-type]
    print(json.dumps({"started": started, "peak": most()}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
