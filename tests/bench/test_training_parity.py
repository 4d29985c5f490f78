"""What ours learns is what ``Trainer`` learns: the same small task from the same weights, at several seeds.

A row's label is which of three kinds of sub-word it holds, and one label in ten is drawn anew, so that neither side can be perfect. The loss is
the mean of the last 50 steps, dropout on; the development set is 1,000 rows with labels as they should be. ``CROSSLIFT_BENCH_SEEDS`` (5).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy.stats import ttest_ind
from transformers import Trainer, TrainingArguments, XLMRobertaConfig, XLMRobertaForSequenceClassification

from worker.evaluate import predict
from worker.formats import Features
from worker.train import RECENT, learn

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800), pytest.mark.filterwarnings("ignore")]

SEEDS = int(os.environ.get("CROSSLIFT_BENCH_SEEDS", "5"))
STEPS, BATCH, RATE, VOCABULARY, HIDDEN = 300, 32, 1e-3, 600, 64
KINDS = 50  # sub-words of each of the three kinds, from 3 on

_of = importlib.util.spec_from_file_location("training_bench", Path(__file__).with_name("test_training.py"))
assert _of is not None and _of.loader is not None
bench: Any = importlib.util.module_from_spec(_of)
sys.modules[_of.name] = bench  # its dataclasses look themselves up
_of.loader.exec_module(bench)
OF = bench.Workload("mnli", 12, 40, 4000, VOCABULARY, BATCH, {})


def rows_of(count: int, seed: int, wrong: float) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for length in np.clip(rng.gamma(4.0, 3.0, count).round(), 5, 40).astype(int):
        ids = rng.integers(3 + 3 * KINDS, VOCABULARY, length)
        ids[0], ids[-1], label = bench.FIRST, bench.LAST, int(rng.integers(3))
        ids[rng.integers(1, length - 1)] = 3 + label * KINDS + rng.integers(KINDS)
        rows.append({"input_ids": ids.tolist(), "labels": int(rng.integers(3)) if rng.random() < wrong else label})
    return rows


def model_of(seed: int) -> XLMRobertaForSequenceClassification:
    torch.manual_seed(seed)
    return XLMRobertaForSequenceClassification(
        XLMRobertaConfig(
            vocab_size=VOCABULARY, num_hidden_layers=2, hidden_size=HIDDEN, num_attention_heads=4, intermediate_size=4 * HIDDEN,
            max_position_embeddings=64, type_vocab_size=1, num_labels=3, pad_token_id=bench.PAD, initializer_range=0.07,
        )
    )  # fmt: skip


def peer(rows: list[Any], dev: list[Any], seed: int, folder: Path) -> tuple[float, float]:
    """Loss at the end, accuracy in percent."""
    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=BATCH, per_device_eval_batch_size=100, learning_rate=RATE,
        max_steps=STEPS, weight_decay=bench.DECAY, warmup_steps=STEPS // 10, use_cpu=True, report_to="none", save_strategy="no",
        logging_steps=1, seed=seed, disable_tqdm=True, remove_unused_columns=False,
    )  # fmt: skip
    trainer = Trainer(
        model_of(seed), arguments, train_dataset=cast(Any, rows), data_collator=bench.Seen(None),
    )  # fmt: skip
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert len(losses) == STEPS
    return float(np.mean(losses[-RECENT:])), accuracy(trainer.predict(cast(Any, dev)).predictions, dev)


def ours(rows: list[Any], dev: list[Any], seed: int, folder: Path) -> tuple[float, float]:
    """The same, and from the same weights, the head's among them."""
    model = model_of(seed)
    stage, training, job, meter = bench.stage_of(OF, model, rows, STEPS, seed, folder)
    training = training.model_copy(update={"learning_rate": RATE})
    assert training.warmup_of(STEPS) == STEPS // 10
    (learner,) = stage.learners
    learner.head.dense.load_state_dict(model.classifier.dense.state_dict())
    learner.head.out.load_state_dict(model.classifier.out_proj.state_dict())
    stage.evaluate = lambda ask: ({}, 0.0)  # what it has at the end is what counts, as with the Trainer
    torch.manual_seed(seed)
    at = learn(stage, training, STEPS, job=job, report=cast(Any, bench.Silent(bench.Clock("ours"))), meter=meter)
    features = Features.build([r["input_ids"] for r in dev], item={"labels": [r["labels"] for r in dev]})
    outputs = predict(
        stage.encoder, learner.head, learner.behaviour, features, ask=lambda: None, meter=meter, precision="fp32", room=stage.room
    )  # fmt: skip
    return float(np.mean(at.recent)), accuracy(outputs, dev)


def accuracy(outputs: Any, dev: Sequence[Any]) -> float:
    return 100 * float((np.asarray(outputs).argmax(1) == [row["labels"] for row in dev]).mean())


def test_losses_and_scores_are_within_seed_noise(tmp_path: Path, record: Callable[..., None]) -> None:
    dev = rows_of(1000, 10_000, wrong=0.0)
    sides: dict[str, list[tuple[float, float]]] = {"Trainer": [], "Crosslift": []}
    with bench.threads(bench.THREADS):
        for seed in range(SEEDS):
            rows = rows_of(OF.rows, seed, wrong=0.1)
            sides["Trainer"].append(peer(rows, dev, seed, tmp_path / f"peer-{seed}"))
            sides["Crosslift"].append(ours(rows, dev, seed, tmp_path / f"ours-{seed}"))
            print(f"seed {seed}", {name: each[-1] for name, each in sides.items()}, flush=True)
    chances = []
    for place, (what, unit) in enumerate((("loss at the end", ""), ("accuracy", " %"))):
        first, second = ([one[place] for one in each] for each in sides.values())
        chances.append(float(ttest_ind(first, second, equal_var=False).pvalue))
        theirs, own = (f"{np.mean(each):.3g} ± {np.std(each, ddof=1):.2g}{unit}" for each in (first, second))
        record(
            f"training, {what}, mean ± sd of seeds, beside `Trainer` (Welch's p = {chances[-1]:.2f})", own, theirs,
            rounds=SEEDS, asked="within seed noise: p > .01",
        )  # fmt: skip
    assert min(chances) > 0.01
    learnt = [score for each in sides.values() for _, score in each]
    assert min(learnt) > 60 and max(learnt) < 99.5  # of one that is not learnt, or wholly, all would be alike
