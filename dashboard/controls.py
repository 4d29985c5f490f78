"""What a reader can choose on Explore, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.experiment import BENCHMARKS
from backend.domain.language import LANGUAGES
from backend.domain.task import Source
from dashboard import crossed, subset, words
from dashboard.findings import Shown
from dashboard.links import Explore
from dashboard.look import count
from dashboard.shell import aria

#: Name of a control, which is that of its parameter, and the property that holds what is chosen.
CONTROLS = {
    "source": "value",
    "layout": "value",
    "model": "value",
    "target": "value",
    "metric": "value",
    "settings": "value",
    "recipe": "value",
    "value": "value",
    "order": "value",
    "languages": "value",
    "fade": "value",
    "colours": "value",
    "published": "checked",
    "view": "value",
    "below": "value",
}
DISPLAY = frozenset(
    {"value", "order", "languages", "fade", "colours", "published", "below"}
)  # these show the same numbers otherwise
CHOICES = frozenset({"source", "layout", "model", "target", "metric", "settings", "recipe"})  # these name other numbers
LAYOUTS = [{"value": name, "label": title} for name, title in crossed.LAYOUTS.items()]
ORDERS = {
    "family": "Family",
    "script": "Script",
    "resource": "Resources",
    "gain": "Gain",
    "cluster": "Cluster",
    "name": "Name",
}
VALUES = {"gain": "Gain", "score": "Score", "cost": "Cost"}
SOURCES = [{"value": s.value, "label": BENCHMARKS[s] + ("" if s is Source.MINI else f", {s.value}")} for s in Source]


def filters(shown: Shown) -> Any:
    state = shown.state
    models, targets, metrics = choices(shown)
    return html.Div(
        [
            pick("explore-source", "Benchmark", SOURCES, state.source),
            pick("explore-layout", "Matrix", LAYOUTS, state.layout),
            pick("explore-model", "Model", models, state.model, kind="of-model"),
            pick("explore-target", turning("Target"), targets, state.target, kind="of-target"),
            pick("explore-metric", "Metric", metrics, metric(shown), kind="short of-metric"),
            pick("explore-recipe", "Recipe", recipe_options(shown), recipe(shown), kind="of-recipe", searchable=True),
            html.Div(
                pick("explore-settings", "Settings", settings_options(shown), settings(shown)),
                id="explore-settings-box", hidden=not several(shown), className="pick wide",
            ),
            choose("explore-value", "Show", VALUES, state.value),
            choose("explore-order", "Languages by", ORDERS, state.order),
            dmc.MultiSelect(
                id="explore-languages", label="Only languages", data=language_options(shown),
                value=subset.parts(state.languages), placeholder="all", clearable=True, searchable=True,
                hidePickedOptions=True, size="sm", className="pick many", maxDropdownHeight=340,
                clearButtonProps={"aria-label": "All languages"},
            ),
            choose(
                "explore-fade", "Fade what is", {"none": "Nothing", "unsure": "Not q < .05", "small": "Below detectable"}, state.fade
            ),
            choose("explore-colours", "Colours", {"vik": "vik", "puor": "PuOr"}, state.colours),
            published("explore", shown.state.source, shown.state.published),
            choose("explore-view", "As", {"heatmap": "Figure", "table": table_label()}, state.view),
        ],
        className="filters",
        id="explore-filters",
        role="group",
        **aria(label="What to show"),
        **_looks(state),
    )  # fmt: skip


def _looks(state: Explore) -> dict[str, Any]:
    """By which the style sheet hides what says nothing there."""
    return {"data-layout": state.layout, "data-below": state.below}


def pick(id: str, label: Any, data: list[Any], value: str | None, *, searchable: bool = False, kind: str = "") -> Any:
    """One of many."""
    return dmc.Select(
        id=id, label=label, data=data, value=value, allowDeselect=False, size="sm", className=f"pick {kind}".strip(), searchable=searchable,
        placeholder="none yet", comboboxProps={"withinPortal": True}, checkIconPosition="right",
    )  # fmt: skip


def choose(id: str, label: str, options: dict[str, Any], value: str) -> Any:
    """One of few, all in sight."""
    data = [{"value": v, "label": text} for v, text in options.items()]
    control = dmc.SegmentedControl(id=id, data=data, value=value, size="sm", **aria(label=label))
    return html.Div([html.Span(label, className="pick-label", **aria(hidden="true")), control], className="choose")


def published(page: str, source: str, chosen: str) -> Any:
    """A switch for open markers of published figures; hidden where there can be none."""
    return html.Div(
        [
            html.Span("Published", className="pick-label", **aria(hidden="true")),
            dmc.Switch(
                id=f"{page}-published", checked=chosen == "on", size="md", label="open markers", className="fade",
            ),
        ],
        className="choose published-switch", id=f"{page}-published-box", hidden=source == Source.MINI.value,
    )  # fmt: skip


def turning(label: str) -> Any:
    """A label that shows the keys for the previous and the next."""
    return html.Span([label, html.Kbd("[", **aria(hidden="true")), html.Kbd("]", **aria(hidden="true"))])


def table_label() -> Any:
    return ["Table", html.Kbd("T", **aria(hidden="true"))]


def options(names: Sequence[str], chosen: str | None, title: Any) -> list[Any]:
    """What there is, and what is chosen in any case."""
    every = [*names, *([chosen] if chosen and chosen not in names else [])]
    return [{"value": n, "label": title(n)} for n in every]


def choices(shown: Shown) -> tuple[list[Any], list[Any], list[Any]]:
    """Options of model, target and metric."""
    matrix, state = shown.matrix, shown.state
    return (
        options(matrix.models if matrix else [], state.model, words.model_title),
        options(matrix.targets if matrix else [], state.target, words.task_title),
        options(matrix.metrics if matrix else [], metric(shown), words.metric_title),
    )


def language_options(shown: Shown) -> list[dict[str, Any]]:
    """Groups with at least one language here, then the languages; what is chosen in any case."""
    here = shown.matrix.languages if shown.matrix is not None else []
    chosen = subset.parts(shown.state.languages)
    groups = [name for name, codes in subset.CHOICES.items() if name in chosen or any(c in codes for c in here)]

    def items(names: Sequence[str]) -> list[dict[str, str]]:
        return [{"value": n, "label": _capital(subset.title(n))} for n in names]

    def of(kind: str) -> list[str]:
        return [g for g in groups if g.startswith(kind)]

    presets = [g for g in (subset.LOW, "resource:mid", "resource:high", subset.NON_LATIN) if g in groups]
    if subset.MEASURED in chosen or (shown.matrix is not None and 0 < len(subset.measured(shown.matrix)) < len(here)):
        presets.insert(0, subset.MEASURED)
    codes = sorted({*here, *(c for c in chosen if c in LANGUAGES)}, key=words.language_name)
    made = [
        {"group": "Presets", "items": items(presets)},
        {"group": "Families", "items": items(of("family:"))},
        {"group": "Scripts", "items": items([g for g in of("script:") if g != subset.NON_LATIN])},
        {"group": "Languages", "items": items(codes)},
    ]
    return [group for group in made if group["items"]]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


#: Of the control for settings: nothing was chosen. Not what an address can say.
BEST = "best"


def several(shown: Shown) -> bool:
    """Whether there are settings to choose from."""
    return shown.matrix is not None and bool(shown.matrix.choices)


def recipe(shown: Shown) -> str | None:
    """The recipe that is looked at alone, where one is."""
    found = shown.recipes
    return shown.state.recipe if shown.state.recipe in found else found[0] if found else shown.state.recipe


def recipe_options(shown: Shown) -> list[Any]:
    return options(shown.recipes, shown.state.recipe, str)


def settings(shown: Shown) -> str:
    return shown.state.settings or BEST


def settings_options(shown: Shown) -> list[dict[str, str]]:
    """What is shown unless somebody chooses, then each of the settings with how many gains there are under it."""
    found = shown.matrix.choices if shown.matrix is not None else []
    best = f"{len(found)} settings: in each cell most seeds" if found else "one"
    titled = [
        {"value": c.name, "label": f"{c.title} ({count(c.gains, 'gain')}, {words.seeds(c.seeds)})"} for c in found
    ]
    return [{"value": BEST, "label": best}, *titled]


def metric(shown: Shown) -> str | None:
    """Of several targets there is no one metric, and its control is hidden: it keeps one that the target has."""
    if shown.matrix is None:
        return shown.state.metric
    return shown.matrix.metric if shown.matrix.axes is None else next(iter(shown.matrix.metrics), None)
