"""MNLI: does the premise entail the hypothesis, contradict it, or neither? English (Williams et al. 2018)."""

from backend.domain.layouts import jsonl, tsv
from backend.domain.published import AS_PHANG
from backend.domain.task import Format, Hub, Layout, Pair, Role, Row, Split, Task, Translations, label_index
from backend.domain.training import Training
from backend.domain.translations import SPLITS, XNLI_MT, XNLI_PAIRS, xtreme

LABELS = ("entailment", "neutral", "contradiction")


def read(row: Row) -> Pair | None:
    """Hub rows carry a class index, the originals a word; ``-`` (no majority among annotators) is left out."""
    label = row["label"] if "label" in row else row["gold_label"]
    if label in ("-", -1):
        return None
    first, second = ("premise", "hypothesis") if "premise" in row else ("sentence1", "sentence2")
    return Pair(str(row.get("idx", row.get("line", ""))), row[first], row[second], label_index(LABELS, label))


TASK = Task(
    name="mnli",
    title="MNLI",
    summary="Does the premise entail the hypothesis? English, ten genres.",
    version=1,
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    labels=LABELS,
    metrics=("accuracy",),
    trained_on="mnli",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 392702, Split.VALIDATION: 9815},
    hub=Hub(
        id="nyu-mll/glue",
        config="mnli",
        splits={Split.TRAIN: "train", Split.VALIDATION: "validation_matched"},
    ),
    files=(
        Layout(
            pattern="mnli/original/multinli_1.0/multinli_1.0_{split}.jsonl",
            rows=jsonl,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev_matched"},
        ),
        Layout(
            pattern="mnli/glue/MNLI/{split}.tsv",
            rows=tsv(quoted=False, skip_short=True),
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev_matched"},
        ),
    ),
    mini="mnli",
    translations=Translations(
        languages=("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"),
        hub=Hub(id="facebook/xnli", config="{language}", splits=SPLITS),
        files=(
            xtreme("XNLI", "en-{language}-translated.tsv", XNLI_PAIRS),
            Layout(
                pattern="xnli/original/XNLI-MT-1.0/multinli/multinli.train.{language}.tsv",
                also=("xnli/XNLI-MT-1.0/multinli/multinli.train.{language}.tsv",),
                rows=XNLI_MT,
            ),
        ),
    ),
    training=Training(learning_rate=1e-5, batch_size=32, epochs=2, max_length=256),
    published=AS_PHANG,
    mini_training=Training(learning_rate=7e-4, batch_size=64, steps=600, max_length=64, frozen=1),
    licence="MultiNLI licence (OANC, CC BY-SA, CC BY)",
    citation="Williams, Nangia & Bowman 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding",
    read=read,
)
