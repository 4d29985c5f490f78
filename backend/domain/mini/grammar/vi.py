"""Vietnamese: one form of every word, classifiers, adjectives after the noun and predicates by themselves."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase
from backend.domain.mini.world import KIND_OF


class Vietnamese(Grammar):
    """Subject - verb - object - place."""

    def classified(self, noun: str) -> Phrase:
        """con chó: the noun with its classifier, if it has one."""
        forms = self.nouns[noun]
        return forms[1] + forms[0] if len(forms) > 1 else forms[0]

    def definite(self, noun: str) -> Phrase:
        return self.classified(noun) if KIND_OF.get(noun) in ("animal", "person", "plant") else self.noun(noun)

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.definite(noun) + self.adjectives[adjective][0]

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.classified(noun)

    def every(self, noun: str) -> Phrase:
        return self.w("every") + self.classified(noun)

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def where(self, place: str) -> Phrase:
        return self.w("in") + self.w("where") if place == "?" else super().where(place)

    def there(self, c: Clause) -> Phrase:
        return self.w("exist") + self.counted(c.verb, c.object) + self.where(c.place)
