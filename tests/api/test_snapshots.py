"""Sharing over HTTP: preview, link, list, revoke; what a link shows; and the token, which is in no log."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update

from backend.api import misses
from backend.api.access import ANYONE, rules
from backend.api.app import create_app
from backend.domain.run import canonical
from backend.domain.schemas import Shared, SnapshotMade, SnapshotPreview
from backend.errors import TooMany, Unavailable
from backend.logs import JsonLines, redacted
from backend.store import snapshots, tables
from backend.store.session import Store

V1 = "/api/v1"
BODY = {"view": "/explore?model=mini-2&target=xnli", "title": "What SQuAD is worth for XNLI"}


@pytest.fixture(autouse=True)
def results(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    """Three seeds of XNLI on mini-2 with a gain of five points."""
    client.post(V1 + "/experiments", json={**request_body, "name": "Ada's", "recipes": ["squad"], "seeds": [0, 1, 2]})
    worker.finish_all(lambda claim: 55.0 + (claim.spec.seed or 0) if "after squad" in claim.title else 50.0)


def share(client: TestClient, **changes: Any) -> SnapshotMade:
    response = client.post(V1 + "/snapshots", json={**BODY, **changes})
    assert response.status_code == 201, response.text
    return SnapshotMade.model_validate(response.json())


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.text


def test_the_preview_is_exactly_what_the_link_shows(client: TestClient, store: Store) -> None:
    preview = SnapshotPreview.model_validate(client.post(V1 + "/snapshots:preview", json=BODY).json())
    with store.read() as session:
        assert session.scalars(select(tables.snapshot_content.c.sha256)).all() == []
    made = share(client, note="with a note")
    response = client.get(f"{V1}/shared/{made.token}")
    shared = Shared.model_validate(response.json())
    assert shared.content == preview.content and shared.sha256 == preview.sha256 == made.snapshot.sha256
    assert (shared.title, shared.note, shared.expires_at) == (BODY["title"], "with a note", None)
    assert shared.frozen_at == made.snapshot.created_at
    whole = canonical(response.json()["content"]).encode()  # as anybody can check
    assert hashlib.sha256(whole).hexdigest() == shared.sha256 and len(whole) == preview.bytes
    assert shared.content.matrix is not None and shared.content.matrix.runs_pending == 0


def test_what_a_link_shows_is_the_same_bytes_whatever_becomes_of_the_runs(client: TestClient, store: Store) -> None:
    address = f"{V1}/shared/{share(client).token}"
    before = client.get(address).content
    live = client.get(V1 + "/gains").json()
    with store.write() as session:
        session.execute(update(tables.score).values(value=tables.score.c.value / 2))
    assert client.get(V1 + "/gains").json() != live
    assert client.get(address).content == before
    with store.write() as session:
        session.execute(text("PRAGMA defer_foreign_keys=ON"))
        for table in reversed(tables.metadata.sorted_tables):
            if not table.name.startswith("snapshot"):
                session.execute(delete(table))
    assert client.get(V1 + "/gains").status_code == 404
    assert client.get(address).content == before


def test_a_link_is_an_address_that_is_a_key(client: TestClient) -> None:
    for token in (share(client).token, "A" * 43):
        headers = client.get(f"{V1}/shared/{token}").headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex"
        assert headers["cache-control"] == "no-store"
    assert client.get(V1 + "/snapshots").headers["referrer-policy"] == "same-origin"


def test_unknown_expired_revoked_and_ill_formed_answer_alike(client: TestClient, store: Store) -> None:
    revoked, expired, kept = share(client), share(client, expires_days=1), share(client)
    assert client.get(f"{V1}/shared/{expired.token}").status_code == 200
    with store.write() as session:
        past = tables.snapshot.c.created_at
        session.execute(
            update(tables.snapshot).where(tables.snapshot.c.id == expired.snapshot.id).values(expires_at=past)
        )
    view = client.post(f"{V1}/snapshots/{revoked.snapshot.id}:revoke")
    assert view.status_code == 200 and view.json()["revoked_at"] is not None
    tokens = (revoked.token, expired.token, "A" * 43, "x", "%F0%9F%90%A2", "..%00", kept.token + "A", kept.token[:-1])
    answers = {problem(client.get(f"{V1}/shared/{token}")) for token in tokens}
    assert len(answers) == 1
    ((status, body),) = answers
    assert status == 404 and json.loads(body)["title"] == "Not found"
    assert client.get(f"{V1}/shared/{kept.token}").status_code == 200
    assert client.post(f"{V1}/snapshots/99:revoke").status_code == 404


def test_openings_are_counted_unless_it_is_a_peek(client: TestClient) -> None:
    made = share(client)
    for query in ("", "?peek=true", "", "?peek=true"):
        client.get(f"{V1}/shared/{made.token}{query}")
    (entry,) = client.get(V1 + "/snapshots").json()["items"]
    assert entry["opened"] == 2 and entry["last_opened_at"] is not None
    assert made.token not in json.dumps(entry)


def test_an_opening_that_cannot_be_counted_is_answered(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made = share(client)

    def busy(*_: object) -> None:
        raise Unavailable("The database is busy; try again.")

    monkeypatch.setattr(snapshots, "count_opening", busy)
    assert client.get(f"{V1}/shared/{made.token}").status_code == 200


def test_the_list_is_in_pages(client: TestClient) -> None:
    made = [share(client, title=f"link {i}").snapshot.id for i in range(3)]
    first = client.get(V1 + "/snapshots?limit=2")
    assert [e["id"] for e in first.json()["items"]] == made[:0:-1] and first.json()["total"] == 3
    address = first.headers["link"].partition(">")[0].removeprefix("<")
    assert [e["id"] for e in client.get(address).json()["items"]] == made[:1]


def test_anonymous_hides_names(client: TestClient) -> None:
    assert "Ada's" in client.get(f"{V1}/shared/{share(client).token}").text
    hidden = client.get(f"{V1}/shared/{share(client, anonymous=True).token}")
    assert "Ada's" not in hidden.text and '"w1"' not in hidden.text
    assert hidden.json()["content"]["experiments"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"view": "/queue"}, "/view"),
        ({"view": "/explore?model=gpt-9"}, "/view"),
        ({"view": "/explore?target=xquad&metric=accuracy"}, "/view"),
        ({"view": "/tradeoff?languages=family:Elvish"}, "/view"),
        ({"view": "/tradeoff?target=tatoeba"}, "/view"),
        ({"view": ""}, "/view"),
        ({"title": " "}, "/title"),
        ({"title": "two\nlines"}, "/title"),
        ({"title": "x" * 121}, "/title"),
        ({"note": "a\u0000b"}, "/note"),
        ({"expires_days": 0}, "/expires_days"),
        ({"expires_days": "7"}, "/expires_days"),
        ({"anonymous": "yes"}, "/anonymous"),
        ({"token": "mine"}, "/token"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_its_field(
    client: TestClient, changes: dict[str, Any], pointer: str
) -> None:
    for path in ("/snapshots", "/snapshots:preview"):
        response = client.post(V1 + path, json={**BODY, **changes})
        assert response.status_code == 422, response.text
        assert {e["pointer"] for e in response.json()["errors"]} == {pointer}
    assert client.get(V1 + "/snapshots").json()["total"] == 0


@pytest.mark.parametrize(
    ("public", "begins", "says"),
    [
        ("", "http://127.0.0.1:8321/s/", "this machine only"),
        ("http://localhost:8321", "http://localhost:8321/s/", "this machine only"),
        ("https://lab.example.org/", "https://lab.example.org/s/", "can reach lab.example.org"),
    ],
)
def test_the_link_says_whom_it_reaches(store: Store, public: str, begins: str, says: str) -> None:
    with TestClient(create_app(store, public_url=public)) as client:
        made = share(client)
        preview = client.post(V1 + "/snapshots:preview", json=BODY).json()
    assert made.url == begins + made.token
    assert says in made.reach and made.reach == preview["reach"]
    assert ("HTML file" in made.reach) == (says == "this machine only")


# --- no log holds a token ---------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that any part of the process logs, as the web process writes it."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    handler.setFormatter(JsonLines("web"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_log_holds_a_token(app: FastAPI, client: TestClient, logged: io.StringIO) -> None:
    made = share(client)
    token = made.token
    for path in (
        f"{V1}/shared/{token}",
        f"{V1}/shared/{token}/",
        f"{V1}/shared/{token}?peek=true",
        f"/s/{token}",
        f"http://testserver//s/{token}",
        f"/S/{token}/more",
    ):
        client.get(path)
    client.post(f"{V1}/shared/{token}")
    client.post(f"{V1}/snapshots/{made.snapshot.id}:revoke")
    client.get(f"{V1}/shared/{token}")

    @app.get("/s/{token}")
    def broken(token: str) -> None:
        raise RuntimeError(f"/s/{token} cannot be drawn")

    app.router.routes.insert(0, app.router.routes.pop())
    app.state.access.declare(*rules(ANYONE, "GET /s/{token}"))
    assert client.get(f"/s/{token}").status_code == 500
    written = logged.getvalue()
    assert f"GET {V1}/shared/[redacted] 200" in written and "GET /s/[redacted]" in written
    assert "/s/[redacted] cannot be drawn" in written  # a traceback
    assert [line for line in written.splitlines() if token[:20] in line] == []


def test_other_paths_are_logged_whole() -> None:
    for line in ("GET /api/v1/snapshots 200", "GET /shares 200", "/srv/s/x.py", "tests/shared/data"):
        assert redacted(line) == line
    token = "aB3_-" * 8 + "xyz"
    assert redacted(f'get "http://h/api/v1/shared/{token}?peek=true"') == (
        'get "http://h/api/v1/shared/[redacted]?peek=true"'
    )


def test_guessing_links_is_slowed_down_and_nobody_else_is_shut_out(app: FastAPI, client: TestClient) -> None:
    made = share(client)
    there, elsewhere = (TestClient(app, client=(address, 1)) for address in ("203.0.113.5", "203.0.113.6"))
    answers = [there.get(f"{V1}/shared/{'A' * 40}{i:03}").status_code for i in range(40)]
    assert answers == [404] * 30 + [429] * 10
    refused = there.get(f"{V1}/shared/{made.token}")
    assert refused.status_code == 429 and 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["referrer-policy"] == "no-referrer" and refused.headers["cache-control"] == "no-store"
    assert elsewhere.get(f"{V1}/shared/{made.token}").status_code == 200


def test_what_was_missed_is_forgotten_after_a_while_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(misses, "time", type("Clock", (), {"monotonic": staticmethod(lambda: clock[0])}))
    seen = misses.Misses(most=2, seconds=60)
    for _ in range(2):
        seen.check("a")
        seen.count("a")
    with pytest.raises(TooMany):
        seen.check("a")
    clock[0] += 61
    seen.check("a")
    for i in range(misses.ADDRESSES + 5):
        seen.count(str(i))
    assert len(seen._seen) == misses.ADDRESSES


def test_tokens_of_the_api_are_in_no_log() -> None:
    assert redacted("Bearer clt_" + "A" * 43 + " x") == "Bearer clt_[redacted] x"
