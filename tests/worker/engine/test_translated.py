"""Training on translations: their rows are what is trained on, of each source, and English rows are what chooses the best."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from backend.domain import mini
from backend.domain.experiment import mini_content
from backend.domain.run import DataSpec, RunKind
from backend.domain.task import Source, Split
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker.data import Door, MissingData
from worker.train import _by_head, _learner

World = Any
Notes = Any
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=12, max_length=48, evaluations=3)


def of(task: str, language: str | None, source: Source = Source.MINI, split: Split = Split.TRAIN) -> DataSpec:
    content = mini_content(TASKS[task].mini) if source is Source.MINI else None
    return DataSpec(
        task=task, version=TASKS[task].version, source=source, split=split, content=content, language=language
    )


def test_the_batches_hold_the_first_rows_of_every_language(world: World, tiny: Callable[..., Any]) -> None:
    encoder = tiny()
    door = Door(None, world.cache, True)
    data = (of("pawsx", None), of("pawsx", "de"), of("pawsx", "sw"), of("pawsx", None, split=Split.VALIDATION))
    ((train, dev),) = _by_head(data)
    budget = TRAINING.model_copy(update={"examples": 4})
    learner = _learner(TASKS["pawsx"], train, dev, encoder, door, budget, seed=1)
    features = learner.batches.features
    read = [
        encoder.tokenizer.decode(features.tokens[begin:end], skip_special_tokens=True)
        for begin, end in zip(features.rows, features.rows[1:], strict=False)
    ]
    expected = [
        row
        for rows in (mini.rows("pawsx", "en", "train"), *(mini.translated("pawsx", c, "train") for c in ("de", "sw")))
        for row in islice(rows, 4)
    ]
    plain = [" ".join(str(row[k]) for k in ("sentence1", "sentence2")) for row in expected]
    assert [text.replace(" ", "") for text in read] == [text.replace(" ", "") for text in plain]
    assert [int(label) for label in features.item["labels"]] == [row["label"] for row in expected]
    assert learner.dev_examples[0].first == next(iter(mini.rows("pawsx", "en", "validation")))["sentence1"]


@pytest.mark.parametrize("task", ["tydiqa", "copa"])
def test_a_stage_trains_on_translations_and_numbers_differ_from_those_on_english(
    world: World, notes: type[Notes], task: str
) -> None:
    seen = []
    for language in (None, "de"):
        report = notes()
        data = (of(task, language), of(task, None, split=Split.VALIDATION))
        world.run(world.spec(RunKind.FINETUNE, data=data), report)
        seen.append(report.curves["loss"])
    assert seen[0] != seen[1]


def test_translations_are_read_from_files_and_their_digest_is_recorded(
    world: World, tiny: Callable[..., Any], benchmark_files: Path
) -> None:
    door = Door(benchmark_files, world.cache, True)
    english, swahili = (door.load(of("mnli", code, Source.FILES), code or "en") for code in (None, "sw"))
    assert [e.id for e in english] != [e.id for e in swahili] and len(swahili) == 4
    features = door.features(of("mnli", "sw", Source.FILES), "sw", tiny(), 64, 0)
    assert len(features) == 4 and list(door.resolved) == ["mnli/sw/train"]
    with pytest.raises(
        MissingData, match=r"translations/mnli/train-ur\.jsonl, .*en-ur-translated\.tsv, .*multinli\.train\.ur\.tsv"
    ):
        door.load(of("mnli", "ur", Source.FILES), "ur")


def test_an_english_file_is_no_translation(world: World, tmp_path: Path) -> None:
    """Of a task whose layout names no language, its English file must not be taken for another's."""
    (tmp_path / "squad_v1").mkdir()
    (tmp_path / "squad_v1/train-v1.1.json").write_text('{"data": []}', encoding="utf-8")
    with pytest.raises(MissingData, match=r"squad\.translate\.train\.en-de\.json"):
        Door(tmp_path, world.cache, True).load(of("squad", "de", Source.FILES), "de")
