"""A run small enough to be killed many times: a real torch training of a linear layer, with checkpoints and resuming.

Children of the workers under test call ``execute`` instead of the engine's. ``script.json`` in the data root says how many
steps, how slowly, and what goes wrong when.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from backend.domain.run import Phase
from worker.outcomes import Diverged, Job, Outcome, Report, Score, Stopped

SCRIPT: dict[str, Any] = {
    "steps": 30, "step_seconds": 0.02, "checkpoint_every": 5, "save_seconds": 0.0, "say_every": 1,
    "kill_at": None, "kill_attempts": 0, "deaf_until": None, "hang_at": None, "raise_at": None, "diverge_at": None,
    "end_at": None, "print": "", "rejected": [], "hang_attempts": 9,
}  # fmt: skip


def execute(job: Job, report: Report) -> Outcome:
    assert job.data_root is not None
    script = SCRIPT | json.loads((job.data_root / "script.json").read_text())
    notes = job.data_root / f"{job.fingerprint[:8]}-{job.attempt}.json"
    notes.write_text(json.dumps(surroundings(job)))
    report.phase(Phase.LOADING)
    if script["print"]:
        os.write(2, script["print"].encode())
    if script["rejected"]:
        report.rejected(script["rejected"])
    layer, optimizer, step = restored(job, report)
    report.phase(Phase.TRAINING)
    while step < script["steps"]:
        wish = None if script["deaf_until"] is not None and step < script["deaf_until"] else report.should_stop()
        if wish == "cancel":
            raise Stopped(step, False)
        if wish == "save":
            save(job, layer, optimizer, step, script["save_seconds"])
            raise Stopped(step, True)
        loss = train_step(job, layer, optimizer, step)
        step += 1
        time.sleep(script["step_seconds"])
        report.curve("loss", step, loss)
        report.progress(step, script["steps"])
        misbehave(script, job, step)
        if step % script["checkpoint_every"] == 0:
            report.phase(Phase.SAVING)
            save(job, layer, optimizer, step, script["save_seconds"])
            report.checkpoint(step)
            report.phase(Phase.TRAINING)
    report.phase(Phase.EVALUATING)
    torch.save(layer.state_dict(), job.out / "weights.pt")
    total = float(layer.weight.detach().double().abs().sum())
    scores = tuple(Score(language, "accuracy", total + i, 100) for i, language in enumerate(job.spec.languages))
    cost = {
        "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 2.0,
        "device_seconds": 1.0, "examples": 8 * script["steps"], "tokens": 0, "flops_analytic": 1.0, "flops_counted": None,
        "peak_memory_bytes": None, "energy_joules": None,
    }  # fmt: skip
    return Outcome(scores, cost, 10, 10, {"torch": torch.__version__})


def train_step(job: Job, layer: torch.nn.Linear, optimizer: torch.optim.Optimizer, step: int) -> float:
    generator = torch.Generator().manual_seed(1000 * (job.spec.seed or 0) + step)
    x = torch.randn(8, 4, generator=generator)
    loss = torch.nn.functional.mse_loss(layer(x), x[:, :2] * 3)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def restored(job: Job, report: Report) -> tuple[torch.nn.Linear, torch.optim.Optimizer, int]:
    torch.manual_seed(job.spec.seed or 0)
    layer = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9)
    found = job.workdir / "state.pt"
    if not found.exists():
        return layer, optimizer, 0
    state = torch.load(found)
    layer.load_state_dict(state["layer"])
    optimizer.load_state_dict(state["optimizer"])
    report.resumed(state["step"])
    return layer, optimizer, state["step"]


def save(job: Job, layer: torch.nn.Linear, optimizer: torch.optim.Optimizer, step: int, seconds: float) -> None:
    making = job.workdir / "state.making"
    torch.save({"layer": layer.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, making)
    time.sleep(seconds)
    making.replace(job.workdir / "state.pt")


def misbehave(script: dict[str, Any], job: Job, step: int) -> None:
    if step == script["kill_at"] and job.attempt <= script["kill_attempts"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if step == script["raise_at"]:
        raise FileNotFoundError(2, "No such file or directory", "train.jsonl")
    if step == script["diverge_at"]:
        raise Diverged(step, "loss nan")
    if step == script["end_at"]:
        os._exit(3)
    if step == script["hang_at"] and job.attempt <= script["hang_attempts"]:
        time.sleep(600)


def surroundings(job: Job) -> dict[str, Any]:
    """What this process can see of the world."""
    initial = Path("/proc/self/environ").read_bytes().decode()
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "environment": dict(os.environ),
        "initial": initial,
        "parent_initial": Path(f"/proc/{os.getppid()}/environ").read_bytes().decode(),
        "cwd": str(Path.cwd()),
        "cwd_files": [p.name for p in Path.cwd().iterdir()],
        "umask": os.umask(0o077),
        "threads": torch.get_num_threads(),
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "celery": "celery" in sys.modules,
        "sqlalchemy": "sqlalchemy" in sys.modules,
        "workdir": str(job.workdir),
    }
