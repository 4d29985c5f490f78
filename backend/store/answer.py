"""The answer page's numbers: gains of single seeds from the store, what is fitted to them, and what to run next.

What was fitted is kept in memory under the version of what it was fitted to, as gains are (``measured``): another process, or a
run that ends, makes it anew. What to run next and which runs failed is read each time.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.answer import (
    Answer,
    Effect,
    Efficiency,
    FailedRun,
    LeftOut,
    LinePoint,
    NextStep,
    Sensitivity,
    SizePoint,
)
from backend.domain.experiment import BENCHMARKS, ExperimentRequest
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.model import MODELS
from backend.domain.recipe import CONTROLS, Recipe
from backend.domain.run import DeviceClass, RunState
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import CrossliftError
from backend.store import costs, learning, pretrained, trained, words
from backend.store.costs import Costs
from backend.store.measured import evaluations, units, version
from backend.store.outlay import largest, outlay
from backend.store.recipes import read_recipe
from backend.store.tables import run
from backend.store.tradeoff import sizes

if TYPE_CHECKING:
    from backend.statistics.answer_words import Need
    from backend.statistics.parts import Observation

KEPT = 12  # fits
MOST_FAILED = 200  # failed runs that are listed
_LOST = (RunState.FAILED.value, RunState.DIVERGED.value)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything that depends on the gains alone."""

    observations: Sequence[Observation]
    left_out: list[LeftOut]
    device: str | None
    formats: list[str]
    effects: list[Effect]
    points: list[SizePoint]
    line: list[LinePoint]
    efficiency: list[Efficiency]
    sensitivity: list[Sensitivity]
    bent: float | None
    together: float | None
    text: str  # the CSV
    sha256: str


def answer(session: Session, *, source: Source, format: str | None = None) -> Answer:
    """What the gains of a benchmark say about model size and compute.

    Args:
        format: only targets of this format; None: all.
    """
    from backend.statistics import answer_words as say

    pretrained.take_up(session)
    found = fitted(session, source=source, format=format)
    known = {(e.name, e.group): e for e in found.effects}
    failed = _failed(session, source)
    every = [p for p in found.points if p.group == "all"]
    sizes_there = len({o.parameters_non_embedding for o in found.observations})
    synthetic = source is Source.MINI
    return Answer(
        source=source.value,
        benchmark=BENCHMARKS[source],
        synthetic=synthetic,
        format=format,
        device_class=DeviceClass(found.device) if found.device else None,
        sentence=say.sentence(known["size", "all"], every),
        also=say.also(
            found.effects, found.points, bent=found.bent, together=found.together, failed=len(failed),
            synthetic=BENCHMARKS[source] if synthetic else None,
        ),
        effects=found.effects,
        points=found.points,
        line=found.line,
        efficiency=found.efficiency,
        sensitivity=found.sensitivity,
        next_steps=[_step(session, source, found, need) for need in say.needs(found.effects, sizes_there)],
        left_out=found.left_out,
        failed=failed[:MOST_FAILED],
        methods=list(say.METHODS),
        formats=found.formats,
        gains=len(found.observations),
        data_sha256=found.sha256,
    )  # fmt: skip


_kept: OrderedDict[tuple[Any, ...], tuple[str, Fitted]] = OrderedDict()
_one_at_a_time = Lock()


def fitted(session: Session, *, source: Source, format: str | None = None) -> Fitted:
    """From memory where nothing has changed since."""
    headline = {TASKS[t].headline for t in TARGETS}
    learnt = trained.by_settings(session, source)
    seen = (version(session, headline, source=source), sorted((k, sorted(v)) for k, v in learnt.items()), len(MODELS))
    mark = hashlib.sha256(repr(seen).encode()).hexdigest()
    key = (session.get_bind().engine.url, source, format)
    with _one_at_a_time:
        kept = _kept.get(key)
        if kept is None or kept[0] != mark:
            kept = _kept[key] = (mark, _fit(*observations(session, source=source, format=format, learnt=learnt)))
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return kept[1]


def _fit(found: Sequence[Observation], out: list[LeftOut], formats: list[str]) -> Fitted:
    from backend.statistics import answer as look
    from backend.statistics.parts import Part

    by_class = Counter(o.device_class for o in found if o.hours)
    device = max(by_class, key=lambda name: (by_class[name], name)) if by_class else None
    part = Part.of(found)  # once: what follows looks at it in parts
    effects, low = look.size_effects(part), part.low_resource
    text = as_csv(found)
    return Fitted(
        observations=found,
        left_out=out,
        device=device,
        formats=formats,
        effects=[*effects, *look.hours_effects(part, device), *look.kind_effects(part)],
        points=[*look.points(part, "all"), *look.points(low, "low")],
        line=[*look.line(part, effects[0]), *look.line(low, effects[1])],
        efficiency=look.efficiency(part, device),
        sensitivity=look.sensitivity(part),
        bent=look.bent(part),
        together=look.together(part, device),
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def observations(
    session: Session, *, source: Source, format: str | None = None, learnt: trained.Trained | None = None
) -> tuple[list[Observation], list[LeftOut], list[str]]:
    """Gains of single seeds, in order; what was left out and why; the formats that there are gains of."""
    from backend.statistics.parts import Observation

    learnt = trained.by_settings(session, source) if learnt is None else learnt
    here = evaluations(source=source)
    headline = {t: TASKS[t].headline for t in TARGETS if not TASKS[t].diagnostic}
    known, paid = sizes(session, here), Costs(session, here)
    out: Counter[tuple[str, str]] = Counter()
    found: list[Observation] = []
    formats: set[str] = set()
    recipes: dict[str, Recipe | None] = {}  # by name: each is in thousands of gains
    for unit in units(session, set(headline.values()), source=source):
        if headline.get(unit.target) != unit.metric or unit.model not in known:
            continue
        task = TASKS[unit.target]
        formats.add(task.format.value)
        if format is not None and task.format.value != format:
            continue
        by_recipe: defaultdict[str, set[int]] = defaultdict(set)
        for g in unit.gains:
            by_recipe[g.recipe].update(g.runs)
            if g.recipe not in recipes:
                recipes[g.recipe] = read_recipe(g.recipe)
        spent = {recipe: paid.of(runs) for recipe, runs in by_recipe.items()}
        for g in unit.gains:
            recipe, language = recipes[g.recipe], LANGUAGES.get(g.language)
            why = None
            if g.language == ENGLISH:
                why = ("English", "the question is about transfer to other languages")
            elif g.same_data_twice:
                why = (
                    f"{g.recipe} → {g.target}",
                    "same data twice: intermediate task and target train on one data set",
                )
            elif recipe is None or language is None:
                why = (g.recipe if recipe is None else g.language, "this version cannot read its name")
            elif recipe.kind in CONTROLS:
                why = (g.recipe, "a compute-matched control, not an intermediate task")
            elif trained.saw(g, learnt):
                why = (f"{g.recipe} → {g.target} in {g.language}", "not zero-shot: trained in the language")
            if why is not None or recipe is None or language is None:
                out[why or ("", "")] += g.n
                continue
            cost = spent[g.recipe]
            for seed, gain, of, base in zip(g.seeds, g.differences, g.runs, g.baseline_runs, strict=False):
                if seed is None:
                    out[f"{g.recipe} → {g.target}", "has no seed, so no spread"] += 1
                    continue
                found.append(
                    Observation(
                        model=g.model, recipe=g.recipe, target=g.target, language=g.language, seed=seed, gain=gain,
                        parameters=known[g.model][0], parameters_non_embedding=known[g.model][1],
                        tasks=tuple(dict.fromkeys(t for stage in recipe.stages for t in stage)), format=task.format.value,
                        resource=language.resource, family=language.family,
                        device_class=cost.device_class.value if cost else "", device=cost.device if cost else "",
                        hours=cost.marginal_hours if cost and cost.marginal_hours > 0 else None, metric=g.metric,
                        settings=g.settings, run=of, baseline_run=base,
                    )
                )  # fmt: skip
    left = [
        LeftOut(what=what, gains=n, why=why) for (what, why), n in sorted(out.items(), key=lambda i: (i[0][1], i[0][0]))
    ]
    return sorted(found, key=lambda o: o.key), left, sorted(formats)


def as_csv(found: Sequence[Observation]) -> str:
    """The gains of single seeds, one a row (RFC 4180): what every number rests on and its SHA-256 is of."""
    from backend.statistics.parts import Observation

    names = [f.name for f in fields(Observation)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    of = attrgetter(*names)
    tasks = names.index("tasks")
    for o in found:
        row = list(of(o))
        row[tasks] = "+".join(row[tasks])
        writer.writerow(row)  # a float as repr gives it, None as nothing
    return text.getvalue()


def _failed(session: Session, source: Source) -> list[FailedRun]:
    """Evaluations that rest on a training that did not learn, and runs that failed or diverged and were not done again."""
    done = [*evaluations(source=source), run.c.state == RunState.DONE.value]
    found = [
        FailedRun(run=left.run, title=f"evaluate {left.recipe}, seed {left.seed}", why=left.why)
        for left in learning.left_out(session, done)
    ]
    again = select(run.c.fingerprint).where(run.c.state == RunState.DONE.value)
    lost = (
        select(run.c.id, run.c.kind, run.c.model, run.c.recipe, run.c.target, run.c.seed, run.c.state, run.c.error_type)
        .where(run.c.source == source.value, run.c.state.in_(_LOST), run.c.fingerprint.not_in(again))
        .order_by(run.c.id)
        .limit(MOST_FAILED)
    )
    for row in session.execute(lost).mappings():
        why = row["error_type"] or "no reason was recorded"
        found.append(FailedRun(run=row["id"], title=words.short(row), why=f"{row['state']}: {why}"))
    return found


# --- what to run next -----------------------------------------------------------------------------------------------


def _step(session: Session, source: Source, found: Fitted, need: Need) -> NextStep:
    """A need as an experiment, with what it would take."""
    template = largest(session, source)
    device = template.device if template else DeviceClass(found.device) if found.device else DeviceClass.CPU
    what, request = _request(template, source, found, need)
    nothing = {"device_hours": None, "runs": 0, "request": None}
    if request is None:
        why = (
            "No experiment of this benchmark is there to go on from."
            if template is None
            else "No such model or target is known here."
        )
        return NextStep(what=what, why=need.why, device_class=device, rests_on=why, **nothing)
    try:
        takes = outlay(session, request, costs.throughput(session))
    except CrossliftError as error:
        said = "; ".join([error.detail, *(e.message for e in error.errors)])
        return NextStep(
            what=what, why=need.why, device_class=device, rests_on=f"It cannot be planned: {said}", **nothing
        )
    rests = takes.rests_on + (f" {takes.ahead} of its runs wait or run already." if takes.ahead else "")
    return NextStep(
        what=what, why=need.why, device_class=request.device, device_hours=takes.device_hours, runs=takes.runs_to_do, rests_on=rests,
        request=request.model_dump(mode="json", exclude_defaults=True),
    )  # fmt: skip


def _request(
    template: ExperimentRequest | None, source: Source, found: Fitted, need: Need
) -> tuple[str, ExperimentRequest | None]:
    """The need in words, and the template changed to meet it."""
    changes: dict[str, Any] = {"name": "For the answer: "}
    said = []
    there = {o.model: o.parameters_non_embedding for o in found.observations}
    if need.group == "low":
        target = _low_resource_target(source, {o.target for o in found.observations})
        said.append(
            f"{TASKS[target].title}, which has low-resource languages"
            if target
            else "targets with low-resource languages"
        )
        if template is None or target is None:
            return said[0], None
        changes["targets"] = (target,)
    if need.sizes:
        more = _other_sizes(source, there, need.sizes)
        said.append(
            f"{'models' if need.sizes > 1 else 'a model'} of another size" + (f": {', '.join(more)}" if more else "")
        )
        if template is None or len(more) < need.sizes:
            return said[0] + (f", {need.seeds} seeds" if need.seeds else ""), None
        changes["models"] = (*dict.fromkeys([*sorted(there, key=lambda m: (there[m], m)), *more]),)
    if need.seeds:
        said.append(f"{need.seeds} seeds of every model")
        if template is not None:
            first = sorted({*template.seeds, *(o.seed for o in found.observations)})
            seeds = [*first, *(s for s in range(need.seeds + len(first)) if s not in first)]
            changes["seeds"] = tuple(seeds[: max(need.seeds, 1)])
    changes["name"] = ("For the answer: " + ", ".join(said))[:120]
    return ", ".join(said), template.model_copy(update=changes) if template else None


def _other_sizes(source: Source, there: dict[str, int], wanted: int) -> list[str]:
    """Models of sizes that are not there yet: the next larger ones, then the next smaller."""
    from backend.statistics.answer_words import STEP

    sizes_there = list(there.values())
    most = max(sizes_there, default=0)
    offered = [m for m in MODELS.values() if source in m.sources and m.name not in there]
    offered.sort(key=lambda m: (m.parameters_non_embedding < most, abs(m.parameters_non_embedding - most), m.name))
    chosen: list[str] = []
    for m in offered:
        if all(max(m.parameters_non_embedding, n) >= STEP * min(m.parameters_non_embedding, n) for n in sizes_there):
            chosen.append(m.name)
            sizes_there.append(m.parameters_non_embedding)
        if len(chosen) == wanted:
            break
    return chosen


def _low_resource_target(source: Source, there: set[str]) -> str | None:
    """The target with most low-resource languages that has no gains yet."""
    counts = {
        name: sum(LANGUAGES[code].resource == "low" for code in TASKS[name].languages_in(source) if code in LANGUAGES)
        for name in TARGETS
        if name not in there and not TASKS[name].diagnostic and TASKS[name].available_in(source)
    }
    best = max(counts, key=lambda name: (counts[name], name), default=None)
    return best if best is not None and counts[best] else None
