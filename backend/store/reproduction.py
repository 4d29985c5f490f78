"""Own scores beside published ones: the same model, recipe, target, language and metric. Compared, and never mixed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.run import RunState
from backend.domain.task import Source
from backend.store import learning, trained
from backend.store.measured import evaluations
from backend.store.tables import run, score


@dataclass(slots=True)
class Measured:
    """Scores of one model, recipe, target, metric and settings: seed → language → points. Runs of a training that did not learn
    are not among them."""

    settings: str
    translated: bool  # fine-tuned on rows that are not English
    seeds: dict[int | None, dict[str, float]] = field(default_factory=dict)
    runs: dict[int | None, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ours:
    """A mean over seeds, points; ``sd`` over seeds (n − 1), None for one."""

    value: float
    sd: float | None
    seeds: int
    runs: tuple[int, ...]


Key = tuple[str, str, str, str]  # model, recipe, target, metric


def measured(
    session: Session,
    *,
    source: Source,
    models: Collection[str],
    targets: Collection[str],
    recipes: Collection[str],
    metrics: Collection[str],
) -> Mapping[Key, list[Measured]]:
    """What was measured of these models, targets, recipes and metrics on one benchmark."""
    here = [
        *evaluations(source=source),
        run.c.state == RunState.DONE.value,
        run.c.model.in_(sorted(models)),
        run.c.target.in_(sorted(targets)),
        run.c.recipe.in_(sorted(recipes)),
    ]
    out = {left.run for left in learning.left_out(session, here)}
    translated = trained.by_settings(session, source)
    query = (
        select(
            run.c.model, run.c.recipe, run.c.target, score.c.metric, run.c.settings, run.c.seed, run.c.id,
            score.c.language, score.c.value,
        )
        .join(score, score.c.run_id == run.c.id)
        .where(*here, score.c.metric.in_(sorted(metrics)))
        .order_by(run.c.id)
    )  # fmt: skip
    found: defaultdict[Key, dict[str, Measured]] = defaultdict(dict)
    for model, recipe, target, metric, settings, seed, id, language, value in session.execute(query):
        if id in out:
            continue
        into = found[model, recipe, target, metric].setdefault(
            settings, Measured(settings, bool(translated.get(settings)))
        )
        if into.runs.setdefault(seed, id) == id:  # the first run, as gains take it
            into.seeds.setdefault(seed, {})[language] = value
    return {key: list(by.values()) for key, by in found.items()}


def mean_over(of: Measured, languages: Collection[str]) -> Ours | None:
    """The mean over these languages, seed by seed, then over the seeds that have all of them. None: no seed has."""
    whole = {seed: scores for seed, scores in of.seeds.items() if languages and scores.keys() >= set(languages)}
    if not whole:
        return None
    per_seed = [math.fsum(scores[code] for code in languages) / len(languages) for scores in whole.values()]
    n = len(per_seed)
    value = math.fsum(per_seed) / n
    sd = math.sqrt(math.fsum((v - value) ** 2 for v in per_seed) / (n - 1)) if n > 1 else None
    return Ours(value, sd, n, tuple(of.runs[seed] for seed in whole))


def best(several: Collection[Measured], languages: Collection[str], *, translated: bool) -> Ours | None:
    """Of what was measured under several settings: most seeds, then the latest run; never chosen by the result."""
    found = [ours for m in several if m.translated is translated and (ours := mean_over(m, languages)) is not None]
    return max(found, key=lambda o: (o.seeds, max(o.runs)), default=None)


def languages_of(several: Collection[Measured], *, translated: bool) -> set[str]:
    """Languages with any score."""
    return {code for m in several if m.translated is translated for scores in m.seeds.values() for code in scores}
