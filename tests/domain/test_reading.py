"""Rows that are no examples: an early error that says where, what, and what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.domain.reading import MalformedData, answered, examples, fault_in
from backend.domain.task import Answer, Bitext, Choice, Pair, Question, Tokens, label_index, tag_indices
from backend.domain.tasks import TASKS


def read(task: str, layout: int, path: Path, language: str = "en") -> list[Any]:
    return list(examples(TASKS[task], TASKS[task].files[layout].rows(path, language), path.name))


def squad(answer: str, start: object) -> str:
    question = {"id": "q1", "question": "where?", "answers": [{"text": answer, "answer_start": start}]}
    return json.dumps({"data": [{"paragraphs": [{"context": "In Paris.", "qas": [question]}]}]})


CSV = "id,context,question,answer0,answer1,answer2,answer3,label\n"
MALFORMED: list[tuple[str, int, str, str, str]] = [
    # task, layout, file, content, what is said
    ("snli", 0, "a.jsonl", '{"sentence1": "A", "sentence2": "B"}\n', "a.jsonl, line 1: column 'gold_label' is missing"),
    ("snli", 0, "a.jsonl", '\n{"gold_label": "maybe", "sentence1": "A", "sentence2": "B"}\n',
     "a.jsonl, line 2: label 'maybe' is none of entailment, neutral, contradiction"),
    ("snli", 0, "a.jsonl", '{"gold_label": "neutral", "sentence1": 3, "sentence2": "B"}\n',
     "a.jsonl, line 1: a text was expected, not 3"),
    ("snli", 0, "a.jsonl", '{"gold_label": "neutral"\n', "a.jsonl: line 1: not JSON"),
    ("snli", 0, "a.jsonl", "[1]\n", "a.jsonl: line 1: a JSON object was expected, not list"),
    ("snli", 1, "a.tsv", "A\tB\tneutral\nA\n", "a.tsv: line 2: 1 cells; expected 3: premise, hypothesis, gold_label"),
    ("pawsx", 0, "p.tsv", "id\tsentence1\tsentence2\tlabel\n1\tA b\tB a\t2\n",
     "p.tsv, line 2: label '2' is none of different, paraphrase, nor the index of one"),
    ("pawsx", 0, "p.tsv", "id\tsentence1\tsentence2\n1\tA b\tB a\n", "column 'label' is missing; the row has id, sentence1"),
    ("cosmosqa", 0, "c.csv", f"{CSV}x,c,q,a,b,c,d,4\n", "c.csv, line 2: label '4' is none of 0, 1, 2, 3"),
    ("cosmosqa", 0, "c.csv", f"{CSV}x,c,q,a,b,c\n", "c.csv: line 2: 6 cells; expected 8: id, context"),
    ("commonsenseqa", 0, "c.jsonl",
     '{"id": "1", "answerKey": "Q", "question": {"stem": "s", "choices": [{"label": "A", "text": "a"}]}}',
     "c.jsonl, line 1: answerKey 'Q' is none of A"),
    ("commonsenseqa", 0, "c.jsonl",
     '{"id": "1", "answerKey": "A", "question": {"stem": "s", "choices": [{"label": "A", "text": "a"}]}}',
     "c.jsonl, line 1: 1 options; expected two or more"),
    ("squad_v2", 0, "s.json", squad("Paris", 4),
     "s.json, question q1: answer 'Paris' was expected at character 4 of the context, which has 'aris.' there"),
    ("squad_v2", 0, "s.json", squad("Paris", -1), "expected at character -1"),
    ("squad_v2", 0, "s.json", squad("Paris", "x"), "s.json: invalid literal for int"),
    ("squad_v2", 0, "s.json", '{"version": "v2.0"}', 's.json: SQuAD\'s JSON was expected: an object with a list "data"'),
    ("squad_v2", 0, "s.json", '{"data": [{"paragraphs": [{"qas": [{"id": 1}]}]}]}', "s.json: 'context' is missing"),
    ("panx", 0, "train", "en:Anna\tB-PER\nBob\tO\n", "train: line 2: a token with its language was expected"),
    ("panx", 1, "t.tsv", "Anna\tB-PER\n\nBob\tB-MISC\n", "t.tsv, line 3: label 'B-MISC' is none of O, B-PER"),
    ("panx", 1, "t.tsv", "Anna\tB-PER\nBob\n", "t.tsv: line 1: 1 tags for 2 tokens in one sentence"),
    ("qqp", 0, "q.tsv", "id\tquestion1\tquestion2\n1\tA\tB\n", "q.tsv, line 2: column 'is_duplicate' is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "layout", "name", "content", "said"), MALFORMED)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, task: str, layout: int, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(MalformedData) as raised:
        read(task, layout, tmp_path / name)
    assert said in str(raised.value)
    assert raised.value.status == 422


@pytest.mark.parametrize(("task", "layout"), [("snli", 0), ("snli", 1), ("squad_v2", 0), ("panx", 0), ("cosmosqa", 0)])
def test_bad_bytes_are_named(tmp_path: Path, task: str, layout: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"en:caf\xe9\tO\n")
    with pytest.raises(MalformedData, match="file: byte 0xe9 at byte 6 of what was read is not UTF-8"):
        read(task, layout, path)


def test_categories_need_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("the dog\tNP/N N\n")
    with pytest.raises(MalformedData, match="expected beside it"):
        read("ccg", 0, tmp_path / "train.tsv")
    (tmp_path / "tags_to_id.json").write_text('{"NP/N": 3}')
    with pytest.raises(MalformedData, match="line 1: tag 'N' is not in tags_to_id.json"):
        read("ccg", 0, tmp_path / "train.tsv")
    (tmp_path / "tags_to_id.json").write_text('{"NP/N": 3, "N": 1363}')
    with pytest.raises(MalformedData, match="train.tsv, line 1: label 1363 is none of"):
        read("ccg", 0, tmp_path / "train.tsv")
    (tmp_path / "tags_to_id.json").write_text('{"NP/N": 3, "N": 1362}')
    assert read("ccg", 0, tmp_path / "train.tsv") == [Tokens("0", ("the", "dog"), (3, 1362))]
    (tmp_path / "train.tsv").write_text("the old dog\tNP/N N\n")
    with pytest.raises(MalformedData, match="line 1: 2 tags for 3 tokens"):
        read("ccg", 0, tmp_path / "train.tsv")


def test_files_with_short_rows_that_the_hub_leaves_out_too(tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text(
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tA\n4\t5\t6\tA\tB\t1\n"
    )
    assert read("qqp", 0, tmp_path / "q.tsv") == [Pair("1", "A", "B", 1)]


def test_withheld_labels_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("A b\tB a\r\n")
    (withheld,) = read("pawsx", 1, tmp_path / "p.tsv")
    assert withheld == Pair("0", "A b", "B a", None)
    assert not answered(TASKS["pawsx"], withheld)


def test_no_answer_is_withheld_or_the_answer() -> None:
    nothing = Question("q", "who?", "In Paris.", ())
    blank = Question("q", "who?", "In Paris.", (Answer("", 0),))
    assert answered(TASKS["squad_v2"], nothing) and not answered(TASKS["squad"], nothing)
    assert not answered(TASKS["squad_v2"], blank) and not answered(TASKS["mlqa"], blank)


def test_labels_are_names_indices_or_withheld() -> None:
    labels = ("no", "yes")
    assert [label_index(labels, v) for v in ("yes", 1, "1", "no", None, "", -1, "-1")] == [
        1,
        1,
        1,
        0,
        None,
        None,
        None,
        None,
    ]
    for wrong in (2, "2", "Yes", -2, 1.5, [1], "²"):
        with pytest.raises(ValueError, match="is none of no, yes"):
            label_index(labels, wrong)
    assert tag_indices(labels, ["yes", 0]) == (1, 0)
    with pytest.raises(ValueError, match="tag 2 of 2 is missing"):
        tag_indices(labels, ["yes", -1])


FAULTS = [
    ("mnli", Pair("1", "a", "b", 3), "label 3 is none of 0 to 2 (entailment, neutral, contradiction)"),
    ("panx", Tokens("1", ("a",), (1, 2)), "2 tags for 1 tokens; expected one a token"),
    ("panx", Tokens("1", (), ()), "a sentence without tokens"),
    ("panx", Tokens("1", ("a",), (7,)), "tag 7 is none of 0 to 6"),
    ("copa", Choice("1", "p", ("a", "b"), 2), "label 2 is none of 0 to 1, the options"),
    ("tatoeba", Bitext("1", "", "b"), "an empty sentence"),
    ("squad", Question("1", "q", "In Paris.", (Answer("London", 3),)), "answer 'London' was expected at character 3"),
]


@pytest.mark.parametrize(("task", "example", "said"), FAULTS)
def test_examples_that_do_not_fit_their_task(task: str, example: Any, said: str) -> None:
    assert said in str(fault_in(TASKS[task], example))


def test_rows_that_are_no_rows() -> None:
    with pytest.raises(
        MalformedData, match="the hub, row 2: column 'hypothesis' is missing; the row has premise, label"
    ):
        list(
            examples(
                TASKS["mnli"],
                [{"premise": "a", "hypothesis": "b", "label": 0}, {"premise": "a", "label": 0}],
                "the hub",
            )
        )
