"""The gain matrix and the trade-off, against numbers worked out by hand; and why a cell is empty."""

from __future__ import annotations

import math

import pytest

from backend.domain.experiment import plan
from backend.domain.forecast import forecast
from backend.domain.gains import Missing, Verdict
from backend.domain.learning import Learning
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, RunKind
from backend.domain.task import Source
from backend.errors import Invalid, NotFound
from backend.store import costs, export, gains, runs, tradeoff

#: Baseline scores of three seeds, and what is added to them: recipe → language → seed.
BASE = {"en": (60.0, 62.0, 64.0), "de": (50.0, 50.0, 53.0), "sw": (40.0, 41.0, 42.0)}
ADDED = {
    "mnli": {"en": (1.0, 2.0, 3.0), "de": (0.0, 0.0, 0.0), "sw": (5.0, 5.1, 4.9)},
    "squad": {"en": (-1.0, 1.0, 0.0), "de": (2.0, 2.5, 3.0), "sw": (-4.0, -4.0, -4.0)},
}
SECONDS = {RunKind.PRETRAIN: 7200.0, RunKind.INTERMEDIATE: 3600.0, RunKind.FINETUNE: 1800.0, RunKind.EVALUATE: 360.0}
LANGUAGES = ["en", "de", "sw"]
TRAINED = (RunKind.INTERMEDIATE, RunKind.FINETUNE)


def scores_of(view):
    if view.kind is not RunKind.EVALUATE:
        return []
    added = ADDED.get(view.recipe, {})
    seed = view.seed or 0
    return [
        (code, "accuracy", BASE[code][seed % 3] + added.get(code, (0.0, 0.0, 0.0))[seed % 3], 100 + seed)
        for code in (LANGUAGES if view.target == "xnli" else ["de", "sw"])
    ]


def work(lab, only=lambda view: True, stuck=lambda view: False):
    """Do what can be done; fail what ``only`` does not accept. Of ``stuck`` trainings the loss stays where guessing is."""
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        if only(view):
            trained = Learning(1.1 if stuck(view) else 0.4, 1.1) if view.kind in TRAINED else None
            lab.finish(
                claim.run_id, claim.attempt, scores=scores_of(view), device_seconds=SECONDS[view.kind], learning=trained
            )
        else:
            lab.fail(claim.run_id, claim.attempt, "the disk is full\nmore")


def matrix(lab, **which):
    with lab.store.read() as session:
        return gains.matrix(
            session, **{"model": "mini-2", "target": "xnli", "metric": "accuracy", "source": Source.MINI, **which}
        )


def cell(found, recipe, language):
    (one,) = [c for c in found.cells if (c.recipe, c.language) == (recipe, language)]
    return one


def row(found, recipe):
    (one,) = [r for r in found.recipes if r.recipe == recipe]
    return one


@pytest.fixture
def measured(lab):
    lab.submit(recipes=["mnli", "squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    work(lab)
    return lab


def test_gains_as_worked_out_by_hand(measured):
    found = matrix(measured)
    one = cell(found, "mnli", "en")
    # differences 1, 2, 3: mean 2, sd 1, t = 2/(1/√3) = 3.464, two degrees of freedom
    assert one.differences == [1.0, 2.0, 3.0] and one.seeds == [0, 1, 2] and one.n == 3
    assert (one.gain, one.sd, one.baseline, one.treated) == (2.0, 1.0, 62.0, 64.0)
    t = 2 * math.sqrt(3)
    assert one.p_t == pytest.approx(1 - t / math.sqrt(t * t + 2), abs=1e-12)  # 0.0742; closed form for two degrees
    assert one.low == pytest.approx(2 - 4.302653 / math.sqrt(3), abs=1e-6)
    assert one.high == pytest.approx(2 + 4.302653 / math.sqrt(3), abs=1e-6)
    assert one.p_sign_flip == pytest.approx(0.25)
    assert one.examples == 100 and one.missing is None and one.why_missing is None
    assert len(one.runs) == len(one.baseline_runs) == 3
    views = [measured.view(i) for i in (*one.runs, *one.baseline_runs)]
    assert [(v.recipe, v.seed) for v in views] == [
        ("mnli", 0),
        ("mnli", 1),
        ("mnli", 2),
        ("none", 0),
        ("none", 1),
        ("none", 2),
    ]

    flat = cell(found, "mnli", "de")
    assert (flat.gain, flat.sd, flat.low, flat.p_t, flat.verdict) == (0.0, 0.0, None, 1.0, Verdict.NO_EVIDENCE)
    assert cell(found, "squad", "sw").gain == pytest.approx(-4.0)
    helped = cell(found, "mnli", "sw")
    assert helped.gain == pytest.approx(5.0) and helped.verdict is Verdict.HELPS


def test_the_family_is_every_cell_of_model_target_and_metric(measured):
    found = matrix(measured)
    tested = sorted((c for c in found.cells if c.p_t is not None), key=lambda c: c.p_t)
    assert len(tested) == 6
    smallest = 1.0
    for rank in range(6, 0, -1):  # Benjamini and Hochberg 1995
        smallest = min(smallest, tested[rank - 1].p_t * 6 / rank)
        assert tested[rank - 1].q == pytest.approx(smallest)


def test_the_matrix_has_its_axes_means_and_pickers(measured):
    found = matrix(measured)
    assert (found.model, found.target, found.metric, found.baseline) == ("mini-2", "xnli", "accuracy", "none")
    assert (found.benchmark, found.synthetic) == ("mini-XTREME-R", True)
    assert set(found.languages) == {"en", "de", "ru", "ar", "hi", "tr", "sw", "vi", "zh"}
    assert found.languages.index("en") + 1 == found.languages.index("de")  # neighbours by family
    assert [r.recipe for r in found.recipes] == ["mnli", "squad"]  # the baseline is no row
    assert len(found.cells) == 2 * 9
    mnli, squad = found.recipes
    assert mnli.title == "mnli" and mnli.same_data_twice and not squad.same_data_twice  # XNLI trains on MNLI
    assert mnli.mean_all == pytest.approx((2 + 0 + 5) / 3) and mnli.mean_transfer == pytest.approx(2.5)
    assert squad.mean_all == pytest.approx((0 + 2.5 - 4) / 3) and squad.mean_transfer == pytest.approx(-0.75)
    assert (mnli.k, mnli.n) == (2, 8)  # of the languages but English, as mean_transfer beside it
    assert found.models == ["mini-2"] and found.targets == ["xnli"] and found.metrics == ["accuracy"]
    assert found.runs_pending == 0 and found.updated_at is not None
    assert found.model_dump_json()  # no NaN anywhere


def test_a_language_that_was_not_evaluated_says_so(measured):
    one = cell(matrix(measured), "mnli", "tr")
    assert (one.missing, one.gain, one.n, one.verdict) == (Missing.NOT_RUN, None, 0, None)
    assert one.why_missing.endswith("did not evaluate this language")


def test_a_chain_costs_all_its_stages_and_is_named_in_words(lab):
    lab.submit(recipes=["siqa>hellaswag>copa", "siqa", "mnli+squad"], targets=["xnli", "tatoeba"], languages=LANGUAGES)
    work(lab)
    found = matrix(lab)
    chain = row(found, "siqa>hellaswag>copa")
    assert chain.title == "siqa, then hellaswag, then copa"
    assert [r.recipe for r in found.recipes] == ["siqa", "mnli+squad", "siqa>hellaswag>copa"]
    assert chain.device_hours_marginal == pytest.approx((3 * 3600 + 1800 + 360) / 3600)
    assert chain.device_hours_amortised == pytest.approx((3 * 3600 / 2 + 1800 + 360) / 3600)
    retrieval = row(matrix(lab, target="tatoeba"), "siqa>hellaswag>copa")
    assert retrieval.device_hours_marginal == pytest.approx((3 * 3600 + 360) / 3600)


def test_cost_is_marginal_and_amortised_over_the_targets(lab):
    lab.submit(recipes=["mnli", "squad"], languages=LANGUAGES)
    work(lab)
    mnli = row(matrix(lab), "mnli")
    assert mnli.device_hours_marginal == pytest.approx((3600 + 1800 + 360) / 3600)
    assert mnli.device_hours_amortised == mnli.device_hours_marginal  # one target so far
    lab.submit(recipes=["mnli"], targets=["xnli", "tatoeba"], languages=LANGUAGES, name="another target")
    work(lab)
    mnli, squad = matrix(lab).recipes
    assert mnli.device_hours_marginal == pytest.approx(1.6)
    assert mnli.device_hours_amortised == pytest.approx((3600 / 2 + 1800 + 360) / 3600)
    assert squad.device_hours_amortised == squad.device_hours_marginal == pytest.approx(1.6)
    retrieval = row(matrix(lab, target="tatoeba"), "mnli")  # nothing is fine-tuned for it
    assert retrieval.device_hours_marginal == pytest.approx((3600 + 360) / 3600)
    assert retrieval.device_hours_amortised == pytest.approx((1800 + 360) / 3600)


def test_a_baseline_without_a_seed_serves_every_seed(lab):
    lab.submit(recipes=["squad"], targets=["tatoeba"], seeds=[0, 1, 2], languages=LANGUAGES)
    work(lab)
    found = cell(matrix(lab, target="tatoeba"), "squad", "de")
    assert found.n == 3 and found.seeds == [0, 1, 2]
    assert len(set(found.baseline_runs)) == 1
    assert found.differences == pytest.approx([2.0, 2.5, 6.0])


def test_a_failed_run_leaves_a_cell_that_says_so(lab):
    lab.submit(recipes=["mnli", "squad"], languages=LANGUAGES)
    work(lab, only=lambda v: not (v.kind is RunKind.INTERMEDIATE and v.recipe == "squad"))
    found = matrix(lab)
    assert cell(found, "mnli", "en").gain == 1.0 and cell(found, "mnli", "en").verdict is Verdict.TOO_FEW
    broken = cell(found, "squad", "en")
    assert broken.missing is Missing.FAILED and broken.why_missing == "run 7 failed: the disk is full"
    assert broken.baseline == 60.0 and broken.treated is None
    assert row(found, "squad").mean_all is None and row(found, "squad").device_hours_marginal is None
    lab.retry(1)
    again = cell(matrix(lab), "squad", "en")
    assert again.missing is Missing.NOT_RUN and again.why_missing == "run 12 is waiting"
    assert matrix(lab).runs_pending == 3
    work(lab)
    assert cell(matrix(lab), "squad", "en").gain == -1.0


def test_no_baseline_no_gain(lab):
    lab.submit(recipes=["mnli"], languages=LANGUAGES)
    work(lab, only=lambda v: not (v.kind is RunKind.FINETUNE and v.recipe == "none"))
    one = cell(matrix(lab), "mnli", "en")
    assert one.gain is None and one.missing is Missing.FAILED
    assert one.why_missing == "no baseline, no gain: run 2 failed: the disk is full"
    assert one.treated == 61.0 and one.baseline is None
    assert row(matrix(lab), "mnli").device_hours_marginal == pytest.approx(1.6)


def test_a_baseline_under_other_settings_does_not_count(lab):
    lab.submit(recipes=["mnli"], languages=LANGUAGES)
    work(lab)
    lab.submit(recipes=["squad"], languages=LANGUAGES, finetuning={"steps": 50}, name="shorter")
    work(lab, only=lambda v: not (v.kind is RunKind.FINETUNE and v.recipe == "none"))
    found = matrix(lab)
    assert cell(found, "mnli", "en").gain == 1.0
    assert cell(found, "squad", "en").missing is Missing.FAILED
    assert cell(found, "squad", "en").why_missing.startswith("no baseline, no gain: run ")


def test_what_does_not_apply_says_why(lab):
    lab.submit(recipes=["control:mnli", "mnli"], targets=["tatoeba"], languages=LANGUAGES)
    work(lab)
    found = matrix(lab, target="tatoeba")
    assert [r.recipe for r in found.recipes] == ["mnli", "control:mnli"]  # controls come last
    one = cell(found, "control:mnli", "de")
    assert one.missing is Missing.NOT_APPLICABLE
    assert one.why_missing == "tatoeba has no training that could be prolonged"
    assert row(found, "control:mnli").title == "Control: the steps of mnli on the target"


def test_a_cancelled_run_was_not_run(lab):
    made = lab.submit(languages=LANGUAGES)
    lab.cancel(made.id)
    one = cell(matrix(lab), "mnli", "en")
    assert one.missing is Missing.NOT_RUN and one.why_missing == "run 6 was cancelled"
    lab.submit(languages=LANGUAGES, name="again")
    assert cell(matrix(lab), "mnli", "en").why_missing == "run 12 is waiting"


def test_what_is_left_out_is_chosen(lab):
    with pytest.raises(NotFound, match="no runs of mini-XTREME-R"):
        matrix(lab, model=None, target=None, metric=None)
    lab.submit(models=["mini-4"], targets=["tatoeba", "xnli"], languages=LANGUAGES)
    assert matrix(lab, model=None, target=None, metric=None).model == "mini-4"
    work(lab, only=lambda v: v.target != "mnli")
    lab.submit(models=["mini-2"], targets=["xnli"], languages=LANGUAGES, name="waits")
    found = matrix(lab, model=None, target=None, metric=None)
    assert (found.model, found.target, found.metric) == ("mini-4", "tatoeba", "accuracy")  # the most results
    assert found.models == ["mini-2", "mini-4"] and found.targets == ["tatoeba", "xnli"]
    assert matrix(lab, model="mini-2", target=None, metric=None).target == "xnli"
    assert matrix(lab, model=None, target="tatoeba", metric=None).model == "mini-4"
    nothing = matrix(lab, model="mini-1")
    assert nothing.recipes == [] and nothing.cells == [] and nothing.updated_at is None
    with pytest.raises(Invalid) as caught:
        matrix(lab, metric="bleu")
    assert caught.value.errors[0].pointer == "/metric" and "'bleu'" in caught.value.errors[0].message
    with pytest.raises(NotFound, match=r"no runs of XTREME-R \(source hub\)"):
        matrix(lab, source=Source.HUB)


def test_the_tradeoff_has_a_point_for_each_model_recipe_and_target(lab):
    lab.submit(models=["mini-2", "mini-4"], recipes=["mnli", "squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    work(lab)
    with lab.store.read() as session:
        points = tradeoff.tradeoff(
            session, target="xnli", metric="accuracy", source=Source.MINI, languages="mean_transfer"
        )
        everything = tradeoff.tradeoff(session, source=Source.MINI, languages="mean_all")
        german = tradeoff.tradeoff(session, source=Source.MINI, languages="de")
        assert tradeoff.tradeoff(session, source=Source.MINI, languages="yo") == []
        assert tradeoff.tradeoff(session, source=Source.HUB, languages="mean_all") == []
        assert tradeoff.tradeoff(session, target="tatoeba", source=Source.MINI, languages="mean_all") == []
    assert [(p.model, p.recipe) for p in points] == [
        ("mini-2", "mnli"),
        ("mini-2", "squad"),
        ("mini-4", "mnli"),
        ("mini-4", "squad"),
    ]
    first = points[0]
    assert (first.parameters, first.parameters_non_embedding) == (900, 400)  # as the workers counted
    assert first.gain == pytest.approx(2.5) and first.n == 3 and first.language == "mean_transfer"
    # means over de and sw for each seed: 2.5, 2.55, 2.45
    half = 4.302653 * 0.05 / math.sqrt(3)
    assert (first.low, first.high) == (pytest.approx(2.5 - half, abs=1e-6), pytest.approx(2.5 + half, abs=1e-6))
    assert first.device_hours_marginal == pytest.approx(1.6) and first.device_class is DeviceClass.CPU
    assert first.device == "a processor" and first.same_data_twice
    assert everything[0].gain == pytest.approx(7 / 3) and everything[0].metric == "accuracy"
    assert [p.gain for p in german[:2]] == pytest.approx([0.0, 2.5])


def test_means_side_by_side_are_over_the_languages_that_all_have(lab):
    lab.submit(models=["mini-2"], recipes=["mnli"], languages=LANGUAGES)
    lab.submit(models=["mini-4"], recipes=["mnli"], languages=["en", "sw"], name="fewer")
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        wanted = claim.spec.languages
        lab.finish(claim.run_id, claim.attempt, scores=[s for s in scores_of(view) if s[0] in wanted])
    with lab.store.read() as session:
        small, large = tradeoff.tradeoff(session, source=Source.MINI, languages="mean_transfer")
    assert small.gain == large.gain == 5.0  # Swahili alone, not the mean with German


def test_the_export_has_every_score_once(measured):
    lab = measured
    lab.submit(models=["mini-4"], languages=LANGUAGES, name="another")
    work(lab)
    with lab.store.read() as session:
        rows = list(export.export(session))
        mine = list(export.export(session, experiment=2))
        few = list(export.export(session, source=Source.MINI, model="mini-2", target="xnli", metric="accuracy"))
        assert list(export.export(session, source=Source.HUB)) == []
    assert len(rows) == (9 + 2) * 3 and len(mine) == 6 and len(few) == 27
    assert len({(r["run"], r["language"], r["metric"]) for r in rows}) == len(rows)
    assert tuple(rows[0]) == export.EXPORT
    assert rows[0]["score"] == 50.0 and rows[0]["language"] == "de" and rows[0]["device_class"] == "cpu"
    assert rows[0]["fingerprint"] == lab.view(rows[0]["run"]).fingerprint
    assert rows[0]["finished_at"].endswith("+00:00")


def test_what_runs_took_makes_a_forecast(measured):
    with measured.store.read() as session:
        took = costs.throughput(session)
    assert len(took) == 1 + 3 * 2 + 2 * 3 * 3
    assert {m.device_class for m in took} == {DeviceClass.CPU}
    pretrain = next(m for m in took if m.work.kind is RunKind.PRETRAIN)
    assert (pretrain.device_seconds, pretrain.wall_seconds, pretrain.work.units) == (
        7200.0,
        20.0,
        MODELS["mini-2"].pretraining.steps,
    )
    planned = plan(measured.request(recipes=["hellaswag"]))
    expected = forecast(
        planned, to_do=set(planned.runs), unfinished=set(planned.runs), measured=took, device=DeviceClass.CPU, slots=1
    )
    assert expected.device_hours.median > 0


def test_what_was_trained_in_a_language_is_not_zero_shot_there(measured):
    """Neither in the languages of translate-train, for every recipe, nor in those that a recipe's own stage was trained in."""
    assert [r.not_zero_shot for r in matrix(measured).recipes] == [[], []]
    measured.submit(
        recipes=["squad", "squad@languages=en+sw"], seeds=[0, 1, 2], languages=LANGUAGES, translate_train=["en", "de"]
    )
    work(measured)
    found = matrix(measured)
    assert {r.recipe: r.not_zero_shot for r in found.recipes} == {
        "mnli": [],
        "squad": ["de"],  # of the later settings, which have as many seeds
        "squad@languages=en+sw": ["de", "sw"],
    }
    assert cell(found, "squad", "de").gain == pytest.approx(2.5)  # its baseline has seen the same translations
    with measured.store.read() as session:
        rows = list(export.gain_rows(session, found, source=Source.MINI))
    assert {(r["recipe"], r["language"]) for r in rows if not r["zero_shot"]} == {
        ("squad", "de"), ("squad@languages=en+sw", "de"), ("squad@languages=en+sw", "sw"),
    }  # fmt: skip


def test_a_control_has_seen_no_translations_and_a_pair_that_has_is_not_the_best(measured):
    from backend.store import overview, trained

    assert trained.of_recipe("control:squad@languages=de") == frozenset() == trained.of_recipe("what is this")
    assert trained.of_recipe("squad>copa@languages=en+de") == {"de"}
    with measured.store.read() as session:
        before = overview.overview(session, source=Source.MINI)
    assert before.best is not None and not any(p.not_zero_shot for p in before.pairs)
    measured.submit(recipes=["mnli", "squad"], seeds=[0, 1, 2], languages=LANGUAGES, translate_train=["sw"])
    work(measured)
    with measured.store.read() as session:
        after = overview.overview(session, source=Source.MINI)
        points = tradeoff.tradeoff(session, source=Source.MINI, languages="mean_transfer")
    assert [p.not_zero_shot for p in after.pairs] == [["sw"], ["sw"]] == [p.not_zero_shot for p in points]
    assert after.best is None


def test_a_fine_tune_that_did_not_learn_is_in_no_gain_and_the_cell_says_so(lab):
    lab.submit(recipes=["mnli", "squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    work(lab, stuck=lambda view: (view.kind, view.recipe, view.seed) == (RunKind.FINETUNE, "mnli", 1))
    with lab.store.read() as session:
        (bad,) = [
            v
            for v in runs.page(session, limit=200, cursor=None, kind=RunKind.FINETUNE).items
            if (v.recipe, v.seed) == ("mnli", 1)
        ]
        assert runs.detail(session, bad.id).learning.failed
    assert bad.state == "done"
    assert bad.why == (
        "done, but it did not learn: its training loss ended at 1.1, and guessing gives 1.1; what starts from it is in no gain"
    )
    found = matrix(lab)
    one = cell(found, "mnli", "en")
    assert (one.seeds, one.differences) == ([0, 2], [1.0, 3.0])
    assert one.left_out == [
        f"mnli, seed 1: run {bad.id} (finetune mnli, seed 1) did not learn: its training loss ended at 1.1, and guessing gives 1.1"
    ]
    other = cell(found, "squad", "en")
    assert (other.seeds, other.left_out) == ([0, 1, 2], [])
    with lab.store.read() as session:
        points = tradeoff.tradeoff(session, source=Source.MINI, languages="en", metric="accuracy", target="xnli")
    assert {p.recipe: p.gain for p in points} == {"mnli": 2.0, "squad": 0.0}
    assert len(scores_in(lab, bad.children[0])) == 3  # its scores are there to be looked at


def scores_in(lab, run):
    with lab.store.read() as session:
        return runs.scores(session, run)


def test_a_baseline_that_did_not_learn_is_no_baseline(lab):
    lab.submit(recipes=["mnli"], seeds=[0], languages=LANGUAGES)
    work(lab, stuck=lambda view: (view.kind, view.recipe) == (RunKind.FINETUNE, "none"))
    one = cell(matrix(lab), "mnli", "de")
    assert (one.gain, one.missing, one.treated) == (None, Missing.FAILED, 50.0)
    assert one.why_missing.startswith("no baseline, no gain: left out: run ")
    assert one.why_missing.endswith(
        "(finetune mnli, seed 0) did not learn: its training loss ended at 1.1, and guessing gives 1.1"
    )
    assert [text.partition(":")[0] for text in one.left_out] == ["baseline, seed 0"]


def test_what_starts_from_an_intermediate_stage_that_did_not_learn_is_in_no_gain_either(lab):
    lab.submit(recipes=["mnli"], targets=["xnli", "tatoeba"], seeds=[0], languages=LANGUAGES)
    work(lab, stuck=lambda view: view.kind is RunKind.INTERMEDIATE)
    for target in ("xnli", "tatoeba"):
        one = cell(matrix(lab, target=target), "mnli", "de")
        assert (one.gain, one.missing) == (None, Missing.FAILED)
        assert "(intermediate mnli, seed 0) did not learn" in one.why_missing


# --- several settings ------------------------------------------------------------------------------------------------


@pytest.fixture
def several(measured):
    """XNLI zero-shot with three seeds in three languages; after translate-train with two seeds, of ``mnli`` alone."""
    measured.submit(recipes=["mnli"], seeds=[0, 1], languages=LANGUAGES, translate_train=["en", "de"])
    work(measured)
    return measured


def test_one_setting_is_nothing_to_choose(measured):
    found = matrix(measured)
    assert (found.choices, found.settings, {c.settings for c in found.cells}) == ([], None, {None})
    assert not {"choices", "settings"} & found.model_dump(mode="json").keys()


def test_several_settings_are_named_by_what_tells_them_apart(several):
    zero, translated = matrix(several).choices
    assert (zero.title, zero.gains, zero.seeds, zero.shown) == ("zero-shot", 6, 3, 6)
    assert (translated.title, translated.gains, translated.seeds, translated.shown) == ("trained in de too", 3, 2, 0)


def test_a_cell_says_under_which_settings_it_was_taken_and_under_which_else(several):
    found = matrix(several)
    zero, translated = (c.name for c in found.choices)
    assert (cell(found, "mnli", "de").settings, cell(found, "mnli", "de").others) == (zero, [translated])
    assert (cell(found, "squad", "de").settings, cell(found, "squad", "de").others) == (zero, [])


def test_chosen_settings_alone_are_shown_and_no_q_changes(several):
    every = matrix(several)
    zero, translated = (c.name for c in every.choices)
    found = matrix(several, settings=translated)
    assert [r.recipe for r in found.recipes] == ["mnli"]
    assert found.settings == translated
    assert [c.model_dump(exclude={"shown"}) for c in found.choices] == [
        c.model_dump(exclude={"shown"}) for c in every.choices
    ]
    one = cell(found, "mnli", "en")
    assert (one.n, one.seeds, one.settings, one.others) == (2, [0, 1], translated, [zero])
    assert found.recipes[0].not_zero_shot == ["de"]
    assert not {*one.runs, *one.baseline_runs} & {id for c in every.cells for id in (*c.runs, *c.baseline_runs)}
    other = matrix(several, settings=zero)
    assert [c.q for c in other.cells] == [c.q for c in every.cells]
    assert [(r.recipe, r.not_zero_shot) for r in other.recipes] == [("mnli", []), ("squad", [])]


def test_settings_that_differ_in_more_than_one_thing_say_all_of_it(lab):
    lab.submit(recipes=["mnli"], languages=LANGUAGES)
    lab.submit(
        recipes=["mnli"], languages=LANGUAGES, name="shorter", finetuning={"steps": 50, "learning_rate": 0.002, "lora_rank": 4}
    )  # fmt: skip
    work(lab)
    titles = {c.title for c in matrix(lab).choices}
    (short,) = [t for t in titles if "50 steps" in t]
    assert "learning rate 0.002" in short and "LoRA of rank 4" in short
    (long,) = titles - {short}
    assert "every weight" in long and "steps" in long


def test_settings_under_which_nothing_was_measured_are_refused(several):
    with pytest.raises(Invalid) as refused:
        matrix(several, settings="0123456789")
    (error,) = refused.value.errors
    assert error.pointer == "/settings"
    assert all(c.name in error.message for c in matrix(several).choices)


def test_what_ran_under_the_chosen_settings_without_a_baseline_says_so(several):
    """And not that the other settings have a gain."""
    several.submit(recipes=["squad"], seeds=[0], languages=LANGUAGES, translate_train=["en", "de"])
    work(several)  # the baseline of the seed is there
    translated = matrix(several).choices[1].name
    assert cell(matrix(several, settings=translated), "squad", "en").gain == -1.0
    several.submit(recipes=["squad"], seeds=[7], languages=["en"], translate_train=["en", "de"], name="another seed")
    work(several, only=lambda v: not (v.kind is RunKind.FINETUNE and v.recipe == "none"))
    assert cell(matrix(several, settings=translated), "squad", "en").n == 1
