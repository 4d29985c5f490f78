"""Checkpoints: whole or not there, checked before they are trusted, and never fewer than two."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from worker import checkpoints

ME = "f" * 64


def groups(step: int) -> checkpoints.Groups:
    return {"module": {"weight": torch.full((64, 64), float(step))}, "optimizer": {"0.exp_avg": torch.zeros(3)}}


def saved(folder: Path, *steps: int) -> Path:
    for step in steps:
        checkpoints.save(folder, step, groups(step), {"step": step, "list": [1, 2]}, ME)
    return folder


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    found, rejected = checkpoints.newest_valid(saved(tmp_path, 10), ME)
    assert found is not None
    assert (found.step, found.state, rejected) == (10, {"step": 10, "list": [1, 2]}, [])
    assert torch.equal(found.groups["module"]["weight"], torch.full((64, 64), 10.0))
    assert {p.suffix for p in (tmp_path / "step-0000000010").iterdir()} == {".json", ".safetensors"}


def test_nothing_there_is_nothing_found(tmp_path: Path) -> None:
    assert checkpoints.newest_valid(tmp_path / "never", ME) == (None, [])


def test_the_newest_two_stay(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20, 30, 9)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000000020", "step-0000000030"]


def truncate(folder: Path) -> None:
    path = folder / "module.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(folder: Path) -> None:
    path = folder / "module.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def lose_state(folder: Path) -> None:
    (folder / "state.json").unlink()


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def lose_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def half_a_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:40])


def another_run(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"identity": "e" * 64}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, "bytes instead of"),
        (flip_a_bit, "another SHA-256"),
        (lose_state, "state.json is missing"),
        (empty, "no manifest"),
        (lose_the_manifest, "no manifest"),
        (half_a_manifest, "manifest cannot be read"),
        (another_run, "belongs to another run"),
    ],
    ids=lambda v: v.__name__ if callable(v) else "",
)
def test_a_damaged_one_is_passed_over_and_named(tmp_path: Path, damage: Callable[[Path], None], said: str) -> None:
    saved(tmp_path, 10, 20)
    damage(tmp_path / "step-0000000020")
    found, rejected = checkpoints.newest_valid(tmp_path, ME)
    assert found is not None
    assert found.step == 10
    assert len(rejected) == 1
    assert rejected[0].startswith("step-0000000020: ")
    assert said in rejected[0]
    saved(tmp_path, 20)  # the step is reached again: the damaged one goes
    found, rejected = checkpoints.newest_valid(tmp_path, ME)
    assert found is not None
    assert (found.step, rejected) == (20, [])


def test_a_damaged_one_is_no_second_one(tmp_path: Path) -> None:
    """Two that are whole stay, however many newer ones are not."""
    saved(tmp_path, 10, 20)
    flip_a_bit(tmp_path / "step-0000000020")
    checkpoints._WHOLE.clear()  # as a new process knows nothing
    saved(tmp_path, 15)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000000010", "step-0000000015"]
    saved(tmp_path, 18)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000000015", "step-0000000018"]


def test_an_old_one_goes_only_when_the_new_one_was_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk damages what is written, at the last moment: also where a step is saved again, nothing is lost."""
    saved(tmp_path, 10, 20)
    before = {p.name: checkpoints._problem(p, ME) for p in tmp_path.iterdir()}
    assert set(before.values()) == {None}
    sync = checkpoints._sync

    def damage(path: Path) -> None:
        sync(path)
        if path == tmp_path:
            flip_a_bit(checkpoints._candidates(tmp_path)[0])

    monkeypatch.setattr(checkpoints, "_sync", damage)
    for step in (20, 30):
        with pytest.raises(OSError, match="could not be read back: module.safetensors has another SHA-256"):
            saved(tmp_path, step)
        assert {p.name: checkpoints._problem(p, ME) for p in tmp_path.iterdir()} == before
    monkeypatch.undo()
    saved(tmp_path, 20)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000000020", "step-0000000020-1"]
    found, rejected = checkpoints.newest_valid(tmp_path, ME)
    assert found is not None
    assert (found.step, rejected) == (20, [])
    saved(tmp_path, 25)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000000020-1", "step-0000000025"]


def test_a_disk_that_is_full_leaves_the_older_ones(tmp_path: Path) -> None:
    """The kernel refuses to write beyond a file size, as it would beyond a disk's."""
    saved(tmp_path, 10)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(OSError):
            saved(tmp_path, 20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert [p.name for p in tmp_path.iterdir()] == ["step-0000000010"]


def test_killed_at_any_moment_there_is_one_to_go_on_from(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    last = 1
    for attempt in range(15):
        child = os.fork()
        if child == 0:
            step = last
            while True:
                step += 1
                saved(tmp_path, step)
        late = time.monotonic() + 30
        while not any(int(p.name.split("-")[1]) > last for p in tmp_path.glob("step-*")) and time.monotonic() < late:
            time.sleep(0.001)  # a busy machine may take its time to the first
        time.sleep(0.007 * attempt)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found, rejected = checkpoints.newest_valid(tmp_path, ME)
        assert found is not None
        assert rejected == []
        assert found.step >= last
        assert torch.equal(found.groups["module"]["weight"], torch.full((64, 64), float(found.step)))
        last = found.step
    assert last > 5
    saved(tmp_path, last + 1)
    assert not list(tmp_path.glob(".making-*"))  # what the kills left is swept up
