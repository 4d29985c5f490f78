"""How Alembic reaches the database: by the connection that ``backend.store.migrate`` gives it, else by the settings."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text
from sqlalchemy.types import TypeDecorator

from backend.settings import settings
from backend.store.columns import Whole
from backend.store.session import checked, connect
from backend.store.tables import metadata


def plain_type(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our checking column types as what they are in the database, so that migrations import nothing of ours."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    if isinstance(item, Whole):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    assert autogen.dialect is not None  # it compares with a database
    return f"sa.{item.load_dialect_impl(autogen.dialect)!r}"


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        with connection.begin():  # rewriting a table takes as long as it takes; waiting for a lock does not
            connection.execute(text("SET statement_timeout = 0"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        render_as_batch=True,  # SQLite cannot alter a table: it is copied and moved
        render_item=plain_type,
        # What began with BEGIN IMMEDIATE is one transaction on SQLite too: all of an upgrade or nothing.
        transactional_ddl=True,
        transaction_per_migration=not sqlite,
    )
    with context.begin_transaction():
        context.run_migrations()
        if sqlite:
            broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
            if broken:
                raise RuntimeError(f"the migration would leave rows without what they refer to: {broken[:5]}")


given: Connection | None = context.config.attributes.get("connection")
if context.is_offline_mode():
    raise SystemExit("Migrations need the database: SQL scripts are not offered.")
if given is not None:
    run(given)
else:
    engine = connect(checked(settings().database), foreign_keys=False).execution_options(crosslift_write=True)
    with engine.connect() as own:
        run(own)
    engine.dispose()
