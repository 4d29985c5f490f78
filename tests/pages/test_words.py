"""Sentences: what a summary, a verdict and a forecast of minutes say."""

import html
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.experiment import ExperimentRequest
from backend.domain.gains import Missing, Verdict
from backend.domain.schemas import Counts, ExperimentView, GainCell, GainMatrix, QueueView, SnapshotContent, WorkerView
from dashboard import drawer, figures, frozen, progress, tables, words
from dashboard.links import Explore
from dashboard.words import short_recipes

Make = Callable[..., GainMatrix]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def experiment(
    *, done: int = 0, failed: int = 0, skipped: int = 0, runs: int = 92, reused: int = 0, minutes: float = 10
) -> ExperimentView:
    left = runs - done - failed - skipped
    counts = Counts(
        waiting=left, queued=0, running=0, done=done, failed=failed, diverged=0, cancelled=0, skipped=skipped
    )  # fmt: skip
    request = ExperimentRequest(name="x", models=("mini-2",), recipes=("mnli",), targets=("xnli",))  # type: ignore[arg-type]
    return ExperimentView(
        id=1, name="x", state="running" if left else "done", benchmark="mini-XTREME-R", synthetic=True, request=request,
        counts=counts, runs=runs, reused=reused, progress=(runs - left) / runs, created_at=NOW - timedelta(minutes=minutes),
        finished_at=None, cancel_requested_at=None,
    )  # fmt: skip


def test_a_cell_whose_language_was_trained_in_is_marked_and_said_to_be_not_zero_shot(matrix: Make):
    found = matrix({"squad": {"sw": 2.5, "de": -1.0}})
    row = found.recipes[0].model_copy(update={"not_zero_shot": ["sw"]})
    found = found.model_copy(update={"recipes": [row]})
    swahili, german = found.cells
    assert words.cell_lines(swahili, row, "none")[-1] == "† not zero-shot: trained on rows in Swahili too"
    assert not any("zero-shot" in line for line in words.cell_lines(german, row, "none"))
    assert words.row_lines(row)[-1] == "† not zero-shot in Swahili"
    text = html.unescape(unquote(str(figures.gain_heatmap(found).to_json())))
    assert "+2.5†" in text and "−1.0†" not in text and "-1.0†" not in text
    assert "not zero-shot in Swahili: the encoder was trained" in str(
        drawer.cell_panel(drawer.Cell("squad", "sw"), found)
    )
    assert [r["label"] for r in tables.rows(found, Explore())] == ["squad †"]
    said = words.summary(found)
    assert "Largest gain: squad in German" in said and said.endswith("† not zero-shot: trained on rows in Swahili too.")
    content = SnapshotContent(
        version=1, kind="explore", view="/explore", benchmark=found.benchmark, synthetic=True, matrix=found, points=None, runs=[],
        experiments=[],
    )  # fmt: skip
    over = frozen.means(content, frozen.state(content))
    assert over is not None and over.rows[0][0] == "squad (not zero-shot in Swahili)"


def test_the_summary_names_what_is_shown(matrix: Make, cell: Callable[..., GainCell]):
    best = cell("squad", "sw", 2.5, low=1.0, high=4.0, q=0.01, verdict=Verdict.HELPS)
    text = words.summary(matrix({"squad": {"sw": best, "de": -1.0}, "mnli": {"sw": -3.0, "de": None}}))
    assert text == (
        "Mini XLM-R, 2 layers on XNLI, accuracy, mini-XTREME-R (synthetic benchmark). 1 of 2 recipes has a positive mean "
        "over transfer languages. Largest gain: squad in Swahili, +2.5 [1.0, 4.0], n=3. "
        "Cells: 1 helps, 2 no evidence, 1 not run."
    )


def test_the_summary_leaves_out_rows_with_the_same_data_twice(matrix: Make):
    text = words.summary(matrix({"mnli": {"sw": 9.0}, "squad": {"sw": 1.0}}, twice=("mnli",)))
    assert "1 of 1 recipe " in text
    assert "Largest gain: squad" in text


def test_the_summary_of_scores_is_about_scores(matrix: Make):
    text = words.summary(matrix({"mnli": {"sw": 1.0, "de": 4.0, "hi": None}}), "score")
    assert "Scores from 61.0 (mnli in Swahili) to 64.0 (mnli in German)." in text
    assert "1 not run" in text
    assert "gain" not in text


def test_the_summary_of_nothing(matrix: Make):
    assert words.summary(matrix({"mnli": {"sw": None}})).endswith("no gain yet. 1 not run.")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"verdict": Verdict.TOO_FEW, "n": 1}, "Too few seeds to tell: 1 seed in Swahili"),
        ({"verdict": Verdict.NO_EVIDENCE, "q": 0.4, "detectable": 1.1}, "No evidence of an effect in Swahili (q .4). A true gain of 1.1 points"),
        ({"verdict": Verdict.HELPS, "q": 0.01}, "mnli helps in Swahili: q .01, below .05."),
        ({"verdict": Verdict.HURTS, "q": 0.01}, "mnli hurts in Swahili"),
    ],
)  # fmt: skip
def test_verdicts_are_sentences(changes: dict[str, Any], part: str, cell: Callable[..., GainCell]):
    assert part in words.verdict(cell(**changes))


def test_an_experiment_that_has_used_up_what_it_may_take_says_so():
    asked = experiment(done=46)
    asked = asked.model_copy(update={"counts": asked.counts.model_copy(update={"running": 1})})
    request = asked.request.model_copy(update={"stop_after": 0.15})
    stopped = asked.model_copy(update={"state": "cancelled", "request": request, "device_hours": 0.2})
    assert progress.sentence(stopped, NOW) == (
        "Stopped: its runs took 0.2 of the 0.15 device-hours that it may take. What was done is kept: 46 runs with scores and "
        "checkpoints, 1 run at work ends yet."
    )
    assert progress.sentence(stopped.model_copy(update={"device_hours": 0.1}), NOW).startswith("Cancelled.")  # by hand


@pytest.mark.parametrize("kind", Missing)
def test_a_missing_cell_says_why(kind: Missing, cell: Callable[..., GainCell]):
    text = words.verdict(cell(gain=None, missing=kind, why_missing="of a reason"))
    assert text == f"No gain: {words.MISSING_AT_LENGTH[kind]} (of a reason)."


def test_progress_counts_and_forecasts():
    assert words.progress(experiment(done=46), NOW) == "46 of 92 runs done, about 7–13 minutes left"
    assert words.progress(experiment(done=1), NOW) == "1 of 92 runs done"
    assert words.progress(experiment(done=46, failed=2, skipped=4), NOW).startswith(
        "46 of 92 runs done, 2 failed, 4 skipped"
    )
    assert words.progress(experiment(done=92), NOW) == "92 of 92 runs done"


def test_runs_that_were_there_before_do_not_set_the_pace():
    assert words.minutes_left(experiment(done=46, reused=46), NOW) is None
    alone, helped = (
        words.minutes_left(experiment(done=46), NOW),
        words.minutes_left(experiment(done=46, reused=23), NOW),
    )
    assert alone is not None
    assert helped is not None
    assert helped[1] > alone[1]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.1, 0.9, "less than a minute"),
        (0.4, 1.2, "about 1 minute"),
        (6, 9, "about 6–9 minutes"),
        (80, 200, "about 1–3 hours"),
    ],
)
def test_bands(low: float, high: float, text: str):
    assert words.band(low, high) == text


def test_activity_says_when_nobody_works():
    worker = WorkerView(
        name="w",
        queues=["cpu"],
        slots=2,
        device="cpu",
        memory_bytes=None,
        started_at=NOW,
        seen_age_seconds=1,
        running=[],
    )
    assert (
        words.activity(QueueView(waiting=9, queued=4, running=2, workers=[worker])) == "2 running · 4 queued · 1 worker"
    )
    assert words.activity(QueueView(waiting=0, queued=4, running=0, workers=[])) == "0 running · 4 queued · no worker"


def test_names_of_what_this_version_does_not_know():
    assert (words.language_name("xx"), words.task_title("mine"), words.model_title("mine"), words.family("xx")) == (
        "xx",
        "mine",
        "mine",
        "Other",
    )


def test_recipes_are_never_called_alike_at_a_figure():
    budget = "learning_rate=0.0003,batch_size=16,steps=80"
    names = ["none", f"snli@{budget}", f"snli@{budget},mlm=0.5", f"snli+siqa@{budget}"]
    assert list(short_recipes(names, 28).values()) == ["none", "snli", "snli@mlm=0.5", "snli+siqa"]
    assert short_recipes(["mnli", "mnli@steps=5"], 28) == {"mnli": "mnli", "mnli@steps=5": "mnli@steps=5"}
    assert short_recipes([f"snli@{budget}"], 28) == {f"snli@{budget}": "snli@learning_rate=0.0003,b…"}


_PARTS = st.lists(st.sampled_from(["steps=5", "examples=1000", "mlm=0.5", "learning_rate=0.0003"]), unique=True)
_BODIES = st.lists(st.sampled_from(["mnli", "squad", "commonsenseqa"]), min_size=1, max_size=5).map("+".join)


@given(st.lists(st.tuples(_BODIES, _PARTS).map(lambda p: p[0] + ("@" + ",".join(p[1]) if p[1] else ""))))
def test_short_names_of_recipes_are_short_and_tell_them_apart(names: list[str]):
    found = short_recipes(names, 24)
    assert set(found) == set(names) and len(set(found.values())) == len(found)
    assert all(0 < len(text) <= 24 for text in found.values())


def test_what_was_left_out_is_said_where_the_cell_is(cell: Callable[..., GainCell], matrix: Callable[..., GainMatrix]):
    why = "mnli, seed 1: run 13 (finetune mnli, seed 1) did not learn: its training loss ended at 1.1, and guessing gives 1.1"
    found = matrix({"mnli": {"sw": cell(left_out=[why])}, "squad": {"sw": 0.5}})
    row = found.recipes[0]
    assert "1 run left out: a training did not learn" in words.cell_lines(found.cells[0], row, "none")
    assert "left out" not in str(words.cell_lines(found.cells[1], found.recipes[1], "none"))
    panel = str(drawer.cell_panel(drawer.Cell("mnli", "sw"), found))
    assert why in panel and "Left out" in panel
    assert "Left out" not in str(drawer.cell_panel(drawer.Cell("squad", "sw"), found))
    assert "Left out" not in str(drawer.cell_panel(drawer.Cell("none", "sw"), found))
