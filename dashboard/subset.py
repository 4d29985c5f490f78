"""A matrix narrowed to some of its languages, by a choice as it stands in an address (``backend.domain.choice``).

Narrowing changes what is shown and what is averaged. It changes no colour, and no q: the correction is over every recipe
and language of the model, target and metric, whatever is looked at.
"""

from __future__ import annotations

from backend.domain.choice import CHOICES as CHOICES
from backend.domain.choice import LOW as LOW
from backend.domain.choice import MEASURED as MEASURED
from backend.domain.choice import NON_LATIN as NON_LATIN
from backend.domain.choice import described as described
from backend.domain.choice import members as members
from backend.domain.choice import of_means as of_means
from backend.domain.choice import parts as parts
from backend.domain.choice import read as read
from backend.domain.choice import title as title
from backend.domain.schemas import GainMatrix
from backend.domain.selection import select


def measured(matrix: GainMatrix) -> frozenset[str]:
    """The languages in which some recipe has a score."""
    return frozenset(c.language for c in matrix.cells if c.treated is not None)


def narrow(matrix: GainMatrix, choice: str | None) -> GainMatrix:
    """The matrix with the chosen languages alone, and its means over them (``selection.select``). Where columns are targets, means
    are over the chosen languages already."""
    if matrix.axes is not None and matrix.axes.columns == "target":
        return matrix
    wanted = members(choice, measured(matrix))
    return matrix if wanted is None else select(matrix, wanted)
