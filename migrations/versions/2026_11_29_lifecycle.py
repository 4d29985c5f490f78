"""Workers can be drained; attempts say what they saved and which checkpoints they passed over; a training says how it ended.

Follows: e81b6f20c3d9
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "d7c41b9e02a6"
down_revision: str | None = "e81b6f20c3d9"
branch_labels: str | None = None
depends_on: str | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def recreate() -> str:
    """SQLite's own way to add a column leaves a definition that reads otherwise than that of a new table."""
    return "always" if op.get_context().dialect.name == "sqlite" else "never"


def upgrade() -> None:
    wait_briefly()
    with op.batch_alter_table("worker", schema=None, recreate=recreate()) as batch_op:
        batch_op.add_column(sa.Column("drained_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("attempt", schema=None, recreate=recreate()) as batch_op:
        batch_op.add_column(sa.Column("checkpoint_step", WHOLE, nullable=True))
        batch_op.add_column(sa.Column("rejected", sa.Text(), nullable=True))
    op.create_table(
        "learning",
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("loss", sa.Float(), nullable=False),
        sa.Column("guess", sa.Float(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_learning_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_learning")),
    )


def downgrade() -> None:
    wait_briefly()
    op.drop_table("learning")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_column("rejected")
        batch_op.drop_column("checkpoint_step")
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.drop_column("drained_at")
