"""XNLI: MNLI's question in fifteen languages, trained on MNLI (Conneau et al. 2018)."""

from backend.domain.layouts import tsv
from backend.domain.published import AS_XTREME_BY_SIZE
from backend.domain.task import Format, Hub, Layout, Role, Split, Task
from backend.domain.tasks.mnli import LABELS, read
from backend.domain.training import Training

TASK = Task(
    name="xnli",
    title="XNLI",
    summary="Does the premise entail the hypothesis? Trained on MNLI.",
    version=1,
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.TARGET}),
    languages=("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"),
    mini_languages=("en", "de", "ru", "ar", "hi", "tr", "sw", "vi", "zh"),
    labels=LABELS,
    metrics=("accuracy",),
    trained_on="mnli",
    sizes={Split.VALIDATION: 2490, Split.TEST: 5010},
    hub=Hub(id="facebook/xnli", config="{language}"),
    files=(
        Layout(
            pattern="xnli/xtreme_processed/{split}-{language}.tsv",
            rows=tsv(("premise", "hypothesis", "gold_label"), quoted=True),
            # XTREME withholds test labels: what can be scored is the development set.
            splits={Split.VALIDATION: "dev", Split.TEST: "dev"},
        ),
        Layout(
            pattern="xnli/original/XNLI-1.0/xnli.{split}.tsv",
            rows=tsv(quoted=False, where_language="language"),
            splits={Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
    ),
    mini="xnli",
    training=Training(learning_rate=2e-5, batch_size=32, epochs=5, max_length=128),
    published=AS_XTREME_BY_SIZE,
    mini_training=Training(learning_rate=7e-4, batch_size=64, steps=900, max_length=64, frozen=1),
    licence="CC BY-NC 4.0",
    citation="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations",
    read=read,
)
