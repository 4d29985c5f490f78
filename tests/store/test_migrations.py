"""Migrations: forth, back and forth again; one at a time; never half of one; never an older program on a newer schema."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import inspect, text

from backend.domain.address import read_address
from backend.domain.schemas import SnapshotRequest
from backend.errors import Conflict
from backend.store import migrate, runs, snapshots, tables
from backend.store.session import Store, checked, connect

ROOT = Path(__file__).parents[2]

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{head}"
branch_labels = depends_on = None


def upgrade():
    with op.batch_alter_table("run") as batch:
        batch.add_column(sa.Column("mood", sa.String(10), nullable=True))
        batch.alter_column("worker", new_column_name="servant", existing_type=sa.String(255))
    {more}


def downgrade():
    with op.batch_alter_table("run") as batch:
        batch.alter_column("servant", new_column_name="worker", existing_type=sa.String(255))
        batch.drop_column("mood")
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Address of a database without anything in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/crosslift.db"
    server = request.getfixturevalue("postgres_server")
    name = f"fresh_{uuid4().hex[:8]}"
    maker = Store(server)
    with maker.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    maker.dispose()
    return checked(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def scripts(tmp_path):
    """Our migrations with one more after them; call it with what that does at its end."""

    def make(more="pass"):
        folder = tmp_path / "migrations"
        shutil.copytree(migrate.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "2999_01_01_later.py").write_text(LATER.format(head=head(), more=more))
        return folder

    return make


def head():
    from alembic.script import ScriptDirectory

    (one,) = ScriptDirectory.from_config(migrate.configuration()).get_heads()
    return one


def run_command(url, what, *args):
    """An alembic command on this database, as the command line would do it."""
    config = migrate.configuration()
    engine = connect(checked(url), foreign_keys=False).execution_options(crosslift_write=True)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        what(config, *args)
    engine.dispose()


def use(lab_at, url):
    store = Store(url)
    lab = lab_at(store)
    lab.submit()
    lab.finish(1, lab.claim().attempt, scores=[("en", "accuracy", 50.0, 10)])
    return store


def names(url):
    engine = connect(checked(url))
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_up_down_and_up_again_with_data(url, lab_at):
    assert migrate.state(url) == "empty"
    assert migrate.upgrade(url) == "empty"
    assert migrate.state(url) == "current"
    use(lab_at, url).dispose()
    run_command(url, command.downgrade, "base")
    assert names(url) == {"alembic_version"}
    assert migrate.state(url) == "empty"
    migrate.upgrade(url)
    use(lab_at, url).dispose()
    assert migrate.upgrade(url) == "current"


def test_snapshots_come_to_an_older_database_and_go_again(url, lab_at):
    """What an upgrade and a way back do to a laboratory that has results."""
    migrate.upgrade(url)
    use(lab_at, url).dispose()
    run_command(url, command.downgrade, "4dbeaf1341c5")
    assert migrate.state(url) == "behind"
    assert migrate.upgrade(url) == "behind"
    store = Store(url)
    with store.write() as session:
        frozen = snapshots.freeze(session, read_address("/explore"), anonymous=False)
        snapshots.make(session, frozen, SnapshotRequest(view="/explore", title="before the way back"))
    run_command(url, command.downgrade, "4dbeaf1341c5")
    assert names(url).isdisjoint({"snapshot", "snapshot_content"})
    with store.read() as session:
        assert runs.view(session, 1).state == "done"
    migrate.upgrade(url)
    with store.read() as session:
        assert snapshots.page(session, limit=1, cursor=None).total == 0
    store.dispose()


def test_the_tables_are_what_the_migrations_make(url):
    migrate.upgrade(url)
    run_command(url, command.check)  # raises where they differ
    assert names(url) == {*tables.metadata.tables, "alembic_version"}


def definitions(url):
    """Every table line, index and constraint as the database itself puts it, in no order."""
    engine = connect(checked(url))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            every = connection.scalars(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
            found = {
                line.strip(" \t,").replace('"', "")
                for sql in every
                for line in sql.splitlines()
                if "alembic" not in sql
            }
        else:
            found = set(connection.scalars(text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"))) | set(
                connection.scalars(
                    text("SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint "
                         "WHERE connamespace = 'public'::regnamespace")
                )
            )  # fmt: skip
    engine.dispose()
    return {each for each in found if "alembic_version" not in each}


def test_conditions_of_constraints_and_indices_are_those_of_the_tables(url):
    """What ``alembic check`` does not look at."""
    migrate.upgrade(url)
    migrated = definitions(url)
    run_command(url, command.downgrade, "base")
    engine = connect(checked(url)).execution_options(crosslift_write=True)
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
    engine.dispose()
    assert definitions(url) == migrated


def test_every_constraint_has_a_name(url):
    migrate.upgrade(url)
    engine = connect(checked(url))
    found = inspect(engine)
    for table in tables.metadata.tables:
        assert found.get_pk_constraint(table)["name"] == f"pk_{table}"
        keys = [
            *found.get_foreign_keys(table),
            *found.get_unique_constraints(table),
            *found.get_check_constraints(table),
        ]
        assert all(each["name"] for each in keys), table
    engine.dispose()


def test_data_survives_a_migration_and_sqlite_is_copied_first(url, lab_at, scripts, tmp_path):
    migrate.upgrade(url)
    store = use(lab_at, url)
    newer = scripts()
    assert migrate.state(url, scripts=newer) == "behind"
    assert migrate.upgrade(url, scripts=newer) == "behind"
    with store.read() as session:
        assert session.scalar(text("SELECT servant FROM run WHERE id = 1")) == "a worker"
        assert session.scalar(text("SELECT count(*) FROM run_parent")) == 5  # though its parent table was rebuilt
    store.dispose()
    kept = list(tmp_path.glob("crosslift.db.before-*"))
    if url.startswith("sqlite"):
        (copy,) = kept
        old = Store(f"sqlite:///{copy}")
        with old.read() as session:
            assert runs.view(session, 1).worker == "a worker"
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        old.dispose()
    else:
        assert kept == []


def test_a_schema_newer_than_the_program_is_left_alone(url, scripts):
    migrate.upgrade(url, scripts=scripts())
    assert migrate.state(url) == "newer"
    with pytest.raises(Conflict, match="schema is newer than this program"):
        migrate.upgrade(url)
    assert "mood" in columns(url)


def columns(url):
    engine = connect(checked(url))
    found = {c["name"] for c in inspect(engine).get_columns("run")}
    engine.dispose()
    return found


def test_a_migration_that_fails_leaves_the_schema_as_it_was(url, lab_at, scripts):
    migrate.upgrade(url)
    store = use(lab_at, url)
    broken = scripts('raise RuntimeError("half way")')
    with pytest.raises(RuntimeError, match="half way"):
        migrate.upgrade(url, scripts=broken)
    assert migrate.state(url, scripts=broken) == "behind"
    assert migrate.state(url) == "current"
    assert "mood" not in columns(url)
    with store.read() as session:
        assert runs.view(session, 1).worker == "a worker"
    store.dispose()


def test_a_migration_that_would_break_a_reference_fails(tmp_path, lab_at, scripts):
    url = f"sqlite:///{tmp_path}/x.db"
    migrate.upgrade(url)
    use(lab_at, url).dispose()
    with pytest.raises(RuntimeError, match="without what they refer to"):
        migrate.upgrade(url, scripts=scripts('op.execute("DELETE FROM run WHERE id = 1")'))
    assert "mood" not in columns(url)


def test_a_process_killed_in_a_migration_leaves_the_schema_as_it_was_and_no_lock(url, lab_at, scripts, tmp_path):
    migrate.upgrade(url)
    use(lab_at, url).dispose()
    flag = tmp_path / "reached"
    slow = scripts(f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(60)")
    process = multiprocessing.get_context("fork").Process(target=migrate.upgrade, args=(url,), kwargs={"scripts": slow})
    process.start()
    deadline = time.monotonic() + 60
    while not flag.exists() and time.monotonic() < deadline:
        assert process.is_alive()
        time.sleep(0.02)
    process.kill()
    process.join()
    assert flag.exists()
    assert migrate.state(url) == "current"
    assert "mood" not in columns(url)
    shutil.rmtree(slow)
    assert migrate.upgrade(url, scripts=scripts()) == "behind"
    assert "mood" in columns(url)


def test_several_at_once_make_one_schema(url, in_processes):
    before = in_processes(4, lambda _: migrate.upgrade(url))
    assert sorted(before) == ["current", "current", "current", "empty"]
    assert migrate.state(url) == "current"


def test_the_command_line_finds_everything_in_pyproject(tmp_path):
    url = f"sqlite:///{tmp_path}/cli.db"
    env = {**os.environ, "CROSSLIFT_DATABASE_URL": url, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    migrate.upgrade(url)
    done = subprocess.run([sys.executable, "-m", "alembic", "check"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "No new upgrade operations detected" in done.stdout


def test_there_is_one_head_and_file_names_begin_with_their_date():
    assert head()
    for file in (migrate.SCRIPTS / "versions").glob("*.py"):
        time.strptime(file.name[:10], "%Y_%m_%d")
