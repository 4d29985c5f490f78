"""Retrieval in the official layout: what a run scores is what ``score`` gives for its export, on the benchmark's own files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.domain.layouts import xquad_r
from backend.domain.metrics.retrieval import mean_average_precision
from backend.domain.reading import examples
from backend.domain.task import Bitext, Search
from backend.domain.tasks import TASKS
from backend.submission import lareqa
from backend.submission.benchmarks import XTREME_R
from backend.submission.language import score_language
from backend.submission.stored import _as_submitted
from backend.submission.write import Stored, content
from worker import formats
from worker.formats import Features, Read, answer_retrieval, bitext_retrieval

LANGUAGES = ("de", "es", "tr")


def vectors(found: list[Search]) -> Read:
    """What an encoder might make of them: near the right sentence, with noise, so that some are found and some are not."""
    roles, rows = [], []
    for item, role, passage in answer_retrieval._rows(found):
        roles.append(role)
        about = found[item].sought if role in (answer_retrieval.ASKS, answer_retrieval.ANSWERS) else str(passage)
        own = np.random.default_rng(sum(map(ord, about)) + 131 * len(about)).normal(size=16)
        noise = np.random.default_rng(len(rows)).normal(size=16)
        vector = own + (1.1 * noise if role == answer_retrieval.ASKS else 0.6 * noise)
        rows.append(vector / np.linalg.norm(vector))
    counts = np.bincount([item for item, _, _ in answer_retrieval._rows(found)], minlength=len(found))
    features = Features.build([[1]] * len(rows), counts.tolist(), row={"role": roles})
    return Read(found, features, np.asarray(rows, np.float32))


def test_an_export_of_lareqa_has_the_score_of_its_run(benchmark_files: Path, tmp_path: Path) -> None:
    task, entry = TASKS["lareqa"], XTREME_R.tasks["lareqa"]
    folder = benchmark_files / "lareqa" / "xquad-r"
    sets = {
        code: vectors(
            [e for e in examples(task, xquad_r(folder / f"{code}.json", code), code) if isinstance(e, Search)]
        )
        for code in LANGUAGES
    }
    found = formats.decode_all(answer_retrieval, task, sets, {}, LANGUAGES)  # type: ignore[arg-type]
    for code in LANGUAGES:
        (tmp_path / entry.file(code)).symlink_to(folder / f"{code}.json")
    said: list[str] = []

    def say(_: Path, words: str) -> None:
        said.append(words)

    for code in LANGUAGES:
        rows = [Stored(p.id, json.dumps(p.prediction)) for p in found[code]]
        ours = tmp_path / f"ours-{code}.json"
        ours.write_text(content(entry, _as_submitted(entry, rows)))
        points = score_language(entry, code, ours, tmp_path / entry.file(code), say=say)
        own = answer_retrieval.score(task, found[code])["map_at_20"][0]
        assert said == [] and points is not None
        assert 5 < own < 95  # neither all right nor all wrong
        assert points["map@20"] == pytest.approx(own, abs=1e-9)


def test_every_candidate_of_a_run_is_one_of_the_official_ids(benchmark_files: Path) -> None:
    task, entry = TASKS["lareqa"], XTREME_R.tasks["lareqa"]
    path = benchmark_files / "lareqa" / "xquad-r" / "de.json"
    official = lareqa.relevant(json.loads(path.read_text(encoding="utf-8")), "de")
    ours = {}
    for example in examples(task, xquad_r(path, "de"), "de"):
        assert isinstance(example, Search) and example.answer is not None
        (row,) = _as_submitted(entry, [Stored(example.id, json.dumps([f"de:{example.answer.id}"]))])
        ours[example.id] = json.loads(row.answer)[0]
    assert ours.keys() == official.keys()
    assert all(candidate in official[question] for question, candidate in ours.items())
    assert mean_average_precision({q: [c] for q, c in ours.items()}, official) > 99


def test_tatoeba_is_in_the_order_of_its_queries() -> None:
    """The official file has one line a query: the number of the sentence found, from 0, in the order of the English file."""
    task, entry = TASKS["tatoeba"], XTREME_R.tasks["tatoeba"]
    rows = [task.read({"line": n, "source_sentence": f"s{n}", "target_sentence": f"e{n}"}) for n in range(12)]
    assert all(isinstance(row, Bitext) and row.id == str(n) for n, row in enumerate(rows))
    shift = np.eye(12, dtype=np.float32)
    outputs = np.zeros((24, 12), np.float32)
    outputs[0::2], outputs[1::2] = shift, np.roll(shift, 1, axis=0)  # sentence n + 1 is nearest to query n
    features = Features.build([[1]] * 24, [2] * 12)
    found = bitext_retrieval.decode(task, rows, features, outputs)  # type: ignore[arg-type]
    text = content(entry, _as_submitted(entry, [Stored(p.id, str(p.prediction)) for p in found]))
    assert text.splitlines() == [str((n + 1) % 12) for n in range(12)]
