"""Models by name: those of this program and its settings, and those that join while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from backend.domain.model.entry import Model


class Catalogue(Mapping[str, Model]):
    """A mapping that grows. Whoever iterates over it sees it as it was when that began: threads may add meanwhile."""

    def __init__(self, fixed: Iterable[Model]) -> None:
        self._fixed = {m.name: m for m in fixed}
        self._all = dict(self._fixed)
        self.mark: tuple[tuple[str, str], ...] = ()  # what joined last, for whoever lets models join

    def __getitem__(self, name: str) -> Model:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def pretrained(self) -> tuple[Model, ...]:
        """Those that joined."""
        return tuple(m for name, m in self._all.items() if name not in self._fixed)

    def joined(self, models: Iterable[Model], *, mark: tuple[tuple[str, str], ...]) -> None:
        """From now on these are all that joined: a process that turns to another store forgets those of the first. A name of this
        program or its settings stays what it is."""
        self._all = {**self._fixed, **{m.name: m for m in models if m.name not in self._fixed}}
        self.mark = mark
