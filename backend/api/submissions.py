"""Submissions to XTREME and XTREME-R: one that somebody sends is checked and scored, one of stored predictions is built."""

from __future__ import annotations

import io
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from backend.api.bodies import StrictRoute
from backend.api.deps import AtDoor, Door, ExperimentId
from backend.api.exchange import MEDIA
from backend.api.problems import RESPONSES, Refused
from backend.domain.schemas import ExperimentView, RunView
from backend.domain.submission import BenchmarkName, SubmissionCheck, SubmissionChoice
from backend.errors import Conflict, NotFound, TooMany, Unavailable
from backend.settings import settings
from backend.store import experiments, history
from backend.submission.benchmarks import BENCHMARKS, Benchmark
from backend.submission.check import check
from backend.submission.stored import Choice, submissions, write_zip
from backend.submission.unpack import MOST_BYTES, unpack
from backend.submission.view import view

router = APIRouter(tags=["submissions"], responses=RESPONSES, route_class=StrictRoute)

_AT_ONCE: Final = threading.BoundedSemaphore(2)  # a check may read half a gigabyte
_IN_MEMORY: Final = 8 << 20  # of an upload; what is longer is kept on the disk meanwhile

Which = Annotated[BenchmarkName, Query(description="whose tasks, languages and groups")]
Model = Annotated[str | None, Query(min_length=1, max_length=60, description="only this model")]
Recipe = Annotated[str | None, Query(min_length=1, max_length=200, description="only this recipe")]
Seed = Annotated[int | None, Query(ge=0, le=2**32 - 1, description="only this seed")]


@router.post(
    "/submissions:check",
    operation_id="check_submission",
    response_model=SubmissionCheck,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "a ZIP of `{task}/test-{language}.{tsv,json,jsonl}`, below any folder; a folder `labels` beside or in it holds "
            f"the gold answers. At most {MOST_BYTES:,} bytes",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def check_submission(
    request: Request,
    benchmark: Which = "xtreme-r",
    folder: Annotated[
        str | None, Query(max_length=300, description="which of several submissions in the archive, by its folder")
    ] = None,
) -> SubmissionCheck:
    """Check a submission file by file and preview its scores, by the official rules and with LAReQA. Labels are those in the
    archive, else those below `labels` in the data root; without either files are read and not scored. Nothing is kept."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in MEDIA:
        raise Refused(415, f"The body must be the file itself, with Content-Type: {MEDIA[0]}.")
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
        async for chunk in request.stream():
            body.write(chunk)
        body.seek(0)
        return await run_in_threadpool(_check, body, BENCHMARKS[benchmark], folder)


def _check(body: tempfile.SpooledTemporaryFile[bytes], benchmark: Benchmark, folder: str | None) -> SubmissionCheck:
    with _one_of_few(), tempfile.TemporaryDirectory(prefix="crosslift-check-") as into:
        try:
            found = unpack(body, Path(into), folder=folder)
        except OSError as error:
            raise Unavailable(f"There is no room to unpack it: {error.strerror or type(error).__name__}.") from None
        origin: Literal["upload", "data root"] | None = "upload" if found.labels is not None else None
        labels = found.labels
        if labels is None and (labels := _labels_of_root(benchmark)) is not None:
            origin = "data root"
        assert found.predictions is not None  # else ``unpack`` had refused it
        checked = check(found.predictions, labels, benchmark)
        return view(checked, benchmark, folder=found.top, labels=origin, files=found.files, aside=found.aside)


class _one_of_few:
    """Raises: TooMany: enough of them are at work."""

    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=5):
            raise TooMany("Two submissions are being checked already. Try again in a moment.", after=5)

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()


def _labels_of_root(benchmark: Benchmark) -> Path | None:
    """Gold answers in XTREME's layout under the data root: ``labels/xtreme-r``, else ``labels``."""
    root = settings().data_root
    for place in (root / "labels" / benchmark.name, root / "labels") if root is not None else ():
        if any((place / name).is_dir() for name in benchmark.tasks):
            return place
    return None


# --- of stored predictions ---------------------------------------------------------------------------------------------


@router.get(
    "/experiments/{experiment_id}/submissions", operation_id="list_submissions", response_model=list[SubmissionChoice]
)
def list_submissions(
    experiment_id: ExperimentId, door: AtDoor, benchmark: Which = "xtreme-r"
) -> list[SubmissionChoice]:
    """The submissions that the stored predictions of an experiment make: one a model, recipe and seed."""
    with door.store.read() as session:
        _, runs = _runs(session, experiment_id)
    try:
        found = submissions(runs, BENCHMARKS[benchmark])
    except NotFound:
        return []
    return [
        SubmissionChoice(
            model=choice.model, recipe=choice.recipe, seed=choice.seed, tasks=list(tasks),
            missing=[name for name in BENCHMARKS[benchmark].tasks if name not in tasks],
        )
        for choice, tasks in sorted(found.items(), key=lambda item: (item[0].model, item[0].recipe, item[0].seed or 0))
    ]  # fmt: skip


@router.get(
    "/experiments/{experiment_id}/submission",
    operation_id="build_submission",
    response_class=Response,
    responses={
        200: {
            "description": "A ZIP archive in the official layout.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def build_submission(
    experiment_id: ExperimentId, door: AtDoor, benchmark: Which = "xtreme-r", model: Model = None, recipe: Recipe = None,
    seed: Seed = None, gold: Annotated[bool, Query(description="the labels in the place of predictions")] = False,
) -> Response:  # fmt: skip
    """A submission from stored predictions, as `crosslift export xtreme-r` writes it: one model, recipe and seed at the top of the
    archive, several in a folder each. What was not evaluated is not in it."""
    of = BENCHMARKS[benchmark]
    with tempfile.TemporaryDirectory(prefix="crosslift-build-") as into:
        path = Path(into) / "submission.zip"
        _build(door, experiment_id, of, path, model=model, recipe=recipe, seed=seed, gold=gold)
        content = path.read_bytes()
    name = f"crosslift-{of.name}-{experiment_id}{'-labels' if gold else ''}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.get(
    "/experiments/{experiment_id}/submission/check",
    operation_id="check_stored_submission",
    response_model=SubmissionCheck,
)
def check_stored_submission(
    experiment_id: ExperimentId, door: AtDoor, model: Annotated[str, Query(min_length=1, max_length=60)],
    recipe: Annotated[str, Query(min_length=1, max_length=200)], seed: Seed = None, benchmark: Which = "xtreme-r",
) -> SubmissionCheck:  # fmt: skip
    """The same check of a submission from stored predictions, against the gold answers that were stored with them."""
    of = BENCHMARKS[benchmark]
    with _one_of_few(), tempfile.TemporaryDirectory(prefix="crosslift-check-") as into:
        sides = {}
        for name, gold in (("ours", False), ("gold", True)):
            path = Path(into) / f"{name}.zip"
            choices = _build(door, experiment_id, of, path, model=model, recipe=recipe, seed=seed, gold=gold)
            if len(choices) != 1:
                raise Conflict("Name the seed: the experiment has several submissions of this model and recipe.")
            sides[name] = unpack(io.BytesIO(path.read_bytes()), Path(into) / name)
        ours, theirs = sides["ours"], sides["gold"]
        assert ours.predictions is not None
        checked = check(ours.predictions, theirs.predictions, of)
        return view(checked, of, folder="", labels="stored", files=ours.files)


def _build(
    door: Door, id: int, benchmark: Benchmark, path: Path, *, model: str | None, recipe: str | None, seed: int | None, gold: bool
) -> list[Choice]:  # fmt: skip
    with door.store.read() as session:
        seen, runs = _runs(session, id)
    chosen = submissions(runs, benchmark, model=model, recipe=recipe, seed=seed)
    about = {"experiment": seen.id, "name": seen.name, "benchmark": seen.benchmark, "synthetic": seen.synthetic}
    write_zip(path, chosen, benchmark, root=settings().artifact_root, about=about, gold=gold)
    return list(chosen)


def _runs(session: Session, id: int) -> tuple[ExperimentView, list[RunView]]:
    """An experiment and its runs, all of them."""
    seen = experiments.view(session, id)
    found: list[RunView] = []
    cursor: str | None = None
    while True:
        page = history.page(session, limit=200, cursor=cursor, experiment=id, state=None)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return seen, found
