"""Unlabelled text of folders under the data root, to pretrain on: which files, of which language, how many lines, and the lines.

``collect`` looks at folders and reads every file once; a ``Corpus`` then gives the lines of a language, streaming, always in the
same order: files by path, lines as they stand. What pins it is ``Corpus.content``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.domain.language import LANGUAGES
from backend.domain.text.files import Bad, Kind, kind_of
from backend.domain.text.naming import NoLanguage
from backend.errors import Invalid, shown, unknown

__all__ = ["EXPONENT", "READER_VERSION", "Corpus", "TextFile", "Unreadable", "collect", "sampling"]

READER_VERSION = 1  # raise it when the same files would give other lines
EXPONENT = 0.3
"""Languages are drawn in proportion to n^0.3, n being their lines: XLM-R's α (Conneau et al. 2020, section 3.1)."""


class Unreadable(Invalid):
    """A folder or a file of text that cannot be used; names it and says what would be accepted."""

    title = "Text cannot be read"


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file. ``path`` is relative to the data root, with ``/``; ``lines`` counts those that are read, by language."""

    path: str
    kind: Kind
    sha256: str
    bytes: int
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Corpus:
    """Files under ``root`` and the languages that are read from them, in the order of their codes."""

    root: Path
    files: tuple[TextFile, ...]
    languages: tuple[str, ...]

    @property
    def lines(self) -> dict[str, int]:
        """Lines of each language."""
        return {code: sum(file.lines.get(code, 0) for file in self.files) for code in self.languages}

    @property
    def content(self) -> str:
        """SHA-256 over paths and digests of the files, the languages and the reader's version."""
        whole = [READER_VERSION, list(self.languages), [[f.path, f.sha256] for f in self.files]]
        return hashlib.sha256(json.dumps(whole, separators=(",", ":")).encode()).hexdigest()

    def read(self, language: str) -> Iterator[str]:
        """The lines of one language: not empty, without white space around them.

        Raises:
            Unreadable: a file cannot be read any more; names it.
        """
        for file in self.files:
            if language in file.lines:
                for found, line in _lines(self.root, file.path, file.kind):
                    if found == language:
                        yield line


def collect(root: Path, folders: Sequence[str], languages: Collection[str] | None = None) -> Corpus:
    """What there is to read in these folders, and in the folders in them.

    Args:
        root: the data root. Nothing outside it is read, also not by a link.
        folders: relative to the root; a single file is accepted too.
        languages: two-letter codes; None for all that are there. A file that names none of them is left out; where no
            languages are given, every file must name one.

    Raises:
        Unreadable: a folder is not there or holds nothing of these languages, a file's name tells no language, or a file is not
            of the layout that its name promises.
    """
    wanted = None if languages is None else set(languages)
    for code in sorted(wanted or ()):
        if code not in LANGUAGES:
            raise Unreadable(unknown("language", code, tuple(LANGUAGES)))
    found: dict[str, TextFile] = {}
    for folder in folders:
        for path in _files(root, folder):
            if path in found:
                continue
            kind = _kind(root, path, wanted)
            if kind is not None and (wanted is None or not wanted.isdisjoint(kind.languages)):
                file = _look(root, path, kind, wanted)
                if file.lines:
                    found[path] = file
    files = tuple(found[path] for path in sorted(found))
    there = sorted({code for file in files for code in file.lines})
    where = ", ".join(shown(folder) for folder in folders)
    if not there:
        asked = f" of {', '.join(sorted(wanted))}" if wanted else ""
        raise Unreadable(f"there is no text{asked} in {where}; read are {Kind.described()}")
    if wanted is not None and (absent := sorted(wanted - set(there))):
        raise Unreadable(f"there is no text of {', '.join(absent)} in {where}; there is of {', '.join(there)}")
    return Corpus(root, files, tuple(there))


def sampling(lines: Mapping[str, int], exponent: float = EXPONENT) -> dict[str, float]:
    """The share with which each language is drawn: p ∝ n^exponent (Conneau & Lample 2019; 1: as much as there is, 0: evenly)."""
    weights = {code: float(n) ** exponent for code, n in lines.items()}
    total = sum(weights.values())
    return {code: weight / total for code, weight in weights.items()}


def _files(root: Path, folder: str) -> list[str]:
    """Files of a folder by path relative to the root, hidden ones left out."""
    top = root.expanduser().resolve()
    start = (top / folder).resolve()
    if not start.is_relative_to(top):
        raise Unreadable(f"the folder {shown(folder)} is not inside the data root (CROSSLIFT_DATA_ROOT)")
    if start.is_file():
        return [start.relative_to(top).as_posix()]
    if not start.is_dir():
        raise Unreadable(f"there is no folder {shown(folder)} in the data root (CROSSLIFT_DATA_ROOT)")
    found = []
    for path in start.rglob("*"):
        inside = path.relative_to(top)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file():
            continue
        if not path.resolve().is_relative_to(top):
            raise Unreadable(f"{inside.as_posix()} leads out of the data root (CROSSLIFT_DATA_ROOT)")
        found.append(inside.as_posix())
    return sorted(found)


def _kind(root: Path, path: str, wanted: Collection[str] | None) -> Kind | None:
    """How a file is read; None for what is no text, and for a file without a language where others are asked for by name."""
    try:
        return kind_of(root / path, path)
    except NoLanguage as error:
        if wanted is not None:
            return None
        raise Unreadable(f"{path}: {error}") from None
    except (Bad, OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from error


def _look(root: Path, path: str, kind: Kind, wanted: Collection[str] | None) -> TextFile:
    sha, size = hashlib.sha256(), 0
    with (root / path).open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
            size += len(block)
    counts: dict[str, int] = {}
    for language, _ in _lines(root, path, kind):
        if wanted is None or language in wanted:
            counts[language] = counts.get(language, 0) + 1
    return TextFile(path, kind, sha.hexdigest(), size, dict(sorted(counts.items())))


def _lines(root: Path, path: str, kind: Kind) -> Iterator[tuple[str, str]]:
    try:
        yield from kind.read(root / path)
    except (Bad, OSError) as error:
        raise Unreadable(f"{path}: {error}") from error
