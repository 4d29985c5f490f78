"""Models that are pretrained here on text of a user's own.

Follows: 7a1c90e2d4b6
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "c5d27f0a91be"
down_revision: str | None = "7a1c90e2d4b6"
branch_labels: str | None = None
depends_on: str | None = None


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def upgrade() -> None:
    wait_briefly()
    op.create_table(
        "pretrained_model",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pretrained_model")),
    )
    with op.batch_alter_table("pretrained_model", schema=None) as batch_op:
        batch_op.create_index("ix_pretrained_model_fingerprint", ["fingerprint"], unique=False)


def downgrade() -> None:
    wait_briefly()
    with op.batch_alter_table("pretrained_model", schema=None) as batch_op:
        batch_op.drop_index("ix_pretrained_model_fingerprint")

    op.drop_table("pretrained_model")
