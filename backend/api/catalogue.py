"""What there is to choose from: tasks and languages. Nothing here touches the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.problems import RESPONSES
from backend.domain.language import LANGUAGES, Language
from backend.domain.schemas import LanguageView, TaskView
from backend.domain.task import Source, Split, Task
from backend.domain.tasks import TASKS
from backend.errors import NotFound, unknown

router = APIRouter(tags=["catalogue"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

Name = Annotated[str, Path(max_length=60)]

_TASKS = TypeAdapter(list[TaskView])
_LANGUAGES = TypeAdapter(list[LanguageView])
_ONE: dict[type[Any], TypeAdapter[Any]] = {v: TypeAdapter(v) for v in (TaskView, LanguageView)}


def task_view(task: Task) -> TaskView:
    return TaskView(
        name=task.name,
        title=task.title,
        summary=task.summary,
        version=task.version,
        format=task.format.value,
        roles=sorted(role.value for role in task.roles),
        languages=list(task.languages),
        mini_languages=list(task.mini_languages),
        metrics=list(task.metrics),
        trained_on=task.trained_on,
        sources=[s.value for s in Source if task.available_in(s)],
        train_examples=task.sizes.get(Split.TRAIN),
        licence=task.licence,
        citation=task.citation,
    )


def language_view(language: Language) -> LanguageView:
    return LanguageView(
        code=language.code,
        name=language.name,
        endonym=language.endonym,
        family=language.family,
        branch=language.branch,
        script=language.script,
        direction=language.direction,
        resource=language.resource,
    )


def _one(request: Request, noun: str, known: Any, name: str, view: Callable[[Any], Any]) -> Response:
    if name not in known:
        raise NotFound(unknown(noun, name, tuple(known)))
    shown = view(known[name])
    return tagged(request, _ONE[type(shown)], shown)


@router.get("/tasks", operation_id="list_tasks", response_model=list[TaskView])
def list_tasks(request: Request) -> Response:
    """Every task: intermediate, target, or the training set of a target."""
    return tagged(request, _TASKS, [task_view(t) for t in TASKS.values()])


@router.get("/tasks/{name}", operation_id="get_task", response_model=TaskView)
def get_task(request: Request, name: Name) -> Response:
    """One task."""
    return _one(request, "task", TASKS, name, task_view)


@router.get("/languages", operation_id="list_languages", response_model=list[LanguageView])
def list_languages(request: Request) -> Response:
    """Every language of XTREME-R, by its two-letter code."""
    return tagged(request, _LANGUAGES, [language_view(x) for x in LANGUAGES.values()])


@router.get("/languages/{code}", operation_id="get_language", response_model=LanguageView)
def get_language(request: Request, code: Name) -> Response:
    """One language."""
    return _one(request, "language", LANGUAGES, code, language_view)
