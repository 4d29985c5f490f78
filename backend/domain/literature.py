"""What travels over HTTP about published figures: where each stands, what was measured, and how it compares with ours."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.domain.schemas import View

#: How a figure came about. ``english``: no language is crossed. ``intermediate``: an intermediate stage, then zero-shot.
#: ``none``: nothing was fine-tuned.
Protocol = Literal[
    "zero-shot", "translate-train", "translate-train-all", "translate-test", "intermediate", "english", "none"
]
Split = Literal["dev", "test"]

AVERAGE = "avg"  # in the place of a language: the mean over languages, as it was printed
UNMATCHED = "none"  # of a filter: figures whose model or task is in no catalogue


class PublishedView(View):
    """One published figure."""

    id: int
    file: str
    line: int
    paper: str
    cite: str
    paper_url: str
    table: str
    table_title: str
    url: str = Field(description="what it was read in")
    read: str = Field(description="the same in words, with the commit of a repository")
    row: str = Field(description="of the table, as printed")
    model: str | None = Field(description="in the catalogue; null: it is not there")
    parameters_millions: float | None = Field(description="as published; null: not given")
    intermediate: str = Field(description="intermediate task as printed; none: none")
    recipe: str | None = Field(description="the same as a recipe; null: it is none of ours")
    target: str = Field(description="as printed")
    task: str | None = Field(description="in the catalogue; null: it is not there")
    language: str = Field(description="a code, or avg: the mean over languages as printed")
    metric: str
    value: float = Field(description="points; of perplexities and sizes what they are")
    protocol: Protocol
    split: Split | None = Field(description="null: not stated")
    seed: int | None = Field(description="null: no single seed")
    seeds: int | None = Field(description="how many it is the mean of; null: not stated")
    differs: list[str] = Field(description="what is different from how it is done here")
    note: str


class PublishedSource(View):
    """One table that figures were read in."""

    table: str
    title: str
    paper: str
    cite: str
    paper_url: str
    url: str
    read: str
    differs: list[str]
    figures: int
    models: list[str] = Field(description="in the catalogue; none: it has others too. So are the tasks")
    tasks: list[str]
    languages: list[str]
    metrics: list[str]


class PublishedGain(View):
    """A published gain: two figures of one table, or a difference that was printed as such (then both scores are null)."""

    id: int = Field(description="of the figure with the intermediate stage")
    baseline_id: int | None
    table: str
    cite: str
    table_title: str
    url: str
    row: str
    baseline_row: str | None
    model: str | None
    parameters_millions: float | None
    intermediate: str
    target: str
    task: str | None
    language: str
    metric: str
    gain: float = Field(description="points")
    treated: float | None
    baseline: float | None
    differs: list[str]


class PublishedSet(View):
    """Figures that are complete enough to be explored like own results."""

    name: str
    title: str
    about: str
    cite: str
    url: str
    kind: Literal["models", "tasks"] = Field(
        description="models: two models over languages, seed by seed; tasks: intermediate tasks by English targets"
    )
    metrics: list[str]
    figures: int


class Reproduction(View):
    """A published figure beside ours of the same model, task, language and metric. ``why``: why there is none of ours."""

    published: PublishedView
    ours: float | None = Field(description="mean over seeds, points; of avg over all languages of the target")
    difference: float | None = Field(description="ours minus published, points")
    sd: float | None = Field(description="of ours over seeds")
    seeds: int
    runs: list[int]
    why: str | None
    notes: list[str] = Field(description="what differs between the two protocols")
