"""Multilingual MLM mixed into the intermediate stage, as a plan has it: steps, text, controls, forecast, and what is refused."""

import re

import pytest

from backend.domain.experiment import ExperimentRequest, plan, problems, same_data_twice
from backend.domain.forecast import work
from backend.domain.model import MODELS
from backend.domain.pretraining import PretrainRequest, model_of
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.domain.text import collect
from backend.errors import Invalid


def request(**changes):
    base = {"name": "study", "models": ["mini-1"], "recipes": ["mnli"], "targets": ["xquad"], "seeds": [0]}
    return ExperimentRequest.model_validate({**base, **changes})


def stage(recipe, **changes):
    (run,) = [
        r for r in plan(request(recipes=[recipe], **changes)).runs.values() if r.spec.kind is RunKind.INTERMEDIATE
    ]
    return run


def test_mlm_comes_on_top_of_the_tasks_steps_and_reads_the_models_text():
    plain, half, quarter = stage("mnli"), stage("mnli@mlm=0.5"), stage("mnli@mlm=0.25,mlm_languages=de+sw")
    assert (half.steps, quarter.steps) == (2 * plain.steps, round(plain.steps / 0.75))
    assert [d.task for d in half.spec.data] == ["mnli", "mnli", "text"]
    assert half.spec.data[-1].source is Source.MINI and half.spec.folders is None
    assert quarter.spec.recipe.mlm_languages == ("de", "sw")
    assert len({r.fingerprint for r in (plain, half, quarter, stage("mnli@mlm=0.25"))}) == 4


def test_a_number_of_steps_that_is_asked_for_is_that_of_both():
    assert stage("mnli@mlm=0.5,steps=400").steps == 400
    assert stage("mnli@mlm=0.5,steps=400").spec.recipe.mlm_steps(400) == 200
    epochs = stage("mnli@mlm=0.5,epochs=1", source="files", models=["xlmr-base"], text=["bible"])
    assert epochs.steps == 2 * stage("mnli@epochs=1", source="files", models=["xlmr-base"]).steps


def test_real_sources_read_folders_of_the_request_and_the_folders_are_in_the_fingerprint():
    asked = {"source": "hub", "models": ["xlmr-base"]}
    one, other = stage("mnli@mlm=0.5", **asked, text=["bible"]), stage("mnli@mlm=0.5", **asked, text=["bible", "ud"])
    assert one.spec.folders == ("bible",) and one.spec.data[-1].source is Source.FILES
    assert one.fingerprint != other.fingerprint
    both = plan(request(recipes=["mnli", "mnli@mlm=0.5"], **asked, text=["bible"]))
    alone = plan(request(recipes=["mnli"], **asked))
    assert alone.runs.keys() <= both.runs.keys()  # text is no setting of what does not read it


@pytest.fixture
def own_model(tmp_path):
    """A model that somebody pretrains here on text of their own, in this process's catalogue while the test runs."""
    (tmp_path / "lines").mkdir()
    for code in ("en", "sw"):
        (tmp_path / f"lines/some.{code}.txt").write_text("a line\n" * 40, encoding="utf-8")
    asked = PretrainRequest(name="lab-own", text=("lines",), steps=50)
    made = model_of(asked, collect(tmp_path, asked.text), {})
    before = MODELS.mark
    MODELS.joined([made], mark=(("lab-own", "test"),))
    yield made
    MODELS.joined([], mark=before)


def test_a_model_that_was_pretrained_here_reads_its_own_text_unless_folders_are_named(own_model):
    asked = {"source": "files", "models": ["lab-own"]}
    own, other = stage("mnli@mlm=0.5", **asked), stage("mnli@mlm=0.5", **asked, text=["bible"])
    assert own.spec.text == own_model.text and own.spec.folders is None
    assert own.spec.data[-1].content is not None  # the files' digests are in the fingerprint
    assert other.spec.text is None and other.spec.folders == ("bible",)
    (error,) = problems(request(recipes=["mnli@mlm=0.5,mlm_languages=de+sw"], **asked))
    assert error.message == "the text that lab-own was pretrained on has no text of de; it has of en, sw"


def test_controls_spend_the_steps_of_mlm_too_and_every_stage_of_a_chain_has_it():
    whole = plan(request(recipes=["control:siqa>copa@mlm=0.5", "siqa>copa@mlm=0.5", "control-mlm:siqa>copa@mlm=0.5"]))
    stages = [r for r in whole.runs.values() if r.recipe == "siqa>copa@mlm=0.5" or r.recipe == "siqa@mlm=0.5"]
    trained = [r for r in stages if r.spec.kind is RunKind.INTERMEDIATE]
    assert [r.spec.data[-1].task for r in trained] == ["text", "text"]
    steps = sum(r.steps for r in trained)
    tuned = {r.recipe: r.steps for r in whole.runs.values() if r.spec.kind is RunKind.FINETUNE}
    assert tuned["control:siqa>copa@mlm=0.5"] - tuned["none"] == steps
    (mlm,) = [
        r for r in whole.runs.values() if r.recipe.startswith("control-mlm") and r.spec.kind is RunKind.INTERMEDIATE
    ]
    assert mlm.steps == steps
    assert same_data_twice("squad@mlm=0.5", "xquad") and not same_data_twice("mnli@mlm=0.5", "xquad")


def test_a_forecast_knows_such_stages_from_those_on_the_task_alone():
    plain, half = stage("mnli"), stage("mnli@mlm=0.5")
    of = {r.recipe: work(r.spec, model=r.model, steps=r.steps, examples=r.examples) for r in (plain, half)}
    assert (of["mnli"].like, of["mnli@mlm=0.5"].like) == ("mnli", "mnli+text")
    assert of["mnli@mlm=0.5"].units == 2 * of["mnli"].units


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"recipes": ["mnli@mlm=0.5"], "source": "hub", "models": ["xlmr-base"]}, "/recipes/0", "name folders of it under the data root"),
        ({"recipes": ["mnli@mlm=0.5,mlm_languages=el"]}, "/recipes/0", "the mini world has no text of el; it has of en, de,.*sw"),
        ({"recipes": ["mnli@mlm=0.5,mlm_languages=xx"]}, "/recipes/0", "unknown language 'xx'"),
        ({"recipes": ["mnli@mlm=0.5"], "text": ["bible"]}, "/text", "the mini world has text of its own"),
        ({"source": "hub", "models": ["xlmr-base"], "text": ["bible"]}, "/text", "no recipe reads it"),
        (
            {"recipes": ["mnli@mlm=0.5"], "source": "hub", "models": ["mt5-base"], "text": ["bible"]},
            "/recipes/0",
            "cannot be mixed into the training of mt5-base: its tokenizer has no mask",
        ),
        *(
            ({"recipes": ["mnli@mlm=0.5"], "source": "hub", "models": ["xlmr-base"], "text": ["bible", f]}, "/text/1", "below the data root")
            for f in ("../secrets", "/etc", "a/../../b", "~/x", "..\\x", "a\x00b")
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(changes, pointer, message):
    asked = request(**changes)
    (error,) = [e for e in problems(asked) if e.pointer == pointer]
    assert re.search(message, error.message), error.message
    with pytest.raises(Invalid):
        plan(asked)
