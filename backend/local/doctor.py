"""``crosslift doctor``: every setting with its value and where that comes from, and what is wrong with this machine.

Works without a running installation and with a broken one: no check may end the others.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

import httpx
import psutil
from packaging.requirements import Requirement

from backend.errors import CrossliftError
from backend.local.home import prepare_home, read_state, running_pid
from backend.local.machine import reachable, redis_binary, usable_port
from backend.settings import SECRETS, Settings

PREFIX = "CROSSLIFT_"
ALSO_READ = {"TEST_DATA", "REQUIRE_TEST_DATA", "REQUIRE_BROWSER", "CHROMIUM"}  # by the tests
GIB = 2**30

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class SettingRow:
    variable: str
    value: str
    origin: str
    description: str


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    verdict: Verdict
    detail: str
    fix: str | None = None


def masked(address: str) -> str:
    """An address without its password."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", address)


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
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")


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
    free = shutil.disk_usage(there).free
    shown = f"{free / GIB:.1f} GiB free at {settings.root}"
    if free < GIB / 4:
        yield Check("disk", "failed", shown, "make room, or move HOME (CROSSLIFT_HOME)")
    elif free < 2 * GIB:
        yield Check(
            "disk", "warning", shown, "checkpoints may not fit: make room, or set CROSSLIFT_ARTIFACTS elsewhere"
        )
    else:
        yield Check("disk", "ok", shown)


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
        "import torch; c = torch.cuda.is_available(); "
        "print(torch.__version__, '|', torch.cuda.get_device_name(0) if c else '', '|', torch.cuda.device_count())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        yield Check("device", "failed", f"torch cannot be loaded: {last}", "pip install torch==2.13.0")
        return
    torch, name, count = (part.strip() for part in done.stdout.split("|"))
    if name:
        yield Check("device", "ok", f"{count} × {name}, torch {torch}")
    elif settings.device == "cuda":
        yield Check("device", "failed", f"CROSSLIFT_DEVICE=cuda, but torch {torch} sees no GPU", "CROSSLIFT_DEVICE=cpu")
    else:
        yield Check("device", "ok", f"CPU with {os.cpu_count()} cores, torch {torch}; no GPU seen")


def _data_root(settings: Settings) -> Iterator[Check]:
    root = settings.data_root
    if root is None:
        yield Check("data", "ok", "CROSSLIFT_DATA_ROOT is not set: sources mini and hub only")
    elif not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        yield Check("data", "failed", f"{root} is no readable folder", "name the folder of the benchmark files")
    else:
        yield Check("data", "ok", f"{root} with {sum(1 for p in root.iterdir() if p.is_dir())} folders")


# --- services ----------------------------------------------------------------------------------------------------


def _database(settings: Settings) -> Iterator[Check]:
    try:
        from backend.store import migrate, session  # the command line also runs where only it is installed
    except ImportError as error:
        yield Check("database", "warning", f"cannot be asked: {error}", "pip install -e '.[backend]'")
        return
    address = session.checked(settings.database)
    shown = address.render_as_string(hide_password=True)
    if address.get_backend_name() == "sqlite":
        if sqlite3.sqlite_version_info < session.SAFE_SQLITE:
            yield Check(
                "sqlite",
                "warning",
                f"{sqlite3.sqlite_version}: before 3.51.3 a write-ahead log could be corrupted when several processes "
                "write and checkpoint at the same moment (rare)",
                "for results that matter: PostgreSQL (CROSSLIFT_DATABASE_URL), or a Python with a newer SQLite",
            )
        else:
            yield Check("sqlite", "ok", sqlite3.sqlite_version)
        if not Path(str(address.database)).exists():
            yield Check("database", "ok", f"{shown} is not there yet; `crosslift up` makes it")
            return
    state = migrate.state(settings.database)
    if state == "current":
        yield Check("database", "ok", f"{shown}, schema current")
    elif state == "newer":
        yield Check("database", "failed", f"{shown} was made by a newer Crosslift", "update this one")
    else:
        yield Check("database", "warning", f"{shown}, schema {state}", "crosslift migrate (`crosslift up` does it too)")


def _redis(settings: Settings) -> Iterator[Check]:
    if settings.redis_url is None:
        try:
            binary, found = redis_binary()
        except CrossliftError as error:
            yield Check("redis", "failed", error.detail)
            return
        yield Check("redis", "ok", f"embedded: {binary}, {'.'.join(map(str, found))}")
        return
    from backend import queue  # Celery, which the command line alone does without

    shown = masked(settings.broker)
    if wrong := queue.trouble():
        yield Check(
            "redis", "failed", f"{shown}: {wrong}", "put that right, or unset CROSSLIFT_REDIS_URL for an embedded one"
        )
    else:
        yield Check("redis", "ok", f"{shown} answers and evicts nothing")


def _running(settings: Settings) -> Iterator[Check]:
    pid = running_pid(settings.root)
    if pid is None:
        try:
            port = usable_port(settings.host, settings.port)
            yield Check("port", "ok", f"{port} on {settings.host} is free")
        except CrossliftError as error:
            yield Check("port", "failed", error.detail)
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
        yield Check("web", "ok" if good else "warning", f"{api}: {checks or answer.status_code}")
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        yield Check("web", "failed", f"{api} does not answer ({error})", f"see {settings.root}/logs/web.log")


CHECKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    _python, _packages, _home, _memory, _device, _data_root, _database, _redis, _running,
)  # fmt: skip


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, one after the other. One that breaks is a finding, not an end."""
    yield from _unknown_variables()
    for check in CHECKS:
        try:
            yield from check(settings)
        except CrossliftError as error:
            yield Check(check.__name__.strip("_"), "failed", error.detail)
        except Exception as error:  # whatever it is, the user asked what is wrong
            name = check.__name__.strip("_")
            yield Check(name, "failed", f"could not be checked: {type(error).__name__}: {masked(str(error))}")
