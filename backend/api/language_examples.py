"""What answers about languages look like, for ``examples``."""

from __future__ import annotations

from pydantic import BaseModel

from backend.api.catalogue import language_view
from backend.domain.by_language import (
    BestRecipe,
    LanguageCell,
    LanguageDetail,
    LanguageRow,
    LanguageTable,
    NearLanguage,
)
from backend.domain.gains import Missing, Verdict
from backend.domain.kinship import nearest
from backend.domain.language import LANGUAGES


def by_language(model: str) -> tuple[BaseModel, ...]:
    best = BestRecipe(
        recipe="squad", target="xnli", gain=3.1, low=0.4, high=5.8, n=3, verdict=Verdict.NO_EVIDENCE, of=2
    )
    row = LanguageRow(
        code="sw", targets=["tatoeba", "xnli"], gain=2.4, low=0.2, high=4.6, k=1, n=2, cells=2, seeds=3, missing=None,
        why_missing=None, best=best, runs=9,
    )  # fmt: skip
    other = LanguageRow(
        code="yo", targets=["panx", "udpos"], gain=None, low=None, high=None, k=0, n=2, cells=0, seeds=0,
        missing=Missing.NOT_RUN, why_missing="no recipe was run on a target that has it", best=None, runs=0,
    )  # fmt: skip
    cell = LanguageCell(
        recipe="squad", target="xnli", metric="accuracy", missing=None, why_missing=None, gain=3.1, low=0.4, high=5.8, q=0.12,
        verdict=Verdict.NO_EVIDENCE, n=3, baseline=58.4, treated=61.5, same_data_twice=False, not_zero_shot=False,
        control=False, gap_without=14.2, gap_with=12.9, gap_change=-1.3, gap_low=-3.0, gap_high=0.4,
    )  # fmt: skip
    whole = {"source": "mini", "benchmark": "mini-XTREME-R", "synthetic": True, "model": model, "models": [model]}
    near = NearLanguage(row=other, shares=list(next(n.shares for n in nearest("sw") if n.code == "yo")))
    detail = LanguageDetail(**whole, language=language_view(LANGUAGES["sw"]), row=row, cells=[cell], near=[near])
    return best, row, cell, near, LanguageTable(**whole, languages=[row, other]), detail
