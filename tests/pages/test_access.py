"""The table of addresses and roles against every route that there is, and what is refused by default."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Prints every route of the whole application, however deep, with the rule that a request to it falls under.
ROUTES = """
import json, sys
from fastapi.routing import _IncludedRouter
from starlette.routing import Mount
from starlette.testclient import TestClient
from backend.api.app import PREFIX
from backend.store.session import Store
from dashboard.server import create

def every(routes, prefix=""):
    for route in routes:
        if isinstance(route, _IncludedRouter):
            inner = route.original_router.routes
            api = PREFIX if route.include_context.prefix else ""
            assert route.include_context.prefix in ("", PREFIX)
            yield from every(inner, api)
        elif isinstance(route, Mount):
            yield "GET", prefix + route.path + "/{path:path}"
        elif type(route).__name__ == "APIWebSocketRoute":
            yield "WEBSOCKET", prefix + route.path
        else:
            for method in route.methods:
                yield method, prefix + route.path

app = create(Store("sqlite:///here.db"))
with TestClient(app, base_url="http://127.0.0.1"):
    pass
access = app.state.access
found = []
for method, template in every(app.routes):
    import re
    path = re.sub(r"\\{[^}]*\\}", "x", template)
    rule = access.rule(method, path if path.startswith("/") else "/" + path)
    found.append([method, template, rule and rule.template, rule and rule.needs])
gate = [m.cls.__name__ for m in app.user_middleware]
json.dump({"routes": found, "rules": [[r.method, r.template] for r in access.rules], "order": gate}, sys.stdout)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The application as it is served; in a process of its own, since Dash puts one together once."""
    done = subprocess.run(
        [sys.executable, "-c", ROUTES],
        cwd=tmp_path_factory.mktemp("routes"),
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_route_has_a_rule_of_its_own(whole: dict[str, Any]):
    """What a route answers to is what its rule says: same template, not merely one that happens to fit."""
    without = {"WEBSOCKET /_dash-ws-callback"}  # no callback uses one: nobody may
    assert len(whole["routes"]) > 60
    for method, template, rule, needs in whole["routes"]:
        if f"{method} {template}" in without:
            assert rule is None
        else:
            assert rule == template, f"{method} {template} falls under {rule} ({needs}); declare it"


def test_every_rule_has_a_route(whole: dict[str, Any]):
    """A rule for what is gone would open whatever is put there next."""
    there = {(m, t) for m, t, *_ in whole["routes"]}
    assert [rule for rule in whole["rules"] if tuple(rule) not in there] == []


def test_the_gate_is_in_front_of_everything(whole: dict[str, Any]):
    assert whole["order"][:2] == ["Gate", "Visitors"]
    assert "DashMiddleware" in whole["order"]


def test_what_nobody_needs_to_sign_in_for_is_this_and_no_more(whole: dict[str, Any]):
    open_to_all = {f"{method} {template}" for method, template, _, needs in whole["routes"] if needs is None}
    assert open_to_all == {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",  # for this machine, or with its token: tests/api/test_metrics.py
        "GET /api/v1/shared/{token}",
        "GET /api/v1/session",
        "POST /api/v1/session",
        "POST /api/v1/session:begin",
        "POST /api/v1/session:finish",
        "GET /login",
        "POST /login",
        "GET /login/with",
        "GET /login/back",
        "GET /assets/{path:path}",
        "GET /_dash-component-suites/{package_name}/{fingerprinted_path:path}",
        "GET /program/style-{digest}.css",
        "GET /program/pages-{digest}.js",
        "GET /program/{name}.js",
        "GET /_dash-layout",
        "GET /_dash-dependencies",
        "GET /_favicon.ico",
        "POST /_dash-update-component",
        "GET /s/{token}.html",
        "GET /s/{token}.json",
        "GET /s/{token}.csv",
        *(f"GET /s/{{token}}.{suffix}" for suffix in ("parquet", "tex", "bib", "yaml", "py", "pdf", "svg", "png")),
        "GET /s/{token}",
        "WEBSOCKET /_dash-ws-callback",
    }


def test_what_changes_something_needs_a_submitter(whole: dict[str, Any]):
    reads = {"POST /_dash-update-component", "POST /api/v1/experiments:preview", "POST /api/v1/snapshots:preview"}
    reads |= {"POST /api/v1/experiments:expect"}
    own = {
        "POST /login",
        "POST /logout",
        "POST /api/v1/session",
        "POST /api/v1/session:begin",
        "POST /api/v1/session:finish",
        "POST /api/v1/session:end",
        "POST /api/v1/me/password",
    }
    own |= {
        "POST /api/v1/me/sessions/{session_id}:end",
        "POST /api/v1/me/tokens",
        "POST /api/v1/me/tokens/{token_id}:revoke",
        "POST /api/v1/views",  # everybody's take a submitter: tests/api/test_saved.py
        "DELETE /api/v1/views/{view_id}",
    }
    for method, template, _, needs in whole["routes"]:
        writes = (
            method in ("POST", "PUT", "PATCH", "DELETE")
            and not template.startswith("/api/{rest")
            and template != "/api"
        )
        if writes and f"{method} {template}" not in reads | own:
            assert needs in ("submitter", "admin"), (method, template)
