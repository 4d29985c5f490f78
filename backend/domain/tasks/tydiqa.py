"""TyDiQA-GoldP: questions by people who did not know the answer, nine languages, trained on its English (Clark et al. 2020).

The official development set is what XTREME tests on, and there is no other: the best checkpoint is chosen on its English part.
"""

from backend.domain.language import LANGUAGES
from backend.domain.layouts import squad_json, squad_json_by_id
from backend.domain.published import AS_XTREME_QA
from backend.domain.task import Format, Hub, Layout, Role, Split, Task, Translations
from backend.domain.tasks.squad import read
from backend.domain.training import Training
from backend.domain.translations import xtreme

CODES = ("en", "ar", "bn", "fi", "id", "ko", "ru", "sw", "te")
#: Questions are named by their language: ``swahili-…``.
NAMED = {code: LANGUAGES[code].name.lower() for code in CODES}
PREFIXES = {code: f"{name}-" for code, name in NAMED.items()}
SPLITS = {Split.TRAIN: "train", Split.VALIDATION: "dev"}

TASK = Task(
    name="tydiqa",
    title="TyDiQA-GoldP",
    summary="The span of a passage that answers a question. Trained on 3,696 questions in English.",
    version=1,
    format=Format.SPAN_QA,
    roles=frozenset({Role.TARGET}),
    languages=CODES,
    mini_languages=("en", "ar", "id", "ru", "sw"),
    metrics=("f1", "exact_match"),
    trained_on="tydiqa",
    evaluated_on=Split.VALIDATION,
    sizes={Split.TRAIN: 3696, Split.VALIDATION: 440},
    hub=Hub(
        id="google-research-datasets/tydiqa",
        config="secondary_task",
        splits={Split.TRAIN: "train", Split.VALIDATION: "validation"},
        id_prefixes=PREFIXES,
    ),
    files=(
        Layout(
            pattern="tydiqa_goldp/tydiqa-goldp-v1.1-{split}.json",
            also=("tydiqa/tydiqa-goldp-v1.1-{split}.json",),
            rows=squad_json_by_id(PREFIXES),
            splits=SPLITS,
        ),
        Layout(
            pattern="tydiqa_goldp/{language}/{language}_tydiqa_{split}.json",
            rows=squad_json,
            splits=SPLITS,
            languages=NAMED,
        ),
        Layout(
            pattern="tydiqa_goldp/xtreme_processed/tydiqa.goldp.{language}.{split}.json",
            also=("tydiqa/tydiqa-goldp-v1.1-{split}/tydiqa.goldp.{language}.{split}.json",),
            rows=squad_json,
            splits=SPLITS,
        ),
    ),
    mini="tydiqa",
    translations=Translations(
        languages=CODES[1:],
        files=(xtreme("TyDiQA-GoldP", "tydiqa.translate.train.en-{language}.json", squad_json),),
    ),
    training=Training(
        learning_rate=3e-5, batch_size=32, epochs=3, max_length=384, stride=128, weight_decay=1e-4, warmup_steps=500
    ),
    published=AS_XTREME_QA,
    mini_training=Training(learning_rate=7e-4, batch_size=32, steps=150, max_length=96, stride=32, frozen=1),
    licence="Apache-2.0",
    citation="Clark et al. 2020, TyDi QA: A Benchmark for Information-Seeking Question Answering",
    read=read,
)
