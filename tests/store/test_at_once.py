"""Gains of many scores are, to the last bit, what each cell's own scores say by the tests that ``domain.gains`` offers one at a time."""

from __future__ import annotations

import gc
import math
import random
from collections import defaultdict
from threading import Barrier, Thread

import numpy as np
import pytest
from sqlalchemy import select

from backend.domain.gains import benjamini_hochberg, minimum_detectable, paired_t, sign_flip
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import gains, runs, tables
from backend.store.uncollected import uncollected

LANGUAGES = ["en", "de", "sw"]


def scattered(lab, seed):
    """Scores of 1 to 5 seeds, some lacking, some equal: {recipe: {language: {seed: (run, points, examples)}}}."""
    draw = random.Random(seed)
    lab.submit(recipes=["mnli", "squad", "hellaswag", "control:squad"], seeds=[0, 1, 2, 3, 4], languages=LANGUAGES)
    found = defaultdict(lambda: defaultdict(dict))
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        scores = []
        if view.kind is RunKind.EVALUATE and (view.recipe == "none" or draw.random() < 0.7):
            for code in LANGUAGES:
                if draw.random() < 0.85:
                    value = draw.choice([50.0, draw.uniform(0, 100), round(draw.uniform(40, 60), 1)])
                    scores.append((code, "accuracy", value, draw.randint(1, 500)))
                    found[view.recipe][code][view.seed] = (view.id, *scores[-1][2:])
        lab.finish(claim.run_id, claim.attempt, scores=scores)
    return found


def by_hand(scores):
    """(recipe, language) → what a cell shows, one cell after the other."""
    cells = {}
    for recipe in scores.keys() - {"none"}:
        for code, treated in scores[recipe].items():
            seeds = sorted(treated.keys() & scores["none"][code].keys())
            if seeds:
                pairs = [(treated[s], scores["none"][code][s]) for s in seeds]
                t = paired_t([a[1] - b[1] for a, b in pairs])
                cells[recipe, code] = (seeds, pairs, t)
    tested = sorted(key for key, (*_, t) in cells.items() if t.p is not None)
    q = dict(zip(tested, benjamini_hochberg([cells[key][2].p for key in tested]), strict=True))
    shown = {}
    for key, (seeds, pairs, t) in cells.items():
        n, differences = len(seeds), [a[1] - b[1] for a, b in pairs]
        shown[key] = {
            "gain": t.mean, "low": t.low, "high": t.high, "sd": t.sd, "p_t": t.p, "q": q.get(key), "seeds": seeds, "n": n,
            "differences": differences, "treated": math.fsum(a[1] for a, _ in pairs) / n,
            "baseline": math.fsum(b[1] for _, b in pairs) / n,
            "p_sign_flip": sign_flip(differences) if n >= 3 else None,
            "detectable": minimum_detectable(t.sd, n) if n >= 3 and t.sd else None,
            "examples": min(min(a[2], b[2]) for a, b in pairs), "runs": [a[0] for a, _ in pairs],
            "baseline_runs": [b[0] for _, b in pairs], "treated_scores": [a[1] for a, _ in pairs],
            "baseline_scores": [b[1] for _, b in pairs],
        }  # fmt: skip
    return shown


def test_a_matrix_of_scattered_scores_is_what_each_cell_says_by_itself(lab):
    scores = scattered(lab, 11)
    with lab.store.read() as session:
        found = gains.matrix(session, model="mini-2", target="xnli", metric="accuracy", source=Source.MINI)
    expected = by_hand(scores)
    cells = {(c.recipe, c.language): c for c in found.cells if c.gain is not None}
    assert cells.keys() == expected.keys() and len({len(c.seeds) for c in cells.values()}) > 2
    for key, said in expected.items():
        assert {name: getattr(cells[key], name) for name in said} == said


def test_collecting_rests_while_anybody_makes_many_objects_and_goes_on_after_the_last():
    assert gc.isenabled()
    first_left, seen = Barrier(2, timeout=10), []

    def longer():
        with uncollected():
            first_left.wait()  # both are within
            first_left.wait()  # the other one has left
            seen.append(gc.isenabled())

    thread = Thread(target=longer)
    thread.start()
    with uncollected():
        first_left.wait()
        seen.append(gc.isenabled())
    first_left.wait()
    thread.join()
    assert seen == [False, False] and gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()  # as it was
    finally:
        gc.enable()


def test_what_is_read_by_a_prepared_statement_has_the_types_of_its_columns(lab):
    """Dates, JSON and flags go through their types, as they do when SQLAlchemy itself hands out the rows."""
    from backend.store.prepared import Prepared

    lab.submit()
    lab.claim()
    columns = [tables.run.c[name] for name in ("id", "spec", "created_at", "started_at", "fingerprint")]
    asked = Prepared(lambda: select(*columns).order_by(tables.run.c.id))
    with lab.store.read() as session:
        assert asked.rows(session) == [
            tuple(row) for row in session.execute(select(*columns).order_by(tables.run.c.id))
        ]
        assert Prepared(lambda: select(*columns).where(tables.run.c.id < 0)).rows(session) == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (("sw", "accuracy", float("nan"), 10), "accuracy in sw must be a finite number, not nan"),
        (("sw", "accuracy", True, 10), "accuracy in sw must be a finite number, not True"),
        (("sw", "accuracy", "50", 10), "accuracy in sw must be a finite number, not '50'"),
        (("sw", "accuracy", 50.0, 0), "accuracy in sw must be over at least one example, not 0"),
        (("sw", "accuracy", 50.0, 2**63), "accuracy in sw must be over at least one example"),
        (("sw", "accuracy", 50.0, 10.0), "accuracy in sw must be over at least one example, not 10.0"),
        (("sw", "accuracy", 50.0, True), "accuracy in sw must be over at least one example, not True"),
        (("de", "accuracy", 51.0, 10), "accuracy in de is there twice"),
        (("s\0w", "accuracy", 50.0, 10), "score.language"),
        (("sw", "a" * 65, 50.0, 10), "score.metric must be at most 64 characters"),
    ],
)
def test_one_bad_score_among_many_is_named_and_none_is_kept(lab, bad, message):
    lab.submit(recipes=["none"], languages=LANGUAGES)
    while (claim := lab.claim()).kind is not RunKind.EVALUATE:
        lab.finish(claim.run_id, claim.attempt)
    good = [("en", "accuracy", 60.0, 10), ("de", "accuracy", 50, 10), ("de", "f1", np.float64(49.5), 10)]
    with pytest.raises(ValueError, match=message):
        lab.finish(claim.run_id, claim.attempt, scores=[*good, bad])
    with lab.store.read() as session:
        assert runs.scores(session, claim.run_id) == []
    assert lab.finish(claim.run_id, claim.attempt, scores=good).ok
    with lab.store.read() as session:
        found = [(s.language, s.metric, s.value, s.n) for s in runs.scores(session, claim.run_id)]
    assert sorted(found) == [("de", "accuracy", 50.0, 10), ("de", "f1", 49.5, 10), ("en", "accuracy", 60.0, 10)]
