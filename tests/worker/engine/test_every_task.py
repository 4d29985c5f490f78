"""Every task of the catalogue is trained for a step and evaluated in the mini world; hub rows of each are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.domain import mini
from backend.domain.experiment import mini_content
from backend.domain.run import DataSpec, RunKind
from backend.domain.task import Answer, Choice, Example, Format, Pair, Question, Role, Source, Split, Tokens
from backend.domain.tasks import INTERMEDIATE, TARGETS, TASKS
from backend.domain.training import Training
from worker import data as data_module
from worker import formats
from worker.data import Door, MissingData

World = Any
ONE_STEP = Training(learning_rate=1e-3, batch_size=8, steps=1, max_length=48, stride=12, evaluations=1)
TESTED_ELSEWHERE = {"mnli", "squad", "hellaswag"}  # test_train.py, test_engine.py


def mini_data(task: str, split: Split) -> DataSpec:
    return DataSpec(
        task=task, version=TASKS[task].version, source=Source.MINI, split=split, content=mini_content(TASKS[task].mini)
    )


def training_data(name: str) -> tuple[DataSpec, ...]:
    """As the planner lists them."""
    parts = (name, *TASKS[name].joins)
    return (*(mini_data(part, Split.TRAIN) for part in parts), mini_data(name, Split.VALIDATION))


@pytest.mark.parametrize("name", sorted(set(INTERMEDIATE) - TESTED_ELSEWHERE))
def test_a_step_of_every_intermediate_task(world: World, notes: Callable[[], Any], name: str) -> None:
    said = notes()
    world.run(world.spec(RunKind.FINETUNE, data=training_data(name), training=ONE_STEP), said)
    assert said.steps[-1] == (1, 1)
    headline = said.curves[f"dev/{TASKS[name].headline}"]
    assert list(headline) == [1] and 0 <= headline[1] <= 100


@pytest.mark.parametrize("name", sorted(t for t in TARGETS if TASKS[t].trained_on))
def test_a_step_and_a_score_of_every_target(world: World, name: str) -> None:
    task = TASKS[name]
    start = world.spec(RunKind.FINETUNE, data=training_data(str(task.trained_on)), training=ONE_STEP)
    world.run(start)
    languages = (task.mini_languages[0], task.mini_languages[-1])
    outcome, _ = world.run(
        world.spec(
            RunKind.EVALUATE,
            data=tuple(mini_data(name, split) for split in (task.evaluated_on, *task.evaluated_with)),
            training=ONE_STEP,
            languages=languages,
            parents=(start.fingerprint,),
        )
    )
    assert [(s.language, s.metric) for s in outcome.scores] == [(c, m) for c in languages for m in task.metrics]
    assert all(0 <= s.value <= 100 for s in outcome.scores)
    if task.diagnostic:  # n counts cases, of four questions each
        assert {s.n for s in outcome.scores if s.metric == task.headline} == {180}
    elif task.format is not Format.TAGGING:  # there n counts tokens
        assert {s.n for s in outcome.scores} == {mini.SIZES[name][task.evaluated_on.value]}


def test_anli_plus_trains_one_head_on_three_data_sets(world: World, notes: Callable[[], Any]) -> None:
    said = notes()
    epoch = ONE_STEP.model_copy(update={"steps": None, "epochs": 0.001})
    world.run(world.spec(RunKind.INTERMEDIATE, data=training_data("anli"), training=epoch), said)
    together = sum(mini.SIZES[part]["train"] for part in ("anli", "mnli", "snli"))
    assert said.steps[-1][1] == round(-(-together // 8) * 0.001)
    assert set(said.curves) >= {"dev/accuracy"}  # one head: a mixture would say dev/anli/accuracy


# --- rows as the hub has them ------------------------------------------------------------------------------------------

SPANS = {"text": ["Paris"], "answer_start": [3]}
HUB_ROWS: list[tuple[str, dict[str, Any], Example]] = [
    ("panx", {"tokens": ["Anna", "lives"], "ner_tags": [1, 0], "langs": ["en", "en"], "spans": ["PER: Anna"]},
     Tokens("0", ("Anna", "lives"), (1, 0))),
    ("pawsx", {"id": 5, "sentence1": "A sees B.", "sentence2": "B sees A.", "label": 0},
     Pair("5", "A sees B.", "B sees A.", 0)),
    ("mlqa", {"id": "m", "title": "T", "context": "In Paris.", "question": "where?", "answers": SPANS},
     Question("m", "where?", "In Paris.", (Answer("Paris", 3),))),
    ("tydiqa", {"id": "english-1", "title": "T", "context": "In Paris.", "question": "where?", "answers": SPANS},
     Question("english-1", "where?", "In Paris.", (Answer("Paris", 3),))),
    ("squad_v2", {"id": "s", "title": "T", "context": "In Paris.", "question": "who?",
                  "answers": {"text": [], "answer_start": []}},
     Question("s", "who?", "In Paris.", ())),
    ("qqp", {"question1": "Who?", "question2": "What?", "label": 1, "idx": 7}, Pair("7", "Who?", "What?", 1)),
    ("qqp", {"question1": "Who?", "question2": "What?", "label": -1, "idx": 8}, Pair("8", "Who?", "What?", None)),
    ("snli", {"premise": "A dog.", "hypothesis": "A cat.", "label": 2}, Pair("0", "A dog.", "A cat.", 2)),
    ("anli", {"uid": "u", "premise": "A dog.", "hypothesis": "A cat.", "label": 2, "reason": ""},
     Pair("u", "A dog.", "A cat.", 2)),
    ("siqa", {"context": "Kim fell.", "question": "How is Kim?", "answerA": "sad", "answerB": "rich",
              "answerC": "full", "label": "1"},
     Choice("0", "Kim fell. How is Kim?", ("sad", "rich", "full"), 0)),
    ("commonsenseqa", {"id": "c", "question": "Where?", "question_concept": "fish",
                       "choices": {"label": list("ABCDE"), "text": list("vwxyz")}, "answerKey": "E"},
     Choice("c", "Where?", tuple("vwxyz"), 4)),
    ("commonsenseqa", {"id": "c", "question": "Where?", "question_concept": "fish",
                       "choices": {"label": list("ABCDE"), "text": list("vwxyz")}, "answerKey": ""},
     Choice("c", "Where?", tuple("vwxyz"), None)),
    ("cosmosqa", {"id": "c", "context": "It rained.", "question": "Why?", "answer0": "a", "answer1": "b",
                  "answer2": "c", "answer3": "d", "label": 3},
     Choice("c", "It rained. Why?", ("a", "b", "c", "d"), 3)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "example"), HUB_ROWS)
def test_rows_as_the_hub_has_them(name: str, row: dict[str, Any], example: Example) -> None:
    assert TASKS[name].read({"line": 0, **row}) == example


def test_rows_left_out() -> None:
    assert TASKS["snli"].read({"premise": "A dog.", "hypothesis": "A cat.", "label": -1}) is None
    assert TASKS["pawsx"].read({"id": 1, "sentence1": "NS", "sentence2": "NS", "label": 1}) is None
    assert TASKS["pawsx"].read({"id": 1, "sentence1": "", "sentence2": "B sees A.", "label": 1}) is None


def from_folder(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> Callable[[Split], DataSpec]:
    """The task's own splits and columns, read by the library from a folder instead of the hub."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", folder / "hf")
    hub = TASKS[name].hub
    assert hub is not None
    local = hub.model_copy(update={"id": str(folder / "set"), "config": None})
    monkeypatch.setattr(data_module, "TASKS", {name: TASKS[name].model_copy(update={"hub": local})})
    (folder / "set").mkdir()
    return lambda split: DataSpec(task=name, version=1, source=Source.HUB, split=split, content=None)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_hubs_tydiqa_tells_languages_by_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = from_folder(monkeypatch, tmp_path, "tydiqa")
    rows = [
        {"id": i, "title": "T", "context": "In Paris.", "question": "where?", "answers": SPANS}
        for i in ("english-1", "swahili-2", "swahili-3")
    ]
    (tmp_path / "set" / "validation.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = Door(None, tmp_path, True).load(spec(Split.VALIDATION), "sw")
    assert [e.id for e in found] == ["swahili-2", "swahili-3"]
    with pytest.raises(MissingData, match="tydiqa, te, validation .hub.: it holds no examples"):
        Door(None, tmp_path, True).load(spec(Split.VALIDATION), "te")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_rounds_of_the_hubs_anli_are_joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = from_folder(monkeypatch, tmp_path, "anli")
    for number in (1, 2, 3):
        row = {"uid": f"u{number}", "premise": "A dog.", "hypothesis": "A cat.", "label": number - 1, "reason": ""}
        (tmp_path / "set" / f"r{number}.jsonl").write_text(json.dumps(row))
    card = "\n".join(
        ["---", "configs:", "- config_name: default", "  data_files:"]
        + [f"  - split: train_r{n}\n    path: r{n}.jsonl" for n in (1, 2, 3)]
        + ["---", ""]
    )
    (tmp_path / "set" / "README.md").write_text(card)
    found = Door(None, tmp_path, True).load(spec(Split.TRAIN), "en")
    assert [(e.id, e.label) for e in found] == [("u1", 0), ("u2", 1), ("u3", 2)]


# --- original files -----------------------------------------------------------------------------------------------------

REAL = [
    ("panx", Split.TRAIN, "yo", 100), ("panx", Split.TEST, "de", 1), ("pawsx", Split.TEST, "ja", 4),
    ("mlqa", Split.TEST, "en", 1148), ("mlqa", Split.VALIDATION, "zh", 504), ("tydiqa", Split.TRAIN, "en", 3696),
    ("tydiqa", Split.VALIDATION, "bn", 113), ("qqp", Split.TRAIN, "en", 3), ("snli", Split.TEST, "en", 5898),
    ("anli", Split.TRAIN, "en", 9), ("squad_v2", Split.TRAIN, "en", 626), ("cosmosqa", Split.VALIDATION, "en", 2000),
    ("multichecklist", Split.TEST, "qu", 6400), ("siqa", Split.VALIDATION, "en", 1200), ("commonsenseqa", Split.VALIDATION, "en", 200),
]  # fmt: skip
# SNLI: 102 pairs of these 6,000 have no label (`-`) and are left out.
AS = {  # where slices lie under another name than the whole file has
    "snli/snli-test.tsv": "snli/snli-test.1-6000.tsv",
    "cosmosqa/valid.csv": "cosmosqa/valid.1-2000.csv",
    "siqa/socialIQa_v1.4_dev.jsonl": "siqa/socialIQa_v1.4_dev.first1200.jsonl",
    "commonsenseqa/dev_rand_split.jsonl": "commonsenseqa/original/commonsenseqa_200_samples.jsonl",
}


@pytest.mark.parametrize(("name", "split", "language", "count"), REAL)
def test_the_real_files(
    benchmark_files: Path, tmp_path: Path, tiny: Callable[..., Any], name: str, split: Split, language: str, count: int
) -> None:
    root = tmp_path / "root"
    folder = {"tydiqa": "tydiqa_goldp"}.get(name, name)
    (root / folder).mkdir(parents=True)
    for path in (benchmark_files / folder).iterdir():
        (root / folder / path.name).symlink_to(path)
    for whole, slice_ in AS.items():
        if whole.startswith(f"{folder}/"):
            (root / whole).symlink_to(benchmark_files / slice_)
    spec = DataSpec(task=name, version=1, source=Source.FILES, split=split, content=None)
    examples = Door(root, tmp_path, True).load(spec, language)
    assert len(examples) == count
    few = examples[:40]
    features = formats.of(TASKS[name].format).encode(few, tiny().tokenizer, 64, 16)
    assert len(features) == len(few)


def test_roles() -> None:
    assert TASKS["copa"].roles == {Role.TRAINING, Role.INTERMEDIATE}
    assert TASKS["ccg"].hub is None  # licensed: whoever has it brings it
