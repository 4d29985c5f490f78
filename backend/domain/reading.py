"""From rows to examples, and what to say of a row that is not one: where it is, what is wrong, what was expected.

Every check runs before anything is trained, on all three sources alike: a wrong offset or a label that is none would else
be learned from without a word.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backend.domain.task import Bitext, Choice, Example, Pair, Question, Task, Tokens
from backend.errors import CrossliftError, shown

#: Keys that readers add to a row: its number from 0, which stands in for a missing id, and where it is, in words.
LINE, AT = "line", "at"
UNPLACED = -1  # where an expected answer of a diagnostic stands that is no part of its paragraph


class MalformedData(CrossliftError):
    """A row that cannot be read as an example of its task."""

    status = 422
    title = "Data cannot be read"


def examples(task: Task, rows: Iterable[Mapping[str, Any]], where: str) -> Iterator[Example]:
    """The examples of these rows, without those that ``read`` leaves out.

    Args:
        where: what the rows are of, for messages: a file, a data set, a mini task.

    Raises:
        MalformedData: a row lacks a column, has a label that is none, tags that do not fit its tokens, an answer that does
            not stand where it is said to; or the reader of the file said that a line is not of its format.
    """
    numbered = enumerate(rows)
    while True:
        try:
            number, row = next(numbered)
        except StopIteration:
            return
        except (ValueError, KeyError, TypeError, csv.Error, RecursionError) as error:
            # UnicodeDecodeError and JSONDecodeError are ValueErrors
            raise MalformedData(f"{where}: {reason(error)}") from error
        place = f"{where}, {row.get(AT, f'row {number + 1}')}"
        try:
            example = task.read({LINE: number, **row})
        except KeyError as error:
            there = ", ".join(k for k in row if k not in (LINE, AT))
            raise MalformedData(f"{place}: column {error} is missing; the row has {there or 'none'}") from error
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise MalformedData(f"{place}: {reason(error)}") from error
        if example is None:
            continue
        fault = fault_in(task, example)
        if fault is not None:
            raise MalformedData(f"{place}: {fault}")
        yield example


def fault_in(task: Task, example: Example) -> str | None:
    """What makes this no example of the task, in words; None where nothing does."""
    match example:
        case Pair(first=first, second=second, label=label):
            if (wrong := _no_text(first, second or "")) is not None:
                return wrong
            if label is not None and not 0 <= label < len(task.labels):
                return f"label {label} is none of 0 to {len(task.labels) - 1} ({', '.join(task.labels)})"
        case Tokens(tokens=tokens, tags=tags):
            if not tokens:
                return "a sentence without tokens"
            if tags is not None and len(tags) != len(tokens):
                return f"{len(tags)} tags for {len(tokens)} tokens; expected one a token"
            beyond = [t for t in tags or () if not 0 <= t < len(task.labels)]
            if beyond:
                return f"tag {beyond[0]} is none of 0 to {len(task.labels) - 1}"
        case Question(question=question, context=context, answers=answers):
            if (wrong := _no_text(question, context)) is not None:
                return wrong
            for answer in answers:
                if task.diagnostic and answer.start == UNPLACED:
                    continue
                found = context[answer.start : answer.start + len(answer.text)] if answer.start >= 0 else ""
                if found != answer.text:
                    return (
                        f"answer {shown(answer.text)} was expected at character {answer.start} of the context, which has "
                        f"{shown(found)} there"
                    )
        case Choice(prompt=prompt, options=options, label=label):
            if (wrong := _no_text(prompt, *options)) is not None:
                return wrong
            if len(options) < 2:
                return f"{len(options)} options; expected two or more"
            if label is not None and not 0 <= label < len(options):
                return f"label {label} is none of 0 to {len(options) - 1}, the options"
        case Bitext(sentence=sentence, english=english):
            if not sentence or not english:
                return "an empty sentence"
    return None


def _no_text(*values: object) -> str | None:
    """What is wrong where one of these is no text: a column of numbers, an empty cell of a table."""
    wrong = [value for value in values if not isinstance(value, str)]
    return f"a text was expected, not {shown(wrong[0])}" if wrong else None


def answered(task: Task, example: Example) -> bool:
    """Whether it can be trained on and scored. XTREME withholds an answer as an empty text."""
    match example:
        case Question(answers=answers):
            return any(a.text for a in answers) or (task.unanswerable and not answers)
        case Tokens(tags=tags):
            return tags is not None
        case Pair(label=label) | Choice(label=label):
            return label is not None
    return True


def reason(error: Exception) -> str:
    """What an exception of a reader says, in one line."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#04x} at byte {error.start} of what was read is not UTF-8"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, RecursionError):  # of json, which speaks of the interpreter
        return "nested too deeply to be read"
    return str(error)
