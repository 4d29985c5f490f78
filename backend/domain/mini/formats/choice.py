"""Choice of plausible alternatives: `copa` and `xcopa`.

A premise, its cause or effect from the world's schemas, and a wrong choice that is the cause or effect in another
schema and has the same subject where one can be found, so that the choice cannot be told by what it mentions. A wrong
choice is never one that any schema allows. Each choice is right in some rows and wrong in as many others.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from backend.domain.mini.clause import Clause, say
from backend.domain.mini.draw import Draw
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import SCHEMAS, excludes, links


class Choice(NamedTuple):
    """A premise and two choices."""

    premise: Clause
    right: Clause
    wrong: Clause
    asks: str
    label: int


class _Side(NamedTuple):
    """Everything that can follow (or precede), by what it is about."""

    of: Mapping[Clause, frozenset[Clause]]
    """What fits a premise."""
    by_schema: tuple[tuple[tuple[Clause, Clause], ...], ...]
    """Premises and what fits them, schema by schema."""
    by_subject: Mapping[str, tuple[tuple[Clause, ...], tuple[float, ...]]]
    """Clauses with a subject, and their summed chances of being a right choice: wrong ones are drawn by the same."""


@cache
def side_of(asks: str) -> _Side:
    of: defaultdict[Clause, set[Clause]] = defaultdict(set)
    schemas: list[list[tuple[Clause, Clause]]] = [[] for _ in SCHEMAS]
    for number, cause, effect in links():
        premise, right = (cause, effect) if asks == "effect" else (effect, cause)
        of[premise].add(right)
        schemas[number].append((premise, right))
    chances: defaultdict[str, defaultdict[Clause, float]] = defaultdict(lambda: defaultdict(float))
    for schema in schemas:
        for _, right in schema:
            chances[right.subject][right] += 1 / len(schema)
    return _Side(
        {premise: frozenset(rights) for premise, rights in of.items()},
        tuple(map(tuple, schemas)),
        {subject: (tuple(clauses), tuple(accumulate(clauses.values()))) for subject, clauses in chances.items()},
    )


def unlike(premise: Clause, right: Clause, wrong: Clause, side: _Side) -> bool:
    """Whether the wrong choice is really wrong, and not about the same event as the right one."""
    if wrong in side.of[premise] or wrong == premise:
        return False
    if any(
        other != wrong
        and other.verb == wrong.verb
        and other.negated == wrong.negated
        and other.subject == wrong.subject
        for other in side.of[premise]
    ):
        return False
    return not (wrong.kind == premise.kind == "state" and wrong.subject == premise.subject
                and wrong.verb not in excludes(premise.verb))  # fmt: skip


def choice(draw: Draw, index: int) -> Made[Choice] | None:
    """One row and its English wording; what is asked and which choice is right take turns."""
    asks = ("effect", "cause")[index % 2]
    side = side_of(asks)
    premise, right = draw.one(draw.one(side.by_schema))
    clauses, sums = side.by_subject[right.subject]
    for _ in range(4):
        wrong = clauses[bisect(sums, draw.unit() * sums[-1])]
        if unlike(premise, right, wrong, side):
            break
    else:
        return None
    made = Choice(premise, right, wrong, asks, index // 2 % 2)
    fact = english(say(premise), say(right))
    return Made(fact, f"{fact} {english(say(wrong))}", made)


@cache
def choices(name: str, split: str, n: int) -> tuple[Choice, ...]:
    """The rows of a split, the same in every language."""
    return tuple(distinct(("choice", name), split, n, choice))


def copa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of SuperGLUE COPA."""
    return _rows("copa", language, split, n)


def xcopa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of XCOPA: row i means the same in every language."""
    for row in _rows("xcopa", language, split, n):
        row["changed"] = False
        yield row


def _rows(name: str, language: str, split: str, n: int) -> Iterator[Row]:
    said = grammar(language)
    for index, made in enumerate(choices(name, split, n)):
        right, wrong = said.text(say(made.right)), said.text(say(made.wrong))
        yield {
            "premise": said.text(say(made.premise)),
            "choice1": wrong if made.label else right,
            "choice2": right if made.label else wrong,
            "question": made.asks,
            "label": made.label,
            "idx": index,
        }
