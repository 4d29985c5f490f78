"""SQuAD v1.1: the span of the paragraph that answers the question. English (Rajpurkar et al. 2016)."""

from backend.domain.layouts import squad_json
from backend.domain.published import AS_PHANG
from backend.domain.task import Answer, Format, Hub, Layout, Question, Role, Row, Split, Task, Translations
from backend.domain.training import Training
from backend.domain.translations import xtreme


def read(row: Row) -> Question:
    """SQuAD's row, which all data sets of its kind have: ``answers`` holds two lists, of texts and of character offsets."""
    answers = row["answers"]
    spans = zip(answers["text"], answers["answer_start"], strict=True)
    return Question(
        str(row["id"]), row["question"], row["context"], tuple(Answer(text, int(start)) for text, start in spans)
    )


TASK = Task(
    name="squad",
    title="SQuAD v1.1",
    summary="The span of a paragraph that answers the question. English.",
    version=1,
    format=Format.SPAN_QA,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    metrics=("f1", "exact_match"),
    trained_on="squad",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 87599, Split.VALIDATION: 10570},
    hub=Hub(id="rajpurkar/squad", config="plain_text", splits={Split.TRAIN: "train", Split.VALIDATION: "validation"}),
    files=(
        Layout(
            pattern="squad_v1/{split}-v1.1.json",
            rows=squad_json,
            splits={Split.TRAIN: "train", Split.VALIDATION: "dev"},
        ),
    ),
    mini="squad",
    translations=Translations(
        languages=("ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh"),
        files=(xtreme("SQuAD", "squad.translate.train.en-{language}.json", squad_json),),
    ),
    training=Training(learning_rate=1e-5, batch_size=16, epochs=2, max_length=384, stride=128),
    published=AS_PHANG,
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=450, max_length=96, stride=32, frozen=1),
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text",
    read=read,
)
