"""The overview, against numbers worked out by hand; and what is kept in memory, which must never be out of date."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, update

from backend.domain.gains import Verdict
from backend.domain.run import DeviceClass, RunKind
from backend.domain.task import Source
from backend.errors import NotFound
from backend.store import gains, overview, tables, tradeoff
from backend.store.kept import Memory

LANGUAGES = ["en", "de", "sw"]
SECONDS = {RunKind.PRETRAIN: 7200.0, RunKind.INTERMEDIATE: 3600.0, RunKind.FINETUNE: 1800.0, RunKind.EVALUATE: 360.0}
EFFECT = {"squad": 3.0, "hellaswag": -4.0, "mnli": 9.0, "control:squad": 5.0}


def work(lab, only=lambda view: True):
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        if not only(view):
            lab.fail(claim.run_id, claim.attempt)
            continue
        scores = []
        if view.kind is RunKind.EVALUATE:
            metric = "f1" if view.target in ("xquad", "udpos") else "accuracy"
            value = 50.0 + EFFECT.get(view.recipe, 0.0) * (1 + 0.1 * (view.seed or 0))
            scores = [(code, metric, value, 100) for code in claim.spec.languages]
        lab.finish(claim.run_id, claim.attempt, scores=scores, device_seconds=SECONDS[view.kind])


def look(lab, **which):
    with lab.store.read() as session:
        return overview.overview(session, **{"source": Source.MINI, **which})


@pytest.fixture
def measured(lab):
    lab.submit(
        recipes=["squad", "hellaswag", "mnli", "control:squad"],
        seeds=[0, 1, 2],
        languages=LANGUAGES,
        targets=["xnli"],
    )
    work(lab)
    return lab


def pair(found, recipe):
    (one,) = [p for p in found.pairs if p.recipe == recipe]
    return one


def test_pairs_and_the_best_of_them(measured):
    found = look(measured)
    squad = pair(found, "squad")
    # means of the seeds 3, 3.3, 3.6: mean 3.3, sd 0.3; t₀.₉₇₅ of two degrees of freedom is 4.302653
    assert squad.gain == pytest.approx(3.3)
    assert squad.low == pytest.approx(3.3 - 4.302653 * 0.3 / 3**0.5, abs=1e-6)
    assert (squad.k, squad.n, squad.seeds, squad.verdict) == (2, 8, 3, Verdict.HELPS)  # German and Swahili of eight
    assert squad.device_hours_marginal == pytest.approx(1.6) and squad.device_class is DeviceClass.CPU
    assert squad.gain_per_device_hour == pytest.approx(3.3 / 1.6)
    hurts = pair(found, "hellaswag")
    assert hurts.verdict is Verdict.HURTS and hurts.gain_per_device_hour is None
    assert pair(found, "mnli").same_data_twice and pair(found, "mnli").gain > squad.gain
    assert pair(found, "control:squad").gain > squad.gain
    assert found.best == found.best_per_hour == squad  # without what trains on one data set twice, without controls
    assert found.recipes == ["hellaswag", "mnli", "squad", "control:squad"]


def test_the_same_numbers_as_the_other_views(measured):
    found = look(measured)
    with measured.store.read() as session:
        points = tradeoff.tradeoff(session, source=Source.MINI, languages="mean_transfer")
        matrix = gains.matrix(session, source=Source.MINI)
    assert [(p.recipe, p.gain, p.low, p.high) for p in found.pairs] == [
        (p.recipe, p.gain, p.low, p.high) for p in points
    ]
    assert {p.recipe: p.gain for p in found.pairs} == {r.recipe: r.mean_transfer for r in matrix.recipes}
    verdicts = [c.verdict for c in matrix.cells if c.verdict is not None]
    assert found.verdicts == {v: verdicts.count(v) for v in Verdict}
    assert found.cells == len(verdicts) == 4 * 3
    assert found.cells_possible == len(matrix.cells) == 4 * 9


def test_too_few_seeds_and_means_without_an_interval(lab):
    lab.submit(recipes=["squad"], seeds=[0, 1], languages=LANGUAGES)
    work(lab)
    assert pair(look(lab), "squad").verdict is Verdict.TOO_FEW
    assert look(lab).verdicts[Verdict.TOO_FEW] == 3
    lab.submit(recipes=["squad"], seeds=[2], languages=LANGUAGES)
    work(lab)
    assert pair(look(lab), "squad").verdict is Verdict.HELPS
    with lab.store.write() as session:  # all seeds alike
        session.execute(update(tables.score).values(value=50.0))
    flat = pair(look(lab), "squad")
    assert (flat.gain, flat.low, flat.verdict, flat.gain_per_device_hour) == (0.0, None, None, None)


def test_what_was_asked_for_counts_as_possible_whatever_became_of_it(lab):
    lab.submit(recipes=["squad", "hellaswag"], targets=["xnli", "tatoeba"])
    work(lab, only=lambda view: view.recipe != "hellaswag")
    found = look(lab)
    assert found.cells_possible == 2 * (9 + 11) and found.cells == 9 + 11
    assert look(lab, target="xnli").cells_possible == 18 and look(lab, target="xnli").cells == 9
    assert look(lab, model="mini-4").cells_possible == 0
    assert look(lab, target="xnli").targets == ["tatoeba", "xnli"]  # to choose from


def test_what_was_spent_is_the_benchmarks(measured):
    found = look(measured, model="mini-4")
    assert found.pairs == [] and found.best is None
    hours = (7200 + 3 * (3 * 3600 + 5 * (1800 + 360))) / 3600
    assert found.device_hours == {DeviceClass.CPU: pytest.approx(hours)}
    assert (found.runs_done, found.experiments) == (1 + 3 * (3 + 10), 1)


def test_no_runs_no_overview(lab):
    with pytest.raises(NotFound, match="no runs of mini-XTREME-R"):
        look(lab)
    lab.submit()
    assert look(lab).cells == 0 and look(lab).cells_possible == 9
    with pytest.raises(NotFound, match="source hub"):
        look(lab, source=Source.HUB)


# --- what is kept in memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["a value", "an n", "a score less", "a score more", "a run"])
def test_whatever_changes_is_seen_at_once(measured, change):
    def gain_of(language="sw"):
        with measured.store.read() as session:
            matrix = gains.matrix(session, source=Source.MINI)
        (cell,) = [c for c in matrix.cells if (c.recipe, c.language) == ("squad", language)]
        return cell

    before = gain_of()
    assert gain_of() == before
    score, run = tables.score, before.runs[0]
    swahili = (score.c.run_id == run, score.c.language == "sw")
    with measured.store.write() as session:
        if change == "a value":
            session.execute(update(score).where(*swahili).values(value=0.0))
        elif change == "an n":
            session.execute(update(score).where(*swahili).values(n=7))
        elif change == "a score less":
            session.execute(delete(score).where(*swahili))
        elif change == "a score more":
            for id in (run, before.baseline_runs[0]):
                row = {"run_id": id, "metric": "accuracy", "language": "tr", "value": 50.0, "n": 10}
                session.execute(insert(score), row)
        else:
            measured_by = tables.run.c.id == run
            session.execute(delete(score).where(score.c.run_id == run))
            session.execute(update(tables.run).where(measured_by).values(state="failed"))
    after = gain_of("tr") if change == "a score more" else gain_of()
    expected = {
        "a value": after.gain == pytest.approx((3.3 + 3.6 - 50.0) / 3),
        "an n": after.examples == 7,
        "a score less": after.n == 2,
        "a score more": after.gain == 0.0 and after.n == 1,
        "a run": after.n == 2,
    }
    assert expected[change]


def test_no_more_is_kept_than_allowed(measured):
    with measured.store.read() as session:
        (unit,) = overview.series(session, source=Source.MINI)[:1]
    kept = Memory(10, lambda sized: len(sized.every))

    class Sized:
        def __init__(self, n):
            self.every = unit.cells[:1] * n

    kept.put("a", 1, Sized(6))
    kept.put("b", 1, Sized(4))
    assert kept.get("a", 1) is not None and kept.get("a", 2) is None
    kept.put("c", 1, Sized(3))  # b was used longest ago
    assert kept.get("b", 1) is None and kept.get("a", 1) is not None
    kept.put("a", 2, Sized(2))
    assert kept.get("a", 1) is None and kept.total == 5
    kept.put("d", 1, Sized(50))  # the only one, though too large: it was asked for
    assert kept.get("d", 1) is not None and kept.get("a", 2) is None and kept.total == 50


def test_error_rates_are_shown_where_asked_for_and_are_part_of_nothing_else(lab):
    """Less is better: a recipe with fewer errors gains. What is over all targets does not know of them."""
    lab.submit(recipes=["mnli"], seeds=[0], languages=["en", "de"], targets=["xnli", "multichecklist"])
    while (claim := lab.try_claim()) is not None:
        view, scores = lab.view(claim.run_id), []
        if view.kind is RunKind.EVALUATE:
            checks = view.target == "multichecklist"
            value = 40.0 if view.recipe == "mnli" else 60.0
            metric = "error_rate" if checks else "accuracy"
            scores = [(code, metric, value if checks else 50.0, 100) for code in claim.spec.languages]
        lab.finish(claim.run_id, claim.attempt, scores=scores, device_seconds=SECONDS[view.kind])
    everything = look(lab)
    assert {p.target for p in everything.pairs} == {"xnli"} and everything.cells == 2
    alone = look(lab, target="multichecklist")
    assert [(p.target, p.metric, p.gain) for p in alone.pairs] == [("multichecklist", "error_rate", 20.0)]
    with lab.store.read() as session:
        points = tradeoff.tradeoff(session, source=Source.MINI, languages="mean_transfer")
    assert {p.target for p in points} == {"xnli"}
