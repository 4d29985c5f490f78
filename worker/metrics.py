"""The official scores, as every part of Crosslift works them out: ``backend.domain.metrics``, by one name for the formats."""

from backend.domain.metrics.classification import accuracy
from backend.domain.metrics.span_qa import mlqa_exact, mlqa_f1, squad_exact, squad_f1, squad_normalised
from backend.domain.metrics.tagging import chunk_f1, chunk_scores, chunks, token_accuracy

__all__ = [
    "accuracy",
    "chunk_f1",
    "chunk_scores",
    "chunks",
    "mlqa_exact",
    "mlqa_f1",
    "squad_exact",
    "squad_f1",
    "squad_normalised",
    "token_accuracy",
]
