"""Experiments that come in files of other installations, and what was installed where runs were computed.

Follows: e4a7c19d30b2
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "a93f5e07c1d8"
down_revision: str | None = "e4a7c19d30b2"
branch_labels: str | None = None
depends_on: str | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ANSWERS = "state IN ('waiting', 'queued', 'running', 'done')"
HERE = f"{ANSWERS} AND brought IS NULL"


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def recreate() -> str:
    """SQLite's own way to add a column leaves a definition that reads otherwise than that of a new table."""
    return "always" if op.get_context().dialect.name == "sqlite" else "never"


def one_answer(where: str) -> None:
    op.create_index(
        "ux_run_fingerprint",
        "run",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    wait_briefly()
    op.create_table(
        "brought",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("experiment_id", WHOLE, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("brought_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_brought_experiment_id_experiment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brought")),
        sa.UniqueConstraint("sha256", name=op.f("uq_brought_sha256")),
    )
    op.create_table(
        "package_list",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_package_list")),
    )
    op.drop_index("ux_run_fingerprint", table_name="run")
    with op.batch_alter_table("run", schema=None, recreate=recreate()) as batch_op:
        batch_op.add_column(sa.Column("brought", WHOLE, nullable=True))
        batch_op.create_foreign_key(op.f("fk_run_brought_brought"), "brought", ["brought"], ["id"])
    one_answer(HERE)


def downgrade() -> None:
    """What was brought in goes: an older program would take it for its own."""
    wait_briefly()
    gone = "SELECT id FROM run WHERE brought IS NOT NULL"
    experiments = "SELECT experiment_id FROM brought"
    for table in ("score", "curve_point", "log_line", "learning", "attempt"):
        op.execute(f"DELETE FROM {table} WHERE run_id IN ({gone})")  # noqa: S608 - its own names
    op.execute(f"DELETE FROM run_parent WHERE run_id IN ({gone}) OR parent_id IN ({gone})")  # noqa: S608 - its own names
    op.execute(f"DELETE FROM experiment_run WHERE run_id IN ({gone}) OR experiment_id IN ({experiments})")  # noqa: S608 - its own names
    op.execute(f"DELETE FROM account_experiment WHERE experiment_id IN ({experiments})")  # noqa: S608 - its own names
    op.execute("CREATE TEMPORARY TABLE brought_experiment AS SELECT experiment_id AS id FROM brought")
    op.execute("UPDATE run SET skipped_because = NULL WHERE brought IS NOT NULL")
    op.execute("DELETE FROM run WHERE brought IS NOT NULL")
    op.drop_index("ux_run_fingerprint", table_name="run")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_run_brought_brought"), type_="foreignkey")
        batch_op.drop_column("brought")
    one_answer(ANSWERS)
    op.drop_table("brought")
    op.execute("DELETE FROM experiment WHERE id IN (SELECT id FROM brought_experiment)")
    op.execute("DROP TABLE brought_experiment")
    op.drop_table("package_list")
