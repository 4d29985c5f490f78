"""HOME, the folder of all state: made private, locked by the one ``up`` that may run there, which writes down what runs."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from backend.errors import Conflict
from backend.local import guard

Say = Callable[[str], None]  # one line of progress for a person


def prepare_home(root: Path) -> None:
    """Make the folder of all state, closed to others.

    Raises:
        Conflict: it cannot be made or written to.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("run", "logs"):
            folder = root / name
            folder.mkdir(mode=0o700, exist_ok=True)
            probe = folder / f".writable-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
    except OSError as error:
        raise Conflict(
            f"HOME {root} cannot be used: {error.strerror or error}. Name another folder in CROSSLIFT_HOME."
        ) from error


@contextmanager
def locked(root: Path, say: Say) -> Iterator[int]:
    """Hold the lock of a HOME; yields its descriptor. The kernel frees it with its last holder, however that ends.

    Raises:
        Conflict: another installation runs there.
    """
    path = root / "run" / "up.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        told = False
        end = time.monotonic() + guard.CLEAR_UP_SECONDS + 5
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = _holder(path)
                if holder is not None or time.monotonic() > end:
                    state = read_state(root) or {}
                    where = f" at {state['url']}" if "url" in state else ""
                    who = f"process {holder}" if holder else "a process that does not end"
                    raise Conflict(
                        f"An installation already runs in {root}{where} ({who}). "
                        "Stop it with `crosslift down`, or choose another CROSSLIFT_HOME and CROSSLIFT_PORT."
                    ) from None
                if not told:
                    say("The one before was killed; waiting until what it started is gone")
                    told = True
                time.sleep(0.2)
        if (before := os.pread(fd, 20, 0)) and not told:
            say(f"The installation before this one (process {before.decode().strip()}) did not end cleanly")
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        try:
            yield fd
        finally:
            os.ftruncate(fd, 0)  # ended cleanly; a kill leaves the number behind
    finally:
        os.close(fd)


def _holder(path: Path) -> int | None:
    """The living process that wrote itself into the lock; None if it is gone (its guard may still hold the lock)."""
    try:
        pid = int(path.read_text())
    except (OSError, ValueError):
        return None
    return pid if psutil.pid_exists(pid) else None


def running_pid(root: Path) -> int | None:
    """The process of the ``up`` that runs in this HOME, if one does."""
    path = root / "run" / "up.lock"
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _holder(path)
    except OSError:
        return None
    return None


def read_state(root: Path) -> dict[str, Any] | None:
    """What ``up`` wrote about itself; None where nothing was written. It may be out of date: ask ``running_pid``."""
    try:
        state = json.loads((root / "run" / "up.json").read_text())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None
