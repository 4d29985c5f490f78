"""The sweep: takes back what fell silent, rings for what waits, and any number of them do it once."""

from __future__ import annotations

import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend.domain.run import DeviceClass, RunState
from backend.store import runs, workers
from backend.store.session import Store
from backend.sweep import Sweeper

CPU = DeviceClass.CPU


class Bell:
    """Counts instead of ringing: what ``backend.queue.top_up`` does is tested with it."""

    def __init__(self) -> None:
        self.wanted: list[tuple[DeviceClass, int]] = []

    def __call__(self, device: DeviceClass, wanted: int) -> int:
        self.wanted.append((device, wanted))
        return wanted


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def claim(place: Any, worker: str = "somebody", lease: float = 0.01) -> runs.Claim:
    with place.store.write() as session:
        claimed = runs.claim(session, worker=worker, device=CPU, lease_seconds=lease)
    assert claimed is not None
    return claimed


def seen(place: Any, name: str, slots: int, device: DeviceClass = CPU) -> None:
    with place.store.write() as session:
        workers.seen(session, name, [device.value], slots, "a processor")


def test_a_silent_run_is_taken_back_and_fails_in_the_end(place: Any) -> None:
    run = place.submit()
    # a clock of its own: a machine that stands still for two seconds between two sweeps is not what is tested here
    sweeper = Sweeper(place.store, place.settings(max_attempts=2), top_up=Bell(), clock=Clock())
    for expected in (RunState.QUEUED, RunState.FAILED):
        assert claim(place).run_id == run
        time.sleep(0.05)
        swept = sweeper.sweep()
        assert swept is not None
        assert place.view(run).state is expected
    assert "no heartbeat from worker somebody" in str(place.view(run).error)


def test_it_rings_for_idle_slots_only(place: Any) -> None:
    bell = Bell()
    sweeper = Sweeper(place.store, place.settings(), top_up=bell)
    for seed in range(5):
        place.submit(seed)
    sweeper.sweep()
    assert bell.wanted == []  # nobody is there to hear it

    seen(place, "two slots", 2)
    seen(place, "a graphics card", 9, DeviceClass.CUDA)
    sweeper.sweep()
    assert bell.wanted == [(CPU, 2)]

    claim(place, "two slots", lease=60)  # one of them is busy now, and goes on by itself
    sweeper.sweep()
    assert bell.wanted == [(CPU, 2), (CPU, 1)]

    seen(place, "many slots", 50)
    sweeper.sweep()
    assert bell.wanted[2:] == [(CPU, 4)]  # no more than are queued


def test_the_living_may_speak_first_after_the_database_was_away(place: Any, template: Path) -> None:
    clock = Clock()
    database = place.home / "late.db"
    store = Store(f"sqlite:///{database}")
    sweeper = Sweeper(store, place.settings(), top_up=Bell(), clock=clock)
    assert sweeper.sweep() is None  # no tables yet
    assert sweeper.away
    store.dispose()
    for left in place.home.glob("late.db*"):
        left.unlink()
    shutil.copy(place.home / "crosslift.db", database)  # the database is back, and in it a run whose lease is over
    place.store.dispose()
    place.store = store
    run = place.submit()
    claim(place)
    time.sleep(0.05)

    assert sweeper.sweep() is None
    assert place.view(run).state is RunState.RUNNING
    clock.now += 0.9  # less than two heartbeats
    assert sweeper.sweep() is None
    clock.now += 0.2
    assert sweeper.sweep() is not None
    assert place.view(run).state is RunState.QUEUED


def test_the_living_may_speak_first_after_this_machine_was_asleep(place: Any) -> None:
    clock = Clock()
    sweeper = Sweeper(place.store, place.settings(), top_up=Bell(), clock=clock)
    run = place.submit()
    assert sweeper.sweep() is not None
    claim(place)
    time.sleep(0.05)
    clock.now += 3600
    assert sweeper.sweep() is None
    assert place.view(run).state is RunState.RUNNING
    clock.now += 1.1
    assert sweeper.sweep() is not None
    assert place.view(run).state is RunState.QUEUED


def test_several_at_once_do_it_once(place: Any) -> None:
    ids = [place.submit(seed) for seed in range(6)]
    for _ in ids:
        claim(place)
    time.sleep(0.05)
    with ThreadPoolExecutor(4) as pool:
        swept = list(pool.map(lambda _: Sweeper(place.store, place.settings(), top_up=Bell()).sweep(), range(4)))
    assert sorted(id for one in swept if one for id in one.taken_back) == sorted(ids)
    assert {place.view(id).attempt for id in ids} == {1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process(place: Any, number: signal.Signals) -> None:
    sweep = place.sweep()
    run = place.submit()
    claim(place, "somebody", lease=0.5)
    seen(place, "idle", 1)
    place.wait(run, RunState.QUEUED, seconds=20)
    place.until(lambda: any(line.get("rung") for line in sweep.lines()), 10, "it rang")
    time.sleep(1.5)  # sweeps that find nothing to do

    lines = [line for line in sweep.lines() if line["message"] == "swept"]
    assert [line.get("taken_back") for line in lines if "taken_back" in line] == [[run]]
    assert len(lines) <= 2  # taken back, rung
    assert not any("torch" in m.path for m in psutil.Process(sweep.pid).memory_maps())
    assert sweep.stop(number) < 3
    assert sweep.popen.returncode == 0
