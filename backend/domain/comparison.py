"""Things beside one another: what tells them apart, their scores language by language, and which differences are findings.

A **thing** is a run (``12``), a model, recipe and target over its seeds (``mini-2/mnli/xnli``), or these in one language
(``mini-2/mnli/xnli/sw``). Differences are taken against the first, and only where they can be paired: same model, target, metric
and settings, another recipe. They are gains (``gains``) with that recipe in the place of the baseline, seed by seed, and their
family is that of a gain: all recipe × language cells there are. Anything else is shown beside one another, with its own interval.
Where things were measured under several settings, they are shown under those that they have in common.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from pydantic import Field

from backend.domain.gains import Measurement, Verdict, of_one_setting
from backend.domain.run import DeviceClass, RunKind, RunState
from backend.domain.schemas import View

MOST = 6
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_RUN = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_CELL = re.compile(rf"({_NAME})/([\w:+>@=,.-]{{1,300}})/({_NAME})(?:/([a-z]{{2,3}}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Thing:
    """What an address names: a run, or a model, recipe and target, or these in one language."""

    key: str
    run: int | None = None
    model: str = ""
    recipe: str = ""
    target: str = ""
    language: str | None = None

    @classmethod
    def read(cls, text: str) -> Thing | None:
        if _RUN.fullmatch(text):
            return cls(text, run=int(text))
        found = _CELL.fullmatch(text)
        return None if found is None else cls(text, None, found[1], found[2], found[3], found[4])


class ComparedField(View):
    """One fact of every thing, in the order of the things."""

    stage: str = Field(description="what it is a fact of: the result itself, or a stage that led to it")
    name: str
    values: list[str | None] = Field(description="null: it has no such fact")
    equal: bool


class ComparedMean(View):
    """A mean over languages without English, those that all things have; with its 95 % interval over seeds."""

    value: float
    low: float | None
    high: float | None
    languages: int
    seeds: int


class ComparedRecord(View):
    """Languages in which a thing is better than the first (q below .05), not told from it, and worse; and those that have too few
    seeds to say."""

    won: int
    tied: int
    lost: int
    too_few: int


class ComparedSide(View):
    """One of the things. Scores and differences are points; a difference above zero is always better."""

    thing: str
    title: str
    kind: RunKind
    model: str
    recipe: str
    target: str | None
    language: str | None
    metric: str | None
    settings: str | None = Field(description="as addresses name them; null where nothing was run")
    runs: list[int]
    seeds: list[int | None]
    states: list[RunState]
    left_out: list[int] = Field(description="runs whose training did not learn: they are in no number here")
    trained: list[int] = Field(description="the runs whose curves show how it was trained")
    parameters: int | None
    device_class: DeviceClass | None
    device_hours_marginal: float | None = Field(description="of one seed, with all that was trained for it")
    device_hours_amortised: float | None = Field(description="the same with intermediate runs shared out over targets")
    energy_joules: float | None = Field(description="of its own runs together; null: not measured")
    mean: ComparedMean | None
    difference: ComparedMean | None = Field(description="against the first, of the same means")
    unpaired: str | None = Field(
        description="why there is no difference against the first; null where there is, and for the first"
    )
    record: ComparedRecord | None
    letters: str | None = Field(
        description="things that share a letter are not told apart by their means; null: not tested"
    )


class ComparedCell(View):
    """One thing in one language."""

    language: str
    score: float | None
    low: float | None = Field(description="95 % interval of the mean over seeds")
    high: float | None
    per_seed: list[float]
    seeds: list[int | None]
    missing: str | None = Field(description="why there is no score, in words")
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    pairs: int = Field(description="seeds behind the difference")
    p: float | None
    q: float | None
    verdict: Verdict | None


class Comparison(View):
    benchmark: str
    synthetic: bool
    sides: list[ComparedSide]
    languages: list[str] = Field(description="in which any of them has a score")
    common: list[str] = Field(description="in which all of those with scores have one")
    cells: list[list[ComparedCell]] = Field(description="by side, then by language, in these orders")
    fields: list[ComparedField]
    notes: list[str]


# --- under which settings -----------------------------------------------------------------------------------------------------


def settings_of(things: Sequence[Sequence[Measurement]]) -> list[str | None]:
    """The settings that each thing is shown under, by its scores under all of them; None: it has none.

    As a cell of a matrix chooses its gain: what can be paired seed by seed with the first, under the settings with most seeds, then
    with the latest run; never by a result. Of more than two, the settings under which most can be paired. What has nothing under
    these is shown under its own, by the same rule.
    """
    first, *rest = things if things else [()]
    seeds: dict[str, set[int | None]] = {}
    for m in first:
        seeds.setdefault(m.settings, set()).add(m.seed)
    paired = [
        [m for m in each if m.settings in seeds and (m.seed is None or seeds[m.settings] & {m.seed, None})]
        for each in rest
    ]
    sharing = Counter(settings for each in paired for settings in {m.settings for m in each})
    most = max(sharing.values(), default=0)
    common = of_one_setting(m for each in paired for m in each if sharing[m.settings] == most)
    found: list[str | None] = []
    for each in things:
        own = [m for m in each if common and m.settings == common[0].settings] or of_one_setting(each)
        found.append(own[0].settings if own else None)
    return found


# --- what differs -------------------------------------------------------------------------------------------------------------


def differing(facts: Sequence[Mapping[tuple[str, str], str]]) -> list[ComparedField]:
    """Every fact that any thing has, in the order in which they come, and whether all have it alike: all that have the stage at
    all, since which stages there are is a fact of its own."""
    names = list(dict.fromkeys(name for each in facts for name in each))
    has = [{stage for stage, _ in each} for each in facts]
    found = []
    for stage, name in names:
        values = [each.get((stage, name)) for each in facts]
        told = {value for value, stages in zip(values, has, strict=True) if stage in stages}
        found.append(ComparedField(stage=stage, name=name, values=values, equal=len(told) == 1))
    order = list(dict.fromkeys(f.stage for f in found))
    return sorted(found, key=lambda f: order.index(f.stage))


def flat(value: object, name: str = "", *, skip: frozenset[str] = frozenset(), longest: int = 120) -> dict[str, str]:
    """What a nested value says, leaf by leaf: ``{"training": {"steps": 3}}`` is ``{"training steps": "3"}``. Nulls are left out."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key in value:
            if key not in skip:
                found |= flat(value[key], f"{name} {key}".strip(), skip=skip, longest=longest)
        return found
    if isinstance(value, list | tuple):
        plain = all(not isinstance(each, Mapping | list | tuple) for each in value)
        if value and plain:
            return {name: _cut(", ".join(map(str, value)), longest)}
        found = {}
        for number, each in enumerate(value, start=1):
            found |= flat(each, f"{name} {number}", skip=skip, longest=longest)
        return found
    return {} if value is None else {name: _cut(str(value), longest)}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


# --- who is not told apart ------------------------------------------------------------------------------------------------------


def letters(means: Sequence[float], alike: Mapping[tuple[int, int], bool]) -> list[str]:
    """A compact letter display: each largest set of things of which no two are told apart is a letter, and a thing has the letters
    of its sets. ``a`` is the set with the best mean.

    Args:
        means: of the things.
        alike: of each pair (i < j), whether the two are not told apart.
    """
    count = len(means)
    sets = [
        set(each)
        for size in range(count, 0, -1)
        for each in combinations(range(count), size)
        if all(alike[pair] for pair in combinations(each, 2))
    ]
    largest = [s for s in sets if not any(s < other for other in sets)]
    largest.sort(key=lambda s: sorted(-means[i] for i in s))
    return ["".join(chr(ord("a") + n) for n, s in enumerate(largest) if i in s) for i in range(count)]
