"""Each seed of a gain: both scores side by side, in their order, and what is said where they were not kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend.domain.schemas import GainCell, GainMatrix, SnapshotContent
from dashboard import frozen, seeds
from dashboard.links import Cell, Explore


def parts(of: Any) -> Iterator[Any]:
    """A component and everything in it."""
    if isinstance(of, (list, tuple)):
        for one in of:
            yield from parts(one)
    elif of is not None and not isinstance(of, str):
        yield of
        yield from parts(getattr(of, "children", None))


def text(of: Any) -> str:
    if isinstance(of, (list, tuple)):
        return " ".join(filter(None, map(text, of)))
    return of if isinstance(of, str) else text(getattr(of, "children", None) or [])


def marks(of: Any, name: str) -> list[float]:
    """Where the marks of a class stand on their tracks, in percent."""
    return [
        float(p.style["left"].rstrip("%")) for p in parts(of) if name in (getattr(p, "className", None) or "").split()
    ]


@pytest.fixture
def full(cell: Callable[..., GainCell]) -> GainCell:
    """Mean 2.0 from 60.0 to 62.0."""
    return cell(
        "mnli", "sw", 2.0, baseline=60.0, treated=62.0, low=0.5, high=3.5, differences=[1.0, 2.0, 3.0], seeds=[0, 1, 2],
        treated_scores=[60.0, 62.0, 64.0], baseline_scores=[59.0, 60.0, 61.0], runs=[11, 12, 13], baseline_runs=[1, 2, 3],
    )  # fmt: skip


def test_every_seed_has_both_scores_its_gain_and_both_runs(full: GainCell):
    table, said = seeds.each_seed(full, "accuracy", linked=True)
    rows = [text(p) for p in parts(table) if type(p).__name__ == "Tr"]
    assert rows == [
        "Seed without with gain",
        "0 59.0 60.0 +1.0",
        "1 60.0 62.0 +2.0",
        "2 61.0 64.0 +3.0",
        "mean 60.0 62.0 +2.0",
    ]
    hrefs = [p.href for p in parts(table) if type(p).__name__ == "Link"]
    assert hrefs == ["/runs/1", "/runs/11", "/runs/2", "/runs/12", "/runs/3", "/runs/13"]
    assert "Mean gain +2.0 [0.5, 3.5] points, n=3" in text(said)


def test_the_marks_stand_where_the_scores_are(full: GainCell):
    (table, _) = seeds.each_seed(full, "accuracy", linked=False)
    before, after = marks(table, "pair-without"), marks(table, "pair-with")
    assert all(b < a for b, a in zip(before, after, strict=True))
    assert before[:3] == sorted(before[:3])
    assert before[1] == after[0]  # 60.0 is 60.0, of whichever seed
    low, high = 60.5, 63.5  # the interval of the gain, from the mean without it
    (at,) = marks(table, "pair-interval")
    share = (at - before[0]) / (after[2] - before[0])
    assert share == pytest.approx((low - 59.0) / (64.0 - 59.0), abs=1e-3)
    (bar,) = [p for p in parts(table) if getattr(p, "className", None) == "pair-interval"]
    assert float(bar.style["width"].rstrip("%")) / (after[2] - before[0]) == pytest.approx((high - low) / 5, abs=1e-3)


def test_of_an_error_rate_the_gain_goes_to_the_left(cell: Callable[..., GainCell]):
    errors = cell(
        "mnli", "sw", 2.0, baseline=62.0, treated=60.0, low=1.0, high=3.0, differences=[1.0, 3.0], seeds=[0, 1], n=2,
        treated_scores=[60.0, 60.0], baseline_scores=[61.0, 63.0],
    )  # fmt: skip
    (table, _) = seeds.each_seed(errors, "error_rate", linked=False)
    (interval,), after = marks(table, "pair-interval"), marks(table, "pair-mean")
    (bar,) = [p for p in parts(table) if getattr(p, "className", None) == "pair-interval"]
    assert interval < after[0] < interval + float(bar.style["width"].rstrip("%"))


def test_without_links_where_something_is_frozen(full: GainCell):
    assert not [p for p in parts(seeds.each_seed(full, "accuracy", linked=False)) if type(p).__name__ == "Link"]


def test_a_baseline_that_is_a_mean_of_runs_leads_to_none_of_them(full: GainCell):
    one = full.model_copy(
        update={"seeds": [None], "differences": [2.0], "treated_scores": [62.0], "baseline_scores": [60.0], "n": 1,
                "runs": [11], "low": None, "high": None}
    )  # fmt: skip
    table, said = seeds.each_seed(one, "accuracy", linked=True)
    assert [p.href for p in parts(table) if type(p).__name__ == "Link"] == ["/runs/11"]
    assert "no seed 60.0 62.0 +2.0" in text(table)
    assert "One seed has no interval" in text(said)


def test_what_was_frozen_before_the_scores_were_kept_still_opens(
    full: GainCell, matrix: Callable[..., GainMatrix], cell: Callable[..., GainCell]
):
    content = SnapshotContent(
        version=1, kind="explore", view="/explore?model=mini-2&target=xnli", benchmark="mini-XTREME-R", synthetic=True,
        matrix=matrix({"mnli": {"sw": full, "de": cell("mnli", "de", None)}}), points=None, runs=[], experiments=[],
    )  # fmt: skip
    was = content.model_dump(mode="json")
    new, empty = was["matrix"]["cells"]
    assert not {"treated_scores", "baseline_scores"} & empty.keys()  # nothing is said where there is nothing
    del new["treated_scores"], new["baseline_scores"]
    old = SnapshotContent.model_validate(was)
    (_, row) = frozen.table(old, Explore()).rows
    assert row[-1] == "0: +1.0; 1: +2.0; 2: +3.0"
    table, _, note = (
        seeds.each_seed(old.matrix.cells[0], "accuracy", linked=False) if old.matrix else (None, None, None)
    )
    assert "0 – – +1.0" in text(table)
    assert not marks(table, "pair-without")
    assert text(note) == seeds.BEFORE
    (other, row) = frozen.table(content, Explore(cell=Cell("mnli", "sw"))).rows
    assert row[-1] == "0: 59.0 → 60.0 (+1.0); 1: 60.0 → 62.0 (+2.0); 2: 61.0 → 64.0 (+3.0)"
    assert other[-1] == ""
    _, _, line = frozen.as_csv(content, "0" * 64).splitlines()  # in the order of the figure
    assert re.search(r",0 1 2,60.0 62.0 64.0,59.0 60.0 61.0,", line)
