"""Indexes that answer by themselves: where the evaluations of a benchmark stand, what comes next in a queue, which trainings failed.

Follows: 9c4d1e7a35b8
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "5be08d3f71c6"
down_revision: str | None = "9c4d1e7a35b8"
branch_labels: str | None = None
depends_on: str | None = None

CELLS = ["kind", "source", "model", "target", "recipe"]


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def upgrade() -> None:
    wait_briefly()
    op.drop_index("ix_run_cells", table_name="run")
    op.create_index("ix_run_cells", "run", [*CELLS, "state", "brought"], unique=False)
    op.drop_index("ix_run_state_device_class_priority", table_name="run")
    op.create_index("ix_run_queue", "run", ["state", "device_class", sa.text("priority DESC"), "id"], unique=False)
    op.create_index(
        "ix_learning_failed",
        "learning",
        ["run_id"],
        unique=False,
        sqlite_where=sa.text("failed = 1"),
        postgresql_where=sa.text("failed = true"),
    )


def downgrade() -> None:
    wait_briefly()
    op.drop_index("ix_learning_failed", table_name="learning")
    op.drop_index("ix_run_queue", table_name="run")
    op.create_index("ix_run_state_device_class_priority", "run", ["state", "device_class", "priority"], unique=False)
    op.drop_index("ix_run_cells", table_name="run")
    op.create_index("ix_run_cells", "run", CELLS, unique=False)
