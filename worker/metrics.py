"""The official scores, as every part of Crosslift works them out: ``backend.domain.metrics``, by one name for the formats."""

from collections.abc import Collection, Hashable, Sequence

from backend.domain.metrics import retrieval
from backend.domain.metrics.classification import accuracy, binary_f1
from backend.domain.metrics.mining import Pair as IdPair
from backend.domain.metrics.mining import best_threshold, mined
from backend.domain.metrics.retrieval import TOP, average_precision
from backend.domain.metrics.span_qa import mlqa_exact, mlqa_f1, squad_exact, squad_f1, squad_normalised
from backend.domain.metrics.tagging import chunk_f1, chunk_scores, chunks, token_accuracy

__all__ = [
    "TOP",
    "IdPair",
    "accuracy",
    "average_precision",
    "best_threshold",
    "binary_f1",
    "chunk_f1",
    "chunk_scores",
    "chunks",
    "mined",
    "mlqa_exact",
    "mlqa_f1",
    "reciprocal_rank",
    "squad_exact",
    "squad_f1",
    "squad_normalised",
    "token_accuracy",
]


def reciprocal_rank(ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """100 / the place of the first right answer among the first twenty, 0 where there is none."""
    return max((100 * retrieval.reciprocal_rank(ranked, one) for one in relevant), default=0.0)
