"""What a task is: a format (who behaves) and facts (what is read, in which languages, how it is scored).

A task file under ``tasks/`` is almost all data. Behaviour (head, encoding, decoding, metrics) belongs to the
format and lives once per format in ``worker/formats``; the one function a task owns is ``read``, which turns a
row of the data set, in the shape of its hub original, into one of the example shapes below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.domain.language import LANGUAGES
from backend.domain.published import Published
from backend.domain.training import Training
from backend.errors import shown


class Format(StrEnum):
    """The shapes a task can have. Each member has exactly one file in ``worker/formats``."""

    CLASSIFICATION = "classification"
    TAGGING = "tagging"
    SPAN_QA = "span_qa"
    MULTIPLE_CHOICE = "multiple_choice"
    BITEXT_RETRIEVAL = "bitext_retrieval"
    BITEXT_MINING = "bitext_mining"
    ANSWER_RETRIEVAL = "answer_retrieval"


RETRIEVAL: frozenset[Format] = frozenset({Format.BITEXT_RETRIEVAL, Format.BITEXT_MINING, Format.ANSWER_RETRIEVAL})
WHOLE_BATCH: frozenset[Format] = frozenset(
    {Format.ANSWER_RETRIEVAL}
)  # their loss compares the rows of a batch with each other
UNTRAINED: frozenset[Format] = frozenset({Format.BITEXT_RETRIEVAL, Format.BITEXT_MINING})  # by similarity alone


class Role(StrEnum):
    """What a task may be used for."""

    INTERMEDIATE = "intermediate"  # English training before the target
    TARGET = "target"  # evaluated zero-shot in its languages
    TRAINING = "training"  # only the English training set of a target (COPA for XCOPA)


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    CANDIDATES = (
        "candidates"  # what can be found, one set for all languages; asked for as English, as training sets are
    )


class Source(StrEnum):
    """Where rows come from: three sources behind one door (``worker/data.py``)."""

    HUB = "hub"
    FILES = "files"
    MINI = "mini"


# --- example shapes: what ``read`` returns -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """One text or a pair of texts with one label (an index into ``Task.labels``; None when withheld)."""

    id: str
    first: str
    second: str | None
    label: int | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised sentence with one tag per token (indices into ``Task.labels``)."""

    id: str
    tokens: tuple[str, ...]
    tags: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    start: int  # character offset into the context


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a context; answers are spans of it. No answers means unanswerable."""

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A prompt and two or more options, of which ``label`` is the index of the right one."""

    id: str
    prompt: str
    options: tuple[str, ...]
    label: int | None


@dataclass(frozen=True, slots=True)
class Bitext:
    """Line ``id`` of a language and its English translation; both sides form one retrieval pool each."""

    id: str
    sentence: str
    english: str


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of one of two texts; ``translations`` are the ids of its translations in the English one."""

    id: str
    text: str
    english: bool
    translations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that can be found: a text, read together with its context where it has one. ``id``: one in its set."""

    id: str
    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A query and what answers it, or one of the two alone (a mention; an entity).

    ``sought`` joins the two: every ``answer`` whose example has the same ``sought`` is right, in whatever language. ``others``
    are further passages of the pool that come with this example. An example has a query or an answer.
    """

    id: str
    query: str | None
    sought: str
    answer: Passage | None
    others: tuple[Passage, ...] = ()


Example = Pair | Tokens | Question | Choice | Bitext | Line | Search
Row = Mapping[str, Any]

SHAPE: Mapping[Format, type[Any]] = {
    Format.CLASSIFICATION: Pair,
    Format.TAGGING: Tokens,
    Format.SPAN_QA: Question,
    Format.MULTIPLE_CHOICE: Choice,
    Format.BITEXT_RETRIEVAL: Bitext,
    Format.BITEXT_MINING: Line,
    Format.ANSWER_RETRIEVAL: Search,
}


def label_index(labels: Sequence[str], value: Any) -> int | None:
    """The index of a label that a row spells as its name, its index or a digit; None where it is withheld (-1, empty).

    Raises:
        ValueError: it is none of these; says what would be accepted.
    """
    if value is None or value == "" or value == -1 or value == "-1":
        return None
    if isinstance(value, str) and value in labels:
        return labels.index(value)
    number = int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else -1
    if not 0 <= number < len(labels):
        raise ValueError(f"label {shown(value)} is none of {', '.join(labels[:20])}, nor the index of one")
    return number


def tag_indices(labels: Sequence[str], tags: Sequence[Any]) -> tuple[int, ...]:
    """The index of each tag of a sentence; none may be withheld.

    Raises:
        ValueError: a tag is none of the labels.
    """
    indices = [label_index(labels, tag) for tag in tags]
    if None in indices:
        raise ValueError(f"tag {indices.index(None) + 1} of {len(indices)} is missing")
    return tuple(i for i in indices if i is not None)


# --- where rows come from --------------------------------------------------------------------------------


class Facts(BaseModel):
    """Base of declarations: frozen, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Hub(Facts):
    """A data set on the Hugging Face hub.

    ``config`` is one configuration name, with ``{language}`` where it varies. ``revision`` stays None until it has
    been resolved to a commit at first use and recorded in the store: nobody writes down a hash they have not seen.
    ``language_column`` names the column to filter by where one configuration holds every language; ``id_prefixes`` says
    how the ``id`` of a language's rows begins where only that tells it.
    A split may join several of the hub's: ``train_r1+train_r2``.
    """

    id: str
    config: str | None = None
    configs: Mapping[str, str] = Field(default_factory=dict)  # language → configuration, where the names are irregular
    revision: str | None = None
    splits: Mapping[Split, str] = Field(
        default_factory=lambda: {Split.TRAIN: "train", Split.VALIDATION: "validation", Split.TEST: "test"}
    )
    language_column: str | None = None
    id_prefixes: Mapping[str, str] = Field(default_factory=dict)


class Layout(Facts):
    """One way the original files lie in a directory, and how such a file becomes rows in the hub's shape.

    ``pattern`` is relative to the data root and may hold ``{language}`` and ``{split}``; ``splits`` and ``languages`` say
    how these are spelled there (``dev`` for validation, ``swh`` for sw). A ``*`` in it stands for several files, which are
    read in the order of their names. ``also`` are other places where the same files may lie, looked at in turn. ``beside``
    are patterns of files that ``rows`` reads too: they must be there, and they are part of what pins the content.
    """

    pattern: str
    also: tuple[str, ...] = ()
    rows: Callable[[Path, str], Iterator[dict[str, Any]]]
    splits: Mapping[Split, str] = Field(default_factory=dict)
    languages: Mapping[str, str] = Field(default_factory=dict)
    beside: tuple[str, ...] = ()


class Translations(Facts):
    """Where the training rows of an English task are to be had in other languages, as somebody translated them.

    ``languages`` are the published ones, English not among them. What the mini world can say, and files of a user's own, is known
    to ``backend.domain.translations``.
    """

    languages: tuple[str, ...]
    hub: Hub | None = None
    files: tuple[Layout, ...] = ()


class Retrieval(Facts):
    """How a sentence becomes a vector: hidden state after this share of the layers, pooled over tokens."""

    layer_fraction: float = Field(gt=0, le=1)
    pooling: str = Field(pattern="^(mean|cls)$")


class RetrievalOverrides(Facts):
    """The part of ``Retrieval`` that a request may set for its retrieval targets; what is left out keeps the task's fact."""

    layer_fraction: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    pooling: str | None = Field(default=None, pattern="^(mean|cls)$")

    @property
    def given(self) -> bool:
        return self.layer_fraction is not None or self.pooling is not None

    def applied_to(self, base: Retrieval) -> Retrieval:
        return Retrieval.model_validate({**base.model_dump(), **self.model_dump(exclude_none=True)})


class Task(Facts):
    """A task of the catalogue. The file's name is the task's name.

    ``languages`` are those the real data set has test data in; ``mini_languages`` those of its mini version.
    ``trained_on`` names the task whose English training set a target is fine-tuned on: itself, another task (XNLI
    trains on MNLI) or None (retrieval without training). ``metrics[0]`` is the headline metric.
    ``drawn_from`` names the task whose training set this one's own is made of (LAReQA's of SQuAD's). ``evaluated_with`` are
    splits that an evaluation reads beside ``evaluated_on``: the candidates, or what a threshold is tuned on. ``pooled``: each
    query searches the candidates of all languages of the target, whichever of them are scored.
    ``joins`` names tasks whose training rows are trained on too, under the same head (ANLI+ is ANLI with MNLI and SNLI);
    ``contains`` those whose training examples are among its own in another form (SQuAD v2.0 holds v1.1's). After either,
    a target that is trained on such a task sees one data set twice.
    ``unanswerable``: a question without answers is one that has none; elsewhere its answers are withheld.
    ``by_language``: answers are compared as MLQA does, by a normalisation of their language's own, not by SQuAD's English one.
    ``diagnostic``: a list of checks, scored by error rates (``backend.domain.metrics.checklist``): less is better, and it is part of
    no mean over targets. Its expected answers need not stand in their paragraphs as they are.
    Raise ``version`` whenever the numbers would change: it enters every fingerprint.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,30}$")
    title: str
    summary: str
    version: int = Field(ge=1)
    format: Format
    roles: frozenset[Role]
    languages: tuple[str, ...]
    mini_languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    options: int = Field(default=0, ge=0)  # of a multiple-choice question, at most
    metrics: tuple[str, ...] = Field(min_length=1)
    trained_on: str | None = None
    drawn_from: str | None = None
    joins: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    unanswerable: bool = False
    by_language: bool = False
    diagnostic: bool = False
    evaluated_on: Split = Split.TEST
    evaluated_with: tuple[Split, ...] = ()
    pooled: bool = False
    sizes: Mapping[Split, int] = Field(default_factory=dict)  # examples in the real English data
    hub: Hub | None = None
    files: tuple[Layout, ...] = ()
    mini: str | None = None  # name of its generator in backend.domain.mini
    translations: Translations | None = None  # of its training rows
    retrieval: Retrieval | None = None
    mini_retrieval: Retrieval | None = None  # None: as in the real version
    training: Training | None = None  # on real data
    published: Published | None = None  # whose settings these are, and what they are for other models
    mini_training: Training | None = None
    licence: str
    citation: str
    read: Callable[[Row], Example | None]  # None: a row to leave out

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        for code in (*self.languages, *self.mini_languages):
            if code not in LANGUAGES:
                from backend.errors import unknown

                raise ValueError(unknown("language", code, tuple(LANGUAGES)))
        if len(set(self.languages)) != len(self.languages):
            raise ValueError(f"task {self.name}: a language is listed twice")
        if Role.TARGET in self.roles and self.format not in UNTRAINED and self.trained_on is None:
            raise ValueError(f"target {self.name} of format {self.format} needs trained_on")
        if self.format in RETRIEVAL and self.retrieval is None:
            raise ValueError(f"retrieval task {self.name} needs its layer and pooling")
        if self.format in (Format.CLASSIFICATION, Format.TAGGING) and not self.labels:
            raise ValueError(f"task {self.name} of format {self.format} needs labels")
        if (self.options >= 2) is not (self.format is Format.MULTIPLE_CHOICE):
            raise ValueError(f"task {self.name}: two or more options are what a question of multiple choice has")
        return self

    @property
    def headline(self) -> str:
        return self.metrics[0]

    def available_in(self, source: Source) -> bool:
        return {Source.HUB: self.hub is not None, Source.FILES: bool(self.files), Source.MINI: self.mini is not None}[
            source
        ]

    def languages_in(self, source: Source) -> tuple[str, ...]:
        return self.mini_languages if source is Source.MINI else self.languages

    def retrieval_in(self, source: Source) -> Retrieval | None:
        return self.mini_retrieval or self.retrieval if source is Source.MINI else self.retrieval
