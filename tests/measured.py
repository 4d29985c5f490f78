"""A pytest plugin for what is measured: one table of all benches, and rounds that several calls add up.

The table begins with the machine and the commit, so that it can be pasted as it is. It is printed at the end, and written to the file
CROSSLIFT_BENCH_TABLE after every line: a bench of hours may be cut off. A bench that was skipped or failed has a line that says so.

CROSSLIFT_BENCH_ROUNDS_FILE names a file of JSON lines that keeps every round as it ends. A later call adds its rounds to those that it finds
there of the same bench, commit, machine, versions and settings, and its medians are of all of them: what needs an hour of a quiet
machine can be measured in parts. With CROSSLIFT_BENCH_ROUNDS=0 nothing is measured, and such benches say what the file holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINES = pytest.StashKey[list[str]]()
HEAD = "| what | ours | peer | ratio | asked | rounds |\n|---|---|---|---|---|---|"
LONGEST = 160  # characters of a reason


# --- the machine ------------------------------------------------------------------------------------------------------


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Its name, as far as the system tells."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit(root: Path = ROOT) -> str:
    """Of the checkout; with a digest of what was changed since, where anything was."""

    def said(*asked: str) -> str:
        done = subprocess.run(["git", *asked], cwd=root, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    head = said("rev-parse", "--short=10", "HEAD").strip()
    if not head:
        return "none"
    changed = said("status", "--porcelain")
    if not changed:
        return head
    return f"{head} and changes {hashlib.sha256((changed + said('diff', 'HEAD')).encode()).hexdigest()[:8]}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


@cache
def machine() -> dict[str, str]:
    """What rounds must have in common to be joined, and what is said above the table."""
    return {
        "commit": commit(),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "torch": _version("torch"),
        "transformers": _version("transformers"),
    }


@cache
def matrix_rate() -> float | None:
    """Operations a second of a product of two fp32 matrices of 1,024 × 1,024 on one thread; None without torch."""
    if machine()["torch"] == "none":
        return None
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    a, b = torch.ones(1024, 1024), torch.ones(1024, 1024)
    times, ends = [], time.perf_counter() + 0.3
    while len(times) < 2 or time.perf_counter() < ends:
        began = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    return 2 * 1024**3 / median(times[1:])


def facts() -> str:
    """One paragraph."""
    said = ", ".join(f"{name} {value}" for name, value in machine().items())
    rate = matrix_rate()
    return said + ("" if rate is None else f"; {rate / 1e9:.0f} Gflop/s of a matrix product (fp32, one thread)")


# --- the table --------------------------------------------------------------------------------------------------------


class Record(Protocol):
    def __call__(
        self, what: str, ours: str, peer: str = "", ratio: float | None = None, *, rounds: int = 1, asked: str = ""
    ) -> None: ...


def table(lines: list[str]) -> str:
    """In Markdown."""
    return "\n".join((facts(), "", HEAD, *lines)) + "\n"


def keep(config: pytest.Config, *cells: str) -> None:
    line = "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    print(f"\n{line}")
    lines = config.stash.setdefault(LINES, [])
    lines.append(line)
    if path := os.environ.get("CROSSLIFT_BENCH_TABLE"):
        Path(path).write_text(table(lines), encoding="utf-8")


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> Record:
    """Print a measure and keep it for the table.

    ``ours``, ``peer``: values with their units, of what is ours and of what a user would take instead; of a peer that is missing how to
    install it. ``ratio``: the median over rounds of what is asked for, as ``asked`` has it ("≥ 4"). Record before asserting.
    """

    def line(
        what: str, ours: str, peer: str = "", ratio: float | None = None, *, rounds: int = 1, asked: str = ""
    ) -> None:
        keep(pytestconfig, what, ours, peer, "" if ratio is None else f"{ratio:.3g}", asked, str(rounds))

    return line


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A bench that told nothing is in the table as well."""
    report: Any = yield
    if item.get_closest_marker("bench") is not None and (report.skipped or report.failed) and call.excinfo is not None:
        said = " ".join(str(call.excinfo.value).split()) or call.excinfo.typename
        name = item.nodeid.removeprefix("tests/")
        keep(item.config, name, f"{report.outcome}: {said[:LONGEST]}", "", "", "", "0")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(LINES, []):
        terminalreporter.section("measured")
        terminalreporter.write(table(lines))


# --- rounds -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rounds:
    """Rounds of one bench: those of earlier calls that may be joined, then those of this one."""

    of: Mapping[str, Any]
    file: Path | None
    found: list[Any]

    def more(self, count: int) -> range:
        """Numbers of the rounds to be done now: a bench alternates by them, and draws by them. Skips where there is none at all."""
        if not count and not self.found:
            pytest.skip("no round is kept of it")
        return range(len(self.found), len(self.found) + count)

    def add(self, values: Any) -> None:
        """One round, as JSON has it; written at once."""
        self.found.append(json.loads(json.dumps(values)))
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"of": self.of, "round": values}, ensure_ascii=False) + "\n")


def rounds_of(bench: str, settings: Mapping[str, Any], file: Path | None) -> Rounds:
    of = json.loads(json.dumps({"bench": bench, **machine(), "settings": settings}))
    lines = file.read_text(encoding="utf-8").splitlines() if file is not None and file.is_file() else []
    kept = [json.loads(line) for line in lines]
    return Rounds(of, file, [one["round"] for one in kept if one["of"] == of])


@pytest.fixture(scope="session")
def rounds() -> Callable[[str, Mapping[str, Any]], Rounds]:
    """The rounds of a bench with these settings."""
    path = os.environ.get("CROSSLIFT_BENCH_ROUNDS_FILE")
    return lambda bench, settings: rounds_of(bench, settings, Path(path) if path else None)
