"""Tables made of plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backend.statistics.measures import mean_of_points
from backend.statistics.table import Counted, Table, table


@pytest.fixture
def table_of() -> Callable[..., Table]:
    """A table of example scores: ``treated`` and ``without`` are [seeds, examples]."""

    def make(treated: Any, without: Any, units: Any = None, names: Any = None) -> Table:
        n = np.asarray(treated).shape[-1]
        named = [f"e{i:05d}" for i in range(n)] if names is None else [str(name) for name in names]
        shared = named if units is None else [str(unit) for unit in units]

        def side(values: Any) -> Counted:
            return Counted(named, shared, np.column_stack([np.asarray(values, np.float64), np.ones(n)]))

        pairs = [(side(t), side(b)) for t, b in zip(np.atleast_2d(treated), np.atleast_2d(without), strict=True)]
        return table(mean_of_points, {"sw": pairs})

    return make
