"""Mixed-effects estimates on simulated gains whose truth is known: found where it is there, not claimed where it is not, equal to
what statsmodels says of the same model, and a missing cell never a zero."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.statistics import answer as look
from backend.statistics import answer_words as say
from backend.statistics import reml
from backend.statistics.parts import Observation

SIZES = (500_000, 1_500_000, 5_000_000)


def simulated(
    seed: int = 0, *, slope: float = 0.0, sizes: Sequence[int] = SIZES, seeds: int = 3, targets: int = 3, languages: int = 8,
    recipes: int = 2, spread: float = 1.0, missing: float = 0.0, cell: float = 2.0,
) -> list[Observation]:  # fmt: skip
    """Gains of every model, seed, recipe, target and language: cell + slope · size + luck of the replicate, on the target, of the
    language's slope, and of the gain itself."""
    rng = np.random.default_rng(seed)
    codes = [f"l{i}" for i in range(languages)]
    own = dict(zip(codes, rng.normal(0, 0.5 * spread, languages), strict=True))
    places = {(r, t, c): rng.normal(1, cell) for r in range(recipes) for t in range(targets) for c in codes}
    found = []
    for size in sizes:
        for s in range(seeds):
            luck = rng.normal(0, 0.5 * spread)
            for t in range(targets):
                tuned = rng.normal(0, 0.7 * spread)
                for (r, of, c), level in places.items():
                    if of == t and rng.random() >= missing:
                        x = math.log10(size) - 6
                        value = level + (slope + own[c]) * x + luck + tuned + rng.normal(0, spread)
                        found.append(made(size, s, r, t, c, value))
    return found


def made(size: int, seed: int, recipe: int, target: int, language: str, gain: float, **changes: Any) -> Observation:
    known: dict[str, Any] = {
        "model": f"m{size}", "recipe": f"r{recipe}", "target": f"t{target}", "language": language, "seed": seed, "gain": gain,
        "parameters": 3 * size, "parameters_non_embedding": size, "tasks": (f"r{recipe}",), "format": f"f{target % 2}",
        "resource": "low" if int(language[1:]) % 2 else "high", "family": f"F{int(language[1:]) % 3}", "device_class": "cpu",
        "device": "a processor", "hours": size / 1e7, "metric": "accuracy", "settings": "s", "run": 1, "baseline_run": 2,
    }  # fmt: skip
    return Observation(**(known | changes))


def of_size(observations: Sequence[Observation]) -> Any:
    return look.effect("size", "size", "per ten-fold parameters", "all", observations, look.of_size)


# --- what is there is found, what is not is not claimed -----------------------------------------------------------------


def test_a_known_slope_is_recovered_and_said():
    observations = simulated(slope=6.0, seeds=5)
    effects = look.size_effects(observations)
    main = effects[0]
    assert main.low < 6.0 < main.high
    assert main.verdict == "more"
    assert effects[1].languages == 4  # of low-resource languages alone
    assert effects[1].low < 6.0 < effects[1].high
    assert effects[2].low < 0 < effects[2].high  # no difference between the two was put in
    said = say.sentence(main, look.points(observations, "all"))
    assert "worth more to larger ones" in said
    assert say.interval(main) in said


def test_less_is_told_from_more():
    main = of_size(simulated(slope=-6.0, seeds=5))
    assert main.verdict == "less"
    assert "worth less" in say.sentence(main, look.points(simulated(slope=-6.0, seeds=5), "all"))


def test_nothing_is_claimed_of_noise():
    for seed in range(3):
        observations = simulated(seed, slope=0.0)
        main = of_size(observations)
        assert main.verdict == "no evidence"
        said = say.sentence(main, look.points(observations, "all"))
        assert "no evidence that size changes" in said
        assert "no difference that matters" not in said  # its interval is wider than what matters


def test_equivalence_is_said_only_of_an_interval_within_what_matters():
    narrow = simulated(slope=0.0, seeds=6, spread=0.15)
    main = of_size(narrow)
    assert main.within_interest
    assert -1 < main.low < main.high < 1
    assert "no difference that matters" in say.sentence(main, look.points(narrow, "all"))
    shifted = main.model_copy(update={"high": 1.01, "within_interest": False})
    assert "no difference that matters" not in say.sentence(shifted, look.points(narrow, "all"))


@pytest.mark.parametrize(
    ("changes", "why", "sizes", "seeds"),
    [
        ({"sizes": SIZES[:1]}, "1 size of models", 2, 3),
        ({"sizes": SIZES[:2]}, "2 sizes of models", 1, 3),
        ({"seeds": 2}, "2 seeds of a model", 0, 3),
        ({"seeds": 1}, "1 seed of a model", 0, 3),
    ],
)
def test_too_small_a_design_is_not_enough_and_says_what_to_run(
    changes: dict[str, Any], why: str, sizes: int, seeds: int
):
    observations = simulated(slope=50.0, **changes)  # however large the effect looks
    effects = look.size_effects(observations)
    assert all(e.estimate is None and e.low is None and e.verdict == "not enough evidence" for e in effects)
    assert why in str(effects[0].why)
    assert say.sentence(effects[0], look.points(observations, "all")).startswith("Not enough evidence")
    (need, *_) = say.needs(effects, len({o.parameters_non_embedding for o in observations}))
    assert (need.sizes, need.seeds) == (sizes, seeds)
    assert look.line(observations, effects[0]) == []


def test_no_gains_at_all_is_not_enough():
    effects = look.size_effects([])
    assert effects[0].why == "there are no gains of it"
    assert (look.points([], "all"), look.kind_effects([]), look.efficiency([], None), look.bent([])) == (
        [],
        [],
        [],
        None,
    )
    assert say.needs(effects, 0)[0].sizes == 3


def test_gains_that_all_change_alike_have_no_spread_to_judge_by():
    observations = [
        made(size, s, 0, t, f"l{c}", 3.0 * math.log10(size))
        for size in SIZES
        for s in range(3)
        for t in range(2)
        for c in range(4)
    ]
    assert "no variation" in str(of_size(observations).why)


def test_a_recipe_that_larger_models_alone_were_given_is_no_effect_of_size():
    """One recipe is worth nothing and was run at the two smaller sizes, another 10 points, at the two larger: over recipes the gain
    goes 0, 5, 10, and within every cell size does nothing."""
    rng = np.random.default_rng(5)
    observations = [
        made(size, s, r, t, f"l{c}", 10.0 * r + rng.normal(0, 0.5))
        for r in range(2) for size in SIZES[r : r + 2] for s in range(4) for t in range(2) for c in range(4)
    ]  # fmt: skip
    found = of_size(observations)
    assert found.estimate is not None and abs(found.estimate) < 1
    assert found.low < 0 < found.high  # type: ignore[operator]


def test_what_size_did_in_other_cells_is_no_effect_of_size():
    """Large models were run on an easy recipe alone, small ones on a hard one alone: nothing was run at two sizes."""
    easy = [o for o in simulated(cell=0.0, slope=0.0) if (o.recipe == "r0") == (o.model == f"m{SIZES[2]}")]
    lifted = [made(o.parameters_non_embedding, o.seed, int(o.recipe[1:]), int(o.target[1:]), o.language, o.gain + (20 if o.recipe == "r0" else 0)) for o in easy]  # fmt: skip
    assert of_size(lifted).estimate is None


# --- how sure it is -------------------------------------------------------------------------------------------------------


def coverage(times: int, **how: Any) -> float:
    hit = 0
    for seed in range(times):
        found = of_size(simulated(1000 + seed, slope=1.5, recipes=1, cell=1.0, **how))
        hit += found.low <= 1.5 <= found.high
    return hit / times


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    assert (
        coverage(60, targets=2, languages=4) >= 0.85
    )  # 57 are to be expected; fewer than 51 in one of some ten thousand runs


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        {}, {"seeds": 6}, {"targets": 5, "languages": 11}, {"missing": 0.3}, {"targets": 1, "languages": 6},
        {"sizes": (2_000_000, 20_000_000, 85_000_000, 300_000_000)},
    ],
)  # fmt: skip
def test_coverage_is_near_nominal(how: dict[str, Any]):
    assert 0.92 <= coverage(300, **how) <= 0.99


# --- the same as statsmodels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "how"), [(0, {}), (3, {"missing": 0.3}), (4, {"seeds": 5, "targets": 2})])
def test_estimates_variances_and_likelihood_are_those_of_statsmodels(seed: int, how: dict[str, Any]):
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    y, x, parts = look.design(look.rows(simulated(seed, slope=1.5, **how), look.of_size))
    names = list(parts)
    spec = VCSpec(
        names, [[[str(i) for i in range(parts[k][0].shape[1])]] for k in names], [[parts[k][0]] for k in names]
    )
    model = MixedLM(y, x, np.zeros(len(y)), exog_vc=spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = model.fit(reml=True, method=["lbfgs"])
    ours = reml.fit(y, x, parts)
    assert theirs.converged
    assert ours.estimates[0] == pytest.approx(theirs.fe_params[0], rel=1e-3)
    assert ours.variances["rest"] == pytest.approx(theirs.scale, rel=1e-3)
    for name, variance in zip(model.exog_vc.names, theirs.vcomp, strict=True):
        assert ours.variances[name] == pytest.approx(variance, rel=5e-3, abs=1e-3)
    v = ours.variances["rest"] * np.eye(len(y)) + sum(ours.variances[k] * parts[k][0] @ parts[k][0].T for k in names)
    plain = np.linalg.inv(x.T @ np.linalg.solve(v, x))  # the textbook's, rows and all
    assert ours.errors[0] == pytest.approx(math.sqrt(plain[0, 0]), rel=1e-6)
    assert sum(share[0] for share in ours.shares.values()) == pytest.approx(1.0)


def test_without_random_effects_it_is_least_squares():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(30), rng.normal(size=30)])
    y = x @ [1.0, 2.0] + rng.normal(size=30)
    ours = reml.fit(y, x, {})
    beta, left = np.linalg.lstsq(x, y, rcond=None)[:2]
    assert ours.estimates == pytest.approx(tuple(beta))
    assert ours.errors[1] == pytest.approx(math.sqrt(left[0] / 28 * np.linalg.inv(x.T @ x)[1, 1]))
    assert ours.df[1] == pytest.approx(28)


def test_columns_that_depend_on_each_other_are_refused():
    x = np.column_stack([np.ones(9), np.ones(9)])
    with pytest.raises(reml.NotIdentified, match="depend on each other"):
        reml.fit(np.arange(9.0), x, {})


def test_quantiles_are_students():
    from scipy import stats

    for df in (1.0, 4.3, 7.0, 250.0):
        assert reml.t_quantile(df) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-9)


def test_contrasts_take_an_intercept_out_of_every_block():
    blocks = ["a", "b", "a", "a", "b", "c"]
    h = reml.contrasts(blocks)
    assert h.shape == (3, 6)
    assert h @ h.T == pytest.approx(np.eye(3))
    assert h @ reml.indicators(blocks) == pytest.approx(np.zeros((3, 3)))
    columns = np.random.default_rng(0).normal(size=(6, 4))
    assert reml.contrasted(blocks, columns) == pytest.approx(h @ columns)


# --- order, and what is missing -----------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_gains_changes_nothing(rng: random.Random):
    observations = simulated(7, slope=1.0, missing=0.2, languages=4, targets=2)
    shuffled = observations[:]
    rng.shuffle(shuffled)
    assert of_size(shuffled) == of_size(observations)
    assert look.points(shuffled, "all") == look.points(observations, "all")
    assert look.efficiency(shuffled, "cpu") == look.efficiency(observations, "cpu")
    assert look.kind_effects(shuffled) == look.kind_effects(observations)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.6))
def test_a_missing_cell_is_never_a_zero(seed: int, missing: float):
    """Of gains that depend on nothing but the cell, whatever is missing moves no mean of a model away from the others' and no slope
    away from zero. Counted as zero, gains of 30 would."""
    rng = random.Random(seed)
    observations = [
        made(size, s, r, t, f"l{c}", 30.0 + 4 * t + c + 1e-3 * rng.random())
        for size in SIZES for s in range(3) for r in range(2) for t in range(2) for c in range(4)
        if rng.random() > missing
    ]  # fmt: skip
    found = of_size(observations)
    if found.estimate is not None:
        assert abs(found.estimate) < 0.01
    values = [p.gain for p in look.points(observations, "all")]
    assert max(values) - min(values) < 0.01
    assert min(values) > 29
    for e in look.efficiency(observations, "cpu"):
        assert e.gain > 29


def test_common_support_keeps_the_cells_that_every_model_and_seed_has():
    observations = simulated(1)
    gone = observations[0]
    left = look.common(observations[1:]).observations
    assert gone.cell not in {o.cell for o in left}
    assert len(left) == len(observations) - sum(o.cell == gone.cell for o in observations)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.7), st.floats(0.0, 0.5))
def test_what_numbers_say_that_they_rest_on_is_true(seed: int, missing: float, lost: float):
    """Of each model the cells it has; of efficiency the plain mean over the cells that it states; of an effect the gains in cells
    that two models have. Missing are cells one by one and replicates as a whole."""
    rng = random.Random(seed)
    gone = {(size, s) for size in SIZES for s in range(3) if rng.random() < lost}
    there = [
        made(size, s, r, t, f"l{c}", rng.gauss(0, 9))
        for size in SIZES for s in range(3) if (size, s) not in gone
        for r in range(2) for t in range(2) for c in range(3) if rng.random() >= missing
    ]  # fmt: skip
    models = {cell: {o.model for o in there if o.cell == cell} for cell in {o.cell for o in there}}
    two = [o for o in there if len(models[o.cell]) > 1] if len({o.model for o in there}) > 1 else there
    for p in look.points(there, "all"):
        assert (p.cells, p.of) == (len({o.cell for o in two if o.model == p.model}), len({o.cell for o in two}))
        if (
            all(len({o.model for o in two if o.cell == cell}) == len(SIZES) for cell in {o.cell for o in two})
            and not missing
        ):
            own: dict[tuple[int, str], list[float]] = {}
            for o in two:
                if o.model == p.model:
                    own.setdefault((o.seed, o.target), []).append(o.gain)
            assert p.gain == pytest.approx(np.mean([np.mean(v) for v in own.values()]))
    for e in look.efficiency(there, "cpu"):
        whole = [c for c in models if len(models[c]) == len({o.model for o in there})]
        has = {s: [o for o in there if o.model == e.model and o.seed == s and o.cell in whole] for s in range(3)}
        if e.cells == len(whole):
            used = [o for s in has for o in has[s] if len(has[s]) == len(whole)]
        else:  # no seed of some model had them all: the cells that every seed of every model has
            all_of_them = {(o.model, o.seed) for o in there}
            every = [c for c in models if {(o.model, o.seed) for o in there if o.cell == c} == all_of_them]
            assert e.cells == len(every)
            used = [o for o in there if o.model == e.model and o.cell in every]
        assert e.of == len(models) and e.seeds == len({o.seed for o in used}) and len(used) == e.seeds * e.cells
        by_target = [np.mean([o.gain for o in used if o.target == t]) for t in sorted({o.target for o in used})]
        assert e.gain == pytest.approx(np.mean(by_target))
    found = of_size(there)
    if found.estimate is not None:
        assert found.gains == len(two)


# --- the other tables ---------------------------------------------------------------------------------------------------


def test_sensitivity_leaves_out_each_task_and_target_in_turn():
    observations = simulated(2, slope=2.0)
    every = look.sensitivity(observations)
    found, low = ({s.left_out: s.effect for s in every if s.effect.group == group} for group in ("all", "low"))
    assert list(low) == list(found)  # both effects that are primary
    assert low["Without the target t0"].gains == sum(o.target != "t0" and o.resource == "low" for o in observations)
    assert list(found) == [
        "Common support alone: cells that every model and seed has", "Without the intermediate task r0", "Without the intermediate task r1", "Without the target t0", "Without the target t1", "Without the target t2",
    ]  # fmt: skip
    assert found["Without the target t0"].gains == sum(o.target != "t0" for o in observations)
    assert found["Without the target t0"] == look.effect(
        "size",
        "Without the target t0",
        "per ten-fold parameters",
        "all",
        [o for o in observations if o.target != "t0"],
        look.of_size,
    )


def test_efficiency_is_gain_over_hours_of_one_class_of_device_alone():
    own = [o for o in simulated(3) if o.language in ("l0", "l1")]
    other = [made(SIZES[0], 0, 0, 0, "l0", 500.0, model="gpu", device_class="cuda", hours=1.0)]
    found = look.efficiency([*own, *other], "cpu")
    assert [e.model for e in found] == [f"m{size}" for size in SIZES]
    first = [o for o in own if o.model == found[0].model]
    by_target = [np.mean([o.gain for o in first if o.target == t]) for t in ("t0", "t1", "t2")]
    assert found[0].gain == pytest.approx(np.mean(by_target))
    assert found[0].per_hour == pytest.approx(np.mean(by_target) / (SIZES[0] / 1e7))


def test_efficiency_is_never_over_other_cells_in_another_seed():
    """A seed that lacks a cell is left out: seed 1 of the first model has no l1, whose gain of 9 would make a mean of 5 into 4. Where
    no seed of it has both cells, what is left is the cell that every seed of every model has."""
    gains = {(SIZES[0], 0, "l0"): 1.0, (SIZES[0], 0, "l1"): 9.0, (SIZES[0], 1, "l0"): 2.0}
    gains |= {(SIZES[1], s, c): 4.0 for s in range(2) for c in ("l0", "l1")}
    found = look.efficiency([made(size, s, 0, 0, c, gain) for (size, s, c), gain in gains.items()], "cpu")
    assert [(e.gain, e.seeds, e.cells, e.of) for e in found] == [(5.0, 1, 2, 2), (4.0, 2, 2, 2)]
    apart = {**gains, (SIZES[0], 2, "l0"): 3.0, (SIZES[0], 2, "l1"): 7.0}
    del apart[SIZES[0], 0, "l1"], apart[SIZES[0], 2, "l0"]
    assert look.efficiency([made(size, s, 0, 0, c, gain) for (size, s, c), gain in apart.items()], "cpu") == []
    one = {(SIZES[0], 0, "l0"): 1.0, (SIZES[0], 0, "l1"): 9.0, (SIZES[0], 1, "l0"): 3.0, (SIZES[0], 1, "l2"): 9.0}
    one |= {(SIZES[1], s, c): 4.0 for s in range(2) for c in ("l0", "l1", "l2")}
    found = look.efficiency([made(size, s, 0, 0, c, gain) for (size, s, c), gain in one.items()], "cpu")
    assert [(e.gain, e.seeds, e.cells, e.of) for e in found] == [(2.0, 2, 1, 3), (4.0, 2, 1, 3)]
    del apart[SIZES[0], 2, "l1"]
    found = look.efficiency([made(size, s, 0, 0, c, gain) for (size, s, c), gain in apart.items()], "cpu")
    assert [(e.gain, e.seeds, e.cells, e.of) for e in found] == [(1.5, 2, 1, 2), (4.0, 2, 1, 2)]


def test_hours_are_of_one_class_of_device():
    observations = simulated(3, slope=2.0)
    mixed = [
        *observations,
        *(made(SIZES[0], 9, 0, 0, "l0", 1.0, model="gpu", device_class="cuda", hours=50.0) for _ in range(2)),
    ]
    assert look.hours_effects(mixed, "cpu")[0] == look.hours_effects(observations, "cpu")[0]
    assert look.together(mixed, "cpu") == pytest.approx(1.0, abs=0.01)


def test_a_line_that_bends_is_told():
    straight = simulated(4, slope=3.0, spread=0.3, seeds=5)
    assert look.bent(straight) > 0.05
    humped = [made(o.parameters_non_embedding, o.seed, int(o.recipe[1:]), int(o.target[1:]), o.language, o.gain + (5 if o.parameters_non_embedding == SIZES[1] else 0)) for o in straight]  # fmt: skip
    assert look.bent(humped) < 0.001


def test_kinds_need_two_members_on_either_side():
    found = {e.name: e for e in look.kind_effects(simulated(5, targets=3))}
    assert found["format:f1"].estimate is None  # f1 has one target
    assert "1 target of f1" in str(found["format:f1"].why)
    assert found["resource:low"].estimate is not None
    assert found["resource:low"].low < 0 < found["resource:low"].high
    four = {e.name: e for e in look.kind_effects(simulated(5, targets=4))}
    assert four["format:f1"].estimate is not None


def test_a_difference_between_kinds_is_found():
    lifted = [
        made(
            o.parameters_non_embedding,
            o.seed,
            int(o.recipe[1:]),
            int(o.target[1:]),
            o.language,
            o.gain + (6 if o.resource == "low" else 0),
        )
        for o in simulated(6, cell=0.3, languages=10)
    ]
    found = next(e for e in look.kind_effects(lifted) if e.name == "resource:low")
    assert found.low < 6 < found.high
    assert found.verdict == "more"


def test_an_undecided_interval_asks_for_as_many_seeds_as_would_narrow_it():
    observations = simulated(0)
    effects = look.size_effects(observations)
    (need, *_) = say.needs(effects, 3)
    assert need.seeds > 3
    assert "seeds" in need.why
    assert say.needs(look.size_effects(simulated(slope=6.0, seeds=5)), 3) == []
