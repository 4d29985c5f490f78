"""``execute(job, report)``: one run, of any of the four kinds, in this process."""

from __future__ import annotations

import os
import platform
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import tokenizers
import torch
import transformers

from backend.domain.learning import Learning
from backend.domain.recipe import RecipeKind
from backend.domain.run import Phase, RunKind
from worker import corpus
from worker import encoder as encoders
from worker.data import Door
from worker.encoder import Encoder
from worker.evaluate import evaluate
from worker.meter import Meter, device_name
from worker.mlm_beside import train_with_mlm
from worker.outcomes import Job, Outcome, Report, Score
from worker.pretrain import train_mlm
from worker.train import train_on_tasks


def execute(job: Job, report: Report) -> Outcome:
    """Do the run; its artifact is then in ``job.out``.

    Raises:
        Stopped: as asked.
        Diverged: loss or gradient stopped being finite.
        MissingData, OSError, …: anything else means that the run failed.
    """
    prepare(job)
    spec = job.spec
    scores: tuple[Score, ...] = ()
    trained: int | None = None
    learning: Learning | None = None
    with Meter(job) as meter:
        report.phase(Phase.LOADING)
        door = Door(job.data_root, job.cache, job.offline, lambda message: report.log("info", message))
        encoder = _encoder(job, lambda message: report.log("info", message))
        parameters, meter.parameters_non_embedding = encoder.parameters, encoder.parameters_non_embedding
        non_embedding = meter.parameters_non_embedding
        report.log("info", f"{parameters:,} parameters, {non_embedding:,} of them not embeddings")
        if spec.kind is RunKind.EVALUATE:
            scores = evaluate(job, encoder, door, report, meter)
        elif spec.kind is RunKind.PRETRAIN or (spec.recipe and spec.recipe.kind is RecipeKind.CONTROL_MLM):
            trained = train_mlm(job, encoder, report, meter)
        elif spec.recipe is not None and spec.recipe.mlm is not None:
            trained = train_with_mlm(job, encoder, door, report, meter)
        else:
            done = train_on_tasks(job, encoder, door, report, meter)
            trained, scores, learning = done.weights, done.scores, done.learning
        cost = meter.cost()
    found = {**environment(job, encoder), **door.resolved}
    return Outcome(scores, cost, parameters, non_embedding, found, learning=learning, parameters_trainable=trained)


def prepare(job: Job) -> None:
    """Threads, seeds and determinism of this process."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault(
        "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
    )  # without it CUDA's matrix products are not deterministic
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(job.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    seed = job.spec.seed or 0
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _encoder(job: Job, log: Callable[[str], None]) -> Encoder:
    """What the run starts from: its parent's artifact, a hub checkpoint, or random weights."""
    model = job.spec.model
    if job.spec.parents:
        return encoders.load(job.inputs[job.spec.parents[0]])
    if model.checkpoint is not None:
        return encoders.load_pretrained(model, root=job.model_root, cache=job.cache, offline=job.offline, log=log)
    assert model.architecture is not None  # a model has a checkpoint or an architecture
    if job.spec.text is not None:
        return encoders.fresh(model.architecture, corpus.tokenizer_for(job, model.architecture.vocabulary))
    return encoders.fresh(model.architecture, encoders.mini_tokenizer(model.architecture.vocabulary, job.cache))


def environment(job: Job, encoder: Encoder) -> dict[str, str]:
    """What the numbers may depend on beyond the fingerprint."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": device_name(job.device),
        "threads": job.threads,
    }
    if job.spec.devices > 1:
        found["devices"] = job.spec.devices
    if job.spec.model.checkpoint is not None and not job.spec.parents:
        found["revision"] = encoder.revision
    return {k: str(v) for k, v in found.items()}
