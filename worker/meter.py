"""What a run used: time, share of the device, work, memory, energy. One meter around the whole run.

What a resumed run had used before its checkpoint is counted in; work lost between a checkpoint and a crash is not.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch.utils.flop_counter import FlopCounterMode

from worker.outcomes import Job

COUNTED_STEPS = 2  # steps whose floating point operations are counted one by one, then extrapolated by tokens
TRAINING = 6.0  # operations per token and non-embedding parameter: 2 forward, 4 backward
INFERENCE = 2.0


class Meter:
    """A context manager; ``cost()`` after (or while) it runs has the fields of ``schemas.Cost``."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.cuda = job.device == "cuda"
        self.parameters_non_embedding = 0
        self.used: dict[str, float] = {
            "seconds": 0.0, "joules": 0.0, "examples": 0, "tokens": 0, "analytic": 0.0,
            "counted": 0.0, "counted_analytic": 0.0, "counted_steps": 0,
        }  # fmt: skip
        self._started = time.perf_counter()
        # the counter is that of one GPU: of several, nothing is said
        self._energy = _EnergyCounter() if self.cuda and job.spec.devices == 1 else None
        self._joules: float | None = None

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        self._joules = self._energy.joules() if self._energy else None
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._energy:
            self._energy.close()

    def work(self, *, examples: int, tokens: int, each: float) -> None:
        """Count examples and real sub-words; ``each`` is TRAINING or INFERENCE. Evaluation inside training is work too,
        but its examples are not training examples: pass 0."""
        self.used["examples"] += examples
        self.used["tokens"] += tokens
        self.used["analytic"] += each * self.parameters_non_embedding * tokens

    @contextmanager
    def counting(self, tokens: int, each: float) -> Iterator[None]:
        """Count the operations of the first few steps as they happen; afterwards free of charge."""
        if self.used["counted_steps"] >= COUNTED_STEPS:
            yield
            return
        # Torch's counter follows weights that are handed to a module as its input (DeBERTa's relative positions) by their
        # gradient, which inference mode has none of; without gradients it computes the same.
        gradients = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        with (
            torch.inference_mode(False),
            torch.set_grad_enabled(gradients),
            FlopCounterMode(display=False) as counter,
        ):
            yield
        self.used["counted"] += counter.get_total_flops()
        self.used["counted_analytic"] += each * self.parameters_non_embedding * tokens
        self.used["counted_steps"] += 1

    def state(self) -> dict[str, float]:
        """For a checkpoint: everything up to now."""
        return {**self.used, "seconds": self.seconds, "joules": self.joules or 0.0}

    def resume(self, state: Mapping[str, float]) -> None:
        """Start from what an earlier attempt had used."""
        self.used.update({k: v for k, v in state.items() if k in self.used})

    @property
    def seconds(self) -> float:
        return self.used["seconds"] + time.perf_counter() - self._started

    @property
    def joules(self) -> float | None:
        now = self._energy.joules() if self._energy else None
        return None if now is None or self._joules is None else self.used["joules"] + now - self._joules

    @property
    def share(self) -> float:
        """Share of the device that the run was given: its threads of a CPU's cores, all of a GPU. Of several GPUs it is their
        number."""
        devices = self.job.spec.devices
        return float(devices) if self.cuda else min(1.0, devices * self.job.threads / (os.cpu_count() or 1))

    def cost(self) -> dict[str, Any]:
        """As of now."""
        seconds = self.seconds
        counted = None
        if self.used["counted_analytic"] > 0:
            counted = self.used["counted"] * self.used["analytic"] / self.used["counted_analytic"]
        return {
            "device": device_name(self.job.device),
            "device_class": self.job.spec.device.value,
            "precision": self.job.spec.precision,
            "share": self.share,
            "wall_seconds": seconds,
            "device_seconds": seconds * self.share,
            "examples": int(self.used["examples"]),
            "tokens": int(self.used["tokens"]),
            "flops_analytic": self.used["analytic"],
            "flops_counted": counted,
            "peak_memory_bytes": peak_memory(self.cuda),
            "energy_joules": self.joules,
        }


def device_name(device: str) -> str:
    """The GPU's name, or the processor's with its number of cores."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:  # not Linux
        pass
    return f"{name} × {os.cpu_count() or 1}"


def peak_memory(cuda: bool) -> int:
    """Bytes: of the GPU's allocator, or resident in this process."""
    if cuda:
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class _EnergyCounter:
    """The GPU's own total-energy counter, where NVML and the GPU have it."""

    def __init__(self) -> None:
        self._nvml: Any = None
        try:
            import pynvml  # type: ignore[import-not-found, unused-ignore]

            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
            self._nvml = pynvml
        except Exception:  # no NVML, no driver: energy is then "not measured"
            self._nvml = None

    def joules(self) -> float | None:
        if self._nvml is None:
            return None
        try:
            return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1000
        except Exception:  # older than Volta
            return None

    def close(self) -> None:
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
