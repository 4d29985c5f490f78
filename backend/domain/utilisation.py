"""How much of what its device can do a run used: model FLOPs a second against the device's measured rate of a matrix product.

Model FLOP utilisation as in PaLM (Chowdhery et al. 2022, appendix B), but against what a large matrix product was measured to attain on that
machine, not a data sheet's peak, and over the whole run: reading data, evaluating and saving count as time in which nothing was multiplied.
"""

from __future__ import annotations

import math

from backend.domain.schemas import Cost

MOST = 1e300  # FLOP/s; a file may say anything


def model_flops(cost: Cost) -> float:
    """FLOPs that the model needs for the run's sub-words: 6·N·D or 2·N·D, or what was counted where that is fewer, as with weights
    that are not trained. What is computed beyond it, for attention or twice over to save memory, is no use of the device."""
    return cost.flops_analytic if cost.flops_counted is None else min(cost.flops_analytic, cost.flops_counted)


def utilisation(cost: Cost | None, matrix_rate: object) -> float | None:
    """A share, 0 to about 1. ``device_seconds`` are of whole devices, so that a run that has a part of one is held to that part.

    Args:
        matrix_rate: FLOP/s of a matrix product on one whole device in the run's precision, as it was kept or came in a file; None where it
            was not measured.
    """
    if cost is None or isinstance(matrix_rate, bool) or not isinstance(matrix_rate, int | float):
        return None
    if not 0 < matrix_rate < MOST or cost.device_seconds <= 0:
        return None
    found = model_flops(cost) / cost.device_seconds / matrix_rate
    return found if math.isfinite(found) else None
