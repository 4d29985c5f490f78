"""An intermediate stage with multilingual masked language modelling mixed in (Phang et al. 2020): each batch is of one kind.

Which steps are MLM follows from the seed alone, as do the batches of both streams, by their number in their own stream, and what
is hidden in them. So a resumed stage needs no state of a sampler: it goes on with the step that is next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import accumulate
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from backend.domain.run import Phase, RunSpec, digest
from backend.domain.text import EXPONENT as OF_REAL
from backend.domain.text import Unreadable, collect
from worker import lora, mlm_weights
from worker.data import Door, MissingData
from worker.encoder import Encoder, MlmHead
from worker.formats import Batch
from worker.meter import Meter
from worker.outcomes import Job, Report
from worker.pretrain import CHOSEN, EXPONENT, HELD_OUT, MlmStage, Text, batches_of, encoded, text
from worker.train import TaskStage, fit, freeze, learners_of

ENCODING_VERSION = 1  # raise it when the same lines would give other rows
CHOSEN_OF_REAL = 0.15  # of the sub-words of real text, as published encoders were pretrained (Devlin et al. 2019)


class WithMlm:
    """A stage for ``train.fit``: the tasks' steps and those of MLM, in an order that follows from the seed.

    The tasks' development scores alone choose the best checkpoint; the loss on held-out text is a curve beside them.
    """

    def __init__(self, tasks: TaskStage, mlm: MlmStage, total: int, of_mlm: int, seed: int) -> None:
        self.tasks = tasks
        self.mlm = mlm
        self.module = nn.ModuleDict({**dict(tasks.module.items()), "mlm": mlm.head})
        self.turns = turns(total, of_mlm, seed)
        self._before = list(accumulate(self.turns.tolist(), initial=0))  # MLM steps before each step
        self._now_mlm = False

    def batch(self, step: int) -> Batch:
        self._now_mlm = bool(self.turns[step])
        of_mlm = self._before[step]
        return self.mlm.batch(of_mlm) if self._now_mlm else self.tasks.batch(step - of_mlm)

    def loss(self, batch: Batch) -> torch.Tensor:
        return self.mlm.loss(batch) if self._now_mlm else self.tasks.loss(batch)

    def evaluate(self, ask: Callable[[], None]) -> tuple[dict[str, float], float]:
        values, headline = self.tasks.evaluate(ask)
        of_text, _ = self.mlm.evaluate(ask)
        return values | of_text, headline


def turns(total: int, of_mlm: int, seed: int) -> NDArray[np.bool_]:
    """Which of the steps are MLM: exactly so many, anywhere."""
    found = np.zeros(total, np.bool_)
    found[np.random.default_rng((seed, 0, 6)).permutation(total)[:of_mlm]] = True
    return found


def head_of(encoder: Encoder) -> MlmHead:
    """The head that the encoder came with, else a fresh one; its output matrix is the encoder's word embeddings either way.

    Raises:
        ValueError: the encoder's tokenizer has nothing to hide sub-words behind, or its embeddings are of another width.
    """
    config = encoder.module.config
    if encoder.tokenizer.mask_token_id is None:
        raise ValueError(
            f"the tokenizer of this {config.model_type} has no mask: MLM cannot be mixed into its training"
        )
    words = cast(nn.Embedding, encoder.module.get_input_embeddings()).weight
    if words.shape[1] != encoder.hidden:
        raise ValueError(
            f"the word embeddings of this {config.model_type} are {words.shape[1]} wide and its layers {encoder.hidden}: they "
            "cannot be tied to an MLM head"
        )
    head = MlmHead(encoder.hidden, words.shape[0], float(getattr(config, "layer_norm_eps", None) or 1e-5))
    known = encoder.mlm_head or mlm_weights.of(encoder)
    if known is not None:
        head.load_state_dict(dict(known))
    return head


# --- the text --------------------------------------------------------------------------------------------------------


def text_of(job: Job, encoder: Encoder, max_length: int, door: Door) -> Text:
    """The text of a run's MLM steps: of its folders under the data root, else that its encoder was pretrained on.

    Raises:
        MissingData: there is no data root, or no such text in it.
    """
    recipe = job.spec.recipe
    languages = None if recipe is None else recipe.mlm_languages
    if job.spec.folders is None:
        whole = text(encoder, max_length, job)
        return whole if languages is None else _only(whole, languages, list(whole.train))
    if job.data_root is None:
        raise MissingData("this run reads text, but no data root is set on this worker (CROSSLIFT_DATA_ROOT)")
    try:
        corpus = collect(job.data_root, job.spec.folders, languages)
        key = digest(["text beside", ENCODING_VERSION, corpus.content, encoder.tokenizer_digest, max_length])
        lines = ((code, corpus.read(code)) for code in corpus.languages)
        found = encoded(encoder, lines, max_length, job, key)
    except Unreadable as error:
        raise MissingData(error.detail) from error
    door.resolved["text"] = corpus.content
    train: dict[str, NDArray[np.int64]] = {}
    held = []
    for number, code in enumerate(corpus.languages):
        own = np.flatnonzero(found.row["language"] == number)
        out = min(HELD_OUT, len(own) // 20)
        train[code] = own[: len(own) - out]
        held.append(own[len(own) - out :])
    dev = np.concatenate(held)
    if not len(dev):
        raise MissingData(f"the text in {', '.join(job.spec.folders)} is too short: no language of it has twenty lines")
    return Text(found, train, dev)


def _only(whole: Text, languages: Collection[str], order: Sequence[str]) -> Text:
    numbers = [order.index(code) for code in languages]
    dev = whole.dev[np.isin(whole.features.row["language"][whole.dev], numbers)]
    return Text(whole.features, {code: whole.train[code] for code in languages}, dev)


def how(spec: RunSpec) -> tuple[float, float]:
    """The exponent by which languages are drawn and the share that is hidden: of a model's own text as it was pretrained, of
    folders as published encoders were."""
    if spec.text is not None:
        return spec.text.exponent, spec.text.masked
    return (EXPONENT, CHOSEN) if spec.folders is None else (OF_REAL, CHOSEN_OF_REAL)


# --- the run ---------------------------------------------------------------------------------------------------------


def train_with_mlm(job: Job, encoder: Encoder, door: Door, report: Report, meter: Meter) -> int:
    """An intermediate stage on one or several tasks and on text; the artifact, with the MLM head, goes to ``job.out``.

    Returns:
        how many weights were trained, heads included.
    """
    spec = job.spec
    training, recipe = spec.training, spec.recipe
    assert training is not None and training.steps is not None and recipe is not None and spec.seed is not None
    freeze(encoder.module, training.frozen)
    head = head_of(encoder)
    adapted = lora.adapt(encoder.module, training)
    learners = learners_of(job, encoder, door)
    lines = text_of(job, encoder, min(training.max_length, encoder.longest), door)
    total, of_mlm = training.steps, recipe.mlm_steps(training.steps)
    exponent, share = how(spec)
    batches = batches_of(lines, training.batch_size, of_mlm, spec.seed, exponent)
    stage = WithMlm(
        TaskStage(encoder, learners, recipe, total - of_mlm, spec.seed, spec.precision, meter),
        MlmStage(encoder, head, lines, batches, spec.seed, meter, share),
        total,
        of_mlm,
        spec.seed,
    )
    report.log("info", f"{of_mlm} of {total} steps are masked language modelling on {', '.join(lines.train)}")
    trained = lora.trainable(stage.module)
    report.log("info", f"{trained:,} weights are trained")
    fit(stage, training, total, job=job, report=report, meter=meter)
    report.phase(Phase.SAVING)
    if adapted is not None:
        adapted.merge()
    encoder.save(job.out, head)
    return trained
