"""What a model is: a pretrained encoder, where its weights come from, and how large it is.

Parameters are never typed in: they follow from the architecture (``Architecture.parameters``), and the worker counts
them again from the checkpoint it loaded and records what it found on the run. Sizes that were published for a model
disagree with each other (XLM-R base: 250, 270 and 279 million), which is why.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from backend.domain.architecture import Architecture
from backend.domain.task import Facts, Source
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training

DIRECTORY = "dir:"  # before the name of a folder under the model root, in place of a hub id


class Family(StrEnum):
    XLM_R = "XLM-R"
    XLM_V = "XLM-V"
    INFOXLM = "InfoXLM"
    MINILM = "mMiniLM"
    MBERT = "mBERT"
    LABSE = "LaBSE"
    DEBERTA = "mDeBERTa"
    REMBERT = "RemBERT"
    MMBERT = "mmBERT"
    EUROBERT = "EuroBERT"
    MT5 = "mT5"
    MINI = "mini"
    OWN = "own"  # named by whoever runs this installation, or pretrained here


class Model(Facts):
    """A pretrained encoder.

    Either ``checkpoint`` names it on the hub (``revision`` unset until resolved at first use and recorded) or, as
    ``dir:name``, a folder under the model root; or ``pretraining`` says how we pretrain it ourselves, as an ordinary run, on the
    mini world's text or on ``text``.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9.-]{1,40}$")
    title: str
    family: Family
    architecture: Architecture
    checkpoint: str | None = None
    revision: str | None = None
    pretraining: Training | None = None
    text: TextSpec | None = None  # of a model that somebody pretrains here: what on, else the mini world's
    base: str | None = None  # the model that this one goes on from
    device: Literal["cpu", "cuda"] | None = None  # where and how it is pretrained; None: as the experiment that uses it
    precision: Literal["fp32", "bf16"] | None = None
    sources: tuple[Source, ...]
    licence: str
    citation: str
    note: str = ""  # what one must know to read its sizes or its scores

    @model_validator(mode="after")
    def _one_origin(self) -> Model:
        if (self.checkpoint is None) == (self.pretraining is None):
            raise ValueError(f"model {self.name} needs either a checkpoint or a pretraining recipe")
        return self

    @property
    def parameters(self) -> int:
        return self.architecture.parameters

    @property
    def parameters_non_embedding(self) -> int:
        return self.architecture.parameters_non_embedding
