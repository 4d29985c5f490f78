"""Checkpoints as published ones are laid out, of every allowed architecture, small enough to train in a moment.

Weights are random, the architecture is the library's own, and each has a tokenizer of its family's kind, trained on some lines
of the mini world: SentencePiece's unigrams or byte pairs, WordPiece, or bytes, with the special tokens of that family.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import MT5ForConditionalGeneration, PreTrainedModel, PreTrainedTokenizerFast

from backend.domain import mini
from backend.domain.architecture import Architecture
from worker.architectures import build, config_of

VOCABULARY = 600
SHARED: dict[str, Any] = {"layers": 2, "hidden": 32, "heads": 4, "feed_forward": 48, "vocabulary": VOCABULARY}
SHAPES = {
    "xlm-roberta": Architecture(kind="xlm-roberta", positions=130, types=1, **SHARED),
    "bert": Architecture(kind="bert", positions=128, types=2, **SHARED),
    "xlm-roberta-xl": Architecture(kind="xlm-roberta-xl", positions=130, types=1, **SHARED),
    "distilbert": Architecture(kind="distilbert", positions=128, types=0, **SHARED),
    "deberta-v2": Architecture(kind="deberta-v2", positions=128, types=0, buckets=16, **SHARED),
    "rembert": Architecture(kind="rembert", positions=128, types=2, embedding=16, **SHARED),
    "mt5": Architecture(kind="mt5", positions=1024, types=0, head_size=4, buckets=8, **SHARED),
    "modernbert": Architecture(kind="modernbert", positions=256, types=0, **SHARED),
    "eurobert": Architecture(kind="eurobert", positions=256, types=0, key_value_heads=2, **SHARED),
}
_ROBERTA = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
_BERT = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
}  # fmt: skip
#: Special tokens in the order of their ids, what stands around one text and around two, and how text is cut.
TOKENIZERS: dict[str, tuple[dict[str, str], str, str, str]] = {
    "xlm-roberta": (_ROBERTA, "<s> $A </s>", "<s> $A </s> </s> $B </s>", "unigram"),
    "bert": (_BERT, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", "wordpiece"),
    "xlm-roberta-xl": (_ROBERTA, "<s> $A </s>", "<s> $A </s> </s> $B </s>", "unigram"),
    "distilbert": (_BERT, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", "wordpiece"),
    "deberta-v2": (_BERT, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", "unigram"),
    "rembert": (_BERT, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", "unigram"),
    "mt5": ({"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}, "$A </s>", "$A </s> $B </s>", "unigram"),
    "modernbert": (
        {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>", "mask_token": "<mask>"},
        "<bos> $A <eos>", "<bos> $A <eos> $B <eos>", "bpe",
    ),
    "eurobert": (
        {"bos_token": "<|begin|>", "eos_token": "<|end|>", "mask_token": "<|mask|>", "pad_token": "<|pad|>"},
        "<|begin|> $A <|end|>", "<|begin|> $A <|end|> $B <|end|>", "bytes",
    ),
}  # fmt: skip


def _lines() -> Iterator[str]:
    for code in ("en", "de", "zh"):
        yield from list(mini.text(code))[:300]


def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    roles, single, pair, cut = TOKENIZERS[kind]
    special = list(roles.values())
    shared: dict[str, Any] = {"vocab_size": VOCABULARY, "special_tokens": special, "show_progress": False}
    unknown = roles.get("unk_token")
    made: Tokenizer
    match cut:
        case "unigram":
            made = Tokenizer(models.Unigram())
            trainer: Any = trainers.UnigramTrainer(unk_token=unknown, **shared)
        case "wordpiece":
            made = Tokenizer(models.WordPiece(unk_token=str(unknown)))
            trainer = trainers.WordPieceTrainer(**shared)
        case _:
            made = Tokenizer(models.BPE(unk_token=unknown))
            alphabet = pre_tokenizers.ByteLevel.alphabet() if cut == "bytes" else []
            trainer = trainers.BpeTrainer(initial_alphabet=alphabet, **shared)
    if cut == "wordpiece":
        made.normalizer = normalizers.BertNormalizer(lowercase=False)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
    elif cut == "bytes":
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
    else:
        made.normalizer = normalizers.NFKC()
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
    made.train_from_iterator(_lines(), trainer)
    made.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(t, made.token_to_id(t)) for t in special if t in pair]
    )
    names = ["input_ids", "attention_mask"]
    if SHAPES[kind].types > 1 or kind == "deberta-v2":
        names.insert(1, "token_type_ids")
    return PreTrainedTokenizerFast(tokenizer_object=made, model_input_names=names, **roles)  # type: ignore[arg-type]


def module(kind: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    torch.manual_seed(5)
    config = config_of(
        SHAPES[kind],
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    # mT5 is published as encoder and decoder
    return MT5ForConditionalGeneration(config) if kind == "mt5" else build(config)


def write(kind: str, folder: Path, *, pickled: bool = False) -> None:
    """The checkpoint: configuration, tokenizer, and weights as safetensors or pickled."""
    cut = tokenizer(kind)
    made = module(kind, cut)
    made.save_pretrained(folder)
    cut.save_pretrained(folder)
    if pickled:
        (folder / "model.safetensors").unlink()
        torch.save(made.state_dict(), folder / "pytorch_model.bin")


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
