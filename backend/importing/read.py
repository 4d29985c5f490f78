"""Files of any known format to checked rows; all of their errors at once, or all of their rows."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.domain.imports import FileOrigin, ImportFormat, ImportRequest
from backend.domain.run import canonical
from backend.errors import FieldError, Invalid
from backend.importing import jiant, long, trainer, xtreme
from backend.importing.rows import Errors, Row, check_whole

Known = Mapping[str, object]  # what the files do not say themselves: column → value
Reader = Callable[[Sequence[tuple[str, bytes]], Errors, Known, str], list[Row]]


def _long(files: Sequence[tuple[str, bytes]], errors: Errors, known: Known, settings: str) -> list[Row]:
    for column in known:
        errors.say("request", f"{column} is given, but a table says it itself, row by row; leave it out")
    done: set[tuple[object, ...]] = set()
    return [row for name, content in files for row in long.read(name, content, errors, settings, done)]


READERS: Mapping[ImportFormat, Reader] = {
    "long": _long,
    "trainer": trainer.read,
    "jiant": jiant.read,
    "xtreme": xtreme.read,
}


@dataclass(frozen=True, slots=True)
class Import:
    """What was read: checked rows with their origin. ``sha256`` is over everything that was asked for."""

    rows: tuple[Row, ...]
    files: tuple[FileOrigin, ...]
    sha256: str
    notes: tuple[str, ...]


def read(request: ImportRequest) -> Import:
    """Read and check everything.

    Raises:
        Invalid: something cannot be taken; says file, line, column, value and what would be accepted, of everything that is
            wrong up to a limit.
    """
    files = [(file.name, _bytes(i, file.content)) for i, file in enumerate(request.files)]
    given = {"model": request.model, "recipe": request.recipe, "target": request.target, "language": request.language, "seed": request.seed}  # fmt: skip
    known = {column: value for column, value in given.items() if value is not None}
    errors = Errors()
    rows = READERS[request.format](files, errors, known, request.settings)
    check_whole(rows, errors)
    if not rows and not errors.count:
        errors.say(files[0][0], "holds no score")
    errors.check()
    origins = tuple(FileOrigin(name=n, sha256=hashlib.sha256(b).hexdigest(), bytes=len(b)) for n, b in files)
    asked = {
        "format": request.format, "source": request.source, "settings": request.settings, "known": known,
        "files": sorted(o.sha256 for o in origins),
    }  # fmt: skip
    digest = hashlib.sha256(canonical(asked).encode()).hexdigest()
    return Import(tuple(rows), origins, digest, tuple(_notes(rows)))


def _bytes(place: int, content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        message = "not base64; that is how a file's bytes are sent"
        raise Invalid("Nothing was imported.", errors=[FieldError(f"/files/{place}/content", message)]) from None


def _notes(rows: Sequence[Row]) -> list[str]:
    """What a person should look at."""
    notes = []
    if len(rows) >= 3 and all(row.value <= 1 for row in rows):
        notes.append("every value is at most 1: were these shares? Points from 0 to 100 are expected")
    if not any(row.recipe == "none" for row in rows):
        notes.append("no row has the recipe none: without a baseline of this source there are scores and no gains")
    return notes
