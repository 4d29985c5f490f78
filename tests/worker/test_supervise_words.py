"""What passes between child and supervisor, and what of it survives."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.run import Phase
from worker import app, child, messages
from worker.journal import Journal
from worker.messages import CurvesSaid, LogSaid, PhaseSaid, ProgressSaid
from worker.supervise import FORGET_SECONDS, Supervisor

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_no_bytes_upset_the_reader(data: bytes) -> None:
    assert messages.read(data) is None or json.loads(data)["type"]


@given(
    st.sampled_from(["phase", "progress", "curves", "log", "outcome", "error", "other"]),
    st.dictionaries(st.text(), ANY, max_size=4),
)
def test_no_object_upsets_the_reader(kind: str, fields: dict[str, Any]) -> None:
    messages.read(json.dumps({**fields, "type": kind}).encode())


@pytest.mark.parametrize(
    "said",
    [
        {"type": "progress", "step": -1, "total": 5},
        {"type": "progress", "step": 2**60, "total": 5},
        {"type": "progress", "step": 1, "total": 5, "more": 1},
        {"type": "curves", "points": [["loss", 1, float("nan")]]},
        {"type": "curves", "points": [["", 1, 0.5]]},
        {"type": "curves", "points": [["lo\0ss", 1, 0.5]]},
        {"type": "curves", "points": [["loss", 1, 0.5]] * 2000},
        {"type": "phase", "phase": "dancing"},
        {"type": "log", "level": "shout", "message": "x"},
        {"type": "log", "level": "info", "message": "x" * 30_000},
        {"type": "outcome", "scores": [["en", "accuracy", float("inf"), 3]], "cost": {}, "parameters": 1,
         "parameters_non_embedding": 1, "environment": {}},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_not_believed(said: dict[str, Any]) -> None:
    assert messages.read(json.dumps(said).encode()) is None


class Heard:
    """Collects what a report sends."""

    def __init__(self) -> None:
        self.said: list[messages.Message] = []
        self.stop = None

    def send(self, message: messages.Message) -> None:
        self.said.append(message)


def test_reports_are_bundled(tmp_path: Path) -> None:
    heard = Heard()
    report = child.PipeReport(heard, Journal(tmp_path / "curves.jsonl"))  # type: ignore[arg-type]
    report.phase(Phase.TRAINING)
    ends = time.monotonic() + 1.1
    step = 0
    while time.monotonic() < ends:
        step += 1
        report.progress(step, 10**6)
        report.curve("loss", step, 1.0 / step)
        assert report.should_stop() is None
        time.sleep(0.001)
    report.curve("loss", step + 1, float("nan"))
    report.flush()

    progress = [m for m in heard.said if isinstance(m, ProgressSaid)]
    points = [point for m in heard.said if isinstance(m, CurvesSaid) for point in m.points]
    assert isinstance(heard.said[0], PhaseSaid)
    assert len(progress) <= 8
    assert progress[-1].step == step
    assert points == [("loss", s, 1.0 / s) for s in range(1, step + 1)]
    assert [m.message for m in heard.said if isinstance(m, LogSaid)] == [
        f"loss is nan at step {step + 1}: not a number, left out of the curve"
    ]


def test_the_journal_says_again_what_a_checkpoint_covers(tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    first = Journal(path)
    for step in range(1, 8):
        first.add(("loss", step, step / 10))
    with path.open("a") as file:
        file.write('["loss", 8, 0.')  # killed in the middle of a line
    second = Journal(path)
    assert second.resume(5) == [("loss", step, step / 10) for step in range(1, 6)]
    second.add(("loss", 6, 0.6))
    assert Journal(path).resume(100) == [("loss", step, step / 10) for step in range(1, 7)]


def test_a_full_disk_costs_the_journal_not_the_run(tmp_path: Path) -> None:
    heard = Heard()
    journal = Journal(tmp_path / "curves.jsonl")
    report = child.PipeReport(heard, journal)  # type: ignore[arg-type]
    report.curve("loss", 1, 0.1)
    assert journal._file is not None
    real, full = os.dup(journal._file), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._file)
    report.curve("loss", 2, 0.2)
    report.curve("loss", 3, 0.3)
    os.dup2(real, journal._file)
    os.write(journal._file, b'["loss", 4, 0.')  # what there was room for
    report.curve("loss", 5, 0.5)
    report.flush()
    for descriptor in (real, full):
        os.close(descriptor)
    sent = [point for m in heard.said if isinstance(m, CurvesSaid) for point in m.points]
    assert [step for _, step, _ in sent] == [1, 2, 3, 5]
    warned = [m.message for m in heard.said if isinstance(m, LogSaid)]
    assert len(warned) == 1
    assert "No space left" in warned[0]
    assert Journal(journal.path).resume(9) == [("loss", 1, 0.1), ("loss", 5, 0.5)]


def test_without_a_checkpoint_the_journal_begins_anew(tmp_path: Path) -> None:
    first = Journal(tmp_path / "curves.jsonl")
    first.add(("loss", 1, 0.1))
    second = Journal(tmp_path / "curves.jsonl")
    second.add(("loss", 1, 0.2))
    assert Journal(tmp_path / "curves.jsonl").resume(9) == [("loss", 1, 0.2)]
    assert Journal(tmp_path / "none.jsonl").resume(9) == []


def test_a_worker_forgets_what_only_it_may_know(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CROSSLIFT_DATABASE_URL", "crosslift_redis_url", "CROSSLIFT_REDIS_URL_FILE"):
        monkeypatch.setenv(name, "redis://:the-secret@host")
    monkeypatch.setenv("CROSSLIFT_HOME", "/somewhere")
    app._forget_secrets()
    assert "the-secret" not in str(dict(os.environ))
    assert os.environ["CROSSLIFT_HOME"] == "/somewhere"


@pytest.mark.parametrize(
    ("visible", "names", "expected"),
    [
        (None, [("A", 80, {}), ("B", 24, {})], ("cuda", [("0", "A", 80, {}), ("1", "B", 24, {})])),
        ("3,5", [("A", 80, {}), ("B", 80, {})], ("cuda", [("3", "A", 80, {}), ("5", "B", 80, {})])),
        ("GPU-abc", [("A", 80, {"bf16": 9e14})], ("cuda", [("GPU-abc", "A", 80, {"bf16": 9e14})])),
        (None, [], ("cuda", [])),
    ],
)
def test_each_gpu_is_a_slot(
    place: Any,
    monkeypatch: pytest.MonkeyPatch,
    visible: str | None,
    names: list[tuple[str, int, dict[str, float]]],
    expected: Any,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    class Asked:
        def gpus(self, asked: str | None) -> list[tuple[str, int, dict[str, float]]]:
            assert asked == visible
            return names

    assert app._devices(place.settings(device="cuda"), Asked()) == expected  # type: ignore[arg-type]
    assert app._devices(place.settings(device="cpu"), Asked()) == ("cpu", [])  # type: ignore[arg-type]


def test_a_worker_says_what_a_matrix_product_attains_in_one_of_its_slots() -> None:
    """Of several GPUs the slowest, and nothing of a precision that one could not measure; of a processor a slot's part of it."""
    fast, slow, mute = (
        app.Gpu("0", "A", 80, rates) for rates in ({"fp32": 9.0, "bf16": 90.0}, {"fp32": 5.0, "bf16": 99.0}, {})
    )
    assert app._rates([fast, slow], 2) == {"fp32": 5.0, "bf16": 90.0}
    assert app._rates([fast, mute], 2) == {}
    (rate,) = app._rates([], 2).values()
    assert 1e7 < rate < 1e14  # whatever the machine: between a very slow one and one that there is not


def test_what_runs_of_long_ago_left_goes(place: Any) -> None:
    old = time.time() - FORGET_SECONDS - 60
    for name, when in (("old", old), ("held", old), ("new", time.time())):
        state = place.home / "work" / name / "state"
        state.mkdir(parents=True)
        for path in (state, state.parent):
            os.utime(path, (when, when))
    from backend.domain.run import DeviceClass
    from worker.artifacts import Artifacts

    artifacts = Artifacts(f"file://{place.home}/artifacts", place.home / "cache")
    supervisor = Supervisor(
        place.store,
        artifacts,
        None,
        place.settings(),
        worker="here",
        device=DeviceClass.CPU,
        ring=lambda *_, **__: None,  # type: ignore[arg-type]
    )
    with child._alone_with(place.home / "work" / "held" / "state"):
        os.utime(place.home / "work" / "held" / "state", (old, old))
        supervisor.tidy()
    assert {path.name for path in (place.home / "work").iterdir()} == {"held", "new"}
