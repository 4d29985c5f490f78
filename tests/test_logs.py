"""Log lines: one JSON object each, about a request or a run, with nothing in them that is nobody's business."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend import logs, queue
from backend.api.access import ANYONE, rules
from backend.api.app import create_app
from backend.settings import Settings
from backend.store.session import Store

ROOT = Path(__file__).resolve().parents[1]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Everything that this process logs from now on, as one of its parts would write it."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level, hidden = logging.StreamHandler(text), root.level, list(logs._hidden)
    handler.setFormatter(logs.JsonLines("web"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [
        line for line in map(json.loads, text.getvalue().splitlines()) if not line["logger"].startswith("httpx")
    ]
    root.removeHandler(handler)
    root.setLevel(level)
    logs._hidden[:] = hidden


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    """An application that says things while it answers: in a route's thread, in the loop, and in a thread of the queue's."""
    store = Store(f"sqlite:///{tmp_path / 'x.db'}")
    made = create_app(store)
    said = logging.getLogger("somebody.else")

    @made.get("/in-a-thread")
    def in_a_thread() -> None:
        said.warning("from a thread of the pool")
        queue._within_budget(lambda _: said.warning("from a thread of the queue"), "test")

    @made.get("/in-the-loop")
    async def in_the_loop() -> None:
        said.warning("from the loop")

    @made.get("/broken")
    def broken() -> None:
        raise RuntimeError("connecting to postgresql://lab:hunter2-pw@db/x failed, password=hunter2-pw")

    @made.get("/page")
    async def page() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://testserver") as http:
            return (await http.get("/in-the-loop")).status_code

    made.state.access.declare(
        *rules(ANYONE, *(f"GET /{name}" for name in ("in-a-thread", "in-the-loop", "broken", "page")))
    )
    made.router.routes[:] = made.router.routes[-4:] + made.router.routes[:-4]  # ahead of what answers everything
    yield made
    store.dispose()


def test_every_line_of_a_request_has_its_id_and_no_other_has(app: FastAPI, lines: Lines) -> None:
    with TestClient(app) as client:
        for path in ("/in-a-thread", "/in-the-loop"):
            answer = client.get(path, headers={"X-Request-ID": f"id-of{path.replace('/', '-')}"})
            assert answer.headers["x-request-id"] == f"id-of{path.replace('/', '-')}"
        made = client.get("/in-the-loop").headers["x-request-id"]
    logging.getLogger("somebody.else").warning("after it")
    of_thread = [line for line in lines() if line.get("request_id") == "id-of-in-a-thread"]
    assert [line["message"] for line in of_thread] == [
        "from a thread of the pool", "from a thread of the queue", "GET /in-a-thread 200",
    ]  # fmt: skip
    of_loop = [line["message"] for line in lines() if line.get("request_id") == "id-of-in-the-loop"]
    assert of_loop == ["from the loop", "GET /in-the-loop 200"]
    assert [line["message"] for line in lines() if line.get("request_id") == made] == of_loop
    assert "request_id" not in lines()[-1]


def test_what_a_page_reads_of_the_api_has_the_id_of_the_page(app: FastAPI, lines: Lines) -> None:
    with TestClient(app) as client:
        id = client.get("/page").headers["x-request-id"]
    of_page = [line["message"] for line in lines() if line.get("request_id") == id]
    assert of_page == ["from the loop", "GET /in-the-loop 200", "GET /page 200"]


def test_two_requests_at_once_are_told_apart(app: FastAPI, lines: Lines) -> None:
    with TestClient(app) as client:
        threads = [
            threading.Thread(target=client.get, args=("/in-a-thread",), kwargs={"headers": {"X-Request-ID": f"n{n}"}})
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for n in range(8):
        assert len([line for line in lines() if line.get("request_id") == f"n{n}"]) == 3


def test_no_secret_is_in_a_line(app: FastAPI, lines: Lines) -> None:
    logs.hide("p@ss/word-of-the-broker")
    log = logging.getLogger("somebody.else")
    log.warning("redis://:p%%40ss%%2Fword-of-the-broker@broker/0 or p@ss/word-of-the-broker")
    log.warning("redis://:another-one@broker/0 and postgresql://lab:third-one@db/x")
    log.warning("Authorization: Bearer abcdef0123456789 and {'password': 'fourth one'} and GET /x?token=fifth-one&y=1")
    log.warning("nested", extra={"fields": {"rung": {"url": ["redis://u:sixth-one@h"]}, "at": "forged", "n": 3}})
    with TestClient(app) as client:
        assert client.get("/broken", headers={"Cookie": "session=seventh-one"}).status_code == 500
    written = json.dumps(lines())
    for secret in (
        "p@ss",
        "p%40ss",
        "another-one",
        "third-one",
        "abcdef0123",
        "fourth",
        "fifth-one",
        "sixth-one",
        "seventh-one",
        "hunter2",
    ):
        assert secret not in written, secret
    assert "postgresql://lab:[redacted]@db/x failed" in written  # in a traceback
    nested = next(line for line in lines() if line["message"] == "nested")
    assert nested["n"] == 3 and nested["at"] != "forged"


def test_what_is_no_secret_is_left_alone() -> None:
    for line in (
        "GET /api/v1/tasks 200", "3 tokens: 1, 2, 3", "unk_token=<unk>", "https://lab.example/a:b@c", "password needed",
        "sqlite:///srv/x.db", "12:30:00",
    ):  # fmt: skip
        assert logs.redacted(line) == line


def test_no_text_can_forge_a_line_or_fill_the_disk(lines: Lines) -> None:
    log = logging.getLogger("somebody.else")
    bad = 'a\n{"level": "error"}\r\x1b[2J\u202e\u2028 "'
    log.warning("%s", bad, extra={"fields": {"name": bad}})
    log.warning("long %s", "x" * 100_000)
    first, second = lines()
    assert first["message"] == bad and first["name"] == bad
    assert len(second["message"]) < 10_000 and "more characters" in second["message"]


def test_a_line_is_ascii_and_one(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb\x1b[2J\u202e\u2028\udc80", None, None)
    line = logs.JsonLines("web").format(record)
    assert line.isascii() and line.isprintable() and "\n" not in line


def test_what_nobody_caught_is_a_line_too() -> None:
    program = (
        "import threading; from backend import logs; logs.set_up('sweep'); logs.hide('the-secret')\n"
        "def fall(): raise RuntimeError('in a thread, the-secret')\n"
        "t = threading.Thread(target=fall, name='t1'); t.start(); t.join()\n"
        "raise RuntimeError('at the end')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    thread, end = (json.loads(line) for line in done.stderr.splitlines())
    assert (thread["part"], thread["level"], "in a thread, [redacted]" in thread["traceback"]) == (
        "sweep",
        "critical",
        True,
    )
    assert thread["message"] == "thread t1 ends: nobody caught this"
    assert "at the end" in end["traceback"]


def test_the_passwords_of_the_settings_are_known() -> None:
    chosen = Settings(
        database_url="postgresql://lab:a%40b-c@db/x?sslpassword=key-pw", redis_url="rediss://:broker-pw@h:1/0",
        artifacts="sftp://me:artifact-pw@h/x",
    )  # fmt: skip
    assert chosen.passwords == ["a@b-c", "key-pw", "broker-pw", "artifact-pw"]
    assert Settings().passwords == []
