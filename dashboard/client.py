"""The only file that speaks HTTP: schemas in, schemas out.

It takes an ``httpx.AsyncClient`` and does not ask where that leads: into this very process (``server.create``) or to an
API that runs elsewhere. What the API refuses comes back as the error it was, from ``backend.errors``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from dash import get_app
from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.domain.account import (
    AccountView,
    AuditEntry,
    DetourBegun,
    Me,
    SessionView,
    SignedIn,
    SignInWays,
    TokenMade,
    TokenRequest,
    TokenView,
)
from backend.domain.answer import Answer
from backend.domain.by_language import LanguageDetail, LanguageTable
from backend.domain.certainty import Buckets, Certainty
from backend.domain.checks import CheckFailures, CheckMatrix
from backend.domain.comparison import Comparison
from backend.domain.flips import FlippedExample, Flips
from backend.domain.imports import ImportDone, ImportedChoice, ImportRequest, ImportView
from backend.domain.listed import RunRow
from backend.domain.literature import PublishedGain, PublishedSet, PublishedSource, PublishedView, Reproduction
from backend.domain.model import MODELS
from backend.domain.portfolio import Portfolio
from backend.domain.recommendation import ExpectedRows, Recommendations
from backend.domain.run import canonical
from backend.domain.saved import SavedView, SavedViewRequest
from backend.domain.schemas import (
    Curve,
    ExpectedGains,
    ExperimentView,
    ForecastCheck,
    GainMatrix,
    Health,
    LogLine,
    ModelView,
    Overview,
    Page,
    Preview,
    Problem,
    QueueView,
    RunDetail,
    RunView,
    ScoreView,
    Shared,
    SnapshotMade,
    SnapshotPreview,
    SnapshotRequest,
    SnapshotView,
    TradeoffPoint,
    WorkerView,
)
from backend.domain.submission import SubmissionCheck, SubmissionChoice
from backend.domain.trend import Trends
from backend.errors import (
    Conflict,
    CrossliftError,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)
from dashboard import visitor

T = TypeVar("T")

_MATRIX = TypeAdapter(GainMatrix)
#: Where an API in this very process leaves the object that it wrote its answer from (``server`` passes it on).
handed: ContextVar[dict[str, Any] | None] = ContextVar("handed", default=None)
_ERRORS: Mapping[int, type[CrossliftError]] = {
    e.status: e for e in (Invalid, NotSignedIn, NotAllowed, NotFound, Conflict, TooMany, Unavailable)
}


class Client:
    """What the pages ask the API, one method a question.

    Every method raises a ``CrossliftError``: the API's own refusal, or ``Unavailable`` when it does not answer or
    answers something else.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.kept: dict[Any, Any] = {}  # answers that a page may draw from again, see ``findings``
        self.ahead: asyncio.Task[None] | None = None  # what reads answers before they are asked for, there too
        self.likely: list[Any] = []  # what it still has to read
        self.pulse = ""  # what was last heard of what goes on
        self.asking = 0  # readers who wait for an answer right now
        self.literature: dict[tuple[str, ...], Any] = {}  # published figures that were read; they never change
        self.rested = 0.0  # when the last of them had it, by ``time.monotonic``

    async def matrix(
        self, *, model: str | None, target: str | None, metric: str | None, source: str, settings: str | None = None
    ) -> GainMatrix:
        """The heatmap of one model, target and metric; what is None the API chooses.

        Raises:
            NotFound: the store holds no run of this benchmark.
        """
        return (await self.numbers(model=model, target=target, metric=metric, source=source, settings=settings))[0]

    async def numbers(
        self, *, model: str | None, target: str | None, metric: str | None, source: str, settings: str | None = None
    ) -> tuple[GainMatrix, str]:
        """The same with a digest that is equal for equal answers."""
        asked = {"model": model, "target": target, "metric": metric, "source": source, "settings": settings}
        return await self._matrix("/api/v1/gains", asked)

    async def crossed(self, asked: Mapping[str, str | None]) -> tuple[GainMatrix, str]:
        """The gains laid out otherwise, with such a digest.

        Raises:
            NotFound: there are no runs of this benchmark yet.
            Invalid: a name that the API does not know.
        """
        return await self._matrix("/api/v1/gains/crossed", asked)

    async def _matrix(self, path: str, asked: Mapping[str, str | None]) -> tuple[GainMatrix, str]:
        left = dict[str, Any]()
        token = handed.set(left)
        try:
            answer = await self._ask("GET", path, {k: v for k, v in asked.items() if v})
        finally:
            handed.reset(token)
        matrix = left.get("value")  # of thousands of cells, which take longer to read than to make
        if not isinstance(matrix, GainMatrix):
            matrix = self._read(_MATRIX, answer, path)
        return matrix, hashlib.sha256(answer.content).hexdigest()[:16]

    async def certainty(self, asked: Mapping[str, str]) -> Certainty:
        """How sure one gain is.

        Raises:
            NotFound: there is no such gain.
        """
        return await self._get(TypeAdapter(Certainty), "/api/v1/gains/certainty", asked)

    async def buckets(self, asked: Mapping[str, str]) -> Buckets:
        """The gain of one cell by kind of test example.

        Raises:
            NotFound: there is no such gain.
        """
        return await self._get(TypeAdapter(Buckets), "/api/v1/gains/buckets", asked)

    async def flips(self, asked: Mapping[str, str]) -> Flips:
        """What a recipe turned in one language.

        Raises:
            NotFound: there is no such gain, or no such seed of it.
        """
        return await self._get(TypeAdapter(Flips), "/api/v1/gains/flipped", asked)

    async def flipped(self, asked: Mapping[str, str], direction: str, cursor: str | None) -> Page[FlippedExample]:
        """The examples themselves, turned in one direction."""
        more = {"direction": direction, "limit": "10"} | ({"cursor": cursor} if cursor else {})
        return await self._get(TypeAdapter(Page[FlippedExample]), "/api/v1/gains/flipped/examples", {**asked, **more})

    async def every_flipped(self, asked: Mapping[str, str], direction: str | None) -> list[dict[str, Any]]:
        """All of them, a row an example and seed, as the API exports them. ``direction`` None: both.

        Raises:
            NotFound: there is no such gain, or there are no predictions of it to compare.
        """
        path = "/api/v1/gains/flipped/export"
        answer = await self._ask("GET", path, _given({**asked, "format": "jsonl", "direction": direction}))
        return [json.loads(line) for line in answer.text.split("\n") if line]

    async def checklist(self, *, model: str | None, recipe: str | None, source: str) -> CheckMatrix:
        """MultiCheckList's error rates.

        Raises:
            NotFound: the list was not evaluated with this.
        """
        asked = {"model": model, "recipe": recipe, "source": source}
        return await self._get(TypeAdapter(CheckMatrix), "/api/v1/checklist", {k: v for k, v in asked.items() if v})

    async def check_failures(self, asked: Mapping[str, str]) -> CheckFailures:
        """The cases of one of its tests that a run fails."""
        return await self._get(TypeAdapter(CheckFailures), "/api/v1/checklist/failures", asked)

    async def submissions(self, experiment: str, benchmark: str) -> list[SubmissionChoice]:
        """What the stored predictions of an experiment make."""
        path = f"/api/v1/experiments/{experiment}/submissions"
        return await self._get(TypeAdapter(list[SubmissionChoice]), path, {"benchmark": benchmark})

    async def check_stored(self, experiment: str, asked: Mapping[str, str]) -> SubmissionCheck:
        """One of them, checked and scored."""
        return await self._get(
            TypeAdapter(SubmissionCheck), f"/api/v1/experiments/{experiment}/submission/check", asked
        )

    async def experiments(
        self, limit: int = 20, cursor: str | None = None, state: str | None = None
    ) -> Page[ExperimentView]:
        """The newest first."""
        asked = {k: v for k, v in {"limit": limit, "cursor": cursor, "state": state}.items() if v is not None}
        return await self._get(TypeAdapter(Page[ExperimentView]), "/api/v1/experiments", asked)

    async def models(self) -> list[ModelView]:
        """Every model. Those that were pretrained here join this process's catalogue, which knows them already where the API
        runs in it."""
        found = await self._get(TypeAdapter(list[ModelView]), "/api/v1/models")
        own = [view.model() for view in found if view.pretrained is not None]
        if {m.name for m in own} != {m.name for m in MODELS.pretrained()}:
            MODELS.joined(own, mark=())
        return found

    async def preview(self, body: Mapping[str, Any]) -> Preview:
        """What submitting this would do.

        Raises:
            Invalid: it cannot be done; says why, field by field.
        """
        return await self._post(TypeAdapter(Preview), "/api/v1/experiments:preview", body)

    async def expect(self, body: Mapping[str, Any]) -> ExpectedRows:
        """What its rows without a gain may be expected to find."""
        return await self._post(TypeAdapter(ExpectedRows), "/api/v1/experiments:expect", body)

    async def recommendations(self, source: str) -> Recommendations:
        return await self._get(TypeAdapter(Recommendations), "/api/v1/recommendations", {"source": source})

    async def submit(self, body: Mapping[str, Any], key: str) -> ExperimentView:
        """The same key with the same body gives the same experiment.

        Raises:
            Invalid: it cannot be done; says why, field by field.
        """
        return await self._post(TypeAdapter(ExperimentView), "/api/v1/experiments", body, {"Idempotency-Key": key})

    async def experiment(self, id: int) -> ExperimentView:
        return await self._get(TypeAdapter(ExperimentView), f"/api/v1/experiments/{id}")

    async def experiment_runs(self, id: int, *, pages: int = 25) -> list[RunView]:
        """All its runs, in the order of its plan; those of at most so many pages of the API."""
        found: list[RunView] = []
        cursor: str | None = None
        for _ in range(pages):
            asked = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            page = await self._get(TypeAdapter(Page[RunView]), f"/api/v1/experiments/{id}/runs", asked)
            found += page.items
            if (cursor := page.next_cursor) is None:
                break
        return sorted(found, key=lambda r: r.id)

    async def cancel_experiment(self, id: int) -> ExperimentView:
        return await self._post(TypeAdapter(ExperimentView), f"/api/v1/experiments/{id}:cancel")

    async def retry_experiment(self, id: int) -> ExperimentView:
        return await self._post(TypeAdapter(ExperimentView), f"/api/v1/experiments/{id}:retry")

    async def runs(
        self,
        *states: str,
        kind: str | None = None,
        order: str = "newest",
        limit: int = 50,
        mine: bool = False,
        hours: int | None = None,
    ) -> Page[RunView]:
        """Runs in any of these states; ``mine``: of experiments that the visitor submitted, ``hours``: that ended within so many."""
        asked = {"state": list(states), "order": order, "limit": limit} | _given(
            {"kind": kind or None, "mine": "true" if mine else None, "hours": hours}
        )
        return await self._get(TypeAdapter(Page[RunView]), "/api/v1/runs", asked)

    async def run_rows(self, **asked: Any) -> Page[RunRow]:
        """The list of runs: seeds in one row, or each by itself."""
        return await self._get(TypeAdapter(Page[RunRow]), "/api/v1/runs/rows", _given(asked))

    async def compare(self, things: list[str], *, source: str, metric: str | None = None) -> Comparison:
        """Things beside one another, as ``links.Compare`` writes them; the first is what the others are measured against.

        Raises:
            Invalid: one cannot be read, is not there, or is of another benchmark.
        """
        asked = _given({"c": things, "source": source, "metric": metric})
        return await self._get(TypeAdapter(Comparison), "/api/v1/compare", asked)

    async def views(self, page: str) -> list[SavedView]:
        """Saved views of a page, named by its path."""
        return await self._get(TypeAdapter(list[SavedView]), "/api/v1/views", {"page": page})

    async def saved_view(self, id: int) -> SavedView:
        """Raises: NotFound: there is none, or it is somebody else's own."""
        return await self._get(TypeAdapter(SavedView), f"/api/v1/views/{id}")

    async def save_view(self, request: SavedViewRequest) -> SavedView:
        return await self._post(TypeAdapter(SavedView), "/api/v1/views", request)

    async def remove_view(self, id: int) -> SavedView:
        path = f"/api/v1/views/{id}"
        return self._read(TypeAdapter(SavedView), await self._ask("DELETE", path), path)

    async def expected(self, *, model: str, target: str, metric: str, source: str) -> ExpectedGains:
        asked = {"model": model, "target": target, "metric": metric, "source": source}
        return await self._get(TypeAdapter(ExpectedGains), "/api/v1/gains/expected", asked)

    async def forecasts(self) -> ForecastCheck:
        return await self._get(TypeAdapter(ForecastCheck), "/api/v1/forecast")

    async def queue(self) -> QueueView:
        return await self._get(TypeAdapter(QueueView), "/api/v1/queue")

    async def run(self, id: int) -> RunView:
        return await self._get(TypeAdapter(RunView), f"/api/v1/runs/{id}")

    async def tradeoff(
        self, *, source: str, languages: str, metric: str | None = None, each_of: str | None = None
    ) -> list[TradeoffPoint]:
        """Gains against size and cost, of every target: what a page shows of them is chosen there. ``each_of``: of this target
        alone, and each language by itself."""
        asked = {"source": source, "languages": languages, "metric": metric}
        if each_of is not None:
            asked |= {"target": each_of, "each": "true"}
        return await self._get(TypeAdapter(list[TradeoffPoint]), "/api/v1/tradeoff", _given(asked))

    async def trend(self, **asked: str | None) -> Trends:
        """Fitted lines of gain against size."""
        return await self._get(TypeAdapter(Trends), "/api/v1/tradeoff/trend", _given(asked))

    async def portfolio(self, **asked: str | float | None) -> Portfolio:
        """What a budget buys.

        Raises:
            Invalid: the budget or a name cannot be read.
        """
        return await self._get(TypeAdapter(Portfolio), "/api/v1/tradeoff/portfolio", _given(asked))

    async def detail(self, id: int) -> RunDetail:
        """A run with exactly what it computes."""
        return await self._get(TypeAdapter(RunDetail), f"/api/v1/runs/{id}/detail")

    async def curves(self, run: int, limit: int = 400) -> list[Curve]:
        """Loss, learning rate and development scores over its steps, thinned."""
        return await self._get(TypeAdapter(list[Curve]), f"/api/v1/runs/{run}/curves", {"limit": limit})

    async def scores(self, run: int) -> list[ScoreView]:
        return await self._get(TypeAdapter(list[ScoreView]), f"/api/v1/runs/{run}/scores")

    async def logs(self, run: int, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """From the first line whose id is above ``after``."""
        return await self._get(TypeAdapter(list[LogLine]), f"/api/v1/runs/{run}/logs", {"after": after, "limit": limit})

    async def cancel_run(self, id: int) -> RunView:
        return await self._post(TypeAdapter(RunView), f"/api/v1/runs/{id}:cancel")

    async def move_run(self, id: int, place: str | int) -> RunView:
        """Before (``first``) or behind (``last``) all that waits for the same class of device, or right before a run."""
        turn = {"before": place} if isinstance(place, int) else {"place": place}
        return await self._post(TypeAdapter(RunView), f"/api/v1/runs/{id}:move", turn)

    async def drain_worker(self, name: str, *, drained: bool) -> WorkerView:
        """Let a worker take nothing new, or take runs again."""
        what = "drain" if drained else "resume"
        return await self._post(TypeAdapter(WorkerView), f"/api/v1/workers/{quote(name, safe='')}:{what}")

    async def retry_run(self, id: int) -> RunView:
        """The new run that does it again."""
        return await self._post(TypeAdapter(RunView), f"/api/v1/runs/{id}:retry")

    async def version(self) -> str:
        """Of the program that answers."""
        return (await self._get(TypeAdapter(Health), "/healthz")).version

    async def overview(self, source: str) -> Overview:
        """What has been learnt so far from one benchmark.

        Raises:
            NotFound: the store holds no run of this benchmark.
        """
        return await self._get(TypeAdapter(Overview), "/api/v1/overview", {"source": source})

    async def language_gains(self, source: str, model: str | None = None) -> LanguageTable:
        """Every language with one model's mean gain in it."""
        asked = _given({"source": source, "model": model})
        return await self._get(TypeAdapter(LanguageTable), "/api/v1/gains/languages", asked)

    async def language(self, code: str, source: str, model: str | None = None) -> LanguageDetail:
        """One language.

        Raises:
            NotFound: the catalogue has no such language.
        """
        path = f"/api/v1/gains/languages/{quote(code, safe='')}"
        return await self._get(TypeAdapter(LanguageDetail), path, _given({"source": source, "model": model}))

    async def answer(self, source: str, format: str | None = None) -> Answer:
        """What the gains of a benchmark say about model size and compute."""
        asked = {"source": source} | ({"task_format": format} if format else {})
        return await self._get(TypeAdapter(Answer), "/api/v1/answer", asked)

    async def answer_data(self, source: str, format: str | None = None) -> bytes:
        """The gains that it rests on, as CSV, byte by byte what its digest is of."""
        asked = {"source": source} | ({"task_format": format} if format else {})
        return (await self._ask("GET", "/api/v1/answer/data", asked)).content

    async def preview_snapshot(self, request: SnapshotRequest) -> SnapshotPreview:
        """What would leave; nothing is written."""
        return await self._post(TypeAdapter(SnapshotPreview), "/api/v1/snapshots:preview", request)

    async def make_snapshot(self, request: SnapshotRequest) -> SnapshotMade:
        return await self._post(TypeAdapter(SnapshotMade), "/api/v1/snapshots", request)

    async def snapshots(self, limit: int = 50, cursor: str | None = None) -> Page[SnapshotView]:
        """The newest first."""
        asked = {"limit": limit, "cursor": cursor}
        found = {k: v for k, v in asked.items() if v is not None}
        return await self._get(TypeAdapter(Page[SnapshotView]), "/api/v1/snapshots", found)

    async def revoke_snapshot(self, id: int) -> SnapshotView:
        return await self._post(TypeAdapter(SnapshotView), f"/api/v1/snapshots/{id}:revoke")

    async def shared(self, token: str, *, peek: bool = True) -> tuple[Shared, str]:
        """What a link shows, and its content as canonical JSON: the text whose SHA-256 is its address.

        Raises:
            NotFound: unknown, revoked or expired.
        """
        answer = await self._ask("GET", f"/api/v1/shared/{quote(token, safe='')}", {"peek": "true"} if peek else None)
        found = self._read(TypeAdapter(Shared), answer, "/api/v1/shared")
        return found, canonical(json.loads(answer.content)["content"])

    # --- accounts ---------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str) -> list[str]:
        """The cookies to give to the browser.

        Raises:
            NotSignedIn: name or password is wrong.
            TooMany: after too many of those.
        """
        answer = await self._ask("POST", "/api/v1/session", json={"name": name, "password": password})
        return answer.headers.get_list("set-cookie")

    async def ways(self) -> SignInWays:
        """How one may sign in."""
        return await self._get(TypeAdapter(SignInWays), "/api/v1/session")

    async def begin_sign_in(self, onward: str) -> tuple[str, list[str]]:
        """Where to send the browser to sign in by the provider, and the cookies to give to it."""
        answer = await self._ask("POST", "/api/v1/session:begin", json={"onward": onward})
        begun = self._read(TypeAdapter(DetourBegun), answer, "/api/v1/session:begin")
        return begun.url, answer.headers.get_list("set-cookie")

    async def finish_sign_in(self, sent: Mapping[str, str]) -> tuple[str, list[str]]:
        """Where to go on to, and the cookies to give to the browser.

        Raises:
            NotSignedIn: this is no sign-in that this browser began, or the provider does not stand by it.
            NotAllowed: somebody who is not let in here.
        """
        answer = await self._ask("POST", "/api/v1/session:finish", json=dict(sent))
        signed_in = self._read(TypeAdapter(SignedIn), answer, "/api/v1/session:finish")
        return signed_in.onward, answer.headers.get_list("set-cookie")

    async def sign_out(self) -> list[str]:
        """End the visitor's session; the cookies to give to the browser."""
        return (await self._ask("POST", "/api/v1/session:end")).headers.get_list("set-cookie")

    async def me(self) -> Me:
        return await self._get(TypeAdapter(Me), "/api/v1/me")

    async def change_password(self, old: str, new: str) -> None:
        """Raises:
        Invalid: says which of the two, and why.
        """
        await self._ask("POST", "/api/v1/me/password", json={"old": old, "new": new})

    async def sessions(self) -> list[SessionView]:
        return await self._get(TypeAdapter(list[SessionView]), "/api/v1/me/sessions")

    async def end_session(self, id: int) -> None:
        await self._ask("POST", f"/api/v1/me/sessions/{id}:end")

    async def tokens(self) -> list[TokenView]:
        return await self._get(TypeAdapter(list[TokenView]), "/api/v1/me/tokens")

    async def make_token(self, request: TokenRequest) -> TokenMade:
        return await self._post(TypeAdapter(TokenMade), "/api/v1/me/tokens", request)

    async def revoke_token(self, id: int) -> TokenView:
        return await self._post(TypeAdapter(TokenView), f"/api/v1/me/tokens/{id}:revoke")

    async def accounts(self) -> list[AccountView]:
        return await self._get(TypeAdapter(list[AccountView]), "/api/v1/accounts")

    async def audit(self, cursor: str | None = None, limit: int = 50) -> Page[AuditEntry]:
        """Who did what, newest first."""
        asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        return await self._get(TypeAdapter(Page[AuditEntry]), "/api/v1/audit", asked)

    # --- what was published ----------------------------------------------------------------------------------------------

    async def published(self, **asked: str | int | None) -> Page[PublishedView]:
        """Published figures, by the filters of the API.

        Raises:
            Invalid: a filter names what no figure has.
        """
        return await self._get(TypeAdapter(Page[PublishedView]), "/api/v1/published", _given(asked))

    async def published_sources(self) -> list[PublishedSource]:
        return await self._get(TypeAdapter(list[PublishedSource]), "/api/v1/published/sources")

    async def published_sets(self) -> list[PublishedSet]:
        return await self._get(TypeAdapter(list[PublishedSet]), "/api/v1/published/sets")

    async def published_set(self, name: str, metric: str | None = None) -> GainMatrix:
        """One set, explored like own results."""
        path = f"/api/v1/published/sets/{quote(name, safe='')}"
        return await self._get(_MATRIX, path, _given({"metric": metric}))

    async def published_gains(self, **asked: str | int | None) -> Page[PublishedGain]:
        return await self._get(TypeAdapter(Page[PublishedGain]), "/api/v1/published/gains", _given(asked))

    async def reproduction(self, **asked: str | int | None) -> Page[Reproduction]:
        """Published figures beside ours."""
        return await self._get(TypeAdapter(Page[Reproduction]), "/api/v1/published/reproduction", _given(asked))

    # --- what was made elsewhere -----------------------------------------------------------------------------------------

    async def import_results(self, request: ImportRequest) -> ImportDone:
        """Bring result files in.

        Raises:
            Invalid: something in them cannot be taken; says each place.
        """
        return await self._post(TypeAdapter(ImportDone), "/api/v1/imports", request)

    async def imports(self, limit: int = 50, cursor: str | None = None) -> Page[ImportView]:
        """The newest first."""
        asked = _given({"limit": limit, "cursor": cursor})
        return await self._get(TypeAdapter(Page[ImportView]), "/api/v1/imports", asked)

    async def remove_import(self, id: int) -> ImportView:
        return await self._post(TypeAdapter(ImportView), f"/api/v1/imports/{id}:remove")

    async def imported_choices(self) -> list[ImportedChoice]:
        return await self._get(TypeAdapter(list[ImportedChoice]), "/api/v1/imports/choices")

    async def imported_gains(self, **asked: str | None) -> GainMatrix:
        """Gains among imported scores alone; what is None the API chooses.

        Raises:
            NotFound: nothing of it was imported.
        """
        return await self._get(_MATRIX, "/api/v1/imports/gains", _given(asked))

    # --- how it is asked ------------------------------------------------------------------------------------------------

    async def _get(self, shape: TypeAdapter[T], path: str, query: Mapping[str, Any] | None = None) -> T:
        return self._read(shape, await self._ask("GET", path, query), path)

    async def _post(
        self,
        shape: TypeAdapter[T],
        path: str,
        body: BaseModel | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        content = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
        return self._read(shape, await self._ask("POST", path, json=content, headers=headers), path)

    async def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, **options: Any
    ) -> httpx.Response:
        # on behalf of whom this runs for; the gate has looked at where their request comes from, and passes it on as ours
        headers = {**(options.pop("headers", None) or {}), **visitor.present().credentials}
        if method != "GET":
            headers["Origin"] = str(self.http.base_url).rstrip("/")
        try:
            answer = await self.http.request(method, path, params=query, headers=headers, **options)
        except httpx.HTTPError as error:
            raise Unavailable(f"The API does not answer ({type(error).__name__}).") from error
        if answer.is_error:
            raise _error(answer)
        return answer

    @staticmethod
    def _read(shape: TypeAdapter[T], answer: httpx.Response, path: str) -> T:
        try:
            return shape.validate_json(answer.content)
        except ValidationError as error:
            raise Unavailable(f"The API at {path} answered in a shape that this version does not know.") from error


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


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
