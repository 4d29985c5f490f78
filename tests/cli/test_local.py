"""The pieces of an installation on one machine: guard, lock, Redis, ports, signals."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from backend.errors import Conflict
from backend.local import home, machine
from backend.local.interrupts import Interrupted, Interrupts

ROOT = Path(__file__).resolve().parents[2]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def start_guard() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "backend.local.guard"], stdin=subprocess.PIPE, cwd=ROOT)


def test_the_guard_stops_what_was_left_also_what_does_not_listen():
    """One part that stops when asked, one with a child of its own that ignores it: all are gone when the pipe ends."""
    polite = subprocess.Popen(["sleep", "60"], start_new_session=True)
    deaf = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DEAF!r}])"],
        start_new_session=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert deaf.stdout.readline() == b"deaf\n"
    [grandchild] = psutil.Process(deaf.pid).children()
    guard = start_guard()
    guard.stdin.write(f"+ {polite.pid} 5\n+ {deaf.pid} 1\n".encode())
    guard.stdin.close()
    assert guard.wait(6) == 0
    assert polite.wait(1) == -signal.SIGTERM
    deaf.wait(1)
    deaf.stdout.close()
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_the_guard_leaves_alone_what_ended_and_goes_when_told():
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as kept:
        guard = start_guard()
        guard.send_signal(signal.SIGTERM)  # a stray signal does not end it
        guard.stdin.write(f"+ {kept.pid} 1\n- {kept.pid}\n".encode())
        guard.stdin.close()
        guard.wait(5)
        assert kept.poll() is None

        guard = start_guard()
        guard.stdin.write(f"+ {kept.pid} 1\nbye\n".encode())
        guard.stdin.close()
        assert guard.wait(5) == 0
        assert kept.poll() is None
        kept.kill()


def test_the_lock_has_one_holder_and_outlives_nobody(tmp_path):
    home.prepare_home(tmp_path)
    said: list[str] = []
    with home.locked(tmp_path, said.append):
        assert home.running_pid(tmp_path) == os.getpid()
        with pytest.raises(Conflict, match=f"process {os.getpid()}"), home.locked(tmp_path, said.append):
            pass
    assert home.running_pid(tmp_path) is None
    with home.locked(tmp_path, said.append):  # free again
        pass
    assert said == []


def test_a_lock_left_by_a_dead_process_is_no_obstacle(tmp_path):
    """A number in the file means nothing: the kernel's lock does."""
    home.prepare_home(tmp_path)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    (tmp_path / "run" / "up.lock").write_text(f"{gone.pid}\n")
    said: list[str] = []
    with home.locked(tmp_path, said.append):
        pass
    assert said == [f"The installation before this one (process {gone.pid}) did not end cleanly"]


def test_a_home_without_rights_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Conflict, match="CROSSLIFT_HOME"):
        home.prepare_home(tmp_path / "file" / "below")


def program(path: Path, prints: str) -> str:
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return str(path)


def test_a_redis_on_the_path_is_preferred_unless_too_old(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    newer = program(tmp_path / "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    assert machine.redis_binary() == (newer, (7, 0, 15))
    program(tmp_path / "redis-server", "Redis server v=5.0.3 sha=00000000:0")
    found, version = machine.redis_binary()  # the wheel's
    assert found != newer
    assert version >= machine.OLDEST_REDIS


def test_without_a_redis_the_message_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    with pytest.raises(Conflict, match="CROSSLIFT_REDIS_URL"):
        machine.redis_binary()


def test_a_real_redis_answers_on_its_socket_alone_and_evicts_nothing(tmp_path):
    at = tmp_path / "run" / "redis.sock"
    machine.private_folder(at.parent)
    binary, _ = machine.redis_binary()
    with subprocess.Popen(machine.redis_command(binary, at), stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 10
            while not machine.redis_answers(at):
                assert time.monotonic() < end
                time.sleep(0.05)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(at))
                connection.sendall(b"CONFIG GET maxmemory-policy\r\nCONFIG GET save\r\n")
                time.sleep(0.2)
                answer = connection.recv(4096)
            assert b"noeviction" in answer
            listening = [
                c for c in psutil.Process(process.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN
            ]
            assert listening == []
        finally:
            process.terminate()
    assert not machine.redis_answers(at)


def test_the_folder_of_the_socket_is_closed_to_others(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    machine.private_folder(folder)
    assert folder.stat().st_mode & 0o077 == 0
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(Conflict, match="somebody else"):
        machine.private_folder(tmp_path / "link")


def test_ports(tmp_path):
    free = machine.usable_port("127.0.0.1", 0)
    assert machine.usable_port("127.0.0.1", free) == free
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free))
        taken.listen()
        with pytest.raises(Conflict, match=rf"Port {free} is taken by .* \(process {os.getpid()}\)"):
            machine.usable_port("127.0.0.1", free)
    with pytest.raises(Conflict, match="Cannot listen on 192.0.2.1"):
        machine.usable_port("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"), ("::1", "http://[::1]:1")],
)
def test_where_this_machine_reaches_itself(host, address):
    assert machine.reachable(host, 1) == address


def test_the_first_signal_asks_and_the_second_insists():
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        interrupts.check()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted):
            interrupts.check()
        assert not interrupts.insists
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.insists
    assert signal.getsignal(signal.SIGTERM) == before
