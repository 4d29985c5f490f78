"""Addresses: the only package that builds or reads one. The state of a page may be a module of its own in here.

What a page shows is what its address says.

An address is short and stable: parameters in alphabetical order, those at their default left out. Reading
never fails (``reading``).

``model``, ``target`` and ``metric`` are checked for their shape here, and for their existence by whoever knows what the
store holds. Model and target have no default that would be the same next year, so a complete address names them; the
metric's is the headline metric of the target.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar, cast
from urllib.parse import quote, urlencode

from backend.domain.address import SETTINGS
from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.task import Format
from backend.domain.tasks import TASKS
from dashboard import subset
from dashboard.links.checklist import CHECKLIST as CHECKLIST
from dashboard.links.checklist import Checklist as Checklist
from dashboard.links.compare import COMPARE as COMPARE
from dashboard.links.compare import Compare as Compare
from dashboard.links.exports import FILES as FILES
from dashboard.links.exports import embedded as embedded
from dashboard.links.exports import exported as exported
from dashboard.links.flips import FLIPS as FLIPS
from dashboard.links.flips import Flips as Flips
from dashboard.links.languages import LANGUAGE_LIST as LANGUAGE_LIST
from dashboard.links.languages import Languages as Languages
from dashboard.links.languages import OneLanguage as OneLanguage
from dashboard.links.languages import language as language
from dashboard.links.pins import NONE as NO_PINS
from dashboard.links.pins import Pins
from dashboard.links.reading import NAME, READERS, line, read, written
from dashboard.links.reading import parsed as parsed
from dashboard.links.runs import Runs as Runs
from dashboard.links.submit import SUBMIT as SUBMIT
from dashboard.links.submit import Submit as Submit

OVERVIEW = "/"
EXPLORE = "/explore"
TRADEOFF = "/tradeoff"
ANSWER = "/answer"
NEW = "/new"
EXPERIMENTS = "/experiments"
QUEUE = "/queue"
RUNS = "/runs"
SAVED = "/v/"  # and the id of a saved view
SHARES = "/shares"
SHARED = "/s/"  # and a token
PUBLISHED = "/published"
IMPORTS = "/imports"
HELP = "/help"
ACCOUNT = "/account"
SIGN_IN = "/login"
SIGN_IN_BEGIN = "/login/with"  # a provider
SIGN_IN_BACK = "/login/back"  # from it
SIGN_OUT = "/logout"

Order = Literal["family", "script", "resource", "gain", "cluster", "name"]
Layout = Literal["recipe-language", "recipe-target", "target-language", "model-language"]
Below = Literal["none", "languages", "family", "script", "resource", "size"]
Colours = Literal["vik", "puor"]
Value = Literal["gain", "score", "cost"]
View = Literal["heatmap", "table"]
Fade = Literal["none", "unsure", "small"]
Axis = Literal["parameters", "non-embedding", "hours", "energy", "flops", "flops-counted"]
Source = Literal["mini", "hub", "files"]

T = TypeVar("T")

#: What a reader of a frozen page can still choose: how it is shown, never what.
SLICES = frozenset("cell colour colours cost device fade languages order point value view x".split())

_RECIPE = re.compile(r"[\w:+@=>,.-]{1,200}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}|mean")
_COLUMNS = frozenset(TASKS)  # what stands in the place of a language where columns are targets
MEAN = "mean"  # in the place of a language: the mean over the languages that are looked at


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the heatmap, written ``mnli.sw``; ``mnli.mean`` is the mean of a recipe. In another layout ``recipe`` is what its
    rows are, ``language`` what its columns are: ``xnli.sw``, ``mnli.xquad``."""

    recipe: str
    language: str

    def __str__(self) -> str:
        return f"{self.recipe}.{self.language}"

    @classmethod
    def read(cls, text: str) -> Cell | None:
        recipe, _, language = text.rpartition(".")
        column = _LANGUAGE.fullmatch(language) or language in _COLUMNS
        return cls(recipe, language) if _RECIPE.fullmatch(recipe) and column else None


@dataclass(frozen=True, slots=True)
class Explore:
    """The state of ``/explore``. None: what the store has most to show for, the target's headline metric, all languages.

    ``layout`` says what rows and columns are; ``recipe`` is the one that is looked at where rows are none, and below the heatmap, where
    ``below`` says what is drawn of it. ``languages`` is a choice as ``subset`` writes it. ``fade`` pales what is not a finding, or what is
    below its own detectable gain. ``pins`` are cells kept to be compared. ``settings`` names one of those that
    gains were taken under, where they are several; None: in each cell those with most seeds, then with the latest run. ``published``: published scores
    as open markers, of a real benchmark."""

    below: Below = "none"
    cell: Cell | None = None
    colours: Colours = "vik"
    fade: Fade = "none"
    languages: str | None = None
    layout: Layout = "recipe-language"
    metric: str | None = None
    model: str | None = None
    order: Order = "family"
    pins: Pins = NO_PINS
    published: Literal["on", "off"] = "on"
    recipe: str | None = None
    settings: str | None = None
    source: Source = "mini"
    target: str | None = None
    value: Value = "gain"
    view: View = "heatmap"

    def __post_init__(self) -> None:
        if self.layout != "recipe-language":
            object.__setattr__(self, "metric", None)  # of several targets there is no one metric, nor settings
            object.__setattr__(self, "settings", None)
        if self.target is not None and self.target in TASKS and self.metric == TASKS[self.target].headline:
            object.__setattr__(self, "metric", None)

    @property
    def address(self) -> str:
        return written(EXPLORE, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Explore:
        """From a parsed query: what Dash hands to a layout (a text, or a list where a parameter comes twice)."""
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Explore:
        """From the query part of an address, with or without its question mark."""
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the trade-off, written ``mini-2/mnli/xnli``; of a panel of one language ``mini-2/mnli/xnli@sw``."""

    model: str
    recipe: str
    target: str
    language: str | None = None

    def __str__(self) -> str:
        return f"{self.model}/{self.recipe}/{self.target}" + (f"@{self.language}" if self.language else "")

    @classmethod
    def read(cls, text: str) -> Point | None:
        model, _, rest = text.partition("/")
        recipe, _, last = rest.rpartition("/")
        target, at, language = last.partition("@")
        fine = NAME.fullmatch(model) and _RECIPE.fullmatch(recipe) and NAME.fullmatch(target)
        whole = not at or _LANGUAGE.fullmatch(language)
        return cls(model, recipe, target, language or None) if fine and whole else None


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The state of ``/tradeoff``. None: every target, each by its headline metric; the device class with most points.

    ``languages`` is what a gain is of: a mean (over all languages, over a group), or one language. ``panels`` by language take that
    mean apart, of one target. ``budget`` is in what the axis counts (hours, kWh, 10¹⁵ FLOPs), for so many ``seeds`` together."""

    budget: float | None = None
    colour: Literal["recipe", "model"] = "recipe"
    cost: Literal["marginal", "amortised"] = "marginal"
    device: str | None = None
    languages: str = "mean_transfer"
    metric: str | None = None
    panels: Literal["targets", "languages"] = "targets"
    point: Point | None = None
    published: Literal["on", "off"] = "on"
    seeds: int = 3
    source: Source = "mini"
    target: str | None = None
    trend: Literal["off", "on"] = "off"
    view: Literal["figure", "table"] = "figure"
    x: Axis = "parameters"

    def __post_init__(self) -> None:
        if self.target is None or (self.target in TASKS and self.metric == TASKS[self.target].headline):
            object.__setattr__(self, "metric", None)  # of one target, where it is not the headline metric

    @property
    def address(self) -> str:
        return written(TRADEOFF, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Tradeoff:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Tradeoff:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Answer:
    """The state of ``/answer``. ``format``: only targets of this one; None: all."""

    format: str | None = None
    source: Source = "mini"

    @property
    def address(self) -> str:
        return written(ANSWER, self)

    def report(self, suffix: Literal["html", "pdf", "csv"]) -> str:
        """Of the report as a file."""
        return written(f"{ANSWER}/report.{suffix}", self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Answer:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Answer:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of ``/``. None: the model that the store has most of."""

    model: str | None = None
    source: Source = "mini"

    @property
    def address(self) -> str:
        return written(OVERVIEW, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Overview:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Overview:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Experiments:
    """The state of ``/experiments``: those in one state, and which page of the list."""

    cursor: str | None = None
    state: Literal["any", "waiting", "running", "done", "done with failures", "cancelled"] = "any"

    @property
    def address(self) -> str:
        return written(EXPERIMENTS, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Experiments:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Experiments:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Queue:
    """The state of ``/queue``: what is listed. ``q`` is a part of a run's title, ``mine`` what the visitor submitted, ``within`` what
    failed lately."""

    kind: Literal["any", "pretrain", "intermediate", "finetune", "evaluate"] = "any"
    mine: Literal["0", "1"] = "0"
    q: str | None = None
    show: Literal["all", "running", "queued", "waiting", "failed"] = "all"
    within: Literal["any", "24h"] = "any"

    @property
    def address(self) -> str:
        return written(QUEUE, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Queue:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Queue:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Run:
    """The state of ``/runs/{id}``. ``level`` is the least that is listed of the log, ``q`` a part of its lines."""

    follow: Literal["0", "1"] = "0"
    level: Literal["debug", "info", "warning", "error"] = "debug"
    q: str | None = None
    tab: Literal["progress", "log", "provenance"] = "progress"

    def address(self, id: int) -> str:
        return written(run(id), self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Run:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Run:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Published:
    """The state of ``/published``: figures, a set of them explored like own results (``explore``), or beside ours (``compare``).

    ``run``: only what was run here too. ``q`` is a part of a row, table, task or paper."""

    cursor: str | None = None
    language: str | None = None
    metric: str | None = None
    model: str | None = None
    paper: str | None = None
    protocol: Literal[
        "any",
        "zero-shot",
        "translate-train",
        "translate-train-all",
        "translate-test",
        "intermediate",
        "english",
        "none",
    ] = "any"
    q: str | None = None
    run: Literal["0", "1"] = "0"
    set: str | None = None
    source: Literal["hub", "files"] = "hub"
    task: str | None = None
    value: Literal["gain", "score"] = "gain"
    view: Literal["figures", "explore", "compare"] = "figures"

    @property
    def address(self) -> str:
        return written(PUBLISHED, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Published:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Published:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class Imports:
    """The state of ``/imports``: whose scores are looked at (``lab``: their source), of what. None: what there is most of."""

    cursor: str | None = None
    lab: str | None = None
    metric: str | None = None
    model: str | None = None
    target: str | None = None
    value: Literal["gain", "score"] = "gain"

    @property
    def address(self) -> str:
        return written(IMPORTS, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Imports:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Imports:
        return cls.read(parsed(search))


def help(word: str) -> str:
    """Where a word or a formula is explained: ``help("gain")``."""
    return f"{HELP}#{word}"


def compare(pins: Pins, source: str = "mini", metric: str | None = None) -> str:
    """Of the page that sets cells side by side, for those that are kept; by this metric where a target has it."""
    return Compare.beside(map(str, pins), source=source, metric=metric).address


def shares(cursor: str | None = None) -> str:
    return f"{SHARES}?{urlencode({'cursor': cursor})}" if cursor else SHARES


def saved(id: int) -> str:
    """A short address that leads to a saved view."""
    return f"{SAVED}{id}"


def experiment(id: int) -> str:
    return f"{EXPERIMENTS}/{id}"


def run(id: int) -> str:
    return f"{RUNS}/{id}"


# --- what is frozen ------------------------------------------------------------------------------------------------


def shared(token: str, suffix: str = "") -> str:
    """Of a share link, or with ``.html``, ``.csv`` or ``.json`` of a file of it."""
    return f"{SHARED}{quote(token, safe='')}{suffix}"


def slice(token: str, state: Any, frozen: Any) -> str:
    """Of a share link that shows its content otherwise than it was frozen: what differs from ``frozen`` is said.
    What was open and is shut is ``-``."""
    said: dict[str, str] = {}
    for field in fields(state):
        value = getattr(state, field.name)
        if value != getattr(frozen, field.name):
            said[field.name] = "-" if value is None else str(value)
    query = urlencode(sorted(said.items()), quote_via=quote, safe=":,@/")
    return f"{shared(token)}?{query}" if query else shared(token)


def sliced(frozen: T, search: str) -> T:
    """Read what ``slice`` wrote: a state of the page that was frozen."""
    cls: Any = type(frozen)
    query = parsed(search)
    over_languages = cls is Tradeoff or getattr(frozen, "layout", None) == "recipe-target"
    fixed = {"languages"} if over_languages else set()  # these are means over the languages that they were frozen with
    names = SLICES - fixed
    found = {name: value for name, value in read(cls, query).items() if name in names}
    found |= {name: None for name in names if query.get(name) == "-" and _optional(cls, name)}
    return cast(T, replace(cast(Any, frozen), **found))


def _optional(cls: Any, name: str) -> bool:
    return any(f.name == name and f.default is None for f in fields(cls))


def offline(kind: str, *, view: str, title: str, note: str, anonymous: bool) -> str:
    """Of the single file that shows a view without any link being made."""
    said = {"view": view, "title": title, "note": note, "anonymous": "true" if anonymous else ""}
    query = urlencode(sorted((k, v) for k, v in said.items() if v), quote_via=quote)
    return f"/download/{kind}.html?{query}"


def new(said: Mapping[str, str] | None = None) -> str:
    """Of the form, filled in; ``draft`` knows the names."""
    query = urlencode(sorted((said or {}).items()), quote_via=quote, safe=":,@/")
    return f"{NEW}?{query}" if query else NEW


def filled(search: str, names: Collection[str]) -> dict[str, str]:
    """Read what ``new`` wrote. What a form holds may be wrong, so any short line of text is taken."""
    return {k: v for k, v in parsed(search).items() if k in names and isinstance(v, str) and line(v, 4000)}


def export(id: int, format: Literal["csv", "jsonl"]) -> str:
    """Of every score of an experiment, as a file."""
    return f"{api(f'experiments/{id}/export')}?format={format}"


def packed(id: int) -> str:
    """Of an experiment that has ended, as one file for another installation."""
    return api(f"experiments/{id}/file")


def api(path: str) -> str:
    """The address of something of the API that a reader may open: ``api("runs/7")``."""
    return f"/api/v1/{quote(path)}"


def _averaged(text: str) -> str | None:
    """What a gain of the trade-off is of."""
    return text if text in ("mean_all", "mean_transfer") or text in LANGUAGES or text in GROUPS else None


def _amount(text: str) -> float | None:
    """A number above zero, written as we write it: ``20``, ``0.5``, ``1e+06``."""
    value = float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?(e[+-]?\d{1,2})?", text, re.ASCII) else 0.0
    return value if 0 < value < 1e30 else None


READERS.update(
    {
        (Answer, "format"): lambda text: text if text in {f.value for f in Format} else None,
        (Explore, "cell"): Cell.read,
        (Explore, "pins"): Pins.read,
        (Explore, "recipe"): lambda text: text if _RECIPE.fullmatch(text) else None,
        (Experiments, "cursor"): line,
        (Explore, "languages"): subset.read,
        (Explore, "settings"): lambda text: text if SETTINGS.fullmatch(text) else None,
        (Imports, "cursor"): line,
        (Imports, "lab"): line,
        (Imports, "model"): line,
        (Published, "cursor"): line,
        (Published, "q"): line,
        (Queue, "q"): line,
        (Run, "q"): line,
        (Tradeoff, "budget"): _amount,
        (Tradeoff, "languages"): _averaged,
        (Tradeoff, "seeds"): lambda text: int(text) if re.fullmatch(r"[1-9]\d?", text, re.ASCII) else None,
        (Tradeoff, "point"): Point.read,
    }
)


def within(address: str) -> str:
    """An address of ours, to go on to after signing in; anything that could lead elsewhere becomes the first page. Browsers take
    ``//host`` and ``/\\host`` for another site, and leave out tabs and line breaks before they look."""
    fine = re.fullmatch(r"/(?![/\\])[\x21-\x7e]{0,1999}", address) is not None and "\\" not in address
    return address if fine and not address.startswith((SIGN_IN, SIGN_OUT)) else OVERVIEW


def audited(cursor: str) -> str:
    """Older entries of the audit trail."""
    return f"{ACCOUNT}?{urlencode({'cursor': cursor})}"
