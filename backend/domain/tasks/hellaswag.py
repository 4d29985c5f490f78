"""HellaSwag: which ending continues the scene? English, four endings (Zellers et al. 2019)."""

from backend.domain.layouts import jsonl
from backend.domain.published import AS_PHANG_CHOICE
from backend.domain.task import Choice, Format, Hub, Layout, Role, Row, Split, Task
from backend.domain.training import Training


def read(row: Row) -> Choice:
    """As jiant does: the prompt is ``ctx_a``, an option ``ctx_b`` and an ending. The label is a string on the hub."""
    options = tuple(f"{row['ctx_b']} {ending}".strip() for ending in row["endings"])
    label = row.get("label", "")
    return Choice(str(row["ind"]), row["ctx_a"], options, None if label in ("", None) else int(label))


TASK = Task(
    name="hellaswag",
    title="HellaSwag",
    summary="Which of four endings continues the scene? English.",
    version=1,
    format=Format.MULTIPLE_CHOICE,
    options=4,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("accuracy",),
    trained_on="hellaswag",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 39905, Split.VALIDATION: 10042},
    hub=Hub(id="Rowan/hellaswag", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="hellaswag/hellaswag_{split}.jsonl",
            rows=jsonl,
            splits={Split.TRAIN: "train", Split.VALIDATION: "val"},
        ),
    ),
    mini="hellaswag",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=3, max_length=128),
    published=AS_PHANG_CHOICE,
    mini_training=Training(learning_rate=5e-4, batch_size=16, steps=300, max_length=64, frozen=1),
    licence="MIT",
    citation="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence?",
    read=read,
)
