"""The other matrices hold the cells of the first, and asking for more rows asks the database nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import crossed, gains, measured

LANGUAGES = ["en", "de", "sw"]
HEADLINE = {"xnli": "accuracy", "xcopa": "accuracy", "xquad": "f1", "tatoeba": "accuracy"}
KEPT = (measured._kept, gains._kept)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_):
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def fill(lab, models, targets, until=lambda view: True):
    lab.submit(models=models, targets=targets, recipes=["mnli", "squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        if not until(view):
            lab.fail(claim.run_id, claim.attempt)
            continue
        scores = []
        if view.kind is RunKind.EVALUATE:
            base = 40.0 + len(view.model) + 3 * (view.recipe == "mnli") + (view.seed or 0) * len(view.recipe) / 7
            scores = [(code, HEADLINE[view.target], base + i, 90 + i) for i, code in enumerate(claim.spec.languages)]
        lab.finish(claim.run_id, claim.attempt, scores=scores)


def asked(lab, layout, **which):
    for kept in KEPT:
        kept.forget()
    with lab.store.read() as session, counted() as sent:
        return crossed.matrix(session, layout, source=Source.MINI, **which), sent


def own(lab, model, target):
    with lab.store.read() as session:
        return gains.matrix(session, model=model, target=target, source=Source.MINI)


def test_rows_hold_the_cells_of_the_matrices_they_are_from(lab):
    fill(
        lab,
        ["mini-2", "mini-4"],
        list(HEADLINE),
        until=lambda v: (v.model, v.recipe, v.target) != ("mini-2", "squad", "xquad"),
    )
    for recipe in ("mnli", "squad"):
        by_target, _ = asked(lab, "target-language", model="mini-2", recipe=recipe)
        by_model, _ = asked(lab, "model-language", target="xquad", recipe=recipe)
        rows = [("mini-2", r.recipe, r.recipe, by_target) for r in by_target.recipes]
        rows += [(r.recipe, "xquad", r.recipe, by_model) for r in by_model.recipes]
        assert len(rows) == len(HEADLINE) + 2
        for model, target, row, found in rows:
            every = own(lab, model, target)
            expected = {c.language: c for c in every.cells if c.recipe == recipe}
            cells = [c for c in found.cells if c.recipe == row and c.language in expected]
            assert len(cells) == len(expected) > 0
            for cell in cells:
                assert cell == expected[cell.language].model_copy(update={"recipe": row})
    assert any(c.missing == "failed" for c in by_model.cells) and any(c.gain is not None for c in by_model.cells)


@pytest.mark.parametrize("layout", ["target-language", "model-language", "recipe-target"])
def test_more_rows_are_no_more_statements(lab, layout):
    fill(lab, ["mini-2", "mini-4"], ["xnli", "xcopa"])
    before, few = asked(lab, layout)
    fill(lab, ["mini-1", "mini-2", "mini-4"], list(HEADLINE))
    found, many = asked(lab, layout)
    assert len(found.cells) > len(before.cells)
    assert len(many) - len(few) <= 2  # the scores of each further model and target are one
