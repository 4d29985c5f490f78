"""What the trade-off counts besides device time, what a budget buys, and the fitted line: against numbers worked out by hand."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from backend.domain.model import MODELS
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import portfolio, tradeoff, trend

LANGUAGES = ["en", "de", "sw"]
SECONDS = {RunKind.PRETRAIN: 7200.0, RunKind.INTERMEDIATE: 7200.0, RunKind.FINETUNE: 3600.0, RunKind.EVALUATE: 360.0}
JOULES = {RunKind.PRETRAIN: 9e9, RunKind.INTERMEDIATE: 7.2e6, RunKind.FINETUNE: 3.6e6, RunKind.EVALUATE: 0.36e6}
FLOPS = {RunKind.PRETRAIN: 9e18, RunKind.INTERMEDIATE: 4e15, RunKind.FINETUNE: 2e15, RunKind.EVALUATE: 1e14}
GAINS = {
    "squad": {"xnli": 2.0, "xquad": 9.0, "tatoeba": 1.0},
    "hellaswag": {"xnli": 3.0, "xquad": 1.5, "tatoeba": -1.0},
}
SIZES = {"mini-1": 0.0, "mini-2": 1.0, "mini-4": 2.0}  # what a model adds to every gain


def noise(*parts: object) -> float:
    """Between −1 and 1, the same each time."""
    return zlib.crc32(repr(parts).encode()) / 2**31 - 1


def work(lab, unmeasured=lambda view: False, spread=0.0):
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        scores = []
        if view.kind is RunKind.EVALUATE:
            metric = "f1" if view.target == "xquad" else "accuracy"
            gain = GAINS.get(view.recipe, {}).get(view.target)
            gain = 0.0 if gain is None else gain + SIZES[view.model] + 0.1 * ((view.seed or 0) - 1)
            scores = [
                (code, metric, 50.0 + gain + spread * noise(view.model, view.recipe, view.seed, code), 100)
                for code in claim.spec.languages
            ]
        joules = None if unmeasured(view) else JOULES[view.kind]
        lab.finish(
            claim.run_id, claim.attempt, scores=scores, device_seconds=SECONDS[view.kind], energy_joules=joules,
            flops_analytic=FLOPS[view.kind], parameters=MODELS[view.model].parameters,
            parameters_non_embedding=MODELS[view.model].parameters_non_embedding,
        )  # fmt: skip


def points(lab, **which: Any):
    with lab.store.read() as session:
        return tradeoff.tradeoff(session, **{"source": Source.MINI, "languages": "mean_transfer", **which})


def buy(lab, budget: float, **which: Any):
    asked = {
        "source": Source.MINI,
        "languages": "mean_transfer",
        "target": None,
        "metric": None,
        "unit": "hours",
        "device": None,
        "seeds": 1,
    }
    with lab.store.read() as session:
        return portfolio.portfolio(session, budget=budget, **{**asked, **which})


@pytest.fixture
def measured(lab):
    lab.submit(recipes=["squad", "hellaswag"], seeds=[0, 1, 2], languages=LANGUAGES, targets=["xnli", "tatoeba"])
    work(lab)
    return lab


def test_energy_and_flops_of_a_seed_with_the_intermediate_run_shared_out(measured):
    found = {(p.recipe, p.target): p for p in points(measured)}
    one = found["squad", "xnli"]
    # an intermediate run 2 kWh, a fine-tune 1, an evaluation 0.1; the intermediate run has led to two targets
    assert (one.energy_kwh_marginal, one.energy_kwh_amortised) == (pytest.approx(3.1), pytest.approx(2.1))
    assert (one.flops_marginal, one.flops_amortised) == (pytest.approx(6.1e15), pytest.approx(4.1e15))
    assert one.flops_counted_marginal is None  # the workers counted none
    retrieved = found["squad", "tatoeba"]
    assert (retrieved.energy_kwh_marginal, retrieved.energy_kwh_amortised) == (pytest.approx(2.1), pytest.approx(1.1))


def test_one_run_without_a_measurement_makes_it_unknown_and_never_less(lab):
    lab.submit(recipes=["squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    work(lab, unmeasured=lambda view: (view.kind, view.seed, view.recipe) == (RunKind.FINETUNE, 1, "squad"))
    (one,) = points(lab)
    assert (one.energy_kwh_marginal, one.energy_kwh_amortised) == (None, None)
    assert one.device_hours_marginal == pytest.approx(3.1)
    assert "energy_kwh_marginal" not in one.model_dump(mode="json")
    assert buy(lab, 100.0, unit="kwh").not_considered == ["1 cell (not measured of every run)"]


def test_each_language_by_itself(measured):
    found = points(measured, target="xnli", each=True)
    assert sorted((p.recipe, p.language) for p in found) == [
        (r, c) for r in ("hellaswag", "squad") for c in ("de", "sw")
    ]
    assert [p.gain for p in found if p.recipe == "squad"] == pytest.approx([3.0, 3.0])  # mini-2 adds 1
    assert "en" in {p.language for p in points(measured, target="xnli", each=True, languages="mean_all")}


def test_what_a_budget_buys(measured):
    """Gains of mini-2: SQuAD 3 on XNLI and 2 on Tatoeba, HellaSwag 4 on XNLI and none on Tatoeba. A stage takes 2 h, a fine-tune
    1 h, an evaluation 0.1 h."""
    nothing = buy(measured, 2.0)
    assert (nothing.cells, nothing.gain, nothing.considered) == ([], 0.0, 3)
    small = buy(measured, 2.1)
    assert [(c.recipe, c.target) for c in small.cells] == [("squad", "tatoeba")]
    assert (small.spent, small.gain) == (pytest.approx(2.1), pytest.approx(2.0))
    one = buy(measured, 3.15)  # HellaSwag on XNLI: 2 + 1 + 0.1
    assert [(c.recipe, c.target) for c in one.cells] == [("hellaswag", "xnli")]
    both = buy(measured, 3.2)  # SQuAD on both, its stage paid once: 2 + 1 + 0.2, gains 3 + 2
    assert [(c.recipe, c.target) for c in both.cells] == [("squad", "xnli"), ("squad", "tatoeba")]
    assert (both.spent, both.gain, both.optimal) == (pytest.approx(3.2), pytest.approx(5.0), True)
    assert [(s.kind, s.cost, s.used_by) for s in both.stages] == [
        ("intermediate", pytest.approx(2.0), 2),
        ("finetune", pytest.approx(1.0), 1),
    ]
    all_of_it = buy(measured, 50.0)  # HellaSwag on XNLI and SQuAD on Tatoeba: 3.1 + 2.1
    assert (all_of_it.gain, all_of_it.spent, all_of_it.everything) == (
        pytest.approx(6.0),
        pytest.approx(5.2),
        pytest.approx(5.2),
    )
    assert all_of_it.not_considered == ["1 cell (no gain above zero)"]
    three = buy(measured, 9.6, seeds=3)
    assert (three.gain, three.spent) == (pytest.approx(5.0), pytest.approx(9.6))
    assert buy(measured, 4.2e15, unit="flops").device_class is None


def test_the_line_is_fitted_to_three_sizes_and_not_to_two(lab):
    lab.submit(models=["mini-1", "mini-2"], recipes=["squad", "hellaswag"], seeds=[0, 1, 2])
    work(lab, spread=0.5)

    def fit(**which: Any):
        asked = {"source": Source.MINI, "target": None, "metric": None, "languages": "mean_transfer", "x": "parameters"}
        with lab.store.read() as session:
            return trend.trends(session, **{**asked, **which})

    (two,) = fit().trends
    assert (two.estimate, two.line) == (None, [])
    assert two.why == "gains at 2 sizes of models, and a line takes 3"
    lab.submit(models=["mini-4"], recipes=["squad", "hellaswag"], seeds=[0, 1, 2], name="a third")
    work(lab, spread=0.5)
    (three,) = fit().trends
    assert (three.target, three.why) == ("xnli", None)
    assert three.estimate > 0 and three.low < three.estimate < three.high
    assert [p.x for p in three.line] == sorted(p.x for p in three.line)
    assert three.line[-1].gain > three.line[0].gain  # every model adds one point
    other = fit(x="non-embedding").trends[0]
    assert other.line[0].x < three.line[0].x
    german = fit(target="xnli", each=True)
    assert {t.language for t in german.trends} >= {"de", "sw"}
    assert "en" not in {t.language for t in german.trends}
    assert [t.target for t in fit(metric="accuracy").trends] == ["xnli"]
    assert (fit(metric="f1").why, fit(metric="f1").trends) == (
        None,
        [],
    )  # of question answering, of which there is nothing
    assert (
        "headline metric" in fit(metric="exact_match").why and "headline metric" in fit(metric="f1", target="xnli").why
    )
    assert fit(languages="en").why.startswith("English is what everything is trained in")
