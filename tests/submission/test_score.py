"""Folders to scores: the official numbers of the official mock submission, averages, groups, and every kind of problem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.domain.tasks import TASKS
from backend.submission.benchmarks import BENCHMARKS, SUFFIX, XTREME, XTREME_R, Kind
from backend.submission.score import score

ALL = [(b, name) for b in BENCHMARKS.values() for name in b.tasks]


# --- the official mock submission ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("benchmark", [XTREME, XTREME_R], ids=lambda b: b.name)
def test_every_official_number_digit_by_digit(benchmark_files: Path, benchmark: Any) -> None:
    """Each language's, and the constants of the official test: equal as floating-point numbers."""
    mock = benchmark_files / "xtreme_mock"
    expected = json.loads((mock / "expected_scores.json").read_text())
    report = score(mock / "predictions", mock / "labels", benchmark)
    constants = expected[f"official_test_constants_{benchmark.name.replace('-', '_')}"]
    for task, averages in constants.items():
        found = report.tasks[task].average
        assert {name: found[name.removeprefix("avg_")] for name in averages} == averages, task
    seen = 0
    for task, languages in expected["per_language_official_script_seqeval_0.0.12"].items():
        for language, values in languages.items():
            if task in report.tasks:
                found = report.tasks[task].languages[language]
                assert {metric: found[metric] for metric in values} == values, (task, language)
                seen += 1
    assert seen == sum(len(task.languages) for task in report.tasks.values())


def constants_of(benchmark_files: Path) -> dict[str, dict[str, float]]:
    expected = json.loads((benchmark_files / "xtreme_mock" / "expected_scores.json").read_text())
    found: dict[str, dict[str, float]] = expected["official_test_constants_xtreme"]
    return found


def test_scores_groups_and_the_whole(benchmark_files: Path) -> None:
    """Worked out here from the published constants, as the official script says."""
    mock = benchmark_files / "xtreme_mock"
    report = score(mock / "predictions", mock / "labels", XTREME)
    constants = constants_of(benchmark_files)
    headline = {
        task: (avg["avg_exact_match"] + avg["avg_f1"]) / 2
        if "avg_exact_match" in avg
        else avg.get("avg_f1", avg.get("avg_accuracy"))
        for task, avg in constants.items()
    }
    assert {name: task.score for name, task in report.tasks.items()} == headline
    assert report.groups["qa"] == pytest.approx(sum(headline[t] for t in ("xquad", "mlqa", "tydiqa")) / 3, rel=1e-15)
    assert report.groups["retrieval"] == pytest.approx((55 + 53.611111111111114) / 2)
    assert report.overall == pytest.approx(sum(headline.values()) / 9, rel=1e-15)
    assert report.problems == []
    assert report.notes == [f"{mock / 'predictions' / 'mewslix'} was left aside: XTREME does not have it"]


def test_what_xtreme_r_adds_is_missed_in_the_mock(benchmark_files: Path) -> None:
    """It was made for XTREME: eight languages of PAN-X are not there, so that its average is not, either."""
    mock = benchmark_files / "xtreme_mock"
    report = score(mock / "predictions", mock / "labels", XTREME_R)
    assert set(report.groups) == set()
    assert len(report.tasks["panx"].languages) == 40
    assert report.tasks["panx"].average == {}
    assert report.tasks["panx"].score is None
    assert len([p for p in report.problems if "/panx/" in p]) == 8
    assert f"{mock / 'predictions/xquad/test-ro.json'}: missing (Romanian), and so are its labels" in report.problems
    assert report.overall is None


def test_plain_accuracy_beside_the_official_f1(benchmark_files: Path) -> None:
    mock = benchmark_files / "xtreme_mock"
    report = score(mock / "predictions", mock / "labels", XTREME)
    udpos = report.tasks["udpos"]
    assert udpos.average["accuracy"] == pytest.approx(74.19, abs=0.005)
    assert udpos.score == udpos.average["f1"] == 70.21746048354693


# --- our own submissions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda b: b.name)
def test_a_whole_submission_has_an_overall_score(folders: Any, benchmark: Any) -> None:
    """Every task, half of it right: all tasks score 50, and so does everything that is a mean of them."""
    for entry in benchmark.tasks.values():
        folders.fill(entry)
    report = folders.score(benchmark)
    assert report.problems == []
    assert report.notes == []
    assert {name: task.score for name, task in report.tasks.items()} == dict.fromkeys(benchmark.tasks, 50.0)
    assert report.groups == dict.fromkeys(benchmark.groups, 50.0)
    assert report.overall == 50.0


def test_as_json(folders: Any) -> None:
    for name in ("xcopa", "tydiqa"):
        folders.fill(XTREME_R.tasks[name])
    found = folders.score(XTREME_R).as_json()
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["tasks", "groups", "overall", "problems"]
    assert found["tasks"]["xcopa"] == {
        "languages": {code: {"accuracy": 50.0} for code in XTREME_R.tasks["xcopa"].languages},
        "average": {"accuracy": 50.0},
        "score": 50.0,
    }
    assert found["tasks"]["tydiqa"]["languages"]["fi"] == {"exact_match": 50.0, "f1": 50.0}
    assert found["groups"] == {"multi_choice": 50.0}
    assert found["overall"] is None
    assert found["problems"] == []


def test_an_average_is_over_languages_not_over_lines(folders: Any) -> None:
    """PAWS-X: one language with four lines, all right, weighs as much as one with two, none right."""
    entry = XTREME.tasks["pawsx"]
    folders.fill(entry)
    folders.write("pawsx", "test-de.tsv", "1\n1\n1\n1\n", "1\n1\n1\n1\n")
    folders.write("pawsx", "test-en.tsv", "1\n1\n", "0\n0\n")
    report = folders.score(XTREME)
    assert report.tasks["pawsx"].languages["de"] == {"accuracy": 100.0}
    assert report.tasks["pawsx"].score == pytest.approx((100 + 0 + 5 * 50) / 7)


def test_lareqa_from_the_files_of_xquad_r(folders: Any) -> None:
    """Ids of candidates are language, paragraph, sentence; what is right is right in every language's file."""
    entry = XTREME_R.tasks["lareqa"]
    for code in entry.languages:
        one = {
            "context": "Aa. Bb. Aa.",
            "sentence_breaks": [[0, 3], [4, 7], [8, 11]],
            "qas": [{"id": "q0", "answers": [{"text": "Bb", "answer_start": 4}]}],
        }
        two = {
            "context": "Aa. Bb. Aa.",
            "sentence_breaks": [[0, 3], [4, 7], [8, 11]],
            "qas": [{"id": "q1", "answers": [{"text": "Aa", "answer_start": 0}]}],
        }
        right = [f"{other}_1_1" for other in entry.languages]
        twice = [f"{other}_2_{at}" for other in entry.languages for at in (0, 2)]  # 22 of which 20 have a place
        folders.write("lareqa", entry.file(code), {"q0": [*right[:5], "x"], "q1": twice}, {"data": [{"paragraphs": [one, two]}]})  # fmt: skip
    report = folders.score(XTREME_R)
    assert report.problems == []
    assert report.tasks["lareqa"].languages["th"] == {"map@20": pytest.approx((100 * 5 / 11 + 100) / 2)}
    assert report.tasks["lareqa"].score == pytest.approx((100 * 5 / 11 + 100) / 2)


def test_lareqa_of_real_files(benchmark_files: Path, folders: Any) -> None:
    """Five of the eleven languages are at hand: 1,190 questions each, each with a right sentence in every one of them."""
    from backend.submission.lareqa import over_languages, relevant_in

    folder = benchmark_files / "lareqa" / "xquad-r"
    found = {path.stem: relevant_in(path, path.stem, 0) for path in sorted(folder.glob("*.json"))}
    assert {code: len(each) for code, each in found.items()} == dict.fromkeys(("de", "en", "es", "tr", "zh"), 1190)
    everywhere = over_languages(found)
    assert len(everywhere) == 1190
    assert all({one.split("_")[0] for one in right} == set(found) for right in everywhere.values())


def test_mewslix_is_the_place_of_one_entity(folders: Any) -> None:
    folders.fill(XTREME_R.tasks["mewslix"])
    folders.write("mewslix", "test-de.json", {"m": ["Q1", "Q2", "Q3", "Q4"]}, {"m": ["Q4 "]})
    folders.write("mewslix", "test-en.json", {"m": ["Q4"]}, {"m": ["Q4", "Q5"]})
    report = folders.score(XTREME_R)
    assert report.tasks["mewslix"].languages["de"] == {"map@20": 25.0}
    assert report.problems == [f"{folders.labels / 'mewslix/test-en.json'}: mention 'm' has 2 entities; expected one"]


# --- problems ----------------------------------------------------------------------------------------------------------------


def asked(answers: list[dict[str, str]]) -> dict[str, Any]:
    """SQuAD's JSON with one question."""
    return {"data": [{"paragraphs": [{"qas": [{"id": "q", "answers": answers}]}]}]}


PROBLEMS: list[tuple[str, str, Any, Any, str, str]] = [
    # task, file, predictions, labels (None: left out), side that is at fault, words
    ("xnli", "test-de.tsv", None, "neutral\n", "predictions", "missing (German)"),
    ("xnli", "test-de.tsv", "neutral\n", None, "labels", "missing (German)"),
    ("xnli", "test-de.tsv", "neutral\n", "neutral\nneutral\n", "predictions", "wrong length: 1 lines, the labels have 2"),
    ("xnli", "test-de.tsv", b"neutral\nn\xe4\n", "neutral\n", "predictions", "line 2: not UTF-8"),
    ("xnli", "test-de.tsv", "", "neutral\n", "predictions", "holds no line"),
    ("xnli", "test-de.tsv", "neutral\n", "\n", "labels", "line 1: unknown label ''"),
    ("panx", "test-de.tsv", "O\nO\n\nO\n", "O\nO\nO\n", "predictions", "wrong length: 2 sentences, the labels have 1"),
    ("panx", "test-de.tsv", "O\nO\n", "O\nO\nO\n", "predictions", "wrong length: sentence 1 has 2 tags, in the labels 3"),
    ("panx", "test-de.tsv", "O\nBerlin\tB-LOC\n", "O\nO\n", "predictions", r"line 2: 'Berlin\tB-LOC' is not one tag"),
    ("panx", "test-de.tsv", "\n\n", "O\nO\n", "predictions", "holds no tag"),
    ("bucc2018", "test-de.tsv", "de-1\ten-1\nde-2 en-2\n", "de-1\ten-1\n", "predictions", "line 2: 'de-2 en-2' is not two"),
    ("xcopa", "test-et.jsonl", '{"label": 0}\n0\n', '{"label": 0}\n', "predictions", "line 2: '0' is not a JSON object"),
    ("xcopa", "test-et.jsonl", '{"label": 0}\n', '{"idx": 0}\n', "labels", "is not a JSON object with a label"),
    ("xquad", "test-de.json", {"q0": 3}, {"data": []}, "labels", "holds no question"),
    ("xquad", "test-de.json", '{"q0":\n "a"', None, "labels", "missing (German)"),
    ("xquad", "test-de.json", {"q": 1}, asked([{"text": "a"}]), "predictions", "the answer to 'q' is 1; expected text"),
    ("xquad", "test-de.json", '{"q":\n nix', asked([{"text": "a"}]), "predictions", "line 2: not JSON"),
    ("xquad", "test-de.json", {"q": ""}, asked([{"text": ""}]), "labels", "the labels are withheld"),
    ("xquad", "test-de.json", {"q": ""}, asked([]), "labels", "question 'q' has no answer"),
    ("xquad", "test-de.json", {"q": ""}, {"data": {"q": ["a"]}}, "labels", "is not SQuAD's JSON"),
    ("xquad", "test-de.json", {"q": ""}, ["q"], "labels", "is not a JSON object"),
    ("mewslix", "test-de.json", {"m": "Q1"}, {"m": ["Q1"]}, "predictions", "the candidates of 'm' are 'Q1'; expected a list"),
    ("lareqa", "test-de.json", {"q": ["a"]}, {"q": []}, "labels", "question 'q' has no right candidate"),
    ("lareqa", "test-de.json", {"q": ["a"]}, {"data": [{"paragraphs": [{"qas": []}]}]}, "labels", "paragraph 1 is not XQuAD-R's"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "name", "predictions", "labels", "side", "words"), PROBLEMS)
def test_a_file_that_cannot_be_scored(
    folders: Any, task: str, name: str, predictions: Any, labels: Any, side: str, words: str
) -> None:
    """One problem, which names the file; the other languages are scored, the task is not."""
    benchmark = XTREME if task in ("xnli", "panx", "bucc2018") else XTREME_R
    entry = benchmark.tasks[task]
    folders.fill(entry)
    for folder in (folders.predictions, folders.labels):
        (folder / task / name).unlink()
    folders.write(task, name, None if isinstance(predictions, bytes) else predictions, labels)
    if isinstance(predictions, bytes):
        (folders.predictions / task / name).write_bytes(predictions)
    report = folders.score(benchmark)
    at_fault = [p for p in report.problems if p.startswith(f"{folders.root / side / task / name}: ")]
    assert any(words in p for p in at_fault), report.problems
    language = name.split(".")[0].removeprefix("test-")
    if "unknown label" not in words or "wrong length" in str(report.problems):
        assert language not in report.tasks[task].languages
        assert len(report.tasks[task].languages) == len(entry.languages) - 1
        assert report.tasks[task].average == {}
        assert report.tasks[task].score is None
    assert report.overall is None


SCORED = [
    ("xnli", "test-de.tsv", "neutral\nNeutral\nx\n", "neutral\n" * 3, {"accuracy": 100 / 3},
     "line 2: unknown label 'Neutral' counts as wrong (lines of this kind: 2); expected one of entailment, neutral, contradiction"),
    ("tatoeba", "test-de.tsv", "7\nde-8\n", "7\n8\n", {"accuracy": 50.0},
     "line 2: unknown label 'de-8' counts as wrong; expected the number of a sentence, from 0"),
    ("udpos", "test-de.tsv", "NOUN\n\nNN\n", "NOUN\n\nNOUN\n", {"f1": 50.0, "precision": 50.0, "recall": 50.0, "accuracy": 50.0},
     "line 3: unknown label 'NN' counts as wrong"),
    ("bucc2018", "test-de.tsv", "de-1\ten-1\nen-2\tde-2\n", "de-1\ten-1\nde-2\ten-2\n",
     {"f1": 50.0, "precision": 50.0, "recall": 50.0}, "expected ids de-… and en-…, in this order"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "name", "predictions", "labels", "points", "words"), SCORED)
def test_a_label_that_nobody_knows_is_wrong_and_is_said(
    folders: Any, task: str, name: str, predictions: str, labels: str, points: Any, words: str
) -> None:
    folders.fill(XTREME.tasks[task])
    folders.write(task, name, predictions, labels)
    report = folders.score(XTREME)
    assert report.tasks[task].languages["de"] == pytest.approx(points)
    [problem] = report.problems
    assert problem.startswith(f"{folders.predictions / task / name}: ")
    assert words in problem


def test_a_label_in_quotes_is_another_one(folders: Any) -> None:
    """As in the official script, which compares what JSON says."""
    folders.fill(XTREME_R.tasks["xcopa"])
    folders.write("xcopa", "test-et.jsonl", '{"label": "0"}\n{"label": 1}\n', '{"label": 0}\n{"label": 1}\n')
    report = folders.score(XTREME_R)
    assert report.tasks["xcopa"].languages["et"] == {"accuracy": 50.0}
    assert """line 1: unknown label '"0"' counts as wrong""" in report.problems[0]


def test_questions_without_prediction_and_predictions_without_question(folders: Any) -> None:
    folders.fill(XTREME_R.tasks["xquad"])
    folders.write("xquad", "test-de.json", {"q0": "eins", "other": "x"}, None)
    report = folders.score(XTREME_R)
    assert report.tasks["xquad"].languages["de"] == {"exact_match": 50.0, "f1": 50.0}
    assert report.problems == [
        f"{folders.predictions / 'xquad/test-de.json'}: wrong length: 1 of 2 questions have no prediction and count as wrong, "
        "the first is 'q1'; 1 predictions belong to no question of the labels, the first is 'other'"
    ]


@pytest.mark.parametrize(("entry", "wrong"), [("xnli", "txt"), ("xcopa", "json"), ("xquad", "jsonl")])
def test_a_wrong_suffix_is_called_so(folders: Any, entry: str, wrong: str) -> None:
    task = XTREME_R.tasks[entry]
    folders.fill(task)
    path = folders.predictions / entry / task.file("zh")
    path.rename(path.with_suffix(f".{wrong}"))
    [problem] = folders.score(XTREME_R).problems
    assert problem == (
        f"{path}: missing (Chinese); wrong suffix: test-zh.{wrong} is there, but {entry} is read from .{SUFFIX[task.kind]}"
    )


def test_folders_and_files_that_belong_to_nothing(folders: Any) -> None:
    folders.fill(XTREME_R.tasks["xcopa"])
    for name in ("xquda", "pawsx", ".cache"):
        (folders.predictions / name).mkdir()
    folders.write("xcopa", "test-ett.jsonl", "{}", None)
    folders.write("xcopa", "notes.md", "mine", None)
    report = folders.score(XTREME_R)
    assert report.tasks["xcopa"].score == 50.0
    assert len(report.problems) == 2
    assert report.problems[0] == f"{folders.predictions / 'xquda'}: unknown task 'xquda'; did you mean xquad?"
    assert "test-ett.jsonl: unknown language of xcopa 'ett'; did you mean et" in report.problems[1]
    assert report.notes[0] == f"{folders.predictions / 'pawsx'} was left aside: XTREME-R does not have it"


def test_a_task_without_labels_and_folders_without_a_task(folders: Any, tmp_path: Path) -> None:
    folders.fill(XTREME_R.tasks["xcopa"])
    for path in (folders.labels / "xcopa").iterdir():
        path.unlink()
    (folders.labels / "xcopa").rmdir()
    report = folders.score(XTREME_R)
    assert report.tasks == {}
    assert f"{folders.labels / 'xcopa'}: missing" in report.problems[0]
    assert "no task of XTREME-R that" in report.problems[1]
    with pytest.raises(NotADirectoryError, match="nowhere is no folder"):
        score(tmp_path / "nowhere", folders.labels, XTREME_R)


def test_lines_end_as_they_like(folders: Any) -> None:
    """CRLF, a byte order mark, no break at the end, a line separator inside a label: as the official script reads them."""
    folders.fill(XTREME.tasks["xnli"])
    folders.write("xnli", "test-de.tsv", "\ufeffneutral\r\nneutral \r\nneu\u2028tral", "neutral\nneutral\nneutral\n")
    report = folders.score(XTREME)
    assert report.tasks["xnli"].languages["de"] == {"accuracy": pytest.approx(200 / 3)}


# --- facts ---------------------------------------------------------------------------------------------------------------------


def test_sizes_of_the_benchmarks() -> None:
    """XTREME: nine tasks, 40 languages beside English or with it; XTREME-R: ten tasks, 50 languages."""
    for benchmark, tasks, languages in ((XTREME, 9, 40), (XTREME_R, 10, 50)):
        assert len(benchmark.tasks) == tasks
        assert len({code for entry in benchmark.tasks.values() for code in entry.languages}) == languages
    counts = {name: len(entry.languages) for name, entry in XTREME_R.tasks.items()}
    assert counts == {
        "xnli": 15, "panx": 48, "udpos": 38, "tatoeba": 41, "xcopa": 11, "lareqa": 11, "mewslix": 11, "xquad": 12, "mlqa": 7,
        "tydiqa": 9,
    }  # fmt: skip


@pytest.mark.parametrize(("benchmark", "name"), ALL, ids=lambda v: getattr(v, "name", v))
def test_the_catalogue_agrees(benchmark: Any, name: str) -> None:
    """Where a task is in the catalogue, it has XTREME-R's languages and labels."""
    entry = benchmark.tasks[name]
    assert len(set(entry.languages)) == len(entry.languages)
    task = TASKS.get(name)
    if task is not None:
        assert set(entry.languages) <= set(task.languages)
        if benchmark is XTREME_R:
            assert set(entry.languages) == set(task.languages)
        if entry.kind in (Kind.LABELS, Kind.TAGS) and entry.labels:
            numbers = tuple(str(i) for i in range(len(task.labels)))  # of PAWS-X, where the catalogue has words
            assert set(task.labels) == set(entry.labels) - {"_"} or entry.labels == numbers
