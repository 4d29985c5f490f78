"""${message}.

Follows: ${down_revision | comma,n}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels: str | None = ${repr(branch_labels)}
depends_on: str | None = ${repr(depends_on)}


def wait_briefly() -> None:
    """Give up rather than queue up everybody behind a table that is in use."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def upgrade() -> None:
    wait_briefly()
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    wait_briefly()
    ${downgrades if downgrades else "pass"}
