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
from backend.statistics.reml import SLOPES, Fit, Matrix, NotIdentified, contrasts, fit, indicators, t_quantile

MIN_SIZES = 3  # of models: a line through two says nothing about a third
MIN_LANGUAGES = 3  # below, languages cannot be a random effect and are taken as given
LINE_POINTS = 25


@dataclass(frozen=True, slots=True)
class Observation:
    """One gain of one seed with what is known of it. Gain in points, hours marginal device-hours of one seed."""

    model: str
    recipe: str
    target: str
    language: str
    seed: int
    gain: float
    parameters: int
    parameters_non_embedding: int
    tasks: tuple[str, ...]  # of the recipe, all its stages
    format: str
    resource: str
    family: str
    device_class: str
    device: str
    hours: float | None
    metric: str
    settings: str
    run: int
    baseline_run: int

    @property
    def key(self) -> tuple[str, str, str, str, int, float]:
        """What observations are put in order by: sums of floating-point numbers depend on it."""
        return self.model, self.recipe, self.target, self.language, self.seed, self.gain

    @property
    def cell(self) -> tuple[str, str, str]:
        return self.recipe, self.target, self.language

    @property
    def replicate(self) -> tuple[str, int]:
        return self.model, self.seed

    @property
    def size(self) -> float:
        return math.log10(self.parameters_non_embedding)


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


def rows(observations: Iterable[Observation], of: Callable[[Observation], Sequence[float]]) -> Rows:
    """Cell means off, then the mean over recipes. Cells that one size alone has are left out.

    Args:
        of: the columns of an observation, the first one being the size or the hours.
    """
    cells: defaultdict[tuple[str, str, str], list[Observation]] = defaultdict(list)
    for o in sorted(observations, key=lambda o: o.key):
        cells[o.cell].append(o)
    parts: defaultdict[tuple[tuple[str, int], str, str], list[Matrix]] = defaultdict(list)
    for (_, target, language), found in sorted(cells.items()):
        if len({o.model for o in found}) < 2:
            continue
        table = np.array([[o.gain, *of(o)] for o in found])
        centred = table - table.mean(axis=0)
        for o, line in zip(found, centred, strict=True):
            parts[o.replicate, target, language].append(line)
    keys = sorted(parts)
    made = np.array([np.mean(parts[key], axis=0) for key in keys]) if keys else np.zeros((0, 2))
    return Rows(
        y=made[:, 0],
        x=made[:, 1:],
        replicate=tuple(key[0] for key in keys),
        target=tuple(key[1] for key in keys),
        language=tuple(key[2] for key in keys),
        slope=made[:, 1],
    )


def slope(observations: Sequence[Observation], of: Callable[[Observation], Sequence[float]]) -> Fit:
    """The change of gain by the columns of ``of``, as the module has it.

    Raises:
        NotIdentified: says why not.
    """
    table = rows(observations, of)
    models = {o.model for o in observations}
    sizes = {o.parameters_non_embedding for o in observations}
    if len(sizes) < MIN_SIZES:
        raise NotIdentified(f"gains at {_count(len(sizes), 'size')} of models, and a line takes {MIN_SIZES}")
    if len({round(float(s), 6) for s in table.slope}) < 2:
        raise NotIdentified("no recipe, target and language has gains at two sizes")
    within = {model for model, _ in table.replicate}
    if len({o.parameters_non_embedding for o in observations if o.model in within}) < MIN_SIZES:
        raise NotIdentified(
            f"{_count(len(within), 'model')} share cells with another one, and a line takes {MIN_SIZES}"
        )
    fewest = min(len({seed for model, seed in table.replicate if model == each}) for each in sorted(models & within))
    if fewest < MIN_SEEDS:
        raise NotIdentified(f"{_count(fewest, 'seed')} of a model, and a spread takes {MIN_SEEDS}")
    return fit(*design(table), whole=float(len(set(table.replicate)) - 2))


def design(table: Rows) -> tuple[Matrix, Matrix, dict[str, tuple[Matrix, float]]]:
    """What is handed to MixedLM: gains, columns and random effects, with the intercepts of rows taken out."""
    h = contrasts(list(zip(table.target, table.language, strict=True)))
    replicates, targets, languages = (len(set(v)) for v in (table.replicate, table.target, table.language))
    free = float(replicates - 2)
    parts = {"replicate": (h @ indicators(table.replicate), free)}
    if targets > 1:
        own = list(zip(table.replicate, table.target, strict=True))
        parts["replicate on a target"] = (h @ indicators(own), free * (targets - 1))
    if languages >= MIN_LANGUAGES:
        parts[SLOPES] = (h @ indicators(table.language, table.slope), float(languages - 1))
    return h @ table.y, h @ table.x, parts


def of_size(o: Observation) -> Sequence[float]:
    return (o.size,)


def of_hours(o: Observation) -> Sequence[float]:
    assert o.hours is not None
    return (math.log10(o.hours),)


def of_size_and_low(o: Observation) -> Sequence[float]:
    return o.size, o.size * (o.resource == "low")


def effect(
    name: str, title: str, unit: str, group: Group, observations: Sequence[Observation],
    of: Callable[[Observation], Sequence[float]], *, column: int = 0,
) -> Effect:  # fmt: skip
    """One effect with its interval and verdict, or why there is none."""
    try:
        if not observations:
            raise NotIdentified("there are no gains of it")
        found = slope(observations, of)
    except NotIdentified as why:
        return _effect(name, title, unit, group, observations, None, column, str(why))
    return _effect(name, title, unit, group, observations, found, column, None)


def _effect(
    name: str, title: str, unit: str, group: Group, observations: Sequence[Observation], found: Fit | None, column: int,
    why: str | None,
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
        share_of_languages=found.shares.get(SLOPES, (0.0,) * (column + 1))[column] if found else None, gains=len(observations),
        models=len({o.model for o in observations}), seeds=fewest_seeds(observations),
        languages=len({o.language for o in observations}), targets=len({o.target for o in observations}),
    )  # fmt: skip


def fewest_seeds(observations: Iterable[Observation]) -> int:
    """Of the models the one with fewest seeds: how many those are."""
    seeds: defaultdict[str, set[int]] = defaultdict(set)
    for o in observations:
        seeds[o.model].add(o.seed)
    return min((len(s) for s in seeds.values()), default=0)


def low_resource(observations: Iterable[Observation]) -> list[Observation]:
    return [o for o in observations if o.resource == "low"]


def size_effects(observations: Sequence[Observation]) -> list[Effect]:
    """Per ten-fold parameters: over all languages, over low-resource ones, and the difference of these to the others."""
    unit, low = "per ten-fold parameters", low_resource(observations)
    found = [
        effect("size", "Model size, all languages", unit, "all", observations, of_size),
        effect("size", "Model size, low-resource languages", unit, "low", low, of_size),
    ]
    if low and len(low) < len(observations):
        title = "Low-resource languages against the others"
        found.append(effect("size:low", title, unit, "low", observations, of_size_and_low, column=1))
    return found


def hours_effects(observations: Sequence[Observation], device: str | None) -> list[Effect]:
    """Per ten-fold device-hours of one class of device, the same way."""
    measured = [o for o in observations if o.hours and o.device_class == device]
    word = "GPU-hours" if device == DeviceClass.CUDA.value else f"device-hours ({device})" if device else "device-hours"
    unit = f"per ten-fold {word}"
    return [
        effect("hours", f"{word[0].upper()}{word[1:]}, all languages", unit, "all", measured, of_hours),
        effect(
            "hours",
            f"{word[0].upper()}{word[1:]}, low-resource languages",
            unit,
            "low",
            low_resource(measured),
            of_hours,
        ),
    ]


def together(observations: Sequence[Observation], device: str | None) -> float | None:
    """Correlation of log hours with log size within cells: near 1, neither can be told from the other."""
    table = rows([o for o in observations if o.hours and o.device_class == device], lambda o: (o.size, *of_hours(o)))
    if len(table.y) < 3 or min(np.std(table.x[:, 0]), np.std(table.x[:, 1])) < 1e-9:
        return None
    return float(np.corrcoef(table.x[:, 0], table.x[:, 1])[0, 1])


# --- what kind of target and language -------------------------------------------------------------------------------


def kind_effects(observations: Sequence[Observation]) -> list[Effect]:
    """How much more an intermediate stage is worth on a format, at a resource level, in a family, than at the reference.

    Of each target and language the mean gain, adjusted for models and recipes (least squares with one term for each), is
    fitted with the kind as fixed effect and targets and languages as crossed random effects. One target is no sample of a
    format, and one language none of a family: those are said to be not enough.
    """
    if not observations:
        return []
    places, values = adjusted(observations)
    known = {(o.target, o.language): o for o in observations}
    of = [known[place] for place in places]
    found = []
    for kind, title, attribute in (
        ("format", "Format", lambda o: o.format),
        ("resource", "Resource level", lambda o: o.resource),
        ("family", "Language family", lambda o: o.family),
    ):
        found += _kinds(kind, title, of, values, attribute, observations)
    return found


def adjusted(observations: Sequence[Observation]) -> tuple[list[tuple[str, str]], Matrix]:
    """Mean gain of each target and language as if every model and recipe had been run on all of them."""
    means: defaultdict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for o in sorted(observations, key=lambda o: o.key):
        means[o.model, o.recipe, o.target, o.language].append(o.gain)
    keys = list(means)
    y = np.array([np.mean(means[key]) for key in keys])
    where = indicators([key[2:] for key in keys])
    others = [indicators([key[i] for key in keys]) for i in (0, 1)]
    other = np.hstack([z - z.mean(axis=0) for z in others])  # centred: what is left is at the mean model and recipe
    beta = np.linalg.lstsq(np.hstack([where, other]), y, rcond=None)[0]
    places = sorted({(key[2], key[3]) for key in keys}, key=repr)
    return places, beta[: len(places)]


def _kinds(
    kind: str, title: str, of: Sequence[Observation], values: Matrix, attribute: Callable[[Observation], str],
    observations: Sequence[Observation],
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
        some = [o for o in observations if attribute(o) in alone]
        reason = f"one {what} of each, and a comparison takes 2: " + ", ".join(_plain(k) for k in alone)
        name = f"{title}: {len(alone)} others"
        found.append(_effect(f"{kind}:others", name, f"against {_plain(reference)}", "all", some, None, 0, reason))
    for k in order:
        if k == reference or (k in alone and len(alone) > 1):
            continue
        column = enough.index(k) if fitted is not None and k in enough else None
        short = min((k, reference), key=lambda name: len(members[name]))
        reason = why or f"{_count(len(members[short]), what)} of {_plain(short)}, and a comparison takes 2 of each"
        some = [o for o in observations if attribute(o) in (k, reference)]
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


def replicates(observations: Sequence[Observation]) -> list[Replicate]:
    """The mean gain of each model and seed over languages first, then targets, adjusted for which cells it has: the mean of
    all cells plus the mean of its deviations from them."""
    cells: defaultdict[tuple[str, str, str], list[Observation]] = defaultdict(list)
    for o in sorted(observations, key=lambda o: o.key):
        cells[o.cell].append(o)
    means: defaultdict[str, list[float]] = defaultdict(list)
    off: defaultdict[tuple[str, int], defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    sizes: dict[str, float] = {}
    for (_, target, _), found in sorted(cells.items()):
        if len({o.model for o in found}) < 2 and len({o.model for o in observations}) > 1:
            continue
        mean = math.fsum(o.gain for o in found) / len(found)
        means[target].append(mean)
        for o in found:
            off[o.replicate][target].append(o.gain - mean)
            sizes[o.model] = o.size
    level = _mean_of(means)
    return [Replicate(m, s, sizes[m], level + _mean_of(by)) for (m, s), by in sorted(off.items())]


def _mean_of(by_target: Mapping[str, Sequence[float]]) -> float:
    means = [math.fsum(v) / len(v) for _, v in sorted(by_target.items())]
    return math.fsum(means) / len(means) if means else 0.0


def points(observations: Sequence[Observation], group: Group) -> list[SizePoint]:
    """The mean gain of each model with its interval over seeds."""
    known = {o.model: o for o in observations}
    by_model: defaultdict[str, list[float]] = defaultdict(list)
    for r in replicates(observations):
        by_model[r.model].append(r.gain)
    made = []
    for model, values in sorted(by_model.items(), key=lambda pair: (known[pair[0]].parameters_non_embedding, pair[0])):
        t = paired_t(values)
        made.append(
            SizePoint(
                model=model, group=group, parameters=known[model].parameters,
                parameters_non_embedding=known[model].parameters_non_embedding, gain=t.mean, low=t.low, high=t.high,
                seeds=len(values),
            )
        )  # fmt: skip
    return made


def line(observations: Sequence[Observation], found: Effect) -> list[LinePoint]:
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


def bent(observations: Sequence[Observation]) -> float | None:
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


def efficiency(observations: Sequence[Observation], device: str | None) -> list[Efficiency]:
    """Gain per device-hour at each size, over the cells that every model of this class of device has."""
    measured = [o for o in observations if o.hours and o.device_class == device]
    shared = common(measured, seeds=False)
    made = []
    for model in sorted({o.model for o in shared}, key=lambda m: next((o.size, m) for o in shared if o.model == m)):
        own = [o for o in shared if o.model == model]
        by_seed: defaultdict[int, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        hours: defaultdict[str, list[float]] = defaultdict(list)
        for o in own:
            by_seed[o.seed][o.target].append(o.gain)
            hours[o.target].append(o.hours or 0.0)
        full = max(sum(map(len, by.values())) for by in by_seed.values())
        whole = [by for _, by in sorted(by_seed.items()) if sum(map(len, by.values())) == full]  # seeds with every cell
        t, spent = paired_t([_mean_of(by) for by in whole]), _mean_of(hours)
        made.append(
            Efficiency(
                model=model, parameters_non_embedding=own[0].parameters_non_embedding, device_class=DeviceClass(own[0].device_class),
                device=", ".join(sorted({o.device for o in own})), hours=spent, gain=t.mean, gain_low=t.low, gain_high=t.high,
                per_hour=t.mean / spent, per_hour_low=None if t.low is None else t.low / spent,
                per_hour_high=None if t.high is None else t.high / spent, seeds=len(whole), cells=len({o.cell for o in own}),
            )
        )  # fmt: skip
    return made


def common(observations: Sequence[Observation], *, seeds: bool = True) -> list[Observation]:
    """Of the cells those that every model has; with ``seeds`` in each of its seeds."""
    wanted = {o.replicate if seeds else (o.model, 0) for o in observations}
    has: defaultdict[tuple[str, str, str], set[tuple[str, int]]] = defaultdict(set)
    for o in observations:
        has[o.cell].add(o.replicate if seeds else (o.model, 0))
    return [o for o in observations if has[o.cell] == wanted]


def sensitivity(observations: Sequence[Observation]) -> list[Sensitivity]:
    """The size effect without each intermediate task, without each target, and over common support alone."""
    cuts: list[tuple[str, list[Observation]]] = [
        ("Common support alone: cells that every model and seed has", common(observations)),
    ]
    for task in sorted({t for o in observations for t in o.tasks}):
        cuts.append((f"Without the intermediate task {task}", [o for o in observations if task not in o.tasks]))
    for target in sorted({o.target for o in observations}):
        cuts.append((f"Without the target {target}", [o for o in observations if o.target != target]))
    unit = "per ten-fold parameters"
    return [Sensitivity(left_out=name, effect=effect("size", name, unit, "all", left, of_size)) for name, left in cuts]


def _plain(name: str) -> str:
    return name.replace("_", " ") + ("-resource" if name in ("high", "mid", "low") else "")


def _count(n: int, one: str) -> str:
    return f"{n} {one}{'' if n == 1 else 's'}"
