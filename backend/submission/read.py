"""Single files of a submission, read as XTREME's ``evaluate.py`` reads them, with words for what it would stumble over.

Every reader raises ``Unreadable``, whose message names the line or the entry and what was expected there. Text is UTF-8; a
byte order mark is passed over, and lines may end as on any system.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.errors import shown

Gold = list[tuple[str, tuple[str, ...]]]  # question → its answers, in the order of the file


class Unreadable(Exception):
    """A file cannot be scored; the message says where and why."""


def text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"line {number}: not UTF-8") from None


def lines(path: Path) -> list[str]:
    """Without the white space around each, as the script strips them. A line break at the end begins no line.

    Not ``str.splitlines``: that also breaks at a line separator or form feed inside a line.
    """
    found = [line.strip() for line in text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if not found[-1]:
        del found[-1]
    if not found:
        raise Unreadable("holds no line")
    return found


def sentences(path: Path) -> list[list[str]]:
    """Tags, one a line; blank lines end a sentence."""
    every = lines(path)
    several = {line for line in set(every) if len(line.split()) > 1}  # few lines differ
    if several:
        number = next(number for number, line in enumerate(every, start=1) if line in several)
        raise Unreadable(f"line {number}: {shown(every[number - 1])} is not one tag; a line holds a tag and no token")
    found: list[list[str]] = [[]]
    for line in every:
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    kept = [sentence for sentence in found if sentence]
    if not kept:
        raise Unreadable("holds no tag")
    return kept


def pairs(path: Path) -> list[tuple[str, str]]:
    """Two sentence ids a line, with a tab between them."""
    found = []
    for number, line in enumerate(lines(path), start=1):
        cells = line.split("\t")
        if len(cells) != 2:
            raise Unreadable(f"line {number}: {shown(line)} is not two sentence ids with a tab between them")
        found.append((cells[0], cells[1]))
    return found


def choices(path: Path) -> list[str]:
    """The ``label`` of each line's JSON object, as text: ``0`` or ``1``. A label in quotes keeps them: it is another one."""
    found = []
    for number, line in enumerate(lines(path), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or "label" not in row:
            raise Unreadable(f"line {number}: {shown(line)} is not a JSON object with a label")
        found.append(json.dumps(row["label"]))
    return found


def answers(path: Path) -> dict[str, str]:
    """Predicted answers: ``{question: text}``."""
    for question, answer in (whole := json_object(path)).items():
        if not isinstance(answer, str):
            raise Unreadable(f"the answer to {shown(question)} is {shown(answer)}; expected text")
    return whole


def gold_answers(path: Path) -> Gold:
    """The questions of SQuAD's JSON and their answers."""
    found: Gold = []
    for _, qas in squad(json_object(path)):
        for entry in qas:
            texts = tuple(str(answer["text"]) for answer in entry["answers"])
            if not texts:
                raise Unreadable(f"question {shown(entry['id'])} has no answer")
            found.append((str(entry["id"]), texts))
    if not found:
        raise Unreadable("holds no question")
    if not any(answer for _, texts in found for answer in texts):
        raise Unreadable("every answer is empty: the labels are withheld, as in the test files that XTREME gives out")
    return found


def squad(whole: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]:
    """Each paragraph of SQuAD's JSON with its questions."""
    try:
        paragraphs = [p for article in whole["data"] for p in article["paragraphs"]]
        for paragraph in paragraphs:
            for entry in paragraph["qas"]:
                if not isinstance(entry["id"], str) or not all(isinstance(a["text"], str) for a in entry["answers"]):
                    raise TypeError
        yield from ((paragraph, paragraph["qas"]) for paragraph in paragraphs)
    except (KeyError, TypeError):
        raise Unreadable("is not SQuAD's JSON: expected data, paragraphs, qas, each with id and answers") from None


def ranked(path: Path) -> dict[str, list[str]]:
    """Candidates of each query: ``{query: [candidate, …]}``."""
    return ranking(json_object(path))


def ranking(whole: Mapping[str, Any]) -> dict[str, list[str]]:
    for query, candidates in whole.items():
        if not isinstance(candidates, list) or not all(isinstance(c, str) for c in candidates):
            raise Unreadable(f"the candidates of {shown(query)} are {shown(candidates)}; expected a list of texts")
    return dict(whole)


def json_object(path: Path) -> dict[str, Any]:
    """A file that holds one JSON object."""
    content = text(path)
    try:
        whole = json.loads(content)
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise Unreadable("not JSON that can be read: a number is too long, or it is nested too deeply") from None
    if not isinstance(whole, dict):
        raise Unreadable("is not a JSON object")
    return whole


def odd(values: Iterable[str], right: Callable[[str], bool], expected: str) -> str | None:
    """What to say of lines that say none of what is expected: the first of them, and how many there are. None: all do."""
    values = list(values)
    wrong = {value for value in set(values) if not right(value)}
    if not wrong:
        return None
    at = [(number, value) for number, value in enumerate(values, start=1) if value in wrong]
    number, value = at[0]
    more = f" (lines of this kind: {len(at)})" if len(at) > 1 else ""
    return f"line {number}: unknown label {shown(value)} counts as wrong{more}; expected {expected}"
