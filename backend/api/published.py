"""Published figures: the numbers of papers with where they stand, sets of them to explore, and how they compare with ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from backend.api import answers
from backend.api.answers import tagged
from backend.api.deps import AtDoor, Cursor, Door, Limit
from backend.api.problems import RESPONSES
from backend.domain.language import LANGUAGES
from backend.domain.literature import (
    AVERAGE,
    UNMATCHED,
    Protocol,
    PublishedGain,
    PublishedSet,
    PublishedSource,
    PublishedView,
    Reproduction,
)
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainMatrix, Page
from backend.domain.task import Source
from backend.errors import FieldError, Invalid, unknown
from backend.literature import sets
from backend.literature.comparable import comparable, is_assumed, languages
from backend.literature.differences import differences
from backend.literature.figures import Figure, figures, sources
from backend.literature.protocol import differing
from backend.store import reproduction
from backend.store.paging import read_cursor, write_cursor
from backend.store.reproduction import Measured

router = APIRouter(tags=["published"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

T = TypeVar("T")
Name = Annotated[str | None, Query(min_length=1, max_length=60)]
Word = Annotated[str | None, Query(min_length=1, max_length=100, description="part of a row, table, task or paper")]

_SOURCES = TypeAdapter(list[PublishedSource])
_SETS = TypeAdapter(list[PublishedSet])
_MATRIX = TypeAdapter(GainMatrix)


def _known(**said: tuple[str | None, Collection[str]]) -> None:
    """Raises:
    Invalid: a filter names what no figure has; says what there is.
    """
    wrong = [
        FieldError(f"query/{name}", unknown(name, value, sorted(there)))
        for name, (value, there) in said.items()
        if value is not None and value not in there
    ]
    if wrong:
        raise Invalid("Some names are not known.", errors=wrong)


def _page(rows: Sequence[tuple[int, T]], *, limit: int, cursor: str | None) -> Page[T]:
    """A page of rows with ids that grow."""
    after = read_cursor(cursor) or 0
    rest = [(id, row) for id, row in rows if id > after]
    return Page(
        items=[row for _, row in rest[:limit]],
        next_cursor=write_cursor(rest[limit - 1][0]) if len(rest) > limit else None,
        total=len(rows),
    )


def _holds(figure: Figure, q: str | None) -> bool:
    if q is None:
        return True
    text = f"{figure.row} {figure.target} {figure.table.title} {figure.table.cite} {figure.intermediate} {figure.note}"
    return q.casefold() in text.casefold()


def _matches(*asked: tuple[str | None, Callable[[Figure], str | None]]) -> Callable[[Figure], bool]:
    """Every filter that was given."""
    given = [(value, of) for value, of in asked if value is not None]
    return lambda f: all((of(f) or UNMATCHED) == value for value, of in given)


def _names(of: Callable[[Figure], str | None]) -> set[str]:
    return {of(f) or UNMATCHED for f in figures()}


@router.get("/published", operation_id="list_published", response_model=Page[PublishedView])
def list_published(
    request: Request,
    response: Response,
    paper: Name = None,
    table: Name = None,
    model: Name = None,
    task: Name = None,
    language: Name = None,
    metric: Name = None,
    protocol: Annotated[Protocol | None, Query()] = None,
    q: Word = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PublishedView]:
    """Published figures, each with its paper, table, row, protocol and what is different from how it is done here, in the order of
    their sources. Of `model` and `task`, `none` are those that are not in the catalogue; of `language`, `avg` are means as printed."""
    _known(
        paper=(paper, _names(lambda f: f.table.paper)),
        table=(table, _names(lambda f: f.table.name)),
        model=(model, _names(lambda f: f.model)),
        task=(task, _names(lambda f: f.task)),
        language=(language, _names(lambda f: f.language)),
        metric=(metric, _names(lambda f: f.metric)),
    )
    fits = _matches(
        (paper, lambda f: f.table.paper),
        (table, lambda f: f.table.name),
        (model, lambda f: f.model),
        (task, lambda f: f.task),
        (language, lambda f: f.language),
        (metric, lambda f: f.metric),
        (protocol, lambda f: f.protocol),
    )
    rows = [(f.id, f) for f in figures() if fits(f) and _holds(f, q)]
    found = _page(rows, limit=limit, cursor=cursor)
    page: Page[PublishedView] = Page(
        items=[f.view() for f in found.items], next_cursor=found.next_cursor, total=found.total
    )
    answers.link_next(request, response, page)
    return page


@router.get("/published/sources", operation_id="list_published_sources", response_model=list[PublishedSource])
def list_published_sources(request: Request) -> Response:
    """Every table that figures were read in, with how many there are of it."""
    return tagged(request, _SOURCES, sources())


@router.get("/published/gains", operation_id="list_published_gains", response_model=Page[PublishedGain])
def list_published_gains(
    request: Request,
    response: Response,
    model: Name = None,
    task: Name = None,
    metric: Name = None,
    catalogue: Annotated[bool, Query(description="only of models and tasks that are in the catalogue")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PublishedGain]:
    """Published gains: differences of two scores of one table, with and without an intermediate stage, and gains that were printed
    as such. Never across tables."""
    _known(
        model=(model, {g.model or UNMATCHED for g in differences()}),
        task=(task, {g.task or UNMATCHED for g in differences()}),
        metric=(metric, {g.metric for g in differences()}),
    )
    rows = [
        (g.id, g)
        for g in differences()
        if model in (None, g.model or UNMATCHED)
        and task in (None, g.task or UNMATCHED)
        and metric in (None, g.metric)
        and (not catalogue or (g.model and g.task))
    ]
    page = _page(rows, limit=limit, cursor=cursor)
    answers.link_next(request, response, page)
    return page


@router.get("/published/sets", operation_id="list_published_sets", response_model=list[PublishedSet])
def list_published_sets(request: Request) -> Response:
    """Sets of published figures that are complete enough to be explored like own results."""
    return tagged(request, _SETS, sets.listing())


@router.get("/published/sets/{name}", operation_id="get_published_set", response_model=GainMatrix)
def get_published_set(request: Request, name: Annotated[str, Path(max_length=60)], metric: Name = None) -> Response:
    """The gains of one set in the shape of own ones, by the same statistics: rows are what is compared with the baseline that the
    answer names, columns languages (of Vu et al.: English targets). What is left out is chosen: its first metric."""
    return tagged(request, _MATRIX, sets.explore(name, metric))


@router.get("/published/reproduction", operation_id="compare_published", response_model=Page[Reproduction])
def compare_published(
    request: Request,
    response: Response,
    door: AtDoor,
    source: Annotated[
        Source, Query(description="the benchmark of ours; `mini` is synthetic and was never published")
    ] = Source.HUB,
    model: Name = None,
    task: Name = None,
    language: Name = None,
    metric: Name = None,
    run: Annotated[bool, Query(description="only what was run here")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Reproduction]:
    """Published figures beside ours of the same model, recipe, task, language and metric: the difference, what differs between the
    protocols, or why there is none of ours. A printed mean is compared with ours over the same languages only."""
    if source is Source.MINI:
        message = "mini is a synthetic benchmark that nobody published figures of; accepted are hub and files"
        raise Invalid("The figures cannot be compared.", errors=[FieldError("query/source", message)])
    every = comparable()
    _known(
        model=(model, {str(f.model) for f in every}),
        task=(task, {str(f.task) for f in every}),
        language=(language, {f.language for f in every}),
        metric=(metric, {f.metric for f in every}),
    )
    some = [
        f
        for f in every
        if model in (None, f.model)
        and task in (None, f.task)
        and language in (None, f.language)
        and metric in (None, f.metric)
    ]
    if run:
        ours = _ours(door, some, source)
        rows = [(f.id, r) for f in some if (r := _beside(f, ours)).ours is not None]
        page = _page(rows, limit=limit, cursor=cursor)
    else:  # only those of the page are compared
        found = _page([(f.id, f) for f in some], limit=limit, cursor=cursor)
        ours = _ours(door, found.items, source)
        page = Page(items=[_beside(f, ours) for f in found.items], next_cursor=found.next_cursor, total=found.total)
    answers.link_next(request, response, page)
    return page


def _ours(door: Door, some: Sequence[Figure], source: Source) -> Mapping[reproduction.Key, Sequence[Measured]]:
    """What was measured here of the models, recipes, tasks and metrics of these figures."""
    with door.store.read() as session:
        return reproduction.measured(
            session,
            source=source,
            models={str(f.model) for f in some},
            targets={str(f.task) for f in some},
            recipes={str(f.recipe) for f in some},
            metrics={f.metric for f in some},
        )


def _beside(figure: Figure, measured: Mapping[reproduction.Key, Sequence[Measured]]) -> Reproduction:
    """One figure and ours."""
    assert figure.model is not None and figure.recipe is not None and figure.task is not None
    several = measured.get((figure.model, figure.recipe, figure.task, figure.metric), ())
    over = languages(figure)
    translated = figure.protocol in ("translate-train", "translate-train-all")
    ours = None if figure.protocol == "translate-test" else reproduction.best(several, over, translated=translated)
    notes = differing(figure)
    if is_assumed(figure):
        notes.append(f"its languages are not listed beside it: taken to be the {len(over)} of the benchmark")
    return Reproduction(
        published=figure.view(),
        ours=ours.value if ours else None,
        difference=_difference(figure, ours.value) if ours else None,
        sd=ours.sd if ours else None,
        seeds=ours.seeds if ours else 0,
        runs=list(ours.runs) if ours else [],
        why=None if ours else _why(figure, several, over, translated=translated),
        notes=notes,
    )


def _difference(figure: Figure, ours: float) -> float:
    """Ours minus published, so that above zero is better than published; of an error rate the reverse."""
    return (figure.value - ours) if lower_is_better(figure.metric) else (ours - figure.value)


def _why(figure: Figure, several: Sequence[Measured], over: Collection[str], *, translated: bool) -> str:
    if figure.protocol == "translate-test":
        return "not run here: test sets are not translated here"
    there = reproduction.languages_of(several, translated=translated) & set(over)
    if not there:
        return "not run here"
    if figure.language == AVERAGE:
        names = ", ".join(LANGUAGES[c].name if c in LANGUAGES else c for c in sorted(set(over) - there)[:6])
        return f"no seed has all {len(over)} languages here" + (f": missing are {names}" if names else "")
    return "not run here"
