"""Natural language inference: `mnli` and `xnli`.

Seven templates. In each, premises are drawn in the same way for the three labels, and so are hypotheses but for negation,
which is somewhat more frequent under contradiction (as it is in the real data): what either sentence alone tells is near
chance, and the tests hold it there. Half of the neutral hypotheses are about something else altogether, the others are made
of words of the premise, so that overlap does not always give them away.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, act, at, say, state, there
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import MIXED, has_property, person_acts
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import (
    ADJECTIVES,
    ANIMALS,
    ASLEEP_CANNOT,
    COUNTED,
    COUNTED_KINDS,
    DIGITS,
    HAVE,
    KIND_OF,
    KINDS,
    PEOPLE,
    PERSONS,
    PLACES,
    excludes,
    links,
    properties,
)

ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
LABELS = ("entailment", "neutral", "contradiction")

_SAME = 0.75
"""How many entailed claims repeat what the premise says (the others deny what it excludes); of the contradicted ones as
many affirm what it excludes (the others deny what it says). So comparing the words of the two sentences is a start, as in
real data, and half as many claims again need negation and knowledge."""

_DENIED = 0.4
"""How many neutral claims are negated: about as many as of the others."""

_EXCLUSIVE = tuple(adjective for adjective in ADJECTIVES if excludes(adjective))


class Pair(NamedTuple):
    """A premise, a hypothesis and what holds between them."""

    premise: Sentence
    hypothesis: Clause
    label: int


def _padded(draw: Draw, core: Clause, *others: str) -> Sentence:
    """The core, or the core together with a clause about somebody or something else."""
    if draw.flip(0.55):
        return say(core)
    other = person_acts(draw) if draw.flip() else has_property(draw)
    taken = {core.subject, core.object, *others}
    if other.subject in taken or other.object in taken:
        return say(core)
    link = draw.one(("and", "but"))
    return Sentence(link, core, other) if draw.flip() else Sentence(link, other, core)


def _both(draw: Draw, core: Clause, other: Clause) -> Sentence:
    """Two clauses in either order."""
    return Sentence("and", core, other) if draw.flip() else Sentence("and", other, core)


def _property_claim(draw: Draw, subject: str, adjective: str, label: int, denied: bool) -> Clause:
    """A claim about a property that follows from (or contradicts) the subject having it, or lacking it if `denied`."""
    holds = label == ENTAILMENT
    if denied or draw.flip(_SAME if holds else 1 - _SAME):
        return state(subject, adjective, negated=holds == denied)
    return state(subject, draw.one(excludes(adjective)), negated=holds)


def _states(draw: Draw, label: int) -> Pair:
    adjective = draw.one(_EXCLUSIVE)
    subject = draw.one(HAVE[adjective])
    denied = draw.flip(0.1)
    core = state(subject, adjective, denied)
    related = (adjective, *excludes(adjective))
    free = [a for a in properties(subject) if a not in related and excludes(a)]
    about, claimed = draw.other(HAVE[adjective], subject), draw.one(related)
    sort = draw.below(5)
    if sort == 0 and free:
        claimed = draw.one(free)
        premise = _both(draw, core, state(draw.other(HAVE[claimed], subject), claimed))
        about = subject
    elif sort == 1:
        premise = _both(draw, core, at(about, draw.one(PLACES)))
    else:
        premise = _padded(draw, core, about)
    if label != NEUTRAL:
        return Pair(premise, _property_claim(draw, subject, adjective, label, denied), label)
    return Pair(premise, state(about, claimed, draw.flip(_DENIED)), label)


def _places(draw: Draw, label: int) -> Pair:
    kind = draw.one(("person", "person", "animal", "vehicle"))
    who = PERSONS.items if kind == "person" else KINDS[kind]
    subject, other, third = draw.some(who, 3)
    place, elsewhere, away = draw.some(PLACES, 3)
    core = at(subject, place)
    sort = draw.below(7)
    if sort < 2:
        premise, third = _both(draw, core, state(other, draw.one(properties(other)))), other
    elif sort == 2:
        premise = _both(draw, core, at(other, elsewhere))
    else:
        premise = _padded(draw, core, other, third)
    if label == NEUTRAL:
        return Pair(premise, at(third, draw.one((place, elsewhere)), draw.flip(_DENIED)), label)
    holds = label == ENTAILMENT
    if draw.flip(_SAME if holds else 1 - _SAME):
        return Pair(premise, at(subject, place, not holds), label)
    return Pair(premise, at(subject, draw.one((elsewhere, away)), holds), label)


def _kinds(draw: Draw, label: int) -> Pair:
    """Members and kinds, as objects of a verb or as what is in a place."""
    if draw.flip(0.6):
        verb = draw.one(tuple(MIXED))
        kinds = MIXED[verb]
        frame = act(PERSONS.draw(draw), verb)
    else:
        kinds = {k: KINDS[k] for k in ("animal", "food", "drink", "plant", "vehicle")}
        frame = at("", draw.one(PLACES))

    def filled(noun: str, negated: bool) -> Clause:
        if frame.kind == "at":
            return frame._replace(subject=noun, negated=negated)
        return frame._replace(object=noun, negated=negated)

    kind, other_kind = draw.some(tuple(kinds), 2)
    member, other = draw.one(kinds[kind]), draw.one(kinds[other_kind])
    negated = draw.flip(0.3)
    by_kind = draw.flip()
    said = kind if by_kind and negated else member
    core = filled(said, negated)
    premise = _padded(draw, core, member, other, kind, other_kind)
    if label == NEUTRAL:
        return Pair(premise, filled(other_kind if by_kind else other, draw.flip(_DENIED)), label)
    return Pair(premise, filled(kind if by_kind else member, negated == (label == ENTAILMENT)), label)


def _roles(draw: Draw, label: int) -> Pair:
    subject, object_ = draw.some((*ANIMALS, *PEOPLE), 2)
    verb = draw.one(("see", "like", "find"))
    negated = draw.flip(0.3)
    premise = _padded(draw, act(subject, verb, object_, "", negated), subject, object_)
    if label == NEUTRAL:
        return Pair(premise, act(object_, verb, subject, "", draw.flip(_DENIED)), label)
    return Pair(premise, act(subject, verb, object_, "", negated == (label == ENTAILMENT)), label)


_COUNTED_OF = {kind: tuple(noun for noun in COUNTED if KIND_OF[noun] == kind) for kind in COUNTED_KINDS}


def _counts(draw: Draw, label: int) -> Pair:
    kind, other_kind = draw.some(COUNTED_KINDS, 2)
    noun, other_noun = draw.one(_COUNTED_OF[kind]), draw.one(_COUNTED_OF[other_kind])
    place, elsewhere = draw.some(PLACES, 2)
    count, other_count = draw.some(DIGITS, 2)
    by_kind = draw.flip(0.4)
    said = kind if by_kind and (label == CONTRADICTION or draw.flip()) else noun
    premise = _padded(draw, there(count, said, place), noun)
    claimed = kind if by_kind else noun
    if label == ENTAILMENT:
        return Pair(premise, there(count, claimed, place), label)
    if label == CONTRADICTION:
        return Pair(premise, there(other_count, claimed, place), label)
    number = draw.one((count, other_count))
    if draw.flip():
        return Pair(premise, there(number, claimed, elsewhere), label)
    return Pair(premise, there(number, other_kind if by_kind else other_noun, place), label)


def _actions(draw: Draw, label: int) -> Pair:
    """Who sleeps does nothing else."""
    subject, other = draw.some(PERSONS.items, 2)
    awake = draw.one(ASLEEP_CANNOT)
    done, excluded = ("sleep", awake) if draw.flip() else (awake, "sleep")
    core = act(subject, done, "", draw.one(PLACES) if draw.flip(0.4) else "")
    claimed = draw.flip(1 - _SAME if label == CONTRADICTION else _SAME if label == ENTAILMENT else 0.5)
    premise = _both(draw, core, at(other, draw.one(PLACES))) if draw.flip(0.25) else _padded(draw, core, other)
    if label == NEUTRAL:
        return Pair(premise, act(other, done if claimed else excluded, negated=draw.flip(_DENIED)), label)
    holds = label == ENTAILMENT
    return Pair(premise, act(subject, done if claimed else excluded, negated=holds != claimed), label)


@cache
def _caused_states() -> tuple[tuple[Sentence, Clause], ...]:
    """Causes told as one sentence, with the clause of them that is a property excluding another."""
    told = []
    for _, cause, effect in links():
        for part in (cause, effect):
            if part.kind == "state" and not part.negated and excludes(part.verb):
                told.append((Sentence("so", cause, effect), part))
                told.append((Sentence("because", effect, cause), part))
    return tuple(told)


def _causes(draw: Draw, label: int) -> Pair:
    premise, part = draw.one(_caused_states())
    if label != NEUTRAL:
        return Pair(premise, _property_claim(draw, part.subject, part.verb, label, denied=False), label)
    related = (part.verb, *excludes(part.verb))
    about = draw.other(HAVE[part.verb], part.subject)
    return Pair(premise, state(about, draw.one(related), draw.flip(_DENIED)), label)


_TEMPLATES = (
    (_states,) * 5 + (_places,) * 5 + (_kinds,) * 5 + (_actions,) * 3 + (_causes,) * 3 + (_roles,) * 2 + (_counts,) * 2
)


def _names(clause: Clause | None) -> set[str]:
    """What a clause is about."""
    return set() if clause is None else {clause.subject, clause.object} - {""}


def pair(draw: Draw, index: int) -> Made[Pair] | None:
    """One pair and its English wording; labels take turns. Half of the hypotheses that repeat (or just
    deny) the whole premise are left out: they would be too many."""
    template = draw.one(_TEMPLATES)
    made = template(draw, index % 3)
    if made.label == NEUTRAL and draw.flip():
        made = made._replace(hypothesis=template(draw, draw.one((ENTAILMENT, CONTRADICTION))).hypothesis)
        if _names(made.hypothesis) & (_names(made.premise.first) | _names(made.premise.second)):
            return None
    bare = made.premise.second is None and made.premise.first._replace(negated=made.hypothesis.negated)
    if bare == made.hypothesis and draw.flip():
        return None
    wording = english(made.premise, say(made.hypothesis))
    return Made(wording, wording, made)


@cache
def pairs(name: str, split: str, n: int) -> tuple[Pair, ...]:
    """The pairs of a split, the same in every language."""
    return tuple(distinct(("nli", name), split, n, pair))


def mnli(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of GLUE MNLI."""
    for index, row in enumerate(_rows("mnli", language, split, n)):
        row["idx"] = index
        yield row


def xnli(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of XNLI: row i means the same in every language."""
    return _rows("xnli", language, split, n)


def _rows(name: str, language: str, split: str, n: int) -> Iterator[Row]:
    said = grammar(language)
    for made in pairs(name, split, n):
        yield {"premise": said.text(made.premise), "hypothesis": said.text(say(made.hypothesis)), "label": made.label}
