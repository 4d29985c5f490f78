"""mini-XTREME-R (draft docstring)."""

from collections.abc import Iterator

from backend.domain.mini import formats
from backend.domain.mini.corpus import lines
from backend.domain.mini.formats import TASKS, VERSION, Row

GENERATOR_VERSION: int = VERSION

TEXT_SENTENCES: dict[str, int] = {
    "en": 12000, "de": 9600, "ru": 9000, "zh": 8400, "ar": 7200, "hi": 7200, "tr": 6600, "id": 6000, "vi": 3600, "et": 2400,
    "sw": 1800, "ta": 1200,
}  # fmt: skip
LANGUAGES: tuple[str, ...] = ("en", "de", "ru", "ar", "hi", "tr", "sw", "id", "vi", "zh", "ta", "et")
SIZES: dict[str, dict[str, int]] = {name: dict(task.sizes) for name, task in TASKS.items()}


def text(language: str, *, limit: int | None = None) -> Iterator[str]:
    """Pretraining lines of a language."""
    count = TEXT_SENTENCES[language]
    return lines(language, GENERATOR_VERSION, count if limit is None else min(limit, count))


def rows(task: str, language: str, split: str) -> Iterator[Row]:
    """Rows of a task."""
    return formats.rows(task, language, split)


def fingerprint_parameters() -> dict[str, object]:
    """Everything that changes the text or the rows."""
    return {"generator": "mini-xtreme-r", "version": GENERATOR_VERSION, "text": dict(TEXT_SENTENCES),
            "sizes": {task: dict(sizes) for task, sizes in SIZES.items()}}  # fmt: skip
