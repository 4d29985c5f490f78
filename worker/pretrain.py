"""Masked-language-model pretraining on the mini world's text or a user's own, and its continuation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from backend.domain import mini
from backend.domain.run import Phase, digest
from worker import corpus, guard, mlm_weights
from worker.cooccurrence import vectors
from worker.data import cached
from worker.encoder import Encoder, MlmHead, states
from worker.evaluate import BUDGET, by_length
from worker.formats import IGNORED, Batch, Features, Reads, collate_rows
from worker.lora import trainable
from worker.meter import INFERENCE, Meter
from worker.micro import Room, TooLarge, out_of_memory, parts
from worker.outcomes import Job, Report
from worker.train import WINDOW, fit, freeze

#: Languages of the mini world are drawn in proportion to (share of the text)^0.7, as XLM did (Conneau & Lample 2019); text of a
#: user's own says itself, by default XLM-R's 0.3 (``backend.domain.text``).
EXPONENT = 0.7
#: Share of the sub-words that are hidden; of these 80 % become <mask>, 10 % a random one, 10 % stay (Devlin et al. 2019).
#: Twice the usual 15 %: at a thousand small steps what is scarce is places to learn from (mini-2, 1,200 steps, held-out loss
#: at 15 % hidden: 3.41 with 0.15, 2.73 with 0.3, 2.90 with 0.45; Wettig et al. 2023 find 40 % best for large models).
CHOSEN = 0.3
HELD_OUT_CHOSEN = 0.15  # on the held-out lines, as everywhere else, so that losses can be compared
HELD_OUT = 64  # lines of each language that are not trained on
SPECIAL = 4  # <s> <pad> </s> <unk> are never chosen, nor put in as random ones


@dataclass(frozen=True)
class Text:
    """Lines of all languages as sub-words; ``train`` and ``dev`` are row numbers by language."""

    features: Features
    train: Mapping[str, NDArray[np.int64]]
    dev: NDArray[np.int64]


def text(encoder: Encoder, max_length: int, job: Job) -> Text:
    """The run's own text, else the mini world's; the last lines of each language are held out."""
    if job.spec.text is not None:
        found = corpus.features_of(job, encoder, max_length)
        return Text(found, *corpus.split(found, job.spec.text.languages, HELD_OUT))
    key = digest(["text", mini.fingerprint_parameters(), encoder.tokenizer_digest, max_length, HELD_OUT])
    features = encoded(encoder, ((code, mini.text(code)) for code in mini.LANGUAGES), max_length, job, key)
    rows = {code: np.flatnonzero(features.row["language"] == n) for n, code in enumerate(mini.LANGUAGES)}
    return Text(
        features,
        {code: own[:-HELD_OUT] for code, own in rows.items()},
        np.concatenate([own[-HELD_OUT:] for own in rows.values()]),
    )


def encoded(
    encoder: Encoder, text: Iterable[tuple[str, Iterable[str]]], max_length: int, job: Job, key: str
) -> Features:
    """A row a line, cut to ``max_length`` sub-words, kept in the cache under ``key``; ``row["language"]`` is the number of the
    line's language in the order given."""

    def make() -> dict[str, NDArray[np.int32] | NDArray[np.int64]]:
        lines: list[str] = []
        languages: list[int] = []
        for number, (_, own) in enumerate(text):
            before = len(lines)
            lines += own
            languages += [number] * (len(lines) - before)
        ids = encoder.tokenizer(lines, truncation=True, max_length=max_length)["input_ids"]
        return Features.build(ids, row={"language": languages}).arrays()

    return Features.from_arrays(cached(job.cache / "features" / f"{key}.safetensors", make))


def batches_of(text: Text, size: int, steps: int, seed: int, exponent: float = EXPONENT) -> list[NDArray[np.int64]]:
    """The rows of every step: languages drawn by size^exponent, each language's lines in shuffled rounds, lengths alike
    within a batch (as ``train.epoch_batches``)."""
    rng = np.random.default_rng((seed, 0, 3))
    weights = np.array([len(rows) for rows in text.train.values()], np.float64) ** exponent
    drawn = rng.choice(len(weights), size * steps, p=weights / weights.sum())
    rows = np.empty(size * steps, np.int64)
    for language, own in enumerate(text.train.values()):
        places = np.flatnonzero(drawn == language)
        rounds = -(-len(places) // len(own))
        rows[places] = np.concatenate([own[:0], *(rng.permutation(own) for _ in range(rounds))])[: len(places)]
    lengths = text.features.lengths
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(rows), size * WINDOW):
        window = rows[start : start + size * WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        cut = [window[i : i + size] for i in range(0, len(window), size)]
        batches += [cut[i] for i in rng.permutation(len(cut))]
    return batches


def masked(
    batch: Batch, rng: np.random.Generator, vocabulary: int, mask_id: int, share: float = CHOSEN,
    never: Sequence[int] = range(SPECIAL),
) -> Batch:  # fmt: skip
    """The batch with sub-words hidden; ``labels`` holds what was there at the chosen places, IGNORED elsewhere.

    ``never``: the tokenizer's special ids, which stay as they are.
    """
    ids = batch.ids.numpy()
    chosen = (rng.random(ids.shape) < share) & ~np.isin(ids, never)
    if not chosen.any():  # a batch of tiny lines: choose one, so that there is a loss
        chosen[0, 1] = True
    fate = rng.random(ids.shape)
    given = np.where(fate < 0.8, mask_id, np.where(fate < 0.9, rng.integers(SPECIAL, vocabulary - 1, ids.shape), ids))
    labels = np.where(chosen, ids, IGNORED)
    return Batch(
        ids=torch.from_numpy(np.where(chosen, given, ids)),
        mask=batch.mask,
        types=batch.types,
        token={"labels": torch.from_numpy(labels)},
        row={},
        item={},
        row_item=batch.row_item,
        row_place=batch.row_place,
        items=len(ids),
        tokens=batch.tokens,
        source=batch.source,
    )


class MlmStage:
    """What ``train.fit`` needs: masked batches by number, the loss at the masked places, the loss on held-out lines."""

    def __init__(
        self, encoder: Encoder, head: MlmHead, text: Text, batches: Sequence[NDArray[np.int64]], seed: int, meter: Meter,
        share: float = CHOSEN,
    ) -> None:  # fmt: skip
        self.encoder = encoder
        self.head = head
        self.text = text
        self.batches = batches
        self.seed = seed
        self.meter = meter
        self.room = Room()
        self.share = share
        self.special = sorted({*range(SPECIAL), *encoder.tokenizer.all_special_ids})
        self.module = nn.ModuleDict({"encoder": encoder.module, "mlm": head})

    def batch(self, step: int) -> Batch:
        rows = collate_rows(self.text.features, self.batches[step], self.encoder.pad)
        return self._masked(rows, np.random.default_rng((self.seed, step, 4)), self.share)

    def _masked(self, batch: Batch, rng: np.random.Generator, share: float) -> Batch:
        tokenizer = self.encoder.tokenizer
        return masked(batch, rng, len(tokenizer), int(tokenizer.mask_token_id or 0), share, self.special)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Logits only where something was hidden: about one place in seven."""
        found = states(self.encoder.module, batch, Reads.MARKED)
        labels = batch.token["labels"].flatten()
        logits = self.head(found, cast(nn.Embedding, self.encoder.module.get_input_embeddings()).weight)
        return nn.functional.cross_entropy(logits.float(), labels[labels != IGNORED])

    def evaluate(self, ask: Callable[[], None]) -> tuple[dict[str, float], float]:
        """Mean loss over the hidden sub-words of the held-out lines, hidden alike every time."""
        module = self.encoder.module
        was_training = self.module.training
        self.module.eval()
        device = next(module.parameters()).device
        total, count = 0.0, 0
        with guard.no_gradients(module):
            for number, chosen in enumerate(by_length(self.text.features.lengths[self.text.dev], BUDGET[device.type])):
                ask()
                batch = collate_rows(self.text.features, self.text.dev[chosen], self.encoder.pad)
                batch = self._masked(batch, np.random.default_rng((0, number, 5)), HELD_OUT_CHOSEN)
                places = int((batch.token["labels"] != IGNORED).sum())
                total += self._held_out(batch.to(device)) * places
                count += places
                self.meter.work(examples=0, tokens=batch.tokens, each=INFERENCE)
        self.module.train(was_training)
        return {"dev/mlm_loss": total / count}, -total / count

    def _held_out(self, batch: Batch) -> float:
        """Mean loss of a batch, in parts where it does not fit; what is hidden in it was drawn for the whole.

        Raises:
            TooLarge: not even one line fits.
        """
        length = batch.ids.shape[1]
        while True:
            size = batch.items if self.room.places is None else min(batch.items, max(1, self.room.places // length))
            total, failed = 0.0, False
            for part, share in parts(batch, size):
                try:
                    total += self.loss(part).item() * share
                except (RuntimeError, MemoryError) as error:
                    if not out_of_memory(error):
                        raise
                    failed = True
                failed = guard.agreed(self.encoder.module, failed)
                if failed:
                    break
            if not failed:
                return total
            if size == 1:
                raise TooLarge(f"not even one line of {length} sub-words fits into memory to be scored")
            if batch.ids.device.type == "cuda":
                torch.cuda.empty_cache()
            self.room.cut(size * length)


def start_from_counts(encoder: Encoder, text: Text) -> None:
    """Give a fresh encoder's word embeddings what counting the training lines says; the other weights stay random."""
    words = cast(nn.Embedding, encoder.module.get_input_embeddings()).weight
    rows = np.concatenate(list(text.train.values()))
    counted = vectors(text.features, rows, words.shape[0], words.shape[1], SPECIAL)
    with torch.no_grad():
        words.copy_(torch.where(counted.any(dim=1, keepdim=True), counted, words))


def train_mlm(job: Job, encoder: Encoder, report: Report, meter: Meter) -> int:
    """Pretrain a fresh encoder, or continue a pretrained one; the artifact goes to ``job.out``. Returns how many weights were
    trained, the head's included."""
    training = job.spec.training
    assert training is not None  # the planner gives it
    seed = job.spec.seed or 0
    config = encoder.module.config
    head = MlmHead(encoder.hidden, config.vocab_size, config.layer_norm_eps)
    known = encoder.mlm_head or mlm_weights.of(encoder)
    if known is not None:
        head.load_state_dict(dict(known))
    lines = text(encoder, min(training.max_length, encoder.longest), job)
    if job.spec.model.checkpoint is None and not job.spec.parents:
        start_from_counts(encoder, lines)
    freeze(encoder.module, training.frozen)
    total = training.steps_for(sum(len(rows) for rows in lines.train.values()))
    own = job.spec.text
    batches = batches_of(lines, training.batch_size, total, seed, own.exponent if own else EXPONENT)
    stage = MlmStage(encoder, head, lines, batches, seed, meter, own.masked if own else CHOSEN)
    fit(stage, training, total, job=job, report=report, meter=meter)
    report.phase(Phase.SAVING)
    encoder.save(job.out, head)
    return trainable(stage.module)
