"""``crosslift plan`` where no installation runs; with one it is ``tests/api/test_experiments.py`` that counts."""

from __future__ import annotations

import json

GRID = "name: x\nmodels: [mini-2]\nrecipes: [mnli, squad]\ntargets: [xnli, tatoeba]\nseeds: [0, 1]\n"


def test_a_grid_as_a_table_and_as_json(shell):
    done = shell.run("plan", "-", stdin=GRID)
    assert done.code == 0, done.err
    head, *lines = [line.split("\t") for line in done.out.splitlines()]
    assert head == ["stage", "runs naive", "shared", "done", "FLOPs naive", "shared", "done", "ratio"]
    assert [line[:4] for line in lines] == [
        ["pretrain", "1", "1", "0"], ["intermediate", "8", "4", "0"], ["finetune", "6", "6", "0"],
        ["evaluate", "11", "11", "0"], ["all", "26", "22", "0"],
    ]  # fmt: skip
    assert "no installation runs here" in done.err
    found = json.loads(shell.run("plan", "-", "--json", stdin=GRID).out)
    assert lines[-1][-1] == f"{found['ratio']:.2f}"
    assert lines[1][-1] == "0.50"
    assert found["said"] in done.err


def test_the_papers_grid(shell):
    done = shell.run("plan", "--paper")
    assert done.code == 0, done.err
    *_, ratio = done.out.splitlines()[-1].split("\t")
    assert 0 < float(ratio) <= 0.4
    assert f"costs {ratio} of what it costs with every pair by itself" in done.err


def test_what_is_wrong_is_named(shell):
    assert shell.run("plan").code == shell.run("plan", "-", "--paper", stdin=GRID).code == 2
    unknown = shell.run("plan", "-", stdin=GRID.replace("squad", "sqad"))
    assert unknown.code == 4
    assert "/recipes/1: unknown intermediate task 'sqad'" in unknown.err
    shape = shell.run("plan", "-", stdin=GRID.replace("[0, 1]", "[-1]"))
    assert shape.code == 4
    assert "/seeds/0: Input should be greater than or equal to 0" in shape.err


def test_an_installation_that_is_named_and_does_not_answer_is_said(shell):
    done = shell.run("plan", "-", "--url", "http://127.0.0.1:9", stdin=GRID)
    assert done.code == 1
    assert "does not answer" in done.err
