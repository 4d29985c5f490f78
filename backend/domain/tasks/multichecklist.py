"""MultiCheckList: what a question-answering model cannot do, in fifty languages (XTREME-R, Ruder et al. 2021).

Six tests, 200 cases each: comparisons, intensifiers, properties, profession against nationality, animal against vehicle, and
the same with two people. Generated from the official file of templates (``backend.domain.checklist``), which the user brings:
the digest of that file pins the cases. Scores are error rates, less is better, and are part of no mean over targets.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.domain.checklist import rows
from backend.domain.metrics.checklist import METRICS
from backend.domain.published import AS_XTREME_QA
from backend.domain.task import Format, Layout, Role, Split, Task
from backend.domain.tasks.squad import read
from backend.domain.training import Training

CASES = 200  # of each test, the official number


def generated(path: Path, language: str) -> Iterator[dict[str, Any]]:
    return rows(path, language, CASES)


TASK = Task(
    name="multichecklist",
    title="MultiCheckList",
    summary="Six tests of what a question-answering model can do: the share of cases it fails. Trained on SQuAD v1.1.",
    version=1,
    format=Format.SPAN_QA,
    roles=frozenset({Role.TARGET}),
    languages=tuple(
        (
            "en af my et fi fr he it jv es sw th uk qu ur eu ar bg bn nl zh de ka hi ht id ru ja ta kk fa ko pl hu pt ms az "
            "el gu ha lt ml mr pa tl te tr vi wo yo"
        ).split()
    ),
    mini_languages=("en", "de", "ru", "ar", "hi", "tr", "vi", "zh"),
    metrics=METRICS,
    trained_on="squad",
    diagnostic=True,
    sizes={Split.TEST: 6400},
    files=(Layout(pattern="multichecklist/checklist_templates.tsv", rows=generated, splits={Split.TEST: "test"}),),
    mini="multichecklist",
    training=Training(
        learning_rate=3e-5, batch_size=32, epochs=3, max_length=384, stride=128, weight_decay=1e-4, warmup_steps=500
    ),
    published=AS_XTREME_QA,
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=450, max_length=96, stride=32, frozen=1),
    licence="Apache-2.0",
    citation="Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation",
    read=read,
)
