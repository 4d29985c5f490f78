"""The catalogue: one file per task, found by walking this folder.

A file ``pawsx.py`` declares ``TASK = Task(name="pawsx", …)``; dropping it in is all there is to adding a task. More
folders can be named in ``CROSSLIFT_TASKS`` (separated like ``PATH``) for tasks that a lab keeps to itself. A file that
cannot be read, or whose task has another name, is an error that names the file, never a task that is missing.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from backend.domain.task import Role, Task
from backend.errors import unknown


def discover(folders: Sequence[Path]) -> Mapping[str, Task]:
    """Load every task of these folders, in the order of their names.

    Raises:
        ValueError: a file declares no ``TASK``, another name than its own, or a name that is taken; or a task is
            trained on, joins or contains one that does not exist, or joins one of another format or other labels.
    """
    found: dict[str, Task] = {}
    for path in sorted((p for folder in folders for p in folder.glob("*.py")), key=lambda p: p.stem):
        if path.stem.startswith("_"):
            continue
        task = _load(path)
        if task.name != path.stem:
            raise ValueError(f"{path.name} declares a task named {task.name!r}; file and task have the same name")
        if task.name in found:
            raise ValueError(f"two files declare the task {task.name!r}; the second is {path}")
        found[task.name] = task
    for task in found.values():
        if task.trained_on is not None and task.trained_on not in found:
            raise ValueError(f"{task.name} is trained on {unknown('task', task.trained_on, tuple(found))}")
        for name in (*task.joins, *task.contains):
            if name not in found:
                raise ValueError(f"{task.name} joins or contains {unknown('task', name, tuple(found))}")
        for name in task.joins:
            other = found[name]
            if (other.format, other.labels) != (task.format, task.labels):
                raise ValueError(
                    f"{task.name} joins {name}, which has another format or other labels: one head cannot serve both"
                )
    return MappingProxyType(found)


def _load(path: Path) -> Task:
    inside = path.parent == Path(__file__).parent
    name = f"{__name__}.{path.stem}" if inside else f"crosslift_task_{path.stem}"
    if inside:
        module = importlib.import_module(name)
    else:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # a .py path always has both
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise ValueError(f"task file {path} cannot be loaded: {error}") from error
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise ValueError(f"{path.name} declares no TASK = Task(…)")
    return task


def _folders() -> list[Path]:
    extra = os.environ.get("CROSSLIFT_TASKS", "")
    return [Path(__file__).parent, *(Path(p) for p in extra.split(os.pathsep) if p)]


TASKS: Mapping[str, Task] = discover(_folders())
INTERMEDIATE: tuple[str, ...] = tuple(n for n, t in TASKS.items() if Role.INTERMEDIATE in t.roles)
TARGETS: tuple[str, ...] = tuple(n for n, t in TASKS.items() if Role.TARGET in t.roles)
