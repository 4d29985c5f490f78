"""What to run next: expectations of whole rows and their order, by hand."""

from __future__ import annotations

import random

import pytest

from backend.statistics.expected import Row, expect, likeness, likenesses
from backend.statistics.promising import Held, Standing, band, foresee, held, order

FAMILIES = {"de": "Indo-European", "fr": "Indo-European", "sw": "Niger-Congo"}


def row(model="a", recipe="mnli", target="xnli", *, size=1e6, family="mini", format="classification"):
    return Row(model, recipe, target, family, size, frozenset({recipe}), format)


def rows():
    return [
        row(f"m{s}", recipe, target, size=10.0**s)
        for s in (5, 6, 7)
        for recipe in ("mnli", "squad", "siqa")
        for target in ("xnli", "pawsx")
    ]


def test_all_pairs_at_once_are_what_each_pair_is():
    odd = Row("x", "none", "xquad", "bert", 3e8, frozenset(), "span")
    some = [*rows(), odd, Row("y", "a+b", "xcopa", "bert", 2e7, frozenset({"mnli", "squad"}), "choice")]
    found = likenesses(some, some)
    for i, a in enumerate(some):
        for j, b in enumerate(some):
            assert found[i][j] == pytest.approx(0.0 if i == j else likeness(a, b))


def test_the_expectation_of_a_row_is_the_mean_of_its_cells():
    noise = random.Random(3)
    of = {"mnli": 3.0, "squad": 0.0, "siqa": -2.0}
    gains = {r: {code: of[r.recipe] + noise.gauss(0, 0.3) for code in FAMILIES} for r in rows()}
    new = row("m6", "siqa", "xcopa", format="choice")
    foreseen, standing = foresee(gains, {new: ["de", "sw"]}, FAMILIES)
    cells, _ = expect(gains, [(new, "de"), (new, "sw")], FAMILIES)
    assert standing.better and standing.rows == len(standing.errors) == 18
    assert foreseen[new].gain == pytest.approx((cells[new, "de"].gain + cells[new, "sw"].gain) / 2)
    assert sum(standing.errors[i] ** 2 for i in range(18)) > 0
    low, high = min(standing.errors), max(standing.errors)
    assert (foreseen[new].low, foreseen[new].high) == pytest.approx(
        (foreseen[new].gain + low, foreseen[new].gain + high)
    )
    assert foreseen[new].neighbours[0][0].recipe == "siqa"


def test_where_neighbours_say_nothing_the_mean_is_expected_of_all():
    """Noise that owes nothing to any likeness: of a few draws, one at least is such."""
    found = None
    for seed in range(20):
        noise = random.Random(seed)
        drawn = {r: dict.fromkeys(FAMILIES, noise.gauss(1, 1)) for r in rows()}
        found = foresee(drawn, {row("new"): ["de"], row("new", "squad"): ["sw"]}, FAMILIES)
        if not found[1].better:
            break
    foreseen, standing = found
    assert not standing.better
    expected = sum(g["de"] for g in drawn.values()) / len(drawn)
    assert [f.gain for f in foreseen.values()] == pytest.approx([expected] * 2)
    assert standing.error_of_mean == pytest.approx(sum(abs(e) for e in standing.errors) / 18)
    assert all(f.neighbours == () for f in foreseen.values())


def test_too_little_foresees_nothing():
    assert foresee({row("a"): {"de": 1.0}}, {row("b"): ["de"]}, FAMILIES) is None


def test_improvement_by_hand():
    """Errors −2, 0, 1: of an expectation of 1 above a best of 0 that is (0 + 1 + 2) / 3, above 1.5 it is (0 + 0 + 0.5) / 3."""
    standing = Standing(3, 1.0, 2.0, (-2.0, 0.0, 1.0))
    assert standing.improvement(1.0, 0.0) == pytest.approx(1.0)
    assert standing.improvement(1.0, 1.5) == pytest.approx(0.5 / 3)
    assert standing.improvement(-3.0, 0.0) == 0.0


def test_a_band_by_hand():
    """Of 19 errors the second and the eighteenth, with ranks 0.1 · 20 and 0.9 · 20; of fewer the ends."""
    assert band(range(19)) == (1, 17)
    assert band(range(29)) == (2, 26)
    assert band([3.0, -1.0, 2.0]) == (-1.0, 3.0)


def test_a_band_holds_what_it_says():
    """Of one more error, drawn as the others were, whatever their number."""
    noise = random.Random(1)
    for n in (9, 19, 60):
        inside = 0
        for _ in range(2000):
            low, high = band([noise.gauss(0, 1) for _ in range(n)])
            inside += low <= noise.gauss(0, 1) <= high
        assert inside / 2000 > 0.78


def test_order_is_by_improvement_per_hour_and_by_improvement_where_an_hour_is_unknown():
    a, b, c = row("a"), row("b"), row("c")
    assert order({a: (2.0, 4.0), b: (1.0, 1.0), c: (0.0, 0.1)}) == [b, a, c]  # 0.5, 1 and 0 points an hour
    assert order({a: (2.0, 4.0), b: (1.0, 1.0), c: (3.0, None)}) == [c, a, b]
    assert order({a: (1.0, 1.0), b: (2.0, 2.0)}) == [b, a]  # the same rate: what promises more


def test_the_record_by_hand():
    assert held([]) is None
    one = Held(expected=1.0, low=0.0, high=2.0, mean=0.5, found=1.5)
    two = Held(expected=1.0, low=0.0, high=2.0, mean=3.5, found=3.0)
    assert held([one, two]) == (pytest.approx(1.25), pytest.approx(0.75), 0.5)
