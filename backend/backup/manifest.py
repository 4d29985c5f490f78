"""What a backup says about itself, and whether it is what it says."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from backend.errors import Conflict, Invalid, NotFound, shown

NAME: Final = "manifest.json"
FORMAT: Final = 1
CHUNK: Final = 1 << 20  # bytes


class Entry(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    bytes: int


class Missing(BaseModel):
    """An artifact that the database names and that could not be copied."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: int
    fingerprint: str
    why: str


class Manifest(BaseModel):
    """``schema_revision``: of the database. ``rows``: of each table. ``missing``: a backup that has any is incomplete."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    program: str
    made_at: str
    database: Literal["sqlite", "postgresql"]
    schema_revision: str
    rows: dict[str, int]
    artifacts: int
    missing: list[Missing]
    files: dict[str, Entry]

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.files.values())


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a backup, whole or not at all."""
    making = folder / f".{NAME}"
    with making.open("w") as file:
        file.write(json.dumps(manifest.model_dump(mode="json"), indent=1))
        file.flush()
        os.fsync(file.fileno())
    making.replace(folder / NAME)


def read(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        NotFound: there is none: no backup, or one that was not finished.
        Conflict: it was made by a later version.
        Invalid: it cannot be read.
    """
    try:
        raw: Any = json.loads((folder / NAME).read_bytes())
    except FileNotFoundError:
        raise NotFound(f"{folder} is no finished backup: it has no {NAME}.") from None
    except (OSError, ValueError) as error:
        raise Invalid(f"{folder / NAME} cannot be read: {error}") from None
    if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise Conflict(
            f"{folder} was made by a later version of this program, {shown(raw.get('program'))}: use that one."
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"{folder / NAME} is no manifest of a backup: {where}: {first['msg']}") from None


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare every file with what the manifest says of it.

    Raises:
        Invalid: a file is missing, changed, or not in the manifest; says which.
    """
    for name, entry in manifest.files.items():
        path = folder / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise Invalid(f"The manifest of {folder} names {shown(name)}, which is outside it.")
        if path.is_symlink() or not path.is_file():
            raise Invalid(f"The backup is damaged: {path} is missing.")
        if path.stat().st_size != entry.bytes:
            raise Invalid(f"The backup is damaged: {path} has {path.stat().st_size} bytes instead of {entry.bytes}.")
        if digest(path) != entry.sha256:
            raise Invalid(f"The backup is damaged: {path} has another SHA-256 than its manifest says.")
    known = set(manifest.files) | {NAME}
    strange = next((name for name in names(folder) if name not in known), None)
    if strange is not None:
        raise Invalid(f"{folder / strange} is not in the backup's manifest.")


def names(folder: Path) -> Iterator[str]:
    """Every file below a folder, relative to it."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() or path.is_symlink():
            yield path.relative_to(folder).as_posix()


def entry(path: Path) -> Entry:
    return Entry(sha256=digest(path), bytes=path.stat().st_size)


def digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
