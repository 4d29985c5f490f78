"""From a request to the graph of runs: sharing, baselines, order, fingerprints, and what is refused."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from backend.domain import mini
from backend.domain.experiment import ExperimentRequest, Pins, plan, problems, same_data_twice
from backend.domain.run import FOLLOWS, TERMINAL, RunKind, RunState, canonical, digest
from backend.domain.task import Source
from backend.errors import Invalid


def request(**changes):
    base = {
        "name": "study",
        "models": ["mini-2"],
        "recipes": ["mnli"],
        "targets": ["xnli"],
        "seeds": [0],
    }
    return ExperimentRequest.model_validate({**base, **changes})


def kinds(planned):
    return [run.spec.kind for run in planned.runs.values()]


def test_the_baseline_is_added_and_comes_first():
    planned = plan(request())
    assert [c.recipe for c in planned.cells] == ["none", "mnli"]
    assert kinds(planned) == [
        RunKind.PRETRAIN, RunKind.FINETUNE, RunKind.EVALUATE,  # none
        RunKind.INTERMEDIATE, RunKind.FINETUNE, RunKind.EVALUATE,  # mnli
    ]  # fmt: skip


def test_parents_come_before_children_and_exist():
    planned = plan(
        request(
            models=["mini-2", "mini-4"],
            recipes=["mnli", "mnli+squad", "control:mnli", "control-mlm:mnli"],
            targets=["xnli", "xcopa", "udpos", "xquad", "tatoeba"],
            seeds=[0, 1],
        )
    )
    seen = set()
    for fingerprint, run in planned.runs.items():
        assert set(run.spec.parents) <= seen
        assert run.fingerprint == fingerprint == run.spec.fingerprint
        seen.add(fingerprint)


def test_an_intermediate_run_is_shared_by_all_targets_and_the_pretraining_by_all_seeds():
    planned = plan(request(targets=["xnli", "xcopa", "udpos", "tatoeba"], seeds=[0, 1, 2]))
    assert kinds(planned).count(RunKind.PRETRAIN) == 1
    assert kinds(planned).count(RunKind.INTERMEDIATE) == 3
    assert kinds(planned).count(RunKind.FINETUNE) == 3 * 2 * 3
    # retrieval without an intermediate task has no training of its own, hence no seed: one run for all three
    assert kinds(planned).count(RunKind.EVALUATE) == 3 * 2 * 3 + 1 + 3


def test_retrieval_baseline_has_no_seed_and_its_treated_runs_do():
    planned = plan(request(targets=["tatoeba"], seeds=[4, 5]))
    seeds = {(r.recipe, r.seed) for r in planned.runs.values() if r.spec.kind is RunKind.EVALUATE}
    assert seeds == {("none", None), ("mnli", 4), ("mnli", 5)}


def test_treated_run_and_baseline_share_their_settings_and_other_settings_do_not():
    def settings(**changes):
        return {r.settings for r in plan(request(**changes)).runs.values() if r.spec.kind is RunKind.EVALUATE}

    assert len(settings(recipes=["mnli", "control:mnli", "mnli+squad"])) == 1
    assert settings() != settings(finetuning={"learning_rate": 0.001})
    assert settings() != settings(models=["mini-4"])


def test_the_control_spends_the_intermediate_steps_on_the_target():
    runs = plan(request(recipes=["mnli", "control:mnli"], targets=["xcopa"])).runs.values()
    steps = {r.recipe: r.steps for r in runs if r.spec.kind is RunKind.FINETUNE}
    spent = next(r.steps for r in runs if r.spec.kind is RunKind.INTERMEDIATE)
    assert steps["mnli"] == steps["none"]
    assert steps["control:mnli"] == steps["none"] + spent


def test_the_mlm_control_costs_as_many_steps_as_the_stage_it_controls_for():
    runs = plan(request(recipes=["mnli", "control-mlm:mnli"])).runs.values()
    steps = {r.recipe: r.steps for r in runs if r.spec.kind is RunKind.INTERMEDIATE}
    assert steps["mnli"] == steps["control-mlm:mnli"] > 0


def test_a_control_on_the_target_does_not_apply_to_a_target_without_training():
    planned = plan(request(recipes=["control:mnli"], targets=["tatoeba", "xcopa"]))
    assert [(c.target, c.recipe) for c in planned.not_applicable] == [("tatoeba", "control:mnli")]
    assert "no training" in planned.not_applicable[0].reason


def test_a_mixture_takes_the_steps_of_all_its_tasks():
    runs = plan(request(recipes=["mnli", "squad", "mnli+squad"])).runs.values()
    steps = {r.recipe: r.steps for r in runs if r.spec.kind is RunKind.INTERMEDIATE}
    assert steps["mnli+squad"] == steps["mnli"] + steps["squad"]


def test_fingerprints_depend_on_what_changes_numbers_and_on_nothing_else():
    def prints(**changes):
        return set(plan(request(**changes)).runs)

    assert prints(name="another name", priority=3) == prints()
    assert prints(seeds=[1]) & prints() == {
        f for f, r in plan(request()).runs.items() if r.spec.kind is RunKind.PRETRAIN
    }
    assert prints(recipes=["mnli", "squad"]) > prints()
    assert not prints(models=["mini-4"]) & prints()
    evaluated = {
        r.spec.languages for r in plan(request(languages=["de", "sw"])).runs.values() if r.spec.kind is RunKind.EVALUATE
    }
    assert evaluated == {("de", "sw")}


def test_fingerprints_are_the_same_in_another_process():
    code = (
        "from backend.domain.experiment import *; import json;"
        "r = ExperimentRequest(name='study', models=['mini-2'], recipes=['mnli'], targets=['xnli']);"
        "print(json.dumps(list(plan(r).runs)))"
    )
    env = {"PYTHONHASHSEED": "7", "PATH": "/usr/bin"}
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**env, "PYTHONPATH": ":".join(p for p in sys.path if p)},
    )
    assert json.loads(out.stdout) == list(plan(request()).runs)


def test_a_resolved_revision_enters_the_fingerprint_and_an_unset_one_is_not_made_up():
    hub = request(source="hub", models=["xlmr-base"])
    unset = plan(hub)
    assert {r.spec.model.revision for r in unset.runs.values()} == {None}
    pinned = plan(hub, Pins(models={"FacebookAI/xlm-roberta-base": "a" * 40}, data={(Source.HUB, "mnli"): "b" * 40}))
    assert {r.spec.model.revision for r in pinned.runs.values()} == {"a" * 40}
    assert not set(unset.runs) & set(pinned.runs)


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"models": ["mini-3"]}, "/models/0", "did you mean"),
        ({"targets": ["xnil"]}, "/targets/0", "did you mean xnli"),
        ({"targets": ["mnli"]}, "/targets/0", "unknown target task"),
        ({"recipes": ["mnli", "xnli"]}, "/recipes/1", "unknown intermediate task"),
        ({"languages": ["de", "dee"]}, "/languages/1", "unknown language"),
        ({"languages": ["qu"]}, "/languages", "none of these languages"),
        ({"models": ["mini-2", "mini-2"]}, "/models/1", "named twice"),
        ({"recipes": ["mnli", "mnli"]}, "/recipes/1", "named twice"),
        ({"seeds": [3, 3]}, "/seeds/1", "named twice"),
        ({"models": ["xlmr-base"]}, "/models/0", "does not go with source mini"),
        ({"source": "hub", "models": ["xlmr-base"], "targets": ["udpos"]}, "/targets/0", "no hub source"),
        ({"source": "hub", "models": ["xlmr-base"], "recipes": ["control-mlm:mnli"]}, "/recipes/0", "pretraining text"),
        ({"precision": "bf16"}, "/precision", "fp32"),
        ({"seeds": list(range(100)), "targets": ["xnli", "xcopa", "udpos", "xquad", "tatoeba"],
          "recipes": ["none", "mnli", "squad", "hellaswag", "mnli+squad"]}, "/seeds", "2,500 cells"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_by_field(changes, pointer, message):
    found = {e.pointer: e.message for e in problems(request(**changes))}
    assert message in found[pointer]
    with pytest.raises(Invalid):
        plan(request(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [-1]}, {"seeds": [2**31]}, {"seeds": []}, {"models": []}, {"name": ""}, {"name": "a\nb"},
        {"name": "\x1b[2J"}, {"name": "\ud800"}, {"recipes": ["mnli+mnli"]}, {"nonsense": 1}, {"priority": 11},
        {"finetuning": {"learning_rate": float("nan")}},
    ],
)  # fmt: skip
def test_what_no_schema_can_hold_is_refused(changes):
    with pytest.raises(ValidationError):
        request(**changes)


def test_same_data_twice_is_known():
    assert (
        same_data_twice("mnli", "xnli")
        and same_data_twice("mnli+squad", "xquad")
        and same_data_twice("mnli@steps=9", "xnli")
        and same_data_twice("mnli>copa", "xnli")
        and same_data_twice("copa>qqp+squad@steps=9", "xquad")
    )
    assert (
        not same_data_twice("none", "xnli")
        and not same_data_twice("squad", "xnli")
        and not same_data_twice("control:mnli", "xnli")
    )


def test_terminal_states_never_change_and_every_other_one_can_end():
    assert set(FOLLOWS) == set(RunState)
    assert all(not FOLLOWS[state] for state in TERMINAL)
    assert all(RunState.CANCELLED in FOLLOWS[state] for state in set(RunState) - TERMINAL)


def test_canonical_json_is_one_text_for_one_value():
    assert canonical({"b": 1, "a": [1.5, "ü"]}) == '{"a":[1.5,"\\u00fc"],"b":1}'
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    with pytest.raises(ValueError):
        canonical({"a": float("nan")})


def test_pretraining_of_every_model_comes_right_after_the_runs_of_the_first():
    """What most runs wait for must not be last; the first model's gains come first all the same."""
    request = ExperimentRequest(
        name="order",
        models=("mini-1", "mini-4", "mini-2"),
        recipes=("mnli",),
        targets=("xnli", "tatoeba"),
        seeds=(0, 1),
    )
    runs = [(r.model, r.spec.kind is RunKind.PRETRAIN, r.seed) for r in plan(request).runs.values()]
    later = next(i for i, (model, _, _) in enumerate(runs) if model != "mini-1")
    assert all(seed in (None, 0) for _, _, seed in runs[:later])
    assert runs[later : later + 2] == [("mini-4", True, None), ("mini-2", True, None)]
    assert not any(pretrain for _, pretrain, _ in runs[later + 2 :])


def order_of_later_runs(**changes) -> list[tuple[int | None, str, str]]:
    """Seed, kind and recipe of the runs after those of the first seed; parents come first whatever the order."""
    runs = plan(request(models=["mini-1"], seeds=[0, 1, 2], **changes)).runs
    places = {fingerprint: i for i, fingerprint in enumerate(runs)}
    assert all(places[p] < places[f] for f, r in runs.items() for p in r.spec.parents)
    return [(r.seed, r.spec.kind.value, r.recipe) for r in runs.values() if r.seed not in (None, 0)]


def test_an_intermediate_run_that_several_targets_wait_for_comes_before_the_baselines_of_later_seeds():
    found = order_of_later_runs(recipes=["mnli>copa"], targets=["xquad", "udpos"])
    stages = [(seed, kind) for seed, kind, _ in found]
    assert stages[:4] == [(1, "intermediate")] * 2 + [(2, "intermediate")] * 2
    assert "intermediate" not in {kind for _, kind in stages[4:]}
    assert found[4][2] == "none"


def test_an_intermediate_run_that_one_target_waits_for_comes_when_it_is_needed():
    found = order_of_later_runs(recipes=["mnli"], targets=["xquad"])
    assert [(seed, kind) for seed, kind, _ in found] == [
        (seed, kind) for seed in (1, 2) for kind in ("finetune", "evaluate", "intermediate", "finetune", "evaluate")
    ]


def test_anli_plus_is_one_head_on_three_training_sets():
    (run,) = [r for r in plan(request(recipes=["anli"])).runs.values() if r.spec.kind is RunKind.INTERMEDIATE]
    assert [(d.task, d.split.value) for d in run.spec.data] == [
        ("anli", "train"), ("mnli", "train"), ("snli", "train"), ("anli", "validation")
    ]  # fmt: skip
    assert run.examples == sum(mini.SIZES[task]["train"] for task in ("anli", "mnli", "snli"))


@pytest.mark.parametrize(
    ("recipe", "target", "twice"),
    [
        ("mnli", "xnli", True), ("anli", "xnli", True), ("snli", "xnli", False), ("squad", "mlqa", True),
        ("squad_v2", "xquad", True), ("squad_v2+qqp", "mlqa", True), ("squad_v2", "tydiqa", False), ("copa", "xcopa", True),
        ("siqa", "xcopa", False), ("control:anli", "xnli", False), ("squad", "lareqa", True), ("squad_v2", "lareqa", True),
        ("mnli", "lareqa", False), ("squad", "mewslix", False), ("squad", "multichecklist", True),
    ],
)  # fmt: skip
def test_the_same_data_twice_is_told_also_where_it_is_a_part(recipe, target, twice):
    assert same_data_twice(recipe, target) is twice


def test_stages_of_a_chain_are_runs_one_after_the_other_and_what_begins_the_same_is_shared():
    recipes = ["siqa>copa", "siqa", "siqa>hellaswag", "mnli+squad>copa", "mnli+squad", "copa"]
    planned = plan(request(recipes=recipes, targets=["xcopa", "xnli"]))
    stages = {r.recipe: r for r in planned.runs.values() if r.spec.kind is RunKind.INTERMEDIATE}
    assert set(stages) == set(recipes)
    start = next(f for f, r in planned.runs.items() if r.spec.kind is RunKind.PRETRAIN)
    chained, alone = stages["siqa>copa"], stages["copa"]
    assert stages["siqa"].spec.parents == alone.spec.parents == (start,)
    assert chained.spec.parents == stages["siqa>hellaswag"].spec.parents == (stages["siqa"].fingerprint,)
    assert stages["mnli+squad>copa"].spec.parents == (stages["mnli+squad"].fingerprint,)
    assert chained.spec.model_copy(update={"parents": (start,)}).fingerprint == alone.fingerprint
    assert {c.recipe for c in planned.cells} == {"none", *recipes} and not planned.not_applicable


def test_a_chain_alone_brings_its_stages_and_its_changes_go_to_each():
    planned = plan(request(recipes=["siqa>hellaswag>copa@steps=7"], targets=["xcopa"]))
    stages = [r for r in planned.runs.values() if r.spec.kind is RunKind.INTERMEDIATE]
    assert [(r.recipe, r.steps) for r in stages] == [
        ("siqa@steps=7", 7), ("siqa>hellaswag@steps=7", 7), ("siqa>hellaswag>copa@steps=7", 7),
    ]  # fmt: skip


def test_the_control_of_a_chain_spends_the_steps_of_all_its_stages():
    runs = plan(request(recipes=["siqa>copa", "control-mlm:siqa>copa", "control:siqa>copa"])).runs.values()
    spent = sum(r.steps for r in runs if r.spec.kind is RunKind.INTERMEDIATE and r.recipe in ("siqa", "siqa>copa"))
    tuned = {r.recipe: r.steps for r in runs if r.spec.kind is RunKind.FINETUNE}
    assert [r.steps for r in runs if r.recipe == "control-mlm:siqa>copa" and r.spec.data[0].task == "text"] == [spent]
    assert tuned["control:siqa>copa"] == tuned["none"] + spent


def test_an_unknown_task_in_any_stage_of_a_chain_is_refused():
    found = problems(request(recipes=["sika>copa"]))
    assert [e.pointer for e in found] == ["/recipes/0"] and "siqa" in found[0].message


def test_a_budget_of_examples_is_followed_by_steps_that_come_from_epochs():
    changes = {"source": "hub", "models": ["xlmr-base"], "targets": ["xnli"]}
    runs = plan(request(recipes=["mnli+squad>copa@examples=1000,epochs=2,batch_size=10"], **changes)).runs.values()
    stages = {r.recipe.split("@")[0]: r for r in runs if r.spec.kind is RunKind.INTERMEDIATE}
    mix, copa = stages["mnli+squad"], stages["mnli+squad>copa"]
    assert (mix.examples, mix.steps, mix.spec.training.examples) == (2000, 400, 1000)
    assert (copa.examples, copa.steps) == (400, 80)  # it has no more
    tuned = [
        next(r for r in plan(request(finetuning=f, **changes)).runs.values() if r.spec.kind is RunKind.FINETUNE)
        for f in ({"epochs": 1, "batch_size": 10}, {"epochs": 1, "batch_size": 10, "examples": 500})
    ]
    assert [(r.examples, r.steps) for r in tuned] == [(392702, 39271), (500, 50)]
    assert tuned[0].settings != tuned[1].settings


def test_xquad_and_mlqa_share_one_finetune():
    for changes in ({}, {"source": "hub", "models": ["xlmr-base"]}):
        runs = plan(request(recipes=["mnli"], targets=["xquad", "mlqa"], seeds=[0], **changes)).runs.values()
        assert sum(r.spec.kind is RunKind.FINETUNE for r in runs) == 2  # none and mnli
        assert sum(r.spec.kind is RunKind.EVALUATE for r in runs) == 4


def test_a_retrieval_setting_makes_other_runs_and_the_baseline_has_it_too():
    """Layer and pooling enter the fingerprints of what retrieves, and treated runs are compared with a baseline that has them."""

    def evaluations(**changes):
        runs = plan(request(recipes=["mnli"], targets=["tatoeba", "xnli"], **changes)).runs.values()
        return {(r.spec.data[0].task, r.recipe): r for r in runs if r.spec.kind is RunKind.EVALUATE}

    usual, other = evaluations(), evaluations(retrieval={"layer_fraction": 0.5, "pooling": "cls"})
    for recipe in ("none", "mnli"):
        assert usual["tatoeba", recipe].fingerprint != other["tatoeba", recipe].fingerprint
        assert usual["xnli", recipe].fingerprint == other["xnli", recipe].fingerprint
        assert other["tatoeba", recipe].spec.retrieval.pooling == "cls"
        assert other["xnli", recipe].spec.retrieval is None
    assert other["tatoeba", "none"].settings == other["tatoeba", "mnli"].settings != usual["tatoeba", "none"].settings
    fine = [
        plan(request(targets=["lareqa"], recipes=["mnli"], **changes)).runs.values()
        for changes in ({}, {"retrieval": {"layer_fraction": 0.5}})
    ]
    tuned = [{r.fingerprint for r in runs if r.spec.kind is RunKind.FINETUNE} for runs in fine]
    assert not tuned[0] & tuned[1]  # a retriever is trained cut


def test_a_retrieval_setting_is_refused_where_nothing_retrieves():
    found = problems(request(targets=["xnli", "xquad"], retrieval={"layer_fraction": 0.5}))
    assert [e.pointer for e in found] == ["/retrieval"]
    assert not problems(request(targets=["xnli", "tatoeba"], retrieval={"layer_fraction": 0.5}))


def test_lora_is_part_of_the_stage_it_trains_and_of_no_other():
    def training(**changes):
        runs = plan(request(recipes=["mnli@lora_rank=4"], targets=["xcopa"], **changes)).runs.values()
        return {(r.spec.kind, r.recipe): r.spec.training.lora_rank for r in runs if r.spec.training}

    both = {(RunKind.FINETUNE, "none"), (RunKind.FINETUNE, "mnli@lora_rank=4")}
    plain, tuned = training(), training(finetuning={"lora_rank": 8, "lora_alpha": 8})
    assert plain[RunKind.INTERMEDIATE, "mnli@lora_rank=4"] == tuned[RunKind.INTERMEDIATE, "mnli@lora_rank=4"] == 4
    assert {plain[k] for k in both} == {None} and {tuned[k] for k in both} == {8}
    # what a gain is matched on knows of the target's, not of the recipe's: the baseline is the same
    settings = {r.settings for r in plan(request(recipes=["mnli", "mnli@lora_rank=4"])).runs.values() if r.settings}
    assert len(settings) == 1


def test_frozen_layers_must_leave_lora_some_on_every_model():
    found = problems(
        request(
            models=["mini-2", "mini-4"], recipes=["mnli@lora_rank=4,frozen=5"], finetuning={"lora_rank": 8, "frozen": 3}
        )
    )
    assert [(f.pointer, f.message) for f in found] == [
        ("/finetuning/frozen", "frozen 3 leaves LoRA no layer of mini-2 to train; at most 2"),
        ("/recipes/0", "frozen 5 leaves LoRA no layer of mini-2 to train; at most 2"),
        ("/recipes/0", "frozen 5 leaves LoRA no layer of mini-4 to train; at most 4"),
    ]
    assert not problems(request(finetuning={"lora_rank": 8, "frozen": 2}))
    assert not problems(request(finetuning={"frozen": 3}))  # the head is trained


def test_training_on_two_devices_is_another_run_and_the_rest_is_the_same():
    one, two = plan(request(recipes=["mnli"])), plan(request(recipes=["mnli"], devices=2))
    assert [run.spec.devices for run in one.runs.values()] == [1] * 6
    assert {run.spec.kind: run.spec.devices for run in two.runs.values()} == {
        RunKind.PRETRAIN: 1, RunKind.INTERMEDIATE: 2, RunKind.FINETUNE: 2, RunKind.EVALUATE: 1,
    }  # fmt: skip
    assert [f for f in one.runs if f in two.runs] == list(one.runs)[:1]  # the pretrained encoder
    assert "devices" not in request().model_dump(mode="json")
    assert {r.settings for r in one.runs.values()} & {r.settings for r in two.runs.values()} == {""}


def test_how_weights_lie_is_said_and_changes_no_fingerprint():
    plain, divided, whole = (
        plan(request(recipes=["mnli"], devices=2, **said)) for said in ({}, {"sharded": True}, {"sharded": False})
    )
    assert list(plain.runs) == list(divided.runs) == list(whole.runs)
    assert {run.spec.kind: run.spec.sharded for run in divided.runs.values()} == {
        RunKind.PRETRAIN: None, RunKind.INTERMEDIATE: True, RunKind.FINETUNE: True, RunKind.EVALUATE: None,
    }  # fmt: skip
    assert {run.spec.sharded for run in whole.runs.values()} == {None, False}
    assert "sharded" not in request().model_dump(mode="json")
    (error,) = problems(request(sharded=True))
    assert error.pointer == "/sharded"
    assert "asks for 1; set devices to 2 or more" in error.message
    assert problems(request(sharded=False)) == []
    with pytest.raises(ValidationError, match="sharded"):
        request(sharded="yes", devices=2)


@pytest.mark.parametrize("devices", [0, 65, True, "2", 1.5])
def test_numbers_of_devices_that_are_none(devices):
    with pytest.raises(ValidationError, match="devices"):
        request(devices=devices)


def test_a_loss_that_needs_its_whole_batch_stays_on_one_device():
    asked = {"targets": ["xnli", "lareqa", "mewslix"], "models": ["mini-2"]}
    assert problems(request(**asked)) == []
    (error,) = problems(request(**asked, devices=2))
    assert error.pointer == "/devices"
    assert error.message.startswith("lareqa, mewslix cannot be trained on 2 devices: in its loss every row of a batch")
