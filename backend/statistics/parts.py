"""Gains of single seeds as arrays: made once from all of them, and looked at in parts, so that leaving something out costs little.

Everything is in the order of the gains' keys, whatever order they were given in: sums of floating-point numbers depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from backend.statistics.reml import Matrix

Codes = Any  # an array of whole numbers, as numpy's types name none


@dataclass(frozen=True, slots=True)
class Observation:
    """One gain of one seed with what is known of it. Gain in points, hours marginal device-hours of one seed."""

    model: str
    recipe: str
    target: str
    language: str
    seed: int
    gain: float
    parameters: int
    parameters_non_embedding: int
    tasks: tuple[str, ...]  # of the recipe, all its stages
    format: str
    resource: str
    family: str
    device_class: str
    device: str
    hours: float | None
    metric: str
    settings: str
    run: int
    baseline_run: int

    @property
    def key(self) -> tuple[str, str, str, str, int, float]:
        """What observations are put in order by."""
        return self.model, self.recipe, self.target, self.language, self.seed, self.gain

    @property
    def cell(self) -> tuple[str, str, str]:
        return self.recipe, self.target, self.language

    @property
    def replicate(self) -> tuple[str, int]:
        return self.model, self.seed

    @property
    def size(self) -> float:
        return math.log10(self.parameters_non_embedding)


@dataclass(frozen=True, slots=True)
class Named:
    """A column of names as places among its different names, which are in order."""

    codes: Codes
    names: tuple[Any, ...]

    @staticmethod
    def of(values: Sequence[Hashable]) -> Named:
        names = tuple(sorted(set(values)))  # type: ignore[type-var]
        at = {name: i for i, name in enumerate(names)}
        return Named(np.fromiter((at[v] for v in values), np.int64, len(values)), names)


class Frame:
    """All observations. ``columns``: what can be asked for by name, and the combinations of these that are."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self.observations = sorted(observations, key=lambda o: o.key)
        self.gain = np.array([o.gain for o in self.observations])
        self.hours = np.array([math.nan if o.hours is None else o.hours for o in self.observations])
        self.non_embedding = np.array([o.parameters_non_embedding for o in self.observations], np.int64)
        self.size = np.log10(np.maximum(self.non_embedding, 1))
        names = ("model", "recipe", "target", "language", "seed", "resource", "device_class")
        self.columns: Mapping[str, Named] = {
            name: Named.of([getattr(o, name) for o in self.observations]) for name in names
        }

    def code(self, *names: str) -> Codes:
        """One number for each combination of the columns, which are in order as the tuples of their names are."""
        code = np.zeros(len(self.observations), np.int64)
        for name in names:
            column = self.columns[name]
            code = code * max(1, len(column.names)) + column.codes
        return code

    @cached_property
    def cell(self) -> Codes:
        return self.code("recipe", "target", "language")

    @cached_property
    def replicate(self) -> Codes:
        return self.code("model", "seed")


@dataclass(frozen=True)
class Part:
    """Some observations of a frame; ``at`` are their places in it."""

    frame: Frame
    at: Codes

    @staticmethod
    def of(observations: Part | Iterable[Observation]) -> Part:
        if isinstance(observations, Part):
            return observations
        frame = Frame(observations)
        return Part(frame, np.arange(len(frame.observations)))

    def __len__(self) -> int:
        return len(self.at)

    def where(self, keep: Any) -> Part:
        """Those of its observations for which the array holds."""
        return Part(self.frame, self.at[keep])

    def only(self, which: Callable[[Observation], bool]) -> Part:
        found = self.frame.observations
        return self.where(np.fromiter((which(found[i]) for i in self.at), bool, len(self.at)))

    @property
    def observations(self) -> list[Observation]:
        return [self.frame.observations[i] for i in self.at]

    def codes(self, *names: str) -> Codes:
        return self.frame.code(*names)[self.at]

    def different(self, name: str) -> list[Any]:
        """The names in a column, in order."""
        column = self.frame.columns[name]
        return [column.names[i] for i in np.unique(column.codes[self.at])]

    @property
    def gain(self) -> Matrix:
        return self.frame.gain[self.at]

    @property
    def size(self) -> Matrix:
        return self.frame.size[self.at]

    @property
    def hours(self) -> Matrix:
        """Of those without any: not a number."""
        return self.frame.hours[self.at]

    @property
    def cell(self) -> Codes:
        return self.frame.cell[self.at]

    @property
    def replicate(self) -> Codes:
        return self.frame.replicate[self.at]

    @property
    def sizes(self) -> int:
        """How many different sizes of models."""
        return len(np.unique(self.frame.non_embedding[self.at]))

    @property
    def fewest_seeds(self) -> int:
        """Of the models the one with fewest seeds: how many those are."""
        if not len(self):
            return 0
        pairs = np.unique(self.replicate) // max(1, len(self.frame.columns["seed"].names))
        return int(np.unique(pairs, return_counts=True)[1].min())

    def measured(self, device: str | None) -> Part:
        """With hours, on this class of device."""
        column = self.frame.columns["device_class"]
        wanted = column.names.index(device) if device in column.names else -1
        return self.where((column.codes[self.at] == wanted) & (self.hours > 0))

    @property
    def low_resource(self) -> Part:
        column = self.frame.columns["resource"]
        wanted = column.names.index("low") if "low" in column.names else -1
        return self.where(column.codes[self.at] == wanted)

    @property
    def compared(self) -> Part:
        """Those in cells that two models have at least: one model alone says nothing about size."""
        return self.where(_distinct(self.cell, self.codes("model")) > 1)

    def common(self, *, seeds: bool = True) -> Part:
        """Of the cells those that every model has; with ``seeds`` in each of its seeds."""
        who = self.replicate if seeds else self.codes("model")
        return self.where(_distinct(self.cell, who) == len(np.unique(who)))


def _distinct(groups: Codes, members: Codes) -> Codes:
    """Of each element how many different members its group has."""
    if not len(groups):
        return np.zeros(0, np.int64)
    _, group = np.unique(groups, return_inverse=True)
    _, member = np.unique(members, return_inverse=True)
    many = int(member.max()) + 1
    pairs = np.unique(group * many + member)
    return np.bincount(pairs // many, minlength=int(group.max()) + 1)[group]


def means(groups: Codes, values: Matrix) -> tuple[Codes, Matrix, Codes]:
    """The different groups in order, the mean of each (a row where values are rows), and of each element the place of its group."""
    different, at, counts = np.unique(groups, return_inverse=True, return_counts=True)
    rows = values if values.ndim == 2 else values[:, None]
    sums = [np.bincount(at, weights=column, minlength=len(different)) for column in rows.T]
    made = np.column_stack(sums) / counts[:, None] if len(different) else np.zeros((0, rows.shape[1]))
    return different, made if values.ndim == 2 else made[:, 0], at
