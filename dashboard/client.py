"""The only file that speaks HTTP: schemas in, schemas out.

It takes an ``httpx.AsyncClient`` and does not ask where that leads: into this very process (``server.create``) or to an
API that runs elsewhere. What the API refuses comes back as the error it was, from ``backend.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from dash import get_app
from pydantic import TypeAdapter, ValidationError

from backend.domain.schemas import ExperimentView, GainMatrix, Health, Page, Problem, QueueView, RunView
from backend.errors import Conflict, CrossliftError, FieldError, Invalid, NotFound, TooMany, Unavailable

T = TypeVar("T")

_ERRORS: Mapping[int, type[CrossliftError]] = {e.status: e for e in (Invalid, NotFound, Conflict, TooMany, Unavailable)}


class Client:
    """What the pages ask the API, one method a question.

    Every method raises a ``CrossliftError``: the API's own refusal, or ``Unavailable`` when it does not answer or
    answers something else.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def matrix(self, *, model: str | None, target: str | None, metric: str | None, source: str) -> GainMatrix:
        """The heatmap of one model, target and metric; what is None the API chooses.

        Raises:
            NotFound: the store holds no run of this benchmark.
        """
        asked = {"model": model, "target": target, "metric": metric, "source": source}
        return await self._get(TypeAdapter(GainMatrix), "/api/v1/gains", {k: v for k, v in asked.items() if v})

    async def experiments(self, limit: int = 20) -> Page[ExperimentView]:
        """The newest first."""
        return await self._get(TypeAdapter(Page[ExperimentView]), "/api/v1/experiments", {"limit": limit})

    async def queue(self) -> QueueView:
        return await self._get(TypeAdapter(QueueView), "/api/v1/queue")

    async def run(self, id: int) -> RunView:
        return await self._get(TypeAdapter(RunView), f"/api/v1/runs/{id}")

    async def version(self) -> str:
        """Of the program that answers."""
        return (await self._get(TypeAdapter(Health), "/healthz")).version

    async def _get(self, shape: TypeAdapter[T], path: str, query: Mapping[str, Any] | None = None) -> T:
        try:
            answer = await self.http.get(path, params=query)
        except httpx.HTTPError as error:
            raise Unavailable(f"The API does not answer ({type(error).__name__}).") from error
        if answer.is_error:
            raise _error(answer)
        try:
            return shape.validate_json(answer.content)
        except ValidationError as error:
            raise Unavailable(f"The API at {path} answered in a shape that this version does not know.") from error


def _error(answer: httpx.Response) -> CrossliftError:
    """The error a problem+json body stands for; anything else is the API not being there."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return Unavailable(f"The API answered {answer.status_code} without saying why.")
    fields = [FieldError(e.pointer, e.message) for e in problem.errors or ()]
    kind = _ERRORS.get(answer.status_code, CrossliftError if answer.status_code >= 500 else Unavailable)
    return kind(problem.detail, errors=fields)


def client() -> Client:
    """The client of the application that is being served."""
    found = get_app().server.state.client
    assert isinstance(found, Client)
    return found
