"""From the state of Explore to the numbers it names, or to why there are none."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_args

from backend.domain.address import metrics_of
from backend.domain.literature import PublishedView
from backend.domain.schemas import GainMatrix
from backend.domain.tasks import TARGETS
from backend.errors import CrossliftError, Invalid
from dashboard import beside, crossed, subset
from dashboard.client import Client
from dashboard.links import Answer, Explore, Fade, Languages, Order, Overview, Source, Tradeoff, Value
from dashboard.words import ended, live

State = TypeVar("State", Explore, Tradeoff, Overview, Answer, Languages)

KEPT = 32  # matrices that another view of the same numbers is drawn from
KEPT_SECONDS = 300.0  # at most; what has happened is seen sooner, see ``noticed``
AHEAD_AFTER = (
    0.25  # seconds since the last answer to a reader, before each single thing that may be chosen next is read
)
MOST_AHEAD = 16  # matrices that are read ahead


@dataclass(frozen=True, slots=True)
class Shown:
    """What a state leads to: the numbers, or why there are none. ``state`` names what the API chose; ``numbers`` is equal
    for equal answers."""

    state: Explore
    matrix: GainMatrix | None
    problem: CrossliftError | None = None
    running: int = 0
    experiments: int = 0
    numbers: str = ""
    published: Sequence[PublishedView] = ()

    @property
    def empty(self) -> bool:
        """Nothing worth a figure: no cell that is looked at has a score."""
        return self.matrix is None or _bare(subset.narrow(self.matrix, self.state.languages))

    @property
    def elsewhere(self) -> bool:
        """There are numbers, but not in the languages that are looked at."""
        return self.matrix is not None and self.empty and not _bare(self.matrix)

    @property
    def recipes(self) -> list[str]:
        """What one recipe can be chosen from."""
        if self.matrix is None:
            return []
        return self.matrix.axes.recipes if self.matrix.axes is not None else [r.recipe for r in self.matrix.recipes]

    @property
    def _offered(self) -> tuple[object, ...] | None:
        """What there is to choose from; what is chosen counts only where it is not among it."""
        if (m := self.matrix) is None:
            return None
        said = ((self.state.model, m.models), (self.state.target, m.targets), (self.state.metric, m.metrics))
        known = (m.models, m.targets, m.metrics, [(c.name, c.title) for c in m.choices])
        return *known, *(name for name, offered in said if name not in offered)

    @property
    def digests(self) -> dict[str, str]:
        """Of each part of the page that is drawn from the numbers: equal for equal parts."""
        s = replace(self.state, cell=None, below="none")  # which cell is open is told in the browser
        what = self.numbers or f"{self.problem} {self.running} {self.experiments}"
        languages = self.matrix.languages if self.matrix is not None else None
        parts: dict[str, object] = {
            "figure": (what, s.value, s.order, s.languages, s.fade, s.colours, s.source, s.layout, len(self.published)),
            "said": (what, s.languages),
            "lists": (what, s),
            "rows": (what, s.value, s.languages, s.order == "cluster"),
            "columns": (
                languages, s.layout, s.value == "score", s.value == "cost", s.order, s.languages, what * (s.order in ("gain", "cluster"))
            ),
            "words": (what, s.value, s.languages, s.order == "cluster", s.layout, len(self.published)),
            "choices": (self._offered, languages, self.recipes),
            "frame": (
                self.empty and (what, s, self.running, self.experiments), self.matrix is not None and bool(self.matrix.choices),
                s.layout,
            ),
            "below": (what, self.state.below, s.languages, s.recipe, s.colours),
        }  # fmt: skip
        return {name: hashlib.sha256(repr(part).encode()).hexdigest()[:12] for name, part in parts.items()}


def _bare(matrix: GainMatrix) -> bool:
    return all(c.gain is None and c.treated is None for c in matrix.cells)


async def find(api: Client, state: Explore, *, fresh: bool = True) -> Shown:
    """Ask the API for what a state names; a name that it does not know counts as not given.

    Args:
        fresh: False where an answer of the last minutes will do, if nothing has happened since (``forget``): the same numbers are
            to be shown otherwise, or a reader goes to and fro between targets.
    """
    api.asking += 1
    try:
        return await _with_published(api, await _find(api, state, fresh=fresh))
    finally:
        api.asking -= 1
        api.rested = time.monotonic()


async def _with_published(api: Client, shown: Shown) -> Shown:
    if shown.matrix is None or not beside.wants_scores(shown.state):
        return shown
    return replace(shown, published=await beside.scores(api, shown.matrix))


async def _find(api: Client, state: Explore, *, fresh: bool) -> Shown:
    asked = state
    if asked.metric is not None and asked.target in TARGETS and asked.metric not in metrics_of(asked.target):
        asked = replace(asked, metric=None)  # that of the target before
    first = _name(asked)
    if not fresh and (kept := _known(api, first)) is not None:
        shown = Shown(_named(asked, kept[1]), kept[1], numbers=kept[2])
        return replace(shown, **await around(api, asked.source)) if shown.empty else shown
    heard = api.pulse
    while True:
        try:
            matrix, numbers = await _numbers(api, asked)
        except Invalid as error:
            refused = {e.pointer.rpartition("/")[2] for e in error.errors}
            given = {
                name for name in ("model", "target", "metric", "settings", "recipe") if getattr(asked, name) is not None
            }
            if not given:
                return Shown(asked, None, error)
            dropped: dict[str, Any] = dict.fromkeys(refused & given or {"metric"} & given or given)
            asked = replace(asked, **dropped)
        except CrossliftError as error:
            return Shown(asked, None, error, **await around(api, asked.source))
        else:
            shown = Shown(_named(asked, matrix), matrix, numbers=numbers)
            keep = _kept(api)
            for name in (first, _name(shown.state)):  # as it was asked for, and as it is
                keep.pop(name, None)
                if api.pulse == heard:  # else runs have ended since it was asked for
                    keep[name] = (time.monotonic(), matrix, numbers)
            while len(keep) > 2 * KEPT:
                del keep[next(iter(keep))]
            return replace(shown, **await around(api, asked.source)) if shown.empty else shown


async def _numbers(api: Client, asked: Explore) -> tuple[GainMatrix, str]:
    if asked.layout == crossed.PLAIN:
        return await api.numbers(
            model=asked.model, target=asked.target, metric=asked.metric, source=asked.source, settings=asked.settings
        )
    of_targets = asked.layout == "recipe-target"
    codes, over = subset.of_means(asked.languages) if of_targets else (None, "")
    matrix, numbers = await api.crossed(
        {
            "layout": asked.layout,
            "model": asked.model,
            "target": asked.target,
            "recipe": None if of_targets else asked.recipe,
            "languages": ",".join(sorted(codes)) if codes else None,
            "source": asked.source,
        }
    )
    if codes and matrix.axes is not None:  # said by the names that were chosen
        matrix = matrix.model_copy(update={"axes": crossed.over(matrix.axes, over)})
    return matrix, numbers


def look_ahead(api: Client, shown: Shown, prepare: Callable[[Shown], None], *, again: bool = False) -> None:
    """Read, while a reader looks at one matrix, what is one choice away: the same in another order, faded, as scores; then its
    other settings, the same model's on other targets, the same target's with other models. Only for somebody who chooses, never
    because runs have ended. One after the other, each only when nobody has asked for anything for a while: this runs on the cores
    that would answer them. What was looked at last goes before what is still to be read for what was looked at before.

    Args:
        prepare: makes of each what a page will ask for; called in a thread.
        again: the same numbers as before are shown, otherwise: what else there is to read is known already.
    """
    if shown.matrix is None:
        return
    others = (
        [one for one in api.likely if _name(one) != _name(shown.state)]
        if again
        else _one_choice_away(shown.state, shown.matrix)[:MOST_AHEAD]
    )
    api.likely = _shown_otherwise(shown.state) + others
    if api.ahead is None or api.ahead.done():
        api.ahead = asyncio.create_task(_read_ahead(api, prepare))


def _one_choice_away(state: Explore, matrix: GainMatrix) -> list[Explore]:
    if state.layout != crossed.PLAIN:
        return []  # these take as long to read as everything that is read ahead otherwise
    settings = [replace(state, settings=c.name) for c in matrix.choices if c.name != state.settings]
    state = replace(state, settings=None)  # those of one model and target are no others'
    targets = [replace(state, target=t, metric=None) for t in matrix.targets if t != state.target]
    models = [replace(state, model=m) for m in matrix.models if m != state.model]
    return settings + targets + models


def _shown_otherwise(state: Explore) -> list[Explore]:
    """The same numbers in every other way that one control away is."""
    orders = [replace(state, order=order) for order in get_args(Order) if order != state.order]
    values = [replace(state, value=value) for value in get_args(Value) if value != state.value]
    fades = [replace(state, fade=fade) for fade in get_args(Fade) if fade != state.fade]
    return [*orders, *fades, *values]


async def _read_ahead(api: Client, prepare: Callable[[Shown], None]) -> None:
    while api.likely:
        if (wait := api.rested + AHEAD_AFTER - time.monotonic()) > 0 or api.asking:
            await asyncio.sleep(max(wait, 0.02))
            continue
        likely = api.likely.pop(0)
        shown = await _with_published(api, await _find(api, likely, fresh=False))  # or another figure would be written
        await asyncio.to_thread(prepare, shown)
        await asyncio.sleep(0.02)  # whoever asked meanwhile comes first


def _named(state: Explore, matrix: GainMatrix) -> Explore:
    if matrix.axes is not None:  # of several targets there is no one metric
        return replace(state, model=matrix.model, target=matrix.target, recipe=matrix.axes.recipe or state.recipe)
    return replace(state, model=matrix.model, target=matrix.target, metric=matrix.metric)


def _known(api: Client, name: tuple[str | None, ...]) -> tuple[float, GainMatrix, str] | None:
    """An answer of the last minutes."""
    kept = _kept(api).get(name)
    return kept if kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS else None


def forget(api: Client) -> None:
    """Runs have ended: what was answered before may no longer hold."""
    _kept(api).clear()


def noticed(api: Client, pulse: str) -> None:
    """What every page hears about every few seconds: where it is not what was heard last, runs have ended. A page that has just
    been opened hears of it too, which is no news: what was read ahead for it stays."""
    if api.pulse != pulse:
        forget(api)
    api.pulse = pulse


def _kept(api: Client) -> dict[tuple[str | None, ...], tuple[float, GainMatrix, str]]:
    return api.kept


def _name(state: Explore) -> tuple[str | None, ...]:
    if state.layout == crossed.PLAIN:
        return state.source, state.model, state.target, state.metric, state.settings
    if state.layout == "recipe-target":
        return state.source, state.model, state.target, state.layout, state.languages
    return state.source, state.model, state.target, state.layout, state.recipe


async def settled(api: Client, kind: type[State], search: str | None) -> State:
    """The state that an address names. One that names nothing at all is of the benchmark that the newest experiments are of: a lab that
    never used the mini world is not led to an empty page of it."""
    state = kind.of(search or "")
    if (search or "").lstrip("?"):
        return state
    return replace(state, source=await _benchmark(api, state.source))


async def left(api: Client, state: Explore | Tradeoff | Overview | Answer | Languages) -> str:
    """The address that a page leaves where it is shown: that of its state, with the benchmark where a bare one would be of another."""
    if "?" in state.address or await _benchmark(api, state.source) == state.source:
        return state.address
    return f"{state.address}?source={state.source}"


async def _benchmark(api: Client, source: Source) -> Source:
    """This one, or that of the newest experiment where no new experiment is of it."""
    try:
        found = await api.experiments()
    except CrossliftError:
        return source
    sources: list[Source] = [e.request.source.value for e in found.items]
    return source if not sources or source in sources else sources[0]


async def around(api: Client, source: str) -> dict[str, Any]:
    """Runs on the way for this benchmark, and experiments of any: an empty page says different things about them."""
    try:
        found = await api.experiments()
    except CrossliftError:
        return {}
    here = [e for e in found.items if e.request.source.value == source]
    return {"running": sum(e.runs - ended(e) for e in live(here)), "experiments": found.total}
