"""``crosslift export xtreme-r``: from predictions that evaluations left behind to a zip that ``crosslift score`` reads.

Real API, real database, real artifacts; predictions are made up here, and scored by the worker's own formats.
"""

from __future__ import annotations

import io
import json
import random
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn

from backend import cli
from backend.api.app import create_app
from backend.domain import mini
from backend.domain.experiment import ExperimentRequest
from backend.domain.run import DeviceClass, RunKind
from backend.domain.schemas import ExperimentView
from backend.domain.task import Bitext, Choice, Pair, Question, Tokens
from backend.domain.tasks import TASKS
from backend.remote import Remote
from backend.settings import settings as read_settings
from backend.store import migrate, runs
from backend.store.session import Store
from backend.submission.benchmarks import XTREME, XTREME_R, Entry
from backend.submission.score import score
from backend.submission.stored import _as_submitted
from backend.submission.write import Stored, content
from worker import formats
from worker.artifacts import Artifacts
from worker.evaluate import PREDICTIONS, write_predictions
from worker.formats import Prediction

COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 20.0,
    "device_seconds": 10.0, "examples": 100, "tokens": 1000, "flops_analytic": 1e12, "flops_counted": None,
    "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip
TARGETS = ("xnli", "udpos", "xquad", "xcopa", "tatoeba")
EXAMPLES = 30


class Installed(NamedTuple):
    url: str
    experiment: int
    artifacts: Path
    scores: dict[tuple[str, str, str, str], float]  # recipe, task, language, metric → points


def predicted(example: Any, task: Any, others: list[Any], chance: random.Random) -> Prediction:
    """Mostly right, of the shape that the task's format gives."""
    right = chance.random() < 0.7
    match example:
        case Pair():
            gold = task.labels[example.label]
            return Prediction(example.id, gold if right else chance.choice(task.labels), gold, 0.0, 0.5)
        case Tokens():
            tags = tuple(task.labels[t] for t in example.tags or ())
            ours = tuple(t if chance.random() < 0.8 else chance.choice(task.labels) for t in tags)
            return Prediction(example.id, ours, tags, 0.0, 0.5)
        case Question():
            answers = tuple(a.text for a in example.answers)
            text = answers[0] if right else f"{answers[0]} {example.question.split()[0]}"
            return Prediction(example.id, text, answers, formats.of(task.format).metrics.squad_f1(text, answers), 0.5)  # type: ignore[attr-defined]
        case Choice():
            return Prediction(example.id, example.label if right else 0, example.label, 0.0, 0.5)
        case Bitext():
            found = example if right else chance.choice(others)
            return Prediction(example.id, found.id, example.id, 100.0 * (found is example), 0.5)
    raise AssertionError(example)


def evaluate(claim: Any, artifacts: Artifacts, folder: Path) -> tuple[list[tuple[str, str, float, int]], Any]:
    """What an evaluation leaves: scores, and its predictions as an artifact."""
    chance = random.Random(claim.fingerprint)
    task = TASKS[claim.spec.data[0].task]
    predictions = {}
    scores = []
    for language in claim.spec.languages:
        rows = [row for row, _ in zip(mini.rows(str(task.mini), language, claim.spec.data[0].split.value), range(EXAMPLES), strict=False)]  # fmt: skip
        examples: list[Any] = [task.read({"line": n, **row}) for n, row in enumerate(rows)]
        predictions[language] = [predicted(e, task, examples, chance) for e in examples]
        values = formats.of(task.format).score(task, predictions[language])
        scores += [(language, metric, *values[metric]) for metric in task.metrics]
    folder.mkdir()
    write_predictions(folder / PREDICTIONS, predictions)
    return scores, artifacts.publish(folder, claim.fingerprint)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    home = tmp_path_factory.mktemp("export")
    store = Store(f"sqlite:///{home / 'crosslift.db'}")
    migrate.upgrade(f"sqlite:///{home / 'crosslift.db'}")
    artifacts = Artifacts(f"file://{home / 'artifacts'}", home / "cache")
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(create_app(store), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    request = ExperimentRequest(name="to be exported", models=("mini-2",), recipes=("mnli",), targets=TARGETS)
    with Remote(url) as there:
        made = ExperimentView.model_validate(
            there.post("/experiments", request.model_dump(mode="json"), key="k").json()
        )
    found: dict[tuple[str, str, str, str], float] = {}
    while True:
        with store.write() as session:
            claim = runs.claim(session, worker="w", device=DeviceClass.CPU, lease_seconds=60)
        if claim is None:
            break
        scores: list[tuple[str, str, float, int]] = []
        uri, digest = "file:///nothing", "0" * 64
        if claim.kind is RunKind.EVALUATE:
            scores, published = evaluate(claim, artifacts, home / f"out-{claim.run_id}")
            uri, digest = published.uri, published.digest
        with store.write() as session:
            recipe = runs.view(session, claim.run_id).recipe
            done = runs.Result(scores, uri, digest, COST, 900, 400, {"python": "3"})
            assert runs.finish(session, claim.run_id, claim.attempt, done).ok
        for language, metric, value, _ in scores:
            found[recipe, claim.spec.data[0].task, language, metric] = value
    yield Installed(url, made.id, home / "artifacts", found)
    server.should_exit = True
    thread.join()
    listening.close()
    store.dispose()


def crosslift(*arguments: str, home: Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("CROSSLIFT_HOME", str(home))
        read_settings.cache_clear()
        try:
            code = cli.guarded(lambda: cli.app([*arguments], prog_name="crosslift"))
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            read_settings.cache_clear()
    return code, out.getvalue(), err.getvalue()


def test_what_is_exported_scores_what_is_stored(installed: Installed, tmp_path: Path) -> None:
    """Predictions and labels to two zips, unpacked and scored: each language's number is the one in the database."""
    for name, more in (("predictions", []), ("labels", ["--gold"])):
        archive = tmp_path / f"{name}.zip"
        code, out, err = crosslift(
            "export", "xtreme-r", str(installed.experiment), str(archive), "--url", installed.url, "--recipe", "mnli", *more,
            home=tmp_path,
        )  # fmt: skip
        assert (code, out) == (0, ""), err
        assert err.endswith(f"Wrote {archive}: 1 submission\n")
        assert "is synthetic" in err
        assert "mini-2/mnli/seed-0: xnli was not evaluated in bg, el, es, fr, th, ur" in err
        assert "mini-2/mnli/seed-0: mewslix was not evaluated" in err
        zipfile.ZipFile(archive).extractall(tmp_path / name)
    report = score(tmp_path / "predictions", tmp_path / "labels", XTREME_R)
    scored = {
        ("mnli", task, language, metric): points
        for task, each in report.tasks.items()
        for language, values in each.languages.items()
        for metric, points in values.items()
    }
    ours = {key: value for key, value in installed.scores.items() if key[0] == "mnli" and key[2] in XTREME_R.tasks[key[1]].languages}  # fmt: skip
    assert {key[1] for key in ours} == set(TARGETS)
    assert {key: scored[key] for key in ours} == pytest.approx(ours, abs=1e-9)
    assert len(set(ours.values())) > 20
    assert all("missing" in problem for problem in report.problems)
    about = json.loads((tmp_path / "predictions" / "about.json").read_text())
    assert (about["model"], about["recipe"], about["seed"], about["synthetic"]) == ("mini-2", "mnli", 0, True)
    assert set(about["runs"]) == set(TARGETS)


def test_several_submissions_lie_side_by_side(installed: Installed, tmp_path: Path) -> None:
    """The baseline's retrieval has no seed and belongs to the baseline's submission all the same."""
    archive = tmp_path / "all.zip"
    ask = ("export", "xtreme-r", str(installed.experiment), str(archive), "--url", installed.url)
    code, _, err = crosslift(*ask, home=tmp_path)
    assert code == 0, err
    assert err.endswith("2 submissions\n")
    names = zipfile.ZipFile(archive).namelist()
    assert {"/".join(name.split("/")[:3]) for name in names} == {"mini-2/none/seed-0", "mini-2/mnli/seed-0"}
    assert "mini-2/none/seed-0/tatoeba/test-de.tsv" in names
    assert "mini-2/mnli/seed-0/xcopa/test-et.jsonl" in names
    assert not any(
        "xcopa/test-en" in name for name in names
    )  # XCOPA of the mini world has English, the real one has not
    first = archive.read_bytes()
    assert crosslift(*ask, home=tmp_path)[0] == 0
    assert archive.read_bytes() == first
    assert list(tmp_path.glob(".*making")) == []


def test_scores_are_exported_as_before(installed: Installed, tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    code, _, err = crosslift(
        "export", str(installed.experiment), "--url", installed.url, "-o", str(file), home=tmp_path
    )
    assert (code, err) == (0, f"Wrote {file}\n")
    assert len(file.read_text().splitlines()) == 1 + len(installed.scores)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("xtreme-r",), 2, "expected an experiment and a file: crosslift export xtreme-r 3 xtreme-r.zip"),
        (("xtreme-r", "{id}"), 2, "expected an experiment and a file"),
        (("xtreme-q",), 2, "expected the number of an experiment, or xtreme or xtreme-r and an experiment"),
        (("{id}", "3"), 2, "3 is one argument too many"),
        (("xtreme-r", "{id}", "{tmp}/a.zip", "--recipe", "qqp"), 3, "there are: mini-2, none, seed 0; mini-2, mnli, seed 0"),
        (("xtreme-r", "{id}", "{tmp}/none/a.zip"), 2, "a.zip cannot be written"),
        (("xtreme-r", "999", "{tmp}/a.zip"), 3, "999"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported(installed: Installed, tmp_path: Path, arguments: Any, code: int, words: str) -> None:
    filled = [a.format(id=installed.experiment, tmp=tmp_path) for a in arguments]
    got, _, err = crosslift("export", *filled, "--url", installed.url, home=tmp_path)
    assert got == code
    assert words in err
    assert list(tmp_path.glob("*.zip")) == []


def test_predictions_that_moved_were_changed_or_are_gone(installed: Installed, tmp_path: Path) -> None:
    """A root that was moved is found by its setting; what is not what was stored is refused, and no zip is left."""
    ask = ("export", "xtreme-r", str(installed.experiment), str(tmp_path / "a.zip"), "--url", installed.url)
    elsewhere = tmp_path / "artifacts"
    installed.artifacts.rename(elsewhere)
    try:
        code, _, err = crosslift(*ask, home=tmp_path / "other")
        assert code == 1
        assert "are not on this machine; looked in" in err
        assert crosslift(*ask, home=tmp_path)[0] == 0
        (tmp_path / "a.zip").unlink()
        file = next(elsewhere.rglob(PREDICTIONS))
        file.chmod(0o644)
        whole = file.read_bytes()
        file.write_bytes(whole[:-1])
        code, _, err = crosslift(*ask, home=tmp_path)
        assert code == 1
        assert "is not what was stored" in err
        assert not (tmp_path / "a.zip").exists()
        file.write_bytes(whole)
    finally:
        elsewhere.rename(installed.artifacts)


# --- single files --------------------------------------------------------------------------------------------------------------


def entry(name: str) -> Entry:
    return XTREME_R.tasks[name]


@pytest.mark.parametrize(
    ("task", "rows", "gold", "text"),
    [
        ("xnli", [("1", "neutral"), ("2", "entailment")], False, "neutral\nentailment\n"),
        ("tatoeba", [("0", "17")], False, "17\n"),
        ("udpos", [("0", '["DET", "NOUN"]'), ("1", '["X"]')], False, "DET\nNOUN\n\nX\n\n"),
        ("xcopa", [("7", "1")], False, '{"idx": "7", "label": 1}\n'),
        ("xquad", [("q", "Größe")], False, '{\n "q": "Größe"\n}\n'),
        ("mewslix", [("m", '["Q2", "Q1"]')], False, '{\n "m": [\n  "Q2",\n  "Q1"\n ]\n}\n'),
    ],
)
def test_a_file_of_each_kind(task: str, rows: list[tuple[str, str]], gold: bool, text: str) -> None:
    assert content(entry(task), [Stored(*row) for row in rows], gold=gold) == text


@pytest.mark.parametrize(
    ("task", "answer", "words"),
    [
        ("mewslix", "Q1", "example 'e' holds no list of candidates: 'Q1'"),
        ("udpos", "[1]", "holds no list of tags"),
        ("xnli", "a\nb", r"holds no label: 'a\nb'"),
        ("tatoeba", "", "holds no label"),
    ],
)
def test_a_prediction_of_another_shape(task: str, answer: str, words: str) -> None:
    with pytest.raises(ValueError, match="holds no") as caught:
        content(entry(task), [Stored("e", answer)])
    assert words in str(caught.value)


def test_labels_are_written_as_the_benchmark_writes_them() -> None:
    """PAWS-X has numbers in its files and words in the catalogue; XNLI has the same words in both."""
    rows = [Stored("1", "paraphrase"), Stored("2", "different")]
    assert [row.answer for row in _as_submitted(XTREME.tasks["pawsx"], rows)] == ["1", "0"]
    same = [Stored("1", "neutral")]
    assert _as_submitted(XTREME.tasks["xnli"], same) == same
