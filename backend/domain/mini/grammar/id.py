"""Indonesian: one form of every word, adjectives after the noun."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase


class Indonesian(Grammar):
    """Subject - verb - object - place."""

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.noun(noun) + self.adjectives[adjective][0]

    def at(self, c: Clause, order: str) -> Phrase:
        negation = self.w("not") if c.negated else ()
        return self.subject(c.subject) + negation + self.w("exist") + self.where(c.place)

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def there(self, c: Clause) -> Phrase:
        return self.w("exist") + self.counted(c.verb, c.object) + self.where(c.place)
