"""The layouts of text that are read, by what a file is called and how it begins.

=====================  =====================================================================================================
``.txt``               a sentence or a paragraph a line
``.afr``, ``.en``, …   the same, one side of a pair of files, named by its language (Tatoeba)
``.conllu``            Universal Dependencies: the comments ``# text =``
``.tsv``               verses as ``id<TAB>text``; or a column a language, its first line naming them (``en<TAB>sw``), or the file's
                       name, in the order of the columns (``en-sw.tsv``)
``.xml``               the Corpus Encoding Standard, as the Bible corpus has it: ``<seg type="verse">``
``.json``              SQuAD's layout: the contexts, each once
=====================  =====================================================================================================

Other files are left alone. A file that is none of what its name promises is an error which names the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from backend.domain.text.naming import SPELLINGS, NoLanguage, named, one, suffix_language
from backend.errors import shown


class Bad(ValueError):
    """A file that is not of the layout that its name promises."""


class Layout(StrEnum):
    LINES = "lines"
    CONLLU = "CoNLL-U"
    VERSES = "id<TAB>text"
    COLUMNS = "a column a language"
    CES = "CES XML"
    CONTEXTS = "SQuAD contexts"


_TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
_CONTEXT = re.compile(r"(?:^|[^a-z])context-([a-z]{2,3})(?![a-z])")  # MLQA: dev-context-de-question-en.json
_TAGGED = re.compile(r"\S+[ \t](?:O|[BI]-[A-Z]+)")  # CoNLL's columns lie about as .txt too
_ID = re.compile(r"[\w.:;,/-]*\d[\w.:;,/-]*")  # 40001001, MAT.1.1, b.MAR.1:2


@dataclass(frozen=True, slots=True)
class Kind:
    """How a file is read. ``languages``: one, or of columns that of each, None for a column that is no text."""

    layout: Layout
    columns: tuple[str | None, ...]
    header: bool = False

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(code for code in self.columns if code is not None)

    @staticmethod
    def described() -> str:
        return ".txt, .conllu, .xml with verses, .tsv, SQuAD's .json, and files with a language's code as suffix (text.en-sw.sw)"

    def read(self, path: Path) -> Iterator[tuple[str, str]]:
        """(language, line), in the order of the file.

        Raises:
            Bad: it is not of its layout.
        """
        match self.layout:
            case Layout.CES:
                found: Iterator[tuple[str | None, str]] = ((self.columns[0], line) for line in _verses(path))
            case Layout.CONTEXTS:
                found = ((self.columns[0], line) for line in _contexts(path))
            case Layout.CONLLU:
                found = (
                    (self.columns[0], match[1])
                    for _, line in _numbered(path)
                    if (match := _TEXT.fullmatch(line)) is not None
                )
            case Layout.LINES:
                found = ((self.columns[0], line) for line in _plain(path))
            case Layout.VERSES | Layout.COLUMNS:
                found = self._cells(path)
        for language, line in found:
            line = " ".join(line.split())
            if language is not None and line:
                yield language, line

    def _cells(self, path: Path) -> Iterator[tuple[str | None, str]]:
        for number, line in _numbered(path):
            if (number == 1 and self.header) or not line.strip():
                continue
            cells = line.split("\t")
            if len(cells) != len(self.columns):
                raise Bad(f"line {number}: {len(cells)} cells; expected {len(self.columns)}, separated by tabs")
            if self.layout is Layout.VERSES and not _ID.fullmatch(cells[0].strip()):
                raise Bad(f"line {number}: id<TAB>text was expected, an id with a number in it, not {shown(cells[0])}")
            yield from zip(self.columns, cells, strict=True)


def kind_of(path: Path, name: str) -> Kind | None:
    """How the file at ``path`` is read, by ``name``, its path below the data root; None where it is no text.

    Raises:
        NoLanguage: the name tells no language, or several.
        Bad: a ``.tsv`` of another layout.
    """
    suffix = name.rpartition("/")[2].rpartition(".")[2].casefold()
    match suffix:
        case "txt":
            return None if _is_notice(name) else Kind(Layout.LINES, (one(name),))
        case "conllu":
            return Kind(Layout.CONLLU, (one(name),))
        case "xml":
            return Kind(Layout.CES, (one(name),))
        case "json":
            if (context := _CONTEXT.search(name)) is not None and context[1] in SPELLINGS:
                return Kind(Layout.CONTEXTS, (SPELLINGS[context[1]],))
            return Kind(Layout.CONTEXTS, (one(name),))
        case "tsv":
            return _table(path, name)
    language = suffix_language(name)
    return None if language is None else Kind(Layout.LINES, (language,))


def _is_notice(name: str) -> bool:
    """Licences and the like lie beside most corpora, as ``.txt`` too."""
    stem = name.rpartition("/")[2].rpartition(".")[0].casefold()
    return re.split(r"[^a-z]", stem)[0] in {"readme", "license", "licence", "copying", "notice", "changelog"}


def _table(path: Path, name: str) -> Kind:
    first = next((line for _, line in _numbered(path)), "")
    cells = [cell.strip() for cell in first.split("\t")]
    columns = tuple(SPELLINGS.get(cell.casefold()) for cell in cells)
    if _ID_NAME.fullmatch(cells[0]):  # "id" is no Indonesian there
        columns = (None, *columns[1:])
    texts = columns[1:] if columns[0] is None else columns
    if len(cells) > 1 and all(texts) and (columns[0] is not None or _ID_NAME.fullmatch(cells[0])):
        return Kind(Layout.COLUMNS, columns, header=True)
    languages = named(name)
    if len(languages) == 1 and len(cells) == 2:
        return Kind(Layout.VERSES, (None, languages[0]))
    if len(languages) == len(cells) and len(cells) > 1:
        return Kind(Layout.COLUMNS, tuple(languages))
    if not languages:
        raise NoLanguage("its name tells no language, nor does its first line name one a column")
    raise Bad(
        "line 1: expected id<TAB>text with one language in the file's name, or a column a language, named by the first line or "
        f"in order by the file's name, which tells {', '.join(languages)}; found {len(cells)} cells"
    )


_ID_NAME = re.compile(r"(?i)id|verse|verse[_ ]?id|ref|reference|vref|number|idx|index")


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their number from 1, without their ends; split at line feeds alone, with or without carriage return."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise Bad(f"line {number}: byte {raw[error.start]:#04x} is not UTF-8") from None
            yield number, line.rstrip("\r\n")


def _plain(path: Path) -> Iterator[str]:
    for number, line in _numbered(path):
        if number == 1 and _TAGGED.fullmatch(line):
            raise Bad(f"line 1: plain text was expected, not a token with its tag: {shown(line)}")
        yield line


def _verses(path: Path) -> Iterator[str]:
    """Text of the segments that are verses."""
    try:
        for _, element in ElementTree.iterparse(path, events=("end",)):  # noqa: S314 - entities do not expand without end
            if element.tag.rpartition("}")[2] == "seg" and element.get("type") == "verse":
                yield "".join(element.itertext())
                element.clear()
    except ElementTree.ParseError as error:
        raise Bad(f"it is no XML: {error}") from None


def _contexts(path: Path) -> Iterator[str]:
    """Contexts of SQuAD's JSON, each once and in one line; a context comes once a question in XTREME's processed files."""
    try:
        articles = json.loads(path.read_text(encoding="utf-8-sig"))["data"]
        seen: set[str] = set()
        for article in articles:
            for paragraph in article["paragraphs"]:
                context = paragraph["context"]
                if not isinstance(context, str):
                    raise TypeError
                if context not in seen:
                    seen.add(context)
                    yield context
    except UnicodeDecodeError as error:
        raise Bad(f"byte {error.object[error.start]:#04x} at byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Bad(f"line {error.lineno}: it is no JSON: {error.msg}") from None
    except (KeyError, TypeError, RecursionError):
        raise Bad("SQuAD's JSON was expected: data[].paragraphs[].context") from None
