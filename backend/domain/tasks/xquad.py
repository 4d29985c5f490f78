"""XQuAD: 240 SQuAD paragraphs translated by professionals, trained on SQuAD v1.1 (Artetxe et al. 2020)."""

from backend.domain.layouts import squad_json
from backend.domain.published import AS_XTREME_QA
from backend.domain.task import Format, Hub, Layout, Role, Split, Task
from backend.domain.tasks.squad import read
from backend.domain.training import Training

TASK = Task(
    name="xquad",
    title="XQuAD",
    summary="The span of a paragraph that answers the question. Trained on SQuAD v1.1.",
    version=1,
    format=Format.SPAN_QA,
    roles=frozenset({Role.TARGET}),
    languages=("en", "es", "de", "el", "ru", "tr", "ar", "vi", "th", "zh", "hi", "ro"),
    mini_languages=("en", "de", "ru", "ar", "hi", "tr", "vi", "zh"),
    metrics=("f1", "exact_match"),
    trained_on="squad",
    evaluated_on=Split.VALIDATION,
    sizes={Split.VALIDATION: 1190},
    hub=Hub(id="google/xquad", config="xquad.{language}", splits={Split.VALIDATION: "validation"}),
    files=(Layout(pattern="xquad/xquad.{language}.json", rows=squad_json),),
    mini="xquad",
    training=Training(
        learning_rate=3e-5, batch_size=32, epochs=3, max_length=384, stride=128, weight_decay=1e-4, warmup_steps=500
    ),
    published=AS_XTREME_QA,
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=450, max_length=96, stride=32, frozen=1),
    licence="CC BY-SA 4.0",
    citation="Artetxe, Ruder & Yogatama 2020, On the Cross-lingual Transferability of Monolingual Representations",
    read=read,
)
