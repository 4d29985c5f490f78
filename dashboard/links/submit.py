"""The state of ``/submit-check``: which benchmark's rules, and which submission of stored predictions is looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from dashboard.links.flips import RECIPE
from dashboard.links.reading import READERS, parsed, read, written

SUBMIT = "/submit-check"


@dataclass(frozen=True, slots=True)
class Submit:
    """``experiment``: whose stored predictions; ``model``, ``recipe`` and ``seed``: which of its submissions. None: only what is sent."""

    benchmark: Literal["xtreme-r", "xtreme"] = "xtreme-r"
    experiment: str | None = None
    model: str | None = None
    recipe: str | None = None
    seed: str | None = None

    @property
    def address(self) -> str:
        return written(SUBMIT, self)

    def archive(self, *, gold: bool = False) -> str:
        """Of the submission as a file; ``gold``: of its labels."""
        said = {"benchmark": self.benchmark, "model": self.model, "recipe": self.recipe, "seed": self.seed}
        query = urlencode(
            sorted((k, v) for k, v in (said | ({"gold": "true"} if gold else {})).items() if v is not None)
        )
        return f"/api/v1/experiments/{self.experiment}/submission?{query}"

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Submit:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Submit:
        return cls.read(parsed(search))


def _number(text: str) -> str | None:
    return text if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


READERS.update(
    {
        (Submit, "experiment"): _number,
        (Submit, "recipe"): lambda text: text if RECIPE.fullmatch(text) else None,
        (Submit, "seed"): _number,
    }
)
