"""What every test may use: the real benchmark files and a Chromium, where there are any, and the one table of measures.

The first two are asked for by a fixture. Without them a test is skipped with a reason that says how to get them, or fails where
``CROSSLIFT_REQUIRE_TEST_DATA`` or ``CROSSLIFT_REQUIRE_BROWSER`` is set, as the project's own CI does.
"""

import os
import platform
import shutil
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# No example is judged by the clock: on a machine that others use, one that takes a millisecond may take half a second.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def missing(what: str, variable: str) -> None:
    """Skip, or fail where the variable demands it."""
    if os.environ.get(variable, "") not in ("", "0"):
        pytest.fail(f"{what} ({variable} is set)")
    pytest.skip(what)


@pytest.fixture(scope="session")
def benchmark_files() -> Path:
    """The folder with benchmark files in their original formats."""
    folder = Path(os.environ.get("CROSSLIFT_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        missing(
            f"no benchmark files at {folder}; name their folder in CROSSLIFT_TEST_DATA", "CROSSLIFT_REQUIRE_TEST_DATA"
        )
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium: the named one, the machine's, or the one that playwright installed."""
    names = (
        os.environ.get("CROSSLIFT_CHROMIUM"),
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    )
    for name in names:
        if name and (found := shutil.which(name)):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if not Path(own).exists():
        missing("no Chromium; `make browser` installs one, CROSSLIFT_CHROMIUM names one", "CROSSLIFT_REQUIRE_BROWSER")
    return own


# --- what is measured: one table of all benches ------------------------------------------------------------------------

MEASURED = pytest.StashKey[list[str]]()
HEAD = "| what | ours | peer | ratio | rounds | asked |\n|---|---|---|---|---|---|"


class Record(Protocol):
    def __call__(
        self, what: str, ours: str, peer: str = "", ratio: float | None = None, *, rounds: int = 1, asked: str = ""
    ) -> None: ...


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> Record:
    """Print a measure and keep it for the table at the end, which goes to the file CROSSLIFT_BENCH_TABLE as well.

    ``ours``, ``peer``: values with their units, of what is ours and of what a user would take instead. ``ratio``: the median over
    rounds of what is asked for, as ``asked`` has it ("≥ 4"). Record before asserting, or what falls short is in no table.
    """

    def keep(
        what: str, ours: str, peer: str = "", ratio: float | None = None, *, rounds: int = 1, asked: str = ""
    ) -> None:
        cells = (what, ours, peer, "" if ratio is None else f"{ratio:.3g}", str(rounds), asked)
        row = "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        print(f"\n{row}")
        rows = pytestconfig.stash.setdefault(MEASURED, [])
        rows.append(row)
        if path := os.environ.get("CROSSLIFT_BENCH_TABLE"):  # at once: a bench of hours may be cut off
            Path(path).write_text(measured(rows), encoding="utf-8")

    return keep


def measured(rows: list[str]) -> str:
    """The table, in Markdown."""
    return (
        "\n".join(
            (HEAD, *rows, "", f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
        )
        + "\n"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rows := config.stash.get(MEASURED, []):
        terminalreporter.section("measured")
        terminalreporter.write(measured(rows))
