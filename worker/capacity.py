"""How much memory this machine has for runs, and how fast it multiplies. Without torch where the worker's own process asks, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

#: Where Linux says what a container may have, in both versions of its control groups.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def host_memory(limits: tuple[Path, ...] = LIMITS) -> int:
    """Bytes of this host, or what its container may have where that is less."""
    found = [int(psutil.virtual_memory().total)]
    for path in limits:
        try:
            found.append(int(path.read_text()))
        except (OSError, ValueError):  # not Linux, not that version, or "max"
            continue
    return min(found)


def host_rate(slots: int) -> float:
    """FLOP/s of a matrix product in fp32 in one of so many slots of this host: its part of what all cores attain together. The best
    of many, so that whatever else the machine does counts least."""
    import numpy as np

    n = 512  # about a millisecond: it fits between what else runs
    a = np.random.default_rng(0).random((n, n), np.float32)
    return 2 * n**3 / _best(lambda: a @ a) / max(1, slots)


def gpu_rates(index: int) -> dict[str, float]:
    """Precision → FLOP/s of a matrix product on this GPU; a second."""
    import torch

    n, found = 4096, {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.rand(n, n, device=f"cuda:{index}").to(kind)

        def once(a: torch.Tensor = a) -> None:
            a @ a
            torch.cuda.synchronize(index)

        found[name] = 2 * n**3 / _best(once)
    return found


def _best(once: Callable[[], object], seconds: float = 0.5) -> float:
    """Seconds of the quickest of all that fit into so many, and of five at least. A product takes milliseconds, and its threads wait for
    one another: while a worker starts beside everything else, each of a few can take ten times as long as on its own."""
    found: list[float] = []
    until = time.perf_counter() + seconds
    while len(found) < 5 or time.perf_counter() < until:
        began = time.perf_counter()
        once()
        found.append(time.perf_counter() - began)
    return min(found)


def device_memory(device: str) -> int:
    """Bytes of the device that this process computes on."""
    if device != "cuda":
        return host_memory()
    import torch

    return int(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)
