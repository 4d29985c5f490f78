"""How much memory this machine has for runs. Without torch: the worker's own process asks, too."""

from __future__ import annotations

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


def device_memory(device: str) -> int:
    """Bytes of the device that this process computes on."""
    if device != "cuda":
        return host_memory()
    import torch

    return int(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)
