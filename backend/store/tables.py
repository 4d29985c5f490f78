"""The tables. Runs and scores do not change once done; gains are never stored.

::

    experiment ──< experiment_run >── run ──< score, curve_point, log_line, attempt, learning
                                       └──< run_parent >── run

    snapshot >── snapshot_content           and nothing of the above: what is frozen outlives it

    account ──< account_session, account_token
            ──< account_experiment >── experiment

    brought ──> experiment                  and run.brought: what came in a file of another installation

Keys are 64-bit integers. Constraints have names by one rule, so that a migration can find them. States and kinds are
text with a check, not native enumerations, which migrations cannot take back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, cast

from sqlalchemy import CheckConstraint, Index, MetaData, Table, text
from sqlmodel import Field, SQLModel

from backend.domain.account import Role
from backend.domain.run import TERMINAL, DeviceClass, Phase, RunKind, RunState
from backend.domain.task import Source
from backend.store.columns import Flag, Json, Moment, Packed, Real, Whole, Words, _Checked

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

LIVE: tuple[RunState, ...] = tuple(s for s in RunState if s not in TERMINAL)
ENDED: tuple[RunState, ...] = tuple(s for s in RunState if s in TERMINAL)
ANSWERS: tuple[RunState, ...] = (*LIVE, RunState.DONE)  # of equal fingerprint there is at most one such run
#: Columns of a run that say what it cost, by their names in ``schemas.Cost``.
COST = (
    "device", "share", "wall_seconds", "device_seconds", "examples", "tokens", "flops_analytic", "flops_counted",
    "peak_memory_bytes", "energy_joules",
)  # fmt: skip


def _words(members: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{m.value}'" for m in members)


def _one_of(column: str, members: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_words(members)})", name=column)


def _text(length: int | None = None, **more: Any) -> Any:
    return Field(sa_type=cast(type[Any], Words(length)), **more)


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


class Experiment(Row, table=True):
    """What a user submitted. Its state is derived from its runs'."""

    __tablename__ = "experiment"
    __table_args__ = (_one_of("source", Source),)

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    name: str = _text(120)
    source: str = _text(16)
    benchmark: str = _text(64)
    request: Any = Field(nullable=False, sa_type=Json)
    not_applicable: Any = Field(nullable=False, sa_type=Json)  # [[model, recipe, target, reason], …]
    idempotency_key: str | None = _text(255, unique=True)
    body_digest: str = _text(64)
    created_at: datetime = Field(sa_type=Moment)
    cancel_requested_at: datetime | None = Field(sa_type=Moment)


class Run(Row, table=True):
    """One execution. ``attempt`` is also the fence: every write of a worker names the attempt that it was given."""

    __tablename__ = "run"
    __table_args__ = (
        _one_of("kind", RunKind),
        _one_of("state", RunState),
        _one_of("phase", Phase),
        _one_of("device_class", DeviceClass),
        _one_of("source", Source),
        CheckConstraint("state <> 'running' OR lease_until IS NOT NULL", name="lease"),
        CheckConstraint(f"(state IN ({_words(ENDED)})) = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint("state <> 'done' OR device_seconds IS NOT NULL", name="cost"),
        # A run that failed, diverged, was cancelled or skipped stays for ever; trying again is a new row. One that was brought
        # in answers for nobody: what it made is not here, and nobody here has seen it compute.
        Index(
            "ux_run_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=text(f"state IN ({_words(ANSWERS)}) AND brought IS NULL"),
            postgresql_where=text(f"state IN ({_words(ANSWERS)}) AND brought IS NULL"),
        ),
        Index("ix_run_fingerprint", "fingerprint"),
        Index("ix_run_cells", "kind", "source", "model", "target", "recipe", "state", "brought"),
        Index("ix_run_seeds", "kind", "source", "model", "recipe", "target", "settings", "device_class"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    # what it is
    fingerprint: str = _text(64)
    kind: str = _text(16)
    source: str = _text(16)
    benchmark: str = _text(64)
    model: str = _text(64)
    recipe: str = _text(1000)
    target: str | None = _text(64)
    seed: int | None = Field(sa_type=Whole)
    settings: str = _text(64)  # what a gain is matched on
    engine: int = Field(sa_type=Whole)
    device_class: str = _text(16)
    precision: str = _text(16)
    devices: int | None = Field(default=None, sa_type=Whole)  # of one worker, at the same time; null: one
    spec: Any = Field(nullable=False, sa_type=Json)
    planned_examples: int = Field(sa_type=Whole)
    planned_steps: int = Field(sa_type=Whole)
    # where it stands
    state: str = _text(16)
    phase: str | None = _text(16)
    priority: int = Field(sa_type=Whole)
    step: int = Field(sa_type=Whole)
    total_steps: int = Field(sa_type=Whole)
    rate: float | None = Field(sa_type=Real)
    eta_low: float | None = Field(sa_type=Real)
    eta_high: float | None = Field(sa_type=Real)
    attempt: int = Field(sa_type=Whole)  # claims so far
    preemptions: int = Field(sa_type=Whole)  # of which not counted against it
    worker: str | None = _text(255)
    lease_until: datetime | None = Field(sa_type=Moment)
    heartbeat_at: datetime | None = Field(sa_type=Moment)
    progress_at: datetime | None = Field(sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    queued_at: datetime | None = Field(sa_type=Moment)
    started_at: datetime | None = Field(sa_type=Moment)
    finished_at: datetime | None = Field(sa_type=Moment)
    cancel_requested_at: datetime | None = Field(sa_type=Moment)
    skipped_because: int | None = Field(foreign_key="run.id", sa_type=Whole)
    error_type: str | None = _text(255)
    error_message: str | None = _text()
    error_cause: str | None = _text()
    error_traceback: str | None = _text()
    # what it found and used
    artifact: str | None = _text(2000)
    artifact_digest: str | None = _text(64)
    artifact_bytes: int | None = Field(sa_type=Whole)
    parameters: int | None = Field(sa_type=Whole)
    parameters_non_embedding: int | None = Field(sa_type=Whole)
    environment: Any = Field(nullable=True, sa_type=Json)
    extra: Any = Field(nullable=True, sa_type=Json)
    device: str | None = _text(255)
    share: float | None = Field(sa_type=Real)
    wall_seconds: float | None = Field(sa_type=Real)
    device_seconds: float | None = Field(sa_type=Real)
    examples: int | None = Field(sa_type=Whole)
    tokens: int | None = Field(sa_type=Whole)
    flops_analytic: float | None = Field(sa_type=Real)
    flops_counted: float | None = Field(sa_type=Real)
    peak_memory_bytes: int | None = Field(sa_type=Whole)
    energy_joules: float | None = Field(sa_type=Real)
    brought: int | None = Field(default=None, foreign_key="brought.id", sa_type=Whole)  # null: computed here


class Brought(Row, table=True):
    """A file of an experiment that was brought in. ``origin``: where it was computed, as that installation put it."""

    __tablename__ = "brought"

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    experiment_id: int = Field(foreign_key="experiment.id", sa_type=Whole)
    sha256: str = _text(64, unique=True)  # of the file
    origin: Any = Field(nullable=False, sa_type=Json)
    brought_at: datetime = Field(sa_type=Moment)


class Packages(Row, table=True):
    """What was installed where runs were computed: one package a line, kept once under its SHA-256, which is ``packages`` in the
    environment of the runs."""

    __tablename__ = "package_list"

    sha256: str = _text(64, primary_key=True)
    content: str = Field(sa_type=Packed)
    created_at: datetime = Field(sa_type=Moment)


class ExperimentRun(Row, table=True):
    """A run that an experiment lists. It *wants* it unless detached (cancelled) or replaced (done again)."""

    __tablename__ = "experiment_run"
    __table_args__ = (Index("ix_experiment_run_run_id", "run_id"),)

    experiment_id: int = Field(primary_key=True, foreign_key="experiment.id", sa_type=Whole)
    run_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)
    reused: bool = Field(sa_type=Flag)  # it existed before the experiment
    detached_at: datetime | None = Field(sa_type=Moment)
    replaced_by: int | None = Field(foreign_key="run.id", sa_type=Whole)


class RunParent(Row, table=True):
    """``run_id`` starts from what ``parent_id`` made."""

    __tablename__ = "run_parent"
    __table_args__ = (Index("ix_run_parent_parent_id", "parent_id"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)
    parent_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)


class Attempt(Row, table=True):
    """One try at a run by one worker."""

    __tablename__ = "attempt"

    run_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)
    number: int = Field(primary_key=True, sa_type=Whole)
    worker: str = _text(255)
    started_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)
    outcome: str | None = _text(32)
    resumed_from_step: int | None = Field(sa_type=Whole)
    detail: str | None = _text()
    checkpoint_step: int | None = Field(default=None, sa_type=Whole)  # of the last one that was saved and is whole
    rejected: str | None = _text(default=None)  # checkpoints passed over on resuming, one a line, and why


class Learning(Row, table=True):
    """How the training of a fine-tune or an intermediate stage ended, beside what guessing gives. A run that did not get
    beyond that has ``failed``: its scores are shown, and in no gain."""

    __tablename__ = "learning"
    __table_args__ = (
        Index("ix_learning_failed", "run_id", sqlite_where=text("failed = 1"), postgresql_where=text("failed = true")),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)
    loss: float = Field(sa_type=Real)  # mean over its last steps
    guess: float = Field(sa_type=Real)  # of the best answer that does not look at the text
    failed: bool = Field(sa_type=Flag)


class Score(Row, table=True):
    """One number: points 0 to 100, over ``n`` examples."""

    __tablename__ = "score"
    __table_args__ = (CheckConstraint("n >= 1", name="n"), {"sqlite_with_rowid": False})

    run_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)
    metric: str = _text(64, primary_key=True)  # before the language: a matrix has one
    language: str = _text(16, primary_key=True)
    value: float = Field(sa_type=Real)
    n: int = Field(sa_type=Whole)


class CurvePoint(Row, table=True):
    """One point of a curve. A resumed attempt writes over what an earlier one left, never the reverse."""

    __tablename__ = "curve_point"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: int = Field(primary_key=True, foreign_key="run.id", sa_type=Whole)
    name: str = _text(64, primary_key=True)
    step: int = Field(primary_key=True, sa_type=Whole)
    attempt: int = Field(sa_type=Whole)
    value: float = Field(sa_type=Real)


class Log(Row, table=True):
    __tablename__ = "log_line"
    __table_args__ = (
        CheckConstraint("level IN ('debug', 'info', 'warning', 'error')", name="level"),
        Index("ix_log_line_run_id_id", "run_id", "id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    run_id: int = Field(foreign_key="run.id", sa_type=Whole)
    attempt: int = Field(sa_type=Whole)
    at: datetime = Field(sa_type=Moment)
    level: str = _text(16)
    message: str = _text()


class Worker(Row, table=True):
    """A worker process that has said that it is there."""

    __tablename__ = "worker"

    name: str = _text(255, primary_key=True)
    queues: Any = Field(nullable=False, sa_type=Json)
    slots: int = Field(sa_type=Whole)
    device: str = _text(255)
    memory_bytes: int | None = Field(default=None, sa_type=Whole)  # of one device; a host's is shared by its slots
    rates: Any = Field(default=None, nullable=True, sa_type=Json)  # precision → FLOP/s of a matrix product in one slot
    started_at: datetime = Field(sa_type=Moment)
    seen_at: datetime = Field(sa_type=Moment)
    drained_at: datetime | None = Field(default=None, sa_type=Moment)  # since when it takes nothing new


class Pin(Row, table=True):
    """What a name was resolved to at first use: a checkpoint's commit, the digest or commit of a task's data."""

    __tablename__ = "pin"
    __table_args__ = (CheckConstraint("subject IN ('model', 'data')", name="subject"),)

    subject: str = _text(16, primary_key=True)
    source: str = _text(16, primary_key=True)  # empty for a model
    name: str = _text(200, primary_key=True)
    value: str = _text(128)
    created_at: datetime = Field(sa_type=Moment)


class Pretrained(Row, table=True):
    """A model that somebody pretrains here on text of their own. ``definition`` never changes; what it weighs is the artifact of
    the run of this fingerprint."""

    __tablename__ = "pretrained_model"
    __table_args__ = (Index("ix_pretrained_model_fingerprint", "fingerprint"),)

    name: str = _text(64, primary_key=True)
    definition: Any = Field(nullable=False, sa_type=Json)
    request: Any = Field(nullable=False, sa_type=Json)
    fingerprint: str = _text(64)
    created_at: datetime = Field(sa_type=Moment)


class Content(Row, table=True):
    """What share links show: canonical JSON, whole, kept once under its SHA-256. It refers to no run, so that it stays
    what it is whatever becomes of them."""

    __tablename__ = "snapshot_content"

    sha256: str = _text(64, primary_key=True)
    content: str = Field(sa_type=Packed)
    bytes: int = Field(sa_type=Whole)
    runs: int = Field(sa_type=Whole)
    created_at: datetime = Field(sa_type=Moment)


class Snapshot(Row, table=True):
    """A share link. Its token is nowhere: ``token_digest`` is the token's SHA-256."""

    __tablename__ = "snapshot"
    __table_args__ = (
        CheckConstraint("kind IN ('explore', 'tradeoff')", name="kind"),
        CheckConstraint("opened >= 0", name="opened"),
        Index("ix_snapshot_sha256", "sha256"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    sha256: str = _text(64, foreign_key="snapshot_content.sha256")
    token_digest: str = _text(64, unique=True)
    kind: str = _text(16)
    view: str = _text(2000)
    title: str = _text(120)
    note: str = _text(2000)
    anonymous: bool = Field(sa_type=Flag)
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime | None = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(sa_type=Moment)
    opened: int = Field(sa_type=Whole)
    last_opened_at: datetime | None = Field(sa_type=Moment)


class Account(Row, table=True):
    """Somebody who may sign in. Never deleted: the audit trail speaks of them."""

    __tablename__ = "account"
    __table_args__ = (_one_of("role", Role),)

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    name: str = _text(64, unique=True)
    role: str = _text(16)
    password: str = _text(200)  # as ``backend.store.passwords`` keeps it
    created_at: datetime = Field(sa_type=Moment)
    disabled_at: datetime | None = Field(sa_type=Moment)


class AccountSession(Row, table=True):
    """Being signed in, in one browser. What its cookie holds is nowhere: ``digest`` is the SHA-256."""

    __tablename__ = "account_session"
    __table_args__ = (Index("ix_account_session_account_id", "account_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    account_id: int = Field(foreign_key="account.id", sa_type=Whole)
    digest: str = _text(64, unique=True)
    address: str = _text(64)
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)


class AccountToken(Row, table=True):
    """An API token. What it is itself is nowhere: ``digest`` is the SHA-256."""

    __tablename__ = "account_token"
    __table_args__ = (_one_of("role", Role), Index("ix_account_token_account_id", "account_id"))

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    account_id: int = Field(foreign_key="account.id", sa_type=Whole)
    digest: str = _text(64, unique=True)
    name: str = _text(60)
    role: str = _text(16)
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(sa_type=Moment)
    last_used_at: datetime | None = Field(sa_type=Moment)


class AccountExperiment(Row, table=True):
    """Who submitted an experiment, where somebody had to sign in for it."""

    __tablename__ = "account_experiment"
    __table_args__ = (Index("ix_account_experiment_account_id", "account_id"),)

    experiment_id: int = Field(primary_key=True, foreign_key="experiment.id", sa_type=Whole)
    account_id: int = Field(foreign_key="account.id", sa_type=Whole)


class SignInAttempt(Row, table=True):
    """A sign-in that did not succeed, or is being looked at."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_at", "at"),)

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    name: str = _text(64)  # the digest of what was typed: some type their password here
    address: str = _text(64)
    at: datetime = Field(sa_type=Moment)


class Audit(Row, table=True):
    """Who did what and when."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_who", "who"),)

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    at: datetime = Field(sa_type=Moment)
    who: str = _text(64)
    action: str = _text(64)
    subject: str = _text(300)


class ImportBatch(Row, table=True):
    """One import of results that were made elsewhere. ``sha256`` is over everything that was asked for."""

    __tablename__ = "import_batch"

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    sha256: str = _text(64, unique=True)
    source: str = _text(60)
    settings: str = _text(60)
    format: str = _text(16)
    files: Any = Field(nullable=False, sa_type=Json)
    note: str = _text(500)
    who: str = _text(64)
    created_at: datetime = Field(sa_type=Moment)
    rows: int = Field(sa_type=Whole)


class ImportedScore(Row, table=True):
    """One imported score, in points. ``key`` is the digest of what it is the score of, its source included."""

    __tablename__ = "imported_score"
    __table_args__ = (
        CheckConstraint("n >= 1", name="n"),
        Index("ix_imported_score_import_id", "import_id"),
        Index("ix_imported_score_cells", "source", "target", "model", "metric"),
    )

    key: str = _text(64, primary_key=True)
    import_id: int = Field(foreign_key="import_batch.id", sa_type=Whole)
    source: str = _text(60)
    settings: str = _text(60)
    model: str = _text(64)
    recipe: str = _text(1000)
    target: str = _text(64)
    language: str = _text(16)
    metric: str = _text(64)
    seed: int | None = Field(sa_type=Whole)
    value: float = Field(sa_type=Real)
    n: int | None = Field(sa_type=Whole)
    file: str = _text(200)
    line: int = Field(sa_type=Whole)


class SavedView(Row, table=True):
    """A name for an address of a page. ``account_id``: who saved it; null where there were no accounts."""

    __tablename__ = "saved_view"
    __table_args__ = (Index("ix_saved_view_account_id", "account_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=Whole)
    name: str = _text(60)
    address: str = _text(2000)
    account_id: int | None = Field(foreign_key="account.id", sa_type=Whole)
    shared: bool = Field(sa_type=Flag)
    created_at: datetime = Field(sa_type=Moment)


def _table(model: type[Row]) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


metadata = Row.metadata
experiment = _table(Experiment)
run = _table(Run)
brought = _table(Brought)
package_list = _table(Packages)
experiment_run = _table(ExperimentRun)
run_parent = _table(RunParent)
attempt = _table(Attempt)
learning = _table(Learning)
score = _table(Score)
curve_point = _table(CurvePoint)
log_line = _table(Log)
worker = _table(Worker)
pin = _table(Pin)
pretrained_model = _table(Pretrained)
snapshot = _table(Snapshot)
snapshot_content = _table(Content)
account = _table(Account)
account_session = _table(AccountSession)
account_token = _table(AccountToken)
account_experiment = _table(AccountExperiment)
sign_in_attempt = _table(SignInAttempt)
audit = _table(Audit)
import_batch = _table(ImportBatch)
imported_score = _table(ImportedScore)
saved_view = _table(SavedView)

# In the order in which they are taken, so that the next one is found without a look at the others.
Index("ix_run_queue", run.c.state, run.c.device_class, run.c.priority.desc(), run.c.id)

# Runs beside runs in one query. Made once: an alias of a table this wide takes longer than most queries.
parent_run = run.alias("parent")
grandparent_run = run.alias("grandparent")
queued_run = run.alias("queued")

for _each in metadata.tables.values():
    for _column in _each.columns:
        if isinstance(_column.type, _Checked):
            _column.type.label = f"{_each.name}.{_column.name}"
