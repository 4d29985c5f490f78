"""XCOPA: COPA's question in eleven languages, trained on COPA (Ponti et al. 2020)."""

from backend.domain.layouts import jsonl
from backend.domain.published import AS_XTREME_R_BY_SIZE
from backend.domain.task import Format, Hub, Layout, Role, Split, Task
from backend.domain.tasks.copa import read
from backend.domain.training import Training

TASK = Task(
    name="xcopa",
    title="XCOPA",
    summary="Which alternative is the cause, or the effect? Trained on COPA's 400 questions.",
    version=1,
    format=Format.MULTIPLE_CHOICE,
    options=2,
    roles=frozenset({Role.TARGET}),
    languages=("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"),
    mini_languages=("en", "et", "id", "sw", "ta", "tr", "vi", "zh"),
    metrics=("accuracy",),
    trained_on="copa",
    sizes={Split.VALIDATION: 100, Split.TEST: 500},
    hub=Hub(
        id="cambridgeltl/xcopa",
        config="{language}",
        splits={Split.VALIDATION: "validation", Split.TEST: "test"},
    ),
    files=(
        Layout(
            pattern="xcopa/{language}/{split}.{language}.jsonl",
            rows=jsonl,
            splits={Split.VALIDATION: "val", Split.TEST: "test"},
        ),
    ),
    mini="xcopa",
    training=Training(learning_rate=2e-5, batch_size=32, epochs=5, max_length=128),
    published=AS_XTREME_R_BY_SIZE,
    mini_training=Training(learning_rate=5e-4, batch_size=32, steps=120, max_length=48, frozen=1),
    licence="CC BY 4.0",
    citation="Ponti et al. 2020, XCOPA: A Multilingual Dataset for Causal Commonsense Reasoning",
    read=read,
)
