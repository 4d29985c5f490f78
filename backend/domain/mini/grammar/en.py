"""English: articles, `do` with negation and in questions."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase, asked, countable, prop


class English(Grammar):
    """Subject - verb - object - place."""

    def definite(self, noun: str) -> Phrase:
        return self.w("the") + self.noun(noun)

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.w("the") + super().modified(adjective, noun)

    def in_city(self, city: str) -> Phrase:
        return (("in", "ADP"), *prop(city))

    def finite(self, c: Clause) -> Phrase:
        forms = self.verb_forms(c)
        return self.w("does") + self.w("not") + forms[1] if c.negated else forms[0]

    def state(self, c: Clause, order: str) -> Phrase:
        return self.subject(c.subject) + self.be(c) + self.adjective(c.verb, c.subject)

    def at(self, c: Clause, order: str) -> Phrase:
        return self.subject(c.subject) + self.be(c) + self.where(c.place)

    def be(self, c: Clause) -> Phrase:
        """is, is not."""
        return self.w("be") + self.w("not") if c.negated else self.w("be")

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def kind(self, noun: str) -> Phrase:
        if noun not in self.nouns:
            return self.colour(noun)
        if not countable(noun):
            return self.noun(noun)
        return self.w("an" if self.noun(noun)[0][0][0] in "aeiou" else "a") + self.noun(noun)

    def there(self, c: Clause) -> Phrase:
        return self.w("there are") + self.counted(c.verb, c.object) + self.where(c.place)

    def question(self, c: Clause, slot: str) -> Phrase:
        q = asked(c, slot)
        if slot == "subject":
            return self.clause(q)
        if slot == "count":
            return self.counted("?", c.object) + self.w("are") + self.where(c.place)
        if c.kind == "at":
            return self.w("where") + self.w("be") + self.subject(c.subject)
        verb = self.w("does") + self.subject(c.subject) + self.verb_forms(c)[1]
        if slot == "object":
            return self.object(q.object) + verb + self.place_of(c)
        return self.w("where") + verb + self.object(c.object)
