"""What the gain matrices of a benchmark rest on, each kind of thing read once: where runs stand, scores, what does not apply,
which trainings failed, what costs rest on.

A matrix is laid out from this alone, so that two readings that are equal have equal matrices, and many matrices (a row of targets,
a column of models) are one reading.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any

from sqlalchemy import Select, Text, bindparam, func, select, type_coerce
from sqlalchemy.types import NullType
from sqlmodel import Session

from backend.domain.run import RunState
from backend.domain.task import Source
from backend.store import graph, learning, trained
from backend.store.costs import Costs
from backend.store.learning import LeftOut
from backend.store.measured import Unit, asked, evaluations, given, units
from backend.store.prepared import Prepared
from backend.store.reasons import NONE
from backend.store.tables import LIVE, experiment, run, run_parent

Pair = tuple[str, str]  # model and target

#: What is read of an evaluate run.
COLUMNS = (
    "model", "target", "id", "fingerprint", "recipe", "seed", "settings", "state", "error_message", "skipped_because",
)  # fmt: skip
_STATE, _CAUSE, _ENDED = COLUMNS.index("state"), COLUMNS.index("skipped_because"), len(COLUMNS)
_LIVE = [s.value for s in LIVE]


class Observed:
    """One reading of a benchmark, of one model, one target, or both.

    ``runs``: its evaluate runs by model and target, in order of their ids: ``COLUMNS``, then when it ended, as the database has it.
    """

    def __init__(
        self,
        session: Session,
        *,
        source: Source,
        model: str | None,
        target: str | None,
        metrics: Collection[tuple[str, str]] = (),
    ) -> None:
        """
        Args:
            metrics: targets with the metrics whose gains are looked at.
        """
        self.session = session
        self.source = source
        self.model, self.target = model, target
        self.values = given(source, model, target)
        self.by = model is not None, target is not None
        self.runs: defaultdict[Pair, list[tuple[Any, ...]]] = defaultdict(list)
        for row in _runs(*self.by).rows(session, **self.values):
            self.runs[row[0], row[1]].append(row)
        wanted = {m for _, m in metrics}
        found = units(session, wanted, source=source, model=model, target=target, only=set(metrics)) if wanted else []
        self.units: Mapping[tuple[str, str, str], Unit] = {(u.model, u.target, u.metric): u for u in found}
        self.learnt = trained.by_settings(session, source)
        self.done = done(session)
        self._refused = [_read(text) for (text,) in _REFUSED.rows(session, of_source=source.value)]
        self.causes = self._causes()

    def not_applicable(self, model: str, target: str) -> dict[str, str]:
        """Recipe → why it cannot be used on this target, from what experiments asked for."""
        return {r: why for each in self._refused for m, r, t, why in each if (m, t) == (model, target) and r != NONE}

    def standing(self, model: str, target: str) -> list[dict[str, Any]]:
        """Its evaluate runs of one model and target, each by ``COLUMNS``."""
        return [dict(zip(COLUMNS, row, strict=False)) for row in self.runs[model, target]]

    def pending(self, model: str, target: str, settings: str | None) -> int:
        """Live evaluate runs, and the live runs that they start from."""
        if settings is not None:
            values = given(self.source, model, target)
            found = _pending(True, True, True).rows(self.session, **values, of_settings=settings)
            return sum(n for *_, n in found)
        return self._all_pending.get((model, target), 0)

    @cached_property
    def left_out(self) -> list[LeftOut]:
        here = evaluations(source=self.source, model=self.model, target=self.target)
        return learning.left_out(self.session, [*here, run.c.state == RunState.DONE.value])

    @cached_property
    def costs(self) -> Costs:
        """Of all its runs. They do not change while ``done`` does not: runs that are done stay as they are."""
        return Costs(self.session, evaluations(source=self.source, model=self.model, target=self.target))

    @cached_property
    def _all_pending(self) -> dict[Pair, int]:
        if not any(row[_STATE] in _LIVE for rows in self.runs.values() for row in rows):
            return {}
        found = _pending(*self.by, False).rows(self.session, **self.values)
        return {(model, target): n for model, target, n in found}

    def _causes(self) -> dict[int, dict[str, Any]]:
        """Of the runs that others were skipped because of: where they stand."""
        ids = {row[_CAUSE] for rows in self.runs.values() for row in rows} - {None}
        wanted = select(run.c.id, run.c.state, run.c.error_message, run.c.skipped_because)
        return {
            row["id"]: dict(row)
            for part in graph.chunks(ids)
            for row in self.session.execute(wanted.where(run.c.id.in_(part))).mappings()
        }


def done(session: Session) -> tuple[int, int]:
    """Which runs are done: how many, and the sum of their ids. They never change again, so while this is equal, what all of them
    took is."""
    n, total = _DONE.rows(session)[0]
    return int(n), int(total or 0)


def counts(session: Session, source: Source) -> list[tuple[str, str, str, int]]:
    """Evaluate runs of a benchmark by model, target and state; of what was brought in and done here since, those of here."""
    values = given(source, None, None)
    found = _STANDING.rows(session, **values)
    if any(mark is not None for *_, mark, _ in found):  # the index alone does not say which of these count
        return [tuple(row) for row in _SHOWN.rows(session, **values)]
    return [(model, target, state, n) for model, target, state, _, n in found]


@cache
def _runs(by_model: bool, by_target: bool) -> Prepared:
    columns = [run.c[name] for name in COLUMNS]
    return Prepared(
        lambda: (
            select(*columns, type_coerce(run.c.finished_at, NullType()))
            .where(*asked(by_model, by_target))
            .order_by(run.c.id)
        )
    )


@cache
def _pending(by_model: bool, by_target: bool, by_settings: bool) -> Prepared:
    def build() -> Select[Any]:
        here = select(run.c.model, run.c.target, run.c.id).where(
            *asked(by_model, by_target), run.c.state.in_(_LIVE)
        )  # fmt: skip
        if by_settings:
            here = here.where(run.c.settings == bindparam("of_settings"))
        above = here.cte("above", recursive=True)
        above = above.union(
            select(above.c.model, above.c.target, run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id)
        )
        return (
            select(above.c.model, above.c.target, func.count())
            .join(run, run.c.id == above.c.id)
            .where(run.c.state.in_(_LIVE))
            .group_by(above.c.model, above.c.target)
        )

    return Prepared(build)


_STANDING = Prepared(
    lambda: (
        select(run.c.model, run.c.target, run.c.state, run.c.brought, func.count())
        .where(*asked(False, False)[:2])
        .group_by(run.c.model, run.c.target, run.c.state, run.c.brought)
    )
)
_SHOWN = Prepared(
    lambda: (
        select(run.c.model, run.c.target, run.c.state, func.count())
        .where(*asked(False, False))
        .group_by(run.c.model, run.c.target, run.c.state)
    )
)
_DONE = Prepared(lambda: select(func.count(), func.sum(run.c.id)).where(run.c.state == RunState.DONE.value))
_REFUSED = Prepared(
    lambda: (
        select(type_coerce(experiment.c.not_applicable, Text()).label("refused"))
        .where(experiment.c.source == bindparam("of_source"), type_coerce(experiment.c.not_applicable, Text()) != "[]")
        .distinct()
    )
)


@lru_cache(maxsize=256)
def _read(text: str) -> list[tuple[str, str, str, str]]:
    return [(model, recipe, target, why) for model, recipe, target, why in json.loads(text)]
