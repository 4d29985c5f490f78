"""The table of what benches measure: printed at the end, and in a file whatever became of the tests."""

import os
import subprocess
import sys
from pathlib import Path

BENCH = """
def test_one(record):
    record("rows read", "12 ms", "48 ms", 48 / 12, rounds=5, asked="≥ 3")
    record("a|b", "1 s")
    assert False
"""


def test_every_measure_is_in_one_table(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_bytes((Path(__file__).parent / "conftest.py").read_bytes())
    (tmp_path / "test_bench.py").write_text(BENCH)
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
    assert text.splitlines()[:4] == [
        "| what | ours | peer | ratio | rounds | asked |",
        "|---|---|---|---|---|---|",
        "| rows read | 12 ms | 48 ms | 4 | 5 | ≥ 3 |",
        "| a\\|b | 1 s |  |  | 1 |  |",
    ]
    assert text in done.stdout.split("= measured =")[-1].replace("\r", "")
