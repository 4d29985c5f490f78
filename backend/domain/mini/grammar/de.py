"""German: three genders, the verb second, `nicht` after the object and before the place."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import AFTER, Grammar, Phrase, asked, countable, prop

_GENDERS = "mfn"


class German(Grammar):
    """Subject - verb - object - nicht - place; after an adverb the verb comes first."""

    classed = True

    def article(self, noun: str) -> Phrase:
        """der, die, das."""
        return self.w("the", _GENDERS.index(self.classes[noun]))

    def pronoun(self, np: str) -> Phrase:
        return self.w({"m": "he", "f": "she", "n": "it"}[self.class_of(np)])

    def definite(self, noun: str) -> Phrase:
        return self.article(noun) + self.noun(noun)

    def accusative(self, noun: str) -> Phrase:
        article = self.w("the", 3) if self.classes[noun] == "m" else self.article(noun)
        return article + self.noun(noun, 1)

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.article(noun) + super().modified(adjective, noun)

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.noun(noun, 2)

    def in_city(self, city: str) -> Phrase:
        return (("in", "ADP"), *prop(city))

    def _ordered(self, c: Clause, verb: Phrase, rest: Phrase, order: str) -> Phrase:
        subject = self.subject(c.subject)
        return (verb + subject if order == AFTER else subject + verb) + rest

    def _not(self, c: Clause) -> Phrase:
        return self.w("not") if c.negated else ()

    def act(self, c: Clause, order: str) -> Phrase:
        rest = self.object(c.object) + self._not(c) + self.place_of(c)
        return self._ordered(c, self.verb_forms(c)[0], rest, order)

    def state(self, c: Clause, order: str) -> Phrase:
        return self._ordered(c, self.w("be"), self._not(c) + self.adjective(c.verb, c.subject), order)

    def at(self, c: Clause, order: str) -> Phrase:
        return self._ordered(c, self.w("be"), self._not(c) + self.where(c.place), order)

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def every(self, noun: str) -> Phrase:
        return self.w("every", _GENDERS.index(self.classes[noun])) + self.noun(noun)

    def kind(self, noun: str) -> Phrase:
        if noun not in self.nouns:
            return tuple((surface.capitalize(), tag) for surface, tag in self.colour(noun))
        if not countable(noun):
            return self.noun(noun)
        return (("eine" if self.classes[noun] == "f" else "ein", "DET"), *self.noun(noun))

    def there(self, c: Clause) -> Phrase:
        return self.where(c.place) + self.w("are") + self.counted(c.verb, c.object)

    def question(self, c: Clause, slot: str) -> Phrase:
        q = asked(c, slot)
        if slot == "subject":
            return self.clause(q)
        if slot == "count":
            return self.counted("?", c.object) + self.w("are") + self.where(c.place)
        if slot == "object":
            return self.object(q.object) + self.clause(c._replace(object=""), AFTER)
        return self.w("where") + self.clause(c._replace(place=""), AFTER)
