"""Cases of `multichecklist`: six tests of two facts each, both orders of the facts with both questions.

The world has no comparatives, adverbs of degree or names of nations, so that each test keeps the *form* of the real one and
takes what the world can say: `comparisons` and `intensifiers` tell two people and two places apart, by what is done and by
how many there are; `properties` asks how many there are and what somebody eats, `profession` what somebody eats and where
they are, so that the sort of the answer tells; `animal_vehicle` and `animal_vehicle_v2` are as the real ones: which animal
somebody sees, and who sees an animal. An encoder that knows sorts but does not read who is asked about can pass these two alone.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, act, at, say, there
from backend.domain.mini.draw import Draw
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.formats.span import Question, paragraph
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import COUNTED, DIGITS, KINDS, PERSONS, PLACES, TRANSITIVE


class Case(NamedTuple):
    """Two facts and a question on each, with the slots that answer them."""

    facts: tuple[Clause, Clause]
    asked: tuple[Sentence, Sentence]
    slots: tuple[str, str]


def _comparisons(draw: Draw) -> Case:
    first, second = draw.some(PERSONS.items, 2)
    verb = draw.one(("eat", "buy", "see", "take", "find"))
    facts = tuple(
        act(who, verb, thing) for who, thing in zip((first, second), draw.some(TRANSITIVE[verb], 2), strict=True)
    )
    return _asked(facts[0], facts[1], "subject")


def _intensifiers(draw: Draw) -> Case:
    noun = draw.one(COUNTED)
    counts, places = draw.some(DIGITS, 2), draw.some(PLACES, 2)
    return _asked(there(counts[0], noun, places[0]), there(counts[1], noun, places[1]), "count")


def _properties(draw: Draw) -> Case:
    counted = there(draw.one(DIGITS), draw.one(COUNTED), draw.one(PLACES))
    facts = counted, act(draw.one(PERSONS.items), "eat", draw.one(TRANSITIVE["eat"]))
    return Case(facts, (Sentence("ask:count", facts[0]), Sentence("ask:object", facts[1])), ("count", "object"))


def _profession(draw: Draw) -> Case:
    who = draw.one(PERSONS.items)
    facts = act(who, "eat", draw.one(TRANSITIVE["eat"])), at(who, draw.one(PLACES))
    return Case(facts, (Sentence("ask:object", facts[0]), Sentence("ask:place", facts[1])), ("object", "place"))


def _animal_vehicle(draw: Draw) -> Case:
    who = draw.one(PERSONS.items)
    facts = act(who, "see", draw.one(KINDS["animal"])), act(who, "see", draw.one(KINDS["vehicle"]))
    asked = tuple(Sentence("ask:object", act(who, "see", "?" + kind)) for kind in ("animal", "vehicle"))
    return Case(facts, (asked[0], asked[1]), ("object", "object"))


def _animal_vehicle_v2(draw: Draw) -> Case:
    who, other = draw.some(PERSONS.items, 2)
    facts = act(who, "see", draw.one(KINDS["animal"])), act(other, "see", draw.one(KINDS["vehicle"]))
    asked = tuple(Sentence("ask:subject", act(who, "see", kind)) for kind in ("animal", "vehicle"))
    return Case(facts, (asked[0], asked[1]), ("subject", "subject"))


def _asked(first: Clause, second: Clause, slot: str) -> Case:
    return Case((first, second), (Sentence(f"ask:{slot}", first), Sentence(f"ask:{slot}", second)), (slot, slot))


_TESTS: Mapping[str, Callable[[Draw], Case]] = {
    "comparisons": _comparisons,
    "intensifiers": _intensifiers,
    "properties": _properties,
    "profession": _profession,
    "animal_vehicle": _animal_vehicle,
    "animal_vehicle_v2": _animal_vehicle_v2,
}
QUESTIONS = 4
"""Of a case: two orders of the facts, two questions."""


@cache
def _cases(test: str, split: str, n: int) -> tuple[Case, ...]:
    def made(draw: Draw, _: int) -> Made[Case]:
        case = _TESTS[test](draw)
        wording = english(*map(say, case.facts), *case.asked)
        return Made(wording, wording, case)

    return tuple(distinct(("multichecklist", test), split, n, made))


def multichecklist(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows in SQuAD's shape, n of them; ids are test/case/number, and row i means the same in every language."""
    said = grammar(language)
    for test in _TESTS:
        for number, case in enumerate(_cases(test, split, n // (QUESTIONS * len(_TESTS)))):
            place = 0
            for order in ((0, 1), (1, 0)):
                facts = tuple(case.facts[i] for i in order)
                for about, asked in enumerate(case.asked):
                    context, answer, start = paragraph(
                        said, Question(facts, order.index(about), asked, case.slots[about])
                    )
                    yield {
                        "id": f"{test}/{number}/{place}",
                        "context": context,
                        "question": said.text(asked),
                        "answers": {"text": [answer], "answer_start": [start]},
                    }
                    place += 1
