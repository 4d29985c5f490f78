"""What a run is pretrained on, written down whole: which files with which content, how languages are drawn, what is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.text import READER_VERSION, Corpus, TextFile
from backend.domain.text.files import kind_of

Exponent = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class TextPart(BaseModel):
    """One file as it was when the run was planned. ``path`` is relative to the data root."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    bytes: int
    lines: Mapping[str, int]


class TextSpec(BaseModel):
    """Text of folders under the data root. All of it enters the fingerprint; the files' digests pin it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: int = READER_VERSION
    languages: tuple[str, ...]
    files: tuple[TextPart, ...]
    exponent: Exponent  # languages are drawn by lines^exponent
    masked: Share  # of the sub-words, hidden in training

    @classmethod
    def of(cls, corpus: Corpus, *, exponent: float, masked: float) -> TextSpec:
        parts = tuple(TextPart(path=f.path, sha256=f.sha256, bytes=f.bytes, lines=f.lines) for f in corpus.files)
        return cls(languages=corpus.languages, files=parts, exponent=exponent, masked=masked)

    @property
    def lines(self) -> dict[str, int]:
        """Lines of each language."""
        return {code: sum(f.lines.get(code, 0) for f in self.files) for code in self.languages}

    def corpus(self, root: Path) -> Corpus:
        """The same files below this data root, to be read; their content is not looked at.

        Raises:
            Unreadable: a file is not there, or not of a layout that is read; names it.
        """
        files = []
        for part in self.files:
            kind = kind_of(root / part.path, part.path)
            assert kind is not None  # it was read when the run was planned, and the layout follows from the name
            files.append(TextFile(part.path, kind, part.sha256, part.bytes, dict(part.lines)))
        return Corpus(root, tuple(files), self.languages)
