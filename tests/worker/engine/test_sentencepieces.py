"""Checkpoints whose tokenizer is a SentencePiece model and nothing else: of every family, trained here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch

from backend.domain import mini
from backend.domain.run import ModelSpec
from worker import encoder as encoders
from worker.encoder import states
from worker.formats import Reads
from worker.pretrained import tokenizer_from
from worker.sentencepieces import FAMILIES

VOCABULARY = 560  # of which the characters are some 400
LINES = [line for code in ("en", "de", "zh") for line in list(mini.text(code))[:300]]
#: Kind → its file's name, and how its published model numbers what is special.
PUBLISHED: dict[str, tuple[str, dict[str, Any]]] = {
    "xlm-roberta": ("sentencepiece.bpe.model", {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}),
    "xlm-roberta-xl": ("sentencepiece.bpe.model", {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}),
    "deberta-v2": (
        "spm.model",
        {
            "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]",
            "unk_piece": "[UNK]",
        },
    ),
    "rembert": (
        "sentencepiece.model",
        {
            "pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]",
            "unk_piece": "[UNK]", "control_symbols": ["[MASK]"],
        },
    ),
    "mt5": ("spiece.model", {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}),
}  # fmt: skip
SAID = ["Ｈｅｌｌｏ，  the cat ☃☃ sees x\u200by.", *LINES[::60]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder with a model, and nothing else of a tokenizer."""

    def make(kind: str, **changes: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        name, ids = PUBLISHED[kind]
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(LINES), model_writer=written, minloglevel=2,
            **{"vocab_size": VOCABULARY, "model_type": "unigram", **ids, **changes},
        )  # fmt: skip
        (folder / name).write_bytes(written.getvalue())
        (folder / "config.json").write_text(json.dumps({"model_type": kind}))
        return folder

    return make


def cut_by(folder: Path) -> Any:
    (path,) = folder.glob("*.model")
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def test_every_family_with_such_models_is_tried() -> None:
    assert PUBLISHED.keys() == FAMILIES.keys()


@pytest.mark.parametrize("kind", PUBLISHED)
def test_it_cuts_as_sentencepiece_does(trained: Callable[..., Path], kind: str, tmp_path: Path) -> None:
    folder = trained(kind)
    made, theirs = tokenizer_from(folder, "the model", 2, kind), cut_by(folder)
    shift = 1 if kind.startswith("xlm") else 0  # fairseq's <pad>
    unknown = {theirs.unk_id(): made.unk_token_id}
    for line in SAID:
        ids = made(line, add_special_tokens=False)["input_ids"]
        assert ids == [unknown.get(i, i + shift) for i in theirs.encode(line)]
        assert made.unk_token_id in ids or "☃" not in line
    a, b = (theirs.encode(text) for text in ("a cat", "a dog"))
    shifted = [[i + shift for i in ids] for ids in (a, b)]
    around = made.convert_ids_to_tokens(made("a cat", "a dog")["input_ids"])
    first, last = ("<s>", "</s>") if kind.startswith("xlm") else (None, "</s>") if kind == "mt5" else ("[CLS]", "[SEP]")
    middle = [last, last] if kind.startswith("xlm") else [last]
    tokens = [made.convert_ids_to_tokens(ids) for ids in shifted]
    assert around == [*([first] if first else []), *tokens[0], *middle, *tokens[1], last]
    assert len(made) == VOCABULARY + shift + (kind in ("xlm-roberta", "xlm-roberta-xl", "deberta-v2"))  # and the mask
    if kind != "mt5":
        assert made.mask_token_id == (len(made) - 1 if kind != "rembert" else theirs.piece_to_id("[MASK]"))
    made.save_pretrained(tmp_path)
    again = tokenizer_from(tmp_path, "the artifact", 2, kind)
    assert [again(line)["input_ids"] for line in SAID] == [made(line)["input_ids"] for line in SAID]


def test_it_knows_where_in_the_text_each_sub_word_is(trained: Callable[..., Path]) -> None:
    made = tokenizer_from(trained("mt5"), "the model", 0, "mt5")
    text = LINES[0]
    found = made(text, add_special_tokens=False, return_offsets_mapping=True)
    said = [text[a:b].strip() for a, b in found["offset_mapping"]]
    assert "".join(said) == text.replace(" ", "")


def test_a_checkpoint_with_such_a_model_alone_is_an_encoder(
    trained: Callable[..., Path], miniatures: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "own"
    miniatures.write("xlm-roberta", folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    (folder / "sentencepiece.bpe.model").write_bytes((trained("xlm-roberta") / "sentencepiece.bpe.model").read_bytes())
    model = ModelSpec(checkpoint="dir:own", revision=None, architecture=None)
    encoder = encoders.load_pretrained(model, root=tmp_path / "models", cache=tmp_path, offline=True)
    from worker.formats import Features, collate_rows

    rows = Features.build(encoder.tokenizer(LINES[:4])["input_ids"])
    with torch.no_grad():
        found = states(encoder.module, collate_rows(rows, torch.arange(4).numpy(), encoder.pad), Reads.FIRST)
    assert found.shape == (4, encoder.hidden)
    assert found.isfinite().all()
    encoder.save(tmp_path / "artifact")
    assert encoders.load(tmp_path / "artifact").tokenizer_digest == encoder.tokenizer_digest


def refused(folder: Path, kind: str) -> str:
    with pytest.raises(OSError, match="^the model has no tokenizer.json, and none can be made: ") as error:
        tokenizer_from(folder, "the model", 2, kind)
    assert "save_pretrained, which writes a tokenizer.json" in str(error.value)
    return str(error.value)


def test_what_cannot_be_done_is_said(trained: Callable[..., Path]) -> None:
    assert "spiece.model is no unigram model" in refused(trained("mt5", model_type="bpe"), "mt5")
    assert "bert encoders have no SentencePiece tokenizer" in refused(trained("mt5"), "bert")
    assert "spiece.model has no [CLS], which a rembert encoder knows" in refused(trained("mt5"), "rembert")
    broken = trained("mt5")
    (broken / "spiece.model").write_bytes(b"nothing of the kind")
    assert "spiece.model is no SentencePiece model" in refused(broken, "mt5")
    other = trained("deberta-v2")
    (other / "added_tokens.json").write_text(json.dumps({"[MASK]": 7}))
    assert "has '[MASK]' at 7, which its family does not" in refused(other, "deberta-v2")


def test_what_cuts_in_another_way_is_not_used(trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from tokenizers import normalizers

    from worker import sentencepieces

    monkeypatch.setattr(sentencepieces, "_normalizer", lambda spec: normalizers.Sequence([]))
    assert "in another way than SentencePiece does" in refused(trained("mt5"), "mt5")


def test_more_entries_than_the_encoder_knows_are_refused(
    trained: Callable[..., Path], miniatures: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "large"
    miniatures.write("mt5", folder)
    (folder / "tokenizer.json").unlink()
    (folder / "spiece.model").write_bytes((trained("mt5", vocab_size=620) / "spiece.model").read_bytes())
    model = ModelSpec(checkpoint="dir:large", revision=None, architecture=None)
    with pytest.raises(OSError, match="a tokenizer of 620 entries and an encoder that knows 600 of them"):
        encoders.load_pretrained(model, root=tmp_path, cache=tmp_path, offline=True)
