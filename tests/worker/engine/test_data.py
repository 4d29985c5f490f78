"""One door to three sources, and the cache behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.domain.run import DataSpec
from backend.domain.task import Choice, Hub, Pair, Question, Source, Split, Tokens
from backend.domain.tasks import TASKS
from worker import data as data_module
from worker.data import Door, MissingData, cached
from worker.formats import Features

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "files"


def files(task: str, split: Split) -> DataSpec:
    return DataSpec(task=task, version=TASKS[task].version, source=Source.FILES, split=split, content=None)


def door(root: Path | None, cache: Path) -> Door:
    return Door(root, cache, offline=True)


# --- files: our own fixtures, then the real ones ---------------------------------------------------------------------


def test_processed_xnli_is_quoted_and_ends_its_lines_as_windows_does(tmp_path: Path) -> None:
    examples = door(FIXTURES, tmp_path).load(files("xnli", Split.TEST), "de")
    assert [e.label for e in examples] == [0, 2, 1]
    assert examples[1].first == 'Sie sagte: "Der Hund schläft."'
    assert "\r" not in "".join(e.first + e.second for e in examples)


def test_original_xnli_holds_all_languages_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "xnli/original/XNLI-1.0").mkdir(parents=True)
    source = FIXTURES / "xnli/original/XNLI-1.0/xnli.test.tsv"
    (tmp_path / "xnli/original/XNLI-1.0/xnli.test.tsv").write_bytes(source.read_bytes())
    examples = door(tmp_path, tmp_path).load(files("xnli", Split.TEST), "sw")
    assert examples == [Pair("1", 'Mbwa "analala".', "Mnyama analala.", 0)]


def test_mnli_leaves_out_what_annotators_did_not_agree_on(tmp_path: Path) -> None:
    examples = door(FIXTURES, tmp_path).load(files("mnli", Split.TRAIN), "en")
    assert [e.label for e in examples] == [0, 1]


def test_udpos_sentences(tmp_path: Path) -> None:
    examples = door(FIXTURES, tmp_path).load(files("udpos", Split.TEST), "de")
    assert [len(e.tokens) for e in examples] == [4, 3]
    assert examples[1].tokens == ("z.B.", "im", "Haus")
    assert TASKS["udpos"].labels[examples[1].tags[0]] == "X"  # `_` in the file


def test_squad_shaped_files(tmp_path: Path) -> None:
    (first, second) = door(FIXTURES, tmp_path).load(files("xquad", Split.VALIDATION), "ru")
    assert first.context[first.answers[0].start :].startswith(first.answers[0].text)
    assert (first.answers[0].text, second.answers[0].text) == ("в доме", "кошка")


def test_withheld_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    said: list[str] = []
    opened = Door(FIXTURES, tmp_path, True, said.append)
    assert len(opened.load(files("xquad", Split.VALIDATION), "de")) == 1
    assert said == ["xquad, de: 1 examples without gold answer left out"]
    with pytest.raises(MissingData, match="udpos, sw, test .files.: all gold answers are withheld"):
        opened.load(files("udpos", Split.TEST), "sw")


def test_choices(tmp_path: Path) -> None:
    opened = door(FIXTURES, tmp_path)
    (example,) = opened.load(files("xcopa", Split.TEST), "et")
    assert example.label == 1
    assert example.prompt.endswith("What was the cause of this?")
    (hellaswag,) = opened.load(files("hellaswag", Split.VALIDATION), "en")
    assert len(hellaswag.options) == 4


LAYOUTS = [(task.name, number) for task in TASKS.values() for number in range(len(task.files))]


@pytest.mark.parametrize(("name", "number"), LAYOUTS)
def test_every_layout_has_a_file_of_our_own(name: str, number: int) -> None:
    """So that a clone without the benchmark files still tests every reader."""
    task = TASKS[name]
    layout = task.files[number]
    pattern = layout.pattern.format(language="*", split="*")
    found = sorted(FIXTURES.glob(pattern))
    assert found, f"write tests/fixtures/files/{pattern}"
    of = next((c for c in task.languages if re.search(rf"(^|[^a-z]){c}\.", found[0].name)), None)
    language = of or ("de" if "de" in task.languages else "en")
    examples = [task.read({"line": n, **row}) for n, row in enumerate(layout.rows(found[0], language))]
    assert any(e is not None for e in examples)


def test_a_missing_file_names_every_place_looked_at(tmp_path: Path) -> None:
    with pytest.raises(MissingData) as missing:
        door(tmp_path, tmp_path).load(files("xnli", Split.TEST), "fr")
    assert str(tmp_path / "xnli/xtreme_processed/dev-fr.tsv") in str(missing.value)
    assert str(tmp_path / "xnli/original/XNLI-1.0/xnli.test.tsv") in str(missing.value)
    with pytest.raises(MissingData, match="CROSSLIFT_DATA_ROOT"):
        door(None, tmp_path).load(files("xnli", Split.TEST), "fr")


REAL_FILES = [
    ("xnli", Split.TEST, "de", Pair, 2490),
    ("udpos", Split.TRAIN, "en", Tokens, 21253),
    ("udpos", Split.TEST, "zh", Tokens, None),
    ("xquad", Split.VALIDATION, "zh", Question, 1190),
    ("xcopa", Split.TEST, "sw", Choice, 500),
]


@pytest.mark.parametrize(("task", "split", "language", "shape", "count"), REAL_FILES)
def test_the_real_files(
    benchmark_files: Path,
    tmp_path: Path,
    tiny: Callable[..., Any],
    task: str,
    split: Split,
    language: str,
    shape: type[Any],
    count: int | None,
) -> None:
    opened = door(benchmark_files, tmp_path)
    examples = opened.load(files(task, split), language)
    assert all(isinstance(e, shape) for e in examples)
    assert count is None or len(examples) == count
    few = examples[:60]
    features = data_module.formats.of(TASKS[task].format).encode(few, tiny().tokenizer, 64, 16)
    assert len(features) == len(few)
    assert features.lengths.max() <= 64


# --- mini and hub ----------------------------------------------------------------------------------------------------


def test_mini_rows_have_a_number_of_their_own(tmp_path: Path, spec_data: Callable[..., DataSpec]) -> None:
    examples = door(None, tmp_path).load(spec_data("udpos", Split.VALIDATION), "en")
    assert [e.id for e in examples] == [str(i) for i in range(len(examples))]


def hub_task(monkeypatch: pytest.MonkeyPatch, folder: Path, **changes: Any) -> DataSpec:
    """XNLI from a data set in a folder, which the library reads as it reads one of the hub."""
    hub = Hub(id=str(folder), config=None, splits={Split.TEST: "test"}, **changes)
    monkeypatch.setattr(data_module, "TASKS", {"xnli": TASKS["xnli"].model_copy(update={"hub": hub})})
    return DataSpec(task="xnli", version=1, source=Source.HUB, split=Split.TEST, content=None)


@pytest.fixture
def folder_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")
    rows = [
        {"language": "de", "premise": "Der Hund schläft.", "hypothesis": "Ein Tier schläft.", "label": 0},
        {"language": "fr", "premise": "Le chien dort.", "hypothesis": "Un chat dort.", "label": 1},
        {"language": "fr", "premise": "Le chien dort.", "hypothesis": "Il court.", "label": -1},
    ]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "test.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    return tmp_path / "set"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_hub_rows_by_language(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder_of_rows: Path) -> None:
    spec = hub_task(monkeypatch, folder_of_rows, language_column="language")
    (example,) = door(None, tmp_path).load(spec, "fr")
    assert example == Pair("0", "Le chien dort.", "Un chat dort.", 1)


def test_what_the_hub_does_not_give_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = hub_task(monkeypatch, tmp_path / "nowhere")
    with pytest.raises(MissingData, match="cannot be had on this machine .offline.") as missing:
        door(None, tmp_path).load(spec, "fr")
    assert "nowhere" in str(missing.value)


# --- the cache -------------------------------------------------------------------------------------------------------


def test_sub_words_are_made_once(
    tmp_path: Path, tiny: Callable[..., Any], spec_data: Callable[..., DataSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, spec = tiny(), spec_data("squad", Split.VALIDATION)
    first = door(None, tmp_path).features(spec, "en", encoder, 48, 12)
    (path,) = (tmp_path / "features").iterdir()
    before = path.stat().st_mtime_ns
    with monkeypatch.context() as closed:
        closed.setattr(data_module.mini, "rows", lambda *a: pytest.fail("the rows were read again"))
        again = door(None, tmp_path).features(spec, "en", encoder, 48, 12)
    assert path.stat().st_mtime_ns == before
    assert isinstance(again.tokens.base, np.memmap) or isinstance(again.tokens, np.memmap)
    assert first.arrays().keys() == again.arrays().keys()
    assert all(np.array_equal(a, b) for a, b in zip(first.arrays().values(), again.arrays().values(), strict=True))
    door(None, tmp_path).features(spec, "en", encoder, 40, 12)
    door(None, tmp_path).features(spec_data("squad", Split.TRAIN), "en", encoder, 48, 12)
    assert len(list((tmp_path / "features").iterdir())) == 3


def test_what_is_scored_is_never_read_out_against_other_examples(
    tmp_path: Path, tiny: Callable[..., Any], spec_data: Callable[..., DataSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that changes though its pin does not: the gold spans still lead to the answers of the rows there are now."""
    spec, encoder = spec_data("xquad", Split.VALIDATION), tiny()
    before, _ = door(None, tmp_path).scored(spec, "en", encoder, 96, 12)
    rows = list(data_module.mini.rows("xquad", "en", "validation"))
    monkeypatch.setattr(data_module.mini, "rows", lambda *a: iter(rows[::-1]))
    examples, features = door(None, tmp_path).scored(spec, "en", encoder, 96, 12)
    assert examples != before
    outputs = np.zeros((len(features.tokens), 2), np.float32)
    outputs[features.rows[:-1] + features.row["first"], 0] = 9
    outputs[features.rows[:-1] + features.row["last"], 1] = 9
    behaviour = data_module.formats.of(TASKS["xquad"].format)
    predictions = behaviour.decode(TASKS["xquad"], examples, features, outputs)
    assert behaviour.score(TASKS["xquad"], predictions)["exact_match"] == (100.0, len(examples))


def test_a_changed_file_is_another_content(tmp_path: Path, tiny: Callable[..., Any]) -> None:
    root = tmp_path / "root"
    path = root / "xnli/xtreme_processed/dev-de.tsv"
    path.parent.mkdir(parents=True)
    path.write_bytes((FIXTURES / "xnli/xtreme_processed/dev-de.tsv").read_bytes())
    one = door(root, tmp_path)
    assert len(one.features(files("xnli", Split.TEST), "de", tiny(), 48, 0)) == 3
    path.write_text("Ein Satz.\tEin Satz.\tentailment\r\n")
    two = door(root, tmp_path)
    assert len(two.features(files("xnli", Split.TEST), "de", tiny(), 48, 0)) == 1
    assert one.resolved.keys() == two.resolved.keys() == {"xnli/de/test"}
    assert one.resolved != two.resolved


def test_a_damaged_cache_file_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    made: list[int] = []

    def make() -> dict[str, Any]:
        made.append(1)
        return Features.build([[1, 2], [3]]).arrays()

    for damage in (lambda: None, lambda: path.write_bytes(path.read_bytes()[:20]), lambda: path.write_bytes(b"")):
        damage()
        assert cached(path, make)["tokens"].tolist() == [1, 2, 3]
        assert cached(path, make)["tokens"].tolist() == [1, 2, 3]
    assert len(made) == 3


def test_two_runs_may_fill_the_cache_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    features = Features.build([[i] * 50 for i in range(500)])
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: cached(path, features.arrays)["tokens"].sum(), range(32)):
            assert found == features.tokens.sum()
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
