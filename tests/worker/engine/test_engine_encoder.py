"""Encoders: their size, their tokenizer, and a forward pass that skips what nothing reads and computes the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel, PreTrainedTokenizerFast, XLMRobertaForMaskedLM

from backend.domain import mini
from backend.domain.model import MODELS, Architecture
from backend.domain.tasks import TASKS
from worker import encoder as encoders
from worker.encoder import Encoder, MlmHead, QuickDropout, quicken, states
from worker.formats import IGNORED, Batch, Features, Reads, collate

Tiny = Callable[..., Encoder]


@pytest.mark.parametrize("name", ["mini-2", "mini-4", "mini-1"])
def test_counted_parameters_are_those_of_the_formula(tiny: Tiny, name: str) -> None:
    architecture = MODELS[name].architecture
    made = encoders.fresh(architecture, tiny().tokenizer)
    assert made.parameters == architecture.parameters
    assert made.parameters_non_embedding == architecture.parameters_non_embedding


def test_the_formula_holds_for_bert_too(tiny: Tiny) -> None:
    architecture = Architecture(
        kind="bert", layers=3, hidden=24, heads=2, feed_forward=40, vocabulary=3000, positions=64, types=2
    )
    made = encoders.fresh(architecture, tiny().tokenizer)
    assert isinstance(made.module, BertModel)
    assert (made.parameters, made.parameters_non_embedding) == (
        architecture.parameters,
        architecture.parameters_non_embedding,
    )
    assert made.longest == 64


# --- tokenizer -----------------------------------------------------------------------------------------------------


def test_special_tokens_have_xlm_rs_places(tiny: Tiny) -> None:
    tokenizer = tiny().tokenizer
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.mask_token_id == len(tokenizer) - 1 == 2999
    assert tiny().longest == 128


def test_nothing_of_the_mini_world_is_unknown(tiny: Tiny) -> None:
    tokenizer = tiny().tokenizer
    for code in mini.LANGUAGES:
        for ids in tokenizer(list(mini.text(code))[:400])["input_ids"]:
            assert tokenizer.unk_token_id not in ids
    for task in ("xnli", "xquad", "xcopa"):
        for code in TASKS[task].mini_languages:
            rows = list(mini.rows(str(TASKS[task].mini), code, TASKS[task].evaluated_on.value))
            texts = [value for row in rows for value in row.values() if isinstance(value, str)]
            assert not any(tokenizer.unk_token_id in ids for ids in tokenizer(texts)["input_ids"]), (task, code)


def test_chinese_is_cut_without_spaces(tiny: Tiny) -> None:
    """Every Han character is a piece: no piece runs over the end of a word that nothing marks."""
    text = next(line for line in mini.text("zh") if len(line) > 20 and " " not in line)
    offsets = tiny().tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    pieces = [text[a:b] for a, b in offsets]
    assert len(pieces) > 15
    assert all(len(p) <= 1 for p in pieces if any(c > "\u4e00" for c in p))


@pytest.mark.parametrize("code", mini.LANGUAGES)
def test_offsets_cover_the_text(tiny: Tiny, code: str) -> None:
    for text in list(mini.text(code))[:50]:
        offsets = tiny().tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        covered = set().union(*(range(a, b) for a, b in offsets))
        assert all(i in covered or text[i].isspace() for i in range(len(text))), text


def test_the_same_text_gives_the_same_tokenizer_in_another_process(tiny: Tiny, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from worker.encoder import mini_tokenizer as m;"
        f"sys.stdout.write(m({len(tiny().tokenizer)}, Path(sys.argv[1])).backend_tokenizer.to_str())"
    )
    other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert json.loads(other.stdout) == json.loads(tiny().tokenizer.backend_tokenizer.to_str())


def test_a_small_text_is_filled_up_and_too_small_a_vocabulary_refused() -> None:
    text = {"en": ["the dog sleeps", "the cat eats"], "zh": ["狗睡觉", "猫吃鱼"]}
    tokenizer = encoders.train_tokenizer(text, 300)
    assert len(tokenizer) == 300
    assert tokenizer.mask_token_id == 299
    assert "<unused0>" in tokenizer.get_vocab()
    with pytest.raises(ValueError, match="a vocabulary of 99 does not hold"):
        encoders.train_tokenizer(text, 99)


# --- forward pass --------------------------------------------------------------------------------------------------


def some_batch(full: bool = False) -> Batch:
    rng = np.random.default_rng(0)
    lengths = [9, 9, 9] if full else [9, 4, 7]
    rows = [[0, *rng.integers(4, 3000, n - 2).tolist(), 2] for n in lengths]
    labels = [[IGNORED, 3, *[IGNORED] * (n - 3), 0] for n in lengths]
    return collate(Features.build(rows, token={"labels": labels}), np.arange(3), pad=1)


@pytest.mark.parametrize("full", [True, False], ids=["one length", "padded"])
@pytest.mark.parametrize("kind", ["xlm-roberta", "bert"])
def test_the_short_forward_pass_computes_the_same(tiny: Tiny, kind: str, full: bool) -> None:
    made = tiny(kind=kind, layers=3, types=2 if kind == "bert" else 1)
    made.module.eval()
    batch = some_batch(full)
    real = torch.ones_like(batch.ids, dtype=torch.bool) if batch.mask is None else batch.mask
    whole = made.module(input_ids=batch.ids, attention_mask=real.long()).last_hidden_state
    close = {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(states(made.module, batch, Reads.EVERY)[real], whole[real], **close)
    torch.testing.assert_close(states(made.module, batch, Reads.FIRST), whole[:, 0], **close)
    marked = batch.token["labels"] != IGNORED
    torch.testing.assert_close(states(made.module, batch, Reads.MARKED), whole[marked], **close)


@pytest.mark.parametrize("reads", [Reads.FIRST, Reads.MARKED])
def test_and_the_same_gradients(tiny: Tiny, reads: Reads) -> None:
    made, batch = tiny(), some_batch()
    made.module.eval()
    found = []
    for short in (True, False):
        made.module.zero_grad()
        if short:
            read = states(made.module, batch, reads)
        else:
            assert batch.mask is not None
            whole = made.module(input_ids=batch.ids, attention_mask=batch.mask.long()).last_hidden_state
            read = whole[:, 0] if reads is Reads.FIRST else whole[batch.token["labels"] != IGNORED]
        read.pow(3).sum().backward()
        found.append([p.grad.clone() for p in made.module.parameters() if p.grad is not None])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_segments_reach_an_encoder_that_has_them(tiny: Tiny) -> None:
    made = tiny(kind="bert", types=2)
    made.module.eval()
    rows = [[0, 5, 6, 2, 7, 2]]
    batch = collate(Features.build(rows, token={"types": [[0, 0, 0, 0, 1, 1]]}), np.array([0]), pad=1)
    whole = made.module(input_ids=batch.ids, token_type_ids=torch.tensor([[0, 0, 0, 0, 1, 1]])).last_hidden_state
    torch.testing.assert_close(states(made.module, batch, Reads.EVERY), whole, rtol=1e-5, atol=1e-6)
    without = collate(Features.build(rows), np.array([0]), pad=1)
    assert not torch.allclose(states(made.module, without, Reads.EVERY), whole, atol=1e-3)


def test_the_mlm_head_is_xlm_rs(tiny: Tiny) -> None:
    made, batch = tiny(), some_batch()
    reference = XLMRobertaForMaskedLM(made.module.config)
    reference.roberta.load_state_dict(made.module.state_dict())
    reference.tie_weights()
    reference.eval()
    made.module.eval()
    head = MlmHead(32, 3000, made.module.config.layer_norm_eps)
    wanted = {k: v for k, v in reference.lm_head.state_dict().items() if not k.startswith("decoder")}
    head.load_state_dict(wanted)
    ours = head(states(made.module, batch, Reads.MARKED), made.module.embeddings.word_embeddings.weight)
    assert batch.mask is not None
    theirs = reference(input_ids=batch.ids, attention_mask=batch.mask.long()).logits[batch.token["labels"] != IGNORED]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_saved_and_loaded_is_the_same(tiny: Tiny, tmp_path: Path) -> None:
    made = tiny()
    head = MlmHead(32, 3000, 1e-5)
    made.save(tmp_path, head)
    again = encoders.load(tmp_path)
    assert all(
        torch.equal(a, b)
        for a, b in zip(made.module.state_dict().values(), again.module.state_dict().values(), strict=True)
    )
    assert again.mlm_head is not None
    assert torch.equal(again.mlm_head["dense.weight"], head.dense.weight)
    assert again.tokenizer_digest == made.tokenizer_digest
    assert isinstance(again.tokenizer, PreTrainedTokenizerFast)
    assert again.longest == made.longest
    assert {p.suffix for p in tmp_path.iterdir()} <= {".json", ".safetensors"}  # nothing pickled


# --- dropout -------------------------------------------------------------------------------------------------------


def test_quick_dropout_is_dropout(tiny: Tiny) -> None:
    layer = QuickDropout(0.1)
    x = torch.ones(999, 101, requires_grad=True)
    torch.manual_seed(0)
    y = layer(x)
    kept = y.detach() != 0
    assert abs(kept.float().mean().item() - 0.9) < 0.004
    assert torch.allclose(y[kept], torch.full_like(y[kept], 1 / 0.9))
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad != 0, kept)
    torch.manual_seed(0)
    assert torch.equal(layer(x), y)  # torch's generator alone decides
    assert not torch.equal(layer(x), y)
    layer.eval()
    assert layer(x) is x


def test_quicken_replaces_every_dropout(tiny: Tiny) -> None:
    module = tiny().module
    before = sum(isinstance(m, torch.nn.Dropout) for m in module.modules())
    quicken(module)
    assert before == sum(isinstance(m, QuickDropout) for m in module.modules()) > 0
    assert not any(isinstance(m, torch.nn.Dropout) for m in module.modules())
