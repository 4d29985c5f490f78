"""PAN-X: names of persons, organisations and places in Wikipedia (Pan et al. 2017; splits of Rahimi et al. 2019)."""

from backend.domain.layouts import tagged_tokens
from backend.domain.published import AS_XTREME
from backend.domain.task import Format, Hub, Layout, Role, Row, Split, Task, Tokens, tag_indices
from backend.domain.training import Training

LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def read(row: Row) -> Tokens:
    """The hub has indices, the files names of tags."""
    tags = row["ner_tags"]
    indices = None if tags is None else tag_indices(LABELS, tags)
    return Tokens(str(row.get("idx", row.get("line", ""))), tuple(row["tokens"]), indices)


TASK = Task(
    name="panx",
    title="PAN-X",
    summary="Names of persons, organisations and places. Trained on English Wikipedia.",
    version=1,
    format=Format.TAGGING,
    roles=frozenset({Role.TARGET}),
    languages=tuple(
        (
            "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my zh kk "
            "tr et fi hu qu pl uk az lt pa gu ro"
        ).split()
    ),
    mini_languages=("en", "de", "ru", "ar", "hi", "tr", "sw", "id", "vi", "zh", "ta", "et"),
    labels=LABELS,
    metrics=("f1", "accuracy"),
    trained_on="panx",
    sizes={Split.TRAIN: 20000, Split.VALIDATION: 10000, Split.TEST: 10000},
    # WikiANN itself: XTREME's copy on the hub lacks the eight languages that XTREME-R added.
    hub=Hub(id="unimelb-nlp/wikiann", config="{language}"),
    files=(
        Layout(
            pattern="panx/original/{language}/{split}",
            also=("panx/{language}/{split}",),
            rows=tagged_tokens("ner_tags", language_before=True),
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
        Layout(
            pattern="panx/xtreme_processed/{split}-{language}.tsv",
            also=("panx/{split}-{language}.tsv",),
            rows=tagged_tokens("ner_tags"),
            # XTREME withholds test tags: what can be scored is the development set.
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "dev"},
        ),
        Layout(
            pattern="panx/masakhane_panx/{language}/{split}.txt",
            rows=tagged_tokens("ner_tags", " "),
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "test"},
            languages={"sw": "swa", "yo": "yor"},
        ),
    ),
    mini="panx",
    training=Training(learning_rate=2e-5, batch_size=32, epochs=10, max_length=128),
    published=AS_XTREME,
    mini_training=Training(learning_rate=1e-3, batch_size=32, steps=150, max_length=64, frozen=1),
    licence="not stated by its authors; text of Wikipedia, CC BY-SA",
    citation="Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages; Rahimi, Li & Cohn 2019",
    read=read,
)
