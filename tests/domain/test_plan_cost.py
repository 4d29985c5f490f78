"""What a grid costs naive and shared: a small one by hand, and the paper's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from backend import literature
from backend.domain import mini
from backend.domain.experiment import ExperimentRequest, Plan, plan
from backend.domain.forecast import Measured, work
from backend.domain.model import MODELS
from backend.domain.plan_cost import grid_cost, times_alone
from backend.domain.run import DeviceClass, RunKind

N = MODELS["mini-2"].parameters_non_embedding
PAPER = Path(literature.__file__).parent / "phang2020.yaml"


def planned(**said: Any) -> Plan:
    return plan(ExperimentRequest.model_validate({"name": "x", "models": ["mini-2"], **said}))


def test_a_small_grid_by_hand() -> None:
    """mini-2 × none, mnli, squad × xnli, tatoeba × two seeds: eleven pairs, as `none → tatoeba` has no seed."""
    of = planned(recipes=["mnli", "squad"], targets=["xnli", "tatoeba"], seeds=[0, 1])
    found = grid_cost(of, device=DeviceClass.CPU)
    runs = {s.stage: (s.naive_runs, s.shared_runs, s.reused_runs) for s in (*found.stages, found.all)}
    assert runs == {
        "pretrain": (1, 1, 0),
        "intermediate": (8, 4, 0),  # 2 recipes × 2 targets × 2 seeds; each checkpoint serves both targets
        "finetune": (6, 6, 0),
        "evaluate": (11, 11, 0),
        "all": (26, 22, 0),
    }
    mnli, squad, xnli = 600 * 64 * 64 * 6 * N, 450 * 32 * 96 * 6 * N, 900 * 64 * 64 * 6 * N
    pretraining = MODELS["mini-2"].pretraining
    assert pretraining is not None and pretraining.steps is not None
    pretrained = pretraining.steps * pretraining.batch_size * pretraining.max_length * 6 * N
    evaluated = (
        6 * 9 * mini.SIZES["xnli"]["test"] * 64 * 2 * N + 5 * 11 * mini.SIZES["tatoeba"]["validation"] * 128 * 2 * N
    )
    naive = pretrained + 4 * mnli + 4 * squad + 6 * xnli + evaluated
    shared = pretrained + 2 * mnli + 2 * squad + 6 * xnli + evaluated
    assert (found.all.naive_flops, found.all.shared_flops) == (pytest.approx(naive), pytest.approx(shared))
    assert found.ratio == pytest.approx(shared / naive)
    assert (found.all.naive_hours, found.ratio_hours) == (None, None)  # nothing was measured
    assert f"costs {shared / naive:.2f} of what it costs" in found.said


def test_two_targets_that_share_a_fine_tune_are_two_pairs() -> None:
    of = planned(recipes=["none"], targets=["xquad", "mlqa"])
    stages = {s.stage: s for s in grid_cost(of, device=DeviceClass.CPU).stages}
    assert (stages["finetune"].naive_runs, stages["finetune"].shared_runs) == (2, 1)
    assert stages["finetune"].naive_flops == 2 * stages["finetune"].shared_flops


def test_every_stage_of_a_chain_belongs_to_each_pair() -> None:
    """`mnli` and `mnli>squad` begin alike: one run, which four pairs would each do."""
    of = planned(recipes=["mnli", "mnli>squad"], targets=["xnli", "tatoeba"])
    first = next(f for f, r in of.runs.items() if r.spec.kind is RunKind.INTERMEDIATE and r.recipe == "mnli")
    assert times_alone(of)[first] == 4


def test_each_option_of_a_question_is_a_row() -> None:
    of = planned(recipes=["hellaswag"], targets=["tatoeba"])
    stages = {s.stage: s for s in grid_cost(of, device=DeviceClass.CPU).stages}
    assert stages["intermediate"].shared_flops == 300 * 16 * 4 * 64 * 6 * N
    mixed = planned(recipes=["mnli+hellaswag@sampling=uniform,steps=10"], targets=["tatoeba"])
    stages = {s.stage: s for s in grid_cost(mixed, device=DeviceClass.CPU).stages}
    assert stages["intermediate"].shared_flops == 10 * 64 * 64 * 2.5 * 6 * N  # half the steps have four rows an example


def test_what_is_done_is_shown_apart_and_changes_no_ratio() -> None:
    of = planned(recipes=["mnli"], targets=["xnli"])
    done = {f for f, r in of.runs.items() if r.recipe == "none"}
    before, after = (grid_cost(of, done=d, device=DeviceClass.CPU) for d in ((), done))
    assert before.ratio == after.ratio
    assert after.all.reused_runs == len(done) == 3  # pretraining, and the baseline's two
    cost = {s.stage: (s.reused_flops, s.shared_flops / s.shared_runs) for s in after.stages}
    assert cost["finetune"][0] == cost["finetune"][1]
    assert cost["intermediate"][0] == 0
    assert after.said.endswith(
        f"{100 * after.all.reused_flops / after.all.shared_flops:.0f} % of the shared work is done already."
    )


def test_hours_come_from_what_was_measured_on_the_same_kind_of_device() -> None:
    of = planned(recipes=["mnli"], targets=["xnli", "tatoeba"])
    rows = []
    for run in of.runs.values():
        done = work(run.spec, model=run.model, steps=run.steps, examples=run.examples)
        seconds = {RunKind.PRETRAIN: 7200.0, RunKind.INTERMEDIATE: 3600.0}.get(run.spec.kind, 1800.0)
        rows.append(Measured(done, DeviceClass.CPU, seconds, seconds))
    found = grid_cost(of, measured=rows, device=DeviceClass.CPU)
    # 2 h of pretraining; mnli twice by itself and once shared; two fine-tunes and four evaluations of half an hour
    assert (found.all.naive_hours, found.all.shared_hours) == (pytest.approx(7.0), pytest.approx(6.0))
    assert found.ratio_hours == pytest.approx(6 / 7)
    assert "6 device-hours for 7 (0.86)" in found.said
    assert grid_cost(of, measured=rows, device=DeviceClass.CUDA).all.naive_hours is None


def test_what_does_not_apply_costs_nothing() -> None:
    of = planned(recipes=["control:mnli"], targets=["tatoeba"])
    found = grid_cost(of, device=DeviceClass.CPU)
    assert [(s.stage, s.naive_runs) for s in found.stages] == [("pretrain", 1), ("evaluate", 1)]


def test_the_papers_grid_costs_at_most_two_fifths(capsys: pytest.CaptureFixture[str]) -> None:
    """Nine intermediate tasks and none × ten targets, xlmr-large, real training sets, documented epochs, one seed."""
    request = ExperimentRequest.model_validate(yaml.safe_load(PAPER.read_text()))
    assert {r.name for r in request.recipes} == {
        "anli", "mnli", "qqp", "squad", "squad_v2", "hellaswag", "ccg", "cosmosqa", "commonsenseqa"
    }  # fmt: skip
    assert set(request.targets) == {
        "xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewslix", "lareqa"
    }  # fmt: skip
    of = plan(request)
    assert not of.not_applicable
    found = grid_cost(of, device=request.device)
    with capsys.disabled():
        print(f"\n{found.said}")
    assert {s.stage: (s.naive_runs, s.shared_runs) for s in found.stages} == {
        "intermediate": (90, 9),  # nine tasks, each for ten targets
        "finetune": (90, 80),  # XQuAD and MLQA share one; Tatoeba has none
        "evaluate": (100, 100),
    }
    assert found.ratio is not None and found.ratio <= 0.4
