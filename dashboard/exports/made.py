"""What is exported, live or frozen, and every file of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.domain.portfolio import Portfolio
from backend.domain.schemas import GainMatrix, Shared, TradeoffPoint
from backend.domain.trend import Trends
from dashboard import apart, frozen, links, titles, weighing, words
from dashboard.exports import caption, cite, figure, files, grid, hub, latex, paper, rows
from dashboard.exports.paper import Ink, Width
from dashboard.exports.schema import Column
from dashboard.findings import Shown
from dashboard.look import count
from dashboard.standing import Standing

#: Ending of a file → its media type. ``yaml`` is for results by language alone (``MEANT``).
MEDIA: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "tex": "application/x-tex; charset=utf-8",
    "bib": "application/x-bibtex; charset=utf-8",
    "yaml": "application/yaml; charset=utf-8",
    "py": "text/x-python; charset=utf-8",
    **{str(suffix): media for suffix, media in paper.MEDIA.items()},
}
_FIGURES: Final = tuple(paper.MEDIA)
#: Why a view of means has no model-index.
MEANT: Final = "a model card lists results of a data set, in one language each; a mean over languages is none"


@dataclass(frozen=True, slots=True)
class Subject:
    """A view with its numbers. ``view``: its address here; ``url``: the whole one, which the reader has; ``at``: when it was frozen, or
    read; ``signs``: whether one has to sign in to read it."""

    state: Any  # links.Explore or links.Tradeoff
    view: str
    url: str
    at: datetime
    program: str
    benchmark: str
    synthetic: bool
    matrix: GainMatrix | None = None
    points: Sequence[TradeoffPoint] = ()
    published: Sequence[Any] = ()  # scores or gains of papers, which are drawn beside ours and written nowhere
    trends: Trends | None = None  # so are these two
    portfolio: Portfolio | None = None
    snapshot: str = ""
    named: str = ""  # by whoever shared it
    signs: bool = False

    @property
    def suffixes(self) -> list[str]:
        return [s for s in MEDIA if self.by_language or s != "yaml"]

    @property
    def by_language(self) -> bool:
        """Whether each number is of one language."""
        return self.matrix is not None and apart.by_language(self.matrix)

    @property
    def title(self) -> str:
        if self.named:
            return self.named
        if (m := self.matrix) is not None:
            return titles.title(m, self.state.value)
        targets = sorted({words.task_title(p.target) for p in weighing.looked_at(self.points, self.state)})
        return f"Gain against size and compute: {targets[0] if len(targets) == 1 else count(len(targets), 'target')}"

    @property
    def columns(self) -> tuple[Column, ...]:
        return rows.POINTS if self.matrix is None else rows.of_matrix(self.matrix)

    @property
    def table(self) -> files.Table:
        if self.matrix is not None:
            made = rows.cells(self.matrix, self.state, self.snapshot)
        else:
            known: dict[str, Any] = {
                "benchmark": self.benchmark,
                "synthetic": self.synthetic,
                "snapshot": self.snapshot,
            }
            made = rows.points(self.points, self.state, **known)
        return files.Table(self.columns, made, view=self.view, program=self.program, snapshot=self.snapshot)

    @property
    def name(self) -> str:
        """Of its files, without the ending."""
        if self.snapshot:
            return f"crosslift-{'explore' if self.matrix is not None else 'tradeoff'}-{self.snapshot[:12]}"
        if (m := self.matrix) is not None:
            return re.sub(r"[^\w.+-]+", "-", "-".join(["crosslift", self.state.value, *titles.slug(m)]), flags=re.ASCII)
        return f"crosslift-tradeoff-{self.state.target or 'all'}-{self.state.x}"


def live(found: Shown | Standing, *, url: str, at: datetime, program: str, signs: bool) -> Subject | None:
    """Of what a page shows now; None where that is nothing."""
    if found.empty:
        return None
    state = found.state
    known: dict[str, Any] = {
        "view": state.address,
        "url": url + state.address,
        "at": at,
        "program": program,
        "signs": signs,
    }
    if isinstance(found, Shown):
        m = found.matrix
        assert m is not None
        return Subject(
            state, **known, benchmark=m.benchmark, synthetic=m.synthetic, matrix=m, published=found.published
        )
    benchmark = caption.benchmark_of(state)
    return Subject(
        state,
        **known,
        benchmark=benchmark,
        synthetic=state.source == "mini",
        points=found.points,
        published=found.published,
        trends=found.trends,
        portfolio=found.portfolio,
    )


def shared(what: Shared, search: str, *, token: str, url: str, program: str) -> Subject:
    """Of what was frozen, shown as this query says."""
    content = what.content
    return Subject(
        frozen.sliced(content, search),
        view=content.view,
        url=url + links.shared(token),
        at=what.frozen_at,
        program=program,
        benchmark=content.benchmark,
        synthetic=content.synthetic,
        matrix=content.matrix,
        points=content.points or (),
        snapshot=what.sha256,
        named=what.title,
    )


def file(subject: Subject, suffix: str, width: Width, ink: Ink) -> bytes:
    """One file. ``suffix`` is one of the subject's."""
    if suffix in _FIGURES:
        return _figure(subject, suffix, width, ink)
    makers: Mapping[str, Callable[[Subject], str | bytes]] = {
        "csv": lambda s: files.as_csv(s.table),
        "parquet": lambda s: files.as_parquet(s.table),
        "json": lambda s: files.as_json(s.table),
        "tex": tex,
        "bib": bib,
        "yaml": _model_index,
        "py": snippet,
    }
    made = makers[suffix](subject)
    return made if isinstance(made, bytes) else made.encode()


def _figure(s: Subject, suffix: Any, width: Width, ink: Ink) -> bytes:
    if s.matrix is not None:
        return figure.explore(s.matrix, s.state, suffix, width, ink, s.published)
    return figure.tradeoff(s.points, s.state, suffix, width, ink, s.published, s.trends, s.portfolio)


def said(s: Subject, *, marks: bool = False) -> list[str]:
    """The caption, sentence by sentence. ``marks``: of a table, which marks what is best."""
    if s.matrix is None:
        return caption.tradeoff(weighing.looked_at(s.points, s.state), s.state, s.benchmark)
    if s.state.value == "cost":
        return caption.costs(s.matrix)
    return caption.heatmap(grid.of(s.matrix, s.state), s.matrix, s.state, marks=marks)


def _source(s: Subject) -> str:
    return caption.source(s.table.sha256, frozen=bool(s.snapshot), view=s.view)


def tex(s: Subject) -> str:
    if s.matrix is None:
        return latex.tradeoff(s.points, s.state, s.benchmark, _source(s))
    if s.state.value == "cost":
        return latex.costs(s.matrix, s.state, _source(s))
    return latex.heatmap(grid.of(s.matrix, s.state), s.matrix, s.state, _source(s))


def bib(s: Subject) -> str:
    return cite.bibtex(
        s.title, said(s), sha256=s.table.sha256, url=s.url, at=s.at, frozen=bool(s.snapshot), program=s.program
    )


def _model_index(s: Subject) -> str:
    assert s.matrix is not None
    return hub.model_index(s.matrix, s.state, url=s.url, source=_source(s))


def snippet(s: Subject) -> str:
    path, _, query = s.url.partition("?")
    query = f"?{query}" if query else ""
    address = f"{path}.parquet{query}" if s.snapshot else f"{path}/export.parquet{query}"
    return cite.notebook(address, token=s.signs, lines=_lines(s))


def _lines(s: Subject) -> tuple[str, str]:
    """The columns of the table that are rows and columns of the figure."""
    if s.matrix is None:
        return "recipe", "model"
    axes = s.matrix.axes
    return (axes.rows, axes.columns) if axes is not None else ("recipe", "language")
