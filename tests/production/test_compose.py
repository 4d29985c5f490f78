"""The compose file and the Dockerfile, checked without a container engine: what they say can be understood, what they name
exists, and what they run are this program's own commands. ``tests/test_house.py`` checks that it is closed and keeps secrets."""

from __future__ import annotations

import copy
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend import cli

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "backend" / "Dockerfile").read_text()

# --- what a compose file may say (the part of the Compose Specification that ours uses) --------------------------------

DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")
SIZE = re.compile(r"\d+(b|k|kb|m|mb|g|gb)")
VARIABLE = re.compile(r"\$\{([A-Z_]+):-([^${}]*)\}")
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


def with_defaults(value: Any) -> Any:
    """What compose makes of a value where no variable is set."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: found[2], value).replace("$$", "$")
    if isinstance(value, list):
        return [with_defaults(v) for v in value]
    return {k: with_defaults(v) for k, v in value.items()} if isinstance(value, dict) else value


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def duration(value: Any) -> bool:
    return isinstance(value, str) and DURATION.fullmatch(value) is not None


def scalars(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str | int | float) for v in value.values())


def is_a(*types: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in types


SERVICE: dict[str, Callable[[Any], bool]] = {
    "image": is_a(str),
    "build": lambda v: isinstance(v, dict) and set(v) <= {"context", "dockerfile", "target", "args"},
    "command": texts,
    "user": is_a(str),
    "read_only": is_a(bool),
    "cap_drop": texts,
    "security_opt": texts,
    "pids_limit": is_a(int),
    "restart": lambda v: v in ("no", "always", "on-failure", "unless-stopped"),
    "tmpfs": lambda v: texts(v) and all(t.startswith("/") for t in v),
    "logging": lambda v: scalars(v.get("options")) and set(v) == {"driver", "options"},
    "secrets": texts,
    "networks": texts,
    "volumes": texts,
    "ports": texts,
    "profiles": texts,
    "environment": scalars,
    "shm_size": lambda v: SIZE.fullmatch(str(v)) is not None,
    "stop_grace_period": duration,
    "depends_on": lambda v: isinstance(v, dict) and all(w.get("condition") in CONDITIONS for w in v.values()),
    "healthcheck": is_a(dict),
    "deploy": is_a(dict),
}
HEALTH: dict[str, Callable[[Any], bool]] = {
    "test": lambda v: texts(v) and ((v[0] == "CMD" and len(v) > 1) or (v[0] == "CMD-SHELL" and len(v) == 2)),
    "interval": duration,
    "timeout": duration,
    "start_period": duration,
    "retries": is_a(int),
}
TOP = {"name", "services", "networks", "volumes", "secrets"}


def faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Everything that a container engine would refuse, or that would not hold once it ran."""
    yield from (
        f"{key} is no part of a compose file" for key in document if key not in TOP and not key.startswith("x-")
    )
    said = re.sub(r"\$\$", "", VARIABLE.sub("", yaml.safe_dump(dict(document), width=10_000)))
    yield from (f"a lonely $ before {found!r}" for found in re.findall(r"\$(.{0,12})", said))
    services = with_defaults(document["services"])
    for name, service in services.items():
        for key, value in service.items():
            if not SERVICE.get(key, lambda _: False)(value):
                yield f"{name}.{key}: {value!r}"
        for key, value in service.get("healthcheck", {}).items():
            if not HEALTH.get(key, lambda _: False)(value):
                yield f"{name}.healthcheck.{key}: {value!r}"
        if ("build" in service) != str(service.get("image", "")).startswith("crosslift-"):
            yield f"{name}: what is built here is named crosslift-…, and nothing else is"
        for kind in ("networks", "secrets"):
            yield from (f"{name}: no {kind} {one}" for one in service.get(kind, ()) if one not in document[kind])
        yield from _places(name, service, document)
        for port in service.get("ports", ()):
            if not re.fullmatch(r"[\d.]+:\d+:\d+", port):
                yield f"{name}: port {port}"
        for other, how in service.get("depends_on", {}).items():
            needed = services.get(other)
            if needed is None:
                yield f"{name} waits for {other}, which there is not"
            elif how["condition"] == "service_healthy" and "healthcheck" not in needed:
                yield f"{name} waits for {other} to be healthy, which nobody checks"
            elif how["condition"] == "service_completed_successfully" and needed.get("restart") != "no":
                yield f"{name} waits for {other} to end, which is started again"
    yield from _circles({name: list(s.get("depends_on", {})) for name, s in services.items()})


def _places(name: str, service: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    """Volumes that exist, no folder mounted twice, and somewhere to write where the rest is read only."""
    targets = [t.split(":")[0] for t in service.get("tmpfs", ())]
    for volume in service.get("volumes", ()):
        source, target, *mode = volume.split(":")
        targets.append(target)
        if not target.startswith("/") or mode not in ([], ["ro"]):
            yield f"{name}: volume {volume}"
        if not source.startswith(("/", "./")) and source not in document["volumes"]:
            yield f"{name}: no volume {source}"
    if len(targets) != len(set(targets)):
        yield f"{name}: one folder is mounted twice: {targets}"
    if service.get("read_only") and "/tmp" not in targets:
        yield f"{name}: is read only and has no /tmp"


def _circles(needs: dict[str, list[str]]) -> Iterator[str]:
    while ready := [name for name, others in needs.items() if not others]:
        needs = {n: [o for o in others if o not in ready] for n, others in needs.items() if n not in ready}
    if needs:
        yield f"these wait for each other: {sorted(needs)}"


def test_a_container_engine_would_take_it():
    assert list(faults(COMPOSE)) == []


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("services.web.imagee", "x", "web.imagee"),
        ("services.web.read_only", "yes", "web.read_only"),
        ("services.db.stop_grace_period", 60, "db.stop_grace_period"),
        ("services.db.stop_grace_period", "60 seconds", "db.stop_grace_period"),
        ("services.db.healthcheck.test", ["pg_isready"], "db.healthcheck.test"),
        ("services.db.healthcheck.every", "5s", "db.healthcheck.every"),
        ("services.worker-cpu.secrets", ["database_url", "redis"], "no secrets redis"),
        ("services.worker-cpu.networks", ["inside"], "no networks inside"),
        ("services.worker-cpu.volumes", ["wrok:/var/lib/crosslift"], "no volume wrok"),
        ("services.worker-cpu.tmpfs", ["/var/tmp"], "has no /tmp"),
        ("services.worker-cpu.tmpfs", ["/tmp:mode=1777", "/var/lib/crosslift"], "mounted twice"),
        ("services.broker.command", ["sh", "-c", "cat $HOME"], "lonely $"),
        ("services.broker.depends_on", {"web": {"condition": "service_started"}}, "wait for each other"),
        ("services.web.depends_on", {"sweep": {"condition": "service_healthy"}}, "nobody checks"),
        ("services.web.depends_on", {"sweep": {"condition": "service_completed_successfully"}}, "is started again"),
        ("services.web.depends_on", {"cache": {"condition": "service_started"}}, "which there is not"),
        ("services.web.image", "web", "is named crosslift-"),
        ("service", {}, "service is no part"),
    ],
)
def test_what_is_wrong_is_found(where: str, value: Any, complaint: str):
    changed = copy.deepcopy(COMPOSE)
    *path, last = where.split(".")
    inside = changed
    for key in path:
        inside = inside[key]
    inside[last] = value
    assert any(complaint in fault for fault in faults(changed))


# --- what is run ------------------------------------------------------------------------------------------------------


def commands() -> set[str]:
    """What ``crosslift`` knows."""
    return {each.name or each.callback.__name__.replace("_", "-") for each in cli.app.registered_commands}


OURS = {name: service for name, service in SERVICES.items() if "build" in service}


@pytest.mark.parametrize("name", OURS)
def test_commands_are_those_of_this_program(name: str):
    """And each service is named for what it runs, so that logs say it."""
    program, command, *more = OURS[name]["command"]
    assert (program, more) == ("crosslift", [])
    assert command in commands()
    assert name.split("-")[0] == command
    test = OURS[name].get("healthcheck", {}).get("test", [])
    if test[1:2] == ["crosslift"]:
        assert test[2] in commands()


def test_scripts_of_services_are_shell(tmp_path: Path):
    scripts = [s["command"][-1] for s in SERVICES.values() if s.get("command", [""])[0] == "sh"]
    scripts += [s["healthcheck"]["test"][1] for s in SERVICES.values() if "CMD-SHELL" in str(s.get("healthcheck"))]
    assert len(scripts) == 3
    for script in scripts:
        subprocess.run(["sh", "-n"], input=with_defaults(script), text=True, check=True)


def test_the_health_of_web_is_asked_where_it_listens():
    web = with_defaults(SERVICES["web"])
    port = web["environment"]["CROSSLIFT_PORT"]
    assert f"http://127.0.0.1:{port}/healthz" in web["healthcheck"]["test"][-1]
    assert web["ports"] == [f"127.0.0.1:8321:{port}"]
    assert "127.0.0.1" in web["environment"]["CROSSLIFT_TRUSTED_HOSTS"].split(",")
    compile(web["healthcheck"]["test"][-1], "healthcheck", "exec")


def test_every_part_that_reads_an_artifact_has_the_same_ones():
    for name in ("web", "worker-cpu", "worker-gpu"):
        service = with_defaults(SERVICES[name])
        mounted = {v.split(":")[1] for v in service["volumes"]}
        assert service["environment"]["CROSSLIFT_ARTIFACTS"].removeprefix("file://") in mounted
        assert service["environment"]["CROSSLIFT_DATA_ROOT"] in mounted
        assert any(v.endswith("crosslift-artifacts:ro") for v in service["volumes"]) == (name == "web")


def test_a_gpu_worker_takes_every_gpu():
    """0: as many runs as there are GPUs, one on each."""
    gpu = with_defaults(SERVICES["worker-gpu"])
    assert gpu["environment"]["CROSSLIFT_WORKERS"] == "0"
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


# --- the images -------------------------------------------------------------------------------------------------------

STAGES = {part.split(" AS ")[1].split()[0]: part for part in DOCKERFILE.split("\nFROM ")[1:]}


def test_services_are_built_from_the_two_targets():
    assert {s["build"]["target"] for s in OURS.values()} == {"web", "worker"} == set(STAGES) - {"base"}
    for name, service in OURS.items():
        target = "worker" if name.startswith("worker") else "web"
        assert service["build"] == {"context": ".", "dockerfile": "backend/Dockerfile", "target": target}
        assert service["image"] == f"crosslift-{target}"


def test_what_images_copy_is_there_and_reaches_them():
    """``.dockerignore`` leaves everything out but what it names again."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {one for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) for one in line.split()}
    assert copied == kept
    assert all((ROOT / one).exists() for one in copied)


def test_what_images_install_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for stage in ("web", "worker"):
        (extras,) = re.findall(r'"\.\[([a-z0-9,]+)\]"', STAGES[stage])
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
        assert "s3" in extras.split(",")
        (command,) = re.findall(r'^CMD \["crosslift", "(\w+)"\]$', STAGES[stage], re.MULTILINE)
        assert command in commands()
    worker = [d for d in project["optional-dependencies"]["worker"] if d.startswith("torch==")]
    assert f'"{worker[0].split()[0]}"' in STAGES["worker"]  # the build that is chosen is the one that is asked for
    assert f"python:{project['requires-python'].removeprefix('>=')}-slim" in DOCKERFILE


def test_folders_that_are_mounted_belong_to_the_user():
    """A fresh volume takes over owner and mode of the folder that it covers."""
    made = re.search(r"install -d -o 10001 -g 10001 -m 0750 (.+)", DOCKERFILE)
    assert made
    mounted = {v.split(":")[1] for s in OURS.values() for v in with_defaults(s.get("volumes", []))}
    assert mounted == set(made[1].split())
    assert all(s["user"] == "10001:10001" for s in OURS.values())
