"""Attention with dropout on a CPU: the gradient of what it computes, the mean of what it drops, torch's generator alone."""

from __future__ import annotations

import pytest
import torch

from worker.attention import attend, kept


def _given(asked: int = 5, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    return [
        torch.randn(3, length, 2, 4, generator=rng, dtype=dtype).transpose(1, 2).requires_grad_()
        for length in (asked, 5, 5)
    ]


def _mask() -> torch.Tensor:
    return (torch.arange(5) < torch.tensor([[5], [2], [4]]))[:, None, None, :]


@pytest.mark.parametrize("mask", [None, _mask()], ids=["full", "masked"])
@pytest.mark.parametrize("asked", [1, 5])
def test_its_gradient_is_that_of_what_it_computes(mask: torch.Tensor | None, asked: int) -> None:
    def same_mask(*given: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return attend(*given, mask, 0.4)

    assert torch.autograd.gradcheck(same_mask, _given(asked, torch.float64))


@pytest.mark.parametrize("mask", [None, _mask()], ids=["full", "masked"])
def test_it_computes_attention_over_what_is_kept(mask: torch.Tensor | None) -> None:
    query, key, value = _given()
    torch.manual_seed(3)
    mixed = attend(query, key, value, mask, 0.4)
    torch.manual_seed(3)
    left = kept(torch.Size((6, 5, 5)), 0.4).view(3, 2, 5, 5)
    scores = query @ key.transpose(2, 3) / 2
    weights = scores.softmax(-1) if mask is None else scores.masked_fill(~mask, -torch.inf).softmax(-1)
    assert not left.all()
    torch.testing.assert_close(mixed, (weights * left / 0.6) @ value)


def test_its_mean_is_attention_without_dropout() -> None:
    given, torch_own = _given(), torch.nn.functional.scaled_dot_product_attention
    torch.manual_seed(0)
    mean = torch.stack([attend(*given, _mask(), 0.1).detach() for _ in range(4000)]).mean(0)
    assert (mean - torch_own(*given, attn_mask=_mask())).abs().max() < 0.03


def test_torch_alone_decides_what_is_dropped() -> None:
    torch.manual_seed(5)
    first, second = attend(*_given(), None, 0.1), attend(*_given(), None, 0.1)
    torch.manual_seed(5)
    assert torch.equal(attend(*_given(), None, 0.1), first)
    assert not torch.equal(first, second)
