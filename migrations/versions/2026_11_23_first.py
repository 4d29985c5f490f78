"""The first tables.

Follows: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "4dbeaf1341c5"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ANSWERS = sa.text("state IN ('waiting', 'queued', 'running', 'done')")


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def upgrade() -> None:
    wait_briefly()
    op.create_table(
        "experiment",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("benchmark", sa.String(length=64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("not_applicable", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source IN ('hub', 'files', 'mini')", name=op.f("ck_experiment_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_experiment_idempotency_key")),
    )
    op.create_table(
        "pin",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("subject IN ('model', 'data')", name=op.f("ck_pin_subject")),
        sa.PrimaryKeyConstraint("subject", "source", "name", name=op.f("pk_pin")),
    )
    op.create_table(
        "run",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("benchmark", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.String(length=1000), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=True),
        sa.Column("seed", WHOLE, nullable=True),
        sa.Column("settings", sa.String(length=64), nullable=False),
        sa.Column("engine", WHOLE, nullable=False),
        sa.Column("device_class", sa.String(length=16), nullable=False),
        sa.Column("precision", sa.String(length=16), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("planned_examples", WHOLE, nullable=False),
        sa.Column("planned_steps", WHOLE, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=True),
        sa.Column("priority", WHOLE, nullable=False),
        sa.Column("step", WHOLE, nullable=False),
        sa.Column("total_steps", WHOLE, nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("eta_low", sa.Float(), nullable=True),
        sa.Column("eta_high", sa.Float(), nullable=True),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("preemptions", WHOLE, nullable=False),
        sa.Column("worker", sa.String(length=255), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skipped_because", WHOLE, nullable=True),
        sa.Column("error_type", sa.String(length=255), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_cause", sa.Text(), nullable=True),
        sa.Column("error_traceback", sa.Text(), nullable=True),
        sa.Column("artifact", sa.String(length=2000), nullable=True),
        sa.Column("artifact_digest", sa.String(length=64), nullable=True),
        sa.Column("artifact_bytes", WHOLE, nullable=True),
        sa.Column("parameters", WHOLE, nullable=True),
        sa.Column("parameters_non_embedding", WHOLE, nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("extra", sa.Text(), nullable=True),
        sa.Column("device", sa.String(length=255), nullable=True),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("wall_seconds", sa.Float(), nullable=True),
        sa.Column("device_seconds", sa.Float(), nullable=True),
        sa.Column("examples", WHOLE, nullable=True),
        sa.Column("tokens", WHOLE, nullable=True),
        sa.Column("flops_analytic", sa.Float(), nullable=True),
        sa.Column("flops_counted", sa.Float(), nullable=True),
        sa.Column("peak_memory_bytes", WHOLE, nullable=True),
        sa.Column("energy_joules", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'diverged', 'cancelled', 'skipped')) = (finished_at IS NOT NULL)",
            name=op.f("ck_run_finished"),
        ),
        sa.CheckConstraint("device_class IN ('cpu', 'cuda')", name=op.f("ck_run_device_class")),
        sa.CheckConstraint("kind IN ('pretrain', 'intermediate', 'finetune', 'evaluate')", name=op.f("ck_run_kind")),
        sa.CheckConstraint(
            "phase IN ('starting', 'loading', 'training', 'saving', 'evaluating')", name=op.f("ck_run_phase")
        ),
        sa.CheckConstraint("source IN ('hub', 'files', 'mini')", name=op.f("ck_run_source")),
        sa.CheckConstraint("state <> 'done' OR device_seconds IS NOT NULL", name=op.f("ck_run_cost")),
        sa.CheckConstraint("state <> 'running' OR lease_until IS NOT NULL", name=op.f("ck_run_lease")),
        sa.CheckConstraint(
            "state IN ('waiting', 'queued', 'running', 'done', 'failed', 'diverged', 'cancelled', 'skipped')",
            name=op.f("ck_run_state"),
        ),
        sa.ForeignKeyConstraint(["skipped_because"], ["run.id"], name=op.f("fk_run_skipped_because_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("ix_run_cells", ["kind", "source", "model", "target", "recipe"], unique=False)
        batch_op.create_index("ix_run_fingerprint", ["fingerprint"], unique=False)
        batch_op.create_index("ix_run_state_device_class_priority", ["state", "device_class", "priority"], unique=False)
        batch_op.create_index(
            "ux_run_fingerprint", ["fingerprint"], unique=True, sqlite_where=ANSWERS, postgresql_where=ANSWERS
        )

    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("slots", WHOLE, nullable=False),
        sa.Column("device", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.create_table(
        "attempt",
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("worker", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("resumed_from_step", WHOLE, nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_attempt_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "curve_point",
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("step", WHOLE, nullable=False),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_curve_point_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "name", "step", name=op.f("pk_curve_point")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "experiment_run",
        sa.Column("experiment_id", WHOLE, nullable=False),
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("reused", sa.Boolean(), nullable=False),
        sa.Column("detached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_by", WHOLE, nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiment.id"], name=op.f("fk_experiment_run_experiment_id_experiment")
        ),
        sa.ForeignKeyConstraint(["replaced_by"], ["run.id"], name=op.f("fk_experiment_run_replaced_by_run")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_experiment_run_run_id_run")),
        sa.PrimaryKeyConstraint("experiment_id", "run_id", name=op.f("pk_experiment_run")),
    )
    with op.batch_alter_table("experiment_run", schema=None) as batch_op:
        batch_op.create_index("ix_experiment_run_run_id", ["run_id"], unique=False)

    op.create_table(
        "log_line",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.CheckConstraint("level IN ('debug', 'info', 'warning', 'error')", name=op.f("ck_log_line_level")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_log_line_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_line")),
    )
    with op.batch_alter_table("log_line", schema=None) as batch_op:
        batch_op.create_index("ix_log_line_run_id_id", ["run_id", "id"], unique=False)

    op.create_table(
        "run_parent",
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("parent_id", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["run.id"], name=op.f("fk_run_parent_parent_id_run")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_parent_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "parent_id", name=op.f("pk_run_parent")),
    )
    with op.batch_alter_table("run_parent", schema=None) as batch_op:
        batch_op.create_index("ix_run_parent_parent_id", ["parent_id"], unique=False)

    op.create_table(
        "score",
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("n", WHOLE, nullable=False),
        sa.CheckConstraint("n >= 1", name=op.f("ck_score_n")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_score_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "metric", "language", name=op.f("pk_score")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    wait_briefly()
    op.drop_table("score")
    with op.batch_alter_table("run_parent", schema=None) as batch_op:
        batch_op.drop_index("ix_run_parent_parent_id")

    op.drop_table("run_parent")
    with op.batch_alter_table("log_line", schema=None) as batch_op:
        batch_op.drop_index("ix_log_line_run_id_id")

    op.drop_table("log_line")
    with op.batch_alter_table("experiment_run", schema=None) as batch_op:
        batch_op.drop_index("ix_experiment_run_run_id")

    op.drop_table("experiment_run")
    op.drop_table("curve_point")
    op.drop_table("attempt")
    op.drop_table("worker")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("ux_run_fingerprint", sqlite_where=ANSWERS, postgresql_where=ANSWERS)
        batch_op.drop_index("ix_run_state_device_class_priority")
        batch_op.drop_index("ix_run_fingerprint")
        batch_op.drop_index("ix_run_cells")

    op.drop_table("run")
    op.drop_table("pin")
    op.drop_table("experiment")
