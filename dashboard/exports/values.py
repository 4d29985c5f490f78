"""What a line of a table of gains and one of means both hold."""

from __future__ import annotations

from backend.domain.model import MODELS
from backend.domain.schemas import GainCell, GainMatrix
from dashboard.exports.schema import Row


def of_matrix(m: GainMatrix, snapshot: str) -> Row:
    """Where the numbers are from."""
    model = None if snapshot else MODELS.get(m.model)  # of what was frozen a file says what is in it, and no more
    return {
        "benchmark": m.benchmark,
        "synthetic": m.synthetic,
        "model": m.model,
        "parameters": model.parameters if model else None,
        "parameters_non_embedding": model.parameters_non_embedding if model else None,
    }


def of_cell(c: GainCell) -> Row:
    """The numbers, in points, or why there are none."""
    return {
        "score": c.treated,
        "baseline": c.baseline,
        "gain": c.gain,
        "ci_low": c.low,
        "ci_high": c.high,
        "p": c.p_t,
        "p_sign_flip": c.p_sign_flip,
        "q": c.q,
        "detectable": c.detectable,
        "verdict": c.verdict.value if c.verdict else None,
        "missing": c.missing.value if c.missing else None,
        "why_missing": c.why_missing,
        "n_seeds": c.n,
        "seeds": c.seeds,
    }
