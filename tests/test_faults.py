"""The table of faults: every row of the matrix is in it, what it names is there, and its guards are where it says."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ROWS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "faults.yaml").read_text())
MATRIX = [
    f"{letter}{n}" for letter, many in (("A", 10), ("D", 5), ("B", 1), ("W", 6), ("T", 7), ("S", 9), ("L", 2))
    for n in range(1, many + 1)
]  # fmt: skip
UNGUARDED = {"L1": "it measures"}


@cache
def contained(path: str) -> dict[str, bool]:
    """The tests of a file, and whether each is left out of ``make test``."""
    tree = ast.parse((ROOT / path).read_text())
    whole = any(
        isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node) and "mark.slow" in ast.unparse(node)
        for node in tree.body
    )
    return {
        node.name: whole or any("mark.slow" in ast.unparse(each) for each in node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def named(row: dict[str, Any]) -> list[str]:
    return [*row.get("quick", ()), *row.get("full", ())]


def test_every_row_of_the_matrix_is_there():
    assert list(ROWS) == MATRIX


@pytest.mark.parametrize("id", ROWS)
def test_what_a_row_names_is_there(id: str):
    row = ROWS[id]
    assert set(row) <= {"fault", "expected", "quick", "full", "command", "guard"}
    assert row["fault"] and row["expected"] and named(row)
    for key, slow in (("quick", False), ("full", True)):
        for test in row.get(key, ()):
            path, _, name = test.partition("::")
            assert contained(path).get(name) is slow, (
                f"{test} is {'missing' if name not in contained(path) else 'not ' + key}"
            )
    if "command" in row:
        target = row["command"].removeprefix("make ")
        assert f"\n{target}: " in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("id", ROWS)
def test_its_guard_can_be_taken_out(id: str):
    row = ROWS[id]
    assert ("guard" in row) != (id in UNGUARDED)
    if "guard" in row:
        assert row["guard"]["test"] in row["quick"]
        for name, text, instead in row["guard"]["edits"]:
            source = (ROOT / name).read_text()
            assert source.count(text) == 1, f"{text!r} in {name}"
            if name.endswith(".py"):
                ast.parse(source.replace(text, instead))


def test_the_command_prints_every_row():
    shown = subprocess.run([sys.executable, ROOT / ".ci" / "faults"], capture_output=True, text=True, check=True).stdout
    for id, row in ROWS.items():
        assert f"\n{id:4} " in f"\n{shown}"
        assert all(test in shown for test in named(row))
    unknown = subprocess.run([sys.executable, ROOT / ".ci" / "faults", "Z9"], capture_output=True, text=True)
    assert unknown.returncode == 1 and "no row Z9" in unknown.stderr


@pytest.mark.slow
def test_a_guard_without_which_nothing_fails_is_reported(tmp_path: Path):
    """The script itself, on a small tree: one guard that counts, one that does not, one that is not there."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "guards").write_bytes((ROOT / ".ci" / "guards").read_bytes())
    (tmp_path / "tests").mkdir()
    (tmp_path / "program.py").write_text("def most(a, b):\n    if a > b:\n        return a\n    return b  # not less\n")
    (tmp_path / "tests" / "test_it.py").write_text(
        "import program\n\ndef test_it():\n    assert program.most(2, 1) == 2\n"
    )
    edits = {"X1": ["a > b", "False"], "X2": ["# not less", ""], "X3": ["a < b", "False"]}
    rows = {
        id: {"guard": {"edits": [["program.py", *edit]], "test": "tests/test_it.py::test_it"}}
        for id, edit in edits.items()
    }
    (tmp_path / "tests" / "faults.yaml").write_text(yaml.safe_dump(rows))
    command = [sys.executable, tmp_path / ".ci" / "guards"]
    environment = {**os.environ, "CROSSLIFT_TEST_DATA": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    first, second, third = done.stdout.splitlines()
    assert "seen to fail" in first
    assert "STILL PASSES" in second
    assert "the text is there 0 times" in third
    assert subprocess.run([*command, "X1"], capture_output=True, env=environment).returncode == 0
