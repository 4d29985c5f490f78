"""A worker: ``python -m worker.app``.

A Celery worker with the threads pool, one thread a slot, for one class of device. It never computes and never loads torch:
each run is done by a child, forked from a server of children that is started first of all, before there are threads and
with an environment without secrets.

Children import this module again, as ``__mp_main__``, whenever one starts; so at its top it imports next to nothing.
"""

from __future__ import annotations

import logging
import os
import platform
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

if TYPE_CHECKING:
    from backend.settings import Settings
    from backend.store.session import Store
    from worker.process import Nursery
    from worker.supervise import Supervisor

log = logging.getLogger("crosslift.worker")

SEEN_SECONDS = 10.0  # between two signs of life of this worker
OVERTIME_SECONDS = 8.0  # after the runs' grace, before the process ends whatever holds it up


def main(executor: str | None = None) -> int:
    """Serve until told to stop. Returns the exit code.

    SIGTERM and SIGINT let every run save and give it back, within CROSSLIFT_GRACE_SECONDS; SIGQUIT, or a second SIGINT,
    gives them back as they are.

    Args:
        executor: ``"module:function"`` that children call, ``worker.execute:execute`` unless given.
    """
    from backend import logs
    from backend.errors import REFUSED, Conflict
    from backend.settings import settings
    from backend.store import migrate
    from worker.process import Nursery, environment

    logs.set_up("worker")
    chosen = settings()
    logs.hide(*chosen.passwords)
    try:
        migrate.refuse_newer(chosen.database)
    except Conflict as error:
        log.error("refused: %s", error.detail)
        return REFUSED
    _forget_secrets()
    base = environment(chosen.root / "cache", threads=chosen.threads_per_run, offline=chosen.offline)
    nursery = Nursery(base, executor) if executor else Nursery(base)
    nursery.warm()
    device, gpus = _devices(chosen, nursery)
    if device == "cuda" and not gpus:
        log.error("CROSSLIFT_DEVICE is cuda, and torch sees no GPU here")
        return 1
    return _serve(chosen, nursery, device, gpus)


def _serve(chosen: Settings, nursery: Nursery, device: str, gpus: Sequence[Gpu]) -> int:
    from celery import signals

    from backend import queue
    from backend.domain.run import DeviceClass
    from backend.store.session import Store
    from worker.artifacts import Artifacts
    from worker.capacity import host_memory
    from worker.supervise import Supervisor

    # A run has a GPU to itself: its cost says so.
    slots = min(chosen.workers or len(gpus), len(gpus)) if gpus else chosen.slots
    name = f"{socket.gethostname()}:{os.getpid()}-{secrets.token_hex(2)}"
    store, rates = Store(chosen.database), _rates(gpus, slots)
    supervisor = Supervisor(
        store, Artifacts(chosen.artifact_root, chosen.root / "cache" / "artifacts"), nursery, chosen,
        worker=name, device=DeviceClass(device), ring=queue.ring, gpus=[gpu.visible for gpu in gpus], slots=slots, rates=rates,
    )  # fmt: skip
    register(queue.app, supervisor)
    supervisor.tidy()

    def ready(**_: object) -> None:
        _handle_signals(supervisor, chosen.grace_seconds)
        log.info("ready", extra={"fields": {"worker": name, "queue": device, "slots": slots}})
        queue.ring(supervisor.device, slots)  # for what was queued before there was anybody

    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_ready.connect(ready, weak=False)
    ended = threading.Event()
    memory = min(gpu.memory_bytes for gpu in gpus) if gpus else host_memory()
    presence = threading.Thread(
        target=_be_seen,
        args=(store, name, device, slots, _described(gpus), memory, rates, ended),
        name="presence",
        daemon=True,
    )
    presence.start()
    try:
        worker = consumer(queue.app, name, device, slots)
        worker.start()
        return int(worker.exitcode or 0)
    finally:
        supervisor.stop()
        ended.set()
        presence.join(5)


def register(app: Any, supervisor: Supervisor) -> Any:
    """Make a Celery app answer rings. What a message says is not looked at: the store knows what is next."""
    from backend import queue

    @app.task(name=queue.TASK, ignore_result=True, typing=False)
    def run(*_hint: object, **_more: object) -> None:
        supervisor.serve()

    return run


def consumer(app: Any, name: str, device: str, slots: int) -> Any:
    """The Celery worker, not started: one thread a slot, the queue of one device class, nothing said to other workers."""
    return app.Worker(
        hostname=name, queues=[device], pool_cls="threads", concurrency=slots, quiet=True,
        without_gossip=True, without_mingle=True, without_heartbeat=True,
    )  # fmt: skip


def _keep_logging(**_: object) -> None:
    """Connected so that Celery leaves logging as it is, but for its line about every ring."""
    for noisy in ("celery.app.trace", "celery.worker.strategy", "celery.apps.worker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _forget_secrets() -> None:
    """Take what only this process may know, or where it is, out of its environment; the settings have been read."""
    from pydantic import SecretStr

    from backend.settings import Settings

    prefix = str(Settings.model_config.get("env_prefix", ""))
    secret = {
        (prefix + field).upper()
        for field, info in Settings.model_fields.items()
        if SecretStr in (info.annotation, *get_args(info.annotation))
    }
    for variable in [v for v in os.environ if v.upper().removesuffix("_FILE") in secret]:
        del os.environ[variable]


class Gpu(NamedTuple):
    """``visible`` is what makes it the visible one."""

    visible: str
    name: str
    memory_bytes: int
    rates: Mapping[str, float]  # precision → FLOP/s of a matrix product


def _devices(chosen: Settings, nursery: Nursery) -> tuple[str, list[Gpu]]:
    """The class of device to serve, and its GPUs."""
    nodes = (Path("/dev") / node for node in ("nvidiactl", "nvidia0", "dxg", "kfd"))
    if chosen.device == "cpu" or (chosen.device == "auto" and not any(node.exists() for node in nodes)):
        return "cpu", []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = nursery.gpus(visible)
    if not found:
        return ("cuda" if chosen.device == "cuda" else "cpu"), []
    each = [v.strip() for v in visible.split(",")] if visible else [str(i) for i in range(len(found))]
    return "cuda", [Gpu(one, *gpu) for one, gpu in zip(each, found, strict=False)]


def _rates(gpus: Sequence[Gpu], slots: int) -> dict[str, float]:
    """What a matrix product attains in one slot: of several GPUs the slowest. Nothing where it cannot be measured."""
    if gpus:
        return {p: min(gpu.rates[p] for gpu in gpus) for p in gpus[0].rates if all(p in gpu.rates for gpu in gpus)}
    from worker.capacity import host_rate

    return {"fp32": host_rate(slots)}


def _described(gpus: Sequence[Gpu]) -> str:
    """The device in words, for the list of workers."""
    if gpus:
        names = sorted({gpu.name for gpu in gpus})
        return f"{len(gpus)} × {' and '.join(names)}"
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _be_seen(
    store: Store, name: str, device: str, slots: int, words: str, memory: int, rates: Mapping[str, float], ended: threading.Event
) -> None:  # fmt: skip
    """Say again and again that this worker is there, and good-bye at the end."""
    from backend.errors import Conflict, Unavailable
    from backend.store import migrate, workers

    while True:
        try:
            with store.write() as session:
                migrate.check(session)
                if ended.is_set():
                    workers.gone(session, name)
                else:
                    workers.seen(session, name, [device], slots, words, memory, rates)
        except Unavailable as error:
            log.warning("cannot say that this worker is there: %s", error.detail)
        except Conflict as error:
            if not ended.is_set():
                log.error("stops: %s", error.detail)
                os.kill(os.getpid(), signal.SIGTERM)  # as from outside: runs save and are given back
            return
        if ended.is_set():
            return
        ended.wait(SEEN_SECONDS)


def _handle_signals(supervisor: Supervisor, grace: float) -> None:
    """Instead of Celery's own handlers, which would wait for the runs to end by themselves, for days."""
    from celery.worker import state

    def end_anyway() -> None:
        time.sleep(grace + OVERTIME_SECONDS)
        log.error("held up; ending without good-byes")
        os._exit(1)  # children end because their pipe does

    def stop(number: int, _frame: object) -> None:
        again = supervisor.stopping.is_set()
        if not again:
            threading.Thread(target=end_anyway, name="overtime", daemon=True).start()
        supervisor.stop(at_once=number == signal.SIGQUIT or (again and number == signal.SIGINT))
        state.should_stop = 0

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
