"""QQP: do two questions of Quora ask the same? English (Iyer et al. 2017), as in GLUE."""

from backend.domain.layouts import tsv
from backend.domain.published import AS_PHANG_BUT_EPOCHS
from backend.domain.task import Format, Hub, Layout, Pair, Role, Row, Split, Task, label_index
from backend.domain.training import Training

LABELS = ("not_duplicate", "duplicate")


def read(row: Row) -> Pair:
    label = row["label"] if "label" in row else row["is_duplicate"]
    return Pair(
        str(row.get("idx", row.get("line", ""))), row["question1"], row["question2"], label_index(LABELS, label)
    )


TASK = Task(
    name="qqp",
    title="QQP",
    summary="Do two questions ask the same? English, from Quora.",
    version=2,  # 2: the checkpoint is chosen by the mean of accuracy and F1, not by accuracy alone
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    labels=LABELS,
    metrics=("accuracy_and_f1", "accuracy", "f1"),
    trained_on="qqp",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 363846, Split.VALIDATION: 40430},
    hub=Hub(id="nyu-mll/glue", config="qqp", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="qqp/glue/QQP/{split}.tsv",
            also=("qqp/QQP/{split}.tsv", "qqp/{split}.tsv"),
            rows=tsv(quoted=False, skip_short=True),
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev"},
        ),
    ),
    mini="qqp",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=3, max_length=256),
    published=AS_PHANG_BUT_EPOCHS,
    mini_training=Training(learning_rate=7e-4, batch_size=64, steps=600, max_length=64, frozen=1),
    licence="not stated; Quora's terms of service",
    citation="Iyer, Dandekar & Csernai 2017, Quora Question Pairs; GLUE (Wang et al. 2019)",
    read=read,
)
