"""Masked-language-model pretraining: what is hidden, what is learned, and that it goes on where it stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import XLMRobertaForMaskedLM

from backend.domain import mini
from backend.domain.mini.grammar import grammar
from backend.domain.recipe import Recipe
from backend.domain.run import RunKind, RunSpec
from backend.domain.training import Training
from worker import pretrain
from worker.encoder import MlmHead
from worker.formats import IGNORED, Features, collate_rows
from worker.meter import Meter
from worker.outcomes import Stopped
from worker.pretrain import HELD_OUT, MlmStage, batches_of, masked

World = Any
Notes = Any
TRAINING = Training(learning_rate=5e-3, batch_size=32, steps=40, max_length=40, evaluations=2)


def pretraining(world: World, **changes: Any) -> RunSpec:
    return world.spec(RunKind.PRETRAIN, **{"data": (world.text(),), "training": TRAINING, "seed": None} | changes)


def test_what_is_hidden(tiny: Callable[..., Any]) -> None:
    """30 % of the real sub-words; of these 80 % by <mask>, 10 % by another, 10 % by themselves."""
    tokenizer = tiny().tokenizer
    rng = np.random.default_rng(0)
    rows = [[0, *rng.integers(4, 2999, rng.integers(5, 40)).tolist(), 2] for _ in range(2000)]
    batch = collate_rows(Features.build(rows), np.arange(2000), 1)
    found = masked(batch, rng, 3000, int(tokenizer.mask_token_id))
    labels, given, before = (t.numpy() for t in (found.token["labels"], found.ids, batch.ids))
    chosen = labels != IGNORED
    assert not chosen[before < 4].any()
    assert np.array_equal(labels[chosen], before[chosen])
    assert np.array_equal(given[~chosen], before[~chosen])
    assert chosen.sum() / (before >= 4).sum() == pytest.approx(0.3, abs=0.01)
    assert (given[chosen] == 2999).mean() == pytest.approx(0.8, abs=0.02)
    assert (given[chosen] == before[chosen]).mean() == pytest.approx(0.1, abs=0.02)
    assert given[chosen].min() >= 4
    assert found.tokens == sum(map(len, rows))


def test_there_is_always_something_to_learn(tiny: Callable[..., Any]) -> None:
    batch = collate_rows(Features.build([[0, 7, 2]]), np.array([0]), 1)
    for seed in range(20):
        found = masked(batch, np.random.default_rng(seed), 3000, 2999)
        assert (found.token["labels"] != IGNORED).sum() == 1


def test_languages_are_drawn_more_evenly_than_they_are_written(world: World, tiny: Callable[..., Any]) -> None:
    corpus = pretrain.text(tiny(), 40, world.job(pretraining(world)))
    batches = batches_of(corpus, 64, 200, seed=0)
    assert [len(b) for b in batches] == [64] * 200
    counts = np.bincount(corpus.features.row["language"][np.concatenate(batches)])
    lines = np.array([mini.TEXT_SENTENCES[c] - HELD_OUT for c in mini.LANGUAGES], float)
    wanted = lines**0.7 / (lines**0.7).sum()
    np.testing.assert_allclose(counts / counts.sum(), wanted, atol=0.015)
    lengths = corpus.features.lengths
    assert sum(lengths[b].max() * len(b) for b in batches) < 1.12 * sum(lengths[b].sum() for b in batches)
    assert not set(np.concatenate(batches).tolist()) & set(corpus.dev.tolist())
    seen = np.concatenate(batches)
    ta = seen[corpus.features.row["language"][seen] == mini.LANGUAGES.index("ta")]
    assert np.bincount(ta).max() - math.ceil(len(ta) / len(corpus.train["ta"])) <= 0  # in rounds, not at random


def test_the_loss_is_that_of_the_whole_model(world: World, tiny: Callable[..., Any]) -> None:
    """Logits at the hidden places alone give the loss that Hugging Face computes from all of them."""
    encoder = tiny()
    head = MlmHead(32, 3000, encoder.module.config.layer_norm_eps)
    job = world.job(pretraining(world))
    corpus = pretrain.text(encoder, 40, job)
    stage = MlmStage(encoder, head, corpus, batches_of(corpus, 16, 2, 0), 0, Meter(job))
    stage.module.eval()
    batch = stage.batch(0)
    reference = XLMRobertaForMaskedLM(encoder.module.config)
    reference.roberta.load_state_dict(encoder.module.state_dict())
    reference.lm_head.load_state_dict(
        {**head.state_dict(), "decoder.weight": reference.lm_head.decoder.weight, "decoder.bias": head.bias}
    )
    reference.tie_weights()
    reference.eval()
    mask = torch.ones_like(batch.ids) if batch.mask is None else batch.mask.long()
    theirs = reference(input_ids=batch.ids, attention_mask=mask, labels=batch.token["labels"]).loss
    torch.testing.assert_close(stage.loss(batch), theirs, rtol=1e-5, atol=1e-5)


def test_it_learns_and_leaves_an_encoder_with_its_head(world: World, notes: Notes) -> None:
    said = notes()
    outcome, job = world.run(pretraining(world), said)
    losses = [said.curves["loss"][s] for s in (20, 40)]
    assert said.curves["dev/mlm_loss"][40] < said.curves["dev/mlm_loss"][20] < math.log(3000)
    assert losses[1] < losses[0]
    assert {p.name for p in job.out.iterdir()} >= {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "mlm_head.safetensors",
    }
    assert outcome.cost["examples"] == 40 * 32
    assert outcome.parameters == 3000 * 32 + 130 * 32 + 32 + 64 + outcome.parameters_non_embedding


def test_pretraining_resumes_exactly(world: World, notes: Notes) -> None:
    spec = pretraining(world, training=TRAINING.model_copy(update={"steps": 10}))
    _, whole = world.run(spec, name="whole")
    for stop in (4, 3):
        with pytest.raises(Stopped):
            world.run(spec, notes(stop_at=stop), name="parts")
    _, parts = world.run(spec, name="parts")
    for name in ("model", "mlm_head"):
        ours, theirs = (load_file(j.out / f"{name}.safetensors") for j in (whole, parts))
        assert all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_the_mlm_control_goes_on_with_the_head_it_left(world: World, notes: Notes) -> None:
    start = pretraining(world)
    before = notes()
    _, parent = world.run(start, before)
    said = notes()
    spec = world.spec(
        RunKind.INTERMEDIATE,
        data=(world.text(),),
        recipe=Recipe.parse("control-mlm:mnli"),
        training=TRAINING.model_copy(update={"steps": 10, "learning_rate": 1e-4}),
        parents=(start.fingerprint,),
    )
    _, job = world.run(spec, said)
    assert said.curves["dev/mlm_loss"][5] == pytest.approx(before.curves["dev/mlm_loss"][40], abs=0.2)
    ours, theirs = (load_file(j.out / "mlm_head.safetensors")["dense.weight"] for j in (job, parent))
    assert not torch.equal(ours, theirs)
    assert (ours - theirs).abs().max() < 0.01


def test_a_fresh_encoder_starts_from_counts_and_only_a_fresh_one(world: World, tiny: Callable[..., Any]) -> None:
    """Nouns are nearer their translation than chance before the first step; what is continued keeps its words."""
    encoder = tiny()
    words = encoder.module.get_input_embeddings().weight
    before = words.detach().clone()
    corpus = pretrain.text(encoder, 40, world.job(pretraining(world)))
    pretrain.start_from_counts(encoder, corpus)
    assert torch.equal(words[:4], before[:4])  # special entries are not counted
    near = torch.nn.functional.normalize(words.detach(), dim=1)

    def word(text: str) -> torch.Tensor:
        return near[encoder.tokenizer(text, add_special_tokens=False)["input_ids"]].mean(0)

    english, german = (grammar(code) for code in ("en", "de"))
    sides = [torch.stack([word(g.noun(n)[0][0]) for n in english.nouns]) for g in (english, german)]
    ranks = [int((row > row[i]).sum()) for i, row in enumerate(sides[1] @ sides[0].T)]
    assert np.mean(np.array(ranks) == 0) > 0.2  # of 64; by chance 0.016

    _, parent = world.run(pretraining(world, training=TRAINING.model_copy(update={"steps": 2})))
    spec = world.spec(
        RunKind.INTERMEDIATE,
        data=(world.text(),),
        recipe=Recipe.parse("control-mlm:mnli"),
        training=TRAINING.model_copy(update={"steps": 1, "learning_rate": 1e-6}),
        parents=(pretraining(world, training=TRAINING.model_copy(update={"steps": 2})).fingerprint,),
    )
    _, job = world.run(spec)
    ours, theirs = (load_file(j.out / "model.safetensors")["embeddings.word_embeddings.weight"] for j in (job, parent))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
