"""Which ending follows: `hellaswag`.

Two or three steps of a script, then its next step among next steps of other scripts and perhaps one that has happened
already. A wrong ending is drawn as the right one is, from another story, so neither words nor length tell it without the
beginning.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, refer, say
from backend.domain.mini.draw import Draw
from backend.domain.mini.formats.item import Made, Row, distinct
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import PERSONS, SCRIPTS, bind


class Story(NamedTuple):
    """A beginning and four endings."""

    script: int
    start: tuple[Sentence, ...]
    subject: str
    endings: tuple[str, ...]
    label: int


def verb_phrase(clause: Clause) -> str:
    """The clause without its subject, as the end of a sentence: eats the bread."""
    said = grammar("en")
    words = said.clause(clause)[len(said.subject(clause.subject)) :]
    return said.join((*words, *said.w(".")))


class _Told(NamedTuple):
    """A script with its people and things, told up to a step."""

    script: int
    steps: tuple[Clause, ...]
    told: int


def _tell(draw: Draw) -> _Told:
    number = draw.below(len(SCRIPTS))
    script = SCRIPTS[number]
    values = {name: PERSONS.draw(draw) if len(choices) > len(PERSONS) // 2 else draw.one(choices)
              for name, choices in script.domains.items()}  # fmt: skip
    return _Told(number, tuple(bind(step, values) for step in script.steps), 2 + draw.below(len(script.steps) - 2))


def story(draw: Draw, index: int) -> Made[Story] | None:
    """One row and its wording; the place of the right ending takes turns."""
    number, steps, told = _tell(draw)
    right = verb_phrase(steps[told])
    own = {verb_phrase(step) for step in steps if step.subject}
    wrong = [verb_phrase(steps[told - 1])] if told > 2 and draw.flip(0.3) else []
    for _ in range(20):
        other = _tell(draw)
        phrase = verb_phrase(other.steps[other.told])
        if other.script != number and phrase not in own and phrase not in wrong:
            wrong.append(phrase)
        if len(wrong) == 3:
            break
    else:
        return None
    if right in wrong:
        return None
    label = index % 4
    wrong = draw.some(wrong, 3)
    start = [say(steps[0])]
    for before, step in pairwise(steps[:told]):
        start.append(Sentence("then", refer(step) if before.subject == step.subject and draw.flip() else step))
    start = start[-3:]
    start[0] = say(steps[max(told - 3, 0)])
    made = Story(number, tuple(start), steps[told].subject, (*wrong[:label], right, *wrong[label:]), label)
    said = grammar("en")
    fact = f"{said.paragraph([said.text(sentence) for sentence in made.start])} {made.subject} {right}"
    return Made(fact, f"{fact} {' '.join(sorted(wrong))}", made)


def hellaswag(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of HellaSwag; the label is a string there, and the beginning of the last sentence is `ctx_b`."""
    said = grammar(language)
    for index, made in enumerate(distinct(("hellaswag",), split, n, story)):
        before = said.paragraph([said.text(sentence) for sentence in made.start])
        begun = said.join(said.subject(made.subject))
        yield {
            "ind": index,
            "activity_label": SCRIPTS[made.script].label,
            "ctx_a": before,
            "ctx_b": begun,
            "ctx": f"{before} {begun}",
            "endings": list(made.endings),
            "source_id": f"mini~{made.script}",
            "split": split,
            "split_type": "indomain",
            "label": str(made.label),
        }
