"""Stays behind to clear up after a ``crosslift up`` that was killed: nothing it started may outlive it.

``python -m backend.local.guard`` runs in a session of its own and reads what the parts are from its standard input, one line
each: ``+ pid seconds`` (one started: its process group, and what it gets to stop by itself), ``- pid`` (it ended), ``bye``
(all is stopped; go). The end of the pipe without ``bye`` means that the other side is gone: then parts are told to stop,
last started first, and killed when their time is over. It inherits the lock of HOME, so that no new installation starts
there before the old one is gone. Standard library only: it must be small and start at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

CLEAR_UP_SECONDS = 3.0  # at most, for all of them together, whatever a part was promised


def alive(pid: int) -> bool:
    """Whether the process group still has a member."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def tell(pid: int) -> None:
    """Ask the part to stop; it sees to its own children."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)


def kill(pid: int) -> None:
    """End the part and whatever of it is left in its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def clear_up(parts: dict[int, float]) -> None:
    """Stop these process groups, last started first; what is still there when its time is over is killed."""
    end = time.monotonic() + CLEAR_UP_SECONDS
    for pid, grace in reversed(parts.items()):
        tell(pid)
        until = min(end, time.monotonic() + grace)
        while alive(pid) and time.monotonic() < until:
            time.sleep(0.05)
        kill(pid)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the end of the pipe ends it
    parts: dict[int, float] = {}
    for line in sys.stdin:
        match line.split():
            case ["+", pid, grace]:
                parts[int(pid)] = float(grace)
            case ["-", pid]:
                parts.pop(int(pid), None)
            case ["bye"]:
                return
    clear_up(parts)


if __name__ == "__main__":
    main()
