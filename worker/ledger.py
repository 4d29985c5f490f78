"""What an attempt writes into the store while it runs, and how it ends: batched, under its number, or not at all."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session

from backend.domain.run import Phase, RunKind
from backend.errors import Unavailable
from backend.settings import Settings
from backend.store import graph, runs
from backend.store.session import Store
from worker.messages import CheckpointSaid, CurvesSaid, LogSaid, PhaseSaid, ProgressSaid, RejectedSaid, ResumedSaid
from worker.pace import HUNG_SECONDS, Pace
from worker.process import Heard, Line

log = logging.getLogger("crosslift.worker")
T = TypeVar("T")

WRITE_SECONDS = 1.0  # between two writes of one run, unless it ends
MOST_LOGS = 5_000  # lines that wait for a database that is away


class LostLease(Exception):
    """Somebody else has the run, or nobody: whatever this attempt still knows is not to be written."""


class Ledger:
    """The news of one attempt. While the database is away they gather here, and the attempt goes on: whether it still has
    the run is found out when the database is back."""

    def __init__(
        self, store: Store, settings: Settings, claim: runs.Claim, *, hung_seconds: float = HUNG_SECONDS
    ) -> None:
        self.store = store
        self.settings = settings
        self.claim = claim
        self.phase = Phase.STARTING
        planned = claim.spec.training.steps if claim.spec.training and claim.kind is not RunKind.EVALUATE else None
        self.pace = Pace(time.monotonic(), total=planned or 0, hung_seconds=hung_seconds)
        self.cancel = False  # somebody wants the run to stop for good
        self._curves: dict[tuple[str, int], float] = {}
        self._logs: list[tuple[str, str]] = []
        self._resumed: int | None = None
        self._saved: int | None = None
        self._rejected: list[str] | None = None
        self._news = False
        self._progressed = False
        self._beaten = time.monotonic()  # the claim was the first beat
        self._not_before = 0.0
        self._failures = 0  # of the database, in a row

    # --- gathering --------------------------------------------------------------------------------------------------------

    def note(self, level: str, message: str) -> None:
        """Add a line to the run's log."""
        self._logs.append((level, message))
        if len(self._logs) > MOST_LOGS:
            del self._logs[: MOST_LOGS // 10]
        self._news = True

    def hear(self, heard: Heard) -> None:
        """Take in what a child said."""
        at = time.monotonic()
        match heard:
            case Line(text):
                self.note("info", text)
            case LogSaid():
                self.note(heard.level, heard.message)
            case ProgressSaid():
                if self.pace.saw(heard.step, heard.total, at):
                    self._progressed = self._news = True
            case PhaseSaid():
                self.phase = heard.phase
                self.pace.sign(at, heard.phase)
                self._progressed = self._news = True
            case CurvesSaid():
                self._curves.update({(name, step): value for name, step, value in heard.points})
                self.pace.sign(at)
                self._news = True
            case CheckpointSaid():
                self.pace.sign(at)
                self._saved = heard.step
                self.note("debug", f"checkpoint of step {heard.step}")
            case RejectedSaid():
                self._rejected = heard.checkpoints
                self._news = True
            case ResumedSaid():
                self._resumed = heard.step
                self.pace.saw(heard.step, self.pace.total, at)
                self._progressed = self._news = True

    # --- writing ----------------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """If it is time: the heartbeat and all news, in one transaction. A database that is away is tried again later.

        Raises:
            LostLease: somebody else has the run.
        """
        at = time.monotonic()
        due = min(WRITE_SECONDS if self._news else math.inf, self.settings.heartbeat_seconds)
        if at < self._not_before or at - self._beaten < due:
            return
        low, high = self.pace.eta or (None, None)
        try:
            with self.store.write() as session:
                answer = runs.beat(
                    session, self.claim.run_id, self.claim.attempt,
                    lease_seconds=self.settings.lease_seconds, phase=self.phase,
                    step=self.pace.step, total_steps=self.pace.total, rate=self.pace.rate,
                    eta_low=low, eta_high=high, progressed=self._progressed,
                )  # fmt: skip
                if answer.alive:
                    self._record(session)
        except Unavailable as error:
            self._away(error)
            self._not_before = time.monotonic() + min(self.settings.heartbeat_seconds, 0.25 * 2**self._failures)
            return
        if not answer.alive:
            raise LostLease
        self._beaten = time.monotonic()
        self._recorded()
        self.cancel = self.cancel or answer.cancel_requested

    def conclude(self, end: Callable[[Session, int, int], T], *, hurry: Callable[[], bool]) -> T:
        """The last news and the end of the attempt, in one transaction: ``end(session, run, attempt)``. Tried again for as
        long as the database is away, until ``hurry`` says that this process has to go.

        Raises:
            LostLease: it has to go: the lease will run out.
        """
        while True:
            try:
                with self.store.write() as session:
                    graph.lock(session)  # before any row: a cancel takes them in this order, too
                    self._record(session)
                    result = end(session, self.claim.run_id, self.claim.attempt)
            except Unavailable as error:
                self._away(error)
                if hurry():
                    raise LostLease from error
                time.sleep(min(2.0, 0.1 * 2**self._failures))
            else:
                self._recorded()
                return result

    def _record(self, session: Session) -> None:
        """Write the news. ``_recorded`` forgets them, once they are committed."""
        if self._resumed is not None or self._saved is not None or self._rejected is not None:
            runs.noted(
                session, self.claim.run_id, self.claim.attempt,
                resumed=self._resumed, saved=self._saved, rejected=self._rejected,
            )  # fmt: skip
        if self._curves or self._logs:
            points = [(name, step, value) for (name, step), value in self._curves.items()]
            runs.record(session, self.claim.run_id, self.claim.attempt, curves=points, logs=self._logs)

    def _recorded(self) -> None:
        self._curves.clear()
        self._logs.clear()
        self._resumed = self._saved = self._rejected = None
        self._news = self._progressed = False
        if self._failures:
            log.info("the database is back", extra={"fields": {"run": self.claim.run_id}})
        self._failures = 0

    def _away(self, error: Unavailable) -> None:
        if not self._failures:
            log.warning("cannot write: %s", error.detail, extra={"fields": {"run": self.claim.run_id}})
        self._failures = min(self._failures + 1, 10)
