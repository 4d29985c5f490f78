"""Models that are pretrained here: written down once, and known to this process from then on.

Any process that reads the store learns of them by ``take_up``, which costs one small query where nothing is new; so a model can
be used as soon as it is defined, by every web process, without a restart. Workers need not know it: a run's spec says it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from backend.domain.experiment import Plan
from backend.domain.model import MODELS, Model
from backend.domain.pretraining import PretrainRequest, recorded
from backend.domain.run import RunState
from backend.domain.task import Source
from backend.errors import FieldError, Invalid
from backend.store import experiments, graph
from backend.store.session import now
from backend.store.tables import pretrained_model


@dataclass(frozen=True, slots=True)
class Defined:
    """``run``: the id of its pretrain run; ``created`` is False where the model was there; ``queued``: ids of new runs."""

    run: int
    created: bool
    queued: list[int]


def take_up(session: Session) -> None:
    """Let the catalogue of this process hold exactly the models that this store does."""
    rows = session.execute(
        select(pretrained_model.c.name, pretrained_model.c.fingerprint).order_by(pretrained_model.c.name)
    )
    there = tuple((str(name), str(fingerprint)) for name, fingerprint in rows)
    if there != MODELS.mark:
        definitions = session.scalars(select(pretrained_model.c.definition).order_by(pretrained_model.c.name)).all()
        MODELS.joined((recorded(each) for each in definitions), mark=there)


def define(session: Session, model: Model, request: PretrainRequest, plan: Plan) -> Defined:
    """Write a model down and queue its pretrain run, or do that again where it did not come to an end.

    Args:
        plan: of ``plan_pretraining``: the model's own run is the last.

    Raises:
        Invalid: a model of this name is there that is not the same.
    """
    graph.lock(session)
    definition, fingerprint = model.model_dump(mode="json"), list(plan.runs)[-1]
    earlier = session.scalars(
        select(pretrained_model.c.definition).where(pretrained_model.c.name == model.name)
    ).one_or_none()
    if earlier is not None and earlier != definition:
        raise Invalid(
            "The model cannot be defined.", errors=[FieldError("/name", _differs(model.name, earlier, definition))]
        )
    if earlier is None:
        session.execute(
            insert(pretrained_model),
            {
                "name": model.name, "definition": definition, "request": request.model_dump(mode="json"),
                "fingerprint": fingerprint, "created_at": now(session),
            },
        )  # fmt: skip
    known = graph.answers(session, plan.runs)
    shared = [id for id, _ in known.values()]
    new = [experiments.row_of(run, Source.FILES, priority=0) for f, run in plan.runs.items() if f not in known]
    queued = graph.create(session, new, {f: p.spec.parents for f, p in plan.runs.items()}, known)
    graph.keep(session, shared)
    take_up(session)
    return Defined(known[fingerprint][0], earlier is None, queued)


def _differs(name: str, earlier: Mapping[str, Any], definition: Mapping[str, Any]) -> str:
    fields = sorted(key for key in definition if earlier.get(key) != definition[key])
    return f"the name {name} is taken by a model that differs in {', '.join(fields)}; choose another name"


def runs(session: Session) -> dict[str, tuple[int, RunState]]:
    """Model → its pretrain run, where one is live or done."""
    rows = session.execute(select(pretrained_model.c.name, pretrained_model.c.fingerprint)).all()
    found = graph.answers(session, [fingerprint for _, fingerprint in rows])
    return {name: found[fingerprint] for name, fingerprint in rows if fingerprint in found}
