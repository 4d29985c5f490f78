"""One process that is kept running, with its log; and the guard that clears up should its keeper be killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from backend.local import guard

RESTARTS, WITHIN_SECONDS = 5, 300.0  # a part that dies more often than this is given up
LOG_BYTES = 16 * 2**20  # a log longer than this is put aside when its part starts


@dataclass
class Part:
    """One process, leader of a group of its own. ``grace`` is what it gets to stop by itself, in seconds."""

    name: str
    command: list[str]
    log: Path
    grace: float
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    again_at: float | None = None  # monotonic time of its next start, while it is down

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, environment: Mapping[str, str]) -> int:
        """Returns the process's number."""
        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.again_at = None
        return self.process.pid

    def died(self) -> None:
        """Count a death and set the time of the next start: later each time."""
        now = time.monotonic()
        self.deaths = [at for at in self.deaths if now - at < WITHIN_SECONDS] + [now]
        self.again_at = now + min(10.0, 0.5 * 2 ** (len(self.deaths) - 1))

    @property
    def hopeless(self) -> bool:
        return len(self.deaths) > RESTARTS

    def kill(self) -> None:
        """End it and everything that came from it."""
        if self.process is None:
            return
        family: list[psutil.Process] = []
        with suppress(psutil.Error):
            family = psutil.Process(self.process.pid).children(recursive=True)
        guard.kill(self.process.pid)
        for process in family:  # those in groups of their own
            with suppress(psutil.Error):
                process.kill()
        self.process.wait()

    def end(self) -> str:
        """Its log's last lines."""
        return tail(self.log)


def open_log(path: Path) -> IO[bytes]:
    """To append to; a long one is put aside first."""
    with suppress(OSError):
        if path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def tail(path: Path, lines: int = 12) -> str:
    try:
        text = path.read_bytes()[-8192:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def how_it_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


class Guard:
    """The process of ``backend.local.guard``, told what there is to clear up."""

    def __init__(self, lock: int, log: Path) -> None:
        with open_log(log) as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "backend.local.guard"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=file,
                pass_fds=(lock,),
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def watch(self, part: Part) -> None:
        if part.alive and part.process is not None:
            self._tell(f"+ {part.process.pid} {part.grace}")

    def forget(self, pid: int) -> None:
        self._tell(f"- {pid}")

    def dismiss(self) -> None:
        """Everything is stopped."""
        self._tell("bye")
        with suppress(BrokenPipeError):
            assert self.process.stdin is not None  # a pipe, see above
            self.process.stdin.close()
        self.process.wait()

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None  # a pipe, see above
        with suppress(BrokenPipeError):  # it died; the next check starts another
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()
