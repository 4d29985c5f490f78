"""The Pareto front is what its definition says, whatever the points."""

import math

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.front import front

NUMBERS = st.integers(-3, 3).map(float)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12)


def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[0] and a[1] >= b[1] and a != b


def test_cheaper_and_better_points_are_on_it():
    assert front([(1, 1), (2, 3), (3, 2), (4, 4)]) == {0, 1, 3}


def test_equal_points_stand_or_fall_together():
    assert front([(1, 1), (1, 1), (2, 0), (2, 0)]) == {0, 1}
    assert front([(1, 1), (1, 2), (2, 2)]) == {1}


def test_what_cannot_be_compared_is_left_out():
    assert front([(math.nan, 9), (1, math.inf), (math.inf, 9), (2, 1)]) == {3}
    assert front([]) == frozenset()


@given(POINTS)
def test_it_is_what_no_other_point_dominates(points: list[tuple[float, float]]):
    expected = {i for i, p in enumerate(points) if not any(dominates(q, p) for q in points)}
    assert front(points) == expected


@given(POINTS, st.randoms())
def test_the_order_of_the_points_does_not_matter(points: list[tuple[float, float]], random):
    places = list(range(len(points)))
    random.shuffle(places)
    assert {places[i] for i in front([points[p] for p in places])} == front(points)
