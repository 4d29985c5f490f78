"""Languages, one language and MultiCheckList in long form: one row a line or a cell of the page, in its order, with a fixed schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.domain.by_language import LanguageDetail, LanguageTable
from backend.domain.checks import CheckMatrix
from backend.domain.language import LANGUAGES
from dashboard import language_tables
from dashboard.exports.files import Table
from dashboard.exports.schema import Column, Row, columns
from dashboard.links import Languages

_ABOUT: Final = (
    ("benchmark", "text", "its name"),
    ("synthetic", "truth", "whether it is the generated one, which says nothing about natural language"),
    ("model", "text", "the pretrained encoder; empty: nothing was run"),
)
_MISSING: Final = (
    ("missing", "text", "why there is no number: not_applicable, not_run, failed or withheld"),
    ("why_missing", "text", "the same at length"),
)

LIST: Final = columns(
    *_ABOUT,
    ("language", "text", "two-letter code"),
    ("name", "text", "in English"),
    ("family", "text", "of languages"),
    ("script", "text", "that its data are written in"),
    ("resources", "text", "high is class 4 or 5, mid 3, low 0 to 2 of Joshi et al. 2020"),
    ("gain", "number", "mean over recipes, then targets, by headline metrics, points"),
    ("ci_low", "number", "95 % interval over seeds, where all cells have the same"),
    ("ci_high", "number", "95 % interval over seeds, where all cells have the same"),
    ("targets_in_mean", "whole", "targets that the mean is over"),
    ("targets_asked_for", "whole", "targets that have the language"),
    ("cells", "whole", "recipe × target cells in the mean"),
    ("n_seeds", "whole", "0: cells differ in theirs"),
    *_MISSING,
    ("best_recipe", "text", "of the largest gain; picked for being largest"),
    ("best_target", "text", "of the largest gain"),
    ("best_gain", "number", "points"),
    ("runs", "whole", "evaluate runs that count, baselines included"),
)  # fmt: skip

LANGUAGE: Final = columns(
    *_ABOUT,
    ("language", "text", "two-letter code"),
    ("recipe", "text", "how the intermediate stage was done"),
    ("target", "text", "the task that was scored"),
    ("metric", "text", "what the scores are of"),
    ("score", "number", "points, mean over seeds, with the intermediate stage"),
    ("baseline", "number", "points, mean over the same seeds, without it"),
    ("gain", "number", "points"),
    ("ci_low", "number", "95 % interval of the gain over seeds, points"),
    ("ci_high", "number", "95 % interval of the gain over seeds, points"),
    ("q", "number", "Benjamini-Hochberg over every recipe and language of the model, target and metric"),
    ("verdict", "text", "helps, hurts, no evidence or too few seeds"),
    *_MISSING,
    ("n_seeds", "whole", "seeds that the gain is over"),
    ("gap_without", "number", "English minus the language, points, without the intermediate stage"),
    ("gap_with", "number", "the same with it"),
    ("gap_change", "number", "above zero: the gap is wider with it"),
    ("gap_low", "number", "95 % interval of the change over seeds"),
    ("gap_high", "number", "95 % interval of the change over seeds"),
    ("same_data_twice", "truth", "intermediate task and target train on one data set: in no mean"),
    ("zero_shot", "truth", "false where the language was trained in, by translations"),
    ("control", "truth", "a control, in no mean"),
)  # fmt: skip

CHECKS: Final = columns(
    *_ABOUT,
    ("recipe", "text", "how the intermediate stage was done; none: the baseline"),
    ("test", "text", "of MultiCheckList, or all of them"),
    ("language", "text", "two-letter code"),
    ("error", "number", "percent of cases that fail, mean over seeds; less is better"),
    ("baseline", "number", "the same of the baseline, over the same seeds"),
    ("gain", "number", "baseline minus error: above zero is fewer errors"),
    ("ci_low", "number", "95 % interval of the gain over seeds"),
    ("ci_high", "number", "95 % interval of the gain over seeds"),
    ("q", "number", "Benjamini-Hochberg, as the list has it"),
    ("seeds", "wholes", "which; none: the run has no seed"),
    *_MISSING,
)


def languages(table: LanguageTable, state: Languages, *, program: str) -> Table:
    """The lines that are listed, in their order."""
    made: list[Row] = []
    for row in language_tables.chosen(table, state):
        of, best = LANGUAGES[row.code], row.best
        made.append(
            {
                "benchmark": table.benchmark,
                "synthetic": table.synthetic,
                "model": table.model,
                "language": row.code,
                "name": of.name,
                "family": of.family,
                "script": of.script,
                "resources": of.resource,
                "gain": row.gain,
                "ci_low": row.low,
                "ci_high": row.high,
                "targets_in_mean": row.k,
                "targets_asked_for": row.n,
                "cells": row.cells,
                "n_seeds": row.seeds,
                "missing": row.missing.value if row.missing else None,
                "why_missing": row.why_missing,
                "best_recipe": best.recipe if best else None,
                "best_target": best.target if best else None,
                "best_gain": best.gain if best else None,
                "runs": row.runs,
            }
        )
    return _table(LIST, made, state.address, program)


def language(found: LanguageDetail, view: str, *, program: str) -> Table:
    """Every recipe and target of one language, those without a gain and why included."""
    made: list[Row] = [
        {
            "benchmark": found.benchmark,
            "synthetic": found.synthetic,
            "model": found.model,
            "language": found.row.code,
            "recipe": c.recipe,
            "target": c.target,
            "metric": c.metric,
            "score": c.treated,
            "baseline": c.baseline,
            "gain": c.gain,
            "ci_low": c.low,
            "ci_high": c.high,
            "q": c.q,
            "verdict": c.verdict.value if c.verdict else None,
            "missing": c.missing.value if c.missing else None,
            "why_missing": c.why_missing,
            "n_seeds": c.n,
            **{name: getattr(c, name) for name in ("gap_without", "gap_with", "gap_change", "gap_low", "gap_high")},
            "same_data_twice": c.same_data_twice,
            "zero_shot": not c.not_zero_shot,
            "control": c.control,
        }
        for c in found.cells
    ]
    return _table(LANGUAGE, made, view, program)


def checks(found: CheckMatrix, view: str, *, program: str) -> Table:
    """Every test and language, in the order of the page."""
    at = {(c.test, c.language): c for c in found.cells}
    made: list[Row] = [
        {
            "benchmark": found.benchmark,
            "synthetic": found.synthetic,
            "model": found.model,
            "recipe": found.recipe,
            "test": test,
            "language": code,
            "error": c.error,
            "baseline": c.baseline,
            "gain": c.gain,
            "ci_low": c.low,
            "ci_high": c.high,
            "q": c.q,
            "seeds": c.seeds,
            "missing": c.missing.value if c.missing else None,
            "why_missing": c.why_missing,
        }
        for code in found.languages
        for test in found.tests
        if (c := at.get((test, code))) is not None
    ]
    return _table(CHECKS, made, view, program)


def _table(columns: tuple[Column, ...], rows: Sequence[Row], view: str, program: str) -> Table:
    return Table(columns, rows, view=view, program=program)
