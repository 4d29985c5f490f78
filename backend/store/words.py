"""What is said about a run, in words: its title, and why it stands where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from backend.domain.learning import Learning
from backend.domain.run import RunKind, RunState

STILL_SECONDS = 120.0  # without any sign of progress, after which it is said


@dataclass(frozen=True, slots=True)
class Hands:
    """Who is there for a class of device: slots of workers seen lately that take runs, how many of them are busy, and how many
    devices the largest of these workers has, which is one for each slot."""

    slots: int
    busy: int
    largest: int


def title(run: RowMapping | Mapping[str, Any]) -> str:
    """``Fine-tune mini-2 on mnli after squad, seed 0``."""
    model, target, recipe = run["model"], run["target"], run["recipe"]
    seed = "" if run["seed"] is None else f", seed {run['seed']}"
    after = "" if recipe == "none" else f" after {recipe}"
    return {
        RunKind.PRETRAIN: f"Pretrain {model}",
        RunKind.INTERMEDIATE: f"Train {model} on {recipe}{seed}",
        RunKind.FINETUNE: f"Fine-tune {model} on {target}{after}{seed}",
        RunKind.EVALUATE: f"Evaluate {model} on {target}{after}{seed}",
    }[RunKind(run["kind"])]


def short(run: RowMapping) -> str:
    """``run 12 (intermediate mnli, seed 0)``."""
    what = run["recipe"] if run["kind"] == RunKind.INTERMEDIATE.value else run["target"] or run["model"]
    seed = "" if run["seed"] is None else f", seed {run['seed']}"
    return f"run {run['id']} ({run['kind']} {what}{seed})"


def ended_badly(run: RowMapping | Mapping[str, Any]) -> str:
    """``run 12 failed: out of memory``; of a skipped one, because of which."""
    state = run["state"]
    if state == RunState.SKIPPED.value:
        return f"run {run['id']} was skipped: run {run['skipped_because']} did not finish"
    if state == RunState.CANCELLED.value:
        return f"run {run['id']} was cancelled"
    return f"run {run['id']} {_with_message(state, run['error_message'])}"


def _with_message(state: str, message: str | None) -> str:
    line = first_line(message)
    return line if line.startswith(state) else f"{state}: {line}" if line else state


def first_line(text: str | None, limit: int = 200) -> str:
    line = (text or "").strip().partition("\n")[0]
    return line if len(line) <= limit else line[: limit - 1] + "…"


def why(
    run: RowMapping,
    *,
    parents: list[RowMapping],
    cause: RowMapping | None,
    ahead: int | None,
    hands: Hands | None,
    before: RowMapping | None,
    learning: Learning | None,
    silent: bool,
    still: float | None,
) -> str:
    """Why a run stands where it stands.

    Args:
        parents: what it starts from.
        cause: for a skipped run, the one that did not finish.
        ahead: for a queued run, how many come before it.
        hands: who is there for its class of device; None: no worker of it was seen lately.
        before: of a queued run that was tried already, its last attempt.
        learning: how the training of a done run ended, where that is known.
        silent: whether the lease of a running run is over.
        still: seconds since a running run last got anywhere.
    """
    state = RunState(run["state"])
    if state is RunState.WAITING:
        missing = [short(p) for p in parents if p["state"] != RunState.DONE.value]
        return f"waiting for {' and '.join(missing)}" if missing else "waiting to be queued"
    if state is RunState.QUEUED:
        return _turn(run, ahead, hands) + _again(before)
    if state is RunState.RUNNING:
        return _at_work(run, silent, still)
    if state is RunState.SKIPPED:
        if cause is None:
            return "skipped"
        verb = {"failed": "failed", "diverged": "diverged", "cancelled": "was cancelled"}.get(
            cause["state"], "did not finish"
        )
        return f"skipped: run {cause['id']} {verb}"
    if state in (RunState.FAILED, RunState.DIVERGED):
        return _with_message(state.value, run["error_message"])
    if learning is not None and learning.failed:
        return f"done, but it {learning.said()}; what starts from it is in no gain"
    return state.value


def _turn(run: RowMapping, ahead: int | None, hands: Hands | None) -> str:
    if hands is None:
        return f"no worker is there for {run['device_class']} runs"
    if not hands.slots:
        return f"every worker for {run['device_class']} runs is drained: none takes anything new"
    if hands.largest < (run["devices"] or 1):
        return f"waits for a {run['device_class']} worker with {run['devices']} devices"
    place = f"queued, {ahead} run{'s' if ahead > 1 else ''} ahead" if ahead else "queued, next"
    if hands.busy < hands.slots:
        return place
    return f"{place}; {'the one slot is' if hands.slots == 1 else f'all {hands.slots} slots are'} busy"


def _again(before: RowMapping | None) -> str:
    """Why a run that was begun is queued again."""
    if before is None or before["outcome"] is None:
        return ""
    how = "was given back" if before["outcome"] == "given back" else before["outcome"]
    detail = f": {first_line(before['detail'])}" if before["detail"] else ""
    return f"; attempt {before['number']} {how}{detail}"


def _at_work(run: RowMapping, silent: bool, still: float | None) -> str:
    if silent:
        return "its worker has fallen silent; the run will be taken back"
    if run["cancel_requested_at"] is not None:
        return "stopping, as it was cancelled"
    steps = f", step {run['step']} of {run['total_steps']}" if run["total_steps"] else ""
    deaths = run["attempt"] - run["preemptions"] - 1
    restarted = "" if deaths < 1 else f"; restarted {'once' if deaths == 1 else f'{deaths} times'}"
    stuck = "" if still is None or still < STILL_SECONDS else f"; no progress for {still / 60:.0f} minutes"
    return f"{run['phase']}{steps}{restarted}{stuck}"
