"""CosmosQA: what is not said in a story, but can be read from it. English, four options (Huang et al. 2019)."""

from backend.domain.layouts import comma_separated
from backend.domain.published import AS_PHANG_CHOICE
from backend.domain.task import Choice, Format, Hub, Layout, Role, Row, Split, Task, label_index
from backend.domain.training import Training

OPTIONS = ("0", "1", "2", "3")


def read(row: Row) -> Choice:
    """As jiant does: the prompt is the context and the question."""
    options = tuple(row[f"answer{number}"] for number in OPTIONS)
    prompt = f"{row['context']} {row['question']}"
    return Choice(str(row["id"]), prompt, options, label_index(OPTIONS, row["label"]))


TASK = Task(
    name="cosmosqa",
    title="Cosmos QA",
    summary="Which of four readings of a story is right? English.",
    version=1,
    format=Format.MULTIPLE_CHOICE,
    options=4,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("accuracy",),
    trained_on="cosmosqa",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 25262, Split.VALIDATION: 2985},
    # Its authors' own entry on the hub is a loading script, which `datasets` no longer runs; this is a copy in Parquet.
    hub=Hub(id="Samsoup/cosmos_qa", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="cosmosqa/{split}.csv",
            also=("cosmosqa/data/{split}.csv",),
            rows=comma_separated,
            splits={Split.TRAIN: "train", Split.VALIDATION: "valid"},
        ),
    ),
    mini="cosmosqa",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=3, max_length=256),
    published=AS_PHANG_CHOICE,
    mini_training=Training(learning_rate=5e-4, batch_size=16, steps=250, max_length=64, frozen=1),
    licence="CC BY 4.0",
    citation="Huang et al. 2019, Cosmos QA: Machine Reading Comprehension with Contextual Commonsense Reasoning",
    read=read,
)
