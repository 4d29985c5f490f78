"""The gain of one cell or mean by kind of test example, from the stored predictions of its runs."""

from __future__ import annotations

from backend.domain.certainty import Attribute, Bucket, Buckets
from backend.statistics.buckets import Division, divisions, divisions_of_mean
from backend.statistics.table import Unusable
from backend.store.certainty import kept, view
from backend.store.predicted import Chosen, examples, table_of


def buckets(chosen: Chosen, root: str) -> Buckets:
    """Everything about one cell or mean.

    Args:
        chosen: of one language, or of the mean over several.
        root: of the artifacts.
    """
    mean = chosen.mean
    number: int | None = None
    found: list[Attribute] = []
    why: str | None = None
    try:
        number, found = kept.get(("buckets", *chosen.version), lambda: _divided(chosen, root))
    except Unusable as error:
        why = str(error)
    return Buckets(
        model=chosen.unit.model,
        target=chosen.unit.target,
        metric=chosen.unit.metric,
        recipe=chosen.recipe,
        language=chosen.language,
        gain=chosen.cells[0].mean if mean is None or mean.value is None else mean.value,
        seeds=min(g.n for g in chosen.cells),
        k=None if mean is None else mean.k,
        asked=None if mean is None else mean.n,
        examples=number,
        attributes=found,
        missing=why,
    )


def _divided(chosen: Chosen, root: str) -> tuple[int, list[Attribute]]:
    found = examples(chosen, root)
    whole = table_of(chosen, found)  # refuses what does not give the stored scores
    of, less = (chosen.task, chosen.unit.metric), chosen.lower_is_better
    if chosen.mean is not None:
        made = divisions_of_mean(*of, found.pairs, lower_is_better=less)
    else:
        made = divisions(*of, chosen.language, found.pairs[chosen.language], lower_is_better=less)
    return whole.examples, [_attribute(each) for each in made]


def _attribute(division: Division) -> Attribute:
    parts = [
        Bucket(
            name=part.name,
            examples=part.examples,
            units=part.units,
            seeds=part.seeds,
            baseline=part.baseline,
            treated=part.treated,
            gain=part.gain,
            interval=view(part.interval),
        )
        for part in division.parts
    ]
    return Attribute(
        key=division.key,
        title=division.title,
        note=division.note,
        buckets=parts,
        missing=division.missing,
        languages=list(division.languages),
    )
