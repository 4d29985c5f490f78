"""Examples that a recipe turned, as they travel over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.domain.schemas import View

Direction = Literal["fixed", "broken"]


class FlipTable(View):
    """McNemar's table of one seed: the same examples without the recipe and with it. ``fixed`` were wrong and became right."""

    seed: int | None
    run: int
    baseline_run: int
    both_right: int
    fixed: int
    broken: int
    both_wrong: int
    examples: int
    p: float = Field(description="exact, two-sided; among the examples that changed, is one direction likelier?")


class FlipKind(View):
    """One kind of example, counted over the seeds that are looked at: each example once a seed."""

    key: str = Field(description="what `kind` of a question names it by")
    name: str
    examples: int
    fixed: int
    broken: int


class FlipKinds(View):
    """One way to tell examples apart. ``missing``: why it cannot be done."""

    key: str
    title: str
    kinds: list[FlipKind]
    missing: str | None


class Flips(View):
    """What a recipe turned in one language. ``missing``: why nothing can be counted; ``without_texts``: why there are predictions
    and no text to show with them."""

    model: str
    target: str
    metric: str
    recipe: str
    language: str
    gain: float
    lower_is_better: bool
    right_when: str = Field(description="when an example counts as right")
    seeds: list[int | None] = Field(description="all that there are")
    tables: list[FlipTable] = Field(description="one a seed that is looked at")
    kinds: list[FlipKinds]
    fixed: int = Field(
        description="examples, narrowed to the kinds that are asked for, that more seeds fixed than broke"
    )
    broken: int
    both: int = Field(description="examples that as many seeds fixed as broke: in neither list")
    texts: str | None = Field(description="where the texts come from, in words")
    without_texts: str | None
    licence: str
    citation: str
    missing: str | None


class FlippedSeed(View):
    """What one seed said of an example, without the recipe and with it."""

    seed: int | None
    baseline: str
    treated: str
    baseline_right: bool
    treated_right: bool
    baseline_confidence: float | None = Field(description="0 to 1, as the model gives it; null where it was not kept")
    treated_confidence: float | None


class NamedText(View):
    """``name``: Question, Paragraph, First text and so on."""

    name: str
    text: str


class FlippedExample(View):
    """One example. Predictions and gold are as they are stored: text, lists as JSON; of what is retrieved ids, which ``words``
    gives the texts of where they are known."""

    id: str
    gold: str
    fixed: int = Field(description="seeds")
    broken: int
    seeds: list[FlippedSeed]
    texts: list[NamedText]
    tokens: list[str]
    words: dict[str, str]
    kinds: list[str] = Field(description="what kinds of example it is, in words")
