"""The artifacts' half of a backup. Any fsspec address can be saved from, and restored to, whatever it was before."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from backend.errors import Conflict, shown

MANIFEST: Final = "manifest.json"
CHUNK: Final = 1 << 20  # bytes
ADDRESS: Final = re.compile(
    r"(?:^|/)(?P<two>[0-9a-f]{2})/(?P<fingerprint>(?P=two)[0-9a-f]{62})(?:/(?P<digest>[0-9a-f]{12}))?$"
)


class Unsaved(Exception):
    """An artifact that is not there, or not what was stored. The message says why."""


def save(address: str, digest: str | None, root: str, folder: Path) -> None:
    """Copy one artifact to ``folder``/<fp[:2]>/<fp>, comparing it with its own manifest, and that with ``digest``.

    Args:
        address: as the run has it; one of a root that was moved since is looked for below ``root``.

    Raises:
        Unsaved: it is missing, incomplete or changed. Nothing of it stays.
    """
    found = ADDRESS.search(address)
    if found is None:
        raise Unsaved(f"{shown(address)} is no address of an artifact")
    place = folder / found["two"] / found["fingerprint"]
    try:
        fs, source = _source(address, root, found)
        place.mkdir(parents=True)
        text = fs.cat_file(f"{source}/{MANIFEST}")
        if digest is not None and hashlib.sha256(text).hexdigest() != digest:
            raise Unsaved("its manifest is not the one that was stored")
        manifest = json.loads(text)
        for name, entry in manifest.items():
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise Unsaved(f"its manifest names {shown(name)}")
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if _copied(fs, f"{source}/{name}", place / name) != entry["sha256"]:
                raise Unsaved(f"{name} is not what was stored")
        (place / MANIFEST).write_bytes(text)
    except Unsaved:
        shutil.rmtree(place, ignore_errors=True)
        raise
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise Unsaved(f"it is not there, or not whole ({type(error).__name__})") from None


def _source(address: str, root: str, found: Mapping[str, Any] | re.Match[str]) -> tuple[Any, str]:
    fs, source = fsspec.core.url_to_fs(address)
    if isinstance(fs, LocalFileSystem) and not fs.exists(source):
        moved, base = fsspec.core.url_to_fs(root)
        if isinstance(moved, LocalFileSystem):
            return moved, f"{str(base).rstrip('/')}/{found['two']}/{found['fingerprint']}"
    return fs, str(source)


def _copied(fs: Any, source: str, target: Path) -> str:
    """Copy a file to the disk; the SHA-256 of what was read."""
    seen = hashlib.sha256()
    with fs.open(source, "rb") as read, target.open("wb") as write:
        while data := read.read(CHUNK):
            seen.update(data)
            write.write(data)
        write.flush()
        os.fsync(write.fileno())
    return seen.hexdigest()


def check_empty(root: str) -> None:
    """Raises:
    Conflict: something lies at ``root`` already.
    """
    fs, base = fsspec.core.url_to_fs(root)
    if fs.exists(base) and fs.ls(base, detail=False):
        raise Conflict(
            f"There are artifacts at {shown(root, 200)} already. Restore to an empty place: CROSSLIFT_ARTIFACTS, or another CROSSLIFT_HOME."
        )


def load(folder: Path, root: str) -> dict[str, str]:
    """Put every artifact of a backup below ``root``, each in the layout of that place, its manifest last.

    Returns:
        fingerprint → its address from now on.
    """
    fs, base = fsspec.core.url_to_fs(root)
    local = isinstance(fs, LocalFileSystem)
    base = str(base).rstrip("/")
    places: dict[str, str] = {}
    for shelf in sorted(folder.iterdir()) if folder.is_dir() else ():
        for artifact in sorted(shelf.iterdir()):
            text = (artifact / MANIFEST).read_bytes()
            place = f"{base}/{shelf.name}/{artifact.name}"
            if not local:
                place += f"/{hashlib.sha256(text).hexdigest()[:12]}"
            for name in json.loads(text):
                target = f"{place}/{name}"
                fs.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
                fs.put_file(str(artifact / name), target)
            fs.pipe_file(f"{place}/{MANIFEST}", text)
            places[artifact.name] = f"file://{place}" if local else str(fs.unstrip_protocol(place))
    return places


def remove(root: str) -> None:
    """Take away again what ``load`` put where nothing was."""
    fs, base = fsspec.core.url_to_fs(root)
    for entry in fs.ls(base, detail=False) if fs.exists(base) else ():
        fs.rm(entry, recursive=True)
