"""MultiCheckList as it travels over HTTP: error rates test by test, and the cases that a model fails."""

from __future__ import annotations

from backend.domain.flips import NamedText
from backend.domain.gains import Missing
from backend.domain.metrics.checklist import TESTS
from backend.domain.schemas import View

ALL = "all"  # the mean of the six, in the place of a test

#: What each test asks, in words.
TITLES = {
    "comparisons": "Comparisons", "intensifiers": "Intensifiers", "properties": "Properties", "profession": "Profession or nationality",
    "animal_vehicle": "Animal or vehicle", "animal_vehicle_v2": "Animal or vehicle, two people", ALL: "Mean of the six",
}  # fmt: skip
assert TITLES.keys() == {*TESTS, ALL}


class CheckCell(View):
    """One test in one language. ``error``: points of failed cases, the mean over seeds. ``gain`` is what the recipe won: the
    baseline's rate minus its own, so above zero is fewer errors; null of the baseline itself and where there is none."""

    test: str
    language: str
    error: float | None
    baseline: float | None
    gain: float | None
    low: float | None
    high: float | None
    q: float | None
    seeds: list[int | None]
    missing: Missing | None
    why_missing: str | None


class CheckMatrix(View):
    """Every test in every language, of one model and recipe."""

    model: str
    recipe: str
    benchmark: str
    synthetic: bool
    models: list[str]
    recipes: list[str]
    tests: list[str]
    languages: list[str]
    cells: list[CheckCell]


class CheckQuestion(View):
    """One question of a case."""

    texts: list[NamedText]
    expected: str
    answer: str
    right: bool
    confidence: float | None


class FailedCase(View):
    """A case that is failed: any of its questions is answered wrongly."""

    case: str
    questions: list[CheckQuestion]


class CheckFailures(View):
    """Failing cases of one run, page by page. ``without_texts``: why paragraphs and questions are not shown."""

    run: int
    seed: int | None
    seeds: list[int | None]
    cases: int
    failed: int
    items: list[FailedCase]
    next_cursor: str | None
    without_texts: str | None
    licence: str
