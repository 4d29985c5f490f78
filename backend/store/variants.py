"""The settings that scores of one model and target were taken under, where they are several: what tells them apart, in words.

A gain is a difference within one of them, never across: the digest in ``run.settings`` is of what a treated run and its baseline
have in common (fine-tune settings, data, precision, engine, device). What is behind a digest is in the specs of its runs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.address import SETTINGS_DIGITS
from backend.domain.gains import Gain
from backend.domain.language import ENGLISH
from backend.domain.run import RunKind
from backend.domain.schemas import SettingsChoice
from backend.domain.task import Split
from backend.errors import FieldError, Invalid, unknown
from backend.store import graph
from backend.store.tables import parent_run, run, run_parent

#: Fields of ``Training`` as a reader calls them; ``{}`` is the value. The others are given by their own name.
_WORDS: Mapping[str, str] = {
    "steps": "{} steps",
    "epochs": "{} epochs",
    "batch_size": "batches of {}",
    "learning_rate": "learning rate {}",
    "max_length": "{} sub-words",
    "examples": "the first {} examples",
    "frozen": "{} lowest blocks frozen",
    "lora_rank": "LoRA of rank {}",
}
_ABSENT: Mapping[str, str] = {"lora_rank": "every weight", "examples": "all examples", "translated": "zero-shot"}


def name(settings: str) -> str:
    """What an address calls them."""
    return settings[:SETTINGS_DIGITS]


def choices(session: Session, every: Iterable[Gain], shown: Iterable[Gain]) -> list[SettingsChoice]:
    """The settings of these gains, those with most gains first; none where there is nothing to choose.

    Args:
        every: all gains of one model, target and metric.
        shown: those of them that are shown unless somebody chooses.
    """
    by: defaultdict[str, list[Gain]] = defaultdict(list)
    for g in every:
        by[g.settings].append(g)
    if len(by) < 2:
        return []
    told = titles(session, {settings: max(g.baseline_runs[0] for g in found) for settings, found in by.items()})
    seen = Counter(g.settings for g in shown)
    made = [
        SettingsChoice(
            name=name(settings),
            title=told[settings],
            gains=len(found),
            seeds=max(g.n for g in found),
            shown=seen[settings],
        )
        for settings, found in by.items()
    ]
    return sorted(made, key=lambda c: (-c.gains, -c.seeds, c.title, c.name))


def chosen(wanted: str, there: Collection[str]) -> str:
    """The settings that an address names.

    Raises:
        Invalid: nothing was measured under them here.
    """
    found = next((settings for settings in sorted(there) if name(settings) == wanted), None)
    if found is None:
        message = unknown("settings", wanted, sorted(map(name, there))) if there else "nothing was measured yet"
        raise Invalid("The gains cannot be given.", errors=[FieldError("/settings", message)])
    return found


def titles(session: Session, evaluated: Mapping[str, int]) -> dict[str, str]:
    """Settings → what they have that others of them have not: ``300 steps, zero-shot``.

    Args:
        evaluated: settings → one of its evaluate runs.
    """
    facts = _facts(session, evaluated)
    fields = list(dict.fromkeys(field for found in facts.values() for field in found))
    apart = [f for f in fields if len({repr(found.get(f)) for found in facts.values()}) > 1]
    said = {
        settings: ", ".join(filter(None, (_said(f, found.get(f)) for f in apart))) for settings, found in facts.items()
    }
    often = Counter(said.values())
    return {s: text if text and often[text] == 1 else f"{text} ({name(s)})".strip() for s, text in said.items()}


def _facts(session: Session, evaluated: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """What each settings digest stands for, field by field: of the evaluation, and of the fine-tuning before it."""
    wanted = sorted(set(evaluated.values()))
    specs: dict[int, Any] = {}
    trained: dict[int, Any] = {}
    for part in graph.chunks(wanted):
        for id, spec in session.execute(select(run.c.id, run.c.spec).where(run.c.id.in_(part))):
            specs[id] = spec
        before = (
            select(run_parent.c.run_id, parent_run.c.spec)
            .join(parent_run, parent_run.c.id == run_parent.c.parent_id)
            .where(run_parent.c.run_id.in_(part), parent_run.c.kind == RunKind.FINETUNE.value)
        )
        for id, spec in session.execute(before):
            trained[id] = spec
    return {settings: _fields(specs.get(id) or {}, trained.get(id) or {}) for settings, id in evaluated.items()}


def _fields(evaluation: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = dict(evaluation.get("training") or {})
    rows = training.get("data") or ()
    codes = {d.get("language") for d in rows if d.get("split") == Split.TRAIN.value} - {None, ENGLISH}
    found["translated"] = sorted(map(str, codes)) or None
    found["precision"] = evaluation.get("precision")
    found["device"] = evaluation.get("device")
    found["devices"] = training.get("devices", 1)
    found["engine"] = evaluation.get("engine")
    model = evaluation.get("model") or {}
    found["revision"] = model.get("revision")
    for field, value in (evaluation.get("retrieval") or {}).items():
        found[f"retrieval {field}"] = value
    for d in (*rows, *(evaluation.get("data") or ())):
        what = f"{d.get('task')} {d.get('split')}{' in ' + d['language'] if d.get('language') else ''}"
        found[f"data {what}"] = f"version {d.get('version')}, {str(d.get('content'))[:8]}"
    return found


def _said(field: str, value: Any) -> str:
    if field.startswith("data "):  # a set of rows that others have not says nothing here: its language does
        return f"{field.removeprefix('data ')} {value}" if value is not None and " in " not in field else ""
    if value is None:
        return _ABSENT.get(field, "")
    if field == "translated":
        return f"trained in {', '.join(value)} too"
    if field == "revision":
        return f"revision {str(value)[:8]}"
    if field == "devices":
        return f"{value} devices" if value != 1 else "one device"
    if field in ("precision", "device"):
        return str(value)
    shown = f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return _WORDS[field].format(shown) if field in _WORDS else f"{field.replace('_', ' ')} {shown}"
