"""Encoders that somebody pretrains here on text of their own: what is asked for, and the model that it makes.

The model is then one of the catalogue: an experiment that uses it has its ``pretrain`` run as the first of its runs, as with the
encoders of the mini world. A request is *fresh* (a tokenizer and an encoder of the sizes asked for) or continues the
masked-language modelling of a ``base``, another model of the catalogue, whose sizes and tokenizer it keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.domain.architecture import Architecture
from backend.domain.language import LANGUAGES
from backend.domain.model import BUILT_IN, MODELS, Family, Model, unusable
from backend.domain.run import DeviceClass, Precision
from backend.domain.task import Source
from backend.domain.text import EXPONENT, Corpus
from backend.domain.text.spec import Exponent, Share, TextSpec
from backend.domain.training import Finite, Training
from backend.errors import FieldError, shown, unknown

#: Architectures whose masked-language-model head is known here: a dense layer, a norm and the word embeddings.
CONTINUED = ("xlm-roberta", "bert")
MOST_FILES = 2_000  # each is written down with its digest
#: Share of the sub-words hidden in training. 15 % is what published encoders were pretrained with (Devlin et al. 2019) and what a
#: continuation keeps. From nothing and in few steps what is scarce is places to learn from: see ``worker.pretrain.CHOSEN``.
MASKED_FRESH, MASKED_ON = 0.3, 0.15
RATE_FRESH, RATE_ON = 1e-3, 5e-5
SIZES = ("layers", "hidden", "heads", "feed_forward", "vocabulary", "positions")

Folder = Annotated[str, Field(min_length=1, max_length=400)]
Code = Annotated[str, Field(min_length=1, max_length=40)]


class PretrainRequest(BaseModel):
    """What form, API and command line submit to pretrain an encoder. ``text``: folders or files under the data root."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "lab-4",
                    "text": ["bible", "tatoeba/v1"],
                    "languages": ["en", "eu", "sw"],
                    "layers": 4,
                    "steps": 4000,
                },
                {"name": "xlmr-sw", "text": ["bible"], "languages": ["sw"], "base": "xlmr-base", "steps": 1000},
            ]
        },
    )

    name: str = Field(pattern=r"^[a-z][a-z0-9.-]{1,39}$", description="what the model is called from then on")
    text: tuple[Folder, ...] = Field(min_length=1, max_length=100)
    languages: tuple[Code, ...] | None = Field(
        default=None, min_length=1, max_length=100, description="all that the text is in where none is given"
    )
    base: str | None = Field(
        default=None, max_length=60, description="a model whose masked-language modelling is continued; then no sizes"
    )
    layers: int | None = Field(default=None, ge=1, le=96, description="4 where not given")
    hidden: int | None = Field(default=None, ge=16, le=8192, description="256 where not given")
    heads: int | None = Field(default=None, ge=1, le=128, description="one for every 64 of hidden where not given")
    feed_forward: int | None = Field(default=None, ge=16, le=65536, description="4 × hidden where not given")
    vocabulary: int | None = Field(default=None, ge=300, le=1_000_000, description="sub-words; 8000 where not given")
    positions: int | None = Field(default=None, ge=18, le=8194, description="longest row + 2; 514 where not given")
    steps: int = Field(default=10_000, ge=1, le=10_000_000)
    batch_size: int = Field(default=64, ge=1, le=65536)
    learning_rate: Finite | None = Field(default=None, gt=0, le=1, description="1e-3 fresh, 5e-5 from a base")
    max_length: int = Field(
        default=128, ge=8, le=8192, description="sub-words of a row; longer lines are cut into rows"
    )
    warmup: Finite = Field(default=0.1, ge=0, le=1)
    weight_decay: Finite = Field(default=0.01, ge=0, le=10)
    exponent: Exponent = Field(default=EXPONENT, description="languages are drawn by lines^exponent")
    masked: Share | None = Field(default=None, description="share of the sub-words hidden; 0.3 fresh, 0.15 from a base")
    device: DeviceClass = DeviceClass.CPU
    precision: Precision = "fp32"


def problems(request: PretrainRequest) -> list[FieldError]:
    """Everything that a schema cannot see and that needs no look at the text: one entry a field, empty where nothing is wrong."""
    found: list[FieldError] = []

    def refuse(field: str, message: str) -> None:
        found.append(FieldError(f"/{field}", message))

    if request.name in {m.name for m in BUILT_IN} or (request.name in MODELS and MODELS[request.name].text is None):
        refuse(
            "name",
            f"the name {request.name} is taken by another model; accepted is any that `crosslift models` does not list",
        )
    for name, values, known in (("text", request.text, None), ("languages", request.languages or (), LANGUAGES)):
        for i, value in enumerate(values):
            if value in values[:i]:
                refuse(f"{name}/{i}", f"{shown(value)} is named twice")
            elif known is not None and value not in known:
                refuse(f"{name}/{i}", unknown("language", value, tuple(known)))
    if request.base is None:
        try:
            architecture_of(request)
        except ValidationError as error:
            refuse("heads", str(error.errors()[0]["msg"]).removeprefix("Value error, "))
        longest = (request.positions or 514) - 2
    else:
        if (message := _no_base(request.base)) is not None:
            refuse("base", message)
            return found
        for size in SIZES:
            if (given := getattr(request, size)) is not None:
                refuse(size, f"{given} cannot be chosen here: the sizes are those of {request.base}; leave it out")
        longest = MODELS[request.base].architecture.positions - 2
    if request.max_length > longest:
        refuse("max_length", f"{request.max_length} is more than a row of this encoder holds; at most {longest}")
    if request.device is DeviceClass.CPU and request.precision != "fp32":
        refuse("precision", "on a CPU only fp32 is accepted")
    return found


def _no_base(name: str) -> str | None:
    if (message := unusable(name)) is not None:
        return message
    if not _continued(MODELS[name]):
        allowed = [m.name for m in MODELS.values() if _continued(m)]
        return (
            f"the masked-language modelling of {name} ({MODELS[name].architecture.kind}) cannot be continued on real text; "
            f"accepted are {', '.join(allowed)}"
        )
    return None


def _continued(model: Model) -> bool:
    """Those of the mini world are left out: what has seen both would be neither synthetic nor not."""
    return model.architecture.kind in CONTINUED and Source.FILES in model.sources


def architecture_of(request: PretrainRequest) -> Architecture:
    """The sizes of a fresh encoder, shaped as XLM-R.

    Raises:
        ValidationError: they do not go together.
    """
    hidden = request.hidden or 256
    return Architecture(
        kind="xlm-roberta",
        layers=request.layers or 4,
        hidden=hidden,
        heads=request.heads or max(1, hidden // 64),
        feed_forward=request.feed_forward or 4 * hidden,
        vocabulary=request.vocabulary or 8000,
        positions=request.positions or 514,
        types=1,
    )


def model_of(request: PretrainRequest, corpus: Corpus, commits: Mapping[str, str]) -> Model:
    """The model that a request makes, which has no ``problems``.

    Args:
        commits: checkpoint → commit, as far as they were resolved before.
    """
    base = MODELS[request.base] if request.base else None
    architecture = architecture_of(request) if base is None else base.architecture
    text = TextSpec.of(
        corpus,
        exponent=request.exponent,
        masked=request.masked or (MASKED_FRESH if base is None else MASKED_ON),
    )
    total = sum(text.lines.values())
    return Model(
        name=request.name,
        title=request.name,
        family=Family.OWN,
        architecture=architecture,
        pretraining=Training(
            learning_rate=request.learning_rate or (RATE_FRESH if base is None else RATE_ON),
            batch_size=request.batch_size,
            steps=request.steps,
            max_length=request.max_length,
            warmup=request.warmup,
            weight_decay=request.weight_decay,
        ),
        text=text,
        base=request.base,
        revision=commits.get(str(base.checkpoint), base.revision) if base else None,
        device=request.device.value,
        precision=request.precision,
        sources=(Source.HUB, Source.FILES),
        licence="as that of the text",
        citation=f"pretrained here on {total:,} lines of {', '.join(text.languages)}"
        + (f", from {base.citation}" if base else ""),
        note=f"Text: {', '.join(request.text)}.",
    )


def recorded(model: Mapping[str, Any]) -> Model:
    """A model as it was written down."""
    return Model.model_validate(model)
