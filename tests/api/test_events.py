"""Streams, through a real server: what arrives while it happens, and what happens when a connection is gone."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from backend.api import events
from backend.domain.schemas import ExperimentView, RunView
from backend.store import runs
from backend.store.session import Store

V1 = "/api/v1"


@dataclass
class Message:
    event: str
    id: str | None
    data: Any


class Stream:
    """One connection, read as a browser would."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments: list[str] = []
        self.last_id: str | None = None
        self._messages = self._read()

    def _read(self) -> Iterator[Message]:
        fields: dict[str, str] = {}
        for line in self.response.iter_lines():
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
            elif "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                yield Message(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
                fields = {}
            else:
                fields = {}

    def next(self) -> Message:
        return next(self._messages)

    def until(self, event: str, wanted: Any = None) -> list[Message]:
        """Everything up to the first such event (whose data passes ``wanted``)."""
        found = []
        while True:
            found.append(self.next())
            if found[-1].event == event and (wanted is None or wanted(found[-1].data)):
                return found

    def rest(self) -> list[Message]:
        return list(self._messages)


@pytest.fixture
def server(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(events, "POLL_SECONDS", 0.05)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, ws="none")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not running.started:
                time.sleep(0.01)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}{V1}", timeout=30, trust_env=False) as client:
                yield client
        finally:
            running.should_exit = True
            thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def experiment(server: httpx.Client, request_body: dict[str, Any]) -> int:
    made: int = server.post("/experiments", json=request_body).json()["id"]
    return made


def wait_for(condition: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_an_experiment_from_submission_to_end(server: httpx.Client, experiment: int, worker: Any) -> None:
    with server.stream("GET", f"/experiments/{experiment}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        stream = Stream(response)
        first = stream.next()
        assert ExperimentView.model_validate(first.data).state == "waiting"
        claim = worker.claim()
        running = stream.until("run")
        assert RunView.model_validate(running[-1].data).state == "running"
        assert "experiment" in [m.event for m in running]
        worker.finish(claim)
        done = stream.until("run", lambda run: run["id"] == claim.run_id and run["state"] == "done")
        assert done[-1].data["cost"] is not None
        worker.finish_all()
        rest = stream.rest()  # the server closes the stream
    assert (rest[-1].event, rest[-1].data) == ("end", {"state": "done"})
    last = [m.data for m in rest if m.event == "experiment"][-1]
    assert (last["state"], last["progress"]) == ("done", 1.0)
    assert {m.data["id"] for m in [*done, *rest] if m.event == "run" and m.data["state"] == "done"} == {
        r["id"] for r in server.get(f"/experiments/{experiment}/runs").json()["items"]
    }


def test_a_connection_goes_on_where_it_broke(server: httpx.Client, experiment: int, worker: Any) -> None:
    address = f"/experiments/{experiment}/events"
    with server.stream("GET", address) as response:
        stream = Stream(response)
        stream.next()
        last = stream.last_id
    assert last is not None
    claim = worker.claim()  # happens while nobody listens
    worker.finish(claim)
    with server.stream("GET", address, headers={"Last-Event-ID": last}) as response:
        found = Stream(response).until("run", lambda run: run["id"] == claim.run_id)
    assert found[0].event == "experiment"
    assert found[-1].data["state"] == "done"


def test_nothing_is_sent_twice_when_nothing_changed(
    server: httpx.Client, experiment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from backend.api import watching

    monkeypatch.setattr(watching, "SPARE", timedelta(0))
    address = f"/experiments/{experiment}/events"
    with server.stream("GET", address) as response:
        stream = Stream(response)
        stream.next()
        last = stream.last_id
    assert last is not None
    with server.stream("GET", address, headers={"Last-Event-ID": last}) as response:
        stream = Stream(response)
        threading.Timer(0.5, lambda: server.post(f"/experiments/{experiment}:cancel")).start()
        assert stream.next().data["state"] == "cancelled"  # the first thing to be sent


@pytest.mark.parametrize(
    "id", ["", "nonsense", "0123456789abcdef.99999999999999999999", "0123456789abcdef.999999999999999999"]
)
def test_an_id_that_is_not_ours_is_no_error(server: httpx.Client, experiment: int, id: str) -> None:
    with server.stream("GET", f"/experiments/{experiment}/events", headers={"Last-Event-ID": id}) as response:
        assert response.status_code == 200
        assert Stream(response).next().event == "experiment"


def test_what_has_ended_ends_at_once_and_then_tells_the_browser_to_stop(server: httpx.Client, experiment: int) -> None:
    server.post(f"/experiments/{experiment}:cancel")
    address = f"/experiments/{experiment}/events"
    with server.stream("GET", address) as response:
        stream = Stream(response)
        assert [m.event for m in stream.rest()] == ["experiment", "end"]
    again = server.get(address, headers={"Last-Event-ID": stream.last_id or ""})
    assert (again.status_code, again.content) == (204, b"")


def test_a_run_with_its_log(server: httpx.Client, experiment: int, worker: Any, store: Store) -> None:
    claim = worker.claim()

    def log(*lines: str) -> None:
        with store.write() as session:
            runs.record(session, claim.run_id, claim.attempt, curves=[], logs=[("info", line) for line in lines])

    log("one", "two")
    address = f"/runs/{claim.run_id}/events"
    with server.stream("GET", address) as response:
        stream = Stream(response)
        found = stream.until("log", lambda line: line["message"] == "two")
        assert [m.event for m in found] == ["run", "log", "log"]
        assert [m.id is None for m in found] == [True, True, False]  # only the last of a batch can be gone on from
        last = stream.last_id
    log("three")
    with server.stream("GET", address, headers={"Last-Event-ID": last or ""}) as response:
        stream = Stream(response)
        assert stream.next().data["message"] == "three"
        worker.finish(claim)
        rest = stream.rest()
    assert [m.event for m in rest] == ["run", "end"]
    assert server.get(address, headers={"Last-Event-ID": stream.last_id or ""}).status_code == 204


def test_a_client_that_left_is_not_served_any_more(server: httpx.Client, app: FastAPI, experiment: int) -> None:
    streams = app.state.door.streams
    with server.stream("GET", f"/experiments/{experiment}/events") as response:
        Stream(response).next()
        assert streams.open == 1
    wait_for(lambda: streams.open == 0)


def test_too_many_streams(server: httpx.Client, app: FastAPI, experiment: int) -> None:
    app.state.door.streams.limit = 1
    with server.stream("GET", f"/experiments/{experiment}/events") as response:
        Stream(response).next()
        refused = server.get(f"/experiments/{experiment}/events")
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"]


def test_the_stream_lives_while_nothing_happens(
    server: httpx.Client, experiment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments keep proxies from closing it."""
    import fastapi.routing

    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.1)
    with server.stream("GET", f"/experiments/{experiment}/events") as response:
        stream = Stream(response)
        threading.Timer(0.6, lambda: server.post(f"/experiments/{experiment}:cancel")).start()
        stream.rest()
    assert len([c for c in stream.comments if c == "ping"]) >= 2


def test_a_database_that_goes_away_ends_the_stream_without_an_end(
    server: httpx.Client, experiment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks, so that the browser comes back; it must not be told that all is over."""
    from backend.api import watching
    from backend.errors import Unavailable

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("away")

    with server.stream("GET", f"/experiments/{experiment}/events") as response:
        stream = Stream(response)
        stream.next()
        monkeypatch.setattr(watching.experiments, "view", away)
        try:
            left = stream.rest()
        except httpx.RemoteProtocolError:
            left = []
    assert "end" not in [m.event for m in left]
