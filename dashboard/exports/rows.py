"""Explore and Trade-off in long form: one row a cell or a point, in the order of the figure, with a fixed schema.

A row is of what is shown: the languages that are looked at, the points on the chosen axis. Every row stands alone, so rows of several
files can be put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.domain.schemas import GainCell, GainMatrix, RecipeRow, TradeoffPoint
from dashboard import apart, orders, subset, weighing
from dashboard.exports import means, values
from dashboard.exports.schema import Column, Row, columns
from dashboard.links import Explore, Tradeoff

CELLS: Final = columns(
    ("benchmark", "text", "its name"),
    ("synthetic", "truth", "whether it is the generated one, which says nothing about natural language"),
    ("model", "text", "the pretrained encoder"),
    ("parameters", "whole", "weights of the encoder in total; empty: no model of the catalogue"),
    ("parameters_non_embedding", "whole", "weights without embeddings"),
    ("recipe", "text", "how the intermediate stage was done"),
    ("target", "text", "the task that was scored"),
    ("language", "text", "two-letter code"),
    ("metric", "text", "what the scores are of"),
    ("score", "number", "points, mean over seeds, with the intermediate stage"),
    ("baseline", "number", "points, mean over the same seeds, without it"),
    ("gain", "number", "score minus baseline, points"),
    ("ci_low", "number", "95 % interval of the gain over seeds, points"),
    ("ci_high", "number", "95 % interval of the gain over seeds, points"),
    ("p", "number", "two-sided paired t over seeds"),
    ("p_sign_flip", "number", "exact sign-flip test over seeds"),
    ("q", "number", "Benjamini-Hochberg over every recipe and language of this model, target and metric, shown or not"),
    ("detectable", "number", "gain in points that would have been found four times out of five"),
    ("verdict", "text", "helps, hurts, no evidence or too few seeds"),
    ("missing", "text", "why there is no gain: not_applicable, not_run, failed or withheld"),
    ("why_missing", "text", "the same at length"),
    ("n_seeds", "whole", "seeds that the gain is over"),
    ("seeds", "wholes", "which; none: the run has no seed"),
    ("scores", "numbers", "points of each of these seeds, with the intermediate stage"),
    ("baselines", "numbers", "points that each was compared with"),
    ("n_examples", "whole", "test examples behind a score"),
    ("same_data_twice", "truth", "intermediate task and target train on one data set: in no headline mean"),
    ("zero_shot", "truth", "false where the language was trained in, by translations"),
    ("settings", "text", "names the settings that the gain was taken under, where there are several"),
    ("device_hours_marginal", "number", "of the recipe for one seed: intermediate, fine-tune and evaluate runs"),
    ("device_hours_amortised", "number", "the same with the intermediate run shared out over the targets using it"),
    ("run_ids", "wholes", "evaluate runs of the scores"),
    ("baseline_run_ids", "wholes", "evaluate runs of the baselines"),
    ("snapshot", "text", "SHA-256 of the frozen result; empty: live numbers"),
)

POINTS: Final = columns(
    ("benchmark", "text", "its name"),
    ("synthetic", "truth", "whether it is the generated one, which says nothing about natural language"),
    ("model", "text", "the pretrained encoder"),
    ("parameters", "whole", "weights of the encoder in total"),
    ("parameters_non_embedding", "whole", "weights without embeddings"),
    ("recipe", "text", "how the intermediate stage was done"),
    ("target", "text", "the task that was scored"),
    ("languages", "text", "what the gain is a mean over: mean_transfer, mean_all, a group, or one code"),
    ("metric", "text", "what the scores are of"),
    ("gain", "number", "mean gain, points"),
    ("ci_low", "number", "95 % interval over seeds, points"),
    ("ci_high", "number", "95 % interval over seeds, points"),
    ("n_seeds", "whole", "seeds that the gain is over"),
    ("device_class", "text", "cpu or cuda"),
    ("device", "text", "what it ran on"),
    ("device_hours_marginal", "number", "of the recipe for one seed: intermediate, fine-tune and evaluate runs"),
    ("device_hours_amortised", "number", "the same with the intermediate run shared out over the targets using it"),
    ("energy_kwh_marginal", "number", "of the devices, for one seed; empty: not measured"),
    ("energy_kwh_amortised", "number", "the same with the intermediate run shared out over the targets using it"),
    ("flops_marginal", "number", "6 N D, for one seed"),
    ("flops_amortised", "number", "the same with the intermediate run shared out over the targets using it"),
    ("flops_counted_marginal", "number", "as they were counted, for one seed; empty: not counted"),
    ("flops_counted_amortised", "number", "the same with the intermediate run shared out over the targets using it"),
    ("languages_in_mean", "whole", "languages that the gain is the mean of; empty: of one language"),
    ("languages_asked_for", "whole", "languages that it was asked for; empty: of one language"),
    (
        "on_front",
        "truth",
        "no other point of the target, or of the language where each has a panel, costs as little, on the chosen axis, and gains as much",
    ),
    ("same_data_twice", "truth", "intermediate task and target train on one data set: in no front"),
    ("snapshot", "text", "SHA-256 of the frozen result; empty: live numbers"),
)


def of_matrix(matrix: GainMatrix) -> tuple[Column, ...]:
    """The columns of a table of what Explore shows: of means over languages they are others."""
    return CELLS if apart.by_language(matrix) else means.MEANS


def cells(matrix: GainMatrix, state: Explore, snapshot: str = "") -> list[Row]:
    """Every cell that Explore shows, those without a gain and why included. Each row names its own model, target and recipe, whatever
    the rows and columns of the figure are."""
    if not apart.by_language(matrix):
        return means.rows(matrix, state, snapshot)
    shown = subset.narrow(matrix, state.languages)
    found = {(c.recipe, c.language): c for c in shown.cells}
    made = []
    for row in orders.rows(shown, state.order):
        own = apart.part(shown, row)
        recipe = own.recipes[0] if shown.axes is not None else row
        for code in orders.languages(shown, state.order):
            if (cell := found.get((row.recipe, code))) is not None:
                made.append(_cell(own, recipe, cell, snapshot))
    return made


def _cell(m: GainMatrix, row: RecipeRow, c: GainCell, snapshot: str) -> Row:
    return {
        **values.of_matrix(m, snapshot),
        "recipe": row.recipe,
        "target": m.target,
        "language": c.language,
        "metric": m.metric,
        **values.of_cell(c),
        "scores": c.treated_scores,
        "baselines": c.baseline_scores,
        "n_examples": c.examples,
        "same_data_twice": row.same_data_twice,
        "zero_shot": c.language not in row.not_zero_shot,
        "settings": c.settings,
        "device_hours_marginal": row.device_hours_marginal,
        "device_hours_amortised": row.device_hours_amortised,
        "run_ids": c.runs,
        "baseline_run_ids": c.baseline_runs,
        "snapshot": snapshot or None,
    }


def points(
    every: Sequence[TradeoffPoint], state: Tradeoff, *, benchmark: str, synthetic: bool, snapshot: str = ""
) -> list[Row]:
    """Every point that Trade-off shows."""
    front = weighing.on_front(every, state)
    ordered = sorted(weighing.looked_at(every, state), key=lambda p: (p.target, p.recipe, p.parameters, p.model))
    return [
        {
            "benchmark": benchmark,
            "synthetic": synthetic,
            "model": p.model,
            "parameters": p.parameters,
            "parameters_non_embedding": p.parameters_non_embedding,
            "recipe": p.recipe,
            "target": p.target,
            "languages": p.language,
            "metric": p.metric,
            "gain": p.gain,
            "ci_low": p.low,
            "ci_high": p.high,
            "n_seeds": p.n,
            "device_class": p.device_class.value,
            "device": p.device,
            "device_hours_marginal": p.device_hours_marginal,
            "device_hours_amortised": p.device_hours_amortised,
            "energy_kwh_marginal": p.energy_kwh_marginal,
            "energy_kwh_amortised": p.energy_kwh_amortised,
            "flops_marginal": p.flops_marginal,
            "flops_amortised": p.flops_amortised,
            "flops_counted_marginal": p.flops_counted_marginal,
            "flops_counted_amortised": p.flops_counted_amortised,
            "languages_in_mean": p.k,
            "languages_asked_for": p.asked,
            "on_front": weighing.key(p, state) in front,
            "same_data_twice": p.same_data_twice,
            "snapshot": snapshot or None,
        }
        for p in ordered
    ]
