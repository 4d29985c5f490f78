"""The supervisor: takes a run from the queue, has a child do it, and writes down everything that comes of it.

::

    Supervisor.serve        one slot of a worker: runs, one after the other, while there are any
      Attempt.run           inputs → child → what the child says, until it is gone → artifact → the end, in SQL

A ring is worth one claim, and after it the slot goes on with whatever is queued: so rings may be lost, and Redis may be
away for hours, and only idle slots wait for it. The child computes and knows nothing; all that is in SQL is written here,
under the attempt's number. Three rules hold everything together: without a lease nothing is written; a run is only said to
have stopped when its process is gone; and while the database is away the child goes on.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlmodel import Session

from backend.domain.run import DeviceClass, RunState
from backend.errors import Unavailable
from backend.settings import Settings
from backend.store import runs
from backend.store.session import Store
from worker import child
from worker.artifacts import Artifacts, BadArtifact, Published
from worker.causes import cause_of, described
from worker.ledger import Ledger, LostLease
from worker.messages import DivergedSaid, ErrorSaid, Last, OutcomeSaid, StoppedSaid
from worker.pace import HUNG_SECONDS
from worker.process import Child, Gone, Nursery
from worker.stopping import End, Pressure, Wish, how_it_died

log = logging.getLogger("crosslift.worker")
T = TypeVar("T")

HEAR_SECONDS = 0.2  # at most this long between looking at the clock
STORING_TRIES = 3
PAUSE_SECONDS = 30.0  # of a slot that could not even begin a run: a full disk, no processes left
FORGET_SECONDS = 14 * 86_400.0  # without a checkpoint, after which nobody is expected to go on
DIVERGED = "The loss stopped being a number: use a smaller learning rate or a longer warm-up."
NO_RESULT = "What this run found cannot be stored: a fault of the program, not of the request."


class Ring(Protocol):
    def __call__(self, device: DeviceClass, count: int = ..., run_ids: Sequence[int] = ...) -> object: ...


class Unable(Exception):
    """This machine cannot begin the run; another, or this one later, may."""


class Supervisor:
    """What the slots of one worker process share.

    Args:
        worker: the name of this process, for people.
        gpus: of a CUDA worker, what CUDA_VISIBLE_DEVICES is for each slot.
        ring: told of runs that were queued.
        hung_seconds: a run that gives no sign for longer, or for 50 steps' time, counts as hung.
    """

    def __init__(
        self, store: Store, artifacts: Artifacts, nursery: Nursery, settings: Settings, *,
        worker: str, device: DeviceClass, ring: Ring, gpus: Sequence[str] = (), hung_seconds: float = HUNG_SECONDS,
    ) -> None:  # fmt: skip
        self.store = store
        self.artifacts = artifacts
        self.nursery = nursery
        self.settings = settings
        self.worker = worker
        self.device = device
        self.ring = ring
        self.hung_seconds = hung_seconds
        self.pause_seconds = PAUSE_SECONDS
        self.stopping = threading.Event()  # take nothing new; what runs is to save and stop
        self.at_once = threading.Event()  # do not wait for that either
        self._stopping_since = math.inf
        self._gpus: SimpleQueue[str] = SimpleQueue()
        for gpu in gpus:
            self._gpus.put(gpu)

    def stop(self, *, at_once: bool = False) -> None:
        """Take nothing new and let every run save and stop; ``at_once``: stop them without saving."""
        if not self.stopping.is_set():
            self._stopping_since = time.monotonic()
            self.stopping.set()
        if at_once:
            self.at_once.set()

    def hurry(self) -> bool:
        """Whether the time to save is over."""
        return self.at_once.is_set() or time.monotonic() - self._stopping_since > self.settings.grace_seconds

    def serve(self) -> int:
        """Do queued runs, one after the other, until there are none or this worker stops. Returns how many."""
        count = 0
        while not self.stopping.is_set():
            try:
                with self.store.write() as session:
                    claim = runs.claim(
                        session, worker=self.worker, device=self.device, lease_seconds=self.settings.lease_seconds
                    )
            except Unavailable as error:
                log.warning("cannot look for work: %s", error.detail)
                return count
            if claim is None:
                return count
            visible = self._gpus.get() if self.device is DeviceClass.CUDA else None
            attempt = Attempt(self, claim, visible)
            try:
                attempt.run()
            finally:
                if visible is not None:
                    self._gpus.put(visible)
            count += 1
            if attempt.unable:  # not to go through the whole queue like this
                self.stopping.wait(self.pause_seconds)
        return count

    def tidy(self) -> None:
        """Remove what runs of long ago left: checkpoints of those that failed, or were done elsewhere in the end."""
        work = self.settings.root / "work"
        for folder in work.iterdir() if work.is_dir() else ():
            state = folder / "state"
            newest = max(path.stat().st_mtime for path in (folder, state) if path.exists())
            if time.time() - newest > FORGET_SECONDS and child.is_free(state):
                shutil.rmtree(folder, ignore_errors=True)

    def folder(self, fingerprint: str) -> Path:
        """Where a run's checkpoints and attempts lie on this machine. Short, as sockets below it have short names."""
        return self.settings.root / "work" / fingerprint[:20]


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
            how = self._give_up(lambda: self._release(f"worker {self.of.worker} could not begin it: {error}"))
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
                unless=lambda: False,
                abandon=Child.end,
            )
        except (OSError, EOFError) as error:
            raise Unable(f"its process could not be started: {error}") from error
        assert process is not None  # it was waited for
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

        threading.Thread(target=body, name=f"run-{self.claim.run_id}", daemon=True).start()
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
            environment=outcome.environment,
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
        message = f"diverged at step {said.step}: {said.message}"
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
