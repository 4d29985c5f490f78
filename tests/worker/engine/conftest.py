"""A tiny encoder, real runs of it, and a report that remembers."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import torch

from backend.domain.architecture import KINDS
from backend.domain.experiment import mini_content
from backend.domain.model import Architecture
from backend.domain.recipe import Recipe
from backend.domain.run import DataSpec, DeviceClass, ModelSpec, Phase, RunKind, RunSpec
from backend.domain.task import Source, Split
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import child, messages
from worker import encoder as encoders
from worker.encoder import Encoder
from worker.execute import execute
from worker.outcomes import Job, Outcome, Stop
from worker.process import Child, Gone, Line, Nursery, environment

SHAPE = Architecture(
    kind="xlm-roberta", layers=2, hidden=32, heads=2, feed_forward=64, vocabulary=3000, positions=130, types=1
)
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=12, max_length=48, stride=12, evaluations=3)


@dataclass
class Notes:
    """A report. ``stop_at`` gives the answer of ``should_stop`` from that many asks on."""

    stop_at: int | None = None
    stop: Stop = "save"
    asked: int = 0
    phases: list[Phase] = field(default_factory=list)
    curves: dict[str, dict[int, float]] = field(default_factory=dict)
    logs: list[tuple[str, str]] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)
    resumptions: list[int] = field(default_factory=list)
    steps: list[tuple[int, int]] = field(default_factory=list)

    def phase(self, phase: Phase) -> None:
        self.phases.append(phase)

    def progress(self, step: int, total: int) -> None:
        self.steps.append((step, total))

    def curve(self, name: str, step: int, value: float) -> None:
        self.curves.setdefault(name, {})[step] = value

    def log(self, level: str, message: str) -> None:
        self.logs.append((level, message))

    def should_stop(self) -> Stop | None:
        self.asked += 1
        return self.stop if self.stop_at is not None and self.asked > self.stop_at else None

    def checkpoint(self, step: int) -> None:
        self.checkpoints.append(step)

    def rejected(self, checkpoints: Sequence[str]) -> None:
        self.rejections += checkpoints

    def resumed(self, step: int) -> None:
        self.resumptions.append(step)


def data(task: str, split: Split, source: Source = Source.MINI) -> DataSpec:
    return DataSpec(task=task, version=TASKS[task].version, source=source, split=split, content=mini_content())


@dataclass
class World:
    """Runs in folders of their own, in this process, one thread."""

    root: Path
    cache: Path

    def spec(self, kind: RunKind, **changes: Any) -> RunSpec:
        base: dict[str, Any] = {
            "kind": kind,
            "engine": 1,
            "model": ModelSpec(checkpoint=None, revision=None, architecture=SHAPE),
            "data": (),
            "recipe": None,
            "training": TRAINING,
            "languages": (),
            "seed": 1,
            "precision": "fp32",
            "device": DeviceClass.CPU,
            "parents": (),
        }
        return RunSpec(**base | changes)

    def on(self, task: str, **changes: Any) -> RunSpec:
        """A fine-tune on a task, from a fresh encoder unless parents are given."""
        pair = (data(task, Split.TRAIN), data(task, Split.VALIDATION))
        return self.spec(RunKind.FINETUNE, data=pair, **changes)

    def mixed(self, *tasks: str, **changes: Any) -> RunSpec:
        pairs = tuple(data(t, s) for t in tasks for s in (Split.TRAIN, Split.VALIDATION))
        return self.spec(RunKind.INTERMEDIATE, data=pairs, recipe=Recipe.parse("+".join(tasks)), **changes)

    def text(self) -> DataSpec:
        return DataSpec(task="text", version=1, source=Source.MINI, split=Split.TRAIN, content=mini_content())

    def job(self, spec: RunSpec, name: str = "run", **changes: Any) -> Job:
        folder = self.root / f"{spec.fingerprint[:12]}-{name}"
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "out").mkdir(parents=True)
        (folder / "work").mkdir(exist_ok=True)
        made = Job(
            spec=spec,
            fingerprint=spec.fingerprint,
            inputs={p: self.root / f"{p[:12]}-run" / "out" for p in spec.parents},
            workdir=folder / "work",
            out=folder / "out",
            data_root=None,
            cache=self.cache,
            threads=1,
            device="cpu",
            checkpoint_seconds=1e9,
            offline=True,
        )
        return replace(made, **changes)

    def run(self, spec: RunSpec, notes: Notes | None = None, name: str = "run", **changes: Any) -> tuple[Outcome, Job]:
        job = self.job(spec, name, **changes)
        return execute(job, notes or Notes()), job


@pytest.fixture(scope="session")
def engine_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tokenizer and sub-words, made once for all tests."""
    return tmp_path_factory.mktemp("engine-cache")


@pytest.fixture
def world(tmp_path: Path, engine_cache: Path) -> World:
    torch.set_num_threads(1)
    return World(tmp_path, engine_cache)


@pytest.fixture
def tiny(engine_cache: Path) -> Callable[..., Encoder]:
    """A fresh encoder of a few thousand weights beside its embeddings."""

    def made(seed: int = 0, **shape: Any) -> Encoder:
        torch.manual_seed(seed)
        return encoders.fresh(SHAPE.model_copy(update=shape), encoders.mini_tokenizer(SHAPE.vocabulary, engine_cache))

    return made


@pytest.fixture
def notes() -> type[Notes]:
    return Notes


@pytest.fixture
def spec_data() -> Callable[..., DataSpec]:
    return data


@pytest.fixture(scope="session")
def miniatures() -> ModuleType:
    """``miniatures.py`` beside this file: ``tests`` is no package."""
    spec = importlib.util.spec_from_file_location("miniatures", Path(__file__).parent / "miniatures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["miniatures"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, miniatures: ModuleType) -> Path:
    """A model root with a miniature checkpoint of every kind of architecture."""
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        miniatures.write(kind, folder / kind)
    return folder


@pytest.fixture
def loaded(root: Path, tmp_path: Path) -> Callable[[str], Encoder]:
    """The miniature of a kind, as a run loads it."""

    def load(kind: str) -> Encoder:
        spec = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
        return encoders.load_pretrained(spec, root=root, cache=tmp_path, offline=True)

    return load


# --- runs on several devices, as a worker starts them ------------------------------------------------------------


@pytest.fixture(scope="module")
def nursery(engine_cache: Path) -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))  # for the executors in ``scarce_second``
        made = Nursery(environment(engine_cache, threads=1, offline=True))
        made.warm()
        yield made


class Started:
    """A child and what it said."""

    def __init__(self, nursery: Nursery, job: Job) -> None:
        self.job = job
        told = {
            "spec": job.spec.model_dump(mode="json"), "fingerprint": job.fingerprint, "workdir": str(job.workdir),
            "inputs": {f: str(p) for f, p in job.inputs.items()}, "out": str(job.out), "data_root": None,
            "cache": str(job.cache), "model_root": job.model_root and str(job.model_root), "threads": 1, "device": "cpu", "checkpoint_seconds": job.checkpoint_seconds,
            "offline": True, "attempt": job.attempt,
        }  # fmt: skip
        self.directory = job.out.parent / f"attempt-{job.attempt}"
        self.child: Child = nursery.start(told, directory=self.directory)
        self.said: list[messages.Message] = []
        self.lines: list[str] = []
        self.code: int | None = None

    def until(self, wanted: Any, seconds: float = 120) -> Any:
        """The next thing said that is wanted; everything on the way is kept."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            heard = self.child.hear(0.2)
            if isinstance(heard, Gone):
                self.code = heard.code
            elif isinstance(heard, Line):
                self.lines.append(heard.text)
            elif heard is not None:
                self.said.append(heard)
            if heard is not None and wanted(heard):
                return heard
            assert not isinstance(heard, Gone), (self.said[-3:], self.lines)
        raise AssertionError((self.said[-3:], self.lines))

    def end(self) -> Any:
        """Wait until all its processes are gone. Its last word, if it had one."""
        self.until(lambda heard: isinstance(heard, Gone))
        last = [m for m in self.said if isinstance(m, messages.Last)]
        assert len(last) <= 1
        return last[0] if last else None

    def family(self) -> list[psutil.Process]:
        """Of two devices: the child and the one that it started."""
        found = [psutil.Process(self.child.pid), *psutil.Process(self.child.pid).children(recursive=True)]
        assert len(found) == self.job.spec.devices
        return found


@pytest.fixture
def start(nursery: Nursery) -> Iterator[Any]:
    children: list[Started] = []

    def started(job: Job) -> Started:
        children.append(Started(nursery, job))
        return children[-1]

    yield started
    nursery.executor = child.EXECUTE
    for each in children:
        each.child.end()
