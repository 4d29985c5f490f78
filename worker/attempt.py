"""One try at one run: inputs, child, what the child says until it is gone, artifact, the end.

Whatever happens there is exactly one end, written under the attempt's number: done, failed, diverged, cancelled, given back
(this worker stops, or cannot begin it: not counted), died (counted). Or none, when the lease was lost.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import TYPE_CHECKING, Any, TypeVar

from sqlmodel import Session

from backend import logs
from backend.domain.learning import Learning
from backend.domain.run import RunState
from backend.store import runs
from worker import installed
from worker.artifacts import BadArtifact, Published
from worker.causes import cause_of, described
from worker.ledger import Ledger, LostLease
from worker.messages import DivergedSaid, ErrorSaid, Last, OutcomeSaid, StoppedSaid
from worker.process import Child, Gone
from worker.stopping import End, Pressure, Wish, how_it_died

if TYPE_CHECKING:
    from worker.supervise import Supervisor

log = logging.getLogger("crosslift.worker")
T = TypeVar("T")

HEAR_SECONDS = 0.2  # at most this long between looking at the clock
STORING_TRIES = 3
DIVERGED = "The loss stopped being a number: use a smaller learning rate or a longer warm-up."
NO_RESULT = "What this run found cannot be stored: a fault of the program, not of the request."


class Unable(Exception):
    """This machine cannot begin the run; another, or this one later, may."""


class Attempt:
    """One try at one run, from the claim to the end of its process."""

    def __init__(self, supervisor: Supervisor, claim: runs.Claim, visible: str | None) -> None:
        self.of = supervisor
        self.claim = claim
        self.visible = visible
        self.folder = supervisor.folder(claim.fingerprint)
        self.directory = self.folder / f"attempt-{claim.attempt}"
        self.unable = False  # this machine is at fault, not the run
        self.ledger = Ledger(supervisor.store, supervisor.settings, claim, hung_seconds=supervisor.hung_seconds)

    def run(self) -> None:
        """Do it. Never raises: whatever happens is written down, or the lease runs out."""
        fields = {"fields": {"run": self.claim.run_id, "attempt": self.claim.attempt}}
        log.info("begins: %s", self.claim.title, extra=fields)
        self.ledger.note("info", f"attempt {self.claim.attempt} on worker {self.of.worker}")
        try:
            how = self._settle(self._work())
        except Unable as error:
            self.unable = True
            log.error("cannot begin: %s", error, extra=fields)
            reason = f"worker {self.of.worker} could not begin it: {error}"
            how = self._give_up(lambda: self._release(reason))
        except LostLease:
            how = "the lease is lost; nothing more was written"
        except Exception:
            log.exception("the supervisor failed", extra=fields)
            why = traceback.format_exc(limit=-1).strip().splitlines()[-1]
            how = self._give_up(lambda: self._died(f"its supervisor failed: {why}"))
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
        log.info("ended: %s", how, extra=fields)

    def _give_up(self, write: Callable[[], str]) -> str:
        try:
            return write()
        except Exception:
            log.exception("run %d, attempt %d: its end could not be written", self.claim.run_id, self.claim.attempt)
            return "nothing could be written; the lease runs out"

    # --- inputs and child -----------------------------------------------------------------------------------------------

    def _work(self) -> End:
        try:
            job = self._while_beating(self._stage, unless=lambda: self.ledger.cancel or self.of.stopping.is_set())
        except BadArtifact as error:
            said = described(error)
            return End(said.model_copy(update={"message": f"an input could not be had: {said.message}"}), None)
        except OSError as error:
            raise Unable(str(error)) from error
        if job is None:
            return End(None, None, "cancel" if self.ledger.cancel else "save")
        try:
            process = self._while_beating(
                lambda: self.of.nursery.start(job, directory=self.directory, visible=self.visible),
                unless=self.of.hurry,
                abandon=Child.end,
            )
        except (OSError, EOFError) as error:
            raise Unable(f"its process could not be started: {error}") from error
        if process is None:
            return End(None, None, "save")
        try:
            return self._follow(process)
        finally:
            process.end()

    def _stage(self) -> dict[str, Any]:
        """Inputs on this machine and empty folders; the job as the child reads it."""
        chosen, claim = self.of.settings, self.claim
        for left in self.folder.glob("attempt-*"):
            shutil.rmtree(left, ignore_errors=True)
        out = self.directory / "out"
        out.mkdir(parents=True, mode=0o700)
        cache = chosen.root / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        inputs = {fingerprint: str(self.of.artifacts.fetch(uri)) for fingerprint, uri in claim.parents.items()}
        return {
            "spec": claim.spec.model_dump(mode="json"),
            "fingerprint": claim.fingerprint,
            "inputs": inputs,
            "workdir": str(self.folder / "state"),
            "out": str(out),
            "data_root": None if chosen.data_root is None else str(chosen.data_root.expanduser().resolve()),
            "model_root": None if chosen.model_root is None else str(chosen.model_root.expanduser().resolve()),
            "cache": str(cache),
            "threads": chosen.threads_per_run,
            "device": self.of.device.value,
            "attempt": claim.attempt,
            "checkpoint_seconds": chosen.checkpoint_seconds,
            "offline": chosen.offline,
        }

    def _follow(self, process: Child) -> End:
        """Listen until the child and all it started are gone, and see to it that they will be."""
        last: Last | None = None
        pressure = Pressure(process, self.of.settings.grace_seconds)
        while True:
            heard = process.hear(HEAR_SECONDS)
            if isinstance(heard, Gone):
                return End(last, heard.code, pressure.killed)
            if isinstance(heard, Last):
                last = last or heard
            elif heard is not None:
                self.ledger.hear(heard)
            if self.of.at_once.is_set():
                pressure.kill("save")
            wish: Wish | None = "cancel" if self.ledger.cancel else "save" if self.of.stopping.is_set() else None
            pressure.apply(time.monotonic(), wish, pace=self.ledger.pace, ended=last is not None)
            self.ledger.beat()

    def _while_beating(
        self,
        work: Callable[[], T],
        *,
        unless: Callable[[], bool] | None = None,
        abandon: Callable[[T], object] = lambda _: None,
    ) -> T | None:
        """Do slow work in a thread while the heart beats. None once ``unless`` holds (it is cancelled, or the time to save
        is over, if not given); what the work then still gives goes to ``abandon``, as it does if the lease is lost."""
        unless = unless or (lambda: self.ledger.cancel or self.of.hurry())
        future: Future[T] = Future()

        def body() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        def leave() -> None:
            future.add_done_callback(lambda done: None if done.exception() else abandon(done.result()))

        threading.Thread(target=logs.carried(body), name=f"run-{self.claim.run_id}", daemon=True).start()
        while not unless():
            try:
                return future.result(HEAR_SECONDS)
            except NotYet:
                if future.done():  # its own, not ours
                    raise
            try:
                self.ledger.beat()
            except LostLease:
                leave()
                raise
        leave()
        return None

    # --- the end: the process is gone -----------------------------------------------------------------------------------

    def _settle(self, end: End) -> str:
        """Write down how it ended. Returns that in words."""
        if self.ledger.cancel:
            return self._cancelled()
        match end.last:
            case OutcomeSaid():
                return self._finish(end.last)
            case ErrorSaid():
                return self._fail(end.last)
            case DivergedSaid():
                return self._diverged(end.last)
            case StoppedSaid(step=step, saved=saved) if self.of.stopping.is_set():
                return self._release(f"its worker was stopped; {'saved' if saved else 'not saved'} at step {step}")
            case StoppedSaid(step=step):
                return self._died(f"stopped from outside at step {step}")
        if end.killed == "hung":
            return self._died(f"hung: nothing happened for {self.ledger.pace.hung_after():.0f} s")
        if end.killed is not None or self.of.stopping.is_set():
            return self._release("its worker was stopped; it did not get to save")
        return self._died(how_it_died(end.code))

    def _finish(self, outcome: OutcomeSaid) -> str:
        try:
            stored = self._store()
        except (BadArtifact, OSError, ValueError) as error:
            said = described(error)
            return self._fail(said.model_copy(update={"message": f"its artifact could not be stored: {said.message}"}))
        if stored is None:
            return (
                self._cancelled()
                if self.ledger.cancel
                else self._release("its worker was stopped before it was stored")
            )
        result = runs.Result(
            scores=outcome.scores, artifact=stored.uri, artifact_digest=stored.digest, artifact_bytes=stored.bytes,
            cost=outcome.cost, parameters=outcome.parameters, parameters_non_embedding=outcome.parameters_non_embedding,
            environment={**outcome.environment, "code": installed.code()}, packages=installed.packages(),
            extra={
                "parameters_trainable": outcome.parameters_trainable,
                "matrix_rate": self.of.matrix_rate(self.claim.spec.precision),
            },
            learning=None if outcome.learning is None else Learning(*outcome.learning),
        )  # fmt: skip
        try:
            finished = self._conclude(lambda session, run, attempt: runs.finish(session, run, attempt, result))
        except ValueError as error:  # what it found cannot be a result
            return self._fail(described(error).model_copy(update={"cause": NO_RESULT}))
        if not finished.ok:
            raise LostLease
        if finished.queued:
            self.of.ring(self.of.device, run_ids=finished.queued)
        shutil.rmtree(self.folder, ignore_errors=True)
        return "done"

    def _store(self) -> Published | None:
        """Publish what lies in ``out``; where the line fails it is tried again. None if the run is to stop instead."""
        for left in reversed(range(STORING_TRIES)):
            try:
                return self._while_beating(
                    lambda: self.of.artifacts.publish(self.directory / "out", self.claim.fingerprint)
                )
            except OSError as error:
                if not left or "disk" in cause_of(error):
                    raise
                self.ledger.note("warning", f"storing the artifact failed, trying again: {error}")
                self._while_beating(lambda: time.sleep(2))
        raise AssertionError("the last try returns or raises")

    def _fail(self, error: ErrorSaid) -> str:
        self.ledger.note("error", f"{error.error}: {error.message}")
        self._ended(
            lambda session, run, attempt: runs.fail(
                session, run, attempt,
                type=error.error, message=error.message, traceback=error.traceback, cause=error.cause,
            )
        )  # fmt: skip
        return f"failed: {error.error}"

    def _diverged(self, said: DivergedSaid) -> str:
        good = (
            "there was no checkpoint yet" if said.good is None else f"the last good checkpoint is of step {said.good}"
        )
        message = f"diverged at step {said.step}: {said.message}; {good}"
        self.ledger.note("error", message)
        self._ended(
            lambda session, run, attempt: runs.diverge(
                session, run, attempt, step=said.step, message=message, cause=DIVERGED
            )
        )
        return message

    def _cancelled(self) -> str:
        ended = self._ended(runs.cancelled)
        if ended.state is RunState.QUEUED:
            return "stopped; somebody wants it again"
        shutil.rmtree(self.folder, ignore_errors=True)
        return "cancelled"

    def _release(self, reason: str) -> str:
        if not self._conclude(
            lambda session, run, attempt: runs.release(session, run, attempt, reason=reason, counted=False)
        ):
            raise LostLease
        self.of.ring(self.of.device, run_ids=[self.claim.run_id])
        return f"given back: {reason}"

    def _died(self, reason: str) -> str:
        self.ledger.note("error", f"the process of attempt {self.claim.attempt} died: {reason}")
        limit = self.of.settings.max_attempts
        state = self._conclude(
            lambda session, run, attempt: runs.died(session, run, attempt, reason=reason, max_attempts=limit)
        )
        if state == "lost":
            raise LostLease
        if state == "queued":
            self.of.ring(self.of.device, run_ids=[self.claim.run_id])
        return f"died ({reason}); {state}"

    def _ended(self, end: Callable[[Session, int, int], runs.Ended]) -> runs.Ended:
        ended = self._conclude(end)
        if not ended.ok:
            raise LostLease
        if ended.state is RunState.QUEUED:
            self.of.ring(self.of.device, run_ids=[self.claim.run_id])
        return ended

    def _conclude(self, end: Callable[[Session, int, int], T]) -> T:
        return self.ledger.conclude(end, hurry=self.of.hurry)
