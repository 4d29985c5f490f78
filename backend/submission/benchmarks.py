"""What XTREME and XTREME-R consist of: tasks, their languages, the files of a submission, and the groups of the score.

Source: google-research/xtreme at 838c13b69d, ``evaluate.py``. Languages and tasks stand in that script's order, in which
means are added up. LAReQA, for which it names no language and no file, has those of XQuAD-R, and files shaped as Mewsli-X's:

==========  ======  ===================================  ==============================================================
kind        suffix  predictions                          labels
==========  ======  ===================================  ==============================================================
labels      tsv     one label a line                     the same
tags        tsv     one tag a line, a blank line after   the same
                    each sentence
pairs       tsv     two sentence ids a line, with a tab  the same
choices     jsonl   one object a line with ``label``     the same
answers     json    ``{question: text}``                 SQuAD's JSON
ranked      json    ``{query: [candidate, …]}``, best    ``{query: [candidate]}``; for LAReQA all that are right, or
                    first                                XQuAD-R's own JSON with ``sentence_breaks``
==========  ======  ===================================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """The shape of a task's files."""

    LABELS = "labels"
    TAGS = "tags"
    PAIRS = "pairs"
    CHOICES = "choices"
    ANSWERS = "answers"
    RANKED = "ranked"


SUFFIX: Mapping[Kind, str] = {
    Kind.LABELS: "tsv",
    Kind.TAGS: "tsv",
    Kind.PAIRS: "tsv",
    Kind.CHOICES: "jsonl",
    Kind.ANSWERS: "json",
    Kind.RANKED: "json",
}
#: Which metric makes a task's score; of answers it is the mean of both.
HEADLINE: Mapping[Kind, tuple[str, ...]] = {
    Kind.LABELS: ("accuracy",),
    Kind.TAGS: ("f1",),
    Kind.PAIRS: ("f1",),
    Kind.CHOICES: ("accuracy",),
    Kind.ANSWERS: ("exact_match", "f1"),
    Kind.RANKED: ("map@20",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A task of a benchmark. ``labels``: what a line may say; empty where that is no fixed list."""

    name: str
    kind: Kind
    languages: tuple[str, ...]
    labels: tuple[str, ...] = ()

    def file(self, language: str) -> str:
        """The name of a language's file."""
        return f"test-{language}.{SUFFIX[self.kind]}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """``groups``: name → tasks whose scores it is the mean of; a group is given where all of them are there."""

    name: str
    title: str
    tasks: Mapping[str, Entry]
    groups: Mapping[str, tuple[str, ...]]


NLI = ("entailment", "neutral", "contradiction")
ENTITIES = ("O", *(f"{prefix}-{kind}" for kind in ("PER", "ORG", "LOC") for prefix in "BI"))
#: ``_`` is what XTREME's conversion of a treebank leaves where it found no tag.
UPOS = tuple("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X _".split())

_XNLI = "ar bg de el en es fr hi ru sw th tr ur vi zh"
_PANX = "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my zh kk tr et fi hu"
_UDPOS = "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
_TATOEBA = "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et fi hu"
_XQUAD = "en es de el ru tr ar vi th zh hi"
_MLQA = "en es de ar hi vi zh"
_TYDIQA = "en ar bn fi id ko ru sw te"


def _entries(*rows: tuple[str, Kind, str, tuple[str, ...]]) -> Mapping[str, Entry]:
    return MappingProxyType(
        {name: Entry(name, kind, tuple(codes.split()), labels) for name, kind, codes, labels in rows}
    )


XTREME = Benchmark(
    "xtreme",
    "XTREME",
    _entries(
        ("pawsx", Kind.LABELS, "de en es fr ja ko zh", ("0", "1")),
        ("xnli", Kind.LABELS, _XNLI, NLI),
        ("panx", Kind.TAGS, _PANX, ENTITIES),
        ("udpos", Kind.TAGS, _UDPOS, UPOS),
        ("bucc2018", Kind.PAIRS, "de fr ru zh", ()),
        ("tatoeba", Kind.LABELS, _TATOEBA, ()),
        ("xquad", Kind.ANSWERS, _XQUAD, ()),
        ("mlqa", Kind.ANSWERS, _MLQA, ()),
        ("tydiqa", Kind.ANSWERS, _TYDIQA, ()),
    ),
    MappingProxyType(
        {
            "classification": ("pawsx", "xnli"),
            "tagging": ("udpos", "panx"),
            "qa": ("xquad", "mlqa", "tydiqa"),
            "retrieval": ("bucc2018", "tatoeba"),
        }
    ),
)

XTREME_R = Benchmark(
    "xtreme-r",
    "XTREME-R",
    _entries(
        ("xnli", Kind.LABELS, _XNLI, NLI),
        ("panx", Kind.TAGS, f"{_PANX} qu pl uk az lt pa gu ro", ENTITIES),
        ("udpos", Kind.TAGS, f"{_UDPOS} lt pl uk wo ro", UPOS),
        ("tatoeba", Kind.LABELS, f"{_TATOEBA} az lt pl uk ro", ()),
        ("xcopa", Kind.CHOICES, "et ht id it qu sw ta th tr vi zh", ("0", "1")),
        ("lareqa", Kind.RANKED, "ar de el en es hi ru th tr vi zh", ()),
        ("mewslix", Kind.RANKED, "ar de en es fa ja pl ro ta tr uk", ()),
        ("xquad", Kind.ANSWERS, f"{_XQUAD} ro", ()),
        ("mlqa", Kind.ANSWERS, _MLQA, ()),
        ("tydiqa", Kind.ANSWERS, _TYDIQA, ()),
    ),
    MappingProxyType(
        {
            "classification": ("xnli", "xcopa"),
            "tagging": ("udpos", "panx"),
            "qa": ("xquad", "mlqa", "tydiqa"),
            # The script's own two, so that its number is here; the paper's three are the next group.
            "retrieval": ("tatoeba", "mewslix"),
            "retrieval_with_lareqa": ("tatoeba", "mewslix", "lareqa"),
            "multi_choice": ("xcopa",),
        }
    ),
)

BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType({b.name: b for b in (XTREME, XTREME_R)})
