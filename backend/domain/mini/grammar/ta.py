"""Tamil: verb last, cases as endings, the verb agrees with its subject except when negated."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase
from backend.domain.mini.world import NAMES

_ENDING = {"r": "ார்", "n": "து"}


class Tamil(Grammar):
    """Subject - place - object - verb."""

    classed = True

    def class_of(self, np: str) -> str:
        noun = np.rpartition("+")[2].lstrip("@?")
        return "r" if noun in NAMES or noun == "who" else self.classes[noun]

    def pronoun(self, np: str) -> Phrase:
        return self.w("he" if self.class_of(np) == "r" else "it")

    def accusative(self, noun: str) -> Phrase:
        return self.noun(noun, 1)

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.noun(noun, 2)

    def in_city(self, city: str) -> Phrase:
        return ((f"{city}-இல்", "PROPN"),)

    def agreeing(self, stem: Phrase, np: str) -> Phrase:
        """A verb stem with the ending of its subject."""
        *before, (last, tag) = stem
        return (*before, (last + _ENDING[self.class_of(np)], tag))

    def be(self, c: Clause) -> Phrase:
        """is, is not."""
        return self.w("not be") if c.negated else self.agreeing(self.w("be"), c.subject)

    def act(self, c: Clause, order: str) -> Phrase:
        forms = self.verb_forms(c)
        verb = forms[1] if c.negated else self.agreeing(forms[0], c.subject)
        return self.subject(c.subject) + self.place_of(c) + self.object(c.object) + verb

    def state(self, c: Clause, order: str) -> Phrase:
        return self.subject(c.subject) + self.adjective(c.verb, c.subject) + self.be(c)

    def at(self, c: Clause, order: str) -> Phrase:
        return self.subject(c.subject) + self.where(c.place) + self.be(c)

    def every(self, noun: str) -> Phrase:
        return self.noun(noun)

    def colour(self, colour: str) -> Phrase:
        return tuple((surface, "NOUN") for surface, _ in self.adjectives[colour][1])

    def there(self, c: Clause) -> Phrase:
        return super().there(c) + self.w("are")

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.where(c.place) + self.events[c.verb][0]
