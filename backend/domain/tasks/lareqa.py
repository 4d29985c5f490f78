"""LAReQA (XQuAD-R): find the sentences that answer a question, in every language at once (Roy et al. 2020)."""

import re
from collections.abc import Iterator

from backend.domain.layouts import xquad_r
from backend.domain.published import QUIET, XTREME_R, Published
from backend.domain.task import Format, Layout, Passage, Retrieval, Role, Row, Search, Split, Task
from backend.domain.training import Training

_END = re.compile(r"[.!?]+[\"')\]\u201d\u2019]*\s+")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Z]|[A-Z](?:\.[A-Z])+|Mr|Mrs|Ms|Dr|St|Prof|Rev|Gen|Col|Lt|Sgt|No|vs|cf|ca|c|approx|etc|e\.g|i\.e)\.$"
)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """First and last + 1 character of each sentence of an English text.

    A sentence ends at ``. ! ?`` and white space, but not after an initial, a title or the like (``J. Smith``, ``Dr.``). Of the
    1,180 sentences that XQuAD-R marks in English, 1,157 come out the same.
    """
    start = len(text) - len(text.lstrip())
    for end in _END.finditer(text):
        stop = len(text[: end.end()].rstrip())
        if end.end() == len(text) or _ABBREVIATED.search(text[:stop]):
            continue
        yield start, stop
        start = end.end()
    if text[start:].strip():
        yield start, len(text.rstrip())


def read(row: Row) -> Search | None:
    """As the official script: the answer is the sentence in which it begins; a question whose answer begins in none is left out.

    XQuAD-R says where sentences are, and all of a paragraph's are candidates. SQuAD, which is trained on, does not: there they
    are found by ``sentences``, and only answers are candidates.
    """
    context, given = row["context"], row.get("sentence_breaks")
    breaks = [(b, e) for b, e in given] if given is not None else list(sentences(context))
    name = row.get("paragraph", row["id"])
    passages = [Passage(f"{name}-{place}", context[b:e], context) for place, (b, e) in enumerate(breaks)]
    begins = row["answers"]["answer_start"]
    if not begins:
        return None
    at = next((place for place, (b, e) in enumerate(breaks) if b <= begins[0] < e), None)
    if at is None:
        return None
    others = tuple(p for p in passages if p is not passages[at]) if given is not None else ()
    return Search(str(row["id"]), row["question"], str(row["id"]), passages[at], others)


TASK = Task(
    name="lareqa",
    title="LAReQA",
    summary="Find the sentences that answer a question, among those of all languages at once. Trained on SQuAD v1.1.",
    version=1,
    format=Format.ANSWER_RETRIEVAL,
    roles=frozenset({Role.TARGET}),
    languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
    mini_languages=("en", "de", "ru", "ar", "hi", "tr", "vi", "zh"),
    metrics=("map_at_20", "mrr_at_20"),
    trained_on="lareqa",
    drawn_from="squad",
    evaluated_on=Split.TEST,
    pooled=True,
    sizes={Split.TRAIN: 87599, Split.VALIDATION: 10570, Split.TEST: 1190},
    # No hub source: google-research-datasets/xquad_r holds no sentence_breaks, so its candidates are not those of the benchmark.
    files=(
        Layout(pattern="lareqa/xquad-r/{language}.json", rows=xquad_r, splits={Split.TEST: "test"}),
        Layout(
            pattern="squad_v1/{split}-v1.1.json",
            rows=xquad_r,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev"},
        ),
    ),
    mini="lareqa",
    # The official baseline: first token of the last layer, cosine; a passage is a sentence and its paragraph.
    retrieval=Retrieval(layer_fraction=1, pooling="cls"),
    training=Training(learning_rate=2e-5, batch_size=16, epochs=3, max_length=256),  # of passages; queries have 96
    published=Published(source=XTREME_R, note=QUIET),
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=300, max_length=96, frozen=1),
    licence="CC BY-SA 4.0",
    citation="Roy et al. 2020, LAReQA: Language-Agnostic Answer Retrieval from a Multilingual Pool",
    read=read,
)
