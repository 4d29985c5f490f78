"""Translated training data: what there is of it, how its files are read, and what a plan makes of it."""

import csv
import json

import pytest

from backend.domain import mini, reading, translations
from backend.domain.experiment import ExperimentRequest, plan, problems, translated_into
from backend.domain.run import RunKind
from backend.domain.task import Source, Split
from backend.domain.tasks import TASKS
from backend.errors import Invalid


def request(**changes):
    base = {"name": "study", "models": ["mini-1"], "recipes": ["mnli"], "targets": ["xquad"], "seeds": [0]}
    return ExperimentRequest.model_validate({**base, **changes})


def runs(planned, kind, recipe=None):
    return [r for r in planned.runs.values() if r.spec.kind is kind and recipe in (None, r.recipe)]


# --- the mini world ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["mnli", "copa", "pawsx", "tydiqa", "squad"])
def test_the_mini_world_says_its_english_rows_in_other_languages(task):
    english = list(mini.rows(task, "en", "train"))
    german = list(mini.translated(task, "de", "train"))
    assert len(english) == len(german) and english != german
    assert list(mini.translated(task, "en", "train")) == english
    read = list(reading.examples(TASKS[task], german, f"{task} de"))  # answers stand where they are said to
    assert len(read) == len(german)
    if "label" in english[0]:
        assert [row["label"] for row in german] == [row["label"] for row in english]


def test_a_mini_task_of_phrases_made_in_english_has_no_translations():
    with pytest.raises(KeyError, match=r"hellaswag has no translations; those that have: mnli"):
        mini.translated("hellaswag", "de", "train")
    with pytest.raises(KeyError, match="mnli has no 'de'"):  # as a data set it stays what it is
        mini.rows("mnli", "de", "train")


# --- files -------------------------------------------------------------------------------------------------------------


def rows(task, root, language="de"):
    """Examples of the first layout that has a file."""
    whole = translations.translated(TASKS[task])
    for layout in whole.files:
        for pattern in (layout.pattern, *layout.also):
            path = root / pattern.format(language=language, split="train")
            if path.is_file():
                return list(reading.examples(whole, layout.rows(path, language), str(path)))
    raise AssertionError("no layout has it")


@pytest.mark.parametrize("bucket", ["xtreme_translations/", ""])
def test_xtremes_translations_are_read_in_their_layout(tmp_path, bucket):
    def put(name, text):
        path = tmp_path / f"{bucket}{name}"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")

    put("XNLI/translate-train/en-de-translated.tsv", 'It "is".\tNo.\tEs "ist".\tNein.\tcontradictory\n')
    put("PAWSX/translate-train/en-de-translated.tsv", "a b\tb a\tA B\tB A\t1\nc\td\tC\tD\tE F\nc\td\n")
    context = {"context": "Er wohnt in Rom.", "qas": [{"id": "1", "question": "Wo?"}]}
    context["qas"][0]["answers"] = [{"text": "Rom", "answer_start": 12}]
    squad = json.dumps({"data": [{"title": "t", "paragraphs": [context]}]})
    put("SQuAD/translate-train/squad.translate.train.en-de.json", squad)
    put("TyDiQA-GoldP/translate-train/tydiqa.translate.train.en-de.json", squad)
    (one,) = rows("mnli", tmp_path)
    assert (one.first, one.second, one.label) == ('Es "ist".', "Nein.", 2)
    (pair,) = rows("pawsx", tmp_path)  # of the others text stands where the label should
    assert (pair.first, pair.second, pair.label) == ("A B", "B A", 1)
    for task in ("squad", "tydiqa"):
        (question,) = rows(task, tmp_path)
        assert question.answers[0].text == "Rom" and question.context.startswith("Er wohnt")


def test_the_translations_of_xnli_and_pawsx_are_read_as_their_authors_gave_them(benchmark_files):
    nli = rows("mnli", benchmark_files, "sw")
    assert len(nli) == 4 and {e.label for e in nli} <= {0, 1, 2}
    with (benchmark_files / "xnli/original/XNLI-MT-1.0/multinli/multinli.train.sw.tsv").open(encoding="utf-8") as file:
        first = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1]
    assert [nli[0].first, nli[0].second] == first[:2]
    assert all(e.label in (0, 1) for e in rows("pawsx", benchmark_files, "es"))


def test_files_of_ones_own_come_first_and_make_any_task_translated(tmp_path):
    (tmp_path / "translations/qqp").mkdir(parents=True)
    row = {"question1": "Wer?", "question2": "Wer da?", "label": 1, "idx": 0}
    (tmp_path / "translations/qqp/train-de.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (one,) = rows("qqp", tmp_path)
    assert (one.first, one.label) == ("Wer?", 1)
    assert translations.translated(TASKS["mnli"]).files[0].pattern == "translations/mnli/{split}-{language}.jsonl"


# --- plans -------------------------------------------------------------------------------------------------------------


def test_a_recipe_trains_on_translations_instead_of_english_or_beside_it():
    planned = plan(
        request(recipes=["mnli", "mnli@languages=de+es", "mnli@languages=en+de"], source="files", models=["xlmr-base"])
    )
    read = {r.recipe: [(d.task, d.split, d.language) for d in r.spec.data] for r in runs(planned, RunKind.INTERMEDIATE)}
    train, dev = Split.TRAIN, ("mnli", Split.VALIDATION, None)
    assert read == {
        "mnli": [("mnli", train, None), dev],
        "mnli@languages=de+es": [("mnli", train, "de"), ("mnli", train, "es"), dev],
        "mnli@languages=en+de": [("mnli", train, None), ("mnli", train, "de"), dev],
    }
    steps = {r.recipe: r.steps for r in runs(planned, RunKind.INTERMEDIATE)}
    assert (
        steps["mnli@languages=de+es"] == steps["mnli@languages=en+de"] == 2 * steps["mnli"]
    )  # epochs over twice the rows


def test_a_budget_of_examples_is_one_of_each_language():
    (run,) = runs(
        plan(request(recipes=["mnli@examples=320,languages=de+es"], source="files", models=["xlmr-base"])),
        RunKind.INTERMEDIATE,
    )
    assert run.examples == 640 and run.steps == 640 // 32 * 2


def test_tasks_that_join_others_are_translated_with_them():
    (run,) = runs(plan(request(recipes=["anli@languages=sw"])), RunKind.INTERMEDIATE)
    assert [(d.task, d.language) for d in run.spec.data] == [
        ("anli", "sw"),
        ("mnli", "sw"),
        ("snli", "sw"),
        ("anli", None),
    ]
    assert translated_into(TASKS["anli"], Source.HUB) == ()  # MNLI alone is translated there


def test_a_control_spends_the_steps_of_the_translated_stage():
    planned = plan(request(recipes=["control:mnli@languages=de+es"], source="files", models=["xlmr-base"]))
    plain = plan(request(recipes=["control:mnli"], source="files", models=["xlmr-base"]))
    steps = [
        max(r.steps for r in runs(p, RunKind.FINETUNE))
        for p in (planned, plain, plan(request(source="files", models=["xlmr-base"])))
    ]
    assert steps[0] - steps[2] == 2 * (steps[1] - steps[2])


def test_translate_train_goes_to_the_baseline_too_and_its_cells_match_nothing_else():
    asked = {"targets": ["xnli", "tatoeba"], "recipes": ["squad"]}
    planned, zero = plan(request(**asked, translate_train=["de", "en"])), plan(request(**asked))
    for run in runs(planned, RunKind.FINETUNE):
        assert [(d.split, d.language) for d in run.spec.data] == [
            (Split.TRAIN, None), (Split.TRAIN, "de"), (Split.VALIDATION, None),
        ]  # fmt: skip
    assert {r.recipe for r in runs(planned, RunKind.FINETUNE)} == {"none", "squad"}

    def settings(found, target):
        return {r.settings for r in runs(found, RunKind.EVALUATE) if r.target == target}

    assert len(settings(planned, "xnli")) == 1 and settings(planned, "xnli").isdisjoint(settings(zero, "xnli"))
    assert settings(planned, "tatoeba") == settings(zero, "tatoeba")  # it is trained on nothing
    only = plan(request(**asked, translate_train=["en"]))
    assert list(only.runs) == list(zero.runs)  # English alone is what there always was


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"recipes": ["hellaswag@languages=de"]}, "/recipes/0", "hellaswag has no translations; those that have: .*mnli.*into de"),
        ({"recipes": ["mnli@languages=el"]}, "/recipes/0", "mnli has no translations into el; it has them into de, ru"),
        ({"recipes": ["squad", "mnli+qqp@languages=de"]}, "/recipes/1", "qqp has no translations"),
        ({"recipes": ["mnli@languages=xx"]}, "/recipes/0", "unknown language 'xx'"),
        ({"translate_train": ["de", "xx"]}, "/translate_train/1", "unknown language 'xx'"),
        ({"translate_train": ["de"], "targets": ["udpos"]}, "/translate_train", "target udpos has no translations; those that have:.*xnli"),
        ({"translate_train": ["de"], "targets": ["tatoeba"]}, "/translate_train", "none of the targets is trained"),
        (
            {"source": "hub", "models": ["xlmr-base"], "recipes": ["squad@languages=de"]},
            "/recipes/0",
            "squad has no translations; those that have: mnli, into ar",
        ),
        (
            {"source": "hub", "models": ["xlmr-base"], "translate_train": ["de", "ko"], "targets": ["pawsx", "xnli"]},
            "/translate_train",
            "target xnli has no translations into ko; it has them into ar",
        ),
    ],
)  # fmt: skip
def test_what_is_not_translated_is_refused_at_its_field(changes, pointer, message):
    import re

    asked = request(**changes)
    (error,) = [e for e in problems(asked) if e.pointer == pointer]
    assert re.search(message, error.message), error.message
    with pytest.raises(Invalid):
        plan(asked)


def test_languages_that_are_named_twice_are_refused():
    with pytest.raises(ValueError, match="named twice"):
        request(translate_train=["de", "de"])
