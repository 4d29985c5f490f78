"""Oracle selection as it is planned: asked for by the request, of targets with data for it, at a cost that is said, in no gain."""

import pytest
from pydantic import ValidationError

from backend.domain.experiment import ExperimentRequest, plan, problems
from backend.domain.forecast import forecast, oracle_examples, oracle_in_words, work
from backend.domain.oracle import developed
from backend.domain.run import DeviceClass, RunKind
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS


def request(**changes):
    base = {"name": "x", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"], "seeds": [0]}
    return ExperimentRequest.model_validate({**base, **changes})


def of_kind(planned, kind):
    return [r for r in planned.runs.values() if r.spec.kind is kind]


def test_which_targets_have_development_data_apart_from_test_data():
    found = {s: {t for t in TARGETS if developed(TASKS[t], s)} for s in Source}
    # XQuAD's and TyDiQA's development data are what is scored; retrieval is tuned in English, or not trained
    assert found[Source.HUB] == {"mlqa", "panx", "pawsx", "xcopa", "xnli"} == found[Source.FILES]
    assert found[Source.MINI] == found[Source.HUB] | {"udpos"}


def test_a_fine_tune_with_oracle_is_a_run_of_its_own_and_everything_else_is_shared():
    plain, asked = plan(request(targets=["xnli", "xquad"])), plan(request(targets=["xnli", "xquad"], oracle=True))
    assert {c.target for c in asked.cells} == {"xnli", "xquad"}
    new = [asked.runs[f] for f in asked.runs.keys() - plain.runs.keys()]
    assert {(r.spec.kind, r.target) for r in new} == {(RunKind.FINETUNE, "xnli"), (RunKind.EVALUATE, "xnli")}
    for run in new:
        if run.spec.kind is RunKind.FINETUNE:
            assert [(d.task, d.split.value) for d in run.spec.oracle] == [("xnli", "validation"), ("xnli", "test")]
            assert run.spec.languages == TASKS["xnli"].mini_languages
    assert all(r.spec.oracle is None for r in asked.runs.values() if r.target in ("xquad", "squad"))


def test_the_oracle_does_not_enter_what_gains_are_matched_on():
    """Its training is bit for bit the same: with and without are one measurement."""
    settings = {
        r.settings
        for asked in (False, True)
        for r in plan(request(oracle=asked)).runs.values()
        if r.spec.kind in (RunKind.FINETUNE, RunKind.EVALUATE)
    }
    assert len(settings) == 1


def test_only_the_languages_that_are_asked_for_are_looked_at():
    tuned = of_kind(plan(request(oracle=True, languages=["sw", "en"])), RunKind.FINETUNE)
    assert {r.spec.languages for r in tuned} == {("en", "sw")}


def test_an_oracle_without_data_is_refused_with_what_there_is():
    found = problems(request(oracle=True, targets=["tatoeba", "xquad"]))
    assert [f.pointer for f in found] == ["/oracle"]
    assert found[0].message.endswith("those that do: mlqa, panx, pawsx, udpos, xcopa, xnli")


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_it_is_asked_for_by_true_alone(value):
    with pytest.raises(ValidationError):
        request(oracle=value)


def test_what_it_costs_is_part_of_the_forecast_and_said():
    asked = plan(request(oracle=True, targets=["xcopa", "tatoeba"]))
    tuned = of_kind(asked, RunKind.FINETUNE)
    assert [oracle_examples(r.spec) for r in tuned] == [4 * 8 * (100 + 400)] * 2
    run = tuned[0]
    without = run.spec.model_copy(update={"oracle": None})
    dear, cheap = (work(s, model=run.model, steps=run.steps, examples=run.examples) for s in (run.spec, without))
    assert dear.places - cheap.places == pytest.approx(16_000 * 2 * 48 / 3)  # two options each
    assert dear.like != cheap.like  # its seconds per step are no measure of the others'
    said = oracle_in_words(asked, set(asked.runs))
    assert "2 fine-tune runs evaluate up to 32,000 examples more" in said
    assert said.endswith("None on tatoeba: no development data in their languages.")
    assert "every fine-tune with it exists already" in oracle_in_words(asked, set())
    assert oracle_in_words(plan(request()), set()) is None
    share = int(said.partition("about ")[2].partition(" %")[0])
    every = [work(r.spec, model=r.model, steps=r.steps, examples=r.examples).flops for r in asked.runs.values()]
    assert share == round(100 * 2 * (dear.flops - cheap.flops) / sum(every))
    assert (
        forecast(
            asked, to_do=set(asked.runs), unfinished=set(asked.runs), measured=[], device=DeviceClass.CPU, slots=1
        ).device_hours
        is None
    )


def test_fewer_steps_than_evaluations_are_looked_at_once_each():
    tuned = of_kind(plan(request(oracle=True, targets=["xcopa"], finetuning={"steps": 2})), RunKind.FINETUNE)
    assert oracle_examples(tuned[0].spec) == 2 * 8 * 500
