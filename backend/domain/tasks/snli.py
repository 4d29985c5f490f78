"""SNLI: does one sentence about a picture entail another? English (Bowman et al. 2015)."""

from backend.domain.layouts import jsonl, tsv
from backend.domain.published import AS_PHANG_BUT_EPOCHS
from backend.domain.task import Format, Hub, Layout, Role, Split, Task
from backend.domain.tasks.mnli import LABELS, read
from backend.domain.training import Training

TASK = Task(
    name="snli",
    title="SNLI",
    summary="Does a sentence about a picture entail another? English.",
    version=1,
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    labels=LABELS,
    metrics=("accuracy",),
    trained_on="snli",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 550152, Split.VALIDATION: 10000},
    hub=Hub(id="stanfordnlp/snli", config="plain_text"),
    files=(
        Layout(
            pattern="snli/snli_1.0/snli_1.0_{split}.jsonl",
            also=("snli/snli_1.0_{split}.jsonl",),
            rows=jsonl,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
        Layout(
            pattern="snli/snli-{split}.tsv",
            rows=tsv(("premise", "hypothesis", "gold_label"), quoted=False),
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
    ),
    mini="snli",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=2, max_length=256),
    published=AS_PHANG_BUT_EPOCHS,
    mini_training=Training(learning_rate=7e-4, batch_size=64, steps=600, max_length=64, frozen=1),
    licence="CC BY-SA 4.0",
    citation="Bowman et al. 2015, A Large Annotated Corpus for Learning Natural Language Inference",
    read=read,
)
