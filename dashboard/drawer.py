"""What is known of one cell, or of the mean of one recipe: its numbers, its seeds, its cost, its runs, where it comes from.

``cell_panel`` needs the matrix alone and is there at once. ``evidence_panel`` shows what has to be asked of the runs; a
page fetches it while the panel is being read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dash import dcc, html

from backend.domain.gains import Missing
from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow, RunDetail, RunView
from dashboard import elsewhere, flips, links, onward, oracle, origin, parts, seeds, shell, subset, sure, words
from dashboard.evidence import Learning, learning_curves
from dashboard.figures import schemes, score_matrix
from dashboard.links import MEAN, Cell, Explore, Point, Tradeoff
from dashboard.look import count, gain, hours, interval, probability, score

RUNS_SHOWN = 24
DIGITS = 12  # of a fingerprint or a commit


def cell_title(cell: Cell) -> Any:
    """``mnli → Swahili · Kiswahili``: the endonym in its own language and direction."""
    if cell.language == MEAN:
        return html.Span(f"{cell.recipe} → mean of languages")
    language = LANGUAGES.get(cell.language)
    parts: list[Any] = [f"{cell.recipe} → {words.language_name(cell.language)}"]
    if language is not None and language.endonym != language.name:
        parts += [" ", html.Bdi(language.endonym, lang=language.code, dir=language.direction, className="endonym")]
    return html.Span(parts)


def find_cell(cell: Cell, matrix: GainMatrix) -> GainCell | None:
    """The named cell, of a recipe or of the baseline."""
    every = score_matrix(matrix).cells if cell.recipe == matrix.baseline else matrix.cells
    return next((c for c in every if (c.recipe, c.language) == (cell.recipe, cell.language)), None)


def cell_panel(
    cell: Cell,
    matrix: GainMatrix,
    runs: Mapping[int, RunView] | None = None,
    *,
    state: Explore | None = None,
    choice: str | None = None,
) -> Any:
    """Everything that the matrix says of one cell.

    Args:
        runs: those of its runs that could be read, where there are any at hand.
        state: of the page that it stands on; None: of no page, so without links and without what a page fetches.
        choice: the languages that are looked at, where there is no state to say it.
    """
    base = cell.recipe == matrix.baseline
    row = next((r for r in (score_matrix(matrix) if base else matrix).recipes if r.recipe == cell.recipe), None)
    if cell.language == MEAN and row is not None and not base:
        return _mean_panel(row, matrix, state, choice)
    found = find_cell(cell, matrix)
    if row is None or found is None:
        return html.P(f"There is no cell {cell} for this model and target.")
    verdict = "The baseline: no intermediate task." if base else words.verdict(found)
    body: list[Any] = [html.P(verdict, className="verdict"), *_notes(row, matrix)]
    facts = _numbers(found, matrix.baseline, base=base)
    if facts:
        body.append(_facts(facts, linked=state is not None))
    if found.settings is not None:
        body += [html.H3(shell.term("settings") if state is not None else "Settings"), *_under(found, matrix, state)]
    if found.left_out:
        body += [html.H3("Left out"), *_left_out(found)]
    if found.differences:
        body += [html.H3("Each seed"), *seeds.each_seed(found, matrix.metric, linked=state is not None)]
    if state is not None and not base and sure.has_some(found):
        body += sure.to_come(matrix, cell.recipe, cell.language, state)
        body += parts.to_come(matrix, cell.recipe, cell.language, state)
    if not base:
        body += [html.H3("Cost of the recipe"), _cost(row, [runs[i] for i in found.runs if i in runs] if runs else [])]
    if found.runs or found.baseline_runs:
        body += [
            html.H3("Runs"),
            _runs("This cell" if base else "With the recipe", found.runs, linked=state is not None),
        ]
        body += [] if base else [_runs("Baseline", found.baseline_runs, linked=state is not None)]
    if state is not None:
        body += _evidence_to_come(found, matrix, base=base, source=state.source)
        body += [] if base else elsewhere.to_come(matrix, found)
        body.append(_onward(cell, matrix, state, base=base))
    return html.Div(body, className="cell-panel")


def _notes(row: RecipeRow, matrix: GainMatrix) -> list[Any]:
    said = []
    if lower_is_better(matrix.metric):
        said.append(
            "Of an error rate less is better: the gain is the baseline's minus this recipe's, so above zero is fewer errors."
        )
    if row.same_data_twice:
        said.append("This recipe and this target train on the same data: such gains are left out of headline means.")
    if row.not_zero_shot:
        said.append(
            f"{words.TRAINED} {words.not_zero_shot(row)}: the encoder was trained on labelled rows in these languages too, "
            "translated from English. The mean holds them."
        )
    if matrix.synthetic:
        said.append(f"{matrix.benchmark} is a {words.SYNTHETIC}.")
    return [html.P(text, className="soft") for text in said]


def _numbers(found: GainCell, baseline: str, *, base: bool) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = []
    if found.gain is not None and found.missing is None:
        facts += [
            ("Gain", html.B(interval(found.gain, found.low, found.high) + " points")),
            (f"Score with {found.recipe}", score(found.treated)),
            (f"Baseline ({baseline})", score(found.baseline)),
            ("Seeds", words.seeds(found.n)),
            ("q in the whole grid", probability(found.q) if found.q is not None else "no test below three seeds"),
        ]
        if found.p_t is not None:
            facts.append(("p, paired t", probability(found.p_t)))
        if found.p_sign_flip is not None:
            facts.append(("p, exact sign flip", probability(found.p_sign_flip)))
        if found.detectable is not None:
            facts.append(("Detectable gain", f"{score(found.detectable)} points"))
        if found.examples is not None:
            facts.append(("Test examples", f"{found.examples:,}"))
    else:
        if found.treated is not None:
            facts.append(("Score" if base else f"Score with {found.recipe}", score(found.treated)))
        if found.baseline is not None:
            facts.append((f"Baseline ({baseline})", score(found.baseline)))
    return facts


def _under(cell: GainCell, matrix: GainMatrix, state: Explore | None) -> list[Any]:
    """Under which settings this gain was taken, and under which others there is one."""
    why = (
        "chosen above" if matrix.settings is not None else "of several those with most seeds, then with the latest run"
    )
    alone = "no other has a gain here" if not cell.others else why

    def other(name: str) -> Any:
        title = words.settings_title(matrix, name)
        return dcc.Link(title, href=replace(state, settings=name).address) if state is not None else title

    said: list[Any] = [
        html.P([html.B(words.settings_title(matrix, cell.settings)), f": {alone}."], className="cell-settings")
    ]
    if cell.others:
        said.append(html.P("There is a gain too under:", className="soft"))
        said.append(html.Ul([html.Li(other(name)) for name in cell.others], className="left-out"))
    return said


def _left_out(cell: GainCell) -> list[Any]:
    """Runs that are done and in no gain, each with its reason."""
    said = "Done, and not averaged in: a training that never got below guessing says nothing about the recipe."
    return [html.P(said, className="soft"), html.Ul([html.Li(text) for text in cell.left_out], className="left-out")]


MEANT = {
    "Gain": "gain",
    "q in the whole grid": "bh",
    "p, paired t": "paired-t",
    "p, exact sign flip": "sign-flip",
    "Detectable gain": "detectable",
}  # facts that the glossary explains


def _facts(facts: Sequence[tuple[str, Any]], *, linked: bool = False) -> Any:
    """Names and values. ``linked``: names lead to what they mean; not where something is frozen or on paper."""
    rows = [
        html.Div([html.Dt(shell.term(MEANT[name], name) if linked and name in MEANT else name), html.Dd(value)])
        for name, value in facts
    ]
    return html.Dl(rows, className="facts")


def _cost(row: RecipeRow, runs: Sequence[RunView]) -> Any:
    facts: list[tuple[str, Any]] = [
        ("Device time, on its own", hours(row.device_hours_marginal)),
        ("Device time, intermediate run shared out", hours(row.device_hours_amortised)),
    ]
    return _facts(facts + _devices(runs))


def _devices(runs: Sequence[RunView]) -> list[tuple[str, Any]]:
    costs = [r.cost for r in runs if r.cost is not None]
    if not costs:
        return []
    devices = sorted({f"{c.device} ({c.device_class.value}, {c.precision})" for c in costs})
    joules = [c.energy_joules for c in costs]
    known = [j for j in joules if j is not None]
    energy = f"{sum(known) / 3600:.2g} Wh" if len(known) == len(joules) else "not measured"
    return [("Device", ", ".join(devices)), ("Energy of evaluation", energy)]


def _runs(label: str, ids: Sequence[int], *, linked: bool = True) -> Any:
    if not ids:
        return html.P([label, ": none"], className="soft")
    shown = [dcc.Link(f"#{i}", href=links.run(i)) if linked else html.Span(f"#{i}") for i in ids[:RUNS_SHOWN]]
    more = f"and {len(ids) - RUNS_SHOWN} more" if len(ids) > RUNS_SHOWN else ""
    return html.P([f"{label}: ", *(part for link in shown for part in (link, " ")), more], className="run-links")


def _evidence_to_come(found: GainCell, matrix: GainMatrix, *, base: bool, source: str) -> list[Any]:
    untried = found.missing is Missing.NOT_RUN and not base
    if not found.runs and not found.baseline_runs and not untried:
        return []
    asked: dict[str, Any] = {"runs": found.runs, "baseline": [] if base else found.baseline_runs, "metric": matrix.metric, "base": base,
             "language": found.language}  # fmt: skip
    if untried:
        asked["expected"] = {"model": matrix.model, "target": matrix.target, "source": source, "recipe": found.recipe}
    waiting = html.P("Reading the runs …", className="soft")
    return [
        dcc.Store(id="explore-evidence-of", data=asked),
        html.Div(waiting, id="explore-evidence", className="evidence"),
    ]


def _onward(cell: Cell, matrix: GainMatrix, state: Explore, *, base: bool) -> Any:
    """Where to go from here."""
    share = html.Button("Share this cell", className="button-link share-too", type="button")
    if base:
        return html.Div([share], className="onward")
    group = state.languages if state.languages is not None and state.languages in GROUPS else "mean_transfer"
    there = Tradeoff(
        languages=group if cell.language == MEAN else cell.language,
        metric=state.metric,
        point=Point(matrix.model, cell.recipe, matrix.target),
        source=state.source,
        target=matrix.target,
    )
    ways = [
        dcc.Link("Compare in trade-off", href=there.address, className="button-link"),
        *onward.more(cell, matrix, state),
        share,
    ]
    if cell.language != MEAN and sure.has_some(find_cell(cell, matrix)):
        ways.insert(
            0, dcc.Link("Examples that flipped", href=flips.address(cell, matrix, state), className="button-link")
        )
    return html.Div(ways, className="onward")


# --- the mean of a recipe ----------------------------------------------------------------------------------------------


def _mean_panel(row: RecipeRow, matrix: GainMatrix, state: Explore | None, choice: str | None) -> Any:
    choice = state.languages if state is not None else choice
    shown = subset.narrow(matrix, choice)
    row = next(r for r in shown.recipes if r.recipe == row.recipe)
    cells = [c for c in shown.cells if c.recipe == row.recipe]
    over = f"Mean over {subset.described(choice)}" if choice else "Mean over transfer languages"
    facts: list[tuple[str, Any]] = [
        (over, html.B(f"{gain(row.mean_transfer)} points")),
        ("Languages in it", words.support(row)),
        ("With English", gain(row.mean_all)),
    ]
    said = words.verdicts(cells)
    verdict = f"{row.title}: {said or 'no gain yet'}."
    found = sorted((c for c in cells if c.gain is not None and c.missing is None), key=lambda c: -(c.gain or 0.0))

    def language(c: GainCell) -> Any:
        name = f"{words.language_name(c.language)} ({c.language})"
        if state is None:
            return name
        return dcc.Link(name, href=replace(state, cell=Cell(c.recipe, c.language)).address)

    lines = [(language(c), interval(c.gain, c.low, c.high) + (" •" if words.is_finding(c) else "")) for c in found]
    body: list[Any] = [html.P(verdict, className="verdict"), *_notes(row, matrix), _facts(facts)]
    if state is not None and choice is None and row.mean_transfer is not None:
        body += sure.to_come(matrix, row.recipe, MEAN, state)
        body += parts.to_come(matrix, row.recipe, MEAN, state)
    body += [html.H3("Cost of the recipe"), _cost(row, [])]
    if lines:
        body += [html.H3("Each language, best first"), _facts(lines)]
    if state is not None:
        body.append(_onward(Cell(row.recipe, MEAN), matrix, state, base=False))
    return html.Div(body, className="cell-panel")


# --- what has to be asked of the runs ----------------------------------------------------------------------------------


def evidence_panel(
    evaluated: Sequence[RunView],
    detail: RunDetail | None,
    trained: RunDetail | None,
    learned: Sequence[Learning],
    metric: str,
    selected: Mapping[bool, Mapping[int, float]] | None = None,
) -> list[Any]:
    """Learning curves, and what made the numbers.

    Args:
        evaluated: the cell's own evaluate runs.
        detail: of one of them; trained: of the training run before it.
        learned: curves of training runs, with the recipe and without.
        selected: scores of oracle selection, of treated runs and of others, by run.
    """
    body: list[Any] = [html.H3("Learning curves of fine-tuning")]
    if any(c.steps for one in learned for c in one.curves):
        body += [
            shell.live("explore-curves", "scheme"),
            dcc.Store(id="explore-curves-figures", data=schemes(lambda theme: learning_curves(learned, metric, theme))),
            html.Div(shell.graph("explore-curves"), className="small-figure"),
        ]
    elif learned:
        body.append(html.P("Nothing was recorded while these runs trained.", className="soft"))
    else:
        body.append(html.P("There was no training on this target.", className="soft"))
    if selected:
        body += [html.H3(shell.term("oracle")), html.P(oracle.NOTE, className="soft"), _facts(oracle.facts(selected))]
    body.append(html.H3("Provenance"))
    facts = _provenance(detail, trained) if detail is not None else []
    facts += _devices(evaluated)
    body.append(_facts(facts) if facts else html.P("These runs can no longer be read.", className="soft"))
    return body


def _provenance(detail: RunDetail, trained: RunDetail | None) -> list[tuple[str, Any]]:
    spec = detail.spec
    model = spec.get("model") or {}
    facts: list[tuple[str, Any]] = [
        ("Fingerprint", html.Code(detail.run.fingerprint[:DIGITS], title=detail.run.fingerprint)),
        ("Engine", f"version {spec.get('engine')}"),
        ("Precision", spec.get("precision")),
        ("Model", _model(detail.run, model)),
        ("Data", _data(spec)),
    ]
    if trained is not None and (settings := trained.spec.get("training")):
        facts.append(("Fine-tuned with", _settings(settings)))
        facts.append(("Training data", _data(trained.spec)))
    known = {k: v for k, v in (detail.environment or {}).items() if k in ("python", "torch", "transformers")}
    if known:
        facts.append(("Environment", ", ".join(f"{k} {v}" for k, v in known.items())))
    return facts + origin.facts(detail, trained)


def _model(run: RunView, model: Mapping[str, Any]) -> Any:
    if model.get("checkpoint"):
        revision = model.get("revision")
        return [model["checkpoint"], " @ ", html.Code(revision[:DIGITS], title=revision) if revision else "newest"]
    size = f", {count(run.parameters, 'parameter')}" if run.parameters else ""
    return f"{words.model_title(run.model)}, pretrained here{size}"


def _data(spec: Mapping[str, Any]) -> Any:
    parts: list[Any] = []
    for each in spec.get("data") or ():
        content = each.get("content")
        parts += [", " if parts else "", f"{each.get('task')} version {each.get('version')} ({each.get('split')})"]
        if content:
            parts += [" ", html.Code(content[:DIGITS], title=content)]
    return parts or "none"


def _settings(settings: Mapping[str, Any]) -> str:
    length = f"{settings['steps']:,} steps" if settings.get("steps") else f"{settings.get('epochs'):g} epochs"
    rate = f"learning rate {settings.get('learning_rate'):g}"
    adapted = f", LoRA of rank {settings['lora_rank']}" if settings.get("lora_rank") else ""
    return f"{length}, batches of {settings.get('batch_size')}, {rate}{adapted}"
