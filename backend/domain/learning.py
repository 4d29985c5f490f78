"""Whether a training learnt anything at all.

Fine-tuning now and then fails outright: the loss stays where guessing is, and the model answers the same whatever it reads
(Mosbach, Andriushchenko and Klakow, ICLR 2021, arXiv 2006.04884; Phang et al. 2018, arXiv 1811.01088, restart such runs).
Averaged into a gain such a run says nothing about the recipe, so it is flagged, shown, and left out of gains with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Of the loss of guessing. A failed run's mean over its last steps varies by one percent or so around all of it.
NOT_BELOW = 0.98


@dataclass(frozen=True, slots=True)
class Learning:
    """How a training ended.

    Args:
        loss: mean training loss over the last steps, or over the steps before the weights that were kept, whichever is lower.
        guess: the training loss of the best answer that does not look at the text: the entropy of the labels, for instance.
            Both are in nats.
    """

    loss: float
    guess: float

    @property
    def failed(self) -> bool:
        """Whether it never got below guessing."""
        return self.loss >= NOT_BELOW * self.guess

    def said(self) -> str:
        """``did not learn: its training loss ended at 1.10, and guessing gives 1.10``."""
        how = "did not learn" if self.failed else "learnt"
        return f"{how}: its training loss ended at {self.loss:.3g}, and guessing gives {self.guess:.3g}"
