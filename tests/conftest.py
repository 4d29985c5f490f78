"""What every test may use: the real benchmark files and a Chromium, where there are any, and the one table of measures.

The first two are asked for by a fixture. Without them a test is skipped with a reason that says how to get them, or fails where
``CROSSLIFT_REQUIRE_TEST_DATA`` or ``CROSSLIFT_REQUIRE_BROWSER`` is set, as the project's own CI does.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

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


# --- what is measured: ``measured.py``, a plugin ------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    found = importlib.util.spec_from_file_location("measured", ROOT / "tests" / "measured.py")
    assert found is not None and found.loader is not None
    plugin = importlib.util.module_from_spec(found)
    sys.modules[found.name] = plugin  # its dataclass looks itself up
    found.loader.exec_module(plugin)
    config.pluginmanager.register(plugin, "measured")
