"""CCG: the lexical category of every word, in combinatory categorial grammar. English (Hockenmaier & Steedman 2007).

CCGbank is licensed by the LDC, so whoever has a licence brings the files, in jiant's format: a sentence and its categories a
line, and ``tags_to_id.json`` beside them, which numbers the categories. The labels are those numbers.
"""

from backend.domain.layouts import sentences_with_tags
from backend.domain.published import AS_PHANG_BUT_EPOCHS
from backend.domain.task import Format, Layout, Role, Row, Split, Task, Tokens, tag_indices
from backend.domain.training import Training

#: As many categories as jiant's ``ccg.py`` numbers.
LABELS = tuple(str(number) for number in range(1363))


def read(row: Row) -> Tokens:
    tags = row["tags"]
    indices = None if tags is None else tag_indices(LABELS, tags)
    return Tokens(str(row.get("line", "")), tuple(row["tokens"]), indices)


TASK = Task(
    name="ccg",
    title="CCG",
    summary="The category of every word in combinatory categorial grammar. English, from your own licensed copy.",
    version=1,
    format=Format.TAGGING,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    labels=LABELS,
    metrics=("accuracy",),
    trained_on="ccg",
    evaluated_on=Split.VALIDATION,
    # From memory of the paper: the corpus is not open. Used for forecasts and numbers of steps only.
    sizes={Split.TRAIN: 38015},
    files=(
        Layout(
            pattern="ccg/{split}.tsv",
            rows=sentences_with_tags,
            splits={Split.TRAIN: "train", Split.VALIDATION: "val"},
        ),
    ),
    mini="ccg",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=10, max_length=256),
    published=AS_PHANG_BUT_EPOCHS,
    mini_training=Training(learning_rate=1e-3, batch_size=32, steps=150, max_length=64, frozen=1),
    licence="LDC user agreement (CCGbank)",
    citation="Hockenmaier & Steedman 2007, CCGbank: A Corpus of CCG Derivations and Dependency Structures",
    read=read,
)
