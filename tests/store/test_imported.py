"""Imported scores in the store: once, whole or not at all, apart from own ones, with gains among themselves only."""

from __future__ import annotations

import base64

import pytest
from sqlalchemy import func, select

from backend.domain.gains import Verdict
from backend.domain.imports import ImportFile, ImportRequest
from backend.domain.task import Source
from backend.errors import Invalid, NotFound
from backend.importing.read import read
from backend.store import gains, imported, tables

HEAD = "model,recipe,target,language,metric,seed,value,n,settings\n"


def bring(lab, *rows, source="a lab", settings="", dry_run=False):
    text = HEAD + "".join(f"{row}\n" for row in rows)
    file = ImportFile(name="t.csv", content=base64.b64encode(text.encode()).decode())
    request = ImportRequest(format="long", source=source, settings=settings, files=[file], dry_run=dry_run)
    found = read(request)
    with lab.store.write() as session:
        return imported.keep(session, request, found, "ada")


def held(lab):
    with lab.store.read() as session:
        return session.scalars(select(func.count()).select_from(tables.imported_score)).one()


def matrix(lab, **asked):
    known = {"source": None, "model": None, "target": None, "metric": None, **asked}
    with lab.store.read() as session:
        return imported.matrix(session, **known)


def seeds(recipe, *values, language="sw", settings="", model="xlmr-base"):
    return [f"{model},{recipe},xnli,{language},accuracy,{i},{v},500,{settings}" for i, v in enumerate(values)]


def test_what_was_brought_in_is_kept_with_where_it_is_from(lab):
    done = bring(lab, *seeds("none", 60.0), settings="theirs")
    made = done.made
    assert (done.added, done.already, made.rows, made.who, made.source, made.format) == (
        1,
        0,
        1,
        "ada",
        "a lab",
        "long",
    )
    assert (made.files[0].name, len(made.files[0].sha256), made.settings) == ("t.csv", 64, "theirs")
    with lab.store.read() as session:
        page = imported.page(session, limit=10, cursor=None)
    assert (page.items, page.total, page.next_cursor) == ([made], 1, None)


def test_the_same_twice_adds_nothing_and_says_so(lab):
    bring(lab, *seeds("none", 60.0, 61.0))
    again = bring(lab, *seeds("none", 60.0, 61.0))
    assert (again.made, again.added, again.already, held(lab)) == (None, 0, 2, 2)
    assert "was imported before, as import 1" in again.said
    more = bring(lab, *seeds("none", 60.0, 61.0, 62.0))
    assert (more.added, more.already, held(lab)) == (1, 2, 3)
    fewer = bring(lab, *seeds("none", 60.0))
    assert (fewer.made, fewer.already) == (None, 1)
    assert "all 1 scores are held already" in fewer.said


def test_another_value_for_the_same_score_is_refused_and_nothing_is_half_written(lab):
    bring(lab, *seeds("none", 60.0))
    with pytest.raises(Invalid) as refused:
        bring(lab, *seeds("squad", 70.0), *seeds("none", 60.5))
    (error,) = refused.value.errors
    assert error.message.startswith("t.csv, line 3, column value: 60.5; import 1 of this source holds 60.0")
    assert held(lab) == 1
    bring(lab, *seeds("none", 60.5), source="another lab")  # theirs is another score
    bring(lab, *seeds("none", 60.5), settings="longer")
    assert held(lab) == 3


def test_a_dry_run_checks_everything_and_writes_nothing(lab):
    done = bring(lab, *seeds("none", 60.0), dry_run=True)
    assert (done.made, done.added, done.dry_run, held(lab)) == (None, 1, True, 0)
    assert "would be added; nothing was written" in done.said
    assert bring(lab, *seeds("none", 60.0)).made is not None


def test_taking_one_out_takes_its_scores_and_it_can_come_back(lab):
    bring(lab, *seeds("none", 60.0))
    bring(lab, *seeds("squad", 65.0))
    with lab.store.write() as session:
        assert imported.remove(session, 1).rows == 1
    assert held(lab) == 1
    with lab.store.read() as session, pytest.raises(NotFound):
        imported.view(session, 1)
    assert bring(lab, *seeds("none", 60.0)).made.id == 3 or held(lab) == 2


def test_gains_are_by_the_statistics_of_own_results(lab):
    bring(lab, *seeds("none", 60.0, 61.0, 62.0), *seeds("squad", 65.0, 66.1, 66.9))
    found = matrix(lab)
    (cell,) = found.cells
    assert (cell.gain, cell.n, cell.verdict, cell.examples) == (pytest.approx(5.0), 3, Verdict.HELPS, 500)
    assert (found.benchmark, found.synthetic, found.runs_pending) == ("imported: a lab", False, 0)
    assert found.recipes[0].mean_transfer == pytest.approx(5.0)


def test_no_gain_is_across_sources_or_settings(lab):
    bring(lab, *seeds("none", 60.0))
    bring(lab, *seeds("squad", 65.0), source="another lab")
    bring(lab, *seeds("squad", 65.0, settings="longer"))
    for source in ("a lab", "another lab"):
        (cell,) = matrix(lab, source=source).cells
        assert cell.gain is None
        assert cell.treated == 65.0
    assert "under other settings only" in matrix(lab, source="a lab").cells[0].why_missing
    assert "no score of none" in matrix(lab, source="another lab").cells[0].why_missing


def test_own_runs_and_imported_scores_never_meet(lab):
    lab.submit(seeds=[0], source="hub", models=["xlmr-base"])
    lab.work(scores=[("sw", "accuracy", 50.0, 100)])
    with lab.store.read() as session:
        before = gains.matrix(session, model="xlmr-base", target="xnli", metric="accuracy", source=Source.HUB)
    bring(lab, *seeds("squad", 65.0))
    (cell,) = matrix(lab).cells
    assert cell.gain is None  # there is a baseline of ours; it is not theirs
    with lab.store.read() as session:
        assert gains.matrix(session, model="xlmr-base", target="xnli", metric="accuracy", source=Source.HUB) == before


def test_what_is_not_there_says_what_is(lab):
    with pytest.raises(NotFound, match="Nothing was imported"):
        matrix(lab)
    bring(lab, *seeds("none", 60.0))
    with pytest.raises(NotFound, match="a lab"):
        matrix(lab, source="a lob")
    with pytest.raises(NotFound, match="xlmr-base"):
        matrix(lab, model="xlmr-large")
