"""``make bench``: the list of five thousand runs, in every order, grouped and not, and two pages of it."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from backend.domain.listed import RowsBy, RunSort
from backend.domain.run import RunKind
from backend.store import listed, migrate
from backend.store.session import Store

pytestmark = pytest.mark.bench

MOST = 0.5  # seconds of this process; others share the machine


def test_the_list_of_five_thousand_runs(tmp_path: Path, record: Callable[..., None]) -> None:
    found = importlib.util.spec_from_file_location("seed", Path(__file__).parent / "seed.py")
    assert found is not None and found.loader is not None
    seed = importlib.util.module_from_spec(found)
    found.loader.exec_module(seed)
    url = f"sqlite:///{tmp_path / 'big.db'}"
    migrate.upgrade(url)
    store = Store(url)
    assert seed.fill(store, 500)["runs"] > 5000
    slowest: tuple[float, str] = (0.0, "")
    for by in get_args(RowsBy):
        for sort in get_args(RunSort):
            for wanted in (listed.Wanted(), listed.Wanted(kind=RunKind.EVALUATE, q="xlmr xnli")):
                began = time.process_time()
                with store.read() as session:
                    first = listed.rows(session, wanted, by=by, sort=sort, limit=50, cursor=None)
                took = time.process_time() - began
                slowest = max(slowest, (took, f"by {by}, {sort}"))
                assert first.items
    store.dispose()
    record(
        f"the slowest page of the list of runs, {slowest[1]}", f"{1000 * slowest[0]:.1f} ms of a processor",
        asked=f"< {1000 * MOST:.0f} ms",
    )  # fmt: skip
    assert slowest[0] < MOST
