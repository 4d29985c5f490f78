"""What runs leave behind (a model, predictions), stored once under the run's fingerprint and never changed.

::

    <root>/<fp[:2]>/<fp>/manifest.json                 on a file system: appears at once, by one rename
    <root>/<fp[:2]>/<fp>/<digest[:12]>/manifest.json   elsewhere: written last; nothing counts before it is there

``manifest.json`` is ``{file: {"sha256", "bytes"}}``; the SHA-256 of the manifest is the artifact's digest. The root is any
fsspec address. Elsewhere two uploads of one fingerprint that differ do not meet, as each has its own folder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from backend.domain.run import canonical
from backend.errors import shown

MANIFEST = "manifest.json"
FINGERPRINT = re.compile(r"[0-9a-f]{64}")
ADDRESS = re.compile(
    r"(?:^|/)(?P<two>[0-9a-f]{2})/(?P<fingerprint>(?P=two)[0-9a-f]{62})(?:/(?P<digest>[0-9a-f]{12}))?$"
)
CHUNK = 1 << 20  # bytes

Manifest = Mapping[str, Mapping[str, Any]]


class BadArtifact(Exception):
    """An artifact is missing, incomplete or changed, or cannot be stored as it is. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Published:
    """A stored artifact. ``digest``: SHA-256 of its manifest, as 64 hexadecimal digits; ``bytes``: of all its files."""

    uri: str
    digest: str
    bytes: int


class Artifacts:
    """The store of artifacts at ``root``. Safe to share between threads.

    ``cache`` is a local folder for copies of what lies elsewhere; it may be emptied while no run uses it.
    """

    def __init__(self, root: str, cache: Path) -> None:
        self.fs, self.base = fsspec.core.url_to_fs(root)
        self.base = str(self.base).rstrip("/")
        self.local = isinstance(self.fs, LocalFileSystem)
        self.cache = cache
        self._verified: dict[Path, str] = {}  # folder → digest of its manifest, once its content was read
        self._lock = threading.Lock()

    # --- storing ------------------------------------------------------------------------------------------------------

    def publish(self, out: Path, fingerprint: str) -> Published:
        """Store the files of folder ``out``. On a file system of one piece with the root, ``out`` is moved, not copied.

        What is there already under this fingerprint is kept if it is whole (the same run, computed before).

        Raises:
            ValueError: ``fingerprint`` is not 64 hexadecimal digits.
            BadArtifact: ``out`` holds nothing, or something that is not a plain file.
            OSError: it cannot be written, for instance because the disk is full.
        """
        if not FINGERPRINT.fullmatch(fingerprint):
            raise ValueError(f"not a fingerprint: {shown(fingerprint)}")
        text = canonical(manifest_of(out)).encode()
        return self._move(out, fingerprint, text) if self.local else self._upload(out, fingerprint, text)

    def _move(self, out: Path, fingerprint: str, text: bytes) -> Published:
        shelf = Path(self.base) / fingerprint[:2]
        target = shelf / fingerprint
        shelf.mkdir(parents=True, exist_ok=True)
        if (there := self._whole(target)) is not None:
            shutil.rmtree(out, ignore_errors=True)
            return there
        (out / MANIFEST).write_bytes(text)
        _settle(out)
        try:
            _replace(out, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            staging = shelf / f".{fingerprint}-{secrets.token_hex(4)}"
            try:
                shutil.copytree(out, staging)
                _settle(staging)
                _replace(staging, target)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
            shutil.rmtree(out, ignore_errors=True)
        _sync(shelf)
        self._verified.pop(target, None)
        whole = self._whole(target)
        if whole is None:
            raise BadArtifact(f"artifact {fingerprint[:12]} was damaged while it was stored")
        return whole

    def _whole(self, folder: Path) -> Published | None:
        """The artifact in this folder of the root if all of it is there and unchanged."""
        try:
            manifest, digest = verify(folder)
        except BadArtifact:
            return None
        self._verified[folder] = digest
        return Published(f"file://{folder}", digest, _total(manifest))

    def _upload(self, out: Path, fingerprint: str, text: bytes) -> Published:
        digest = hashlib.sha256(text).hexdigest()
        manifest: Manifest = json.loads(text)
        place = f"{self.base}/{fingerprint[:2]}/{fingerprint}/{digest[:12]}"
        published = Published(str(self.fs.unstrip_protocol(place)), digest, _total(manifest))
        if self.fs.exists(f"{place}/{MANIFEST}") and self.fs.cat_file(f"{place}/{MANIFEST}") == text:
            sizes = {
                name: self.fs.info(f"{place}/{name}")["size"] for name in manifest if self.fs.exists(f"{place}/{name}")
            }
            if all(sizes.get(name) == entry["bytes"] for name, entry in manifest.items()):
                return published
        for folder in {str(PurePosixPath(f"{place}/{name}").parent) for name in manifest}:
            self.fs.makedirs(folder, exist_ok=True)
        for name in manifest:
            self.fs.put_file(str(out / name), f"{place}/{name}")
        self.fs.pipe_file(f"{place}/{MANIFEST}", text)
        return published

    # --- reading ------------------------------------------------------------------------------------------------------

    def fetch(self, uri: str) -> Path:
        """A local folder with the artifact: the stored one itself on a file system, else a copy. Read only, please.

        Its content is compared with the manifest once per process, its files' sizes every time. An artifact of a root
        that was moved since is found in the present one.

        Raises:
            BadArtifact: the address is not of an artifact, or the artifact is missing, incomplete or changed.
        """
        address = ADDRESS.search(uri)
        if address is None or ".." in PurePosixPath(uri).parts:
            raise BadArtifact(f"not the address of an artifact: {shown(uri)}")
        fs, place = fsspec.core.url_to_fs(uri)
        if isinstance(fs, LocalFileSystem):
            folder = Path(str(place))
            if self.local and not folder.exists():
                folder = Path(self.base) / address["two"] / address["fingerprint"]
        else:
            folder = self.cache / address["two"] / address["fingerprint"] / str(address["digest"])
            with self._lock:  # one download at a time; another process's arrives whole or not at all
                if not folder.exists():
                    _download(fs, str(place), folder)
        with self._lock:
            known = self._verified.get(folder)
        digest = verify(folder, content=known is None)[1]
        if known not in (None, digest) or (address["digest"] or digest[:12]) != digest[:12]:
            raise BadArtifact(f"the manifest of {shown(uri, 200)} was changed")
        with self._lock:
            self._verified[folder] = digest
        return folder


# --- manifests --------------------------------------------------------------------------------------------------------


def manifest_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Every file below ``folder`` by its relative name, with digest and size; its manifest is left out.

    Raises:
        BadArtifact: there is none, or one is not a plain file, or has a name that could not be read back.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(_walk(folder)):
        name = path.relative_to(folder).as_posix()
        if name == MANIFEST:
            continue
        if not _plain(name):
            raise BadArtifact(f"a file of an artifact has the name {shown(name)}")
        found[name] = {"sha256": file_digest(path), "bytes": path.stat().st_size}
    if not found:
        raise BadArtifact("an artifact without files")
    return found


def verify(folder: Path, *, content: bool = True) -> tuple[Manifest, str]:
    """Compare a folder with its manifest: sizes, and digests if ``content``. Returns manifest and digest.

    Raises:
        BadArtifact: it is missing, incomplete or changed.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest: Manifest = json.loads(text)
    except (OSError, ValueError):
        raise BadArtifact(f"there is no artifact in {folder}") from None
    if not isinstance(manifest, dict) or not manifest:
        raise BadArtifact(f"the manifest in {folder} is empty")
    for name, entry in manifest.items():
        if not _plain(name) or not isinstance(entry, dict):
            raise BadArtifact(f"the manifest in {folder} names {shown(name)}")
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise BadArtifact(f"{path} is missing")
        if path.stat().st_size != entry.get("bytes") or (content and file_digest(path) != entry.get("sha256")):
            raise BadArtifact(f"{path} is not what was stored")
    return manifest, hashlib.sha256(text).hexdigest()


def _plain(name: str) -> bool:
    """Whether a relative name stays below its folder, in every file system."""
    return (
        0 < len(name) <= 300
        and all(part not in ("", ".", "..") for part in name.split("/"))
        and not any(c in '\\:*?"<>|' or ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in name)
        and name != MANIFEST
    )


def _walk(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
            else:
                raise BadArtifact(f"an artifact holds {shown(entry.name)}, which is not a plain file")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _total(manifest: Manifest) -> int:
    return sum(int(entry["bytes"]) for entry in manifest.values())


# --- file systems -----------------------------------------------------------------------------------------------------


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(folder: Path) -> None:
    """Bring a folder to the disk, files before the folders that name them, and make its files read-only."""
    folders = {folder}
    for path in _walk(folder):
        path.chmod(0o444)
        _sync(path)
        folders.update(p for p in path.parents if folder in p.parents)
    for each in sorted(folders, key=lambda p: len(p.parts), reverse=True):
        _sync(each)


def _replace(source: Path, target: Path) -> None:
    """Move a folder to where there is none, or one that is not whole, which then goes."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        with suppress(BadArtifact):
            verify(target)
            shutil.rmtree(source, ignore_errors=True)  # somebody else was quicker, with a whole one
            return
        aside = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        target.rename(aside)
        source.rename(target)
        shutil.rmtree(aside, ignore_errors=True)


def _download(fs: Any, place: str, folder: Path) -> None:
    """Copy an artifact from elsewhere to ``folder``, which appears at once and only if it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    staging.mkdir()
    try:
        try:
            text: bytes = fs.cat_file(f"{place}/{MANIFEST}")
            names = list(json.loads(text))
        except (FileNotFoundError, ValueError, TypeError):
            raise BadArtifact(f"there is no artifact at {shown(place, 200)}") from None
        for name in names:
            if not isinstance(name, str) or not _plain(name):
                raise BadArtifact(f"the manifest of {shown(place, 200)} names {shown(name)}")
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                fs.get_file(f"{place}/{name}", str(staging / name))
            except FileNotFoundError:
                raise BadArtifact(f"{shown(place, 200)} has no {shown(name)}") from None
        (staging / MANIFEST).write_bytes(text)
        _settle(staging)
        verify(staging)
        _replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
