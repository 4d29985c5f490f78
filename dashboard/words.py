"""Sentences about what the API returned: for the summary line, tooltips, the drawer and screen readers alike.

Plain text, no markup: whoever shows it escapes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from backend.domain.account import Quota
from backend.domain.experiment import BENCHMARKS
from backend.domain.gains import ALPHA, Missing, Verdict
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.model import MODELS
from backend.domain.recipe import BASELINE
from backend.domain.run import DeviceClass
from backend.domain.schemas import ExperimentView, GainCell, GainMatrix, PairView, QueueView, RecipeRow, TradeoffPoint
from backend.domain.task import Source as TaskSource
from backend.domain.tasks import TASKS
from dashboard import weighing
from dashboard.links import Tradeoff
from dashboard.look import count, gain, hours, interval, parameters, probability, score

MISSING: Mapping[Missing, str] = {
    Missing.NOT_APPLICABLE: "n/a",
    Missing.NOT_RUN: "not run",
    Missing.FAILED: "failed",
    Missing.WITHHELD: "withheld",
}
MISSING_AT_LENGTH: Mapping[Missing, str] = {
    Missing.NOT_APPLICABLE: "not applicable",
    Missing.NOT_RUN: "not run",
    Missing.FAILED: "failed",
    Missing.WITHHELD: "test labels withheld",
}
SAME_DATA_TWICE = "same data twice"
NOT_ZERO_SHOT = "not zero-shot"
TWICE = "‡"  # the mark of a cell of the same data twice
TRAINED = "†"  # the mark of a cell that is not zero-shot
SYNTHETIC = "synthetic benchmark"


# --- names ------------------------------------------------------------------------------------------------------


def language_name(code: str) -> str:
    return LANGUAGES[code].name if code in LANGUAGES else code


def family(code: str) -> str:
    return LANGUAGES[code].family if code in LANGUAGES else "Other"


def script(code: str) -> str:
    return LANGUAGES[code].script if code in LANGUAGES else "Other"


def resource(code: str) -> str:
    """How much data there is for a language, as a band says it: ``high-resource``."""
    return f"{LANGUAGES[code].resource}-resource" if code in LANGUAGES else "Other"


def task_title(name: str) -> str:
    return TASKS[name].title if name in TASKS else name


def format_title(task: str) -> str:
    """What kind of task it is: ``span qa``."""
    return TASKS[task].format.value.replace("_", " ") if task in TASKS else "other"


def column_name(name: str) -> str:
    """Of a language, or where columns are targets of one."""
    return task_title(name) if name in TASKS else language_name(name)


def model_title(name: str) -> str:
    return MODELS[name].title if name in MODELS else name


def metric_title(name: str) -> str:
    """``exact_match`` → ``exact match``; abbreviations as they are written."""
    known = {
        "f1": "F1",
        "em": "exact match",
        "map_at_20": "mAP@20",
        "mrr_at_20": "MRR@20",
        "accuracy_and_f1": "accuracy and F1",
    }
    kind, test, check = name.partition("error_rate_")
    if test and not kind:
        return f"error rate, {check.replace('_', ' ')}"
    return known.get(name, name.replace("_", " "))


def support_title(name: str) -> str:
    """What a mean is over: ``mean_transfer``, a group such as ``family:Turkic``, or one language."""
    known = {"mean_all": "all languages", "mean_transfer": "transfer languages"}
    kind, _, group = name.partition(":")
    if group:
        return f"the {group} family" if kind == "family" else f"{group}-resource languages"
    return known.get(name) or language_name(name)


def point_support(point: TradeoffPoint) -> str:
    """``transfer languages, 8 of 9``."""
    over = support_title(point.language)
    return over if point.k is None else f"{over}, {point.k} of {point.asked}"


# --- one cell ---------------------------------------------------------------------------------------------------


def short_recipes(names: Iterable[str], longest: int) -> dict[str, str]:
    """What stands at a figure for each of some recipes, in at most ``longest`` letters, and never the same for two of them.

    What all that are changed have in common (a number of steps, say) is left out; the whole name is in the hover.
    """
    every = list(dict.fromkeys(names))
    said = {name: [part for part in name.partition("@")[2].split(",") if part] for name in every}
    changed = [set(parts) for name, parts in said.items() if name != BASELINE.name]
    shared = set.intersection(*changed) if len(changed) > 1 else set()
    found: dict[str, str] = {}
    for name in every:
        own = ",".join(part for part in said[name] if part not in shared)
        text = name.partition("@")[0] + (f"@{own}" if own else "")
        if len(text) > longest:
            text = text[: longest - 1] + "…"
        if text in found.values():  # told apart by how it ends, at worst by its number
            half = (longest - 1) // 2
            text = f"{name[:half]}…{name[-half:]}"
        number = 2
        while text in found.values():
            text, number = f"{name[: longest - 5]}… {number}", number + 1
        found[name] = text
    return found


def why_missing(cell: GainCell) -> str:
    """Why there is no gain: ``failed (run 10 failed: the loss is not finite)``. Empty where there is one."""
    if cell.missing is None:
        return ""
    label = MISSING_AT_LENGTH[cell.missing]
    return f"{label} ({cell.why_missing})" if cell.why_missing else label


def is_finding(cell: GainCell) -> bool:
    """Whether a gain gets its dot: q below .05."""
    return cell.missing is None and cell.q is not None and cell.q < ALPHA


def seeds(n: int) -> str:
    return f"n={n}"


def verdict(cell: GainCell) -> str:
    """What the test says, as a sentence."""
    if cell.missing is not None or cell.verdict is None:
        return f"No gain: {why_missing(cell) or 'not run'}."
    where = column_name(cell.language)
    if cell.verdict is Verdict.TOO_FEW:
        return f"Too few seeds to tell: {count(cell.n, 'seed')} in {where}; a test needs three."
    if cell.verdict is Verdict.NO_EVIDENCE:
        tail = ""
        if cell.detectable is not None:
            tail = f" A true gain of {score(cell.detectable)} points would have been found four times out of five."
        return f"No evidence of an effect in {where} (q {probability(cell.q)}).{tail}"
    does = "helps" if cell.verdict is Verdict.HELPS else "hurts"
    return f"{cell.recipe} {does} in {where}: q {probability(cell.q)}, below {probability(ALPHA)}."


def cell_lines(cell: GainCell, row: RecipeRow, baseline: str) -> list[str]:
    """A tooltip: first line what it is, the others what is known of it."""
    lines = [f"{cell.recipe} → {column_name(cell.language)} ({cell.language})"]
    if cell.missing is None and cell.gain is not None:
        lines.append(
            f"gain {interval(cell.gain, cell.low, cell.high)}" + (f" · {cell.verdict.value}" if cell.verdict else "")
        )
        lines.append(f"score {score(cell.treated)} with, {score(cell.baseline)} without ({baseline})")
        tail = [seeds(cell.n)]
        if cell.q is not None:
            tail.append(f"q {probability(cell.q)}")
        if cell.detectable is not None:
            tail.append(f"detectable {score(cell.detectable)}")
        lines.append(" · ".join(tail))
    elif cell.recipe == baseline and cell.treated is not None:
        lines.append(f"score {score(cell.treated)} · {seeds(cell.n)}")
    else:
        lines.append(why_missing(cell) or "not run")
        if cell.treated is not None:
            lines.append(f"score {score(cell.treated)} with the recipe")
        if cell.baseline is not None:
            lines.append(f"score {score(cell.baseline)} without ({baseline})")
    if cell.left_out:
        lines.append(f"{count(len(cell.left_out), 'run')} left out: a training did not learn")
    if row.same_data_twice:
        lines.append("same data twice: not in headline means")
    if cell.language in row.not_zero_shot:
        lines.append(f"{TRAINED} {NOT_ZERO_SHOT}: trained on rows in {language_name(cell.language)} too")
    return lines


def row_lines(row: RecipeRow) -> list[str]:
    """A tooltip for the mean of a recipe."""
    lines = [row.title, f"mean without English {gain(row.mean_transfer)}, {support(row)}"]
    if row.mean_all is not None:
        lines.append(f"mean with English {gain(row.mean_all)}")
    if row.device_hours_marginal is not None:
        lines.append(
            f"cost {hours(row.device_hours_marginal)} of a device, {hours(row.device_hours_amortised)} amortised"
        )
    if row.same_data_twice:
        lines.append("same data twice: not in headline means")
    if row.not_zero_shot:
        lines.append(f"{TRAINED} {not_zero_shot(row)}")
    return lines


def not_zero_shot(row: RecipeRow | PairView | TradeoffPoint) -> str:
    """``not zero-shot in German, Spanish``."""
    return f"{NOT_ZERO_SHOT} in {', '.join(language_name(code) for code in row.not_zero_shot)}"


def support(row: RecipeRow) -> str:
    """``8 of 9 languages``."""
    return f"{row.k} of {count(row.n, 'language')}"


# --- the whole matrix -------------------------------------------------------------------------------------------


def verdicts(cells: Iterable[GainCell]) -> str:
    """``12 helps, 2 hurts, 20 no evidence, 6 too few seeds``; what is zero is left out."""
    counts = Counter(c.verdict for c in cells if c.missing is None and c.verdict is not None)
    return ", ".join(f"{counts[v]} {v.value}" for v in Verdict if counts[v])


def gaps(cells: Iterable[GainCell]) -> str:
    counts = Counter(c.missing for c in cells if c.missing is not None)
    return ", ".join(f"{counts[m]} {MISSING_AT_LENGTH[m]}" for m in Missing if counts[m])


def summary(matrix: GainMatrix, value: str = "gain", left_out: str = "") -> str:
    """What the figure shows, in two or three sentences: what a reader who cannot see colours gets first.

    ``left_out`` says which languages are shown where some are not.
    """
    what = (
        f"{model_title(matrix.model)} on {task_title(matrix.target)}, {metric_title(matrix.metric)}, {matrix.benchmark}"
    )
    if matrix.synthetic:
        what += f" ({SYNTHETIC})"
    if left_out:
        what += f". {left_out}"
    if matrix.choices:
        what += f". {settings(matrix)}"
    if value == "cost":
        return f"{what}. {_costs(matrix.recipes)}"
    if value == "score" and (scored := [c for c in matrix.cells if c.treated is not None]):
        return f"{what}. {_scores(scored)} {_cells(gaps(c for c in matrix.cells if c.treated is None))}".strip()
    found = [c for c in matrix.cells if c.missing is None and c.gain is not None]
    if not found:
        return f"{what}: no gain yet. {_capital(gaps(matrix.cells) or 'nothing was run')}."
    means = [r.mean_transfer for r in matrix.recipes if r.mean_transfer is not None and not r.same_data_twice]
    sentences = [f"{what}."]
    if means:
        up = sum(m > 0 for m in means)
        have = "has" if up == 1 else "have"
        over = "these languages" if left_out else "transfer languages"
        sentences.append(f"{up} of {count(len(means), 'recipe')} {have} a positive mean over {over}.")
    headline = [c for c in found if c.recipe not in {r.recipe for r in matrix.recipes if r.same_data_twice}]
    trained = {(r.recipe, code) for r in matrix.recipes for code in r.not_zero_shot}
    transfer = [c for c in headline if c.language != ENGLISH and (c.recipe, c.language) not in trained] or headline
    if transfer:
        best = max(transfer, key=lambda c: c.gain or 0.0)
        size = interval(best.gain, best.low, best.high)
        recipe = short_recipes([r.recipe for r in matrix.recipes], 48)[best.recipe]
        sentences.append(f"Largest gain: {recipe} in {language_name(best.language)}, {size}, {seeds(best.n)}.")
    sentences.append(_cells(verdicts(found), gaps(matrix.cells)))
    if codes := sorted({code for _, code in trained}, key=language_name):
        sentences.append(f"{TRAINED} {NOT_ZERO_SHOT}: trained on rows in {', '.join(map(language_name, codes))} too.")
    return " ".join(sentences)


def settings(matrix: GainMatrix) -> str:
    """Under which settings what is shown was taken, where there are several."""
    n = len(matrix.choices)
    if matrix.settings is not None:
        return f"Shown: {settings_title(matrix, matrix.settings)}, one of {n} settings"
    said = f"Taken under {n} settings, which no gain mixes: each cell shows those with most seeds, then with the latest run"
    under: dict[str, set[str | None]] = {}
    for c in matrix.cells:
        if c.gain is not None and c.missing is None:
            under.setdefault(c.recipe, set()).add(c.settings)
    mixed = [recipe for recipe, found in under.items() if len(found) > 1]
    if mixed:
        said += f". The mean of {', '.join(mixed)} is over cells of different settings: choose one to compare"
    return said


def settings_title(matrix: GainMatrix, name: str | None) -> str:
    """What tells settings apart, in words."""
    return next((c.title for c in matrix.choices if c.name == name), str(name))


def _scores(cells: Sequence[GainCell]) -> str:
    low, high = (pick(cells, key=lambda c: c.treated or 0.0) for pick in (min, max))
    ends = (f"{score(c.treated)} ({c.recipe} in {language_name(c.language)})" for c in (low, high))
    return f"Scores from {' to '.join(ends)}."


def tradeoff_summary(points: Sequence[TradeoffPoint], state: Tradeoff) -> str:
    """What the trade-off shows: how gains move with size, or what the cheapest and the largest gain cost."""
    shown = weighing.looked_at(points, state)
    if not shown:
        return ""
    targets, models, recipes = ({getattr(p, name) for p in shown} for name in ("target", "model", "recipe"))
    on = task_title(next(iter(targets))) if len(targets) == 1 else count(len(targets), "target")
    sentences = [
        f"Gain {'in' if state.languages in LANGUAGES else 'over'} {support_title(state.languages)} on {on}: {count(len(models), 'model')}, {count(len(recipes), 'recipe')}, "
        f"{count(len(shown), 'point')}, {BENCHMARKS[TaskSource(state.source)]}"
        f"{f' ({SYNTHETIC})' if state.source == TaskSource.MINI.value else ''}."
    ]
    keys = weighing.on_front(points, state)
    front = [p for p in shown if weighing.key(p, state) in keys]
    counted = [p for p in shown if not p.same_data_twice]
    if weighing.spends(state):
        sentences.append(f"{len(front)} of {count(len(counted), 'point')} on the Pareto front.")
    else:
        lines = [line for line in weighing.series(counted, state) if len({p.model for p in line}) > 1]
        up = sum(line[-1].gain > line[0].gain for line in lines)
        if lines:
            panel = "language" if state.panels == "languages" else "target"
            said = count(len(lines), f"recipe and {panel}", f"recipes and {panel}s")
            sentences.append(f"From the smallest to the largest model the gain grows for {up} of {said}.")
        else:
            sentences.append("Of one model only: how a gain changes with size needs a second one.")
    if counted:
        best = max(counted, key=lambda p: p.gain)
        sentences.append(
            f"Largest gain: {best.recipe} on {task_title(best.target)}{f' in {language_name(best.language)}' if state.panels == 'languages' else ''} with {model_title(best.model)}, "
            f"{interval(best.gain, best.low, best.high)}, {seeds(best.n)}, {hours(weighing.spent(best, state))} of a device."
        )
    if len(shown) > len(counted):
        sentences.append(f"{count(len(shown) - len(counted), 'point')} with the same data twice, not in the front.")
    return " ".join([*sentences, *_left_out(points, state)])


def _left_out(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[str]:
    """Points that the trade-off has no place for, in words."""
    said = []
    if n := weighing.unmeasured(points, state):
        what = {"energy": "energy", "hours": "device time"}.get(state.x, "FLOPs")
        said.append(f"{count(n, 'point')} not drawn: their {what} was not measured.")
    if n := weighing.not_drawn(points, state):
        said.append(f"{count(n, 'language')} not drawn: choose a group of languages to see the others.")
    return said


def energy(kwh: float | None) -> str:
    return "not measured" if kwh is None else f"{kwh:.3g} kWh"


def flops(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2g}"


def device_time(device: DeviceClass) -> str:
    """``GPU-hours``; of anything else ``device-hours (cpu)``."""
    return "GPU-hours" if device is DeviceClass.CUDA else f"device-hours ({device.value})"


def point_lines(point: TradeoffPoint, on_front: bool) -> list[str]:
    """A tooltip: first line what it is, the others its gain, its size and what it cost."""
    lines = [
        f"{point.recipe} → {task_title(point.target)}, {model_title(point.model)}",
        f"gain {interval(point.gain, point.low, point.high)} · {seeds(point.n)} · {point_support(point)}",
        f"{parameters(point.parameters)} parameters, {parameters(point.parameters_non_embedding)} without embeddings",
        f"{hours(point.device_hours_marginal)} on its own, {hours(point.device_hours_amortised)} shared out "
        f"({point.device}, {point.device_class.value})",
        f"energy {energy(point.energy_kwh_marginal)}, FLOPs {flops(point.flops_marginal)} by 6·N·D, {flops(point.flops_counted_marginal)} counted",
    ]
    if point.same_data_twice:
        lines.append("same data twice: not in the front")
    elif on_front:
        lines.append("on the Pareto front: nothing cheaper gains as much")
    if point.not_zero_shot:
        lines.append(f"{TRAINED} {not_zero_shot(point)}")
    return lines


def _costs(rows: Sequence[RecipeRow]) -> str:
    measured = [r for r in rows if r.device_hours_marginal is not None]
    if not measured:
        return "No recipe's cost was measured yet."
    low, high = (pick(measured, key=lambda r: r.device_hours_marginal or 0.0) for pick in (min, max))
    ends = [f"{hours(r.device_hours_marginal)} ({r.recipe})" for r in (low, high)]
    said = f"Device time of a recipe for one seed: {' to '.join(ends)}, on its own."
    saved = [r for r in measured if (r.device_hours_amortised or 0.0) < (r.device_hours_marginal or 0.0)]
    if saved:
        have = "is" if len(saved) == 1 else "are"
        said += (
            f" {len(saved)} of {count(len(measured), 'recipe')} {have} cheaper with the intermediate run shared out."
        )
    return said


def _cells(*parts: str) -> str:
    said = ", ".join(p for p in parts if p)
    return f"Cells: {said}." if said else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- progress ---------------------------------------------------------------------------------------------------


def ended(experiment: ExperimentView) -> int:
    c = experiment.counts
    return c.done + c.failed + c.diverged + c.cancelled + c.skipped


def live(experiments: Iterable[ExperimentView]) -> list[ExperimentView]:
    return [e for e in experiments if e.state in ("waiting", "running")]


def minutes_left(experiment: ExperimentView, now: datetime) -> tuple[float, float] | None:
    """A rough band for the minutes until the experiment ends, from its own pace so far; None before three runs ended.

    Runs that were there before do not count towards the pace. The band allows for runs of unequal length: the pace may
    have been a quarter too good or too bad, and one more where few have ended.
    """
    fresh = ended(experiment) - experiment.reused
    left = experiment.runs - ended(experiment)
    elapsed = (now - experiment.created_at).total_seconds() / 60
    if fresh < 3 or left <= 0 or elapsed <= 0:
        return None
    middle = elapsed / fresh * left
    spread = 0.25 + 1 / fresh
    return middle * max(0.3, 1 - spread), middle * (1 + spread)


def band(low: float, high: float) -> str:
    """``about 6–9 minutes``, ``less than a minute``, ``about 2–3 hours``."""
    if high < 1:
        return "less than a minute"
    unit, size = ("minute", 1.0) if high < 90 else ("hour", 60.0)
    a, b = max(1, round(low / size)), max(1, round(high / size))
    return f"about {count(b, unit)}" if a == b else f"about {a}–{b} {unit}s"


def progress(experiment: ExperimentView, now: datetime) -> str:
    """``41 of 92 runs done, about 6–9 minutes left``, with what went wrong."""
    c = experiment.counts
    said = [f"{c.done} of {count(experiment.runs, 'run')} done"]
    broken = c.failed + c.diverged
    if broken:
        said.append(f"{broken} failed")
    if c.skipped:
        said.append(f"{c.skipped} skipped")
    left = minutes_left(experiment, now)
    if left is not None:
        said.append(f"{band(*left)} left")
    return ", ".join(said)


def activity(queue: QueueView) -> str:
    """The live line of the header: ``2 running · 41 queued · 1 worker``."""
    workers = count(len(queue.workers), "worker") if queue.workers else "no worker"
    return f"{queue.running} running · {queue.queued} queued · {workers}"


def limits(quota: Quota) -> list[tuple[str, str]]:
    """How much of what an account may have it has."""
    found = (
        ("Experiments not over", quota.experiments, quota.experiments_most),
        ("Runs not over", quota.runs, quota.runs_most),
    )
    return [(name, f"{have:,}" if most is None else f"{have:,} of {most:,}") for name, have, most in found]
