"""Scores of many runs taken in, and read as gains: this store beside plain SQLAlchemy and, where it is installed, MLflow.

As many runs as CROSSLIFT_BENCH_RUNS (2,000, or 400 for a quick look), of 50 languages and 3 metrics each. Each side takes a run in as its users do: here a worker
claims it and finishes it, with its cost and everything that other runs then wait for; the peers get the bare scores. All three must
find the same gains. ``pip install -e ".[bench]"`` brings the peer.
"""

from __future__ import annotations

import importlib.util
import os
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
    update,
)

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.language import LANGUAGES
from backend.domain.run import DeviceClass, RunKind, RunState, digest
from backend.domain.task import Source
from backend.store import experiments, gains, migrate, runs, tables, tradeoff
from backend.store.columns import db_now
from backend.store.session import Store

pytestmark = [pytest.mark.bench, pytest.mark.timeout(6 * 3600), pytest.mark.filterwarnings("ignore")]

RUNS = int(os.environ.get("CROSSLIFT_BENCH_RUNS", "2000"))
ROUNDS = 5
MODELS = ("mbert", "xlmr-base", "xlmr-large", "mdeberta-base")
TARGETS = ("xnli", "xcopa", "xquad", "pawsx")
METRICS = ("accuracy", "f1", "exact_match")
ASKED = ("xlmr-base", "xnli", "accuracy")  # the matrix that is read
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 20.0,
    "device_seconds": 10.0, "examples": 100, "tokens": 1000, "flops_analytic": 1e12, "flops_counted": None,
    "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip

Key = tuple[str, str, str, int]  # model, recipe, target, seed
Gains = dict[tuple[str, str], float]  # recipe and language → points


def seeding() -> ModuleType:
    """``seed.py`` beside this file, which is a program: ``tests`` is no package."""
    spec = importlib.util.spec_from_file_location("seed", Path(__file__).parent / "seed.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def grid(count: int) -> ExperimentRequest:
    """Four models × 24 recipes and none × four targets × a seed for each 400 runs."""
    return ExperimentRequest(
        name="peers", source=Source.HUB, models=MODELS, recipes=tuple(islice(seeding().recipes(), 24)), targets=TARGETS,
        seeds=tuple(range(count // 400)),
    )  # fmt: skip


def scored(of: Key, languages: Sequence[str] = tuple(LANGUAGES)) -> list[tuple[str, str, float]]:
    """(language, metric, points), the same wherever they go; made before anything is measured."""
    return [
        (language, metric, round(50 + 20 * zlib.crc32(repr((of, language, metric)).encode()) / 2**32, 4))
        for metric in METRICS
        for language in languages
    ]


def means(found: Mapping[tuple[str, int], Mapping[str, float]]) -> Gains:
    """Mean over seeds of with minus without, from {(recipe, seed): {language: points}}."""
    each: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for (recipe, seed), scored in found.items():
        base = found.get(("none", seed))
        if recipe != "none" and base is not None:
            for language, value in scored.items():
                each[recipe, language].append(value - base[language])
    return {cell: sum(differences) / len(differences) for cell, differences in each.items()}


# --- the three, each with take_in(folder) and ways of reading -----------------------------------------------------------


class Ours:
    name = "Crosslift"

    def __init__(self, folder: Path, request: ExperimentRequest, languages: Sequence[str] = tuple(LANGUAGES)) -> None:
        self.file = folder / "ours.db"
        migrate.upgrade(f"sqlite:///{self.file}")
        self.store = Store(f"sqlite:///{self.file}")
        planned = plan(request)
        trained = tables.run.c.kind != RunKind.EVALUATE.value
        with self.store.write() as session:  # what was trained is done, and every evaluation waits for a worker
            experiments.submit(session, request, planned, key=None, body_digest=digest("x"))
            used = {n: v for n, v in COST.items() if n not in ("device_class", "precision")}
            known = {
                "artifact": "file:///a",
                "artifact_digest": "0" * 64,
                "parameters": 900,
                "parameters_non_embedding": 400,
            }
            done = {"state": RunState.DONE.value, "finished_at": db_now(), **known, **used}
            session.execute(update(tables.run).where(trained).values(**done))
            session.execute(update(tables.run).where(~trained).values(state=RunState.QUEUED.value))
        self.keys: dict[str, Key] = {
            str(c.evaluate): (c.model, c.recipe, c.target, c.seed) for c in planned.cells if c.evaluate is not None
        }
        self.found = {fingerprint: scored(key, languages) for fingerprint, key in self.keys.items()}

    def take_in(self) -> None:
        while True:
            with self.store.write() as session:
                claim = runs.claim(session, worker="w", device=DeviceClass.CPU, lease_seconds=60)
            if claim is None:
                return
            found = [(code, metric, value, 1000) for code, metric, value in self.found[claim.fingerprint]]
            with self.store.write() as session:
                done = runs.Result(found, "file:///a", "0" * 64, COST, 900, 400, {"python": "3"})
                assert runs.finish(session, claim.run_id, claim.attempt, done).ok

    def matrix(self) -> Gains:
        model, target, metric = ASKED
        with self.store.read() as session:
            found = gains.matrix(session, model=model, target=target, metric=metric, source=Source.HUB)
        return {(c.recipe, c.language): c.gain for c in found.cells if c.gain is not None}

    def table(self) -> int:
        with self.store.read() as session:
            return len(tradeoff.tradeoff(session, source=Source.HUB, metric=ASKED[2], languages="mean_all"))

    def bytes(self) -> int:
        self.store.dispose()
        return self.file.stat().st_size


class Plain:
    """Two tables with a key each and one statement a run; nothing is queued, claimed or checked."""

    name = "SQLAlchemy, plain"

    def __init__(self, folder: Path, keys: list[Key]) -> None:
        self.keys, self.file, meta = keys, folder / "plain.db", MetaData()
        self.engine = create_engine(f"sqlite:///{self.file}")
        self.run = Table(
            "run", meta, Column("id", Integer, primary_key=True), Column("model", String), Column("recipe", String),
            Column("target", String), Column("seed", Integer),
        )  # fmt: skip
        self.score = Table(
            "score", meta, Column("run", ForeignKey("run.id"), primary_key=True), Column("metric", String, primary_key=True),
            Column("language", String, primary_key=True), Column("value", Float),
        )  # fmt: skip
        meta.create_all(self.engine)
        self.found = {key: scored(key) for key in keys}

    def take_in(self) -> None:
        for key in self.keys:
            with self.engine.begin() as connection:
                said = dict(zip(("model", "recipe", "target", "seed"), key, strict=True))
                made = connection.execute(insert(self.run).values(**said)).inserted_primary_key
                assert made is not None
                rows = [{"run": made[0], "language": c, "metric": m, "value": v} for c, m, v in self.found[key]]
                connection.execute(insert(self.score), rows)

    def read(self, *where: Any) -> Gains:
        run, score = self.run, self.score
        asked = select(run.c.recipe, run.c.seed, score.c.language, score.c.value).join_from(run, score).where(*where)
        found: defaultdict[tuple[str, int], dict[str, float]] = defaultdict(dict)
        with self.engine.connect() as connection:
            for recipe, seed, language, value in connection.execute(asked):
                found[recipe, seed][language] = value
        return means(found)

    def matrix(self) -> Gains:
        model, target, metric = ASKED
        return self.read(self.run.c.model == model, self.run.c.target == target, self.score.c.metric == metric)

    def table(self) -> int:
        count = 0
        for model in MODELS:
            for target in TARGETS:
                of = self.read(self.run.c.model == model, self.run.c.target == target, self.score.c.metric == ASKED[2])
                count += len({recipe for recipe, _ in of})
        return count

    def bytes(self) -> int:
        self.engine.dispose()
        return self.file.stat().st_size


class MLflow:
    name = "MLflow"

    def __init__(self, folder: Path, keys: list[Key]) -> None:
        import mlflow
        from mlflow.entities import Metric

        self.entity, self.keys, self.file = Metric, keys, folder / "mlflow.db"
        self.client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{self.file}")
        self.found = {key: scored(key) for key in keys}
        self.experiment = self.client.create_experiment("peers", artifact_location=(folder / "artifacts").as_uri())

    def take_in(self) -> None:
        for key in self.keys:
            tags = {n: str(v) for n, v in zip(("model", "recipe", "target", "seed"), key, strict=True)}
            made = self.client.create_run(self.experiment, tags=tags).info.run_id
            self.client.log_batch(made, [self.entity(f"{m}.{c}", v, 0, 0) for c, m, v in self.found[key]])
            self.client.set_terminated(made)

    def read(self, query: str) -> Iterator[Any]:
        token = None
        while True:
            page = self.client.search_runs([self.experiment], query, max_results=1000, page_token=token)
            yield from page
            if not (token := page.token):
                return

    def gains(self, query: str) -> dict[tuple[str, str], Gains]:
        found: defaultdict[tuple[str, str], dict[tuple[str, int], dict[str, float]]] = defaultdict(dict)
        for run in self.read(query):
            tags, start = run.data.tags, ASKED[2] + "."
            scored = {n.removeprefix(start): v for n, v in run.data.metrics.items() if n.startswith(start)}
            found[tags["model"], tags["target"]][tags["recipe"], int(tags["seed"])] = scored
        return {pair: means(each) for pair, each in found.items()}

    def matrix(self) -> Gains:
        return self.gains(f"tags.model = '{ASKED[0]}' and tags.target = '{ASKED[1]}'")[ASKED[0], ASKED[1]]

    def table(self) -> int:
        return sum(len({recipe for recipe, _ in each}) for each in self.gains("").values())

    def bytes(self) -> int:
        return self.file.stat().st_size


# --- side by side ---------------------------------------------------------------------------------------------------------


def timed(work: Callable[[], object]) -> float:
    """Processor seconds of this process: they are disturbed less than the clock by what else the machine does."""
    began = time.process_time()
    work()
    return time.process_time() - began


def test_scores_in_and_gains_out(tmp_path: Path) -> None:
    ours = Ours(tmp_path, grid(RUNS))
    keys = list(ours.keys.values())
    sides: list[Any] = [ours, Plain(tmp_path, keys)]
    if importlib.util.find_spec("mlflow") is not None:
        sides.append(MLflow(tmp_path, keys))
    taken = {side.name: timed(side.take_in) for side in sides}
    answers = [side.matrix() for side in sides]
    assert len(answers[0]) == 24 * len(LANGUAGES)
    for other in answers[1:]:
        assert other.keys() == answers[0].keys()
        assert all(other[cell] == pytest.approx(gain, abs=1e-6) for cell, gain in answers[0].items())
    assert {side.table() for side in sides} == {len(MODELS) * 24 * len(TARGETS)}
    took: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for side in sides:
            took[side.name, "matrix"].append(timed(side.matrix))
            took[side.name, "table"].append(timed(side.table))
    print(
        f"\n\n{len(keys):,} runs, {len(keys) * len(LANGUAGES) * len(METRICS):,} scores; processor time, ratios to Crosslift"
    )
    print(
        "| store | taken in, s | | one gain matrix, ms | | all models, ms | | MiB | |\n|---|---|---|---|---|---|---|---|---|"
    )
    mine: list[float] = []
    for side in sides:
        measured = [
            taken[side.name],
            *(median(took[side.name, n]) * 1000 for n in ("matrix", "table")),
            side.bytes() / 2**20,
        ]
        mine = mine or measured
        print(
            f"| {side.name} | "
            + " | ".join(f"{v:.1f} | {v / m:.2g}×" for v, m in zip(measured, mine, strict=True))
            + " |"
        )
