"""An experiment as one file: written out, and brought in from another installation."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from backend.api.bodies import StrictRoute
from backend.api.deps import AtDoor, AtWho, Door, ExperimentId
from backend.api.health import program_version
from backend.api.problems import RESPONSES, Refused
from backend.domain.schemas import BroughtIn
from backend.exchange import arriving, leaving, packed
from backend.store import audit, experiments

router = APIRouter(tags=["experiments"], responses=RESPONSES, route_class=StrictRoute)

#: As a browser, a shell and a library name the same thing.
MEDIA: Final = ("application/zip", "application/octet-stream", "application/x-zip-compressed")
UNNAMED: Final = "an installation without a name"


@router.get(
    "/experiments/{experiment_id}/file",
    operation_id="pack_experiment",
    response_class=Response,
    responses={
        200: {
            "description": "A ZIP archive of YAML and Parquet; the same bytes for the same experiment.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def pack_experiment(
    experiment_id: ExperimentId,
    door: AtDoor,
    installation: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            pattern=r"^[\w .,:/()'&-]+$",
            description="what this installation calls itself; default: its public address",
        ),
    ] = None,
) -> Response:
    """An experiment that has ended, with its runs, scores and curves, as one file for another installation. Names of
    machines, addresses of artifacts, tracebacks and logs are not in it."""
    named = installation or door.public_url or UNNAMED
    with door.store.read() as session:
        content = leaving.gather(session, experiment_id, installation=named, program=program_version())
    name = f"crosslift-experiment-{experiment_id}.zip"
    return Response(
        packed.write(content),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post(
    "/experiments:bring",
    operation_id="bring_experiment",
    status_code=201,
    response_model=BroughtIn,
    responses={
        200: {"description": "This file was brought in before, or was only looked at.", "model": BroughtIn},
        201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "address of the experiment"}}},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "a file that `pack_experiment` of this or another installation answered with",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def bring_experiment(
    request: Request,
    response: Response,
    door: AtDoor,
    who: AtWho,
    keep_ours: Annotated[
        bool, Query(description="where a run was done here too and found other scores, show those of here")
    ] = False,
    check: Annotated[
        bool, Query(description="only judge the file and say what would come in: nothing is written")
    ] = False,
) -> BroughtIn:
    """Show what another installation has computed as it shows it, marked as brought in. The file is judged as a whole before
    anything is written. Its runs answer for nobody: an experiment that asks for the same computes it here. With `check` the
    answer is that of bringing it in, whose `experiment` has then no address here."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in MEDIA:
        raise Refused(415, f"The body must be the file itself, with Content-Type: {MEDIA[0]}.")
    data = await request.body()
    made = await run_in_threadpool(_bring, door, who.name, data, keep_ours, check)
    if check:
        response.status_code = 200
        return made
    response.headers["Location"] = f"/api/v1/experiments/{made.experiment.id}"
    if not made.created:
        response.status_code = 200
    return made


def _bring(door: Door, who: str, data: bytes, keep_ours: bool, check: bool) -> BroughtIn:
    content, sha256 = packed.read(data)
    arriving.check(content)  # before the transaction: other writers wait for that one
    with door.store.write() as session:
        made = arriving.bring(session, content, sha256, keep_ours=keep_ours)
        if made.created and not check:
            audit.write(session, who, "brought in", f"experiment {made.experiment}, {content.origin.name}"[:300])
        view = experiments.view(session, made.experiment)
        if check:  # by really doing it, so that nothing is judged otherwise, and taking it back
            session.rollback()
    return BroughtIn(experiment=view, created=made.created, runs=made.runs, shared=made.shared, ours=made.ours)
