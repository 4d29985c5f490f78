"""Rows of every task in the shape of the real data set. A new task is a function and a line in `TASKS`."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from backend.domain.mini.formats.answer import lareqa
from backend.domain.mini.formats.bitext import tatoeba
from backend.domain.mini.formats.categories import ccg
from backend.domain.mini.formats.checks import multichecklist
from backend.domain.mini.formats.choice import copa, xcopa
from backend.domain.mini.formats.ending import hellaswag
from backend.domain.mini.formats.entailment import anli, snli
from backend.domain.mini.formats.entity import mewslix
from backend.domain.mini.formats.inference import mnli, xnli
from backend.domain.mini.formats.item import VERSION, Row
from backend.domain.mini.formats.knowledge import commonsenseqa, cosmosqa, siqa
from backend.domain.mini.formats.mining import bucc
from backend.domain.mini.formats.names import panx
from backend.domain.mini.formats.paraphrase import pawsx, qqp
from backend.domain.mini.formats.span import mlqa, squad, squad_v2, tydiqa, tydiqa_translated, xquad
from backend.domain.mini.formats.tagging import udpos


class MiniTask(NamedTuple):
    """How rows of a task are made, for which languages, and how many there are in each split."""

    make: Callable[[str, str, int], Iterator[Row]]
    languages: str
    sizes: Mapping[str, int]
    english_only: tuple[str, ...] = ()
    """Splits that exist in English alone."""


TASKS: Mapping[str, MiniTask] = {
    "mnli": MiniTask(mnli, "en", {"train": 8000, "validation": 400}),
    "squad": MiniTask(squad, "en", {"train": 3000, "validation": 300}),
    "hellaswag": MiniTask(hellaswag, "en", {"train": 2000, "validation": 300}),
    "copa": MiniTask(copa, "en", {"train": 400, "validation": 100}),
    "xnli": MiniTask(xnli, "en de ru ar hi tr sw vi zh", {"validation": 300, "test": 400}),
    "xcopa": MiniTask(xcopa, "en et id sw ta tr vi zh", {"validation": 100, "test": 400}),
    "udpos": MiniTask(udpos, "en de ru ar hi tr id vi zh ta et", {"train": 1500, "validation": 200, "test": 300},
                      english_only=("train",)),
    "xquad": MiniTask(xquad, "en de ru ar hi tr vi zh", {"validation": 300}),
    "tatoeba": MiniTask(tatoeba, "de ru ar hi tr sw id vi zh ta et", {"validation": 250}),
    "bucc": MiniTask(bucc, "de ru zh", {"validation": 400, "test": 400}),
    "lareqa": MiniTask(lareqa, "en de ru ar hi tr vi zh", {"train": 3000, "validation": 300, "test": 100},
                       english_only=("train", "validation")),
    "mewslix": MiniTask(mewslix, "en de ar tr ta", {"train": 1500, "validation": 200, "candidates": 67, "test": 150},
                        english_only=("train", "validation", "candidates")),
    "snli": MiniTask(snli, "en", {"train": 9000, "validation": 400}),
    "anli": MiniTask(anli, "en", {"train": 3500, "validation": 300}),
    "qqp": MiniTask(qqp, "en", {"train": 7500, "validation": 400}),
    "squad_v2": MiniTask(squad_v2, "en", {"train": 4500, "validation": 400}),
    "ccg": MiniTask(ccg, "en", {"train": 2000, "validation": 300}),
    "cosmosqa": MiniTask(cosmosqa, "en", {"train": 1600, "validation": 300}),
    "commonsenseqa": MiniTask(commonsenseqa, "en", {"train": 800, "validation": 200}),
    "siqa": MiniTask(siqa, "en", {"train": 1560, "validation": 300}),
    "pawsx": MiniTask(pawsx, "en de zh", {"train": 2500, "validation": 200, "test": 300}, english_only=("train",)),
    "panx": MiniTask(panx, "en de ru ar hi tr sw id vi zh ta et", {"train": 1500, "validation": 200, "test": 300},
                     english_only=("train",)),
    "mlqa": MiniTask(mlqa, "en de ar hi vi zh", {"validation": 150, "test": 300}),
    "tydiqa": MiniTask(tydiqa, "en ar id ru sw", {"train": 300, "validation": 200}, english_only=("train",)),
    "multichecklist": MiniTask(multichecklist, "en de ru ar hi tr vi zh", {"test": 720}),
}  # fmt: skip


def rows(task: str, language: str, split: str) -> Iterator[Row]:
    """The rows of a task in a language; raises KeyError, with what there is, when there are none."""
    if task not in TASKS:
        raise KeyError(f"no mini task {task!r}; there are {', '.join(TASKS)}")
    made = TASKS[task]
    if language not in made.languages.split():
        raise KeyError(f"mini {task} has no {language!r}; it has {made.languages}")
    if split not in made.sizes or (split in made.english_only and language != "en"):
        raise KeyError(f"mini {task} has no {split!r} in {language!r}; it has {', '.join(made.sizes)}")
    return made.make(language, split, made.sizes[split])


TRANSLATED = ("mnli", "snli", "anli", "squad", "squad_v2", "copa", "pawsx", "tydiqa")
"""Tasks whose English training rows can be said in every language of the world. The others hold phrases that were made in English."""


def translated(task: str, language: str, split: str) -> Iterator[Row]:
    """The English rows of a task, said in another language: row i means what row i of ``rows(task, "en", split)`` means.

    Raises:
        KeyError: the task has none; says which have.
    """
    if task not in TRANSLATED:
        raise KeyError(f"mini {task} has no translations; those that have: {', '.join(TRANSLATED)}")
    return (tydiqa_translated if task == "tydiqa" else TASKS[task].make)(language, split, TASKS[task].sizes[split])


__all__ = ["TASKS", "TRANSLATED", "VERSION", "Row", "rows", "translated"]
