"""PAWS-X: do two sentences of the same words mean the same? Seven languages, trained on PAWS (Yang et al. 2019)."""

from backend.domain.layouts import tsv
from backend.domain.published import AS_XTREME
from backend.domain.task import Format, Hub, Layout, Pair, Role, Row, Split, Task, Translations, label_index
from backend.domain.training import Training
from backend.domain.translations import PAWSX_PAIRS, SPLITS, xtreme

LABELS = ("different", "paraphrase")


def read(row: Row) -> Pair | None:
    """A few sentences could not be translated: they are ``NS`` in the files, and empty on the hub, and are left out."""
    first, second = row["sentence1"], row["sentence2"]
    if "NS" in (first, second) or not first or not second:
        return None
    return Pair(str(row.get("id", row.get("line", ""))), first, second, label_index(LABELS, row["label"]))


TASK = Task(
    name="pawsx",
    title="PAWS-X",
    summary="Do two sentences made of the same words mean the same? In XTREME, no longer in XTREME-R.",
    version=1,
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.TARGET}),
    languages=("de", "en", "es", "fr", "ja", "ko", "zh"),
    mini_languages=("en", "de", "zh"),
    labels=LABELS,
    metrics=("accuracy",),
    trained_on="pawsx",
    sizes={Split.TRAIN: 49401, Split.VALIDATION: 2000, Split.TEST: 2000},
    hub=Hub(id="google-research-datasets/paws-x", config="{language}"),
    files=(
        Layout(
            pattern="pawsx/original/x-final/{language}/{split}.tsv",
            also=("pawsx/x-final/{language}/{split}.tsv",),
            rows=tsv(quoted=False),
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev_2k", Split.TEST: "test_2k"},
        ),
        Layout(
            pattern="pawsx/xtreme_processed/{split}-{language}.tsv",
            also=("pawsx/{split}-{language}.tsv",),
            rows=tsv(("sentence1", "sentence2", "label"), quoted=True),
            # XTREME withholds test labels: what can be scored is the development set.
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "dev"},
        ),
    ),
    mini="pawsx",
    translations=Translations(
        languages=("de", "es", "fr", "ja", "ko", "zh"),
        hub=Hub(id="google-research-datasets/paws-x", config="{language}", splits=SPLITS),
        files=(
            xtreme("PAWSX", "en-{language}-translated.tsv", PAWSX_PAIRS),
            Layout(
                pattern="pawsx/original/x-final/{language}/translated_train.tsv",
                also=("pawsx/x-final/{language}/translated_train.tsv",),
                rows=tsv(quoted=False),
            ),
        ),
    ),
    training=Training(learning_rate=2e-5, batch_size=32, epochs=5, max_length=128),
    published=AS_XTREME,
    mini_training=Training(learning_rate=7e-4, batch_size=64, steps=600, max_length=64, frozen=1),
    licence="free for any purpose, as stated by its authors",
    citation="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification",
    read=read,
)
