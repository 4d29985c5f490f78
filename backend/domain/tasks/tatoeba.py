"""Tatoeba: find the translation of an English sentence among 1,000; no training (Artetxe & Schwenk 2019)."""

from backend.domain.layouts import aligned_text
from backend.domain.task import Bitext, Format, Hub, Layout, Retrieval, Role, Row, Split, Task

#: Configurations are named by ISO 639-3 codes, of the individual language where a two-letter code is a macrolanguage.
ISO = dict(
    pair.split(":")
    for pair in (
        "ar:ara he:heb vi:vie id:ind jv:jav tl:tgl eu:eus ml:mal ta:tam te:tel af:afr nl:nld de:deu el:ell "
        "bn:ben hi:hin mr:mar ur:urd fa:pes fr:fra it:ita pt:por es:spa bg:bul ru:rus ja:jpn ka:kat ko:kor "
        "th:tha sw:swh zh:cmn kk:kaz tr:tur et:est fi:fin hu:hun"
    ).split()
)
#: Those that XTREME-R added: in the originals, and not in XTREME's copy.
ADDED = {"az": "aze", "lt": "lit", "pl": "pol", "uk": "ukr", "ro": "ron"}


def read(row: Row) -> Bitext:
    """XTREME's direction: the query is the English sentence, the index holds the other language."""
    return Bitext(
        str(row.get("idx", row.get("line", ""))), row["source_sentence"].strip(), row["target_sentence"].strip()
    )


TASK = Task(
    name="tatoeba",
    title="Tatoeba",
    summary="Find the translation of an English sentence by cosine similarity. No training.",
    version=1,
    format=Format.BITEXT_RETRIEVAL,
    roles=frozenset({Role.TARGET}),
    languages=tuple(
        (
            "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr "
            "et fi hu az lt pl uk ro"
        ).split()
    ),
    mini_languages=("de", "ru", "ar", "hi", "tr", "sw", "id", "vi", "zh", "ta", "et"),
    metrics=("accuracy",),
    trained_on=None,
    evaluated_on=Split.VALIDATION,
    sizes={Split.VALIDATION: 1000},
    hub=Hub(
        id="google/xtreme",
        config="tatoeba.{language}",
        configs={code: f"tatoeba.{iso}" for code, iso in ISO.items()},
        splits={Split.VALIDATION: "validation"},
    ),
    # LASER's files. XTREME's script sorts their English lines, and keeps what belongs together to itself.
    files=(
        Layout(
            pattern="tatoeba/v1/tatoeba.{language}-eng.{language}",
            beside=("tatoeba/v1/tatoeba.{language}-eng.eng",),
            rows=aligned_text,
            languages={**ISO, **ADDED},
        ),
    ),
    mini="tatoeba",
    # The eighth of twelve layers, mean over all tokens, cosine: the official baseline's settings for base models.
    retrieval=Retrieval(layer_fraction=8 / 12, pooling="mean"),
    licence="CC BY 2.0 FR",
    citation="Artetxe & Schwenk 2019, Massively Multilingual Sentence Embeddings; Tatoeba corpus",
    read=read,
)
