"""The languages that a cell's runs saw labelled training data of, beside English: where a score is not zero-shot.

A recipe's are in its name; those of the target are what the experiments of these fine-tune settings asked for. So nothing has to
look into the specs of runs, of which there are many more than experiments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from pydantic import ValidationError
from sqlalchemy import String, bindparam, cast, select
from sqlmodel import Session

from backend.domain.gains import Gain
from backend.domain.language import ENGLISH
from backend.domain.recipe import CONTROLS, Recipe
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.store.prepared import Prepared
from backend.store.tables import experiment, experiment_run, run

#: Settings of an evaluate run → languages but English that its target was trained in.
Trained = Mapping[str, frozenset[str]]


_ASKED = Prepared(
    lambda: select(experiment.c.id, experiment.c.request).where(
        experiment.c.source == bindparam("of_source"),
        cast(experiment.c.request, String).contains('"translate_train"'),
        ~cast(experiment.c.request, String).contains('"translate_train":null'),
    )
)


def by_settings(session: Session, source: Source) -> Trained:
    """Of the settings that were asked for with translate-train; the others are not in it."""
    trained = [name for name in TARGETS if TASKS[name].trained_on is not None]
    found: defaultdict[str, set[str]] = defaultdict(set)
    for id, request in _ASKED.rows(session, of_source=source.value):
        settings = (
            select(run.c.settings)
            .join(experiment_run, experiment_run.c.run_id == run.c.id)
            .where(experiment_run.c.experiment_id == id)
            .where(run.c.kind == RunKind.EVALUATE.value, run.c.target.in_(trained))
            .distinct()
        )
        for each in session.scalars(settings):
            found[each].update(request.get("translate_train") or ())
    return {settings: frozenset(codes - {ENGLISH}) for settings, codes in found.items()}


def saw(gain: Gain, trained: Trained) -> bool:
    """Whether the cell's runs were trained on labelled rows in its language, which is not English."""
    return gain.language in trained.get(gain.settings, ()) or gain.language in of_recipe(gain.recipe)


@lru_cache(maxsize=4096)  # it is asked of every cell of a matrix
def of_recipe(name: str) -> frozenset[str]:
    """The languages but English of a recipe's own stages; a control has none."""
    try:
        recipe = Recipe.parse(name)
    except (ValueError, ValidationError):  # of another version of the program
        return frozenset()
    return frozenset() if recipe.kind in CONTROLS else frozenset(recipe.languages or ()) - {ENGLISH}
