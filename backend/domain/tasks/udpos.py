"""UDPOS: part-of-speech tags of Universal Dependencies 2.5 (2.7 for XTREME-R's additions), trained on English."""

from backend.domain.layouts import tagged_lines
from backend.domain.published import AS_XTREME
from backend.domain.task import Format, Layout, Role, Row, Split, Task, Tokens, tag_indices
from backend.domain.training import Training

LABELS = tuple("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())


def read(row: Row) -> Tokens:
    """``_`` stands in XTREME's files where the conversion left a token without a tag; it is read as X."""
    tags = row["pos_tags"]
    indices = None if tags is None else tag_indices(LABELS, ["X" if t == "_" else t for t in tags])
    return Tokens(str(row.get("idx", row.get("line", ""))), tuple(row["tokens"]), indices)


TASK = Task(
    name="udpos",
    title="UD-POS",
    summary="Part-of-speech tags of Universal Dependencies, trained on English treebanks.",
    version=1,
    format=Format.TAGGING,
    roles=frozenset({Role.TARGET}),
    languages=tuple(
        (
            "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko lt mr nl pl pt ro ru ta te th tl tr uk "
            "ur vi wo yo zh"
        ).split()
    ),
    mini_languages=("en", "de", "ru", "ar", "hi", "tr", "id", "vi", "zh", "ta", "et"),
    labels=LABELS,
    metrics=("f1", "accuracy"),
    trained_on="udpos",
    sizes={Split.TRAIN: 21253, Split.VALIDATION: 3974, Split.TEST: 5440},
    # The hub's `google/xtreme` udpos is not XTREME's: it mixes in the treebanks of ancient languages, so there is no
    # hub source until one that equals XTREME's conversion is found.
    files=(
        Layout(
            pattern="udpos/xtreme_processed/{split}-{language}.tsv",
            rows=tagged_lines,
            # XTREME withholds test tags: what can be scored is the development set.
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev", Split.TEST: "dev"},
        ),
    ),
    mini="udpos",
    training=Training(learning_rate=2e-5, batch_size=32, epochs=10, max_length=128),
    published=AS_XTREME,
    mini_training=Training(learning_rate=1e-3, batch_size=32, steps=150, max_length=64, frozen=1),
    licence="per treebank: CC BY-SA or CC BY-NC-SA",
    citation="Universal Dependencies 2.5 and 2.7; XTREME (Hu et al. 2020)",
    read=read,
)
