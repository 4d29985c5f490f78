"""``/metrics``: in the format that a Prometheus reads, true, and not for everybody."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from backend.api.app import create_app
from backend.api.exposition import Exposition, Histogram
from backend.errors import Unavailable
from backend.queue import Observed
from backend.store import runs, tables
from backend.store.columns import db_now
from backend.store.session import Store

V1 = "/api/v1"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>[^\n]*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')


def read(text: str) -> Samples:
    """A reader of the text format 0.0.4, written from its description, that refuses whatever is not in it."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    found: Samples = {}
    family, done = "", set()
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            _, what, name, rest = line.split(" ", 3)
            assert what in ("HELP", "TYPE")
            if name != family:
                assert name not in done, f"{name} stands in two places"
                done.add(name)
                family = name
            if what == "TYPE":
                assert name not in kinds and rest in ("counter", "gauge", "histogram")
                kinds[name] = rest
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        base = re.sub(r"_(bucket|sum|count)$", "", sample["name"]) if kinds[family] == "histogram" else sample["name"]
        assert base == family, line
        labels: dict[str, str] = {}
        rest = sample["labels"] or ""
        while rest:
            label = LABEL.match(rest)
            assert label and label["name"] not in labels, line
            labels[label["name"]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), label["value"])
            rest = rest[label.end() :]
        key = sample["name"], frozenset(labels.items())
        assert key not in found, line
        found[key] = float(sample["value"])
    for name, kind in kinds.items():
        if kind == "histogram":
            _check_histogram(name, found)
        if kind == "counter":
            assert name.endswith("_total")
            assert all(value >= 0 for (each, _), value in found.items() if each == name)
    return found


def _check_histogram(name: str, found: Samples) -> None:
    series: dict[frozenset[tuple[str, str]], list[tuple[float, float]]] = {}
    for (each, labels), value in found.items():
        if each == f"{name}_bucket":
            le = dict(labels)["le"]
            series.setdefault(labels - {("le", le)}, []).append((float(le), value))
    for labels, buckets in series.items():
        counts = [count for _, count in sorted(buckets)]
        assert counts == sorted(counts) and max(le for le, _ in buckets) == math.inf
        assert counts[-1] == found[f"{name}_count", labels]
        assert (f"{name}_sum", labels) in found


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture
def seen() -> list[Observed]:
    return [Observed({"cpu": 2, "cuda": 0}, {"cpu": 17, "cuda": 0})]


@pytest.fixture
def client(store: Store, seen: list[Observed]) -> Iterator[TestClient]:
    def observe() -> Observed:
        if not seen:
            raise Unavailable("Redis does not answer.")
        return seen[0]

    with TestClient(
        create_app(store, observe=observe), client=("127.0.0.1", 5), base_url="http://127.0.0.1:8321"
    ) as made:
        yield made


def scrape(client: TestClient, headers: Mapping[str, str] | None = None) -> Samples:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def test_work_as_the_store_counts_it(
    client: TestClient, store: Store, worker: Any, request_body: dict[str, Any]
) -> None:
    before = scrape(client)
    assert value(before, "crosslift_runs", device="cpu", state="done") == 0
    assert value(before, "crosslift_queue_oldest_seconds", device="cpu") == 0
    assert value(before, "crosslift_workers", device="cpu") == 0
    made = client.post(V1 + "/experiments", json={**request_body, "seeds": [0, 1, 2]}).json()
    worker.appears(slots=3)
    worker.finish(worker.claim())
    worker.fail(worker.claim())
    running = worker.claim()
    with store.write() as session:
        session.execute(update(tables.run).where(tables.run.c.state == "queued").values(queued_at=db_now(-90)))
    found = scrape(client)
    states = {
        dict(labels)["state"]: n
        for (name, labels), n in found.items()
        if name == "crosslift_runs" and ("device", "cpu") in labels
    }
    assert sum(states.values()) == made["runs"]
    assert states["done"] == states["failed"] == states["running"] == 1 and states["queued"] > 0
    assert 89 < value(found, "crosslift_queue_oldest_seconds", device="cpu") < 120
    assert value(found, "crosslift_workers", device="cpu") == 1
    assert value(found, "crosslift_worker_slots", device="cpu") == 3
    assert value(found, "crosslift_worker_slots_busy", device="cpu") == 1
    assert value(found, "crosslift_attempts_total", outcome="done") == 1
    assert value(found, "crosslift_attempts_total", outcome="open") == 1
    assert value(found, "crosslift_lease_expiries_total") == 0
    expire(store, running.run_id)
    with store.write() as session:
        assert runs.sweep(session, max_attempts=3).taken_back == [running.run_id]
        session.execute(update(tables.worker).values(seen_at=db_now(-61)))
    found = scrape(client)
    assert value(found, "crosslift_lease_expiries_total") == value(found, "crosslift_runs_taken_back_total") == 1
    assert value(found, "crosslift_workers", device="cpu") == 0
    assert value(found, "crosslift_workers_silent") == 1
    again = worker.claim()  # the last try that it gets
    expire(store, again.run_id)
    with store.write() as session:
        swept = runs.sweep(session, max_attempts=1)
    assert swept.failed == [again.run_id]
    found = scrape(client)
    assert value(found, "crosslift_lease_expiries_total") == 2
    assert value(found, "crosslift_runs_taken_back_total") == 1


def expire(store: Store, run: int) -> None:
    with store.write() as session:
        session.execute(update(tables.run).where(tables.run.c.id == run).values(lease_until=db_now(-1)))


def test_a_message_that_reads_like_an_expired_lease_is_none(
    client: TestClient, worker: Any, request_body: dict[str, Any]
) -> None:
    client.post(V1 + "/experiments", json={**request_body, "seeds": [0, 1]})
    worker.finish(worker.claim())
    worker.fail(worker.claim(), "a tale (last: no heartbeat from worker)")
    worker.fail(worker.claim(), "the process of this run died once (last: no)")
    assert value(scrape(client), "crosslift_lease_expiries_total") == 0


def test_requests_by_template_and_never_by_address(client: TestClient, request_body: dict[str, Any]) -> None:
    id = client.post(V1 + "/experiments", json=request_body).json()["id"]
    for path in (f"/experiments/{id}", "/experiments/999", "/nope", "/nope/2", "/tasks", "/tasks/none"):
        client.get(V1 + path)
    client.get(f"{V1}/experiments/{id}/export")
    client.request("BREW", V1 + "/tasks")
    client.get("/healthz")
    client.get("/healthz", headers={"Host": "evil.example"})
    found = scrape(client)

    def answered(method: str, route: str, status: int) -> float:
        return value(found, "crosslift_http_requests_total", method=method, route=route, status=str(status))

    assert answered("GET", "/api/v1/experiments/{experiment_id}", 200) == 1
    assert answered("GET", "/api/v1/experiments/{experiment_id}", 404) == 1
    assert answered("GET", "unmatched", 404) == 2
    assert answered("GET", "unmatched", 400) == 1  # the gate's own refusal
    assert answered("POST", "/api/v1/experiments", 201) == 1
    assert answered("GET", "/healthz", 200) == 1
    routes = {dict(labels)["route"] for (name, labels), _ in found.items() if name == "crosslift_http_requests_total"}
    assert not any(f"/{id}" in route or "999" in route or "nope" in route for route in routes)
    methods = {dict(labels)["method"] for (name, labels), _ in found.items() if name == "crosslift_http_requests_total"}
    assert "BREW" not in methods and "other" in methods
    assert (
        value(found, "crosslift_http_request_seconds_count", method="GET", route="/api/v1/experiments/{experiment_id}")
        == 2
    )
    assert value(found, "crosslift_http_request_seconds_sum", method="POST", route="/api/v1/experiments") > 0
    assert value(found, "crosslift_http_requests_open") == 1  # this one


def test_broker_disk_and_process(client: TestClient, seen: list[Observed]) -> None:
    found = scrape(client)
    assert value(found, "crosslift_broker_up") == value(found, "crosslift_database_up") == 1
    assert value(found, "crosslift_broker_messages", device="cpu") == 2
    assert value(found, "crosslift_rings_total", device="cpu") == 17
    assert (
        0 < value(found, "crosslift_disk_free_bytes", place="home") < value(found, "crosslift_disk_bytes", place="home")
    )
    assert value(found, "process_resident_memory_bytes") > 1e6
    seen.clear()
    found = scrape(client)
    assert value(found, "crosslift_broker_up") == 0
    assert not any(name == "crosslift_rings_total" for name, _ in found)


def test_a_database_that_is_away_is_a_number_too() -> None:
    store = Store("postgresql://nobody:hunter2@127.0.0.1:1/none")
    with TestClient(create_app(store), client=("::1", 5), base_url="http://[::1]:8321") as client:
        found = scrape(client)
    assert value(found, "crosslift_database_up") == 0
    assert not any(name.startswith("crosslift_runs") for name, _ in found)
    assert value(found, "process_open_fds") > 0


@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("127.0.0.1", "localhost:8321", {}, 200),
        ("::1", "[::1]:8321", {}, 200),
        ("192.0.2.7", "localhost:8321", {}, 403),
        ("testclient", "localhost", {}, 403),
        ("127.0.0.1", "lab.example", {}, 403),  # a proxy on this machine that keeps the name
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("127.0.0.1", "localhost", {"Forwarded": "for=192.0.2.7"}, 403),
        ("127.0.0.1", "localhost", {"Authorization": "Bearer guess"}, 200),
    ],
)
def test_without_a_token_it_is_for_this_machine(
    store: Store, peer: str, host: str, headers: dict[str, str], status: int
) -> None:
    app = create_app(store, trusted_hosts=["*"])
    with TestClient(app, client=(peer, 5), base_url=f"http://{host}") as client:
        answer = client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("crosslift_" in answer.text) == (status == 200)


def test_with_a_token_it_is_for_whoever_has_it(store: Store) -> None:
    app = create_app(store, metrics_token="right-token")
    for peer in ("127.0.0.1", "192.0.2.7"):
        with TestClient(app, client=(peer, 5), base_url="http://localhost") as client:
            for wrong in (
                {},
                {"Authorization": "Bearer wrong-token"},
                {"Authorization": "Basic right-token"},
                {"Authorization": "Bearer "},
            ):
                answer = client.get("/metrics", headers=wrong)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "right-token" not in answer.text
            scrape(client, {"Authorization": "Bearer right-token"})


def test_the_format_escapes_and_refuses() -> None:
    page = Exposition()
    page.family("x_total", "counter", "a\nb \\", [({"of": 'a"b\\c\nd\re'}, 1.5), ({"of": "é"}, math.inf)])
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.1, 0.05, 0.5, 7.0):
        histogram.add(seconds)
    page.family("y", "histogram", "seconds", [({"le2": "z"}, histogram)])
    found = read(page.text())
    assert value(found, "x_total", of='a"b\\c\nd\re') == 1.5
    assert value(found, "x_total", of="é") == math.inf
    assert [value(found, "y_bucket", le2="z", le=le) for le in ("0.1", "1", "+Inf")] == [2, 3, 4]
    assert value(found, "y_sum", le2="z") == pytest.approx(7.65)
    for name, kind in (("x_total", "counter"), ("z", "counter"), ("z_total", "gauge"), ("a b", "gauge")):
        with pytest.raises(ValueError):
            page.family(name, kind, "", [({}, 1)])  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        page.family("b", "gauge", "", [({"__x": ""}, 1)])
