"""Scoring many languages with one encoder: the stream over all of them, beside what the usual scripts do with the same weights.

A six-layer encoder of width 384 with random weights (twelve heads, 32,000 sub-words), on one thread. Rows have random sub-words and the lengths
of NLI pairs (mean 30, at most 128) and of windows of questions and contexts (mean 169, at most 384), 128 in each language. The peers go
language by language, so how many of the languages a round does changes nothing about their rate: each round they do the next few
(CROSSLIFT_BENCH_SOME), and the stream does all (CROSSLIFT_BENCH_LANGUAGES; else 50 of NLI and 8 of QA, which are as long). Processor time, alternated rounds, medians; rates are
real sub-words per second. A matrix product is timed in every round beside them. Of its rate each side has the share that the operations are
which cannot be left out, as in ``test_training.py``: so at x % a side can be outdone by 100/x at most.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models
from torch import nn
from transformers import (
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    XLMRobertaConfig,
    XLMRobertaForQuestionAnswering,
    XLMRobertaForSequenceClassification,
)

from backend.domain.tasks import TASKS
from worker import formats
from worker.encoder import Encoder
from worker.evaluate import predict
from worker.formats import Features

pytestmark = [pytest.mark.bench, pytest.mark.timeout(6 * 3600), pytest.mark.filterwarnings("ignore")]

ROUNDS = int(os.environ.get("CROSSLIFT_BENCH_ROUNDS", "5"))
LANGUAGES = int(os.environ.get("CROSSLIFT_BENCH_LANGUAGES", "0"))
SOME = int(os.environ.get("CROSSLIFT_BENCH_SOME", "0"))
EXAMPLES = 128
VOCABULARY, LAYERS, HIDDEN, WIDE = 32_000, 6, 384, 1536
PAD = 1
OURS = "Crosslift, one stream"


@dataclass(frozen=True)
class Shape:
    """What is scored: the task whose format it has, and how long its rows are."""

    task: str
    model: type[nn.Module]
    mean: int
    spread: float  # standard deviation of the logarithm of the length
    longest: int
    languages: int
    some: int  # of them that the peers do in a round
    asked: str = ""  # times the padded loop


SHAPES = {
    "NLI": Shape("xnli", XLMRobertaForSequenceClassification, 30, 0.45, 128, LANGUAGES or 50, SOME or 2, "≥ 4"),
    "QA": Shape("xquad", XLMRobertaForQuestionAnswering, 169, 0.4, 384, LANGUAGES or 8, SOME or 1),
}


def rows_of(shape: Shape) -> list[list[list[int]]]:
    """Rows of each language."""
    draw = np.random.default_rng(0)
    lengths = np.exp(draw.normal(np.log(shape.mean) - shape.spread**2 / 2, shape.spread, (shape.languages, EXAMPLES)))
    lengths = np.clip(lengths.round(), 8, shape.longest).astype(int)
    return [[[0, *draw.integers(5, VOCABULARY, n - 2).tolist(), 2] for n in of] for of in lengths]


def features_of(rows: list[list[int]], task: str) -> Features:
    if task == "xnli":
        return Features.build(rows, item={"labels": [0] * len(rows)})
    places = [list(range(len(r))) for r in rows]  # of each sub-word in its text
    nought = [0] * len(rows)
    return Features.build(rows, token={"begin": places, "end": places}, row={"first": nought, "last": nought})


class NoMeter:
    """Counts nothing."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_, **__: None

    def counting(self, tokens: int, each: float) -> torch.inference_mode:
        return torch.inference_mode()


@dataclass
class Bench:
    shape: Shape
    folder: Path

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        config_of: Any = XLMRobertaConfig
        config = config_of(
            vocab_size=VOCABULARY, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=12, intermediate_size=WIDE,
            max_position_embeddings=514, type_vocab_size=1, num_labels=3 if self.shape.task == "xnli" else 2,
        )  # fmt: skip
        build: Any = self.shape.model
        self.model = build(config).eval()
        names = {f"s{i}": i for i in range(VOCABULARY)}
        tokenizer_of: Any = PreTrainedTokenizerFast
        self.tokenizer = tokenizer_of(
            tokenizer_object=Tokenizer(models.WordLevel(names, "s3")), bos_token="s0", pad_token="s1", eos_token="s2"
        )
        self.rows = rows_of(self.shape)
        self.joined = Features.joined([features_of(rows, self.shape.task) for rows in self.rows])
        task = TASKS[self.shape.task]
        self.behaviour = formats.of(task.format)
        self.encoder = Encoder(self.model.roberta, self.tokenizer)
        self.head = self.behaviour.head(HIDDEN, task, 0.1)
        theirs = self.model.classifier if self.shape.task == "xnli" else self.model.qa_outputs
        for (_, ours), (_, weights) in zip(self.head.named_parameters(), theirs.named_parameters(), strict=True):
            assert ours.shape == weights.shape
            ours.data.copy_(weights.data)

    # --- the sides: each gives [rows, labels] or, for windows, [sub-words, 2] of the languages asked for -------------------

    def padded(self, some: range) -> NDArray[np.float32]:
        """XTREME's scripts: every language by itself, batches of 8, all rows padded to the longest allowed length."""
        found = []
        with torch.no_grad():
            for language in some:
                for start in range(0, EXAMPLES, 8):
                    rows = self.rows[language][start : start + 8]
                    ids = torch.full((len(rows), self.shape.longest), PAD)
                    for i, row in enumerate(rows):
                        ids[i, : len(row)] = torch.tensor(row)
                    found += self.kept(self.model(input_ids=ids, attention_mask=(ids != PAD).long()), rows)
        return np.concatenate(found)

    def trainer(self, some: range, batch: int) -> NDArray[np.float32]:
        """The library's ``Trainer.predict`` on every language by itself: rows in their order, each batch padded to its longest row."""
        arguments = TrainingArguments(
            output_dir=str(self.folder), per_device_eval_batch_size=batch, report_to=[], use_cpu=True, disable_tqdm=True
        )
        trainer = Trainer(
            model=self.model,
            args=arguments,
            data_collator=DataCollatorWithPadding(self.tokenizer),
            processing_class=self.tokenizer,
        )
        found: list[NDArray[np.float32]] = []
        for language in some:
            rows = self.rows[language]
            of: Any = trainer.predict([{"input_ids": r} for r in rows]).predictions  # type: ignore[arg-type]
            if self.shape.task == "xnli":
                found.append(of)
            else:
                found += [np.stack([side[i, : len(r)] for side in of], 1) for i, r in enumerate(rows)]
        return np.concatenate(found)

    def kept(self, output: Any, rows: list[list[int]]) -> list[NDArray[np.float32]]:
        if self.shape.task == "xnli":
            return [output.logits.numpy()]
        both = torch.stack([output.start_logits, output.end_logits], -1).numpy()
        return [both[i, : len(row)] for i, row in enumerate(rows)]

    def stream(self, some: range) -> NDArray[np.float32]:
        """Ours: all languages, whatever is asked for; of the result, the languages asked for."""
        found = predict(
            self.encoder, self.head, self.behaviour, self.joined, ask=lambda: None, meter=NoMeter()  # type: ignore[arg-type]
        )  # fmt: skip
        first, last = some.start * EXAMPLES, some.stop * EXAMPLES
        return (
            found[first:last] if self.shape.task == "xnli" else found[self.joined.rows[first] : self.joined.rows[last]]
        )

    def tokens(self, some: range) -> int:
        return sum(len(r) for language in some for r in self.rows[language])

    def operations(self, some: range) -> float:
        """Of a forward pass over the real sub-words; where the first is read alone, of the last layer's only keys and values of the others."""
        found = 0.0
        for length in (len(r) for language in some for r in self.rows[language]):
            token = 8 * HIDDEN**2 + 4 * HIDDEN * WIDE + 4 * length * HIDDEN
            left_out = (length - 1) * (token - 4 * HIDDEN**2) if self.shape.task == "xnli" else 0
            found += LAYERS * length * token - left_out
        return found

    def same(self, one: NDArray[np.float32], other: NDArray[np.float32], some: range) -> None:
        """Equal to float tolerance, and the same answers."""
        np.testing.assert_allclose(one, other, atol=1e-4)
        if self.shape.task == "xnli":
            assert (one.argmax(1) == other.argmax(1)).all()
            return
        start = 0
        for row in (r for language in some for r in self.rows[language]):
            place = slice(start, start + len(row))
            assert (one[place].argmax(0) == other[place].argmax(0)).all()
            start += len(row)


def gemm() -> float:
    """Operations per processor second of a matrix product of the encoder's feed-forward shape."""
    x, w = torch.randn(4096, HIDDEN), torch.randn(4 * HIDDEN, HIDDEN)
    x @ w.T
    began, count = time.process_time(), 0
    while time.process_time() - began < 0.5:
        x @ w.T
        count += 1
    return count * 2 * x.numel() * len(w) / (time.process_time() - began)


@pytest.mark.parametrize("name", SHAPES)
def test_all_languages_in_one_stream(
    name: str, tmp_path: Path, record: Callable[..., None], rounds: Callable[..., Any]
) -> None:
    torch.set_num_threads(1)
    shape = SHAPES[name]
    kept = rounds(f"evaluation, {name}", {"languages": shape.languages, "examples": EXAMPLES, "some": shape.some})
    of = Bench(shape, tmp_path)
    sides: dict[str, Callable[[range], NDArray[np.float32]]] = {
        f"padded to {shape.longest}, batches of 8, language by language": of.padded,
        "`Trainer.predict`, batches of 8": lambda some: of.trainer(some, 8),
        "`Trainer.predict`, batches of 32": lambda some: of.trainer(some, 32),
        OURS: of.stream,
    }
    for turn in kept.more(ROUNDS):
        first = turn * shape.some % (shape.languages - shape.some + 1)
        some, peak, outputs = range(first, first + shape.some), gemm(), {}
        found: dict[str, tuple[float, float]] = {}
        for side in sides if turn % 2 == 0 else reversed(sides):
            began = time.process_time()
            outputs[side] = sides[side](some)
            took = time.process_time() - began
            done = range(shape.languages) if side == OURS else some
            found[side] = of.tokens(done) / took, of.operations(done) / took / peak
        for side, output in outputs.items():
            if side != OURS:
                of.same(outputs[OURS], output, some)
        kept.add(found)
        print(
            f"round {turn + 1}", {side: f"{rate:,.0f} ({part:.0%})" for side, (rate, part) in found.items()}, flush=True
        )
    report(name, kept.found, record)


def report(name: str, found: Sequence[Mapping[str, tuple[float, float]]], record: Callable[..., None]) -> None:
    """Medians of processor time; a ratio is that of one round."""
    shape = SHAPES[name]
    rate, part = ({s: median(one[s][i] for one in found) for s in found[0]} for i in (0, 1))
    said = {side: f"{rate[side]:,.0f} (matrix rate: {part[side]:.0%})" for side in rate}
    for peer in rate:
        if peer == OURS:
            continue
        padded = peer.startswith("padded")
        asked = f"{shape.asked}, " if padded and shape.asked else ""
        record(
            f"evaluation, {name}, {shape.languages} languages × {EXAMPLES}, real sub-words/s beside {peer}", said[OURS], said[peer],
            median(one[OURS][0] / one[peer][0] for one in found), rounds=len(found), asked=f"{asked}possible {1 / part[peer]:.2f}",
        )  # fmt: skip
