"""What model size and compute do to the gain of an intermediate task: mixed-effects models of matched gains.

**The estimand.** Mean change in gain, in points, per ten-fold parameters without embeddings, over the recipes, targets and
languages of the store *within one cell*: a cell is one recipe, target and language, and a cell that only one size has says
nothing about size. So which cells were run at which size cannot pass for an effect of size, and a cell that is missing is
missing: it is never a zero.

**The model.** Rows are gains of one *replicate* (a model and a seed, trained end to end on its own), target and language,
the mean over recipes after each cell's own mean has been taken off gain and size alike (Frisch and Waugh 1933: the slope is
that of a regression with one intercept a cell)::

    gain[r, t, l] = cell + β · size[r] + u[r] + v[r, t] + b[l] · size[r] + e[r, t, l]

``u`` is the replicate's luck in the intermediate stage, which all its targets share; ``v`` its luck in fine-tuning on one
target (and that target's baseline), which all languages share; ``b`` how the size effect of a language differs from the mean;
``e`` the rest. u and v (seeds) and b (languages) are crossed random effects, estimated by REML (``fit``).
What a language's gain *is* on average stands in the cells; what is random about a language is its slope: leaving b out would
count fifty languages as fifty independent witnesses. Row intercepts are removed by orthonormal contrasts within each target
and language, so REML pays for every one of them, and the residuals stay independent.

**The interval.** A normal one, as MixedLM's own, is too narrow for a handful of replicates. The variance of β is the sum of what
each random effect contributes, and its degrees of freedom follow by Satterthwaite (1946, Biometrics Bulletin 2(6)):
``df = (Σ Vₖ)² / Σ Vₖ²/dfₖ`` with L − 1 for b, and R − 2 for u, v and e together: their sum is what a regression of R replicate
means is judged by, and counted one by one they promise more than R replicates can know (seen in simulation: 90 to 92 % instead of
95). Coverage near 95 % is tested on simulated data. Targets, recipes and the models themselves are taken as given: the interval speaks of new seeds and new
languages with these models, not of models that nobody has run. The tables without each of them say how much hangs on one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # not scipy.stats, which takes as long to load as all the rest

from backend.domain.answer import (
    SMALLEST_OF_INTEREST,
    Effect,
    Efficiency,
    Group,
    LinePoint,
    Sensitivity,
    SizePoint,
    Verdict,
)
from backend.domain.gains import MIN_SEEDS, paired_t
from backend.domain.run import DeviceClass
from backend.statistics.parts import Observation, Part, means
from backend.statistics.reml import SLOPES, Fit, Matrix, NotIdentified, contrasted, fit, indicators, t_quantile

Columns = Callable[[Part], Matrix]  # of each observation a row of what its gain may change by

MIN_SIZES = 3  # of models: a line through two says nothing about a third
MIN_LANGUAGES = 3  # below, languages cannot be a random effect and are taken as given
LINE_POINTS = 25


# --- the size effect ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """The table that is fitted: one row a replicate, target and language. ``x`` has a column for each effect; gains and x are
    deviations from their cells' means."""

    y: Matrix
    x: Matrix
    replicate: tuple[tuple[str, int], ...]
    target: tuple[str, ...]
    language: tuple[str, ...]
    slope: Matrix  # what a language's random slope is of: the first column, before any interaction


def rows(observations: Part | Iterable[Observation], of: Columns) -> Rows:
    """Cell means off, then the mean over recipes. Cells that one size alone has are left out.

    Args:
        of: the columns, the first one being the size or the hours.
    """
    part = Part.of(observations).compared
    table = np.column_stack([part.gain, of(part)]) if len(part) else np.zeros((0, 2))
    _, of_cells, at = means(part.cell, table)
    places, made, at = means(part.codes("model", "seed", "target", "language"), table - of_cells[at])
    first = np.zeros(len(places), np.int64)
    first[at[::-1]] = part.at[::-1]  # of each place an observation that says which it is
    known = [part.frame.observations[i] for i in first]
    return Rows(
        y=made[:, 0],
        x=made[:, 1:],
        replicate=tuple(o.replicate for o in known),
        target=tuple(o.target for o in known),
        language=tuple(o.language for o in known),
        slope=made[:, 1],
    )


def slope(observations: Part | Sequence[Observation], of: Columns) -> Fit:
    """The change of gain by the columns of ``of``, as the module has it.

    Raises:
        NotIdentified: says why not.
    """
    part = Part.of(observations)
    if part.sizes < MIN_SIZES:
        raise NotIdentified(f"gains at {_count(part.sizes, 'size')} of models, and a line takes {MIN_SIZES}")
    table, within = rows(part, of), part.compared
    if len({round(float(s), 6) for s in table.slope}) < 2:
        raise NotIdentified("no recipe, target and language has gains at two sizes")
    if within.sizes < MIN_SIZES:
        share = _count(len(within.different("model")), "model")
        raise NotIdentified(f"{share} share cells with another one, and a line takes {MIN_SIZES}")
    if within.fewest_seeds < MIN_SEEDS:
        raise NotIdentified(f"{_count(within.fewest_seeds, 'seed')} of a model, and a spread takes {MIN_SEEDS}")
    return fit(*design(table), whole=float(len(set(table.replicate)) - 2))


def design(table: Rows) -> tuple[Matrix, Matrix, dict[str, tuple[Matrix, float]]]:
    """What is handed to MixedLM: gains, columns and random effects, with the intercepts of rows taken out."""
    blocks = list(zip(table.target, table.language, strict=True))

    def h(columns: Matrix) -> Matrix:
        return contrasted(blocks, columns)

    replicates, targets, languages = (len(set(v)) for v in (table.replicate, table.target, table.language))
    free = float(replicates - 2)
    parts = {"replicate": (h(indicators(table.replicate)), free)}
    if targets > 1:
        own = list(zip(table.replicate, table.target, strict=True))
        parts["replicate on a target"] = (h(indicators(own)), free * (targets - 1))
    if languages >= MIN_LANGUAGES:
        parts[SLOPES] = (h(indicators(table.language, table.slope)), float(languages - 1))
    return h(table.y[:, None])[:, 0], h(table.x), parts


def of_size(part: Part) -> Matrix:
    return part.size[:, None]


def of_hours(part: Part) -> Matrix:
    return np.log10(part.hours)[:, None]


def of_size_and_low(part: Part) -> Matrix:
    low = np.isin(part.at, part.low_resource.at)
    return np.column_stack([part.size, part.size * low])


def effect(
    name: str, title: str, unit: str, group: Group, observations: Part | Sequence[Observation], of: Columns, *, column: int = 0,
) -> Effect:  # fmt: skip
    """One effect with its interval and verdict, or why there is none."""
    part = Part.of(observations)
    try:
        if not len(part):
            raise NotIdentified("there are no gains of it")
        found = slope(part, of)
    except NotIdentified as why:
        return _effect(name, title, unit, group, part, None, column, str(why))
    return _effect(name, title, unit, group, part.compared, found, column, None)


def _effect(
    name: str, title: str, unit: str, group: Group, part: Part, found: Fit | None, column: int, why: str | None,
) -> Effect:  # fmt: skip
    estimate = error = df = low = high = None
    verdict: Verdict = "not enough evidence"
    if found is not None:
        estimate, error, df = found.estimates[column], found.errors[column], found.df[column]
        reach = t_quantile(df) * error
        low, high = estimate - reach, estimate + reach
        verdict = "more" if low > 0 else "less" if high < 0 else "no evidence"
    inside = low is not None and high is not None and low > -SMALLEST_OF_INTEREST and high < SMALLEST_OF_INTEREST
    return Effect(
        name=name, title=title, unit=unit, group=group, estimate=estimate, low=low, high=high, se=error, df=df, verdict=verdict,
        within_interest=inside, why=why, variances=dict(found.variances) if found else {},
        share_of_languages=found.shares.get(SLOPES, (0.0,) * (column + 1))[column] if found else None, gains=len(part),
        models=len(part.different("model")), seeds=part.fewest_seeds, languages=len(part.different("language")),
        targets=len(part.different("target")),
    )  # fmt: skip


def low_resource(observations: Part | Iterable[Observation]) -> Part:
    return Part.of(observations).low_resource


def size_effects(observations: Part | Sequence[Observation]) -> list[Effect]:
    """Per ten-fold parameters: over all languages, over low-resource ones, and the difference of these to the others."""
    part = Part.of(observations)
    unit, low = "per ten-fold parameters", part.low_resource
    found = [
        effect("size", "Model size, all languages", unit, "all", part, of_size),
        effect("size", "Model size, low-resource languages", unit, "low", low, of_size),
    ]
    if 0 < len(low) < len(part):
        title = "Low-resource languages against the others"
        found.append(effect("size:low", title, unit, "low", part, of_size_and_low, column=1))
    return found


def hours_effects(observations: Part | Sequence[Observation], device: str | None) -> list[Effect]:
    """Per ten-fold device-hours of one class of device, the same way."""
    measured = Part.of(observations).measured(device)
    word = "GPU-hours" if device == DeviceClass.CUDA.value else f"device-hours ({device})" if device else "device-hours"
    unit = f"per ten-fold {word}"
    return [
        effect("hours", f"{word[0].upper()}{word[1:]}, all languages", unit, "all", measured, of_hours),
        effect(
            "hours",
            f"{word[0].upper()}{word[1:]}, low-resource languages",
            unit,
            "low",
            measured.low_resource,
            of_hours,
        ),
    ]


def together(observations: Part | Sequence[Observation], device: str | None) -> float | None:
    """Correlation of log hours with log size within cells: near 1, neither can be told from the other."""
    table = rows(Part.of(observations).measured(device), lambda part: np.column_stack([part.size, of_hours(part)]))
    if len(table.y) < 3 or min(np.std(table.x[:, 0]), np.std(table.x[:, 1])) < 1e-9:
        return None
    return float(np.corrcoef(table.x[:, 0], table.x[:, 1])[0, 1])


# --- what kind of target and language -------------------------------------------------------------------------------


def kind_effects(observations: Part | Sequence[Observation]) -> list[Effect]:
    """How much more an intermediate stage is worth on a format, at a resource level, in a family, than at the reference.

    Of each target and language the mean gain, adjusted for models and recipes (least squares with one term for each), is
    fitted with the kind as fixed effect and targets and languages as crossed random effects. One target is no sample of a
    format, and one language none of a family: those are said to be not enough.
    """
    part = Part.of(observations)
    if not len(part):
        return []
    places, values = adjusted(part)
    known = {(o.target, o.language): o for o in part.observations}
    of = [known[place] for place in places]
    found = []
    for kind, title, attribute in (
        ("format", "Format", lambda o: o.format),
        ("resource", "Resource level", lambda o: o.resource),
        ("family", "Language family", lambda o: o.family),
    ):
        found += _kinds(kind, title, of, values, attribute, part)
    return found


def adjusted(observations: Part | Sequence[Observation]) -> tuple[list[tuple[str, str]], Matrix]:
    """Mean gain of each target and language as if every model and recipe had been run on all of them."""
    part = Part.of(observations)
    _, y, at = means(part.codes("model", "recipe", "target", "language"), part.gain)
    first = np.zeros(len(y), np.int64)
    first[at[::-1]] = part.at[::-1]
    known = [part.frame.observations[i] for i in first]
    where = indicators([(o.target, o.language) for o in known])
    others = [indicators([o.model for o in known]), indicators([o.recipe for o in known])]
    other = np.hstack([z - z.mean(axis=0) for z in others])  # centred: what is left is at the mean model and recipe
    beta = np.linalg.lstsq(np.hstack([where, other]), y, rcond=None)[0]
    places = sorted({(o.target, o.language) for o in known}, key=repr)
    return places, beta[: len(places)]


def _kinds(
    kind: str, title: str, of: Sequence[Observation], values: Matrix, attribute: Callable[[Observation], str],
    part: Part,
) -> list[Effect]:  # fmt: skip
    members: defaultdict[str, set[str]] = defaultdict(set)
    for o in of:
        members[attribute(o)].add(o.target if kind == "format" else o.language)
    order = sorted(members, key=lambda k: (-len(members[k]), k))
    if kind == "resource":
        order = [level for level in ("high", "mid", "low") if level in members]
    enough = [k for k in order if len(members[k]) >= 2]
    what = "target" if kind == "format" else "language"
    found, fitted = [], None
    reference = (enough or order)[0]
    why = None
    if len(order) < 2:
        return []
    if len(enough) >= 2:
        keep = [i for i, o in enumerate(of) if attribute(o) in enough]
        try:
            fitted = _fit_kinds(kind, [of[i] for i in keep], values[keep], attribute, enough)
        except NotIdentified as error:
            why = str(error)
    alone = [k for k in order if k not in enough and k != reference]
    if len(alone) > 1:  # one line for all of them
        some = part.only(lambda o: attribute(o) in alone)
        reason = f"one {what} of each, and a comparison takes 2: " + ", ".join(_plain(k) for k in alone)
        name = f"{title}: {len(alone)} others"
        found.append(_effect(f"{kind}:others", name, f"against {_plain(reference)}", "all", some, None, 0, reason))
    for k in order:
        if k == reference or (k in alone and len(alone) > 1):
            continue
        column = enough.index(k) if fitted is not None and k in enough else None
        short = min((k, reference), key=lambda name: len(members[name]))
        reason = why or f"{_count(len(members[short]), what)} of {_plain(short)}, and a comparison takes 2 of each"
        some = part.only(lambda o, k=k: attribute(o) in (k, reference))  # type: ignore[misc]
        found.append(
            _effect(
                f"{kind}:{k}", f"{title}: {_plain(k)}", f"against {_plain(reference)}", "all", some,
                fitted if column is not None else None, column or 0, None if column is not None else reason,
            )
        )  # fmt: skip
    return found


def _fit_kinds(
    kind: str, of: Sequence[Observation], values: Matrix, attribute: Callable[[Observation], str], order: Sequence[str]
) -> Fit:
    x = np.array([[1.0, *(float(attribute(o) == k) for k in order[1:])] for o in of])
    targets, languages = sorted({o.target for o in of}), sorted({o.language for o in of})
    parts = {}
    if len(targets) > 1:
        free = len(targets) - (len(order) if kind == "format" else 1)
        if free < 1:
            raise NotIdentified("too few targets")
        parts["target"] = (indicators([o.target for o in of]), float(free))
    free = len(languages) - (1 if kind == "format" else len(order))
    if kind != "format" and free < 2:
        raise NotIdentified("too few languages")
    if len(languages) > 1 and len(targets) > 1:  # with one target a language is a row
        parts["language"] = (indicators([o.language for o in of]), float(max(1, free)))
    return fit(values, x, parts)


# --- the picture -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replicate:
    model: str
    seed: int
    size: float
    gain: float


def replicates(observations: Part | Sequence[Observation]) -> list[Replicate]:
    """The mean gain of each model and seed over languages first, then targets, adjusted for which cells it has: the mean of
    all cells plus the mean of its deviations from them."""
    part = _placed(observations)
    if not len(part):
        return []
    cells, of_cells, at = means(part.cell, part.gain)
    languages = max(1, len(part.frame.columns["language"].names))
    targets = max(1, len(part.frame.columns["target"].names))
    _, by_target, _ = means(cells // languages % targets, of_cells)
    level = float(by_target.mean())
    pairs, off, _ = means(part.codes("model", "seed", "target"), part.gain - of_cells[at])
    _, away, _ = means(pairs // targets, off)
    _, first = np.unique(part.replicate, return_index=True)
    known = [part.frame.observations[i] for i in part.at[first]]
    return [Replicate(o.model, o.seed, o.size, level + float(a)) for o, a in zip(known, away, strict=True)]


def _placed(observations: Part | Sequence[Observation]) -> Part:
    """What models are compared on; of one model alone all that it has."""
    part = Part.of(observations)
    return part.compared if len(part.different("model")) > 1 else part


def _mean_of(by_target: Mapping[str, Sequence[float]]) -> float:
    means = [math.fsum(v) / len(v) for _, v in sorted(by_target.items())]
    return math.fsum(means) / len(means) if means else 0.0


def points(observations: Part | Sequence[Observation], group: Group) -> list[SizePoint]:
    """The mean gain of each model with its interval over seeds."""
    part = _placed(observations)
    known = {o.model: o for o in part.observations}
    by_model: defaultdict[str, list[float]] = defaultdict(list)
    for r in replicates(part):
        by_model[r.model].append(r.gain)
    models = part.frame.columns["model"]
    codes, of = part.codes("model"), len(np.unique(part.cell))
    made = []
    for model, values in sorted(by_model.items(), key=lambda pair: (known[pair[0]].parameters_non_embedding, pair[0])):
        t = paired_t(values)
        made.append(
            SizePoint(
                model=model, group=group, parameters=known[model].parameters,
                parameters_non_embedding=known[model].parameters_non_embedding, gain=t.mean, low=t.low, high=t.high,
                seeds=len(values), cells=len(np.unique(part.cell[codes == models.names.index(model)])), of=of,
            )
        )  # fmt: skip
    return made


def line(observations: Part | Sequence[Observation], found: Effect) -> list[LinePoint]:
    """The fitted line with its 95 % band, from the smallest to the largest model; none where there is no effect to draw."""
    if found.estimate is None or found.se is None or found.df is None:
        return []
    each = replicates(observations)
    sizes = np.array([r.size for r in each])
    middle, level = float(sizes.mean()), math.fsum(r.gain for r in each) / len(each)
    off = np.array([r.gain for r in each]) - level - found.estimate * (sizes - middle)
    spread = math.sqrt(float(off @ off) / max(1, len(each) - 2) / len(each))
    reach = t_quantile(min(found.df, len(each) - 2))
    made = []
    for at in np.linspace(sizes.min(), sizes.max(), LINE_POINTS):
        value = level + found.estimate * (at - middle)
        wide = reach * math.hypot(spread, found.se * (at - middle))
        made.append(
            LinePoint(
                group=found.group,
                parameters_non_embedding=10.0 ** float(at),
                gain=value,
                low=value - wide,
                high=value + wide,
            )
        )
    return made


def bent(observations: Part | Sequence[Observation]) -> float | None:
    """p of the F-test that the models' mean gains lie on a straight line, against the spread of their seeds; None where two
    points are all there is."""
    by_model: defaultdict[float, list[float]] = defaultdict(list)
    for r in replicates(observations):
        by_model[r.size].append(r.gain)
    n, k = sum(map(len, by_model.values())), len(by_model)
    if k < 3 or n - k < 2:
        return None
    x = np.concatenate([np.full(len(v), size) for size, v in sorted(by_model.items())])
    y = np.concatenate([np.array(v) for _, v in sorted(by_model.items())])
    straight = np.polynomial.Polynomial.fit(x, y, 1)
    of_line = float(np.sum((y - straight(x)) ** 2))
    of_means = float(sum(np.sum((np.array(v) - np.mean(v)) ** 2) for v in by_model.values()))
    if of_means < 1e-12:
        return None
    f = max(0.0, of_line - of_means) / (k - 2) / (of_means / (n - k))
    return float(special.fdtrc(k - 2, n - k, f))


# --- efficiency and sensitivity ---------------------------------------------------------------------------------------


def efficiency(observations: Part | Sequence[Observation], device: str | None) -> list[Efficiency]:
    """Gain per device-hour at each size, over the cells that every model of this class of device has, and over the seeds that have
    all of them; where a model has no such seed, over the cells that every seed of every model has. Nothing where there are none."""
    measured = Part.of(observations).measured(device)
    of, some = len(np.unique(measured.cell)), measured.common(seeds=False)
    shared, cells = some.observations, len(np.unique(some.cell))
    if min((max(_cells_by_seed(shared, model).values()) for model in {o.model for o in shared}), default=0) < cells:
        some = measured.common()
        shared, cells = some.observations, len(np.unique(some.cell))
    made = []
    for model in sorted({o.model for o in shared}, key=lambda m: next((o.size, m) for o in shared if o.model == m)):
        own = [o for o in shared if o.model == model]
        by_seed: defaultdict[int, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        hours: defaultdict[str, list[float]] = defaultdict(list)
        has = _cells_by_seed(own, model)
        for o in own:
            if has[o.seed] == cells:  # a seed that lacks a cell would be a mean over other cells
                by_seed[o.seed][o.target].append(o.gain)
                hours[o.target].append(o.hours or 0.0)
        t, spent = paired_t([_mean_of(by) for _, by in sorted(by_seed.items())]), _mean_of(hours)
        made.append(
            Efficiency(
                model=model, parameters_non_embedding=own[0].parameters_non_embedding, device_class=DeviceClass(own[0].device_class),
                device=", ".join(sorted({o.device for o in own})), hours=spent, gain=t.mean, gain_low=t.low, gain_high=t.high,
                per_hour=t.mean / spent, per_hour_low=None if t.low is None else t.low / spent,
                per_hour_high=None if t.high is None else t.high / spent, seeds=len(by_seed), cells=cells, of=of,
            )
        )  # fmt: skip
    return made


def _cells_by_seed(observations: Iterable[Observation], model: str) -> dict[int, int]:
    found: defaultdict[int, set[tuple[str, str, str]]] = defaultdict(set)
    for o in observations:
        if o.model == model:
            found[o.seed].add(o.cell)
    return {seed: len(cells) for seed, cells in found.items()}


def common(observations: Part | Sequence[Observation], *, seeds: bool = True) -> Part:
    """Of the cells those that every model has; with ``seeds`` in each of its seeds."""
    return Part.of(observations).common(seeds=seeds)


def sensitivity(observations: Part | Sequence[Observation]) -> list[Sensitivity]:
    """The size effect without each intermediate task, without each target, and over common support alone: over all languages, then
    over low-resource ones."""
    whole = Part.of(observations)
    groups: tuple[tuple[Group, Part], ...] = (("all", whole), ("low", whole.low_resource))
    return [each for group, part in groups if len(part) for each in _cuts(group, part)]


def _cuts(group: Group, part: Part) -> list[Sensitivity]:
    cuts: list[tuple[str, Part]] = [("Common support alone: cells that every model and seed has", part.common())]
    recipes, targets = part.frame.columns["recipe"], part.frame.columns["target"]
    codes = recipes.codes[part.at]
    known, first = np.unique(codes, return_index=True)
    tasks_of = {code: part.frame.observations[i].tasks for code, i in zip(known, part.at[first], strict=True)}
    for task in sorted({task for tasks in tasks_of.values() for task in tasks}):
        has = [code for code, tasks in tasks_of.items() if task in tasks]
        cuts.append((f"Without the intermediate task {task}", part.where(~np.isin(codes, has))))
    for target in part.different("target"):
        cuts.append((f"Without the target {target}", part.where(targets.codes[part.at] != targets.names.index(target))))
    unit = "per ten-fold parameters"
    return [Sensitivity(left_out=name, effect=effect("size", name, unit, group, left, of_size)) for name, left in cuts]


def _plain(name: str) -> str:
    return name.replace("_", " ") + ("-resource" if name in ("high", "mid", "low") else "")


def _count(n: int, one: str) -> str:
    return f"{n} {one}{'' if n == 1 else 's'}"
