"""One shape for everything that goes wrong, and nothing of what was sent in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from starlette.websockets import WebSocket, WebSocketDisconnect

from backend.api import experiments as routes
from backend.api.access import Rule
from backend.api.app import create_app
from backend.domain.account import Role
from backend.store.session import Store

V1 = "/api/v1"
REQUEST: dict[str, Any] = {
    "name": "x", "source": "mini", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"], "seeds": [0],
}  # fmt: skip


def problem(response: Any, status: int) -> dict[str, Any]:
    """The body, after checking that it has the one shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) <= {"type", "title", "status", "detail", "instance", "errors"}
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    for error in body.get("errors", []):
        assert set(error) == {"pointer", "message"}
        assert error["message"]
    assert len(body.get("errors", [])) <= 20
    return body


def post(client: TestClient, raw: bytes | str, path: str = "/experiments:preview", **headers: str) -> Any:
    content = raw if isinstance(raw, bytes) else raw.encode()
    return client.post(V1 + path, content=content, headers={"Content-Type": "application/json", **headers})


def with_field(field: str, text: str) -> str:
    """A valid body with one field given as raw JSON text."""
    body = {**REQUEST}
    body.pop(field, None)
    return json.dumps(body)[:-1] + f', "{field}": {text}}}'


# --- what a schema or the catalogue refuses -----------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown model", {"models": ["mini-3"]}, "/models/0", "unknown model"),
    ("unknown target", {"targets": ["xnl"]}, "/targets/0", "did you mean xnli"),
    ("intermediate task as target", {"targets": ["mnli"]}, "/targets/0", "unknown target task"),
    ("unknown intermediate task", {"recipes": ["mnlu"]}, "/recipes/0", "did you mean mnli"),
    ("unknown language", {"languages": ["en", "xx"]}, "/languages/1", "unknown language"),
    ("language of no target", {"languages": ["fi"], "targets": ["xnli"]}, "/languages", "none of these languages"),
    ("negative seed", {"seeds": [0, -1]}, "/seeds/1", "greater than or equal to 0"),
    ("seed of 40 bits", {"seeds": [2**40]}, "/seeds/0", "less than or equal to"),
    ("fractional seed", {"seeds": [0.5]}, "/seeds/0", "integer"),
    ("seed twice", {"seeds": [1, 1]}, "/seeds/1", "named twice"),
    ("model twice", {"models": ["mini-2", "mini-2"]}, "/models/1", "named twice"),
    ("recipe twice", {"recipes": ["mnli", "mnli"]}, "/recipes/1", "named twice"),
    ("no model", {"models": []}, "/models", "at least 1 entry"),
    ("empty name", {"name": " "}, "/name", "empty"),
    ("NUL in the name", {"name": "a\0b"}, "/name", "control characters"),
    ("long name", {"name": "x" * 121}, "/name", "at most 120"),
    ("unknown field", {"seed": 1}, "/seed", "accepted here are name, source"),
    ("unknown field below", {"finetuning": {"lr": 1}}, "/finetuning/lr", "accepted here are learning_rate"),
    ("unknown source", {"source": "web"}, "/source", "'hub', 'files' or 'mini'"),
    ("model of another source", {"models": ["xlmr-base"]}, "/models/0", "does not go with source mini"),
    ("learning rate of 2", {"finetuning": {"learning_rate": 2}}, "/finetuning/learning_rate", "less than or equal to 1"),
    ("bf16 on a CPU", {"precision": "bf16"}, "/precision", "fp32"),
    ("priority of 11", {"priority": 11}, "/priority", "less than or equal to 10"),
    ("recipe that repeats", {"recipes": ["mnli+mnli"]}, "/recipes/0", "named twice"),
    ("recipe object", {"recipes": [{"kind": "mixed", "tasks": ["mnli"]}]}, "/recipes/0", "takes 2 to 20 tasks"),
    ("a list", {"finetuning": [1]}, "/finetuning", "JSON object is required"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "pointer", "says"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
@pytest.mark.parametrize("path", ["/experiments", "/experiments:preview"])
def test_bad_fields_are_named(idle: TestClient, path: str, change: dict[str, Any], pointer: str, says: str) -> None:
    body = problem(idle.post(V1 + path, json={**REQUEST, **change}), 422)
    at = {e["pointer"]: e["message"] for e in body["errors"]}
    found = next((p for p in at if p == pointer or p.startswith(pointer + "/")), None)
    assert found is not None, at
    assert says in at[found]
    assert idle.get(V1 + "/experiments").json()["total"] == 0


@pytest.mark.parametrize(
    "change",
    [{"recipes": ["zzz+zzz"]}, {"name": "zzz\0"}, {"source": "zzz"}, {"seeds": ["zzz"]}, {"models": "zzz"}, {"zzz": 1},
     {"recipes": [{"kind": "zzz"}]}, {"recipes": [["zzz"]]}, {"finetuning": {"steps": "zzz"}}],
)  # fmt: skip
def test_what_a_schema_refuses_is_not_sent_back(idle: TestClient, change: dict[str, Any]) -> None:
    response = idle.post(V1 + "/experiments", json={**REQUEST, **change})
    body = problem(response, 422)
    assert not any("zzz" in e["message"] for e in body["errors"])


def test_a_missing_field(idle: TestClient) -> None:
    body = problem(post(idle, "{}"), 422)
    assert {"pointer": "/models", "message": "this field is required"} in body["errors"]


def test_ten_thousand_cells(idle: TestClient) -> None:
    change = {"models": ["mini-2", "mini-4", "mini-1"], "seeds": list(range(100)),
              "targets": ["xnli", "xquad", "tatoeba", "udpos"], "recipes": ["mnli", "squad", "hellaswag", "mnli+squad", "control:mnli",
              "control-mlm:mnli", "mnli+hellaswag", "squad+hellaswag", "none"]}  # fmt: skip
    body = problem(idle.post(V1 + "/experiments", json={**REQUEST, **change}), 422)
    assert [e["pointer"] for e in body["errors"]] == ["/seeds"]
    assert "10,800 cells; at most 2,000" in body["errors"][0]["message"]


def test_at_most_twenty_errors_are_listed(idle: TestClient) -> None:
    body = problem(idle.post(V1 + "/experiments", json={**REQUEST, "seeds": [-1] * 100}), 422)
    assert len(body["errors"]) == 20
    assert "first 20 of 100" in body["detail"]


# --- what is no JSON, or not only JSON ------------------------------------------------------------------------

BODIES: list[tuple[str, str | bytes, int, str | None]] = [
    ("NaN", with_field("finetuning", '{"learning_rate": NaN}'), 422, "/finetuning/learning_rate"),
    ("Infinity", with_field("finetuning", '{"learning_rate": -Infinity}'), 422, "/finetuning/learning_rate"),
    ("1e999", with_field("finetuning", '{"weight_decay": 1e999}'), 422, "/finetuning/weight_decay"),
    ("5000 digits", with_field("seeds", "[" + "9" * 5000 + "]"), 422, "/seeds/0"),
    ("5000 digits of a fraction", with_field("seeds", "[0." + "1" * 5000 + "]"), 422, "/seeds/0"),
    ("lone surrogate", with_field("name", '"\\ud800"'), 422, "/name"),
    ("lone surrogate as a key", with_field("\\udc00", "1"), 422, "/\\udc00"),
    ("NUL", with_field("name", '"\\u0000"'), 422, "/name"),
    ("a key twice", with_field("name", '"a", "name": "b"'), 422, "/name"),
    ("a key twice below", with_field("finetuning", '{"steps": 1, "steps": 2}'), 422, "/finetuning/steps"),
    ("20,000 levels", with_field("name", "[" * 20_000 + "]" * 20_000), 400, None),
    ("20,000 levels, open", "[" * 20_000, 400, None),
    ("100 levels", with_field("name", '{"a":' * 100 + "1" + "}" * 100), 400, None),
    ("half a document", '{"name": "x"', 400, None),
    ("trailing garbage", json.dumps(REQUEST) + "}", 400, None),
    ("two documents", json.dumps(REQUEST) * 2, 400, None),
    ("not UTF-8", b'{"name": "\xff"}', 400, None),
    ("UTF-16", json.dumps(REQUEST).encode("utf-16"), 400, None),
    ("nothing", b"", 422, ""),
    ("white space", b"   ", 400, None),
    ("a list", "[]", 422, ""),
    ("a string", '"x"', 422, ""),
    ("null", "null", 422, ""),
    ("a long key", with_field("k" * 5000, "1"), 422, None),
    ("ten megabytes", with_field("name", '"' + "x" * 10_000_000 + '"'), 413, None),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "status", "pointer"), [b[1:] for b in BODIES], ids=[b[0] for b in BODIES])
def test_bad_bodies(idle: TestClient, raw: str | bytes, status: int, pointer: str | None) -> None:
    response = post(idle, raw)
    body = problem(response, status)
    assert len(response.content) <= 2048
    assert not any(
        run in response.text
        for run in ("xxxxx", "99999", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")
    )
    if pointer is not None:
        assert pointer in [e["pointer"] for e in body["errors"]]


def test_a_body_that_does_not_announce_its_length(idle: TestClient) -> None:
    sent = 0

    def chunks() -> Any:
        nonlocal sent
        for _ in range(200):
            sent += 1 << 16
            yield b"[" * (1 << 16)

    problem(idle.post(V1 + "/experiments", content=chunks(), headers={"Content-Type": "application/json"}), 413)


def test_a_length_that_is_a_lie_does_not_matter(idle: TestClient) -> None:
    problem(idle.get(V1 + "/tasks", headers={"Content-Length": "9" * 30}), 413)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "nonsense"]
)
def test_other_content_types(idle: TestClient, kind: str) -> None:
    response = idle.post(V1 + "/experiments", content=json.dumps(REQUEST), headers={"Content-Type": kind})
    assert "application/json" in problem(response, 415)["detail"]


def test_json_with_a_charset_or_a_suffix_is_json(idle: TestClient) -> None:
    for kind in ("application/json; charset=utf-8", "application/vnd.x+json"):
        response = idle.post(V1 + "/experiments:preview", content=json.dumps(REQUEST), headers={"Content-Type": kind})
        assert response.status_code == 200, response.text


# --- addresses, methods, parameters -------------------------------------------------------------------------------

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/nope", "/api/v2/tasks", "/api/v1/tasks/xnli/x", "/api/v1/tasks/"]
)
def test_unknown_addresses_under_api(idle: TestClient, method: str, path: str) -> None:
    problem(idle.request(method, path), 404)


def test_head_of_an_unknown_address(idle: TestClient) -> None:
    response = idle.head("/api/v1/nope")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


def test_unknown_addresses_elsewhere(idle: TestClient) -> None:
    problem(idle.get("/nope"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/tasks", "GET"),
        ("DELETE", "/experiments", "GET, POST"),
        ("GET", "/experiments:preview", "POST"),
        ("PUT", "/experiments/1", "GET"),
        ("GET", "/runs/1:cancel", "POST"),
    ],
)
def test_other_methods(idle: TestClient, method: str, path: str, allow: str) -> None:
    response = idle.request(method, V1 + path)
    if (method, path) == ("GET", "/runs/1:cancel"):  # reads as a run whose id is no number
        problem(response, 422)
        return
    problem(response, 405)
    assert response.headers["allow"] == allow


def test_head_of_the_front_page(idle: TestClient) -> None:
    assert idle.head("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/experiments/7", "/experiments/7/runs", "/experiments/7/events", "/experiments/7/export", "/runs/7", "/runs/7/detail",
     "/runs/7/curves", "/runs/7/scores", "/runs/7/logs", "/runs/7/events", "/tasks/nope", "/models/nope", "/languages/xx"],
)  # fmt: skip
def test_what_is_not_there(idle: TestClient, path: str) -> None:
    problem(idle.get(V1 + path), 404)


@pytest.mark.parametrize("path", ["/experiments/7:cancel", "/experiments/7:retry", "/runs/7:cancel", "/runs/7:retry"])
def test_acting_on_what_is_not_there(idle: TestClient, path: str) -> None:
    problem(idle.post(V1 + path), 404)


@pytest.mark.parametrize("id", ["0", "-1", "abc", "1.5", str(2**63), "9" * 5000, "%00", "%ED%A0%80", "１"])
@pytest.mark.parametrize("path", ["/experiments/{}", "/runs/{}", "/runs/{}/logs", "/experiments/{}/events"])
def test_ids_that_are_none(idle: TestClient, path: str, id: str) -> None:
    response = idle.get(V1 + path.format(id))
    assert response.status_code in (404, 422)
    body = problem(response, response.status_code)
    if response.status_code == 422:
        assert body["errors"][0]["pointer"].startswith("path/")


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/experiments?limit=0", "query/limit"),
        ("/experiments?limit=201", "query/limit"),
        ("/experiments?cursor=AAAA", "query/cursor"),
        ("/experiments?cursor=%00", "query/cursor"),
        ("/experiments?state=finished", "query/state"),
        ("/runs?state=finished", "query/state"),
        ("/runs?kind=train", "query/kind"),
        ("/runs?target=a%00b", "query/target"),
        ("/runs?experiment=99999999999999999999", "query/experiment"),
        ("/runs/1/logs?after=-1", "query/after"),
        ("/gains?model=nope", "query/model"),
        ("/gains?target=mnli", "query/target"),
        ("/gains?target=xnli&metric=f1", "query/metric"),
        ("/gains?metric=nope", "query/metric"),
        ("/gains?source=web", "query/source"),
        ("/tradeoff?languages=xx", "query/languages"),
        ("/tradeoff?target=nope", "query/target"),
        ("/tradeoff?each=true", "query/target"),
        ("/tradeoff/portfolio?budget=0", "query/budget"),
        ("/tradeoff/portfolio?budget=nan", "query/budget"),
        ("/tradeoff/portfolio?budget=5&unit=euro", "query/unit"),
        ("/tradeoff/portfolio?budget=5&languages=xx", "query/languages"),
        ("/tradeoff/trend?each=true", "query/target"),
        ("/tradeoff/trend?x=hours", "query/x"),
        ("/gains/languages?model=nope", "query/model"),
        ("/gains/languages/sw?model=nope", "query/model"),
        ("/experiments/1/export?format=xml", "query/format"),
    ],
)
def test_bad_parameters_are_named(idle: TestClient, path: str, pointer: str) -> None:
    body = problem(idle.get(V1 + path), 422)
    assert pointer in [e["pointer"] for e in body["errors"]]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201])
def test_bad_idempotency_keys(idle: TestClient, key: str) -> None:
    body = problem(idle.post(V1 + "/experiments", json=REQUEST, headers={"Idempotency-Key": key}), 422)
    assert body["errors"][0]["pointer"] == "header/idempotency-key"


# --- our side -------------------------------------------------------------------------------------------------------


def test_an_unexpected_error_tells_its_id_and_nothing_else(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(routes.experiments, "page", broken)
    response = client.get(V1 + "/experiments", headers={"X-Request-ID": "abc-1"})
    body = problem(response, 500)
    assert "abc-1" in body["detail"]
    assert "42" not in response.text
    assert response.headers["x-request-id"] == "abc-1"
    assert "content-security-policy" in response.headers
    logged = [r for r in caplog.records if r.exc_info]
    assert any("abc-1" in r.getMessage() for r in logged)


def test_no_tables_is_503(tmp_path: Any, client: TestClient, app: FastAPI) -> None:
    empty = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    with TestClient(create_app(empty)) as other:
        body = problem(other.get(V1 + "/experiments"), 503)
        assert "crosslift migrate" in body["detail"]
        response = other.post(V1 + "/experiments", json=REQUEST)
        problem(response, 503)
        assert response.headers["retry-after"]
    empty.dispose()


def test_a_commit_that_fails_is_no_success(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch, rung: list[Any]
) -> None:
    """The database accepts every statement and refuses the commit: no 201, no bell, nothing there."""

    def refuse(self: Session) -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", refuse)
        problem(client.post(V1 + "/experiments", json=REQUEST), 503)
    assert rung == []
    assert client.get(V1 + "/experiments").json()["total"] == 0


# --- other sites, other hosts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example", "localhost:1:2", "[::1", "a b"])
def test_other_hosts(idle: TestClient, host: str) -> None:
    problem(idle.get(V1 + "/tasks", headers={"Host": host}), 400)


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost", "[::1]:8321", "LOCALHOST:1"])
def test_our_hosts(idle: TestClient, host: str) -> None:
    assert idle.get(V1 + "/tasks", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://testserver:81"},
                {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://["}],
)  # fmt: skip
def test_a_page_of_another_site_may_not_write(client: TestClient, headers: dict[str, str]) -> None:
    made = client.post(V1 + "/experiments", json=REQUEST).json()["id"]
    problem(client.post(f"{V1}/experiments/{made}:cancel", headers=headers), 403)
    assert client.get(f"{V1}/experiments/{made}").json()["cancel_requested_at"] is None


def test_our_own_pages_may_write(store: Store) -> None:
    with TestClient(create_app(store, public_url="https://lab.example/")) as client:
        for headers in (
            {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
            {"Origin": "https://lab.example", "Host": "testserver"},  # behind a proxy that names its backend
            {"Origin": "https://lab.example", "Host": "lab.example"},
        ):
            assert client.post(V1 + "/experiments:preview", json=REQUEST, headers=headers).status_code == 200


def test_a_websocket_from_elsewhere_is_closed_and_one_without_a_rule(app: FastAPI) -> None:
    app.state.access.declare(Rule("WEBSOCKET", "/ws", Role.VIEWER))

    @app.websocket("/undeclared")
    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    with TestClient(app) as client:
        with client.websocket_connect("/ws", headers={"Origin": "http://testserver"}) as open_:
            assert open_.receive_text() == "hello"
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=headers):
                pass
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/undeclared"):
            pass
