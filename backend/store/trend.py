"""The fitted line of gain against model size on the trade-off: the answer page's model, kept to what the trade-off shows.

It is the mixed-effects model of ``statistics.answer``, of one target (and one language) at a time, so that its interval and the
answer's mean the same. Fitted when it is first asked for after a run has ended, and kept in memory as the answer is.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from backend.domain.language import ENGLISH, GROUPS, LANGUAGES
from backend.domain.model import MODELS
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.domain.trend import Size, Trend, TrendPoint, Trends
from backend.store import answer, pretrained, trained
from backend.store.measured import version

if TYPE_CHECKING:
    from backend.statistics.parts import Observation

KEPT = 40  # answers
KEPT_GAINS = 3  # benchmarks whose gains of single seeds are kept

_found: OrderedDict[tuple[Any, ...], tuple[str, Trends]] = OrderedDict()
_gains: OrderedDict[tuple[Any, ...], tuple[str, Sequence[Observation]]] = OrderedDict()
_one_at_a_time = Lock()


def trends(
    session: Session,
    *,
    source: Source,
    target: str | None,
    metric: str | None,
    languages: str,
    x: Size,
    each: bool = False,
) -> Trends:
    """A line for every target, or with ``each`` for every language of the target.

    Args:
        metric: only targets whose headline metric it is; None: all.
        languages: as on the trade-off. English is no transfer and in no line.
    """
    why = _why_none(target, metric, languages)
    if why is not None:
        return Trends(x=x, why=why, trends=[])
    pretrained.take_up(session)
    headline = {TASKS[t].headline for t in TARGETS}
    learnt = trained.by_settings(session, source)
    seen = (version(session, headline, source=source), sorted((k, sorted(v)) for k, v in learnt.items()), len(MODELS))
    mark = hashlib.sha256(repr(seen).encode()).hexdigest()
    where = (session.get_bind().engine.url, source)
    key = (*where, target, metric, languages, x, each)
    with _one_at_a_time:
        kept = _found.get(key)
        if kept is None or kept[0] != mark:
            gains = _gains.get(where)
            if gains is None or gains[0] != mark:
                gains = _gains[where] = (mark, answer.observations(session, source=source, learnt=learnt)[0])
                while len(_gains) > KEPT_GAINS:
                    _gains.popitem(last=False)
            some = [o for o in gains[1] if metric in (None, TASKS[o.target].headline)]
            kept = _found[key] = (mark, Trends(x=x, why=None, trends=fit_each(some, target, languages, x, each)))
            while len(_found) > KEPT:
                _found.popitem(last=False)
        _found.move_to_end(key)
        return kept[1]


def _why_none(target: str | None, metric: str | None, languages: str) -> str | None:
    if languages == ENGLISH:
        return "English is what everything is trained in: a gain there is no transfer"
    of = TARGETS if target is None else (target,)
    if metric is not None and metric not in {TASKS[t].headline for t in of if t in TASKS}:
        return "lines are fitted to gains by a target's headline metric"
    return None


def fit_each(
    observations: Sequence[Observation], target: str | None, languages: str, x: Size, each: bool
) -> list[Trend]:
    """The lines of these gains, by target and language."""
    few = GROUPS.get(languages, (languages,) if languages in LANGUAGES else None)
    some = [o for o in observations if target in (None, o.target) and (few is None or o.language in few)]
    if x == "parameters":  # the model is of the logarithm of a size, whichever it is
        some = [replace(o, parameters_non_embedding=o.parameters) for o in some]
    by_panel: dict[tuple[str, str], list[Observation]] = {}
    for o in some:
        by_panel.setdefault((o.target, o.language if each else languages), []).append(o)
    return [_fit(of_target, language, found) for (of_target, language), found in sorted(by_panel.items())]


def _fit(target: str, language: str, found: Sequence[Observation]) -> Trend:
    from backend.statistics import answer as look

    effect = look.effect("size", "Model size", "per ten-fold parameters", "all", found, look.of_size)
    return Trend(
        target=target,
        language=language,
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        verdict=effect.verdict,
        why=effect.why,
        line=[
            TrendPoint(x=p.parameters_non_embedding, gain=p.gain, low=p.low, high=p.high)
            for p in look.line(found, effect)
        ],
        gains=effect.gains,
        models=effect.models,
        seeds=effect.seeds,
        languages=effect.languages,
    )
