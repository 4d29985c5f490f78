"""``crosslift score``: what it prints, where, and how it ends. Needs no installation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LABELS = {
    "de": "0\n1\n",
    "en": "1\n1\n",
    "es": "0\n0\n",
    "fr": "1\n0\n",
    "ja": "0\n1\n",
    "ko": "1\n1\n",
    "zh": "0\n0\n",
}


@pytest.fixture
def pawsx(tmp_path: Path) -> tuple[str, str]:
    """PAWS-X in all its languages; every prediction is 0."""
    for language, gold in LABELS.items():
        for folder, text in (("predictions", "0\n0\n"), ("labels", gold)):
            path = tmp_path / folder / "pawsx" / f"test-{language}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return str(tmp_path / "predictions"), str(tmp_path / "labels")


def test_the_table(shell, pawsx):
    done = shell.run("score", *pawsx, "--benchmark", "xtreme")
    assert done.code == 0
    assert [line.split("\t") for line in done.out.splitlines()] == [
        ["task", "languages", "accuracy", "score"],
        ["pawsx", "7 of 7", "50.00", "50.00"],
        ["XTREME", "", "", ""],
    ]
    assert done.err.startswith("note: no overall score: XTREME also has xnli, panx, udpos,")


def test_every_language(shell, pawsx):
    done = shell.run("score", *pawsx, "-b", "xtreme", "--languages")
    assert done.out.splitlines()[:3] == ["task\tlanguage\tmetric\tpoints", "pawsx\tde\taccuracy\t50.00", "pawsx\ten\taccuracy\t0.00"]  # fmt: skip


def test_json(shell, pawsx):
    done = shell.run("score", *pawsx, "--benchmark", "xtreme", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["tasks"]["pawsx"]["languages"]["es"] == {"accuracy": 100.0}
    assert found["tasks"]["pawsx"]["average"] == {"accuracy": 50.0}
    assert found["tasks"]["pawsx"]["score"] == 50.0
    assert (found["groups"], found["overall"], found["problems"]) == ({}, None, [])


@pytest.mark.parametrize("options", [(), ("--json",), ("--languages",)])
def test_a_problem_is_said_and_ends_with_1(shell, pawsx, options):
    """What can be scored is printed all the same."""
    path = Path(pawsx[0]) / "pawsx" / "test-ko.tsv"
    path.write_text("0\n")
    done = shell.run("score", *pawsx, "--benchmark", "xtreme", *options)
    problem = f"{path}: wrong length: 1 lines, the labels have 2"
    assert done.code == 1
    assert f"problem: {problem}" in done.err.splitlines()
    if options == ("--json",):
        found = json.loads(done.out)
        assert found["problems"] == [problem]
        assert found["tasks"]["pawsx"]["score"] is None
        assert len(found["tasks"]["pawsx"]["languages"]) == 6
    elif options:
        assert len(done.out.splitlines()) == 7
    else:
        assert "pawsx\t6 of 7\t" in done.out


def test_what_is_no_submission_is_a_usage_error(shell, pawsx, tmp_path):
    done = shell.run("score", *pawsx, "--benchmark", "xtreme-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --benchmark: unknown benchmark 'xtreme-q'; did you mean xtreme-r or xtreme?\n"
    done = shell.run("score", str(tmp_path / "none"), pawsx[1])
    assert (done.code, done.err) == (2, f"error: {tmp_path / 'none'} is no folder\n")
    assert shell.run("score", pawsx[0]).code == 2


def test_the_official_mock_submission(shell, benchmark_files):
    mock = benchmark_files / "xtreme_mock"
    done = shell.run("score", str(mock / "predictions"), str(mock / "labels"), "--benchmark", "xtreme", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["tasks"]["udpos"]["average"]["f1"] == 70.21746048354693
    assert set(found["groups"]) == {"classification", "tagging", "qa", "retrieval"}
    assert found["overall"] == pytest.approx(62.17, abs=0.005)
