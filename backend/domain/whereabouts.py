"""Where the files of a task lie under the data root: asked by the worker that evaluates and by whoever shows an example again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.domain.task import Split, Task


@dataclass(frozen=True, slots=True)
class Files:
    """``paths`` are read by ``rows``, which reads ``beside`` too; ``tried``: what is not there, where nothing was found."""

    paths: tuple[Path, ...]
    beside: tuple[Path, ...]
    rows: Callable[[Path, str], Iterator[dict[str, Any]]] | None
    tried: tuple[str, ...] = ()


def files_of(task: Task, split: Split, language: str, root: Path) -> Files:
    """The files of the first layout that is there, what their reader reads beside them, and that reader."""
    tried: list[str] = []
    for layout in task.files:
        if layout.splits and split not in layout.splits:
            continue
        name_of_split, code = layout.splits.get(split, split.value), layout.languages.get(language, language)
        beside = [root / name.format(language=code, split=name_of_split) for name in layout.beside]
        for pattern in (layout.pattern, *layout.also):
            name = pattern.format(language=code, split=name_of_split)
            paths = sorted(root.glob(name)) if "*" in name else [root / name]
            absent = [path for path in (*paths, *beside) if not path.is_file()]
            if paths and not absent:
                return Files(tuple(paths), tuple(beside), layout.rows)
            tried += map(str, absent or [root / name])
    return Files((), (), None, tuple(tried))
