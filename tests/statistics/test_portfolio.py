"""A portfolio under a budget: cases worked out by hand, and every choice of small ones tried."""

from __future__ import annotations

import itertools
import random

import pytest

from backend.statistics.portfolio import Choice, Item, _greedy, bill, choose


def item(value: float, own: float, needs: str = "", group: str = "") -> Item:
    return Item(value, own, frozenset(needs.split()), (group or f"{value} {own} {needs}",))


# Two recipes: the intermediate stage of "dear" takes 6 h and helps three targets by 2 points each, that of "cheap" 2 h and one
# target by 3. A fine-tune takes 1 h, an evaluation nothing to speak of.
COSTS = {"dear": 6.0, "cheap": 2.0, "f1": 1.0, "f2": 1.0, "f3": 1.0, "g1": 1.0}
ITEMS = [
    item(2.0, 0.0, "dear f1", "target 1"),
    item(2.0, 0.0, "dear f2", "target 2"),
    item(2.0, 0.0, "dear f3", "target 3"),
    item(3.0, 0.0, "cheap g1", "target 1"),
]


@pytest.mark.parametrize(
    ("budget", "chosen", "value", "spent"),
    [
        (2.9, (), 0.0, 0.0),  # the cheap one takes 2 + 1
        (3.0, (3,), 3.0, 3.0),
        (7.9, (3,), 3.0, 3.0),
        (9.0, (0, 1, 2), 6.0, 9.0),  # its stage is paid once: 6 + 3 · 1
        (11.0, (1, 2, 3), 7.0, 11.0),  # of target 1 one recipe alone: 3 + 6 + 1 + 1
        (100.0, (1, 2, 3), 7.0, 11.0),
    ],
)
def test_worked_out_by_hand(budget: float, chosen: tuple[int, ...], value: float, spent: float):
    found = choose(ITEMS, COSTS, budget)
    assert found == Choice(chosen, pytest.approx(value), pytest.approx(spent), pytest.approx(value), True)


def test_two_targets_that_share_a_stage_beat_the_best_single_one():
    found = choose(ITEMS, COSTS, 8.0)  # the dear stage and two fine-tunes, 6 + 1 + 1, gain 4; the cheap recipe gains 3
    assert (found.value, found.spent, len(found.chosen)) == (pytest.approx(4.0), pytest.approx(8.0), 2)
    assert 3 not in found.chosen


def test_every_choice_tried():
    """60 small cases: no choice within the budget is worth more."""
    draw = random.Random(7)
    for _ in range(60):
        names = [f"s{i}" for i in range(draw.randint(1, 4))]
        costs = {name: draw.uniform(0.5, 6) for name in names}
        items = [
            Item(draw.uniform(-1, 4), draw.uniform(0, 2), frozenset(draw.sample(names, draw.randint(0, len(names)))), (f"g{draw.randint(0, 4)}",))
            for _ in range(draw.randint(1, 8))
        ]  # fmt: skip
        budget = draw.uniform(0.5, 15)
        best = 0.0
        for size in range(len(items) + 1):
            for taken in itertools.combinations(range(len(items)), size):
                if len({items[i].group for i in taken}) == size and bill(items, costs, taken) <= budget:
                    best = max(best, sum(items[i].value for i in taken))
        found = choose(items, costs, budget)
        assert found.value == pytest.approx(best, rel=2e-4)
        assert found.spent <= budget * (1 + 1e-6)
        assert found.bound >= found.value - 1e-9
        assert len({items[i].group for i in found.chosen}) == len(found.chosen)


def test_what_is_left_where_the_time_is_up_fits_the_budget_and_says_its_bound():
    taken = _greedy(ITEMS, COSTS, 9.0)
    assert taken == (3,)  # 3 points for 3 hours, and the dear stage does not fit beside it
    assert bill(ITEMS, COSTS, taken) <= 9.0


def test_costs_of_any_size_are_the_same_choice():
    large = [Item(i.value, i.own * 1e18, i.needs, i.group) for i in ITEMS]
    assert choose(large, {k: v * 1e18 for k, v in COSTS.items()}, 9e18).chosen == choose(ITEMS, COSTS, 9.0).chosen


def test_what_hurts_is_never_chosen():
    assert choose([item(-1.0, 0.1), item(0.0, 0.1)], {}, 10.0).chosen == ()
