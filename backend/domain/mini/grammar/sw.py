"""Swahili: noun classes that verbs and adjectives agree with, negation inside the verb, places in -ni; pronouns are left out."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase, prop
from backend.domain.mini.world import NAMES

_CLASSES = ("1", "3", "5", "7", "9", "6", "10")
_SUBJECT = dict(zip(_CLASSES, ("a", "u", "li", "ki", "i", "ya", "zi"), strict=True))
_NEGATIVE = dict(zip(_CLASSES, ("ha", "hau", "hali", "haki", "hai", "haya", "hazi"), strict=True))
_THERE = dict(zip(_CLASSES, ("yuko", "uko", "liko", "kiko", "iko", "yako", "ziko"), strict=True))


class Swahili(Grammar):
    """Subject - verb - object - place; adjectives and numbers after the noun."""

    classed = True

    def class_of(self, np: str) -> str:
        noun = np.rpartition("+")[2].lstrip("@?")
        return "1" if noun in NAMES or noun == "who" else self.classes[noun]

    def pronoun(self, np: str) -> Phrase:
        return ()

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.noun(noun) + self.agreeing(adjective, noun)

    def agreeing(self, adjective: str, np: str) -> Phrase:
        """The form of an adjective for the class of the noun, without the word that names its sort."""
        forms = self.adjectives[adjective]
        form = forms[_CLASSES.index(self.class_of(np))] if len(forms) > 1 else forms[0]
        return form[1:] if form is forms[0] else form

    def counted(self, count: str, noun: str) -> Phrase:
        number = ((self.noun(noun, 2)[0][0], "DET"),) if count == "?" else ((count, "NUM"),)
        return self.noun(noun, 1) + number

    def in_city(self, city: str) -> Phrase:
        return prop(city)

    def finite(self, c: Clause) -> Phrase:
        own = self.class_of(c.subject)
        (stem, tag), *rest = self.verb_forms(c)[int(c.negated)]
        return ((_NEGATIVE[own] + stem if c.negated else f"{_SUBJECT[own]}na{stem}", tag), *rest)

    def state(self, c: Clause, order: str) -> Phrase:
        own = self.class_of(c.subject)
        sort = self.adjectives[c.verb][0][0][0]
        form = self.agreeing(c.verb, c.subject)
        if sort == "me":
            prefix = _NEGATIVE[own] + "ja" if c.negated else ("ame" if own == "1" else _SUBJECT[own] + "me")
            said: Phrase = ((prefix + form[0][0], "VERB"),)
        elif sort == "ana":
            said = (("hana" if c.negated else "ana", "VERB"), (form[0][0], "NOUN"))
        else:
            said = self.w("not be" if c.negated else "be") + form
        return self.subject(c.subject) + said

    def at(self, c: Clause, order: str) -> Phrase:
        there = _THERE[self.class_of(c.subject)]
        return self.subject(c.subject) + ((("ha" if c.negated else "") + there, "VERB"),) + self.where(c.place)

    def isa(self, c: Clause) -> Phrase:
        subject = self.every(c.subject) if c.verb else self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def colour(self, colour: str) -> Phrase:
        forms = self.adjectives[colour]
        return ((forms[4][0][0] if len(forms) > 1 else forms[0][1][0], "NOUN"),)

    def there(self, c: Clause) -> Phrase:
        return self.w("there is") + self.counted(c.verb, c.object) + self.where(c.place)
