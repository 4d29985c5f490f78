"""The languages that a checkpoint saw labelled training data of, beside English: where a score is not zero-shot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import String, cast, select
from sqlmodel import Session

from backend.domain.language import ENGLISH
from backend.store import graph
from backend.store.tables import run, run_parent


def languages(session: Session, runs: Collection[int]) -> Mapping[int, frozenset[str]]:
    """Evaluate run → languages of the rows that it, or anything that it starts from, was trained on. Runs without are left out."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for part in graph.chunks(runs):
        above = select(run.c.id.label("origin"), run.c.id).where(run.c.id.in_(part)).cte("above", recursive=True)
        above = above.union(select(above.c.origin, run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id))
        specs = (
            select(above.c.origin, run.c.spec)
            .join(run, run.c.id == above.c.id)
            .where(cast(run.c.spec, String).contains('"language"'))  # the others name none: most, and dear to read
        )
        for origin, spec in session.execute(specs):
            found[origin].update(each["language"] for each in spec["data"] if each.get("language", ENGLISH) != ENGLISH)
    return {origin: frozenset(codes) for origin, codes in found.items() if codes}
