"""Cases of MultiCheckList from its official template file (google-research/xtreme, multichecklist/checklist_templates.tsv).

The file is a table. Its first column names what a line is: ``Name`` begins a test, then come ``Context``, ``Question`` and
``Answer`` templates, then the words that fill them (``adj``, ``state``, ``obj`` …). Every language has one or more columns,
each but the first with a ``-placeholders`` column after it; a cell there lists, in English, the fillers that the wording
beside it is for (``color, size``; ``a sofa, the sofa``). A line is one filler, in all languages.

A case draws one filler for each slot and two names, then fills every paragraph and question whose wording is for these
fillers. The draw is named by language and test: the same file gives the same cases on every machine.

What differs from the official generator, which draws with the CheckList package: **names** come from one short list (those
of that package, by language, are not in the file); the wording for a filler is chosen by one rule for all languages, where
the official script has one of its own for some; and of every test each language has the same number of cases.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from backend.domain.metrics.checklist import TESTS
from backend.errors import shown

#: The tests as the file names them.
TITLES: Mapping[str, str] = {
    "A is COMP than B. Who is more / less COMP?": "comparisons",
    "Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?": "intensifiers",
    "size, shape, age, color": "properties",
    "Profession vs nationality": "profession",
    "Animal vs Vehicle": "animal_vehicle",
    "Animal vs Vehicle v2": "animal_vehicle_v2",
}
#: Which lines fill the slots of a test. Those of the last are the words of the one before it.
SLOTS: Mapping[str, tuple[str, ...]] = {
    "comparisons": ("adj",),
    "intensifiers": ("state", "very", "somewhat"),
    "properties": ("obj",),
    "profession": ("profession", "nationality"),
    "animal_vehicle": ("animal", "vehicle"),
    "animal_vehicle_v2": ("animal", "vehicle"),
}
PROPERTIES = ("color", "size", "age", "shape", "material")
NAMES = tuple(
    "Anna Maria David Daniel Laura Sara Martin Peter Julia Robert Elena Thomas Victor Diana Simon Nina Oscar Clara Leo Emma".split()
)
TRIES = 200  # draws for a case before a test counts as one that cannot be filled
_SLOT = re.compile(r"\{([^{}]*)\}")
_BETWEEN = re.compile(r"\s*[,،、，၊]\s*")


class Wording(NamedTuple):
    """One cell, and the English fillers that it is for; none where it is for all."""

    text: str
    only: frozenset[str]


@dataclass
class Line:
    """A line of the file: its number from 1, its English text, and what it is in one language."""

    number: int
    english: str
    wordings: list[Wording]


@dataclass
class Template:
    """A test in one language."""

    name: str
    number: int
    contexts: list[Line] = field(default_factory=list)
    questions: list[tuple[Line, Line]] = field(default_factory=list)  # with their answers
    fillers: dict[str, list[Line]] = field(default_factory=dict)


def _key(text: str) -> str:
    """An English filler as lists of them spell it: with or without its article, in either case."""
    return re.sub(r"^(a|an|the)\s+", "", text.strip().lower())


def _keys(text: str) -> frozenset[str]:
    return frozenset(_key(part) for part in text.split(",") if part.strip())


def templates(path: Path, language: str) -> dict[str, Template]:
    """The six tests in one language.

    Raises:
        ValueError: begins with the number of the line, and says what was expected there.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    header = table[0] if table else []
    if header[:2] != ["Field", "en"]:
        raise ValueError(f"line 1: the first columns are {shown(header[:2])}; expected 'Field' and 'en'")
    columns = [at for at, name in enumerate(header) if name == language]
    if not columns:
        raise ValueError(f"line 1: there is no column of {language!a}; there are {', '.join(_languages(header))}")
    found: dict[str, Template] = {}
    current: Template | None = None
    asked: Line | None = None
    for number, cells in enumerate(table[1:], start=2):
        what = cells[0].strip() if cells else ""
        if not what:
            continue
        if len(cells) != len(header):
            raise ValueError(f"line {number}: {len(cells)} cells; expected {len(header)}, as in the first line")
        line = Line(number, cells[1].strip(), _wordings(header, cells, columns))
        if what == "Name":
            if line.english not in TITLES:
                raise ValueError(f"line {number}: no test is named {shown(line.english)}; expected {'; '.join(TITLES)}")
            current = Template(TITLES[line.english], number)
            found[current.name] = current
        elif what == "Capability":
            continue
        elif current is None:
            raise ValueError(f"line {number}: {what!a} before any test; expected a line 'Name' first")
        elif what == "Context":
            current.contexts.append(line)
        elif what == "Question":
            asked = line
        elif what == "Answer":
            if asked is None:
                raise ValueError(f"line {number}: an answer without a question; expected a line 'Question' before it")
            current.questions.append((asked, line))
            asked = None
        else:
            current.fillers.setdefault(what, []).append(line)
    for test in TESTS:
        if test not in found:
            title = next(t for t, name in TITLES.items() if name == test)
            raise ValueError(f"line {len(table)}: the test {shown(title)} is missing")
    found["animal_vehicle_v2"].fillers = {**found["animal_vehicle"].fillers, **found["animal_vehicle_v2"].fillers}
    for template in found.values():
        _complete(template, language)
    return found


def _languages(header: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(n for n in header[1:] if n and not n.endswith("-placeholders")))


def _wordings(header: Sequence[str], cells: Sequence[str], columns: Sequence[int]) -> list[Wording]:
    found = []
    for at in columns:
        beside = at + 1 < len(header) and header[at + 1] == f"{header[at]}-placeholders"
        if text := cells[at].strip():
            other = cells[at + 1].strip() if beside else ""
            if cells[0] == "Answer" and "{" in other:  # another form of the answer, as Quechua has it
                found += [Wording(text, frozenset()), Wording(other, frozenset())]
            else:
                found.append(Wording(text, _keys(other)))
    return found


def _complete(template: Template, language: str) -> None:
    wanted = (*SLOTS[template.name], *((*PROPERTIES, "property") if template.name == "properties" else ()))
    for name, lines in (("Context", template.contexts), ("Question", [q for q, _ in template.questions])):
        if not any(line.wordings for line in lines):
            raise ValueError(
                f"line {template.number}: {template.name} has no {name} in {language!a}; expected one or more"
            )
    for slot in wanted:
        if not any(line.wordings for line in template.fillers.get(slot, ())):
            raise ValueError(
                f"line {template.number}: {template.name} has no {slot!a} in {language!a}; expected one or more"
            )


def rows(path: Path, language: str, cases: int) -> Iterator[dict[str, Any]]:
    """Questions in SQuAD's shape, test by test; the id is test/case/paragraph/question. The answer is what is expected, which
    need not stand in the paragraph in just this form: ``answer_start`` is -1 then.

    Raises:
        ValueError: the file is not of the format, or a test cannot be filled.
    """
    for name, template in templates(path, language).items():
        seed = sha256(f"multichecklist/{language}/{name}".encode()).digest()
        draw = Random(int.from_bytes(seed[:8], "big")).random  # the one method that is the same in every Python
        for case in range(cases):
            made = next((m for m in (_case(template, language, draw) for _ in range(TRIES)) if m), None)
            if made is None:
                raise ValueError(
                    f"line {template.number}: {name} cannot be filled in {language!a}: in {TRIES} draws no paragraph and "
                    "question had a wording for the same fillers"
                )
            for number, (context, question, answer) in enumerate(made):
                yield {
                    "id": f"{name}/{case}/{number}",
                    "context": context,
                    "question": question,
                    "answers": {"text": [answer], "answer_start": [context.find(answer)]},
                    "at": f"line {template.number}",
                }


Keys = Mapping[str, frozenset[str]]  # kind of filler → English ones, as ``_key`` spells them


class _Filled(NamedTuple):
    """What a case is made of. ``place`` picks among wordings that fit alike: once for a case, so that they agree."""

    language: str
    names: Mapping[str, str]
    lines: dict[str, Line]  # slot → its filler
    chosen: dict[str, frozenset[str]]
    known: Keys
    place: float


def _case(template: Template, language: str, draw: Any) -> list[tuple[str, str, str]] | None:
    """Paragraph, question and expected answer, each paragraph with each question; None where the draw comes to nothing."""

    def one(items: Sequence[Any]) -> Any:
        return items[int(draw() * len(items))]

    first = one(NAMES)
    second = one([name for name in NAMES if name != first])
    drawn = {slot: one([line for line in template.fillers[slot] if line.wordings]) for slot in SLOTS[template.name]}
    asked: tuple[str | None, ...] = (None,) * len(template.questions)
    if template.name == "properties":
        kinds = [line for line in template.fillers["property"] if line.wordings and line.english in PROPERTIES]
        kind = one(kinds)
        other = one([line for line in kinds if line is not kind])
        drawn |= {"p.p1": kind, "p.p2": other}
        drawn |= {f"p.v{n}": one(template.fillers[line.english]) for n, line in enumerate((kind, other), start=1)}
        asked = (kind.english, other.english)
    filled = _Filled(
        language,
        {"first_name": first, "first_name1": second, "first_name2": second},
        drawn,
        {kind: _keys(line.english) for kind, line in drawn.items() if kind in template.fillers}
        | {"property": frozenset(about for about in asked if about)},
        _known(template),
        draw(),
    )
    contexts = [(line, said) for line in template.contexts if (said := _said(line, line, filled))]
    made = []
    for context, paragraph in contexts:
        for (question, answer), about in zip(template.questions, asked, strict=False):
            text = _said(question, question, _about(filled, template, about))
            expected = _answer(answer, context, paragraph, filled)
            if text is None or expected is None:
                return None
            made.append((paragraph, text, expected))
    return made or None


def _known(template: Template) -> Keys:
    """All fillers of each kind; a list may also name the paragraph or answer that a filler's form is for."""
    fillers = {
        kind: frozenset[str]().union(*(_keys(line.english) for line in lines))
        for kind, lines in template.fillers.items()
        if kind in SLOTS[template.name]
    }
    return {**fillers, "property": frozenset(PROPERTIES)}


def _about(filled: _Filled, template: Template, about: str | None) -> _Filled:
    """For a question about one property: whichever slot its wording has for the name of it (in some languages the first's in
    both questions), it is this one that is asked for."""
    if about is None:
        return filled
    name = next(line for line in template.fillers["property"] if line.english == about)
    return filled._replace(
        lines={**filled.lines, "p.p1": name, "p.p2": name}, chosen={**filled.chosen, "property": frozenset((about,))}
    )


def _fits(line: Line, where: Line, filled: _Filled) -> list[str]:
    """The wordings of a line for these fillers, used in ``where``: those that name them, else those that are for all.

    Of each kind of filler that a wording lists, what was drawn must be in the list; where it lists templates, ``where`` must.
    """
    named, general = [], []
    for text, only in line.wordings:
        if not only:
            general.append(text)
            continue
        kinds = [kind for kind, known in filled.known.items() if only & known]
        templates = [key for key in only if "{" in key]
        if (
            (kinds or templates)
            and all(only & filled.chosen.get(kind, frozenset()) for kind in kinds)
            and (not templates or _key(where.english) in templates)
        ):
            named.append(text)
    return named or general


def _said(line: Line, where: Line, filled: _Filled, wording: str | None = None) -> str | None:
    """The line with its slots filled by the forms for ``where``; None where there is no wording for them."""
    if wording is None:
        fitting = _fits(line, where, filled)
        if not fitting:
            return None
        wording = fitting[int(filled.place * len(fitting))]
    said, end = "", 0
    for slot in _SLOT.finditer(wording):
        filler = _filler(slot[1].removeprefix("a:"), where, filled)
        if filler is None:
            return None
        before = wording[end : slot.start()]
        begins = before.endswith(". ") and slot[1].startswith(
            "obj"
        )  # the article of an object, where it begins a sentence
        said += before + (filler[:1].upper() + filler[1:] if begins else filler)
        end = slot.end()
    return said + wording[end:]


def _filler(slot: str, where: Line, filled: _Filled) -> str | None:
    if slot in filled.names:
        return filled.names[slot]
    name, _, form = slot.partition("[")
    line = filled.lines.get({"s": "state"}.get(name, name))
    fitting = _fits(line, where, filled) if line is not None else []
    if not fitting:
        return None
    text = fitting[int(filled.place * len(fitting))]
    if not form:
        return text
    forms = [part for part in _BETWEEN.split(text) if part]
    if len(forms) < 2 and filled.language in ("th", "my"):
        forms = text.split()
    number = int(form.rstrip("]"))
    return forms[number] if number < len(forms) else None


def _answer(answer: Line, context: Line, paragraph: str, filled: _Filled) -> str | None:
    """The wording of the expected answer that stands in the paragraph, with the forms used there; else the first wording."""
    found = []
    for where in (context, answer):
        for text, _ in answer.wordings:
            said = _said(answer, where, filled, text)
            if said is not None:
                found.append(said)
    return next((said for said in found if said in paragraph), found[0] if found else None)
