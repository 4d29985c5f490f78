"""``make load``, small: that it counts what it reads, and that what goes wrong is an error and not silence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def load(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "load"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_readers_beside_a_run_are_all_answered():
    small = ("--readers", "4", "--runs", "1", "--experiments", "12", "--seconds", "8", "--think", "0.2")
    done = load(*small, "--p95", "60000")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "errors: 0" in done.stdout
    every = re.search(
        r"^all: \d+ reads a second, (\d+) events +(\d+) reads +p50 +\d+ +p95 +\d+", done.stdout, re.MULTILINE
    )
    assert every is not None and int(every[1]) > 0
    counted = [int(n) for n in re.findall(r"^/\S+ +(\d+) reads", done.stdout, re.MULTILINE)]
    assert sum(counted) == int(every[2]) > 20


def test_nobody_there_is_no_success():
    done = load("--url", "http://127.0.0.1:9", "--seconds", "1")
    assert done.returncode == 1
    assert "errors: 0" not in done.stdout
