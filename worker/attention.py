"""Attention with dropout on a CPU.

torch has no fast kernel for it: its ``scaled_dot_product_attention`` draws the mask number by number and goes over the probabilities a dozen
times, which is half of a training step at the lengths of question answering. Here the mask comes of random bits, as ``QuickDropout``'s does
(``worker.encoder``), and the gradient needs three passes: with P = softmax(S), K the mask of zeros and ones, c = 1/(1-p) and O = (P∘K)(cV),

    ∂S = P ∘ (K∘∂(P∘K)) - P·D = (P∘K) ∘ ∂(P∘K) - P·D,    D = rowsum(∂O ∘ O)

as in FlashAttention (Dao et al. 2022, arXiv 2205.14135, appendix B.2), where it holds with dropout, too.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, dropout: float
) -> torch.Tensor:
    """[rows, heads, asked, size] of query and [rows, heads, length, size] of key and value → [rows, heads, asked, size].
    ``mask``: [rows, 1, 1, length], bool, True = real, with at least one in every row."""
    if dropout > 0 and query.device.type == "cpu":
        return cast(torch.Tensor, _Dropped.apply(query, key, value, mask, dropout))
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)


def kept(shape: torch.Size, dropout: float) -> torch.Tensor:
    """A mask of this shape, bool, True = kept: 16 random bits decide about each place, from a generator that torch's own seeds. The rate is
    exact to 1/65536."""
    count = math.prod(shape)
    raw = np.random.SFC64(int(torch.randint(1 << 62, ()))).random_raw((count + 3) // 4)
    return torch.from_numpy((raw.view(np.uint16)[:count] >= round(dropout * 65536)).reshape(shape))


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, dropout: float
    ) -> torch.Tensor:
        rows, heads, asked, size = query.shape
        ctx.scale, ctx.rise = size**-0.5, 1 / (1 - dropout)
        q = (query * ctx.scale).reshape(rows * heads, asked, size)
        k, v = key.reshape(rows * heads, -1, size), (value * ctx.rise).reshape(rows * heads, -1, size)
        if mask is None:
            scores = torch.bmm(q, k.transpose(1, 2))
        else:
            hidden = torch.zeros(rows, 1, k.shape[1], dtype=q.dtype)
            hidden.masked_fill_(~mask.view(rows, 1, -1), torch.finfo(q.dtype).min)
            scores = torch.baddbmm(hidden.repeat_interleave(heads, 0), q, k.transpose(1, 2))
        weights = torch.softmax(scores, -1)
        left = torch.mul(weights, kept(weights.shape, dropout).to(weights.dtype), out=scores)
        mixed = torch.bmm(left, v)
        ctx.save_for_backward(q, k, v, weights, left, mixed)
        return mixed.view(query.shape)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, k, v, weights, left, mixed = ctx.saved_tensors
        shape = given[0].shape
        outer = given[0].reshape(mixed.shape)
        of_value = torch.bmm(left.transpose(1, 2), outer).mul_(ctx.rise)
        inner = (outer * mixed).sum(-1, keepdim=True)
        scores = torch.bmm(outer, v.transpose(1, 2)).mul_(left).addcmul_(weights, inner, value=-1)
        of_query = torch.bmm(scores, k).mul_(ctx.scale)
        of_key = torch.bmm(scores.transpose(1, 2), q)
        long = (*shape[:2], -1, shape[3])
        return of_query.view(shape), of_key.view(long), of_value.view(long), None, None
