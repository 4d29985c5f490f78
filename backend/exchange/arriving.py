"""An experiment that comes in a file: judged as a whole, then written down as a whole.

Its runs keep what they are and say that they were brought in. They answer for nobody (``ux_run_fingerprint``): what is asked for here
is computed here, and from then on shown instead of what came from elsewhere. Where a run of equal fingerprint is done here
already and found the same scores, it takes the place of the one in the file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import insert, select, update
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, ExperimentRequest
from backend.domain.language import LANGUAGES
from backend.domain.oracle import ORACLE
from backend.domain.run import TERMINAL, RunKind, RunSpec, RunState, digest
from backend.domain.tasks import TASKS
from backend.errors import Conflict, Invalid, shown
from backend.exchange.content import RUN, Content
from backend.store import graph, packages
from backend.store.columns import BadValue
from backend.store.session import now
from backend.store.tables import brought, curve_point, experiment, learning, run, run_parent, score
from backend.store.tables import experiment_run as listed

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_METRIC: Final = re.compile(r"[a-z0-9_@./-]{1,64}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SETTINGS: Final = re.compile(r"[0-9a-f]{0,64}")  # empty: it has none
_MEASURED: Final = ("device", "share", "wall_seconds", "device_seconds", "examples", "tokens", "flops_analytic")
SAID: Final = 5  # differences that are named one by one

Scored = Mapping[tuple[str, str], tuple[float, int]]  # (metric, language) → points and examples


@dataclass(frozen=True, slots=True)
class Arrived:
    """``created`` is False where this very file was brought in before. ``runs``: new ones; ``shared``: runs of here that found the
    same; ``ours``: runs of here that found something else and are shown instead, because that was asked for."""

    experiment: int
    created: bool
    runs: int
    shared: list[int] = field(default_factory=list)
    ours: list[int] = field(default_factory=list)


# --- judging ----------------------------------------------------------------------------------------------------------


def check(content: Content) -> ExperimentRequest:
    """The request of a file whose runs are what they say they are.

    Raises:
        Invalid: a run, link, score or curve that cannot be; names the table, the row and the value.
    """
    try:
        request = ExperimentRequest.model_validate(content.request)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = "/".join(map(str, first["loc"]))
        raise Invalid(f"experiment.yaml is no request that this version knows: {where}: {first['msg']}") from None
    if request.name != content.origin.name:
        raise Invalid("experiment.yaml has another name than the manifest.")
    if any(len(each) != 4 for each in content.not_applicable):
        raise Invalid("manifest.json: not_applicable holds lists of model, recipe, target and reason.")
    if not content.runs:
        raise Invalid("runs.parquet holds no run.")
    specs = [_check_run(i, row, request) for i, row in enumerate(content.runs)]
    _check_links(content, specs)
    _check_scores(content, specs)
    _check_curves(content)
    _check_packages(content)
    return request


def _check_run(i: int, row: Mapping[str, Any], request: ExperimentRequest) -> RunSpec:
    where = f"runs.parquet, row {i}"
    try:
        spec = RunSpec.model_validate(row["spec"])
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        said = f"{'/'.join(map(str, first['loc']))}: {first['msg']}"
        raise Invalid(f"{where}: this version cannot read what the run computes: {said}") from None
    if spec.fingerprint != row["fingerprint"]:
        raise Invalid(f"{where}: the fingerprint is not that of what the run computes; the file was changed.")
    same = {
        "kind": spec.kind.value, "engine": spec.engine, "seed": spec.seed, "precision": spec.precision,
        "device_class": spec.device.value, "source": request.source.value, "benchmark": BENCHMARKS[request.source],
    }  # fmt: skip
    for column, value in same.items():
        if row[column] != value:
            raise Invalid(f"{where}: {column} is {shown(row[column])}, and {shown(value)} is expected.")
    if (row["devices"] or 1) != spec.devices:
        raise Invalid(f"{where}: devices is {row['devices']}, and {spec.devices} is expected.")
    if row["state"] not in {s.value for s in TERMINAL}:
        raise Invalid(f"{where}: state is {shown(row['state'])}; only runs that have ended are accepted.")
    for column, pattern in (("model", _NAME), ("settings", _SETTINGS), ("artifact_digest", _DIGEST)):
        if row[column] is not None and not pattern.fullmatch(row[column]):
            raise Invalid(f"{where}: {column} {shown(row[column])} is not acceptable.")
    if not 0 < len(row["recipe"]) <= 1000 or not row["recipe"].isprintable():
        raise Invalid(f"{where}: recipe {shown(row['recipe'])} is not acceptable.")
    if row["target"] is not None and row["target"] not in TASKS:
        raise Invalid(f"{where}: this version does not know the target {shown(row['target'])}.")
    if spec.kind is RunKind.EVALUATE and row["target"] is None:
        raise Invalid(f"{where}: an evaluation has a target, and this one has none.")
    if row["state"] == RunState.DONE.value:
        empty = next((c for c in _MEASURED if row[c] is None), None)
        if empty is not None:
            raise Invalid(f"{where}: the run is done and its {empty} is missing.")
    for column in ("share", "wall_seconds", "device_seconds", "flops_analytic", "flops_counted", "energy_joules"):
        if row[column] is not None and row[column] < 0:
            raise Invalid(f"{where}: {column} {row[column]} is below zero.")
    environment = row["environment"]
    if environment is not None and (
        not isinstance(environment, dict) or not all(isinstance(v, str) for v in environment.values())
    ):
        raise Invalid(f"{where}: environment must be names and texts.")
    if row["extra"] is not None and not isinstance(row["extra"], dict):
        raise Invalid(f"{where}: extra must be an object.")
    ended = [row[c] is None for c in ("loss", "guess", "did_not_learn")]
    if any(ended) and not all(ended):
        raise Invalid(f"{where}: loss, guess and did_not_learn go together.")
    return spec


def _check_links(content: Content, specs: Sequence[RunSpec]) -> None:
    rows = content.runs
    above: defaultdict[int, set[int]] = defaultdict(set)
    for i, (child, parent) in enumerate(content.parents):
        where = f"parents.parquet, row {i}"
        if not 0 <= parent < child < len(rows):
            raise Invalid(f"{where}: run {child} cannot start from run {parent}; parents stand before their children.")
        if parent in above[child]:
            raise Invalid(f"{where}: this link is there twice.")
        above[child].add(parent)
    done_of: dict[str, int] = {}
    for i, (row, spec) in enumerate(zip(rows, specs, strict=True)):
        where = f"runs.parquet, row {i}"
        if {rows[p]["fingerprint"] for p in above[i]} != set(spec.parents) or len(above[i]) != len(spec.parents):
            raise Invalid(f"{where}: parents.parquet does not link it to the runs that it starts from.")
        if row["state"] == RunState.DONE.value:
            if any(rows[p]["state"] != RunState.DONE.value for p in above[i]):
                raise Invalid(f"{where}: the run is done, and one that it starts from is not.")
            if done_of.setdefault(row["fingerprint"], i) != i:
                raise Invalid(f"{where}: row {done_of[row['fingerprint']]} is the same run, and both are done.")
        because = row["skipped_because"]
        if because is not None and not (0 <= because < len(rows) and because != i):
            raise Invalid(f"{where}: skipped_because names row {because}, which is not there.")


def _check_scores(content: Content, specs: Sequence[RunSpec]) -> None:
    seen: set[tuple[int, str, str]] = set()
    for i, (of, metric, language, value, n) in enumerate(content.scores):
        where = f"scores.parquet, row {i}"
        if not 0 <= of < len(specs):
            raise Invalid(f"{where}: there is no run {of}.")
        row = content.runs[of]
        if row["state"] != RunState.DONE.value:
            raise Invalid(f"{where}: run {of} is not done, and so has no scores.")
        if specs[of].kind is not RunKind.EVALUATE and not metric.startswith(ORACLE):
            raise Invalid(f"{where}: run {of} evaluates nothing, and so has no score {shown(metric)}.")
        if not _METRIC.fullmatch(metric):
            raise Invalid(f"{where}: metric {shown(metric)} is not acceptable.")
        if language not in LANGUAGES:
            raise Invalid(f"{where}: this version does not know the language {shown(language)}.")
        if not 0.0 <= value <= 100.0:
            raise Invalid(f"{where}: {value} is no score; points from 0 to 100 are.")
        if n < 1:
            raise Invalid(f"{where}: a score over {n} examples is none.")
        if (of, metric, language) in seen:
            raise Invalid(f"{where}: this score is there twice.")
        seen.add((of, metric, language))


def _check_curves(content: Content) -> None:
    seen: set[tuple[int, str, int]] = set()
    for i, (of, name, step, _) in enumerate(content.curves):
        where = f"curves.parquet, row {i}"
        if not 0 <= of < len(content.runs):
            raise Invalid(f"{where}: there is no run {of}.")
        if not 0 < len(name) <= 64 or not name.isprintable():
            raise Invalid(f"{where}: name {shown(name)} is not acceptable.")
        if (of, name, step) in seen:
            raise Invalid(f"{where}: this point is there twice.")
        seen.add((of, name, step))


def _check_packages(content: Content) -> None:
    named = {(row["environment"] or {}).get("packages") for row in content.runs}
    strange = sorted(content.packages.keys() - named)
    if strange:
        raise Invalid(f"packages/{strange[0]}.txt is the list of no run.")


# --- writing down ----------------------------------------------------------------------------------------------------


def bring(session: Session, content: Content, sha256: str, *, keep_ours: bool = False) -> Arrived:
    """Write an experiment down, unless this very file was brought in before. Everything or nothing.

    Args:
        sha256: what names the content, from ``packed.read``.
        keep_ours: where a run of here has found other scores than the same run of the file, show those of here.

    Raises:
        Invalid: as ``check``.
        Conflict: runs of here found other scores, and ``keep_ours`` is not set; names them.
    """
    request = check(content)
    graph.lock(session)
    before = session.scalars(select(brought.c.experiment_id).where(brought.c.sha256 == sha256)).one_or_none()
    if before is not None:
        return Arrived(before, False, 0)
    shared, ours = _here(session, content)
    if ours and not keep_ours:
        raise Conflict(_differing(ours))
    try:
        return _write(session, content, request, sha256, {**shared, **{i: id for i, (id, _) in ours.items()}}, ours)
    except BadValue as error:
        raise Invalid(f"The file holds what cannot be kept: {error}") from None


def _here(session: Session, content: Content) -> tuple[dict[int, int], dict[int, tuple[int, str]]]:
    """Rows whose run is done here: with equal scores (row → id), and with others (row → id and what differs)."""
    done = {row["fingerprint"]: i for i, row in enumerate(content.runs) if row["state"] == RunState.DONE.value}
    found: dict[int, int] = {}
    for part in graph.chunks(done):
        query = (
            select(run.c.fingerprint, run.c.id)
            .where(run.c.fingerprint.in_(part), run.c.state == RunState.DONE.value)
            .order_by(run.c.brought.is_(None), run.c.id)  # of here last: it counts
        )
        found.update({done[fingerprint]: id for fingerprint, id in session.execute(query)})
    theirs: defaultdict[int, dict[tuple[str, str], tuple[float, int]]] = defaultdict(dict)
    for of, metric, language, value, n in content.scores:
        theirs[of][metric, language] = (value, n)
    known = _scores(session, found.values())
    same: dict[int, int] = {}
    other: dict[int, tuple[int, str]] = {}
    for i, id in found.items():
        said = _first_difference(known.get(id, {}), theirs.get(i, {}))
        if said is None:
            same[i] = id
        else:
            other[i] = (id, said)
    return same, other


def _scores(session: Session, ids: Iterable[int]) -> dict[int, dict[tuple[str, str], tuple[float, int]]]:
    found: defaultdict[int, dict[tuple[str, str], tuple[float, int]]] = defaultdict(dict)
    for part in graph.chunks(ids):
        for row in session.execute(select(score).where(score.c.run_id.in_(part))):
            found[row.run_id][row.metric, row.language] = (row.value, row.n)
    return found


def _first_difference(here: Scored, there: Scored) -> str | None:
    for name in sorted({*here, *there}):
        a, b = here.get(name), there.get(name)
        if a != b:
            metric, language = name
            return f"{metric} in {language} is {_points(a)} here and {_points(b)} in the file"
    return None


def _points(found: tuple[float, int] | None) -> str:
    return "missing" if found is None else f"{found[0]:.6g} of {found[1]:,}"


def _differing(ours: Mapping[int, tuple[int, str]]) -> str:
    first = "; ".join(f"run {id}: {said}" for id, said in list(ours.values())[:SAID])
    more = f"; and {len(ours) - SAID} more" if len(ours) > SAID else ""
    return (
        f"{len(ours)} of its runs were done here too and found other scores: {first}{more}. Both cannot be shown; "
        "with --keep-ours those of here stay."
    )


def _write(
    session: Session,
    content: Content,
    request: ExperimentRequest,
    sha256: str,
    there: Mapping[int, int],
    ours: Mapping[int, tuple[int, str]],
) -> Arrived:
    origin, at = content.origin, now(session)
    experiment_id = session.scalars(
        insert(experiment).returning(experiment.c.id),
        [
            {
                "name": request.name,
                "source": request.source.value,
                "benchmark": BENCHMARKS[request.source],
                "request": content.request,
                "not_applicable": content.not_applicable,
                "idempotency_key": None,
                "body_digest": digest(content.request),
                "created_at": origin.created_at,
                "cancel_requested_at": origin.cancel_requested_at,
            }
        ],
    ).one()
    mark = session.scalars(
        insert(brought).returning(brought.c.id),
        [
            {
                "experiment_id": experiment_id,
                "sha256": sha256,
                "origin": origin.model_dump(mode="json"),
                "brought_at": at,
            }
        ],
    ).one()
    ids = dict(there)
    new = [i for i in range(len(content.runs)) if i not in ids]
    rows = [{**{c: content.runs[i][c] for c in RUN}, "priority": 0, "brought": mark} for i in new]
    if rows:
        statement = insert(run).returning(run.c.id, sort_by_parameter_order=True)
        ids |= dict(zip(new, session.scalars(statement, rows).all(), strict=True))
    fresh = set(new)
    for i in new:
        because = content.runs[i]["skipped_because"]
        if because is not None:
            session.execute(update(run).where(run.c.id == ids[i]).values(skipped_because=ids[because]))
    _many(session, run_parent, ({"run_id": ids[c], "parent_id": ids[p]} for c, p in content.parents if c in fresh))
    _many(
        session,
        score,
        (
            {"run_id": ids[of], "metric": metric, "language": language, "value": value, "n": n}
            for of, metric, language, value, n in content.scores
            if of in fresh
        ),
    )
    _many(
        session,
        curve_point,
        (
            {"run_id": ids[of], "name": name, "step": step, "attempt": content.runs[of]["attempt"], "value": value}
            for of, name, step, value in content.curves
            if of in fresh
        ),
    )
    _many(
        session,
        learning,
        (
            {"run_id": ids[i], "loss": row["loss"], "guess": row["guess"], "failed": row["did_not_learn"]}
            for i, row in ((i, content.runs[i]) for i in new)
            if row["loss"] is not None
        ),
    )
    made = {ids[i] for i in new}
    _many(
        session,
        listed,
        ({"experiment_id": experiment_id, "run_id": id, "reused": id not in made} for id in sorted(ids.values())),
    )
    packages.keep(session, content.packages)
    shared = sorted(id for i, id in there.items() if i not in ours)
    return Arrived(experiment_id, True, len(new), shared, sorted(id for id, _ in ours.values()))


def _many(session: Session, table: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    for part in graph.chunks(rows):
        if part:
            session.execute(insert(table), part)
