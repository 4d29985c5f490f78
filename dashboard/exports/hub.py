"""Scores as the hub's ``model-index``, for the head of a model card: one result a language.

``.eval_results`` is not written: it takes a data set that is registered as a benchmark of the hub, and XTREME-R's are not. A result is
of one model after one recipe, which is a model of its own on the hub; so the index has an entry for each.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from backend.domain.schemas import GainMatrix
from backend.domain.task import Format
from backend.domain.tasks import TASKS
from dashboard import figures, subset, words
from dashboard.links import Explore

#: What the hub calls the shapes of tasks.
_TYPES: Final[dict[Format, str]] = {
    Format.CLASSIFICATION: "text-classification",
    Format.TAGGING: "token-classification",
    Format.SPAN_QA: "question-answering",
    Format.MULTIPLE_CHOICE: "multiple-choice",
}
OTHER: Final = "sentence-similarity"


def model_index(matrix: GainMatrix, state: Explore, *, url: str, source: str) -> str:
    """YAML of what is shown: the score of each recipe and language, with the gain and its interval beside it where there is one."""
    task = TASKS.get(matrix.target)
    every = figures.score_matrix(matrix)
    shown = subset.narrow(every, state.languages)
    place = {code: i for i, code in enumerate(figures.languages(subset.narrow(matrix, state.languages), state.order))}
    entries = []
    for row in shown.recipes:
        cells = sorted(
            (c for c in shown.cells if c.recipe == row.recipe and c.treated is not None and c.language in place),
            key=lambda c: place[c.language],
        )
        if not cells:
            continue
        name = matrix.model if row.recipe == matrix.baseline else f"{matrix.model} after {row.recipe}"
        results = []
        for c in cells:
            metrics: list[dict[str, Any]] = [{"type": matrix.metric, "name": _metric(matrix), "value": c.treated}]
            if c.gain is not None and c.missing is None:
                metrics.append(
                    {"type": f"{matrix.metric}_gain", "name": "gain over no intermediate task", "value": c.gain}
                )
            results.append({
                "task": {"type": _TYPES.get(task.format, OTHER) if task else OTHER, "name": words.task_title(matrix.target)},
                "dataset": _dataset(matrix, c.language),
                "metrics": metrics,
                "source": {"name": source, "url": url},
            })  # fmt: skip
        entries.append({"name": name, "results": results})
    return str(yaml.safe_dump({"model-index": entries}, sort_keys=False, allow_unicode=True, width=120))


def _metric(matrix: GainMatrix) -> str:
    return f"{words.metric_title(matrix.metric)}, points"


def _dataset(matrix: GainMatrix, language: str) -> dict[str, Any]:
    """The data set as the hub has it, where it is from there; else by its name here, which no page of the hub has."""
    task = TASKS.get(matrix.target)
    name = f"{words.task_title(matrix.target)} ({language}), {matrix.benchmark}"
    if matrix.synthetic or task is None or task.hub is None:
        return {
            "type": f"crosslift/{matrix.benchmark.lower()}-{matrix.target}",
            "name": name,
            "config": language,
            "split": "test",
        }
    config = task.hub.configs.get(language) or (task.hub.config or "default").format(language=language)
    return {"type": task.hub.id, "name": name, "config": config, "split": "test"}
