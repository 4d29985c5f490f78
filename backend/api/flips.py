"""Examples that flipped: those that a recipe turned from wrong to right and from right to wrong, in one language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from backend.api import answers
from backend.api.answers import link_next, tagged
from backend.api.certainty import Model, OneLanguage, Recipe
from backend.api.deps import AtDoor, Cursor, Door, Limit
from backend.api.gains import Name, Settings, check
from backend.api.problems import RESPONSES
from backend.domain.flips import Direction, FlippedExample, Flips
from backend.domain.schemas import Page
from backend.domain.task import Source
from backend.errors import NotFound
from backend.settings import settings as of_process

if TYPE_CHECKING:  # the statistics are loaded when somebody asks first
    from backend.store.flipped import Asked, Judged
    from backend.store.texts import Texts

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

_FLIPS: Final = TypeAdapter(Flips)

Kind = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[a-z]{1,12}:[A-Za-z0-9_+-]{1,60}(,[a-z]{1,12}:[A-Za-z0-9_+-]{1,60}){0,5}$",
        description="only examples of these kinds, as the `kinds` of the summary name them: `length:3,label:neutral`",
        examples=["length:1"],
    ),
]
Seed = Annotated[int | None, Query(ge=0, le=2**32 - 1, description="one seed; else all that the gain has")]


@dataclass(frozen=True, slots=True)
class Question:
    """What every address here is asked for."""

    model: str
    target: str
    recipe: str
    language: str
    metric: str | None
    settings: str | None
    source: Source
    seed: int | None
    kind: str | None

    @property
    def wanted(self) -> list[tuple[str, str]]:
        pairs = (each.partition(":") for each in self.kind.split(",")) if self.kind else ()
        return [(key, name) for key, _, name in pairs]


async def _question(
    model: Model,
    target: Model,
    recipe: Recipe,
    language: OneLanguage,
    metric: Name = None,
    settings: Settings = None,
    source: Source = Source.MINI,
    seed: Seed = None,
    kind: Kind = None,
) -> Question:
    return Question(model, target, recipe, language, metric, settings, source, seed, kind)


AtQuestion = Annotated[Question, Depends(_question)]


@router.get("/gains/flipped", operation_id="get_flips", response_model=Flips)
def get_flips(request: Request, door: AtDoor, of: AtQuestion) -> Response:
    """How many test examples a recipe turned, seed by seed: McNemar's table with its exact test, and the kinds of examples that were
    turned. Predictions of baseline and recipe with the same seed are compared, as they were stored."""
    from backend.store import flipped

    asked = _asked(door, of)
    found, why = _judged(asked)
    known = flipped.known_texts(asked, of_process().artifact_root, of_process().data_root)
    return tagged(request, _FLIPS, flipped.summary(asked, found, of.wanted, known, why))


@router.get("/gains/flipped/examples", operation_id="list_flips", response_model=Page[FlippedExample])
def list_flips(
    request: Request,
    response: Response,
    door: AtDoor,
    of: AtQuestion,
    direction: Annotated[
        Direction, Query(description="wrong before and right with the recipe, or the other way round")
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[FlippedExample]:
    """The examples that more seeds turned in this direction than in the other, most seeds first, with text where it is known,
    gold answer, and what each seed said without and with the recipe."""
    from backend.store import flipped

    asked = _asked(door, of)
    found, known = _whole(asked)
    page = flipped.page(asked, found, of.wanted, known, direction, limit=limit, cursor=cursor)
    link_next(request, response, page)
    return page


@router.get(
    "/gains/flipped/export",
    operation_id="export_flips",
    response_class=StreamingResponse,
    responses={200: {"description": "One example and seed a row.", **answers.TABLE[200]}},
)
def export_flips(
    door: AtDoor,
    of: AtQuestion,
    direction: Annotated[Direction | None, Query(description="one direction alone")] = None,
    format: Annotated[answers.Format, Query(description="csv (RFC 4180) or one JSON object a line")] = "csv",
) -> Response:
    """The same as a table. Texts are the data set's and stay under its licence, which each row names."""
    from backend.store import flipped

    asked = _asked(door, of)
    found, known = _whole(asked)
    rows = list(flipped.exported(asked, found, of.wanted, known, direction))
    recipe = "".join(c if c.isascii() and c.isalnum() else "-" for c in of.recipe)
    name = f"crosslift-flips-{of.source.value}-{of.model}-{recipe}-{of.target}-{of.language}"
    return answers.download(rows, flipped.EXPORTED, name=name, format=format)


def _asked(door: Door, of: Question) -> Asked:
    from backend.store import flipped, predicted

    check(door, model=of.model, target=of.target, metric=of.metric, settings=of.settings)
    with door.store.read() as session:
        chosen = predicted.choose(
            session, model=of.model, target=of.target, metric=of.metric, recipe=of.recipe, language=of.language,
            settings=of.settings, source=of.source,
        )  # fmt: skip
        return flipped.asked(session, chosen, of.seed)


def _judged(asked: Asked) -> tuple[Judged | None, str | None]:
    """Every example, or why they cannot be compared."""
    from backend.statistics.table import Unusable
    from backend.store import flipped

    try:
        return flipped.judged(asked, of_process().artifact_root), None
    except Unusable as error:
        return None, str(error)


def _whole(asked: Asked) -> tuple[Judged, Texts]:
    """Raises: NotFound: there are no predictions to compare."""
    from backend.store import flipped

    found, why = _judged(asked)
    if found is None:
        raise NotFound(f"There are no examples to show: {why}.")
    return found, flipped.known_texts(asked, of_process().artifact_root, of_process().data_root)
