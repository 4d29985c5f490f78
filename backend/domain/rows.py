"""How many sequences an encoder reads of an example: what its work and its memory are counted in."""

from __future__ import annotations

from backend.domain.experiment import examples
from backend.domain.run import RunKind, RunSpec
from backend.domain.task import RETRIEVAL, Format, Split, Task
from backend.domain.tasks import TASKS


def rows_of(task: Task) -> int:
    """Rows of a training example: one for each option of a question, two of a question and the passage that answers it."""
    if task.format is Format.MULTIPLE_CHOICE:
        return task.options
    return 2 if task.format is Format.ANSWER_RETRIEVAL else 1


def read_rows(task: Task) -> int:
    """Rows of an example of an evaluation. What is found is one row, and what it is found for another example."""
    return 1 if task.format in RETRIEVAL else rows_of(task)


def most_rows(spec: RunSpec) -> int:
    """Rows of the largest example that a training reads."""
    return max((rows_of(TASKS[data.task]) for data in spec.data if data.task in TASKS), default=1)


def mean_rows(spec: RunSpec) -> float:
    """Rows of an example of a run; of a mix their mean, by what is drawn. A line of text is one."""
    if spec.kind is RunKind.INTERMEDIATE and spec.recipe is not None and len(spec.recipe.tasks) > 1:
        tasks = [TASKS[name] for name in spec.recipe.tasks]
        shares = spec.recipe.weights([examples(task, Split.TRAIN, spec.data[0].source) for task in tasks])
        return sum(share * rows_of(task) for share, task in zip(shares, tasks, strict=True))
    each = read_rows if spec.kind is RunKind.EVALUATE else rows_of
    return max((each(TASKS[data.task]) for data in spec.data if data.task in TASKS), default=1)
