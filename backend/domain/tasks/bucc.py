"""BUCC 2018: find the pairs of translations in two texts that are not parallel; no training (Zweigenbaum et al. 2018)."""

from backend.domain.layouts import bucc_text
from backend.domain.task import Format, Layout, Line, Retrieval, Role, Row, Split, Task


def read(row: Row) -> Line:
    return Line(str(row["id"]), row["sentence"].strip(), bool(row["english"]), tuple(row["gold"]))


TASK = Task(
    name="bucc",
    title="BUCC 2018",
    summary="Find the sentences of two texts that translate each other, by ratio margin. No training.",
    version=1,
    format=Format.BITEXT_MINING,
    roles=frozenset({Role.TARGET}),
    languages=("de", "fr", "ru", "zh"),
    mini_languages=("de", "ru", "zh"),
    metrics=("f1", "precision", "recall"),
    trained_on=None,
    evaluated_on=Split.TEST,
    evaluated_with=(Split.VALIDATION,),
    # Lines of both texts, mean of the four languages. Of the test set rounded, from the shared task's description.
    sizes={Split.VALIDATION: 22000, Split.TEST: 660000},
    # No hub source: google/xtreme holds only the gold pairs, and nothing can be mined from those.
    files=(
        Layout(
            pattern="bucc2018/{language}-en.{split}.{language}",
            beside=("bucc2018/{language}-en.{split}.en", "bucc2018/{language}-en.{split}.gold"),
            rows=bucc_text,
            splits={Split.VALIDATION: "dev", Split.TEST: "test"},
        ),
    ),
    mini="bucc",
    # The eighth of twelve layers, first token: XTREME's baseline for base models.
    retrieval=Retrieval(layer_fraction=8 / 12, pooling="cls"),
    # Nothing trains a mini encoder's first token: the mean over all tokens stands in for it.
    mini_retrieval=Retrieval(layer_fraction=8 / 12, pooling="mean"),
    licence="not stated; excerpts of Wikipedia (CC BY-SA) and News Commentary",
    citation="Zweigenbaum, Sharoff & Rapp 2018, Overview of the Third BUCC Shared Task",
    read=read,
)
