"""Every allowed architecture on a miniature of itself, through the project's own runs of every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backend.domain.architecture import KINDS
from backend.domain.model import MODELS
from backend.domain.run import ModelSpec, RunKind
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import encoder as encoders
from worker.architectures import build, config_of, embeddings_of, keep_lowest, layers_of
from worker.encoder import Encoder, states
from worker.formats import IGNORED, Batch, Features, Reads, collate
from worker.outcomes import Stopped

TRAINING = Training(learning_rate=1e-3, batch_size=4, steps=2, max_length=48, stride=8, evaluations=1)
#: One kind for each way to attend: absolute places, disentangled, relative in buckets, rotary with windows, rotary with grouped
#: keys. They run every format in the quick suite; the others, which attend as the first, in the slow one.
QUICK = frozenset({"xlm-roberta", "deberta-v2", "mt5", "modernbert", "eurobert"})
TARGETS = ("xnli", "udpos", "xquad", "xcopa")  # one of each format that is trained


def batch(encoder: Encoder) -> Batch:
    rng = np.random.default_rng(0)
    lengths = [9, 4, 7]
    rows = [rng.integers(6, 500, n).tolist() for n in lengths]
    labels = [[IGNORED, 3, *[IGNORED] * (n - 3), 0] for n in lengths]
    return collate(Features.build(rows, token={"labels": labels}), np.arange(3), pad=encoder.pad)


# --- sizes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_the_catalogues_sizes_are_those_of_the_real_architecture(name: str) -> None:
    """Counted without memory, on the meta device, at the documented sizes: up to eleven billion weights."""
    model = MODELS[name]
    with torch.device("meta"):
        module = build(config_of(model.architecture, pad_token_id=1))
    total = sum(p.numel() for p in module.parameters())
    embeddings = sum(p.numel() for p in embeddings_of(module).parameters())
    assert (total, total - embeddings) == (model.parameters, model.parameters_non_embedding)
    assert len(layers_of(module)) == model.architecture.layers


# --- one interface -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_loaded_is_what_was_saved(
    kind: str, miniatures: ModuleType, loaded: Callable[[str], Encoder], root: Path
) -> None:
    encoder = loaded(kind)
    saved = load_file(root / kind / "model.safetensors")
    own = dict(encoder.module.named_parameters())
    same = [k for k in own if k in saved and torch.equal(own[k], saved[k])]
    assert len(same) == len(own)
    shape = miniatures.SHAPES[kind]
    assert (encoder.parameters, encoder.parameters_non_embedding) == (shape.parameters, shape.parameters_non_embedding)
    assert encoder.hidden == 32
    assert encoder.longest == {"mt5": 1024, "modernbert": 256, "eurobert": 256}.get(
        kind, 128 if "xlm" not in kind else 130 - 1 - encoder.pad
    )
    assert all(p.dtype == torch.float32 for p in own.values())
    assert encoder.revision is not None
    assert len(encoder.revision) == 64


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_and_reads_agree(kind: str, loaded: Callable[[str], Encoder]) -> None:
    encoder = loaded(kind)
    encoder.module.eval()
    padded = batch(encoder)
    assert padded.mask is not None
    every = states(encoder.module, padded, Reads.EVERY)
    close = {"rtol": 1e-4, "atol": 1e-5}
    for row, length in enumerate((9, 4, 7)):
        alone = Batch(
            padded.ids[row : row + 1, :length], None, None, {"labels": padded.token["labels"][row : row + 1, :length]},
            {}, {}, padded.row_item[:1], padded.row_place[:1], 1, length, padded.source[:length],
        )  # fmt: skip
        own = states(encoder.module, alone, Reads.EVERY)[0]
        torch.testing.assert_close(every[row, :length], own, **close)
        first = own.mean(dim=0) if kind == "mt5" else own[0]
        torch.testing.assert_close(states(encoder.module, padded, Reads.FIRST)[row], first, **close)
        torch.testing.assert_close(states(encoder.module, alone, Reads.FIRST)[0], first, **close)
    marked = padded.token["labels"] != IGNORED
    torch.testing.assert_close(states(encoder.module, padded, Reads.MARKED), every[marked], **close)


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_layers_give_the_states_in_between(kind: str, loaded: Callable[[str], Encoder]) -> None:
    encoder = loaded(kind)
    encoder.module.eval()
    padded = batch(encoder)
    assert padded.mask is not None
    between = encoder.module(
        input_ids=padded.ids, attention_mask=padded.mask.long(), output_hidden_states=True
    ).hidden_states
    assert len(between) == 3
    last = states(encoder.module, padded, Reads.EVERY)
    keep_lowest(encoder.module, 1)
    assert len(layers_of(encoder.module)) == 1
    found = states(encoder.module, padded, Reads.EVERY)
    torch.testing.assert_close(found[padded.mask], between[1][padded.mask], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[padded.mask], last[padded.mask], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_encoder_is_saved_and_loaded_as_it_was(
    kind: str, loaded: Callable[[str], Encoder], tmp_path: Path
) -> None:
    """As a retrieval target leaves it: the lowest layers and the norm after the last, trained and kept for evaluations."""
    encoder = loaded(kind)
    encoder.module.eval()
    padded = batch(encoder)
    with torch.no_grad():  # a norm as after a training: one that was lost, or made anew, would be seen
        for name, weight in encoder.module.named_parameters():
            if "norm" in name.lower():
                weight.add_(torch.linspace(-0.2, 0.2, weight.numel()).reshape(weight.shape))
    keep_lowest(encoder.module, 1, norm=True)
    before = states(encoder.module, padded, Reads.EVERY)
    encoder.save(tmp_path / "saved")
    again = encoders.load(tmp_path / "saved")
    again.module.eval()
    assert len(layers_of(again.module)) == 1
    assert {n: w.shape for n, w in again.module.state_dict().items()} == {
        n: w.shape for n, w in encoder.module.state_dict().items()
    }
    assert torch.equal(states(again.module, padded, Reads.EVERY), before)
    keep_lowest(again.module, 1)  # what an evaluation does to it: nothing
    assert torch.equal(states(again.module, padded, Reads.EVERY), before)


@pytest.mark.parametrize("kind", KINDS)
def test_sub_words_know_their_words_and_places(
    kind: str, miniatures: ModuleType, loaded: Callable[[str], Encoder]
) -> None:
    tokenizer = loaded(kind).tokenizer
    text = "the dog sleeps"
    encoding = tokenizer(text, return_offsets_mapping=True)
    found = [text[a:b].strip() for a, b in encoding["offset_mapping"] if b > a]
    assert "".join(found) == text.replace(" ", "")
    words = tokenizer(text.split(), is_split_into_words=True, add_special_tokens=False).word_ids()
    assert list(dict.fromkeys(words)) == [0, 1, 2]
    assert ("token_type_ids" in tokenizer("a", "b")) == (miniatures.SHAPES[kind].types > 1)
    single = miniatures.TOKENIZERS[kind][1].replace("$A", "").split()
    ids = encoding["input_ids"]
    assert [t for t in tokenizer.convert_ids_to_tokens(ids) if t in single] == single


# --- one run of each format ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in KINDS])
def test_a_family_runs_every_format(
    kind: str, miniatures: ModuleType, root: Path, world: Any, spec_data: Any, notes: Any
) -> None:
    """Fine-tune and evaluation of each format that is trained, and a retrieval, from one checkpoint."""
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    start = load_file(root / kind / "model.safetensors")
    revisions = set()
    for target in TARGETS:
        trainer = str(TASKS[target].trained_on)
        spec = world.on(trainer, model=model, training=TRAINING)
        outcome, job = world.run(spec, model_root=root)
        revisions.add(outcome.environment["revision"])
        after = load_file(job.out / "model.safetensors")
        moved = [k for k in after if k in start and not torch.equal(after[k], start[k])]
        assert len(moved) > 0.8 * len(after), f"hardly anything was trained on {trainer}"
        assert outcome.cost["flops_counted"] > 0
        task = TASKS[target]
        data = spec_data(target, task.evaluated_on)
        scored, _ = world.run(
            world.spec(
                RunKind.EVALUATE, model=model, data=(data,), training=TRAINING, languages=(task.mini_languages[-1],),
                parents=(spec.fingerprint,),
            ),
            model_root=root,
        )  # fmt: skip
        assert {s.metric for s in scored.scores} == set(task.metrics)
        assert all(0 <= s.value <= 100 and s.n > 0 for s in scored.scores)
    retrieval = world.spec(
        RunKind.EVALUATE,
        model=model,
        data=(spec_data("tatoeba", TASKS["tatoeba"].evaluated_on),),
        training=None,
        languages=("de",),
        seed=None,
    )
    found, _ = world.run(retrieval, model_root=root)
    assert found.scores[0].n > 0
    assert (found.parameters, found.parameters_non_embedding) == (
        miniatures.SHAPES[kind].parameters,
        miniatures.SHAPES[kind].parameters_non_embedding,
    )
    assert len(revisions) == 1


def test_mt5_resumes_though_its_embeddings_have_two_names(root: Path, world: Any, notes: Any) -> None:
    model = ModelSpec(checkpoint="dir:mt5", revision=None, architecture=None)
    spec = world.on("mnli", model=model, training=TRAINING.model_copy(update={"steps": 6}))
    _, whole = world.run(spec, name="whole", model_root=root)
    with pytest.raises(Stopped):
        world.run(spec, notes(stop_at=3), name="parts", model_root=root)
    after = notes()
    _, parts = world.run(spec, after, name="parts", model_root=root)
    assert after.resumptions
    a, b = (load_file(j.out / "model.safetensors") for j in (whole, parts))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_embeddings_stay(kind: str, root: Path, world: Any) -> None:
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    _, job = world.run(
        world.on("copa", model=model, training=TRAINING.model_copy(update={"frozen": 1})), model_root=root
    )
    after = encoders.load(job.out)
    before = load_file(root / kind / "model.safetensors")
    names = {id(p): n for n, p in after.module.named_parameters()}
    still = [names[id(p)] for p in embeddings_of(after.module).parameters()]
    assert still
    assert all(torch.equal(dict(after.module.named_parameters())[n], before[n]) for n in still)
    layer = [n for n, _ in after.module.named_parameters() if n not in still]
    assert any(not torch.equal(dict(after.module.named_parameters())[n], before[n]) for n in layer)
