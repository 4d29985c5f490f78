"""Turkish: verb last, cases as endings, negation inside the verb, no copula; pronouns are left out."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase

_FRONT = "eiöü"


class Turkish(Grammar):
    """Subject - place - object - verb."""

    def pronoun(self, np: str) -> Phrase:
        return ()

    def accusative(self, noun: str) -> Phrase:
        return self.noun(noun, 1)

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.noun(noun)

    def in_city(self, city: str) -> Phrase:
        vowel = [letter for letter in city.lower() if letter in "aeiou"][-1]
        return ((f"{city}'d{'e' if vowel in _FRONT else 'a'}", "PROPN"),)

    def act(self, c: Clause, order: str) -> Phrase:
        verb = self.verb_forms(c)[int(c.negated)]
        return self.subject(c.subject) + self.place_of(c) + self.object(c.object) + verb

    def state(self, c: Clause, order: str) -> Phrase:
        negation = self.w("not") if c.negated else ()
        return self.subject(c.subject) + self.adjective(c.verb, c.subject) + negation

    def at(self, c: Clause, order: str) -> Phrase:
        return self.subject(c.subject) + self.where(c.place) + (self.w("not") if c.negated else ())

    def there(self, c: Clause) -> Phrase:
        return super().there(c) + self.w("there is")

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.where(c.place) + self.events[c.verb][0]
