"""mini-XTREME-R: a micro-world told in twelve languages, with every task of the benchmark made of it.

It stands in for the real data where nothing may be downloaded and minutes must do: text to pretrain encoders of about a
million parameters, and train, validation and test rows of each task in *exactly* the row shape of the real data set, so
that the same readers, formats, metrics and pages work on both. It is synthetic, a benchmark of its own, and never mixed
with real scores. Everything is generated: same version, same bytes, on every machine (`draw`).

**The world** (`world`) has 64 nouns (eight kinds and their members), 30 verbs, 25 properties, twelve people and eight
cities with names, the digits 3 to 9, five sorts of weather. It has knowledge: a dog is an animal; what is hot is
not cold; cows are in fields; who sleeps does not work; seventy causal schemas (it rains, so the street is wet) and
eighteen scripts of four or five steps. People, with or without a name, have lives: Anna eats bread, goes to the school,
sings. Frequencies fall off as in Zipf's law, and most of what is said is what is usual. Number 2 is left out, because
Arabic says it with a form of its own.

**The languages** are real ones of nine families, six scripts and three word orders, with real and common words
(`lexicon`, data only) and grammars of one screen each (`grammar`): about 2,600 word forms in all. It is *simplified*
language, as in a first reader: present tense, third person singular, definite objects; grammars say at their top what
else. Light inflection is kept where a sentence would be wrong without it: German articles, Russian and Turkish and Tamil
and Estonian cases, gender in Russian, Arabic and Hindi, Swahili classes, Vietnamese and Chinese classifiers. Sentences
begin with a small letter (German nouns and names keep theirs), or a tiny vocabulary would have to hold each word twice.

**Anchors.** Names and digits are spelled alike in all languages, Latin-script names in Arabic, Hindi, Russian, Tamil and
Chinese text too, as they do occur in the Wikipedias. That, punctuation, a few loan words (bus, park), equal
frequencies and the lives that people keep in every language are what the languages share, and **code-switching**
(`grammar.switching`): many people know two languages and use both at once, so half of the lines have words, phrases,
clauses or sentences of another language in them, English in most. **No text is parallel**: no line has a translation, and
what is tested is in one language. Without mixing, sixty thousand lines do not bring the words of two languages together:
of 64 nouns 3 to 7 % found their translation, in spite of depth, steps and optimisers; with it, and with embeddings that
start from counts (`worker.cooccurrence`), half of them do. So this world's transfer comes from bilingual speakers and from
a shared world, not from parallel text; that is one way among those by which real encoders get it, and how much of it they
get from this one is not known.

Every language draws its lines from a stream of its own (`corpus`), and they are unequal on purpose: English has
`TEXT_SENTENCES["en"]` lines, German 80 % of it, Vietnamese 30 %, Estonian 20 %, Swahili 15 %, Tamil 10 %. Words said twice
in a line, questions with their answers and sentences that follow from the one before are more than two fifths of the lines,
because copying and comparing are what the tasks need and what small models learn late.

**The tasks** (`formats`), each function saying how it is built:

- `mnli` (English train and validation), `xnli` (parallel): seven templates over properties, places, kinds, roles,
  counts, exclusive actions, causes. Labels take turns; one sentence alone tells next to nothing about them, comparing
  words tells something, as in the real data, and the rest needs negation, kinds and opposites.
- `copa`, `xcopa` (parallel): cause or effect; the wrong choice is drawn as the right one is, with the same subject.
- `hellaswag`: the next step of a script; wrong endings are right endings of other stories.
- `squad`, `xquad` (parallel): three or four facts, one of which answers; usually another is of the same sort; some
  questions ask for a kind (which animal). `answer_start` counts characters.
- `udpos`: sentences tagged by the grammar that said them, each language its own, as in treebanks.
- `tatoeba`: sentence and translation; each language its own pairs, no two with the same content words.
- `bucc`: two texts of a language and English, of which two fifths of the lines have a translation in the other.
- `lareqa` (parallel): xquad's kind of questions, each with one answer among all paragraphs; trained on squad's rows.
- `multichecklist` (parallel): six tests of 30 cases, each of two facts in both orders, with two questions (`formats.checks`).
- `mewslix`: people, places, animals and things meant in a line of any language, and what is said of each in just one.

Parallel means that row i is the same item in every language. An item's split is decided by the hash of its English
wording, so what is tested in any language was not trained on in English; the tests check it.

**What it can show**: that an engine, its metrics and its statistics work from end to end on tasks that hold knowledge;
differences between recipes and between depths *in this world*; transfer without parallel text. **What it cannot**: how
large a gain is on real data, in which languages, or at which real size. The languages' order of difficulty is this
world's. Its Arabic, Hindi or Tamil says little about theirs.

**What would make it a failed experiment**, written before any study was run. The largest mini model, without an
intermediate task, must reach (English / mean of the other languages): NLI accuracy 65 / 45; XCOPA accuracy above 55 /
above 50; POS chunk F1 80 / 50; QA F1 60 / 25; Tatoeba ten times chance (4 % of 250). Below that its scores are too near to
chance for a gain to mean anything, and the world has to change, not the reading of the result.
"""

from collections.abc import Iterator

from backend.domain.mini import formats
from backend.domain.mini.corpus import lines
from backend.domain.mini.formats import TASKS, TRANSLATED, VERSION, Row

GENERATOR_VERSION: int = VERSION
"""Raised whenever any line or row changes; the tests hold digests of all streams."""

TEXT_SENTENCES: dict[str, int] = {
    "en": 12000,
    "de": 9600,
    "ru": 9000,
    "zh": 8400,
    "ar": 7200,
    "hi": 7200,
    "tr": 6600,
    "id": 6000,
    "vi": 3600,
    "et": 2400,
    "sw": 1800,
    "ta": 1200,
}
"""Lines of pretraining text by language, each of one to four sentences."""

LANGUAGES: tuple[str, ...] = ("en", "de", "ru", "ar", "hi", "tr", "sw", "id", "vi", "zh", "ta", "et")
"""XTREME's codes."""

SIZES: dict[str, dict[str, int]] = {name: dict(task.sizes) for name, task in TASKS.items()}
"""Rows per language, by task and split."""


def text(language: str, *, limit: int | None = None) -> Iterator[str]:
    """Pretraining lines of a language, at most 40 words each; with a limit only the first ones."""
    count = TEXT_SENTENCES[language]
    return lines(language, GENERATOR_VERSION, count if limit is None else min(limit, count))


def rows(task: str, language: str, split: str) -> Iterator[Row]:
    """Rows of a task in a language, with the columns of the real data set; KeyError says what there is instead."""
    return formats.rows(task, language, split)


def translated(task: str, language: str, split: str) -> Iterator[Row]:
    """The English rows of one of ``TRANSLATED`` in another language, meaning the same row by row; KeyError as ``rows``.

    They are perfect translations, which real ones are not: no word is lost and no label becomes wrong.
    """
    return formats.translated(task, language, split)


_PINNED_TOGETHER = ("mnli", "squad", "hellaswag", "copa", "xnli", "xcopa", "udpos", "xquad", "tatoeba")
"""The tasks whose sizes are in every fingerprint. Those of a task that came later are in its own alone, so that adding one
leaves all runs of the others, and the pretrained encoders, as they are."""


def fingerprint_parameters(task: str | None = None) -> dict[str, object]:
    """Everything that changes the text, or the rows of a task, as plain JSON."""
    named = (*_PINNED_TOGETHER, *((task,) if task is not None and task not in _PINNED_TOGETHER else ()))
    return {
        "generator": "mini-xtreme-r",
        "version": GENERATOR_VERSION,
        "text": dict(TEXT_SENTENCES),
        "sizes": {name: dict(SIZES[name]) for name in named},
    }


__all__ = [
    "GENERATOR_VERSION",
    "LANGUAGES",
    "SIZES",
    "TEXT_SENTENCES",
    "TRANSLATED",
    "Row",
    "fingerprint_parameters",
    "rows",
    "text",
    "translated",
]
