"""SQuAD v2.0: v1.1 and questions that the paragraph does not answer. English (Rajpurkar et al. 2018)."""

from backend.domain.layouts import squad_json
from backend.domain.published import AS_PHANG
from backend.domain.task import Format, Hub, Layout, Role, Split, Task
from backend.domain.tasks.squad import read
from backend.domain.training import Training

TASK = Task(
    name="squad_v2",
    title="SQuAD v2.0",
    summary="The span of a paragraph that answers the question, if any does. English.",
    version=1,
    format=Format.SPAN_QA,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("f1", "exact_match"),
    trained_on="squad_v2",
    contains=("squad",),
    unanswerable=True,
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 130319, Split.VALIDATION: 11873},
    hub=Hub(id="rajpurkar/squad_v2", config="squad_v2", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="squad_v2/{split}-v2.0.json",
            rows=squad_json,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev"},
        ),
    ),
    mini="squad_v2",
    training=Training(learning_rate=1e-5, batch_size=16, epochs=2, max_length=384, stride=128),
    published=AS_PHANG,
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=450, max_length=96, stride=32, frozen=1),
    licence="CC BY-SA 4.0",
    citation="Rajpurkar, Jia & Liang 2018, Know What You Don't Know: Unanswerable Questions for SQuAD",
    read=read,
)
