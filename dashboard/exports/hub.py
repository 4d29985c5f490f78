"""Scores as the hub's ``model-index``, for the head of a model card: one result a language.

``.eval_results`` is not written: it takes a data set that is registered as a benchmark of the hub, and XTREME-R's are not. A result is
of one model after one recipe, which is a model of its own on the hub; so the index has an entry for each.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from backend.domain.schemas import GainCell, GainMatrix
from backend.domain.task import Format
from backend.domain.tasks import TASKS
from dashboard import apart, figures, orders, subset, words
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
    """YAML of what is shown: the score of each recipe and language, with the gain and its interval beside it where there is one. Of one
    recipe on several targets that is one entry, with several models one for each.

    Raises:
        ValueError: each number is a mean over languages, which is no result of a data set.
    """
    plain = matrix.axes is None
    own = subset.narrow(matrix, state.languages)
    codes = orders.languages(own, state.order)
    shown = subset.narrow(figures.score_matrix(matrix), state.languages) if plain else own
    entries: dict[str, list[dict[str, Any]]] = {}
    for row in orders.rows(shown, state.order, own):
        one = apart.part(shown, row)
        recipe = row.recipe if plain else one.recipes[0].recipe
        name = one.model if recipe == one.baseline else f"{one.model} after {recipe}"
        at = {c.language: c for c in one.cells if c.recipe == recipe and c.treated is not None}
        results = [_result(one, at[code], source, url) for code in codes if code in at]
        if results:
            entries.setdefault(name, []).extend(results)
    index = [{"name": name, "results": results} for name, results in entries.items()]
    return str(yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True, width=120))


def _result(matrix: GainMatrix, cell: GainCell, source: str, url: str) -> dict[str, Any]:
    task = TASKS.get(matrix.target)
    metrics: list[dict[str, Any]] = [{"type": matrix.metric, "name": _metric(matrix), "value": cell.treated}]
    if cell.gain is not None and cell.missing is None:
        metrics.append({"type": f"{matrix.metric}_gain", "name": "gain over no intermediate task", "value": cell.gain})
    return {
        "task": {"type": _TYPES.get(task.format, OTHER) if task else OTHER, "name": words.task_title(matrix.target)},
        "dataset": _dataset(matrix, cell.language),
        "metrics": metrics,
        "source": {"name": source, "url": url},
    }


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
