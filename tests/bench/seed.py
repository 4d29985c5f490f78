"""Fill a store with a large laboratory's results, to measure reading at size::

    python tests/bench/seed.py sqlite:///big.db --experiments 500

Experiments of the hub benchmark: every model and target that it has, one recipe each, five seeds, planned by the real
planner and then written down in bulk as if workers had done them. Scores are made up, and every target is given all
fifty languages, more than any has, so that tables are at their widest. The last experiments are still under way.
"""

from __future__ import annotations

import argparse
import itertools
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert, text
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, ExperimentRequest, PlannedRun, plan
from backend.domain.language import LANGUAGES
from backend.domain.model import MODELS
from backend.domain.recipe import Recipe, RecipeKind
from backend.domain.run import DeviceClass, RunKind, RunState, digest
from backend.domain.task import Source
from backend.domain.tasks import INTERMEDIATE, TASKS
from backend.domain.training import TrainingOverrides
from backend.store import migrate, tables
from backend.store.session import Store

SOURCE = Source.HUB
SEEDS = (0, 1, 2, 3, 4)
BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
UNDER_WAY = 10  # experiments at the end
SECONDS = {RunKind.INTERMEDIATE: 5400.0, RunKind.FINETUNE: 3600.0, RunKind.EVALUATE: 240.0}
A_STATEMENT = 20_000  # rows
#: Few, however long the catalogue grows: 500 experiments are then some 35 recipes for each, which is what a matrix is large by.
USED_MODELS = ("mbert", "xlmr-base", "xlmr-large")
USED_TARGETS = ("xnli", "xcopa", "xquad", "tatoeba")


def recipes() -> Iterator[Recipe]:
    """As many as are wanted: single tasks, then several, then controls; again with other lengths of training."""
    offered = [t for t in INTERMEDIATE if TASKS[t].available_in(SOURCE)]
    sets = [tasks for n in (1, 2, 3) for tasks in itertools.combinations(offered, n)]
    for steps in itertools.chain((None,), itertools.count(500, 500)):
        for tasks in sets:
            kind = RecipeKind.SINGLE if len(tasks) == 1 else RecipeKind.MIXED
            yield Recipe(kind=kind, tasks=tasks, training=TrainingOverrides(steps=steps))
        for tasks in sets:
            yield Recipe(kind=RecipeKind.CONTROL_TARGET, tasks=tasks, training=TrainingOverrides(steps=steps))


def requests(count: int) -> Iterator[ExperimentRequest]:
    models, targets = USED_MODELS, USED_TARGETS
    cells = (
        (recipe, model, target)
        for recipe in recipes()
        for model in models
        for target in targets
        if recipe.kind is not RecipeKind.CONTROL_TARGET or TASKS[target].trained_on is not None
    )
    for i, (recipe, model, target) in enumerate(itertools.islice(cells, count), start=1):
        name = f"{i:03d}: {recipe.name} for {target} with {model}"
        yield ExperimentRequest(
            name=name, source=SOURCE, models=(model,), recipes=(recipe,), targets=(target,), seeds=SEEDS,
            device=DeviceClass.CUDA, precision="bf16",
        )  # fmt: skip


def unit(*parts: object) -> float:
    """A number in [−1, 1) that depends on nothing but the parts."""
    return zlib.crc32(repr(parts).encode()) / 2**31 - 1


def scores(id: int, planned: PlannedRun) -> Iterator[dict[str, Any]]:
    target = str(planned.target)
    for metric in TASKS[target].metrics:
        for code in LANGUAGES:
            base = 60 + 20 * unit(target, code, planned.model)
            effect = (
                0.0 if planned.recipe == "none" else 3 * unit(planned.recipe, target) + 2 * unit(planned.recipe, code)
            )
            value = base + effect + 0.8 * unit(planned.recipe, planned.model, target, code, planned.seed)
            yield {"run_id": id, "metric": metric, "language": code, "value": round(value, 4), "n": 1000}


def row(id: int, planned: PlannedRun, state: RunState, at: datetime) -> dict[str, Any]:
    spec, done = planned.spec, state is RunState.DONE
    running, ended = state is RunState.RUNNING, state in tables.ENDED
    seconds = SECONDS[spec.kind] * MODELS[planned.model].parameters / 3e8
    known = {
        "id": id, "fingerprint": planned.fingerprint, "kind": spec.kind.value, "source": SOURCE.value,
        "benchmark": BENCHMARKS[SOURCE], "model": planned.model, "recipe": planned.recipe, "target": planned.target,
        "seed": planned.seed, "settings": planned.settings, "engine": spec.engine, "device_class": spec.device.value,
        "precision": spec.precision, "spec": spec.model_dump(mode="json"), "planned_examples": planned.examples,
        "planned_steps": planned.steps, "state": state.value, "priority": 0, "step": planned.steps if done else 0,
        "total_steps": planned.steps, "attempt": int(done or running or state is RunState.FAILED), "preemptions": 0,
        "created_at": at, "queued_at": None if state is RunState.WAITING else at,
        "started_at": at if done or running else None, "finished_at": at + timedelta(minutes=5) if ended else None,
        "phase": "training" if running else None, "worker": "gpu-1" if done or running else None,
        "lease_until": at + timedelta(days=3650) if running else None, "heartbeat_at": at if running else None,
        "error_type": "OutOfMemoryError" if state is RunState.FAILED else None,
        "error_message": "CUDA out of memory" if state is RunState.FAILED else None,
    }  # fmt: skip
    used = {
        "device": "NVIDIA H100", "share": 1.0, "wall_seconds": seconds, "device_seconds": seconds, "examples": 1000,
        "tokens": 100_000, "flops_analytic": 1e15, "parameters": MODELS[planned.model].parameters,
        "parameters_non_embedding": MODELS[planned.model].parameters_non_embedding, "artifact": f"file:///made/{id}",
        "environment": {"python": "3"},
    }  # fmt: skip
    return known | (used if done else dict.fromkeys(used))


def states_of(experiment: int, count: int) -> Mapping[RunKind, RunState]:
    """Where its own runs stand: done, or of the last ones something else."""
    left = count - experiment
    if left >= UNDER_WAY:
        return dict.fromkeys(RunKind, RunState.DONE)
    first = (RunState.RUNNING, RunState.QUEUED, RunState.FAILED)[left % 3]
    after = RunState.SKIPPED if first is RunState.FAILED else RunState.WAITING
    return {RunKind.INTERMEDIATE: first, RunKind.FINETUNE: after, RunKind.EVALUATE: after}


def write(session: Session, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    count, left = 0, iter(rows)
    while part := list(itertools.islice(left, A_STATEMENT)):
        session.execute(insert(table), part)
        count += len(part)
    return count


def fill(store: Store, experiments: int) -> dict[str, int]:
    """Write them all in one transaction; how many rows of each table."""
    ids: dict[str, int] = {}  # fingerprint → run
    made: list[tuple[int, PlannedRun, RunState, datetime]] = []
    asked: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for number, request in enumerate(requests(experiments), start=1):
        at, states = BEGAN + timedelta(minutes=30 * number), states_of(number, experiments)
        body = request.model_dump(mode="json")
        asked.append(
            {
                "id": number, "name": request.name, "source": SOURCE.value, "benchmark": BENCHMARKS[SOURCE],
                "request": body, "not_applicable": [], "body_digest": digest(body), "created_at": at,
            }
        )  # fmt: skip
        for fingerprint, planned in plan(request).runs.items():
            reused = fingerprint in ids
            if not reused:
                ids[fingerprint] = len(ids) + 1
                ready = all(made[ids[p] - 1][2] is RunState.DONE for p in planned.spec.parents)
                state = RunState.DONE if planned.recipe == "none" and ready else states[planned.spec.kind]
                if not planned.spec.parents and state in (RunState.WAITING, RunState.SKIPPED):
                    state = RunState.QUEUED
                made.append((ids[fingerprint], planned, state, at))
            links.append({"experiment_id": number, "run_id": ids[fingerprint], "reused": reused})
    parents = [
        {"run_id": id, "parent_id": ids[parent]} for id, planned, _, _ in made for parent in planned.spec.parents
    ]
    results = (
        score
        for id, planned, state, _ in made
        if state is RunState.DONE and planned.spec.kind is RunKind.EVALUATE
        for score in scores(id, planned)
    )
    with store.write() as session:
        rows = {
            "experiments": write(session, tables.experiment, asked),
            "runs": write(session, tables.run, (row(*each) for each in made)),
            "parents": write(session, tables.run_parent, parents),
            "links": write(session, tables.experiment_run, links),
            "scores": write(session, tables.score, results),
        }
        if store.engine.dialect.name == "postgresql":  # what comes next is numbered after these
            for name in ("experiment", "run"):
                session.execute(text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))
        return rows


def main() -> None:
    read = argparse.ArgumentParser(description="Fill an empty store with a large laboratory's results.")
    read.add_argument("database", help="address, as in sqlite:///big.db")
    read.add_argument("--experiments", type=int, default=500)
    said = read.parse_args()
    began = time.monotonic()
    migrate.upgrade(said.database)
    store = Store(said.database)
    rows = fill(store, said.experiments)
    store.dispose()
    print(", ".join(f"{count:,} {name}" for name, count in rows.items()), f"in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
