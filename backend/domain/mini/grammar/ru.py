"""Russian: three genders, no copula, `не` before what it negates."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import MAIN, Grammar, Phrase, asked, prop

_GENDERS = "mfn"


class Russian(Grammar):
    """Subject - verb - object - place."""

    classed = True

    def pronoun(self, np: str) -> Phrase:
        return self.w({"m": "he", "f": "she", "n": "it"}[self.class_of(np)])

    def accusative(self, noun: str) -> Phrase:
        return self.noun(noun, 1)

    def adjective(self, adjective: str, np: str) -> Phrase:
        forms = self.adjectives[adjective]
        return forms[_GENDERS.index(self.class_of(np) or "m") if len(forms) > 1 else 0]

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.adjective(adjective, noun) + self.noun(noun)

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.noun(noun, 2 if count in ("3", "4") else 3)

    def in_city(self, city: str) -> Phrase:
        return (("в", "ADP"), *prop(city))

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("dash") + self.predicates[c.object]

    def every(self, noun: str) -> Phrase:
        return self.w("every", _GENDERS.index(self.classes[noun])) + self.noun(noun)

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.where(c.place) + self.events[c.verb][0]

    def question(self, c: Clause, slot: str) -> Phrase:
        q = asked(c, slot)
        if slot == "subject":
            return self.clause(q)
        if slot == "count":
            return self.counted("?", c.object) + self.where(c.place)
        if slot == "object":
            return self.object(q.object) + self.clause(c._replace(object=""), MAIN)
        return self.w("where") + self.clause(c._replace(place=""), MAIN)
