"""Who turned what, on cases small enough to be counted by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.domain.tasks import TASKS
from backend.statistics.flips import McNemar, aligned, kinds, mcnemar, right, slug
from backend.statistics.measures import Rows
from backend.statistics.table import Unusable


def rows(
    pairs: list[tuple[Any, Any]], *, scores: list[float] | None = None, ids: list[str] | None = None, **more: Any
) -> Rows:
    """``language`` of them is Spanish, which MLQA's comparison knows the articles of."""

    def text(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value)

    n = len(pairs)
    return Rows(
        "es", ids or [str(i) for i in range(n)], [text(p) for p, _ in pairs], [text(g) for _, g in pairs], scores or [0.0] * n, **more
    )  # fmt: skip


def test_mcnemar_as_counted_by_hand() -> None:
    """Nine fixed and one broken of ten that changed: 2 · (1 + 10) / 2^10 = 0.021484375."""
    without = [False] * 9 + [True] + [True] * 5 + [False] * 3
    treated = [True] * 9 + [False] + [True] * 5 + [False] * 3
    found = mcnemar(without, treated)
    assert found == McNemar(both_right=5, fixed=9, broken=1, both_wrong=3)
    assert found.p == pytest.approx(22 / 1024, rel=1e-12)
    assert McNemar(5, 1, 9, 3).p == found.p  # either way
    assert McNemar(5, 3, 0, 0).p == 0.25  # 2 / 2^3
    assert McNemar(5, 2, 2, 0).p == 1.0 and McNemar(8, 0, 0, 8).p == 1.0


@pytest.mark.parametrize(
    ("task", "pairs", "scores", "expected"),
    [
        ("xnli", [("neutral", "neutral"), ("neutral", "entailment")], [100.0, 0.0], [True, False]),
        ("xquad", [("the Big cat", ["big cat"]), ("big", ["big cat"])], [100.0, 66.7], [True, False]),
        ("mlqa", [("el gato", ["gato"]), ("gatos", ["gato"])], [100.0, 0.0], [True, False]),
        ("panx", [(["B-PER", "O"], ["B-PER", "O"]), (["O", "O"], ["B-PER", "O"])], [100.0, 50.0], [True, False]),
        ("lareqa", [(["de:1", "en:1"], ["en:2", "de:1"]), (["de:2", "de:1"], ["de:1"])], [80.0, 50.0], [True, False]),
        ("bucc", [([], []), (["en-1"], []), (["en-1"], ["en-1"])], None, [True, False, True]),
        ("multichecklist", [("a", ["a"]), ("b", ["a"])], [100.0, 0.0], [True, False]),
    ],
)  # fmt: skip
def test_when_an_example_is_right(
    task: str, pairs: list[Any], scores: list[float] | None, expected: list[bool]
) -> None:
    assert right(TASKS[task], rows(pairs, scores=scores)) == expected


def test_mined_sentences_that_one_run_does_not_name() -> None:
    """The first run mined a pair that is none; the second has no line for that sentence, so it was right there."""
    one = rows([(["en-9"], []), (["en-2"], ["en-2"])], ids=["sw-1", "sw-2"])
    other = rows([([], ["en-2"])], ids=["sw-2"])
    first, second = aligned(TASKS["bucc"], [one, other])
    assert list(first.id) == list(second.id) == ["sw-1", "sw-2"]
    assert right(TASKS["bucc"], first) == [False, True]
    assert right(TASKS["bucc"], second) == [True, False]


def test_other_examples_are_not_compared() -> None:
    with pytest.raises(Unusable, match="different examples"):
        aligned(TASKS["xnli"], [rows([("a", "a")]), rows([("a", "a"), ("a", "a")])])


def test_kinds_of_sentences() -> None:
    tagged = rows(
        [(["O"], ["O"]), (["O", "O"], ["B-PER", "B-LOC"]), (["O"] * 3, ["B-PER", "I-PER", "O"])], script=["Latin", "Arabic", "Latin"]
    )  # fmt: skip
    length, entity, script = kinds(TASKS["panx"], tagged)
    assert list(length.names.values()) == ["1 token", "2 tokens", "3 tokens"] and list(length.of) == [
        ("1",),
        ("2",),
        ("3",),
    ]
    assert entity.names == {"PER": "PER", "LOC": "LOC", "none": "none"}
    assert [set(each) for each in entity.of] == [{"none"}, {"PER", "LOC"}, {"PER"}]
    assert list(script.names) == ["Latin", "Arabic"] and script.missing is None


def test_what_was_not_kept_tells_nothing_apart() -> None:
    found = {k.key: k for k in kinds(TASKS["xnli"], rows([("neutral", "neutral"), ("neutral", "entailment")]))}
    assert "was not kept" in str(found["length"].missing) and "was not kept" in str(found["script"].missing)
    assert list(found["label"].names) == ["entailment", "neutral"]
    assert slug("no answer") == "no-answer" and slug("…") == "none"
