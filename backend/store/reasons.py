"""Why a cell of the gain matrix is empty: the runs that would have filled it, and where they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from backend.domain.gains import Measurement, Missing, Unmatchable, Unmatched, of_one_setting, unmatched
from backend.domain.language import LANGUAGES
from backend.domain.recipe import BASELINE
from backend.domain.run import RunState
from backend.domain.schemas import GainCell
from backend.store import words
from backend.store.learning import LeftOut
from backend.store.tables import LIVE

NONE = BASELINE.name
LIVE_STATES = [s.value for s in LIVE]
BAD_STATES = (RunState.FAILED.value, RunState.DIVERGED.value, RunState.SKIPPED.value)


class Reasons:
    """Why a cell is empty, from the runs that would have filled it.

    Args:
        runs: evaluate runs of one model and target, in order of their ids.
        causes: those that others of them were skipped because of.
    """

    def __init__(
        self,
        runs: Iterable[Mapping[str, Any]],
        causes: Mapping[int, Mapping[str, Any]],
        measured: Sequence[Measurement],
        *,
        not_applicable: Mapping[str, str],
        asked: Collection[str],
        left_out: Sequence[LeftOut] = (),
    ) -> None:
        self.not_applicable = not_applicable
        self.left_out = left_out
        self.asked = asked
        newest: dict[str, Mapping[str, Any]] = {}  # a run that was tried again counts as its last try
        for row in runs:
            newest[row["fingerprint"]] = row
        self.runs: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in newest.values():
            self.runs[row["recipe"]].append(row)
        self.scores: defaultdict[tuple[str, str], list[Measurement]] = defaultdict(list)
        for m in measured:
            self.scores[m.recipe, m.language].append(m)
        self.measured = measured
        self.causes = causes

    @cached_property
    def lonely(self) -> Mapping[tuple[str, str], Unmatched]:
        """Recipe and language → a score that found no baseline."""
        found: dict[tuple[str, str], Unmatched] = {}
        for u in unmatched(self.measured):
            found.setdefault((u.recipe, u.language), u)
        return found

    @property
    def recipes(self) -> set[str]:
        return {*self.runs, *self.not_applicable} - {NONE}

    def done_runs(self, recipe: str) -> set[int]:
        """Done runs of the settings that the newest of them has."""
        done = [r for r in self.runs[recipe] if r["state"] == RunState.DONE.value]
        last = max(done, key=lambda r: r["id"], default=None)
        return {r["id"] for r in done if last and r["settings"] == last["settings"]}

    def empty(self, recipe: str, language: str) -> GainCell:
        missing, why = self._why(recipe, language)
        treated, baselines = of_one_setting(self.scores[recipe, language]), self.scores[NONE, language]
        alike = [m for m in baselines if treated and m.settings == treated[0].settings]
        before = of_one_setting(alike or baselines)
        return GainCell(
            recipe=recipe,
            language=language,
            missing=missing,
            why_missing=why,
            gain=None,
            low=None,
            high=None,
            sd=None,
            baseline=sum(m.value for m in before) / len(before) if before else None,
            treated=sum(m.value for m in treated) / len(treated) if treated else None,
            n=0,
            seeds=[],
            differences=[],
            p_t=None,
            p_sign_flip=None,
            q=None,
            detectable=None,
            verdict=None,
            examples=None,
            runs=[m.run for m in treated],
            baseline_runs=[m.run for m in before],
            left_out=self.out_of(recipe),
        )

    def out_of(self, recipe: str, settings: str | None = None) -> list[str]:
        """In words, the runs of a recipe and of its baseline that are in no gain though they are done."""
        said = []
        for left in self.left_out:
            if left.recipe in (recipe, NONE) and settings in (None, left.settings):
                what = "baseline" if left.recipe == NONE else left.recipe
                said.append(f"{what}{'' if left.seed is None else f', seed {left.seed}'}: {left.why}")
        return said

    def _why(self, recipe: str, language: str) -> tuple[Missing, str]:
        if recipe in self.not_applicable:
            return Missing.NOT_APPLICABLE, self.not_applicable[recipe]
        if language not in self.asked:
            return Missing.NOT_APPLICABLE, f"the target has no data in {LANGUAGES[language].name}"
        lonely = self.lonely.get((recipe, language))
        if lonely is None:
            return self._standing(self.runs[recipe], f"no run of {recipe} yet", "did not evaluate this language")
        if lonely.reason is Unmatchable.OTHER_SETTINGS:
            same = [r for r in self.runs[NONE] if r["settings"] == lonely.settings]
            missing, why = self._standing(
                same, "the baseline ran with other settings", "did not evaluate this language"
            )
        elif lonely.reason is Unmatchable.OTHER_SEED:
            same = [r for r in self.runs[NONE] if r["seed"] == lonely.seed and r["settings"] == lonely.settings]
            missing, why = self._standing(
                same, f"the baseline did not run with seed {lonely.seed}", "did not evaluate this language"
            )
        else:
            missing, why = self._standing(self.runs[NONE], "no run yet", "did not evaluate this language")
        return missing, f"no baseline, no gain: {why}"

    def _standing(self, rows: Sequence[Mapping[str, Any]], none: str, done: str) -> tuple[Missing, str]:
        """What keeps these runs from having filled a cell: what is under way before what failed."""
        for row in rows:
            if row["state"] in LIVE_STATES:
                return Missing.NOT_RUN, f"run {row['id']} is {row['state']}"
        for row in rows:
            if row["state"] in BAD_STATES:
                cause = self.causes.get(row["skipped_because"])
                if cause is not None and cause["state"] == RunState.CANCELLED.value:
                    return Missing.NOT_RUN, words.ended_badly(cause)
                return Missing.FAILED, words.ended_badly(cause or row)
        for row in rows:
            if row["state"] == RunState.CANCELLED.value:
                return Missing.NOT_RUN, words.ended_badly(row)
        out = {left.run: left.why for left in self.left_out}
        for row in rows:
            if row["id"] in out:
                return Missing.FAILED, f"left out: {out[row['id']]}"
        return (Missing.NOT_RUN, f"run {rows[0]['id']} {done}") if rows else (Missing.NOT_RUN, none)
