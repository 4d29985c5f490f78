"""Runs say how many devices of one worker they take; none said: one.

Follows: b3d0a64e51f7
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "e81b6f20c3d9"
down_revision: str | None = "b3d0a64e51f7"
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
    with op.batch_alter_table("run", schema=None, recreate=recreate()) as batch_op:
        batch_op.add_column(sa.Column("devices", WHOLE, nullable=True))


def downgrade() -> None:
    wait_briefly()
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_column("devices")
