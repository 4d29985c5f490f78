"""Tokenizers of checkpoints that have a SentencePiece model and no tokenizer.json.

The library converts some of these and, of families it does not know by name, makes something that cuts differently: without the
model's own normalization, say, or without special tokens around a text. So it is done here, family by family: which entry has which
number is how its encoder was trained (fairseq's for XLM-R, Conneau et al. 2020; the model's own for the others), and what comes
out is held against SentencePiece itself before it is used. Unigram models (Kudo 2018, arXiv 1804.10959) alone: all published
encoders of these families have one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from backend.domain import mini

UNIGRAM = 1  # of ``TrainerSpec.ModelType``
PER_LANGUAGE = 40  # lines of the mini world that are cut both ways
#: What differs between writings of one text, and what few models know.
ODD: Final = (
    "Ｆｕｌｌ ｗｉｄｔｈ ①",
    "two  spaces",
    " at the ends ",
    "soft\u00adhyphen",
    "zero\u200bwidth",
    "ﬁ ǆ e\u0301 é",
    "☃ 𐍈",
    "tab\there",
    "，。！？",
)
REMEDY: Final = "where the model was made, load its tokenizer and save it with save_pretrained, which writes a tokenizer.json; put that beside its weights"


class Unlike(Exception):
    """What is there cannot be made into a fast tokenizer that is like it; the message says what it is."""


@dataclass(frozen=True)
class Family:
    """``first``: entries that stand before the model's own, of which ``dropped`` are left out; ``last``: those after them, where it has none
    of that name. Then what stands around one text and around two, and which token has which role."""

    single: str
    pair: str
    roles: Mapping[str, str]
    first: tuple[str, ...] = ()
    dropped: int = 0
    last: tuple[str, ...] = ()


_XLMR: Final = Family(
    "<s> $A </s>",
    "<s> $A </s> </s> $B </s>",
    {
        "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
        "pad_token": "<pad>", "mask_token": "<mask>",
    },
    first=("<s>", "<pad>", "</s>", "<unk>"),
    dropped=3,
    last=("<mask>",),
)  # fmt: skip
_BERT: Final = Family(
    "[CLS] $A [SEP]",
    "[CLS] $A [SEP] $B:1 [SEP]:1",
    {
        "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]",
    },
    last=("[MASK]",),
)  # fmt: skip
FAMILIES: Final[Mapping[str, Family]] = {
    "xlm-roberta": _XLMR,
    "xlm-roberta-xl": _XLMR,
    "deberta-v2": _BERT,
    "rembert": _BERT,
    "mt5": Family("$A </s>", "$A </s> $B </s>", {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}),
}


def model_in(folder: Path) -> Path | None:
    """The SentencePiece model of a folder without a tokenizer.json; None where it has one, or no such model."""
    found = sorted(folder.glob("*.model"))
    return found[0] if found and not (folder / "tokenizer.json").exists() else None


def converted(path: Path, kind: str) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a SentencePiece model, as encoders of this kind know it.

    Raises:
        Unlike: the kind has no such tokenizers, the file is no such model, or it is one that cannot be converted.
    """
    if kind not in FAMILIES:
        raise Unlike(f"{path.name} is there, and {kind} encoders have no SentencePiece tokenizer that is known here")
    family = FAMILIES[kind]
    proto, processor = _read(path)
    if proto.trainer_spec.model_type != UNIGRAM:
        raise Unlike(f"{path.name} is no unigram model, and only these are converted")
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    entries = [*((name, 0.0) for name in family.first), *pieces[family.dropped :]]
    names = {name for name, _ in entries}
    entries += [(name, 0.0) for name in family.last if name not in names]
    number = {name: i for i, (name, _) in enumerate(entries)}
    lacking = sorted(set(family.roles.values()) - number.keys())
    if lacking:
        raise Unlike(f"{path.name} has no {lacking[0]}, which a {kind} encoder knows")
    unknown = number[family.roles["unk_token"]]
    made = Tokenizer(models.Unigram(entries, unk_id=unknown, byte_fallback=False))
    made.normalizer = _normalizer(proto.normalizer_spec)
    made.pre_tokenizer = pre_tokenizers.Metaspace(
        prepend_scheme="always" if proto.normalizer_spec.add_dummy_prefix else "never"
    )
    made.decoder = decoders.Metaspace(prepend_scheme="always" if proto.normalizer_spec.add_dummy_prefix else "never")
    special = [*dict.fromkeys(family.roles.values())]
    made.add_special_tokens(special)
    made.post_processor = processors.TemplateProcessing(
        single=family.single, pair=family.pair,
        special_tokens=[(name, number[name]) for name in special if name in family.pair],
    )  # fmt: skip
    _check_added(path.parent, number)
    _check(made, processor, len(family.first) - family.dropped, unknown, path.name)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"], **dict(family.roles),
    )  # fmt: skip


def _read(path: Path) -> tuple[Any, Any]:
    """The model as a message, and as SentencePiece reads it."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    messages: Any = sentencepiece_model_pb2
    try:
        content = path.read_bytes()
        proto = messages.ModelProto.FromString(content)
        return proto, sentencepiece.SentencePieceProcessor(model_proto=content)
    except Exception as error:  # protobuf's and SentencePiece's own, which share no base
        raise Unlike(f"{path.name} is no SentencePiece model: {error}") from error


def _normalizer(spec: Any) -> Any:
    steps: list[Any] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Strip(left=True, right=True), normalizers.Replace(Regex(" {2,}"), " ")]
    return normalizers.Sequence(steps)


def _check_added(folder: Path, number: Mapping[str, int]) -> None:
    """Entries that the checkpoint says it has beside the model's have to be where it says.

    Raises:
        Unlike: one is not.
    """
    path = folder / "added_tokens.json"
    if not path.is_file():
        return
    try:
        added = dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise Unlike(f"{path.name} cannot be read: {error}") from error
    for name, wanted in added.items():
        if number.get(name) != wanted:
            raise Unlike(f"{path.name} has {str(name)[:60]!r} at {str(wanted)[:20]}, which its family does not")


def _check(made: Tokenizer, processor: Any, offset: int, unknown: int, name: str) -> None:
    """Cut text in many scripts both ways.

    Raises:
        Unlike: a line is not cut alike.
    """
    lines: Sequence[str] = [*ODD, *(line for code in mini.LANGUAGES for line in list(mini.text(code))[:PER_LANGUAGE])]
    for line, ids in zip(lines, processor.encode(list(lines)), strict=True):
        theirs = [unknown if i == processor.unk_id() else i + offset for i in ids]
        ours = made.encode(line, add_special_tokens=False).ids
        if ours != theirs:
            raise Unlike(
                f"{name} was converted, and what came out cuts {line[:60]!r} in another way than SentencePiece does"
            )
