"""``crosslift up`` for real: it comes up, is the only one, puts right what died, and leaves nothing behind.

The tests of the first installation run in the order of the file; the last of them stops it.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys

import httpx
import psutil
import pytest

BAD = "name: bad\nmodels: [mini-3]\nrecipes: [mnli]\ntargets: [xnli]\nseeds: [-1]\n"
GOOD = "name: one cell\nmodels: [mini-2]\nrecipes: [mnli]\ntargets: [tatoeba]\n"


def parts(shell):
    return json.loads((shell.home / "run" / "up.json").read_text())["parts"]


def answers(address):
    try:
        return httpx.get(f"{address}/healthz", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_it_is_up(installed):
    assert answers(installed.address)
    assert set(parts(installed)) == {"redis", "web", "sweep", "worker"}
    assert stat.S_IMODE((installed.home / "run").stat().st_mode) == 0o700
    redis = psutil.Process(parts(installed)["redis"]["pid"])
    assert [c for c in redis.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []


def test_a_second_one_is_refused_and_says_where_the_first_is(installed):
    second = installed.run("up")
    assert second.code == 4
    assert installed.address in second.err
    assert f"process {installed.process.pid}" in second.err
    assert answers(installed.address)


@pytest.mark.parametrize(
    "command",
    [["status", "7"], ["logs", "7"], ["cancel", "7"], ["retry", "7"], ["export", "7"], ["move", "7", "first"]],
)
def test_what_is_not_there_is_code_3(installed, command):
    done = installed.run(*command)
    assert done.code == 3
    assert "7" in done.err


def test_a_refused_request_names_the_fields_and_is_code_4(installed):
    done = installed.run("submit", "-", stdin=BAD)
    assert done.code == 4
    assert "/seeds/0" in done.err
    assert installed.run("preview", "-", stdin=BAD.replace("-1", "1")).err.count("/models/0: unknown model") == 1


def test_preview_creates_nothing(installed):
    done = installed.run("preview", "-", "--json", stdin=GOOD)
    assert done.code == 0, done.err
    assert json.loads(done.out)["runs_to_do"] == json.loads(done.out)["runs"] > 0
    said, model = installed.run("preview", "-", stdin=GOOD).out, json.loads(done.out)["memory"][0]
    assert "to do" in said
    assert f"memory: {model['model']}" in said
    assert f"{model['whole_bytes'] / 1e9:.1f} GB at the peak for {model['run']}" in " ".join(said.split())
    assert json.loads(installed.run("status", "--json").out)["experiments"] == []


#: What takes longer to be loaded than a short answer may take altogether.
HEAVY = {
    "alembic", "celery", "dash", "dash_ag_grid", "dash_mantine_components", "fastapi", "matplotlib", "numpy", "pandas", "plotly",
    "pyarrow", "scipy", "sqlalchemy", "sqlmodel", "starlette", "statsmodels", "torch", "transformers", "uvicorn", "worker",
    "dashboard",
}  # fmt: skip
OWN_HEAVY = ("backend.api", "backend.domain.experiment", "backend.domain.mini", "backend.domain.tasks", "backend.store")


@pytest.mark.parametrize("command", [["--help"], ["status", "--help"], ["status"]])
def test_a_short_answer_loads_little(installed, command):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "backend.cli", *command],
        env={**os.environ, **installed.settings()}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "typer" in loaded and ("httpx" in loaded) is (command == ["status"])  # it is read as it is meant to be
    assert {name for name in loaded if name.partition(".")[0] in HEAVY or name.startswith(OWN_HEAVY)} == set()


def test_a_part_that_is_killed_comes_back(installed):
    old = parts(installed)["web"]["pid"]
    os.kill(old, signal.SIGKILL)
    installed.wait_for(lambda: parts(installed)["web"]["pid"] != old, 30, "web is started again")
    installed.wait_for(lambda: answers(installed.address), 120, "web answers again")


def test_a_second_installation_beside_it_in_the_background(installed, shell):
    started = shell.apart("up", "--detach")
    assert started.code == 0, started.err
    address = started.out.strip()
    assert address != installed.address
    assert answers(address)
    assert answers(installed.address)
    assert shell.apart("up", "--detach").code == 4
    assert shell.run("down").code == 0
    assert shell.strays() == []
    assert "Nothing runs" in shell.run("down").err
    assert answers(installed.address)


def test_a_worker_is_drained_and_taken_back(installed):
    (worker,) = json.loads(installed.run("drain", "--json").out)
    assert worker["drained_at"] is None
    assert "drained" in installed.run("drain", worker["name"][:12]).out
    assert json.loads(installed.run("drain", "--json").out)[0]["drained_at"] is not None
    assert "takes runs" in installed.run("drain", worker["name"], "--undo").out
    wrong = installed.run("drain", "nobody")
    assert (wrong.code, worker["name"] in wrong.err) == (2, True)
    wrong = installed.run("move", "1", "middle")
    assert (wrong.code, "first, last or a whole number" in wrong.err) == (2, True)


def test_submitting_reading_and_doctor(installed, tmp_path):
    """Submitting twice with one key makes one experiment, which is there in every form."""
    first = installed.run("submit", "-", "--key", "k", "--json", stdin=GOOD)
    assert first.code == 0, first.err
    made = json.loads(first.out)
    assert json.loads(installed.run("submit", "-", "--key", "k", "--json", stdin=GOOD).out)["id"] == made["id"]
    assert len(json.loads(installed.run("status", str(made["id"]), "--json").out)["runs"]) == made["runs"]
    assert "one cell" in installed.run("status").out
    assert "mini-2" in installed.run("status", str(made["id"])).out
    file = tmp_path / "scores.csv"
    assert installed.run("export", str(made["id"]), "-o", str(file)).code == 0
    assert "language" in file.read_text().splitlines()[0]
    assert installed.run("alive").code == 0
    checks = {c["name"]: c for c in json.loads(installed.run("doctor", "--json").out)["checks"]}
    assert checks["running"]["verdict"] == "ok"
    assert checks["database"]["detail"].endswith("schema current")


def test_ctrl_c_stops_everything_while_it_works(installed):
    """The experiment of the test before is being worked on, or about to be."""
    installed.process.send_signal(signal.SIGINT)
    assert installed.process.wait(90) == 0
    assert "web was killed by SIGKILL; starting it again (1 of 5)" in installed.process.stderr.read()
    assert installed.strays() == []
    assert not (installed.home / "run" / "up.json").exists()
    assert installed.run("status").code == 1


def test_nothing_survives_a_killed_up_and_the_next_one_starts(installed):
    process, address = installed.up()
    assert len(installed.strays()) >= 5
    process.kill()
    process.wait()
    installed.wait_for(lambda: installed.strays() == [], 8, "everything it started is gone")
    assert not answers(address)

    again, address = installed.up()
    assert answers(address)
    again.send_signal(signal.SIGTERM)
    assert again.wait(90) == 0
    assert "did not end cleanly" in again.stderr.read()
    assert installed.strays() == []


def test_a_taken_port_is_refused_and_named(shell):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        shell.environment["CROSSLIFT_PORT"] = str(port)
        done = shell.run("up")
    assert done.code == 4
    assert f"Port {port} is taken" in done.err
    assert f"process {os.getpid()}" in done.err  # who has it
    assert "CROSSLIFT_PORT=" in done.err
    assert shell.strays() == []


def test_a_home_that_cannot_be_used_is_refused(shell):
    shell.home.write_text("a file, not a folder")
    done = shell.run("up")
    assert done.code == 4
    assert str(shell.home) in done.err
    assert "CROSSLIFT_HOME" in done.err


def test_a_database_that_cannot_be_used_ends_it_with_the_reason(shell):
    """Nothing stays up, and the log's words are on the terminal."""
    shell.environment["CROSSLIFT_DATABASE_URL"] = "mysql://nobody@nowhere/none"
    done = shell.run("up")
    assert done.code == 1
    assert "mysql" in done.err
    assert shell.strays() == []
