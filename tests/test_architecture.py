"""The shape of the house: who may import whom, and that each of these rules can fail."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("backend", "worker", "dashboard")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: For each contract, by a part of its name: a file that breaks it, and the line that does.
VIOLATIONS = {
    "each layer looks only down": ("backend/store/planted.py", "import backend.queue"),
    "standard library and pydantic alone": ("backend/domain/tasks/_planted.py", "import numpy"),
    "never import each other": ("worker/planted.py", "import dashboard.links"),
    "imports no leaf": ("backend/local/planted.py", "import worker"),
    "never load torch": ("backend/api/planted.py", "import torch"),
    "everything but the meaning over HTTP": ("dashboard/pages/planted.py", "import backend.store"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter over the packages of ``folder``, with its ``pyproject.toml``."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, without anything that a run leaves behind."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"{len(VIOLATIONS)} kept, 0 broken" in done.stdout


def test_every_contract_has_a_violation_here():
    names = [c["name"] for c in SETTINGS["tool"]["importlinter"]["contracts"]]
    assert len(names) == len(VIOLATIONS)
    for part in VIOLATIONS:
        assert sum(part in name for name in names) == 1


@pytest.mark.parametrize("part", VIOLATIONS)
def test_each_contract_is_seen_to_fail(copy: Path, part: str):
    """Plant an import that the contract forbids; it, by name, must be what is broken."""
    place, line = VIOLATIONS[part]
    (copy / place).write_text(f"{line}\n")
    done = lint_imports(copy)
    assert done.returncode != 0
    broken = [x for x in done.stdout.splitlines() if "BROKEN" in x]
    assert any(part in x for x in broken), done.stdout[-4000:]


def test_a_page_may_not_go_through_the_composition_root(copy: Path):
    """``dashboard.server`` may import the trunk; nothing else in the dashboard may reach it that way."""
    importers = [
        p
        for p in (copy / "dashboard").rglob("*.py")
        if "dashboard.server" in p.read_text() or "import server" in p.read_text()
    ]
    assert [p.name for p in importers if p.name != "server.py"] == []


def test_domain_imports_nothing_but_the_standard_library_and_pydantic():
    """Whatever is installed: the contract lists names, this looks at all of them."""
    allowed = sys.stdlib_module_names | {"pydantic"}
    found = set()
    for path in (ROOT / "backend" / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            found |= {(str(path.relative_to(ROOT)), m) for m in modules}
    assert found  # there is something to look at
    strangers = {
        (path, m)
        for path, m in found
        if m.split(".")[0] not in allowed and not m.startswith("backend.domain") and m != "backend.errors"
    }
    assert strangers == set()


def test_the_web_process_never_loads_torch():
    """Import what serves API and pages, in a fresh interpreter, and look at what came with it."""
    program = (
        "import sys, backend.api.app, dashboard.server\n"
        "heavy = {'torch', 'transformers', 'datasets', 'accelerate', 'tokenizers', 'safetensors'}\n"
        "print(sorted(heavy & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", [*PACKAGES, "migrations"])
def test_every_source_folder_is_a_package(package: str):
    """Import-linter passes over a folder without ``__init__.py`` and calls its contracts kept."""
    folders = {p.parent for p in (ROOT / package).rglob("*.py")}
    assert folders
    bare = {"migrations", "migrations/versions"}  # alembic loads these by path
    missing = [f for f in folders if not (f / "__init__.py").exists() and str(f.relative_to(ROOT)) not in bare]
    assert missing == []


def test_no_junk_drawers():
    names = {"utils", "util", "core", "common", "helpers", "helper", "misc"}
    assert [p for package in PACKAGES for p in (ROOT / package).rglob("*") if p.stem in names] == []


def test_tests_are_no_package():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_there_is_one_migration_head():
    from alembic.script import ScriptDirectory

    from backend.store.migrate import configuration

    assert len(ScriptDirectory.from_config(configuration()).get_heads()) == 1


NEW_TASK = '''
"""Pigs: does the pig of the first sentence fly? English."""

from backend.domain.task import Format, Pair, Role, Split, Task
from backend.domain.tasks import mnli


def read(row):
    return Pair(str(row["idx"]), row["premise"], row["hypothesis"], row["label"])


TASK = Task(
    name="pigs",
    title="Pigs",
    summary="Does it fly?",
    version=1,
    format=Format.CLASSIFICATION,
    roles=frozenset({Role.INTERMEDIATE}),
    languages=("en",),
    mini_languages=("en",),
    labels=("entailment", "neutral", "contradiction"),
    metrics=("accuracy",),
    trained_on="pigs",
    evaluated_on=Split.VALIDATION,
    mini="mnli",
    mini_training=mnli.TASK.mini_training,
    licence="none",
    citation="none",
    read=read,
)
'''


def test_a_new_task_is_one_file(tmp_path: Path):
    """Dropped into a folder, it is in the catalogue and an experiment with it can be planned; nothing else was edited."""
    (tmp_path / "pigs.py").write_text(NEW_TASK)
    program = (
        "from backend.domain.experiment import ExperimentRequest, plan\n"
        "from backend.domain.tasks import INTERMEDIATE\n"
        "request = ExperimentRequest(name='pigs', models=('mini-2',), recipes=('pigs',), targets=('xcopa',))\n"
        "made = plan(request)\n"
        "print('pigs' in INTERMEDIATE, sum(r.recipe == 'pigs' for r in made.runs.values()))"
    )

    def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
        )

    there = run({"CROSSLIFT_TASKS": str(tmp_path)})
    assert there.returncode == 0, there.stderr
    assert there.stdout.split() == ["True", "3"]  # intermediate, fine-tune, evaluate
    without = run({"CROSSLIFT_TASKS": ""})
    assert without.returncode != 0
    assert "cannot be planned" in without.stderr
