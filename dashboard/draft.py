"""An experiment that is being written: one value with four spellings.

A ``Draft`` is what the form says, as text, field by field; it may be wrong. It is read from an address and written to
one, from the form's controls, and from an experiment; and it becomes the body of a request, the same request as YAML, as
``curl`` and as a command of ``crosslift``. What is wrong with it is for the API to say.

A recipe whose stage is changed is written ``mnli+squad@steps=400;temperature=2`` (the short name of
``backend.domain.recipe``, with semicolons, as commas stand between recipes).
"""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from backend.domain.experiment import ExperimentRequest
from backend.domain.recipe import LANGUAGE_LISTS, OPTIONS, Recipe
from backend.domain.schemas import RunView
from backend.domain.task import RetrievalOverrides
from backend.domain.training import TrainingOverrides
from backend.errors import CrossliftError, FieldError, Invalid
from dashboard import links
from dashboard.look import count

LISTS = ("models", "recipes", "targets", "seeds", "languages", "translate_train", "text")
NUMBERS = tuple(TrainingOverrides.model_fields)
RETRIEVAL = tuple(RetrievalOverrides.model_fields)
FIELDS = (
    "name", "source", *LISTS, "device", "devices", "sharded", "precision", "activation_checkpointing", "priority", "stop_after", *NUMBERS, *RETRIEVAL, "oracle",
)  # fmt: skip
NEEDED = ("models", "recipes", "targets")
LABELS: Mapping[str, str] = {
    "name": "Name",
    "source": "Benchmark",
    "models": "Models",
    "recipes": "Recipes",
    "targets": "Targets",
    "seeds": "Seeds",
    "languages": "Languages",
    "translate_train": "Translate-train",
    "text": "Text for MLM",
    "device": "Device",
    "devices": "Devices a run",
    "sharded": "Divided weights",
    "precision": "Precision",
    "activation_checkpointing": "Activation checkpointing",
    "priority": "Priority",
    "stop_after": "Stop after",
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "epochs": "Epochs",
    "steps": "Steps",
    "examples": "Training examples",
    "max_length": "Longest input",
    "warmup": "Warm-up",
    "weight_decay": "Weight decay",
    "frozen": "Frozen blocks",
    "lora_rank": "LoRA rank",
    "lora_alpha": "LoRA alpha",
    "lora_dropout": "LoRA dropout",
    "layer_fraction": "Layers looked at",
    "pooling": "Pooling",
    "oracle": "Oracle selection",
}
BLANK: Mapping[str, str] = dict.fromkeys(FIELDS, "") | {
    "source": "mini",
    "seeds": "0,1,2",
    "device": "cpu",
    "devices": "1",
    "sharded": "automatic",
    "precision": "fp32",
    "activation_checkpointing": "off",
    "priority": "0",
    "oracle": "no",
}
SWITCHES: Mapping[str, bool] = {"on": True, "off": False}
DIVIDED: Mapping[str, bool | None] = {"automatic": None, **SWITCHES}  # weights over devices
FILL = "missing"
STEPS: Mapping[str, str] = {"1": "Question", "2": "Choices", "3": "Recipe", "4": "Check"}
ORIGIN = re.compile(r"(run-)?[1-9]\d{0,17}")
EMPTY = "-"  # in an address: a field that is left empty and would otherwise not be
MOST_SEEDS = 1_000  # that a range such as 0-4 is spelt out to
LARGEST_TEXT = 200_000  # characters of a pasted file

_NUMBER = re.compile(r"[+-]?\d{1,12}")
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one field: its entries before and now, none where it was or is not set."""

    label: str
    was: tuple[str, ...]
    now: tuple[str, ...]

    @property
    def said(self) -> str:
        """``+ 3, 4; − 0``, or of what is no list ``0 → 5``."""
        if self.was and self.now and len(self.was) + len(self.now) > 2:
            added, gone = [x for x in self.now if x not in self.was], [x for x in self.was if x not in self.now]
            parts = [*(["+ " + ", ".join(added)] if added else []), *(["− " + ", ".join(gone)] if gone else [])]
            return "; ".join(parts) or "in another order"
        return f"{', '.join(self.was) or 'not set'} → {', '.join(self.now) or 'not set'}"


@dataclass(frozen=True, slots=True)
class Draft:
    """``said`` holds a text for each of ``FIELDS``; ``base`` what it began as, ``origin`` the experiment (``12``) or run (``run-7``)
    that this was. ``fill``: missing cells are offered; ``step``: the one that a narrow screen shows."""

    said: Mapping[str, str]
    base: Mapping[str, str] = field(default_factory=lambda: BLANK)
    origin: str | None = None
    fill: bool = False
    step: int = 1

    def entries(self, name: str) -> list[str]:
        return [part for part in self.said[name].split(",") if part]

    @property
    def missing(self) -> list[str]:
        """What has to be chosen before anything can be said."""
        return [name for name in NEEDED if not self.entries(name)]

    @property
    def address(self) -> str:
        said = {n: self.said[n] or EMPTY for n in FIELDS if self.said[n] != self.base[n]}
        view = {
            "from": self.origin or "",
            "fill": FILL if self.fill else "",
            "step": str(self.step) if self.step != 1 else "",
        }
        return links.new(said | {name: text for name, text in view.items() if text})

    # --- the request ----------------------------------------------------------------------------------------------

    @property
    def body(self) -> dict[str, Any]:
        """The request, without what it leaves at its default. What cannot be read is passed on as it was written."""
        body: dict[str, Any] = {
            "name": self.said["name"] or self.title,
            "source": self.said["source"],
            "models": self.entries("models"),
            "recipes": [_recipe_body(text) for text in self.entries("recipes")],
            "targets": self.entries("targets"),
            "seeds": _seeds(self.entries("seeds")),
        }
        for name in ("languages", "translate_train", "text"):
            if self.said[name]:
                body[name] = self.entries(name)
        overrides = {n: _number(self.said[n]) for n in NUMBERS if self.said[n]}
        if overrides:
            body["finetuning"] = overrides
        retrieval = {n: _number(self.said[n]) for n in RETRIEVAL if self.said[n]}
        if retrieval:
            body["retrieval"] = retrieval
        if self.said["oracle"] not in ("", BLANK["oracle"]):
            body["oracle"] = self.said["oracle"] == "yes" or self.said["oracle"]
        for name in ("device", "precision"):
            if self.said[name] != BLANK[name]:
                body[name] = self.said[name]
        if self.said["devices"] not in ("", BLANK["devices"]):
            body["devices"] = _number(self.said["devices"])
        if (divided := self.said["sharded"]) != BLANK["sharded"]:
            body["sharded"] = DIVIDED.get(divided, divided)
        if (switch := self.said["activation_checkpointing"]) != BLANK["activation_checkpointing"]:
            body["activation_checkpointing"] = SWITCHES.get(switch, switch)
        if self.said["priority"] not in ("", BLANK["priority"]):
            body["priority"] = _number(self.said["priority"])
        if self.said["stop_after"]:
            body["stop_after"] = _number(self.said["stop_after"])
        return body

    @property
    def title(self) -> str:
        """A name for an experiment without one: ``mnli, squad → xnli on mini-1, 3 seeds``."""
        recipes, targets, models = (", ".join(self.entries(n)) or "…" for n in ("recipes", "targets", "models"))
        seeds = count(len(_seeds(self.entries("seeds"))), "seed")
        text = f"{recipes} → {targets} on {models}, {seeds}"
        return text if len(text) <= 120 else text[:119] + "…"

    @property
    def yaml(self) -> str:
        return as_yaml(self.body)

    def curl(self, origin: str) -> str:
        """What a shell would send. ``origin`` is where this installation is reached."""
        body = json.dumps(self.body, ensure_ascii=False)
        address = shlex.quote(f"{origin}{links.api('experiments')}")
        return f"curl -sS {address} \\\n  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"

    @property
    def command(self) -> str:
        """The same through the command line, which reads YAML from standard input."""
        return f"crosslift submit - <<'YAML'\n{self.yaml}YAML"

    # --- what differs -----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> list[str]:
        """Fields in which this differs from what it began as."""
        return [n for n in FIELDS if self.said[n] != self.base[n]]

    @property
    def differences(self) -> list[Difference]:
        """What was and what is, of each field that changed."""
        return [
            Difference(LABELS[n], *(self._entries(n, said) for said in (self.base[n], self.said[n])))
            for n in self.changed
        ]

    @staticmethod
    def _entries(name: str, text: str) -> tuple[str, ...]:
        return tuple(text.split(",")) if name in LISTS and text else (text,) if text else ()


# --- reading ----------------------------------------------------------------------------------------------------


def origin_of(search: str) -> str | None:
    """The experiment or run that an address starts from: ``12``, ``run-7``."""
    text = links.filled(search, ("from",)).get("from", "")
    return text if ORIGIN.fullmatch(text) else None


def read(search: str, parent: ExperimentRequest | None = None) -> Draft:
    """From the query part of an address. What it does not say is as in the parent, else as in a blank form."""
    base = BLANK if parent is None else of_request(parent)
    said = {n: "" if v == EMPTY else tidy(n, v) for n, v in links.filled(search, FIELDS).items()}
    view = links.filled(search, ("fill", "step"))
    origin = None if parent is None else origin_of(search)
    step = int(view["step"]) if view.get("step") in STEPS else 1
    return Draft({**base, **said}, base, origin, view.get("fill") == FILL, step)


def of_run(request: ExperimentRequest, run: RunView) -> ExperimentRequest:
    """The part of an experiment that a run is of: its model, and where it is of one, its recipe, target and seed."""
    changes: dict[str, Any] = {"models": (run.model,)}
    recipes = tuple(r for r in request.recipes if r.name == run.recipe)
    if recipes:
        changes["recipes"] = recipes
    if run.target in request.targets:
        changes["targets"] = (run.target,)
    if run.seed is not None:
        changes["seeds"] = (run.seed,)
    return request.model_copy(update=changes)


def of_request(request: ExperimentRequest) -> dict[str, str]:
    """What a form would say that submitted this."""
    overrides = request.finetuning.model_dump(exclude_none=True)
    retrieval = request.retrieval.model_dump(exclude_none=True)
    return {
        **BLANK,
        "name": request.name,
        "source": request.source.value,
        "models": ",".join(request.models),
        "recipes": ",".join(written(r) for r in request.recipes),
        "targets": ",".join(request.targets),
        "seeds": ",".join(str(s) for s in request.seeds),
        "languages": ",".join(request.languages or ()),
        "translate_train": ",".join(request.translate_train or ()),
        "text": ",".join(request.text or ()),
        "device": request.device.value,
        "devices": str(request.devices),
        "sharded": next(said for said, value in DIVIDED.items() if value is request.sharded),
        "precision": request.precision,
        "activation_checkpointing": "on" if request.activation_checkpointing else "off",
        "priority": str(request.priority),
        "stop_after": f"{request.stop_after:.15g}" if request.stop_after is not None else "",
        "oracle": "yes" if request.oracle else "no",
        **{name: f"{value!r}" for name, value in overrides.items()},
        **{name: str(value) for name, value in retrieval.items()},
    }


def of_yaml(text: str) -> Draft:
    """From a file as the command line takes it.

    Raises:
        Invalid: it is no YAML, or no experiment; says where.
    """
    if len(text) > LARGEST_TEXT:
        raise Invalid(f"The text is longer than {LARGEST_TEXT:,} characters.")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid(f"This is not YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(found, dict):
        raise Invalid("This is no experiment: expected keys such as name, models, recipes, targets, seeds.")
    try:
        return Draft(of_request(ExperimentRequest.model_validate(found)))
    except ValidationError as error:
        errors = [FieldError("/" + "/".join(str(p) for p in e["loc"]), e["msg"]) for e in error.errors()[:5]]
        said = "; ".join(f"{e.pointer}: {e.message}" for e in errors)
        raise Invalid(f"This is no experiment: {said}", errors=errors) from None


def uploaded(contents: str) -> str:
    """The text of a file as a browser hands it over: ``data:…;base64,…``.

    Raises:
        Invalid: it is no text.
    """
    try:
        return b64decode(contents.partition(",")[2], validate=True).decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        raise Invalid("The file is no text in UTF-8.") from None


def tidy(name: str, value: object) -> str:
    """What a control holds, as text on one line. Lists have commas, whatever was typed between their entries."""
    if isinstance(value, (list, tuple)):
        parts: Iterable[str] = (str(v) for v in value)
    else:
        text = "" if value is None else str(value)
        if name not in LISTS:
            return "".join(c for c in text if c.isprintable()).strip() if name != "name" else _printable(text)
        # a plus that was written bare into an address has become a space
        parts = re.split(r"," if name in ("recipes", "text") else r"[,\s]+", text)
    if name == "text":  # folders, which may have spaces
        return ",".join(p.strip() for p in parts if p.strip() and p.isprintable())
    joined = (
        (re.sub(r"\s*([>+@])\s*", r"\1", p.strip()) for p in parts) if name == "recipes" else (p.strip() for p in parts)
    )
    return ",".join(p.replace(" ", "+").replace(",", ";") for p in joined if p)


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:200].strip()


# --- recipes ---------------------------------------------------------------------------------------------------


def written(recipe: Recipe) -> str:
    """``mnli+squad@steps=400;temperature=2.0``: every digit kept, unlike the name that people read."""
    changed = [f"{k}={v}" if isinstance(v, str) else f"{k}={v!r}" for k, v in recipe.changes.items()]
    return f"{recipe.body}@{';'.join(changed)}" if changed else recipe.body


def recipe(text: str) -> Recipe:
    """Read what ``written`` wrote.

    Raises:
        ValueError: it is no recipe.
    """
    return Recipe.model_validate(body if isinstance(body := _recipe_body(text), dict) else Recipe.parse(body))


def _recipe_body(text: str) -> str | dict[str, Any]:
    """Of a recipe as a request has it: its short name, or the whole where its stage is changed."""
    short, at, rest = text.partition("@")
    if not at:
        return text
    changed = dict(pair.split("=", 1) for pair in rest.split(";") if "=" in pair)
    try:
        known = Recipe.parse(short)
    except ValueError:
        return text
    whole: dict[str, Any] = {"kind": known.kind.value, "tasks": list(known.tasks)}
    if known.before is not None:
        whole["before"] = [list(stage) for stage in known.before]
    for name in OPTIONS:
        if name in changed:
            value = changed.pop(name)
            whole[name] = value.split("+") if name in LANGUAGE_LISTS else _number(value)
    return whole | ({"training": {k: _number(v) for k, v in changed.items()}} if changed else {})


def recipe_label(text: str) -> str:
    return re.sub(r"\.0(?!\d)", "", text.replace(";", ", ")) if "@" in text else text


# --- numbers ---------------------------------------------------------------------------------------------------


def _number(text: str) -> int | float | str:
    if _NUMBER.fullmatch(text):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return text
    return value if abs(value) < float("inf") else text


def _seeds(parts: Sequence[str]) -> list[int | float | str]:
    found: list[int | float | str] = []
    for part in parts:
        ends = _RANGE.fullmatch(part)
        if ends and 0 <= (last := int(ends[2])) - (first := int(ends[1])) < MOST_SEEDS:
            found += range(first, last + 1)
        else:
            found.append(_number(part))
    return found


# --- text ------------------------------------------------------------------------------------------------------


def as_yaml(body: Mapping[str, Any]) -> str:
    """Lists on one line each, as people write them."""
    return str(yaml.safe_dump(dict(body), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110))


def request_yaml(request: ExperimentRequest) -> str:
    return Draft(of_request(request)).yaml


# --- errors ----------------------------------------------------------------------------------------------------


def at_fields(error: CrossliftError, body: Mapping[str, Any]) -> dict[str, str]:
    """What the API refused, by the field of the form that it points at; under ``""`` what points at none."""
    found: dict[str, list[str]] = {}
    for each in error.errors:
        parts = [p for p in each.pointer.split("/") if p]
        within = len(parts) > 1 and parts[0] in ("finetuning", "retrieval")
        name = parts[1] if within else parts[0] if parts else ""
        found.setdefault(name if name in FIELDS else "", []).append(_which(name, parts, body) + each.message)
    if not found:
        found[""] = [error.detail]
    return {name: "; ".join(dict.fromkeys(messages)) for name, messages in found.items()}


def _which(name: str, parts: Sequence[str], body: Mapping[str, Any]) -> str:
    """The entry of a list that is at fault, unless the message names it."""
    values: Collection[Any] = body.get(name, ()) if name in LISTS else ()
    if len(parts) < 2 or not parts[1].isdigit() or not isinstance(values, list) or int(parts[1]) >= len(values):
        return ""
    value = values[int(parts[1])]
    return f"{value}: " if isinstance(value, (str, int, float)) and name == "seeds" else ""
