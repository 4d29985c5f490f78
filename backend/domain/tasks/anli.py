"""ANLI+: Adversarial NLI, all three rounds (Nie et al. 2020), trained on together with MNLI and SNLI.

Phang et al. 2020 use the three as one intermediate task; what is looked at during training is ANLI's own development set.
"""

from backend.domain.layouts import comma_separated, jsonl
from backend.domain.published import AS_PHANG_BUT_EPOCHS
from backend.domain.task import Format, Hub, Layout, Pair, Role, Row, Split, Task, label_index
from backend.domain.tasks.mnli import LABELS
from backend.domain.training import Training

LETTERS = {"e": "entailment", "n": "neutral", "c": "contradiction"}


def read(row: Row) -> Pair:
    """The originals call the premise ``context`` and label with a letter; the authors' annotated tables have ``statement``."""
    label = row["gold_label"] if "gold_label" in row else row["label"]
    premise = row["premise"] if "premise" in row else row["context"]
    hypothesis = row["statement"] if "statement" in row else row["hypothesis"]
    return Pair(str(row["uid"]), premise, hypothesis, label_index(LABELS, LETTERS.get(label, label)))


TASK = Task(
    name="anli",
    title="ANLI+",
    summary="Does the premise entail the hypothesis? Written to fool models; trained with MNLI and SNLI. English.",
    version=1,
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    labels=LABELS,
    metrics=("accuracy",),
    trained_on="anli",
    joins=("mnli", "snli"),
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 162865, Split.VALIDATION: 3200},
    hub=Hub(
        id="facebook/anli",
        config="plain_text",
        splits={Split.TRAIN: "train_r1+train_r2+train_r3", Split.VALIDATION: "dev_r1+dev_r2+dev_r3"},
    ),
    files=(
        Layout(
            pattern="anli/anli_v*/R*/{split}.jsonl",
            also=("anli/R*/{split}.jsonl",),
            rows=jsonl,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
        Layout(
            pattern="anli/anlizinganli/ANLI_analysis_*_{split}.csv",
            rows=comma_separated,
            splits={Split.VALIDATION: "dev"},
        ),
    ),
    mini="anli",
    training=Training(learning_rate=1e-5, batch_size=32, epochs=2, max_length=256),
    published=AS_PHANG_BUT_EPOCHS,
    mini_training=Training(learning_rate=7e-4, batch_size=64, steps=900, max_length=64, frozen=1),
    licence="CC BY-NC 4.0",
    citation="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding",
    read=read,
)
