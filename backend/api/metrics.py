"""``/metrics``: what a Prometheus asks for. What the store knows is true for all processes of an installation, what passed
the gate for this one.

Numbers of work and machines are nobody's but the operator's: they are shown to this machine itself, or with the token of
``CROSSLIFT_METRICS_TOKEN``. Where database or broker are away, their numbers are missing and ``…_up`` is 0.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Final, TypeVar

import psutil
from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers

from backend.api.deps import AtDoor, Door
from backend.api.exposition import CONTENT_TYPE, Exposition, Kind
from backend.api.preview import ALIVE_SECONDS
from backend.api.problems import problem
from backend.api.traffic import Traffic
from backend.domain.schemas import WorkerView
from backend.settings import settings
from backend.store.operations import Operations

log = logging.getLogger("crosslift.api")
router = APIRouter()
T = TypeVar("T")

WAIT_SECONDS: Final = 3.0  # for database and broker together; a Prometheus gives up after ten
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, door: AtDoor) -> Response:
    """The page, or who may see it."""
    if door.metrics_token:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {door.metrics_token}".encode()):
            words = "Metrics need the token of CROSSLIFT_METRICS_TOKEN: Authorization: Bearer …"
            return problem(401, words, headers={"WWW-Authenticate": "Bearer"})
    elif not from_this_machine(request.client.host if request.client else "", request.headers):
        return problem(403, "Metrics are shown to this machine itself, or with a token: set CROSSLIFT_METRICS_TOKEN.")
    traffic = request.app.state.traffic
    assert isinstance(traffic, Traffic)
    return Response(page(door, traffic), media_type=CONTENT_TYPE)


def from_this_machine(peer: str, headers: Headers) -> bool:
    """Whether a request came from here, and not through a proxy that runs here: one that speaks for others says so, or asks
    for the name that the others used."""
    if any(name in headers for name in FORWARDED):
        return False
    if re.sub(r":\d+$", "", headers.get("host", "").lower()) not in ("localhost", "127.0.0.1", "[::1]"):
        return False
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def page(door: Door, traffic: Traffic) -> str:
    """Everything, as text."""
    began = time.monotonic()
    found = Exposition()
    stored, queued = door.counting.ask(), None if door.observing is None else door.observing.ask()
    until = began + WAIT_SECONDS
    counted = _answer(stored, until)
    found.family("crosslift_database_up", "gauge", "Whether the database answers.", [({}, counted is not None)])
    if counted is not None:
        _work(found, *counted)
    if queued is not None:
        seen = _answer(queued, until)
        found.family("crosslift_broker_up", "gauge", "Whether the broker answers.", [({}, seen is not None)])
        if seen is not None:
            _by(
                found, "crosslift_broker_messages", "gauge", "Messages that wait in the broker.", "device", seen.waiting
            )
            _by(
                found,
                "crosslift_rings_total",
                "counter",
                "Messages published, since the broker began.",
                "device",
                seen.rung,
            )
    traffic.expose(found)
    found.family("crosslift_streams_open", "gauge", "Event streams that somebody watches.", [({}, door.streams.open)])
    _disk(found)
    _process(found)
    seconds = time.monotonic() - began
    found.family("crosslift_scrape_seconds", "gauge", "Seconds that this page took.", [({}, seconds)])
    return found.text()


def _answer(asked: Future[T], until: float) -> T | None:
    try:
        return asked.result(max(0.0, until - time.monotonic()))
    except Exception as error:  # whatever it is, the rest of the page is worth having
        log.warning("metrics: %s", str(error) or type(error).__name__)
        return None


def _work(found: Exposition, counted: Operations, workers: list[WorkerView]) -> None:
    found.family(
        "crosslift_runs", "gauge", "Runs by state.",
        [({"device": device, "state": state}, n) for (device, state), n in sorted(counted.runs.items())],
    )  # fmt: skip
    _by(found, "crosslift_queue_oldest_seconds", "gauge", "Age of the oldest queued run.", "device", counted.waited)
    _by(
        found,
        "crosslift_attempts_total",
        "counter",
        "Attempts at runs, by how they ended.",
        "outcome",
        counted.attempts,
    )
    found.family(
        "crosslift_lease_expiries_total", "counter", "Attempts whose worker fell silent.", [({}, counted.expired)]
    )
    found.family(
        "crosslift_runs_taken_back_total", "counter", "Runs queued again because their worker fell silent.",
        [({}, counted.taken_back)],
    )  # fmt: skip
    alive = [worker for worker in workers if worker.seen_age_seconds <= ALIVE_SECONDS]
    devices = sorted({"cpu", "cuda", *(device for worker in alive for device in worker.queues)})
    there, slots, busy = (dict.fromkeys(devices, 0) for _ in range(3))
    for worker in alive:
        for device in worker.queues:
            there[device] += 1
            slots[device] += worker.slots
            busy[device] += len(worker.running)
    _by(found, "crosslift_workers", "gauge", "Workers seen in the last minute.", "device", there)
    _by(found, "crosslift_worker_slots", "gauge", "Runs that they can do at a time.", "device", slots)
    _by(found, "crosslift_worker_slots_busy", "gauge", "Runs that they are doing.", "device", busy)
    silent = len(workers) - len(alive)
    found.family("crosslift_workers_silent", "gauge", "Workers that went without a word.", [({}, silent)])


def _by(found: Exposition, name: str, kind: Kind, help: str, label: str, values: Mapping[str, float]) -> None:
    found.family(name, kind, help, [({label: key}, value) for key, value in sorted(values.items())])


def _disk(found: Exposition) -> None:
    chosen = settings()
    places = {"home": chosen.root}
    if chosen.artifact_root.startswith("file://"):
        places["artifacts"] = Path(chosen.artifact_root.removeprefix("file://"))
    free, size = {}, {}
    for name, place in places.items():
        there = next((p for p in (place, *place.parents) if p.exists()), None)
        if there is not None:
            usage = shutil.disk_usage(there)
            free[name], size[name] = usage.free, usage.total
    _by(found, "crosslift_disk_free_bytes", "gauge", "Free space of the disks of this process.", "place", free)
    _by(found, "crosslift_disk_bytes", "gauge", "Size of the disks of this process.", "place", size)


def _process(found: Exposition) -> None:
    """Under the names that every Prometheus client uses."""
    own = psutil.Process(os.getpid())
    cpu = own.cpu_times()
    found.family("process_cpu_seconds_total", "counter", "CPU seconds used.", [({}, cpu.user + cpu.system)])
    found.family("process_resident_memory_bytes", "gauge", "Resident memory.", [({}, own.memory_info().rss)])
    found.family("process_start_time_seconds", "gauge", "Start, in seconds since 1970.", [({}, own.create_time())])
    found.family("process_open_fds", "gauge", "Open file descriptors.", [({}, own.num_fds())])
