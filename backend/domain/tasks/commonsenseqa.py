"""CommonsenseQA: questions about what everybody knows. English, five options (Talmor et al. 2019)."""

from backend.domain.layouts import jsonl
from backend.domain.published import AS_PHANG_CHOICE
from backend.domain.task import Choice, Format, Hub, Layout, Role, Row, Split, Task
from backend.domain.training import Training


def read(row: Row) -> Choice:
    """The originals nest stem and options in ``question``; on the hub ``choices`` holds two lists. The key is a letter."""
    question = row["question"]
    if isinstance(question, str):
        stem, letters, options = question, row["choices"]["label"], row["choices"]["text"]
    else:
        stem = question["stem"]
        letters = [choice["label"] for choice in question["choices"]]
        options = [choice["text"] for choice in question["choices"]]
    key = row.get("answerKey")
    if key and key not in letters:
        raise ValueError(f"answerKey {str(key)[:20]!a} is none of {', '.join(letters)}")
    return Choice(str(row["id"]), stem, tuple(options), list(letters).index(key) if key else None)


TASK = Task(
    name="commonsenseqa",
    title="CommonsenseQA",
    summary="Which of five answers is what everybody knows? English.",
    version=1,
    format=Format.MULTIPLE_CHOICE,
    options=5,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("accuracy",),
    trained_on="commonsenseqa",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 9741, Split.VALIDATION: 1221},
    hub=Hub(id="tau/commonsense_qa", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="commonsenseqa/{split}_rand_split.jsonl",
            rows=jsonl,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev"},
        ),
    ),
    mini="commonsenseqa",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=5, max_length=128),
    published=AS_PHANG_CHOICE,
    mini_training=Training(learning_rate=5e-4, batch_size=16, steps=200, max_length=64, frozen=1),
    licence="MIT",
    citation="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge",
    read=read,
)
