"""Results that were made elsewhere.

Follows: a93f5e07c1d8
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "f2b8d05c6a17"
down_revision: str | None = "a93f5e07c1d8"
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
        "import_batch",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("settings", sa.String(length=60), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sa.UniqueConstraint("sha256", name=op.f("uq_import_batch_sha256")),
    )
    op.create_table(
        "imported_score",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("import_id", WHOLE, nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("settings", sa.String(length=60), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.String(length=1000), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("seed", WHOLE, nullable=True),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("n", WHOLE, nullable=True),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("line", WHOLE, nullable=False),
        sa.CheckConstraint("n >= 1", name=op.f("ck_imported_score_n")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_batch.id"], name=op.f("fk_imported_score_import_id_import_batch")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_imported_score")),
    )
    with op.batch_alter_table("imported_score", schema=None) as batch_op:
        batch_op.create_index("ix_imported_score_import_id", ["import_id"], unique=False)
        batch_op.create_index("ix_imported_score_cells", ["source", "target", "model", "metric"], unique=False)


def downgrade() -> None:
    wait_briefly()
    with op.batch_alter_table("imported_score", schema=None) as batch_op:
        batch_op.drop_index("ix_imported_score_cells")
        batch_op.drop_index("ix_imported_score_import_id")

    op.drop_table("imported_score")
    op.drop_table("import_batch")
