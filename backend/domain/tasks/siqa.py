"""SIQA: what do people feel, want or need? English, three options (Sap et al. 2019).

XTREME-R's XCOPA baseline is trained on it before COPA.
"""

from backend.domain.layouts import jsonl
from backend.domain.published import AS_XTREME_R_BY_SIZE
from backend.domain.task import Choice, Format, Hub, Layout, Role, Row, Split, Task, label_index
from backend.domain.training import Training

LETTERS = ("A", "B", "C")


def read(row: Row) -> Choice:
    """The label is a digit from 1 as text on the hub, a letter (``correct``) in the originals."""
    if "label" in row:
        label = label_index(("1", "2", "3"), row["label"])
    else:
        label = label_index(LETTERS, row["correct"])
    options = tuple(row[f"answer{letter}"] for letter in LETTERS)
    return Choice(str(row.get("line", "")), f"{row['context']} {row['question']}", options, label)


TASK = Task(
    name="siqa",
    title="SIQA",
    summary="What does somebody feel, want or need? English, three options.",
    version=1,
    format=Format.MULTIPLE_CHOICE,
    options=3,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("accuracy",),
    trained_on="siqa",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 33410, Split.VALIDATION: 1954},
    # Its authors' own entry on the hub is a loading script; this mirror has the same rows.
    hub=Hub(id="lighteval/siqa", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="siqa/socialIQa_v1.4_{split}.jsonl",
            rows=jsonl,
            splits={Split.TRAIN: "trn", Split.VALIDATION: "dev"},
        ),
    ),
    mini="siqa",
    training=Training(learning_rate=2e-5, batch_size=32, epochs=5, max_length=128),
    published=AS_XTREME_R_BY_SIZE,
    mini_training=Training(learning_rate=5e-4, batch_size=16, steps=300, max_length=64, frozen=1),
    licence="CC BY 4.0",
    citation="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions",
    read=read,
)
