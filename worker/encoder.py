"""Encoders: from a parent's artifact, from the hub, or fresh; their tokenizers; and a forward pass that computes of the last
layer only what is looked at."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from backend.domain import mini
from backend.domain.model import Architecture
from backend.domain.run import ModelSpec, digest
from worker import architectures, guard, pretrained, recompute
from worker.attention import attend
from worker.attention import kept as bits_kept
from worker.formats import Batch, Reads, spread

MLM_HEAD = "mlm_head.safetensors"
TOKENIZER_VERSION = 1  # raise it when the same text would give another tokenizer


@dataclass(frozen=True)
class Encoder:
    """A module, its tokenizer and, where it was pretrained here, the weights of its masked-language-model head."""

    module: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    mlm_head: Mapping[str, torch.Tensor] | None = None
    revision: str | None = None  # of a checkpoint that was found: the hub's commit, or a digest of its files
    folder: Path | None = None  # where that checkpoint lies

    @property
    def hidden(self) -> int:
        return int(self.module.config.hidden_size)

    @property
    def dropout(self) -> float:
        return architectures.dropout_of(self.module.config)

    @property
    def pad(self) -> int:
        return int(cast(int, self.tokenizer.pad_token_id))

    @property
    def longest(self) -> int:
        """Sub-words of the longest row it can read."""
        return architectures.longest(self.module.config)

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.module.parameters())

    @property
    def parameters_non_embedding(self) -> int:
        return self.parameters - sum(p.numel() for p in architectures.embeddings_of(self.module).parameters())

    @cached_property
    def tokenizer_digest(self) -> str:
        """What pins sub-words. How long the last text was allowed to be is state of the tokenizer, and left out."""
        whole = json.loads(self.tokenizer.backend_tokenizer.to_str())
        return digest([{**whole, "truncation": None, "padding": None}, self.tokenizer.model_input_names])

    def save(self, folder: Path, mlm_head: nn.Module | None = None) -> None:
        """Write weights (safetensors), configuration and tokenizer where ``load`` finds them."""
        self.module.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if mlm_head is not None:
            save_file({k: v.detach().cpu().contiguous() for k, v in mlm_head.state_dict().items()}, folder / MLM_HEAD)


def load(folder: Path) -> Encoder:
    """The encoder of a parent's artifact."""
    module = pretrained.module_from(folder, "the parent's encoder")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    head = load_file(folder / MLM_HEAD) if (folder / MLM_HEAD).exists() else None
    return Encoder(module, tokenizer, head)


def load_pretrained(
    model: ModelSpec,
    *,
    root: Path | None,
    cache: Path,
    offline: bool,
    log: Callable[[str], None] = lambda message: None,
) -> Encoder:
    """An encoder from the hub, at its commit where that is known, or from a folder under the model root.

    Raises:
        OSError: it cannot be had, or ``offline`` and it is not in this machine's cache.
        ValueError: it is not allowed.
    """
    found = pretrained.find(model, root=root, cache=cache, offline=offline, log=log)
    module, tokenizer = pretrained.load(found, str(model.checkpoint))
    return Encoder(module, tokenizer, revision=found.revision, folder=found.folder)


def fresh(architecture: Architecture, tokenizer: PreTrainedTokenizerFast) -> Encoder:
    """Random weights, drawn from torch's global generator.

    Word embeddings are drawn so that the tied output layer starts with logits of about unit size. Held-out loss of mini-2
    after 1,200 steps with the usual 0.02 for every weight: 2.7; with this: 2.1.
    """
    config = architectures.config_of(
        architecture,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        # In a few thousand steps hardly anything is seen twice; dropout would only cost time, within attention most of all.
        attention_probs_dropout_prob=0.0,
        hidden_dropout_prob=0.0,
        initializer_range=spread(architecture.hidden),
    )
    module = architectures.build(config)
    words = cast(nn.Embedding, module.get_input_embeddings()).weight
    with torch.no_grad():
        words.normal_(std=architecture.hidden**-0.5)
        words[tokenizer.pad_token_id].zero_()
    return Encoder(module, tokenizer)


# --- the forward pass ---------------------------------------------------------------------------------------------


def states(module: nn.Module, batch: Batch, reads: Reads) -> torch.Tensor:
    """The last layer's states where ``reads`` says: [rows, hidden], [marked tokens, hidden] or [rows, length, hidden].

    The same numbers as the module's own ``forward`` (a test holds it to that). For BERT's and RoBERTa's kind without the work
    on positions that nothing reads (with the first token alone, three quarters of the last layer); the others compute all.
    Where no first token stands for its row (mT5), the mean of its sub-words does.
    """
    watcher = guard.of(module)
    if watcher is not None:  # its weights are divided: it and its layers are called as modules, which gathers them
        return watcher.states(module, batch, reads)
    return computed(module, batch, reads, partial(recompute.again, _layer) if recompute.switched_on(module) else _layer)


def under_guard(module: nn.Module, watcher: guard.Guard) -> None:
    """Make the module's call give ``states``, with each of its layers called as a module and under guard (``worker.sharding``)."""
    bert = architectures.is_bert_like(module)
    for layer in architectures.layers_of(module):
        forward = partial(_layer, layer) if bert else layer.forward
        layer.forward = watcher.watched(layer, forward, _size_of if bert else None)
    module.forward = partial(_no_view, module, module.forward)


def _no_view(module: nn.Module, forward: Callable[..., Any], batch: Batch, reads: Reads) -> torch.Tensor:
    """What waits for the gradients of what a module gives is lost with a view of it that is written to."""
    return computed(module, batch, reads, _as_module, forward).clone()


def _as_module(layer: nn.Module, *given: Any) -> torch.Tensor:
    return cast(torch.Tensor, layer(*given))


def _size_of(
    x: torch.Tensor, asked: torch.Tensor, mask: torch.Tensor | None, kept: torch.Tensor | None = None
) -> tuple[int, ...]:
    """Of what ``_layer`` gives."""
    return tuple(asked.shape) if kept is None else (len(kept), asked.shape[-1])


def computed(
    module: nn.Module,
    batch: Batch,
    reads: Reads,
    through: Callable[..., torch.Tensor],
    forward: Callable[..., Any] | None = None,
) -> torch.Tensor:
    """``states``, each layer of BERT's kind by ``through``; ``forward``: the library's, where the module now has another."""
    if not architectures.is_bert_like(module):
        return _picked(module, architectures.whole(module, batch.ids, batch.mask, batch.types, forward), batch, reads)
    x = module.embeddings(input_ids=batch.ids, token_type_ids=batch.types)  # type: ignore[operator]
    mask = None if batch.mask is None else batch.mask[:, None, None, :]
    layers = list(module.encoder.layer)  # type: ignore[union-attr, arg-type]
    for layer in layers[:-1]:
        x = through(layer, x, x, mask)
    if reads is Reads.FIRST:
        return through(layers[-1], x, x[:, :1], mask)[:, 0]
    if reads is Reads.MARKED:
        return through(layers[-1], x, x, mask, torch.nonzero(batch.token["labels"].flatten() >= 0)[:, 0])
    return through(layers[-1], x, x, mask)


def _picked(module: nn.Module, x: torch.Tensor, batch: Batch, reads: Reads) -> torch.Tensor:
    if reads is Reads.MARKED:
        return x.flatten(0, 1)[batch.token["labels"].flatten() >= 0]
    if reads is Reads.EVERY:
        return x
    if architectures.has_first(module):
        return x[:, 0]
    if batch.mask is None:
        return x.mean(dim=1)
    real = batch.mask.unsqueeze(-1).to(x.dtype)
    return (x * real).sum(dim=1) / real.sum(dim=1)


def _layer(
    layer: nn.Module, x: torch.Tensor, asked: torch.Tensor, mask: torch.Tensor | None, kept: torch.Tensor | None = None
) -> torch.Tensor:
    """One transformer layer at the positions ``asked``, attending to all of ``x``; of them only the flat indices ``kept``."""
    attention: Any = layer.attention
    inner: Any = attention.self
    heads, size = inner.num_attention_heads, inner.attention_head_size

    def split(t: torch.Tensor) -> torch.Tensor:
        return t.view(t.shape[0], t.shape[1], heads, size).transpose(1, 2)

    dropout = inner.dropout.p if layer.training else 0.0
    mixed = attend(split(inner.query(asked)), split(inner.key(x)), split(inner.value(x)), mask, dropout)
    mixed = mixed.transpose(1, 2).reshape(asked.shape)
    if kept is not None:
        mixed, asked = mixed.flatten(0, 1)[kept], asked.flatten(0, 1)[kept]
    after = attention.output(mixed, asked)
    return cast(torch.Tensor, layer.output(layer.intermediate(after), after))  # type: ignore[operator]


class QuickDropout(nn.Module):
    """Dropout for a CPU: torch draws its mask number by number, which costs a small encoder a fifth of a training step.

    Here random bits decide (``worker.attention.kept``), four values a draw; what decides the mask is still torch's generator alone.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return x
        return x * bits_kept(x.shape, self.p).to(x.dtype).mul_(1 / (1 - self.p))


def quicken(module: nn.Module) -> None:
    """Put QuickDropout in place of every nn.Dropout below this module. For training on a CPU."""
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, QuickDropout(child.p))
        else:
            quicken(child)


class MlmHead(nn.Module):
    """XLM-R's masked-language-model head; its output matrix is the encoder's word embeddings and passed in."""

    def __init__(self, hidden: int, vocabulary: int, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.layer_norm = nn.LayerNorm(hidden, eps=eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        nn.init.normal_(self.dense.weight, std=spread(hidden))
        nn.init.zeros_(self.dense.bias)

    def forward(self, states: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """[tokens, hidden] → [tokens, vocabulary]"""
        return nn.functional.linear(self.layer_norm(nn.functional.gelu(self.dense(states))), words, self.bias)


# --- the mini world's tokenizer -----------------------------------------------------------------------------------

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
_MASK = "<mask>"
_ROLES: dict[str, Any] = {
    "bos_token": "<s>", "cls_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "sep_token": "</s>",
    "unk_token": "<unk>", "mask_token": _MASK, "model_input_names": ["input_ids", "attention_mask"],
}  # fmt: skip


def mini_tokenizer(vocabulary: int, cache: Path) -> PreTrainedTokenizerFast:
    """A byte-pair tokenizer of exactly this many entries, trained on the mini world's text of all languages.

    Same text, same tokenizer; kept under ``cache`` by the digest of what it is made from. Special tokens have XLM-R's
    places: ``<s> <pad> </s> <unk>`` first, ``<mask>`` last.
    """
    key = digest([TOKENIZER_VERSION, vocabulary, mini.fingerprint_parameters()])
    return kept(
        cache / "tokenizers" / key,
        lambda: train_tokenizer({code: list(mini.text(code)) for code in mini.LANGUAGES}, vocabulary),
    )


def kept(folder: Path, make: Callable[[], PreTrainedTokenizerFast]) -> PreTrainedTokenizerFast:
    """The tokenizer that lies in this folder; made and put there first where there is none."""
    if not (folder / "tokenizer.json").exists():
        trained = make()
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        trained.save_pretrained(made)
        try:
            made.replace(folder)
        except OSError:  # another run was first; the content is the same
            shutil.rmtree(made)
    return cast(PreTrainedTokenizerFast, PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True))


def train_tokenizer(text: Mapping[str, Sequence[str]], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train on lines by language. Raises ValueError where ``vocabulary`` does not even hold their characters.

    Merges are learned from equally many lines of every language, else the words of the small ones would be cut into
    crumbs. Every character of the text, and all of ASCII, is an entry, so none of them becomes ``<unk>``. Words are split at
    spaces, which ``▁`` stands for, and at punctuation; Han characters are split from each other (as mBERT does), because a
    script without spaces would otherwise give pieces that run across words.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_TOKENS[3]))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            pre_tokenizers.Split(Regex(r"\p{Han}|\p{P}"), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    characters = {chr(c) for c in range(0x21, 0x7F)}
    for lines in text.values():
        characters.update(tokenizer.normalizer.normalize_str("\n".join(lines)))
    characters -= {" ", "\n"}
    room = vocabulary - 1
    if len(characters) + len(SPECIAL_TOKENS) + 1 > room:
        raise ValueError(f"a vocabulary of {vocabulary} does not hold the {len(characters)} characters of the text")
    trainer = trainers.BpeTrainer(
        vocab_size=room,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=[*sorted(characters), "▁"],
        show_progress=False,
        min_frequency=2,
    )
    fewest = min(len(lines) for lines in text.values())
    tokenizer.train_from_iterator([line for lines in text.values() for line in lines[:fewest]], trainer)
    return finished(tokenizer, vocabulary)


def finished(tokenizer: Tokenizer, vocabulary: int) -> PreTrainedTokenizerFast:
    """A trained tokenizer filled up to ``vocabulary`` entries, with ``<mask>`` as the last and XLM-R's special tokens around a
    row."""
    filler = [f"<unused{i}>" for i in range(vocabulary - 1 - tokenizer.get_vocab_size())]
    tokenizer.add_tokens(filler)
    tokenizer.add_special_tokens([_MASK])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **_ROLES)
