"""Estonian: cases as endings, the verb second, `ei` with a short form of the verb."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import AFTER, Grammar, Phrase, asked


class Estonian(Grammar):
    """Subject - verb - object - place; after an adverb the verb comes first."""

    def accusative(self, noun: str) -> Phrase:
        return self.noun(noun, 1)

    def in_city(self, city: str) -> Phrase:
        return ((city + ("is" if city[-1] in "rd" else "s"), "PROPN"),)

    def _ordered(self, c: Clause, verb: Phrase, rest: Phrase, order: str) -> Phrase:
        subject = self.subject(c.subject)
        return (verb + subject if order == AFTER else subject + verb) + rest

    def act(self, c: Clause, order: str) -> Phrase:
        forms = self.verb_forms(c)
        verb = self.w("not") + forms[1] if c.negated else forms[0]
        return self._ordered(c, verb, self.object(c.object) + self.place_of(c), order)

    def be(self, c: Clause) -> Phrase:
        """is, is not."""
        return self.w("not be") if c.negated else self.w("be")

    def state(self, c: Clause, order: str) -> Phrase:
        return self._ordered(c, self.be(c), self.adjective(c.verb, c.subject), order)

    def at(self, c: Clause, order: str) -> Phrase:
        return self._ordered(c, self.be(c), self.where(c.place), order)

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def there(self, c: Clause) -> Phrase:
        return self.where(c.place) + self.w("be") + self.counted(c.verb, c.object)

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.where(c.place) + self.events[c.verb][0]

    def question(self, c: Clause, slot: str) -> Phrase:
        q = asked(c, slot)
        if slot == "subject":
            return self.clause(q)
        if slot == "count":
            return self.counted("?", c.object) + self.w("be") + self.where(c.place)
        if slot == "object":
            return self.object(q.object) + self.clause(c._replace(object=""), AFTER)
        return self.w("where") + self.clause(c._replace(place=""), AFTER)
