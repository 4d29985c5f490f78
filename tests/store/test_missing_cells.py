"""A mean never hides a missing cell, in every view of the store: whatever failed, did not learn, was not run or has no baseline,
each mean equals the mean over the support that it states, or is absent.

What is right is worked out here from the scores that are left, without the code that is tested.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from backend.domain.address import Address
from backend.domain.gains import Missing
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.errors import NotFound
from backend.store import answer, gains, overview, predicted, snapshots, tables, tradeoff
from backend.store.session import Store
from dashboard import frozen

MODELS = ("mini-2", "mini-4")
RECIPES = ("squad", "siqa", "control:squad")
TARGETS = ("xnli", "tatoeba")
LANGUAGES = ("en", "de", "sw", "tr")
SEEDS = (0, 1, 2)
#: What a row becomes where its run failed, was taken out, or waits.
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "failed": {"state": "failed", "error_message": "no"},
    "cancelled": {"state": "cancelled"},
    "queued": {"state": "queued", "finished_at": None},
}
Left = Mapping[tuple[str, str, str, int | None, str], float]  # model, recipe, target, seed, language → points


@pytest.fixture(scope="module")
def whole(tmp_path_factory, sqlite_template, lab_at) -> Path:
    """A database in which everything is done and scored."""
    path = tmp_path_factory.mktemp("whole") / "crosslift.db"
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    lab = lab_at(store)
    lab.submit(
        models=list(MODELS), recipes=list(RECIPES), targets=list(TARGETS), seeds=list(SEEDS), languages=list(LANGUAGES)
    )
    rng = random.Random(0)
    while (claim := lab.try_claim()) is not None:
        evaluated = lab.view(claim.run_id).kind is RunKind.EVALUATE
        scores = [(code, "accuracy", rng.uniform(20, 80), 100) for code in claim.spec.languages] if evaluated else []
        lab.finish(claim.run_id, claim.attempt, scores=scores)
    store.dispose()
    return path


def spoil(store: Store, seed: int, share: float) -> Left:
    """Take a share of the results away, each in one of the ways in which results lack, and of each model, recipe and target some
    languages in all seeds; what is left."""
    rng = random.Random(seed)
    gone = {
        (m, recipe, t): {code for code in LANGUAGES if rng.random() < share / 4}
        for m in MODELS for recipe in ("none", *RECIPES) for t in TARGETS
    }  # fmt: skip
    r, left = tables.run.c, {}
    with store.write() as session:
        parents: dict[int, int] = dict(session.execute(
            select(tables.run_parent.c.run_id, tables.run_parent.c.parent_id)
            .join(tables.run, r.id == tables.run_parent.c.parent_id).where(r.kind == RunKind.FINETUNE.value)
        ).all())  # fmt: skip
        query = select(r.id, r.model, r.recipe, r.target, r.seed).where(r.kind == RunKind.EVALUATE.value).order_by(r.id)
        for id, *key in session.execute(query).all():
            own = dict(
                session.execute(
                    select(tables.score.c.language, tables.score.c.value).where(tables.score.c.run_id == id)
                ).all()
            )
            fate = rng.choice([*CHANGED, "stuck", "languages"]) if rng.random() < share else "whole"
            if fate == "stuck" and id in parents:
                session.execute(
                    insert(tables.learning), {"run_id": parents[id], "loss": 1.1, "guess": 1.1, "failed": True}
                )
                continue
            if fate in CHANGED:
                session.execute(update(tables.run).where(r.id == id).values(**CHANGED[fate]))
                session.execute(delete(tables.score).where(tables.score.c.run_id == id))
                continue
            for code in sorted(own):
                if code in gone[key[0], key[1], key[2]] or (fate == "languages" and rng.random() < 0.5):
                    session.execute(
                        delete(tables.score).where(tables.score.c.run_id == id, tables.score.c.language == code)
                    )
                else:
                    left[(*key, code)] = own[code]
    return left


def cell(left: Left, model: str, recipe: str, target: str, code: str) -> tuple[float, int] | None:
    """The gain over the seeds that have both scores, and how many those are; a baseline without a seed serves every seed."""
    found = []
    for seed in SEEDS:
        treated = left.get((model, recipe, target, seed, code))
        base = left.get((model, "none", target, seed, code), left.get((model, "none", target, None, code)))
        if treated is not None and base is not None:
            found.append(treated - base)
    return (sum(found) / len(found), len(found)) if found else None


def support(left: Left, models: tuple[str, ...], target: str, asked: tuple[str, ...]) -> list[str]:
    """The languages in which each model and recipe has a gain that has any among those asked for."""
    has = [{c for c in asked if cell(left, m, r, target, c)} for m in models for r in RECIPES]
    some = [languages for languages in has if languages]
    return [c for c in asked if some and all(c in languages for languages in some)]


def mean(left: Left, model: str, recipe: str, target: str, codes: list[str]) -> Any:
    values = [found[0] for c in codes if (found := cell(left, model, recipe, target, c))]
    return pytest.approx(sum(values) / len(values)) if values else None


def seeds(left: Left, model: str, recipe: str, target: str, codes: list[str]) -> int:
    return min(found[1] for c in codes if (found := cell(left, model, recipe, target, c)))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.4, 0.15, 0.8, 0.0]))
def test_every_mean_is_over_what_it_says(whole: Path, tmp_path: Path, seed: int, share: float):
    path = tmp_path / f"{seed}-{share}.db"
    shutil.copy(whole, path)
    store = Store(f"sqlite:///{path}")
    try:
        left = spoil(store, seed, share)
        with store.read() as session:
            for target in TARGETS:
                for model in MODELS:
                    _matrix_is_right(session, left, model, target)
                _points_are_right(session, left, target)
            _overview_is_right(session, left)
            _answer_is_right(session, left)
    finally:
        store.dispose()
        path.unlink()


def _matrix_is_right(session: Any, left: Left, model: str, target: str) -> None:
    """The rows of the heatmap, the certainty of a row, and the same frozen."""
    found = gains.matrix(session, model=model, target=target, source=Source.MINI)
    over = support(left, (model,), target, LANGUAGES)
    away = [c for c in over if c != "en"]
    for c in found.cells:
        gain = cell(left, model, c.recipe, target, c.language)
        assert (c.gain, c.n) == ((pytest.approx(gain[0]), gain[1]) if gain else (None, 0))
        assert (c.missing is None) == (gain is not None) == (c.why_missing is None)
    for row in found.recipes:
        if row.recipe not in RECIPES:
            continue
        has = [c for c in away if cell(left, model, row.recipe, target, c)]
        assert (row.k, row.n) == (len(has), sum(c != "en" for c in found.languages))
        assert row.mean_transfer == mean(left, model, row.recipe, target, has)
        english = "en" in over and cell(left, model, row.recipe, target, "en")
        assert row.mean_all == (mean(left, model, row.recipe, target, ["en", *has]) if english else None)
        try:
            sure = predicted.choose(
                session, model=model, target=target, metric=None, recipe=row.recipe, language=predicted.MEAN, settings=None,
                source=Source.MINI,
            ).mean  # fmt: skip
        except NotFound:
            assert not has
        else:
            assert sure is not None and (sure.value, sure.k, sure.n) == (row.mean_transfer, row.k, row.n)
    kept = snapshots.freeze(
        session, Address("explore", model=model, target=target, source=Source.MINI), anonymous=False
    )
    assert kept.content.matrix is not None and kept.content.matrix.recipes == found.recipes
    said = frozen.means(kept.content, frozen.state(kept.content))
    assert said is not None
    assert [line[2] for line in said.rows] == [
        f"{r.k} of {r.n} language{'' if r.n == 1 else 's'}" for r in found.recipes
    ]


def _points_are_right(session: Any, left: Left, target: str) -> None:
    for asked, languages in (
        (LANGUAGES, "mean_all"),
        (LANGUAGES[1:], "mean_transfer"),
        (("sw",), "resource:low"),
    ):
        points = tradeoff.tradeoff(session, target=target, source=Source.MINI, languages=languages)
        # the support is that of all languages, or where a group is looked at of that group
        over = [c for c in support(left, MODELS, target, asked if ":" in languages else LANGUAGES) if c in asked]
        expected = {
            (m, r): (mean(left, m, r, target, over), len(over), seeds(left, m, r, target, over))
            for m in MODELS for r in RECIPES if any(cell(left, m, r, target, c) for c in over)
        }  # fmt: skip
        assert {(p.model, p.recipe): (p.gain, p.k, p.n) for p in points} == expected
        assert all(p.k is not None and p.asked is not None and p.k <= p.asked for p in points)


def _overview_is_right(session: Any, left: Left) -> None:
    found = overview.overview(session, source=Source.MINI)
    expected = {}
    for target in TARGETS:
        over = [c for c in support(left, MODELS, target, LANGUAGES) if c != "en"]
        for m in MODELS:
            for r in RECIPES:
                if any(cell(left, m, r, target, c) for c in over):
                    expected[m, r, target] = (
                        mean(left, m, r, target, over),
                        len(over),
                        seeds(left, m, r, target, over),
                    )
    assert {(p.model, p.recipe, p.target): (p.gain, p.k, p.seeds) for p in found.pairs} == expected
    cells = sum(cell(left, m, r, t, c) is not None for m in MODELS for r in RECIPES for t in TARGETS for c in LANGUAGES)
    assert found.cells == sum(found.verdicts.values()) == cells <= found.cells_possible


def _answer_is_right(session: Any, left: Left) -> None:
    """Its data are the gains of single seeds that there are, each once, and nothing in the place of one that is not."""
    rows, out, _ = answer.observations(session, source=Source.MINI)
    expected = {
        (m, r, t, c, s): left[m, r, t, s, c] - left.get((m, "none", t, s, c), left.get((m, "none", t, None, c), 0.0))
        for m, r, t, s, c in left
        if s is not None and r in RECIPES and ((m, "none", t, s, c) in left or (m, "none", t, None, c) in left)
    }
    counted = {key: v for key, v in expected.items() if key[3] != "en" and not key[1].startswith("control")}
    assert {(o.model, o.recipe, o.target, o.language, o.seed): o.gain for o in rows} == pytest.approx(counted)
    assert sum(entry.gains for entry in out) == len(expected) - len(counted)


def test_the_check_itself_can_fail(whole: Path, tmp_path: Path):
    """A score that is gone without anyone being told changes a mean, and the check sees it."""
    path = tmp_path / "spoilt.db"
    shutil.copy(whole, path)
    store = Store(f"sqlite:///{path}")
    left = dict(spoil(store, 1, 0.0))
    left.pop(("mini-2", "squad", "xnli", 0, "sw"))
    with store.read() as session, pytest.raises(AssertionError):
        _matrix_is_right(session, left, "mini-2", "xnli")
    store.dispose()


def test_each_kind_of_hole_keeps_its_name(whole: Path, tmp_path: Path):
    """What failed, was not run and does not apply are told apart, next to a mean that counts none of them."""
    path = tmp_path / "named.db"
    shutil.copy(whole, path)
    store = Store(f"sqlite:///{path}")
    with store.write() as session:
        bad = select(tables.run.c.id).where(
            tables.run.c.kind == RunKind.EVALUATE.value, tables.run.c.recipe == "squad", tables.run.c.target == "xnli",
            tables.run.c.model == "mini-2",
        )  # fmt: skip
        session.execute(delete(tables.score).where(tables.score.c.run_id.in_(bad)))
        session.execute(update(tables.run).where(tables.run.c.id.in_(bad)).values(state="failed", error_message="no"))
    with store.read() as session:
        found = gains.matrix(session, model="mini-2", target="xnli", source=Source.MINI)
        other = gains.matrix(session, model="mini-2", target="tatoeba", source=Source.MINI)
    store.dispose()
    why, elsewhere = ({(c.recipe, c.language): c.missing for c in m.cells} for m in (found, other))
    assert why["squad", "de"] is Missing.FAILED
    assert why["siqa", "zh"] is Missing.NOT_RUN  # not among the languages that were asked for
    assert elsewhere["control:squad", "de"] is Missing.NOT_APPLICABLE  # nothing is fine-tuned for Tatoeba
    (row,) = [r for r in found.recipes if r.recipe == "squad"]
    assert (row.mean_transfer, row.mean_all, row.k) == (None, None, 0)
