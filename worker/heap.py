"""What the C library does with memory that is given back, for training on a CPU.

glibc asks the kernel for every large array anew and gives it back at once, so that each of a step's large tensors, the gradient of the word
embeddings among them, begins with a page fault every 4 KiB: some hundredths of a step's time. Here they come out of the heap, and the heap keeps
what it was given until the process ends, which is the end of the run. No number is changed by that.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h


def keep() -> bool:
    """For the rest of the process. Whether the C library has such settings: others than glibc have not."""
    try:
        set_to = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(set_to(_MMAP_MAX, 0)) and bool(set_to(_TRIM_THRESHOLD, (1 << 31) - 1))
