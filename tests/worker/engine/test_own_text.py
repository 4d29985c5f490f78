"""Pretraining on text of one's own: tokenizer, encoder, what was planned, going on, and a model that goes on from another."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, XLMRobertaForMaskedLM

from backend.domain.architecture import Architecture
from backend.domain.run import DataSpec, ModelSpec, RunKind, RunSpec
from backend.domain.task import Source, Split
from backend.domain.text import collect, sampling
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training
from worker import corpus, mlm_weights, pretrain
from worker import encoder as encoders
from worker.data import MissingData
from worker.encoder import Encoder, MlmHead
from worker.outcomes import Stopped

World = Any
Notes = Any
SHAPE = Architecture(
    kind="xlm-roberta", layers=1, hidden=32, heads=2, feed_forward=64, vocabulary=400, positions=66, types=1
)
TRAINING = Training(learning_rate=5e-3, batch_size=16, steps=24, max_length=24, evaluations=2)
WORDS = {
    "en": "the dog sees a green house near old river and sings",
    "sw": "mbwa anaona nyumba ya kijani karibu na mto mkubwa",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Lines that can be learned: each word tells the next, but for where a line begins."""
    folder = tmp_path / "data"
    for code, count in (("en", 300), ("sw", 60)):
        words, rng = WORDS[code].split(), random.Random(code)
        lines = []
        for _ in range(count):
            start = rng.randrange(len(words))
            lines.append(" ".join((words * 2)[start : start + rng.randint(3, 9)]))
        (folder / code).mkdir(parents=True)
        (folder / code / "text.txt").write_text("\n".join(lines) + "\n")
    return folder


def spec_of(root: Path, **changes: Any) -> TextSpec:
    return TextSpec.of(collect(root, ["en", "sw"]), **{"exponent": 0.3, "masked": 0.3} | changes)


def pretraining(world: World, root: Path, **changes: Any) -> RunSpec:
    data = DataSpec(task="text", version=1, source=Source.FILES, split=Split.TRAIN, content="x")
    usual = {
        "model": ModelSpec(checkpoint=None, revision=None, architecture=SHAPE),
        "data": (data,), "training": TRAINING, "seed": None, "languages": ("en", "sw"), "text": spec_of(root),
    }  # fmt: skip
    return world.spec(RunKind.PRETRAIN, **usual | changes)


def test_it_learns_and_leaves_an_encoder_that_can_be_tuned(world: World, notes: Notes, root: Path) -> None:
    said = notes()
    outcome, job = world.run(pretraining(world, root), said, data_root=root)
    curve = said.curves["dev/mlm_loss"]
    assert curve[24] < curve[12] < np.log(400)
    made = encoders.load(job.out)
    assert len(made.tokenizer) == 400 == made.module.config.vocab_size
    assert made.tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 399]) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    # a word of the text is one piece, and nothing of it is unknown
    assert made.tokenizer.tokenize("nyumba") == ["▁nyumba"]
    assert 3 not in made.tokenizer(WORDS["sw"])["input_ids"]
    assert made.mlm_head is not None
    assert outcome.parameters == SHAPE.parameters
    # another run starts from it as from any parent
    tuned = world.on(
        "mnli", parents=(job.fingerprint,), training=Training(learning_rate=1e-3, batch_size=8, steps=2, max_length=32)
    )
    outcome, _ = world.run(tuned)
    assert outcome.parameters == SHAPE.parameters


def test_it_resumes_exactly(world: World, notes: Notes, root: Path) -> None:
    spec = pretraining(world, root)
    _, whole = world.run(spec, name="whole", data_root=root)
    with pytest.raises(Stopped) as stopped:
        world.run(spec, notes(stop_at=9), name="parts", data_root=root)
    assert stopped.value.saved
    said = notes()
    _, parts = world.run(spec, said, name="parts", data_root=root)
    assert said.resumptions == [stopped.value.step]
    first, second = (load_file(j.out / "model.safetensors") for j in (whole, parts))
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_languages_are_drawn_by_the_exponent_that_is_asked_for(
    world: World, root: Path, tiny: Callable[..., Encoder]
) -> None:
    encoder = tiny()
    for exponent in (0.3, 1.0):
        spec = pretraining(world, root, text=spec_of(root, exponent=exponent))
        lines = pretrain.text(encoder, 24, world.job(spec, data_root=root))
        assert [len(lines.train[c]) for c in ("en", "sw")] == [285, 57]
        assert len(lines.dev) == 15 + 3
        drawn = np.concatenate(pretrain.batches_of(lines, 50, 100, 0, exponent))
        share = (lines.features.row["language"][drawn] == 0).mean()
        assert share == pytest.approx(sampling({"en": 285, "sw": 57}, exponent)["en"], abs=0.02)


def test_a_long_line_gives_several_rows_and_none_of_it_is_lost(
    world: World, root: Path, tiny: Callable[..., Encoder]
) -> None:
    (root / "en" / "text.txt").write_text("the dog " * 100 + "\n" + "a river\n" * 3)
    job = world.job(pretraining(world, root), data_root=root)
    encoder = tiny()
    features = corpus.features_of(job, encoder, 24)
    ids = [
        t
        for r in range(len(features.lengths))
        for t in features.tokens[features.rows[r] : features.rows[r + 1]].tolist()
    ]
    plain = encoder.tokenizer(("the dog " * 100).strip())["input_ids"][1:-1]
    assert features.lengths.max() == 24
    assert [t for t in ids if t not in (0, 2)][: len(plain)] == plain


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda root: (root / "sw" / "text.txt").write_text("mbwa mwingine\n"), "sw/text.txt has changed since"),
        (lambda root: (root / "sw" / "text.txt").unlink(), "sw/text.txt is not in the data root"),
    ],
)
def test_text_that_is_not_what_was_planned_is_refused_before_training(
    world: World, root: Path, harm: Callable[[Path], object], message: str
) -> None:
    spec = pretraining(world, root, text=spec_of(root, exponent=0.31))  # no tokenizer of another test
    harm(root)
    with pytest.raises(MissingData, match=message):
        world.run(spec, data_root=root)
    with pytest.raises(MissingData, match="CROSSLIFT_DATA_ROOT"):
        world.run(spec)


def test_a_vocabulary_that_does_not_hold_the_characters_is_refused() -> None:
    characters = "".join(chr(c) for c in range(0x4E00, 0x4E00 + 900))
    with pytest.raises(ValueError, match="vocabulary 500 does not hold the 900 characters .* at least 907"):
        corpus.train_unigram({"zh": [characters]}, 500)


def test_the_same_text_gives_the_same_tokenizer() -> None:
    lines = {"en": [WORDS["en"][i:] for i in range(40)]}
    first, second = (corpus.train_unigram(lines, 200).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def checkpoint(root: Path, folder: Path, world: World) -> Path:
    """A whole masked-language model of the library's own, in XLM-R's layout, with a tokenizer of this text."""
    job = world.job(pretraining(world, root), data_root=root)
    tokenizer = corpus.tokenizer_for(job, 400)
    torch.manual_seed(5)
    module = XLMRobertaForMaskedLM(encoders.fresh(SHAPE, tokenizer).module.config)
    module.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_going_on_from_a_checkpoint_takes_its_head_and_learns_on(
    world: World, notes: Notes, root: Path, tmp_path: Path
) -> None:
    """The first loss is that of the library's whole model, so its head was taken; then it falls."""
    models = tmp_path / "models"
    checkpoint(root, models / "lab", world)
    model = ModelSpec(checkpoint="dir:lab", revision=None, architecture=None)
    encoder = encoders.load_pretrained(model, root=models, cache=tmp_path, offline=True)
    head = MlmHead(32, 400, encoder.module.config.layer_norm_eps)
    weights = mlm_weights.of(encoder)
    assert weights is not None
    head.load_state_dict(dict(weights))
    whole = XLMRobertaForMaskedLM.from_pretrained(models / "lab").eval()
    ids = torch.tensor([encoder.tokenizer("mbwa anaona <mask>")["input_ids"]])
    with torch.no_grad():
        states = encoder.module.eval()(input_ids=ids).last_hidden_state
        ours = head(states, encoder.module.embeddings.word_embeddings.weight)
    torch.testing.assert_close(ours, whole(input_ids=ids).logits, rtol=1e-5, atol=1e-5)
    said = notes()
    outcome, job = world.run(pretraining(world, root, model=model), said, data_root=root, model_root=models)
    assert said.curves["dev/mlm_loss"][24] < said.curves["dev/mlm_loss"][12]
    assert outcome.environment["revision"]
    assert encoders.load(job.out).tokenizer_digest == encoder.tokenizer_digest


def test_the_head_of_bert_is_found_too(tmp_path: Path) -> None:
    module = BertForMaskedLM(
        BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    )
    module.save_pretrained(tmp_path)
    found = mlm_weights.of(Encoder(module.bert, None, folder=tmp_path))  # type: ignore[arg-type]
    assert found is not None
    MlmHead(16, 50, 1e-12).load_state_dict(dict(found))
    save_file({"other": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert mlm_weights.of(Encoder(module.bert, None, folder=tmp_path)) is None  # type: ignore[arg-type]


def test_special_tokens_of_another_kind_of_tokenizer_are_never_hidden() -> None:
    """BERT's stand at 100 to 103."""
    from worker.formats import Features, collate_rows

    batch = collate_rows(Features.build([[101, 5, 6, 7, 102]] * 50), np.arange(50), 0)
    found = pretrain.masked(batch, np.random.default_rng(0), 200, 103, 0.9, [0, 1, 2, 3, 100, 101, 102, 103])
    assert (found.ids[:, 0] == 101).all()
    assert (found.ids[:, -1] == 102).all()
