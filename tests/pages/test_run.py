"""A run's page in a real browser: its curves, log, scores, cost and descent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.run import Phase, RunKind
from backend.domain.schemas import AttemptView, Curve, RunDetail, RunView
from backend.store import runs
from dashboard import curves, lineage
from dashboard.look import DARK, LIGHT

DRAWN = "() => (document.querySelector('#run-curves .js-plotly-plot')?.data || []).map(t => [t.name, t.x.length])"


@pytest.fixture(scope="module")
def busy(serve: Callable[..., Any]) -> Any:
    """A pretraining run at work, with curves and a log; its claim is ``site.claim``."""
    kept: dict[str, Any] = {}

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(name="Watched", seeds=[0])
        kept["claim"] = lab.claim()
        record(lab, kept["claim"], 1, 60)

    site = serve(fill)
    site.claim = kept["claim"]
    return site


def record(lab: Any, claim: Any, first: int, last: int, logs: Any = (("info", "training began"),)) -> None:
    points = [("loss", s, 3.0 * 0.98**s) for s in range(first, last)]
    points += [("learning_rate", s, 1e-3) for s in range(first, last)]
    with lab.store.write() as session:
        runs.beat(
            session, claim.run_id, claim.attempt, lease_seconds=600, phase=Phase.TRAINING, step=last, total_steps=300,
            rate=4.0, eta_low=40, eta_high=130, progressed=True,
        )  # fmt: skip
        runs.record(session, claim.run_id, claim.attempt, curves=points, logs=logs)


@pytest.mark.browser
def test_a_run_while_it_runs_until_it_fails(busy: Any, visit: Callable[..., Any]):
    page, lab, claim = visit(busy, f"/runs/{busy.claim.run_id}").page, busy.lab, busy.claim
    expect(page).to_have_title("Run · Crosslift")
    expect(page.locator("#run-state")).to_contain_text("training, step 60 of 300")
    expect(page.locator("#run-state")).to_contain_text(re.compile(r"heartbeat \d+ s ago"))
    expect(page.locator("#run-standing")).to_contain_text("about 1–2 minutes left")
    page.wait_for_function(f'() => JSON.stringify(({DRAWN})()) === \'[["loss",59],["learning rate",59]]\'')
    page.wait_for_function("() => document.documentElement.getAttribute('data-live') === 'on'")
    page.evaluate("() => dash_clientside.set_props('clock', { disabled: true })")
    lines = [("debug", "step 61"), ("warning", "a short batch"), ("info", "still training")]
    record(lab, claim, 60, 90, lines)
    expect(page.locator("#run-state")).to_contain_text("step 90 of 300")
    page.wait_for_function(f"() => ({DRAWN})()[0]?.[1] === 89")
    # the log: level, text, and following it are in the address
    page.get_by_role("tab", name="Log").click()
    log = page.locator("#run-lines")
    expect(log.get_by_role("listitem")).to_have_count(4)
    page.locator("#run-level").click()
    page.get_by_role("option", name="Info and above").click()
    expect(log.get_by_role("listitem")).to_have_count(3)
    page.get_by_label("Line holds").fill("TRAINING")
    expect(log.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("switch", name="Follow").press("Space")
    page.wait_for_url(f"**/runs/{claim.run_id}?follow=1&level=info&q=TRAINING&tab=log")
    record(lab, claim, 90, 91, [("info", f"training line {i}") for i in range(80)])
    expect(log.get_by_role("listitem")).to_have_count(82)
    page.wait_for_function(
        "() => { const b = document.getElementById('run-lines'); return b.scrollHeight - b.scrollTop - b.clientHeight < 4; }"
    )
    page.reload()
    expect(log.get_by_role("listitem")).to_have_count(82)
    expect(page.get_by_label("Line holds")).to_have_value("TRAINING")
    # it fails: the first error and its likely cause stand above the log
    with lab.store.write() as session:
        runs.record(session, claim.run_id, claim.attempt, logs=[("error", "loss is nan")])
        runs.fail(
            session, claim.run_id, claim.attempt, type="FloatingPointError", message="the loss is not finite",
            traceback="Traceback …", cause="the learning rate is too high",
        )  # fmt: skip
    pinned = page.locator("#run-pinned")
    expect(pinned).to_contain_text("FloatingPointError: the loss is not finite")
    expect(pinned).to_contain_text("Likely cause: the learning rate is too high")
    expect(pinned).to_contain_text("loss is nan")
    expect(page.locator("#run-state .chip")).to_have_text("✕failed")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    # done again as a new run, and that one stopped
    page.get_by_role("button", name="Retry").click()
    page.wait_for_url(lambda url: re.search(r"/runs/\d+$", url) is not None and not url.endswith(f"/{claim.run_id}"))
    expect(page.locator("#run-state .chip")).to_have_text("◔queued")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#run-state .chip")).to_have_text("⊘cancelled")


@pytest.mark.browser
def test_an_evaluation_says_what_it_found_and_where_that_comes_from(site: Any, visit: Callable[..., Any]):
    with site.lab.store.read() as session:
        done = runs.page(session, limit=200, cursor=None, kind=RunKind.EVALUATE).items
    run = next(r for r in done if r.recipe == "mnli" and r.target == "xnli")
    page = visit(site, f"/runs/{run.id}", width=390, height=844).page
    table = page.locator("#run-scores")
    expect(table.get_by_role("row")).to_have_count(10)  # nine languages
    expect(page.locator("#run-cost")).to_contain_text("not measured")
    expect(page.locator("#run-cost")).to_contain_text("device-hours, cpu")
    assert "matrix product" not in str(lineage.cost(run))
    assert "34 % of what a matrix product attains" in str(lineage.cost(run, 0.34))
    assert "3.4 % of what" in str(lineage.cost(run, 0.034))
    expect(page.locator("#run-curves-box")).to_be_hidden()
    page.get_by_role("tab", name="Provenance").click()
    page.wait_for_url("**/runs/*?tab=provenance")
    chain = page.get_by_role("list", name="From data to scores")
    for label in ("Pretrain", "Intermediate", "Fine-tune", "Evaluate, this run"):
        expect(chain).to_contain_text(label)
    expect(page.locator("#run-fingerprint")).to_have_text(run.fingerprint)
    expect(page.locator("#run-YAML")).to_contain_text("kind: evaluate")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    chain.get_by_role("link", name=re.compile("^Train mini")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Train mini")
    expect(page.get_by_role("tab", name="Progress and scores")).to_have_attribute("aria-selected", "true")


# --- figures -----------------------------------------------------------------------------------------------------


def curve(name: str, n: int = 3) -> Curve:
    return Curve(name=name, steps=list(range(1, n + 1)), values=[float(i) for i in range(n)])


def test_curves_are_grouped_by_what_they_measure():
    found = [
        curve("learning_rate"),
        curve("dev/f1"),
        curve("dev/exact_match"),
        curve("loss", 100),
        curve("memory"),
        curve("x", 0),
    ]
    assert [(t, [c.name for c in group]) for t, group in curves.panels(found)] == [
        ("loss", ["loss"]), ("development score", ["dev/f1", "dev/exact_match"]), ("learning rate", ["learning_rate"]),
        ("memory", ["memory"]),
    ]  # fmt: skip
    assert "F1 on dev from 0 to 2 over 3 points" in curves.summary(found)
    assert curves.panels([]) == [] and curves.summary([]) == ""


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_figure_stands_on_its_page_and_tells_curves_apart_without_colour(theme: Any):
    figure = curves.curves_figure([curve("dev/a"), curve("dev/b")], theme)
    assert figure.layout.paper_bgcolor == theme.paper
    assert len({t.line.dash for t in figure.data}) == 2 and all(t.showlegend for t in figure.data)
    assert curves.curves_figure([], theme).data == ()


def test_where_a_run_diverged_is_drawn_and_said():
    loss = Curve(name="loss", steps=[2, 4, 6], values=[3.0, 2.5, 9.0])
    drawn = curves.curves_figure([loss], LIGHT, diverged=7)
    assert [a.text for a in drawn.layout.annotations] == ["✕ diverged at step 7"]
    assert [s.x0 for s in drawn.layout.shapes] == [7]
    assert curves.summary([loss], diverged=7).endswith("; the run diverged at step 7.")
    assert not curves.curves_figure([loss], LIGHT).layout.shapes


def test_attempts_say_what_was_saved_and_what_was_passed_over():
    attempt = AttemptView(
        number=2, worker="w", started_at=datetime(2026, 3, 1, tzinfo=UTC), ended_at=None, outcome=None, resumed_from_step=10,
        detail=None, checkpoint_step=15, rejected=["step-0000000020: state.json is missing"],
    )  # fmt: skip
    run = RunView.model_construct(preemptions=0)
    said = str(lineage.attempts(RunDetail.model_construct(run=run, attempts=[attempt])))
    for text in (
        "went on from step 10",
        "last checkpoint at step 15",
        "passed over step-0000000020: state.json is missing",
    ):
        assert text in said
