"""The part of the form for LoRA, frozen blocks and the oracle, the table of settings, and oracle selection as it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.domain.recipe import Recipe
from backend.domain.schemas import Curve, ScoreView, SettingsView
from dashboard import adaptation, curves, draft, glossary, oracle, used
from dashboard.draft import BLANK, Draft


def text_of(component: Any) -> str:
    """Everything that a component says."""
    if isinstance(component, (list, tuple)):
        return " ".join(text_of(c) for c in component)
    if component is None or isinstance(component, (str, int, float)):
        return "" if component is None else str(component)
    return text_of(getattr(component, "children", None))


def titles(component: Any) -> list[str]:
    if isinstance(component, (list, tuple)):
        return [t for c in component for t in titles(c)]
    title = getattr(component, "title", None)
    own = [title] if isinstance(title, str) else []
    return own + titles(getattr(component, "children", None) or [])


# --- writing into recipes ------------------------------------------------------------------------------------------


def test_settings_of_stages_are_written_into_every_recipe_that_has_one():
    before = ["mnli", "siqa>copa@steps=9", "control:mnli", "mnli+squad@temperature=2.0"]
    after = adaptation.written(before, {"frozen": "2", "lora_rank": "8", "lora_alpha": "", "lora_dropout": "0.1"})
    assert after == [
        "mnli@frozen=2;lora_rank=8;lora_dropout=0.1",
        "siqa>copa@steps=9;frozen=2;lora_rank=8;lora_dropout=0.1",
        "control:mnli",
        "mnli+squad@frozen=2;lora_rank=8;lora_dropout=0.1;temperature=2.0",
    ]
    assert all(draft.written(draft.recipe(text)) == text for text in after)
    assert draft.recipe(after[0]) == Recipe.parse("mnli@frozen=2,lora_rank=8,lora_dropout=0.1")
    nothing = dict.fromkeys(adaptation.WEIGHTS, "")
    assert adaptation.written(after, nothing) == before


def test_recipes_that_become_the_same_are_one():
    assert adaptation.written(["mnli", "mnli@frozen=3"], dict.fromkeys(adaptation.WEIGHTS, "")) == ["mnli"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"lora_alpha": "8"}, "LoRA needs a rank."),
        ({"lora_rank": "2.5"}, "LoRA rank: Input should be a valid integer"),
        ({"lora_rank": "8", "lora_dropout": "1"}, "LoRA dropout: Input should be less than 1"),
        ({"frozen": "many"}, "Frozen blocks: Input should be a valid integer"),
    ],
)
def test_what_cannot_be_written_is_refused_by_the_name_of_its_field(said, message):
    with pytest.raises(ValueError) as refused:
        adaptation.written(["mnli"], {**dict.fromkeys(adaptation.WEIGHTS, ""), **said})
    assert adaptation.problem(refused.value).startswith(message)


def test_the_section_says_on_one_line_what_is_set():
    assert adaptation.in_words(BLANK) == "as the tasks say; oracle selection off"
    said = {**BLANK, "lora_rank": "8", "frozen": "3", "recipes": "mnli@lora_rank=4,siqa", "oracle": "yes"}
    assert (
        adaptation.in_words(said)
        == "target: LoRA of rank 8; target: lowest 3 frozen; set in 1 recipe; oracle selection on"
    )


def test_the_oracle_is_true_in_a_request_and_left_out_where_it_is_not_asked_for():
    assert "oracle" not in Draft(dict(BLANK)).body
    assert Draft({**BLANK, "oracle": "yes"}).body["oracle"] is True
    assert Draft({**BLANK, "oracle": "maybe"}).body["oracle"] == "maybe"  # for the API to refuse
    assert Draft({**BLANK, "oracle": "yes"}).address == "/new?oracle=yes"


# --- settings that will be used ------------------------------------------------------------------------------------


def settings(**changes: Any) -> SettingsView:
    base = {
        "stage": "target", "name": "xnli", "models": ["xlmr-large"], "learning_rate": 3e-5, "batch_size": 32, "steps": 61360,
        "epochs": 5.0, "examples": None, "max_length": 128, "warmup": 0.1, "warmup_steps": None, "weight_decay": 0.01,
        "frozen": 0, "lora_rank": None, "lora_alpha": None, "lora_dropout": None,
        "reason": "3e-5: XTREME's scripts for large models", "changed": {},
    }  # fmt: skip
    return SettingsView.model_validate({**base, **changes})


def test_the_table_of_settings_gives_each_stage_with_its_reason():
    said = text_of(used.used([settings()]))
    for part in (
        "XNLI",
        "3e-05",
        "61,360",
        "(5 epochs)",
        "10 %",
        "all",
        "XLM-R large: 3e-5: XTREME's scripts for large models.",
    ):
        assert part in said
    assert used.MARK not in said
    assert used.used([]) == []


def test_what_a_request_sets_has_a_mark_that_says_what_would_be():
    shown = used.used(
        [settings(lora_rank=8, lora_alpha=16.0, lora_dropout=0.0, steps=100, changed={"lora_rank": None, "epochs": 5})]
    )
    assert "LoRA of rank 8, alpha 16" in text_of(shown)
    found = [t for t in titles(shown) if "without this request" in t]
    assert found == ["Epochs without this request: 5", "LoRA rank without this request: not set"]


def test_many_models_are_counted_and_named_in_the_tooltip():
    shown = used.used([settings(models=["xlmr-base", "mbert", "labse", "rembert"])])
    assert "4 models: " in text_of(shown)
    assert any("mBERT base, cased" in t for t in titles(shown))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "all"),
        ({"frozen": 1}, "all but the embeddings"),
        ({"frozen": 2}, "all but the embeddings and the lowest layer"),
        ({"frozen": 4}, "all but the embeddings and the lowest 3 layers"),
        (
            {"frozen": 4, "lora_rank": 2, "lora_alpha": 3.5, "lora_dropout": 0.1},
            "LoRA of rank 2, alpha 3.5, dropout 0.1, above the lowest 4 blocks",
        ),
    ],
)
def test_which_weights_are_trained_in_words(changes, words):
    assert used.weights_in_words(settings(**changes)) == words


# --- oracle selection, shown --------------------------------------------------------------------------------------


def scored(metric: str, language: str, value: float, run: int = 1) -> ScoreView:
    return ScoreView(run=run, language=language, metric=metric, value=value, n=400)


ORACLES = [scored("oracle/accuracy", "en", 60.0), scored("oracle/accuracy", "sw", 55.5)]
CURVES = [
    Curve(name="oracle/sw", steps=[6, 12, 18], values=[50.0, 52.0, 52.0]),
    Curve(name="oracle/en", steps=[6, 12, 18], values=[50.0, 52.0, 53.0]),
    Curve(name="dev/accuracy", steps=[6, 12, 18], values=[50.0, 52.0, 53.0]),
]


def test_oracle_and_zero_shot_stand_beside_each_other_with_the_checkpoint_of_the_language():
    found = oracle.chosen(
        "xcopa", ORACLES, [scored("accuracy", "sw", 54.0, 2), scored("accuracy", "en", 60.0, 2)], CURVES
    )
    assert found is not None
    assert (found.metric, found.steps) == ("accuracy", {"sw": 12, "en": 18})
    said = text_of(oracle.part(found))
    assert "no zero-shot transfer" in said and "55.5 54.0 +1.5 12" in said and "60.0 60.0 0.0 18" in said
    assert oracle.part(None) == []
    assert oracle.chosen("xcopa", [scored("accuracy", "sw", 1.0)], [], []) is None


def test_before_the_evaluation_is_done_the_oracle_stands_alone():
    found = oracle.chosen("xcopa", ORACLES, [], [])
    assert "55.5 – – –" in text_of(oracle.part(found))


def test_the_drawer_says_the_mean_over_runs():
    assert oracle.facts({True: {3: 60.0, 4: 61.0}, False: {5: 58.0}}) == [
        ("With the recipe", "60.5, mean of 2 runs"), ("Baseline", "58.0"),
    ]  # fmt: skip
    assert oracle.facts({}) == []


def test_curves_on_own_development_data_are_a_panel_of_their_own():
    grouped = dict(curves.panels(CURVES))
    assert [c.name for c in grouped["development score"]] == ["dev/accuracy"]
    assert [c.name for c in grouped["own dev score"]] == ["oracle/sw", "oracle/en"]
    assert curves.label("oracle/sw") == "Swahili, own dev"
    many = [Curve(name=f"oracle/{c}", steps=[1, 2], values=[1.0, 2.0]) for c in ("en", "sw", "de", "ar", "hi", "zh")]
    lines = [(t.line.color, t.line.dash) for t in curves.curves_figure(many).data]
    assert len(set(lines)) == 6
    json.dumps(curves.curves_figure(many).to_plotly_json(), default=str)


def test_the_glossary_knows_it():
    assert "Keung et al. 2020" in glossary.WORDS["oracle"].sources[0]
