"""Rate, foretold end and hung detection, on made-up clocks."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.run import Phase
from worker.causes import cause_of
from worker.pace import HUNG_SECONDS, LOADING_SECONDS, Pace
from worker.stopping import how_it_died


def steady(steps: int, seconds: float, *, first: int = 0, total: int = 1000) -> tuple[Pace, float]:
    pace, at = Pace(0.0), 0.0
    pace.sign(at, Phase.TRAINING)
    for step in range(first, first + steps + 1):
        pace.saw(step, total, at)
        at += seconds
    return pace, at - seconds


def test_a_steady_run_is_foretold_closely() -> None:
    pace, _ = steady(100, 0.5)
    assert pace.rate == pytest.approx(2.0)
    low, high = pace.eta or (0, 0)
    assert low == pytest.approx(450) == high


def test_no_end_is_foretold_before_twenty_steps_of_this_attempt() -> None:
    assert steady(19, 0.5, first=500)[0].eta is None
    assert steady(20, 0.5, first=500)[0].eta is not None


def test_an_uneven_run_has_a_range() -> None:
    pace, at = Pace(0.0), 0.0
    for step in range(100):
        at += 0.1 if (step // 10) % 2 else 0.5
        pace.saw(step, 1000, at)
    low, high = pace.eta or (0, 0)
    assert low < 900 / (pace.rate or 0) < high
    assert high > 2 * low


def test_the_rate_is_that_of_the_last_while() -> None:
    pace, at = steady(100, 0.1, total=10_000)
    for step in range(101, 200):
        at += 1.0
        pace.saw(step, 10_000, at)
    assert pace.rate == pytest.approx(1.0, rel=0.05)


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 100)), max_size=60))
def test_whatever_comes_the_numbers_make_sense(said: list[tuple[int, float]]) -> None:
    pace, at = Pace(0.0), 0.0
    for step, passed in said:
        at += passed
        pace.saw(step, 500, at)
        assert pace.rate is None or pace.rate > 0
        if pace.eta is not None:
            low, high = pace.eta
            assert 0 <= low <= high < float("inf")
        assert pace.hung_after() >= HUNG_SECONDS


def test_hung_is_ten_minutes_or_fifty_steps() -> None:
    assert steady(50, 0.5)[0].hung_after() == HUNG_SECONDS
    pace, at = steady(50, 30.0)
    assert pace.hung_after() == pytest.approx(1500)
    assert pace.still(at + 1400) == pytest.approx(1400)
    pace.sign(at + 1400)
    assert pace.still(at + 1500) == pytest.approx(100)


def test_loading_may_take_longer() -> None:
    pace = Pace(0.0)
    assert pace.hung_after() == LOADING_SECONDS
    pace.sign(1.0, Phase.LOADING)
    assert pace.hung_after() == LOADING_SECONDS
    pace.sign(2.0, Phase.TRAINING)
    assert pace.hung_after() == HUNG_SECONDS


def test_the_same_step_again_is_no_progress() -> None:
    pace = Pace(0.0)
    assert pace.saw(1, 10, 1.0)
    assert not pace.saw(1, 10, 5.0)
    assert pace.still(5.0) == 4.0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "killed by signal 9, probably out of memory"),
        (-11, "killed by signal 11 (SIGSEGV), a crash in native code"),
        (-15, "killed by signal 15 (SIGTERM)"),
        (3, "its process ended with code 3 and no result"),
        (0, "its process ended with code 0 and no result"),
        (None, "its process ended; how is not known"),
    ],
)
def test_the_end_of_a_process_in_words(code: int | None, words: str) -> None:
    assert how_it_died(code) == words


class OutOfMemoryError(RuntimeError):
    """As torch's is called."""


def chained() -> RuntimeError:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("could not save") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (MemoryError(), "too little memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"), "too little memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "GPU has too little memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (chained(), "disk is full"),
        (FileNotFoundError(2, "No such file", "train.jsonl"), "missing"),
        (OSError("We couldn't connect to 'https://huggingface.co' to load the files"), "hub"),
        (FloatingPointError("loss is not finite"), "stopped being a number"),
        (PermissionError(13, "Permission denied"), "may not be read"),
        (KeyError("x"), "not known"),
    ],
)  # fmt: skip
def test_causes_in_plain_words(error: BaseException, word: str) -> None:
    assert word in cause_of(error)
