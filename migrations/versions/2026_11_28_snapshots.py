"""Snapshots: what share links show, and the links.

Follows: 4dbeaf1341c5
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "7a1c90e2d4b6"
down_revision: str | None = "4dbeaf1341c5"
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
        "snapshot_content",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", WHOLE, nullable=False),
        sa.Column("runs", WHOLE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_snapshot_content")),
    )
    op.create_table(
        "snapshot",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("view", sa.String(length=2000), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened", WHOLE, nullable=False),
        sa.Column("last_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('explore', 'tradeoff')", name=op.f("ck_snapshot_kind")),
        sa.CheckConstraint("opened >= 0", name=op.f("ck_snapshot_opened")),
        sa.ForeignKeyConstraint(
            ["sha256"], ["snapshot_content.sha256"], name=op.f("fk_snapshot_sha256_snapshot_content")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_snapshot_token_digest")),
    )
    with op.batch_alter_table("snapshot", schema=None) as batch_op:
        batch_op.create_index("ix_snapshot_sha256", ["sha256"], unique=False)


def downgrade() -> None:
    wait_briefly()
    with op.batch_alter_table("snapshot", schema=None) as batch_op:
        batch_op.drop_index("ix_snapshot_sha256")

    op.drop_table("snapshot")
    op.drop_table("snapshot_content")
