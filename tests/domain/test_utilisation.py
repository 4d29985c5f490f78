"""What a run used of its device: model FLOPs against the measured rate of a matrix product."""

import pytest

from backend.domain.run import DeviceClass
from backend.domain.schemas import Cost
from backend.domain.utilisation import utilisation


def cost(**changes) -> Cost:
    whole = {
        "device": "4 cores", "device_class": DeviceClass.CPU, "precision": "fp32", "share": 0.5, "wall_seconds": 20.0, "device_seconds": 10.0,
        "examples": 1, "tokens": 1, "flops_analytic": 6e11, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
    }  # fmt: skip
    return Cost(**{**whole, **changes})


def test_half_a_device_is_held_to_half_of_its_rate():
    assert utilisation(cost(), 1e11) == pytest.approx(0.6)
    assert utilisation(cost(share=1.0, device_seconds=20.0), 1e11) == pytest.approx(0.3)


def test_of_analytic_and_counted_operations_the_fewer_are_needed():
    """Attention comes on top of 6·N·D, weights that are not trained fall short of it."""
    assert utilisation(cost(flops_counted=9e11), 1e11) == pytest.approx(0.6)
    assert utilisation(cost(flops_counted=4e11), 1e11) == pytest.approx(0.4)


@pytest.mark.parametrize("rate", [None, 0, -1.0, float("nan"), float("inf"), True, "1e11", [1e11], 10**400, 5e-324])
def test_without_a_rate_there_is_none(rate):
    """Whatever a file that was brought in says of it."""
    assert utilisation(cost(), rate) is None


def test_without_a_cost_or_time_there_is_none():
    assert utilisation(None, 1e11) is None
    assert utilisation(cost(device_seconds=0.0), 1e11) is None
