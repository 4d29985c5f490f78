"""How a child is made to stop, and how its end is read."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass
from typing import Literal

from worker.messages import Last
from worker.pace import Pace
from worker.process import Child

FAREWELL_SECONDS = 10.0  # from a child's last word to its end
STACK_SECONDS = 2.0  # what a hung child gets to print where it hangs

Wish = Literal["cancel", "save"]
Killed = Literal["cancel", "save", "hung", "mute"]


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: its last word if it had one, its exit code if it is known, and why it was killed if it was."""

    last: Last | None
    code: int | None
    killed: Killed | None = None


class Pressure:
    """A word, then SIGTERM, then, after ``grace`` seconds, SIGKILL. A child that hangs first prints where."""

    def __init__(self, child: Child, grace: float) -> None:
        self.child = child
        self.grace = grace
        self.killed: Killed | None = None
        self._told: Wish | None = None
        self._since = math.inf  # when it was first told
        self._warned = False
        self._hung = math.inf
        self._ended = math.inf

    def apply(self, at: float, wish: Wish | None, *, pace: Pace, ended: bool) -> None:
        """Do what is due.

        Args:
            at: now, in seconds of the clock that ``pace`` goes by.
            wish: what it is to do; to cancel may follow to save.
            ended: it has said its last word, and should be ending.
        """
        if wish is not None and wish != self._told:
            self.child.tell(wish)
            self._since = min(self._since, at)
            self._told = wish
        if self._told:
            if at - self._since > 0.8 * self.grace and not self._warned:
                self.child.signal(signal.SIGTERM)
                self._warned = True
            if at - self._since > self.grace:
                self.kill(self._told)
        if ended:
            self._ended = min(self._ended, at)
            if at - self._ended > FAREWELL_SECONDS:
                self.kill("mute")
        elif math.isinf(self._hung) and pace.still(at) > pace.hung_after():
            self._hung = at
            self.child.dump_stack()
        if at - self._hung > STACK_SECONDS:
            self.kill("hung")

    def kill(self, why: Killed) -> None:
        self.killed = self.killed or why
        self.child.signal(signal.SIGKILL)


def how_it_died(code: int | None) -> str:
    """The exit of a process that gave no result, in words."""
    if code is None:
        return "its process ended; how is not known"
    if code == -signal.SIGKILL:
        return "killed by signal 9, probably out of memory"
    if code < 0:
        name = signal.Signals(-code).name
        crash = -code in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)
        return f"killed by signal {-code} ({name}){', a crash in native code' if crash else ''}"
    return f"its process ended with code {code} and no result"
