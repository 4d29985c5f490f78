"""What differs between how a figure was published and how the same is measured here, in words."""

from __future__ import annotations

from backend.domain.literature import AVERAGE
from backend.literature.figures import Figure

_WORDS = {
    "translate-train": "trained on translations into the language, not zero-shot",
    "translate-train-all": "trained on translations into all languages, not zero-shot",
    "translate-test": "the test set was translated into English, not zero-shot",
    "intermediate": "an intermediate task before the target",
    "none": "nothing was fine-tuned",
    "english": "English only",
}


def differing(figure: Figure) -> list[str]:
    """Of a published figure: protocol, split, seeds and size where they are not ours, and what its table says of itself."""
    said = [_WORDS[figure.protocol]] if figure.protocol in _WORDS else []
    if figure.split == "dev":
        said.append("on the development set; ours is the test set")
    elif figure.split is None:
        said.append("development or test set: not stated")
    if figure.seeds is None:
        said.append("number of seeds not stated")
    elif figure.seeds == 1:
        said.append("one seed")
    if figure.language == AVERAGE:
        said.append("a mean over languages as printed")
    return [*said, *figure.table.differs, *([figure.note] if figure.note else [])]
