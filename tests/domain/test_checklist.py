"""MultiCheckList: cases from the official file of templates, the official comparison of answers, and which way is better."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from backend.domain import checklist, reading
from backend.domain.gains import Measurement, gains
from backend.domain.metrics.checklist import METRICS, TESTS, cleaned, error_rates, lower_is_better, right
from backend.domain.tasks import TASKS

TASK = TASKS["multichecklist"]
FILE = "multichecklist/checklist_templates.tsv"


def made(path: Path, language: str, cases: int = 20) -> list[dict[str, object]]:
    return list(checklist.rows(path, language, cases))


def test_every_language_of_the_official_file_has_all_tests(benchmark_files: Path) -> None:
    with (benchmark_files / FILE).open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    named = {name for name in header[1:] if not name.endswith("-placeholders")}
    assert named == set(TASK.languages) and len(named) == 50
    for language in TASK.languages:
        rows = made(benchmark_files / FILE, language, 3)
        cases = Counter(str(row["id"]).split("/")[0] for row in rows)
        assert dict(cases) == dict(zip(TESTS, (6, 36, 6, 24, 12, 12), strict=True)), language
        texts = [str(row[part]) for row in rows for part in ("context", "question")]
        assert not any("{" in text or "}" in text for text in texts), language
        assert len(list(reading.examples(TASK, rows, "here"))) == len(rows)


def test_expected_answers_stand_in_their_paragraphs_but_where_the_file_has_another_form(benchmark_files: Path) -> None:
    for language in ("en", "de", "ru", "zh", "ar", "tr"):
        for row in made(benchmark_files / FILE, language):
            answers = row["answers"]
            assert isinstance(answers, dict) and answers["answer_start"][0] >= 0, (language, row)


def test_the_same_file_gives_the_same_cases_and_cases_differ(benchmark_files: Path) -> None:
    first = made(benchmark_files / FILE, "de")
    assert first == made(benchmark_files / FILE, "de")
    assert len({str(row["context"]) for row in first}) > 100


def test_wordings_agree_with_what_was_drawn(benchmark_files: Path) -> None:
    """Russian asks of each property in its own words; the one that is asked must be the one that is answered."""
    colours = {
        line.wordings[0].text[:4]
        for line in checklist.templates(benchmark_files / FILE, "ru")["properties"].fillers["color"]
    }
    asked = 0
    for row in made(benchmark_files / FILE, "ru", 60):
        if str(row["question"]).startswith("Какого цвета"):
            asked += 1
            assert row["answers"]["text"][0][:4] in colours  # type: ignore[index]
    assert asked > 10


BROKEN = [
    ("Fields\ten\n", "line 1: the first columns are"),
    ("Field\ten\nName\tSomething else\n", "line 2: no test is named 'Something else'"),
    ("Field\ten\nContext\t{first_name}\n", "line 2: 'Context' before any test"),
    ("Field\ten\nName\tAnimal vs Vehicle\nAnswer\t{animal}\n", "line 3: an answer without a question"),
    ("Field\ten\nName\tAnimal vs Vehicle\nContext\n", "line 3: 1 cells; expected 2"),
    ("Field\ten\nName\tAnimal vs Vehicle\n", "the test 'A is COMP than B"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_malformed_file_says_where_and_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "checklist_templates.tsv"
    path.write_text(text)
    with pytest.raises(reading.MalformedData) as caught:
        list(reading.examples(TASK, checklist.rows(path, "en", 2), str(path)))
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_a_language_that_the_file_has_not(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("Field\ten\tde\n")
    with pytest.raises(ValueError, match="there is no column of 'sw'; there are en, de"):
        made(tmp_path / "t.tsv", "sw")


@pytest.mark.parametrize(
    ("language", "prediction", "expected", "same"),
    [
        ("en", "a rabbit", "rabbit.", True), ("en", "rabbit", "Rabbit", False), ("de", "einen Hund", "Hund", True),
        ("de", "der Hund", "Hund", False), ("hi", "एककुत्ता", "कुत्ता", True), ("th", "แมว", "แมว", True),
        ("pl", "„kot”", "kot", True), ("ar", "القط", "قط", True), ("tl", "Si Anna", "Anna", True),
    ],
)  # fmt: skip
def test_answers_are_compared_as_the_official_script_does(
    language: str, prediction: str, expected: str, same: bool
) -> None:
    assert right(prediction, expected, language) is same
    assert cleaned(" x, ", language) == "x"


def test_one_wrong_answer_fails_a_case() -> None:
    answers = [(f"{test}/{case}/{n}", True) for test in TESTS for case in range(4) for n in range(3)]
    answers.remove(("comparisons/2/1", True))
    found = error_rates([*answers, ("comparisons/2/1", False)])
    assert set(found) == set(METRICS)
    assert found["error_rate_comparisons"] == (25.0, 4)
    assert found["error_rate"] == (pytest.approx(25 / 6), 24)
    with pytest.raises(ValueError, match="no case of animal_vehicle_v2"):
        error_rates([a for a in answers if not a[0].startswith("animal_vehicle_v2")])
    with pytest.raises(ValueError, match="is of no test"):
        error_rates([("something/1/1", True)])


def test_fewer_errors_are_a_gain() -> None:
    def score(recipe: str, metric: str, value: float) -> Measurement:
        return Measurement(
            run=len(recipe), model="mini-2", recipe=recipe, target="multichecklist", language="de", metric=metric,
            seed=0, value=value, n=180, settings="s",
        )  # fmt: skip

    assert all(lower_is_better(m) for m in METRICS) and not lower_is_better("f1")
    cells = gains([score("none", "error_rate", 60.0), score("mnli", "error_rate", 45.0)], same_data=lambda r, x: False)
    assert [(c.mean, c.baseline, c.treated) for c in cells] == [(15.0, 60.0, 45.0)]
    cells = gains([score("none", "f1", 60.0), score("mnli", "f1", 45.0)], same_data=lambda r, x: False)
    assert [c.mean for c in cells] == [-15.0]
