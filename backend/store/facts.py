"""What there is to say of a result besides its numbers: every setting of every stage that led to it, its data, code and packages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.comparison import Thing, flat
from backend.domain.run import RunKind
from backend.store.tables import run, run_parent

Facts = dict[tuple[str, str], str]

_STAGES = {
    RunKind.EVALUATE.value: "Evaluate",
    RunKind.FINETUNE.value: "Fine-tune",
    RunKind.INTERMEDIATE.value: "Intermediate",
    RunKind.PRETRAIN.value: "Pretrain",
}
#: Of a spec: what is said elsewhere, or of no result (parents are compared stage by stage, data by what they are for).
_SKIPPED = frozenset({"seed", "parents", "kind", "recipe", "languages", "data", "oracle"})
_MOST_VALUES = 3


def of(session: Session, thing: Thing, rows: Sequence[Any], done: Collection[int]) -> Facts:
    """Args:
    rows: its runs.
    done: those of them with numbers.
    """
    if not rows:
        return {
            ("Result", "model"): thing.model,
            ("Result", "recipe"): thing.recipe,
            ("Result", "target"): thing.target,
            ("Result", "state"): "not run",
        }
    first = rows[0]
    found: Facts = {("Result", "model"): first["model"], ("Result", "recipe"): first["recipe"]}
    if first["target"] is not None:
        found["Result", "target"] = first["target"]
    if thing.language:
        found["Result", "language"] = thing.language
    seeds = sorted({r["seed"] for r in rows if r["seed"] is not None})
    found["Result", "seeds"] = ", ".join(map(str, seeds)) or "none"
    states = sorted({r["state"] for r in rows})
    found["Result", "state"] = ", ".join(
        f"{sum(r['state'] == s for r in rows)} {s}" if len(rows) > 1 else s for s in states
    )
    shown = (
        max(done) if done else rows[-1]["id"]
    )  # its seeds differ by their seed alone, or they would not be one thing
    specs = _specs(session, shown)
    found["Result", "stages"] = ", ".join(stage.lower() for stage, _ in reversed(specs))
    for stage, spec in specs:
        found |= {(stage, name): text for name, text in (flat(spec, skip=_SKIPPED) | _data(spec)).items()}
    found |= _made_by(session, [r["id"] for r in rows])
    return found


def _specs(session: Session, id: int) -> list[tuple[str, Mapping[str, Any]]]:
    """Of a run and all that it starts from, the nearest first; stages of a chain are numbered as they were trained."""
    above = select(run.c.id).where(run.c.id == id).cte("above", recursive=True)
    above = above.union(select(run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id))
    rows = session.execute(
        select(run.c.id, run.c.kind, run.c.spec).where(run.c.id.in_(select(above.c.id))).order_by(run.c.id.desc())
    ).all()
    order = list(_STAGES)
    of_kind = {kind: sorted(r.id for r in rows if r.kind == kind) for kind in order}
    named = []
    for row in sorted(rows, key=lambda r: (order.index(r.kind), -r.id)):
        same = of_kind[row.kind]
        number = f" {same.index(row.id) + 1}" if len(same) > 1 else ""
        named.append((f"{_STAGES[row.kind]}{number}", row.spec or {}))
    return named


def _data(spec: Mapping[str, Any]) -> dict[str, str]:
    """Data sets by what they are for, so that those of two tasks stand in one line."""
    found: dict[str, str] = {}
    for each in (*(spec.get("data") or ()), *(spec.get("oracle") or ())):
        place = f"{each.get('split')} data"
        where = f" in {each['language']}" if each.get("language") else ""
        said = f"{each.get('task')}{where}, version {each.get('version')}, {str(each.get('content'))[:10]}"
        found[place] = f"{found[place]}; {said}" if place in found else said
    return found


def _made_by(session: Session, ids: Sequence[int]) -> Facts:
    """Device, code and packages of its runs; what differs between them is said as it is."""
    values: dict[str, dict[str, None]] = {}
    for environment, device in session.execute(
        select(run.c.environment, run.c.device).where(run.c.id.in_(ids)).order_by(run.c.id)
    ):
        for name, text in flat({"device": device, **(environment or {})}, longest=80).items():
            values.setdefault(name, {})[text] = None
    found: Facts = {}
    for name, each in values.items():
        said = "; ".join(list(each)[:_MOST_VALUES])
        found["Made by", name] = said if len(each) <= _MOST_VALUES else f"{said}; and {len(each) - _MOST_VALUES} more"
    return found
