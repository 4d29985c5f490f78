"""How what the store does grows with runs and with languages: times, and the slopes of their logarithms. 1 is linear."""

from __future__ import annotations

import importlib.util
import math
import os
from itertools import islice
from pathlib import Path
from statistics import linear_regression, median
from types import ModuleType

import pytest

from backend.domain.experiment import ExperimentRequest
from backend.domain.language import LANGUAGES
from backend.domain.task import Source
from backend.store import gains, measured, tradeoff

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200), pytest.mark.filterwarnings("ignore")]

MOST_RUNS = int(os.environ.get("CROSSLIFT_BENCH_RUNS", "2000"))
ROUNDS = 5
#: Models, recipes besides none, targets and seeds: 20, 200 and 2,000 evaluations.
SHAPES = ((1, 4, 2, 2), (2, 9, 2, 5), (4, 24, 4, 5))
FEW = (1, 7, 50)  # languages
WHAT = ("taken in", "matrix, first", "matrix, again", "all models, first", "all models, again")


def peers() -> ModuleType:
    """``test_peers.py`` beside this file: ``tests`` is no package."""
    spec = importlib.util.spec_from_file_location("peers", Path(__file__).parent / "test_peers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PEERS = peers()
MODELS = (PEERS.ASKED[0], *(m for m in PEERS.MODELS if m != PEERS.ASKED[0]))


def request(models: int, recipes: int, targets: int, seeds: int) -> ExperimentRequest:
    return ExperimentRequest(
        name="slopes", source=Source.HUB, models=MODELS[:models],
        recipes=tuple(islice(PEERS.seeding().recipes(), recipes)), targets=PEERS.TARGETS[:targets],
        seeds=tuple(range(seeds)),
    )  # fmt: skip


def times(folder: Path, shape: tuple[int, int, int, int], languages: int) -> dict[str, float]:
    """Seconds of the processor by ``WHAT``; of readings the median. What is read is what went in."""
    folder.mkdir()
    models, recipes, targets, _ = shape
    ours = PEERS.Ours(folder, request(*shape), tuple(LANGUAGES)[:languages])
    assert len(ours.keys) == math.prod((models, recipes + 1, *shape[2:]))
    took = {"taken in": [PEERS.timed(ours.take_in)]}
    assert len(ours.matrix()) == recipes * languages and ours.table() == models * recipes * targets
    for _ in range(ROUNDS):
        for kept in (measured._kept, gains._kept, tradeoff._kept):
            kept.forget()
        for name in WHAT[1:3]:
            took.setdefault(name, []).append(PEERS.timed(ours.matrix))
        measured._kept.forget()
        for name in WHAT[3:]:
            took.setdefault(name, []).append(PEERS.timed(ours.table))
    return {name: median(each) for name, each in took.items()}


def printed(of: str, sizes: list[int], found: list[dict[str, float]]) -> None:
    print(f"\n| by {of}, ms | " + " | ".join(f"{size:,}" for size in sizes) + " | slope |")
    print("|---" * (len(sizes) + 2) + "|")
    for name in WHAT:
        logs = [math.log(each[name]) for each in found]
        slope = linear_regression([math.log(size) for size in sizes], logs).slope
        print(f"| {name} | " + " | ".join(f"{each[name] * 1000:.1f}" for each in found) + f" | {slope:.2f} |")


def test_the_store_by_runs_and_by_languages(tmp_path: Path) -> None:
    shapes = [s for s in SHAPES if s[0] * (s[1] + 1) * s[2] * s[3] <= MOST_RUNS]
    sizes = [s[0] * (s[1] + 1) * s[2] * s[3] for s in shapes]
    printed(
        "runs",
        sizes,
        [times(tmp_path / f"runs-{size}", s, len(LANGUAGES)) for size, s in zip(sizes, shapes, strict=True)],
    )
    middle = SHAPES[1]
    printed("languages (200 runs)", list(FEW), [times(tmp_path / f"languages-{n}", middle, n) for n in FEW])
