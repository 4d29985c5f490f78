"""The architectures that may be loaded, behind one interface: configuration, class, embeddings, layers, forward pass.

Only classes of the installed library are named here, and never by what a checkpoint says but for its ``model_type``: no code of
a checkpoint is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    DistilBertModel,
    EuroBertConfig,
    EuroBertModel,
    ModernBertConfig,
    ModernBertModel,
    MT5Config,
    MT5EncoderModel,
    PreTrainedConfig,
    PreTrainedModel,
    RemBertConfig,
    RemBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLMRobertaXLConfig,
    XLMRobertaXLModel,
)

from backend.domain.architecture import KINDS, MT5_LENGTH, Architecture


@dataclass(frozen=True)
class Class:
    """How the library spells one architecture."""

    config: type[PreTrainedConfig]
    model: type[PreTrainedModel]
    options: Mapping[str, Any] = field(default_factory=dict)  # of the model's constructor
    names: Mapping[str, str] = field(default_factory=dict)  # of sizes, where not the usual ones
    fixed: Mapping[str, Any] = field(default_factory=dict)  # of the configuration, for the published checkpoints
    embeddings: str = "embeddings"
    layers: str = "encoder.layer"
    last_norm: str | None = None  # what normalises the last layer's states, and only these
    maps: tuple[str, ...] = (  # linear maps of a layer: attention's, then the feed-forward's
        "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "intermediate.dense",
        "output.dense",
    )  # fmt: skip


_NO_POOLER: Final = {"add_pooling_layer": False}
CLASSES: Final[Mapping[str, Class]] = {
    "xlm-roberta": Class(XLMRobertaConfig, XLMRobertaModel, _NO_POOLER),
    "bert": Class(BertConfig, BertModel, _NO_POOLER),
    "xlm-roberta-xl": Class(XLMRobertaXLConfig, XLMRobertaXLModel, _NO_POOLER, last_norm="encoder.LayerNorm"),
    "distilbert": Class(
        DistilBertConfig,
        DistilBertModel,
        names={
            "layers": "n_layers", "hidden": "dim", "heads": "n_heads", "feed_forward": "hidden_dim", "types": "",
        },
        layers="transformer.layer",
        maps=("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "ffn.lin1", "ffn.lin2"),
    ),
    "deberta-v2": Class(
        DebertaV2Config,
        DebertaV2Model,
        names={"buckets": "position_buckets"},
        maps=(
            "attention.self.query_proj", "attention.self.key_proj", "attention.self.value_proj", "attention.output.dense",
            "intermediate.dense", "output.dense",
        ),
        fixed={
            "relative_attention": True, "share_att_key": True, "pos_att_type": ["p2c", "c2p"],
            "norm_rel_ebd": "layer_norm", "position_biased_input": False, "max_relative_positions": -1,
        },
    ),
    "rembert": Class(RemBertConfig, RemBertModel, _NO_POOLER, names={"embedding": "input_embedding_size"}),
    "mt5": Class(
        MT5Config,
        MT5EncoderModel,
        names={
            "layers": "num_layers", "hidden": "d_model", "heads": "num_heads", "feed_forward": "d_ff",
            "head_size": "d_kv", "buckets": "relative_attention_num_buckets", "positions": "", "types": "",
        },
        embeddings="shared",
        layers="encoder.block",
        last_norm="encoder.final_layer_norm",
        maps=(
            *(f"layer.0.SelfAttention.{name}" for name in "qkvo"),
            *(f"layer.1.DenseReluDense.{name}" for name in ("wi_0", "wi_1", "wo")),
        ),
    ),
    "modernbert": Class(
        ModernBertConfig,
        ModernBertModel,
        names={"types": ""},
        layers="layers",
        last_norm="final_norm",
        maps=("attn.Wqkv", "attn.Wo", "mlp.Wi", "mlp.Wo"),
    ),
    "eurobert": Class(
        EuroBertConfig,
        EuroBertModel,
        names={"types": "", "key_value_heads": "num_key_value_heads"},
        embeddings="embed_tokens",
        layers="layers",
        last_norm="norm",
        maps=(
            *(f"self_attn.{name}_proj" for name in "qkvo"),
            *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
        ),
    ),
}  # fmt: skip
assert set(CLASSES) == set(KINDS)

_USUAL: Final = {
    "layers": "num_hidden_layers", "hidden": "hidden_size", "heads": "num_attention_heads",
    "feed_forward": "intermediate_size", "vocabulary": "vocab_size", "positions": "max_position_embeddings",
    "types": "type_vocab_size",
}  # fmt: skip
_SEGMENTS: Final = frozenset({"bert", "rembert", "xlm-roberta", "xlm-roberta-xl", "deberta-v2"})
#: Kinds whose layers have BERT's parts, and whose last layer can be computed at some positions alone.
_BERT_LIKE: Final = frozenset({"bert", "xlm-roberta"})
_DROPOUTS: Final = ("hidden_dropout_prob", "dropout", "dropout_rate", "mlp_dropout")


def class_of(kind: str) -> Class:
    """Raises ValueError where the kind is not allowed."""
    if kind not in CLASSES:
        raise ValueError(f"model_type {kind[:60]!r} is not an allowed architecture; allowed: {', '.join(CLASSES)}")
    return CLASSES[kind]


def config_of(architecture: Architecture, **more: Any) -> PreTrainedConfig:
    """The library's configuration of this shape; ``more`` are further settings by the library's names."""
    of = class_of(architecture.kind)
    names = _USUAL | dict(of.names)
    sizes = {names[k]: v for k, v in architecture.model_dump(exclude={"kind"}).items() if names.get(k)}
    return of.config(**dict(of.fixed) | sizes | more)


def build(config: PreTrainedConfig) -> PreTrainedModel:
    """Random weights in the current default device; no pooler, no decoder."""
    of = class_of(config.model_type)
    return of.model(config, **of.options)


def kind_of(module: nn.Module) -> str:
    return str(cast(Any, module).config.model_type)


def embeddings_of(module: nn.Module) -> nn.Module:
    """Everything that is looked up by a sub-word, its place or its segment, and its norm."""
    return module.get_submodule(CLASSES[kind_of(module)].embeddings)


def layers_of(module: nn.Module) -> nn.ModuleList:
    """Its transformer layers, from below."""
    return cast(nn.ModuleList, module.get_submodule(CLASSES[kind_of(module)].layers))


def keep_lowest(module: nn.Module, count: int, *, norm: bool = False) -> None:
    """Drop the layers above the lowest ``count``; the config then says so.

    A norm that belongs to the last layer goes with it, so that what comes out are the states after layer ``count`` as the whole
    encoder has them in its list of hidden states. ``norm``: it stays, as in an encoder of that depth.
    """
    of = CLASSES[kind_of(module)]
    layers = layers_of(module)
    if count >= len(layers):
        return
    parent, _, name = of.layers.rpartition(".")
    setattr(module.get_submodule(parent), name, layers[:count])
    config: Any = module.config
    config.num_hidden_layers = count  # DistilBERT's and mT5's have it under another name, and know this one too
    if getattr(config, "layer_types", None) is not None:  # ModernBERT's, one a layer: with others it would not be saved
        config.layer_types = config.layer_types[:count]
    if of.last_norm is not None and not norm:
        parent, _, name = of.last_norm.rpartition(".")
        setattr(module.get_submodule(parent), name, nn.Identity())


def dropout_of(config: PreTrainedConfig) -> float:
    """Of hidden states, as its head is given it too; 0 where the kind has none."""
    return float(next((getattr(config, name) for name in _DROPOUTS if hasattr(config, name)), 0.0))


def longest(config: PreTrainedConfig) -> int:
    """Sub-words of the longest row it can read. XLM-R counts positions from its padding id on."""
    if config.model_type == "mt5":
        return MT5_LENGTH
    positions = int(config.max_position_embeddings)
    return positions - int(config.pad_token_id) - 1 if config.model_type.startswith("xlm-roberta") else positions


def is_bert_like(module: nn.Module) -> bool:
    return kind_of(module) in _BERT_LIKE


def has_first(module: nn.Module) -> bool:
    """Whether a row begins with a token that stands for all of it. mT5's begins with the text."""
    return kind_of(module) != "mt5"


def whole(
    module: nn.Module,
    ids: torch.Tensor,
    mask: torch.Tensor | None,
    types: torch.Tensor | None,
    forward: Callable[..., Any] | None = None,
) -> torch.Tensor:
    """[rows, length] → the last layer's states, [rows, length, hidden], by the library's own forward pass: ``forward`` where the
    module now has another."""
    given: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids) if mask is None else mask.long()}
    if kind_of(module) in _SEGMENTS:
        segments = int(cast(Any, module).config.type_vocab_size)
        given["token_type_ids"] = torch.zeros_like(ids) if types is None or segments < 2 else types
    return cast(torch.Tensor, (forward or module)(**given).last_hidden_state)
