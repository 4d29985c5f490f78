"""What the C library does with memory that is given back, for training on a CPU.

glibc asks the kernel for every large array anew and gives it back at once, so that each tensor of a step begins with page faults: some
hundredths of a step's time. Here large arrays come out of the heap, and the heap keeps what it was given until the process ends. The most that
a process holds is not changed by that, nor is any number.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST = 32 << 20  # bytes: arrays up to this come out of the heap; glibc takes no higher limit


def keep() -> bool:
    """For the rest of the process. Whether the C library has such settings: others than glibc have not."""
    try:
        set_to = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(set_to(_MMAP_THRESHOLD, LARGEST)) and bool(set_to(_TRIM_THRESHOLD, (1 << 31) - 1))
