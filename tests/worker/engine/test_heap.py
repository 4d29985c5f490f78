"""Memory that a training gives back stays with the process, where the C library is glibc."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource, torch
from worker import heap
kept = {keep} and heap.keep()
def once():
    torch.ones(12_000_000)  # 48 MB: more than the heap has by itself
for _ in range(10):
    once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    once()
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(keep: bool) -> tuple[bool, int]:
    said = subprocess.run([sys.executable, "-c", _FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    kept, faults = map(int, said.stdout.split())
    return bool(kept), faults


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_an_array_that_comes_again_is_not_asked_of_the_kernel_again() -> None:
    kept, few = _faults(keep=True)
    assert kept
    assert few < _faults(keep=False)[1] / 2
