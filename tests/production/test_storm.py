"""A storm: twenty times, at a random moment, one of the processes is killed, while three experiments run. All of them end done,
and their scores are those of an installation that nobody disturbed, each there once. On the embedded default, and on PostgreSQL
and Redis over TCP with two workers; both have the scores of the one undisturbed installation.

``make storm`` (some twenty minutes on two cores). ``CROSSLIFT_STORM_SEED`` repeats one; which seed it was is printed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from typing import Any

import pytest

pytestmark = [pytest.mark.storm, pytest.mark.slow, pytest.mark.timeout(7200)]

#: Twenty kills, in an order that is drawn: of children that compute, of workers with all their children, of web.
KILLS = {"child": 10, "worker": 5, "web": 5}
STEPS = 400  # of every stage: seconds of training each, so that there is something to hit
SCORES = 2 * 2 * 2  # of each experiment: recipes, languages, seeds
RUNS = 11  # of each
EXPERIMENTS = ("one", "two", "three")
PATIENCE = 3600.0


def submitted(installed: Any) -> dict[str, int]:
    """Three experiments, each with an encoder that is pretrained for it: 33 runs of all four kinds."""
    made = {}
    for n, name in enumerate(EXPERIMENTS):
        installed.pretrain(f"own-{name}", steps=STEPS + 10 * n)  # another encoder: nothing is shared
        made[name] = installed.submit(name, model=f"own-{name}", steps=STEPS, key=name, seeds=[0, 1]).id
    return made


def finished(installed: Any, experiments: dict[str, int]) -> dict[str, dict[tuple[str, ...], float]]:
    for id in experiments.values():
        installed.wait_done(id, PATIENCE)
    return {name: installed.scores(id) for name, id in experiments.items()}


@pytest.fixture(scope="module")
def undisturbed(start: Any) -> tuple[dict[str, dict[tuple[str, ...], float]], float]:
    """The scores of an embedded installation that is left alone, and the seconds that they took."""
    with start("embedded") as calm:
        began = time.monotonic()
        scores = finished(calm, submitted(calm))
        took = time.monotonic() - began
    print(f"\nundisturbed: {took:.0f} s")
    assert {name: len(found) for name, found in scores.items()} == dict.fromkeys(EXPERIMENTS, SCORES)
    return scores, took


class Storm:
    """Kills at random what is there to be killed."""

    def __init__(self, installed: Any, rng: random.Random) -> None:
        self.installed, self.rng = installed, rng
        self.killed: Counter[str] = Counter()

    def strike(self, kind: str) -> None:
        """Kill one of this kind, as soon as there is one that does something."""
        self.installed.until(lambda: self.once(kind), 300, f"there is a {kind} to kill: the storm came too late")

    def once(self, kind: str) -> bool:
        pids = self.installed.pids(kind)
        if kind == "worker":
            pids = [pid for pid in pids if self.installed.children(pid)]
        if not pids:
            return False
        try:
            os.kill(self.rng.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.killed[kind] += 1
        return True


@pytest.mark.parametrize("kind", ["embedded", "production"])
def test_twenty_kills_change_no_number(start: Any, undisturbed: Any, kind: str) -> None:
    expected, calm = undisturbed
    seed = int(os.environ.get("CROSSLIFT_STORM_SEED") or time.time_ns() % 10**6)
    print(f"\n{kind}, storm {seed}")
    rng = random.Random(seed)
    # Nothing here is poison: a run that is hit more than three times was only unlucky.
    with start(kind, CROSSLIFT_MAX_ATTEMPTS="30") as installed, installed.kept_up():
        began = time.monotonic()
        experiments = submitted(installed)
        storm = Storm(installed, rng)
        order = [each for each, count in KILLS.items() for _ in range(count)]
        rng.shuffle(order)
        for each in order:
            time.sleep(rng.uniform(0.2, max(1.0, calm / 30)))
            storm.strike(each)
        struck = time.monotonic() - began
        scores = finished(installed, experiments)
        installed.until(installed.answers, 120, "web answers")
        runs = [run for id in experiments.values() for run in installed.runs(experiment=id)]
        outcomes = Counter(outcome for run in runs for outcome, _ in installed.attempts(run.id))
        resumed = sum(step is not None and step > 0 for run in runs for _, step in installed.attempts(run.id))
        installed.sound()
    print(f"{dict(storm.killed)} killed within {struck:.0f} s, all done after {time.monotonic() - began:.0f} s")
    print(f"attempts ended: {dict(outcomes)}; {resumed} went on from a checkpoint")
    assert storm.killed == KILLS
    assert len(runs) == len({run.id for run in runs}) == RUNS * len(EXPERIMENTS)
    assert outcomes["died"] >= KILLS["child"] // 2  # of a child that has said its last word the run is done
    assert outcomes["done"] == len(runs)  # each was finished once
    assert scores == expected
