"""Pretraining text: the micro-world talked about in twelve languages, half of the lines with a second one mixed in.

A line is one to four sentences of one of ten sorts (`SORTS`, with their shares). Every language draws from its own
stream, so no line has a translation; what languages share is the world, the names, the digits, the shares, and the lines
of people who know two of them (`grammar.switching`).
"""

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from backend.domain.mini.clause import Clause, Sentence, act, at, refer, say, state, there
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import (
    are_counted,
    belongs,
    biography,
    consequence,
    contrast,
    exclusion,
    person_acts,
    sight,
    simple,
    subsumed,
    timed,
)
from backend.domain.mini.grammar import GRAMMARS, grammar
from backend.domain.mini.grammar.switching import switching
from backend.domain.mini.world import (
    ANIMALS,
    DIGITS,
    FOODS,
    HOME,
    KIND_OF,
    LIVES,
    NAMES,
    PEOPLE,
    PERSONS,
    PLACES,
    SCHEMAS,
    SCRIPTS,
    VEHICLES,
    bind,
    properties,
)

Line = list[Sentence]


def _values(draw: Draw, domains: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """A binding of variables; people by their frequency."""
    return {
        name: PERSONS.draw(draw) if name == "X" and len(choices) > len(PEOPLE) else draw.one(choices)
        for name, choices in domains.items()
    }


def _facts(draw: Draw) -> Line:
    line = [timed(draw, simple(draw))]
    while len(line) < 3 and draw.flip(0.35):
        line.append(timed(draw, simple(draw)))
    return line


def _life(draw: Draw) -> Line:
    who = draw.one(tuple(NAMES))
    line = [say(biography(draw, who))]
    while len(line) < 3 and draw.flip(0.6):
        clause = biography(draw, who)
        if all(clause != said.first for said in line):
            line.append(say(refer(clause) if draw.flip(0.4) else clause))
    return line


def _city(draw: Draw) -> Line:
    return [say(sight(draw))]


def _kinds(draw: Draw) -> Line:
    line = [say(belongs(draw))]
    if draw.flip(0.4):
        line.append(say(belongs(draw)))
    elif draw.flip(0.4):
        noun = draw.one(tuple(noun for noun in HOME if noun not in LIVES))
        place = draw.one(HOME[noun])
        line = [say(at(noun, place)), say(at(KIND_OF[noun], place))]
    return line


def _named_again(draw: Draw) -> Line:
    """The same thing called by its kind: Anna sees the dog. the animal is big."""
    noun = draw.one((*ANIMALS, *FOODS, *VEHICLES))
    kind = KIND_OF[noun]
    seen = act(PERSONS.draw(draw), "buy" if kind == "food" else "see", noun)
    first = seen if draw.flip() else at(noun, draw.one(PLACES))
    fitting = properties(noun)
    if fitting and draw.flip():
        return [say(first), say(state(kind, draw.one(fitting)))]
    return [Sentence("so", first, first._replace(object=kind) if first.object else first._replace(subject=kind))]


def _excluded(draw: Draw) -> Line:
    chance = draw.unit()
    return [exclusion(draw)] if chance < 0.2 else consequence(draw) if chance < 0.8 else subsumed(draw)


def _contrast(draw: Draw) -> Line:
    return [contrast(draw)]


def caused(draw: Draw, cause: Clause, effect: Clause) -> Line:
    """A cause and its effect, told in one of three ways."""
    same = cause.subject == effect.subject and bool(cause.subject)
    way = draw.below(5)
    if way < 2:
        return [Sentence("so", cause, refer(effect) if same else effect)]
    if way < 4:
        return [Sentence("because", effect, refer(cause) if same else cause)]
    return [say(cause), Sentence("then", refer(effect) if same else effect)]


def _causes(draw: Draw) -> Line:
    schema = draw.one(SCHEMAS)
    values = _values(draw, schema.domains)
    return caused(draw, bind(schema.cause, values), bind(schema.effect, values))


def _story(draw: Draw) -> Line:
    script = draw.one(SCRIPTS)
    values = _values(draw, script.domains)
    steps = [bind(step, values) for step in script.steps]
    start = draw.below(len(steps) - 2)
    line: Line = []
    for step in steps[start : start + 3 + draw.below(2)]:
        told = refer(step) if line and step.subject == line[-1].first.subject.lstrip("@") and draw.flip() else step
        line.append(Sentence("then", told) if line and draw.flip(0.6) else say(told))
    return line


def _asked(draw: Draw) -> Line:
    """Two or three facts, a question about one of them, its answer."""
    people = draw.some(PERSONS.items, 3)
    places = draw.some(PLACES, 3)
    sort = draw.below(4)
    facts: list[Clause]
    if sort == 0:
        facts = [at(who, place) for who, place in zip(people, places, strict=True)]
        slot = draw.one(("place", "subject"))
    elif sort == 1:
        facts = [person_acts(draw, who) for who in people]
        facts = [fact for fact in facts if fact.object and "*" not in fact.object] or [act(people[0], "eat", "bread")]
        slot = draw.one(("object", "subject"))
    elif sort == 2:
        first = are_counted(draw)
        facts = [first, there(draw.other(DIGITS, first.verb), first.object, draw.other(PLACES, first.place))]
        slot = "count"
    else:
        facts = [act(who, "sleep", "", place) for who, place in zip(people, places, strict=True)]
        slot = "place"
    facts = facts[:2]
    fact = draw.one(facts)
    return [*map(say, facts), Sentence(f"ask:{slot}", fact), Sentence(f"say:{slot}", fact)]


SORTS: tuple[tuple[float, Callable[[Draw], Line]], ...] = (
    (0.12, _facts),
    (0.12, _life),
    (0.03, _city),
    (0.05, _kinds),
    (0.05, _named_again),
    (0.26, _excluded),
    (0.03, _contrast),
    (0.12, _causes),
    (0.06, _story),
    (0.16, _asked),
)
_SUMS = tuple(accumulate(share for share, _ in SORTS))


SWITCHED = 0.5  # of the lines
TO_ENGLISH = 0.7  # of the switched lines of other languages; the rest, and English lines, go to any language alike
BETWEEN = 0.4  # of the switched lines change between sentences or clauses, the others within them
PHRASES = 0.5  # of the phrases of a line that changes within its sentences


def lines(language: str, version: int, count: int) -> Iterator[str]:
    """The first lines of a language."""
    draw = Draw(version, "text", language)
    said = grammar(language)
    for _ in range(count):
        line = SORTS[bisect(_SUMS, draw.unit() * _SUMS[-1])][1](draw)
        if draw.flip(SWITCHED):
            yield _switched(draw, language, line)
        else:
            yield said.paragraph([said.text(sentence) for sentence in line])


def _switched(draw: Draw, language: str, line: Line) -> str:
    """The line with another language in it."""
    embedded = "en" if language != "en" and draw.flip(TO_ENGLISH) else draw.other(tuple(GRAMMARS), language)
    mouth = switching(language, embedded)
    mouth.draw = draw
    if draw.flip(BETWEEN) and (len(line) > 1 or line[0].second is not None):
        return mouth.between(line, draw.flip())
    return mouth.within(line, PHRASES)
