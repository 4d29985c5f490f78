"""A small grid of the mini world, trained twice with the real trainer: every pair by itself, and shared. Is it what its plan says?

Processor time of the processes that compute, not time by the clock: other work on the machine disturbs the one less than the other.
Each run is done by a child that is forked with torch loaded, as a worker's are, on one thread. Pretraining, which both sides have once, is left out of both, and cut
short. Sub-words are found in one cache by both sides: scripts keep theirs too. The naive pass goes first or second by turns.

The paper's grid, of encoders and training sets that no CPU trains, is planned only.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

from backend.domain.experiment import ExperimentRequest, Plan, PlannedRun, plan
from backend.domain.forecast import Measured, work
from backend.domain.plan_cost import grid_cost, times_alone
from backend.domain.recipe import Recipe
from backend.domain.run import DeviceClass, RunKind
from backend.domain.training import TrainingOverrides

pytestmark = [
    pytest.mark.bench,
    pytest.mark.timeout(6 * 3600),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning"),  # of Python 3.12 on
]

ROUNDS = int(os.environ.get("CROSSLIFT_BENCH_ROUNDS", "3"))
#: The share of the measured ratio that the plan may be off by.
MOST = 0.15
SIDES = ("shared", "naive")
PAPER = Path(__file__).resolve().parents[2] / "backend" / "literature" / "phang2020.yaml"
GRID = ExperimentRequest(
    name="measured",
    models=("mini-2",),
    recipes=(Recipe.parse("mnli@steps=200"), Recipe.parse("squad@steps=200")),
    targets=("xnli", "xquad", "tatoeba"),
    seeds=(0,),
    finetuning=TrainingOverrides(steps=100),
)


class Silent:
    """A report that nobody reads."""

    def should_stop(self) -> None: ...

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


@dataclass
class Laboratory:
    """Does runs in folders below ``root``; ``cache`` is shared by all of them."""

    root: Path
    cache: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)  # fingerprint → processor time, each time it was done

    def do(self, run: PlannedRun, folder: Path, base: Mapping[str, Path]) -> Path:
        """One run in a child of its own; the folder of its artifact. ``base``: where its parents are that are not in ``folder``."""
        out = folder / run.fingerprint[:12] / "out"
        if out.exists():
            return out
        out.mkdir(parents=True)
        inputs = {p: base.get(p, folder / p[:12] / "out") for p in run.spec.parents}
        pid = os.fork()
        if pid == 0:
            self._child(run, out, inputs)
        _, status, used = os.wait4(pid, 0)
        assert status == 0, f"{run.spec.kind.value} of {run.recipe} for {run.target} failed"
        self.seconds.setdefault(run.fingerprint, []).append(used.ru_utime + used.ru_stime)
        return out

    def _child(self, run: PlannedRun, out: Path, inputs: Mapping[str, Path]) -> None:
        from worker.execute import execute
        from worker.outcomes import Job

        code = 1
        try:
            job = Job(
                spec=run.spec, fingerprint=run.fingerprint, inputs=inputs, workdir=out.parent / "state", out=out,
                data_root=None, cache=self.cache, threads=1, device="cpu", checkpoint_seconds=60.0, offline=True,
            )  # fmt: skip
            job.workdir.mkdir()
            execute(job, Silent())  # type: ignore[arg-type]
            code = 0
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def chain(of: Plan, last: str) -> list[PlannedRun]:
    """A run after all that it starts from."""
    run = of.runs[last]
    return [each for p in run.spec.parents for each in chain(of, p)] + [run]


def shortened(run: PlannedRun) -> PlannedRun:
    """The same run with so few steps that it costs next to nothing; it goes by the same fingerprint."""
    if run.spec.training is None or run.spec.kind is RunKind.EVALUATE:
        return run
    few = run.spec.training.model_copy(update={"steps": 10})
    return replace(run, spec=run.spec.model_copy(update={"training": few}))


def test_the_papers_grid_by_its_plan(record: Callable[..., None]) -> None:
    request = ExperimentRequest.model_validate(yaml.safe_load(PAPER.read_text(encoding="utf-8")))
    found = grid_cost(plan(request), device=request.device)
    shared, naive = (
        f"{sum(getattr(s, f'{side}_flops') for s in found.stages):.3g} FLOPs" for side in ("shared", "naive")
    )
    record("the paper's grid, planned, shared / naive", shared, naive, found.ratio, asked="≤ 0.4")
    assert found.ratio is not None and found.ratio <= 0.4


def test_a_grid_costs_what_its_plan_says(
    tmp_path: Path, record: Callable[..., None], rounds: Callable[..., Any]
) -> None:
    of = plan(GRID)
    kept = rounds("mini grid", {"runs": sorted(of.runs)})
    if turns := kept.more(ROUNDS):
        measure(of, turns, kept, tmp_path)
    totals = [{side: sum(map(sum, one[side].values())) for side in SIDES} for one in kept.found]
    ratio = median(total["shared"] / total["naive"] for total in totals)
    shared, naive = (f"{median(total[side] for total in totals):.1f} s" for side in SIDES)
    record("mini grid, measured, shared / naive", shared, naive, ratio, rounds=len(totals))
    single = {f: median(one["shared"][f][0] for one in kept.found) for f in kept.found[0]["shared"]}
    report(of, {**dict.fromkeys(of.runs, 0.0), **single}, ratio, len(totals), record)


def measure(of: Plan, turns: range, kept: Any, tmp_path: Path) -> None:
    """Seconds of each run of each side, every time it was done, round by round."""
    import worker.execute

    worker.execute.torch.set_num_threads(1)  # before anything is forked
    made = Laboratory(tmp_path, tmp_path / "cache")
    made.cache.mkdir()
    base: dict[str, Path] = {}
    for run in of.runs.values():  # the first to need sub-words makes them
        folder = tmp_path / ("base" if run.spec.kind is RunKind.PRETRAIN else "warm")
        out = made.do(shortened(run), folder, base)
        if run.spec.kind is RunKind.PRETRAIN:
            base[run.fingerprint] = out
    for turn in turns:
        found: dict[str, dict[str, list[float]]] = {}
        for side in SIDES if turn % 2 == 0 else reversed(SIDES):
            made.seconds = {}
            pairs = [cell.evaluate for cell in of.cells if cell.evaluate is not None]
            for number, last in enumerate(pairs):
                folder = tmp_path / f"{side}-{turn}" / (str(number) if side == "naive" else "all")
                for run in chain(of, last):
                    if run.fingerprint not in base:
                        made.do(run, folder, base)
            times = {f: len(each) for f, each in made.seconds.items()}
            wanted = times_alone(of) if side == "naive" else dict.fromkeys(of.runs, 1)
            assert times == {f: n for f, n in wanted.items() if f not in base}  # it did what the plan counts
            found[side] = made.seconds
        kept.add(found)
        said = ", ".join(f"{side} {sum(map(sum, found[side].values())):.1f} s" for side in SIDES)
        print(f"\nround {turn + 1}: {said} of processor time", flush=True)


def report(of: Plan, seconds: Mapping[str, float], measured: float, rounds: int, record: Callable[..., None]) -> None:
    """Print measured beside planned, by kind of run, and hold them to each other."""
    rows = [
        Measured(
            work(r.spec, model=r.model, steps=r.steps, examples=r.examples), DeviceClass.CPU, seconds[f], seconds[f]
        )
        for f, r in of.runs.items()
    ]
    stages = [s for s in grid_cost(of, measured=rows, device=DeviceClass.CPU).stages if s.stage != RunKind.PRETRAIN]
    flops, hours = (sum(s.shared_flops for s in stages), sum(s.shared_hours or 0.0 for s in stages))
    for s in stages:
        print(
            f"{s.stage:14} naive {s.naive_runs:3} runs, shared {s.shared_runs:3}: {100 * (s.shared_hours or 0) / hours:3.0f} % of the "
            f"shared time, {100 * s.shared_flops / flops:3.0f} % of its FLOPs"
        )
    by_flops = flops / sum(s.naive_flops for s in stages)
    by_hours = hours / sum(s.naive_hours or 0.0 for s in stages)
    for name, planned in (("FLOPs", by_flops), ("forecast hours", by_hours)):
        record(
            f"mini grid, planned by {name} / measured", f"{measured:.3f}", f"{planned:.3f}", planned / measured,
            rounds=rounds, asked=f"{1 - MOST:.2f} to {1 + MOST:.2f}",
        )  # fmt: skip
    assert abs(by_flops / measured - 1) < MOST
    assert abs(by_hours / measured - 1) < MOST
