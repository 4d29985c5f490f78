"""How much memory a run takes at its peak, from the shape of its encoder: before anything is computed.

Four parts. *Weights* are fp32, whatever the precision of the computation, their *gradients* too, and AdamW keeps two *moments* of
each: 16 bytes a trained weight (Rajbhandari et al. 2020, ZeRO, arXiv 1910.02054, section 3.1, there for mixed precision). *Activations*
follow Korthikanti et al. 2022 (arXiv 2205.05198), section 4.1, equation 1: per layer, of s sub-words, b rows, hidden size h,
feed-forward size f and a heads, what the backward pass needs is

    s·b·(H·h + F·f) + S·a·b·s²    numbers.

With f = 4h and fused attention, H = 8 and F = 2 are their 32·s·b·h bytes of 2-byte numbers. Here H is one more (the attended
values are kept in two orders), dropout keeps masks as numbers, and kinds differ: ``KEPT`` is what autograd keeps of the library's
modules, and a test holds it to that. With activation checkpointing a layer keeps its input, s·b·h, and one layer at a time is
whole again (section 4.2 there, "full recomputation").

Where weights are divided over devices (ZeRO, section 5, stage 3), each has its share of weights, gradients and moments, and beside it, while
they are used, whole: the embeddings, and two layers, of which the second is under way while the first is computed.

Measured against the peak of real runs on a CPU (``tests/worker/engine/test_memory_measured.py``, which says by how much): it is a
forecast for a decision, not an account. What it leaves out: fragmentation, and the data of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

from backend.domain.architecture import Architecture
from backend.domain.run import DeviceClass, Precision, RunKind

#: What a process holds before any encoder: Python, torch and transformers on a host; context and kernels on a GPU.
RUNTIME: Final[Mapping[DeviceClass, int]] = {DeviceClass.CPU: 450 << 20, DeviceClass.CUDA: 600 << 20}
FP32, BF16 = 4, 2
SCORED: Final[Mapping[DeviceClass, int]] = {
    DeviceClass.CPU: 4096,
    DeviceClass.CUDA: 65536,
}  # places of an evaluation's batch
HIDDEN_WORDS = 0.3  # share of the sub-words that pretraining has logits for

#: Kind → H, F and S of the formula without dropout, and with it. S counts where attention is not fused.
KEPT: Final[Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]]] = {
    "xlm-roberta": ((8.2, 2, 0), (10.1, 2, 3)),
    "bert": ((8.2, 2, 0), (10.1, 2, 3)),
    "xlm-roberta-xl": ((8.2, 2, 0), (9.1, 2, 3)),
    "distilbert": ((8.2, 2, 0), (9.1, 2, 3)),
    "deberta-v2": ((16.1, 2, 1.1), (19.6, 2, 2.9)),
    "rembert": ((8.1, 2, 1), (10.1, 2, 3)),
    "mt5": ((10.1, 7, 3), (12.1, 8, 3)),
    "modernbert": ((10.2, 4, 0), (10.2, 5, 0)),
    "eurobert": ((10.1, 4, 0), (10.1, 4, 0)),
}
#: Kinds whose attention keeps its weights, on every device and without dropout too.
UNFUSED: Final = frozenset({"deberta-v2", "rembert", "mt5"})


@dataclass(frozen=True, slots=True)
class Load:
    """What a run puts into memory.

    Args:
        rows: sequences of a batch that are computed at a time.
        length: sub-words of a row.
        trained: weights that are trained; None: all.
        dropout: whether there is any.
        checkpointing: layers are computed again for their gradients.
        divided: devices that the weights are divided over.
    """

    architecture: Architecture
    kind: RunKind
    device: DeviceClass
    precision: Precision
    rows: int
    length: int
    trained: int | None = None
    dropout: bool = True
    checkpointing: bool = False
    divided: int = 1


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes, by what they are for."""

    runtime: int
    weights: int
    gradients: int
    moments: int
    best: int  # weights of the best evaluation, where they share the memory of the device
    activations: int

    @property
    def total(self) -> int:
        return self.runtime + self.weights + self.gradients + self.moments + self.best + self.activations

    def times(self, processes: int) -> Peak:
        """Of equal processes that share one memory."""
        return Peak(*(processes * part for part in astuple(self)))


def peak(load: Load) -> Peak:
    """The peak of a run.

    Of an evaluation: the weights, and what one layer holds of a batch, which is of ``SCORED`` places unless that is too much.
    """
    shape = load.architecture
    weights = shape.parameters
    if load.kind is RunKind.EVALUATE:
        places = load.rows * load.length
        working = _number(load.precision) * places * (6 * shape.hidden + 2 * shape.feed_forward)
        return Peak(RUNTIME[load.device], FP32 * weights, 0, 0, 0, working + _attention(load, load.rows))
    trained = weights if load.trained is None else load.trained
    if load.divided > 1:
        return _divided(load, trained)
    copied = (
        BF16 * shape.parameters_non_embedding if load.precision == "bf16" else 0
    )  # what autocast makes of the weights
    return Peak(
        runtime=RUNTIME[load.device],
        weights=FP32 * weights + copied,
        gradients=FP32 * trained,
        moments=2 * FP32 * trained,
        best=FP32 * weights if load.device is DeviceClass.CPU else 0,
        activations=activations(load),
    )


def _divided(load: Load, trained: int) -> Peak:
    """Of one device. The best weights lie whole with the first one; of processes that share a memory, each is said to have a share."""
    shape, n = load.architecture, load.divided
    embeddings = shape.parameters - shape.parameters_non_embedding
    layer = shape.parameters_non_embedding // shape.layers
    gathered = embeddings + 2 * layer
    gathered_trained = gathered * trained // shape.parameters
    copied = BF16 * layer if load.precision == "bf16" else 0
    return Peak(
        runtime=RUNTIME[load.device],
        weights=FP32 * (-(-shape.parameters // n) + gathered) + copied,
        gradients=FP32 * (-(-trained // n) + gathered_trained),
        moments=2 * FP32 * -(-trained // n),
        best=FP32 * -(-shape.parameters // n) if load.device is DeviceClass.CPU else 0,
        activations=activations(load),
    )


def activations(load: Load) -> int:
    """Bytes that the backward pass of one part of a batch needs."""
    shape, rows = load.architecture, load.rows
    places = rows * load.length
    layer = _layer(load, rows)
    number = _number(load.precision)
    embeddings = FP32 * places * 3 * (shape.embedding or shape.hidden)
    logits = int(2 * FP32 * HIDDEN_WORDS * places) * shape.vocabulary if load.kind is RunKind.PRETRAIN else 0
    # the backward pass holds the gradients of the layer that it is in, besides what was kept
    passing = number * places * (4 * shape.hidden + 2 * shape.feed_forward) + _attention(load, rows)
    kept = shape.layers * layer
    if load.checkpointing:  # of a single layer it would be no gain
        kept = min(kept, shape.layers * number * places * shape.hidden + layer)
    return kept + embeddings + logits + passing


def _layer(load: Load, rows: int) -> int:
    """Bytes kept of one layer."""
    shape = load.architecture
    wide, f, _ = KEPT[shape.kind][load.dropout]
    places = rows * load.length
    if load.precision == "bf16":  # norms keep their inputs, two a layer, in fp32
        return int(places * (BF16 * ((wide - 2) * shape.hidden + f * shape.feed_forward) + 2 * FP32 * shape.hidden)) + (
            _attention(load, rows)
        )
    return int(FP32 * places * (wide * shape.hidden + f * shape.feed_forward)) + _attention(load, rows)


def _attention(load: Load, rows: int) -> int:
    """Bytes of attention weights that are kept: none where attention is fused, which on a CPU it is without dropout only."""
    shape = load.architecture
    if shape.kind not in UNFUSED and (load.device is DeviceClass.CUDA or load.kind is RunKind.EVALUATE):
        return 0
    return int(KEPT[shape.kind][load.dropout][2] * _number(load.precision) * shape.heads * rows * load.length**2)


def _number(precision: Precision) -> int:
    return BF16 if precision == "bf16" else FP32
