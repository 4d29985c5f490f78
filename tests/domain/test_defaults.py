"""Settings are the papers': by task, size and family of the model; what is shown is what the plan will run."""

import pytest
from pydantic import ValidationError

from backend.domain.defaults import default
from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.model import MODELS
from backend.domain.resolved import resolved
from backend.domain.run import RunKind
from backend.domain.task import Role, Source
from backend.domain.tasks import TASKS
from backend.domain.training import Training, TrainingOverrides


def request(**changes):
    base = {"name": "x", "source": "files", "models": ["xlmr-base"], "recipes": ["mnli"], "targets": ["xnli"]}
    return ExperimentRequest.model_validate({**base, **changes})


def rows(**changes):
    asked = request(**changes)
    return {(r.stage, r.name, r.models): r for r in resolved(asked, plan(asked))}


@pytest.mark.parametrize(
    ("task", "model", "wanted"),
    [
        # reference/papers.md 1.5: scripts of XTREME and XTREME-R
        ("xnli", "xlmr-base", (2e-5, 32, 5, 128)),
        ("xnli", "xlmr-large", (3e-5, 32, 5, 128)),
        ("siqa", "xlmr-base", (2e-5, 32, 5, 128)),
        ("copa", "xlmr-large", (3e-5, 32, 5, 128)),
        ("xcopa", "xlmr-large", (3e-5, 32, 5, 128)),
        ("udpos", "xlmr-large", (2e-5, 32, 10, 128)),
        ("panx", "xlmr-base", (2e-5, 32, 10, 128)),
        ("pawsx", "xlmr-large", (2e-5, 32, 5, 128)),
        ("tydiqa", "xlmr-large", (3e-5, 32, 3, 384)),
        ("lareqa", "mbert", (2e-5, 16, 3, 256)),
        ("mewslix", "mbert", (2e-5, 256, 2, 64)),
        ("mewslix", "xlmr-large", (1e-5, 32, 2, 64)),
        # 1.4: scripts of Phang et al. 2020
        ("mnli", "xlmr-base", (1e-5, 32, 2, 256)),
        ("squad", "xlmr-large", (1e-5, 16, 2, 384)),
    ],
)
def test_settings_are_those_of_the_scripts(task, model, wanted):
    found = default(TASKS[task], MODELS[model], Source.HUB)
    t = found.training
    assert (t.learning_rate, t.batch_size, t.epochs, t.max_length) == wanted
    assert found.reason


def test_the_reason_names_the_size_of_the_model_where_it_matters():
    large, base = (default(TASKS["xnli"], MODELS[m], Source.FILES).reason for m in ("xlmr-large", "xlmr-base"))
    assert large.startswith("learning rate 3e-05: XTREME's scripts for large models")
    assert base.startswith("XTREME's scripts;") and "large" not in base
    assert "for mBERT" in default(TASKS["mewslix"], MODELS["mbert"], Source.FILES).reason


@pytest.mark.parametrize("task", [t for t in TASKS.values() if t.training], ids=lambda t: t.name)
def test_every_trained_task_says_whose_its_settings_are(task):
    assert task.published is not None
    assert Role.TARGET not in task.roles or "XTREME" in task.published.source


def test_the_mini_world_keeps_its_own_settings_for_every_model():
    found = {default(TASKS["xnli"], MODELS[m], Source.MINI) for m in ("mini-1", "mini-4")}
    assert {f.training for f in found} == {TASKS["xnli"].mini_training} and len(found) == 1


def test_question_answering_warms_up_for_as_many_steps_as_its_script():
    runs = plan(request(targets=["tydiqa", "xquad"])).runs.values()
    tuned = {r.target: r.spec.training for r in runs if r.spec.kind is RunKind.FINETUNE}
    assert {t.warmup_steps for t in tuned.values()} == {500}
    assert (tuned["tydiqa"].steps, tuned["squad"].steps) == (348, 8214)
    assert [tuned[t].warmup_of(tuned[t].steps) for t in ("tydiqa", "squad")] == [500, 500]
    changed = TrainingOverrides(warmup=0.2).applied_to(tuned["squad"])
    assert changed.warmup_steps is None and changed.warmup_of(100) == 20


def test_what_is_shown_is_what_runs():
    asked = request(
        models=["xlmr-base", "xlmr-large"], recipes=["mnli", "siqa>copa", "mnli+squad"], targets=["xnli", "xquad"]
    )
    planned = plan(asked)
    shown = resolved(asked, planned)
    trained = {
        r.spec.training for r in planned.runs.values() if r.spec.kind in (RunKind.INTERMEDIATE, RunKind.FINETUNE)
    }
    assert {r.training for r in shown} == trained
    names = [(r.stage, r.name, r.models) for r in shown]
    assert len(set(names)) == len(names)
    both = ("xlmr-base", "xlmr-large")
    assert ("intermediate", "mnli", both) in names and ("target", "xquad", both) in names
    # two models of one size share a row, where the learning rate differs they do not
    assert {n for n in names if n[1] == "xnli"} == {("target", "xnli", (m,)) for m in both}
    assert {n for n in names if n[1] == "siqa>copa"} == {("intermediate", "siqa>copa", (m,)) for m in both}


def test_epochs_are_what_the_steps_come_to_and_changes_are_marked_with_what_would_be():
    found = rows(
        recipes=["mnli@steps=1000,learning_rate=0.00001", "siqa@examples=320"], finetuning={"epochs": 2, "frozen": 3}
    )
    mnli = found["intermediate", "mnli@learning_rate=1e-05,steps=1000", ("xlmr-base",)]
    assert mnli.epochs == pytest.approx(1000 * 32 / 392702)
    assert dict(mnli.changed) == {"steps": None}  # the learning rate is what it would be
    assert dict(found["intermediate", "siqa@examples=320", ("xlmr-base",)].changed) == {"examples": None}
    assert found["intermediate", "siqa@examples=320", ("xlmr-base",)].epochs == 5
    target = found["target", "xnli", ("xlmr-base",)]
    assert dict(target.changed) == {"epochs": 5, "frozen": 0}
    assert target.epochs == pytest.approx(2, abs=0.001)


def test_a_mix_and_a_control_say_how_their_settings_come_about():
    found = rows(source="mini", models=["mini-2"], recipes=["mnli+squad", "control-mlm:mnli", "control:mnli"])
    mix = found["intermediate", "mnli+squad", ("mini-2",)]
    assert mix.training.steps == 600 + 450 and mix.reason.startswith("a mix has the steps of all its tasks")
    control = found["intermediate", "control-mlm:mnli", ("mini-2",)]
    assert control.reason == "the steps of mnli, at half the learning rate of the pretraining"
    assert ("intermediate", "control:mnli", ("mini-2",)) not in found


# --- LoRA as settings ----------------------------------------------------------------------------------------------


def test_a_rank_alone_means_the_usual_scale_so_that_equal_stages_are_equal():
    base = Training(learning_rate=1e-5, batch_size=8, steps=5)
    assert "lora_rank" not in base.model_dump() and "warmup_steps" not in base.model_dump()
    short = TrainingOverrides(lora_rank=8).applied_to(base)
    assert (short.lora_alpha, short.lora_dropout) == (16, 0)
    assert short == TrainingOverrides(lora_rank=8, lora_alpha=16, lora_dropout=0).applied_to(base)
    assert TrainingOverrides(lora_rank=8, lora_alpha=4).applied_to(base).lora_alpha == 4


@pytest.mark.parametrize("said", [{"lora_alpha": 8}, {"lora_dropout": 0.1}])
def test_what_belongs_to_lora_needs_its_rank(said):
    with pytest.raises(ValidationError, match="needs lora_rank, which turns LoRA on"):
        TrainingOverrides(**said)


@pytest.mark.parametrize(
    "said", [{"lora_rank": 0}, {"lora_rank": 8, "lora_alpha": 0}, {"lora_rank": 8, "lora_dropout": 1}]
)
def test_lora_has_bounds(said):
    with pytest.raises(ValidationError):
        TrainingOverrides(**said)
