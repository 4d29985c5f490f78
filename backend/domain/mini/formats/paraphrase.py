"""Whether two questions ask the same, or two sentences mean the same: `qqp` and `pawsx`.

In both, either text alone is drawn in the same way for both labels, so only comparing them tells.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, act, at, refer, say, state
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import person_acts
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import (
    ANIMALS,
    INTRANSITIVE,
    LIVES,
    PEOPLE,
    PEOPLE_AND_NAMES,
    PERSONS,
    PLACES,
    TRANSITIVE,
    is_person,
    links,
    properties,
)

DIFFERENT, SAME = range(2)

# --- questions -------------------------------------------------------------------------------------------------------

_VERBS = (*TRANSITIVE, *INTRANSITIVE)
_PROPERTIES = tuple(a for a in properties("Anna") if all(a in properties(who) for who in PEOPLE_AND_NAMES))


def _asked(draw: Draw, who: str, verb: str, told: Clause, other: Clause) -> tuple[Sentence, ...]:
    """What somebody does, or where: by itself, after something said of them (then perhaps with a pronoun), or after
    something said of somebody else too."""
    question = act(who, verb, TRANSITIVE[verb][0]) if verb in TRANSITIVE else act(who, verb, "", PLACES[0])
    slot = "object" if verb in TRANSITIVE else "place"
    form = draw.below(4)
    if form == 0:
        return (Sentence(f"ask:{slot}", question),)
    if form == 1:
        return (say(told), Sentence(f"ask:{slot}", refer(question)))
    if form == 2:
        return (Sentence("and", *draw.some((told, other), 2)), Sentence(f"ask:{slot}", question))
    return (say(other), Sentence(f"ask:{slot}", question))


def _told(draw: Draw, who: str) -> Clause:
    return state(who, draw.one(_PROPERTIES)) if draw.flip() else at(who, draw.one(PLACES))


def questions(draw: Draw, index: int) -> Made[tuple[str, str, int]] | None:
    """Two questions as text, and whether they ask the same; labels take turns."""
    label = index % 2
    who, other = draw.some(PERSONS.items, 2)
    verb = draw.one(_VERBS)
    facts = {who: _told(draw, who), other: _told(draw, other)}
    first = english(*_asked(draw, who, verb, facts[who], facts[other]))
    if label == SAME:
        asked, done = who, verb
    elif draw.flip(0.7):
        asked, done = other, verb
    else:
        asked, done = who, draw.other(_VERBS, verb)
    if draw.flip(0.3):
        facts = {who: _told(draw, who), other: _told(draw, other)}
    left = who if asked == other else other
    second = english(*_asked(draw, asked, done, facts[asked], facts[left]))
    if first == second:
        return None
    return Made(f"{first} {second}", f"{first} {second}", (first, second, label))


def qqp(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of GLUE QQP."""
    for index, (first, second, label) in enumerate(distinct(("paraphrase", "qqp"), split, n, questions)):
        yield {"question1": first, "question2": second, "label": label, "idx": index}


# --- sentences -------------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """Two sentences made of the same words, and whether they mean the same."""

    first: Sentence
    second: Sentence
    label: int


def _either(draw: Draw, one: Clause, other: Clause) -> Sentence:
    return Sentence("and", *draw.some((one, other), 2))


def _doers(draw: Draw, label: int) -> Pair:
    """Who does what: the same in another order, or the other way round."""
    who, other = draw.some(PERSONS.items, 2)
    sort = draw.below(3)
    if sort == 0:
        here, there = draw.some(PLACES, 2)
        clauses = at(who, here), at(other, there)
    elif sort == 1:
        verb, another = draw.some(tuple(TRANSITIVE), 2)
        clauses = act(who, verb, draw.one(TRANSITIVE[verb])), act(other, another, draw.one(TRANSITIVE[another]))
    else:
        verb = draw.one(INTRANSITIVE)
        clauses = act(who, verb), state(other, draw.one(_PROPERTIES))
    one, two = clauses
    first = _either(draw, one, two)
    if label == SAME:
        assert first.second is not None  # two clauses
        return Pair(first, Sentence("and", first.second, first.first), label)
    return Pair(first, _either(draw, one._replace(subject=other), two._replace(subject=who)), label)


def _done_to(draw: Draw, label: int) -> Pair:
    """Who sees whom, beside something else that somebody does."""
    subject, object_ = draw.some((*ANIMALS, *PEOPLE), 2)
    core = act(subject, draw.one(("see", "like", "find")), object_)
    beside = person_acts(draw)
    first = _either(draw, core, beside)
    if label == SAME:
        assert first.second is not None
        return Pair(first, Sentence("and", first.second, first.first), label)
    return Pair(first, _either(draw, core._replace(subject=object_, object=subject), beside), label)


def _why(draw: Draw, label: int) -> Pair:
    """Which of two is the cause of the other: in the world's order or against it, so that one sentence does not tell."""
    _, cause, effect = draw.one(links())
    if draw.flip():
        cause, effect = effect, cause
    told = [Sentence("because", effect, cause), Sentence("so", cause, effect)]
    turned = [Sentence("because", cause, effect), Sentence("so", effect, cause)]
    first, second = draw.some(told, 2)
    return Pair(first, second if label == SAME else draw.one(turned), label)


_TEMPLATES = (_doers,) * 4 + (_done_to,) * 3 + (_why,) * 2


def pair(draw: Draw, index: int) -> Made[Pair] | None:
    """One pair and its English wording; labels take turns."""
    made = draw.one(_TEMPLATES)(draw, index % 2)
    first, second = made.first.first, made.first.second
    assert second is not None
    names = [part for clause in (first, second) for part in (clause.subject, clause.object) if part in LIVES]
    if len(set(names)) < len(names) or not (is_person(first.subject) or is_person(second.subject) or len(names) < 2):
        return None
    wording = english(made.first, made.second)
    return Made(wording, wording, made)


@cache
def pairs(split: str, n: int) -> tuple[Pair, ...]:
    """The pairs of a split, the same in every language."""
    return tuple(distinct(("paraphrase", "pawsx"), split, n, pair))


def pawsx(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of PAWS-X: row i means the same in every language."""
    said = grammar(language)
    for index, made in enumerate(pairs(split, n)):
        yield {
            "id": index + 1,
            "sentence1": said.text(made.first),
            "sentence2": said.text(made.second),
            "label": made.label,
        }
