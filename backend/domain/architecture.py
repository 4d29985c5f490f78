"""The shape of an encoder, and how many weights follow from it.

One formula for every kind; a test counts the weights of the real modules on torch's meta device and holds the formulas to it.
The pooler, a language-model head and a decoder are never counted: nothing here uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backend.domain.unset import unset

Kind = Literal[
    "xlm-roberta", "bert", "xlm-roberta-xl", "distilbert", "deberta-v2", "rembert", "mt5", "modernbert", "eurobert"
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
"""Allowed architectures, by their ``model_type`` on the hub. Whatever is not named here is neither offered nor loaded."""

NO_BIASES: Final = frozenset({"mt5", "modernbert", "eurobert"})
#: What the sizes are called in a ``config.json``, where it is not the usual name.
_CALLED: Final[Mapping[str, Mapping[str, str]]] = {
    "distilbert": {"layers": "n_layers", "hidden": "dim", "heads": "n_heads", "feed_forward": "hidden_dim"},
    "mt5": {
        "layers": "num_layers", "hidden": "d_model", "heads": "num_heads", "feed_forward": "d_ff", "head_size": "d_kv",
        "buckets": "relative_attention_num_buckets",
    },
    "deberta-v2": {"buckets": "position_buckets"},
    "rembert": {"embedding": "input_embedding_size"},
    "eurobert": {"key_value_heads": "num_key_value_heads"},
}  # fmt: skip
_USUALLY: Final = {
    "layers": "num_hidden_layers", "hidden": "hidden_size", "heads": "num_attention_heads",
    "feed_forward": "intermediate_size", "vocabulary": "vocab_size", "positions": "max_position_embeddings",
    "types": "type_vocab_size",
}  # fmt: skip
MT5_LENGTH: Final = (
    1024  # sub-words of mT5's pretraining rows (Xue et al. 2021, section 3.2); its positions are relative
)


class Architecture(BaseModel):
    """The numbers that fix the shape of an encoder.

    ``positions`` is the longest row in sub-words (XLM-R: plus 2). What a kind does not have stays None and is left out of
    what is written down, so that the fingerprint of a run does not change when another kind gets a number of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    layers: int = Field(ge=1)
    hidden: int = Field(ge=8)
    heads: int = Field(ge=1)
    feed_forward: int = Field(ge=8)
    vocabulary: int = Field(ge=16)
    positions: int = Field(ge=16)
    types: int = Field(ge=0)
    embedding: int | None = Field(default=None, ge=8, exclude_if=unset)  # width of the embeddings, where not ``hidden``
    head_size: int | None = Field(default=None, ge=1, exclude_if=unset)  # where not hidden / heads
    key_value_heads: int | None = Field(default=None, ge=1, exclude_if=unset)  # where not ``heads``
    buckets: int | None = Field(default=None, ge=1, exclude_if=unset)  # of relative positions

    @model_validator(mode="after")
    def _whole(self) -> Architecture:
        if self.head_size is None and self.hidden % self.heads:
            raise ValueError(f"hidden {self.hidden} is not a multiple of heads {self.heads}")
        if self.heads % (self.key_value_heads or self.heads):
            raise ValueError(f"heads {self.heads} is not a multiple of key_value_heads {self.key_value_heads}")
        if self.kind in ("mt5", "deberta-v2") and self.buckets is None:
            raise ValueError(f"{self.kind} needs buckets, the number of its relative positions")
        return self

    @property
    def parameters_non_embedding(self) -> int:
        """Weights of everything but the embedding module.

        With biases, per layer: attention 4(h²+h), feed-forward 2hf+f+h, two layer norms 4h. Without, gated: four matrices of
        attention, 3hf, two norms 2h.
        """
        h, f = self.hidden, self.feed_forward
        inner = self.heads * (self.head_size or h // self.heads)
        if self.kind in NO_BIASES:
            shared = inner // self.heads * (self.key_value_heads or self.heads)
            layer = 2 * h * inner + 2 * h * shared + 3 * h * f + 2 * h
        else:
            layer = 4 * (h * h + h) + 2 * h * f + f + h + 4 * h
        return self.layers * layer + self._around_the_layers

    @property
    def _around_the_layers(self) -> int:
        h, buckets = self.hidden, self.buckets or 0
        match self.kind:
            case "xlm-roberta-xl":  # norms come first, so one more is needed after the last layer
                return 2 * h
            case "deberta-v2":  # embeddings of relative positions, shared by all layers, and their norm
                return 2 * buckets * h + 2 * h
            case "rembert":  # from the narrow embeddings to the layers' width
                return (self.embedding or h) * h + h
            case "mt5":  # relative biases of the first layer, which all use; the norm after the last one
                return buckets * self.heads + h
            case "modernbert":  # the norm after the last layer; the first layer has none before its attention
                return 0
            case "eurobert":
                return h
        return 0

    @property
    def parameters_embedding(self) -> int:
        """Word, position and type embeddings and their norm, as far as the kind has them."""
        width = self.embedding or self.hidden
        words = width * self.vocabulary
        match self.kind:
            case "mt5" | "eurobert":
                return words
            case "modernbert":  # a norm without bias
                return words + width
            case "deberta-v2":
                return words + width * (self.types + 2)
            case "xlm-roberta-xl":  # no norm
                return words + width * (self.positions + self.types)
        return words + width * (self.positions + self.types + 2)

    @property
    def parameters(self) -> int:
        return self.parameters_non_embedding + self.parameters_embedding


def architecture_of(config: Mapping[str, Any]) -> Architecture:
    """The shape that a checkpoint's ``config.json`` describes.

    Raises:
        ValueError: it is of a kind that is not allowed, or a size is missing or makes no sense; says which.
    """
    kind = config.get("model_type")
    if kind not in KINDS:
        raise ValueError(f"model_type {str(kind)[:60]!r} is not an allowed architecture; allowed: {', '.join(KINDS)}")
    called = {**_USUALLY, **_CALLED.get(kind, {})}
    sizes = {name: config[key] for name, key in called.items() if isinstance(config.get(key), int)}
    sizes.setdefault("types", 0 if kind != "bert" else 2)
    if kind == "mt5":
        sizes.setdefault("positions", MT5_LENGTH)
    if kind == "deberta-v2" and sizes.get("buckets", 0) < 1:
        raise ValueError("position_buckets must be given: only DeBERTa of version 3 is supported")
    missing = [
        called[n] for n in ("layers", "hidden", "heads", "feed_forward", "vocabulary", "positions") if n not in sizes
    ]
    if missing:
        raise ValueError(f"{', '.join(missing)} must be given as whole numbers")
    try:
        return Architecture(kind=kind, **sizes)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise ValueError(f"{called.get(name, name) or kind}: {first['msg']}") from error
