"""Oracle selection: what a target would score if its checkpoint were chosen by development data in the target language.

Zero-shot transfer chooses a checkpoint by English development data alone. Keung et al. 2020 ("Don't Use English Dev", arXiv
2004.15001) show that this hides much of what varies, and ask for the oracle's score beside it: of the checkpoint with the best
score on the language's own development set, on that language's test set. It is no zero-shot score, is never a headline and is
part of no gain.
"""

from __future__ import annotations

from backend.domain.mini.formats import TASKS as MINI_TASKS
from backend.domain.task import RETRIEVAL, Source, Split, Task

ORACLE = "oracle/"  # before the name of a metric (scores, on test) or of a language (curves, on development data)


def developed(task: Task, source: Source) -> bool:
    """Whether a target has development data in its languages that are not what it is scored on.

    Some languages of it may still have none (kk, th, tl and yo of UDPOS), or none apart from test data (where test labels are
    withheld and development data stand in for them): the run finds that out, says so, and leaves these languages out.
    """
    if task.trained_on is None or task.evaluated_on is not Split.TEST or task.format in RETRIEVAL:
        return False
    if source is Source.MINI:
        made = MINI_TASKS.get(task.mini or "")
        return made is not None and Split.VALIDATION.value in made.sizes and "validation" not in made.english_only
    if source is Source.HUB:
        return task.hub is not None and Split.VALIDATION in task.hub.splits and Split.VALIDATION in task.sizes
    both = (Split.VALIDATION, Split.TEST)
    spelled = [
        [layout.splits.get(s, s.value) for s in both if not layout.splits or s in layout.splits]
        for layout in task.files
    ]
    return any(len(names) == 2 and names[0] != names[1] for names in spelled)
