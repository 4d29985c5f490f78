"""Sentences that are true or at least likely in the micro-world, drawn one by one; language-free.

Pretraining text, tagged sentences, translations and the padding of premises and paragraphs are all made of these.
"""

from collections.abc import Mapping

from backend.domain.mini.clause import Clause, Sentence, act, at, isa, refer, say, state, there, weather
from backend.domain.mini.draw import Draw, Zipf
from backend.domain.mini.world import (
    ADJECTIVES,
    ANIMALS,
    ATTRIBUTES,
    CITIES,
    CITY_SIGHT,
    CITY_WEATHER,
    COUNTABLE_ACTS,
    COUNTED,
    DIET,
    DIGITS,
    HAVE,
    HOME,
    INTRANSITIVE,
    KIND_OF,
    LIVES,
    MASS,
    NAMES,
    PERSONS,
    PLACES,
    PLANTS,
    THINGS,
    TRANSITIVE,
    USUAL_COUNT,
    USUALLY,
    VEHICLES,
    excludes,
    properties,
)

_VERBS = Zipf(tuple(TRANSITIVE))
_OBJECTS: Mapping[str, Zipf[str]] = {verb: Zipf(objects) for verb, objects in TRANSITIVE.items()}
_PLACES = Zipf(PLACES)
_ANIMALS = Zipf(ANIMALS)
_ADJECTIVES = Zipf(ADJECTIVES)
_HAVE: Mapping[str, Zipf[str]] = {adjective: Zipf(who) for adjective, who in HAVE.items()}
_SOMEWHERE: tuple[str, ...] = tuple(noun for noun in HOME if noun not in LIVES)
_COUNTED = Zipf(COUNTED)
_MEMBERS = Zipf(tuple(noun for noun in KIND_OF if noun != "money"))
_FALLING = ("cup", "apple", "tree", "boy", "girl", "umbrella")
_INTRANSITIVE = Zipf(INTRANSITIVE)
_USUAL = Zipf((*tuple(NAMES)[:6], *tuple(USUALLY)[: -len(LIVES)], *tuple(LIVES)[6:]))
_COUNTED_VERBS = tuple(COUNTABLE_ACTS)


def person_acts(draw: Draw, who: str = "") -> Clause:
    """Somebody does something, perhaps somewhere: Anna reads the book in the school."""
    who = who or PERSONS.draw(draw)
    if draw.flip(0.55):
        return usual(draw, who)
    place = _PLACES.draw(draw) if draw.flip(0.2) else ""
    if draw.flip(0.25):
        return act(who, _INTRANSITIVE.draw(draw), "", place)
    if draw.flip(0.08):
        verb = draw.one(_COUNTED_VERBS)
        noun = draw.one(COUNTABLE_ACTS[verb])
        return act(who, verb, f"{USUAL_COUNT[noun] if draw.flip() else draw.one(DIGITS)}*{noun}", place)
    if draw.flip(0.15):
        return act(who, "go", "", _PLACES.draw(draw))
    verb = _VERBS.draw(draw)
    return act(who, verb, _OBJECTS[verb].draw(draw), place)


def usual(draw: Draw, who: str) -> Clause:
    """Something that somebody usually does."""
    life = LIVES[who]
    fact = draw.below(8)
    if fact == 0:
        return act(who, "eat", life.food)
    if fact == 1:
        return act(who, "drink", life.drink)
    if fact == 2:
        return act(who, draw.one(("like", "see")), life.pet)
    if fact == 3:
        return act(who, draw.one(_VERBS_FOR[life.thing]), life.thing)
    if fact == 4:
        return act(who, draw.one(_VERBS_FOR[life.vehicle]), life.vehicle)
    if fact == 5:
        return act(who, life.habit, "", life.work if draw.flip(0.3) else "")
    if fact == 6:
        return act(who, "go", "", life.work)
    return act(who, "work", "", life.work)


def animal_acts(draw: Draw) -> Clause:
    """An animal does something."""
    who = _ANIMALS.draw(draw)
    place = draw.one(HOME[who]) if draw.flip(0.4) else ""
    if draw.flip():
        return act(who, "eat", draw.one(DIET[who]), place)
    if draw.flip(0.4):
        return act(who, "see", draw.other(ANIMALS, who), place)
    if who == "bird":
        return act(who, "fly", "", place)
    if who == "fish":
        return act(who, "swim", "", place)
    return act(who, draw.one(("run", "sleep")), "", place)


def has_property(draw: Draw) -> Clause:
    """Something is as it can be, more often than not as it usually is: the tea is hot."""
    if draw.flip():
        who = _USUAL.draw(draw)
        return state(who, USUALLY[who])
    adjective = _ADJECTIVES.draw(draw)
    return state(_HAVE[adjective].draw(draw), adjective)


def is_somewhere(draw: Draw) -> Clause:
    """Something or somebody is in a place, more often than not the usual one."""
    who = PERSONS.draw(draw) if draw.flip() else draw.one(_SOMEWHERE)
    home = HOME.get(who)
    return at(who, draw.one(home) if home and draw.flip(0.7) else _PLACES.draw(draw))


def are_counted(draw: Draw) -> Clause:
    """There are so many, more often than not the usual number."""
    noun = _COUNTED.draw(draw)
    count = USUAL_COUNT[noun] if draw.flip() else draw.one(DIGITS)
    return there(count, noun, _PLACES.draw(draw))


def happens(draw: Draw) -> Clause:
    """Things grow, fall, come; weather."""
    kind = draw.below(4)
    if kind == 0:
        return act(draw.one(PLANTS), "grow", "", _PLACES.draw(draw) if draw.flip() else "")
    if kind == 1:
        return act(draw.one(_FALLING), "fall")
    if kind == 2:
        return act(draw.one(VEHICLES[1:3]), "come")
    city = draw.one(CITIES)
    return weather(CITY_WEATHER[city], city)


def belongs(draw: Draw) -> Clause:
    """What kind of thing something is."""
    noun = _MEMBERS.draw(draw)
    every = noun not in MASS and KIND_OF[noun] != "colour" and draw.flip()
    return isa(noun, KIND_OF[noun], every)


def simple(draw: Draw) -> Clause:
    """One clause of any sort."""
    chance = draw.unit()
    if chance < 0.42:
        clause = person_acts(draw)
    elif chance < 0.54:
        clause = animal_acts(draw)
    elif chance < 0.74:
        clause = has_property(draw)
    elif chance < 0.88:
        clause = is_somewhere(draw)
    elif chance < 0.95:
        return are_counted(draw)
    else:
        return happens(draw)
    if draw.flip(0.12):
        clause = clause._replace(negated=True)
    if draw.flip(0.15):
        clause = described(draw, clause)
    return clause


def described(draw: Draw, clause: Clause) -> Clause:
    """The clause with an adjective before its subject, where one fits: the red car."""
    fitting = [a for a in properties(clause.subject) if a in ATTRIBUTES]
    if clause.kind == "state":
        fitting = [a for a in fitting if a != clause.verb and a not in excludes(clause.verb)]
    return clause._replace(subject=f"{draw.one(fitting)}+{clause.subject}") if fitting else clause


def contrast(draw: Draw) -> Sentence:
    """Two clauses of the same sort about different subjects: Anna is in the school, but Omar is not in the school."""
    clause = has_property(draw) if draw.flip() else is_somewhere(draw)
    if clause.kind == "state":
        other = draw.other(HAVE[clause.verb], clause.subject)
        opposite = excludes(clause.verb)
        if opposite and draw.flip(0.6):
            return Sentence("but", clause, state(other, draw.one(opposite)))
        second = state(other, clause.verb)
    else:
        other = draw.other(PERSONS.items, clause.subject)
        if draw.flip():
            return Sentence("and", clause, at(other, draw.other(PLACES, clause.place)))
        second = at(other, clause.place)
    return Sentence("but", clause, second._replace(negated=True)) if draw.flip() else Sentence("and", clause, second)


def exclusion(draw: Draw) -> Sentence:
    """What follows from what cannot be both: the soup is hot, so it is not cold."""
    if draw.flip(0.7):
        adjective = draw.other(ADJECTIVES, "thirsty", "tired", "broken")
        clause = state(draw.one(HAVE[adjective]), adjective)
        denied = state(clause.subject, draw.one(excludes(adjective)), negated=True)
    elif draw.flip(0.7):
        clause = is_somewhere(draw)
        denied = at(clause.subject, draw.other(PLACES, clause.place), negated=True)
    else:
        clause = act(PERSONS.draw(draw), "sleep")
        denied = act(clause.subject, draw.one(INTRANSITIVE[1:]), negated=True)
    if draw.flip():
        return Sentence("so", clause, refer(denied))
    return Sentence("because", denied, refer(clause))


def biography(draw: Draw, who: str) -> Clause:
    """Something that is always true of somebody with a name."""
    life = NAMES[who]
    fact = draw.below(10)
    if fact == 0:
        return act(who, "live", "", life.city)
    if fact == 1:
        return state(who, life.trait)
    return usual(draw, who)


def sight(draw: Draw) -> Clause:
    """Something that is always true of a city."""
    city = draw.one(CITIES)
    return there(*CITY_SIGHT[city], city) if draw.flip() else weather(CITY_WEATHER[city], city)


def consequence(draw: Draw) -> list[Sentence]:
    """Two facts, then what follows from one of them: Anna is in the park and Omar is in the school. Omar is not in the
    park. Whether the last sentence is negated can only be known from the facts."""
    sort = draw.below(5)
    claimed: tuple[Clause, ...]
    if sort < 2:
        who, other = draw.some(PERSONS.items, 2)
        place, elsewhere = draw.some(PLACES, 2)
        facts = (at(who, place), at(other, elsewhere))
        claimed = (at(who, elsewhere), at(other, place))
    elif sort < 4:
        adjective = draw.other(ADJECTIVES, "thirsty", "tired", "broken")
        opposite = draw.one(excludes(adjective))
        who, other = draw.some(HAVE[adjective], 2)
        facts = (state(who, adjective), state(other, opposite))
        claimed = (state(who, opposite), state(other, adjective))
    else:
        who, other = draw.some(PERSONS.items, 2)
        verb = draw.one(INTRANSITIVE[1:])
        facts = (act(who, "sleep"), act(other, verb))
        claimed = (act(who, verb), act(other, "sleep"))
    follows = draw.one(facts if draw.flip() else claimed)
    follows = follows._replace(negated=follows not in facts)
    if follows.negated and draw.flip():
        return [say(next(fact for fact in facts if fact.subject == follows.subject)), say(follows)]
    return [Sentence(draw.one(("and", "but")), *facts), say(follows)]


def subsumed(draw: Draw) -> list[Sentence]:
    """The same said of the kind: Anna sees the dog and Omar sees the car. Anna sees the animal."""
    verb = draw.one(tuple(MIXED))
    who, other = draw.some(PERSONS.items, 2)
    kind, other_kind = draw.some(tuple(MIXED[verb]), 2)
    facts = (act(who, verb, draw.one(MIXED[verb][kind])), act(other, verb, draw.one(MIXED[verb][other_kind])))
    follows = act(who, verb, kind) if draw.flip() else act(who, verb, other_kind, negated=True)
    if draw.flip(0.4):
        return [say(facts[0]), say(follows)]
    return [Sentence("and", *draw.some(facts, 2)), say(follows)]


MIXED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    verb: {
        kind: members
        for kind in ("animal", "food", "drink", "plant", "vehicle", "thing")
        if (members := tuple(noun for noun in TRANSITIVE[verb] if KIND_OF.get(noun) == kind))
    }
    for verb in ("see", "buy", "like", "sell", "wash")
}
"""Verbs that take objects of several kinds, and which."""

_VERBS_FOR: Mapping[str, tuple[str, ...]] = {
    noun: tuple(verb for verb, objects in TRANSITIVE.items() if noun in objects) for noun in (*THINGS, *VEHICLES)
}


def timed(draw: Draw, clause: Clause) -> Sentence:
    """The clause, perhaps with a time before it."""
    if clause.kind == "act" and draw.flip(0.2):
        return Sentence(draw.one(("today", "now", "morning", "evening")), clause)
    return say(clause)
