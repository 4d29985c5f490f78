"""COPA: which of two alternatives is the cause or the effect? English (Roemmele et al. 2011).

The training set of XCOPA, and an intermediate task of its own. XTREME-R's XCOPA baseline is SIQA, then COPA.
"""

from backend.domain.layouts import jsonl
from backend.domain.published import AS_XTREME_R_BY_SIZE
from backend.domain.task import Choice, Format, Hub, Layout, Role, Row, Split, Task
from backend.domain.training import Training

#: The question is asked in English in every language, as XTREME's baseline does: only the alternatives are translated.
ASKED = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}


def read(row: Row) -> Choice:
    label = row.get("label")
    return Choice(
        str(row.get("idx", row.get("line", ""))),
        f"{row['premise']} {ASKED[row['question']]}",
        (row["choice1"], row["choice2"]),
        None if label in (None, -1) else int(label),
    )


TASK = Task(
    name="copa",
    title="COPA",
    summary="Which alternative is the cause, or the effect? English, 400 questions.",
    version=1,
    format=Format.MULTIPLE_CHOICE,
    options=2,
    roles=frozenset({Role.TRAINING, Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("accuracy",),
    trained_on="copa",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 400, Split.VALIDATION: 100},
    hub=Hub(id="aps/super_glue", config="copa", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(Layout(pattern="copa/{split}.jsonl", rows=jsonl, splits={Split.TRAIN: "train", Split.VALIDATION: "val"}),),
    mini="copa",
    training=Training(learning_rate=2e-5, batch_size=32, epochs=5, max_length=128),
    published=AS_XTREME_R_BY_SIZE,
    mini_training=Training(learning_rate=5e-4, batch_size=32, steps=120, max_length=48, frozen=1),
    licence="BSD 2-Clause as distributed by its authors; no licence statement in the hub's copy",
    citation="Roemmele, Bejan & Gordon 2011, Choice of Plausible Alternatives",
    read=read,
)
