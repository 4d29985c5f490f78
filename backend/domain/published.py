"""Whose a task's settings on real data are, and what they are for other models than the usual ones.

Sources: the scripts of XTREME and XTREME-R (google-research/xtreme, ``scripts/*.sh``), and those of Phang et al. 2020 (nyu-mll/jiant,
``guides/projects/xstilts.md`` and ``jiant/scripts/benchmarks/xtreme``), who trained XLM-R large alone: AdamW with a weight decay
of 0.01, a learning rate of 1e-5, 10 % warm-up, then linear decay, gradients clipped at 1; classification and tagging read 256
sub-words, QA 384; two epochs of MNLI in batches of 32, two of SQuAD in batches of 16.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.training import TrainingOverrides

LARGE = 200_000_000
"""Weights without embeddings from which an encoder counts as large. The papers say "base" and "large": XLM-R large has 302
million, no base encoder of the catalogue more than 113."""

XTREME = "XTREME's scripts"
XTREME_R = "XTREME-R's scripts"
PHANG = "Phang et al. 2020 (their scripts, for XLM-R large)"


class Published(BaseModel):
    """Where a task's ``training`` is from, and what differs from it.

    ``large`` holds for encoders of ``LARGE`` weights or more, ``families`` by the family of the model; a family's goes before.
    ``note`` says what the source is silent about, and what stands there instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    large: TrainingOverrides = TrainingOverrides()
    families: Mapping[str, TrainingOverrides] = Field(default_factory=dict)
    note: str = ""

    def differing(self, family: str, weights: int) -> tuple[TrainingOverrides, str]:
        """What differs for a model of this family with so many weights without embeddings, and which models that is said of."""
        if family in self.families:
            return self.families[family], f"for {family}"
        if weights >= LARGE and self.large != TrainingOverrides():
            return self.large, "for large models"
        return TrainingOverrides(), ""


QUIET = "it does not give warm-up and weight decay: Phang et al.'s"
AS_XTREME = Published(source=XTREME, note=QUIET)
AS_XTREME_BY_SIZE = Published(source=XTREME, large=TrainingOverrides(learning_rate=3e-5), note=QUIET)
AS_XTREME_R_BY_SIZE = Published(source=XTREME_R, large=TrainingOverrides(learning_rate=3e-5), note=QUIET)
AS_XTREME_QA = Published(source=XTREME)
AS_PHANG = Published(source=PHANG)
EPOCHS_OURS = "the number of epochs is not given: ours"
AS_PHANG_BUT_EPOCHS = Published(source=PHANG, note=EPOCHS_OURS)
AS_PHANG_CHOICE = Published(source=PHANG, note="epochs, batch and length are not given for multiple choice: ours")
