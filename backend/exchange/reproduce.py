"""Do a run again, and all that it starts from, in an installation of its own that is gone afterwards; then compare.

The runs are those of the store, word for word: same seeds, settings and data. What a name was resolved to when they ran (a commit of
the hub) is pinned. Nothing that was computed before is used, not even features in a cache.

On the same kind of device, with the same libraries and as many threads, every score and every point of a curve must come out
bit by bit. Elsewhere sums are rounded in another order, and scores must lie within a tolerance, which the report states; curves are
not compared then.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from backend.domain.run import ENGINE_VERSION, TERMINAL, RunSpec, RunState
from backend.domain.schemas import Curve, RunDetail, ScoreView
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import Conflict, CrossliftError, NotFound
from backend.remote import Remote
from backend.settings import Settings

Say = Callable[[str], None]

TOLERANCE: Final = 1.0  # points, where the same bits cannot be asked for; seeds differ by as much
LOOK_SECONDS: Final = 1.0
#: What must be the same for the same bits, of what a run says of its environment.
EXACT: Final = ("device", "threads", "devices", "torch", "numpy", "tokenizers", "transformers")
#: What belongs to the machine and not to the data.
_MACHINE: Final = frozenset({*EXACT, "python", "platform", "packages", "code"})
#: Settings that the installation of its own takes over: where data and models are, and what may be asked of the hub.
_TAKEN: Final = ("DATA_ROOT", "MODEL_ROOT", "TASKS", "MODELS_ALLOWED", "OFFLINE")
SAID: Final = 5  # differences that are named one by one


@dataclass(frozen=True, slots=True)
class Stage:
    """A run that is done, with what it found."""

    detail: RunDetail
    scores: list[ScoreView]
    curves: list[Curve]


@dataclass(frozen=True, slots=True)
class Compared:
    """A run beside itself. ``differing`` in words, the worst not first but in order."""

    run: int
    title: str
    scores: int
    points: int
    differing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """``exact``: the same bits were asked for; else ``tolerance`` points, because of what ``notes`` say."""

    run: int
    same: bool
    exact: bool
    tolerance: float
    stages: list[Compared]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


# --- what is asked for -------------------------------------------------------------------------------------------------


def read(there: Remote, id: int) -> list[Stage]:
    """A run and everything that it starts from, parents first.

    Raises:
        NotFound: there is no such run.
    """
    order: dict[int, Stage] = {}

    def visit(run: int) -> None:
        if run in order:
            return
        detail = there.view(RunDetail, f"/runs/{run}/detail")
        for parent in detail.run.parents:
            visit(parent)
        order[run] = Stage(
            detail,
            [ScoreView.model_validate(each) for each in there.get(f"/runs/{run}/scores")],
            [Curve.model_validate(each) for each in there.get(f"/runs/{run}/curves")],
        )

    visit(id)
    return list(order.values())


def refusals(stages: Sequence[Stage], settings: Settings) -> list[str]:
    """In words, everything because of which the runs cannot be done again here; nothing where they can be tried."""
    found: dict[str, None] = {}
    for stage in stages:
        run = stage.detail.run
        name = f"run {run.id} ({run.title})"
        if run.state is not RunState.DONE:
            found[f"{name} is {run.state.value}; only what is done can be compared"] = None
            continue
        if stage.detail.brought is not None:
            found[f"{name} was brought in: clone its experiment to compute it here"] = None
        try:
            spec = RunSpec.model_validate(stage.detail.spec)
        except ValidationError:
            found[f"{name}: this version of the program cannot read what it computes"] = None
            continue
        if spec.engine != ENGINE_VERSION:
            found[
                f"{name} was computed by engine version {spec.engine}, and this program has {ENGINE_VERSION}: use the program of then"
            ] = None
        for data in spec.data:
            task = TASKS.get(data.task)
            if task is None and data.task != "text":
                found[f"{name}: this version does not know the task {data.task}"] = None
            elif task is not None and task.version != data.version:
                found[f"{name} used version {data.version} of {data.task}, and this program has {task.version}"] = None
            if data.source is Source.FILES and settings.data_root is None:
                found[f"{name} reads files, and CROSSLIFT_DATA_ROOT is not set"] = None
        if settings.device != "auto" and settings.device != spec.device.value:
            found[f"{name} ran on {spec.device.value}, and CROSSLIFT_DEVICE is {settings.device}"] = None
    return list(found)


def pinned(stages: Sequence[Stage]) -> list[tuple[RunSpec, str]]:
    """What is to be computed, in their order, each with its fingerprint: where a name was resolved when a run ran, it is pinned now,
    and fingerprints change with it."""
    anew: dict[str, str] = {}
    found = []
    for stage in stages:
        said = stage.detail.environment or {}
        spec = RunSpec.model_validate(stage.detail.spec)
        model = spec.model
        if model.checkpoint is not None and model.revision is None and said.get("revision"):
            model = model.model_copy(update={"revision": said["revision"]})
        data = tuple(
            each.model_copy(update={"content": commit}) if (commit := _commit(each, said)) is not None else each
            for each in spec.data
        )
        parents = tuple(anew[p] for p in spec.parents)
        new = spec.model_copy(update={"model": model, "data": data, "parents": parents})
        anew[stage.detail.run.fingerprint] = new.fingerprint
        found.append((new, new.fingerprint))
    return found


def _commit(data: Any, said: Mapping[str, str]) -> str | None:
    task = TASKS.get(data.task)
    if data.source is not Source.HUB or data.content is not None or task is None or task.hub is None:
        return None
    return said.get(task.hub.id)


# --- doing it again ----------------------------------------------------------------------------------------------------


def again(stages: Sequence[Stage], settings: Settings, home: Path, say: Say) -> list[Stage]:
    """Compute the runs in ``home``, which is empty; what came of each, in their order.

    Raises:
        Conflict: one of them did not get done; says which and why.
        CrossliftError: the installation of its own did not come up.
    """
    from backend.store import graph, history, migrate
    from backend.store.session import Store

    url = f"sqlite:///{home / 'crosslift.db'}"
    migrate.upgrade(url)
    store = Store(url)
    specs = pinned(stages)
    try:
        with store.write() as session:
            known: dict[str, tuple[int, RunState]] = {}
            rows = [_row(stage, *what) for stage, what in zip(stages, specs, strict=True)]
            graph.create(session, rows, {fingerprint: spec.parents for spec, fingerprint in specs}, known)
        ids = [known[fingerprint][0] for _, fingerprint in specs]
        process = _up(home, stages, settings)
        try:
            _wait(store, ids, process, home, say)
        finally:
            _down(process, settings.grace_seconds + 60)
        with store.read() as session:
            return [
                Stage(history.detail(session, id), history.scores(session, id), history.curves(session, id))
                for id in ids
            ]
    finally:
        store.dispose()


def _row(stage: Stage, spec: RunSpec, fingerprint: str) -> dict[str, Any]:
    run = stage.detail.run
    source = spec.data[0].source if spec.data else Source.MINI
    return {
        "fingerprint": fingerprint,
        "kind": spec.kind.value,
        "source": source.value,
        "benchmark": run.benchmark,
        "model": run.model,
        "recipe": run.recipe,
        "target": run.target,
        "seed": spec.seed,
        "settings": "",
        "engine": spec.engine,
        "device_class": spec.device.value,
        "precision": spec.precision,
        "devices": spec.devices,
        "spec": spec.model_dump(mode="json"),
        "planned_examples": 0,
        "planned_steps": run.total_steps,
        "priority": 0,
        "total_steps": run.total_steps,
    }


def _up(home: Path, stages: Sequence[Stage], settings: Settings) -> subprocess.Popen[bytes]:
    """An installation of its own: nothing of the environment's but where data and models are."""
    last = stages[-1].detail
    others = {k: v for k, v in os.environ.items() if not k.startswith("CROSSLIFT_")}
    taken = {f"CROSSLIFT_{n}": os.environ[f"CROSSLIFT_{n}"] for n in _TAKEN if f"CROSSLIFT_{n}" in os.environ}
    own = {
        "CROSSLIFT_HOME": str(home),
        "CROSSLIFT_PORT": "0",
        "CROSSLIFT_WORKERS": "1",
        "CROSSLIFT_THREADS": (last.environment or {}).get("threads", "0"),
        "CROSSLIFT_DEVICE": str(last.spec["device"]),
        "CROSSLIFT_SWEEP_SECONDS": "2",
    }
    with (home / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for the command, which then stops it
            env={**others, **taken, **own},
        )


def _wait(store: Any, ids: Sequence[int], process: subprocess.Popen[bytes], home: Path, say: Say) -> None:
    from backend.store import history

    shown: dict[int, RunState] = {}
    while True:
        with store.read() as session:
            views = [history.view(session, id) for id in ids]
        for view in views:
            if view.state is not shown.get(view.id) and view.state not in (RunState.WAITING, RunState.QUEUED):
                say(f"{view.title}: {view.state.value}")
            shown[view.id] = view.state
        bad = next((v for v in views if v.state in TERMINAL and v.state is not RunState.DONE), None)
        if bad is not None:
            why = bad.error.message if bad.error else bad.why
            raise Conflict(f"{bad.title} could not be done again: {why}")
        if all(v.state is RunState.DONE for v in views):
            return
        if process.poll() is not None:
            end = (home / "up.log").read_bytes()[-2000:].decode(errors="replace").strip()
            raise CrossliftError(f"The installation of its own ended with {process.returncode}:\n{end}")
        time.sleep(LOOK_SECONDS)


def _down(process: subprocess.Popen[bytes], seconds: float) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# --- comparing ---------------------------------------------------------------------------------------------------------


def compare(before: Sequence[Stage], after: Sequence[Stage], *, tolerance: float = TOLERANCE) -> Report:
    """Every run beside itself.

    Args:
        tolerance: points by which scores may differ where the same bits cannot be asked for.
    """
    notes = list(dict.fromkeys(n for a, b in zip(before, after, strict=True) for n in _unlike(a, b)))
    exact = not notes
    data = list(dict.fromkeys(n for a, b in zip(before, after, strict=True) for n in _other_data(a, b)))
    stages = [
        _compared(a, b, exact=exact, tolerance=0.0 if exact else tolerance) for a, b in zip(before, after, strict=True)
    ]
    same = not data and not any(s.differing for s in stages)
    return Report(before[-1].detail.run.id, same, exact, 0.0 if exact else tolerance, stages, [*data, *notes])


def _unlike(before: Stage, after: Stage) -> list[str]:
    """Why the same bits cannot be asked for."""
    a, b = before.detail.environment or {}, after.detail.environment or {}
    return [
        f"{name} was {a.get(name, 'not kept')}, and is {b.get(name, 'not kept')}"
        for name in EXACT
        if a.get(name) != b.get(name)
    ]


def _other_data(before: Stage, after: Stage) -> list[str]:
    """What was read that is no longer what it was."""
    a, b = before.detail.environment or {}, after.detail.environment or {}
    return [
        f"the data are others: {name} was {a[name][:12]}, and is {b[name][:12]}"
        for name in sorted(a.keys() & b.keys() - _MACHINE)
        if a[name] != b[name]
    ]


def _compared(before: Stage, after: Stage, *, exact: bool, tolerance: float) -> Compared:
    run = before.detail.run
    differing: list[str] = []
    old = {(s.metric, s.language): (s.value, s.n) for s in before.scores}
    new = {(s.metric, s.language): (s.value, s.n) for s in after.scores}
    for metric, language in sorted({*old, *new}):
        was, now = old.get((metric, language)), new.get((metric, language))
        if was is None or now is None:
            differing.append(f"{metric} in {language}: {'there was none' if was is None else 'there is none'}")
        elif was[1] != now[1]:
            differing.append(f"{metric} in {language}: over {was[1]:,} examples, and now over {now[1]:,}")
        elif (was[0] != now[0]) if exact else abs(was[0] - now[0]) > tolerance:
            differing.append(f"{metric} in {language}: {was[0]!r}, and now {now[0]!r} ({now[0] - was[0]:+.3g})")
    points = 0
    if exact:
        curves = {c.name: c for c in after.curves}
        for curve in before.curves:
            points += len(curve.steps)
            other = curves.get(curve.name)
            if other is None or other.steps != curve.steps:
                differing.append(f"curve {curve.name}: it has other steps")
            elif other.values != curve.values:
                at = next(i for i, (x, y) in enumerate(zip(curve.values, other.values, strict=True)) if x != y)
                differing.append(
                    f"curve {curve.name}: from step {curve.steps[at]} on, {curve.values[at]!r}, and now {other.values[at]!r}"
                )
    return Compared(run.id, run.title, len(old), points, differing)


def reproduce(
    there: Remote, id: int, settings: Settings, say: Say, *, home: Path | None = None, tolerance: float = TOLERANCE
) -> Report:
    """Read, refuse or do again, compare.

    Args:
        home: an empty folder for the installation of its own, which stays; None: one that goes.

    Raises:
        NotFound: there is no such run.
        Conflict: it cannot be done again here; says everything that is in the way.
    """
    stages = read(there, id)
    if not stages:
        raise NotFound(f"There is no run {id}.")
    wrong = refusals(stages, settings)
    if wrong:
        raise Conflict("It cannot be done again here: " + "; ".join(wrong) + ".")
    if home is not None and home.exists() and any(home.iterdir()):
        raise Conflict(f"{home} is not empty; name a folder that is not there yet.")
    place = home.absolute() if home is not None else Path(tempfile.mkdtemp(prefix="crosslift-again-"))
    place.mkdir(parents=True, exist_ok=True)
    say(f"Doing {len(stages)} {'run' if len(stages) == 1 else 'runs'} again in {place}")
    try:
        return compare(stages, again(stages, settings, place, say), tolerance=tolerance)
    finally:
        if home is None:
            shutil.rmtree(place, ignore_errors=True)
