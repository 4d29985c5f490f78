"""What submitting would do, without doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from sqlmodel import Session

from backend.domain.experiment import Cell, ExperimentRequest, Plan, plan, same_data_twice
from backend.domain.fitting import Fitting, fitting
from backend.domain.forecast import Calibrated, forecast, oracle_in_words
from backend.domain.forecast_record import Past, records, replay
from backend.domain.forecast_runs import by_run
from backend.domain.gains import what_seeds_can_show
from backend.domain.plan_cost import grid_cost
from backend.domain.resolved import Resolved, resolved
from backend.domain.run import DeviceClass, RunState, digest
from backend.domain.schemas import Band, CellView, Preview, SettingsView, WorkerView
from backend.errors import Invalid
from backend.store import costs, experiments, pretrained, workers

#: A worker not seen for this long is not counted on.
ALIVE_SECONDS = 60.0
#: Newest finished runs that say how good forecasts are, while somebody waits for a preview.
RECENT = 400


def preview(session: Session, request: ExperimentRequest) -> Preview:
    """Expand, look up what exists, forecast the rest. Writes nothing.

    Raises:
        Invalid: the request cannot be planned; says what, field by field.
    """
    pretrained.take_up(session)
    planned = plan(request, experiments.pins(session))
    existing = experiments.existing(session, list(planned.runs))
    to_do = {f for f in planned.runs if f not in existing}
    ahead = {f for f, (_, state) in existing.items() if state is not RunState.DONE}
    listed = workers.listing(session)
    fits = fit(planned, to_do, request, listed)
    if fits.refused:
        raise Invalid("The experiment does not fit into the memory of any worker.", errors=fits.refused)
    past = costs.finished(session)
    attained = calibrated(listed, request.device, request.precision)
    expected = forecast(
        planned,
        to_do=to_do,
        unfinished=to_do | ahead,
        measured=[each.measured for each in past],
        device=request.device,
        slots=live_slots(listed, request.device.value),
        calibrated=attained,
    )
    kinds = Counter(run.spec.kind for run in planned.runs.values())
    return Preview(
        cells=len(planned.cells),
        runs=len(planned.runs),
        runs_to_do=len(to_do),
        runs_reused=len(existing),
        by_kind=dict(kinds),
        not_applicable=[_cell(cell) for cell in planned.not_applicable],
        device_hours=expected.device_hours,
        hours_until_done=expected.hours_until_done,
        disk_bytes=expected.disk_bytes,
        memory=list(fits.memory),
        notes=[*fits.notes, *wide(request, listed), *_too_dear(request, expected.device_hours)],
        cost=grid_cost(
            planned,
            done={f for f, (_, state) in existing.items() if state is RunState.DONE},
            measured=[each.measured for each in past],
            device=request.device,
            calibrated=attained,
        ),
        energy_kwh=expected.energy_kwh,
        energy_from=expected.energy_from,
        by_run=by_run(planned, to_do, expected),
        forecast_from=expected.rests_on,
        forecast_record=_record(past, request.device),
        settings=[_settings(row) for row in resolved(request, planned)],
        oracle=oracle_in_words(planned, to_do),
        seeds_can_show=what_seeds_can_show(len(request.seeds)),
        same_data_twice=_twice(planned),
        fingerprint=digest([sorted(planned.runs), [[c.model, c.recipe, c.target, c.seed] for c in planned.cells]]),
    )


def _too_dear(request: ExperimentRequest, expected: Band | None) -> list[str]:
    """That it would be stopped before it is done; nothing where it may take as much as it needs at most."""
    if request.stop_after is None or expected is None or expected.high <= request.stop_after:
        return []
    sure = "will" if expected.low > request.stop_after else "may"
    return [
        f"It {sure} be stopped before it is done: it is forecast to take {expected.low:.2g} to {expected.high:.2g} device-hours, and nothing "
        f"of it begins after {request.stop_after:g}."
    ]


def _record(past: Sequence[Past], device: DeviceClass) -> str:
    checked, without = replay([each for each in past if each.measured.device_class is device][:RECENT])
    return records(checked, without)[0].said()


def fit(planned: Plan, to_do: Collection[str], request: ExperimentRequest, listed: Iterable[WorkerView]) -> Fitting:
    """Hold what is to be computed against the memory of the live workers of the device class."""
    device = request.device.value
    there = {w.name: w.memory_bytes for w in listed if device in w.queues and w.seen_age_seconds <= ALIVE_SECONDS}
    return fitting(planned, to_do=to_do, models=request.models, device=request.device, workers=there)


def check_memory(session: Session, request: ExperimentRequest, planned: Plan) -> None:
    """As the preview does.

    Raises:
        Invalid: a run that would be computed fits into no live worker of its device class.
    """
    existing = experiments.existing(session, list(planned.runs))
    found = fit(planned, planned.runs.keys() - existing.keys(), request, workers.listing(session))
    if found.refused:
        raise Invalid("The experiment does not fit into the memory of any worker.", errors=found.refused)


def wide(request: ExperimentRequest, listed: Iterable[WorkerView]) -> list[str]:
    """That a run would have to wait for a worker with as many devices as it asks for; nothing where one is there."""
    device = request.device.value
    slots = [w.slots for w in listed if device in w.queues and w.seen_age_seconds <= ALIVE_SECONDS]
    if request.devices == 1 or max(slots, default=0) >= request.devices:
        return []
    there = f"of those that are there the largest has {max(slots)}" if slots else "none is there"
    return [f"Training waits for a {device} worker with {request.devices} devices; {there}."]


def live_slots(listed: Iterable[WorkerView], device: str) -> int:
    """Runs that the workers of this device class, seen in the last minute, can run at a time."""
    return sum(w.slots for w in listed if device in w.queues and w.seen_age_seconds <= ALIVE_SECONDS)


def calibrated(listed: Iterable[WorkerView], device: DeviceClass, precision: str) -> list[Calibrated]:
    """What a matrix product of this precision attains in a slot of each live worker that has said so. Of a GPU a slot has all, of a
    processor its part."""
    return [
        Calibrated(w.rates[precision], 1.0 if device is DeviceClass.CUDA else 1 / max(1, w.slots))
        for w in listed
        if device.value in w.queues and w.seen_age_seconds <= ALIVE_SECONDS and w.rates and precision in w.rates
    ]


def _cell(cell: Cell) -> CellView:
    return CellView(
        model=cell.model,
        recipe=cell.recipe,
        target=cell.target,
        seed=cell.seed,
        status="not applicable",
        reason=cell.reason,
    )


def _settings(row: Resolved) -> SettingsView:
    kept = set(SettingsView.model_fields) - {"steps", "epochs"}
    return SettingsView(
        stage=row.stage,
        name=row.name,
        models=list(row.models),
        steps=row.training.steps or 0,
        epochs=row.epochs,
        reason=row.reason,
        changed=dict(row.changed),
        **{
            name: value
            for name in type(row.training).model_fields
            if name in kept
            for value in [getattr(row.training, name)]
        },
    )


def _twice(planned: Plan) -> list[str]:
    pairs = dict.fromkeys((c.recipe, c.target) for c in planned.cells if c.evaluate is not None)
    return [f"{recipe} → {target}" for recipe, target in pairs if same_data_twice(recipe, target)]
