"""Chinese: one form of every word, classifiers, the place before the verb, no spaces."""

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import Grammar, Phrase


class Chinese(Grammar):
    """Subject - (not) - place - verb - object."""

    spaced = False

    def modified(self, adjective: str, noun: str) -> Phrase:
        return self.adjectives[adjective][0] + self.noun(noun)

    def classifier(self, noun: str) -> Phrase:
        """只 for dogs, 个 for most things."""
        forms = self.nouns[noun]
        return forms[1] if len(forms) > 1 else (("个", "NOUN"),)

    def counted(self, count: str, noun: str) -> Phrase:
        return self.count(count, noun) + self.classifier(noun) + self.noun(noun)

    def where(self, place: str) -> Phrase:
        return self.w("in") + self.w("where") if place == "?" else super().where(place)

    def act(self, c: Clause, order: str) -> Phrase:
        forms = self.verb_forms(c)
        negation: Phrase = ()
        verb = forms[0]
        if c.negated:
            negation, verb = (self.w("not"), forms[0]) if len(forms) == 1 else (forms[1][:1], forms[1][1:])
        subject, obj, place = self.subject(c.subject), self.object(c.object), self.place_of(c)
        if c.verb in ("go", "live"):
            return subject + negation + verb + place
        return subject + negation + place + verb + obj

    def state(self, c: Clause, order: str) -> Phrase:
        forms = self.adjectives[c.verb]
        if len(forms) > 1:
            return self.subject(c.subject) + forms[int(c.negated)]
        return self.subject(c.subject) + self.w("not" if c.negated else "very") + forms[0]

    def isa(self, c: Clause) -> Phrase:
        if c.verb:
            subject = self.w("every") + self.classifier(c.subject) + self.noun(c.subject) + self.w("all")
        else:
            subject = self.kind(c.subject)
        return subject + self.w("be") + self.predicates[c.object]

    def colour(self, colour: str) -> Phrase:
        return ((self.adjectives[colour][0][0][0] + "色", "NOUN"),)

    def there(self, c: Clause) -> Phrase:
        place = self.where(c.place)[1:]
        return place + self.w("exist") + self.counted(c.verb, c.object)

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.where(c.place)[1:] + self.events[c.verb][0]
