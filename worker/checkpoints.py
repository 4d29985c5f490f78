"""Checkpoints that are there as a whole or not at all, and are checked before they are trusted.

One folder a checkpoint, ``step-0000000120``: tensors as safetensors, everything else as JSON, and a manifest with the
SHA-256 of every file and the identity of the run. It is written under another name, flushed to disk, and renamed; one that is
there is never written over: a second one of the same step is ``step-0000000120-1``. Older ones are removed only after the new
one has been read back, and two that are whole stay.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from worker.artifacts import file_digest

MANIFEST = "manifest.json"
STATE = "state.json"
KEPT = 2
_NAME = re.compile(r"step-(\d{10})(?:-(\d+))?")
_MAKING = ".making-"

Groups = Mapping[str, Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class Checkpoint:
    step: int
    groups: Groups  # file stem → its tensors
    state: Mapping[str, Any]


#: Checkpoints that this process found whole, by folder and its inode: nothing here changes one. What comes from elsewhere, or
#: was there before, is read anew.
_WHOLE: set[tuple[Path, int]] = set()


def save(folder: Path, step: int, groups: Groups, state: Mapping[str, Any], identity: str) -> Path:
    """Write a checkpoint; then remove all but the newest two that are whole.

    Raises:
        OSError: it could not be written (a full disk, say), or not be read back. The older ones are untouched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = _free(folder, step)
    making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=folder))
    try:
        for name, tensors in groups.items():
            save_file({k: t.detach().cpu().contiguous() for k, t in tensors.items()}, making / f"{name}.safetensors")
        (making / STATE).write_text(json.dumps(state))
        files = {p.name: {"sha256": file_digest(p), "bytes": p.stat().st_size} for p in sorted(making.iterdir())}
        manifest = {"identity": identity, "step": step, "files": files}
        (making / MANIFEST).write_text(json.dumps(manifest, indent=1))
        for path in (*making.iterdir(), making):
            _sync(path)
        making.rename(final)
        _sync(folder)
    except BaseException as error:
        shutil.rmtree(making, ignore_errors=True)
        if isinstance(error, SafetensorError):  # what it makes of a full disk
            raise OSError(str(error)) from error
        raise
    problem = _problem(final, identity)
    if problem is not None:
        shutil.rmtree(final, ignore_errors=True)
        raise OSError(f"what was written could not be read back: {problem}")
    _remember(final)
    kept = 0
    for path in _candidates(folder):
        if kept < KEPT and (_remembered(path) or _problem(path, identity) is None):
            _remember(path)
            kept += 1
        else:
            shutil.rmtree(path, ignore_errors=True)
    for left in folder.glob(f"{_MAKING}*"):
        shutil.rmtree(left, ignore_errors=True)
    return final


def newest_valid(folder: Path, identity: str) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole and belongs to this run, and in words why newer ones were passed over."""
    rejected: list[str] = []
    for path in _candidates(folder):
        problem = _problem(path, identity)
        if problem is None:
            try:
                groups = {p.stem: load_file(p) for p in sorted(path.glob("*.safetensors"))}
                state = json.loads((path / STATE).read_text())
                _remember(path)
                return Checkpoint(_place(path)[0], groups, state), rejected
            except Exception as error:  # whole by its digests, yet unreadable
                problem = f"cannot be read: {error}"
        rejected.append(f"{path.name}: {problem}")
    return None, rejected


def _problem(path: Path, identity: str) -> str | None:
    """Why this folder is no checkpoint to resume from; None where it is one."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        if manifest["identity"] != identity:
            return "it belongs to another run"
        for name, entry in manifest["files"].items():
            file = path / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != entry["bytes"]:
                return f"{name} has {file.stat().st_size} bytes instead of {entry['bytes']}"
            if file_digest(file) != entry["sha256"]:
                return f"{name} has another SHA-256 than its manifest says"
    except FileNotFoundError:
        return "it has no manifest"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"its manifest cannot be read: {error}"
    return None


def _candidates(folder: Path) -> list[Path]:
    """Newest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), key=_place, reverse=True)


def _place(path: Path) -> tuple[int, int]:
    """The step, and which one of that step it is."""
    found = _NAME.fullmatch(path.name)
    assert found is not None  # it is one of ``_candidates``
    return int(found[1]), int(found[2] or 0)


def _free(folder: Path, step: int) -> Path:
    """A name for a checkpoint of this step that sorts behind those of it which are there."""
    there = [_place(path)[1] for path in _candidates(folder) if _place(path)[0] == step]
    return folder / (f"step-{step:010d}" + (f"-{max(there) + 1}" if there else ""))


def _remember(path: Path) -> None:
    _WHOLE.add((path, path.stat().st_ino))


def _remembered(path: Path) -> bool:
    return (path, path.stat().st_ino) in _WHOLE


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
