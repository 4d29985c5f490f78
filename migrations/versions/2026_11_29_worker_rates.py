"""Workers say what a matrix product attains on their device, measured when they start.

Follows: c07d4e92b1f5
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "9c4d1e7a35b8"
down_revision: str | None = "c07d4e92b1f5"
branch_labels: str | None = None
depends_on: str | None = None


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
        batch_op.add_column(sa.Column("rates", sa.Text(), nullable=True))


def downgrade() -> None:
    wait_briefly()
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.drop_column("rates")
