"""``crosslift doctor``: every setting with its value and where that comes from, and what is wrong with this machine.

Works without a running installation and with a broken one: no check may end the others.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import psutil
from packaging.requirements import Requirement

from backend.errors import CrossliftError
from backend.local import services
from backend.local.finding import GIB, Check, masked
from backend.local.home import prepare_home, read_state, running_pid
from backend.local.machine import reachable, usable_port
from backend.settings import SECRETS, Settings

PREFIX = "CROSSLIFT_"
OLDEST_PYTHON: Final = (3, 11)
ALSO_READ = {
    "TEST_DATA",
    "TEST_EXAMPLES",
    "REQUIRE_TEST_DATA",
    "REQUIRE_BROWSER",
    "REQUIRE_AUDIT",
    "CHROMIUM",
}  # by the tests


@dataclass(frozen=True, slots=True)
class SettingRow:
    variable: str
    value: str
    origin: str
    description: str


# --- settings ------------------------------------------------------------------------------------------------


def setting_rows(settings: Settings) -> list[SettingRow]:
    """Every setting with the value that is in force and its origin."""
    derived = {
        "home": str(settings.root),
        "public_url": settings.url,
        "database_url": masked(settings.database),
        "redis_url": masked(settings.broker),
        "artifacts": masked(settings.artifact_root),
        "workers": str(settings.slots),
        "threads": str(settings.threads_per_run),
    }
    rows = []
    for name, about in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        if os.environ.get(variable):
            origin = "environment"
        elif name in SECRETS and os.environ.get(f"{variable}_FILE"):
            origin = f"file {os.environ[f'{variable}_FILE']}"
        else:
            origin = "default"
        value = getattr(settings, name)
        shown = derived.get(name) or ("not set" if value is None else str(value))
        rows.append(SettingRow(variable, shown, origin, about.description or ""))
    return rows


def _unknown_variables() -> Iterator[Check]:
    known = {PREFIX + n.upper() for n in Settings.model_fields} | {PREFIX + n for n in ALSO_READ}
    known |= {f"{PREFIX}{n.upper()}_FILE" for n in SECRETS}
    for variable in sorted(v for v in os.environ if v.startswith(PREFIX) and v not in known):
        close = get_close_matches(variable, known, n=1)
        yield Check(
            "environment",
            "warning",
            f"{variable} is set, but there is no such setting",
            f"did you mean {close[0]}?" if close else "remove it",
        )


# --- this machine ----------------------------------------------------------------------------------------------


def _python(_: Settings) -> Iterator[Check]:
    yield python(sys.version_info[:2])


def python(version: tuple[int, ...]) -> Check:
    """Whether this Python's version will do."""
    shown = f"{platform.python_version()} at {sys.executable}"
    if version < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Check("python", "failed", f"{shown} is older than {oldest}", f"make PYTHON=python{oldest} install")
    return Check("python", "ok", shown)


def _packages(_: Settings) -> Iterator[Check]:
    try:
        wanted = [Requirement(r) for r in requires("crosslift") or ()]
    except PackageNotFoundError:
        yield Check(
            "packages", "warning", "crosslift itself is not installed, only on the path", "pip install -e '.[all]'"
        )
        return
    wrong = []
    count = 0
    for requirement in wanted:
        extras = ("", "backend", "worker", "dashboard")
        if requirement.name == "crosslift" or not (
            requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
        ):
            continue
        count += 1
        try:
            have = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(have, prereleases=True):
            wrong.append(f"{requirement.name} {have} is not {requirement.specifier}")
    if wrong:
        yield Check("packages", "failed", "; ".join(wrong), "pip install -e '.[all]' in this Python")
    else:
        yield Check("packages", "ok", f"{count} packages of web and worker, as pinned")


def _home(settings: Settings) -> Iterator[Check]:
    root = settings.root
    there = next(p for p in (root, *root.parents) if p.exists())
    if root == there:
        prepare_home(root)
        yield Check("home", "ok", f"{root} can be written to")
    elif there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield Check("home", "ok", f"{root} is not there yet; `crosslift up` makes it")
    else:
        yield Check("home", "failed", f"{root} cannot be made in {there}", "name another folder in CROSSLIFT_HOME")
        return
    places = {"HOME": root}
    if settings.artifacts and settings.artifact_root.startswith("file://"):
        places["artifacts"] = Path(settings.artifact_root.removeprefix("file://"))
    for name, place in places.items():
        there = next(p for p in (place, *place.parents) if p.exists())
        yield disk(name, place, shutil.disk_usage(there).free)


def disk(name: str, place: Path, free: int) -> Check:
    """``free`` bytes for what lies at ``place``."""
    shown = f"{free / GIB:.1f} GiB free for {name} at {place}"
    other = "CROSSLIFT_ARTIFACTS" if name == "artifacts" else "CROSSLIFT_HOME"
    if free < GIB / 4:
        return Check(
            "disk", "failed", shown, f"make room (`crosslift gc --dry-run` says what can go), or set {other} elsewhere"
        )
    if free < 2 * GIB:
        return Check(
            "disk", "warning", shown, f"checkpoints may not fit: `crosslift gc --dry-run`, or set {other} elsewhere"
        )
    return Check("disk", "ok", shown)


def _memory(settings: Settings) -> Iterator[Check]:
    memory = psutil.virtual_memory()
    shown = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free, for {settings.slots} runs at a time"
    if memory.available < GIB * (1 + settings.slots / 2):
        yield Check("memory", "warning", shown, "fewer runs at a time: CROSSLIFT_WORKERS=1")
    else:
        yield Check("memory", "ok", shown)


def _device(settings: Settings) -> Iterator[Check]:
    """Asks torch in a process of its own: nothing here may load it."""
    program = (
        "import json, torch; c = torch.cuda.is_available(); print(json.dumps({'version': torch.__version__, "
        "'cuda': torch.version.cuda, 'gpus': [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] "
        "if c else []}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        yield Check("device", "failed", f"torch cannot be loaded: {last}", "pip install torch==2.13.0")
        return
    there = any((Path("/dev") / node).exists() for node in ("nvidiactl", "nvidia0", "dxg"))
    yield torch_build(json.loads(done.stdout.splitlines()[-1]), device=settings.device, gpu_there=there)


def torch_build(torch: dict[str, Any], *, device: str, gpu_there: bool) -> Check:
    """Whether the build of torch fits the machine.

    Args:
        torch: ``version``, ``cuda`` (of the build; None: built without) and names of the ``gpus`` that it sees.
        device: CROSSLIFT_DEVICE.
        gpu_there: whether the machine has a driver of a GPU.
    """
    build = f"torch {torch['version']}, built {'for CUDA ' + torch['cuda'] if torch['cuda'] else 'without CUDA'}"
    if torch["gpus"]:
        names = " and ".join(sorted(set(torch["gpus"])))
        return Check("device", "ok", f"{len(torch['gpus'])} × {names}; {build}")
    if gpu_there and torch["cuda"] is None:
        verdict: Literal["failed", "warning"] = "failed" if device == "cuda" else "warning"
        fix = "pip install torch==2.13.0 from an index with CUDA builds (PIP_EXTRA_INDEX_URL), in this Python"
        return Check("device", verdict, f"this machine has a GPU, which this build cannot use; {build}", fix)
    if gpu_there:
        verdict = "failed" if device == "cuda" else "warning"
        fix = "nvidia-smi says what is wrong: a driver older than the build needs, CUDA_VISIBLE_DEVICES, or rights on /dev/nvidia*"
        return Check("device", verdict, f"this machine has a GPU, which torch does not see; {build}", fix)
    if device == "cuda":
        return Check("device", "failed", f"CROSSLIFT_DEVICE=cuda, and there is no GPU; {build}", "CROSSLIFT_DEVICE=cpu")
    return Check("device", "ok", f"CPU with {os.cpu_count()} cores; {build}")


def _data_root(settings: Settings) -> Iterator[Check]:
    root = settings.data_root
    if root is None:
        yield Check("data", "ok", "CROSSLIFT_DATA_ROOT is not set: sources mini and hub only")
    elif not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        yield Check("data", "failed", f"{root} is no readable folder", "name the folder of the benchmark files")
    else:
        yield Check("data", "ok", f"{root} with {sum(1 for p in root.iterdir() if p.is_dir())} folders")


# --- what runs -----------------------------------------------------------------------------------------------------


def _running(settings: Settings) -> Iterator[Check]:
    pid = running_pid(settings.root)
    if pid is None:
        try:
            port = usable_port(settings.host, settings.port)
            yield Check("port", "ok", f"{port} on {settings.host} is free")
        except CrossliftError as error:
            yield Check("port", "failed", error.detail, "choose another one in CROSSLIFT_PORT")
        yield Check("running", "ok", "nothing runs in this HOME; `crosslift up` starts it")
        return
    state = read_state(settings.root) or {}
    api = str(state.get("api", reachable(settings.host, settings.port)))
    dead = [name for name, part in (state.get("parts") or {}).items() if not psutil.pid_exists(part["pid"])]
    if dead:
        yield Check(
            "running", "warning", f"{', '.join(dead)} died and is being started again", f"see {settings.root}/logs"
        )
    else:
        yield Check("running", "ok", f"process {pid}: {', '.join(state.get('parts') or ())}")
    try:
        answer = httpx.get(f"{api}/readyz", timeout=5, trust_env=False)
        body = answer.json()
        checks = "; ".join(f"{name} {found}" for name, found in (body.get("checks") or {}).items())
        good = answer.status_code == 200
        yield Check("web", "ok" if good else "warning", f"{api}: {checks or answer.status_code}", "as it says")
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        yield Check("web", "failed", f"{api} does not answer ({error})", f"see {settings.root}/logs/web.log")


CHECKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    _python, _packages, _home, services.permissions, _memory, _device, _data_root, services.artifacts, services.database,
    services.accounts, services.redis, services.clock, services.workers, _running,
)  # fmt: skip


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, one after the other. One that breaks is a finding, not an end."""
    yield from _unknown_variables()
    for check in CHECKS:
        try:
            yield from check(settings)
        except CrossliftError as error:
            yield Check(
                check.__name__.strip("_"), "failed", error.detail, "put that right, then `crosslift doctor` again"
            )
        except Exception as error:  # whatever it is, the user asked what is wrong
            name = check.__name__.strip("_")
            detail = f"could not be checked: {type(error).__name__}: {masked(str(error))}"
            yield Check(name, "failed", detail, "put that right, then `crosslift doctor` again")
