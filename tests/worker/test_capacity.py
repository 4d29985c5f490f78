"""What a worker says of its memory."""

from pathlib import Path

import psutil

from worker.capacity import device_memory, host_memory


def test_a_container_has_what_it_may_have(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    assert host_memory(()) == total
    limit = tmp_path / "memory.max"
    limit.write_text("1073741824\n")
    assert host_memory((limit, tmp_path / "missing")) == 1 << 30
    limit.write_text("max\n")
    assert host_memory((limit,)) == total
    limit.write_text(str(1 << 60))
    assert host_memory((limit,)) == total


def test_a_cpu_has_its_hosts_memory() -> None:
    assert device_memory("cpu") == host_memory()
