"""Hindi: verb last, two genders, postpositions, the auxiliary है."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase, prop
from backend.domain.mini.world import KIND_OF


class Hindi(Grammar):
    """Subject - place - object - not - verb - है."""

    classed = True

    def fem(self, np: str) -> int:
        """0 for masculine, 1 for feminine."""
        return int(self.class_of(np) == "f")

    def agreeing(self, forms: tuple[Phrase, ...], np: str) -> Phrase:
        """The form of a verb or adjective that agrees; some have one only."""
        return forms[min(self.fem(np), len(forms) - 1)]

    def accusative(self, noun: str) -> Phrase:
        if KIND_OF.get(noun) in ("person", "animal") or noun in ("person", "animal"):
            return self.noun(noun, 1) + self.w("to")
        return self.noun(noun)

    def adjective(self, adjective: str, np: str) -> Phrase:
        return self.agreeing(self.adjectives[adjective], np)

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.adjective(adjective, noun) + self.noun(noun)

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.noun(noun, 2)

    def count(self, count: str, noun: str) -> Phrase:
        return self.w("how many", self.fem(noun)) if count == "?" else ((count, "NUM"),)

    def in_city(self, city: str) -> Phrase:
        return prop(city) + self.w("in")

    def finite(self, c: Clause) -> Phrase:
        return (self.w("not") if c.negated else ()) + self.agreeing(self.verb_forms(c), c.subject) + self.w("be")

    def act(self, c: Clause, order: str) -> Phrase:
        return self.subject(c.subject) + self.place_of(c) + self.object(c.object) + self.finite(c)

    def state(self, c: Clause, order: str) -> Phrase:
        negation = self.w("not") if c.negated else ()
        return self.subject(c.subject) + self.adjective(c.verb, c.subject) + negation + self.w("be")

    def at(self, c: Clause, order: str) -> Phrase:
        negation = self.w("not") if c.negated else ()
        return self.subject(c.subject) + self.where(c.place) + negation + self.w("be")

    def isa(self, c: Clause) -> Phrase:
        return super().isa(c) + self.w("be")

    def there(self, c: Clause) -> Phrase:
        return super().there(c) + self.w("are")

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.where(c.place) + self.events[c.verb][0]
