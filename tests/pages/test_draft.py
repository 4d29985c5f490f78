"""An experiment being written: form, address, YAML, curl and command line say the same request."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from backend.domain.experiment import ExperimentRequest
from backend.domain.recipe import Recipe
from backend.errors import FieldError, Invalid
from dashboard import builder, draft, form, links
from dashboard.draft import BLANK, Draft

PLAIN = {
    "name": 'It\'s "NLI"; $HOME',
    "models": ["mini-2"],
    "recipes": ["mnli"],
    "targets": ["xnli"],
    "seeds": [0, 1, 2],
}
RICH = {
    "name": "Größe и размер",
    "source": "hub",
    "models": ["xlmr-base", "mbert"],
    "recipes": [
        "none",
        "control:mnli",
        "mnli+squad",
        {"kind": "mixed", "tasks": ["mnli", "squad"], "temperature": 2.123456789},
        {"kind": "single", "tasks": ["mnli"], "training": {"steps": 400, "learning_rate": 3e-05}},
        {"kind": "single", "tasks": ["mnli"], "languages": ["en", "de", "sw"]},
        {
            "kind": "chain",
            "before": [["mnli", "squad"]],
            "tasks": ["copa"],
            "cap": 20,
            "mlm": 0.05,
            "mlm_languages": ["de", "sw"],
        },
        {
            "kind": "single",
            "tasks": ["siqa"],
            "training": {"lora_rank": 8, "lora_alpha": 12.5, "lora_dropout": 0.05, "frozen": 2},
        },
    ],
    "targets": ["xnli", "xquad"],
    "seeds": [3, 1, 2147483647],
    "languages": ["en", "sw"],
    "translate_train": ["en", "de"],
    "text": ["bible", "my texts/v1"],
    "finetuning": {
        "learning_rate": 1e-05,
        "epochs": 2.5,
        "batch_size": 16,
        "frozen": 3,
        "lora_rank": 4,
        "lora_dropout": 0.1,
    },
    "retrieval": {"layer_fraction": 0.5, "pooling": "cls"},
    "oracle": True,
    "device": "cuda",
    "devices": 2,
    "sharded": True,
    "precision": "bf16",
    "activation_checkpointing": True,
    "priority": -3,
    "stop_after": 0.5,
}


def request(body: dict[str, Any]) -> ExperimentRequest:
    return ExperimentRequest.model_validate(body)


def search(shown: Draft) -> str:
    return urlsplit(shown.address).query


def test_what_is_copied_is_the_whole_request():
    """A field that a request gains must not be lost in the form: the next test would not see it."""
    assert set(RICH) == set(ExperimentRequest.model_fields)


@pytest.mark.parametrize("body", [PLAIN, RICH])
def test_every_spelling_is_the_same_request(body: dict[str, Any]):
    wanted = request(body)
    shown = Draft(draft.of_request(wanted))
    assert request(shown.body) == wanted
    assert request(yaml.safe_load(shown.yaml)) == wanted
    assert request(json.loads(shlex.split(shown.curl("http://127.0.0.1:1"))[-1])) == wanted
    first, *lines, last = shown.command.split("\n")
    assert (first, last) == ("crosslift submit - <<'YAML'", "YAML")
    assert request(yaml.safe_load("\n".join(lines))) == wanted
    assert request(draft.read(search(shown)).body) == wanted
    assert draft.of_yaml(shown.yaml).said == shown.said


def test_an_address_says_only_what_differs():
    assert Draft(dict(BLANK)).address == "/new"
    shown = Draft({**BLANK, "models": "mini-1,mini-4", "recipes": "mnli+squad", "seeds": ""})
    assert shown.address == "/new?models=mini-1,mini-4&recipes=mnli%2Bsquad&seeds=-"
    assert draft.read(search(shown)).said == shown.said


def test_a_copy_says_only_what_differs_from_its_origin():
    parent = request(RICH)
    same = draft.read("from=12", parent)
    assert (same.address, same.differences) == ("/new?from=12", [])
    other = draft.read("from=12&seeds=3,1,7&languages=-&name=Another", parent)
    assert request(other.body).seeds == (3, 1, 7) and request(other.body).languages is None
    said = {d.label: d.said for d in other.differences}
    assert said == {
        "Name": "Größe и размер → Another", "Seeds": "+ 7; − 2147483647", "Languages": "en, sw → not set"
    }  # fmt: skip
    assert draft.read(search(other), parent).said == other.said
    assert {n for n, m in form.marks(other).items() if m} == {"name", "seeds", "languages"}


def test_what_is_typed_is_passed_on_for_the_api_to_judge():
    shown = Draft(
        {**BLANK, "seeds": draft.tidy("seeds", " 0-2, five  7"), "recipes": "mnli++,x@steps=many", "steps": "1e999"}
    )
    assert shown.body["seeds"] == [0, 1, 2, "five", 7]
    assert shown.body["recipes"] == ["mnli++", {"kind": "single", "tasks": ["x"], "training": {"steps": "many"}}]
    assert shown.body["finetuning"] == {"steps": "1e999"}
    assert len(Draft({**BLANK, "seeds": "0-999999999"}).body["seeds"]) == 1


@pytest.mark.parametrize(
    "address", ["from=0", "from=12x", "seeds=%00", "models=a&models=b", "name=" + "x" * 5000, "recipes=mnli%0Asquad"]
)
def test_what_an_address_should_not_hold_is_dropped(address: str):
    assert draft.read(address).said == BLANK
    assert draft.origin_of(address) is None


def test_a_bare_plus_in_an_address_still_mixes():
    assert draft.read("recipes=mnli+squad").entries("recipes") == ["mnli+squad"]


def test_errors_go_to_the_fields_that_they_point_at():
    pointers = ("/seeds/1", "/finetuning/steps", "/models", "/nothing/0")
    found = draft.at_fields(
        Invalid("No.", errors=[FieldError(p, f"wrong {i}") for i, p in enumerate(pointers)]), {"seeds": [0, "x"]}
    )
    assert found == {"seeds": "x: wrong 0", "steps": "wrong 1", "models": "wrong 2", "": "wrong 3"}
    assert draft.at_fields(Invalid("No."), {}) == {"": "No."}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML"),
        ("- a", "no experiment"),
        ("name: x", "/models"),
        ("x" * 300_000, "longer"),
        ("a: &a [*a]", "no experiment"),
    ],
)
def test_yaml_that_is_no_experiment_says_why(text: str, says: str):
    with pytest.raises(Invalid, match=says):
        draft.of_yaml(text)


def test_the_builder_makes_what_the_parser_reads():
    def made(kind: str, tasks: list[str], **chosen: str) -> str | None:
        found, wrong = builder.built(kind, tasks, {**builder.BLANK, **chosen})
        assert (found is None) == bool(wrong)
        return found

    assert made("mixed", ["mnli", "squad"]) == "mnli+squad"
    warm = made("mixed", ["mnli", "squad"], sampling="temperature", amount="2")
    assert draft.recipe(warm or "") == Recipe(kind="mixed", tasks=("mnli", "squad"), temperature=2)
    assert made("mixed", ["mnli", "squad"], sampling="cap", amount="20000") == "mnli+squad@cap=20000"
    assert made("mixed", ["mnli", "squad"], sampling="uniform", amount="7") == "mnli+squad@sampling=uniform"
    assert made("control-mlm", ["mnli"]) == "control-mlm:mnli"
    assert made("mixed", ["mnli"]) == "mnli"
    assert made("mixed", []) is None
    assert made("chain", ["siqa", "copa"]) == "siqa>copa"
    assert made("chain", ["siqa"]) is None
    assert made("chain", ["copa"], before="mnli+squad>siqa") == "mnli+squad>siqa>copa"
    assert made("mixed", ["mnli", "squad"], before="siqa") == "siqa>mnli+squad"
    assert made("control", ["copa"], before="mnli+squad", mlm="0.5") == "control:mnli+squad>copa@mlm=0.5"
    both = made("mixed", ["mnli"], languages="en,de", mlm="0.25", mlm_languages="sw,de")
    assert draft.recipe(both or "") == Recipe.parse("mnli@languages=en+de,mlm=0.25,mlm_languages=de+sw")


@pytest.mark.parametrize(
    ("chosen", "control", "message"),
    [
        ({"sampling": "cap"}, "amount", "Needs a number"),
        ({"sampling": "temperature", "amount": "0.5"}, "amount", "greater than or equal to 1"),
        ({"sampling": "uniform"}, "amount", "no stage of this recipe mixes"),
        ({"mlm": "1"}, "mlm", "less than or equal to 0.99"),
        ({"mlm": "x"}, "mlm", "valid number"),
        ({"mlm_languages": "de"}, "mlm_languages", "give that share too"),
        ({"languages": "de,de"}, "languages", "named twice"),
        ({"before": "siqa>"}, "before", "missing"),
        ({"before": "siqa@steps=4"}, "before", "Stages alone"),
    ],
)
def test_what_the_builder_cannot_make_is_said_at_its_control(chosen: dict[str, str], control: str, message: str):
    made, wrong = builder.built("mixed", ["mnli"], {**builder.BLANK, **chosen})
    assert made is None and list(wrong) == [control] and message in wrong[control]


def test_the_builder_sums_up_what_is_set():
    assert builder.summary(builder.BLANK) == "mixed by size, in English, no MLM"
    said = builder.said(["cap", 20000, " siqa > copa ", ["de", "en"], 0.5, ["sw"]])
    assert builder.summary(said) == (
        "after siqa>copa · drawn by size, at most 20000 · in German, English · MLM 0.5 of the steps on Swahili"
    )
    assert builder.summary(builder.said([None, {}, [], 4, "", [None]]))  # whatever a browser may hold


@pytest.mark.parametrize(
    "typed",
    ["mnli + squad > copa @ steps=9, temperature=2".replace(", ", ";"), "mnli squad>copa@temperature=2;steps=9"],
)
def test_a_typed_chain_is_in_the_request_as_it_was_meant(typed: str):
    said = draft.tidy("recipes", typed)
    wanted = Recipe.parse("mnli+squad>copa@steps=9,temperature=2")
    assert draft.recipe(said) == wanted
    found = draft.Draft({**draft.BLANK, "recipes": said, "models": "mini-1", "targets": "xcopa"})
    asked = ExperimentRequest.model_validate(found.body)
    assert asked.recipes == (wanted,)
    assert draft.recipe(draft.of_request(asked)["recipes"]) == wanted
    assert draft.of_yaml(found.yaml).body["recipes"] == found.body["recipes"]


@pytest.mark.parametrize("said", ["mnli+squad@sampling=uniform", "mnli+squad>copa@steps=9;cap=20000"])
def test_the_rule_of_a_mix_is_in_the_request(said: str):
    found = draft.Draft({**draft.BLANK, "recipes": said, "models": "mini-1", "targets": "xcopa"})
    assert ExperimentRequest.model_validate(found.body).recipes == (Recipe.parse(said),)
    assert draft.written(Recipe.parse(said)) == said


def test_a_chain_stands_in_a_row_of_its_own():
    assert "One after the other" in str(form.recipe_chips("mini", ["siqa>copa"]))
    assert "One after the other" not in str(form.recipe_chips("mini", ["siqa"]))


def test_quick_fills_ask_the_question_that_they_name():
    recipes, targets = form.filled("pair", "mini", [], [])
    assert len(recipes) == len(targets) == 1
    assert form.filled("pair", "mini", ["mnli"], ["xnli"]) != (["mnli"], ["xnli"])  # no answer from the same data twice
    recipes, targets = form.filled("all-to-one", "mini", [], ["xnli"])
    assert targets == ["xnli"] and len(recipes) > 1
    assert form.filled("controls", "mini", ["mnli"], ["xnli"])[0] == ["mnli", "control:mnli", "control-mlm:mnli"]
    assert form.filled("controls", "hub", ["mnli"], [])[0] == ["mnli", "control:mnli"]


def test_addresses_of_lists_and_runs_come_back_as_they_went():
    for made in (
        links.Queue(kind="evaluate", q="mini-2 ü", show="waiting"), links.Experiments(state="done with failures", cursor="a.1"),
    ):  # fmt: skip
        assert type(made).of(made.address.partition("?")[2]) == made
    run = links.Run(tab="log", level="error", q="a&b=c", follow="1")
    assert links.Run.of(run.address(7).partition("?")[2]) == run
    assert run.address(7).startswith("/runs/7?") and links.Run().address(7) == "/runs/7"
    assert links.Queue.of("show=moon&kind=evaluate&q=%00&q=") == links.Queue(kind="evaluate")


def test_models_stand_by_family_the_smallest_first_with_their_size():
    rows = [row.children for row in form.model_chips("hub", ["nobody"])]
    families = [label.children for label, _ in rows]
    assert len(families) == len(set(families))
    assert families[-1] == "Not known here"
    assert [c.value for c in rows[-1][1].children] == ["nobody"]
    xlmr = dict(zip(families, (chips.children for _, chips in rows), strict=True))["XLM-R"]
    assert [c.value for c in xlmr] == ["xlmr-base", "xlmr-large", "xlmr-xl", "xlmr-xxl"]
    assert xlmr[0].children.endswith("277 M")
    assert {c.value for _, chips in rows[:-1] for c in chips.children} == set(form.models_of("hub"))
