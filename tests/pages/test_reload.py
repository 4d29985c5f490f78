"""A reload while something runs: the progress that was shown is there again, and goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from backend.domain.run import Phase
from backend.store import runs

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def busy(serve: Callable[..., Any]) -> Any:
    """Two runs done and one at work, whose claim is ``site.claim``."""
    kept: dict[str, Any] = {}

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(name="Watched", recipes=["mnli"], targets=["xnli"], seeds=[0, 1])
        lab.work(at_most=2)
        kept["claim"] = lab.claim()

    site = serve(fill)
    site.claim = kept["claim"]
    return site


def train(site: Any, first: int, last: int) -> None:
    """Its worker reports steps up to the last."""
    claim = site.claim
    with site.lab.store.write() as session:
        runs.beat(
            session, claim.run_id, claim.attempt, lease_seconds=600, phase=Phase.TRAINING, step=last, total_steps=300,
            rate=4.0, eta_low=40, eta_high=130, progressed=True,
        )  # fmt: skip
        points = [("loss", step, 3.0 * 0.98**step) for step in range(first, last)]
        runs.record(session, claim.run_id, claim.attempt, curves=points, logs=[("info", f"at step {last}")])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/experiments/1", "#exp-now"),
        ("/runs/{run}", "#run-state"),
        ("/queue?show=running", "#queue-content"),
    ],
)
def test_a_reload_keeps_progress(path: str, told: str, busy: Any, visit: Callable[..., Any], browser: Browser):
    path = path.format(run=busy.claim.run_id)
    train(busy, 1, 60)
    page = visit(busy, path).page
    expect(page.locator(told)).to_contain_text("step 60 of 300")
    address = page.url
    page.reload()
    assert page.url == address
    expect(page.locator(told)).to_contain_text("step 60 of 300")
    if path.startswith("/experiments"):
        expect(page.locator("#exp-bars .legend")).to_contain_text("2 done")
    train(busy, 60, 120)  # and it goes on by itself, here and for whoever opens the address meanwhile
    context = browser.new_context()
    other = context.new_page()
    other.goto(address)
    for each in (page, other):
        expect(each.locator(told)).to_contain_text("step 120 of 300")
    train(busy, 120, 180)
    for each in (page, other):
        expect(each.locator(told)).to_contain_text("step 180 of 300")
    if path.startswith("/runs"):
        page.wait_for_function("() => document.querySelector('#run-curves .js-plotly-plot')?.data[0]?.x.length === 179")
        page.reload()
        page.wait_for_function("() => document.querySelector('#run-curves .js-plotly-plot')?.data[0]?.x.length === 179")
    context.close()
