"""An archive that somebody sent, unpacked where it can do no harm.

Nothing in it decides where a file is written: of each member only the last two parts of its name are used, the folder of a task and
a file in it, and both must be plain. What it unpacks to is limited by what it says of itself and again while it is read, since an
archive may lie. What is no file of a submission is left aside and named.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from backend.errors import Invalid, shown
from backend.submission.benchmarks import BENCHMARKS
from backend.submission.score import FILE

MOST_BYTES: Final = 64 << 20  # of the archive
MOST_UNPACKED: Final = 512 << 20
MOST_OF_ONE: Final = 128 << 20
MOST_MEMBERS: Final = 5000
MOST_LINES: Final = 2_000_000  # of one file; the longest of the benchmarks has some 300,000
MOST_NAMED: Final = 50  # of what is left aside
LABELS: Final = ("labels", "label", "gold")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_CHUNK: Final = 1 << 20
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip
_TASKS: Final = frozenset(name for benchmark in BENCHMARKS.values() for name in benchmark.tasks)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """``predictions`` and ``labels``: folders below where it was unpacked, None where the archive has none. ``top``: the folder of
    the archive that the predictions lay in. ``aside``: what was left, at most ``MOST_NAMED`` of it."""

    predictions: Path | None
    labels: Path | None
    top: str
    files: int
    bytes: int
    aside: list[str] = field(default_factory=list)


def unpack(archive: IO[bytes], into: Path, *, folder: str | None = None) -> Unpacked:
    """Write a submission's files, and its labels, where they are in it, below ``into``.

    Args:
        folder: which of several submissions in the archive.

    Raises:
        Invalid: it is no archive, is damaged or too large, or holds several submissions, or what is refused; says which member.
    """
    try:
        with zipfile.ZipFile(archive) as whole:
            return _unpack(whole, into, folder)
    except _DAMAGE as error:
        raise Invalid(f"The file is damaged, or no ZIP archive: {shown(str(error), 160)}.") from None


def _unpack(whole: zipfile.ZipFile, into: Path, folder: str | None) -> Unpacked:
    aside: list[str] = []
    found = _sorted(_members(whole), aside)
    gold = [top for top in found if top.rpartition("/")[2].lower() in LABELS]
    tops = sorted(top for top in found if top not in gold)
    if folder is not None:
        tops = [top for top in tops if top == folder]
    if len(tops) > 1:
        named = ", ".join(shown(top) for top in tops[:10])
        raise Invalid(
            f"The archive holds {len(tops)} submissions: {named}. Send one of them, or name it by its folder."
        )
    if not tops:
        where = f" below {shown(folder)}" if folder is not None else ""
        raise Invalid(f"The archive holds no submission{where}: files such as xnli/test-en.tsv are expected.")
    top = tops[0]
    beside = _labels(gold, top)
    written = 0
    budget = MOST_UNPACKED
    sides: dict[str, Path] = {}
    for name, chosen in (("predictions", top), ("labels", beside)):
        if chosen is None:
            continue
        sides[name] = into / name
        for task, infos in found[chosen].items():
            (sides[name] / task).mkdir(parents=True, exist_ok=True)
            for file, info in infos.items():
                budget -= _write(whole, info, sides[name] / task / file, budget)
                written += 1
    return Unpacked(
        sides["predictions"], sides.get("labels"), top, written, MOST_UNPACKED - budget, aside[:MOST_NAMED]
    )  # fmt: skip


def _members(whole: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that are files, once it is known that reading all of them is harmless."""
    infos = whole.infolist()
    if len(infos) > MOST_MEMBERS:
        raise Invalid(f"The archive has {len(infos):,} members; at most {MOST_MEMBERS:,} are accepted.")
    total = 0
    kept = []
    for info in infos:
        name = info.filename
        if info.is_dir():
            continue
        if (
            name.startswith(("/", "\\"))
            or ".." in re.split(r"[/\\]", name)
            or re.match(r"[A-Za-z]:", name)
            or "\0" in name
        ):
            raise Invalid(f"{shown(name)} points outside of the archive.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Invalid(f"{shown(name)} is a link; only files are accepted.")
        if info.flag_bits & 1:
            raise Invalid(f"{shown(name)} is encrypted.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Invalid(f"{shown(name)} is compressed in a way that is not accepted; deflate is.")
        if info.file_size > MOST_OF_ONE:
            raise Invalid(f"{shown(name)} has {info.file_size:,} bytes; at most {MOST_OF_ONE:,} are accepted.")
        total += info.file_size
        kept.append(info)
    if total > MOST_UNPACKED:
        raise Invalid(f"The archive unpacks to {total:,} bytes; at most {MOST_UNPACKED:,} are accepted.")
    return kept


def _sorted(infos: Sequence[zipfile.ZipInfo], aside: list[str]) -> Mapping[str, dict[str, dict[str, zipfile.ZipInfo]]]:
    """Folder of the archive → task → file → member."""
    found: dict[str, dict[str, dict[str, zipfile.ZipInfo]]] = defaultdict(dict)
    for info in infos:
        *above, task, file = ["", *info.filename.replace("\\", "/").split("/")]
        noise = any(part.startswith((".", "__MACOSX")) for part in (*above, task, file))
        ours = task in _TASKS or FILE.fullmatch(file) is not None
        if noise or not ours or not _PLAIN.fullmatch(task) or not _PLAIN.fullmatch(file):
            if not noise:
                aside.append(shown(info.filename, 120))
            continue
        top = "/".join(part for part in above if part)
        if file in found[top].setdefault(task, {}):
            raise Invalid(f"{shown(info.filename)} is in the archive twice.")
        found[top][task][file] = info
    return found


def _labels(gold: Sequence[str], top: str) -> str | None:
    """The labels that belong to it: beside it, else in it, else the only ones there are."""
    above = top.rpartition("/")[0]
    for place in gold:
        if place.rpartition("/")[0] in (above, top):
            return place
    return gold[0] if len(gold) == 1 else None


def _write(whole: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, budget: int) -> int:
    """Bytes that were written. Reading stops where the member holds more than it announced, or than is left, and where it has more
    lines than are accepted: a line is a text of its own once it is read, and line breaks alone take up next to nothing in an archive."""
    size = lines = 0
    with whole.open(info) as member, path.open("xb") as out:
        while chunk := member.read(_CHUNK):
            size += len(chunk)
            if size > info.file_size or size > budget:
                raise Invalid(f"{shown(info.filename)} holds more than the archive says.")
            lines += max(chunk.count(b"\n"), chunk.count(b"\r"))
            if lines > MOST_LINES:
                raise Invalid(f"{shown(info.filename)} has too many lines; at most {MOST_LINES:,} are accepted.")
            out.write(chunk)
    return size
