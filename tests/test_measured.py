"""The table of what benches measure: printed at the end, and in a file whatever became of the tests; and rounds of several calls."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parent / "measured.py"
BENCH = """
import pytest

def test_one(record):
    record("rows read", "12 ms", "48 ms", 48 / 12, rounds=5, asked="≥ 3")
    record("a|b", "1 s", "not installed: pip install b")

@pytest.mark.bench
def test_two():
    assert 2 > 3, "too slow"

@pytest.mark.bench
@pytest.mark.skip("no peer")
def test_three(): ...

@pytest.mark.skip("no bench")
def test_four(): ...
"""


@pytest.fixture(scope="module")
def measured() -> Any:
    spec = importlib.util.spec_from_file_location("measured_again", PLUGIN)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


def test_every_measure_is_in_one_table(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_bytes(PLUGIN.read_bytes())
    (tmp_path / "test_bench.py").write_text(BENCH)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = bench\n")
    table = tmp_path / "bench.md"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:dash", "-p", "no:schemathesis"],
        cwd=tmp_path,
        env={**os.environ, "CROSSLIFT_BENCH_TABLE": str(table)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    text = table.read_text()
    machine, nothing, *lines = text.splitlines()
    for word in (
        "commit ",
        "processor ",
        f"cores {os.cpu_count()}",
        "Python ",
        "torch 2.",
        "transformers 5.",
        "Gflop/s",
    ):
        assert word in machine
    assert nothing == ""
    assert lines == [
        "| what | ours | peer | ratio | asked | rounds |",
        "|---|---|---|---|---|---|",
        "| rows read | 12 ms | 48 ms | 4 | ≥ 3 | 5 |",
        "| a\\|b | 1 s | not installed: pip install b |  |  | 1 |",
        "| test_bench.py::test_two | failed: too slow assert 2 > 3 |  |  |  | 0 |",
        "| test_bench.py::test_three | skipped: no peer |  |  |  | 0 |",
    ]
    assert text in done.stdout.split("= measured =")[-1].replace("\r", "")


def test_rounds_of_the_same_commit_machine_and_settings_are_joined(measured: Any, tmp_path: Path) -> None:
    file = tmp_path / "rounds.jsonl"
    first = measured.rounds_of("training", {"threads": 1}, file)
    for turn in first.more(2):
        first.add({"ours": [turn, 0.5]})
    second = measured.rounds_of("training", {"threads": 1}, file)
    assert second.found == [{"ours": [0, 0.5]}, {"ours": [1, 0.5]}] and list(second.more(3)) == [2, 3, 4]
    assert measured.rounds_of("training", {"threads": 2}, file).found == []
    assert measured.rounds_of("evaluation", {"threads": 1}, file).found == []
    for fact in ("commit", "processor", "torch"):  # each of the lines is now of another machine
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert lines[0]["of"][fact]
        other = tmp_path / fact
        other.write_text("".join(json.dumps({**o, "of": {**o["of"], fact: "another"}}) + "\n" for o in lines))
        assert measured.rounds_of("training", {"threads": 1}, other).found == []
    alone = measured.rounds_of("training", {"threads": 1}, None)
    alone.add({"ours": 1})
    assert alone.found == [{"ours": 1}]


def test_a_checkout_with_changes_is_another_commit(measured: Any, tmp_path: Path) -> None:
    assert measured.commit(tmp_path) == "none"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    (tmp_path / "a").write_text("1")
    for asked in (["init", "-q"], ["add", "a"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *asked], check=True)
    names = [measured.commit(tmp_path)]
    for text in ("2", "3"):
        (tmp_path / "a").write_text(text)
        names.append(measured.commit(tmp_path))
    assert names[1].startswith(f"{names[0]} and changes ") and len(set(names)) == 3
