"""Which ending follows: `hellaswag`.

Two or three steps of a script, then its next step among steps of other scripts and one that has happened already. All
endings are drawn from the same pool of steps, so neither words nor length tell the right one without the beginning.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, refer, say
from backend.domain.mini.draw import Draw
from backend.domain.mini.grammar import grammar
from backend.domain.mini.rows.item import Row, distinct
from backend.domain.mini.world import PERSONS, SCRIPTS, bind


class Story(NamedTuple):
    """A beginning and four endings."""

    script: int
    start: tuple[Sentence, ...]
    subject: str
    endings: tuple[str, ...]
    label: int


def _verb_phrase(clause: Clause) -> str:
    """The clause without its subject, as the end of a sentence: eats the bread."""
    said = grammar("en")
    words = said.clause(clause)[len(said.subject(clause.subject)) :]
    return said.join((*words, *said.w(".")))


@cache
def _pool() -> tuple[tuple[int, str], ...]:
    """Every step but the first of each script, as an ending, with the number of the script."""
    phrases: dict[tuple[int, str], None] = {}
    for number, script in enumerate(SCRIPTS):
        for which in range(max(map(len, script.domains.values()))):
            values = {name: choices[which % len(choices)] for name, choices in script.domains.items()}
            for step in script.steps[1:]:
                phrases[number, _verb_phrase(bind(step, values))] = None
    return tuple(phrases)


@cache
def _by_script() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase for number, phrase in _pool() if number == script) for script in range(len(SCRIPTS)))


def story(draw: Draw, index: int) -> tuple[str, Story] | None:
    """One row and its wording; the place of the right ending takes turns."""
    number = draw.below(len(SCRIPTS))
    script = SCRIPTS[number]
    values = {name: PERSONS.draw(draw) if len(choices) > 20 else draw.one(choices)
              for name, choices in script.domains.items()}  # fmt: skip
    steps = [bind(step, values) for step in script.steps]
    told = draw.one(range(2, len(steps)))
    right = _verb_phrase(steps[told])
    own = _by_script()[number]
    wrong: list[str] = []
    if draw.flip():
        wrong.append(_verb_phrase(steps[told - 1]) if steps[told - 1].subject else right)
    while len(wrong) < 3:
        other = draw.below(len(SCRIPTS))
        phrase = draw.one(_by_script()[other])
        if other != number and phrase not in own and phrase not in wrong:
            wrong.append(phrase)
    if right in wrong or not steps[told].subject:
        return None
    label = index % 4
    wrong = draw.some(wrong, 3)
    endings = (*wrong[:label], right, *wrong[label:])
    start = [say(steps[0])]
    for before, step in pairwise(steps[:told]):
        start.append(Sentence("then", refer(step) if before.subject == step.subject and draw.flip() else step))
    start = start[-3:]
    start[0] = say(steps[max(told - 3, 0)])
    made = Story(number, tuple(start), steps[told].subject, endings, label)
    said = grammar("en")
    context = said.paragraph([said.text(sentence) for sentence in made.start])
    return context + "|" + right, made


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
