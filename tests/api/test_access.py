"""Who may use which address: deny by default, roles in their order, and no listening on a network without accounts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from backend.api.access import API, Access, Rule
from backend.domain.account import Role, Who
from backend.errors import Conflict
from backend.settings import Settings, is_loopback

ROOT = Path(__file__).resolve().parents[2]


def known_by_name(headers: Headers) -> Who | None:
    """For these tests a name is enough."""
    name = headers.get("authorization", "")
    return Who(name, Role(name), 1, "session", 1) if name in list(Role) else None


@pytest.fixture
def closed(app: FastAPI) -> TestClient:
    """The API where people have to say who they are."""
    app.state.access.identify = known_by_name
    return TestClient(app)


def test_a_route_without_a_rule_answers_nobody(app: FastAPI, client: TestClient) -> None:
    @app.get("/forgotten")
    def forgotten() -> str:
        return "secret"

    assert client.get("/forgotten").status_code == 404
    app.state.access.identify = known_by_name
    assert client.get("/forgotten").status_code == 401
    assert client.get("/forgotten", headers={"Authorization": "admin"}).status_code == 404
    app.state.access.declare(Rule("GET", "/forgotten", Role.ADMIN))
    assert client.get("/forgotten", headers={"Authorization": "submitter"}).status_code == 403
    assert client.get("/forgotten", headers={"Authorization": "admin"}).text == '"secret"'


#: Has a lock of its own: this machine, or a token (``test_metrics``).
LOCKED = {"/metrics"}


@pytest.mark.parametrize("rule", [r for r in API if r.template not in LOCKED], ids=lambda r: f"{r.method} {r.template}")
def test_each_address_lets_in_who_it_says(closed: TestClient, rule: Rule) -> None:
    """What a route answers to who may is another test's; here it is only not a refusal."""
    path = rule.template.replace("{rest:path}", "x").replace("{", "").replace("}", "")
    for name in ("", *Role):
        if path.endswith("/events"):
            path = path.replace("experiment_id", "1").replace("run_id", "1")
        headers = {"Authorization": name, "Origin": "http://testserver"} if name else {}
        status = closed.request(rule.method, path, headers=headers).status_code
        if rule.needs is None or (name and Role(name).allows(rule.needs)):
            assert status not in (401, 403), (name, status)
        else:
            assert status == (403 if name else 401), (name, status)


def test_a_browser_is_led_to_where_one_signs_in_and_a_program_is_told(closed: TestClient) -> None:
    page = closed.get("/explore?x=1&y=%2F", headers={"Accept": "text/html"}, follow_redirects=False)
    assert page.status_code == 303
    assert page.headers["location"] == "/login?next=%2Fexplore%3Fx%3D1%26y%3D%252F"
    for path in ("/explore", "/api/v1/runs"):
        told = closed.get(path, headers={"Accept": "application/json"})
        assert told.status_code == 401
        assert told.headers["www-authenticate"] == "Bearer"
        assert told.headers["content-type"] == "application/problem+json"
    assert closed.get("/api/v1/runs", headers={"Accept": "text/html"}).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["//api/v1/runs", "/api/v1/runs/", "/API/v1/runs", "/api/v1/../v1/runs", "/healthz/../api/v1/runs", "/%61pi/v1/runs",
     "/api/v1/shared/../runs", "/healthz%2f..%2fapi%2fv1%2fruns", "/assets/../api/v1/runs", "/api/v1/runs%00", "/api/v1/shared/x/y"],
)  # fmt: skip
def test_no_way_of_writing_a_path_gets_around_it(closed: TestClient, path: str) -> None:
    assert closed.get(path).status_code in (401, 404)
    assert "items" not in closed.get(path).text


def test_roles_are_in_their_order() -> None:
    assert [[a.allows(b) for b in Role] for a in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_the_first_rule_that_fits_counts() -> None:
    access = Access(None, (Rule("GET", "/a/{x}", Role.ADMIN), Rule("GET", "/{rest:path}", Role.VIEWER)))
    found = [access.rule("HEAD", path) for path in ("/a/b", "/a/b/c", "/a/")]
    assert [r.needs if r else None for r in found] == [Role.ADMIN, Role.VIEWER, Role.VIEWER]
    assert access.rule("POST", "/a/b") is None


# --- listening ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True), ("LOCALHOST", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.4", False), ("lab.example", False), ("", False), ("localhost.example", False)],
)  # fmt: skip
def test_loopback_is_told_from_the_rest(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here


def test_other_machines_are_let_in_with_accounts_only() -> None:
    Settings(host="127.0.0.1").check_exposure()
    Settings(host="0.0.0.0", accounts=True).check_exposure()
    with pytest.raises(Conflict, match="crosslift user add NAME --role admin"):
        Settings(host="0.0.0.0").check_exposure()


@pytest.mark.parametrize("module", ["dashboard.server", "backend.cli"])
def test_neither_web_nor_up_starts_where_anybody_could_come_in(module: str, tmp_path: Path) -> None:
    """Before anything is started, and in words."""
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "",
        "CROSSLIFT_HOST": "0.0.0.0",
        "CROSSLIFT_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", module, *(["up"] if module == "backend.cli" else [])]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 4)
    assert "CROSSLIFT_ACCOUNTS=true" in done.stderr
    assert not (tmp_path / "home" / "crosslift.db").exists()
