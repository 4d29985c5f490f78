"""Word vectors by counting: the counts, and what they find."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from worker.cooccurrence import SMOOTHING, WINDOW, _counts, _ppmi, vectors
from worker.formats import Features


def text(lines: list[list[int]]) -> Features:
    return Features.build([[0, *line, 2] for line in lines])


def everything(features: Features) -> np.ndarray:
    return np.arange(len(features.lengths))


def brute(lines: list[list[int]]) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for line in lines:
        for i, a in enumerate(line):
            for j, b in enumerate(line):
                if i != j and abs(i - j) <= WINDOW:
                    found[a, b] += 1
    return found


def test_counts_are_of_neighbours_within_a_line():
    rng = np.random.default_rng(0)
    lines = [rng.integers(4, 30, rng.integers(1, 25)).tolist() for _ in range(60)]
    features = text(lines)
    counts = _counts(features, everything(features), 30, first=4).to_dense()
    wanted = brute(lines)
    assert {(int(a), int(b)): int(counts[a, b]) for a, b in counts.nonzero()} == dict(wanted)
    half = _counts(features, np.arange(30), 30, first=4).to_dense()
    assert half.sum() == sum(brute(lines[:30]).values())


def test_information_is_what_the_formula_says():
    lines = [[4, 5, 6], [4, 5], [7, 6, 6]]
    features = text(lines)
    counts = brute(lines)
    found = _ppmi(_counts(features, everything(features), 10, first=4)).to_dense()
    word = Counter({a: sum(n for (x, _), n in counts.items() if x == a) for a in range(10)})
    smoothed = {a: n**SMOOTHING for a, n in word.items() if n}
    for (a, b), n in counts.items():
        value = math.log(n / (word[a] * smoothed[b] / sum(smoothed.values())))
        assert float(found[a, b]) == pytest.approx(max(0.0, value), abs=1e-5)


def twins() -> Features:
    """Words 10 to 49 and their doubles 60 to 99, in two languages that borrow words of each other. Every word has three words
    that it likes to stand beside; the words 4 and 5 tell the languages apart."""
    rng = np.random.default_rng(1)
    friends = np.stack([rng.permutation(40)[:3] for _ in range(40)])
    lines = []
    for _ in range(6000):
        language = rng.integers(2)
        word = rng.integers(40)
        words = 10 + np.array([word, *friends[word]]) + 50 * language
        borrowed = rng.random(4) < 0.2
        words[borrowed] += 50 if language == 0 else -50
        lines.append([4 + language, *words.tolist()])
    return text(lines)


def test_words_that_are_used_alike_are_near_each_other_whatever_their_language():
    features = twins()
    found = vectors(features, everything(features), 120, 32, first=4)
    nearest = (found[10:50] @ found[60:100].T).argmax(dim=1)
    assert (nearest == torch.arange(40)).float().mean() > 0.9  # by chance 0.025


def test_vectors_are_of_unit_length_the_same_each_time_and_zero_where_nothing_stands():
    features = twins()
    torch.manual_seed(1)
    first = vectors(features, everything(features), 120, 16, first=4)
    before = torch.random.get_rng_state()
    second = vectors(features, everything(features), 120, 16, first=4)
    assert torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())  # nobody else's random numbers are used up
    lengths = first.norm(dim=1)
    seen = torch.zeros(120, dtype=torch.bool)
    seen[[4, 5, *range(10, 50), *range(60, 100)]] = True
    torch.testing.assert_close(lengths[seen], torch.ones(82))
    assert not lengths[~seen].any()
