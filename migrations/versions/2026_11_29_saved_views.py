"""Saved views, and an index by which runs that differ by their seed alone are one row of a list.

Follows: f2b8d05c6a17
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "c07d4e92b1f5"
down_revision: str | None = "f2b8d05c6a17"
branch_labels: str | None = None
depends_on: str | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def upgrade() -> None:
    wait_briefly()
    op.create_table(
        "saved_view",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("account_id", WHOLE, nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_saved_view_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index("ix_saved_view_account_id", ["account_id"], unique=False)
    op.create_index("ix_run_seeds", "run", SEEDS, unique=False)


def downgrade() -> None:
    wait_briefly()
    op.drop_index("ix_run_seeds", table_name="run")
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.drop_index("ix_saved_view_account_id")
    op.drop_table("saved_view")


SEEDS = ["kind", "source", "model", "recipe", "target", "settings", "device_class"]
