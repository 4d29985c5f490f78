"""A table that Explore exports, read back: each of its rows is a gain, and holds the scores of its seeds and of their baselines.

What is imported are these scores, from which the gains come out again. A row without a gain holds no score of a seed. The baseline of
a language stands in the row of every recipe that was compared with it, and is one score.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

#: By these a table of gains is known, and none of them is a column of a table of scores.
NAMES = ("seeds", "scores", "baselines")
#: What is read of it: whatever else there is stays unread.
READ = (*NAMES, "model", "recipe", "target", "language", "metric", "settings", "n_examples", "missing")
#: Columns of a table of gains that cannot be taken apart: means over languages.
MEANS = ("gain", "ci_low")
NO_SEED = "none"


def is_one(columns: Collection[str]) -> bool:
    return all(name in columns for name in NAMES)


def rows(cells: Mapping[str, object], done: set[tuple[object, ...]]) -> Iterator[Mapping[str, object]]:
    """The scores of one gain, as rows of a table of scores.

    Args:
        done: baselines that were given before, with their value: they are not given again.
    """
    same = {name: _text(cells.get(name)) for name in ("model", "target", "language", "metric", "settings")}
    n = _text(cells.get("n_examples"))
    if _text(cells.get("missing")):
        return
    seeds, scores, baselines = (_list(cells.get(name)) for name in NAMES)
    for i, score in enumerate(scores):
        seed = seeds[i] if i < len(seeds) else ""
        seed = "" if seed == NO_SEED else seed
        yield {**same, "n": n, "recipe": _text(cells.get("recipe")), "seed": seed, "value": score}
        baseline = {**same, "recipe": "none", "seed": seed, "value": baselines[i] if i < len(baselines) else ""}
        if (key := tuple(baseline.values())) not in done:
            done.add(key)
            yield {**baseline, "n": n}


def _text(value: object) -> str:
    """As it was before it was guarded against being taken for a formula."""
    text = "" if value is None else str(value)
    return text[1:] if text[:1] == "'" else text


def _list(value: object) -> Sequence[str]:
    """A list of Parquet, or one cell of CSV."""
    if isinstance(value, list):
        return [NO_SEED if v is None else repr(v) for v in value]
    return _text(value).split()
