"""Models: every pretrained encoder there is, and pretraining one on text of one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.bodies import StrictRoute
from backend.api.deps import AtDoor, AtWho, Door
from backend.api.problems import RESPONSES
from backend.domain.experiment import plan_pretraining
from backend.domain.model import MODELS, Model
from backend.domain.pretraining import MOST_FILES, PretrainRequest, model_of, problems
from backend.domain.run import RunState
from backend.domain.schemas import ModelView, PretrainedView
from backend.domain.text import Unreadable, collect
from backend.errors import FieldError, Invalid, NotFound, unknown
from backend.settings import settings
from backend.store import audit, experiments, pretrained

router = APIRouter(tags=["catalogue"], responses=RESPONSES, route_class=StrictRoute)

Name = Annotated[str, Path(max_length=60)]
_MODELS = TypeAdapter(list[ModelView])
_MODEL = TypeAdapter(ModelView)


def model_view(model: Model, run: tuple[int, RunState] | None = None) -> ModelView:
    return ModelView(
        name=model.name,
        title=model.title,
        family=model.family.value,
        checkpoint=model.checkpoint,
        revision=model.revision,
        layers=model.architecture.layers,
        heads=model.architecture.heads,
        hidden=model.architecture.hidden,
        vocabulary=model.architecture.vocabulary,
        parameters=model.parameters,
        parameters_non_embedding=model.parameters_non_embedding,
        sources=[s.value for s in model.sources],
        licence=model.licence,
        citation=model.citation,
        note=model.note,
        pretrained=None if model.text is None else PretrainedView.of(model, run),
    )


def _views(door: Door) -> dict[str, ModelView]:
    with door.store.read() as session:
        pretrained.take_up(session)
        runs = pretrained.runs(session) if MODELS.mark else {}
    return {m.name: model_view(m, runs.get(m.name)) for m in MODELS.values()}


@router.get("/models", operation_id="list_models", response_model=list[ModelView])
def list_models(request: Request, door: AtDoor) -> Response:
    """Every pretrained encoder, those that are pretrained here last."""
    return tagged(request, _MODELS, list(_views(door).values()))


@router.get("/models/{name}", operation_id="get_model", response_model=ModelView)
def get_model(request: Request, name: Name, door: AtDoor) -> Response:
    """One pretrained encoder; of one that is pretrained here also the text and the run."""
    found = _views(door)
    if name not in found:
        raise NotFound(unknown("model", name, tuple(found)))
    return tagged(request, _MODEL, found[name])


@router.post(
    "/models",
    operation_id="pretrain_model",
    status_code=201,
    response_model=ModelView,
    responses={
        200: {
            "description": "This very model was there; its run is queued again if it had not come to an end.",
            "model": ModelView,
        },
        201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "address of the model"}}},
    },
)
def pretrain_model(body: PretrainRequest, door: AtDoor, who: AtWho, response: Response) -> ModelView:
    """Define a model and queue its pretrain run. The model can be used in experiments at once: they wait for that run.

    The text is read once here, to know its languages and to pin every file by its digest.
    """
    with door.store.read() as session:
        pretrained.take_up(session)
        commits = experiments.pins(session)
    errors = problems(body)
    if errors:
        raise Invalid("The model cannot be defined.", errors=errors)
    root = settings().data_root
    if root is None:
        raise Invalid(
            "The model cannot be defined.",
            errors=[
                FieldError(
                    "/text", "no data root is set: start the web process with CROSSLIFT_DATA_ROOT, the folder of text"
                )
            ],
        )
    try:
        corpus = collect(root, body.text, body.languages)
    except Unreadable as error:
        raise Invalid("The model cannot be defined.", errors=[FieldError("/text", error.detail)]) from error
    if len(corpus.files) > MOST_FILES:
        message = f"{len(corpus.files):,} files; at most {MOST_FILES:,} are accepted, so join some of them"
        raise Invalid("The model cannot be defined.", errors=[FieldError("/text", message)])
    model = model_of(body, corpus, commits.models)
    planned = plan_pretraining(model, commits)
    with door.store.write() as session:
        made = pretrained.define(session, model, body, planned)
        audit.write(session, who.name, "pretrained", f"model {model.name}")
        runs = pretrained.runs(session)
    door.announce(body.device, len(made.queued))
    response.headers["Location"] = f"/api/v1/models/{model.name}"
    if not made.created:
        response.status_code = 200
    return model_view(model, runs.get(model.name))
