"""The address of a page whose numbers can be frozen: ``/explore?…`` and ``/tradeoff?…``.

What says *which* numbers is read strictly; what says how the page shows them (an order, an open cell) is the page's own
and travels along unread. Written again, an address is as the pages write it: names in alphabetical order, defaults left
out, so that one view has one address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, urlencode

from backend.domain.choice import known, parts, read
from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.model import MODELS
from backend.domain.schemas import SnapshotKind
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import FieldError, Invalid, shown, unknown

LONGEST = 2000
SETTINGS_DIGITS = 10  # of the digest, by which an address names the settings that gains were taken under
SETTINGS = re.compile(f"[0-9a-f]{{{SETTINGS_DIGITS}}}")
MEANS = ("mean_all", "mean_transfer")
PAGES: dict[str, SnapshotKind] = {"/explore": "explore", "/tradeoff": "tradeoff"}
PLAIN = "recipe-language"
#: What says which numbers, by the page, and of Explore by its layout: of several targets one target says nothing.
READ: dict[str, tuple[str, ...]] = {
    "tradeoff": ("languages", "metric", "source", "target"),
    PLAIN: ("metric", "model", "settings", "source", "target"),
    "recipe-target": ("languages", "model", "source"),
    "target-language": ("model", "recipe", "source"),
    "model-language": ("recipe", "source", "target"),
}
LAYOUTS = (PLAIN, "recipe-target", "target-language", "model-language")
_UNREAD = ("metric", "model", "recipe", "settings", "target")  # of the other matrices, where it says nothing
_RECIPE = re.compile(r"[\w:+@=>,.-]{1,200}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Address:
    """What a page shows. None: left to the store, as the page does. ``rest``: how it shows it. ``over``: the choice of languages
    that means of recipes by targets are over; None: all but English."""

    kind: SnapshotKind
    source: Source = Source.MINI
    model: str | None = None
    target: str | None = None
    metric: str | None = None
    languages: str = "mean_transfer"
    settings: str | None = None
    layout: str = PLAIN
    recipe: str | None = None
    over: str | None = None
    rest: tuple[tuple[str, str], ...] = ()

    def settled(self, *, model: str, target: str, metric: str, recipe: str | None = None) -> Address:
        """With what the store chose, so that the address says next year what it says today."""
        if self.layout == PLAIN:
            return replace(self, model=model, target=target, metric=metric)
        chosen = {"model": model, "target": target, "recipe": recipe}
        return replace(self, **{name: value for name, value in chosen.items() if name in READ[self.layout]})  # type: ignore[arg-type]

    def __str__(self) -> str:
        said = {"model": self.model, "target": self.target, "metric": self.metric, "settings": self.settings}
        if self.layout != PLAIN:
            said |= {"layout": self.layout, "recipe": self.recipe, "languages": self.over}
        said |= dict(self.rest)
        if self.target in TASKS and self.metric == TASKS[str(self.target)].headline:
            del said["metric"]
        if self.source is not Source.MINI:
            said["source"] = self.source.value
        if self.kind == "tradeoff" and self.languages != "mean_transfer":
            said["languages"] = self.languages
        query = urlencode(sorted((k, v) for k, v in said.items() if v is not None), quote_via=quote, safe=":,@/")
        return f"/{self.kind}?{query}" if query else f"/{self.kind}"


def refused(*messages: str) -> Invalid:
    return Invalid("This view cannot be frozen.", errors=[FieldError("/view", m) for m in messages])


def read_address(text: str) -> Address:
    """Read the address of a page.

    Raises:
        Invalid: it is of no page that can be frozen, or names what is in no catalogue; points at ``/view``.
    """
    page, _, query = text.partition("?")
    if page not in PAGES:
        raise refused(f"{shown(page)} is no page that can be frozen; it begins with {' or '.join(PAGES)}")
    said = _parameters(query)
    kind = PAGES[page]
    layout = said.pop("layout", PLAIN) if kind == "explore" else PLAIN
    if layout not in LAYOUTS:
        raise refused(unknown("layout", layout, LAYOUTS))
    said.pop("pins", None)  # cells of other models and targets: not part of what is frozen
    named = {name: said.pop(name) for name in READ[kind if kind == "tradeoff" else layout] if name in said}
    if layout != PLAIN:
        said = {name: value for name, value in said.items() if name not in _UNREAD}
    wrong = _wrong(named, means=layout == "recipe-target")
    if wrong:
        raise refused(*wrong)
    found = Address(
        kind=kind,
        source=Source(named.get("source", Source.MINI.value)),
        model=named.get("model"),
        target=named.get("target"),
        metric=named.get("metric"),
        languages=named.get("languages", "mean_transfer") if kind == "tradeoff" else "mean_transfer",
        settings=named.get("settings"),
        layout=layout,
        recipe=named.get("recipe"),
        over=read(named.get("languages", "")) if layout == "recipe-target" else None,
        rest=tuple(sorted(said.items())),
    )
    if len(str(found)) > LONGEST - 200:  # what the store chooses is still to come
        raise refused("the address is too long")
    return found


def _parameters(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=40)
    except ValueError:
        raise refused("what follows the question mark cannot be read") from None
    said: dict[str, str] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise refused(f"{shown(name)} cannot be the name of a parameter")
        if name in said:
            raise refused(f"{name} is given twice")
        if not value.isprintable():
            raise refused(f"{name} holds characters that cannot be shown")
        said[name] = value
    return {name: value for name, value in said.items() if value}


def _wrong(named: dict[str, str], *, means: bool) -> list[str]:
    """What is in no catalogue. ``means``: languages are a choice of what each cell is a mean over."""
    target, metric = named.get("target"), named.get("metric")
    found = [
        wrong_name("model", named.get("model"), tuple(MODELS)),
        wrong_name("target task", target, TARGETS),
        wrong_name("source", named.get("source"), [s.value for s in Source]),
        (_wrong_choice if means else wrong_languages)(named["languages"]) if "languages" in named else None,
        _wrong_recipe(named["recipe"]) if "recipe" in named else None,
        wrong_settings(named["settings"]) if "settings" in named else None,
    ]
    if target is None or target in TARGETS:
        found.append(wrong_name("metric", metric, metrics_of(target)))
    return [message for message in found if message is not None]


def wrong_name(noun: str, value: str | None, known: Sequence[str]) -> str | None:
    """What to say about a name that is not known; None where there is nothing to say."""
    return None if value is None or value in known else unknown(noun, value, known)


def _wrong_choice(value: str) -> str | None:
    """What to say about languages of which one is none that there is; None where all are."""
    wrong = next((part for part in parts(value) if not known(part)), None)
    return None if wrong is None else wrong_languages(wrong) or f"{wrong} is no language"


def _wrong_recipe(value: str) -> str | None:
    """What to say about something that names no recipe; None where it can. Whether a run has it, the store knows."""
    return None if _RECIPE.fullmatch(value) else f"{shown(value)} cannot be the name of a recipe"


def wrong_settings(value: str) -> str | None:
    """What to say about something that cannot name settings; None where it can. Whether there are such, the store knows."""
    fine = SETTINGS.fullmatch(value) is not None
    return None if fine else f"{shown(value)} cannot name settings: that takes {SETTINGS_DIGITS} of 0-9 and a-f"


def metrics_of(target: str | None) -> tuple[str, ...]:
    """The metrics of a target, or of all of them."""
    return TASKS[target].metrics if target is not None else tuple({m: 0 for t in TARGETS for m in TASKS[t].metrics})


def wrong_languages(value: str) -> str | None:
    """What to say about languages that no trade-off can be over; None where it can."""
    if value in MEANS or value in LANGUAGES or value in GROUPS:
        return None
    prefix, colon, rest = value.partition(":")
    inside = [name.partition(":")[2] for name in GROUPS if name.startswith(f"{prefix}:")]
    if colon and inside:
        return unknown("language family" if prefix == "family" else "resource level", rest, inside)
    close = unknown("languages", value, (*MEANS, *LANGUAGES, *GROUPS)).partition("; ")
    hint = f"; {close[2]}" if close[2].startswith("did") else ""
    return f"{close[0]}{hint}; accepted are {', '.join(MEANS)}, one code, family:<name> and resource:high, mid or low"
