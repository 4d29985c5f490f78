"""What answers look like, for the description of the API: made from the schemas themselves, so that they cannot drift."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from backend.api.budget_examples import budget
from backend.api.catalogue import language_view, task_view
from backend.api.language_examples import by_language
from backend.api.models import model_view
from backend.api.samples import checks, flips, submissions
from backend.domain.account import (
    AccountView,
    AuditEntry,
    DetourBegun,
    Me,
    Quota,
    Role,
    SessionView,
    SignedIn,
    SignInWays,
    TokenMade,
    TokenView,
)
from backend.domain.answer import Answer, Effect
from backend.domain.certainty import Attribute, Bucket, Buckets, Certainty, GapView, IntervalView, RankView, RecordView
from backend.domain.comparison import (
    ComparedCell,
    ComparedField,
    ComparedMean,
    ComparedRecord,
    ComparedSide,
    Comparison,
)
from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.gains import Verdict, what_seeds_can_show
from backend.domain.imports import ImportDone, ImportedChoice, ImportFile, ImportRequest, ImportView
from backend.domain.language import LANGUAGES
from backend.domain.listed import RunRow, RunScore
from backend.domain.literature import Reproduction
from backend.domain.model import MODELS
from backend.domain.plan_cost import grid_cost
from backend.domain.recipe import Recipe
from backend.domain.recommendation import (
    ActedOn,
    Expected,
    ExpectedRows,
    Recommendations,
    Recommended,
    Repetition,
    TrackRecord,
)
from backend.domain.run import DeviceClass, Phase, RunKind, RunState
from backend.domain.saved import SavedView, SavedViewRequest
from backend.domain.schemas import (
    Axes,
    Band,
    BroughtIn,
    BroughtView,
    Cost,
    Counts,
    Curve,
    ExpectedGain,
    ExpectedGains,
    ExperimentView,
    FieldProblem,
    ForecastCheck,
    ForecastRecord,
    FrozenRun,
    GainCell,
    GridCost,
    Health,
    LogLine,
    MemoryView,
    Overview,
    PairView,
    Preview,
    Problem,
    QueueView,
    RecipeRow,
    RunForecast,
    RunView,
    ScoreView,
    SettingsChoice,
    SettingsView,
    Shared,
    SnapshotContent,
    SnapshotMade,
    SnapshotPreview,
    SnapshotRequest,
    SnapshotView,
    TradeoffPoint,
    WorkerView,
)
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.importing import long
from backend.importing.read import read
from backend.literature import sets
from backend.literature.differences import differences
from backend.literature.figures import figures, sources
from backend.literature.protocol import differing

BEGAN: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MODEL: Final = MODELS["mini-2"]

WORKER: Final = WorkerView(
    name="lab-3",
    queues=["cpu"],
    slots=2,
    device="2 cores",
    memory_bytes=16 << 30,
    started_at=BEGAN,
    seen_age_seconds=1.5,
    drained_at=None,
    running=[12],
)
COST: Final = Cost(
    device="2 cores",
    device_class=DeviceClass.CPU,
    precision="fp32",
    share=0.5,
    wall_seconds=41.2,
    device_seconds=20.6,
    examples=19_200,
    tokens=412_000,
    flops_analytic=6.5e11,
    flops_counted=None,
    peak_memory_bytes=310_000_000,
    energy_joules=None,
)


def _experiment() -> ExperimentView:
    return ExperimentView(
        id=1,
        name="Does NLI help on the mini world?",
        state="running",
        benchmark="mini-XTREME-R",
        synthetic=True,
        request=ExperimentRequest.model_validate(
            {
                "name": "Does NLI help on the mini world?",
                "models": ["mini-2"],
                "recipes": ["mnli"],
                "targets": ["xnli"],
                "seeds": [0, 1, 2],
            }
        ),
        counts=Counts(waiting=9, queued=2, running=1, done=4, failed=0, diverged=0, cancelled=0, skipped=0),
        runs=16,
        reused=1,
        progress=0.25,
        created_at=BEGAN,
        finished_at=None,
        cancel_requested_at=None,
    )


EXPECTED: Final = ExpectedGains(
    said="left out one row at a time (12 rows, 96 cells), it is off by 1.10 points on average; the mean of all other rows by 1.62.",
    error=1.1,
    error_of_mean=1.62,
    cells=[
        ExpectedGain(
            recipe="mnli", language="sw", expected=0.8, low=-0.9, high=2.4, neighbours=["mini-4, mnli → xnli (31 %)"]
        )
    ],
)
RECORD: Final = ForecastCheck(
    said="Of 148 finished runs, forecast from what had ended when each began, the median error was 11 % and 82 % took what the band said.",
    nominal=0.8,
    all=ForecastRecord(name="all", runs=148, without=2, error=0.113, coverage=0.824),
    by=[ForecastRecord(name="finetune", runs=60, without=0, error=0.074, coverage=0.9)],
)
BROUGHT: Final = BroughtView(
    installation="https://lab.example", program="0.4.0", experiment_there=7, sha256="9c" * 32, brought_at=BEGAN
)


def _brought() -> ExperimentView:
    ended = Counts(waiting=0, queued=0, running=0, done=16, failed=0, diverged=0, cancelled=0, skipped=0)
    changed = {"state": "done", "counts": ended, "reused": 0, "progress": 1.0, "finished_at": BEGAN, "brought": BROUGHT}
    return _experiment().model_copy(update=changed)


def _run() -> RunView:
    return RunView(
        id=12,
        fingerprint="4f" * 32,
        kind=RunKind.FINETUNE,
        title="Fine-tune mini-2 on mnli after squad, seed 0",
        model=MODEL.name,
        recipe="squad",
        target="mnli",
        seed=0,
        benchmark="mini-XTREME-R",
        state=RunState.RUNNING,
        why="training, step 120 of 300",
        phase=Phase.TRAINING,
        step=120,
        total_steps=300,
        rate=7.3,
        eta_seconds_low=21.0,
        eta_seconds_high=33.0,
        heartbeat_age_seconds=1.5,
        attempt=1,
        preemptions=0,
        priority=0,
        worker=WORKER.name,
        created_at=BEGAN,
        queued_at=BEGAN,
        started_at=BEGAN + timedelta(seconds=2),
        finished_at=None,
        cancel_requested_at=None,
        error=None,
        skipped_because=None,
        parents=[5],
        children=[13],
        experiments=[1],
        parameters=None,
        parameters_non_embedding=None,
        cost=None,
        artifact=None,
    )


POINT: Final = TradeoffPoint(
    model=MODEL.name,
    parameters=MODEL.parameters,
    parameters_non_embedding=MODEL.parameters_non_embedding,
    recipe="squad",
    target="xnli",
    metric="accuracy",
    language="mean_transfer",
    gain=3.1,
    low=0.4,
    high=5.8,
    n=3,
    device_class=DeviceClass.CPU,
    device="2 cores",
    device_hours_marginal=0.02,
    device_hours_amortised=0.012,
    same_data_twice=False,
    flops_marginal=6.5e11,
    flops_amortised=4.1e11,
)
PAIR: Final = PairView(
    model=MODEL.name,
    recipe="squad",
    target="xnli",
    metric="accuracy",
    gain=2.5,
    low=0.9,
    high=4.1,
    k=8,
    n=8,
    seeds=3,
    verdict=Verdict.HELPS,
    device_class=DeviceClass.CPU,
    device_hours_marginal=0.02,
    gain_per_device_hour=125.0,
    same_data_twice=False,
)


def _accounts() -> tuple[BaseModel, ...]:
    token = TokenView(
        id=1, name="nightly", role=Role.VIEWER, created_at=BEGAN, expires_at=BEGAN, revoked_at=None, last_used_at=None
    )
    quota = Quota(experiments=1, experiments_most=20, runs=6, runs_most=5000)
    return (
        Me(name="ada", role=Role.SUBMITTER, how="session", quota=quota, has_password=True),
        SignInWays(accounts=True, provider="Lab account"),
        DetourBegun(url="https://id.lab.example/authorize?response_type=code&client_id=crosslift"),
        SignedIn(
            me=Me(name="ada", role=Role.SUBMITTER, how="session", quota=quota, has_password=True), onward="/explore"
        ),
        quota,
        SessionView(id=1, created_at=BEGAN, expires_at=BEGAN, address="192.0.2.7", this=True),
        token,
        TokenMade(token=token, secret="clt_" + "A" * 43),
        AccountView(id=1, name="ada", role=Role.SUBMITTER, created_at=BEGAN, disabled_at=None),
        AuditEntry(id=1, at=BEGAN, who="ada", action="submitted", subject="experiment 1, Does NLI help?"),
    )


def _snapshots() -> tuple[BaseModel, ...]:
    run = FrozenRun(
        id=13,
        fingerprint="5a" * 32,
        kind=RunKind.EVALUATE,
        title="Evaluate mini-2 on xnli after squad, seed 0",
        model=MODEL.name,
        recipe="squad",
        target="xnli",
        seed=0,
        engine=1,
        device="2 cores",
        device_class=DeviceClass.CPU,
        precision="fp32",
        device_seconds=3.2,
        finished_at=BEGAN,
        parents=["4f" * 32],
    )
    content = SnapshotContent(
        version=1,
        kind="tradeoff",
        view="/tradeoff?target=xnli",
        benchmark="mini-XTREME-R",
        synthetic=True,
        matrix=None,
        points=[POINT],
        runs=[run],
        experiments=["Does NLI help on the mini world?"],
    )
    view = SnapshotView(
        id=1,
        sha256="9c" * 32,
        kind="tradeoff",
        view=content.view,
        title="What SQuAD is worth for XNLI",
        note="",
        anonymous=False,
        created_at=BEGAN,
        expires_at=None,
        revoked_at=None,
        opened=2,
        last_opened_at=BEGAN + timedelta(days=1),
        bytes=1840,
        runs=1,
    )
    token, reach = "A" * 43, "The link works on this machine only: no public address is set (CROSSLIFT_PUBLIC_URL)."
    return (
        run,
        content,
        view,
        SnapshotRequest(view=content.view, title=view.title, note="", anonymous=False, expires_days=None),
        SnapshotPreview(content=content, sha256=view.sha256, bytes=view.bytes, reach=reach),
        SnapshotMade(snapshot=view, token=token, url=f"http://127.0.0.1:8321/s/{token}", reach=reach),
        Shared(title=view.title, note="", frozen_at=BEGAN, expires_at=None, sha256=view.sha256, content=content),
    )


def _certainty() -> tuple[BaseModel, ...]:
    method = "seeds and test examples together, two-way variance components"
    interval = IntervalView(method=method, low=0.2, high=6.0, refused=None, caution=None, units=500, seeds=3)
    record = RecordView(won=61, tied=404, lost=35)
    gap = GapView(without=14.2, treated=12.9, change=-1.3, interval=interval)
    rank = RankView(place=1, of=4, best=0.78, agreement=0.6, seeds=3)
    whole = Certainty(
        model=MODEL.name,
        target="xnli",
        metric="accuracy",
        recipe="squad",
        language="sw",
        gain=3.1,
        seeds=3,
        over_seeds=interval,
        over_examples=interval,
        over_both=interval,
        without_predictions=None,
        examples=500,
        units_are="examples",
        from_seeds=0.4,
        record=record,
        relative=5.3,
        over_relative=interval,
        gap=gap,
        detectable=3.4,
        rank=rank,
        flags=["squad, seed 3: run 43 failed: out of memory"],
    )
    bucket = Bucket(
        name="up to 34 characters", examples=170, units=170, seeds=3, baseline=60.1, treated=62.9, gain=2.8, interval=interval
    )  # fmt: skip
    attribute = Attribute(
        key="length", title="Text length", note="Characters, in thirds.", buckets=[bucket], missing=None
    )
    divided = Buckets(
        model=MODEL.name,
        target="xnli",
        metric="accuracy",
        recipe="squad",
        language="sw",
        gain=3.1,
        seeds=3,
        examples=500,
        attributes=[attribute],
        missing=None,
    )
    return interval, record, gap, rank, whole, bucket, attribute, divided


def _gain() -> dict[str, Any]:
    return {"gain": 3.1, "low": 0.4, "high": 5.8, "n": 3}


def _grid() -> GridCost:
    """Of a real plan, in a store in which nothing is done."""
    asked = ExperimentRequest(name="x", models=(MODEL.name,), recipes=(Recipe.parse("squad"),), targets=("xnli",))
    return grid_cost(plan(asked), device=asked.device)


def _row() -> RunRow:
    score = RunScore(metric="accuracy", value=61.4, sd=0.7, languages=12, runs=2)
    return RunRow(
        id=13, newest=23, kind=RunKind.EVALUATE, source=Source.MINI, benchmark="mini-XTREME-R", model=MODEL.name, recipe="squad",
        target="xnli", settings="9c01d2e3f4", device_class=DeviceClass.CPU, precision="fp32", runs=[13, 23], seeds=[0, 1],
        states=[RunState.DONE, RunState.DONE],
        counts=Counts(waiting=0, queued=0, running=0, done=2, failed=0, diverged=0, cancelled=0, skipped=0), created_at=BEGAN,
        finished_at=BEGAN + timedelta(hours=1), device_seconds=15.2, energy_joules=None, peak_memory_bytes=None,
        parameters=MODEL.parameters, error=None, score=score, locked=True,
    )  # fmt: skip


def _compared() -> tuple[BaseModel, ...]:
    mean = ComparedMean(value=61.4, low=60.2, high=62.6, languages=11, seeds=3)
    record = ComparedRecord(won=4, tied=7, lost=0, too_few=0)
    side = ComparedSide(
        thing="mini-2/squad/xnli", title="mini-2, squad → xnli", kind=RunKind.EVALUATE, model=MODEL.name, recipe="squad",
        target="xnli", language=None, metric="accuracy", settings="9c01d2e3f4", runs=[13, 23, 33], seeds=[0, 1, 2],
        states=[RunState.DONE] * 3, left_out=[], trained=[12, 22, 32], parameters=MODEL.parameters,
        device_class=DeviceClass.CPU, device_hours_marginal=0.02, device_hours_amortised=0.01, energy_joules=None, mean=mean,
        difference=ComparedMean(value=1.2, low=0.3, high=2.1, languages=11, seeds=3), unpaired=None, record=record, letters=None,
    )  # fmt: skip
    cell = ComparedCell(
        language="sw", score=55.1, low=53.9, high=56.3, per_seed=[54.8, 55.0, 55.5], seeds=[0, 1, 2], missing=None,
        difference=1.2, difference_low=0.3, difference_high=2.1, pairs=3, p=0.01, q=0.03, verdict=Verdict.HELPS,
    )  # fmt: skip
    field = ComparedField(stage="Result", name="recipe", values=["none", "squad"], equal=False)
    whole = Comparison(
        benchmark="mini-XTREME-R", synthetic=True, sides=[side], languages=["sw"], common=["sw"], cells=[[cell]],
        fields=[field], notes=[],
    )  # fmt: skip
    return mean, record, side, cell, field, whole


def _saved() -> tuple[SavedViewRequest, SavedView]:
    request = SavedViewRequest(name="Failed on xnli", address="/runs?state=failed&target=xnli", shared=True)
    made = SavedView(id=3, short="/v/3", owner="ada", own=True, created_at=BEGAN, **request.model_dump())
    return request, made


def _models() -> tuple[BaseModel, ...]:
    return (
        task_view(TASKS["xnli"]),
        model_view(MODEL),
        language_view(LANGUAGES["sw"]),
        _experiment(),
        _row(),
        *_saved(),
        *_compared(),
        BROUGHT,
        RECORD,
        EXPECTED,
        EXPECTED.cells[0],
        RECORD.all,
        BroughtIn(experiment=_brought(), created=True, runs=16, shared=[], ours=[]),
        _run(),
        COST,
        ScoreView(run=13, language="sw", metric="accuracy", value=61.5, n=500),
        Curve(name="loss", steps=[0, 100, 200, 300], values=[1.11, 0.92, 0.71, 0.66]),
        LogLine(id=77, at=BEGAN, level="info", attempt=1, message="checkpoint at step 100"),
        WORKER,
        QueueView(waiting=9, queued=2, running=1, workers=[WORKER]),
        _grid(),
        _grid().all,
        Preview(
            cells=6,
            runs=16,
            runs_to_do=15,
            runs_reused=1,
            by_kind={RunKind.PRETRAIN: 1, RunKind.INTERMEDIATE: 3, RunKind.FINETUNE: 6, RunKind.EVALUATE: 6},
            not_applicable=[],
            device_hours=Band(low=0.05, median=0.06, high=0.09),
            hours_until_done=Band(low=0.06, median=0.07, high=0.11),
            disk_bytes=61_000_000,
            memory=[
                MemoryView(
                    model="mini-2",
                    run="its pretraining (batch 64, length 64)",
                    whole_bytes=720_000_000,
                    least_bytes=488_000_000,
                    weights_bytes=12_700_000,
                    how="whole batches fit",
                )
            ],
            notes=[],
            cost=_grid(),
            energy_from="Energy: not measured. No finished run on cpu has reported any.",
            by_run=[
                RunForecast(
                    kind=RunKind.FINETUNE,
                    model="mini-2",
                    recipe="squad",
                    target="xnli",
                    runs=3,
                    device_hours=Band(low=0.003, median=0.004, high=0.005),
                    energy_kwh=None,
                    memory_bytes=610_000_000,
                    done_after_hours=Band(low=0.05, median=0.06, high=0.09),
                    rests_on="from finished runs of the same work",
                )
            ],
            forecast_record=RECORD.said,
            forecast_from="Forecast of 15 runs: 15 from finished runs of the same work. "
            "The end time counts 2 slots and nothing else in the queue.",
            settings=[
                SettingsView(
                    stage="target",
                    name="xnli",
                    models=["xlmr-large"],
                    learning_rate=3e-5,
                    batch_size=32,
                    steps=61360,
                    epochs=5.0,
                    examples=None,
                    max_length=128,
                    warmup=0.1,
                    warmup_steps=None,
                    weight_decay=0.01,
                    frozen=0,
                    lora_rank=8,
                    lora_alpha=16.0,
                    lora_dropout=0.0,
                    reason="learning rate 3e-05: XTREME's scripts for large models",
                    changed={"lora_rank": None},
                )
            ],
            oracle=None,
            seeds_can_show=what_seeds_can_show(3),
            same_data_twice=["mnli → xnli"],
            fingerprint="a1" * 32,
        ),
        Axes(
            rows="target",
            columns="language",
            recipe="squad",
            recipes=["mnli", "squad"],
            over=None,
            support={},
            family="all recipes and languages of the cell's own model, target and metric",
        ),
        SettingsChoice(name="0f3a9c12de", title="300 steps, zero-shot", gains=45, seeds=3, shown=45),
        GainCell(
            recipe="squad",
            language="sw",
            missing=None,
            why_missing=None,
            **_gain(),
            sd=1.1,
            baseline=58.4,
            treated=61.5,
            seeds=[0, 1, 2],
            differences=[2.0, 3.1, 4.2],
            p_t=0.039,
            p_sign_flip=0.25,
            q=0.12,
            detectable=3.4,
            verdict=Verdict.NO_EVIDENCE,
            examples=500,
            runs=[13, 23, 33],
            baseline_runs=[8, 18, 28],
            treated_scores=[60.9, 61.4, 62.2],
            baseline_scores=[58.9, 58.3, 58.0],
        ),
        RecipeRow(
            recipe="squad",
            title="squad",
            same_data_twice=False,
            mean_all=2.6,
            mean_transfer=2.5,
            k=9,
            n=9,
            device_hours_marginal=0.02,
            device_hours_amortised=0.012,
        ),
        POINT,
        PAIR,
        Overview(
            source="mini",
            benchmark="mini-XTREME-R",
            synthetic=True,
            verdicts={Verdict.HELPS: 6, Verdict.HURTS: 0, Verdict.NO_EVIDENCE: 3, Verdict.TOO_FEW: 0},
            cells=9,
            cells_possible=18,
            best=PAIR,
            best_per_hour=PAIR,
            pairs=[PAIR],
            models=[MODEL.name],
            recipes=["squad"],
            targets=["xnli"],
            device_hours={DeviceClass.CPU: 0.4},
            runs_done=16,
            experiments=1,
        ),
        _answer(),
        *_certainty(),
        *flips(),
        *checks(),
        *submissions(),
        *_snapshots(),
        *_accounts(),
        *_published(),
        *_imports(),
        *by_language(MODEL.name),
        *budget(MODEL.name),
        *_recommended(),
        Health(status="ok", version="0.1.0", checks={"database": "answers, schema is current"}),
        Problem(
            type="about:blank",
            title="The request cannot be carried out",
            status=422,
            detail="The experiment cannot be planned.",
            errors=[FieldProblem(pointer="/targets/0", message="unknown target task 'xnl'; did you mean xnli?")],
        ),
    )


def _imports() -> tuple[BaseModel, ...]:
    whole = long.example().encode()
    request = ImportRequest(
        format="long", source="another lab", settings="their defaults", note="from their appendix",
        files=[ImportFile(name="scores.csv", content=base64.b64encode(whole).decode())],
    )  # fmt: skip
    found = read(request)
    made = ImportView(
        id=1, source=request.source, settings=request.settings, format=request.format, files=list(found.files),
        sha256=found.sha256, note=request.note, who="ada", created_at=BEGAN, rows=len(found.rows),
    )  # fmt: skip
    done = ImportDone(
        made=made, added=4, already=0, dry_run=False, said="4 scores of another lab added as import 1.", notes=[]
    )
    return (
        request,
        made,
        done,
        ImportedChoice(source="another lab", model="xlmr-base", target="xnli", metric="accuracy", scores=4),
    )


def _published() -> tuple[BaseModel, ...]:
    """Real ones."""
    figure = next(f for f in figures() if (f.model, f.task, f.protocol) == ("xlmr-large", "xnli", "zero-shot"))
    gain = next(g for g in differences() if g.task == "xnli")
    beside = Reproduction(
        published=figure.view(), ours=figure.value - 0.5, difference=-0.5, sd=0.3, seeds=3, runs=[13, 23, 33], why=None,
        notes=differing(figure),
    )  # fmt: skip
    return figure.view(), sources()[0], gain, sets.listing()[0], beside


def _recommended() -> tuple[BaseModel, ...]:
    row = {
        "model": "mini-4", "recipe": "qqp", "target": "pawsx", "metric": "accuracy", "expected": 0.6, "low": -1.4, "high": 2.5,
    }  # fmt: skip
    request = ExperimentRequest(
        name="Recommended: qqp → pawsx on mini-4",
        models=("mini-4",),
        recipes=(Recipe.parse("qqp"),),
        targets=("pawsx",),
    )
    item = Recommended(
        **row, languages=2, best=0.2, best_recipe="mnli", improvement=0.7, device_hours=Band(low=0.02, median=0.03, high=0.05),
        per_device_hour=23.3, runs_to_do=9, neighbours=["mini-2, qqp → pawsx (41 %)"], request=request,
    )  # fmt: skip
    record = TrackRecord(
        metric="accuracy", rows=12, error=1.1, error_of_mean=1.62,
        said="accuracy: with each of 12 known rows left out in turn, neighbours are off by 1.10 points on average, the plain mean of all "
        "other rows by 1.62.",
    )  # fmt: skip
    again = Repetition(
        cells=40, of=44, device_hours=Band(low=0.1, median=0.2, high=0.3), runs_to_do=30, request=request
    )
    acted = ActedOn(**row, experiment=1, found=0.9, mean_then=0.3)
    found = Recommendations(
        said="Ordered by expected improvement per device-hour.", repeat=again, items=[item], candidates=40, seeds=[0, 1, 2],
        device_class=DeviceClass.CPU, records=[record], acted_on=[acted], acted_on_said="Of 1 row that was run after enough was known, …",
    )  # fmt: skip
    return (
        item,
        record,
        again,
        acted,
        found,
        ExpectedRows(said=record.said, rows=[Expected(**row)], known=1),
        Expected(**row),
    )


def _answer() -> Answer:
    """Of a store without gains: what there is no evidence for has a reason in the place of a number."""
    size = Effect(
        name="size", title="Model size, all languages", unit="per ten-fold parameters", group="all", estimate=None, low=None,
        high=None, se=None, df=None, verdict="not enough evidence", within_interest=False, why="there are no gains of it",
        variances={}, share_of_languages=None, gains=0, models=0, seeds=0, languages=0, targets=0,
    )  # fmt: skip
    return Answer(
        source="mini", benchmark="mini-XTREME-R", synthetic=True, format=None, device_class=None,
        sentence=f"Not enough evidence to say what model size does to the gain of an intermediate task: {size.why}.", also=[],
        effects=[size], points=[], line=[], efficiency=[], sensitivity=[], next_steps=[], left_out=[], failed=[], methods=[],
        formats=[], gains=0, data_sha256="0" * 64,
    )  # fmt: skip


def examples() -> dict[str, dict[str, Any]]:
    """Schema name → an example of it, as JSON."""
    return {type(each).__name__: each.model_dump(mode="json", exclude_unset=True) for each in _models()}
