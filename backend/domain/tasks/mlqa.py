"""MLQA: questions on Wikipedia paragraphs in seven languages, trained on SQuAD v1.1 (Lewis et al. 2020).

As in XTREME, question and paragraph are in the same language. Version 2 compares answers by MLQA's own normalisation of
their language (mlqa_evaluation_v1.py); version 1 did it by SQuAD's English one.
"""

from backend.domain.layouts import squad_json
from backend.domain.published import AS_XTREME_QA
from backend.domain.task import Format, Hub, Layout, Role, Split, Task
from backend.domain.tasks.squad import read
from backend.domain.training import Training

FILE = "MLQA_V1/{split}/{split}-context-{language}-question-{language}.json"

TASK = Task(
    name="mlqa",
    title="MLQA",
    summary="The span of a paragraph that answers the question. Trained on SQuAD v1.1.",
    version=2,
    format=Format.SPAN_QA,
    roles=frozenset({Role.TARGET}),
    languages=("en", "es", "de", "ar", "hi", "vi", "zh"),
    mini_languages=("en", "de", "ar", "hi", "vi", "zh"),
    metrics=("f1", "exact_match"),
    trained_on="squad",
    by_language=True,
    sizes={Split.VALIDATION: 1148, Split.TEST: 11590},
    # Its authors' own entry on the hub is a loading script, which `datasets` no longer runs; XTREME's is Parquet.
    hub=Hub(
        id="google/xtreme",
        config="MLQA.{language}.{language}",
        splits={Split.VALIDATION: "validation", Split.TEST: "test"},
    ),
    files=(
        Layout(
            pattern=f"mlqa/original/{FILE}",
            rows=squad_json,
            splits={Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
        Layout(
            pattern=f"mlqa/{FILE}",
            rows=squad_json,
            # What XTREME's download leaves; it withholds test answers: what can be scored is the development set.
            splits={Split.VALIDATION: "dev", Split.TEST: "dev"},
        ),
    ),
    mini="mlqa",
    training=Training(
        learning_rate=3e-5, batch_size=32, epochs=3, max_length=384, stride=128, weight_decay=1e-4, warmup_steps=500
    ),
    published=AS_XTREME_QA,
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=450, max_length=96, stride=32, frozen=1),
    licence="CC BY-SA 3.0",
    citation="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering",
    read=read,
)
