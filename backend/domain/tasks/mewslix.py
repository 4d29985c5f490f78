"""Mewsli-X: find the entity that is meant, among descriptions in 50 languages (Ruder et al. 2021)."""

import re
from collections.abc import Mapping
from typing import Any

from backend.domain.layouts import mewslix_entities, mewslix_mentions, mewslix_pairs
from backend.domain.published import QUIET, XTREME_R, Published
from backend.domain.task import Format, Layout, Passage, Retrieval, Role, Row, Search, Split, Task
from backend.domain.training import Training, TrainingOverrides

_BRACES = re.compile(r"\{(.*?)\}")


def _one_line(text: str) -> str:
    return " ".join(text.splitlines()).replace("  ", " ").strip()


def _query(context: Mapping[str, Any], mention: Mapping[str, Any]) -> str | None:
    """``mention: left { mention } right`` of the mention's sentence; braces of the text itself become parentheses."""
    first, last = mention["mention_span"]["start"], mention["mention_span"]["end"]
    inside = (s for s in context["sentence_spans"] if s["start"] <= first and last <= s["end"])
    sentence = next(inside, None)
    if sentence is None:
        return None
    text, name = context["text"], mention["mention_span"]["text"]
    left = _BRACES.sub(r"(\1)", text[sentence["start"] : first])
    right = _BRACES.sub(r"(\1)", text[last : sentence["end"]])
    return _one_line(f"{name}: {left} {{ {name} }} {right}")


def _passage(entity: Mapping[str, Any]) -> Passage:
    spans = entity["sentence_spans"]
    text = " ".join(entity["description"][s["start"] : s["end"]] for s in spans)
    return Passage(str(entity["entity_id"]), _one_line(text))


def read(row: Row) -> Search | None:
    """Three kinds of rows: a mention and its entity (to train on), a mention (to test with), an entity (a candidate).

    Texts are made as in the official third_party/utils_mewslix.py. A mention that crosses the bounds of sentences, for which
    the script stops, is left out.
    """
    if "entity_id" in row:
        return Search(str(row["entity_id"]), None, str(row["entity_id"]), _passage(row))
    pair = row.get("contextual_mention", row)
    mention = pair["mention"]
    query = _query(pair["context"], mention)
    if query is None:
        return None
    answer = _passage(row["entity"]) if "entity" in row else None
    return Search(str(mention["example_id"]), query, str(mention["entity_id"]), answer)


TASK = Task(
    name="mewslix",
    title="Mewsli-X",
    summary="Find the entity that a mention in a news text means, among descriptions in many languages. Trained on English.",
    version=1,
    format=Format.ANSWER_RETRIEVAL,
    roles=frozenset({Role.TARGET}),
    languages=("ar", "de", "en", "es", "fa", "ja", "pl", "ro", "ta", "tr", "uk"),
    mini_languages=("en", "de", "ar", "tr", "ta"),
    metrics=(
        "map_at_20",
    ),  # each mention means one entity: the same number as MRR@20, which the official script computes
    trained_on="mewslix",
    evaluated_on=Split.TEST,
    evaluated_with=(Split.CANDIDATES,),
    sizes={
        Split.TRAIN: 167719,
        Split.VALIDATION: 14051,
        Split.CANDIDATES: 1003893,
        Split.TEST: 1329,
    },  # a language's share
    # No hub source: what izhx/mewsli-x's rows look like has not been seen, and its mentions are not in its parquet branch.
    files=(
        Layout(pattern="mewslix/wikinews_mentions-{split}.jsonl", rows=mewslix_mentions, splits={Split.TEST: "test"}),
        Layout(
            pattern="mewslix/wikipedia_pairs-{split}.jsonl",
            rows=mewslix_pairs,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev"},
        ),
        Layout(
            pattern="mewslix/candidate_set_entities.jsonl",
            rows=mewslix_entities,
            splits={Split.CANDIDATES: "candidates"},
        ),
    ),
    mini="mewslix",
    retrieval=Retrieval(layer_fraction=1, pooling="cls"),
    training=Training(learning_rate=1e-5, batch_size=32, epochs=2, max_length=64),
    # The scripts' for XLM-R and for mBERT; the batch is "the largest power of two that fit 16GB" of memory.
    published=Published(
        source=XTREME_R, families={"mBERT": TrainingOverrides(learning_rate=2e-5, batch_size=256)}, note=QUIET
    ),
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=200, max_length=64, frozen=1),
    licence="Apache-2.0; WikiNews text CC BY 2.5",
    citation="Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation",
    read=read,
)
