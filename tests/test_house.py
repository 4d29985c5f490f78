"""What surrounds the code: README, Makefile, CI, compose, images, licence."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.domain.run import DeviceClass
from backend.settings import SECRETS, Settings
from worker.app import OVERTIME_SECONDS

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, s in SERVICES.items() if "build" in s]


def tracked() -> list[Path]:
    """Files of the repository; all but what is ignored where this is no clone."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


# --- README, licence, Makefile --------------------------------------------------------------------------------


def test_generated_tables_of_the_readmes_are_current():
    done = subprocess.run([sys.executable, ROOT / ".ci" / "readme", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_check_of_the_readme_can_fail(tmp_path: Path):
    """A row taken out of the table is noticed."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "tests").mkdir()
    for needed in (".ci/readme", ".ci/faults", "tests/faults.yaml"):
        (tmp_path / needed).write_bytes((ROOT / needed).read_bytes())
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "README.md").write_bytes((ROOT / "backend" / "README.md").read_bytes())
    text = (ROOT / "README.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| `mnli` |"))
    (tmp_path / "README.md").write_text(text.replace(row + "\n", ""))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, tmp_path / ".ci" / "readme"]
    assert subprocess.run([*command, "--check"], env=environment, capture_output=True).returncode == 1
    subprocess.run(command, env=environment, check=True)
    assert (tmp_path / "README.md").read_text() == text


def test_the_licence_is_apache_2_verbatim():
    text = (ROOT / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_make_lists_its_targets():
    """Every target that is a command says what it does."""
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in (
        "demo",
        "up",
        "study",
        "test",
        "test-full",
        "lint",
        "bench",
        "storm",
        "load",
        "faults",
        "guards",
        "down",
        "clean",
    ):
        assert re.search(rf"^  make {target} +\S", shown, re.MULTILINE)


def test_make_refuses_an_old_python(tmp_path: Path):
    """With a clear message, and before anything is made."""
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", f"PYTHON={old}", f"VENV={tmp_path}/venv", "install"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "needs Python 3.11 or later" in done.stderr
    assert "3.9.2" in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("name", ["run", "browser", "secrets", "readme", "load", "faults", "guards"])
def test_scripts_can_be_run(name: str):
    assert os.access(ROOT / ".ci" / name, os.X_OK)


def test_ci_requires_what_others_may_skip():
    text = (ROOT / ".ci" / "run").read_text()
    for variable in ("CROSSLIFT_REQUIRE_TEST_DATA=1", "CROSSLIFT_REQUIRE_BROWSER=1", "make test"):
        assert variable in text


def test_nothing_here_belongs_to_one_machine():
    """No home folders, no addresses of package registries."""
    pattern = re.compile(rb"/(?:home|Users)/[a-z]|/root/|pypi\.org|files\.pythonhosted|download\.pytorch")
    own = Path(__file__)
    found = [p for p in tracked() if p != own and pattern.search(p.read_bytes())]
    assert found == []


@pytest.mark.slow
def test_the_wheel_holds_the_packages_and_nothing_else(tmp_path: Path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT]
    subprocess.run(command, check=True)
    [wheel] = tmp_path.glob("crosslift-*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"backend", "dashboard", "worker", "migrations"}


# --- compose and images --------------------------------------------------------------------------------------------


def test_compose_has_the_services_of_an_installation():
    assert set(SERVICES) == {"db", "broker", "migrate", "web", "sweep", "worker-cpu", "worker-gpu"}


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_closed(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["pids_limit"] > 0
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert not service.get("privileged")


@pytest.mark.parametrize("name", SERVICES)
def test_only_the_web_process_has_a_port_and_on_loopback(name: str):
    ports = SERVICES[name].get("ports", [])
    if name == "web":
        assert [p.startswith("127.0.0.1:") for p in ports] == [True]
    else:
        assert ports == []
        assert "network_mode" not in SERVICES[name]


def test_database_and_broker_are_on_the_inner_network_alone():
    assert COMPOSE["networks"]["backplane"]["internal"] is True
    for name in ("db", "broker"):
        assert SERVICES[name]["networks"] == ["backplane"]


def test_secrets_are_files_and_no_password_stands_here():
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"://[^\s:]+:[^\s@$]+@", text)
    assert all(str(secret["file"]).startswith(".secrets/") for secret in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL", variable):
                assert variable.endswith("_FILE")
                assert str(value).startswith("/run/secrets/")
                assert str(value).removeprefix("/run/secrets/") in service["secrets"]


def test_compose_sets_only_settings_that_exist():
    known = {f"CROSSLIFT_{name.upper()}" for name in Settings.model_fields}
    known |= {f"CROSSLIFT_{name.upper()}_FILE" for name in SECRETS}
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known


def test_everybody_waits_for_the_schema():
    for name in OURS:
        if name != "migrate":
            assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"


def test_a_stopped_worker_has_time_to_save():
    """More than the grace that a run is given, or the container would be killed before its run is."""
    for name in ("worker-cpu", "worker-gpu"):
        grace = re.fullmatch(
            r"\$\{CROSSLIFT_GRACE_SECONDS:-(\d+)\}", SERVICES[name]["environment"]["CROSSLIFT_GRACE_SECONDS"]
        )
        assert grace
        stop = re.fullmatch(r"\$\{CROSSLIFT_STOP_GRACE:-(\d+)s\}", SERVICES[name]["stop_grace_period"])
        assert stop
        assert int(stop[1]) > int(grace[1]) + OVERTIME_SECONDS


def test_every_queue_has_a_worker():
    devices = [SERVICES[n]["environment"]["CROSSLIFT_DEVICE"] for n in SERVICES if n.startswith("worker")]
    assert sorted(devices) == sorted(d.value for d in DeviceClass)


def test_redis_keeps_messages_and_evicts_nothing():
    command = "\n".join(SERVICES["broker"]["command"])
    assert "appendonly yes" in command
    assert "maxmemory-policy noeviction" in command
    assert "--requirepass" not in command  # it would stand in the process list
    assert "user default off" in command
    assert re.search(r"^user crosslift on >\S.* ~crosslift:\* .*-@dangerous -@scripting ", command, re.MULTILINE)


def test_services_that_can_be_asked_are_watched():
    """Migrate ends by itself; a sweep has nothing that answers."""
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"migrate", "sweep"}


def test_images_run_as_a_user_and_the_web_image_has_no_torch():
    text = (ROOT / "backend" / "Dockerfile").read_text()
    stages = {part.split(" AS ")[1].split()[0]: part for part in text.split("\nFROM ")[1:]}
    assert set(stages) == {"base", "web", "worker"}
    for name in ("web", "worker"):
        assert "USER 10001" in stages[name]
    assert "torch" not in stages["web"]
    assert "[worker]" not in stages["web"]


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path):
    folder = tmp_path / "secrets"
    script = ROOT / ".ci" / "secrets"
    subprocess.run([script, folder], check=True, capture_output=True)
    first = {p.name: p.read_text() for p in folder.iterdir()}
    assert set(first) == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o077 == 0
    assert len(set(first["db_password"])) > 8
    assert len(first["db_password"]) == 64
    assert first["db_password"] in first["database_url"]
    assert first["redis_url"].startswith(f"redis://crosslift:{first['broker_password']}@broker:")
    subprocess.run([script, folder], check=True, capture_output=True)
    assert {p.name: p.read_text() for p in folder.iterdir()} == first


def test_settings_read_secrets_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The variable itself wins; a file that cannot be read is an error that names the variable."""
    file = tmp_path / "database_url"
    file.write_text("postgresql://crosslift:geheim@db/crosslift\n")
    monkeypatch.setenv("CROSSLIFT_DATABASE_URL_FILE", str(file))
    found = Settings()
    assert found.database == "postgresql://crosslift:geheim@db/crosslift"
    assert "geheim" not in repr(found)
    monkeypatch.setenv("CROSSLIFT_DATABASE_URL", "sqlite:///other.db")
    assert Settings().database == "sqlite:///other.db"
    monkeypatch.setenv("CROSSLIFT_DATABASE_URL", "")
    file.unlink()
    with pytest.raises(ValueError, match="CROSSLIFT_DATABASE_URL_FILE"):
        Settings()
