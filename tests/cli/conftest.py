"""Real installations in temporary HOMEs: `crosslift` as a process, with a Redis, a web process and a worker of its own."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from backend import cli
from backend.settings import settings as read_settings

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs ``crosslift`` with one HOME, as a user's shell would."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    address: str = ""

    def settings(self) -> dict[str, str]:
        own = {"HOME": str(self.home), "PORT": "0", "WORKERS": "1", "GRACE_SECONDS": "10"}
        return {**{f"CROSSLIFT_{name}": value for name, value in own.items()}, **self.environment}

    def strays(self) -> list[psutil.Process]:
        """Every process that was started for this HOME, however deep and in whatever group."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("CROSSLIFT_HOME") == str(self.home)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what} within {seconds} s"
            time.sleep(0.05)

    def run(self, *arguments: str, stdin: str = "") -> Done:
        """In this process, since a fresh interpreter takes a second: with the environment of a user's shell."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [n for n in os.environ if n.startswith("CROSSLIFT_")]:
                patch.delenv(name)
            for name, value in self.settings().items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            read_settings.cache_clear()
            try:
                code = cli.guarded(lambda: cli.app([*arguments], prog_name="crosslift"))
            except SystemExit as ended:
                code = int(ended.code or 0)
            finally:
                read_settings.cache_clear()
        return Done(code, out.getvalue(), err.getvalue())

    def apart(self, *arguments: str) -> Done:
        """As ``run``, in a process of its own: for what leaves something running."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """In the background, with a process group of its own, as a shell's foreground command has."""
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", *arguments],
            env={**{k: v for k, v in os.environ.items() if not k.startswith("CROSSLIFT_")}, **self.settings()},
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def up(self) -> tuple[subprocess.Popen[str], str]:
        """``crosslift up`` and its address, once it has printed it."""
        process = self.start("up")
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            process.wait(10)
            assert process.stderr is not None
            pytest.fail(f"`up` ended with {process.returncode}: {process.stderr.read()}")
        return process, address

    def tidy(self) -> None:
        for process in self.started:
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            if process.poll() is None:
                process.kill()
            process.wait()
        for stray in self.strays():
            stray.kill()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path / "home")
    yield made
    made.tidy()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One installation that is up, for the tests of a file: each start takes seconds."""
    # a name that this machine does not go by: it must answer this machine all the same
    made = Shell(tmp_path_factory.mktemp("installed") / "home", {"CROSSLIFT_TRUSTED_HOSTS": "lab.example"})
    made.process, made.address = made.up()
    yield made
    made.tidy()


@pytest.fixture(scope="module")
def installed_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, str]], Shell]]:
    """Starts an installation with these settings, for the tests of a file."""
    made: list[Shell] = []

    def start(environment: dict[str, str]) -> Shell:
        shell = Shell(tmp_path_factory.mktemp("installed") / "home", environment)
        made.append(shell)
        shell.process, shell.address = shell.up()
        return shell

    yield start
    for shell in made:
        shell.tidy()
